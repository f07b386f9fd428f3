//! Overload, another model, the end: what was accepted is answered.

use std::time::{Duration, Instant};

use sentimeter_serve::inference;
use sentimeter_serve::{Limits, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::server::{Server, live, local, predict_request};

/// Long enough to go to the threads, and to take them a while.
fn long(n: usize) -> String {
    serde_json::json!({"text": format!("{n} {}", "very good service but bad food, ".repeat(600))}).to_string()
}

fn narrow() -> Settings {
    let engine =
        inference::Settings { threads: 1, queue_jobs: 4, batch: 1, cache_bytes: 0, ..Default::default() };
    let limits = Limits { deadline: Duration::from_secs(5), ..Limits::default() };
    Settings { engine, limits, ..local() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overloaded_it_refuses_the_rest_and_answers_what_it_accepted() {
    let server = Server::new(narrow()).await;
    let mut listening = server.listen().await;
    let requests: Vec<Vec<u8>> = (0..120).map(|n| predict_request(&long(n))).collect();
    let address = listening.address;
    let asking = requests.into_iter().map(|request| {
        tokio::spawn(async move {
            let begun = Instant::now();
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(&request).await.unwrap();
            let mut told = String::new();
            stream.read_to_string(&mut told).await.unwrap();
            (told, begun.elapsed())
        })
    });
    let (mut answered, mut refused) = (0, 0);
    for one in asking.collect::<Vec<_>>() {
        let (told, took) = one.await.unwrap();
        if told.starts_with("HTTP/1.1 200") {
            assert!(took < Duration::from_secs(10), "{took:?}");
            answered += 1;
        } else {
            assert!(told.starts_with("HTTP/1.1 503"), "{told:.300}");
            assert!(told.to_lowercase().contains("\r\nretry-after: 1\r\n"), "{told:.600}");
            refused += 1;
        }
    }
    assert!(answered >= 5 && refused >= 5, "{answered} answered, {refused} refused");
    // Short texts do not wait in that queue.
    assert_eq!(listening.predict(r#"{"text": "good"}"#).await.0, 200);
    listening.stop();
    listening.ended().await.unwrap();
}

#[tokio::test]
async fn more_requests_at_a_time_than_allowed_are_refused() {
    let limits = Limits { in_flight: 1, ..Limits::default() };
    let server = Server::new(Settings { limits, ..local() }).await;
    let mut listening = server.listen().await;
    // One whose body does not come.
    let mut first = listening.connect().await;
    let whole = predict_request(r#"{"text": "good"}"#);
    first.write_all(&whole[..whole.len() - 3]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (status, told) = listening.predict(r#"{"text": "good"}"#).await;
    assert_eq!(status, 503, "{told}");
    assert!(told.contains("retry-after: 1"));
    first.write_all(&whole[whole.len() - 3..]).await.unwrap();
    let mut told = String::new();
    first.read_to_string(&mut told).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    listening.stop();
    listening.ended().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_model_takes_over_under_load_and_no_request_fails() {
    let server = Server::new(local()).await;
    let mut listening = server.listen().await;
    let address = listening.address;
    let asking: Vec<_> = (0..4)
        .map(|n| {
            tokio::spawn(async move {
                let mut names = Vec::new();
                for i in 0..60 {
                    let body = if i % 8 == 0 { long(n) } else { format!(r#"{{"text": "text {n} {i}"}}"#) };
                    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
                    stream.write_all(&predict_request(&body)).await.unwrap();
                    let mut told = String::new();
                    stream.read_to_string(&mut told).await.unwrap();
                    assert!(told.starts_with("HTTP/1.1 200"), "{told:.300}");
                    names.push(
                        told.split("\"model\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned(),
                    );
                }
                names
            })
        })
        .collect();
    for version in 2..=11 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        server.app.swap(live(&format!("sentiment@{version}")));
    }
    for one in asking {
        let names = one.await.unwrap();
        assert_eq!(names.len(), 60);
        let versions: Vec<u32> =
            names.iter().map(|n| n.split('@').nth(1).unwrap().parse().unwrap()).collect();
        assert!(versions.is_sorted() && versions.iter().all(|v| (1..=11).contains(v)), "{versions:?}");
    }
    assert_eq!(server.app.live().name(), "sentiment@11");
    listening.stop();
    listening.ended().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_end_it_answers_what_it_has_accepted_and_records_it() {
    let server = Server::new(local()).await;
    let mut listening = server.listen().await;
    let idle = listening.connect().await;
    let mut begun = listening.connect().await;
    let whole = predict_request(&long(1));
    begun.write_all(&whole[..whole.len() - 10]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    listening.stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(tokio::net::TcpStream::connect(listening.address).await.is_err(), "it takes new connections");
    begun.write_all(&whole[whole.len() - 10..]).await.unwrap();
    let mut told = String::new();
    begun.read_to_string(&mut told).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 200"), "{told:.300}");
    listening.ended().await.unwrap();
    drop(idle);
    assert_eq!(server.store.count_predictions().await.unwrap(), 1);
    server.get("/readyz").await.problem(503);
}
