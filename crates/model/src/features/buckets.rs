//! Look-ups in a list that stands in ascending order of its hashes: no table is built, none is stored.

use std::ops::Range;

/// Where in an ascending list of hashes each must stand.
///
/// Hashes are spread evenly, so their first bits cut the list into ranges of two on average. The list
/// itself is what a model file holds; this is filled in one pass over it, which checks its order, too.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buckets {
    /// The first place of each range, and the end of the last.
    starts: Vec<u32>,
    shift: u32,
}

impl Buckets {
    /// `None` unless `hashes`, of which there are `len`, ascend and are distinct.
    pub(crate) fn new(len: usize, hashes: impl Iterator<Item = u64>) -> Option<Self> {
        let bits = len.max(2).ilog2();
        let shift = u64::BITS - bits;
        let mut starts = vec![u32::try_from(len).ok()?; (1 << bits) + 1];
        let (mut next, mut last) = (0, None);
        for (place, hash) in (0_u32..).zip(hashes) {
            if last.is_some_and(|last| last >= hash) {
                return None;
            }
            last = Some(hash);
            let bucket = (hash >> shift) as usize;
            while next <= bucket {
                starts[next] = place;
                next += 1;
            }
        }
        Some(Self { starts, shift })
    }

    /// The place of the first hash of its range, and the end of the range.
    #[inline]
    pub(crate) fn range(&self, hash: u64) -> Range<u32> {
        let bucket = (hash >> self.shift) as usize;
        match self.starts.get(bucket..bucket + 2) {
            Some(&[start, end]) => start..end,
            _ => 0..0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::features::number::mix;

    proptest! {
        #[test]
        fn every_hash_is_in_its_range(numbers in proptest::collection::btree_set(0_u64..5000, 0..600)) {
            let hashes: std::collections::BTreeSet<u64> = numbers.iter().map(|&n| mix(n)).collect();
            let list: Vec<u64> = hashes.iter().copied().collect();
            let buckets = Buckets::new(list.len(), list.iter().copied()).unwrap();
            for hash in (0..5000).map(mix).chain([0, u64::MAX]) {
                let range = buckets.range(hash);
                let found = list[range.start as usize..range.end as usize].contains(&hash);
                prop_assert_eq!(found, hashes.contains(&hash));
            }
        }
    }

    #[test]
    fn a_list_out_of_order_is_none() {
        for list in [&[2, 1][..], &[1, 1], &[0, u64::MAX, 5]] {
            assert!(Buckets::new(list.len(), list.iter().copied()).is_none());
        }
        assert_eq!(Buckets::default().range(7), 0..0);
    }
}
