//! The classic job on real tweets, by the commands as they are written in plans and documents.

use std::path::PathBuf;

use crate::desk::{Desk, root, rows};

/// The folder of data sets, where this machine has one.
fn data() -> Option<PathBuf> {
    let places = match std::env::var_os("SENTIMETER_DATA") {
        Some(place) => vec![PathBuf::from(place)],
        None => vec![root().join("../shared/data"), root().join("shared/data")],
    };
    let found = places.into_iter().find(|place| place.join("README.md").is_file());
    if found.is_none() {
        eprintln!("skipped: no data");
    }
    found
}

#[test]
fn the_classic_plan_on_sentiment140() {
    let Some(data) = data() else { return };
    let tweets = data.join("sentiment140");
    let train = tweets.join("training.processed.noemoticon.sample.csv").display().to_string();
    let test = tweets.join("testdata.manual.2009.06.14.csv").display().to_string();
    let plan = root().join("plans/classic.toml").display().to_string();
    // The classes of the test file: "0" negative, "2" neutral, "4" positive.
    let tested = rows(&std::fs::read_to_string(tweets.join("testdata.manual.2009.06.14.csv")).unwrap());
    let neutral = tested.iter().filter(|row| row[0] == "2").count();
    let known = tested.len() - neutral;
    assert!(neutral > 0 && known > 50, "{neutral} neutral test tweets, {known} others");
    let desk = Desk::new();

    let command = ["train", &plan, "--data", &train, "--out", "held_out.safetensors", "--json"];
    let held_out = desk.run(&command).ok().json();
    let figure = |json: &serde_json::Value, name: &str| json[name].as_f64().unwrap();
    assert!(figure(&held_out["metrics"], "accuracy") > 0.75, "{held_out:#}");
    assert!(figure(&held_out["metrics"], "roc_auc") > 0.84, "{held_out:#}");
    let share = figure(&held_out, "test_rows") / (figure(&held_out, "rows") + figure(&held_out, "test_rows"));
    assert!((share - 0.05).abs() < 0.005, "5 % are held out, not {share}");

    let command = ["train", &plan, "--data", &train, "--test", &test, "--out", "m.safetensors", "--json"];
    let trained = desk.run(&command).ok().json();
    assert_eq!(trained["dropped"]["unknown_label"], neutral, "{trained:#}");
    assert_eq!(trained["test_rows"], known);
    assert!(figure(&trained["metrics"], "accuracy") > 0.75, "{trained:#}");
    assert!(figure(&trained["metrics"], "roc_auc") > 0.84, "{trained:#}");

    let evaluated =
        desk.run(&["evaluate", "--model", "m.safetensors", "--data", &test, "--json"]).ok().json();
    assert_eq!(evaluated["rows"], known);
    assert_eq!(evaluated["unknown_labels"]["neutral"], neutral);
    assert_eq!(evaluated["accuracy"], trained["metrics"]["accuracy"]);
    assert_eq!(evaluated["model"]["digest"], trained["digest"]);
}

#[test]
fn the_model_that_is_built_in_on_semeval_2016() {
    let Some(data) = data() else { return };
    let test = data.join("semeval-task4a/twitter-2016test-A.tsv").display().to_string();
    let found = Desk::new().run(&["evaluate", "--data", &test, "--format", "semeval", "--json"]).ok().json();
    assert_eq!(found["model"]["reference"], "starter");
    let recall = found["macro_recall"].as_f64().unwrap();
    assert!(recall > 0.62, "macro recall {recall}; no text of this file was learned from");
}

#[test]
fn the_model_that_is_built_in_is_made_again_to_the_byte() {
    let Some(data) = data() else { return };
    let plan = root().join("assets/starter.toml").display().to_string();
    let desk = Desk::new();
    let args = ["train", &plan, "--out", "starter.safetensors", "--no-report", "--no-record"];
    let done = desk.command(&args).env("SENTIMETER_DATA", data).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let made = std::fs::read(desk.path("starter.safetensors")).unwrap();
    let ours = std::fs::read(root().join("assets/starter.safetensors")).unwrap();
    assert!(
        made == ours,
        "assets/starter.toml makes another model than the one beside it: see docs/starter.md"
    );
}
