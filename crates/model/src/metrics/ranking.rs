//! How well one class's probability ranks its rows before the others.

/// Rows of one score, or of a range of neighbouring scores: how many belong to the class, how many do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tie {
    pub(super) inside: u64,
    pub(super) outside: u64,
}

/// One class against the rest: rows in rising order of the class's probability, equal ones together.
pub(super) struct Ranking {
    /// Score's bits above, row below: one integer to sort by, and the order of equal scores is the rows'.
    keys: Vec<u64>,
    ties: Vec<Tie>,
}

impl Ranking {
    /// Ranks `class` of `probs`, shape `[rows, classes]`, checked to be in 0..=1; `truth.len()` fits in 32 bits.
    pub(super) fn new(truth: &[u16], probs: &[f32], classes: usize, class: usize) -> Self {
        let scores = probs.iter().skip(class).step_by(classes);
        // bits of floats ≥ 0 order as the floats do; adding 0 turns -0 into 0
        let mut keys: Vec<u64> =
            scores.zip(0_u64..).map(|(&p, row)| (u64::from((p + 0.0).to_bits()) << 32) | row).collect();
        keys.sort_unstable();
        let mut ties: Vec<Tie> = Vec::new();
        let mut last = None;
        for &key in &keys {
            if last != Some(score(key)) {
                last = Some(score(key));
                ties.push(Tie::default());
            }
            if let Some(tie) = ties.last_mut() {
                if usize::from(truth[row(key)]) == class { tie.inside += 1 } else { tie.outside += 1 }
            }
        }
        Self { keys, ties }
    }

    /// Rows of each score, from the highest score down.
    pub(super) fn falling(&self) -> impl Iterator<Item = Tie> {
        self.ties.iter().rev().copied()
    }

    /// Rows of the class, and of the others.
    pub(super) fn totals(&self) -> (u64, u64) {
        self.ties.iter().fold((0, 0), |(inside, outside), tie| (inside + tie.inside, outside + tie.outside))
    }

    /// Area under the receiver operating characteristic; see [`roc_auc`].
    pub(super) fn roc_auc(&self) -> Option<f64> {
        roc_auc(&self.ties)
    }

    /// Average precision, `Σ (Rₙ - Rₙ₋₁) Pₙ` over falling thresholds, as scikit-learn's
    /// `average_precision_score`; `None` without a row of the class.
    pub(super) fn average_precision(&self) -> Option<f64> {
        let all: u64 = self.ties.iter().map(|t| t.inside).sum();
        let (mut inside, mut above, mut sum) = (0_u64, 0_u64, 0.0);
        for tie in self.ties.iter().rev() {
            inside += tie.inside;
            above += tie.inside + tie.outside;
            sum += tie.inside as f64 * (inside as f64 / above as f64);
        }
        (all > 0).then(|| sum / all as f64)
    }

    /// The bin of every row, at most `bins` of them, rising with the score; equal scores share a bin.
    ///
    /// With no more than `bins` different scores each has its own, otherwise bins hold nearly equal
    /// numbers of rows.
    pub(super) fn binned(&self, bins: usize) -> Vec<u32> {
        let mut of_row = vec![0; self.keys.len()];
        let exact = self.ties.len() <= bins;
        let mut start = 0;
        for (index, tie) in self.ties.iter().enumerate() {
            let end = start + (tie.inside + tie.outside) as usize;
            let bin = if exact { index } else { start * bins / self.keys.len() };
            for &key in &self.keys[start..end] {
                of_row[row(key)] = bin as u32;
            }
            start = end;
        }
        of_row
    }
}

fn score(key: u64) -> u32 {
    (key >> 32) as u32
}

fn row(key: u64) -> usize {
    (key & u64::from(u32::MAX)) as usize
}

/// Probability that a row of the class ranks above one of another, a tie counting half
/// (Mann & Whitney 1947; Fawcett 2006, doi:10.1016/j.patrec.2005.10.010).
///
/// `ties` in rising order of the score. `None` where all rows, or none, are of the class.
pub(super) fn roc_auc(ties: &[Tie]) -> Option<f64> {
    let (mut below, mut inside) = (0_u64, 0_u64);
    // twice the won pairs, in integers: no rounding until the last division
    let mut won = 0_u128;
    for tie in ties {
        won += u128::from(tie.inside) * u128::from(2 * below + tie.outside);
        below += tie.outside;
        inside += tie.inside;
    }
    let pairs = u128::from(inside) * u128::from(below);
    (pairs > 0).then(|| won as f64 / (2 * pairs) as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every pair of rows looked at.
    fn by_pairs(truth: &[u16], scores: &[f32]) -> Option<f64> {
        let (mut won, mut pairs) = (0.0, 0.0);
        for i in (0..truth.len()).filter(|&i| truth[i] == 1) {
            for j in (0..truth.len()).filter(|&j| truth[j] != 1) {
                pairs += 1.0;
                won += if scores[i] > scores[j] {
                    1.0
                } else if scores[i] == scores[j] {
                    0.5
                } else {
                    0.0
                };
            }
        }
        (pairs > 0.0).then(|| won / pairs)
    }

    proptest! {
        #[test]
        fn area_is_the_share_of_pairs_won(rows in prop::collection::vec((0..2_u16, 0..8_u8), 0..60)) {
            let truth: Vec<u16> = rows.iter().map(|r| r.0).collect();
            let scores: Vec<f32> = rows.iter().map(|r| f32::from(r.1) / 8.0).collect();
            let probs: Vec<f32> = scores.iter().flat_map(|&p| [1.0 - p, p]).collect();
            let got = Ranking::new(&truth, &probs, 2, 1).roc_auc();
            match (got, by_pairs(&truth, &scores)) {
                (Some(got), Some(want)) => prop_assert!((got - want).abs() < 1e-12, "{got} {want}"),
                (got, want) => prop_assert_eq!(got, want),
            }
        }

        #[test]
        fn bins_keep_the_order(scores in prop::collection::vec(0.0..1.0_f32, 1..200), bins in 1..50_usize) {
            let probs: Vec<f32> = scores.iter().flat_map(|&p| [1.0 - p, p]).collect();
            let of_row = Ranking::new(&vec![0; scores.len()], &probs, 2, 1).binned(bins);
            for i in 0..scores.len() {
                prop_assert!((of_row[i] as usize) < bins);
                for j in 0..scores.len() {
                    if scores[i] <= scores[j] {
                        prop_assert!(of_row[i] <= of_row[j]);
                    }
                }
            }
        }
    }

    #[test]
    fn negative_zero_ties_with_zero() {
        let probs = [1.0, -0.0, 1.0, 0.0];
        assert_eq!(Ranking::new(&[0, 1], &probs, 2, 1).roc_auc(), Some(0.5));
    }
}
