//! "This is wrong", and what reviewers make of it.

use axum::body::Body;
use axum::http::header;
use sentimeter_serve::{Keep, Settings};
use sentimeter_store::Role;
use serde_json::{Value, json};

use crate::server::{Server, Told, ask, local};

async fn list(server: &Server, query: &str, key: &str) -> Told {
    let list =
        ask("GET", &format!("/v1/reports{query}")).header(header::AUTHORIZATION, format!("Bearer {key}"));
    server.send(list.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_report_is_stored_once_reviewed_and_noted() {
    let server = Server::new(local()).await;
    let body = json!({
        "id": "mine-1", "text": "not bad", "label": "positive", "predicted": "negative", "comment": "irony",
        "prediction_id": "never recorded",
    });
    let first = server.post("/v1/reports", &body.to_string()).await;
    assert_eq!((first.status.as_u16(), first.json()["new"].clone()), (201, Value::Bool(true)));
    let again = server.post("/v1/reports", &body.to_string()).await;
    assert_eq!((again.status.as_u16(), again.json()["new"].clone()), (201, Value::Bool(false)));

    let (_, key) = server.store.create_key("eve", Role::Reviewer, "test").await.unwrap();
    let told = list(&server, "?status=pending", &key).await.json();
    let reports = told["reports"].as_array().unwrap();
    assert_eq!(reports.len(), 1, "{told}");
    assert_eq!((&reports[0]["text"], &reports[0]["predicted"]), (&json!("not bad"), &json!("negative")));

    let path = "/v1/reports/mine-1/review";
    server.post(path, r#"{"status": "accepted"}"#).await.problem(401);
    for (body, field) in [
        (r#"{"status": "corrected"}"#, "label"),
        (r#"{"status": "corrected", "label": "sideways"}"#, "label"),
        (r#"{"status": "accepted", "label": "neutral"}"#, "label"),
        (r#"{"status": "pending"}"#, "status"),
        (r#"{}"#, "status"),
    ] {
        assert_eq!(server.post_as(path, body, Some(&key)).await.problem(422), [field], "{body}");
    }
    let reviewed = server.post_as(path, r#"{"status": "corrected", "label": "neutral"}"#, Some(&key)).await;
    assert_eq!(reviewed.status, 204);
    server.post_as("/v1/reports/no/review", r#"{"status": "rejected"}"#, Some(&key)).await.problem(404);
    let after = list(&server, "?status=corrected", &key).await.json();
    assert_eq!(after["reports"][0]["label"], "neutral");
    assert!(after["reports"][0]["reviewer"].as_str().unwrap().starts_with("eve ("));
    let audit = server.store.audit_entries(0).await.unwrap();
    assert_eq!(audit.last().map(|entry| entry.action.as_str()), Some("review"));
    assert!(audit.iter().all(|entry| !entry.detail.contains("not bad")));
    assert_eq!(server.store.verify_audit(None).await.unwrap().fault, None);
}

#[tokio::test]
async fn what_a_report_lacks_is_named() {
    let server = Server::new(local()).await;
    for (body, field) in [
        (r#"{"label": "positive"}"#, "text"),
        (r#"{"label": "positive", "prediction_id": "unknown"}"#, "text"),
        (r#"{"text": "a"}"#, "label"),
        (r#"{"text": "a", "label": "sideways"}"#, "label"),
        (r#"{"text": "a", "label": "positive", "predicted": "sideways"}"#, "predicted"),
        (r#"{"text": "a", "label": 1}"#, "label"),
        (r#"{"text": "a", "label": "positive", "id": ""}"#, "id"),
        (r#"{"text": "a", "label": "positive", "lable": "x"}"#, "lable"),
    ] {
        assert_eq!(server.post("/v1/reports", body).await.problem(422), [field], "{body}");
    }
}

#[tokio::test]
async fn where_texts_are_kept_the_prediction_is_enough() {
    let server = Server::new(Settings { keep: Keep::Texts, ..local() }).await;
    let answer = server.post("/v1/predict", r#"{"text": "quite so"}"#).await.json();
    server.app.flush().await;
    let body = json!({"prediction_id": answer["prediction_id"], "label": "negative"});
    assert_eq!(server.post("/v1/reports", &body.to_string()).await.status, 201);
    let (_, key) = server.store.create_key("eve", Role::Reviewer, "test").await.unwrap();
    let report = list(&server, "", &key).await.json()["reports"][0].clone();
    assert_eq!((&report["text"], &report["predicted"]), (&json!("quite so"), &answer["sentiment"]));
}

#[tokio::test]
async fn reports_come_in_pages() {
    let server = Server::new(local()).await;
    for n in 0..7 {
        let body = json!({"text": format!("text {n}"), "label": "positive"}).to_string();
        assert_eq!(server.post("/v1/reports", &body).await.status, 201);
    }
    let (_, key) = server.store.create_key("eve", Role::Reviewer, "test").await.unwrap();
    let (mut seen, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = list(&server, &query, &key).await.json();
        seen.extend(
            page["reports"].as_array().unwrap().iter().map(|r| r["text"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=3&after={next}");
    }
    assert_eq!(seen, (0..7).map(|n| format!("text {n}")).collect::<Vec<_>>());
    for wrong in ["?limit=0", "?limit=501", "?after=x", "?status=x' OR 1=1 --", "?order=x"] {
        list(&server, &wrong.replace(' ', "+"), &key).await.problem(422);
    }
}
