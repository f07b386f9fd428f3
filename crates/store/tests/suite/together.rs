//! Several at once, each with connections of its own, as processes have.

use std::collections::BTreeSet;
use std::time::Duration;

use sentimeter_store::{Blocking, Database, Metric, Role, RunFilter, Store, Write};

use crate::outbox::{numbers, put};
use crate::runs::started;

/// Does `work` in several threads, each with a store of its own on the same records; in memory, where
/// there is no second one, with the same.
async fn several<T: Send + 'static>(
    store: &Store,
    work: impl Fn(usize, &Blocking) -> T + Clone + Send + 'static,
) -> Vec<T> {
    let (home, database) = (store.home().to_owned(), store.database().clone());
    if database == Database::Memory {
        return Vec::new();
    }
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let (home, database, work) = (home.clone(), database.clone(), work.clone());
            std::thread::spawn(move || work(n, &Blocking::open(&home, &database).unwrap()))
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

pub(crate) async fn many_writers_lose_nothing(store: Store) {
    let runs = several(&store, |n, own| {
        let run = own.run(|s| async move { started(s, "train").await });
        for step in 0..25 {
            let metric = Metric { name: "loss".to_owned(), step, time: 0, value: n as f64 };
            own.run(|s| async {
                s.apply(&[Write::Metrics { run: run.clone(), metrics: vec![metric] }]).await
            })
            .unwrap();
        }
        run
    })
    .await;
    for run in &runs {
        assert_eq!(store.metrics(run).await.unwrap().len(), 25);
    }
    assert_eq!(store.runs(&RunFilter::default()).await.unwrap().len(), runs.len());
}

pub(crate) async fn two_senders_share_the_outbox(store: Store) {
    let mut runs = Vec::new();
    for n in 0..12 {
        let run = started(&store, "train").await;
        for i in 0..5 {
            put(&store, &run, n * 5 + i).await;
        }
        runs.push(run);
    }
    let sent = several(&store, |_, own| {
        let mut sent = Vec::new();
        let take =
            || own.run(|s| s.outbox_claim("mlflow", None, 3, Duration::from_secs(600), false)).unwrap();
        while let Some(claim) = take() {
            sent.extend(numbers(&claim));
            own.run(|s| s.outbox_done(&claim, claim.entries.last().unwrap().id)).unwrap();
        }
        sent
    })
    .await;
    if sent.is_empty() {
        return; // in memory there is no second sender
    }
    let waiting = store.outbox_waiting("mlflow").await.unwrap();
    assert!(waiting.is_empty(), "{waiting:?}");
    for sender in &sent {
        for pair in sender.windows(2) {
            let &[earlier, later] = pair else { unreachable!("windows of two") };
            assert!(earlier / 5 != later / 5 || earlier < later, "out of order: {sender:?}");
        }
    }
    let all: Vec<i64> = sent.concat();
    assert_eq!(all.len(), 60, "each once");
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 60);
}

pub(crate) async fn many_starts_make_one_key(store: Store) {
    let made = several(&store, |_, own| {
        own.run(|s| s.create_first_key("first", Role::Admin, "start")).unwrap().is_some()
    })
    .await;
    let wanted = usize::from(!made.is_empty());
    assert_eq!(made.into_iter().filter(|made| *made).count(), wanted);
    assert_eq!(store.keys().await.unwrap().len(), wanted);
}
