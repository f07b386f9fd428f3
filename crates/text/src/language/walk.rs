//! A raw text taken apart into what says something about its language.

use super::latin;
use super::script::{self, Script};

/// Bytes that are looked at, so that a text of digits and spaces is bounded too.
pub(super) const BYTES: usize = 1 << 14;

/// What [`walk`] finds in a text.
pub(super) enum Part<'a> {
    /// A word in Latin script.
    Word(&'a latin::Word),
    /// A character outside Latin words.
    Letter(Script, char),
}

/// Calls `sink` with the words and letters of `raw` that are neither link, mention nor entity, until
/// it returns false.
pub(super) fn walk(raw: &str, sink: &mut impl FnMut(Part<'_>) -> bool) {
    let text = &raw[..raw.floor_char_boundary(BYTES)];
    let mut at = 0;
    let mut more = true;
    while more && let Some(c) = char_at(text, at) {
        at += match c {
            '@' => 1 + ascii_run(&text[at + 1..], |b| b.is_ascii_alphanumeric() || b == b'_'),
            '&' => entity(&text[at..]).max(1),
            _ if starts_word(c) => match link(&text[at..]) {
                0 => {
                    let (word, len) = word(&text[at..]);
                    more = sink(Part::Word(&word));
                    len
                }
                len => len,
            },
            _ => {
                more = sink(Part::Letter(script::of(c), c));
                c.len_utf8()
            }
        };
    }
}

/// The word that `text` begins with, and its bytes.
fn word(text: &str) -> (latin::Word, usize) {
    let mut word = latin::Word::default();
    let mut end = 0;
    while let Some(c) = char_at(text, end) {
        match latin::code(c) {
            0 if !is_combining(c) => break,
            0 => {}
            code => word.push(code),
        }
        end += c.len_utf8();
    }
    (word, end)
}

/// The length of the link that `text` begins with, up to the next space; 0 if it is none.
fn link(text: &str) -> usize {
    let begins = |prefix: &[u8]| text.as_bytes().get(..4).is_some_and(|b| b.eq_ignore_ascii_case(prefix));
    if begins(b"http") || begins(b"www.") { text.find(char::is_whitespace).unwrap_or(text.len()) } else { 0 }
}

/// A Latin letter or a digit: an apostrophe belongs to a word, but begins none.
fn starts_word(c: char) -> bool {
    !matches!(latin::code(c), 0 | latin::APOSTROPHE)
}

/// The accents of decomposed letters: passed over, as if left out by the writer.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

/// The length of the HTML entity that `text` begins with; 0 if it is none.
fn entity(text: &str) -> usize {
    let name = ascii_run(&text[1..], |b| b.is_ascii_alphanumeric() || b == b'#');
    let closed = text.as_bytes().get(1 + name) == Some(&b';');
    if closed && (1..=8).contains(&name) { name + 2 } else { 0 }
}

fn ascii_run(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|&byte| belongs(byte)).count()
}

/// The character that begins at byte `at`, which is a boundary; the ASCII case without decoding.
#[inline]
fn char_at(text: &str, at: usize) -> Option<char> {
    match text.as_bytes().get(at) {
        Some(&byte) if byte.is_ascii() => Some(char::from(byte)),
        Some(_) => text[at..].chars().next(),
        None => None,
    }
}
