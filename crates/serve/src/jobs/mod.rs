//! Files that are scored: taken in on disk, worked on one after the other behind everything else, given back.
//!
//! A job's upload and its results lie in the home under `jobs/ID`. What is scored is durable before the records say
//! so: whoever comes after a kill cuts the results to what the records say, and goes on from there.

mod results;
mod upload;
mod work;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use std::collections::BTreeMap;

use sentimeter_corpus::{CorpusError, Limits as ReadLimits, Mapping, ReadOptions, Rows, stream};
use sentimeter_store::{Job, JobStatus, StoreError, now};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::problem::Problem;
use crate::settings::Limits;

pub(crate) use results::{download, holds};
pub(crate) use upload::{Received, receive};

/// Jobs that are not over, at a time.
const WAITING: i64 = 100;

/// Jobs that are looked at together.
pub(crate) const MOST: u32 = 100_000;

/// How much larger than `--max-upload` a packed file may be; what comes of any file, twice that.
pub(crate) const LARGER: u64 = 16;

/// How much larger than itself a packed file may be: tables of texts pack to a tenth; what packs to less than a
/// hundredth was made to fill disks. Small ones may have a little more.
const RATIO: u64 = 100;
const SLACK: u64 = 16 << 20;

/// Rows that are shown before a file is scored.
const SHOWN: usize = 5;

/// What is asked of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Options {
    /// `csv`, `jsonl`, …; guessed otherwise.
    pub(crate) format: Option<String>,
    /// Columns, by name or number; guessed otherwise.
    pub(crate) text: Vec<String>,
    pub(crate) id: Option<String>,
    pub(crate) time: Option<String>,
    pub(crate) author: Option<String>,
    /// A column, or the channel itself.
    pub(crate) channel: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) delimiter: Option<String>,
    pub(crate) encoding: Option<String>,
    /// Whether the rows are kept as items, too.
    pub(crate) items: bool,
    /// `NAME@VERSION`, …; the live one otherwise.
    pub(crate) model: Option<String>,
}

impl Options {
    /// How the file is read, which lies on disk in `size` bytes.
    pub(crate) fn reading(&self, limits: &Limits, size: u64) -> Result<ReadOptions, CorpusError> {
        let unpacked = size.saturating_mul(RATIO).saturating_add(SLACK);
        let reading = ReadLimits {
            bytes: unpacked.min(limits.upload_bytes.saturating_mul(LARGER)),
            text_chars: limits.characters,
            record_bytes: 1 << 20,
            whole_bytes: limits.upload_bytes.min(256 << 20),
            ..ReadLimits::default()
        };
        // What looks like a label is a column like any other: here texts get theirs.
        let label = Some("=none".to_owned());
        let mut options = ReadOptions { limits: reading, label, ..ReadOptions::default() };
        let given = [
            ("format", &self.format),
            ("id", &self.id),
            ("time", &self.time),
            ("author", &self.author),
            ("channel", &self.channel),
            ("language", &self.language),
            ("delimiter", &self.delimiter),
            ("encoding", &self.encoding),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                options.set(name, value)?;
            }
        }
        options.text.clone_from(&self.text);
        Ok(options)
    }
}

/// What a file's rows add up to, as far as they are scored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Summary {
    /// Rows that cannot be read as rows of the file.
    pub(crate) broken: i64,
    /// Rows without a text.
    pub(crate) empty: i64,
    /// Rows that are kept as items and were not there before.
    pub(crate) kept: i64,
    pub(crate) labels: BTreeMap<String, i64>,
    pub(crate) languages: BTreeMap<String, BTreeMap<String, i64>>,
    /// By channel, where it is known; many are one.
    pub(crate) channels: BTreeMap<String, BTreeMap<String, i64>>,
    /// By day since 1970, where it is known.
    pub(crate) days: BTreeMap<i64, BTreeMap<String, i64>>,
}

/// The first rows of a file, and what its columns were taken for.
pub(crate) struct Preview {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) mapping: Mapping,
    pub(crate) format: String,
}

/// Works on jobs, on a thread of its own.
pub(crate) struct Desk {
    folder: PathBuf,
    /// Nobody else's.
    claim: String,
    stop: AtomicBool,
    news: Mutex<bool>,
    told: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Desk {
    pub(crate) fn new(home: &Path) -> Arc<Self> {
        Arc::new(Self {
            folder: folder(home),
            claim: sentimeter_store::unique(),
            stop: AtomicBool::new(false),
            news: Mutex::new(false),
            told: Condvar::new(),
            thread: Mutex::default(),
        })
    }

    /// Starts the thread; it ends with the app, or when it is told to.
    pub(crate) fn start(self: &Arc<Self>, app: &App) -> std::io::Result<()> {
        let (desk, weak) = (self.clone(), Arc::downgrade(&app.inner));
        let handle = tokio::runtime::Handle::current();
        let thread = std::thread::Builder::new().name("jobs".to_owned()).spawn(move || {
            while !desk.is_stopped() {
                let Some(inner) = weak.upgrade() else { return };
                let more = work::next(&App { inner }, &desk, &handle);
                if !more {
                    desk.wait();
                }
            }
        })?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Where a job's files are.
    pub(crate) fn place(&self, id: &str) -> PathBuf {
        self.folder.join(id)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Says that there may be a job to work on.
    pub(crate) fn wake(&self) {
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    /// Waits for news, a few seconds at the most: a job of another process may have been left.
    fn wait(&self) {
        let news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(news, Duration::from_secs(2), |news| !*news);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }

    /// Ends the thread after the rows that it has; the job goes on at the next start. Blocks.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.wake();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It panicked: its job's claim runs out, and somebody else takes it.
            drop(thread.join());
        }
    }

    /// Removes a job's files; those of one that is worked on end with it.
    pub(crate) fn remove(&self, id: &str) {
        match std::fs::remove_dir_all(self.place(id)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::error!(%error, job = id, "a job's files are not removed");
            }
            _ => {}
        }
    }
}

/// Where the files of all jobs are.
pub(crate) fn folder(home: &Path) -> PathBuf {
    home.join("jobs")
}

/// A name that nobody guesses: whoever has no key sees a job by its name alone.
pub(crate) fn name() -> String {
    format!("{}{}", sentimeter_store::unique(), sentimeter_store::unique())
}

/// Opens a job's upload, to be read row by row.
pub(crate) fn open(
    place: &Path,
    name: &str,
    options: &ReadOptions,
    wrap: impl FnOnce(std::fs::File) -> Box<dyn std::io::Read + Send>,
) -> Result<Rows, CorpusError> {
    let path = place.join("upload");
    let file =
        std::fs::File::open(&path).map_err(|source| CorpusError::Io { doing: "open", path, source })?;
    stream(wrap(file), name, options)
}

/// Looks at the first rows of an upload.
pub(crate) fn preview(
    place: &Path,
    name: &str,
    options: &Options,
    limits: &Limits,
) -> Result<Preview, CorpusError> {
    let size = std::fs::metadata(place.join("upload")).map_or(0, |found| found.len());
    let mut rows = open(place, name, &options.reading(limits, size)?, |file| Box::new(file))?;
    let found = rows.batch(SHOWN)?;
    let cells = |row: &sentimeter_corpus::Row| row.fields.iter().map(str::to_owned).collect();
    Ok(Preview {
        columns: rows.columns().to_vec(),
        rows: found.iter().map(cells).collect(),
        mapping: rows.mapping(),
        format: rows.format().to_string(),
    })
}

/// What is wrong with a file, for whoever sent it.
pub(crate) fn unreadable(error: &CorpusError) -> Problem {
    let field = match error {
        CorpusError::NoText { .. } => "text",
        CorpusError::Option(_) => "format",
        _ => "file",
    };
    Problem::field(field, error.to_string())
}

/// Notes a job over a file that is there; it waits for its turn, unless it is a draft. What can be known to be
/// wrong with it is said now.
pub(crate) async fn submit(
    app: &App,
    received: Received,
    owner: &str,
    options: Options,
    draft: bool,
) -> Result<(Job, Preview), Problem> {
    if app.inner.store.count_jobs().await? >= WAITING {
        return Err(Problem::busy(format!("{WAITING} files wait already"), 60));
    }
    let limits = app.inner.limits;
    let (place, file) = (received.place().to_owned(), received.name.clone());
    let looked = {
        let options = options.clone();
        tokio::task::spawn_blocking(move || preview(&place, &file, &options, &limits)).await
    };
    let preview = looked.map_err(|_| Problem::internal())?.map_err(|error| unreadable(&error))?;
    let job = Job {
        id: received.id.clone(),
        owner: owner.to_owned(),
        name: received.name.clone(),
        status: if draft { JobStatus::Draft } else { JobStatus::Queued },
        options: serde_json::to_value(&options).map_err(|_| Problem::internal())?,
        model: String::new(),
        created: now(),
        started: None,
        ended: None,
        size: received.size as i64,
        consumed: 0,
        rows: 0,
        kept: 0,
        summary: serde_json::to_value(Summary::default()).map_err(|_| Problem::internal())?,
        error: None,
    };
    app.inner.store.add_job(&job).await?;
    received.keep();
    app.inner.desk.wake();
    Ok((job, preview))
}

/// Ends and forgets jobs that came before `before`, and their files. Gives how many.
///
/// # Errors
/// A database that cannot be written.
pub(crate) async fn remove_before(app: &App, before: i64) -> Result<usize, StoreError> {
    let mut gone = 0;
    for job in app.inner.store.jobs(None, MOST).await?.into_iter().filter(|job| job.created < before) {
        app.inner.store.remove_job(&job.id).await?;
        app.inner.desk.remove(&job.id);
        gone += 1;
    }
    Ok(gone)
}

/// Removes drafts that nobody has started for a day, and files of uploads that never became a job: whoever took
/// them in was killed. Those of today may still be coming.
pub(crate) async fn remove_orphans(app: &App) -> Result<usize, StoreError> {
    let yesterday = now() - sentimeter_store::DAY;
    for job in app.inner.store.jobs(None, MOST).await? {
        if job.status == JobStatus::Draft && job.created < yesterday {
            app.inner.store.remove_job(&job.id).await?;
            app.inner.desk.remove(&job.id);
        }
    }
    let folder = app.inner.desk.folder.clone();
    let old = |entry: &std::fs::DirEntry| {
        let modified = entry.metadata().and_then(|found| found.modified()).ok();
        modified.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > Duration::from_secs(24 * 3600))
    };
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(0) };
    let mut gone = 0;
    for entry in entries.flatten().filter(old) {
        let Some(id) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if app.inner.store.job(&id).await?.is_none() {
            app.inner.desk.remove(&id);
            gone += 1;
        }
    }
    Ok(gone)
}
