//! The shapes that requests and answers have.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An entry of tags and params.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pair {
    /// The key, at most 250 characters.
    pub key: String,
    /// The value; servers answer without one where it is empty.
    #[serde(default)]
    pub value: String,
}

impl Pair {
    /// A pair.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// A point of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The key, at most 250 characters.
    pub key: String,
    /// The value; not a number and infinities included.
    #[serde(serialize_with = "write_float", deserialize_with = "read_float")]
    pub value: f64,
    /// When it was measured, milliseconds since 1970.
    #[serde(deserialize_with = "read_int")]
    pub timestamp: i64,
    /// The step that it belongs to.
    #[serde(default, deserialize_with = "read_int")]
    pub step: i64,
    /// The logged model that it is about, on servers that know such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// The data that it was measured on …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_name: Option<String>,
    /// … and its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_digest: Option<String>,
}

/// What is known of an experiment.
#[derive(Debug, Clone, Deserialize)]
pub struct Experiment {
    /// Its id.
    pub experiment_id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `active` or `deleted`.
    #[serde(default)]
    pub lifecycle_stage: String,
}

impl Experiment {
    /// Whether it was deleted and still owns its name.
    pub fn deleted(&self) -> bool {
        self.lifecycle_stage == "deleted"
    }
}

/// A run to make.
#[derive(Debug, Clone, Serialize)]
pub struct NewRun {
    /// Where it goes.
    pub experiment_id: String,
    /// What it is called.
    pub run_name: String,
    /// When it began, milliseconds since 1970.
    pub start_time: i64,
    /// Tags, among them one that no other run has.
    pub tags: Vec<Pair>,
}

/// How a run ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It runs.
    Running,
    /// It did what it should.
    Finished,
    /// It could not.
    Failed,
    /// Somebody ended it.
    Killed,
}

/// What is known of a run.
#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    /// Identity and state.
    pub info: RunInfo,
    /// What was logged.
    #[serde(default)]
    pub data: RunData,
    /// What it made.
    #[serde(default)]
    pub outputs: Outputs,
}

/// Identity and state of a run.
#[derive(Debug, Clone, Deserialize)]
pub struct RunInfo {
    /// The server's id.
    pub run_id: String,
    /// Its experiment.
    pub experiment_id: String,
    /// Its name.
    #[serde(default)]
    pub run_name: String,
    /// The server's word for how it goes.
    #[serde(default)]
    pub status: String,
    /// Where its artifacts lie.
    #[serde(default)]
    pub artifact_uri: String,
    /// `active` or `deleted`.
    #[serde(default)]
    pub lifecycle_stage: String,
}

/// What was logged to a run.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RunData {
    /// Each metric's last point.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// Settings.
    #[serde(default)]
    pub params: Vec<Pair>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<Pair>,
}

/// What a run made.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Outputs {
    /// Its models.
    #[serde(default)]
    pub model_outputs: Vec<ModelOutput>,
}

/// A model that a run made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelOutput {
    /// The logged model.
    pub model_id: String,
    /// The step that it belongs to.
    #[serde(default, deserialize_with = "read_int")]
    pub step: i64,
}

/// Data that a run used.
#[derive(Debug, Clone, Serialize)]
pub struct DatasetInput {
    /// `mlflow.data.context` says what for.
    pub tags: Vec<Pair>,
    /// Which.
    pub dataset: Dataset,
}

/// A data set, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// Its name, at most 500 characters.
    pub name: String,
    /// What tells its content from other contents, at most 36 characters.
    pub digest: String,
    /// What `source` is.
    pub source_type: String,
    /// Where it came from, as JSON.
    pub source: String,
    /// Its columns, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// How much of it there is, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// A logged model to make.
#[derive(Debug, Clone, Serialize)]
pub struct NewLoggedModel {
    /// Where it goes.
    pub experiment_id: String,
    /// What it is called.
    pub name: String,
    /// What it does.
    pub model_type: String,
    /// The run that made it.
    pub source_run_id: String,
    /// Its settings.
    pub params: Vec<Pair>,
    /// Its tags.
    pub tags: Vec<Pair>,
}

/// What is known of a logged model.
#[derive(Debug, Clone, Deserialize)]
pub struct LoggedModel {
    /// Identity and state.
    pub info: LoggedModelInfo,
}

/// Identity and state of a logged model.
#[derive(Debug, Clone, Deserialize)]
pub struct LoggedModelInfo {
    /// The server's id.
    pub model_id: String,
    /// Where its files lie.
    #[serde(default)]
    pub artifact_uri: String,
    /// `LOGGED_MODEL_PENDING`, `LOGGED_MODEL_READY`, …
    #[serde(default)]
    pub status: String,
}

/// A version of a registered model to make.
#[derive(Debug, Clone, Serialize)]
pub struct NewVersion {
    /// The registered model.
    pub name: String,
    /// Where its files lie.
    pub source: String,
    /// The run that made it.
    pub run_id: String,
    /// The logged model that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// Its tags.
    pub tags: Vec<Pair>,
    /// Markdown that says what it is.
    pub description: String,
}

/// What is known of a version of a registered model.
#[derive(Debug, Clone, Deserialize)]
pub struct Version {
    /// The registered model.
    pub name: String,
    /// Which version.
    #[serde(deserialize_with = "read_text")]
    pub version: String,
    /// Where its files lie.
    #[serde(default)]
    pub source: String,
    /// The run that made it.
    #[serde(default)]
    pub run_id: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<Pair>,
    /// Names that point to it.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// A file or folder among artifacts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Where, relative to what was listed.
    pub path: String,
    /// Whether it is a folder.
    #[serde(default)]
    pub is_dir: bool,
    /// Bytes of a file.
    #[serde(default, deserialize_with = "read_int")]
    pub file_size: i64,
}

/// JSON has no word for infinity; `serde_json` writes `null`, and MLflow reads strings.
fn write_float<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(*value)
    } else if value.is_nan() {
        serializer.serialize_str("NaN")
    } else if *value > 0.0 {
        serializer.serialize_str("Infinity")
    } else {
        serializer.serialize_str("-Infinity")
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Int(i64),
    Float(f64),
    Text(String),
}

fn read_float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match Loose::deserialize(deserializer)? {
        Loose::Int(value) => Ok(value as f64),
        Loose::Float(value) => Ok(value),
        // Rust reads `NaN`, `Infinity` and `-Infinity` as well.
        Loose::Text(text) => text.parse().map_err(|_| D::Error::custom(format!("`{text}` is no number"))),
    }
}

/// Servers write 64-bit numbers as numbers or as strings.
fn read_int<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    match Loose::deserialize(deserializer)? {
        Loose::Int(value) => Ok(value),
        Loose::Float(value) => Ok(value as i64),
        Loose::Text(text) => {
            text.parse().map_err(|_| D::Error::custom(format!("`{text}` is no whole number")))
        }
    }
}

fn read_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Loose::deserialize(deserializer)? {
        Loose::Int(value) => value.to_string(),
        Loose::Float(value) => value.to_string(),
        Loose::Text(text) => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(value: f64) -> Metric {
        let key = "f1".to_owned();
        Metric { key, value, timestamp: 1, step: 2, model_id: None, dataset_name: None, dataset_digest: None }
    }

    #[test]
    fn numbers_that_json_lacks_are_words() {
        for (value, word) in [
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
            (0.5, "0.5"),
        ] {
            let json = serde_json::to_string(&metric(value)).unwrap();
            assert_eq!(json, format!(r#"{{"key":"f1","value":{word},"timestamp":1,"step":2}}"#));
            let back: Metric = serde_json::from_str(&json).unwrap();
            assert!(back.value == value || back.value.is_nan() && value.is_nan());
        }
    }

    #[test]
    fn numbers_come_as_numbers_or_strings() {
        for json in [
            r#"{"key":"f1","value":1,"timestamp":"5"}"#,
            r#"{"key":"f1","value":"1","timestamp":5,"step":"0"}"#,
        ] {
            let read: Metric = serde_json::from_str(json).unwrap();
            assert_eq!((read.value, read.timestamp, read.step), (1.0, 5, 0));
        }
        let version: Version = serde_json::from_str(r#"{"name":"m","version":3}"#).unwrap();
        assert_eq!(version.version, "3");
    }
}
