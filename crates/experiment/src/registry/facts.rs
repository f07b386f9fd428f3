//! What is known of a version when it is registered, kept with it: its card then needs nothing else.

use std::collections::BTreeMap;

use sentimeter_model::{Corrected, Model};
use sentimeter_store::{Input, Run, Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The file of a run that holds the numbers of its report.
const NUMBERS: &str = "report/numbers.json";

/// What a card says beside metrics and recipe. Missing fields are unknown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The classes.
    pub labels: Vec<String>,
    /// N-grams or words that it knows.
    pub features: u64,
    /// How its probabilities are calibrated.
    pub calibration: Value,
    /// The plan that it was trained by.
    pub plan: Value,
    /// What it draws from.
    pub seed: u64,
    /// Version of the program that trained it.
    pub code: String,
    /// Content hash of the rows that it learned from.
    pub training_hash: String,
    /// Rows that it learned from.
    pub training_rows: Option<u64>,
    /// What its run read.
    pub inputs: Vec<Input>,
    /// The data sets that its plan names.
    pub sources: Vec<SourceFacts>,
    /// Rows that were left out, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// What was measured by language, channel and length.
    pub parts: Vec<Part>,
    /// What was said of data and training.
    pub notes: Vec<String>,
    /// The run that made it.
    pub run: Option<RunFacts>,
    /// Corrections that it learned from.
    pub feedback: Option<Corrected>,
    /// The file that it was registered from, where that was one.
    pub file: Option<String>,
    /// The version elsewhere that it was imported from.
    pub imported: Option<String>,
}

/// A data set of a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceFacts {
    /// Its name.
    pub name: String,
    /// Under which terms it may be used.
    pub licence: Option<String>,
    /// What each of its rows counts.
    pub weight: Option<f64>,
    /// Rows of it that were learned from.
    pub learned: Option<u64>,
    /// Whether it was only measured on.
    pub test: bool,
}

/// Some of the rows that it was measured on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Part {
    /// `language`, `channel` or `length`.
    pub group: String,
    /// What its rows have in common.
    pub name: String,
    /// How many.
    pub rows: u64,
    /// Share answered right.
    pub accuracy: f64,
    /// Interval of `accuracy`, 95 %.
    pub interval: [f64; 2],
    /// Mean F1 of the classes that occur.
    pub macro_f1: f64,
    /// Worse than the whole by more than chance explains.
    pub weak: bool,
}

/// The run that made a version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFacts {
    /// Its name for good.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// When it started, in milliseconds since 1970.
    pub started: i64,
    /// Who started it.
    pub user: String,
    /// On which machine.
    pub host: String,
    /// The commit of the folder that it ran in.
    pub commit: Option<String>,
    /// Whether files there differed from it.
    pub dirty: Option<bool>,
    /// The command line.
    pub command: String,
}

impl Facts {
    /// What a model's file says of itself.
    pub fn of_model(model: &Model) -> Self {
        let card = model.card();
        let list = |key: &str| card.plan.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let source = |test: bool| {
            move |source: Value| SourceFacts {
                name: source["name"].as_str().unwrap_or_default().to_owned(),
                licence: source["licence"].as_str().map(str::to_owned),
                weight: source["weight"].as_f64(),
                learned: None,
                test,
            }
        };
        Self {
            labels: card.labels.clone(),
            features: model.features() as u64,
            calibration: serde_json::to_value(card.calibration).unwrap_or_default(),
            plan: card.plan.clone(),
            seed: card.lineage.seed,
            code: card.lineage.code.clone(),
            training_hash: card.lineage.training.clone(),
            feedback: card.lineage.feedback.clone(),
            sources: list("sources")
                .into_iter()
                .map(source(false))
                .chain(list("tests").into_iter().map(source(true)))
                .collect(),
            ..Self::default()
        }
    }

    /// Adds what the run recorded.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn add_run(&mut self, store: &Store, run: &Run) -> Result<(), StoreError> {
        let origin = &run.origin;
        self.run = Some(RunFacts {
            id: run.id.to_string(),
            name: run.name.clone(),
            started: run.started,
            user: origin.user.clone(),
            host: origin.host.clone(),
            commit: origin.git_commit.clone(),
            dirty: origin.git_dirty,
            command: origin.command.clone(),
        });
        self.inputs = store.inputs(&run.id).await?;
        let metrics =
            store.last_metrics(std::slice::from_ref(&run.id)).await?.remove(&run.id).unwrap_or_default();
        let count = |name: &str| metrics.get(name).filter(|v| v.is_finite() && **v >= 0.0).map(|v| *v as u64);
        self.training_rows = count("training_rows");
        for name in metrics.keys() {
            if let Some(reason) = name.strip_prefix("dropped.") {
                self.dropped.insert(reason.to_owned(), count(name).unwrap_or_default());
            }
        }
        for source in self.sources.iter_mut().filter(|source| !source.test) {
            source.learned = count(&format!("sources.{}.learned", source.name));
        }
        let files = store.artifacts(&run.id).await?;
        if let Some(numbers) = files.iter().find(|file| file.path == NUMBERS) {
            let bytes = store.blobs().read(&numbers.hash)?;
            let found: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            self.parts = serde_json::from_value(found["cells"].clone()).unwrap_or_default();
            self.notes = serde_json::from_value(found["notes"].clone()).unwrap_or_default();
        }
        Ok(())
    }

    /// The licences that sources state, each once.
    pub fn licences(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for licence in self.sources.iter().filter_map(|source| source.licence.as_ref()) {
            if !found.contains(licence) {
                found.push(licence.clone());
            }
        }
        found
    }
}
