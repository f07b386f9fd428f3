//! Corrections and their reviews.

use sentimeter_store::{Correction, CorrectionFilter, CorrectionStatus, Review, Store, StoreError, Write};

use crate::runs::started;

fn correction(n: i64) -> Correction {
    Correction {
        id: format!("c{n}"),
        text: format!("not bad\0at all {n}"),
        label: "positive".to_owned(),
        original: Some("negative".to_owned()),
        language: Some("en".to_owned()),
        channel: None,
        author: Some(if n % 2 == 0 { "ada" } else { "bob" }.to_owned()),
        time: 100 + n / 2,
        source: "api".to_owned(),
        model: Some("sentiment@3".to_owned()),
        prediction: None,
        note: None,
        item: None,
        status: CorrectionStatus::Pending,
        reviewer: None,
        reviewed: None,
    }
}

pub(crate) async fn corrections_are_stored_once_and_reviewed(store: Store) {
    let all: Vec<Correction> = (0..4).map(correction).collect();
    assert_eq!(store.add_corrections(&all).await.unwrap(), 4);
    assert_eq!(store.add_corrections(&all).await.unwrap(), 0);
    let review = |status, label: Option<&str>| Review {
        status,
        label: label.map(str::to_owned),
        reviewer: "eve".to_owned(),
    };
    store.review("c0", &review(CorrectionStatus::Accepted, None)).await.unwrap();
    store.review("c1", &review(CorrectionStatus::Corrected, Some("neutral"))).await.unwrap();
    store.review("c2", &review(CorrectionStatus::Rejected, None)).await.unwrap();
    let unknown = store.review("c9", &review(CorrectionStatus::Rejected, None)).await;
    assert!(matches!(unknown, Err(StoreError::Missing { .. })));
    let status = vec![CorrectionStatus::Accepted, CorrectionStatus::Corrected];
    let learned =
        store.corrections(&CorrectionFilter { status, ..CorrectionFilter::default() }).await.unwrap();
    let labels: Vec<(&str, &str)> = learned.iter().map(|c| (c.id.as_str(), c.label.as_str())).collect();
    assert_eq!(labels, [("c0", "positive"), ("c1", "neutral")]);
    assert_eq!(
        (learned[0].reviewer.as_deref(), learned[0].text.as_str()),
        (Some("eve"), "not bad\u{fffd}at all 0")
    );
    let run = started(&store, "train").await;
    let used = ["c1".to_owned(), "c0".to_owned(), "c1".to_owned()];
    store.apply(&[Write::Corrections { run: run.clone(), corrections: used.to_vec() }]).await.unwrap();
    assert_eq!(store.corrections_used(&run).await.unwrap(), ["c0", "c1"]);
}

pub(crate) async fn pages_follow_each_other(store: Store) {
    let all: Vec<Correction> = (0..10).map(correction).collect();
    store.add_corrections(&all).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let filter = CorrectionFilter { after: after.take(), limit: Some(3), ..CorrectionFilter::default() };
        let page = store.corrections(&filter).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.time, last.id.clone()));
        seen.extend(page.into_iter().map(|c| c.id));
    }
    assert_eq!(seen, all.iter().map(|c| c.id.clone()).collect::<Vec<_>>());
    let of_ada =
        CorrectionFilter { author: Some("ada".to_owned()), since: Some(102), ..CorrectionFilter::default() };
    assert_eq!(store.corrections(&of_ada).await.unwrap().len(), 3);
}
