//! The place of the model that answers.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use metrics::Counter;
use sentimeter_model::{Body, Digest, Model};
use sentimeter_text::language::Language;

use crate::telemetry;

/// A model that answers, under the name that its answers give.
#[derive(Debug)]
pub struct Live {
    name: String,
    digest: Digest,
    model: Model,
    /// Predictions by label and, behind all of those, abstentions; by language. Made with the first answer: by
    /// then metrics are collected.
    counters: OnceLock<Vec<[Counter; 4]>>,
}

impl Live {
    /// `name` is what answers say: `sentiment@3`.
    pub fn new(name: impl Into<String>, model: Model, digest: Digest) -> Self {
        Self { name: name.into(), digest, model, counters: OnceLock::new() }
    }

    fn counters(&self) -> &[[Counter; 4]] {
        self.counters.get_or_init(|| {
            let languages = [Language::En, Language::Fr, Language::Ar, Language::Other];
            let labels = self.model.labels().iter().map(String::as_str).chain([telemetry::UNSURE]);
            let of = |label| languages.map(|l| telemetry::predictions(&self.name, label, l.code()));
            labels.map(of).collect()
        })
    }

    /// What its answers call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The digest that its file states.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The model itself.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Whether a short text takes it microseconds, so that handing it to another thread would cost more.
    pub fn is_quick(&self) -> bool {
        matches!(self.model.body(), Body::Linear(_))
    }

    /// Counts an answer; `label` is `None` where it abstained.
    pub fn count(&self, label: Option<usize>, language: Language) {
        let counters = self.counters();
        if let Some(languages) = counters.get(label.unwrap_or(counters.len() - 1)) {
            languages[language as usize].increment(1);
        }
    }
}

/// Holds one live model; another takes its place between two requests, never within one: whoever has
/// [taken](Slot::live) a model keeps it to the end of the answer.
#[derive(Debug)]
pub struct Slot(ArcSwap<Live>);

impl Slot {
    /// A slot that `live` answers from.
    pub fn new(live: Live) -> Self {
        Self(ArcSwap::from_pointee(live))
    }

    /// The model that answers now.
    pub fn live(&self) -> Arc<Live> {
        self.0.load_full()
    }

    /// Puts another in its place; gives the one that was there.
    pub fn swap(&self, live: Live) -> Arc<Live> {
        metrics::counter!(telemetry::SWAPS).increment(1);
        self.0.swap(Arc::new(live))
    }
}
