//! Where a run of ours is on the server: found again by a tag that no other run has, or made.

use sentimeter_store::{Blocking, Run, RunId, Write};

use crate::client::{Client, Found};
use crate::error::MlflowError;
use crate::event::SINK;
use crate::settings::Settings;
use crate::wire::{NewRun, Pair, Run as ServerRun};

/// The tag by which a run is found again.
pub(crate) const UNIQUE: &str = "sentimeter.run";

/// Tags of our own record that say where it is on the server.
pub(crate) const SERVER_TAG: &str = "mlflow.server";
const EXPERIMENT_TAG: &str = "mlflow.experiment";
pub(crate) const RUN_TAG: &str = "mlflow.run";
const PAGE_TAG: &str = "mlflow.page";
/// How the server says that it ended.
pub(crate) const STATUS_TAG: &str = "mlflow.status";

/// A run on the server.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Our record of it.
    pub(crate) run: Run,
    /// The server's id.
    pub(crate) id: String,
    /// The server's experiment.
    pub(crate) experiment: String,
    /// Where its artifacts lie.
    pub(crate) artifacts: String,
}

/// Why a run cannot be sent right now.
#[derive(Debug)]
pub(crate) enum Obstacle {
    /// The server, or the way to it.
    Server(MlflowError),
    /// Our own store.
    Store(sentimeter_store::StoreError),
    /// The run that it is a part of is not there yet; somebody is about to send it.
    Parent(RunId),
    /// What came before went to another server: all of it has to go to this one first.
    Elsewhere,
}

impl From<MlflowError> for Obstacle {
    fn from(error: MlflowError) -> Self {
        Self::Server(error)
    }
}

impl From<sentimeter_store::StoreError> for Obstacle {
    fn from(error: sentimeter_store::StoreError) -> Self {
        Self::Store(error)
    }
}

/// The target of a run: remembered in our record, found on the server, or made. `fresh` says whether what is
/// to be sent begins with the run's start.
pub(crate) fn find(
    store: &Blocking,
    client: &Client,
    settings: &Settings,
    id: &RunId,
    experiment: &str,
    fresh: bool,
) -> Result<Target, Obstacle> {
    let run = store.run(|s| s.run(id))?;
    let tags = store.run(|s| s.tags(id))?;
    let here = tags.get(SERVER_TAG).is_none_or(|server| *server == settings.server);
    if !here && !fresh {
        return Err(Obstacle::Elsewhere);
    }
    let known = tags.get(RUN_TAG).filter(|_| here);
    if let Some(known) = known {
        let found = client.run(known)?;
        return Ok(target(run, found));
    }
    let parent = match &run.parent {
        None => None,
        Some(parent) => Some(parent_id(store, settings, parent)?),
    };
    let experiment = tags.get(EXPERIMENT_TAG).filter(|_| here).map_or(experiment, String::as_str);
    let (found, how) = client.experiment(experiment)?;
    if how == Found::Restored {
        tracing::warn!("the MLflow experiment `{experiment}` had been deleted on the server; it is back");
    }
    let unique = Pair::new(UNIQUE, id.as_str());
    let there = match client.find_run(&found.experiment_id, &unique)? {
        Some(there) => there,
        None => client.create_run(&NewRun {
            experiment_id: found.experiment_id,
            run_name: run.name.clone(),
            start_time: run.started,
            tags: start_tags(&run, unique, parent),
        })?,
    };
    let remembered = [
        (SERVER_TAG, settings.server.clone()),
        (EXPERIMENT_TAG, experiment.to_owned()),
        (RUN_TAG, there.info.run_id.clone()),
        (PAGE_TAG, client.page(&there.info.experiment_id, &there.info.run_id)),
    ];
    let tags = remembered.map(|(name, value)| (name.to_owned(), value)).to_vec();
    store.run(|s| {
        let tags = Write::Tags { run: id.clone(), tags };
        async move { s.apply(&[tags]).await }
    })?;
    Ok(target(run, there))
}

fn target(run: Run, there: ServerRun) -> Target {
    let info = there.info;
    Target { run, id: info.run_id, experiment: info.experiment_id, artifacts: info.artifact_uri }
}

/// The server's id of the run that another is a part of. Whoever sends the parent makes it: two who made it
/// at once would make two.
fn parent_id(store: &Blocking, settings: &Settings, parent: &RunId) -> Result<String, Obstacle> {
    let tags = store.run(|s| s.tags(parent))?;
    let here = tags.get(SERVER_TAG).is_some_and(|server| *server == settings.server);
    if let Some(id) = tags.get(RUN_TAG).filter(|_| here) {
        return Ok(id.clone());
    }
    let waiting = store.run(|s| s.outbox_waiting(SINK))?;
    if waiting.iter().all(|waiting| waiting.run != *parent) {
        // It was recorded while no server was set: all of it goes now, and its parts after it.
        enqueue(store, parent, &settings.experiment)?;
    }
    Err(Obstacle::Parent(parent.clone()))
}

/// Puts all that is recorded of a run into the outbox.
pub(crate) fn enqueue(
    store: &Blocking,
    id: &RunId,
    experiment: &str,
) -> Result<(), sentimeter_store::StoreError> {
    store.run(|s| async move {
        let events = crate::event::whole(s, id, experiment).await?;
        let writes: Vec<Write> = events.iter().map(|event| event.write(id)).collect();
        s.apply(&writes).await
    })
}

/// The tags that a run has from its first moment.
fn start_tags(run: &Run, unique: Pair, parent: Option<String>) -> Vec<Pair> {
    let origin = &run.origin;
    let source = origin.command.split(' ').next().unwrap_or_default();
    let source = source.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or("sentimeter");
    let mut tags = vec![
        unique,
        Pair::new("mlflow.user", &*origin.user),
        Pair::new("mlflow.source.name", format!("{source} {}", run.kind)),
        Pair::new("mlflow.source.type", "LOCAL"),
        Pair::new("sentimeter.kind", &*run.kind),
        Pair::new("sentimeter.version", &*origin.code),
        Pair::new("sentimeter.host", &*origin.host),
    ];
    let mut more = |key: &str, value: Option<String>| tags.extend(value.map(|value| Pair::new(key, value)));
    more("mlflow.parentRunId", parent);
    more("mlflow.source.git.commit", origin.git_commit.clone());
    more("sentimeter.git.dirty", origin.git_dirty.map(|dirty| dirty.to_string()));
    more("sentimeter.command", Some(crate::limits::cut(&origin.command, 1000).0));
    more("sentimeter.kernel", run.kernel.clone());
    more("sentimeter.seed", run.seed.map(|seed| seed.to_string()));
    tags
}
