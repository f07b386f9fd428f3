//! Whether probabilities come true, bin by bin.

use serde::Serialize;

use super::{wilson, winner};

/// Rows that were given similar probabilities.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// The bin holds probabilities above this (the first also 0).
    pub above: f64,
    /// Up to and with this.
    pub to: f64,
    /// Rows in it.
    pub rows: u64,
    /// Mean of their probabilities; `None` without rows.
    pub predicted: Option<f64>,
    /// Share of them for which it came true; `None` without rows.
    pub observed: Option<f64>,
    /// [`wilson`] interval of `observed`.
    pub interval: Option<[f64; 2]>,
}

/// Rows by a probability, in `bins` bins of equal width `((b-1)/bins, b/bins]`: that of `class`, or, where
/// that is `None`, that of the answer, as the expected calibration error ([`Metrics::ece`](super::Metrics))
/// bins it. Other arguments as [`measure`](super::measure) takes them, which checks them.
pub fn reliability(
    truth: &[u16],
    probs: &[f32],
    classes: usize,
    class: Option<usize>,
    bins: usize,
) -> Vec<ReliabilityBin> {
    let (classes, bins) = (classes.max(1), bins.max(1));
    let mut found = vec![(0_u64, 0_u64, 0.0_f64); bins];
    for (row, &t) in probs.chunks_exact(classes).zip(truth) {
        let class = class.unwrap_or_else(|| usize::from(winner(row)));
        let Some(&p) = row.get(class) else { continue };
        let p = f64::from(p);
        let bin = &mut found[((p * bins as f64).ceil() as usize).clamp(1, bins) - 1];
        bin.0 += 1;
        bin.1 += u64::from(usize::from(t) == class);
        bin.2 += p;
    }
    let width = 1.0 / bins as f64;
    found
        .into_iter()
        .enumerate()
        .map(|(at, (rows, hits, sum))| ReliabilityBin {
            above: at as f64 * width,
            to: (at + 1) as f64 * width,
            rows,
            predicted: (rows > 0).then(|| sum / rows as f64),
            observed: (rows > 0).then(|| hits as f64 / rows as f64),
            interval: (rows > 0).then(|| wilson(hits, rows)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Options, measure};

    #[test]
    fn bins_are_counted_by_hand() {
        let probs = [0.1, 0.9, 0.4, 0.6, 0.5, 0.5, 1.0, 0.0];
        let bins = reliability(&[1, 0, 0, 0], &probs, 2, Some(1), 2);
        assert_eq!(bins[0].rows, 2, "0.5 belongs to the lower bin, 0 to the first");
        assert_eq!(bins[0].predicted, Some(0.25));
        assert_eq!(bins[0].observed, Some(0.0));
        assert_eq!(bins[1].rows, 2);
        assert!((bins[1].predicted.unwrap() - 0.75).abs() < 1e-7);
        assert_eq!(bins[1].observed, Some(1.0 / 2.0));
        assert_eq!(reliability(&[], &[], 2, None, 3)[2].predicted, None);
    }

    #[test]
    fn gaps_of_the_answers_bins_add_up_to_the_calibration_error() {
        let probs = [0.7, 0.2, 0.1, 0.3, 0.4, 0.3, 0.05, 0.05, 0.9, 0.5, 0.25, 0.25, 0.2, 0.2, 0.6];
        let truth = [0, 2, 2, 1, 2];
        let labels = ["a", "b", "c"].map(str::to_owned);
        let options = Options { bootstrap: 0, ..Options::default() };
        let ece = measure(&truth, &probs, &labels, &options).unwrap().ece;
        let sum: f64 = reliability(&truth, &probs, 3, None, options.bins)
            .iter()
            .filter_map(|b| Some((b.observed? - b.predicted?).abs() * b.rows as f64 / 5.0))
            .sum();
        assert!((sum - ece).abs() < 1e-12, "{sum} {ece}");
    }
}
