//! Links become `URL`: `http://…`, `https://…`, `www.…`, `pic.twitter.com/…`, and what data sets
//! write for a link that they removed (`{link}`, the bare word `http`).

use crate::letters::is_alphanumeric;
use crate::trace::{Desk, Trace};
use memchr::memchr3;
use memchr::memmem::Finder;
use std::ops::Range;
use std::sync::LazyLock;

/// The bare word that UMSAB has in the place of a link.
static HTTP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("http"));

pub(crate) fn apply<T: Trace>(desk: &mut Desk<T>) {
    desk.substitute(" URL ", |text, from| {
        let mut at = from;
        loop {
            let anchor = at + memchr3(b':', b'.', b'{', &text.as_bytes()[at..])?;
            if let Some(link) = link(text, from, anchor) {
                return Some(link);
            }
            at = anchor + 1;
        }
    });
    desk.substitute(" URL ", |text, from| {
        let mut at = from;
        loop {
            let start = at + HTTP.find(&text.as_bytes()[at..])?;
            let end = start + if text[start..].starts_with("https") { 5 } else { 4 };
            if !ends_in_word(&text[..start]) && !text[end..].starts_with(is_word) {
                return Some(start..end);
            }
            at = end;
        }
    });
}

/// The link around the sign at `anchor`, if there is one that begins at or after `from`.
fn link(text: &str, from: usize, anchor: usize) -> Option<Range<usize>> {
    let (before, after) = (&text.as_bytes()[from..anchor], &text.as_bytes()[anchor + 1..]);
    let start = match text.as_bytes()[anchor] {
        b':' if after.starts_with(b"//") => {
            if ends_with(before, b"https") {
                anchor - 5
            } else if ends_with(before, b"http") {
                anchor - 4
            } else {
                return None;
            }
        }
        b'.' => {
            let shortcut = ends_with(before, b"pic") && after.starts_with(b"twitter.com/");
            if !(shortcut || ends_with(before, b"www")) || ends_in_word(&text[..anchor - 3]) {
                return None;
            }
            anchor - 3
        }
        b'{' if after.starts_with(b"link}") => return Some(anchor..anchor + 6),
        _ => return None,
    };
    let rest = &text[anchor + 1..];
    let whole = rest.find(|c: char| c.is_whitespace() || "<>\"".contains(c)).unwrap_or(rest.len());
    // The sign that ends a sentence is not part of the link in it.
    Some(start..anchor + 1 + rest[..whole].trim_end_matches(|c| ".,;:!?'()]…»”’".contains(c)).len())
}

fn ends_with(before: &[u8], what: &[u8]) -> bool {
    before.len() >= what.len() && before[before.len() - what.len()..].eq_ignore_ascii_case(what)
}

/// Whether `c` can be part of a name or word.
pub(crate) fn is_word(c: char) -> bool {
    is_alphanumeric(c) || c == '_'
}

/// Whether what follows `before` would continue a word.
pub(crate) fn ends_in_word(before: &str) -> bool {
    before.ends_with(is_word)
}
