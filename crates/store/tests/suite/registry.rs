//! Registered models.

use sentimeter_store::{Blob, NewVersion, Store, StoreError, Who};
use serde_json::{Value, json};

use crate::runs::started;

fn ada() -> Who {
    Who { name: "ada".to_owned(), host: "desk".to_owned(), reason: Some("better".to_owned()) }
}

fn new(model: &str, digest: &str) -> NewVersion {
    NewVersion {
        model: model.to_owned(),
        run: None,
        blob: Blob { hash: digest.repeat(64), size: 12 },
        digest: digest.repeat(64),
        kind: "linear".to_owned(),
        data_hash: Some("d".to_owned()),
        test_hash: None,
        metrics: json!({ "accuracy": 0.875 }),
        recipe: json!({ "name": "en" }),
        licence: json!(["CC-BY-4.0"]),
        detail: Value::Null,
    }
}

pub(crate) async fn versions_are_numbered_and_found(store: Store) {
    let run = started(&store, "train").await;
    let first = store
        .register(&NewVersion { run: Some(run.clone()), ..new("sentiment", "a") }, &ada())
        .await
        .unwrap();
    let second = store.register(&new("sentiment", "b"), &ada()).await.unwrap();
    store.register(&new("other", "a"), &ada()).await.unwrap();
    assert_eq!((first.reference(), second.version), ("sentiment@1".to_owned(), 2));
    assert_eq!(store.find_version("sentiment@1").await.unwrap(), first);
    assert_eq!(store.find_version("sentiment").await.unwrap(), second);
    assert_eq!(store.versions("sentiment").await.unwrap(), [first.clone(), second]);
    let mut same: Vec<String> =
        store.versions_of_digest(&first.of.digest).await.unwrap().iter().map(|v| v.reference()).collect();
    same.sort(); // of one millisecond
    assert_eq!(same, ["other@1", "sentiment@1"]);
    for (reference, want) in [
        ("sentiment@3", "sentiment has 1, 2"),
        ("sentiment@champion", "has 1, 2"),
        ("x", "no model"),
        ("", "no model"),
    ] {
        let said = store.find_version(reference).await.unwrap_err().to_string();
        assert!(said.contains(want), "{reference}: {said}");
    }
    store.describe_model("other", "for the help desk", &ada()).await.unwrap();
    let models = store.models().await.unwrap();
    assert_eq!(models[0].description, "for the help desk");
    assert_eq!((models[1].name.as_str(), models[1].latest, models[1].versions), ("sentiment", Some(2), 2));
    assert!(matches!(store.delete_run(&run).await, Err(StoreError::Conflict { .. })), "a version names it");
    let gone = NewVersion { run: Some(sentimeter_store::RunId::at(1)), ..new("lost", "c") };
    assert!(store.register(&gone, &ada()).await.is_err());
    assert_eq!(store.models().await.unwrap().len(), 2, "nothing of it is there");
}

pub(crate) async fn aliases_move_with_their_story(store: Store) {
    for digest in ["a", "b"] {
        store.register(&new("sentiment", digest), &ada()).await.unwrap();
    }
    let (who, why) = (ada(), json!({ "accuracy": [0.8, 0.9] }));
    let point = |version, expected| {
        store.set_alias(("sentiment", "champion", version), expected, (&who, "promote", &why))
    };
    assert_eq!(point(1, None).await.unwrap(), None);
    assert_eq!(point(2, Some(1)).await.unwrap(), Some(1));
    assert_eq!(store.find_version("sentiment@champion").await.unwrap().version, 2);
    let overtaken = point(1, Some(1)).await.unwrap_err().to_string();
    assert!(overtaken.contains("it points at 2, not at 1"), "{overtaken}");
    assert!(matches!(point(7, Some(2)).await, Err(StoreError::Missing { .. })));
    assert_eq!(store.remove_alias("sentiment", "champion", &who).await.unwrap(), 2);
    assert!(matches!(
        store.remove_alias("sentiment", "champion", &who).await,
        Err(StoreError::Missing { .. })
    ));
    let events = store.registry_events("sentiment").await.unwrap();
    let story: Vec<_> = events.iter().map(|e| (e.action.as_str(), e.version, e.previous)).collect();
    assert_eq!(
        story,
        [
            ("register", Some(1), None),
            ("register", Some(2), None),
            ("promote", Some(1), None),
            ("promote", Some(2), Some(1)),
            ("unalias", None, Some(2)),
        ]
    );
    assert_eq!((&events[3].who, &events[3].detail), (&who, &why));
}

pub(crate) async fn deleting_spares_what_is_live(store: Store) {
    let who = ada();
    for digest in ["a", "b"] {
        store.register(&new("sentiment", digest), &who).await.unwrap();
    }
    store.set_alias(("sentiment", "champion", 1), None, (&who, "promote", &Value::Null)).await.unwrap();
    let live = store.delete_version("sentiment", 1, &who).await.unwrap_err().to_string();
    assert!(live.contains("it is sentiment@champion"), "{live}");
    store.delete_version("sentiment", 2, &who).await.unwrap();
    assert!(matches!(store.delete_version("sentiment", 2, &who).await, Err(StoreError::Missing { .. })));
    assert!(matches!(store.find_version("sentiment@2").await, Err(StoreError::Conflict { .. })));
    assert_eq!(store.find_version("sentiment").await.unwrap().version, 1);
    let again = store.set_alias(("sentiment", "x", 2), None, (&who, "promote", &Value::Null)).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })));
    assert_eq!(
        store.register(&new("sentiment", "b"), &who).await.unwrap().version,
        3,
        "numbers are not given twice"
    );
}

pub(crate) async fn every_change_is_in_the_audit_log_too(store: Store) {
    store.register(&new("sentiment", "a"), &ada()).await.unwrap();
    store.register(&new("sentiment", "b"), &ada()).await.unwrap();
    let (who, why) = (ada(), json!({ "forced": true, "standing": "a long story" }));
    store.set_alias(("sentiment", "champion", 1), None, (&who, "promote", &why)).await.unwrap();
    store.set_alias(("sentiment", "champion", 2), Some(1), (&who, "promote", &why)).await.unwrap();
    // Overtaken: neither is there.
    store.set_alias(("sentiment", "champion", 1), Some(1), (&who, "promote", &why)).await.unwrap_err();
    store.remove_alias("sentiment", "champion", &who).await.unwrap();
    store.delete_version("sentiment", 1, &who).await.unwrap();
    let log = store.audit_entries(0).await.unwrap();
    let told: Vec<(&str, &str)> = log.iter().map(|e| (e.action.as_str(), e.target.as_str())).collect();
    assert_eq!(
        told,
        [
            ("register", "sentiment@1"),
            ("register", "sentiment@2"),
            ("promote", "sentiment@1"),
            ("promote", "sentiment@2"),
            ("unalias", "sentiment"),
            ("delete", "sentiment@1"),
        ]
    );
    let detail: Value = serde_json::from_str(&log[3].detail).unwrap();
    assert_eq!(
        (&detail["previous"], &detail["forced"], &detail["reason"]),
        (&json!(1), &json!(true), &json!("better"))
    );
    assert!(log.iter().all(|entry| entry.who == "ada"));
    assert_eq!(store.verify_audit(None).await.unwrap().fault, None);
}
