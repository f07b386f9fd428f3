//! The same text twice: exactly, in disguise, or nearly; and with which label.

mod conflicts;
mod deal;
mod groups;
mod identities;
mod near;

pub(crate) use self::groups::Disjoint;

pub use self::conflicts::{Resolved, resolve_conflicts};
pub use self::groups::{Groups, Swollen};
pub use self::identities::Identities;
pub use self::near::{NEAR, near_duplicates};

use std::ops::Range;

/// Texts that one thread works on at a time.
const CHUNK: usize = 1 << 13;

fn chunks(len: usize) -> Vec<Range<usize>> {
    (0..len.div_ceil(CHUNK)).map(|i| i * CHUNK..((i + 1) * CHUNK).min(len)).collect()
}

/// What [`mix`] multiplies by.
const MIX: u64 = 0xd6e8_feb8_6659_fd93;

/// Two rounds of multiply and shift: every bit of the input reaches every bit of the output.
#[inline]
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 32)).wrapping_mul(MIX);
    x = (x ^ (x >> 32)).wrapping_mul(MIX);
    x ^ (x >> 32)
}

#[cfg(test)]
mod tests {
    use crate::{Corpus, Example};

    /// Texts and their labels as a corpus.
    pub(super) fn corpus(rows: &[(&str, &str)]) -> Corpus {
        let mut corpus = Corpus::new();
        for (text, label) in rows {
            corpus.push(Example { text, label: Some(label), ..Example::default() }).unwrap();
        }
        corpus
    }
}
