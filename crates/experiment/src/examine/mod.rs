//! A measured model looked at closely: where it is right, how sure it is, and where it errs.
//!
//! [`examine`] turns answers into every number of an evaluation report, [`page`] draws them.

mod abstain;
mod cells;
mod model;
mod page;
mod scores;
mod texts;

use rayon::prelude::*;
use sentimeter_corpus::Corpus;
use sentimeter_model::Model;
use sentimeter_model::metrics::{Curves, Metrics, Options, ReliabilityBin, curves, reliability};
use serde::Serialize;

pub use abstain::{Abstain, Reaching};
pub use cells::Cell;
pub use model::About;
pub use page::page;
pub use scores::{ClassScores, Scores};
pub use texts::{Piece, Text};

use crate::{Answers, LearningCurve};

/// Classes that curves and score histograms are made of: more cannot be told apart in one picture.
const MOST_CLASSES: usize = 8;

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The model.
    pub model: &'a Model,
    /// What people call it.
    pub name: &'a str,
    /// Digest of its file.
    pub digest: &'a str,
    /// What people call the rows.
    pub data: &'a str,
    /// Where they are.
    pub corpus: &'a Corpus,
    /// Which they are, and the answers.
    pub answers: &'a Answers,
    /// What was measured on them.
    pub metrics: &'a Metrics,
    /// What should be said of data and training.
    pub notes: &'a [String],
    /// What more texts would bring, where that was asked for.
    pub learning_curve: Option<&'a LearningCurve>,
}

/// Every number of an evaluation report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Examination {
    /// What the model is.
    pub model: About,
    /// What it was measured on.
    pub data: String,
    /// What should be said of data and training.
    pub notes: Vec<String>,
    /// What was measured.
    pub metrics: Metrics,
    /// Curves of each class against the rest; of two classes the last alone; of many those with most rows.
    pub curves: Vec<ClassCurves>,
    /// Whether probabilities come true.
    pub reliability: Reliability,
    /// How probabilities are spread.
    pub scores: Scores,
    /// Parts of the rows by language, channel and length.
    pub cells: Vec<Cell>,
    /// What not answering would gain.
    pub abstaining: Abstain,
    /// Texts that it is most sure of and wrong about, the surest first.
    pub mistakes: Vec<Text>,
    /// Texts between two classes, the closest first.
    pub unsure: Vec<Text>,
    /// What more texts would bring.
    pub learning_curve: Option<LearningCurve>,
}

/// A class's curves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassCurves {
    /// The class.
    pub class: String,
    /// Its curves.
    #[serde(flatten)]
    pub curves: Curves,
}

/// Probabilities and what came of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    /// The class whose probability is binned: of two classes the last; else `None`, and it is the answer's.
    pub class: Option<String>,
    /// Bins of equal width, as many as the expected calibration error has.
    pub bins: Vec<ReliabilityBin>,
}

/// Looks closely at a model's answers.
pub fn examine(subject: &Subject<'_>) -> Examination {
    let Subject { model, corpus, answers, metrics, .. } = *subject;
    let Answers { truth, probs, .. } = answers;
    let labels = model.labels();
    let binary = labels.len() == 2;
    let shown = largest(metrics, MOST_CLASSES);
    let drawn: &[usize] = if binary { &[1] } else { &shown };
    let ((curves, cells), (mistakes, unsure)) = rayon::join(
        || {
            let curves = drawn
                .par_iter()
                .map(|&class| ClassCurves {
                    class: labels[class].clone(),
                    curves: curves(truth, probs.values(), labels.len(), class),
                })
                .collect();
            (curves, cells::cells(corpus, answers, metrics))
        },
        || texts::texts(model, corpus, answers),
    );
    let of = binary.then_some(1);
    Examination {
        model: About::of(model, subject.name, subject.digest),
        data: subject.data.to_owned(),
        notes: subject.notes.to_vec(),
        metrics: metrics.clone(),
        curves,
        reliability: Reliability {
            class: of.map(|class| labels[class].clone()),
            bins: reliability(truth, probs.values(), labels.len(), of, Options::default().bins),
        },
        scores: scores::scores(answers, labels, &shown),
        cells,
        abstaining: abstain::abstain(answers, labels.len(), metrics.accuracy),
        mistakes,
        unsure,
        learning_curve: subject.learning_curve.cloned(),
    }
}

/// The `most` classes with most rows, in the order of the labels.
fn largest(metrics: &Metrics, most: usize) -> Vec<usize> {
    let support = |class: &usize| -> u64 { metrics.confusion[*class].iter().sum() };
    let mut classes: Vec<usize> = (0..metrics.labels.len()).collect();
    // Stable: of equals the first.
    classes.sort_by_key(|class| std::cmp::Reverse(support(class)));
    classes.truncate(most);
    classes.sort_unstable();
    classes
}
