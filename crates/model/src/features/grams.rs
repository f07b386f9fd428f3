//! Character n-grams inside word boundaries: scikit-learn's `char_wb`.

use xxhash_rust::xxh3::xxh3_128;

use super::{buckets::Buckets, number::Key};
use crate::prefetch::prefetch;

/// Calls `sink` with the character n-grams of `word`, padded by one space on each side, shortest
/// lengths first, left to right.
///
/// As in scikit-learn (`_char_wb_ngrams`): a padded word shorter than `n` counts once as a whole,
/// and longer `n` are then left out. `padded` and `bounds` are buffers.
#[inline]
pub(crate) fn each<'b>(
    word: &str,
    [least, most]: [u8; 2],
    padded: &'b mut String,
    bounds: &mut Vec<u32>,
    mut sink: impl FnMut(&'b str),
) {
    padded.clear();
    padded.push(' ');
    padded.push_str(word);
    padded.push(' ');
    bounds.clear();
    if word.is_ascii() {
        bounds.extend(0..=padded.len() as u32);
    } else {
        bounds.extend(padded.char_indices().map(|(at, _)| at as u32));
        bounds.push(padded.len() as u32);
    }
    let padded: &'b str = padded;
    let chars = bounds.len() - 1;
    for n in usize::from(least)..=usize::from(most) {
        if chars <= n {
            sink(padded);
            break;
        }
        for window in bounds.windows(n + 1) {
            sink(&padded[window[0] as usize..window[n] as usize]);
        }
    }
}

/// The gram as a number: its bytes and their count while they fit (they do up to 15 bytes, exactly),
/// else 120 bits of its hash. Equal keys are equal grams but for a chance of 2⁻¹²⁰ a pair.
#[inline]
pub(crate) fn key(gram: &str) -> u128 {
    let bytes = gram.as_bytes();
    if bytes.len() <= 15 {
        let mut buffer = [0_u8; 16];
        buffer[..bytes.len()].copy_from_slice(bytes);
        buffer[15] = bytes.len() as u8;
        u128::from_le_bytes(buffer)
    } else {
        xxh3_128(bytes) | (0xff << 120)
    }
}

/// The character n-grams of a vocabulary, in ascending order of their hashes: the list is its own table.
///
/// A look-up compares hashes alone, as [`super::Words`] does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grams {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    hashes: Vec<u64>,
    buckets: Buckets,
}

impl Grams {
    /// What [`Grams::find`] finds `gram` by.
    #[inline]
    pub(crate) fn hash(gram: &str) -> u64 {
        key(gram).hash64()
    }

    /// Takes [`Grams::parts`]; `Err` says what is wrong with them.
    pub(crate) fn from_parts(bytes: Vec<u8>, ends: Vec<u32>) -> Result<Self, &'static str> {
        const NO_STRINGS: &str = "distinct UTF-8 strings in gram_bytes";
        let text = std::str::from_utf8(&bytes).map_err(|_| NO_STRINGS)?;
        let mut hashes = Vec::with_capacity(ends.len());
        let mut start = 0;
        for &end in &ends {
            hashes.push(Self::hash(text.get(start..end as usize).ok_or(NO_STRINGS)?));
            start = end as usize;
        }
        if start != bytes.len() {
            return Err(NO_STRINGS);
        }
        let buckets = Buckets::new(hashes.len(), hashes.iter().copied())
            .ok_or("distinct strings in ascending order of their hashes in gram_bytes")?;
        Ok(Self { bytes, ends, hashes, buckets })
    }

    /// Their bytes, one after the other, and where each ends.
    pub(crate) fn parts(&self) -> (&[u8], &[u32]) {
        (&self.bytes, &self.ends)
    }

    /// Number of n-grams.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// All n-grams in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| {
            // Checked when it was made, so this never falls back.
            std::str::from_utf8(&self.bytes[start as usize..end as usize]).unwrap_or("")
        })
    }

    /// The index of the n-gram with this [`Grams::hash`].
    #[inline]
    pub(crate) fn find(&self, hash: u64) -> Option<u32> {
        let range = self.buckets.range(hash);
        // Most ranges are no longer than this, and no hash stands in another's: all are compared at once.
        if let Some(first) = self.hashes.get(range.start as usize..).and_then(<[u64]>::first_chunk::<4>)
            && range.end - range.start <= 4
        {
            let found = first.map(|other| other == hash);
            let at = found.iter().position(|&found| found).unwrap_or(4);
            return (at < 4).then_some(range.start + at as u32);
        }
        let hashes = self.hashes.get(range.start as usize..range.end as usize)?;
        hashes.iter().position(|&other| other == hash).map(|here| range.start + here as u32)
    }

    /// Has what all these look-ups want fetched.
    #[inline]
    pub(crate) fn fetch(&self, hashes: &[u64]) {
        hashes.iter().for_each(|&hash| prefetch(&self.hashes, self.buckets.range(hash).start as usize));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grams(word: &str, range: [u8; 2]) -> Vec<String> {
        let mut out = Vec::new();
        each(word, range, &mut String::new(), &mut Vec::new(), |g| out.push(g.to_owned()));
        out
    }

    #[test]
    fn as_scikit_learn_cuts_them() {
        // CountVectorizer(analyzer="char_wb", ngram_range=(2, 4)).build_analyzer()("été") and so on
        assert_eq!(grams("été", [2, 4]), [" é", "ét", "té", "é ", " ét", "été", "té ", " été", "été "]);
        assert_eq!(grams("a", [2, 5]), [" a", "a ", " a "]);
        assert_eq!(grams("ab", [4, 5]), [" ab "]);
        assert_eq!(grams("abc", [6, 7]), [" abc "]);
    }

    #[test]
    fn keys_tell_grams_apart() {
        let grams = ["", "a", "a\0", "\0a", "aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "😀😀😀😀", "😀😀😀😁"];
        let keys: std::collections::BTreeSet<u128> = grams.iter().map(|g| key(g)).collect();
        assert_eq!(keys.len(), grams.len());
    }
}
