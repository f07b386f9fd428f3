//! What others wrote is shown on a terminal, never obeyed by it.

use std::borrow::Cow;

/// `text` with its control characters spelled out, so that none moves the cursor, recolours the
/// screen or starts a line of its own: an escape becomes `\u{1b}`, a line end `\n`.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// The same for whole messages, in which line ends and tabs are ours.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, allowed: impl Fn(char) -> bool) -> Cow<'_, str> {
    let harmful = |c: char| c.is_control() && !allowed(c);
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if harmful(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelled_out() {
        for (text, as_line, as_message) in [
            ("où ça ? 😀 شكرا", "où ça ? 😀 شكرا", "où ça ? 😀 شكرا"),
            ("\u{1b}[31mred", "\\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\nb\tc\r", "a\\nb\\tc\\r", "a\nb\tc\\r"),
            ("\u{9b}2J\0", "\\u{9b}2J\\u{0}", "\\u{9b}2J\\u{0}"),
        ] {
            assert_eq!(line(text), as_line);
            assert_eq!(plain(text), as_message);
        }
    }
}
