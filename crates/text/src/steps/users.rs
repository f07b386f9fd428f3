//! Mentions become `USER`. The at sign of a mail address is none.

use super::urls::{ends_in_word, is_word};
use crate::trace::{Desk, Trace};
use memchr::memchr;

pub(crate) fn apply<T: Trace>(desk: &mut Desk<T>) {
    desk.substitute(" USER ", |text, from| {
        let mut at = from;
        loop {
            let start = at + memchr(b'@', &text.as_bytes()[at..])?;
            let name = &text[start + 1..];
            let len = name.find(|c| !is_word(c)).unwrap_or(name.len());
            if len > 0 && !ends_in_word(&text[..start]) {
                return Some(start..start + 1 + len);
            }
            at = start + 1 + len;
        }
    });
}
