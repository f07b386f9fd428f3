//! `/v1/jobs`: files that are scored.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header;
use sentimeter_serve::{Limits, Settings};
use sentimeter_store::{ItemFilter, Role};
use serde_json::Value;

use crate::server::{Server, Told, ask, local};

pub(crate) async fn send(server: &Server, query: &str, file: impl Into<Body>, key: Option<&str>) -> Told {
    let mut request =
        ask("POST", &format!("/v1/jobs?{query}")).header(header::CONTENT_TYPE, "application/octet-stream");
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    server.send(request.body(file.into()).unwrap()).await
}

/// Waits for the job's end.
async fn over(server: &Server, id: &str) -> Value {
    let begun = Instant::now();
    loop {
        let job = server.get(&format!("/v1/jobs/{id}")).await.json();
        if !matches!(job["status"].as_str().unwrap(), "queued" | "running") {
            return job;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{job}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_scored_and_comes_back_with_its_columns() {
    let server = Server::new(local()).await;
    let mut file = "id,review,shop\n".to_owned();
    for n in 0..5000 {
        file += &format!("{n},\"good day {n}, thank you\",{}\n", if n == 7 { "=1+1" } else { "north" });
    }
    file += "5000,,south\n5001,bad\n";
    let told = send(&server, "name=feedback.csv&text=review&channel=shop", file, None).await;
    assert_eq!(told.status, 202, "{}", told.text());
    let id = told.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(told.headers[header::LOCATION], format!("/v1/jobs/{id}").as_str());
    let job = over(&server, &id).await;
    assert_eq!((job["status"].as_str(), job["rows"].as_i64()), (Some("done"), Some(5002)), "{job}");
    assert_eq!(
        (job["summary"]["broken"].as_i64(), job["summary"]["empty"].as_i64()),
        (Some(1), Some(1)),
        "{job}"
    );
    assert_eq!(job["consumed"], job["size"]);
    assert_eq!(job["model"], "sentiment@1");
    let csv = server.get(&format!("/v1/jobs/{id}/result")).await;
    let lines: Vec<&str> = csv.text().lines().collect();
    assert!(
        lines[0].starts_with("id,review,shop,sentiment,language,confidence,probability_"),
        "{}",
        lines[0]
    );
    assert_eq!(lines.len(), 5003);
    assert!(lines[8].starts_with("7,\"good day 7, thank you\",'=1+1,"), "{}", lines[8]);
    // What one by one is said of a text is what the file says.
    let alone = server.post("/v1/predict", r#"{"text": "good day 4999, thank you"}"#).await.json();
    let row: Value = {
        let lines = server.get(&format!("/v1/jobs/{id}/result?format=jsonl")).await;
        serde_json::from_str(lines.text().lines().nth(4999).unwrap()).unwrap()
    };
    assert_eq!((&row["sentiment"], &row["id"]), (&alone["sentiment"], &Value::from("4999")));
    assert_eq!(row["confidence"], alone["confidence"]);
    // Gone is gone, files and all.
    let gone = ask("DELETE", &format!("/v1/jobs/{id}")).body(Body::empty()).unwrap();
    assert_eq!(server.send(gone).await.status, 204);
    server.get(&format!("/v1/jobs/{id}")).await.problem(404);
    assert!(!server.home().join("jobs").join(&id).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_kept_as_items_once() {
    let server = Server::new(local()).await;
    let key = server.key(Role::Predict).await;
    let file = "{\"id\": 1, \"text\": \"good\", \"user\": \"ann\", \"date\": \"2026-01-02\", \"channel\": \"app\"}\n\
                {\"id\": 2, \"text\": \"bad\", \"lang\": \"fr\"}\n";
    assert_eq!(send(&server, "name=a.jsonl&items=true", file, None).await.problem(401).len(), 0);
    for kept in [2, 0] {
        let told = send(&server, "name=a.jsonl&items=true", file, Some(&key)).await;
        let id = told.json()["id"].as_str().unwrap().to_owned();
        let job = loop {
            let job = server.get_by(&format!("/v1/jobs/{id}"), &key).await.json();
            if job["status"] == "done" {
                break job;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(job["summary"]["kept"], kept, "{job}");
        // Nobody else's, without the role to see all.
        server.get(&format!("/v1/jobs/{id}")).await.problem(404);
    }
    let items = server.store.items(&ItemFilter::default()).await.unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!((items[1].channel.as_str(), items[0].language.as_str()), ("app", "fr"));
    assert_eq!(items[1].time, 1_767_312_000_000);
    assert!(items[1].author.as_ref().unwrap().starts_with("h:"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_cannot_be_scored_are_refused_and_leave_nothing() {
    let limits = Limits { upload_bytes: 10_000, ..Limits::default() };
    let server = Server::new(Settings { limits, ..local() }).await;
    for (query, file, status, field) in [
        ("name=a.csv&text=nothing", "id,text\n1,a\n".to_owned(), 422, Some("file")),
        ("name=a.csv", String::new(), 422, Some("file")),
        ("name=a.csv", "x".repeat(10_001), 413, None),
        ("name=a.parquet", "PAR1 and then nothing".to_owned(), 422, Some("file")),
        ("format=xml", "x".to_owned(), 422, Some("format")),
        ("colour=red", "x".to_owned(), 422, Some("colour")),
        ("model=nothing@1", "x".to_owned(), 404, None),
    ] {
        let told = send(&server, query, file, None).await;
        assert_eq!(told.problem(status), Vec::from_iter(field.map(str::to_owned)), "{query}");
    }
    let left = std::fs::read_dir(server.home().join("jobs")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "something is left of a refused file");
    let packed =
        ask("POST", "/v1/jobs").header(header::CONTENT_ENCODING, "gzip").body(Body::from("x")).unwrap();
    server.send(packed).await.problem(415);
    server.get("/v1/jobs").await.problem(401);
    // A name leads nowhere, and a packed file is unpacked.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, b"text\ngood\nbad\n").unwrap();
    let told = send(&server, "name=../../x.csv.gz", gzip.finish().unwrap(), None).await.json();
    assert_eq!(told["name"], "x.csv.gz");
    assert_eq!(over(&server, told["id"].as_str().unwrap()).await["rows"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_with_a_file_is_taken_too_and_a_job_is_ended() {
    let server = Server::new(local()).await;
    let rows = "a long text, with good and bad words in it\n".repeat(400_000);
    let form = format!(
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\\\notes.txt\"\r\n\r\n{rows}\r\n--XX--\r\n"
    );
    let request =
        ask("POST", "/v1/jobs?format=lines").header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX");
    let told = server.send(request.body(Body::from(form)).unwrap()).await;
    assert_eq!(told.status, 202, "{}", told.text());
    let id = told.json()["id"].as_str().unwrap().to_owned();
    let ended = server.post(&format!("/v1/jobs/{id}/cancel"), "").await.json();
    assert_eq!(ended["status"], "cancelled");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let job = server.get(&format!("/v1/jobs/{id}")).await.json();
    assert!(job["status"] == "cancelled" && job["rows"].as_i64().unwrap() < 400_000, "{job}");
}

/// A server that ends in the middle of a file goes on where it was, and every row is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_goes_on_after_a_restart() {
    let server = Server::at_home().await;
    let file: String = std::iter::once("id,text\n".to_owned())
        .chain((0..60_000).map(|n| format!("{n},good day number {n} and nothing else to say about it\n")))
        .collect();
    let id = send(&server, "name=a.csv", file, None).await.json()["id"].as_str().unwrap().to_owned();
    let mut server = server;
    let mut restarts = 0;
    let job = loop {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let job = server.get(&format!("/v1/jobs/{id}")).await.json();
        if job["status"] == "done" {
            break job;
        }
        assert!(matches!(job["status"].as_str(), Some("running" | "queued")), "{job}");
        if restarts < 3 && job["rows"].as_i64().unwrap() > 0 {
            server = server.restart().await;
            restarts += 1;
        }
    };
    assert!(restarts > 0, "the file was too short for this test");
    assert_eq!((job["rows"].as_i64(), job["summary"]["broken"].as_i64()), (Some(60_000), Some(0)));
    let csv = server.get(&format!("/v1/jobs/{id}/result")).await;
    let ids: Vec<&str> = csv.text().lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(ids.len(), 60_000);
    assert!(ids.iter().enumerate().all(|(n, id)| n.to_string() == **id));
    let sum: i64 = job["summary"]["labels"].as_object().unwrap().values().map(|n| n.as_i64().unwrap()).sum();
    assert_eq!(sum, 60_000);
}
