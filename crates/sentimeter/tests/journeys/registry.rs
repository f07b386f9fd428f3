//! Models by name: registered, promoted, refused, rolled back, taken elsewhere; and which one answers.

use sentimeter_store::{Blocking, Correction, CorrectionStatus, Database, Review};
use serde_json::{Value, json};

use crate::desk::{Answer, Desk, LIGHT, example};

/// Trains on the example and measures on its test file, so that all are measured on the same rows.
fn train(desk: &Desk, args: &[&str]) -> Value {
    let (data, test) = (example("feedback.csv"), example("feedback_test.csv"));
    let mut all = vec!["train", "--json", "--quiet", "--data", &data, "--test", &test];
    all.extend(args);
    all.extend(LIGHT);
    desk.run(&all).ok().json()
}

/// A desk with a good model, sentiment@1, and a bad one, sentiment@2.
fn two() -> (Desk, Value, Value) {
    let desk = Desk::new();
    let good = train(&desk, &["--register", "sentiment", "--run-name", "good", "--licence", "CC0-1.0"]);
    let bad = train(
        &desk,
        &["--no-report", "--run-name", "bad", "--set", "logistic.c=0.00001", "--out", "bad.safetensors"],
    );
    desk.run(&["models", "register", "bad.safetensors"]).ok().prints(&["registered sentiment@2", "from run"]);
    (desk, good, bad)
}

fn champion(desk: &Desk) -> i64 {
    let models = desk.run(&["models", "list", "--json"]).ok().json();
    let aliases = models[0]["aliases"].as_array().unwrap().clone();
    let found = aliases.iter().find(|alias| alias["alias"] == "champion");
    found.map_or(0, |alias| alias["version"].as_i64().unwrap())
}

#[track_caller]
fn refused(answer: Answer, parts: &[&str]) {
    answer.ends(1).tells(parts);
}

#[test]
fn the_better_model_is_champion_until_somebody_says_why_not() {
    let (desk, good, bad) = two();
    assert_eq!(good["registered"], "sentiment@1");
    let f1 = |answer: &Value| format!("{:.4}", answer["metrics"]["macro_f1"].as_f64().unwrap());
    // Several, and no champion: a bare name is nobody.
    refused(desk.run(&["predict", "--model", "sentiment", "fine"]), &["has versions 1, 2 and no champion"]);
    refused(desk.run(&["models", "rollback", "sentiment"]), &["no former version"]);
    desk.run(&["models", "promote", "sentiment@1"]).ok().prints(&["sentiment@1 is the champion, the first"]);
    desk.run(&["models", "promote", "sentiment@1"]).ok().prints(&["is the champion already"]);

    let worse = desk.run(&["models", "promote", "sentiment@2"]);
    refused(worse, &["sentiment@2 is not promoted", &f1(&good), &f1(&bad), "0.005", "--force --reason"]);
    assert_eq!(champion(&desk), 1);
    desk.run(&["models", "promote", "sentiment@2", "--force"]).ends(2);
    desk.run(&["models", "promote", "sentiment@2", "--margin", "1"])
        .ok()
        .prints(&["is the champion, before it"]);
    desk.run(&["models", "rollback", "sentiment"]).ok().prints(&["sentiment@1", "is the champion again"]);
    desk.run(&["models", "promote", "sentiment@2", "--to", "challenger"]).ok();
    let forced =
        ["models", "promote", "sentiment@challenger", "--force", "--reason", "an outage of @1", "--json"];
    let forced = desk.run(&forced).ok().json();
    assert_eq!((&forced["forced"], &forced["previous"]), (&json!(true), &json!(1)));
    let loss = desk.run(&["models", "promote", "sentiment@1", "--metric", "log_loss"]).ok();
    loss.prints(&["log_loss"]);
    refused(
        desk.run(&["models", "promote", "sentiment@2", "--metric", "taste"]),
        &["has no taste; there are", "mcc"],
    );
    assert_eq!(champion(&desk), 1);

    let told = desk.run(&["models", "show", "sentiment", "--history"]).ok();
    told.prints(&[
        "registered sentiment@1",
        "against the rule",
        "an outage of @1",
        "is the champion again, after",
    ]);
    let shown = desk.run(&["models", "show", "sentiment@2", "--json"]).ok().json();
    let actions: Vec<&str> =
        shown["history"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
    let promotions = ["promote", "promote", "rollback", "promote", "promote", "promote"];
    assert_eq!(actions, [&["register", "register"], &promotions[..]].concat());

    // What is live is not deleted by accident.
    refused(desk.run(&["models", "delete", "sentiment@1"]), &["it is sentiment@champion", "--force"]);
    refused(desk.run(&["models", "delete", "sentiment"]), &["sentiment@VERSION"]);
    desk.run(&["models", "delete", "sentiment@2", "--force"]).ok().prints(&["and the alias challenger"]);
    refused(desk.run(&["predict", "--model", "sentiment@2", "x"]), &["was deleted"]);
}

#[test]
fn whoever_names_no_model_is_answered_by_the_champion_and_told_so() {
    let (desk, good, bad) = two();
    let digest = |answer: Value| answer["model"]["digest"].clone();
    let ask = |args: &[&str]| desk.run(&[&["predict", "--json", "fine"], args].concat()).ok().json();
    // Nobody is champion yet: the home's file answers, as it ever did.
    assert_eq!(digest(ask(&[])), good["digest"]);
    assert_eq!(ask(&[])["model"]["reference"], Value::Null);
    desk.run(&["models", "promote", "sentiment@2"]).ok();
    let answer = ask(&[]);
    assert_eq!(
        (&answer["model"]["reference"], &answer["model"]["digest"]),
        (&json!("sentiment@2"), &bad["digest"])
    );
    assert_eq!(digest(ask(&["--model", "sentiment@1"])), good["digest"]);
    assert_eq!(digest(ask(&["--model", "sentiment"])), bad["digest"]);
    desk.run(&["predict", "fine"]).ok().tells(&["model sentiment@2"]);
    // A file goes before a model of its name; and the environment before the champion.
    std::fs::copy(desk.path("home/models/sentiment.safetensors"), desk.path("sentiment@2")).unwrap();
    assert_eq!(digest(ask(&["--model", "sentiment@2"])), good["digest"]);
    let output = desk.command(&["predict", "--json", "fine"]).env("SENTIMETER_MODEL", "sentiment@1").output();
    let answer: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    assert_eq!(answer["model"]["reference"], "sentiment@1");

    let test = example("feedback_test.csv");
    let measured =
        desk.run(&["evaluate", "--data", &test, "--model", "sentiment@champion", "--json"]).ok().json();
    assert_eq!(measured["model"]["reference"], "sentiment@2");
    assert_eq!(measured["accuracy"], bad["metrics"]["accuracy"]);
    desk.run(&["evaluate", "--data", &test, "--model", "sentiment@1"]).ok().prints(&["model sentiment@1 ("]);
    for (named, want) in [
        ("nobody@champion", "there is no model \"nobody\""),
        ("sentiment@9", "sentiment has 1, 2, champion"),
        ("nowhere.safetensors", "there is no model at nowhere.safetensors"),
    ] {
        refused(desk.run(&["predict", "--model", named, "x"]), &[want]);
    }
    let empty = Desk::new();
    refused(empty.run(&["predict", "--model", "sentiment@1", "x"]), &["nothing is registered"]);
    assert_eq!(empty.names("home"), [""; 0], "asking makes no records");
}

#[test]
fn models_that_were_measured_on_other_rows_are_measured_again() {
    let desk = Desk::new();
    train(&desk, &["--register", "sentiment", "--no-report"]);
    desk.run(&["models", "promote", "sentiment@1"]).ok();
    // A part of the data is kept out: other test rows.
    let data = example("feedback.csv");
    desk.train(&["--data", &data, "--register", "sentiment", "--no-report", "--set", "logistic.c=0.00001"])
        .ok();
    refused(desk.run(&["models", "promote", "sentiment@2"]), &["test rows", "--data"]);
    let test = example("feedback_test.csv");
    let worse = desk.run(&["models", "promote", "sentiment@2", "--data", &test]);
    refused(worse, &["sentiment@2 is not promoted", "on 90 rows of feedback_test.csv", "sentiment@1"]);
    // What a model learned from says nothing of it.
    refused(desk.run(&["models", "promote", "sentiment@2", "--data", &data]), &["sentiment@1 learned from"]);
    desk.train(&["--data", &data, "--register", "sentiment", "--no-report", "--set", "seed=3"]).ok();
    let kept = desk.run(&["models", "promote", "sentiment@3", "--data", &test, "--margin", "0.5", "--json"]);
    let kept = kept.ok().json();
    assert_eq!(kept["standing"]["compared"]["rows"], 90);
    assert_eq!(champion(&desk), 3);
}

#[test]
fn a_card_says_what_a_version_is() {
    let (desk, good, _) = two();
    let run = good["run"]["id"].as_str().unwrap();
    let card = desk.run(&["models", "show", "sentiment@1", "--out", "card", "--html", "card.html"]).ok();
    card.prints(&["sentiment@1"]);
    let text = desk.text("card/card.md");
    for part in [
        "# Model card: sentiment@1",
        "## Intended use",
        "language: fr",
        "channel: ",
        "licences: CC0-1.0",
        "feedback.csv",
        &format!("sentimeter runs reproduce {run}"),
        good["digest"].as_str().unwrap().get(..12).unwrap(),
        &format!("| {:.4} |", good["metrics"]["macro_f1"].as_f64().unwrap()),
    ] {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
    assert!(
        desk.text("card.html").contains("Intended use") && desk.text("card/index.html").contains("Limits")
    );
    let files = desk.run(&["runs", "show", "good", "--json"]).ok().json();
    let files: Vec<&str> =
        files["artifacts"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert!(files.contains(&"model-card-sentiment-1.md"), "{files:?}");
    desk.run(&["models", "list"]).ok().prints(&["sentiment", "versions"]);
    desk.run(&["models", "list", "sentiment"]).ok().prints(&["sentiment@2", "macro F1"]);
    refused(desk.run(&["models", "register", "nothing-here"]), &["there is no run", "no file nothing-here"]);
    refused(desk.run(&["models", "register", "good", "--name", "a/b"]), &["cannot be a model's name"]);
    desk.put("noise.bin", [7; 4000]);
    refused(desk.run(&["models", "register", "noise.bin"]), &["noise.bin is no model of this program"]);
    // A run cannot go whose model somebody may have to explain.
    refused(desk.run(&["runs", "delete", "good"]), &["sentiment@1"]);
    desk.run(&["runs", "reproduce", run]).ok().prints(&["identical"]);
}

#[test]
fn two_who_promote_at_once_leave_one_story() {
    let (desk, ..) = two();
    desk.run(&["models", "promote", "sentiment@1"]).ok();
    let promote = |reference: &str| {
        let mut command = desk.command(&["models", "promote", reference, "--margin", "1", "--quiet"]);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    for _ in 0..4 {
        let both = [promote("sentiment@2"), promote("sentiment@1")];
        for child in both {
            let ended = child.wait_with_output().unwrap();
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        }
    }
    let shown = desk.run(&["models", "show", "sentiment@1", "--json"]).ok().json();
    let mut at = Value::Null;
    for event in shown["history"].as_array().unwrap().iter().filter(|event| event["action"] == "promote") {
        assert_eq!(event["previous"], at, "{shown:#}");
        assert_ne!(event["version"], at, "{shown:#}");
        at = event["version"].clone();
    }
    assert_eq!(at, json!(champion(&desk)));
}

#[test]
fn a_version_goes_to_a_fresh_home_with_all_that_is_known_of_it() {
    let (desk, good, bad) = two();
    desk.run(&["models", "export", "sentiment@1", "good.zip"])
        .ok()
        .prints(&["sentiment@1 written to good.zip"]);
    refused(desk.run(&["models", "export", "sentiment@1", "good.zip"]), &["is there already"]);
    desk.run(&["models", "export", "sentiment@2", "bad"]).ok();
    assert!(desk.names("bad").contains(&"card.html".to_owned()), "{:?}", desk.names("bad"));
    let other = Desk::new();
    let from = |name: &str| desk.path(name).display().to_string();
    let taken = other.run(&["models", "import", &from("good.zip"), "--json"]).ok().json();
    assert_eq!((&taken["reference"], &taken["digest"]), (&json!("sentiment@1"), &good["digest"]));
    assert_eq!((&taken["run"], &taken["licence"]), (&good["run"]["id"], &json!(["CC0-1.0"])));
    other.run(&["models", "import", &from("good.zip")]).ok().prints(&["is here already, as sentiment@1"]);
    let bare = other.run(&["models", "import", &from("bad"), "--name", "weak", "--json"]).ok().json();
    assert_eq!((&bare["reference"], &bare["digest"]), (&json!("weak@1"), &bad["digest"]));
    other
        .run(&["models", "show", "sentiment"])
        .ok()
        .prints(&["imported, it was sentiment@1 by", "language: fr"]);
    other
        .run(&["models", "show", "weak", "--history"])
        .ok()
        .prints(&["registered weak@1, which was sentiment@2"]);
    let answer = other.run(&["predict", "--model", "sentiment@1", "--json", "fine"]).ok().json();
    assert_eq!(answer["model"]["digest"], good["digest"]);
    // It is an exported run, too.
    let (data, test) = (example("feedback.csv"), example("feedback_test.csv"));
    let again = other.run(&["runs", "reproduce", "good", "--data", &data, "--test", &test]).ok();
    again.prints(&["identical"]);

    let model = walk(&desk.path("bad")).into_iter().find(|path| path.ends_with("model.safetensors")).unwrap();
    let mut bytes = std::fs::read(&model).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&model, bytes).unwrap();
    refused(other.run(&["models", "import", &from("bad"), "--name", "evil"]), &["is damaged"]);
    desk.put("noise.zip", b"noise");
    refused(other.run(&["models", "import", &from("noise.zip")]), &["noise.zip is no exported model"]);
    refused(other.run(&["models", "import", "nowhere"]), &["there is no nowhere"]);
    let listed = other.run(&["models", "list", "--json"]).ok().json();
    assert_eq!(listed.as_array().unwrap().len(), 2, "nothing of it is there: {listed}");
}

/// All files below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn what_users_corrected_is_learned_from_and_made_again_the_same() {
    let desk = Desk::new();
    train(&desk, &["--no-report", "--register", "sentiment", "--run-name", "before"]);
    let store = Blocking::open(&desk.path("home"), &Database::Home).unwrap();
    let add = |id: &str, text: &str, label: &str, status: CorrectionStatus| {
        let correction = Correction {
            id: id.to_owned(),
            text: text.to_owned(),
            label: label.to_owned(),
            original: None,
            language: Some("en".to_owned()),
            channel: None,
            author: None,
            time: 1,
            source: "page".to_owned(),
            model: Some("sentiment@1".to_owned()),
            prediction: None,
            note: None,
            item: None,
            status,
            reviewer: None,
            reviewed: Some(1),
        };
        store.run(|s| async move { s.add_corrections(&[correction]).await }).unwrap();
    };
    let with = ["--no-report", "--with-feedback", "--register", "sentiment", "--run-name", "after"];
    // Nobody has accepted anything: the model is the same, and that is said.
    let data = example("feedback.csv");
    desk.train(&["--data", &data, "--no-report", "--with-feedback"]).ok().tells(&["is accepted yet"]);

    let csv = crate::desk::rows(&std::fs::read_to_string(example("feedback_test.csv")).unwrap());
    let column = csv[0].iter().position(|name| name == "text").unwrap();
    let tested = &csv[1][column];
    let learned = crate::desk::rows(&std::fs::read_to_string(&data).unwrap());
    let learned = &learned[1][learned[0].iter().position(|name| name == "text").unwrap()];
    add("new", "the zorblax gizmo is a delight", "positive", CorrectionStatus::Accepted);
    add("again", "The Zorblax gizmo is a delight!", "positive", CorrectionStatus::Corrected);
    add("theirs", learned, "neutral", CorrectionStatus::Accepted);
    add("tested", tested, "neutral", CorrectionStatus::Accepted);
    add("odd", "the wug is puce", "puce", CorrectionStatus::Accepted);
    add("waiting", "nobody has looked at this", "negative", CorrectionStatus::Pending);
    let answer = train(&desk, &with);
    let count =
        json!({"given": 5, "learned": 2, "repeated": 1, "in_test": 1, "unknown_label": 1, "replaced": 1});
    assert_eq!(answer["feedback"], count);
    let versions = desk.run(&["models", "list", "sentiment", "--json"]).ok().json();
    assert_eq!(versions[0]["test_hash"], versions[1]["test_hash"], "they can be compared");
    assert_ne!(versions[0]["digest"], versions[1]["digest"]);
    desk.run(&["models", "show", "sentiment@2"]).ok().prints(&["of them 2 corrections by users"]);
    desk.run(&["runs", "reproduce", "after"]).ok().prints(&["identical"]);

    // More comes in, and a reviewer thinks otherwise: the run is what it was.
    add("late", "this came too late", "negative", CorrectionStatus::Accepted);
    let review = Review {
        status: CorrectionStatus::Corrected,
        label: Some("negative".to_owned()),
        reviewer: "ada".to_owned(),
    };
    store.run(|s| async move { s.review("theirs", &review).await }).unwrap();
    desk.run(&["runs", "reproduce", "after"]).ok().prints(&["identical"]);
    desk.run(&["runs", "reproduce", "before"]).ok().prints(&["identical"]);
    // Where the corrections are not, it says so.
    desk.run(&["runs", "export", "after", "after.zip"]).ok();
    let place = desk.path("after.zip").display().to_string();
    refused(
        Desk::new().run(&["runs", "reproduce", &place]),
        &["learned from 4 corrections, of which 4 are not here"],
    );
}
