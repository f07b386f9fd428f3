//! Lower case as Unicode has it, the same as Rust's and Python's: `İ` becomes two characters, a
//! capital sigma at the end of a word becomes `ς`.

use crate::letters::is_surely_lower;
use crate::trace::{Desk, Trace};

pub(crate) fn apply<T: Trace>(desk: &mut Desk<T>) {
    if desk.page.text.is_ascii() {
        desk.page.text.make_ascii_lowercase();
        return;
    }
    desk.rewrite(|page, next| {
        let text = &page.text;
        let mut kept = 0;
        let mut sigma = false;
        for (at, c) in text.char_indices() {
            if is_surely_lower(c) || !(c.is_ascii_uppercase() || c as u32 >= 128) {
                continue;
            }
            let mut lower = c.to_lowercase();
            if lower.len() == 1 && lower.next() == Some(c) {
                continue;
            }
            sigma |= c == 'Σ';
            let end = at + c.len_utf8();
            next.keep(page, kept..at);
            next.replace_with(page, at..end, |out| out.extend(c.to_lowercase()));
            kept = end;
        }
        next.keep(page, kept..text.len());
        if sigma {
            // Which sigma depends on the neighbours: the standard library knows the rule, and
            // both letters take two bytes.
            next.text = text.to_lowercase();
        }
    });
}

#[cfg(test)]
mod tests {
    use crate::trace::{Desk, Origins, Trace, Untraced};
    use proptest::prelude::*;

    fn lower<T: Trace>(raw: &str) -> Desk<T> {
        let mut desk = Desk::default();
        desk.begin(raw);
        super::apply::<T>(&mut desk);
        desk
    }

    proptest! {
        #[test]
        fn is_the_standard_library_s(raw in r"([A-Za-z İßΣΑσ'.ﬁK]|\PC){0,30}") {
            prop_assert_eq!(&lower::<Untraced>(&raw).page.text, &raw.to_lowercase());
            let traced = lower::<Origins>(&raw);
            let whole = traced.page.span(0..traced.page.text.len());
            prop_assert_eq!(whole.end as usize, raw.len());
        }
    }
}
