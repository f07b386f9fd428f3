//! How much more texts would help: the same plan learned from growing shares of the same data.

use sentimeter_corpus::Corpus;
use sentimeter_model::calibration::Calibration;
use sentimeter_model::features::{Counts, Tokens, Vectorizer};
use sentimeter_model::metrics::wilson;
use sentimeter_model::{Body, Card, FitError, Hooks, Lineage, Linear, Model, Probs};
use serde::Serialize;

use crate::prepare::prepare;
use crate::train::Job;
use crate::{ExperimentError, Plan};

/// Parts that the training rows are cut into.
const PARTS: u32 = 16;

/// How many of the parts each point learns from: every point doubles the one before.
const STEPS: [u32; 5] = [1, 2, 4, 8, PARTS];

/// A model of a share of the training rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Rows that it learned from.
    pub rows: usize,
    /// Share of the test part answered right.
    pub accuracy: f64,
    /// [`wilson`] interval of `accuracy`, 95 %.
    pub interval: [f64; 2],
    /// Share of the rows that it learned from answered right: far above `accuracy`, more texts help;
    /// close to it, a richer model does.
    pub training_accuracy: f64,
}

/// What more texts bring.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LearningCurve {
    /// Rows of the test part, the same for every point.
    pub test_rows: usize,
    /// From few rows to all; shares too small to learn from are left out.
    pub points: Vec<CurvePoint>,
}

/// Learns by `plan` from a sixteenth, an eighth, … and all of the training rows and measures on the
/// same test part as [`crate::train()`] does. Each share holds the smaller ones, has the classes in
/// their proportion, keeps near duplicates together, and depends on data and seed alone.
///
/// Texts are cleaned and their n-grams numbered once; all else is each share's own. Without
/// calibration, which changes no decision.
///
/// # Errors
/// As [`crate::train()`].
pub fn learning_curve(
    plan: &Plan,
    data: &Corpus,
    test: Option<&Corpus>,
    hooks: &mut dyn Hooks,
) -> Result<LearningCurve, ExperimentError> {
    if plan.model.network().is_some() {
        let why = "a learning curve trains ten models and is drawn for `logistic` alone; leave --learning-curve out \
                   for a network";
        return Err(ExperimentError::Plan { why: why.to_owned() });
    }
    let prepared = prepare(plan, data, test)?;
    let recipe = plan.recipe()?;
    let analyzer = recipe.compile()?;
    let train = &prepared.train;
    let tokens = Tokens::read(&analyzer, train.len(), |i| data.text(train[i].row as usize), hooks)?;
    let counts = Counts::new(tokens, &plan.features)?;
    let truth: Vec<u16> = train.iter().map(|r| r.class).collect();
    let job = Job { plan, counts: &counts, truth: &truth, labels: &prepared.labels, importance: None };
    let part_of = prepared.folds(PARTS, plan.seed);
    let tested = test.unwrap_or(data);
    let mut points = Vec::new();
    for parts in STEPS {
        let rows: Vec<u32> = (0..truth.len() as u32).filter(|&row| part_of[row as usize] < parts).collect();
        let (tfidf, solution, logits) = match job.fold(&rows, &rows, 1.0, hooks) {
            // A sixteenth of a small set may hold one class alone.
            Err(ExperimentError::Fit(
                FitError::OneClass { .. } | FitError::NoFeatures { .. } | FitError::Empty { .. },
            )) if parts < PARTS => continue,
            learned => learned?,
        };
        let learned = Probs::from_logits(&logits, prepared.labels.len(), Calibration::None);
        let learned_hits = hits(&learned, rows.iter().map(|&row| truth[row as usize]));
        let card = Card {
            recipe: recipe.clone(),
            labels: prepared.labels.clone(),
            languages: Vec::new(),
            plan: serde_json::Value::Null,
            calibration: Calibration::None,
            metrics: serde_json::Value::Null,
            lineage: Lineage::default(),
        };
        let model = Model::new(card, Body::Linear(Linear::new(Vectorizer::new(&counts, &tfidf), &solution)))?;
        let answers = model.predict_all(prepared.test.len(), |i| tested.text(prepared.test[i].row as usize));
        let hits = hits(&answers, prepared.test.iter().map(|r| r.class));
        points.push(CurvePoint {
            rows: rows.len(),
            accuracy: hits as f64 / prepared.test.len().max(1) as f64,
            interval: wilson(hits, prepared.test.len() as u64),
            training_accuracy: learned_hits as f64 / rows.len().max(1) as f64,
        });
    }
    Ok(LearningCurve { test_rows: prepared.test.len(), points })
}

/// Rows whose likeliest class is the true one.
fn hits(probs: &Probs, truth: impl Iterator<Item = u16>) -> u64 {
    truth.enumerate().filter(|&(i, class)| probs.top(i).0 == class).count() as u64
}
