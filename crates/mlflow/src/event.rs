//! What the outbox holds for an MLflow server: the events of a run, as they were recorded.

use sentimeter_store::{Artifact, Input, RunFilter, RunId, Status, Store, StoreError, Write};
use serde::{Deserialize, Serialize};

use crate::wire::Metric;

/// The outbox's name for what goes to an MLflow server.
pub const SINK: &str = "mlflow";

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// It started; what it is stands in the store.
    Start {
        /// The experiment that it goes to.
        experiment: String,
    },
    /// What it reads.
    Inputs {
        /// Role by role.
        inputs: Vec<Input>,
    },
    /// Settings.
    Params {
        /// Names and values.
        params: Vec<(String, String)>,
    },
    /// Remarks.
    Tags {
        /// Names and values.
        tags: Vec<(String, String)>,
    },
    /// Measured values; not a number is one of them, for which JSON has no word of its own.
    Metrics {
        /// The points.
        metrics: Vec<Metric>,
    },
    /// A file that it left.
    Artifact {
        /// Its name and blob.
        artifact: Artifact,
    },
    /// It ended.
    Finish {
        /// How.
        status: Status,
        /// When, in milliseconds since 1970.
        at: i64,
        /// Why, if it failed.
        error: Option<String>,
    },
    /// Its model got a version in the registry.
    Registered {
        /// The registered model.
        model: String,
        /// Its version in our own registry.
        version: i64,
    },
    /// An alias points to its model's version from now on.
    Alias {
        /// The registered model.
        model: String,
        /// Its version in our own registry.
        version: i64,
        /// Which alias.
        alias: String,
    },
}

impl Event {
    /// The event as an entry of the outbox.
    pub fn write(&self, run: &RunId) -> Write {
        // Plain fields and strings: there is nothing that could fail.
        let payload = serde_json::to_value(self).unwrap_or_default();
        Write::Outbox { sink: SINK.to_owned(), run: run.clone(), payload }
    }
}

/// What goes into the outbox beside a record, in the same transaction; nothing where the server need not know.
pub fn mirror(write: &Write, experiment: &str) -> Vec<Write> {
    let (run, event) = match write {
        Write::Start(run) => (&run.id, Event::Start { experiment: experiment.to_owned() }),
        Write::Inputs { run, inputs } => (run, Event::Inputs { inputs: inputs.clone() }),
        Write::Data { run, data_hash, split_hash } => {
            let tags = data_tags(data_hash.as_deref(), split_hash.as_deref());
            return tags.iter().map(|event| event.write(run)).collect();
        }
        Write::Params { run, params } => (run, Event::Params { params: params.clone() }),
        Write::Tags { run, tags } => (run, Event::Tags { tags: tags.clone() }),
        Write::Metrics { run, metrics } => {
            (run, Event::Metrics { metrics: metrics.iter().map(point).collect() })
        }
        Write::Artifacts { run, artifacts } => {
            return one_by_one(artifacts).map(|event| event.write(run)).collect();
        }
        Write::Corrections { run, corrections } => {
            let count = ("sentimeter.corrections".to_owned(), corrections.len().to_string());
            (run, Event::Tags { tags: vec![count] })
        }
        Write::Finish { run, status, at, error } => {
            (run, Event::Finish { status: *status, at: *at, error: error.clone() })
        }
        Write::Heartbeat { .. } | Write::Outbox { .. } => return Vec::new(),
    };
    vec![event.write(run)]
}

/// Files of any size: each is an event of its own, so that what was sent is known file by file.
fn one_by_one(artifacts: &[Artifact]) -> impl Iterator<Item = Event> {
    artifacts.iter().map(|artifact| Event::Artifact { artifact: artifact.clone() })
}

/// A run as the store has it, as the events that would have made it.
///
/// # Errors
/// No such run; a database that cannot be read.
pub(crate) async fn whole(store: &Store, id: &RunId, experiment: &str) -> Result<Vec<Event>, StoreError> {
    let run = store.run(id).await?;
    let mut events = vec![
        Event::Start { experiment: experiment.to_owned() },
        Event::Inputs { inputs: store.inputs(id).await? },
        Event::Params { params: store.params(id).await?.into_iter().collect() },
        Event::Tags { tags: store.tags(id).await?.into_iter().collect() },
        Event::Metrics { metrics: store.metrics(id).await?.iter().map(point).collect() },
    ];
    events.extend(one_by_one(&store.artifacts(id).await?));
    events.extend(data_tags(run.data_hash.as_deref(), run.split_hash.as_deref()));
    if run.status != Status::Running {
        let at = run.ended.unwrap_or(run.heartbeat);
        events.push(Event::Finish { status: run.status, at, error: run.error });
    }
    Ok(events)
}

/// A run and everything below it, parents first.
///
/// # Errors
/// No such run; a database that cannot be read.
pub(crate) async fn family(store: &Store, id: &RunId) -> Result<Vec<RunId>, StoreError> {
    let mut all = vec![store.run(id).await?.id];
    let mut next = 0;
    while let Some(parent) = all.get(next).cloned() {
        let below = store.runs(&RunFilter { parent: Some(parent), ..RunFilter::default() }).await?;
        // The newest come first; they are sent in the order in which they ran.
        all.extend(below.into_iter().rev().map(|run| run.id));
        next += 1;
    }
    Ok(all)
}

fn data_tags(data: Option<&str>, split: Option<&str>) -> Option<Event> {
    let named = [("sentimeter.data", data), ("sentimeter.split", split)];
    let tags: Vec<(String, String)> =
        named.into_iter().filter_map(|(name, hash)| Some((name.to_owned(), hash?.to_owned()))).collect();
    (!tags.is_empty()).then_some(Event::Tags { tags })
}

fn point(metric: &sentimeter_store::Metric) -> Metric {
    Metric {
        key: metric.name.clone(),
        value: metric.value,
        timestamp: metric.time,
        step: metric.step,
        model_id: None,
        dataset_name: None,
        dataset_digest: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_survives_the_outbox() {
        let metric = |value| sentimeter_store::Metric { name: "loss".to_owned(), step: 2, time: 1, value };
        let run = RunId::from_stored("r");
        for value in [0.25, f64::NAN, f64::NEG_INFINITY] {
            let write = Write::Metrics { run: run.clone(), metrics: vec![metric(value)] };
            let [Write::Outbox { payload, sink, .. }] = &mirror(&write, "e")[..] else { panic!("{write:?}") };
            assert_eq!(sink, SINK);
            let text = payload.to_string();
            let Event::Metrics { metrics } = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
            assert!(metrics[0].value.total_cmp(&value).is_eq(), "{text}");
        }
        assert!(mirror(&Write::Heartbeat { run, at: 1 }, "e").is_empty());
    }
}
