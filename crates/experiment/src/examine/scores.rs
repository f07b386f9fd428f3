//! How the model's probabilities are spread over the rows of each class.

use serde::Serialize;

use crate::Answers;

/// Histograms of one probability, a series for each true class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// The class whose probability it is: of two classes the last; else `None`, and it is that of each
    /// row's true class.
    pub class: Option<String>,
    /// Bounds of the bins, one more than there are bins; the last bin holds its upper bound.
    pub edges: Vec<f64>,
    /// Rows of each class; of many classes those with most rows.
    pub classes: Vec<ClassScores>,
}

/// The rows of a class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassScores {
    /// The true class.
    pub class: String,
    /// Rows in each bin.
    pub rows: Vec<u64>,
}

/// Histograms of the classes `shown`.
pub(super) fn scores(answers: &Answers, labels: &[String], shown: &[usize]) -> Scores {
    let bins = match answers.truth.len() {
        0..200 => 10,
        200..2_000 => 20,
        _ => 40,
    };
    let binary = labels.len() == 2;
    let mut rows = vec![vec![0_u64; bins]; labels.len()];
    for (i, &t) in answers.truth.iter().enumerate() {
        let class = usize::from(t);
        let p = f64::from(answers.probs.row(i)[if binary { 1 } else { class }]);
        rows[class][((p * bins as f64) as usize).min(bins - 1)] += 1;
    }
    Scores {
        class: binary.then(|| labels[1].clone()),
        edges: (0..=bins).map(|at| at as f64 / bins as f64).collect(),
        classes: shown
            .iter()
            .map(|&class| ClassScores {
                class: labels[class].clone(),
                rows: std::mem::take(&mut rows[class]),
            })
            .collect(),
    }
}
