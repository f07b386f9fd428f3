//! A model file as MLflow describes models: an `MLmodel` with a signature and an input example.
//!
//! It has no `python_function` flavour, because no Python code of ours lies beside it: the description says
//! what can load it instead of promising what would fail.

use std::fmt::Write as _;

use sentimeter_model::{Model, Scratch};
use serde_json::{Value, json};

/// The model's file beside its `MLmodel`.
pub(crate) const FILE: &str = "model.safetensors";

/// Made up: no text of anybody's data leaves the house as an example.
const EXAMPLE: [&str; 2] =
    ["The new app is quick and lovely.", "Third outage this week, and nobody answers."];

/// What an `MLmodel` says beside what the model says of itself.
pub(crate) struct Origin<'a> {
    /// The run on the server.
    pub run_id: &'a str,
    /// The logged model, where the server has such.
    pub model_id: Option<&'a str>,
    /// Where its files lie.
    pub artifact_path: &'a str,
    /// Digest of the file.
    pub digest: &'a str,
    /// Bytes of the file.
    pub size: u64,
    /// When it was made, milliseconds since 1970.
    pub made: i64,
}

/// The small files of a model, by name: `MLmodel`, input example, how to use it.
pub(crate) fn files(model: &Model, origin: &Origin<'_>) -> Vec<(&'static str, String)> {
    let described = mlmodel(model, origin);
    let mut probs = Vec::new();
    let answers = model.predict(&EXAMPLE, &mut Scratch::default());
    for row in answers.values().chunks(model.labels().len()) {
        let named: serde_json::Map<String, Value> =
            model.labels().iter().zip(row).map(|(label, p)| (label.clone(), json!(p))).collect();
        probs.push(Value::Object(named));
    }
    let rows: Vec<[&str; 1]> = EXAMPLE.iter().map(|text| [*text]).collect();
    vec![
        ("input_example.json", json!({"columns": ["text"], "data": rows}).to_string()),
        ("output_example.json", json!({"probabilities": probs}).to_string()),
        ("README.md", readme(model, origin)),
        // Last: where it is, the rest is.
        ("MLmodel", yaml(&described)),
    ]
}

/// The `MLmodel` as a value.
pub(crate) fn mlmodel(model: &Model, origin: &Origin<'_>) -> Value {
    let outputs: Vec<Value> =
        [("sentiment", "string"), ("confidence", "double")]
            .into_iter()
            .map(|(name, kind)| json!({"type": kind, "name": name, "required": true}))
            .chain(model.labels().iter().map(
                |label| json!({"type": "double", "name": format!("probability_{label}"), "required": true}),
            ))
            .collect();
    let mut value = json!({
        "artifact_path": origin.artifact_path,
        "flavors": {"sentimeter": {
            "data": FILE,
            "sentimeter_version": env!("CARGO_PKG_VERSION"),
            "digest": origin.digest,
            "labels": model.labels(),
            "load_with": "sentimeter models import, then sentimeter predict; it executes nothing",
        }},
        "model_size_bytes": origin.size,
        "model_uuid": origin.digest.get(..32).unwrap_or(origin.digest),
        "run_id": origin.run_id,
        "saved_input_example_info": {
            "artifact_path": "input_example.json", "pandas_orient": "split", "type": "dataframe",
        },
        "signature": {
            "inputs": json!([{"type": "string", "name": "text", "required": true}]).to_string(),
            "outputs": Value::Array(outputs).to_string(),
            "params": null,
        },
        "utc_time_created": jiff::Timestamp::from_millisecond(origin.made)
            .unwrap_or_default().strftime("%Y-%m-%d %H:%M:%S%.6f").to_string(),
    });
    if let Some(id) = origin.model_id {
        value["model_id"] = id.into();
    }
    value
}

/// How somebody who finds it on the server's page uses it.
fn readme(model: &Model, origin: &Origin<'_>) -> String {
    format!(
        "# A Sentimeter model\n\nClasses: {}. Digest `{}`.\n\n`{FILE}` holds everything: cleaning, vocabulary, \
         weights, calibration. It is data; loading it executes nothing.\n\nLoad it with the \
         program that made it:\n\n```sh\nsentimeter models import \
         models:/NAME@ALIAS      # from this server's registry\nsentimeter predict --model {FILE} \"what a lovely \
         day\"   # or downloaded by hand\n```\n\nThere is no `python_function` flavour: `mlflow.pyfunc.load_model` \
         does not load it.\n",
        model.labels().join(", "),
        origin.digest,
    )
}

/// scikit-learn's table of precision, recall and F1 by class, from what a card says was measured; `None`
/// where it says nothing of classes.
pub(crate) fn classification_report(metrics: &Value) -> Option<String> {
    let labels: Vec<&str> = metrics["labels"].as_array()?.iter().filter_map(Value::as_str).collect();
    let classes = metrics["classes"].as_object()?;
    let wide = labels.iter().map(|label| label.chars().count()).chain(["weighted avg".len()]).max()?;
    let mut out =
        format!("{:wide$} {:>9} {:>9} {:>9} {:>9}\n\n", "", "precision", "recall", "f1-score", "support");
    let (mut mean, mut weighted, mut rows) = ([0.0; 3], [0.0; 3], 0.0);
    for label in &labels {
        let class = classes.get(*label)?;
        let support = class["support"].as_f64()?;
        let values = ["precision", "recall", "f1"].map(|name| class[name].as_f64().unwrap_or(0.0));
        let _ = writeln!(
            out,
            "{label:>wide$} {:>9.4} {:>9.4} {:>9.4} {support:>9}",
            values[0], values[1], values[2]
        );
        for (i, value) in values.into_iter().enumerate() {
            mean[i] += value / labels.len() as f64;
            weighted[i] += value * support;
        }
        rows += support;
    }
    let accuracy = metrics["accuracy"].as_f64()?;
    let _ = writeln!(out, "\n{:>wide$} {:>9} {:>9} {accuracy:>9.4} {rows:>9}", "accuracy", "", "");
    let weighted = weighted.map(|sum| if rows > 0.0 { sum / rows } else { 0.0 });
    for (name, [p, r, f]) in [("macro avg", mean), ("weighted avg", weighted)] {
        let _ = writeln!(out, "{name:>wide$} {p:>9.4} {r:>9.4} {f:>9.4} {rows:>9}");
    }
    Some(out)
}

/// A value as YAML: mappings in block form; every scalar and list as JSON, which is YAML too.
fn yaml(value: &Value) -> String {
    let mut out = String::new();
    block(&mut out, value, 0);
    out
}

fn block(out: &mut String, value: &Value, depth: usize) {
    let Some(map) = value.as_object() else { return };
    for (key, value) in map {
        let _ = write!(out, "{}{key}:", "  ".repeat(depth));
        if value.as_object().is_some_and(|map| !map.is_empty()) {
            out.push('\n');
            block(out, value, depth + 1);
        } else {
            let _ = writeln!(out, " {value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_one_that_people_read() {
        let value =
            json!({"flavors": {"sentimeter": {"data": "a: b"}}, "run_id": "r", "params": null, "n": 3});
        let want = "flavors:\n  sentimeter:\n    data: \"a: b\"\nrun_id: \"r\"\nparams: null\nn: 3\n";
        assert_eq!(yaml(&value), want);
    }

    #[test]
    fn the_report_is_scikit_learns() {
        // sklearn.metrics.classification_report([0,0,0,1,1], [0,0,1,1,1], target_names=["bad","good"], digits=4)
        let metrics = json!({
            "labels": ["bad", "good"], "accuracy": 0.8,
            "classes": {
                "bad": {"precision": 1.0, "recall": 2.0 / 3.0, "f1": 0.8, "support": 3},
                "good": {"precision": 2.0 / 3.0, "recall": 1.0, "f1": 0.8, "support": 2},
            },
        });
        let report = classification_report(&metrics).unwrap();
        let words: Vec<Vec<&str>> = report.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[2], ["bad", "1.0000", "0.6667", "0.8000", "3"]);
        assert_eq!(words[5], ["accuracy", "0.8000", "5"]);
        assert_eq!(words[6], ["macro", "avg", "0.8333", "0.8333", "0.8000", "5"]);
        assert_eq!(words[7], ["weighted", "avg", "0.8667", "0.8000", "0.8000", "5"]);
        assert!(classification_report(&json!({"accuracy": 1.0})).is_none());
    }
}
