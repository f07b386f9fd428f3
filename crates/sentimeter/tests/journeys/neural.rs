//! Networks: trained, asked, explained, interrupted and gone on with.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::desk::{Desk, example, rows};

/// Settings under which examples/feedback.csv trains in a moment.
const SMALL: [&str; 10] = [
    "--set",
    "neural.embedding=16",
    "--set",
    "neural.epochs=3",
    "--set",
    "neural.dense=[8]",
    "--set",
    "neural.batch_size=32",
    "--no-report",
    "--quiet",
];

fn train(desk: &Desk, more: &[&str]) -> crate::desk::Answer {
    desk.run(&[&["train", "--data", &example("feedback.csv")], more, &SMALL[..]].concat())
}

#[test]
fn each_kind_of_network_trains_and_answers_and_says_why() {
    let desk = Desk::new();
    for kind in ["lstm", "bilstm", "cnn"] {
        let trained = train(&desk, &["--model", kind, "--json"]).ok().json();
        assert_eq!(trained["epochs"], 3, "{trained}");
        let history = trained["history"].as_array().unwrap();
        assert_eq!(history.len(), 3);
        assert!(history.iter().all(|epoch| epoch["loss"].as_f64().unwrap() > 0.0), "{trained}");
        assert!(trained["examples_per_second"].as_f64().unwrap() > 0.0, "{trained}");
        assert!(trained["metrics"]["accuracy"].as_f64().unwrap() > 0.0);

        let text = "where is my order? nobody answers";
        let answer = desk.run(&["predict", "--json", "--explain", text]).ok().json();
        assert!(answer["predictions"][0]["confidence"].as_f64().unwrap() > 0.3, "{answer}");
        assert!(answer.to_string().contains("nobody"), "{answer}");
        let scored = desk.run(&["evaluate", "--data", &example("feedback_test.csv"), "--json"]).ok().json();
        assert_eq!(scored["rows"], 90, "{scored}");
    }
    let found = train(&desk, &["--model", "cnn", "--json", "--cross-validate", "2"]).ok().json();
    assert_eq!(found["folds"].as_array().unwrap().len(), 2);
}

#[test]
fn threads_and_the_order_of_rows_change_no_byte_of_a_network() {
    let desk = Desk::new();
    let model = |kind: &str, threads: &str, data: &str| {
        let of = ["train", "--data", data, "--model", kind, "--threads", threads, "--out", "m.st"];
        desk.run(&[&of, &SMALL[..]].concat()).ok();
        std::fs::read(desk.path("m.st")).unwrap()
    };
    // A file whose rows stand the other way round.
    let mut table = rows(&std::fs::read_to_string(example("feedback.csv")).unwrap());
    table[1..].reverse();
    let mut reversed = csv::Writer::from_writer(Vec::new());
    table.iter().for_each(|row| reversed.write_record(row).unwrap());
    desk.put("reversed.csv", reversed.into_inner().unwrap());
    for kind in ["lstm", "bilstm", "cnn"] {
        let first = model(kind, "1", &example("feedback.csv"));
        assert!(first == model(kind, "2", "reversed.csv"), "{kind}");
    }
}

#[test]
fn a_training_that_was_killed_is_gone_on_with_and_ends_with_the_same_bytes() {
    let desk = Desk::new();
    let more = ["--model", "lstm", "--set", "neural.patience=400", "--out", "m.st"];
    let with = |extra: &[&str]| {
        let data = example("feedback.csv");
        let args: Vec<String> = ["train", "--data", &data]
            .iter()
            .chain(&more)
            .chain(&SMALL)
            .chain(&["--set", "neural.epochs=400"])
            .chain(extra)
            .map(|arg| (*arg).to_owned())
            .collect();
        args
    };
    desk.run(&with(&[])).ok();
    let whole = std::fs::read(desk.path("m.st")).unwrap();
    assert!(!desk.path("m.st.checkpoint").exists());
    std::fs::remove_file(desk.path("m.st")).unwrap();

    let mut command = desk.command(&with(&[]));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !desk.path("m.st.checkpoint").exists() {
        assert!(start.elapsed() < Duration::from_secs(240), "no checkpoint was written");
        assert!(child.try_wait().unwrap().is_none(), "the training was over before its first checkpoint");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!desk.path("m.st").exists());
    // Another training is not gone on with.
    let other = desk.run(&with(&["--resume", "--set", "seed=5"])).ends(1);
    assert!(other.err.contains("other texts, settings, seed"), "{other}");
    desk.run(&with(&["--resume"])).ok();
    assert!(std::fs::read(desk.path("m.st")).unwrap() == whole);
    assert!(!desk.path("m.st.checkpoint").exists());
}

#[test]
fn mistakes_with_networks_get_a_sentence() {
    let desk = Desk::new();
    for (args, says) in [
        (&["--model", "lstm", "--set", "neural.filters=[3]"][..], "`filters`, which a lstm does not have"),
        (&["--model", "cnn", "--set", "neural.dropout=2"], "neural.dropout"),
        (&["--set", "neural.epochs=3"], "the model is `logistic`"),
        (&["--model", "cnn", "--resume"], "no checkpoint can be read at"),
        (&["--resume", "--model", "logistic"], "--resume goes on with the training of a network"),
        (&["--model", "cnn", "--set", "sampling.kind=smote"], "no text stands between two others"),
        (&["--model", "cnn", "--learning-curve"], "leave --learning-curve out"),
        (&["--model", "lstm", "--set", "neural.learning_rate=1e38"], "no longer finite"),
    ] {
        let data = example("feedback.csv");
        let answer = desk.run(&[&["train", "--data", &data, "--no-report", "--quiet"], args].concat());
        assert_ne!(answer.status, Some(0), "{answer}");
        assert!(answer.err.contains(says), "{says}: {answer}");
    }
}
