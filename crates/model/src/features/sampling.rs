//! Imbalanced classes: repeat rows of the small ones, or leave out rows of the large ones.

use serde::{Deserialize, Serialize};

/// What is done about imbalance, on training rows only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// Nothing.
    #[default]
    None,
    /// Rows of the smaller classes are repeated at random until all are as large as the largest.
    Over,
    /// Rows of the larger classes are left out at random until all are as small as the smallest.
    Under,
    /// Synthetic rows between neighbours of the smaller classes: see [`super::smote`].
    Smote,
}

/// A small seeded generator: SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195).
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is above 0; the bias of at most n / 2⁶⁴ is below any sample's notice.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// A number in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Rows of each class, `[classes]`.
pub(crate) fn by_class(truth: &[u16], classes: usize) -> Vec<Vec<u32>> {
    let mut rows = vec![Vec::new(); classes];
    for (row, &class) in (0_u32..).zip(truth) {
        rows[usize::from(class)].push(row);
    }
    rows
}

/// All rows, in order, then the repeats that make every class that occurs as large as the largest.
pub fn over(truth: &[u16], classes: usize, seed: u64) -> Vec<u32> {
    let by_class = by_class(truth, classes);
    let most = by_class.iter().map(Vec::len).max().unwrap_or(0);
    let mut rng = Rng::new(seed);
    let mut rows: Vec<u32> = (0..truth.len() as u32).collect();
    for class in by_class.iter().filter(|class| !class.is_empty()) {
        rows.extend((class.len()..most).map(|_| class[rng.below(class.len())]));
    }
    rows
}

/// Rows in order, without those that make a class larger than the smallest that occurs.
pub fn under(truth: &[u16], classes: usize, seed: u64) -> Vec<u32> {
    let by_class = by_class(truth, classes);
    let least = by_class.iter().map(Vec::len).filter(|&n| n > 0).min().unwrap_or(0);
    let mut rng = Rng::new(seed);
    let mut rows = Vec::with_capacity(least * classes);
    for mut class in by_class {
        // The first `least` steps of a Fisher–Yates shuffle.
        for i in 0..least.min(class.len()) {
            let j = i + rng.below(class.len() - i);
            class.swap(i, j);
        }
        class.truncate(least);
        rows.extend(class);
    }
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn classes_come_out_equal(truth in proptest::collection::vec(0_u16..3, 1..200), seed: u64) {
            let sizes = |rows: &[u32]| {
                let classes: Vec<u16> = rows.iter().map(|&r| truth[r as usize]).collect();
                by_class(&classes, 3).iter().map(Vec::len).filter(|&n| n > 0).collect::<Vec<_>>()
            };
            let all: Vec<u32> = (0..truth.len() as u32).collect();
            let (least, most) = (*sizes(&all).iter().min().unwrap(), *sizes(&all).iter().max().unwrap());
            let (more, fewer) = (over(&truth, 3, seed), under(&truth, 3, seed));
            prop_assert!(sizes(&more).iter().all(|&n| n == most));
            prop_assert!(sizes(&fewer).iter().all(|&n| n == least));
            prop_assert_eq!(&more[..truth.len()], &all[..], "no row is lost");
            prop_assert!(fewer.windows(2).all(|w| w[0] < w[1]), "no row is repeated");
        }
    }
}
