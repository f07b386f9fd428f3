//! Keys, roles, other sites' pages.

use axum::body::Body;
use axum::http::header;
use sentimeter_serve::Settings;
use sentimeter_store::Role;

use crate::server::{Server, ask, csrf, local};

const TEXT: &str = r#"{"text": "good"}"#;

#[tokio::test]
async fn beyond_this_machine_everything_wants_a_key() {
    let server = Server::new(Settings::default()).await;
    for path in ["/v1/predict", "/v1/reports", "/predict"] {
        let refused = server.post(path, TEXT).await;
        refused.problem(401);
        assert!(refused.headers[header::WWW_AUTHENTICATE].to_str().unwrap().contains("Bearer"));
    }
    for path in ["/", "/metrics", "/v1/reports"] {
        server.get(path).await.problem(401);
    }
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
    let (key, secret) = server.store.create_key("till", Role::Predict, "test").await.unwrap();
    assert_eq!(server.post_as("/v1/predict", TEXT, Some(&secret)).await.status, 200);
    // A browser asks for a password by itself.
    let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("me:{secret}"));
    let page = ask("GET", "/").header(header::AUTHORIZATION, format!("Basic {basic}"));
    assert_eq!(server.send(page.body(Body::empty()).unwrap()).await.status, 200);
    let last = if secret.ends_with('0') { '1' } else { '0' };
    let flipped = format!("{}{last}", &secret[..secret.len() - 1]);
    for wrong in ["", "smk_", &flipped, &secret[..60]] {
        server.post_as("/v1/predict", TEXT, Some(wrong)).await.problem(401);
    }
    server.store.revoke_key(&key.id, "test").await.unwrap();
    // A key is looked up anew every two seconds.
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    server.post_as("/v1/predict", TEXT, Some(&secret)).await.problem(401);
}

#[tokio::test]
async fn on_this_machine_only_changes_want_a_key_and_a_wrong_one_is_refused() {
    let server = Server::new(local()).await;
    assert_eq!(server.post("/v1/predict", TEXT).await.status, 200);
    assert_eq!(server.get("/metrics").await.status, 200);
    server.get("/v1/reports").await.problem(401);
    server.post_as("/v1/predict", TEXT, Some("smk_wrong")).await.problem(401);
    let (_, analyst) = server.store.create_key("a", Role::Analyst, "test").await.unwrap();
    let (_, reviewer) = server.store.create_key("r", Role::Reviewer, "test").await.unwrap();
    let (_, admin) = server.store.create_key("x", Role::Admin, "test").await.unwrap();
    for (key, status) in [(analyst, 403), (reviewer, 200), (admin, 200)] {
        let list = ask("GET", "/v1/reports").header(header::AUTHORIZATION, format!("bearer {key}"));
        assert_eq!(server.send(list.body(Body::empty()).unwrap()).await.status, status);
    }
}

#[tokio::test]
async fn a_name_that_was_pointed_here_reaches_nothing() {
    let server = Server::new(Settings { hosts: vec!["proxy.example".to_owned()], ..local() }).await;
    for (host, status) in [
        ("localhost", 200),
        ("LOCALHOST:99", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("127.8.9.1", 200),
        ("proxy.example", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
        ("a@localhost:1:2", 421),
        ("192.168.0.7", 421),
    ] {
        let request = axum::http::Request::get("/").header(header::HOST, host).body(Body::empty()).unwrap();
        assert_eq!(server.send(request).await.status, status, "{host:?}");
    }
    let twice = ask("GET", "/").header(header::HOST, "evil.example").body(Body::empty()).unwrap();
    server.send(twice).await.problem(400);
    let without = axum::http::Request::get("/").body(Body::empty()).unwrap();
    server.send(without).await.problem(421);
}

#[tokio::test]
async fn pages_of_other_sites_send_nothing() {
    let server = Server::new(local()).await;
    let token = csrf(server.get("/").await.text());
    let form = |name: &str, value: &str| {
        let post = ask("POST", "/report").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        post.header(name, value).body(Body::from(format!("csrf={token}&text=good&label=positive"))).unwrap()
    };
    for (name, value, status) in [
        ("origin", "http://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://localhost:9999", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("origin", "http://localhost:8080", 201),
        ("sec-fetch-site", "same-origin", 201),
    ] {
        assert_eq!(server.send(form(name, value)).await.status, status, "{name}: {value}");
    }
    // A simple request, which a browser sends without asking, is no JSON.
    let plain = ask("POST", "/v1/reports").header(header::CONTENT_TYPE, "text/plain");
    let plain = plain.body(Body::from(r#"{"text": "good", "label": "positive"}"#)).unwrap();
    server.send(plain).await.problem(415);
}
