//! Files of every released format version keep opening and answering: `artifacts/`, made by
//! `cargo run --release -p sentimeter-experiment --example old_artifact`.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use sentimeter_model::{FORMAT_VERSION, Model};
use serde_json::Value;

#[test]
fn old_files_open_and_answer_as_they_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/artifacts");
    for version in 1..=FORMAT_VERSION {
        let path = folder.join(format!("v{version}-linear.safetensors"));
        assert!(path.metadata().unwrap().len() < 40_000, "{}", path.display());
        let (model, digest) = Model::open(&path).unwrap();
        let wanted: Value =
            serde_json::from_str(&std::fs::read_to_string(path.with_extension("json")).unwrap()).unwrap();
        assert_eq!(digest.to_string(), wanted["digest"]);
        assert_eq!(serde_json::to_value(model.labels()).unwrap(), wanted["labels"]);
        let answers = wanted["answers"].as_array().unwrap();
        assert!(answers.len() >= 8);
        let probs = model.predict_all(answers.len(), |i| answers[i]["text"].as_str().unwrap());
        for (i, answer) in answers.iter().enumerate() {
            for (got, want) in probs.row(i).iter().zip(answer["probabilities"].as_array().unwrap()) {
                let want = want.as_f64().unwrap();
                assert!((f64::from(*got) - want).abs() < 1e-6, "v{version}: {answer}: {:?}", probs.row(i));
            }
        }
    }
}

/// The current version's file is what this program writes: a change of format without a new version
/// shows here.
#[test]
fn the_newest_file_is_written_as_it_is_read() {
    let path = format!("{}/tests/artifacts/v{FORMAT_VERSION}-linear.safetensors", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    assert!(Model::from_bytes(&bytes).unwrap().0.to_bytes().unwrap().0 == bytes);
}
