//! What is known of a person is found wherever it is, and erased.

use std::time::Duration;

use sentimeter_serve::{erase, find, retain};
use sentimeter_store::{CorrectionFilter, DAY, ItemFilter, Role, now};
use serde_json::json;

use crate::items::add;
use crate::jobs::send;
use crate::server::{Server, local};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_author_is_found_in_items_reports_predictions_and_jobs_and_erased() {
    let server = Server::new(local()).await;
    let key = server.key(Role::Admin).await;
    for (n, author) in ["Ann ", "bob", "Ann"].into_iter().enumerate() {
        add(&server, &key, &json!({"text": format!("text {n} of theirs"), "author": author})).await;
    }
    let report = json!({"text": "text 0 of theirs", "label": "positive"}).to_string();
    assert_eq!(server.post("/v1/reports", &report).await.status, 201);
    let mut jobs = Vec::new();
    for user in ["Ann", "bob"] {
        let file = format!("user,text\n{user},hello there\n");
        let told = send(&server, "name=a.csv&author=user", file, Some(&key)).await.json();
        jobs.push(told["id"].as_str().unwrap().to_owned());
    }
    for id in &jobs {
        while server.get_by(&format!("/v1/jobs/{id}"), &key).await.json()["status"] != "done" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    server.app.flush().await;
    let found = find(&server.store, " Ann").await.unwrap();
    assert_eq!((found.known.items.len(), found.known.reports.len()), (2, 1));
    assert_eq!((found.known.predictions.len(), &found.jobs), (2, &jobs[..1].to_vec()));
    let gone = erase(&server.store, &found, "test").await.unwrap();
    assert_eq!((gone.records.items, gone.records.reports, gone.records.predictions, gone.jobs), (2, 1, 2, 1));
    let again = find(&server.store, "Ann").await.unwrap();
    assert!(again.known.items.is_empty() && again.jobs.is_empty());
    assert_eq!(server.store.count_items(&ItemFilter::default()).await.unwrap(), 1);
    assert!(
        !server.home().join("jobs").join(&jobs[0]).exists()
            && server.home().join("jobs").join(&jobs[1]).exists()
    );
    let log = format!("{:?}", server.store.audit_entries(0).await.unwrap());
    assert!(log.contains("erase-author") && !log.contains("Ann"), "{log}");
    assert_eq!(server.store.verify_audit(None).await.unwrap().fault, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_old_goes_by_itself() {
    let server = Server::new(local()).await;
    let mut old = crate::insights::item(1, now() - 20 * DAY, "positive", "", "old");
    old.received = now() - 20 * DAY;
    let new = crate::insights::item(2, now() - 20 * DAY, "positive", "", "written long ago, come in now");
    let new = sentimeter_store::Item { received: now(), ..new };
    server.store.add_items(&[old, new]).await.unwrap();
    let retaining = tokio::spawn(retain(server.app.clone(), Some(10)));
    for _ in 0..100 {
        if server.store.count_items(&ItemFilter::default()).await.unwrap() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    retaining.abort();
    let left = server.store.items(&ItemFilter::default()).await.unwrap();
    assert_eq!(left.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["i2"]);
    assert!(server.store.corrections(&CorrectionFilter::default()).await.unwrap().is_empty());
}
