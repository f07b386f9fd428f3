//! What is gained by not answering where the model is unsure.

use serde::Serialize;

use super::curves::thinned;
use super::{wilson, winner};

/// Rows by the confidence of their answer, that is the winning class's probability.
#[derive(Debug, Clone)]
pub struct Abstaining {
    /// Confidences that occur, falling, with the rows that have at least so much and how many of those are
    /// answered right.
    steps: Vec<Step>,
    rows: u64,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    confidence: f32,
    answered: u64,
    right: u64,
}

/// What a threshold does: rows whose confidence is below it are not answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Threshold {
    /// The least confidence that is answered, 0..=1.
    pub confidence: f64,
    /// Rows answered.
    pub answered: u64,
    /// Their share of all rows.
    pub coverage: f64,
    /// Answered rows whose answer is wrong.
    pub wrong: u64,
    /// Share of the answered rows answered right; `None` where none is.
    pub accuracy: Option<f64>,
    /// [`wilson`] interval of `accuracy`.
    pub interval: Option<[f64; 2]>,
}

impl Abstaining {
    /// Arguments as [`measure`](super::measure) takes them, which checks them.
    pub fn new(truth: &[u16], probs: &[f32], classes: usize) -> Self {
        let mut answers: Vec<(f32, bool)> = probs
            .chunks_exact(classes.max(1))
            .zip(truth)
            .map(|(row, &t)| {
                let class = winner(row);
                (row[usize::from(class)], class == t)
            })
            .collect();
        answers.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut steps: Vec<Step> = Vec::new();
        let (mut answered, mut right) = (0, 0);
        for (confidence, hit) in answers {
            answered += 1;
            right += u64::from(hit);
            match steps.last_mut() {
                // Equal confidences are answered together or not at all.
                Some(step) if step.confidence == confidence => {
                    (step.answered, step.right) = (answered, right)
                }
                _ => steps.push(Step { confidence, answered, right }),
            }
        }
        Self { steps, rows: answered }
    }

    /// What happens when only rows of at least `confidence` are answered.
    pub fn at(&self, confidence: f64) -> Threshold {
        let met = self.steps.partition_point(|step| f64::from(step.confidence) >= confidence);
        let last = met.checked_sub(1).map(|at| self.steps[at]);
        self.threshold(confidence, last)
    }

    /// The threshold that answers the most rows with at least `accuracy`; `None` where none does.
    ///
    /// It was chosen on the rows that it is measured on: on other rows it does a little worse.
    pub fn reaching(&self, accuracy: f64) -> Option<Threshold> {
        let good = |step: &&Step| step.right as f64 >= accuracy * step.answered as f64;
        let step = *self.steps.iter().rev().find(good)?;
        Some(self.threshold(f64::from(step.confidence), Some(step)))
    }

    /// (coverage, accuracy of what is answered), rising to coverage 1, from the first `least` rows on;
    /// without points that lie within a thousandth of the others.
    pub fn curve(&self, least: u64) -> Vec<[f64; 2]> {
        let shown = self.steps.iter().filter(|step| step.answered >= least.min(self.rows));
        let points: Vec<[f64; 2]> = shown
            .map(|step| [step.answered as f64 / self.rows as f64, step.right as f64 / step.answered as f64])
            .collect();
        thinned(&points)
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn threshold(&self, confidence: f64, step: Option<Step>) -> Threshold {
        let (answered, right) = step.map_or((0, 0), |step| (step.answered, step.right));
        Threshold {
            confidence,
            answered,
            coverage: answered as f64 / self.rows.max(1) as f64,
            wrong: answered - right,
            accuracy: (answered > 0).then(|| right as f64 / answered as f64),
            interval: (answered > 0).then(|| wilson(right, answered)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Golden {
        truth: Vec<u16>,
        probs: Vec<f32>,
        classes: usize,
        thresholds: Vec<Row>,
        curve: Vec<[f64; 2]>,
        wilson: Vec<(u64, u64, [f64; 2])>,
    }

    #[derive(Deserialize)]
    struct Row {
        confidence: f64,
        answered: u64,
        wrong: u64,
        accuracy: Option<f64>,
    }

    #[test]
    fn thresholds_and_curve_are_numpys_and_intervals_scipys() {
        // Written by `tests/goldens/curves.py`.
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/goldens/curves.json")).unwrap();
        let golden: Golden = serde_json::from_value(golden["abstaining"].clone()).unwrap();
        let found = Abstaining::new(&golden.truth, &golden.probs, golden.classes);
        for want in golden.thresholds {
            let got = found.at(want.confidence);
            assert_eq!((got.answered, got.wrong), (want.answered, want.wrong), "{}", want.confidence);
            assert_eq!(got.accuracy.is_some(), want.accuracy.is_some());
            assert!((got.accuracy.unwrap_or(0.0) - want.accuracy.unwrap_or(0.0)).abs() < 1e-12);
        }
        // Every point that was kept is one of the curve, in its order.
        let mut whole = golden.curve.iter();
        for point in found.curve(1) {
            assert!(whole.any(|w| (w[0] - point[0]).abs() < 1e-12 && (w[1] - point[1]).abs() < 1e-12));
        }
        for (hits, rows, [low, high]) in golden.wilson {
            let got = wilson(hits, rows);
            assert!((got[0] - low).abs() < 1e-9 && (got[1] - high).abs() < 1e-9, "{hits}/{rows}: {got:?}");
        }
    }

    #[test]
    fn the_most_rows_that_reach_an_accuracy() {
        // Confidences 0.9 right, 0.8 wrong, 0.7 right, 0.7 right, 0.6 wrong.
        let probs = [0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.3, 0.7, 0.4, 0.6];
        let found = Abstaining::new(&[1, 0, 1, 1, 0], &probs, 2);
        let reached = found.reaching(0.75).unwrap();
        assert_eq!((reached.answered, reached.wrong, reached.coverage), (4, 1, 0.8));
        assert!((reached.confidence - 0.7).abs() < 1e-6);
        assert_eq!(found.reaching(1.0).unwrap().answered, 1);
        assert_eq!(Abstaining::new(&[0], &[0.0, 1.0], 2).reaching(0.5), None);
        assert_eq!(found.at(0.95).accuracy, None);
        assert_eq!(Abstaining::new(&[], &[], 2).curve(1), [[0.0; 2]; 0]);
    }
}
