//! What the model gains by leaving unsure texts to a person.

use sentimeter_model::metrics::{Abstaining, Threshold};
use serde::Serialize;

use crate::Answers;

/// Confidences that the table shows; 0 answers everything.
const CONFIDENCES: [f64; 9] = [0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];

/// Accuracies that somebody may want.
const WANTED: [f64; 8] = [0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99];

/// How many of those above what the model reaches unasked are looked for.
const SHOWN: usize = 4;

/// Rows below which accuracy of what is answered jumps too much to be drawn.
const LEAST: u64 = 20;

/// What not answering unsure texts would gain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Abstain {
    /// Round thresholds and what they do.
    pub thresholds: Vec<Threshold>,
    /// Thresholds for round accuracies.
    pub reaching: Vec<Reaching>,
    /// (coverage, accuracy of what is answered), rising to coverage 1.
    pub curve: Vec<[f64; 2]>,
}

/// How to be right that often.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reaching {
    /// The accuracy wanted.
    pub accuracy: f64,
    /// The threshold that answers the most texts so; `None` where none reaches it.
    pub threshold: Option<Threshold>,
}

/// The model's answers by confidence; `accuracy` is what it reaches when it answers everything.
pub(super) fn abstain(answers: &Answers, classes: usize, accuracy: f64) -> Abstain {
    let found = Abstaining::new(&answers.truth, answers.probs.values(), classes);
    // The likeliest of K classes has at least 1/K.
    let least = 1.0 / classes.max(1) as f64;
    let thresholds = CONFIDENCES.iter().filter(|&&at| at == 0.0 || at > least + 1e-9);
    let wanted = WANTED.iter().filter(|&&wanted| wanted > accuracy).take(SHOWN);
    Abstain {
        thresholds: thresholds.map(|&at| found.at(at)).collect(),
        reaching: wanted
            .map(|&accuracy| Reaching { accuracy, threshold: found.reaching(accuracy) })
            .collect(),
        curve: found.curve(LEAST),
    }
}
