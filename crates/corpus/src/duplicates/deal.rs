//! Entries are dealt by the top bits of their hashes into parts that a core's cache holds: each part
//! is then sorted or searched for itself, all of them in parallel, and nothing waits for memory.

use std::ops::Range;

/// Number of parts: of some millions of entries, one part takes a few hundred kilobytes.
pub(super) const PARTS: usize = 512;

/// The part that entries with this hash fall into; parts ascend with their hashes.
pub(super) fn part_of(hash: u64) -> usize {
    (hash >> (u64::BITS - PARTS.ilog2())) as usize
}

/// What one thread dealt: its entries part by part, within a part as they came.
#[derive(Debug)]
pub(super) struct Hand<T> {
    entries: Vec<T>,
    ends: Vec<u32>,
}

impl<T: Copy + Default> Hand<T> {
    /// Deals `entries`, fewer than 2³² of them, each by its hash.
    pub(super) fn deal(entries: &[(u64, T)]) -> Self {
        let mut next = vec![0_u32; PARTS];
        entries.iter().for_each(|&(hash, _)| next[part_of(hash)] += 1);
        let mut before = 0;
        for count in &mut next {
            before += std::mem::replace(count, before);
        }
        let mut dealt = vec![T::default(); entries.len()];
        for &(hash, entry) in entries {
            let place = &mut next[part_of(hash)];
            dealt[*place as usize] = entry;
            *place += 1;
        }
        // Where the next entry of a full part would go is where the part ends.
        Self { entries: dealt, ends: next }
    }

    /// The entries of `part`.
    pub(super) fn part(&self, part: usize) -> &[T] {
        let start = if part == 0 { 0 } else { self.ends[part - 1] };
        &self.entries[Range { start: start as usize, end: self.ends[part] as usize }]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_entry_lies_in_its_part_as_it_came(hashes in prop::collection::vec(any::<u64>(), 0..300)) {
            // Few parts and many of one part both occur.
            for mask in [u64::MAX, 3 << 60, 0] {
                let mut entries: Vec<(u64, u32)> = hashes.iter().map(|hash| hash & mask).zip(0..).collect();
                let hand = Hand::deal(&entries);
                entries.sort_by_key(|entry| part_of(entry.0));
                let parts = (0..PARTS).flat_map(|part| hand.part(part));
                prop_assert!(parts.eq(entries.iter().map(|(_, number)| number)));
            }
        }
    }
}
