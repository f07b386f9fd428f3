//! How long the texts are.

use rayon::prelude::*;
use sentimeter_corpus::Corpus;
use serde::Serialize;

use super::slots::Slots;

/// Lengths in one unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Lengths {
    /// `characters` or `words` (by white space).
    pub unit: &'static str,
    /// Width of a bin: bin `i` holds lengths from `i * width` up to, not including, the next bin's.
    pub width: u32,
    /// Rows of each bin, by class: `[classes][bins]`.
    pub bins: Vec<Vec<u64>>,
    /// Rows longer than the last bin reaches, by class.
    pub longer: Vec<u64>,
    /// Quantiles, by class.
    pub spread: Vec<Spread>,
}

/// Quantiles of the lengths of a class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Mean length.
    pub mean: f64,
    /// 5 of 100 texts are no longer.
    pub p5: u32,
    /// A quarter of the texts are no longer.
    pub p25: u32,
    /// Half the texts are no longer.
    pub p50: u32,
    /// Three quarters of the texts are no longer.
    pub p75: u32,
    /// 95 of 100 texts are no longer.
    pub p95: u32,
    /// The longest.
    pub max: u32,
}

/// Bins that a histogram has at most, and the share of rows that they hold.
const BINS: u32 = 60;
const SHOWN: f64 = 0.995;

/// Characters and words of each row.
pub(super) fn measure(corpus: &Corpus) -> Vec<(u32, u32)> {
    (0..corpus.len())
        .into_par_iter()
        .with_min_len(4096)
        .map(|row| {
            let text = corpus.text(row);
            (text.chars().count() as u32, text.split_whitespace().count() as u32)
        })
        .collect()
}

/// Histogram and quantiles of `lengths`, one for each row.
pub(super) fn lengths(unit: &'static str, lengths: &[u32], slots: &Slots) -> Lengths {
    let mut of_slot: Vec<Vec<u32>> = vec![Vec::new(); slots.len()];
    for (&length, &slot) in lengths.iter().zip(&slots.of) {
        of_slot[usize::from(slot)].push(length);
    }
    of_slot.par_iter_mut().for_each(|lengths| lengths.sort_unstable());
    let mut all = lengths.to_vec();
    all.par_sort_unstable();
    let top = quantile(&all, SHOWN);
    // 1, 2 or 5 times a power of ten: edges that an axis can name.
    let width = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000]
        .into_iter()
        .find(|width| top / width < BINS)
        .unwrap_or(50_000);
    let count = (top / width).min(BINS) as usize + 1;
    let mut bins = vec![vec![0; count]; slots.len()];
    let mut longer = slots.zeros();
    for (slot, lengths) in of_slot.iter().enumerate() {
        for length in lengths {
            match bins[slot].get_mut((length / width) as usize) {
                Some(bin) => *bin += 1,
                None => longer[slot] += 1,
            }
        }
    }
    let spread = of_slot.iter().map(|lengths| spread(lengths)).collect();
    Lengths { unit, width, bins, longer, spread }
}

/// The smallest of the sorted `values` that `share` of them do not exceed; 0 where there is none.
fn quantile(values: &[u32], share: f64) -> u32 {
    let at = (share * values.len() as f64).ceil() as usize;
    values.get(at.clamp(1, values.len().max(1)) - 1).copied().unwrap_or(0)
}

fn spread(sorted: &[u32]) -> Spread {
    let sum: u64 = sorted.iter().map(|&n| u64::from(n)).sum();
    Spread {
        mean: sum as f64 / sorted.len().max(1) as f64,
        p5: quantile(sorted, 0.05),
        p25: quantile(sorted, 0.25),
        p50: quantile(sorted, 0.5),
        p75: quantile(sorted, 0.75),
        p95: quantile(sorted, 0.95),
        max: sorted.last().copied().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_row_lies_in_one_bin(rows in proptest::collection::vec((0..3_u16, 0..400_000_u32), 0..200)) {
            let slots = Slots {
                names: vec!["a".into(), "b".into(), "c".into()],
                classes: 3,
                of: rows.iter().map(|r| r.0).collect(),
            };
            let found = lengths("characters", &rows.iter().map(|r| r.1).collect::<Vec<_>>(), &slots);
            for (slot, &rows) in slots.rows().iter().enumerate() {
                proptest::prop_assert_eq!(found.bins[slot].iter().sum::<u64>() + found.longer[slot], rows);
                let Spread { p5, p25, p50, p75, p95, max, .. } = found.spread[slot];
                proptest::prop_assert!(p5 <= p25 && p25 <= p50 && p50 <= p75 && p75 <= p95 && p95 <= max);
            }
        }
    }
}
