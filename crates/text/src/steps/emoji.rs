//! Emoji become `EMOJIname`, by their CLDR short names: 😀 is `EMOJIgrinningface`. Sequences with
//! joiners, flags and keycaps are one emoji; skin tones are left out of the name, because they say
//! nothing about the feeling.

use crate::trace::{Desk, Trace};
use emojis::{Emoji, SkinTone};
use unicode_normalization::UnicodeNormalization;

/// No emoji of Unicode 17 has more characters than this (the flags of England, Scotland, Wales
/// have 7, a family or kiss with skin tones 10).
const LONGEST: usize = 12;

pub(crate) fn apply<T: Trace>(desk: &mut Desk<T>) {
    if desk.page.text.is_ascii() {
        return;
    }
    let Some(first) = find(&desk.page.text, 0) else {
        return;
    };
    desk.rewrite(|page, next| {
        let (mut kept, mut found) = (0, Some(first));
        while let Some((start, end, emoji)) = found {
            next.keep(page, kept..start);
            next.replace_with(page, start..end, |out| {
                out.push(' ');
                push_name(emoji, out);
                out.push(' ');
            });
            kept = end;
            found = find(&page.text, end);
        }
        next.keep(page, kept..page.text.len());
    });
}

/// Appends `EMOJIname`: the short name in ASCII lower case, letters and digits only.
pub(crate) fn push_name(emoji: &Emoji, out: &mut String) {
    out.push_str("EMOJI");
    let plain = emoji.with_skin_tone(SkinTone::Default).unwrap_or(emoji);
    let letters = plain.name().nfd().filter(char::is_ascii_alphanumeric);
    out.extend(letters.map(|c| c.to_ascii_lowercase()));
}

/// The next emoji at or after `from`, and where it starts and ends.
fn find(text: &str, from: usize) -> Option<(usize, usize, &'static Emoji)> {
    let mut at = from;
    loop {
        let start = at + text.as_bytes()[at..].iter().position(|&byte| may_lead(byte))?;
        let c = text[start..].chars().next()?;
        if may_begin(c)
            && let Some((len, emoji)) = longest(&text[start..])
        {
            return Some((start, start + len, emoji));
        }
        at = start + c.len_utf8();
    }
}

/// Whether a character that [may begin](may_begin) an emoji has `byte` for its first.
fn may_lead(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'#' | b'*' | 0xc2 | 0xe2 | 0xe3 | 0xf0)
}

fn may_begin(c: char) -> bool {
    match c {
        '0'..='9' | '#' | '*' | '©' | '®' => true,
        _ => matches!(c, '\u{203c}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}'),
    }
}

/// The longest emoji that `rest` begins with, and its length with the modifiers behind it.
fn longest(rest: &str) -> Option<(usize, &'static Emoji)> {
    let mut ends = [0; LONGEST];
    let mut count = 0;
    let mut last = '\u{200d}';
    for (at, c) in rest.char_indices().take(LONGEST) {
        let flag = count == 1 && is_regional(last) && is_regional(c);
        if !(last == '\u{200d}' || c == '\u{200d}' || flag || is_modifier(c)) {
            break;
        }
        ends[count] = at + c.len_utf8();
        count += 1;
        last = c;
    }
    // A bare digit or sign is none: keycaps have two characters more.
    let shortest = if rest.starts_with(|c: char| c.is_ascii()) { 1 } else { 0 };
    let ends = ends.get(shortest..count)?;
    let (len, emoji) = ends.iter().rev().find_map(|&end| Some((end, emojis::get(&rest[..end])?)))?;
    let tail = &rest[len..];
    let more = tail.char_indices().take(LONGEST).take_while(|(_, c)| is_modifier(*c));
    let more = more.last().map_or(0, |(at, c)| at + c.len_utf8());
    Some((len + more, emoji))
}

fn is_regional(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Variation selectors, the keycap's frame, skin tones, the letters of a flag's tag.
fn is_modifier(c: char) -> bool {
    matches!(
        c,
        '\u{fe0e}' | '\u{fe0f}' | '\u{20e3}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}'
    )
}
