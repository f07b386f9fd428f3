//! The first minutes: train on the examples, ask, measure; for people and for machines.

use serde_json::Value;

use crate::desk::{Desk, LIGHT, example};

/// Whether `keys`, such as `classes.negative.f1`, all lead to a value in `json`; `null` is none.
#[track_caller]
fn has(json: &Value, keys: &[&str]) {
    for key in keys {
        let found = key.split('.').try_fold(json, |at, part| at.get(part));
        assert!(found.is_some_and(|value| !value.is_null()), "no {key} in {json:#}");
    }
}

#[test]
fn train_ask_and_measure() {
    let desk = Desk::new();
    let trained = desk.train(&["--data", &example("feedback.csv")]).ok();
    trained.prints(&["accuracy", "learned from", "model home/models/sentiment.safetensors"]);
    trained.tells(&["450 rows read as csv"]);
    assert_eq!(desk.names("home/models"), ["sentiment.safetensors"]);

    let praise = "Thank you so much, this is wonderful, the best service ever!";
    let anger = "Terrible. Broken on arrival and no refund. Never again.";
    let asked = desk.run(&["predict", praise, anger]).ok();
    let lines: Vec<&str> = asked.out.lines().collect();
    assert!(lines[0].starts_with("positive ") && lines[0].ends_with(praise), "{asked}");
    assert!(lines[1].starts_with("negative ") && lines[1].ends_with(anger), "{asked}");
    assert_eq!(lines.len(), 2, "{asked}");

    let measured = desk.run(&["evaluate", "--data", &example("feedback_test.csv")]).ok();
    measured.prints(&["accuracy", "language", "channel", "texts a second"]);
}

#[test]
fn machines_get_one_json_document_and_the_rest_goes_to_standard_error() {
    let desk = Desk::new();
    let trained = desk.train(&["--data", &example("feedback.csv"), "--json"]).ok();
    trained.tells(&["450 rows read as csv"]);
    let train = trained.json();
    has(
        &train,
        &[
            "model",
            "rows",
            "features",
            "iterations",
            "peak_memory_mb",
            "seconds.read",
            "seconds.clean",
            "seconds.vectorise",
            "seconds.fit",
            "seconds.total",
            "metrics.accuracy",
        ],
    );
    assert_eq!(train["rows"].as_u64().unwrap() + train["test_rows"].as_u64().unwrap(), 450, "{train:#}");

    let evaluated = desk.run(&["evaluate", "--data", &example("feedback_test.csv"), "--json"]).ok().json();
    has(
        &evaluated,
        &[
            "rows",
            "accuracy",
            "macro_f1",
            "macro_recall",
            "weighted_f1",
            "roc_auc",
            "log_loss",
            "ece",
            "confusion",
            "latency_us.p50",
            "latency_us.p99",
            "texts_per_second",
            "model",
        ],
    );
    for class in ["negative", "neutral", "positive"] {
        for figure in ["precision", "recall", "f1", "support"] {
            has(&evaluated, &[&format!("classes.{class}.{figure}")]);
        }
    }
    assert_eq!(evaluated["rows"], 90);
    let confusion: Vec<Vec<u64>> = serde_json::from_value(evaluated["confusion"].clone()).unwrap();
    assert_eq!(confusion.concat().iter().sum::<u64>(), 90);
    let right: u64 = (0..3).map(|i| confusion[i][i]).sum();
    assert!((evaluated["accuracy"].as_f64().unwrap() - right as f64 / 90.0).abs() < 1e-12);

    let text = "merci beaucoup, c'est parfait";
    let predicted = desk.run(&["predict", "--json", text]).ok().json();
    assert_eq!(predicted["model"]["digest"], train["digest"]);
    assert_eq!(predicted["model"], evaluated["model"], "one model answers both");
    let [answer] = &predicted["predictions"].as_array().unwrap()[..] else {
        panic!("one text, one answer: {predicted:#}");
    };
    assert_eq!(answer["text"], text);
    let probabilities = answer["probabilities"].as_object().unwrap();
    let total: f64 = probabilities.values().map(|p| p.as_f64().unwrap()).sum();
    assert!((total - 1.0).abs() < 1e-5, "{answer:#}");
    let named = &probabilities[answer["sentiment"].as_str().unwrap()];
    assert_eq!(named, &answer["confidence"], "the answer is the likeliest class");
}

#[test]
fn every_command_answers_in_json() {
    let desk = Desk::with_model();
    let feedback = example("feedback.csv");
    let cross = [&["train", "--data", &feedback, "--cross-validate", "3"], &LIGHT[..]].concat();
    let commands: [&[&str]; 6] = [
        &["import", &feedback, "--name", "voices"],
        &["datasets", "list"],
        &["datasets", "show", "voices"],
        &cross,
        &["predict", "fine", "--explain"],
        &["datasets", "delete", "voices"],
    ];
    for command in commands {
        let answer = desk.run(&[command, &["--json"]].concat()).ok();
        assert!(answer.json().is_object() || answer.json().is_array(), "{answer}");
    }
}

#[test]
fn a_test_file_leaves_all_of_the_data_to_learn_from() {
    let desk = Desk::new();
    let [data, test] = [example("feedback.csv"), example("feedback_test.csv")];
    let trained = desk.train(&["--data", &data, "--test", &test, "--out", "m.safetensors", "--json"]).ok();
    let train = trained.json();
    assert_eq!((&train["rows"], &train["test_rows"]), (&450.into(), &90.into()), "{train:#}");
    assert_eq!(train["model"], "m.safetensors");
    let mut kept = desk.names("home");
    kept.retain(|name| name != "blobs" && !name.starts_with("sentimeter.db"));
    assert_eq!(
        kept,
        ["reports"],
        "no model goes into the home when --out is given, but to the run's records"
    );

    // What train measured is what evaluate finds in the file; sums run over the rows in another order.
    let evaluated =
        desk.run(&["evaluate", "--model", "m.safetensors", "--data", &test, "--json"]).ok().json();
    for figure in ["accuracy", "macro_f1", "roc_auc", "log_loss", "ece"] {
        let [one, other] = [&train["metrics"][figure], &evaluated[figure]].map(|v| v.as_f64().unwrap());
        assert!((one - other).abs() < 1e-12, "{figure}: {one} and {other}");
    }
}

#[test]
fn quiet_says_nothing_but_the_answer() {
    let desk = Desk::new();
    let trained = desk.train(&["--data", &example("feedback.csv"), "--quiet"]).ok();
    assert_eq!(trained.err, "", "{trained}");
    desk.put("in.csv", "text\nfine\n");
    let scored = desk.run(&["predict", "--input", "in.csv", "--output", "out.csv", "-q"]).ok();
    assert_eq!((&scored.out[..], &scored.err[..]), ("", ""), "{scored}");
}

#[test]
fn the_version_comes_with_the_licence_of_what_is_built_in() {
    let desk = Desk::new();
    desk.run(&["--version"]).ok().prints(&[env!("CARGO_PKG_VERSION"), "WordNet", "Princeton University"]);
    assert_eq!(desk.run(&["-V"]).ok().out.trim(), concat!("sentimeter ", env!("CARGO_PKG_VERSION")));
    desk.run(&["--help"]).ok().prints(&["sentimeter train --data examples/feedback.csv", "--version"]);
}

#[test]
fn shells_and_man_are_told_every_command() {
    let desk = Desk::new();
    let shells = ["bash", "zsh", "fish", "elvish", "powershell"].map(|shell| vec!["completions", shell]);
    for command in shells.into_iter().chain([vec!["man"]]) {
        desk.run(&command).ok().prints(&["import", "datasets", "train", "evaluate", "predict"]);
    }
}
