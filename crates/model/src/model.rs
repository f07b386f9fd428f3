//! A model as it is served: raw text in, probabilities out.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use sentimeter_text::language::{Detection, Language, detect};
use sentimeter_text::{Analyzer, Recipe};
use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::linear::{Linear, Scratch};
use crate::neural::Neural;
use crate::{Probs, reduce::chunks};

/// Texts that one thread scores at a time.
const CHUNK: usize = 256;

/// A language that is less sure than this is not told; the recipe `auto` has the same bound.
pub(crate) const SURE: f32 = 0.6;

thread_local! {
    /// What a thread remembers of the words that it has seen outlasts a batch: a stream comes in many.
    static SCRATCH: Cell<Scratch> = Cell::default();
}

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
    /// Corrections by users among the rows that were learned from, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Corrected>,
}

/// Corrections by users that were learned from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrected {
    /// How many.
    pub count: u64,
    /// Content hash of their texts and labels.
    pub hash: String,
}

/// What a model says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// How text is cleaned.
    pub recipe: Recipe,
    /// The classes, in the order of the probabilities.
    pub labels: Vec<String>,
    /// The languages that it was made for; empty where nothing was said, and any text is one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<Language>,
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
    /// A network over words' vectors.
    Neural(Neural),
}

/// A trained model, ready to predict; immutable, shared between threads.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) card: Card,
    pub(crate) analyzer: Analyzer,
    pub(crate) body: Body,
    /// Tells what is remembered for one model from what is for another; clones share it.
    id: u64,
}

impl Model {
    /// Puts a card and a body together.
    ///
    /// # Errors
    /// A recipe that does not compile.
    pub fn new(card: Card, body: Body) -> Result<Self, sentimeter_text::RecipeError> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let analyzer = card.recipe.compile()?;
        Ok(Self { card, analyzer, body, id: NEXT.fetch_add(1, Ordering::Relaxed) })
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

    /// The language of `text`, where the model says which ones it was made for.
    pub fn language(&self, text: &str) -> Option<Detection> {
        (!self.card.languages.is_empty()).then(|| detect(text))
    }

    /// Whether a text of this language is one that the model was made for. So are texts whose language
    /// cannot be told: a thumb, a name, a word that languages share.
    pub fn speaks(&self, found: Detection) -> bool {
        self.card.languages.is_empty()
            || self.card.languages.contains(&found.language)
            || found.confidence < SURE
    }

    /// How text becomes tokens.
    pub fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }

    /// Number of features: n-grams, or words that have a vector.
    pub fn features(&self) -> usize {
        match &self.body {
            Body::Linear(linear) => linear.features(),
            Body::Neural(neural) => neural.vocabulary.words().count(),
        }
    }

    /// Probabilities of `texts`, one thread, `[texts, classes]`. Any text is accepted; one without
    /// a known feature gets what the intercepts say.
    pub fn predict(&self, texts: &[&str], scratch: &mut Scratch) -> Probs {
        let mut probs = Probs::new(self.card.labels.len());
        self.score(texts.iter().map(|&text| (text, None)), scratch, &mut probs);
        probs
    }

    /// The same for texts whose languages have been detected, which is not done again.
    pub fn predict_detected(&self, texts: &[(&str, Detection)], scratch: &mut Scratch) -> Probs {
        let mut probs = Probs::new(self.card.labels.len());
        self.score(texts.iter().map(|&(text, found)| (text, Some(found))), scratch, &mut probs);
        probs
    }

    /// Probabilities of texts `0..len` on all threads of the current pool, `[len, classes]`; the
    /// same as one by one.
    pub fn predict_all<'a>(&self, len: usize, text: impl Fn(usize) -> &'a str + Sync) -> Probs {
        let (probs, _) = self.in_chunks(len, |range, probs, scratch| {
            self.score(range.map(|i| (text(i), None)), scratch, probs);
            Vec::new()
        });
        probs
    }

    /// The same with the language of each text, where the model says which ones it was made for; none otherwise.
    pub fn predict_all_detecting<'a>(
        &self,
        len: usize,
        text: impl Fn(usize) -> &'a str + Sync,
    ) -> (Probs, Vec<Detection>) {
        if self.card.languages.is_empty() {
            return (self.predict_all(len, text), Vec::new());
        }
        self.in_chunks(len, |range, probs, scratch| {
            let texts: Vec<_> = range.map(|i| (text(i), detect(text(i)))).collect();
            self.score(texts.iter().map(|&(text, found)| (text, Some(found))), scratch, probs);
            texts.into_iter().map(|(_, found)| found).collect()
        })
    }

    /// Has `score` add the probabilities of texts `0..len` in parts, on all threads; joins what it returns, too.
    fn in_chunks(
        &self,
        len: usize,
        score: impl Fn(Range<usize>, &mut Probs, &mut Scratch) -> Vec<Detection> + Sync,
    ) -> (Probs, Vec<Detection>) {
        let parts: Vec<(Probs, Vec<Detection>)> = chunks(len, CHUNK)
            .into_par_iter()
            .map(|range| {
                let mut part = Probs::new(self.card.labels.len());
                let mut scratch = SCRATCH.take();
                let found = score(range, &mut part, &mut scratch);
                SCRATCH.set(scratch);
                (part, found)
            })
            .collect();
        let (mut all, mut found) = (Probs::new(self.card.labels.len()), Vec::new());
        for (mut part, mut more) in parts {
            all.append(&mut part);
            found.append(&mut more);
        }
        (all, found)
    }

    /// Adds the probabilities of `texts`, one thread.
    fn score<'a>(
        &self,
        texts: impl Iterator<Item = (&'a str, Option<Detection>)>,
        scratch: &mut Scratch,
        probs: &mut Probs,
    ) {
        let calibration = self.card.calibration;
        if !calibration.asks_language() {
            let scale = calibration.scale(Language::Other);
            return self.scaled(texts, std::iter::repeat(scale), scratch, probs);
        }
        let texts = texts.map(|(text, found)| (text, found.unwrap_or_else(|| detect(text))));
        let texts: Vec<(&str, Detection)> = texts.collect();
        let scales = texts.iter().map(|&(_, found)| calibration.scale(Calibration::language(found)));
        self.scaled(texts.iter().map(|&(text, found)| (text, Some(found))), scales, scratch, probs);
    }

    /// Adds the probabilities of `texts`, whose logits are multiplied by `scales`.
    fn scaled<'a>(
        &self,
        texts: impl Iterator<Item = (&'a str, Option<Detection>)>,
        mut scales: impl Iterator<Item = f64>,
        scratch: &mut Scratch,
        probs: &mut Probs,
    ) {
        scratch.group.serve(self.id);
        let mut push = |logits: &mut [f64]| probs.push_logits(logits, scales.next().unwrap_or(1.0));
        match &self.body {
            Body::Linear(linear) => linear.logits(&self.analyzer, texts, scratch, push),
            Body::Neural(neural) => {
                let texts = texts.map(|(text, _)| text);
                neural.logits(&self.analyzer, texts, &mut scratch.neural, |logits| push(logits));
            }
        }
    }

    /// Tokens of `text` and how many of them the model reads, where it does not read all.
    pub fn cut(&self, text: &str, scratch: &mut Scratch) -> Option<(usize, usize)> {
        match &self.body {
            Body::Linear(_) => None,
            Body::Neural(neural) => {
                let (all, read) = neural.lengths(&self.analyzer, text, &mut scratch.neural);
                (read < all).then_some((all, read))
            }
        }
    }
}
