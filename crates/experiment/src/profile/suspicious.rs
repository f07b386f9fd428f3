//! Labels that the words contradict: confident learning (Northcutt, Jiang & Chuang 2021,
//! arXiv:1911.00068).

use std::collections::HashSet;

use sentimeter_corpus::{Corpus, Groups};
use sentimeter_model::Hooks;
use sentimeter_text::Recipe;
use serde::Serialize;

use super::quick::{OutOfFold, Quick};
use super::sample::{Sample, draw_of};
use crate::ExperimentError;

/// Rows of a class below which its labels cannot be doubted: each fold must learn it.
const LEAST: usize = 10;

/// Rows whose labels are doubted at most under `quick`.
const QUICK_ROWS: usize = 100_000;

/// Rows up to which they are doubted by pieces of words, too, where there is time.
const PIECES_ROWS: usize = 200_000;

/// A row whose label may be wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspect {
    /// Row of the data set, from 0.
    pub row: u32,
    /// The label that it has.
    pub given: String,
    /// The label that the model would give it.
    pub suggested: String,
    /// Out-of-fold probability of the label that it has.
    pub given_confidence: f32,
    /// Out-of-fold probability of the label suggested.
    pub suggested_confidence: f32,
    /// Whether the confident joint counts it as another class: more than a low probability.
    pub confident: bool,
    /// What stands in the row, shortened to 280 characters; absent in the full list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What confident learning says of the labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspicions {
    /// Labelled rows looked at.
    pub rows: u64,
    /// What was drawn, where those are not all labelled rows.
    pub sample: Option<Sample>,
    /// Folds of the quick model.
    pub folds: u32,
    /// Whether the quick model knows pieces of words (3 to 5 characters) beside words and pairs of words.
    pub pieces: bool,
    /// The quick model's out-of-fold accuracy: how far its doubts can be trusted.
    pub accuracy: f64,
    /// The classes, in the order of `joint`.
    pub classes: Vec<String>,
    /// Mean out-of-fold probability of each class over the rows that have it: what "confident" means.
    pub thresholds: Vec<f64>,
    /// The confident joint: rows by given label (first index) and the label that they confidently
    /// have.
    pub joint: Vec<Vec<u64>>,
    /// Rows that the joint has off its diagonal.
    pub confident: u64,
    /// The most suspicious, at most 50, each text once.
    pub first: Vec<Suspect>,
}

/// Doubts the labels of `corpus`: what is found, and all rows ranked, the most suspicious first.
/// `None` where there are fewer than two classes of ten rows.
///
/// # Errors
/// An interruption.
pub(super) fn suspicious(
    corpus: &Corpus,
    groups: &Groups,
    recipe: Recipe,
    quick: bool,
    seed: u64,
    hooks: &mut dyn Hooks,
) -> Result<Option<(Suspicions, Vec<Suspect>, OutOfFold)>, ExperimentError> {
    let counts = corpus.class_counts();
    let kept: Vec<usize> = (0..counts.len()).filter(|&class| counts[class] >= LEAST).collect();
    if kept.len() < 2 {
        return Ok(None);
    }
    let labels: Vec<String> = kept.iter().map(|&class| corpus.labels()[class].clone()).collect();
    let class = |row: u32| {
        let label = corpus.label(row as usize)?;
        kept.binary_search(&usize::from(label)).ok().map(|class| class as u16)
    };
    let rows = (0..corpus.len() as u32).filter(|&row| class(row).is_some()).collect();
    let most = if quick { QUICK_ROWS } else { usize::MAX };
    let (rows, sample) = draw_of(rows, corpus, most, seed);
    let folds = if quick { 3 } else { 5 };
    let pieces = !quick && rows.len() <= PIECES_ROWS;
    let rows = rows.into_iter().filter_map(|row| Some((row, class(row)?)));
    let model = Quick::new(recipe, folds, seed);
    let model = if pieces { model.with_pieces() } else { model };
    let Some(found) = model.out_of_fold(corpus, rows, &labels, groups, hooks)? else {
        return Ok(None);
    };
    let thresholds = thresholds(&found);
    let mut joint = vec![vec![0; labels.len()]; labels.len()];
    let mut ranked: Vec<(f32, usize, u16, bool)> = Vec::with_capacity(found.rows.len());
    for (at, (_, given, probs)) in found.iter().enumerate() {
        let confidently = confident_class(probs, &thresholds);
        if let Some(class) = confidently {
            joint[usize::from(given)][usize::from(class)] += 1;
        }
        let (other, most) = runner_up(probs, given);
        let margin = probs[usize::from(given)] - most;
        ranked.push((margin, at, other, confidently.is_some_and(|class| class != given)));
    }
    // Rows are in the order of their contents, which breaks ties.
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let all: Vec<Suspect> = ranked
        .iter()
        .map(|&(_, at, other, confident)| {
            let (row, probs) = (found.rows[at], found.probs.row(at));
            Suspect {
                row: row.row,
                given: labels[usize::from(row.class)].clone(),
                suggested: labels[usize::from(other)].clone(),
                given_confidence: probs[usize::from(row.class)],
                suggested_confidence: probs[usize::from(other)],
                confident,
                text: None,
            }
        })
        .collect();
    let shown = |suspect: &Suspect| Suspect {
        text: Some(super::excerpt(corpus.text(suspect.row as usize))),
        ..suspect.clone()
    };
    // Repeated texts would fill the list; the export holds all of them.
    let mut seen = HashSet::new();
    let mut fresh = |suspect: &Suspect| seen.insert(corpus.text(suspect.row as usize));
    let suspicions = Suspicions {
        rows: found.rows.len() as u64,
        sample,
        folds,
        pieces,
        accuracy: found.accuracy,
        confident: all.iter().filter(|s| s.confident).count() as u64,
        classes: labels,
        thresholds,
        joint,
        first: all.iter().filter(|s| s.confident && fresh(s)).take(50).map(shown).collect(),
    };
    Ok(Some((suspicions, all, found)))
}

/// Mean probability of each class over the rows that have it (equation 2).
fn thresholds(found: &OutOfFold) -> Vec<f64> {
    let mut sums = vec![(0.0, 0_u32); found.labels.len()];
    for (_, given, probs) in found.iter() {
        let (sum, n) = &mut sums[usize::from(given)];
        *sum += f64::from(probs[usize::from(given)]);
        *n += 1;
    }
    sums.into_iter().map(|(sum, n)| sum / f64::from(n.max(1))).collect()
}

/// The likeliest of the classes whose probability reaches their threshold (equation 1).
fn confident_class(probs: &[f32], thresholds: &[f64]) -> Option<u16> {
    let reached = (0_u16..).zip(probs).zip(thresholds).filter(|((_, p), t)| f64::from(**p) >= **t);
    reached
        .map(|(found, _)| found)
        .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))
        .map(|(class, _)| class)
}

/// The likeliest class but `given`, and its probability.
fn runner_up(probs: &[f32], given: u16) -> (u16, f32) {
    let others = (0_u16..).zip(probs).filter(|&(class, _)| class != given);
    others
        .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))
        .map_or((given, 0.0), |(class, &p)| (class, p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_measured_against_the_class_itself() {
        // 0.6 is a lot for a class that its own rows get 0.5 of.
        assert_eq!(confident_class(&[0.6, 0.4], &[0.5, 0.9]), Some(0));
        assert_eq!(confident_class(&[0.45, 0.55], &[0.5, 0.9]), None);
        assert_eq!(confident_class(&[0.3, 0.4, 0.3], &[0.2, 0.1, 0.2]), Some(1));
        assert_eq!(runner_up(&[0.3, 0.5, 0.2], 1), (0, 0.3));
    }
}
