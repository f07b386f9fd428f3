//! A filter that says "certainly no exception" for nearly every word, in one hash and one load.
//!
//! `examples/build_wordnet.rs` includes this file, so that what is written and what is read hash
//! alike. One bit of 65,536 per exception: about one word in eleven passes by accident.

/// Bytes of the filter.
pub(crate) const BYTES: usize = 1 << 13;

/// The bit of `word` as the part of speech `tag`: FNV-1a, its high half folded into 16 bits.
pub(crate) fn bit(tag: u8, word: &[u8]) -> usize {
    let mut hash = (0x811C_9DC5 ^ u32::from(tag)).wrapping_mul(0x0100_0193);
    for &byte in word {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    ((hash ^ (hash >> 16)) & 0xFFFF) as usize
}
