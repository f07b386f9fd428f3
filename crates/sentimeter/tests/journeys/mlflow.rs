//! Runs on an MLflow server: what a team sees there of what was trained here.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::desk::{Desk, LIGHT, example, root};
use crate::mlflow_server::{Options, Server};
use crate::serve::Served;

fn script() -> std::path::PathBuf {
    root().join("crates/mlflow/tests/readback.py")
}

/// `train` on the example with the light settings, sent to `uri`.
fn train(desk: &Desk, uri: &str, args: &[&str]) -> Command {
    let data = example("feedback.csv");
    let mut command = desk.command(&[&["train", "--data", &data][..], args, &LIGHT[..]].concat());
    command.env("MLFLOW_TRACKING_URI", uri).env("MLFLOW_EXPERIMENT_NAME", "journey");
    command
}

/// The server's id of the run that was recorded last.
fn there(desk: &Desk) -> String {
    let shown = desk.run(&["runs", "show", "latest", "--json"]).ok().json();
    let tags = shown["tags"].as_array().unwrap_or_else(|| panic!("{shown}"));
    let tag = tags.iter().find(|tag| tag[0] == "mlflow.run").unwrap_or_else(|| panic!("{shown}"));
    tag[1].as_str().unwrap().to_owned()
}

#[track_caller]
fn has(read: &Value, kind: &str, names: &[&str]) {
    for name in names {
        assert!(!read[kind][name].is_null(), "{kind} {name} is missing: {}", read[kind]);
    }
}

#[test]
fn a_team_sees_on_its_server_what_was_trained_here() {
    let Some(mut server) = Server::stopped(|_| Options::default()) else { return };
    let desk = Desk::new();

    // Down: training is what it was, says what waits, and exits well.
    let output = train(&desk, &server.uri(), &["--json"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("sentimeter runs sync"), "{said}");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("standard output holds JSON alone");

    server.run();
    let uri = server.uri();
    let synced = desk.run(&["runs", "sync", "--mlflow-uri", &uri, "--json"]).ok().json();
    assert_eq!((&synced["left"], &synced["server"]), (&json!(0), &json!(uri)));
    assert!(synced["sent"].as_u64().unwrap() > 10, "{synced}");
    desk.run(&["runs", "sync", "--mlflow-uri", &uri]).ok().prints(&["has everything"]);

    let read = server.ask(&script(), &["run", &there(&desk)]);
    assert_eq!((&read["status"], &read["experiment"]), (&json!("FINISHED"), &json!("journey")));
    has(&read, "params", &["features.words", "logistic.c", "seed"]);
    has(
        &read,
        "tags",
        &[
            "mlflow.user",
            "mlflow.source.name",
            "mlflow.source.type",
            "mlflow.note.content",
            "sentimeter.command",
        ],
    );
    assert_eq!(read["metrics"]["accuracy"][0][1], answer["metrics"]["accuracy"]);
    has(
        &read,
        "artifacts",
        &[
            "plan.toml",
            "classification_report.txt",
            "report/index.html",
            "report/figures/confusion.png",
            "report/figures/roc.png",
            "report/figures/precision-recall.png",
        ],
    );
    assert_eq!(read["inputs"][0]["context"]["mlflow.data.context"], "training");
    let model = &read["models"][0];
    assert_eq!((&model["flavors"], &model["status"]), (&json!(["sentimeter"]), &json!("READY")));
    assert_eq!(model["inputs"], json!([{"type": "string", "name": "text", "required": true}]));
    assert_eq!(model["outputs"].as_array().unwrap().len(), 5, "sentiment, confidence, three classes");
    assert_eq!(model["metrics"]["accuracy"], answer["metrics"]["accuracy"]);
    assert_eq!(model["example"]["text"].as_array().unwrap().len(), 2);
    let file = std::fs::read(desk.path("home/models/sentiment.safetensors")).unwrap();
    has(model, "files", &["MLmodel", "model.safetensors", "README.md"]);
    assert_eq!(model["files"]["model.safetensors"], json!(sha256(&file)));

    // Killed in the middle, and back: everything once.
    let mut child =
        train(&desk, &uri, &["--set", "seed=7"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(150));
    server.kill();
    assert!(child.wait().unwrap().success());
    server.run();
    desk.run(&["runs", "sync", "--mlflow-uri", &uri]).ok();
    let runs = server.ask(&script(), &["runs", "journey"]);
    assert_eq!(runs.as_array().unwrap().len(), 2);
    let again = server.ask(&script(), &["run", &there(&desk)]);
    assert_eq!((&again["status"], &again["params"]["seed"]), (&json!("FINISHED"), &json!("7")));
    let names = |run: &Value| run["artifacts"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&again), names(&read), "the same files as a run that nobody disturbed");
    assert_eq!(again["models"].as_array().unwrap().len(), 1);

    // Live: the page of the run is said, nothing is left.
    let output = train(&desk, &uri, &[]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains(&format!("mlflow: {uri}/#/experiments/1/runs/")),
        "{said}"
    );

    // To another home, by the name that the server gives it.
    let other = Desk::new();
    let reference = format!("models:/{}", model["id"].as_str().unwrap());
    let fetched = other.run(&[
        "models",
        "import",
        &reference,
        "--mlflow-uri",
        &uri,
        "--out",
        "m.safetensors",
        "--json",
    ]);
    assert_eq!(fetched.ok().json()["digest"], answer["digest"]);
    let [mine, theirs] = ["home/models/sentiment.safetensors", "m.safetensors"];
    other.run(&["predict", "--model", theirs, "good"]).ok();
    assert!(desk.path(mine).is_file());
    let refused = other.run(&["models", "import", "models:/nobody@champion", "--mlflow-uri", &uri]).ends(1);
    refused.tells(&["there is no models:/nobody@champion on"]);

    // Registered there as here: with the training, and later a run that the server has never heard of.
    let output = train(&desk, &uri, &["--register", "sentiment", "--json"]).output().unwrap();
    let first: Value = serde_json::from_slice(&output.stdout).expect("standard output holds JSON alone");
    assert_eq!(first["registered"], "sentiment@1");
    let with = |args: &[&str]| desk.run(&[args, &["--mlflow-uri", &uri][..]].concat()).ok();
    with(&["models", "promote", "sentiment@1"]);
    let version = |alias: &str| server.ask(&script(), &["version", "sentiment", alias]);
    let champion = version("champion");
    assert_eq!((&champion["version"], &champion["run"]), (&json!("1"), &json!(there(&desk))));
    assert_eq!(champion["tags"]["sentimeter.digest"], first["digest"]);
    assert_eq!(champion["tags"]["sentimeter.version"], "sentiment@1");
    let unsent =
        desk.train(&["--data", &example("feedback.csv"), "--set", "seed=9", "--run-name", "unsent"]).ok();
    assert!(!unsent.err.contains("mlflow"), "{unsent}");
    with(&["models", "register", "unsent"]);
    with(&["models", "promote", "sentiment@2", "--force", "--reason", "for the test"]);
    let champion = version("champion");
    assert_eq!((&champion["version"], &champion["versions"]), (&json!("2"), &json!([1, 2])));
    assert_eq!(champion["model"]["flavors"], json!(["sentimeter"]));
    with(&["models", "rollback", "sentiment"]);
    assert_eq!(version("champion")["version"], "1");
    // What is done on the server is told there, too, while it runs.
    let served = Served::start(&desk, &["--mlflow-uri", &uri]);
    let made = desk.run(&["keys", "create", "ops", "--role", "admin", "--json"]).ok().json();
    let key = served.key.clone().unwrap_or_else(|| made["secret"].as_str().unwrap().to_owned());
    let body = json!({"version": 2, "force": true, "reason": "for the test"}).to_string();
    for (path, body, want) in [("promote", body.as_str(), "2"), ("rollback", "{}", "1")] {
        let (status, told) = served.ask("POST", &format!("/v1/models/sentiment/{path}"), Some(&key), body);
        assert_eq!(status, 200, "{told}");
        let begun = Instant::now();
        while version("champion")["version"] != want {
            assert!(begun.elapsed() < Duration::from_secs(120), "{path} is not told");
            std::thread::sleep(Duration::from_millis(500));
        }
    }
    assert_eq!(served.end(), Some(0));
    let fetch = [
        "models",
        "import",
        "models:/sentiment@champion",
        "--name",
        "theirs",
        "--json",
        "--mlflow-uri",
        &uri,
    ];
    let fetched = other.run(&fetch).ok().json();
    assert_eq!((&fetched["digest"], &fetched["registered"]), (&first["digest"], &json!("theirs@1")));
}

/// As the script beside the tests hashes files: by the system's own program.
fn sha256(bytes: &[u8]) -> String {
    use std::io::Write as _;
    let mut child = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()[..64].to_owned()
}

#[test]
fn addresses_that_are_none_stop_nobody() {
    let desk = Desk::new();
    for uri in ["databricks", "sqlite:///mlflow.db"] {
        let output = train(&desk, uri, &["-q", "--json"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let said = desk.run(&["runs", "sync", "--mlflow-uri", "./mlruns"]).ends(1);
    said.tells(&["--mlflow-uri: `./mlruns` is no server's address", "mlflow server"]);
    desk.run(&["runs", "sync"]).ends(1).tells(&["MLFLOW_TRACKING_URI"]);
}
