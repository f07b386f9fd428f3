//! A model as it is served: raw text in, probabilities out.

use rayon::prelude::*;
use sentimeter_text::{Analyzer, Recipe};
use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::features::{FeatureScratch, Vectorizer};
use crate::logistic::{self, Solution};
use crate::{Probs, reduce::chunks};

/// Texts that one thread scores at a time.
const CHUNK: usize = 256;

/// Where a model comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lineage {
    /// Content hash of the training rows, after removal of duplicates, before the split.
    pub data: String,
    /// Content hash of the rows that were learned from.
    pub training: String,
    /// Content hash of the rows that were measured on, where there are any.
    pub test: Option<String>,
    /// The run's seed.
    pub seed: u64,
    /// Version of the program.
    pub code: String,
}

/// What a model says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// How text is cleaned.
    pub recipe: Recipe,
    /// The classes, in the order of the probabilities.
    pub labels: Vec<String>,
    /// The plan that it was trained by.
    pub plan: serde_json::Value,
    /// Calibration of its probabilities.
    pub calibration: Calibration,
    /// What was measured on the test part.
    pub metrics: serde_json::Value,
    /// Where it comes from.
    pub lineage: Lineage,
}

/// The part that differs from kind to kind: a closed set, so that `match` finds every place that
/// forgot one.
#[derive(Debug, Clone)]
pub enum Body {
    /// TF-IDF and one layer of weights.
    Linear(Linear),
}

/// Weights over a vocabulary.
#[derive(Debug, Clone)]
pub struct Linear {
    pub(crate) vectorizer: Vectorizer,
    /// `[width, outputs]`, row-major.
    pub(crate) weights: Vec<f32>,
    /// `[outputs]`.
    pub(crate) intercepts: Vec<f64>,
}

impl Linear {
    /// Weights as they are stored: rounded to `f32`.
    pub fn new(vectorizer: Vectorizer, solution: &Solution) -> Self {
        let weights = solution.weights.iter().map(|&w| w as f32).collect();
        Self { vectorizer, weights, intercepts: solution.intercepts.clone() }
    }

    /// The vocabulary.
    pub fn vectorizer(&self) -> &Vectorizer {
        &self.vectorizer
    }

    /// Weight of each column for each output, `[width, outputs]`.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    pub(crate) fn outputs(&self) -> usize {
        self.intercepts.len()
    }

    /// Adds the last transformed row's logits to the intercepts.
    #[inline]
    fn logits(&self, scratch: &FeatureScratch, out: &mut Vec<f64>) {
        let k = self.outputs();
        out.clear();
        out.extend_from_slice(&self.intercepts);
        if let [z] = &mut out[..] {
            for (&column, &value) in scratch.columns.iter().zip(&scratch.values) {
                *z += f64::from(value) * f64::from(self.weights[column as usize]);
            }
        } else {
            for (&column, &value) in scratch.columns.iter().zip(&scratch.values) {
                let weights = &self.weights[column as usize * k..][..k];
                for (z, &w) in out.iter_mut().zip(weights) {
                    *z += f64::from(value) * f64::from(w);
                }
            }
        }
    }
}

/// Buffers that one thread reuses from text to text.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) features: FeatureScratch,
    logits: Vec<f64>,
}

/// A trained model, ready to predict; immutable, shared between threads.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) card: Card,
    pub(crate) analyzer: Analyzer,
    pub(crate) body: Body,
}

impl Model {
    /// Puts a card and a body together.
    ///
    /// # Errors
    /// A recipe that does not compile.
    pub fn new(card: Card, body: Body) -> Result<Self, sentimeter_text::RecipeError> {
        let analyzer = card.recipe.compile()?;
        Ok(Self { card, analyzer, body })
    }

    /// What the model says of itself.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Replaces what was measured: metrics are known only once the model is there to measure.
    pub fn set_metrics(&mut self, metrics: serde_json::Value) {
        self.card.metrics = metrics;
    }

    /// The kind's part.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The classes, in the order of the probabilities.
    pub fn labels(&self) -> &[String] {
        &self.card.labels
    }

    /// How text becomes tokens.
    pub fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        match &self.body {
            Body::Linear(linear) => linear.vectorizer.width(),
        }
    }

    /// Probabilities of `texts`, one thread, `[texts, classes]`. Any text is accepted; one without
    /// a known feature gets what the intercepts say.
    pub fn predict(&self, texts: &[&str], scratch: &mut Scratch) -> Probs {
        let mut probs = Probs::new(self.card.labels.len());
        for text in texts {
            self.logits(text, scratch);
            probs.push_logits(&mut scratch.logits, self.card.calibration.scale());
        }
        probs
    }

    /// Probabilities of texts `0..len` on all threads of the current pool, `[len, classes]`; the
    /// same as one by one.
    pub fn predict_all<'a>(&self, len: usize, text: impl Fn(usize) -> &'a str + Sync) -> Probs {
        let parts: Vec<Probs> = chunks(len, CHUNK)
            .into_par_iter()
            .map_init(Scratch::default, |scratch, range| {
                let mut part = Probs::new(self.card.labels.len());
                for row in range {
                    self.logits(text(row), scratch);
                    part.push_logits(&mut scratch.logits, self.card.calibration.scale());
                }
                part
            })
            .collect();
        let mut all = Probs::new(self.card.labels.len());
        parts.into_iter().for_each(|mut part| all.append(&mut part));
        all
    }

    /// Logits before calibration go to `scratch.logits`, `[outputs]`.
    #[inline]
    fn logits(&self, text: &str, scratch: &mut Scratch) {
        match &self.body {
            Body::Linear(linear) => {
                linear.vectorizer.transform(&self.analyzer, text, &mut scratch.features);
                linear.logits(&scratch.features, &mut scratch.logits);
            }
        }
    }
}

impl Linear {
    /// Whether the shapes of vocabulary, weights and classes agree.
    pub(crate) fn agrees(&self, classes: usize) -> bool {
        self.outputs() == logistic::outputs(classes)
            && self.weights.len() == self.vectorizer.width() * self.outputs()
    }
}
