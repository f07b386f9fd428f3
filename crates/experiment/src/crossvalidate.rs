//! How good a plan is, fold by fold, on training data alone.

use std::collections::BTreeMap;

use sentimeter_corpus::Corpus;
use sentimeter_model::calibration::Calibration;
use sentimeter_model::features::{Counts, Tokens};
use sentimeter_model::metrics::Metrics;
use sentimeter_model::{Hooks, Probs, neural};
use serde::Serialize;

use crate::evaluate::measure;
use crate::mix::Mix;
use crate::prepare::{prepare, prepare_whole};
use crate::pretrained::{self, Pretrained};
use crate::train::Job;
use crate::{ExperimentError, Plan, network};

/// What cross-validation found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CrossValidation {
    /// Rows of all folds together.
    pub rows: usize,
    /// What was measured on each fold by the model that had not seen it, before calibration.
    pub folds: Vec<Metrics>,
    /// Mean of the folds' accuracies.
    pub accuracy: f64,
    /// Standard deviation of the folds' accuracies.
    pub accuracy_deviation: f64,
    /// Mean of the folds' macro F1.
    pub macro_f1: f64,
    /// Mean of the folds' macro F1 in each language, where data sets are mixed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub languages: BTreeMap<String, f64>,
    /// What should be said of the data ([`crate::Prepared::notes`]).
    pub notes: Vec<String>,
    /// The rows themselves, for other programs to be measured on the same folds.
    #[serde(skip)]
    pub table: Vec<FoldRow>,
}

/// A row of the folds.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldRow {
    /// Row of the data.
    pub row: u32,
    /// The label that it is learned with, after votes on repeated texts.
    pub label: String,
    /// The fold that it is left out for.
    pub fold: u32,
    /// How much it counts in training.
    pub weight: f64,
    /// Labels that its source knows; empty where all are known.
    pub known: Vec<String>,
    /// The run's labels and their probabilities by the model that had not seen it, before calibration;
    /// empty where it was only learned from.
    pub answer: Vec<(String, f32)>,
}

/// What the folds share: counted n-grams, or cleaned texts.
enum Either {
    Linear(Counts),
    Network(neural::Kind, Tokens),
}

/// Cross-validates `plan` on all labelled rows of `data`. Texts are cleaned and their n-grams
/// numbered once; vocabulary, document frequencies, sampling and weights are each fold's own. The
/// folds depend on data and seed alone, so plans can be compared fold by fold.
///
/// # Errors
/// As [`crate::train()`].
pub fn cross_validate(
    plan: &Plan,
    data: &Corpus,
    folds: u32,
    hooks: &mut dyn Hooks,
) -> Result<CrossValidation, ExperimentError> {
    validate(plan, data, None, None, folds, hooks)
}

/// The same over several data sets: what is measured are the rows of those that are `scored`, what is
/// learned from are the rows of all other folds. No text of `test` is learned from.
///
/// # Errors
/// As [`crate::train()`].
pub fn cross_validate_mixed(
    plan: &Plan,
    mix: &Mix,
    test: Option<&Corpus>,
    folds: u32,
    hooks: &mut dyn Hooks,
) -> Result<CrossValidation, ExperimentError> {
    validate(plan, &mix.corpus, Some(mix), test, folds, hooks)
}

fn validate(
    plan: &Plan,
    data: &Corpus,
    mix: Option<&Mix>,
    test: Option<&Corpus>,
    folds: u32,
    hooks: &mut dyn Hooks,
) -> Result<CrossValidation, ExperimentError> {
    if folds < 2 {
        return Err(ExperimentError::Plan {
            why: format!("{folds} folds; cross-validation wants at least 2"),
        });
    }
    // No split: every row is measured once.
    let prepared = match test {
        None => prepare_whole(data)?,
        Some(test) => prepare(plan, data, Some(test))?,
    };
    let train = &prepared.train;
    let analyzer = plan.recipe()?.compile()?;
    let tokens = Tokens::read(&analyzer, train.len(), |i| data.text(train[i].row as usize), hooks)?;
    let truth: Vec<u16> = train.iter().map(|r| r.class).collect();
    let labels = &prepared.labels;
    let vectors = match (plan.model.network(), pretrained::file(&plan.neural)?) {
        (Some(kind), Some(path)) => {
            let least = pretrained::settings(kind, &plan.neural)?.min_count;
            Some(Pretrained::read(&path, &tokens, least, hooks)?)
        }
        _ => None,
    };
    let job = match plan.model.network() {
        None => Either::Linear(Counts::new(tokens, &plan.features)?),
        Some(kind) => Either::Network(kind, tokens),
    };
    let importance = mix.map(|mix| mix.importance(train, labels));
    let importance = importance.as_ref();
    let fold_of = prepared.folds(folds, plan.seed);
    let mut table: Vec<FoldRow> = train
        .iter()
        .enumerate()
        .map(|(at, r)| FoldRow {
            row: r.row,
            label: labels[usize::from(r.class)].clone(),
            fold: fold_of[at],
            weight: importance.map_or(1.0, |importance| importance.weights[at]),
            known: importance.map_or_else(Vec::new, |importance| importance.names(at, labels)),
            answer: Vec::new(),
        })
        .collect();
    let mut measured = Vec::new();
    let mut parts: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for fold in 0..folds {
        let of = |inside: bool| -> Vec<u32> {
            (0..truth.len() as u32).filter(|&r| (fold_of[r as usize] == fold) == inside).collect()
        };
        let mut held = of(true);
        if let Some(mix) = mix {
            held.retain(|&r| mix.scored(train[r as usize].row));
        }
        if held.is_empty() {
            return Err(ExperimentError::Data {
                why: format!("fold {} of {folds} is empty: {} rows are too few", fold + 1, truth.len()),
            });
        }
        let logits = match &job {
            Either::Linear(counts) => {
                Job { plan, counts, truth: &truth, labels, importance }.fold(&of(false), &held, 1.0, hooks)?.2
            }
            Either::Network(kind, tokens) => {
                let vectors = vectors.as_ref();
                let job = network::Job { plan, kind: *kind, tokens, labels, importance, vectors };
                job.fold(&of(false), &held, &truth, hooks)?.logits
            }
        };
        let probs = Probs::from_logits(&logits, prepared.labels.len(), Calibration::None);
        if let Some(mix) = mix {
            let mut languages: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (at, &r) in held.iter().enumerate() {
                let language = mix.corpus.language(train[r as usize].row as usize).unwrap_or_default();
                languages.entry(language).or_default().push(at);
            }
            for (language, rows) in languages {
                let of_language: Vec<u16> = rows.iter().map(|&at| truth[held[at] as usize]).collect();
                let found = measure(&of_language, &probs.select(&rows), &prepared.labels, plan.seed)?;
                parts.entry(language.to_owned()).or_default().push(found.macro_f1);
            }
        }
        for (at, &r) in held.iter().enumerate() {
            table[r as usize].answer = labels.iter().cloned().zip(probs.row(at).iter().copied()).collect();
        }
        let held: Vec<u16> = held.iter().map(|&r| truth[r as usize]).collect();
        measured.push(measure(&held, &probs, &prepared.labels, plan.seed)?);
    }
    let mean = |of: fn(&Metrics) -> f64| measured.iter().map(of).sum::<f64>() / f64::from(folds);
    let (accuracy, macro_f1) = (mean(|m| m.accuracy), mean(|m| m.macro_f1));
    let squares: f64 = measured.iter().map(|m| (m.accuracy - accuracy).powi(2)).sum();
    Ok(CrossValidation {
        rows: measured.iter().map(|m| m.rows as usize).sum(),
        languages: parts
            .into_iter()
            .map(|(name, found)| (name, found.iter().sum::<f64>() / found.len() as f64))
            .collect(),
        accuracy,
        accuracy_deviation: (squares / f64::from(folds - 1)).sqrt(),
        macro_f1,
        folds: measured,
        notes: prepared.notes,
        table,
    })
}
