//! The outbox's way to a server that dies, comes back, hangs or refuses: nothing lost, nothing twice.
#![allow(clippy::unwrap_used)]

mod server;
mod stub;

use std::path::Path;
use std::time::{Duration, Instant};

use sentimeter_mlflow::{Sender, Settings, left, mirror, send_again};
use sentimeter_store::{Blocking, Database, Input, Metric, NewRun, RunId, Source, Status, Write};
use serde_json::{Value, json};
use server::{Options, Server};
use stub::{Request, Stub};

const EXPERIMENT: &str = "outbox";

fn script() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readback.py")
}

fn settings(uri: &str) -> Settings {
    let get = |name: &str| match name {
        "MLFLOW_EXPERIMENT_NAME" => Some(EXPERIMENT.to_owned()),
        "MLFLOW_HTTP_REQUEST_TIMEOUT" => Some("20".to_owned()),
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR" | "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER" => {
            Some("0.05".to_owned())
        }
        _ => None,
    };
    Settings::read(Some(uri), &get, None).unwrap().unwrap()
}

/// Records as the recorder does: what happened, and what goes to the server, in one transaction.
fn record(store: &Blocking, writes: &[Write]) {
    let all: Vec<Write> =
        writes.iter().flat_map(|write| [vec![write.clone()], mirror(write, EXPERIMENT)].concat()).collect();
    store.run(|s| async move { s.apply(&all).await }).unwrap();
}

fn start(store: &Blocking, kind: &str, parent: Option<&RunId>) -> RunId {
    let mut run = NewRun { parent: parent.cloned(), plan: "seed = 1\n".to_owned(), ..NewRun::new(kind) };
    run.origin.command = "/usr/bin/sentimeter train --data x.csv".to_owned();
    run.origin.user = "ann".to_owned();
    run.origin.git_commit = Some("0123abcd".to_owned());
    let id = run.id.clone();
    record(store, &[Write::Start(Box::new(run))]);
    id
}

fn measure(store: &Blocking, run: &RunId, step: i64) {
    let metrics =
        vec![Metric { name: "loss".to_owned(), step, time: 1_760_000_000_000 + step, value: step as f64 }];
    record(store, &[Write::Metrics { run: run.clone(), metrics }]);
}

fn end(store: &Blocking, run: &RunId) {
    let finish =
        Write::Finish { run: run.clone(), status: Status::Finished, at: 1_900_000_000_000, error: None };
    record(store, &[finish]);
}

/// The server's run of ours.
fn there(store: &Blocking, run: &RunId) -> String {
    store.run(|s| s.tags(run)).unwrap()["mlflow.run"].clone()
}

#[test]
fn a_server_that_dies_and_comes_back_has_everything_once() {
    let Some(mut server) = Server::stopped(|_| Options::default()) else { return };
    let home = tempfile::tempdir().unwrap();
    let store = Blocking::open(home.path(), &Database::Home).unwrap();

    // Down from the start: recording costs no more than the store, and nothing is lost.
    let sender = Sender::start(store.clone(), settings(&server.uri())).unwrap();
    let parent = start(&store, "search", None);
    let long = "x".repeat(7000);
    let params = vec![("c".to_owned(), "1".to_owned()), ("long".to_owned(), long.clone())];
    record(&store, &[Write::Params { run: parent.clone(), params }]);
    let children: Vec<RunId> = (0..3).map(|_| start(&store, "candidate", Some(&parent))).collect();
    let begun = Instant::now();
    let waits = sender.finish(Duration::from_secs(30), |_| true).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(25), "nobody waits for a server that is not there");
    assert_eq!((waits.runs, waits.entries), (4, 5));
    assert!(waits.why.unwrap().contains("does not answer"));

    // It comes up, dies in the middle, and comes back, while recording goes on.
    server.run();
    let sender = Sender::start(store.clone(), settings(&server.uri())).unwrap();
    let file = store.blobs().put(Source::Bytes(b"<p>report</p>")).unwrap();
    let artifact = |path: &str| sentimeter_store::Artifact {
        path: path.to_owned(),
        hash: file.hash.clone(),
        size: file.size,
        media: "text/html".to_owned(),
    };
    for step in 0..60 {
        children.iter().for_each(|child| measure(&store, child, step));
        match step {
            20 => {
                let patience = Instant::now() + Duration::from_secs(120);
                while sender.sent() < 20 {
                    assert!(Instant::now() < patience, "nothing is sent");
                    std::thread::sleep(Duration::from_millis(20));
                }
                server.kill();
            }
            40 => server.run(),
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    let input = Input {
        role: "train".to_owned(),
        name: "feedback".to_owned(),
        path: Some("feedback.csv".to_owned()),
        hash: "0123456789".repeat(6),
        rows: Some(450),
        ..Input::default()
    };
    record(
        &store,
        &[
            Write::Inputs { run: parent.clone(), inputs: vec![input] },
            Write::Artifacts {
                run: parent.clone(),
                artifacts: vec![artifact("report/index.html"), artifact("odd #1%.html")],
            },
        ],
    );
    children.iter().chain([&parent]).for_each(|run| end(&store, run));
    let waits = sender.finish(Duration::from_secs(300), |_| true).unwrap();
    assert_eq!((waits.entries, waits.why), (0, None));

    let runs = server.ask(&script(), &["runs", EXPERIMENT]);
    assert_eq!(runs.as_array().unwrap().len(), 4, "each run once");
    let whole: Vec<Value> = (0..60).map(|step| json!([step, f64::from(step)])).collect();
    for child in &children {
        let read = server.ask(&script(), &["run", &there(&store, child)]);
        assert_eq!(read["metrics"]["loss"], json!(whole), "each point once");
        assert_eq!(read["tags"]["mlflow.parentRunId"], json!(there(&store, &parent)));
        assert_eq!((&read["status"], &read["end"]), (&json!("FINISHED"), &json!(1_900_000_000_000_i64)));
    }
    let read = server.ask(&script(), &["run", &there(&store, &parent)]);
    for (tag, want) in [
        ("mlflow.user", "ann"),
        ("mlflow.source.name", "sentimeter search"),
        ("mlflow.source.type", "LOCAL"),
        ("mlflow.source.git.commit", "0123abcd"),
        ("sentimeter.run", parent.as_str()),
    ] {
        assert_eq!(read["tags"][tag], want);
    }
    assert!(read["tags"]["mlflow.note.content"].as_str().unwrap().contains("feedback, 450 rows"));
    assert_eq!(read["params"]["long"].as_str().unwrap().chars().count(), 6000);
    let artifacts: Vec<&String> = read["artifacts"].as_object().unwrap().keys().collect();
    assert_eq!(artifacts, ["long_values/params/long.txt", "odd _1_.html", "plan.toml", "report/index.html"]);
    assert_eq!(read["inputs"][0]["context"]["mlflow.data.context"], "training");

    // Two processes on one home: each thing is sent by one of them.
    let many: Vec<RunId> = (0..20).map(|_| start(&store, "candidate", Some(&parent))).collect();
    many.iter().for_each(|run| (0..5).for_each(|step| measure(&store, run, step)));
    let sent: u64 = std::thread::scope(|scope| {
        let both: Vec<_> = (0..2)
            .map(|_| {
                let (home, uri) = (home.path(), server.uri());
                scope.spawn(move || {
                    let store = Blocking::open(home, &Database::Home).unwrap();
                    let sender = Sender::start(store, settings(&uri)).unwrap();
                    let mut sent = 0;
                    let note = |so_far| {
                        sent = so_far;
                        true
                    };
                    assert_eq!(sender.finish(Duration::from_secs(300), note).unwrap().entries, 0);
                    sent
                })
            })
            .collect();
        both.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert!(sent <= 120, "{sent} of 120 entries");
    assert_eq!(server.ask(&script(), &["runs", EXPERIMENT]).as_array().unwrap().len(), 24);

    // All of it again: nothing doubles. To another server: all of it goes there.
    assert_eq!(send_again(&store, &parent, EXPERIMENT).unwrap(), 24);
    let sender = Sender::start(store.clone(), settings(&server.uri())).unwrap();
    assert_eq!(sender.finish(Duration::from_secs(300), |_| true).unwrap().entries, 0);
    assert_eq!(server.ask(&script(), &["runs", EXPERIMENT]).as_array().unwrap().len(), 24);
    let read = server.ask(&script(), &["run", &there(&store, &children[0])]);
    assert_eq!(read["metrics"]["loss"].as_array().unwrap().len(), 60);
}

const JSON: &str = "Content-Type: application/json\r\n";

/// What an old server answers that knows runs and nothing else, and refuses params named `bad`.
fn old(request: &Request) -> stub::Answer {
    let run = json!({"run": {"info": {
        "run_id": "r1", "experiment_id": "7", "artifact_uri": "s3://bucket/7/r1/artifacts", "status": "RUNNING",
    }}});
    let said = |value: Value| Some(("200 OK", JSON, value.to_string()));
    let path = request.line.split(['?', ' ']).nth(1).unwrap().rsplit("/mlflow/").next().unwrap().to_owned();
    match path.as_str() {
        "experiments/get-by-name" => said(json!({"experiment": {"experiment_id": "7", "name": "x"}})),
        "runs/search" => said(json!({})),
        "runs/create" | "runs/get" => said(run),
        "runs/log-batch" if request.body.contains("bad") => Some((
            "400 Bad Request",
            JSON,
            r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"no"}"#.to_owned(),
        )),
        "runs/log-batch" | "runs/update" => said(json!({})),
        _ => Some(("404 Not Found", "", "<h1>Not Found</h1>".to_owned())),
    }
}

#[test]
fn what_an_old_server_lacks_or_refuses_costs_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let store = Blocking::open(home.path(), &Database::Home).unwrap();
    let stub = Stub::start(|request, _| old(request));
    let run = start(&store, "train", None);
    for name in ["first", "bad", "last"] {
        record(
            &store,
            &[Write::Params { run: run.clone(), params: vec![(name.to_owned(), "1".to_owned())] }],
        );
    }
    let inputs = vec![Input { role: "train".to_owned(), name: "x".to_owned(), ..Input::default() }];
    record(&store, &[Write::Inputs { run: run.clone(), inputs }]);
    end(&store, &run);
    // Its process is killed before it can say that it ended.
    let killed = start(&store, "train", None);
    let sender = Sender::start(store.clone(), settings(&stub.uri())).unwrap();
    let waits = sender.finish(Duration::from_secs(60), |_| true).unwrap();
    assert_eq!((waits.entries, waits.why), (0, None));
    assert!(!stub.seen().iter().any(|request| request.body.contains("KILLED")));
    let heartbeat = store.run(|s| s.run(&killed)).unwrap().heartbeat;
    assert!(store.run(|s| s.mark_killed(&killed, heartbeat)).unwrap());
    for _ in 0..2 {
        let sender = Sender::start(store.clone(), settings(&stub.uri())).unwrap();
        assert_eq!(sender.finish(Duration::from_secs(60), |_| true).unwrap().entries, 0);
    }
    let told = stub.seen().iter().filter(|request| request.body.contains(r#""status":"KILLED""#)).count();
    assert_eq!(told, 1, "by the next sender, and once");
    let seen: String = stub.seen().iter().map(|r| format!("{} {}\n", r.line, r.body)).collect();
    assert!(
        seen.contains(r#""params":[{"key":"first","value":"1"}]}"#),
        "sent alone, as together they were refused: {seen}"
    );
    assert!(seen.contains(r#""params":[{"key":"last","value":"1"}]}"#), "{seen}");
    assert_eq!(seen.matches("runs/create").count(), 2, "{seen}");
    assert!(seen.contains(r#""status":"FINISHED""#), "{seen}");
    let tags = store.run(|s| s.tags(&run)).unwrap();
    assert!(tags["mlflow.refused"].contains("INVALID_PARAMETER_VALUE"), "{tags:?}");
}

#[test]
fn a_server_that_hangs_is_left_after_the_wait_and_what_it_had_is_free_again() {
    let home = tempfile::tempdir().unwrap();
    let store = Blocking::open(home.path(), &Database::Home).unwrap();
    let stub = Stub::start(|_, _| None);
    let run = start(&store, "train", None);
    let sender = Sender::start(store.clone(), settings(&stub.uri())).unwrap();
    while stub.seen().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let begun = Instant::now();
    let waits = sender.finish(Duration::from_millis(300), |_| true).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!((waits.entries, waits.runs), (1, 1));
    // The next sender need not wait for the first one's claim to run out.
    let stub = Stub::start(|request, _| old(request));
    let sender = Sender::start(store.clone(), settings(&stub.uri())).unwrap();
    assert_eq!(sender.finish(Duration::from_secs(30), |_| true).unwrap().entries, 0);
    assert_eq!(left(&store, None).unwrap().runs, 0);
    assert_eq!(there(&store, &run), "r1");
}

#[test]
fn a_closed_door_is_told_and_waited_for_by_nobody() {
    let home = tempfile::tempdir().unwrap();
    let store = Blocking::open(home.path(), &Database::Home).unwrap();
    let stub = Stub::start(|_, _| Some(("401 Unauthorized", "", "You are not authenticated.".to_owned())));
    start(&store, "train", None);
    let begun = Instant::now();
    let sender = Sender::start(store.clone(), settings(&stub.uri())).unwrap();
    let waits = sender.finish(Duration::from_secs(60), |_| true).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(40));
    assert_eq!(waits.entries, 1);
    assert!(waits.why.unwrap().contains("MLFLOW_TRACKING_PASSWORD"));
}
