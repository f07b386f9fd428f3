//! `/v1/hooks/{source}`: other tools send feedback by themselves.

use axum::body::Body;
use axum::http::header;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sentimeter_serve::{Hooks, Settings};
use sentimeter_store::ItemFilter;
use serde_json::json;
use sha2::Sha256;

use crate::server::{Server, Told, ask};

const FILE: &str = r#"
    [desk]
    secret = "a secret of some length"
    text = ["ticket.subject", "ticket.comments[].body"]
    id = "ticket.id"
    author = "ticket.requester.email"
    time = "ticket.created_at"
    channel_is = "ticket"
    signature = { header = "X-Desk", prefix = "sha256=", timestamp_header = "X-Desk-Time" }

    [plain]
    secret = "another secret, long"
    text = ["review"]
"#;

fn signed(secret: &str, parts: &[&str]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    parts.iter().for_each(|part| mac.update(part.as_bytes()));
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn call(server: &Server, source: &str, body: &str, headers: &[(&'static str, String)]) -> Told {
    let mut request =
        ask("POST", &format!("/v1/hooks/{source}")).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    server.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_signed_call_is_kept_once_and_any_other_is_refused() {
    // Beyond this machine, too: a signature is as good as a key.
    let server =
        Server::new(Settings { hooks: Hooks::read(FILE, |_| None).unwrap(), ..Settings::default() }).await;
    let body = json!({"ticket": {"id": 9, "subject": "Broken again", "created_at": "2026-11-01T10:00:00Z",
        "comments": [{"body": "It was great before"}, {"body": ""}], "requester": {"email": "ann@example.com"}}})
    .to_string();
    let now = (sentimeter_store::now() / 1000).to_string();
    let right = |time: &str, body: &str| {
        let signature = format!("sha256={}", signed("a secret of some length", &[time, ".", body]));
        [("x-desk", signature), ("x-desk-time", time.to_owned())]
    };
    for (times, stored) in [(1, 2), (2, 0)] {
        let told = call(&server, "desk", &body, &right(&now, &body)).await;
        assert_eq!(told.status, 200, "{}", told.text());
        assert_eq!(told.json(), json!({"items": 2, "stored": stored}), "time {times}");
    }
    let items = server.store.items(&ItemFilter::default()).await.unwrap();
    assert_eq!(items.iter().map(|i| i.external.as_deref().unwrap()).collect::<Vec<_>>(), ["9/1", "9/0"]);
    assert_eq!((items[0].channel.as_str(), items[0].time), ("ticket", 1_793_527_200_000));
    assert!(items[0].author.as_ref().unwrap().starts_with("h:"));

    let old = (sentimeter_store::now() / 1000 - 3600).to_string();
    let other = body.replace("great", "awful");
    for (source, body, headers) in [
        ("desk", &other, right(&now, &body).to_vec()),
        ("desk", &body, right(&old, &body).to_vec()),
        ("desk", &body, right(&now, &body)[..1].to_vec()),
        ("desk", &body, Vec::new()),
        ("nobody", &body, right(&now, &body).to_vec()),
        ("plain", &body, right(&now, &body).to_vec()),
    ] {
        call(&server, source, body, &headers).await.problem(401);
    }
    // Signed, and not what it should be.
    for (body, status, field) in
        [("{\"review\": 5", 400, None), ("{}", 422, Some("review")), ("[]", 422, Some("review"))]
    {
        let headers = [("x-signature", signed("another secret, long", &[body]))];
        let told = call(&server, "plain", body, &headers).await;
        assert_eq!(told.problem(status), Vec::from_iter(field.map(str::to_owned)));
    }
    // Without ids the same bytes are the same feedback.
    let body = r#"{"review": "good"}"#;
    for stored in [1, 0] {
        let headers = [("x-signature", signed("another secret, long", &[body]))];
        assert_eq!(call(&server, "plain", body, &headers).await.json()["stored"], stored);
    }
}
