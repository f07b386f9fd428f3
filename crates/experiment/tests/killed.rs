//! A process that records is killed at any moment: what was acknowledged is there, the records are
//! sound, and the next process to look marks its run as killed.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sentimeter_experiment::recorder::{File, Recorder, reap};
use sentimeter_store::{Blocking, Database, NewRun, RunFilter, RunId, Status};

/// Where the child records; set by the parent alone.
const HOME: &str = "SENTIMETER_KILLED_HOME";

/// How often a process is killed; `./test --long` sets it.
fn kills() -> u32 {
    std::env::var("SENTIMETER_KILLS").map_or(20, |kills| kills.parse().expect("a number of kills"))
}

/// The process that is killed: records run after run and says what was acknowledged.
#[test]
#[ignore = "run by the test below, as a process of its own"]
fn child() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let recorder = Recorder::open(Path::new(&home), &Database::Home);
    // The last resort, should the parent be gone.
    let end = Instant::now() + Duration::from_secs(120);
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").unwrap();
        out.flush().unwrap();
    };
    while Instant::now() < end {
        let run = recorder.start(NewRun::new("train"));
        let id = run.id().clone();
        assert!(run.settle());
        say(format!("ack start {id}"));
        for step in 0..8_i64 {
            run.metric("loss", step, 1.0 / (step + 1) as f64);
            run.files(vec![File::of(format!("file{step}"), format!("{id} {step}").repeat(500).into_bytes())]);
            assert!(run.settle());
            say(format!("ack step {id} {step}"));
        }
        assert!(run.finish(Status::Finished, None));
        say(format!("ack finish {id}"));
    }
}

#[test]
fn kills_lose_nothing_that_was_acknowledged() {
    let home = tempfile::tempdir().unwrap();
    let (mut acknowledged, mut killed_runs) = (0, 0);
    for round in 0..kills() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .env(HOME, home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, told) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let lines: Vec<String> = out
                .lines()
                .map_while(Result::ok)
                .filter(|line| line.starts_with("ack "))
                .inspect(|_| {
                    let _ = tell.send(());
                })
                .collect();
            lines
        });
        // From before the store is open to the middle of a later run: odd rounds wait for a first sign.
        if round % 2 == 1 {
            told.recv_timeout(Duration::from_secs(120)).expect("the child records");
        }
        std::thread::sleep(Duration::from_micros(u64::from(round.wrapping_mul(2_654_435_761) % 180_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let lines = reader.join().unwrap();
        acknowledged += lines.len();

        let store = Blocking::open(home.path(), &Database::Home).unwrap();
        assert!(store.run(|s| s.check()).unwrap().is_empty());
        killed_runs += reap(&store).unwrap().len();
        for line in &lines {
            let words: Vec<&str> = line.split(' ').collect();
            let id = RunId::from_stored(words[2]);
            let run = store.run(|s| s.run(&id)).unwrap();
            match words[1] {
                "start" => assert_ne!(run.status, Status::Running),
                "finish" => assert_eq!(run.status, Status::Finished),
                _ => {
                    let step: i64 = words[3].parse().unwrap();
                    let metrics = store.run(|s| s.metrics(&id)).unwrap();
                    assert!(metrics.iter().any(|m| m.step == step), "{line}");
                    let files = store.run(|s| s.artifacts(&id)).unwrap();
                    let file = files.iter().find(|file| file.path == format!("file{step}")).expect(line);
                    let bytes = store.blobs().read(&file.hash).unwrap();
                    assert_eq!(bytes, format!("{id} {step}").repeat(500).into_bytes());
                }
            }
        }
        let running = RunFilter { status: Some(Status::Running), ..RunFilter::default() };
        assert!(store.run(|s| s.runs(&running)).unwrap().is_empty());
    }
    assert!(
        acknowledged > 20 && killed_runs > 2,
        "{acknowledged} events, {killed_runs} runs: killed too early"
    );
}

#[test]
fn living_runs_are_left_alone_and_interrupted_ones_marked() {
    let home = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(home.path(), &Database::Home);
    let (one, other) = (recorder.start(NewRun::new("train")), recorder.start(NewRun::new("train")));
    assert!(recorder.settle());
    let store = Blocking::open(home.path(), &Database::Home).unwrap();
    assert!(reap(&store).unwrap().is_empty());
    let id = one.id().clone();
    assert!(one.finish(Status::Finished, None));
    recorder.interrupted();
    let status = |id: &RunId| store.run(|s| s.run(id)).unwrap().status;
    assert_eq!((status(&id), status(other.id())), (Status::Finished, Status::Killed));
    let dropped = recorder.start(NewRun::new("train"));
    let id = dropped.id().clone();
    drop(dropped);
    assert!(recorder.settle());
    assert_eq!(status(&id), Status::Failed);
}

#[test]
fn a_home_that_cannot_be_written_stops_nobody() {
    let place = tempfile::NamedTempFile::new().unwrap();
    let recorder = Recorder::open(place.path(), &Database::Home);
    let run = recorder.start(NewRun::new("train"));
    run.metric("loss", 0, 1.0);
    run.files(vec![File {
        path: "x".to_owned(),
        payload: sentimeter_experiment::recorder::Payload::Bytes(Arc::default()),
    }]);
    assert!(!run.settle());
    assert!(recorder.store().is_none());
    assert!(!run.finish(Status::Finished, None));
    assert!(!Recorder::off().start(NewRun::new("train")).finish(Status::Finished, None));
}
