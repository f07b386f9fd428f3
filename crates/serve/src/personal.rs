//! What is known of a person wherever a server keeps it, and its end: on request, and by age.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use sentimeter_store::{DAY, Erased, Known, Store, StoreError, now};

use crate::app::App;
use crate::jobs::{self, MOST, folder, holds};

/// How often it is looked what is old.
const OFTEN: Duration = Duration::from_secs(3600);

/// How often it is looked whether somebody was erased by another process.
const LOOK: Duration = Duration::from_secs(2);

/// What is known of a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What stands for them in the records: the name, and its keyed hash.
    pub names: [String; 2],
    /// What the records hold.
    pub known: Known,
    /// Jobs whose results hold a row of theirs.
    pub jobs: Vec<String>,
    /// Jobs that are not over: what is in their files is not known yet.
    pub unfinished: usize,
}

/// What went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gone {
    /// Of the records.
    pub records: Erased,
    /// Jobs, with their files.
    pub jobs: usize,
}

/// Finds what is known of `author`: items, reports, predictions, jobs, and the runs and models that learned from it.
///
/// # Errors
/// A database that cannot be read.
pub async fn find(store: &Store, author: &str) -> Result<Found, StoreError> {
    let key = store.text_key().await?;
    let names = [author.trim().to_owned(), Store::author_hash(&key, author)];
    let known = store.known_of(&names).await?;
    let hashes: BTreeSet<String> = known.items.iter().map(|item| item.text_hash.clone()).collect();
    let all = store.jobs(None, MOST).await?;
    let unfinished = all.iter().filter(|job| !job.status.is_over()).count();
    let looking: Vec<(String, PathBuf, i64)> =
        all.into_iter().map(|job| (job.id.clone(), folder(store.home()).join(job.id), job.kept)).collect();
    let looked = tokio::task::spawn_blocking({
        let names = names.to_vec();
        move || -> io::Result<Vec<String>> {
            let mut found = Vec::new();
            for (id, place, kept) in looking {
                if holds(&place, kept, &names, &hashes)? {
                    found.push(id);
                }
            }
            Ok(found)
        }
    });
    let cannot = |source: io::Error| StoreError::Io { doing: "read", path: folder(store.home()), source };
    let jobs = match looked.await {
        Ok(found) => found.map_err(cannot)?,
        Err(_) => return Err(cannot(io::Error::other("it was broken off"))),
    };
    Ok(Found { names, known, jobs, unfinished })
}

/// Erases what was [found](find), in the name of `who`; the audit log tells of it, without the name. Jobs go as a
/// whole, with all of their rows. A server that runs forgets what it remembers of answers within two seconds.
///
/// # Errors
/// A database or a folder that cannot be written.
pub async fn erase(store: &Store, found: &Found, who: &str) -> Result<Gone, StoreError> {
    for id in &found.jobs {
        store.remove_job(id).await?;
        let place = folder(store.home()).join(id);
        match std::fs::remove_dir_all(&place) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::Io { doing: "remove", path: place, source });
            }
            _ => {}
        }
    }
    let records = store.erase(&found.known, &found.names, who, &found.names[1]).await?;
    Ok(Gone { records, jobs: found.jobs.len() })
}

/// Erases what is older than `days`, now and every hour; and forgets remembered answers when something was erased
/// by another process. Never ends.
pub async fn retain(app: App, days: Option<u32>) {
    let store = app.inner.store.clone();
    let mut seen = store.count_erasures().await.ok();
    let mut looked: Option<tokio::time::Instant> = None;
    loop {
        let due = looked.is_none_or(|at| at.elapsed() >= OFTEN);
        if due {
            looked = Some(tokio::time::Instant::now());
            if let Err(error) = jobs::remove_orphans(&app).await {
                tracing::error!(error = &error as &dyn std::error::Error, "lost uploads are not removed");
            }
        }
        if let Some(days) = days.filter(|_| due) {
            let before = now() - i64::from(days) * DAY;
            let erased = store.erase_before(before, "server").await;
            let jobs = jobs::remove_before(&app, before).await;
            match (&erased, &jobs) {
                (Ok(erased), Ok(jobs)) if *erased != Erased::default() || *jobs > 0 => {
                    tracing::info!(
                        items = erased.items,
                        reports = erased.reports,
                        predictions = erased.predictions,
                        jobs,
                        "what was too old is erased"
                    );
                }
                (Err(error), _) | (_, Err(error)) => {
                    tracing::error!(error = error as &dyn std::error::Error, "what is too old is not erased");
                }
                _ => {}
            }
        }
        tokio::time::sleep(LOOK).await;
        let erasures = store.count_erasures().await.ok();
        if erasures != seen {
            app.inner.engine.forget();
            seen = erasures;
        }
    }
}
