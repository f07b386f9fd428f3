//! Everything that is asked of a server, call by call.

use std::sync::{Arc, OnceLock};

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::MlflowError;
use crate::halt::Halt;
use crate::http::{Http, Repeat};
use crate::limits::{Batch, Limits};
use crate::settings::Settings;
use crate::wire::{
    DatasetInput, Experiment, LoggedModel, ModelOutput, NewLoggedModel, NewRun, NewVersion, Pair, Run,
    Status, Version,
};

/// Where MLflow's interface begins under the server's address.
const API: &str = "api/2.0/mlflow";

/// One tracking server and its registry.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) http: Http,
    registry: Http,
    version: Arc<OnceLock<Option<String>>>,
}

/// What a repaired experiment was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It was there.
    There,
    /// It was made.
    Made,
    /// It had been deleted, and was brought back.
    Restored,
}

impl Client {
    /// A client; nothing is sent yet. Waits between tries end when `halt` is wished.
    ///
    /// # Errors
    /// Certificates that cannot be read.
    pub fn new(settings: &Settings, halt: Halt) -> Result<Self, MlflowError> {
        let http = Http::new(&settings.server, settings, halt)?;
        let registry = match &settings.registry {
            Some(base) => http.at(base.clone()),
            None => http.clone(),
        };
        Ok(Self { http, registry, version: Arc::default() })
    }

    /// The server's address, without credentials.
    pub fn server(&self) -> &str {
        self.http.base()
    }

    /// The server's version, where it says; asked for once.
    pub fn version(&self) -> Option<&str> {
        self.version.get_or_init(|| self.http.plain("version")).as_deref()
    }

    /// How long values may be.
    pub fn limits(&self) -> Limits {
        Limits::of(self.version())
    }

    /// The page of a run.
    pub fn page(&self, experiment_id: &str, run_id: &str) -> String {
        format!("{}/#/experiments/{experiment_id}/runs/{run_id}", self.server())
    }

    fn post(&self, path: &str, body: &Value, repeat: Repeat) -> Result<Value, MlflowError> {
        self.http.json(&Method::POST, &format!("{API}/{path}"), &[], Some(body), repeat)
    }

    fn get<A: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<A, MlflowError> {
        self.http.json(&Method::GET, &format!("{API}/{path}"), query, NOTHING, Repeat::Safe)
    }

    /// The experiment of this name: found, made, or brought back where it was deleted, since a deleted one
    /// keeps its name and takes no runs.
    ///
    /// # Errors
    /// No answer, or a server that refuses.
    pub fn experiment(&self, name: &str) -> Result<(Experiment, Found), MlflowError> {
        let (experiment, how) = match self.experiment_by_name(name)? {
            Some(experiment) => (experiment, Found::There),
            None => {
                let made = self.post("experiments/create", &json!({"name": name}), Repeat::Safe);
                match made {
                    // Somebody was faster, or our first try had arrived.
                    Err(error) if error.is("RESOURCE_ALREADY_EXISTS") => {}
                    other => drop(other?),
                }
                let made = self.experiment_by_name(name)?.ok_or_else(|| MlflowError::Unfit {
                    why: format!("the MLflow server made the experiment `{name}` and does not find it"),
                })?;
                (made, Found::Made)
            }
        };
        if !experiment.deleted() {
            return Ok((experiment, how));
        }
        self.post("experiments/restore", &json!({"experiment_id": experiment.experiment_id}), Repeat::Safe)?;
        Ok((experiment, Found::Restored))
    }

    fn experiment_by_name(&self, name: &str) -> Result<Option<Experiment>, MlflowError> {
        #[derive(Deserialize)]
        struct Answer {
            experiment: Experiment,
        }
        match self.get::<Answer>("experiments/get-by-name", &[("experiment_name", name)]) {
            Ok(answer) => Ok(Some(answer.experiment)),
            Err(error) if error.absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a run. Never tried twice by itself: where no answer comes, the run may be there, and
    /// [`find_run`](Self::find_run) tells.
    ///
    /// # Errors
    /// No answer, or a server that refuses.
    pub fn create_run(&self, run: &NewRun) -> Result<Run, MlflowError> {
        #[derive(Deserialize)]
        struct Answer {
            run: Run,
        }
        let path = format!("{API}/runs/create");
        let answer: Answer = self.http.json(&Method::POST, &path, &[], Some(run), Repeat::Once)?;
        Ok(answer.run)
    }

    /// The run of an experiment that carries `tag`, deleted ones too; the oldest of several.
    ///
    /// # Errors
    /// No answer, or a server that refuses.
    pub fn find_run(&self, experiment_id: &str, tag: &Pair) -> Result<Option<Run>, MlflowError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            runs: Vec<Run>,
        }
        let body = json!({
            "experiment_ids": [experiment_id], "filter": tagged(tag), "run_view_type": "ALL",
            "max_results": 1, "order_by": ["attributes.start_time ASC"],
        });
        let path = format!("{API}/runs/search");
        let answer: Answer = self.http.json(&Method::POST, &path, &[], Some(&body), Repeat::Safe)?;
        Ok(answer.runs.into_iter().next())
    }

    /// What the server knows of a run.
    ///
    /// # Errors
    /// No such run, no answer, or a server that refuses.
    pub fn run(&self, run_id: &str) -> Result<Run, MlflowError> {
        #[derive(Deserialize)]
        struct Answer {
            run: Run,
        }
        Ok(self.get::<Answer>("runs/get", &[("run_id", run_id)])?.run)
    }

    /// How a run goes, and when it ended (milliseconds since 1970).
    ///
    /// # Errors
    /// No answer, or a server that refuses.
    pub fn update_run(&self, run_id: &str, status: Status, end_time: Option<i64>) -> Result<(), MlflowError> {
        let mut body = json!({"run_id": run_id, "status": status});
        if let Some(end) = end_time {
            body["end_time"] = end.into();
        }
        self.post("runs/update", &body, Repeat::Safe).map(drop)
    }

    /// Logs entries in batches of a size that servers take. Keys and values must fit
    /// ([`key`](crate::key), [`cut`](crate::cut)). Sending the same twice is harmless.
    ///
    /// # Errors
    /// No answer, or a server that refuses; what came before may be there.
    pub fn log(&self, run_id: &str, entries: Batch) -> Result<(), MlflowError> {
        for batch in entries.split() {
            let mut body = json!({"run_id": run_id});
            for (name, empty, value) in [
                ("metrics", batch.metrics.is_empty(), json!(batch.metrics)),
                ("params", batch.params.is_empty(), json!(batch.params)),
                ("tags", batch.tags.is_empty(), json!(batch.tags)),
            ] {
                if !empty {
                    body[name] = value;
                }
            }
            self.post("runs/log-batch", &body, Repeat::Safe)?;
        }
        Ok(())
    }

    /// Says which data a run used. Sending the same twice is harmless.
    ///
    /// # Errors
    /// No answer, or a server that refuses; servers before 2.4 lack it.
    pub fn log_inputs(&self, run_id: &str, datasets: &[DatasetInput]) -> Result<(), MlflowError> {
        self.post("runs/log-inputs", &json!({"run_id": run_id, "datasets": datasets}), Repeat::Safe).map(drop)
    }

    /// The logged model of a run that carries `tag`.
    ///
    /// # Errors
    /// No answer, or a server that refuses; servers before 3 lack it.
    pub fn find_logged_model(
        &self,
        experiment_id: &str,
        run_id: &str,
        tag: &Pair,
    ) -> Result<Option<LoggedModel>, MlflowError> {
        #[derive(Deserialize)]
        struct Many {
            #[serde(default)]
            models: Vec<LoggedModel>,
        }
        let wanted = json!({
            "experiment_ids": [experiment_id], "max_results": 1,
            "filter": format!("source_run_id = {} AND {}", quoted(run_id), tagged(tag)),
        });
        let path = format!("{API}/logged-models/search");
        let found: Many = self.http.json(&Method::POST, &path, &[], Some(&wanted), Repeat::Safe)?;
        Ok(found.models.into_iter().next())
    }

    /// Makes a logged model, or finds the one of the same run and `tag`.
    ///
    /// # Errors
    /// No answer, or a server that refuses; servers before 3 lack it.
    pub fn logged_model(&self, model: &NewLoggedModel, tag: &Pair) -> Result<LoggedModel, MlflowError> {
        #[derive(Deserialize)]
        struct One {
            model: LoggedModel,
        }
        if let Some(found) = self.find_logged_model(&model.experiment_id, &model.source_run_id, tag)? {
            return Ok(found);
        }
        let path = format!("{API}/logged-models");
        let made: One = self.http.json(&Method::POST, &path, &[], Some(model), Repeat::Once)?;
        Ok(made.model)
    }

    /// Says that all files of a logged model are there.
    ///
    /// # Errors
    /// No answer, or a server that refuses.
    pub fn finish_logged_model(&self, model_id: &str) -> Result<(), MlflowError> {
        let body = json!({"model_id": model_id, "status": "LOGGED_MODEL_READY"});
        let path = format!("{API}/logged-models/{model_id}");
        self.http.json::<Value>(&Method::PATCH, &path, &[], Some(&body), Repeat::Safe).map(drop)
    }

    /// Says that a run made a logged model. A second time the server would break a rule of its own
    /// database, so that it is asked first.
    ///
    /// # Errors
    /// No answer, or a server that refuses.
    pub fn log_output(&self, run_id: &str, model_id: &str) -> Result<(), MlflowError> {
        if self.run(run_id)?.outputs.model_outputs.iter().any(|output| output.model_id == model_id) {
            return Ok(());
        }
        let models = [ModelOutput { model_id: model_id.to_owned(), step: 0 }];
        self.post("runs/outputs", &json!({"run_id": run_id, "models": models}), Repeat::Once).map(drop)
    }

    /// Tells a run of a model the way that MLflow 2 did: what its page and `mlflow.register_model` go by.
    ///
    /// # Errors
    /// No answer, or a server that refuses.
    pub fn log_model_legacy(&self, run_id: &str, mlmodel: &Value) -> Result<(), MlflowError> {
        let body = json!({"run_id": run_id, "model_json": mlmodel.to_string()});
        self.post("runs/log-model", &body, Repeat::Safe).map(drop)
    }

    fn registry<A: serde::de::DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
        repeat: Repeat,
    ) -> Result<A, MlflowError> {
        self.registry.json(method, &format!("{API}/{path}"), query, body, repeat)
    }

    /// Makes a registered model where there is none of this name.
    ///
    /// # Errors
    /// A name with `/` or `:`, no answer, or a server that refuses; some lack a registry.
    pub fn registered_model(&self, name: &str, description: &str) -> Result<(), MlflowError> {
        let body = json!({"name": name, "description": description});
        match self.registry::<Value>(
            &Method::POST,
            "registered-models/create",
            &[],
            Some(&body),
            Repeat::Safe,
        ) {
            Err(error) if error.is("RESOURCE_ALREADY_EXISTS") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Makes a version of a registered model, or finds the one that carries `tag`.
    ///
    /// # Errors
    /// No answer, or a server that refuses.
    pub fn model_version(&self, version: &NewVersion, tag: &Pair) -> Result<Version, MlflowError> {
        #[derive(Deserialize)]
        struct Many {
            #[serde(default)]
            model_versions: Vec<Version>,
        }
        #[derive(Deserialize)]
        struct One {
            model_version: Version,
        }
        let filter = format!("name = {} AND {}", quoted(&version.name), tagged(tag));
        let query = [("filter", filter.as_str()), ("max_results", "1")];
        let found: Many = self.registry(&Method::GET, "model-versions/search", &query, None, Repeat::Safe)?;
        if let Some(version) = found.model_versions.into_iter().next() {
            return Ok(version);
        }
        let path = format!("{API}/model-versions/create");
        let made: One = self.registry.json(&Method::POST, &path, &[], Some(version), Repeat::Once)?;
        Ok(made.model_version)
    }

    /// Points an alias to a version, away from whichever it pointed to.
    ///
    /// # Errors
    /// A reserved alias, no answer, or a server that refuses.
    pub fn set_alias(&self, name: &str, alias: &str, version: &str) -> Result<(), MlflowError> {
        let body = json!({"name": name, "alias": alias, "version": version});
        self.registry::<Value>(&Method::POST, "registered-models/alias", &[], Some(&body), Repeat::Safe)
            .map(drop)
    }

    /// The version that `at` names: its number, or an alias.
    ///
    /// # Errors
    /// No such model, version or alias; no answer, or a server that refuses.
    pub fn find_version(&self, name: &str, at: &At) -> Result<Version, MlflowError> {
        #[derive(Deserialize)]
        struct Answer {
            model_version: Version,
        }
        let (path, what) = match at {
            At::Version(version) => ("model-versions/get", ("version", version)),
            At::Alias(alias) => ("registered-models/alias", ("alias", alias)),
        };
        let query = [("name", name), (what.0, what.1.as_str())];
        let found: Result<Answer, _> = self.registry(&Method::GET, path, &query, None, Repeat::Safe);
        Ok(found?.model_version)
    }

    /// Where a version's files lie.
    ///
    /// # Errors
    /// No such version, no answer, or a server that refuses.
    pub fn download_uri(&self, version: &Version) -> Result<String, MlflowError> {
        #[derive(Deserialize)]
        struct Answer {
            artifact_uri: String,
        }
        let query = [("name", version.name.as_str()), ("version", version.version.as_str())];
        let answer: Answer =
            self.registry(&Method::GET, "model-versions/get-download-uri", &query, None, Repeat::Safe)?;
        Ok(answer.artifact_uri)
    }

    /// Where a logged model's files lie.
    ///
    /// # Errors
    /// No such model, no answer, or a server that refuses.
    pub fn logged_model_uri(&self, model_id: &str) -> Result<String, MlflowError> {
        #[derive(Deserialize)]
        struct One {
            model: LoggedModel,
        }
        Ok(self
            .get::<One>(&format!("logged-models/{}", crate::http::escape(model_id)), &[])?
            .model
            .info
            .artifact_uri)
    }
}

/// Which version of a registered model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// This one.
    Version(String),
    /// The one that the alias points to.
    Alias(String),
}

const NOTHING: Option<&Value> = None;

/// The filter for what carries `tag`.
fn tagged(tag: &Pair) -> String {
    format!("tags.`{}` = {}", tag.key, quoted(&tag.value))
}

/// A value in quotes; a filter has two kinds of them and no way to escape one.
fn quoted(value: &str) -> String {
    if value.contains('\'') { format!("\"{}\"", value.replace('"', "")) } else { format!("'{value}'") }
}
