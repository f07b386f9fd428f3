//! Items that get a label, by one reviewer and by another.

use sentimeter_store::{CorrectionFilter, CorrectionStatus, Item, ItemFilter, Review, Store, StoreError};
use serde_json::json;

/// An item about which the model is the less certain the nearer `p` is to a half.
fn item(n: i64, p: f64) -> Item {
    Item {
        number: 0,
        id: format!("i{n}"),
        source: "api".to_owned(),
        external: None,
        time: n,
        received: n,
        channel: if n % 2 == 0 { "ticket" } else { "" }.to_owned(),
        language: if n % 3 == 0 { "fr" } else { "en" }.to_owned(),
        author: Some(format!("h:{n}")),
        model: "sentiment@1".to_owned(),
        label: "positive".to_owned(),
        confidence: p,
        probabilities: json!({"negative": 1.0 - p, "positive": p}),
        prediction: None,
        text_hash: format!("hash {n}"),
        text: format!("text {n}"),
    }
}

async fn waiting(store: &Store, who: &str, second: bool) -> Vec<String> {
    let found = store.to_label(who, &ItemFilter::default(), second).await.unwrap();
    assert_eq!(store.count_to_label(who).await.unwrap()[usize::from(second)], found.len() as i64);
    found.into_iter().map(|one| one.item.id).collect()
}

pub(crate) async fn the_least_certain_come_first(store: Store) {
    let items: Vec<Item> = [0.9, 0.5, 0.75, 0.5].into_iter().zip(0..).map(|(p, n)| item(n, p)).collect();
    store.add_items(&items).await.unwrap();
    assert_eq!(waiting(&store, "ada", false).await, ["i3", "i1", "i2", "i0"]);
    let only = |channel: Option<&str>, language: Option<&str>| ItemFilter {
        channel: channel.map(str::to_owned),
        language: language.map(str::to_owned),
        limit: Some(2),
        ..ItemFilter::default()
    };
    for (filter, want) in [
        (only(None, None), &["i3", "i1"][..]),
        (only(Some("ticket"), None), &["i2", "i0"]),
        (only(Some(""), Some("fr")), &["i3"]),
    ] {
        let found = store.to_label("ada", &filter, false).await.unwrap();
        let found: Vec<&str> = found.iter().map(|one| one.item.id.as_str()).collect();
        assert_eq!(found, want);
    }
    let doubts = store.to_label("ada", &ItemFilter::default(), false).await.unwrap();
    assert!((doubts[2].uncertainty - 0.5).abs() < 1e-9, "{doubts:?}");
}

pub(crate) async fn items_are_labelled_and_left_to_others(store: Store) {
    store.add_items(&(0..3).map(|n| item(n, 0.5)).collect::<Vec<_>>()).await.unwrap();
    let first = store.label_item("i2", "negative", "ada").await.unwrap();
    assert!(first.new);
    store.pass_over("i1", "ada").await.unwrap();
    store.pass_over("i1", "ada").await.unwrap();
    assert_eq!(waiting(&store, "ada", false).await, ["i0"]);
    assert_eq!(waiting(&store, "bob", false).await, ["i1", "i0"]);
    // What one has labelled, the other may label without having seen it; a report it is not.
    assert_eq!(waiting(&store, "ada", true).await, [""; 0]);
    assert_eq!(waiting(&store, "bob", true).await, ["i2"]);
    let unseen = CorrectionFilter { unseen_by: Some("bob".to_owned()), ..CorrectionFilter::default() };
    assert!(store.corrections(&unseen).await.unwrap().is_empty());
    let second = store.label_item("i2", "positive", "bob").await.unwrap();
    assert_eq!((second.new, &second.correction), (false, &first.correction));
    assert_eq!(waiting(&store, "bob", true).await, [""; 0]);
    let words = store.judgements().await.unwrap();
    let words: Vec<(&str, Option<&str>, Option<&str>)> =
        words.iter().map(|w| (w.reviewer.as_str(), w.label.as_deref(), w.model.as_deref())).collect();
    assert_eq!(
        words,
        [("ada", Some("negative"), Some("positive")), ("bob", Some("positive"), Some("positive"))]
    );
    // It is a correction like any other: the last word counts.
    let all = store.corrections(&CorrectionFilter::default()).await.unwrap();
    assert_eq!(all.len(), 1);
    let one = &all[0];
    assert_eq!(
        (one.text.as_str(), one.label.as_str(), one.source.as_str()),
        ("text 2", "positive", "labelling")
    );
    assert_eq!(
        (one.status, one.item.as_deref(), one.author.as_deref()),
        (CorrectionStatus::Accepted, Some("i2"), Some("h:2"))
    );
    let reject = Review { status: CorrectionStatus::Rejected, label: None, reviewer: "cy".to_owned() };
    store.review(&first.correction, &reject).await.unwrap();
    assert_eq!(waiting(&store, "cy", false).await, ["i1", "i0"], "it is not asked for again");
    assert_eq!(store.corrected_texts(10).await.unwrap(), ["text 2"]);
    for missing in
        [store.label_item("none", "positive", "ada").await.map(drop), store.pass_over("none", "ada").await]
    {
        assert!(matches!(missing, Err(StoreError::Missing { what: "item", .. })), "{missing:?}");
    }
    let log = store.audit_entries(0).await.unwrap();
    let log: Vec<(&str, &str)> = log.iter().map(|e| (e.action.as_str(), e.target.as_str())).collect();
    assert_eq!(log, [("label", "i2"), ("label", "i2"), ("review", first.correction.as_str())]);
}

pub(crate) async fn labels_go_with_their_items(store: Store) {
    store.add_items(&(0..4).map(|n| item(n, 0.5)).collect::<Vec<_>>()).await.unwrap();
    for n in 0..3 {
        store.label_item(&format!("i{n}"), "negative", "ada").await.unwrap();
    }
    store.pass_over("i1", "bob").await.unwrap();
    // A person's: found and erased, with what reviewers have said of it.
    let names = ["h:1".to_owned()];
    let known = store.known_of(&names).await.unwrap();
    assert_eq!((known.items.len(), known.reports.len()), (1, 1));
    let erased = store.erase(&known, &names, "test", "h:1").await.unwrap();
    assert_eq!((erased.items, erased.reports), (1, 1));
    assert_eq!(store.judgements().await.unwrap().len(), 2);
    // By age: a label was made today, and its text is as old as the item.
    let erased = store.erase_before(1, "test").await.unwrap();
    assert_eq!((erased.items, erased.reports), (1, 1));
    let left = store.corrections(&CorrectionFilter::default()).await.unwrap();
    assert_eq!(left.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), ["text 2"]);
    assert_eq!(waiting(&store, "bob", false).await, ["i3"]);
    // An item of the same name that comes again is a new one.
    store.add_items(&[item(1, 0.5)]).await.unwrap();
    assert_eq!(waiting(&store, "bob", false).await, ["i1", "i3"]);
}
