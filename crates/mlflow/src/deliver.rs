//! An event becomes calls.

use std::collections::BTreeSet;
use std::path::Path;

use sentimeter_model::Model;
use sentimeter_store::{Artifact, Blocking, Input, Status, Write};
use serde_json::json;

use crate::client::Client;
use crate::error::{MlflowError, Verdict};
use crate::event::Event;
use crate::limits::{Batch, MOST_KEY, artifact_path, cut, key};
use crate::model;
use crate::target::{Obstacle, STATUS_TAG, Target, UNIQUE};
use crate::wire::{self, Dataset, DatasetInput, Metric, NewLoggedModel, NewVersion, Pair};

/// The tag of a logged model and a version that says which file it is.
const DIGEST: &str = "sentimeter.digest";

/// How the names of model files end.
const MODEL_ENDING: &str = ".safetensors";

/// Sends events; remembers what the server lacks, and what was warned of.
pub(crate) struct Deliver<'a> {
    pub(crate) store: &'a Blocking,
    pub(crate) client: &'a Client,
    /// Said once each.
    warned: BTreeSet<String>,
}

impl<'a> Deliver<'a> {
    pub(crate) fn new(store: &'a Blocking, client: &'a Client) -> Self {
        Self { store, client, warned: BTreeSet::new() }
    }

    /// Says something once.
    pub(crate) fn warn_once(&mut self, about: &str, message: &str) {
        if self.warned.insert(about.to_owned()) {
            tracing::warn!("{message}");
        }
    }

    /// Adds what `event` has for a batch; whether that is all of it.
    pub(crate) fn batched(
        &mut self,
        target: &Target,
        event: &Event,
        batch: &mut Batch,
    ) -> Result<bool, Obstacle> {
        match event {
            Event::Params { params } => {
                let most = self.client.limits().param;
                for (name, value) in params {
                    let value = self.fitting(target, "params", name, value, most)?;
                    batch.params.push(Pair::new(key(name), value));
                }
            }
            Event::Tags { tags } => {
                let most = self.client.limits().tag;
                // Where it is on a server is of no use on that server.
                for (name, value) in tags.iter().filter(|(name, _)| !name.starts_with("mlflow.")) {
                    let value = self.fitting(target, "tags", name, value, most)?;
                    batch.tags.push(Pair::new(key(name), value));
                }
            }
            Event::Metrics { metrics } => {
                batch.metrics.extend(metrics.iter().map(|m| Metric { key: key(&m.key), ..m.clone() }));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The value, or as much of it as the server takes; the whole is then a file of the run.
    fn fitting(
        &mut self,
        target: &Target,
        kind: &str,
        name: &str,
        value: &str,
        most: usize,
    ) -> Result<String, Obstacle> {
        let (short, was_cut) = cut(value, most);
        if was_cut {
            let file: String = key(name).replace('/', "_").chars().take(MOST_KEY / 2).collect();
            let path = format!("long_values/{kind}/{file}.txt");
            self.put_bytes(target, &path, value.as_bytes())?;
            self.warn_once(
                &format!("{}/{path}", target.id),
                &format!(
                    "{name} has {} characters, of which the MLflow server takes {most}: it was cut there, and stands \
                     whole in the run's artifact {path}",
                    value.chars().count()
                ),
            );
        }
        Ok(short)
    }

    /// Sends one event that is none for a batch.
    pub(crate) fn single(&mut self, target: &Target, event: &Event) -> Result<(), Obstacle> {
        match event {
            Event::Start { .. } if target.run.plan.is_empty() => Ok(()),
            Event::Start { .. } => self.put_bytes(target, "plan.toml", target.run.plan.as_bytes()),
            Event::Inputs { inputs } => self.inputs(target, inputs),
            Event::Artifact { artifact } => self.artifact(target, artifact),
            Event::Finish { status, at, error } => self.finish(target, *status, *at, error.as_deref()),
            Event::Registered { model, version } => self.registered(target, model, *version).map(drop),
            Event::Alias { model, version, alias } => {
                let Some(there) = self.registered(target, model, *version)? else { return Ok(()) };
                Ok(self.client.set_alias(model, alias, &there)?)
            }
            Event::Params { .. } | Event::Tags { .. } | Event::Metrics { .. } => Ok(()),
        }
    }

    /// What an older server lacks is said once and left out.
    fn optional(&mut self, what: &str, done: Result<(), MlflowError>) -> Result<(), Obstacle> {
        match done {
            Err(error) if error.verdict() == Verdict::Lacking => {
                let server = self.client.server().to_owned();
                self.warn_once(what, &format!("{server} is an MLflow server without {what} ({error}): they are left out there, and everything else is sent"));
                Ok(())
            }
            other => Ok(other?),
        }
    }

    fn inputs(&mut self, target: &Target, inputs: &[Input]) -> Result<(), Obstacle> {
        let datasets: Vec<DatasetInput> = inputs.iter().map(dataset).collect();
        if datasets.is_empty() {
            return Ok(());
        }
        let done = self.client.log_inputs(&target.id, &datasets);
        self.optional("dataset inputs", done)
    }

    fn put_bytes(&mut self, target: &Target, path: &str, bytes: &[u8]) -> Result<(), Obstacle> {
        match self.client.artifacts(&target.artifacts) {
            Ok(place) => Ok(place.put_bytes(path, bytes)?),
            Err(error) => self.out_of_reach(error),
        }
    }

    /// Artifacts that the server keeps where it lets nobody through are left out, and that is said.
    fn out_of_reach(&mut self, error: MlflowError) -> Result<(), Obstacle> {
        match error {
            MlflowError::Unfit { why } => {
                self.warn_once(
                    "artifacts",
                    &format!("{why}; params and metrics are sent, files stay in the store"),
                );
                Ok(())
            }
            other => Err(other.into()),
        }
    }

    fn artifact(&mut self, target: &Target, artifact: &Artifact) -> Result<(), Obstacle> {
        let file = self.store.blobs().path(&artifact.hash)?;
        if artifact.path.ends_with(MODEL_ENDING) {
            // Opened, it proves to be what it is; any other such file is a file like others.
            if let Ok((opened, digest)) = Model::open(&file) {
                return self.model(target, artifact, &file, &opened, &digest.to_string());
            }
        }
        match self.client.artifacts(&target.artifacts) {
            Ok(place) => Ok(place.put(&artifact_path(&artifact.path), &file)?),
            Err(error) => self.out_of_reach(error),
        }
    }

    /// The model: a logged model where the server knows such, else a folder of the run.
    fn model(
        &mut self,
        target: &Target,
        artifact: &Artifact,
        file: &Path,
        opened: &Model,
        digest: &str,
    ) -> Result<(), Obstacle> {
        let tag = Pair::new(DIGEST, digest);
        let params: Vec<Pair> = self
            .store
            .run(|s| s.params(&target.run.id))?
            .into_iter()
            .map(|(name, value)| Pair::new(key(&name), cut(&value, self.client.limits().param).0))
            .collect();
        let new = NewLoggedModel {
            experiment_id: target.experiment.clone(),
            name: "sentiment".to_owned(),
            model_type: "text-classification".to_owned(),
            source_run_id: target.id.clone(),
            params,
            tags: vec![tag.clone(), Pair::new(UNIQUE, target.run.id.as_str())],
        };
        let logged = match self.client.logged_model(&new, &tag) {
            Ok(model) => Some(model.info),
            Err(error) if error.verdict() == Verdict::Lacking => {
                let server = self.client.server().to_owned();
                self.warn_once("logged models", &format!("{server} is an MLflow server without logged models: the model goes into the run's artifacts, under model/"));
                None
            }
            Err(error) => return Err(error.into()),
        };
        let uri = logged.as_ref().map_or(&target.artifacts, |info| &info.artifact_uri);
        let place = match self.client.artifacts(uri) {
            Ok(place) => place,
            Err(error) => return self.out_of_reach(error),
        };
        let folder = if logged.is_some() { "" } else { "model/" };
        let model_id = logged.as_ref().map(|info| info.model_id.as_str());
        let origin = model::Origin {
            run_id: &target.id,
            model_id,
            artifact_path: uri,
            digest,
            size: artifact.size,
            made: target.run.started,
        };
        place.put(&format!("{folder}{}", model::FILE), file)?;
        for (name, content) in model::files(opened, &origin) {
            place.put_bytes(&format!("{folder}{name}"), content.as_bytes())?;
        }
        if let Some(report) = model::classification_report(&opened.card().metrics) {
            self.put_bytes(target, "classification_report.txt", report.as_bytes())?;
        }
        match model_id {
            Some(id) => {
                self.client.finish_logged_model(id)?;
                Ok(self.client.log_output(&target.id, id)?)
            }
            None => {
                let described = model::mlmodel(opened, &model::Origin { artifact_path: "model", ..origin });
                let done = self.client.log_model_legacy(&target.id, &described);
                self.optional("a history of models", done)
            }
        }
    }

    /// The model's page shows what was measured of it, and on which data: known at the run's end.
    fn measured(&mut self, target: &Target) -> Result<(), Obstacle> {
        let id = &target.run.id;
        let files = self.store.run(|s| s.artifacts(id))?;
        if !files.iter().any(|file| file.path.ends_with(MODEL_ENDING)) {
            return Ok(());
        }
        let unique = Pair::new(UNIQUE, id.as_str());
        let model = match self.client.find_logged_model(&target.experiment, &target.id, &unique) {
            Ok(Some(model)) => model.info.model_id,
            Ok(None) => return Ok(()),
            // That has been told when the model was sent.
            Err(error) if error.verdict() == Verdict::Lacking => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let test = self.store.run(|s| s.inputs(id))?.into_iter().find(|input| input.role == "test");
        let about = test.as_ref().map(|input| dataset(input).dataset);
        let metrics: Vec<Metric> = self
            .store
            .run(|s| s.metrics(id))?
            .into_iter()
            .map(|m| Metric {
                key: key(&m.name),
                value: m.value,
                timestamp: m.time,
                step: m.step,
                model_id: Some(model.clone()),
                dataset_name: about.as_ref().map(|d| d.name.clone()),
                dataset_digest: about.as_ref().map(|d| d.digest.clone()),
            })
            .collect();
        Ok(self.client.log(&target.id, Batch { metrics, ..Batch::default() })?)
    }

    fn finish(
        &mut self,
        target: &Target,
        status: Status,
        at: i64,
        error: Option<&str>,
    ) -> Result<(), Obstacle> {
        self.measured(target)?;
        let limit = self.client.limits().tag;
        let mut tags = Vec::new();
        if let Some(error) = error {
            tags.push(Pair::new("sentimeter.error", cut(error, limit).0));
        }
        let note = self.note(target, status, error)?;
        tags.push(Pair::new("mlflow.note.content", cut(&note, limit).0));
        self.client.log(&target.id, Batch { tags, ..Batch::default() })?;
        let there = match status {
            Status::Running => wire::Status::Running,
            Status::Finished => wire::Status::Finished,
            Status::Failed => wire::Status::Failed,
            Status::Killed => wire::Status::Killed,
        };
        self.client.update_run(&target.id, there, Some(at))?;
        let known = vec![(STATUS_TAG.to_owned(), status.to_string())];
        let known = Write::Tags { run: target.run.id.clone(), tags: known };
        Ok(self.store.run(|s| async move { s.apply(&[known]).await })?)
    }

    /// What a reader of the run's page wants to know first, as Markdown.
    fn note(&self, target: &Target, status: Status, error: Option<&str>) -> Result<String, Obstacle> {
        let run = &target.run;
        let metrics = self.store.run(|s| s.last_metrics(std::slice::from_ref(&run.id)))?;
        let mut note = format!("**{}** ({status}) by sentimeter {}\n\n", run.kind, run.origin.code);
        if let Some(error) = error {
            note.push_str(&format!("It ended with: {error}\n\n"));
        }
        let of = metrics.get(&run.id);
        for name in ["accuracy", "macro_f1", "roc_auc", "log_loss"] {
            if let Some(value) = of.and_then(|all| all.get(name)) {
                note.push_str(&format!("- {}: {value:.4}\n", name.replace('_', " ")));
            }
        }
        for input in self.store.run(|s| s.inputs(&run.id))? {
            let rows = input.rows.map_or(String::new(), |rows| format!(", {rows} rows"));
            note.push_str(&format!("- {} data: {}{rows}\n", input.role, input.name));
        }
        note.push_str(&format!("\n```sh\n{}\n```\n\nsentimeter run `{}`\n", run.origin.command, run.id));
        Ok(note)
    }

    /// The version of the run's model in the server's registry; `None` where there is no registry, or no model.
    fn registered(&mut self, target: &Target, name: &str, version: i64) -> Result<Option<String>, Obstacle> {
        let reference = format!("{name}@{version}");
        let Ok(ours) = self.store.run(|s| s.find_version(&reference)) else {
            return Ok(None); // deleted meanwhile
        };
        let digest = Pair::new(DIGEST, &*ours.of.digest);
        let model = self.client.find_logged_model(&target.experiment, &target.id, &digest);
        let (source, model_id) = match model {
            Ok(Some(model)) => (model.info.artifact_uri, Some(model.info.model_id)),
            Ok(None) => (format!("{}/model", target.artifacts), None),
            Err(error) if error.verdict() == Verdict::Lacking => {
                (format!("{}/model", target.artifacts), None)
            }
            Err(error) => return Err(error.into()),
        };
        let reference = Pair::new("sentimeter.version", reference);
        let new = NewVersion {
            name: name.to_owned(),
            source,
            run_id: target.id.clone(),
            model_id,
            tags: vec![reference.clone(), digest, Pair::new(UNIQUE, target.run.id.as_str())],
            description: format!("{} of sentimeter, by run {}", ours.reference(), target.run.id),
        };
        let made = self
            .client
            .registered_model(name, "text classification by sentimeter")
            .and_then(|()| self.client.model_version(&new, &reference));
        match made {
            Ok(made) => Ok(Some(made.version)),
            Err(error) => {
                self.optional("a model registry", Err(error))?;
                Ok(None)
            }
        }
    }
}

fn dataset(input: &Input) -> DatasetInput {
    let uri = input.path.as_deref().or(input.snapshot.as_deref()).unwrap_or(&input.name);
    let columns = json!([
        {"type": "string", "name": "text", "required": true},
        {"type": "string", "name": "label", "required": true},
    ]);
    let context = match input.role.as_str() {
        "train" => "training",
        "test" => "testing",
        other => other,
    };
    DatasetInput {
        tags: vec![Pair::new("mlflow.data.context", context)],
        dataset: Dataset {
            name: cut(&input.name, 500).0,
            // As many characters as there may be; the whole hash stands in the source.
            digest: if input.hash.is_empty() {
                "unknown".to_owned()
            } else {
                input.hash.chars().take(36).collect()
            },
            source_type: "local".to_owned(),
            source: json!({"uri": uri, "snapshot": input.snapshot, "blake3": input.hash}).to_string(),
            schema: Some(json!({"mlflow_colspec": columns}).to_string()),
            profile: Some(json!({"num_rows": input.rows, "bytes": input.size}).to_string()),
        },
    }
}
