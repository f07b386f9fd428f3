//! What waits to be sent.

use std::time::Duration;

use sentimeter_store::{Claim, RunId, Store, Write, now};
use serde_json::json;

use crate::runs::started;

const LEASE: Duration = Duration::from_secs(600);

pub(crate) async fn put(store: &Store, run: &RunId, number: i64) {
    let payload = json!({ "number": number });
    store.apply(&[Write::Outbox { sink: "mlflow".to_owned(), run: run.clone(), payload }]).await.unwrap();
}

pub(crate) fn numbers(claim: &Claim) -> Vec<i64> {
    claim.entries.iter().map(|entry| entry.payload["number"].as_i64().unwrap()).collect()
}

async fn take(store: &Store, most: u32) -> Option<Claim> {
    store.outbox_claim("mlflow", None, most, LEASE, false).await.unwrap()
}

pub(crate) async fn entries_are_sent_in_order(store: Store) {
    let (a, b) = (started(&store, "train").await, started(&store, "train").await);
    assert!(take(&store, 5).await.is_none());
    for n in 0..4 {
        put(&store, &a, n).await;
        put(&store, &b, 10 + n).await;
    }
    let first = take(&store, 3).await.unwrap();
    assert_eq!((numbers(&first), &first.run), (vec![0, 1, 2], &a));
    // The run is taken, its later entries with it.
    let other = take(&store, 100).await.unwrap();
    assert_eq!((numbers(&other), &other.run), (vec![10, 11, 12, 13], &b));
    assert!(take(&store, 100).await.is_none());
    assert!(store.outbox_claim("other", None, 1, LEASE, true).await.unwrap().is_none());

    store.outbox_done(&first, first.entries[1].id).await.unwrap();
    store.outbox_release(&first).await.unwrap();
    let rest = take(&store, 100).await.unwrap();
    assert_eq!(numbers(&rest), [2, 3]);
    store.outbox_done(&rest, rest.entries[1].id).await.unwrap();
    store.outbox_done(&other, other.entries[3].id).await.unwrap();
    assert!(store.outbox_waiting("mlflow").await.unwrap().is_empty());
    assert!(take(&store, 1).await.is_none());
}

pub(crate) async fn what_fails_waits_and_holds_its_run_back(store: Store) {
    let run = started(&store, "train").await;
    put(&store, &run, 0).await;
    put(&store, &run, 1).await;
    let claim = take(&store, 2).await.unwrap();
    store.outbox_failed(&claim, "503 Service Unavailable", now() + 600_000).await.unwrap();
    assert!(take(&store, 2).await.is_none(), "its time has not come, and nothing overtakes it");
    let waiting = store.outbox_waiting("mlflow").await.unwrap();
    assert_eq!((waiting[0].entries, waiting[0].attempts), (2, 1));
    assert_eq!(waiting[0].error.as_deref(), Some("503 Service Unavailable"));
    let eager = store.outbox_claim("mlflow", Some(&run), 2, LEASE, true).await.unwrap().unwrap();
    assert_eq!((numbers(&eager), eager.entries[0].attempts), (vec![0, 1], 1));
    let other = started(&store, "train").await;
    store.outbox_release(&eager).await.unwrap();
    assert!(store.outbox_claim("mlflow", Some(&other), 2, LEASE, true).await.unwrap().is_none());
}

pub(crate) async fn a_lost_claim_acknowledges_nothing(store: Store) {
    let run = started(&store, "train").await;
    put(&store, &run, 0).await;
    let slow = store.outbox_claim("mlflow", None, 1, Duration::ZERO, false).await.unwrap().unwrap();
    std::thread::sleep(Duration::from_millis(5));
    let quick = take(&store, 1).await.unwrap();
    assert_eq!(numbers(&quick), numbers(&slow));
    store.outbox_done(&slow, slow.entries[0].id).await.unwrap();
    store.outbox_failed(&slow, "too slow", 0).await.unwrap();
    let waiting = store.outbox_waiting("mlflow").await.unwrap();
    assert_eq!((waiting[0].entries, waiting[0].attempts), (1, 0), "it is the other's now");
    assert!(take(&store, 1).await.is_none());
    store.outbox_done(&quick, quick.entries[0].id).await.unwrap();
    assert!(store.outbox_waiting("mlflow").await.unwrap().is_empty());
}

pub(crate) async fn forgetting_spares_what_waits(store: Store) {
    let run = started(&store, "train").await;
    for n in 0..3 {
        put(&store, &run, n).await;
    }
    let claim = take(&store, 2).await.unwrap();
    store.outbox_done(&claim, claim.entries[1].id).await.unwrap();
    assert_eq!(store.outbox_forget("mlflow", 0, None).await.unwrap(), 0);
    assert_eq!(store.outbox_forget("mlflow", i64::MAX, None).await.unwrap(), 2);
    assert_eq!(store.outbox_waiting("mlflow").await.unwrap()[0].entries, 1);
    assert_eq!(store.outbox_forget("mlflow", 0, Some(&run)).await.unwrap(), 1);
    assert!(store.outbox_waiting("mlflow").await.unwrap().is_empty());
}
