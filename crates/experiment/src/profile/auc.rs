//! How well a score tells two sets apart.

use serde::Serialize;

/// Area under the receiver operating characteristic, with what is known of its error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Auc {
    /// The area, in `[0, 1]`; one half is chance.
    pub value: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The area with its 95 % interval by Hanley & McNeil's standard error (1982,
/// doi:10.1148/radiology.143.1.7063747); ties count one half. `None` where one side is empty.
pub(super) fn auc(scored: &mut [(f64, bool)]) -> Option<Auc> {
    scored.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let positive = scored.iter().filter(|s| s.1).count() as f64;
    let negative = scored.len() as f64 - positive;
    if positive == 0.0 || negative == 0.0 {
        return None;
    }
    let (mut below, mut wins) = (0.0, 0.0);
    for ties in scored.chunk_by(|a, b| a.0 == b.0) {
        let hits = ties.iter().filter(|s| s.1).count() as f64;
        let misses = ties.len() as f64 - hits;
        wins += hits * (below + misses / 2.0);
        below += misses;
    }
    let value = wins / (positive * negative);
    let (q1, q2) = (value / (2.0 - value), 2.0 * value * value / (1.0 + value));
    let square = value * value;
    let variance =
        (value * (1.0 - value) + (positive - 1.0) * (q1 - square) + (negative - 1.0) * (q2 - square))
            / (positive * negative);
    let half = 1.96 * variance.max(0.0).sqrt();
    Some(Auc { value, low: (value - half).max(0.0), high: (value + half).min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_and_ties_are_halves() {
        let value = |scored: &[(f64, bool)]| auc(&mut scored.to_vec()).map(|a| a.value);
        assert_eq!(value(&[(0.1, false), (0.9, true)]), Some(1.0));
        assert_eq!(value(&[(0.5, false), (0.5, true)]), Some(0.5));
        assert_eq!(value(&[(0.9, false), (0.1, true), (0.2, false)]), Some(0.0));
        assert_eq!(value(&[(0.9, true)]), None);
        let found = auc(&mut [(0.1, false), (0.4, true), (0.35, false), (0.8, true), (0.5, false)]).unwrap();
        assert!((found.value - 5.0 / 6.0).abs() < 1e-12 && found.low < found.value && found.high <= 1.0);
    }
}
