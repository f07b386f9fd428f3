//! `#BestDayEver` is one word, three words, or just a hashtag.

use super::urls::{ends_in_word, is_word};
use crate::letters::{is_alphabetic, is_mark};
use crate::recipe::Hashtag;
use crate::trace::{Desk, Trace};
use memchr::memchr;
use std::ops::Range;

pub(crate) fn apply<T: Trace>(desk: &mut Desk<T>, mode: Hashtag) {
    let Some(first) = find(&desk.page.text, 0) else {
        return;
    };
    if mode == Hashtag::Mask {
        return desk.substitute(" HASHTAG ", find);
    }
    desk.rewrite(|page, next| {
        let (mut kept, mut found) = (0, Some(first));
        while let Some(tag) = found {
            next.keep(page, kept..tag.start);
            next.replace(page, tag.start..tag.start + 1, " ");
            kept = tag.start + 1;
            if mode == Hashtag::Split {
                split(&page.text[kept..tag.end], |cut| {
                    let cut = tag.start + 1 + cut;
                    next.keep(page, kept..cut);
                    next.replace(page, cut..cut, " ");
                    kept = cut;
                });
            }
            found = find(&page.text, tag.end);
        }
        next.keep(page, kept..page.text.len());
    });
}

/// The next hashtag: a sign that continues neither a word nor a link, and a name with a letter.
fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let start = at + memchr(b'#', &text.as_bytes()[at..])?;
        let name = &text[start + 1..];
        let len = name.find(|c| !(is_word(c) || is_mark(c))).unwrap_or(name.len());
        let before = &text[..start];
        let fresh = !ends_in_word(before) && !before.ends_with(['/', '&', '=', '-', '.']);
        if fresh && name[..len].contains(is_alphabetic) {
            return Some(start..start + 1 + len);
        }
        at = start + 1 + len;
    }
}

/// Calls `cut` where a new word begins: `loveIt`, `NBAFinals`, `covid19`, `so_true`.
fn split(name: &str, mut cut: impl FnMut(usize)) {
    let mut before: Option<(usize, char)> = None;
    let mut earlier = ' ';
    for (at, c) in name.char_indices() {
        if let Some((start, last)) = before {
            let rises = last.is_lowercase() && c.is_uppercase();
            let counts = last.is_numeric() != c.is_numeric() && last != '_' && !is_mark(c);
            // In "NBAFinals" the last capital of the row begins the next word.
            let row = earlier.is_uppercase() && last.is_uppercase() && c.is_lowercase();
            if row {
                cut(start);
            } else if rises || counts || c == '_' || last == '_' {
                cut(at);
            }
        }
        earlier = before.map_or(' ', |(_, last)| last);
        before = Some((at, c));
    }
}
