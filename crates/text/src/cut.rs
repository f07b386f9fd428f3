//! White space cuts a text into tokens.

use crate::analyzer::is_space;
use std::ops::Range;

/// Written by a step in the place of the punctuation that ends a clause, where a later step wants to
/// know; separates like white space.
pub(crate) const CLAUSE_END: char = '\u{1}';

/// Bytes that are looked at together.
const BLOCK: usize = 64;

/// Calls `sink` with the range of every token of `text`.
pub(crate) fn cut(text: &str, mut sink: impl FnMut(Range<usize>)) {
    if !text.is_ascii() && may_have_space_beyond_ascii(text.as_bytes()) {
        return cut_by_characters(text, sink);
    }
    let bytes = text.as_bytes();
    let (mut inside, mut start) = (false, 0);
    // One block more than there is text: what is behind it separates, so that the last token ends.
    for at in (0..=bytes.len()).step_by(BLOCK) {
        let separators = match bytes[at..].first_chunk() {
            Some(block) => separators(block),
            None => {
                let mut block = [b' '; BLOCK];
                let rest = &bytes[at..];
                block[..rest.len()].copy_from_slice(rest);
                separators(&block)
            }
        };
        let tokens = !separators;
        // Where a token begins, and behind where one ends.
        let mut edges = tokens ^ (tokens << 1 | u64::from(inside));
        while edges != 0 {
            let edge = at + edges.trailing_zeros() as usize;
            edges &= edges - 1;
            if inside {
                sink(start..edge);
            }
            inside = !inside;
            start = edge;
        }
    }
}

/// Which bytes of ASCII separate, one bit each.
#[inline]
fn separators(block: &[u8; BLOCK]) -> u64 {
    // Written so that the compiler compares sixteen bytes at a time.
    let mut found = [0_u8; BLOCK];
    for (found, &byte) in found.iter_mut().zip(block) {
        let control = byte.wrapping_sub(b'\t') < 5;
        let space = byte.wrapping_sub(0x1c) < 5;
        *found = u8::from(control) | u8::from(space) | u8::from(byte == CLAUSE_END as u8);
    }
    let (eights, _) = found.as_chunks();
    eights.iter().enumerate().fold(0, |mask, (i, &eight)| {
        // The lowest bits of eight bytes, moved side by side into the highest byte.
        let bits = u64::from_le_bytes(eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        mask | bits << (8 * i)
    })
}

/// Whether a byte may begin U+0085, U+00A0, U+1680, U+2000 and on, U+3000.
fn may_have_space_beyond_ascii(bytes: &[u8]) -> bool {
    let may = |&byte: &u8| u8::from(byte == 0xc2) | u8::from(byte.wrapping_sub(0xe1) < 3);
    bytes.iter().map(may).fold(0, |any, one| any | one) != 0
}

fn cut_by_characters(text: &str, mut sink: impl FnMut(Range<usize>)) {
    let mut start = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| is_space(*c) || *c == CLAUSE_END) {
        if at > start {
            sink(start..at);
        }
        start = at + c.len_utf8();
    }
    if text.len() > start {
        sink(start..text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranges(cut: impl FnOnce(&mut dyn FnMut(Range<usize>))) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        cut(&mut |range| out.push(range));
        out
    }

    proptest! {
        #[test]
        fn blocks_and_characters_cut_alike(
            text in "([a-z]{1,70}|[ \t\n\r\u{1}\u{b}-\u{1f}\u{7f}]{1,3}|[éß\u{85}\u{a0}\u{1680}\u{2003}\u{200b}\u{3000}日🙂م]){0,12}"
        ) {
            let wanted = ranges(|sink| cut_by_characters(&text, sink));
            prop_assert_eq!(ranges(|sink| cut(&text, sink)), wanted);
        }
    }

    #[test]
    fn tokens_may_fill_blocks() {
        for len in [1, 63, 64, 65, 127, 128, 129, 300] {
            let text = "a".repeat(len);
            assert_eq!(ranges(|sink| cut(&text, sink)), std::slice::from_ref(&(0..len)));
            let text = format!(" {text}");
            assert_eq!(ranges(|sink| cut(&text, sink)), std::slice::from_ref(&(1..len + 1)));
        }
    }
}
