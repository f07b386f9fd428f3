//! Hostile input: each is refused or harmless, and the server goes on.

use std::io::Write as _;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header;
use flate2::Compression;
use flate2::write::GzEncoder;
use sentimeter_serve::{Limits, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::server::{Server, ask, local, predict_request};

async fn lives(server: &Server) {
    assert_eq!(server.post("/v1/predict", r#"{"text": "good"}"#).await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_too_much_are_refused() {
    let server = Server::new(local()).await;
    let json = || ask("POST", "/v1/predict").header(header::CONTENT_TYPE, "application/json");
    let ten = format!(r#"{{"text": "{}"}}"#, "x".repeat(10 << 20));
    server.post("/v1/predict", &ten).await.problem(413);
    // Without a length that could be looked at first.
    let pieces = ten.clone().into_bytes().chunks(1 << 16).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let pieces = pieces.into_iter().map(Ok::<_, std::io::Error>);
    let streamed = json().body(Body::from_stream(Pieces(pieces.collect::<Vec<_>>().into_iter()))).unwrap();
    server.send(streamed).await.problem(413);
    // A hundred megabytes in a hundred kilobytes.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..100 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 200 << 10);
    let begun = Instant::now();
    let packed =
        |bytes: Vec<u8>| json().header(header::CONTENT_ENCODING, "gzip").body(Body::from(bytes)).unwrap();
    server.send(packed(bomb)).await.problem(413);
    assert!(begun.elapsed() < Duration::from_secs(5));
    server.send(packed(b"no gzip".to_vec())).await.problem(400);
    let mut fine = GzEncoder::new(Vec::new(), Compression::fast());
    fine.write_all(br#"{"text": "good"}"#).unwrap();
    assert_eq!(server.send(packed(fine.finish().unwrap())).await.status, 200);
    let unknown = json().header(header::CONTENT_ENCODING, "br").body(Body::from("x")).unwrap();
    server.send(unknown).await.problem(415);
    lives(&server).await;
}

/// A body in pieces, of unknown length.
struct Pieces(std::vec::IntoIter<Result<Vec<u8>, std::io::Error>>);

impl futures_core::Stream for Pieces {
    type Item = Result<Vec<u8>, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

#[tokio::test]
async fn json_that_is_none_or_too_deep_is_refused() {
    let server = Server::new(local()).await;
    let deep = "[".repeat(1_000_000);
    let nested = format!(r#"{{"texts": [{{"text": {}1{}}}]}}"#, "[".repeat(5000), "]".repeat(5000));
    for body in ["", "{", "nonsense", &deep, r#"{"text": "\ud800"}"#, "{\"text\": \"a\u{1}\"}"] {
        let told = server.post("/v1/predict", body).await;
        assert!([400, 422].contains(&told.status.as_u16()), "{body:.40}: {}", told.status);
        told.problem(told.status.as_u16());
    }
    // In the place of a text, however deep, it is that item's fault.
    let told = server.post("/v1/predict", &nested).await.json();
    assert_eq!(told["predictions"][0]["error"]["field"], "text");
    let json = ask("POST", "/v1/predict").header(header::CONTENT_TYPE, "application/json");
    let told = server.send(json.body(Body::from(b"{\"text\": \"\xff\xfe\"}".to_vec())).unwrap()).await;
    told.problem(400);
    assert!(told.text().contains("UTF-8"));
    lives(&server).await;
}

#[tokio::test]
async fn any_text_is_answered_and_none_becomes_markup() {
    let server = Server::new(local()).await;
    for text in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</textarea><svg/onload=alert(1)>",
        "{{7*7}}{% raw %}",
        "a\u{0}b",
        "\u{202e}reversed",
        "'; DROP TABLE predictions; --",
        "\u{feff}",
        "=cmd|' /C calc'!A0",
        "e\u{301}".repeat(3000).as_str(),
    ] {
        let body = serde_json::json!({ "text": text }).to_string();
        let told = server.post("/v1/predict?explain=true&sentences=true", &body).await;
        assert_eq!(told.status, 200, "{text:?}");
        assert_eq!(told.json()["text"], text);
        let form: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let page = server.page_form("/", &format!("text={form}")).await;
        assert_eq!(page.status, 200, "{text:?}");
        for markup in ["<script>", "<img", "<svg/onload"] {
            let scripts = page.text().matches(markup).count();
            assert_eq!(scripts, 0, "{markup} in the page of {text:?}");
        }
        assert!(page.headers["content-security-policy"].to_str().unwrap().contains("script-src 'self';"));
    }
    server.app.flush().await;
    assert!(server.store.count_predictions().await.unwrap() >= 18);
}

#[tokio::test]
async fn paths_lead_nowhere_else() {
    let server = Server::new(local()).await;
    for path in [
        "/assets/../Cargo.toml",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%2e%2e/x",
        "/assets//etc/passwd",
        "/docs/../../etc/passwd",
        "/docs/%2e%2e%2fetc%2fpasswd",
        "/assets/app.css%00.js",
        "/nothing",
        "/v1",
        "/v1/reports/../../x",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    server.get("/nothing").await.problem(404);
    server.get("/v1/predict").await.problem(405);
    lives(&server).await;
}

#[tokio::test]
async fn a_bug_of_ours_costs_one_answer() {
    let server = Server::new(local()).await;
    server.post("/v1/predict", r#"{"text": "good", "model": "boom"}"#).await.problem(500);
    lives(&server).await;
}

#[tokio::test]
async fn smuggled_requests_are_not_seen() {
    let server = Server::new(local()).await;
    let mut listening = server.listen().await;
    let inner = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let head = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    for request in [
        format!("{head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{inner}"),
        format!("{head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("{head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("{head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("{head}Content-Length: +5\r\n\r\n{inner}"),
        format!("{head}X: a\nContent-Length: 0\r\n Content-Length: 9\r\n\r\n{inner}"),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "a".repeat(200_000)),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-Many: a\r\n".repeat(500)),
        "\u{0}\u{1}\u{2} nonsense\r\n\r\n".to_owned(),
    ] {
        let told =
            tokio::time::timeout(Duration::from_secs(15), listening.raw(request.as_bytes())).await.unwrap();
        assert!(told.matches("HTTP/1.1 ").count() <= 1, "{request:.80} got {told}");
        assert!(!told.contains("HTTP/1.1 200"), "{request:.80} got {told}");
    }
    assert_eq!(listening.predict(r#"{"text": "good"}"#).await.0, 200);
    listening.stop();
    listening.ended().await.unwrap();
}

/// A proxy that goes by the length, where we go by the pieces (or the other way round), would take what stands behind
/// the body for a request of its own client, or of another one. Behind such a body nothing is read.
#[tokio::test]
async fn behind_a_body_in_pieces_nothing_is_taken_for_a_request() {
    let server = Server::new(local()).await;
    let mut listening = server.listen().await;
    let inner = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let head = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let text = r#"{"text": "good"}"#;
    let body = format!("{:x}\r\n{text}\r\n0\r\n\r\n", text.len());
    for request in [
        format!("{head}Transfer-Encoding: chunked\r\n\r\n{body}{inner}"),
        format!("{head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{body}{inner}"),
        format!("{head}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{body}{inner}"),
        format!("{head}Content-Length: 4\r\ntransfer-encoding:\tchunked\r\n\r\n{body}{inner}"),
        format!("{head}Content-Length: 4\r\nTransfer-Encoding: identity, chunked\r\n\r\n{body}{inner}"),
        format!("{head}Content-Length: 4\nTransfer-Encoding: chunked\n\n{body}{inner}"),
    ] {
        let told =
            tokio::time::timeout(Duration::from_secs(15), listening.raw(request.as_bytes())).await.unwrap();
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1, "{request:.160} got {told}");
        assert!(told.to_lowercase().contains("\r\nconnection: close\r\n"), "{request:.160} got {told}");
        assert!(!told.contains("ready:"), "{request:.160} got {told}");
    }
    // What is neither one nor the other is refused, and the connection closed.
    for request in [
        format!("{head}Content-Length: 16\r\nContent-Length: 20\r\n\r\n{text}{inner}"),
        format!("{head}Content-Length: 16, 20\r\n\r\n{text}{inner}"),
        format!("{head}Content-Length: 0x10\r\n\r\n{text}{inner}"),
        format!("{head}Transfer-Encoding: chunked, identity\r\n\r\n{body}{inner}"),
        format!("{head}Transfer-Encoding: gzip\r\n\r\n{body}{inner}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\n{text}\n0\n\n{inner}", text.len()),
        format!("{head}X: a\rTransfer-Encoding: chunked\r\n\r\n{body}{inner}"),
        format!("{}Transfer-Encoding: chunked\r\n\r\n{body}{inner}", head.replace("1.1", "1.0")),
    ] {
        let told =
            tokio::time::timeout(Duration::from_secs(15), listening.raw(request.as_bytes())).await.unwrap();
        assert!(told.matches("HTTP/1.").count() <= 1, "{request:.160} got {told}");
        assert!(!told.contains(" 200 OK") && !told.contains("ready:"), "{request:.160} got {told}");
    }
    // With a length alone, the connection is used on.
    let told =
        listening.raw(format!("{head}Content-Length: {}\r\n\r\n{text}{inner}", text.len()).as_bytes()).await;
    assert_eq!(told.matches("HTTP/1.1 200").count(), 2, "{told}");
    listening.stop();
    listening.ended().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_refused_in_the_middle_still_reads_why() {
    let server = Server::new(local()).await;
    let mut listening = server.listen().await;
    let body = format!(r#"{{"text": "{}"}}"#, "x".repeat(10 << 20));
    for _ in 0..5 {
        // Told at once, and all ten megabytes are still on their way.
        let (status, told) = listening.predict(&body).await;
        assert_eq!(status, 413, "{told:.300}");
        assert!(told.contains("a body may have 4194304 bytes"), "{told:.900}");
    }
    assert_eq!(listening.predict(r#"{"text": "good"}"#).await.0, 200);
    listening.stop();
    listening.ended().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_together_are_bounded() {
    let limits = Limits { bodies: 1 << 20, body_bytes: 1 << 20, ..Limits::default() };
    let server = Server::new(Settings { limits, ..local() }).await;
    let mut listening = server.listen().await;
    let large = predict_request(&format!(r#"{{"text": "{}"}}"#, "x ".repeat(450_000)));
    let mut first = listening.connect().await;
    first.write_all(&large[..large.len() - 9]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let told = listening.raw(&large).await;
    assert!(told.starts_with("HTTP/1.1 503") && told.contains("retry-after: 1"), "{told:.300}");
    // One whose size is not known counts as the largest.
    let head = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let told = listening.raw(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await;
    assert!(told.starts_with("HTTP/1.1 503"), "{told:.300}");
    // Small ones and those without a body go on.
    assert_eq!(listening.predict(r#"{"text": "good"}"#).await.0, 200);
    first.write_all(&large[large.len() - 9..]).await.unwrap();
    let mut told = String::new();
    first.read_to_string(&mut told).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 422"), "a text of so many characters is refused: {told:.300}");
    let told = listening.raw(&large).await;
    assert!(told.starts_with("HTTP/1.1 422"), "the room is free again: {told:.300}");
    listening.stop();
    listening.ended().await.unwrap();
}

#[tokio::test]
async fn slow_clients_are_let_go() {
    let limits = Limits {
        head: Duration::from_millis(300),
        body: Duration::from_millis(300),
        drain: Duration::from_secs(5),
        ..Limits::default()
    };
    let server = Server::new(Settings { limits, ..local() }).await;
    let mut listening = server.listen().await;
    let whole = predict_request(r#"{"text": "good"}"#);
    let head = whole.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    for (sent, want) in [(20, ""), (head + 8, "HTTP/1.1 408")] {
        let begun = Instant::now();
        let mut stream = listening.connect().await;
        stream.write_all(&whole[..sent]).await.unwrap();
        let mut told = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut told)).await;
        assert!(ended.is_ok() && begun.elapsed() > Duration::from_millis(200), "{sent}");
        assert!(String::from_utf8_lossy(&told).starts_with(want), "{sent}");
    }
    listening.stop();
    listening.ended().await.unwrap();
}
