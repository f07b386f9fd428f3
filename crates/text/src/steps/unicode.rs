//! Unicode normalisation, segment by segment, so that every byte keeps its origin.

use crate::letters::is_plain_beyond_ascii;
use crate::recipe::Form;
use crate::trace::{Desk, Trace};
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfkc_quick};

/// Characters normalised together. Text in any language stays far below; of a longer pile of
/// combining marks the rest is dropped (UAX #15 allows thirty in its stream-safe format).
const LONGEST_SEGMENT: usize = 32;

pub(crate) fn apply<T: Trace>(desk: &mut Desk<T>, form: Form) {
    let text = &desk.page.text;
    if text.is_ascii() || quick(text[plain(text)..].chars(), form) == IsNormalized::Yes {
        return;
    }
    desk.rewrite(|page, next| {
        let mut at = 0;
        while at < page.text.len() {
            let stays = at + plain(&page.text[at..]);
            if stays > at {
                next.keep(page, at..stays);
                at = stays;
                continue;
            }
            let (end, kept) = segment(&page.text[at..], form);
            let part = &page.text[at..at + kept];
            if quick(part.chars(), form) == IsNormalized::Yes {
                next.keep(page, at..at + kept);
            } else {
                next.replace_with(page, at..at + end, |out| match form {
                    Form::Nfc => out.extend(part.nfc()),
                    Form::Nfkc => out.extend(part.nfkc()),
                });
            }
            at += end;
        }
    });
}

/// How many bytes `text` begins with that are normal whatever follows: plain letters and the like, but for the
/// last of them, which may get a mark.
fn plain(text: &str) -> usize {
    let mut last = 0;
    for (at, c) in text.char_indices() {
        if !(c.is_ascii() || is_plain_beyond_ascii(c)) {
            return last;
        }
        last = at;
    }
    text.len()
}

fn quick(chars: impl Iterator<Item = char>, form: Form) -> IsNormalized {
    match form {
        Form::Nfc => is_nfc_quick(chars),
        Form::Nfkc => is_nfkc_quick(chars),
    }
}

/// Whether normalisation never joins `c` to what stands before it.
fn starts(c: char, form: Form) -> bool {
    c.is_ascii()
        || is_plain_beyond_ascii(c)
        || canonical_combining_class(c) == 0 && quick(std::iter::once(c), form) == IsNormalized::Yes
}

/// How many bytes of `rest` are normalised together, and how many of those are kept.
fn segment(rest: &str, form: Form) -> (usize, usize) {
    let mut kept = rest.len();
    for (count, (at, c)) in rest.char_indices().enumerate() {
        if count > 0 && (starts(c, form) || count >= LONGEST_SEGMENT && !is_mark(c)) {
            return (at, kept.min(at));
        }
        if count == LONGEST_SEGMENT {
            kept = at;
        }
    }
    (rest.len(), kept)
}

fn is_mark(c: char) -> bool {
    canonical_combining_class(c) != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Origins, Span};
    use proptest::prelude::*;

    fn normal(raw: &str, form: Form) -> Desk<Origins> {
        let mut desk = Desk::default();
        desk.begin(raw);
        apply(&mut desk, form);
        desk
    }

    #[test]
    fn the_origin_of_a_composed_letter_is_all_of_it() {
        let desk = normal("cafe\u{301}s", Form::Nfc);
        assert_eq!(desk.page.text, "caf\u{e9}s");
        assert_eq!(desk.page.span(3..5), Span { start: 3, end: 6 });
    }

    #[test]
    fn a_pile_of_marks_is_cut() {
        let pile = format!("e{}b", "\u{301}".repeat(100_000));
        assert_eq!(normal(&pile, Form::Nfc).page.text.chars().count(), LONGEST_SEGMENT);
    }

    proptest! {
        #[test]
        fn is_unicode_s(raw in "([a-eé\u{301}\u{327}\u{316}ﬁ①ㄱ\u{1100}\u{1161}\u{11a8}가각\u{fdfa}\u{344}]|\\PC){0,24}") {
            prop_assert_eq!(&normal(&raw, Form::Nfc).page.text, &raw.nfc().collect::<String>());
            prop_assert_eq!(&normal(&raw, Form::Nfkc).page.text, &raw.nfkc().collect::<String>());
        }
    }
}
