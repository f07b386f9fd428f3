//! Kept feedback gets its labels from reviewers.

use axum::body::Body;
use axum::http::header;
use sentimeter_store::{CorrectionFilter, Role};
use serde_json::{Value, json};

use crate::items::add;
use crate::server::{Server, Told, ask, live, local};

async fn offered(server: &Server, query: &str, key: &str) -> Value {
    let told = server.get_by(&format!("/v1/labelling{query}"), key).await;
    assert_eq!(told.status, 200, "{}", told.text());
    told.json()
}

fn texts(offered: &Value) -> Vec<&str> {
    offered["items"].as_array().unwrap().iter().map(|item| item["text"].as_str().unwrap()).collect()
}

async fn give(server: &Server, body: Value, key: &str) -> Told {
    server.post_as("/v1/labels", &body.to_string(), Some(key)).await
}

/// A server that keeps these texts, and the key of a reviewer.
async fn kept(all: &[&str]) -> (Server, String) {
    let server = Server::new(local()).await;
    let admin = server.key(Role::Admin).await;
    for (n, text) in all.iter().enumerate() {
        let language = if n % 2 == 0 { "en" } else { "ar" };
        let body = json!({"id": n, "text": text, "channel": "ticket", "author": "Ann", "language": language});
        add(&server, &admin, &body).await;
    }
    let (_, key) = server.store.create_key("eve", Role::Reviewer, "test").await.unwrap();
    (server, key)
}

const SAID: [&str; 5] = [
    "good service but the food was bad and cold that day",
    "Good service, but the food was bad and cold that day!!",
    "nobody answers the phone and the shop is closed",
    "<script>alert(1)</script> خدمة سيئة",
    "thank you so much",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_is_offered_labelled_and_offered_no_more() {
    let (server, eve) = kept(&SAID).await;
    server.get("/v1/labelling").await.problem(401);
    let analyst = server.key(Role::Analyst).await;
    server.get_by("/v1/labelling", &analyst).await.problem(403);
    give(&server, json!({"item_id": "x", "label": "positive"}), &analyst).await.problem(403);

    let all = offered(&server, "", &eve).await;
    assert_eq!((all["unlabelled"].clone(), all["second"].clone()), (json!(5), json!(0)));
    assert_eq!(texts(&all).len(), 4, "of two that are nearly the same, one: {all}");
    let doubts: Vec<f64> =
        all["items"].as_array().unwrap().iter().map(|item| item["uncertainty"].as_f64().unwrap()).collect();
    let most = doubts.iter().copied().fold(0.0, f64::max);
    assert!(doubts[0] == most && doubts.iter().all(|doubt| (0.0..=1.0).contains(doubt)), "{doubts:?}");
    assert_eq!(texts(&offered(&server, "?limit=1", &eve).await), texts(&all)[..1]);
    assert!(texts(&offered(&server, "?language=ar&channel=ticket", &eve).await).len() <= 2);
    assert!(texts(&offered(&server, "?channel=none", &eve).await).is_empty());
    for wrong in
        ["limit=0", "limit=201", "second=perhaps", "order=x", &format!("channel={}", "x".repeat(201))]
    {
        server.get_by(&format!("/v1/labelling?{wrong}"), &eve).await.problem(422);
    }

    let first = all["items"][0]["item_id"].as_str().unwrap().to_owned();
    for (body, field) in [
        (json!({"label": "positive"}), "item_id"),
        (json!({"item_id": first}), "label"),
        (json!({"item_id": first, "label": "sideways"}), "label"),
        (json!({"item_id": first, "label": "positive", "skip": true}), "skip"),
        (json!({"item_id": first, "lable": "positive"}), "lable"),
    ] {
        assert_eq!(give(&server, body.clone(), &eve).await.problem(422), [field], "{body}");
    }
    for missing in [json!({"item_id": "no", "label": "positive"}), json!({"item_id": "no", "skip": true})] {
        give(&server, missing, &eve).await.problem(404);
    }
    let told = give(&server, json!({"item_id": first, "label": "positive"}), &eve).await;
    assert_eq!((told.status.as_u16(), told.json()["new"].clone()), (201, json!(true)));
    let report = told.json()["report_id"].as_str().unwrap().to_owned();
    let told = give(&server, json!({"item_id": first, "label": "negative"}), &eve).await;
    assert_eq!((told.status.as_u16(), told.json()["report_id"].clone()), (200, json!(report)));
    let skipped = all["items"][1]["item_id"].as_str().unwrap();
    let told = give(&server, json!({"item_id": skipped, "skip": true}), &eve).await;
    assert_eq!((told.status.as_u16(), told.json()["label"].clone()), (200, Value::Null));
    let left = offered(&server, "", &eve).await;
    assert!(!texts(&left).contains(&texts(&all)[0]) && !texts(&left).contains(&texts(&all)[1]), "{left}");
    assert_eq!(left["unlabelled"], 3);

    // Among the reports it is one that was accepted; it hides no text from the log, and shows none there.
    let reports = server.get_by("/v1/reports?status=accepted", &eve).await.json();
    let one = &reports["reports"][0];
    assert_eq!(
        (&one["label"], &one["source"], &one["item_id"]),
        (&json!("negative"), &json!("labelling"), &json!(first))
    );
    let audit = server.store.audit_entries(0).await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.action == "label").count(), 2);
    assert!(audit.iter().all(|entry| !entry.detail.contains("food")));
    assert_eq!(server.store.verify_audit(None).await.unwrap().fault, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_reviewer_labels_without_being_told_and_agreement_is_measured() {
    let (server, eve) = kept(&SAID).await;
    let (_, bob) = server.store.create_key("bob", Role::Reviewer, "test").await.unwrap();
    let all = offered(&server, "", &eve).await;
    for item in &all["items"].as_array().unwrap()[..2] {
        let body = json!({"item_id": item["item_id"], "label": "negative"});
        assert_eq!(give(&server, body, &eve).await.status, 201);
    }
    assert!(texts(&offered(&server, "?second=true", &eve).await).is_empty());
    // Another model answers by now: it is its doubts that count.
    server.app.swap(live("sentiment@2"));
    let second = offered(&server, "?second=true", &bob).await;
    assert_eq!((texts(&second).len(), second["second"].clone()), (2, json!(2)));
    assert!(second["items"][0].get("label").is_none() && second["items"][0]["suggested"].is_string());
    for (item, label) in second["items"].as_array().unwrap().iter().zip(["negative", "positive"]) {
        let body = json!({"item_id": item["item_id"], "label": label});
        assert_eq!(give(&server, body, &bob).await.status, 200);
    }
    let told = server.get_by("/v1/reports/agreement", &eve).await.json();
    let pairs = told["pairs"].as_array().unwrap();
    let both = pairs.iter().find(|pair| pair["first"] != "model").unwrap();
    assert_eq!((&both["reports"], &both["agreement"]["value"]), (&json!(2), &json!(0.5)), "{told}");
    // They are examples with the last word of each.
    let examples = server.store.corrections(&CorrectionFilter::default()).await.unwrap();
    let mut labels: Vec<&str> = examples.iter().map(|example| example.label.as_str()).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["negative", "positive"]);
    // A person's are theirs.
    let found = sentimeter_serve::find(&server.store, "Ann").await.unwrap();
    assert_eq!((found.known.items.len(), found.known.reports.len()), (5, 2));
    sentimeter_serve::erase(&server.store, &found, "test").await.unwrap();
    assert!(server.store.corrections(&CorrectionFilter::default()).await.unwrap().is_empty());
    assert!(server.store.judgements().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_labels_without_a_script_and_runs_none() {
    let (server, _) = kept(&SAID).await;
    let unknown = ask("GET", "/review?status=label").header(header::ACCEPT, "text/html");
    assert_eq!(server.send(unknown.body(Body::empty()).unwrap()).await.status, 303);
    let analyst = server.signed_in("ann", Role::Analyst).await;
    assert_eq!(server.get_as("/review?status=label", &analyst).await.status, 403);
    let eve = server.signed_in("eve", Role::Reviewer).await;
    let waiting = server.get_as("/review", &eve).await;
    assert!(waiting.text().contains("Label texts that the model is unsure of"), "{}", waiting.text());
    let page = server.get_as("/review?status=label&lang=fr", &eve).await;
    let text = page.text();
    assert!(
        text.contains("À étiqueter") && text.contains("&#60;script&#62;alert(1)&#60;/script&#62; خدمة"),
        "{text}"
    );
    assert!(
        !text.contains("<script>") && !text.contains("style=") && text.contains("dir=\"auto\" lang=\"ar\"")
    );
    let item = text.split("name=\"item\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let form = format!("item={item}&label=negative&from=label&language=ar");
    let forged = server.form("/review", &format!("csrf={}&{form}", "0".repeat(64))).await;
    assert_ne!(forged.status, 303);
    let told = server.send_as("/review?lang=fr", &form, &eve).await;
    assert_eq!(told.status, 303, "{}", told.text());
    let to = told.headers[header::LOCATION].to_str().unwrap();
    assert_eq!(to, "/review?status=label&done=negative&language=ar&lang=fr");
    let next = server.get_as(to, &eve).await;
    assert!(next.text().contains("Étiqueté : Négatif."), "{}", next.text());
    // What a form of ours would not hold is said, in a page.
    for (form, status) in [("item=no&label=negative", 404), ("item=no&skip=1", 404), ("label=odd", 422)] {
        let told = server.send_as("/review", form, &eve).await;
        assert_eq!(told.status, status, "{form}");
        assert!(
            told.text().contains("role=\"alert\"") || told.text().contains("class=\"fault"),
            "{}",
            told.text()
        );
    }
    let done = server.get_as("/review?status=label&done=%3Cscript%3E", &eve).await;
    assert!(!done.text().contains("<script>"));
    // An empty tab says what to do.
    let second = server.get_as("/review?status=label-second", &eve).await;
    assert!(second.text().contains("Others have labelled nothing"), "{}", second.text());
}
