//! A server that is killed while it writes: whatever it has acknowledged is there afterwards, once.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::serve::Served;

/// Times that it is killed: ten, or what `./test --long` says.
fn kills() -> usize {
    std::env::var("SENTIMETER_SERVER_KILLS").ok().map_or(10, |said| said.parse().unwrap())
}

/// Rows of the file that is scored meanwhile.
const ROWS: usize = 150_000;

/// What was acknowledged.
#[derive(Default)]
struct Acknowledged {
    items: Mutex<BTreeSet<String>>,
    reports: Mutex<BTreeSet<String>>,
    reviews: Mutex<BTreeSet<String>>,
}

/// Sends feedback and reports, and reviews the reports, until it is told to stop.
fn send(
    served: &Served,
    key: &str,
    round: usize,
    sender: usize,
    stop: &AtomicBool,
    acknowledged: &Acknowledged,
) {
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let id = format!("{round}-{sender}-{n}");
        let items = json!({"items": [
            {"id": format!("{id}a"), "text": format!("item {id} is good")},
            {"id": format!("{id}b"), "text": format!("item {id} is bad"), "channel": "ticket"},
        ]});
        if let Some((200, _)) = served.try_ask("POST", "/v1/items", Some(key), &items.to_string()) {
            let mut items = acknowledged.items.lock().unwrap();
            items.insert(format!("{id}a"));
            items.insert(format!("{id}b"));
        }
        let report = json!({"id": id, "text": format!("report {id}"), "label": "negative"}).to_string();
        if let Some((201, _)) = served.try_ask("POST", "/v1/reports", Some(key), &report) {
            acknowledged.reports.lock().unwrap().insert(id.clone());
            let review = json!({"status": "accepted"}).to_string();
            let path = format!("/v1/reports/{id}/review");
            if let Some((204, _)) = served.try_ask("POST", &path, Some(key), &review) {
                acknowledged.reviews.lock().unwrap().insert(id.clone());
            }
        }
        // Sent again, it is there already.
        served.try_ask("POST", "/v1/items", Some(key), &items.to_string());
    }
}

/// The values of `field` of all pages, in their order.
fn all(served: &Served, key: &str, path: &str, list: &str, field: &str) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let (status, told) = served.ask("GET", &format!("{path}?limit=500{next}"), Some(key), "");
        assert_eq!(status, 200, "{told}");
        let page: Value = serde_json::from_str(&told).unwrap();
        found
            .extend(page[list].as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(after) => next = format!("&after={after}"),
            None => return found,
        }
    }
}

/// Each of `wanted` is among `found`, and none twice.
#[track_caller]
fn once(found: Vec<String>, wanted: &BTreeSet<String>, what: &str) {
    let there: BTreeSet<&String> = found.iter().collect();
    assert_eq!(there.len(), found.len(), "{what} are there twice");
    let lost: Vec<&String> = wanted.iter().filter(|id| !there.contains(id)).collect();
    assert!(lost.is_empty(), "{what} were acknowledged and are lost: {lost:?}");
}

#[test]
fn killed_again_and_again_it_has_lost_nothing_that_it_acknowledged() {
    let kills = kills();
    let desk = Desk::with_model();
    let acknowledged = Acknowledged::default();
    let mut served = Served::start(&desk, &[]);
    let key = served.key.clone().unwrap();
    let file: String = std::iter::once("id,text\n".to_owned())
        .chain((0..ROWS).map(|n| {
            format!("{n},\"row number {n} of a file that takes a while to be scored, as files do\"\n")
        }))
        .collect();
    let (status, told) = served.ask("POST", "/v1/jobs?name=rows.csv", Some(&key), &file);
    assert_eq!(status, 202, "{told}");
    let job: Value = serde_json::from_str(&told).unwrap();
    let job = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    for round in 0..kills {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for sender in 0..3 {
                let (served, key, stop, acknowledged) = (&served, &key, &stop, &acknowledged);
                scope.spawn(move || send(served, key, round, sender, stop, acknowledged));
            }
            // At another moment each time.
            std::thread::sleep(Duration::from_millis(250 + 37 * (round % 10) as u64));
            served.kill();
            stop.store(true, Ordering::Relaxed);
        });
        served = Served::start(&desk, &[]);
    }
    let counts = [&acknowledged.items, &acknowledged.reports, &acknowledged.reviews]
        .map(|all| all.lock().unwrap().len());
    assert!(counts.iter().all(|count| *count >= kills), "too little was written to say anything: {counts:?}");
    once(all(&served, &key, "/v1/items", "items", "id"), &acknowledged.items.lock().unwrap(), "items");
    once(
        all(&served, &key, "/v1/reports", "reports", "id"),
        &acknowledged.reports.lock().unwrap(),
        "reports",
    );
    // The file goes on where it was, and is scored to its end.
    let begun = Instant::now();
    let done = loop {
        let (_, told) = served.ask("GET", &job, Some(&key), "");
        let told: Value = serde_json::from_str(&told).unwrap();
        match told["status"].as_str().unwrap() {
            "done" => break told,
            "queued" | "running" => {}
            _ => panic!("{told}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(300), "{told}");
        std::thread::sleep(Duration::from_millis(200));
    };
    assert_eq!(done["rows"], ROWS);
    let (_, csv) = served.ask("GET", &format!("{job}/result"), Some(&key), "");
    let ids: Vec<&str> =
        csv.lines().filter_map(|line| line.split_once(',')).map(|(id, _)| id).skip(1).collect();
    assert!(
        ids.len() == ROWS && ids.iter().enumerate().all(|(n, id)| n.to_string() == **id),
        "{} rows",
        ids.len()
    );
    assert_eq!(served.end(), Some(0));
    // Every review is in the log, once, and the log is whole.
    desk.run(&["audit", "verify"]).ok();
    let log = desk.run(&["audit", "export"]).ok().out;
    let reviewed: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|entry| entry["action"] == "review")
        .map(|entry| entry["target"].as_str().unwrap().to_owned())
        .collect();
    once(reviewed, &acknowledged.reviews.lock().unwrap(), "reviews");
}

#[test]
fn a_person_is_exported_and_erased_from_the_command_line() {
    let desk = Desk::with_model();
    let served = Served::start(&desk, &[]);
    let key = served.key.clone().unwrap();
    for (author, text) in [("Ada", "the first text of hers"), ("Ada", "her second"), ("Bob", "one of his")] {
        let item = json!({"text": text, "author": author}).to_string();
        assert_eq!(served.ask("POST", "/v1/items", Some(&key), &item).0, 201);
    }
    desk.put("reviews.csv", "text,label,user\nfine,positive,Ada\nbad,negative,Bob\nawful,negative,Ada\n");
    desk.run(&["import", "reviews.csv", "--author", "user"]).ok();
    let found = desk.run(&["data", "export", "--author", "Ada"]).ok().json();
    assert_eq!(found["items"].as_array().unwrap().len(), 2, "{found}");
    assert_eq!(found["data"][0]["rows"], 2, "{found}");
    let data = found["data"][0]["data"].as_str().unwrap();
    let erased = desk.run(&["data", "erase", "--author", "Ada"]).ok();
    erased.prints(&["erased: 2 items", &format!("{data} holds 2 rows")]);
    let found = desk.run(&["data", "export", "--author", "Ada"]).ok().json();
    assert_eq!(found["items"], json!([]));
    let left = all(&served, &key, "/v1/items", "items", "text");
    assert_eq!(left, ["one of his"]);
    assert_eq!(served.end(), Some(0));
    // Not a word of it lies in the records, whichever way they are looked at.
    for name in desk.names("home").iter().filter(|name| name.starts_with("sentimeter.db")) {
        let bytes = std::fs::read(desk.path(&format!("home/{name}"))).unwrap();
        let words = ["the first text of hers", "her second"];
        for words in words {
            assert!(
                !bytes.windows(words.len()).any(|window| window == words.as_bytes()),
                "{name} holds {words:?}"
            );
        }
    }
    desk.run(&["audit", "verify"]).ok();
}
