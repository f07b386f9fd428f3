//! A run's model, or a file, becomes a version.

use sentimeter_model::{Body, Digest, Model};
use sentimeter_store::{
    Artifact, Blob, NewVersion, Run, RunFilter, RunId, Source, Status, Store, Version, Who, Write,
};
use serde_json::{Value, json};

use super::{Facts, RegistryError, alias_name, model_name};

/// The model file's name among a run's files.
const MODEL: &str = "model.safetensors";

/// A model that can be registered, with all that is known of it.
#[derive(Debug)]
pub struct Candidate {
    /// The run that made it, if one is recorded here.
    pub run: Option<RunId>,
    /// Its file.
    pub blob: Blob,
    /// The digest that the file states of itself.
    pub digest: Digest,
    /// The model.
    pub model: Model,
    /// What its card will say.
    pub facts: Facts,
    /// The licences of its data.
    pub licences: Vec<String>,
}

/// The run that made the model of `run`, and the file: of a search, its winner's.
///
/// # Errors
/// A run that left no model, or has not finished.
pub async fn run_model(store: &Store, run: &Run) -> Result<(Run, Artifact), RegistryError> {
    let mut tried = vec![run.clone()];
    if run.kind == "search" {
        let parts = RunFilter {
            parent: Some(run.id.clone()),
            kind: Some("train".to_owned()),
            ..RunFilter::default()
        };
        tried.splice(0..0, store.runs(&parts).await?);
    }
    for run in tried {
        // A training that is under way may register what it has just learned.
        if matches!(run.status, Status::Finished | Status::Running)
            && let Some(file) = store.artifacts(&run.id).await?.into_iter().find(|file| file.path == MODEL)
        {
            return Ok((run, file));
        }
    }
    Err(RegistryError::NoModel {
        name: run.name.clone(),
        kind: run.kind.clone(),
        status: run.status.to_string(),
    })
}

/// The model of a run.
///
/// # Errors
/// A run that left no model, or whose file is damaged.
pub async fn of_run(store: &Store, run: &Run) -> Result<Candidate, RegistryError> {
    let (run, file) = run_model(store, run).await?;
    let bytes = store.blobs().read(&file.hash)?;
    let blob = Blob { hash: file.hash, size: file.size };
    let what = format!("the model of run {}", run.name);
    candidate(store, &bytes, blob, Some(run), &what).await
}

/// A model file's bytes, which are stored; `what` names it in a message. Where a run left the same file,
/// it is that run's.
///
/// # Errors
/// Bytes that are no model.
pub async fn of_bytes(store: &Store, bytes: &[u8], what: &str) -> Result<Candidate, RegistryError> {
    // Opened before it is stored: a stranger's file is no blob of ours.
    Model::from_bytes(bytes).map_err(|error| RegistryError::artifact(what, error))?;
    let blob = store.blobs().put(Source::Bytes(bytes))?;
    let mut made = None;
    for id in store.runs_with_file(&blob.hash).await? {
        let run = store.run(&id).await?;
        if run.status == Status::Finished {
            made = Some(run);
            break;
        }
    }
    let mut candidate = candidate(store, bytes, blob, made, what).await?;
    candidate.facts.file = Some(what.to_owned());
    Ok(candidate)
}

async fn candidate(
    store: &Store,
    bytes: &[u8],
    blob: Blob,
    run: Option<Run>,
    what: &str,
) -> Result<Candidate, RegistryError> {
    let (model, digest) = Model::from_bytes(bytes).map_err(|error| RegistryError::artifact(what, error))?;
    let mut facts = Facts::of_model(&model);
    if let Some(run) = &run {
        facts.add_run(store, run).await?;
    }
    let licences = facts.licences();
    Ok(Candidate { run: run.map(|run| run.id), blob, digest, model, facts, licences })
}

impl Candidate {
    /// Licences of its data that its plan does not state.
    pub fn add_licences(&mut self, licences: &[String]) {
        for licence in licences {
            if !self.licences.contains(licence) {
                self.licences.push(licence.clone());
            }
        }
    }

    /// As a new version of the model `name`.
    pub fn version(&self, name: &str) -> NewVersion {
        let card = self.model.card();
        let kind = match self.model.body() {
            Body::Linear(_) => "linear",
            Body::Neural(_) => "neural",
        };
        NewVersion {
            model: name.to_owned(),
            run: self.run.clone(),
            blob: self.blob.clone(),
            digest: self.digest.to_string(),
            kind: kind.to_owned(),
            data_hash: Some(card.lineage.data.clone()),
            test_hash: card.lineage.test.clone(),
            metrics: card.metrics.clone(),
            recipe: serde_json::to_value(&card.recipe).unwrap_or_default(),
            licence: Value::from(self.licences.clone()),
            detail: serde_json::to_value(&self.facts).unwrap_or_default(),
        }
    }
}

/// Registers `candidate` as a version of the model `name`; its card becomes a file of its run. `also` is
/// written in the same transaction.
///
/// # Errors
/// A name that is none; a store that cannot be written.
pub async fn register(
    store: &Store,
    candidate: &Candidate,
    name: &str,
    who: &Who,
    also: impl FnOnce(&Version) -> Vec<Write>,
) -> Result<Version, RegistryError> {
    model_name(name)?;
    let new = candidate.version(name);
    let detail = match &candidate.facts.imported {
        Some(from) => json!({ "imported": from }),
        None => Value::Null,
    };
    let version = store.register_with(&new, who, &detail, also).await?;
    if let Some(run) = &candidate.run {
        let card = super::card(&version, "").markdown();
        let blob = store.blobs().put(Source::Bytes(card.as_bytes()))?;
        let path = format!("model-card-{name}-{}.md", version.version);
        let media = "text/markdown".to_owned();
        let artifacts = vec![Artifact { path, hash: blob.hash, size: blob.size, media }];
        store.apply(&[Write::Artifacts { run: run.clone(), artifacts }]).await?;
    }
    Ok(version)
}

/// Checks what `register` and its `--alias` will be given, before any work.
///
/// # Errors
/// A name or an alias that is none.
pub fn check(name: &str, alias: Option<&str>) -> Result<(), RegistryError> {
    model_name(name)?;
    alias.map_or(Ok(()), |alias| alias_name(alias).map(drop))
}
