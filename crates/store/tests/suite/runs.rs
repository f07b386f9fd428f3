//! Runs and what they record.

use sentimeter_store::{
    Artifact, Input, Metric, NewRun, Origin, RunFilter, RunId, Status, Store, StoreError, Write,
};

pub(crate) fn new(kind: &str) -> NewRun {
    let origin = Origin {
        user: "ada".to_owned(),
        host: "desk".to_owned(),
        pid: 7,
        process_start: 99,
        git_commit: Some("abc".to_owned()),
        git_dirty: Some(true),
        code: "0.1.0".to_owned(),
        command: "sentimeter train".to_owned(),
    };
    NewRun { origin, plan: "seed = 1\n".to_owned(), seed: Some(u64::MAX), ..NewRun::new(kind) }
}

pub(crate) async fn started(store: &Store, kind: &str) -> RunId {
    let run = new(kind);
    store.apply(&[Write::Start(Box::new(run.clone()))]).await.unwrap();
    run.id
}

fn metric(name: &str, step: i64, value: f64) -> Metric {
    Metric { name: name.to_owned(), step, time: 5, value }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) async fn a_run_from_start_to_end(store: Store) {
    let new = new("train");
    let id = new.id.clone();
    let input = Input {
        role: "train".to_owned(),
        name: "voices".to_owned(),
        snapshot: Some("voices@0123".to_owned()),
        hash: "0123".to_owned(),
        rows: Some(450),
        ..Input::default()
    };
    let file = Artifact {
        path: "report/index.html".to_owned(),
        hash: "ab".to_owned(),
        size: 12,
        media: "text/html".to_owned(),
    };
    let run = || id.clone();
    store
        .apply(&[
            Write::Start(Box::new(new.clone())),
            Write::Inputs { run: run(), inputs: vec![input.clone()] },
            Write::Params { run: run(), params: pairs(&[("logistic.c", "1.5"), ("seed", "0")]) },
            Write::Tags { run: run(), tags: pairs(&[("team", "cx")]) },
            Write::Metrics { run: run(), metrics: vec![metric("loss", 1, 0.5), metric("loss", 2, 0.25)] },
            Write::Artifacts { run: run(), artifacts: vec![file.clone()] },
            Write::Data { run: run(), data_hash: Some("d".to_owned()), split_hash: None },
            Write::Data { run: run(), data_hash: None, split_hash: Some("s".to_owned()) },
        ])
        .await
        .unwrap();
    let running = store.run(&id).await.unwrap();
    assert_eq!((running.status, running.ended, running.seed), (Status::Running, None, Some(u64::MAX)));
    assert_eq!((&running.origin, &running.plan, running.parent), (&new.origin, &new.plan, None));
    assert_eq!((running.data_hash.as_deref(), running.split_hash.as_deref()), (Some("d"), Some("s")));
    assert_eq!(store.inputs(&id).await.unwrap(), [input]);
    assert_eq!(store.params(&id).await.unwrap()["logistic.c"], "1.5");
    assert_eq!(store.tags(&id).await.unwrap()["team"], "cx");
    assert_eq!(store.metrics(&id).await.unwrap(), [metric("loss", 1, 0.5), metric("loss", 2, 0.25)]);
    assert_eq!(store.last_metrics(std::slice::from_ref(&id)).await.unwrap()[&id]["loss"], 0.25);
    assert_eq!(store.artifacts(&id).await.unwrap(), [file]);

    let end = |status, at, error: Option<&str>| Write::Finish {
        run: run(),
        status,
        at,
        error: error.map(str::to_owned),
    };
    store.apply(&[end(Status::Failed, running.started + 10, Some("no data"))]).await.unwrap();
    // The end is the end.
    store.apply(&[end(Status::Finished, 1, None), Write::Heartbeat { run: run(), at: 2 }]).await.unwrap();
    let ended = store.run(&id).await.unwrap();
    assert_eq!((ended.status, ended.ended), (Status::Failed, Some(running.started + 10)));
    assert_eq!(ended.error.as_deref(), Some("no data"));
}

pub(crate) async fn events_are_all_or_none_and_may_come_twice(store: Store) {
    let run = new("train");
    let id = run.id.clone();
    let nobody = RunId::at(1);
    let half = [
        Write::Start(Box::new(run.clone())),
        Write::Metrics { run: nobody, metrics: vec![metric("loss", 1, 1.0)] },
    ];
    assert!(store.apply(&half).await.is_err(), "a metric of a run that never started");
    assert!(matches!(store.run(&id).await, Err(StoreError::Missing { .. })));

    let whole = [
        Write::Start(Box::new(run)),
        Write::Metrics { run: id.clone(), metrics: vec![metric("loss", 1, 1.0), metric("loss", 1, 2.0)] },
        Write::Params { run: id.clone(), params: pairs(&[("a", "1"), ("a", "2")]) },
    ];
    store.apply(&whole).await.unwrap();
    store.apply(&whole).await.unwrap();
    store.apply(&[]).await.unwrap();
    assert_eq!(store.metrics(&id).await.unwrap(), [metric("loss", 1, 2.0)]);
    assert_eq!(store.params(&id).await.unwrap()["a"], "2");
}

pub(crate) async fn numbers_that_are_none_come_back(store: Store) {
    let id = started(&store, "train").await;
    let values = [0.0, -0.0, 1.0, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, 0.1 + 0.2];
    let mut metrics: Vec<Metric> = (0..).zip(values).map(|(i, value)| metric("m", i, value)).collect();
    metrics.push(metric("m", i64::MAX, f64::NAN));
    store.apply(&[Write::Metrics { run: id.clone(), metrics }]).await.unwrap();
    let back = store.metrics(&id).await.unwrap();
    let bits: Vec<u64> = back.iter().map(|m| m.value.to_bits()).collect();
    // SQLite keeps a whole number as one, which has no negative zero.
    for (got, want) in back.iter().zip(values) {
        assert!(got.value == want, "{} is not {want}", got.value);
    }
    assert!(back[values.len()].value.is_nan(), "{bits:?}");
    assert!(store.last_metrics(std::slice::from_ref(&id)).await.unwrap()[&id]["m"].is_nan());
}

pub(crate) async fn runs_are_found_as_people_name_them(store: Store) {
    let none = store.find_run("latest").await.unwrap_err().to_string();
    assert!(none.contains("nothing has been recorded"), "{none}");
    let first = started(&store, "train").await;
    let search = started(&store, "search").await;
    let part = NewRun { parent: Some(search.clone()), name: "50%_c\\".to_owned(), ..new("candidate") };
    store.apply(&[Write::Start(Box::new(part.clone()))]).await.unwrap();
    let nickname = first.nickname();
    let tail = &first.as_str()[first.as_str().len() - 8..];
    for (reference, want) in [
        (first.as_str(), &first),
        (&nickname, &first),
        (tail, &first),
        ("latest", &search),
        ("50%_c\\", &part.id),
    ] {
        assert_eq!(&store.find_run(reference).await.unwrap().id, want, "{reference}");
    }
    assert!(matches!(
        store.find_run(&first.as_str()[..4]).await,
        Err(StoreError::Ambiguous { count: 3, .. })
    ));
    // Neither a pattern nor the empty word fits everything.
    for reference in ["%%%%", "____", "", "nobody", "x\0y"] {
        assert!(matches!(store.find_run(reference).await, Err(StoreError::Missing { .. })), "{reference:?}");
    }
}

pub(crate) async fn lists_are_filtered(store: Store) {
    let mut ids = Vec::new();
    for n in 0..6_i64 {
        let run = NewRun {
            started: 1000 + n,
            name: format!("Run_{n}"),
            parent: if n == 5 { Some(RunId::clone(&ids[0])) } else { None },
            ..new(if n % 2 == 0 { "train" } else { "evaluate" })
        };
        let input = |snapshot: &str| Input {
            role: "train".to_owned(),
            snapshot: Some(snapshot.to_owned()),
            ..Input::default()
        };
        let snapshot = if n < 3 { "voices@0123" } else { "voices2@4567" };
        store
            .apply(&[
                Write::Start(Box::new(run.clone())),
                Write::Inputs { run: run.id.clone(), inputs: vec![input(snapshot)] },
            ])
            .await
            .unwrap();
        ids.push(run.id);
    }
    let end = Write::Finish { run: ids[2].clone(), status: Status::Finished, at: 2000, error: None };
    store.apply(&[end]).await.unwrap();
    let all = RunFilter::default;
    for (filter, want) in [
        (all(), vec![5, 4, 3, 2, 1, 0]),
        (RunFilter { limit: Some(2), ..all() }, vec![5, 4]),
        (RunFilter { status: Some(Status::Finished), ..all() }, vec![2]),
        (RunFilter { kind: Some("train".to_owned()), until: Some(1004), ..all() }, vec![2, 0]),
        (RunFilter { since: Some(1004), ..all() }, vec![5, 4]),
        (RunFilter { parent: Some(ids[0].clone()), ..all() }, vec![5]),
        (RunFilter { top: true, since: Some(1004), ..all() }, vec![4]),
        (RunFilter { name: Some("RUN_3".to_owned()), ..all() }, vec![3]),
        (RunFilter { name: Some("%".to_owned()), ..all() }, vec![]),
        (RunFilter { data: Some("voices".to_owned()), ..all() }, vec![2, 1, 0]),
        (RunFilter { data: Some("voices2@45".to_owned()), ..all() }, vec![5, 4, 3]),
    ] {
        let found = store.runs(&filter).await.unwrap();
        let found: Vec<usize> =
            found.iter().map(|run| ids.iter().position(|id| *id == run.id).unwrap()).collect();
        assert_eq!(found, want, "{filter:?}");
    }
}

pub(crate) async fn many_values_in_one_go(store: Store) {
    let id = started(&store, "train").await;
    let metrics: Vec<Metric> = (0..5_000).map(|n| metric(&format!("m{}", n % 7), n, n as f64)).collect();
    let params = (0..1_200).map(|n| (format!("p{n}"), "x".repeat(n))).collect();
    let batch = [Write::Metrics { run: id.clone(), metrics }, Write::Params { run: id.clone(), params }];
    store.apply(&batch).await.unwrap();
    assert_eq!(store.metrics(&id).await.unwrap().len(), 5_000);
    assert_eq!(store.params(&id).await.unwrap()["p1199"].len(), 1199);
    let mut many = Vec::new();
    for _ in 0..700 {
        many.push(started(&store, "candidate").await);
    }
    many.push(id.clone());
    assert_eq!(store.last_metrics(&many).await.unwrap()[&id].len(), 7);
}

pub(crate) async fn killed_runs_revive(store: Store) {
    let id = started(&store, "train").await;
    let seen = store.run(&id).await.unwrap().heartbeat;
    store.apply(&[Write::Heartbeat { run: id.clone(), at: seen + 5 }]).await.unwrap();
    assert!(!store.mark_killed(&id, seen).await.unwrap(), "it has given a sign of life since");
    assert!(store.mark_killed(&id, seen + 5).await.unwrap());
    let killed = store.run(&id).await.unwrap();
    assert_eq!((killed.status, killed.ended), (Status::Killed, Some(seen + 5)));
    // A machine that slept wakes up.
    store.apply(&[Write::Heartbeat { run: id.clone(), at: seen + 9 }]).await.unwrap();
    let alive = store.run(&id).await.unwrap();
    assert_eq!((alive.status, alive.ended, alive.heartbeat), (Status::Running, None, seen + 9));
}

pub(crate) async fn deleting_takes_parts_along(store: Store) {
    let search = started(&store, "search").await;
    let part = NewRun { parent: Some(search.clone()), ..new("candidate") };
    let other = started(&store, "train").await;
    store
        .apply(&[
            Write::Start(Box::new(part.clone())),
            Write::Metrics { run: part.id.clone(), metrics: vec![metric("loss", 0, 1.0)] },
            Write::Outbox { sink: "mlflow".to_owned(), run: part.id.clone(), payload: serde_json::json!({}) },
        ])
        .await
        .unwrap();
    store.delete_run(&search).await.unwrap();
    assert_eq!(store.runs(&RunFilter::default()).await.unwrap().len(), 1);
    assert!(store.metrics(&part.id).await.unwrap().is_empty());
    assert!(store.outbox_waiting("mlflow").await.unwrap().is_empty());
    assert!(store.run(&other).await.is_ok());
    assert!(matches!(store.delete_run(&search).await, Err(StoreError::Missing { .. })));
}

pub(crate) async fn any_text_comes_back(store: Store) {
    let id = started(&store, "train").await;
    let texts = ["", "o'clock; DROP TABLE runs; --", "où ça ? 😀 شكرا", "a\u{1b}[31m\r\n\t\\", "$1 ? :x @y"];
    let tags: Vec<(String, String)> = texts.iter().map(|t| (format!("t{t}"), (*t).to_owned())).collect();
    store.apply(&[Write::Tags { run: id.clone(), tags: tags.clone() }]).await.unwrap();
    assert_eq!(store.tags(&id).await.unwrap(), tags.into_iter().collect());
    // PostgreSQL has no NUL; neither refuses one.
    store.apply(&[Write::Tags { run: id.clone(), tags: pairs(&[("nul", "a\0b")]) }]).await.unwrap();
    assert_eq!(store.tags(&id).await.unwrap()["nul"], "a\u{fffd}b");
}
