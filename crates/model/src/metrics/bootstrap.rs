//! How much a measure would move on another sample of the same size: percentile bootstrap
//! (Efron & Tibshirani 1993, chapter 13).
//!
//! Whole rows are drawn with replacement, so the measures of one resample belong together and the macro
//! mean of several areas keeps their correlation. A drawn row costs one addition to a confusion cell and
//! one per ranked class; nothing is sorted again.

use rayon::prelude::*;

use super::confusion::Confusion;
use super::ranking::{Ranking, Tie, roc_auc};

/// Rankings are resampled in at most this many bins of score. Rows of one bin count as tied, and the
/// little by which that moves the area (of the order of `1 / BINS²`) is given back to every resample.
const BINS: usize = 1024;

/// Measures of one resample.
struct Resample {
    accuracy: f64,
    macro_f1: f64,
    macro_recall: f64,
    roc_auc: Option<f64>,
}

/// 2.5 % and 97.5 % points over the resamples.
pub(super) struct Bounds {
    pub(super) accuracy: [f64; 2],
    pub(super) macro_f1: [f64; 2],
    pub(super) macro_recall: [f64; 2],
    /// `None` where fewer than half of the resamples have every class.
    pub(super) roc_auc: Option<[f64; 2]>,
}

/// What happens to the counts when a row is drawn: `slots[row * stride..][..stride]` each gain one.
///
/// Slots `0..classes²` are the confusion matrix; then, per ranking, two per bin: outside, inside.
struct Rows {
    slots: Vec<u32>,
    stride: usize,
    classes: usize,
    rankings: usize,
}

impl Rows {
    fn new(truth: &[u16], predicted: &[u16], classes: usize, ranked: &[(usize, &Ranking)]) -> Self {
        let stride = 1 + ranked.len();
        let mut slots = vec![0; truth.len() * stride];
        for (row, (&t, &p)) in slots.chunks_exact_mut(stride).zip(truth.iter().zip(predicted)) {
            row[0] = u32::from(t) * classes as u32 + u32::from(p);
        }
        for (index, &(class, ranking)) in ranked.iter().enumerate() {
            let base = classes * classes + index * 2 * BINS;
            let bins = ranking.binned(BINS);
            for ((row, bin), &t) in slots.chunks_exact_mut(stride).zip(bins).zip(truth) {
                row[1 + index] = base as u32 + 2 * bin + u32::from(usize::from(t) == class);
            }
        }
        Self { slots, stride, classes, rankings: ranked.len() }
    }

    fn len(&self) -> usize {
        self.slots.len() / self.stride
    }

    /// Counts of as many rows as there are, chosen by `pick`, which sees how many there are.
    fn count(&self, mut pick: impl FnMut(usize) -> usize) -> Vec<u32> {
        let mut counts = vec![0_u32; self.classes * self.classes + self.rankings * 2 * BINS];
        for _ in 0..self.len() {
            let row = pick(self.len());
            for &slot in &self.slots[row * self.stride..][..self.stride] {
                counts[slot as usize] += 1;
            }
        }
        counts
    }

    /// `binned_away`: what binning took from the area of the rows as they are.
    fn measure(&self, counts: &[u32], binned_away: f64) -> Resample {
        let (cells, bins) = counts.split_at(self.classes * self.classes);
        let confusion = Confusion::new(cells.iter().map(|&n| u64::from(n)).collect(), self.classes);
        Resample {
            accuracy: confusion.accuracy(),
            macro_f1: confusion.macro_mean(|c| c.f1),
            macro_recall: confusion.macro_mean(|c| c.recall),
            roc_auc: mean_area(bins).map(|area| (area + binned_away).clamp(0.0, 1.0)),
        }
    }
}

/// Mean over the rankings in `bins` (each `2 * BINS` counts) of the area; `None` if one is undefined or
/// there is none.
fn mean_area(bins: &[u32]) -> Option<f64> {
    let mut sum = 0.0;
    let mut ties = Vec::with_capacity(BINS);
    for ranking in bins.chunks_exact(2 * BINS) {
        ties.clear();
        ties.extend(
            ranking.chunks_exact(2).map(|n| Tie { outside: u64::from(n[0]), inside: u64::from(n[1]) }),
        );
        sum += roc_auc(&ties)?;
    }
    let rankings = bins.len() / (2 * BINS);
    (rankings > 0).then(|| sum / rankings as f64)
}

/// Bounds from `resamples` (≥ 1) draws of all rows; `ranked` are the classes whose areas are averaged,
/// with `area` the average on the rows as they are (`None`: no bounds for it).
///
/// Resample `i` has its own generator, made of `seed` and `i`: the result is the same on any number of
/// threads.
pub(super) fn bounds(
    truth: &[u16],
    predicted: &[u16],
    classes: usize,
    ranked: &[(usize, &Ranking)],
    area: Option<f64>,
    resamples: u32,
    seed: u64,
) -> Bounds {
    let ranked = if area.is_some() { ranked } else { &[] };
    let rows = Rows::new(truth, predicted, classes, ranked);
    let mut next = 0..rows.len();
    let as_they_are = rows.count(|_| next.next().unwrap_or(0));
    let binned_away = area.unwrap_or(0.0) - mean_area(&as_they_are[classes * classes..]).unwrap_or(0.0);
    let drawn: Vec<Resample> = (0..resamples)
        .into_par_iter()
        .map(|i| {
            let mut random = SplitMix::new(seed, i);
            rows.measure(&rows.count(|len| random.below(len)), binned_away)
        })
        .collect();
    let middle = |of: fn(&Resample) -> f64| percentiles(drawn.iter().map(of).collect());
    let areas: Vec<f64> = drawn.iter().filter_map(|r| r.roc_auc).collect();
    Bounds {
        accuracy: middle(|r| r.accuracy),
        macro_f1: middle(|r| r.macro_f1),
        macro_recall: middle(|r| r.macro_recall),
        roc_auc: (2 * areas.len() >= drawn.len() && !areas.is_empty()).then(|| percentiles(areas)),
    }
}

/// 2.5 % and 97.5 % points of `values` (not empty), between order statistics by linear interpolation.
fn percentiles(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_unstable_by(f64::total_cmp);
    [0.025, 0.975].map(|share| {
        let place = share * (values.len() - 1) as f64;
        let low = values[place.floor() as usize];
        let high = values[place.ceil() as usize];
        low + (high - low) * place.fract()
    })
}

/// SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195).
struct SplitMix(u64);

impl SplitMix {
    /// The generator of resample `stream`: a far point of the sequence of `seed`.
    fn new(seed: u64, stream: u32) -> Self {
        let mut of_seed = Self(seed);
        let start = of_seed.next();
        let mut of_stream = Self(start ^ u64::from(stream));
        Self(of_stream.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0..len`; the bias of taking the high half of the product is below `len / 2⁶⁴`.
    fn below(&mut self, len: usize) -> usize {
        ((u128::from(self.next()) * len as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate_as_numpy() {
        // numpy.percentile(range(101), [2.5, 97.5]) and of one value
        let values = (0..101).map(f64::from).collect();
        assert_eq!(percentiles(values), [2.5, 97.5]);
        assert_eq!(percentiles(vec![3.0]), [3.0, 3.0]);
    }

    #[test]
    fn generator_is_splitmix64() {
        // first outputs for seed 1234567 of the authors' C code
        let mut random = SplitMix(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }
}
