//! Successive halving: many candidates on few rows, few candidates on many.
//!
//! Jamieson & Talwalkar 2016 (arXiv:1502.07943); the schedule is that of scikit-learn's
//! `HalvingGridSearchCV`, counted back from the last round, which learns from all rows.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A round of a search: so many candidates, on one row in so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Candidates that take part.
    pub candidates: usize,
    /// One training row of each fold in so many is learned from; all held rows are measured on.
    pub one_in: u64,
}

/// The only round of a search that halves nothing.
pub(super) fn single(candidates: usize) -> Vec<Round> {
    vec![Round { candidates, one_in: 1 }]
}

/// The rounds for so many candidates: each keeps one in `factor`, with `factor` times the rows, until all
/// `rows` of a fold are learned from. None learns from fewer than `min_rows`.
pub(super) fn schedule(candidates: usize, factor: u32, min_rows: u32, rows: usize) -> Vec<Round> {
    let factor = u64::from(factor.max(2));
    let mut powers = vec![1_u64];
    loop {
        let next = powers[powers.len() - 1].saturating_mul(factor);
        if next > candidates as u64 || rows as u64 / next < u64::from(min_rows.max(1)) {
            break;
        }
        powers.push(next);
    }
    powers
        .iter()
        .rev()
        .zip(&powers)
        .map(|(&one_in, &kept)| Round { candidates: candidates.div_ceil(kept as usize), one_in })
        .collect()
}

/// One in so many of `rows`, each class in its share and none left out; those of a later round hold those of
/// an earlier one. `truth` is the class of every row.
pub(super) fn thin(rows: &[u32], truth: &[u16], one_in: u64, seed: u64) -> Vec<u32> {
    if one_in <= 1 {
        return rows.to_vec();
    }
    let mut drawn: Vec<(u16, u64, u32)> = rows
        .iter()
        .map(|&row| (truth[row as usize], xxh3_64_with_seed(&row.to_le_bytes(), seed), row))
        .collect();
    drawn.sort_unstable();
    let mut kept: Vec<u32> = drawn
        .chunk_by(|a, b| a.0 == b.0)
        .flat_map(|class| class[..class.len().div_ceil(one_in as usize)].iter().map(|&(_, _, row)| row))
        .collect();
    kept.sort_unstable();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(candidates: usize, factor: u32, min_rows: u32, rows: usize) -> Vec<(usize, u64)> {
        schedule(candidates, factor, min_rows, rows).iter().map(|r| (r.candidates, r.one_in)).collect()
    }

    #[test]
    fn each_round_keeps_one_in_factor_and_the_last_learns_from_all() {
        assert_eq!(rounds(24, 3, 100, 40_000), [(24, 9), (8, 3), (3, 1)]);
        assert_eq!(rounds(27, 3, 100, 40_000), [(27, 27), (9, 9), (3, 3), (1, 1)]);
        assert_eq!(rounds(10, 2, 1, 1000), [(10, 8), (5, 4), (3, 2), (2, 1)]);
        assert_eq!(rounds(24, 3, 10_000, 40_000), [(24, 3), (8, 1)], "no round on fewer rows than asked");
        assert_eq!(rounds(24, 3, 50_000, 40_000), [(24, 1)]);
        assert_eq!(rounds(1, 3, 1, 10), [(1, 1)]);
    }

    #[test]
    fn thinned_rows_keep_classes_and_hold_the_thinner() {
        let truth: Vec<u16> = (0..1000).map(|row| u16::from(row % 10 == 0)).collect();
        let rows: Vec<u32> = (0..1000).filter(|row| row % 5 != 2).collect();
        let (all, third, ninth) =
            (thin(&rows, &truth, 1, 7), thin(&rows, &truth, 3, 7), thin(&rows, &truth, 9, 7));
        assert_eq!(all, rows);
        let rare = |rows: &[u32]| rows.iter().filter(|&&row| truth[row as usize] == 1).count();
        assert_eq!((third.len(), rare(&third)), (234 + 34, 34));
        assert!(ninth.iter().all(|row| third.contains(row)));
        assert!(third.windows(2).all(|pair| pair[0] < pair[1]));
        assert_ne!(third, thin(&rows, &truth, 3, 8));
        let few = thin(&[0, 1, 2], &truth, 100, 0);
        assert_eq!(rare(&few), 1, "no class is left out");
    }
}
