//! French elisions are two words: `j'adore` becomes `j' adore`. `aujourd'hui`, `quelqu'un` and
//! `presqu'île` stay whole.

use crate::letters::is_alphabetic;
use crate::trace::{Desk, Trace};
use memchr::{memchr, memmem};

const ELIDED: [&str; 13] =
    ["l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu"];

/// The typographic apostrophe.
const CURLY: &str = "\u{2019}";

pub(crate) fn apply<T: Trace>(desk: &mut Desk<T>) {
    let bytes = desk.page.text.as_bytes();
    if memchr(b'\'', bytes).is_none() && memmem::find(bytes, CURLY.as_bytes()).is_none() {
        return;
    }
    desk.substitute("' ", |text, from| {
        let signs = text[from..].match_indices(['\'', '\u{2019}']);
        signs
            .map(|(at, sign)| from + at..from + at + sign.len())
            .find(|sign| text[sign.end..].starts_with(is_alphabetic) && is_elided(&text[..sign.start]))
    });
}

/// Whether the last word of `before` is one that loses its vowel.
fn is_elided(before: &str) -> bool {
    let longest = before.floor_char_boundary(before.len().saturating_sub(8));
    let near = &before[longest..];
    let word = near.rsplit(|c: char| !is_alphabetic(c)).next().unwrap_or(near);
    ELIDED.iter().any(|elided| word.eq_ignore_ascii_case(elided))
}
