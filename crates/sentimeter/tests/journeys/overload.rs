//! More than it can do, again and again: what is accepted is answered in time, the rest is refused, memory stays.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::desk::{Desk, example};
use crate::load::{self, Load, Summary};
use crate::serve::Served;

/// A number that `./test --long` sets.
fn set(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |said| said.parse().unwrap())
}

fn texts() -> Vec<String> {
    let words =
        ["thank", "you", "terrible", "service", "refund", "where", "invoice", "merci", "parfait", "never"];
    let text = |n: usize| {
        (0..60).map(|i| words[(n * 7 + i * i + i * n / 3) % words.len()]).collect::<Vec<_>>().join(" ")
    };
    (0..500).map(text).collect()
}

/// At four times what it answers, by batches and single texts alike.
#[test]
#[cfg(target_os = "linux")]
fn at_four_times_its_capacity_it_answers_in_time_or_refuses() {
    const DEADLINE: f64 = 5.0;
    let seconds = set("SENTIMETER_OVERLOAD_SECONDS", 10);
    let desk = Desk::new();
    let served = Served::start(&desk, &["--model", "starter", "--deadline", "5"]);
    let texts = texts();
    // Most ask for two hundred texts at once, and every tenth for one. Written before: whoever loads must not be busier
    // than whoever answers.
    let bodies: Vec<String> =
        (0..50).map(|n| load::body(&texts, n, if n % 10 == 9 { 1 } else { 200 })).collect();
    let request = |n: usize| ("/v1/predict".to_owned(), bodies[n % bodies.len()].clone());
    let load = |rate: f64, seconds: f64, connections: usize| {
        let time = Duration::from_secs_f64(seconds);
        let load =
            Load { address: served.address(), rate, time, most: usize::MAX, connections, request: &request };
        Summary::of(&load.run())
    };
    load(0.0, 0.5, 4);
    let capacity = load(0.0, 1.5, 8);
    assert_eq!((capacity.refused, capacity.failed), (0, 0), "{capacity}");
    let rate = 4.0 * capacity.rate;
    let warm = load(rate, 2.0, 700);
    let before = served.memory();
    let over = load(rate, seconds as f64, 700);
    let after = served.memory();
    println!(
        "{:.0} answers/s are its capacity; at four times that: {over}; {before} to {after} MiB",
        capacity.rate
    );
    for found in [&warm, &over] {
        assert_eq!(found.failed, 0, "{found}");
        assert_eq!(found.mute, 0, "a refusal does not say when to try again: {found}");
    }
    assert!(over.refused > over.answered / 10, "this is no overload: {over}");
    assert!(over.rate > capacity.rate / 4.0, "{capacity}, and at four times that {over}");
    // From the moment that it was sent: before the server had so much as its head.
    assert!(over.alone < DEADLINE + 1.0, "{:.1} s: {over}", over.alone);
    assert!(after < before + 96, "{before} to {after} MiB");
    // And then it is what it was.
    let calm = load(capacity.rate / 10.0, 1.0, 8);
    assert_eq!((calm.refused, calm.failed), (0, 0), "{calm}");
    assert_eq!(served.end(), Some(0));
}

/// Ten promotions while texts are scored: each is answered by one of the two, and none fails.
#[test]
fn ten_promotions_under_load_fail_no_request() {
    let desk = Desk::new();
    for seed in ["seed=1", "seed=2"] {
        desk.train(&[
            "--data",
            &example("feedback.csv"),
            "--register",
            "sentiment",
            "--quiet",
            "--set",
            seed,
        ])
        .ok();
    }
    desk.run(&["models", "promote", "sentiment@1"]).ok();
    let served = Served::start(&desk, &[]);
    let key = served.key.clone().unwrap();
    let texts = texts();
    let request = |n: usize| {
        ("/v1/predict".to_owned(), load::body(&texts, n, if n.is_multiple_of(5) { 40 } else { 1 }))
    };
    let (all, versions) = std::thread::scope(|scope| {
        let (time, most) = (Duration::from_secs(6), usize::MAX);
        let load =
            Load { address: served.address(), rate: 300.0, time, most, connections: 16, request: &request };
        let loading = scope.spawn(move || Summary::of(&load.run()));
        let mut versions = Vec::new();
        for n in 0..10 {
            std::thread::sleep(Duration::from_millis(300));
            let version = 2 - n % 2;
            let body = json!({"version": version, "force": true, "reason": "for the test"}).to_string();
            let (status, told) = served.ask("POST", "/v1/models/sentiment/promote", Some(&key), &body);
            assert_eq!(status, 200, "{told}");
            let begun = Instant::now();
            let want = format!("sentiment@{version}");
            while served.predict("good")["model"] != want.as_str() {
                assert!(begun.elapsed() < Duration::from_secs(20), "{want} does not answer");
            }
            versions.push(version);
        }
        (loading.join().unwrap(), versions)
    });
    assert_eq!(versions, [2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
    assert!(all.answered >= 1000 && (all.refused, all.failed) == (0, 0), "{all}");
    // Each is in the log, with the change itself.
    let log = desk.run(&["audit", "export"]).ok().out;
    let promoted = log.lines().filter(|line| line.contains("\"action\":\"promote\"")).count();
    assert_eq!(promoted, 11, "{log}");
    desk.run(&["audit", "verify"]).ok();
    assert_eq!(served.end(), Some(0));
}

/// Whatever it remembers of requests is bounded.
#[test]
#[cfg(target_os = "linux")]
fn many_requests_leave_its_memory_as_it_was() {
    let requests = set("SENTIMETER_REQUESTS", 40_000) as usize;
    let desk = Desk::new();
    let served = Served::start(&desk, &["--model", "starter"]);
    let texts = texts();
    let ask = |from: usize, most: usize| {
        let request = |n: usize| ("/v1/predict".to_owned(), load::body(&texts, from + n, 1));
        let (time, connections) = (Duration::from_secs(1800), 8);
        let found =
            Load { address: served.address(), rate: 0.0, time, most, connections, request: &request }.run();
        let found = Summary::of(&found);
        assert_eq!((found.answered, found.failed), (most, 0), "{found}");
    };
    let begin = requests * 2 / 5;
    ask(0, begin);
    let before = served.memory();
    ask(begin, requests - begin);
    let after = served.memory();
    println!("{before} MiB after {begin} requests, {after} MiB after {requests}");
    assert!(after < before + 32, "{before} MiB after {begin} requests, {after} MiB after {requests}");
    assert_eq!(served.end(), Some(0));
}

/// Files are scored behind everything else: who asks for one text hardly notices.
#[test]
fn a_large_file_does_not_hold_up_single_texts() {
    let desk = Desk::new();
    let served = Served::start(&desk, &["--model", "starter"]);
    let texts = texts();
    let file: String = std::iter::once("id,text\n".to_owned())
        .chain((0..120_000).map(|n| format!("{n},{} {n}\n", texts[n % texts.len()])))
        .collect();
    let (status, told) = served.ask("POST", "/v1/jobs?name=rows.csv", None, &file);
    assert_eq!(status, 202, "{told}");
    let job: Value = serde_json::from_str(&told).unwrap();
    let job = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    let state = || -> Value { serde_json::from_str(&served.ask("GET", &job, None, "").1).unwrap() };
    let request = |n: usize| ("/v1/predict".to_owned(), load::body(&texts, n, 1));
    let (time, most) = (Duration::from_secs(3), usize::MAX);
    let beside =
        Load { address: served.address(), rate: 100.0, time, most, connections: 8, request: &request }.run();
    let beside = Summary::of(&beside);
    let then = state();
    println!("beside a file of which {} rows are scored: {beside}", then["rows"]);
    assert_eq!((beside.refused, beside.failed), (0, 0), "{beside}");
    // On a machine that may be busy with other tests; docs/benchmarks.md has what a quiet one does.
    assert!(beside.quantile(0.5) < 0.1 && beside.quantile(0.99) < 1.0, "{beside}");
    let begun = Instant::now();
    while state()["status"] != "done" {
        assert!(begun.elapsed() < Duration::from_secs(300), "{}", state());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Byte by byte, and no further: the others are answered meanwhile.
#[test]
fn slow_loris_takes_no_place_from_others() {
    let desk = Desk::new();
    let served = Served::start(&desk, &["--model", "starter"]);
    let mut slow: Vec<TcpStream> = (0..500).map(|_| TcpStream::connect(served.address()).unwrap()).collect();
    let begun = Instant::now();
    let mut let_go = 0;
    for round in 0.. {
        for stream in &mut slow {
            // What is let go cannot be written to any more.
            let _ = stream.write_all(if round == 0 { b"POST /v1/predict HTTP/1.1\r\nX: " } else { b"a" });
        }
        assert_eq!(served.predict("good day")["text"], "good day");
        if begun.elapsed() > Duration::from_secs(11) {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    for stream in &slow {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut nothing = Vec::new();
        // An end, or a reset, and no answer.
        match BufReader::new(stream).read_to_end(&mut nothing) {
            Ok(_) => let_go += 1,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => let_go += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(let_go, 500);
    let (_, metrics) = served.ask("GET", "/metrics", None, "");
    let open = metrics.lines().find_map(|line| line.strip_prefix("sentimeter_connections ")).unwrap();
    assert!(open.parse::<f64>().unwrap() < 20.0, "{open} connections are open");
}
