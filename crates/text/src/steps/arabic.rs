//! One spelling for Arabic (see [`crate::arabic`]); other scripts, Arabizi too, stay as they are.

use crate::arabic::{fold, folds};
use crate::trace::{Desk, Trace};

pub(crate) fn apply<T: Trace>(desk: &mut Desk<T>) {
    if desk.page.text.is_ascii() {
        return;
    }
    let Some(first) = desk.page.text.find(folds) else {
        return;
    };
    desk.rewrite(|page, next| {
        let mut kept = 0;
        for (at, c) in page.text[first..].char_indices().filter(|(_, c)| folds(*c)) {
            let at = first + at;
            next.keep(page, kept..at);
            kept = at + c.len_utf8();
            next.replace_with(page, at..kept, |out| fold(c, &mut |folded| out.push(folded)));
        }
        next.keep(page, kept..page.text.len());
    });
}
