//! A set of strings with dense ids.

use xxhash_rust::xxh3::xxh3_64;

use crate::prefetch::prefetch;

/// Words and their ids `0, 1, 2, …`, in the order of insertion.
///
/// Open addressing by 64-bit hash, strings in one byte buffer: no allocation a word. A look-up
/// compares hashes alone and touches one slot: that two of ten million words agree in theirs has
/// a probability of 3 in a million, and costs no more than their being one feature.
#[derive(Debug, Clone, Default)]
pub struct Words {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    /// Hash and id plus one; 0 is free. A power of two, at most 3/4 full.
    slots: Vec<(u64, u32)>,
}

impl Words {
    /// Number of words.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The word with this id.
    pub fn word(&self, id: u32) -> &str {
        // Only whole `&str` are inserted, so this never falls back.
        std::str::from_utf8(self.raw(id)).unwrap_or("")
    }

    fn raw(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.ends[id - 1] as usize };
        &self.bytes[start..self.ends[id] as usize]
    }

    /// All words by id.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|id| self.word(id as u32))
    }

    /// What [`Words::find`] finds `word` by.
    #[inline]
    pub fn hash(word: &str) -> u64 {
        xxh3_64(word.as_bytes())
    }

    /// The id of `word`, if it is here.
    #[inline]
    pub fn get(&self, word: &str) -> Option<u32> {
        self.find(Self::hash(word))
    }

    /// The id of the word with this [`Words::hash`].
    #[inline]
    pub fn find(&self, hash: u64) -> Option<u32> {
        if self.slots.is_empty() { None } else { probe(&self.slots, hash).ok() }
    }

    /// Has the slots of all these hashes fetched.
    #[inline]
    pub(crate) fn fetch(&self, hashes: impl Iterator<Item = u64>) {
        let mask = self.slots.len().wrapping_sub(1);
        hashes.for_each(|hash| prefetch(&self.slots, hash as usize & mask));
    }

    /// The id of `word`, which is put in if it is new.
    #[inline]
    pub fn insert(&mut self, word: &str) -> u32 {
        self.insert_hashed(word, Self::hash(word))
    }

    /// The id of `word` among words that are told apart by `hash`.
    #[inline]
    pub(crate) fn insert_hashed(&mut self, word: &str, hash: u64) -> u32 {
        if (self.len() + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        match probe(&self.slots, hash) {
            Ok(id) => id,
            Err(slot) => {
                let id = self.ends.len() as u32;
                self.bytes.extend_from_slice(word.as_bytes());
                self.ends.push(self.bytes.len() as u32);
                self.slots[slot] = (hash, id + 1);
                id
            }
        }
    }

    fn grow(&mut self) {
        let mut slots = vec![(0, 0); (self.slots.len() * 2).max(16)];
        for &(hash, id) in self.slots.iter().filter(|(_, id)| *id != 0) {
            if let Err(slot) = probe(&slots, hash) {
                slots[slot] = (hash, id);
            }
        }
        self.slots = slots;
    }

    /// The words' bytes, one after the other, and where each ends.
    pub(crate) fn parts(&self) -> (&[u8], &[u32]) {
        (&self.bytes, &self.ends)
    }

    /// Makes a set of [`Words::parts`]; `None` when the parts are no list of distinct words.
    pub(crate) fn from_parts(bytes: Vec<u8>, ends: Vec<u32>) -> Option<Self> {
        let text = std::str::from_utf8(&bytes).ok()?;
        let mut slots = vec![(0, 0); (ends.len().max(8) * 4 / 3 + 1).next_power_of_two()];
        let mut start = 0;
        for (id, &end) in (1_u32..).zip(&ends) {
            let hash = Self::hash(text.get(start..end as usize)?);
            let slot = probe(&slots, hash).err()?;
            slots[slot] = (hash, id);
            start = end as usize;
        }
        (start == bytes.len()).then_some(Self { bytes, ends, slots })
    }
}

/// The id with this hash, or the free slot where it would go; there always is one.
#[inline]
fn probe(slots: &[(u64, u32)], hash: u64) -> Result<u32, usize> {
    let mask = slots.len() - 1;
    let mut slot = hash as usize & mask;
    loop {
        match slots[slot] {
            (_, 0) => return Err(slot),
            (found, id) if found == hash => return Ok(id - 1),
            _ => slot = (slot + 1) & mask,
        }
    }
}

impl<'a> FromIterator<&'a str> for Words {
    fn from_iter<I: IntoIterator<Item = &'a str>>(words: I) -> Self {
        let mut out = Self::default();
        for word in words {
            out.insert(word);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_dense_and_found_again() {
        let mut words = Words::default();
        assert_eq!(words.get("a"), None);
        let many: Vec<String> = (0..5000).map(|i| format!("w{i}")).collect();
        for (i, w) in many.iter().enumerate() {
            assert_eq!(words.insert(w), i as u32);
        }
        for (i, w) in many.iter().enumerate() {
            assert_eq!(words.insert(w), i as u32, "a second time");
            assert_eq!(words.get(w), Some(i as u32));
            assert_eq!(words.word(i as u32), w);
        }
        assert_eq!(words.get("w5000"), None);
        let from_parts = |bytes: &[u8], ends: &[u32]| Words::from_parts(bytes.to_vec(), ends.to_vec());
        let (bytes, ends) = words.parts();
        assert_eq!(from_parts(bytes, ends).unwrap().get("w4711"), Some(4711));
        assert!(from_parts(b"aa", &[1, 2]).is_none(), "the same word twice");
        assert!(from_parts(b"aa", &[1, 3]).is_none(), "past the end");
        assert!(from_parts("é".as_bytes(), &[1, 2]).is_none(), "not UTF-8");
    }
}
