//! What makes two texts "the same" across data sets (DESIGN.md rule 7).

use crate::entities::unescape;
use std::borrow::Cow;
use unicode_normalization::is_nfkc_quick;
use unicode_normalization::{IsNormalized, UnicodeNormalization, char::is_combining_mark};

/// Writes the identity of `raw` into `out` (which is cleared first). Equal identities mean the same
/// text in two disguises.
///
/// The identity is the text unescaped (HTML references, literal `\uXXXX`), brought to NFKC,
/// lower-cased, and without mentions (`@name`), links (`http…`, `www.…`, `{link}`), punctuation and
/// symbols; words are separated by one space. Apostrophes join (`don't`, ``don`t`` and `dont` are
/// one), every other sign separates. Letters, digits and marks of every script stay.
///
/// A text of signs alone keeps them, so that `:)`, `:(` and different emoji stay different; the
/// identity is empty only when nothing but mentions, links and white space is there.
pub fn identity(raw: &str, out: &mut String) {
    let mut text = unescape(raw);
    if !text.is_ascii() && is_nfkc_quick(text.chars()) != IsNormalized::Yes {
        text = Cow::Owned(text.nfkc().collect());
    }
    let mut page = Line { bytes: std::mem::take(out).into_bytes(), len: 0, last: SEPARATOR };
    page.write(&text, false);
    if page.len == 0 {
        page.write(&text, true);
    }
    page.bytes.truncate(page.len);
    *out = String::from_utf8(page.bytes).expect("whole characters were written");
}

/// What to do with a byte: itself in lower case, or one of these.
const SPECIAL: u8 = 0;
const JOINER: u8 = 1;
const SEPARATOR: u8 = b' ';

/// What to do with each byte. Links begin with `h` or `w`; a text that [may hold one](may_link) has a
/// table in which these want a second look.
static ACTIONS: [u8; 256] = actions(false);
static ACTIONS_WITH_LINKS: [u8; 256] = actions(true);

const fn actions(links: bool) -> [u8; 256] {
    let mut table = [SEPARATOR; 256];
    let mut b = 0;
    while b < 256 {
        let byte = b as u8;
        table[b] = match byte {
            b'h' | b'H' | b'w' | b'W' if links => SPECIAL,
            b'@' | b'{' | 128.. => SPECIAL,
            b'\'' | b'`' => JOINER,
            _ if byte.is_ascii_alphanumeric() => byte.to_ascii_lowercase(),
            _ => SEPARATOR,
        };
        b += 1;
    }
    table
}

/// Whether `http` or `www` may stand somewhere: `tp` or `ww` does, which one text in twenty has.
/// Written so that the compiler compares sixteen bytes at a time.
fn may_link(bytes: &[u8]) -> bool {
    let next = bytes.get(1..).unwrap_or_default();
    let found = |(&a, &b): (&u8, &u8)| {
        let (a, b) = (a | 0x20, b | 0x20);
        u8::from(a == b't') & u8::from(b == b'p') | u8::from(a == b'w') & u8::from(b == b'w')
    };
    bytes.iter().zip(next).map(found).fold(0, |any, one| any | one) != 0
}

/// The identity as far as it is written.
struct Line {
    /// Longer than what is written, so that a byte costs no check of the capacity.
    bytes: Vec<u8>,
    len: usize,
    /// The last byte written, a separator at the beginning: that none is doubled.
    last: u8,
}

impl Line {
    /// One pass over `text`; with `signs`, everything but white space counts as part of a word.
    fn write(&mut self, text: &str, signs: bool) {
        let bytes = text.as_bytes();
        self.bytes.resize(text.len(), SEPARATOR);
        (self.len, self.last) = (0, SEPARATOR);
        let actions = if may_link(bytes) { &ACTIONS_WITH_LINKS } else { &ACTIONS };
        let mut at = 0;
        while at < bytes.len() {
            if !signs {
                at += self.plain(&bytes[at..], actions);
            }
            let Some(&byte) = bytes.get(at) else { break };
            let action = match actions[usize::from(byte)] {
                SPECIAL => {
                    let skipped = skip(text, at);
                    if skipped > 0 {
                        at += skipped;
                        self.push(SEPARATOR);
                        continue;
                    }
                    if byte >= 128 {
                        let Some(c) = text[at..].chars().next() else {
                            break;
                        };
                        at += c.len_utf8();
                        self.beyond_ascii(c, signs, text.len() - at);
                        continue;
                    }
                    if byte.is_ascii_alphabetic() { byte.to_ascii_lowercase() } else { SEPARATOR }
                }
                action => action,
            };
            at += 1;
            if signs && byte.is_ascii_graphic() {
                self.push(byte);
            } else if action != JOINER {
                self.push(action);
            }
        }
        if self.last == SEPARATOR {
            self.len = self.len.saturating_sub(1);
        }
    }

    /// Writes the bytes that need no second look, and says how many those were. What is written is
    /// never longer than what was read, so the room suffices.
    fn plain(&mut self, bytes: &[u8], actions: &[u8; 256]) -> usize {
        // In registers: through `self` every byte would wait for the one before. Zero says separator.
        let (mut len, mut before) = (self.len, self.last ^ SEPARATOR);
        let mut read = 0;
        for &byte in bytes {
            let action = actions[usize::from(byte)];
            if action <= JOINER {
                if action == SPECIAL {
                    break;
                }
                read += 1;
                continue;
            }
            read += 1;
            if let Some(place) = self.bytes.get_mut(len) {
                *place = action;
                let here = action ^ SEPARATOR;
                len += usize::from(here | before != 0);
                before = here;
            }
        }
        (self.len, self.last) = (len, before ^ SEPARATOR);
        read
    }

    /// Writes `byte`; without a branch, because nobody can foretell where words end.
    #[inline]
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += usize::from((byte != SEPARATOR) | (self.last != SEPARATOR));
            self.last = byte;
        }
    }

    /// What `c` leaves; `rest` bytes of text are still to come.
    fn beyond_ascii(&mut self, c: char, signs: bool, rest: usize) {
        match kind(c, signs) {
            JOINER => {}
            SEPARATOR => self.push(SEPARATOR),
            _ => {
                // Lower case can be longer: İ becomes three bytes of two.
                let needed = self.len + 12 + rest;
                if self.bytes.len() < needed {
                    self.bytes.resize(needed, SEPARATOR);
                }
                for lower in c.to_lowercase() {
                    for byte in lower.encode_utf8(&mut [0; 4]).bytes() {
                        self.push(byte);
                    }
                }
            }
        }
    }
}

/// What a character beyond ASCII does; [`SPECIAL`] stands for "is written".
fn kind(c: char, signs: bool) -> u8 {
    match c {
        // Variation selectors, joiners, direction marks: invisible.
        '\u{fe00}'..='\u{fe0f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => JOINER,
        '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{ad}' => JOINER,
        '\u{2018}' | '\u{2019}' | '\u{b4}' | '\u{2bc}' if !signs => JOINER,
        _ if c.is_alphanumeric() || is_combining_mark(c) => SPECIAL,
        _ if signs && !c.is_whitespace() && !c.is_control() => SPECIAL,
        _ => SEPARATOR,
    }
}

/// How many bytes of a mention or link stand at `at`; 0 when none does.
fn skip(text: &str, at: usize) -> usize {
    let bytes = &text.as_bytes()[at..];
    let starts_word = at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric();
    let begins = |with: &[u8]| bytes.len() >= with.len() && bytes[..with.len()].eq_ignore_ascii_case(with);
    let to_space = || text[at..].find(char::is_whitespace).unwrap_or(bytes.len());
    match bytes[0] {
        b'h' | b'H' if begins(b"http") => {
            let scheme = if begins(b"https") { 5 } else { 4 };
            if bytes[scheme..].starts_with(b"://") {
                to_space()
            } else if starts_word && !bytes.get(scheme).is_some_and(u8::is_ascii_alphanumeric) {
                scheme // UMSAB writes every link as the bare word `http`
            } else {
                0
            }
        }
        b'w' | b'W' if starts_word && begins(b"www.") => to_space(),
        b'{' if begins(b"{link}") => 6,
        b'@' if starts_word => {
            let name = &bytes[1..];
            let ascii = name.iter().take_while(|&&b| b.is_ascii_alphanumeric() || b == b'_').count();
            let more = match name.get(ascii) {
                Some(128..) => text[at + 1 + ascii..].find(|c: char| !(c.is_alphanumeric() || c == '_')),
                _ => Some(0),
            };
            match more.map_or(name.len(), |more| ascii + more) {
                0 => 0,
                len => len + 1,
            }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(raw: &str, want: &str) {
        let mut out = "left over".to_owned();
        identity(raw, &mut out);
        assert_eq!(out, want, "{raw:?}");
    }

    #[test]
    fn words_stay_and_disguises_fall() {
        check("", "");
        check("  Hello,   WORLD!!  ", "hello world");
        check("@switchfoot http://twitpic.com/2y1zl - Awww, that's a bummer.", "awww thats a bummer");
        check("I\\u2019m a fan\\u002c OK", "im a fan ok");
        check("don't don`t don\u{2019}t dont don&#39;t", "dont dont dont dont dont");
        check("&lt;b&gt; &amp;quot;x", "b x");
        check("see HTTPS://a.b/c?d and www.x.y, or {link} via @mention", "see and or via");
        check("done http", "done");
        check("httpd why whhttp://x", "httpd why wh");
        check("me@home @ noon", "me home noon");
        check("#LoveIt so_much", "loveit so much");
        check("ＦＵＬＬ cafe\u{301}", "full café");
        check("İstanbul", "i\u{307}stanbul");
    }

    #[test]
    fn every_script_stays() {
        check("الفيلم رائع، جدا!", "الفيلم رائع جدا");
        check("हिन्दी १२३", "हिन्दी १२३");
        check("とても良い。", "とても良い");
    }

    #[test]
    fn texts_of_signs_alone_stay_different() {
        check(":)", ":)");
        check(" :( ", ":(");
        check("@you &lt;3", "3");
        check("@you \u{1F600}\u{fe0f}", "\u{1F600}");
        check("...", "...");
        check("@you http://x.y", "");
        check("nice \u{1F600}", "nice");
    }

    proptest! {
        #[test]
        fn any_text_has_a_tidy_identity(raw in r"([a-zA-Z@{}:/.'&;#\\ \n]|http|www|link|\PC){0,60}") {
            let mut out = String::new();
            identity(&raw, &mut out);
            prop_assert_eq!(out.trim(), &out);
            prop_assert!(!out.contains("  "));
            let mut again = String::new();
            identity(&raw.replace(' ', "   "), &mut again);
            prop_assert_eq!(&again, &out, "spacing is no disguise");
        }
    }
}
