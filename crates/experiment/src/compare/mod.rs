//! Runs side by side: what was set differently, what came of it, and whether the difference is more
//! than chance.

mod page;
mod paired;

use std::collections::{BTreeMap, BTreeSet};

use sentimeter_store::{Blocking, Metric, Run, Store, StoreError};
use serde::Serialize;

pub use page::{page, verdict};
pub use paired::{Paired, paired};

use crate::recorder::{ANSWERS, Answered};

/// A run, for comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What kind of run it is.
    pub kind: String,
    /// Where it stands.
    pub status: String,
    /// When it started, in milliseconds since 1970.
    pub started: i64,
    /// What it learned from, by the names that the user gave.
    pub data: Vec<String>,
    /// Content hash of the rows that it was measured on.
    pub test_hash: Option<String>,
    /// Its settings.
    pub params: BTreeMap<String, String>,
    /// The last value of each of its metrics.
    pub metrics: BTreeMap<String, f64>,
    /// Metrics of more than one step.
    #[serde(skip)]
    pub curves: BTreeMap<String, Vec<(f64, f64)>>,
    /// What it answered row by row.
    #[serde(skip)]
    pub answered: Option<Answered>,
}

impl Compared {
    /// A metric's value and its interval, where it has them.
    pub fn metric(&self, name: &str) -> Option<(f64, Option<[f64; 2]>)> {
        let end = |end: &str| self.metrics.get(&format!("{name}.{end}")).copied();
        let value = *self.metrics.get(name)?;
        Some((value, end("low").zip(end("high")).map(|(low, high)| [low, high])))
    }
}

/// A setting that is not the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Differing {
    /// Its name.
    pub name: String,
    /// Its value in each run; `None` where it has none.
    pub values: Vec<Option<String>>,
}

/// Runs side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The runs, in the order in which they were named; the others are compared with the first.
    pub runs: Vec<Compared>,
    /// The settings that differ.
    pub differing: Vec<Differing>,
    /// Each run but the first, answer by answer against the first; `None` where that cannot be.
    pub paired: Vec<Option<Paired>>,
    /// What should be heeded.
    pub notes: Vec<String>,
}

/// The metrics that a reader looks for first, and whether more of them is better.
pub const HEADLINES: [(&str, bool); 8] = [
    ("accuracy", true),
    ("macro_f1", true),
    ("roc_auc", true),
    ("pr_auc", true),
    ("log_loss", false),
    ("ece", false),
    ("latency_us.p50", false),
    ("seconds.total", false),
];

impl Comparison {
    /// Compares `runs`, at least two, as they are recorded.
    ///
    /// # Errors
    /// A store that cannot be read. Answers that are damaged or gone are left out and noted.
    pub fn of(store: &Blocking, runs: &[Run]) -> Result<Self, StoreError> {
        store.run(|s| Self::gather(s, runs))
    }

    /// The same for callers that are asynchronous.
    ///
    /// # Errors
    /// As [`Comparison::of`].
    pub async fn gather(store: &Store, named: &[Run]) -> Result<Self, StoreError> {
        let mut notes = Vec::new();
        let mut runs = Vec::with_capacity(named.len());
        for run in named {
            runs.push(gather(store, run, &mut notes).await?);
        }
        let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.params.keys()).collect();
        let differing = names
            .into_iter()
            .map(|name| Differing {
                name: name.clone(),
                values: runs.iter().map(|run| run.params.get(name).cloned()).collect(),
            })
            .filter(|setting| setting.values.iter().any(|value| *value != setting.values[0]))
            .collect();
        let first = &runs[0];
        let paired =
            runs[1..].iter().map(|run| paired(first.answered.as_ref()?, run.answered.as_ref()?)).collect();
        for run in &runs[1..] {
            if run.test_hash != first.test_hash {
                notes.push(format!(
                    "{} and {} were measured on different rows: their figures say little about each other; train both \
                     with the same --data, seed and split, or the same --test",
                    first.name, run.name
                ));
            }
        }
        Ok(Self { runs, differing, paired, notes })
    }
}

async fn gather(store: &Store, run: &Run, notes: &mut Vec<String>) -> Result<Compared, StoreError> {
    let params = store.params(&run.id).await?;
    let tags = store.tags(&run.id).await?;
    let inputs = store.inputs(&run.id).await?;
    let (mut metrics, mut curves): (BTreeMap<_, _>, BTreeMap<String, Vec<_>>) = Default::default();
    for Metric { name, step, value, .. } in store.metrics(&run.id).await? {
        curves.entry(name.clone()).or_default().push((step as f64, value));
        metrics.insert(name, value);
    }
    curves.retain(|_, points| points.len() > 1);
    let files = store.artifacts(&run.id).await?;
    let mut answered = None;
    if let Some(file) = files.iter().find(|file| file.path == ANSWERS) {
        match store.blobs().read(&file.hash) {
            Ok(bytes) => answered = Answered::from_bytes(&bytes),
            Err(error) => notes.push(format!("the answers of {} cannot be read: {error}", run.name)),
        }
    }
    Ok(Compared {
        id: run.id.to_string(),
        name: run.name.clone(),
        kind: run.kind.clone(),
        status: run.status.to_string(),
        started: run.started,
        data: inputs
            .into_iter()
            .filter(|i| i.role == "train")
            .map(|i| i.snapshot.unwrap_or(i.name))
            .collect(),
        test_hash: tags.get("test_hash").cloned(),
        params,
        metrics,
        curves,
        answered,
    })
}
