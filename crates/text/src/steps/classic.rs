//! The steps of the classic Sentiment140 recipe, with its quirks: links end at a space only, every
//! emoticon is replaced in turn over the result of the one before, and nothing is put around it.
//!
//! `tests/classic/classic.py` is the reference.

use crate::analyzer::is_space;
use crate::shortcut::Mark;
use crate::trace::{Desk, Trace};
use memchr::memchr;
use memchr::memmem::{self, Finder};
use std::sync::LazyLock;

/// Of `://` and of `www.`.
pub(crate) const URL_MARKS: [Mark; 2] = [(b':', Some(b'/')), (b'w', Some(b'w'))];

pub(crate) const USER_MARKS: [Mark; 1] = [(b'@', None)];

/// `(http://)[^ ]*|(https://)[^ ]*|( www\.)[^ ]*` becomes ` URL`.
pub(crate) fn urls<T: Trace>(desk: &mut Desk<T>) {
    let bytes = desk.page.text.as_bytes();
    // Where the next of each kind stands, looked for again only when it was passed.
    let (mut http, mut www) = (find_http(bytes, 0), find_www(bytes, 0));
    if http.is_none() && www.is_none() {
        return;
    }
    desk.substitute(" URL", |text, from| {
        let bytes = text.as_bytes();
        if http.is_some_and(|at| at < from) {
            http = find_http(bytes, from);
        }
        if www.is_some_and(|at| at < from) {
            www = find_www(bytes, from);
        }
        let start = match (http, www) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b)?,
        };
        // The space in front of `www.` belongs to the link.
        let end = memchr(b' ', &bytes[start + 1..]).map_or(bytes.len(), |at| start + 1 + at);
        Some(start..end)
    });
}

fn find_www(bytes: &[u8], from: usize) -> Option<usize> {
    static WWW: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" www."));
    WWW.find(&bytes[from..]).map(|at| from + at)
}

/// Looks for the sign: it is rarer than the letters.
fn find_http(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let colon = at + memchr(b':', &bytes[at..])?;
        at = colon + 1;
        if bytes[at..].starts_with(b"//") {
            for scheme in [&b"http"[..], b"https"] {
                if bytes[from..colon].ends_with(scheme) {
                    return Some(colon - scheme.len());
                }
            }
        }
    }
}

/// `@[^\s]+` becomes ` USER`, with Python's idea of white space.
pub(crate) fn users<T: Trace>(desk: &mut Desk<T>) {
    desk.substitute(" USER", |text, from| {
        let mut at = from;
        loop {
            let start = at + memchr(b'@', &text.as_bytes()[at..])?;
            let name = start + 1;
            // Most names are ASCII and end at a space; the others are read on by characters.
            let plain = text.as_bytes()[name..].iter().take_while(|byte| byte.is_ascii_graphic()).count();
            let rest = &text[name + plain..];
            let len = plain + rest.find(is_space).unwrap_or(rest.len());
            if len > 0 {
                return Some(start..name + len);
            }
            at = name;
        }
    });
}

/// Emoticon and name, in the order in which they are replaced. The text is in lower case by then, so
/// those with a capital can match only what an earlier one left behind (`:-:)`, by way of
/// `:-EMOJIsmile`); they are kept because the reference keeps them.
const EMOTICONS: [(&str, &str); 32] = [
    (":)", "EMOJIsmile"),
    (":-)", "EMOJIsmile"),
    (";d", "EMOJIwink"),
    (":-E", "EMOJIvampire"),
    (":(", "EMOJIsad"),
    (":-(", "EMOJIsad"),
    (":-<", "EMOJIsad"),
    (":P", "EMOJIraspberry"),
    (":O", "EMOJIsurprised"),
    (":-@", "EMOJIshocked"),
    (":@", "EMOJIshocked"),
    (":-$", "EMOJIconfused"),
    (":\\", "EMOJIannoyed"),
    (":#", "EMOJImute"),
    (":X", "EMOJImute"),
    (":^)", "EMOJIsmile"),
    (":-&", "EMOJIconfused"),
    ("$_$", "EMOJIgreedy"),
    ("@@", "EMOJIeyeroll"),
    (":-!", "EMOJIconfused"),
    (":-D", "EMOJIsmile"),
    (":-0", "EMOJIyell"),
    ("O.o", "EMOJIconfused"),
    ("<(-_-)>", "EMOJIrobot"),
    ("d[-_-]b", "EMOJIdj"),
    (":'-)", "EMOJIsadsmile"),
    (";)", "EMOJIwink"),
    (";-)", "EMOJIwink"),
    ("O:-)", "EMOJIangel"),
    ("O*-)", "EMOJIangel"),
    ("(:-D", "EMOJIgossip"),
    ("=^.^=", "EMOJIcat"),
];

/// The first two characters of each emoticon, but for a letter in front of a sign and another.
pub(crate) fn emoticon_marks() -> Vec<Mark> {
    let mark = |(emoticon, _): &(&str, _)| match *emoticon.as_bytes() {
        [first, second, third, ..] if first.is_ascii_lowercase() => (second, Some(third)),
        [first, second, ..] => (first, Some(second)),
        [first] => (first, None),
        [] => (0, None),
    };
    EMOTICONS.iter().map(mark).collect()
}

/// Which signs occur, one bit each; letters and digits have none.
const SIGNS: [u32; 256] = {
    let signs = b"!#$&'()*-.:;<=>@[\\]^_";
    let mut table = [0; 256];
    let mut i = 0;
    while i < signs.len() {
        table[signs[i] as usize] = 1 << i;
        i += 1;
    }
    table
};

const fn signs(of: &[u8]) -> u32 {
    let (mut mask, mut i) = (0, 0);
    while i < of.len() {
        mask |= SIGNS[of[i] as usize];
        i += 1;
    }
    mask
}

/// The signs that each emoticon needs.
static NEEDS: [u32; EMOTICONS.len()] = {
    let mut needs = [0; EMOTICONS.len()];
    let mut i = 0;
    while i < needs.len() {
        needs[i] = signs(EMOTICONS[i].0.as_bytes());
        i += 1;
    }
    needs
};

/// Replaces the emoticons one after the other.
pub(crate) fn emoticons<T: Trace>(desk: &mut Desk<T>) {
    // Replacing only takes signs away: what is absent now stays absent.
    let present = signs(desk.page.text.as_bytes());
    for ((emoticon, name), needs) in EMOTICONS.iter().zip(&NEEDS) {
        if present & needs == *needs {
            desk.substitute(name, |text, from| {
                let at = from + memmem::find(&text.as_bytes()[from..], emoticon.as_bytes())?;
                Some(at..at + emoticon.len())
            });
        }
    }
}

pub(crate) fn alphanumeric_byte(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte } else { b' ' }
}

/// `[^a-zA-Z0-9]` becomes a space.
pub(crate) fn alphanumeric<T: Trace>(desk: &mut Desk<T>) {
    if desk.page.text.is_ascii() {
        return desk.edit_bytes(|bytes| {
            for byte in bytes {
                *byte = alphanumeric_byte(*byte);
            }
        });
    }
    desk.rewrite(|page, next| {
        let mut kept = 0;
        for (at, c) in page.text.char_indices() {
            if !c.is_ascii_alphanumeric() {
                next.keep(page, kept..at);
                kept = at + c.len_utf8();
                next.replace(page, at..kept, " ");
            }
        }
        next.keep(page, kept..page.text.len());
    });
}
