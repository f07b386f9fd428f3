//! What a server keeps: predictions, keys, the audit log.

use sentimeter_store::{Act, Prediction, Role, Store, StoreError};
use serde_json::{Value, json};

pub(crate) async fn predictions_are_stored_once(store: Store) {
    let prediction = |n: usize| Prediction {
        id: format!("p{n}"),
        time: n as i64,
        model: "sentiment@3".to_owned(),
        language: "fr".to_owned(),
        label: (n != 1).then(|| "positive".to_owned()),
        confidence: 0.5,
        probabilities: json!({"negative": 0.5, "positive": 0.5}),
        text_hash: "ab".repeat(32),
        text: (n == 2).then(|| "très\0bien".to_owned()),
    };
    let all: Vec<Prediction> = (0..1200).map(prediction).collect();
    store.add_predictions(&all).await.unwrap();
    store.add_predictions(&all[..10]).await.unwrap();
    assert_eq!(store.count_predictions().await.unwrap(), 1200);
    assert_eq!(store.prediction("p1").await.unwrap().as_ref(), Some(&all[1]));
    let kept = store.prediction("p2").await.unwrap().unwrap();
    assert_eq!(kept.text.as_deref(), Some("très\u{fffd}bien"));
    assert_eq!(store.prediction("nothing").await.unwrap(), None);
    let key = store.text_key().await.unwrap();
    assert_eq!(store.text_key().await.unwrap(), key);
    assert_ne!(key, [0; 32]);
}

pub(crate) async fn keys_open_until_they_are_revoked(store: Store) {
    let (key, secret) = store.create_key("till", Role::Predict, "ada").await.unwrap();
    let (other, second) = store.create_key("till", Role::Admin, "ada").await.unwrap();
    assert!(secret.len() == 68 && secret != second);
    assert_eq!(store.key_of(&secret).await.unwrap(), Some(key.clone()));
    let flipped = secret.replace(|c: char| c == secret.chars().last().unwrap(), "z");
    for wrong in ["", "smk_", &secret[..67], &flipped, &format!("{secret}0"), &key.id] {
        assert_eq!(store.key_of(wrong).await.unwrap(), None, "{wrong}");
    }
    // Two have the name: one must be said.
    assert!(matches!(store.revoke_key("till", "ada").await, Err(StoreError::Missing { .. })));
    assert!(store.revoke_key(&key.id, "ada").await.unwrap().revoked.is_some());
    assert_eq!(store.key_of(&secret).await.unwrap(), None);
    assert!(store.revoke_key(&key.id, "ada").await.is_err());
    assert_eq!(store.revoke_key("till", "ada").await.unwrap().id, other.id);
    assert_eq!(store.keys().await.unwrap().len(), 2);
}

pub(crate) async fn every_change_is_in_the_audit_log(store: Store) {
    let (key, secret) = store.create_key("till", Role::Analyst, "ada").await.unwrap();
    store.revoke_key(&key.id, "eve").await.unwrap();
    let detail = json!({"from": "a", "to": "b"});
    let act = Act { who: "server", action: "swap-model", target: "sentiment", detail: &detail };
    store.audit(&act).await.unwrap();
    let entries = store.audit_entries(0).await.unwrap();
    let told: Vec<(&str, &str)> = entries.iter().map(|e| (e.who.as_str(), e.action.as_str())).collect();
    assert_eq!(told, [("ada", "create-key"), ("eve", "revoke-key"), ("server", "swap-model")]);
    assert!(entries.iter().all(|entry| !entry.detail.contains(&secret)));
    assert_eq!(store.audit_entries(2).await.unwrap(), entries[2..]);
    let found = store.verify_audit(Some(&entries[1].hash)).await.unwrap();
    assert_eq!((found.entries, found.fault, &found.head), (3, None, &entries[2].hash));
}

pub(crate) async fn many_at_once_make_one_chain(store: Store) {
    let noting = (0..8).map(|who| {
        let store = store.clone();
        async move {
            for n in 0..20 {
                let (who, target) = (format!("writer {who}"), n.to_string());
                let act = Act { who: &who, action: "try", target: &target, detail: &Value::Null };
                store.audit(&act).await.unwrap();
            }
        }
    });
    let tasks: Vec<_> = noting.collect();
    let mut set = tokio::task::JoinSet::new();
    for task in tasks {
        set.spawn(task);
    }
    while let Some(done) = set.join_next().await {
        done.unwrap();
    }
    let found = store.verify_audit(None).await.unwrap();
    assert_eq!((found.entries, found.fault), (160, None));
}

pub(crate) async fn a_first_key_is_made_once(store: Store) {
    let (key, secret) = store.create_first_key("first", Role::Admin, "test").await.unwrap().unwrap();
    assert_eq!(store.key_of(&secret).await.unwrap(), Some(key.clone()));
    assert_eq!(store.create_first_key("second", Role::Admin, "test").await.unwrap(), None);
    // Nor where the first was revoked: whoever did that had a reason.
    store.revoke_key(&key.id, "test").await.unwrap();
    assert_eq!(store.create_first_key("third", Role::Admin, "test").await.unwrap(), None);
    assert_eq!(store.keys().await.unwrap().len(), 1);
    assert_eq!(store.audit_entries(0).await.unwrap().len(), 2);
}
