//! "sooooo" becomes "soo" when two are kept: that a word was stretched carries feeling, by how much
//! does not.

use crate::analyzer::is_space;
use crate::trace::{Desk, Trace};

/// Runs of more than `keep` of one character become `keep` of it. White space only separates and is
/// left alone.
pub(crate) fn apply<T: Trace>(desk: &mut Desk<T>, keep: usize) {
    if !may_have_run(desk.page.text.as_bytes(), keep) {
        return;
    }
    desk.rewrite(|page, next| {
        let text = &page.text;
        let (mut kept, mut at) = (0, 0);
        while let Some(c) = text[at..].chars().next() {
            let size = c.len_utf8();
            let rest = &text.as_bytes()[at..];
            let count = match *rest {
                [byte, ref rest @ ..] if size == 1 => 1 + rest.iter().take_while(|b| **b == byte).count(),
                _ => rest.chunks_exact(size).take_while(|b| *b == &rest[..size]).count(),
            };
            if count > keep && !is_space(c) {
                // The last one that stays stands for all that go.
                let last = at + size * (keep - 1);
                next.keep(page, kept..last);
                kept = at + size * count;
                next.replace(page, last..kept, c.encode_utf8(&mut [0; 4]));
            }
            at += size * count;
        }
        next.keep(page, kept..text.len());
    });
}

/// Whether a run longer than `keep` is possible: a scan without branches, wrong only in saying yes
/// too often.
fn may_have_run(bytes: &[u8], keep: usize) -> bool {
    let Some(far) = bytes.get(keep..) else {
        return false;
    };
    let near = bytes.get(1..).unwrap_or_default();
    // Numbers and not truth values, so that the compiler compares sixteen bytes at a time.
    let may = |((&here, &next), &far): ((&u8, &u8), &u8)| {
        u8::from(here == far) & u8::from(here == next) & u8::from(here != b' ') | here >> 7
    };
    bytes.iter().zip(near).zip(far).map(may).fold(0, |any, one| any | one) != 0
}

#[cfg(test)]
mod tests {
    use crate::trace::{Desk, Origins, Span};
    use proptest::prelude::*;

    fn squash(raw: &str, keep: usize) -> Desk<Origins> {
        let mut desk = Desk::default();
        desk.begin(raw);
        super::apply(&mut desk, keep);
        desk
    }

    /// The definition, letter by letter.
    fn plainly(raw: &str, keep: usize) -> String {
        let mut out: Vec<char> = Vec::new();
        for c in raw.chars() {
            let run = out.iter().rev().take_while(|d| **d == c).count();
            if c.is_whitespace() || run < keep {
                out.push(c);
            }
        }
        out.into_iter().collect()
    }

    #[test]
    fn what_goes_is_covered_by_what_stays() {
        let desk = squash("sooooo good", 2);
        assert_eq!(desk.page.text, "soo good");
        assert_eq!(desk.page.span(0..3), Span { start: 0, end: 6 });
        assert_eq!(squash("رااااائع", 2).page.text, "راائع");
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(raw in "[abé\u{1F600}\n \u{a0}]{0,40}", keep in 1usize..4) {
            let once = squash(&raw, keep).page.text;
            prop_assert_eq!(&once, &plainly(&raw, keep));
            prop_assert_eq!(&squash(&once, keep).page.text, &once, "twice changes nothing");
        }
    }
}
