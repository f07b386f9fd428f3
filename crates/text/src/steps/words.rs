//! Punctuation and symbols go; letters, digits and marks of every script stay.

use crate::cut::CLAUSE_END;
use crate::letters::{is_alphabetic, is_alphanumeric, is_mark, is_plain_beyond_ascii};
use crate::trace::{Desk, Page, Trace};

/// Marks that stay on one letter; a pile of more is decoration.
const MOST_MARKS: usize = 4;

/// What [`Words::apply`] does with signs.
#[derive(Debug)]
pub(crate) struct Words {
    /// Signs whose runs become tokens.
    pub(crate) exclamation: bool,
    pub(crate) question: bool,
    pub(crate) ellipsis: bool,
    /// Written where a clause ends: a plain space, or [`CLAUSE_END`] when a later step asks.
    pub(crate) clause_end: char,
}

/// What stands at a place of the text, and what is to be done with it.
enum Part {
    /// It stays.
    Keep,
    /// It goes without a trace: invisible, or one mark too many.
    Drop,
    /// It separates.
    Space,
    /// It separates clauses.
    Clause,
    /// Its run of so many bytes is a token.
    Sign(&'static str, usize),
    /// An apostrophe inside a word.
    Apostrophe,
}

impl Words {
    pub(crate) fn apply<T: Trace>(&self, desk: &mut Desk<T>) {
        desk.rewrite(|page, next| self.write(page, next));
    }

    fn write<T: Trace>(&self, page: &Page<T>, next: &mut Page<T>) {
        let text = &page.text;
        let mut clause = [0; 4];
        let clause = &*self.clause_end.encode_utf8(&mut clause);
        let (mut kept, mut at, mut marks) = (0, 0, MOST_MARKS);
        while let Some(&byte) = text.as_bytes().get(at) {
            if byte.is_ascii_alphanumeric() || byte == b' ' {
                at += 1;
                // A mark needs a letter to sit on.
                marks = if byte == b' ' { MOST_MARKS } else { 0 };
                continue;
            }
            let Some(c) = text[at..].chars().next() else {
                break;
            };
            if is_plain_beyond_ascii(c) {
                at += 2;
                marks = 0;
                continue;
            }
            let mut size = c.len_utf8();
            let part = match self.part(text, at, c) {
                Part::Keep if is_mark(c) => {
                    marks += 1;
                    if marks > MOST_MARKS { Part::Drop } else { Part::Keep }
                }
                part => {
                    marks = if is_alphanumeric(c) { 0 } else { MOST_MARKS };
                    part
                }
            };
            if let Part::Sign(_, len) = part {
                size = len;
            }
            let end = at + size;
            if !matches!(part, Part::Keep) {
                next.keep(page, kept..at);
                kept = end;
            }
            match part {
                Part::Keep | Part::Drop => {}
                Part::Space => next.replace(page, at..end, " "),
                Part::Clause => next.replace(page, at..end, clause),
                Part::Apostrophe => next.replace(page, at..end, "'"),
                Part::Sign(sign, _) => {
                    next.replace(page, at..at, clause);
                    if sign == "..." {
                        next.replace(page, at..end, sign);
                    } else {
                        for (start, _) in text[at..end].char_indices() {
                            next.replace(page, at + start..at + start + c.len_utf8(), sign);
                        }
                    }
                    next.replace(page, end..end, clause);
                }
            }
            at = end;
        }
        next.keep(page, kept..text.len());
    }

    fn part(&self, text: &str, at: usize, c: char) -> Part {
        let run = || text[at..].chars().take_while(|d| *d == c).count() * c.len_utf8();
        let touches_digits = || {
            text[..at].ends_with(|c: char| c.is_ascii_digit())
                && text[at + 1..].starts_with(|c: char| c.is_ascii_digit())
        };
        match c {
            '\'' | '`' | '\u{2018}' | '\u{2019}' | '\u{2bc}' | '\u{b4}' => {
                let inside = text[..at].ends_with(is_alphabetic)
                    && text[at + c.len_utf8()..].starts_with(is_alphabetic);
                if inside { Part::Apostrophe } else { Part::Space }
            }
            '!' | '\u{ff01}' if self.exclamation => Part::Sign("!", run()),
            '?' | '\u{61f}' | '\u{ff1f}' if self.question => Part::Sign("?", run()),
            '\u{2026}' if self.ellipsis => Part::Sign("...", run()),
            '.' if self.ellipsis && text[at + 1..].starts_with('.') => Part::Sign("...", run()),
            '.' | ',' | ':' if touches_digits() => Part::Space,
            '.' | ',' | ';' | ':' | '!' | '?' | '(' | ')' | '\n' => Part::Clause,
            '\u{2026}' | '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{2013}' | '\u{2014}' => Part::Clause,
            '\u{3001}' | '\u{3002}' | '\u{ff0c}' | '\u{ff01}' | '\u{ff1f}' => Part::Clause,
            CLAUSE_END => Part::Space,
            // Variation selectors, joiners, direction marks: invisible.
            '\u{fe00}'..='\u{fe0f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => Part::Drop,
            '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}' | '\u{34f}' => Part::Drop,
            _ if is_alphanumeric(c) || is_mark(c) => Part::Keep,
            _ => Part::Space,
        }
    }
}
