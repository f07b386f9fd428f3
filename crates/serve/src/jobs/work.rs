//! A job is done, a batch of rows after the other.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sentimeter_corpus::{Row, Rows, parse_time};
use sentimeter_inference::{Live, Refusal, Scored};
use sentimeter_store::{DAY, Job, JobProgress, StoreError, now};
use sentimeter_text::language::Language;
use tokio::runtime::Handle;

use super::results::{self, Head, Line};
use super::{Desk, LARGER, Options, Summary};
use crate::app::App;
use crate::intake::Incoming;

/// Rows that are read, scored and made durable together: of a model that takes microseconds for one, and of
/// others.
const QUICK: usize = 2048;
const SLOW: usize = 128;

/// Milliseconds for which nobody else takes a job; it is held anew with every batch.
const LEASE: i64 = 5000;

/// How often a job is held anew at the least.
const HOLD: Duration = Duration::from_secs(2);

/// Channels and days that are told apart.
const GROUPS: usize = 50;
const DAYS: usize = 4000;

/// Why a job was not brought to its end.
enum End {
    /// It cannot be; whoever sent it is told why.
    Failed(String),
    /// It is no longer ours: cancelled, erased, taken over.
    Gone,
    /// The server ends.
    Stopped,
    /// The records cannot be written; later, perhaps.
    Records(StoreError),
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Records(error)
    }
}

impl From<std::io::Error> for End {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(format!("its files cannot be used: {error}"))
    }
}

/// Works on the next job; false where there is none.
pub(super) fn next(app: &App, desk: &Desk, handle: &Handle) -> bool {
    let store = &app.inner.store;
    let job = match handle.block_on(store.claim_job(&desk.claim, LEASE)) {
        Ok(Some(job)) => job,
        Ok(None) => return false,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "jobs cannot be looked up");
            return false;
        }
    };
    let id = job.id.clone();
    // A panic over one file must not end all further ones.
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(app, desk, handle, &job)));
    let ended = ended.unwrap_or_else(|_| Err(End::Failed("the server failed on it".to_owned())));
    let noted = match &ended {
        Ok(()) => handle.block_on(store.end_job(&id, &desk.claim, None)).map(drop),
        Err(End::Failed(why)) => handle.block_on(store.end_job(&id, &desk.claim, Some(why))).map(drop),
        Err(End::Stopped) => handle.block_on(store.release_job(&id, &desk.claim)),
        Err(End::Gone) => match handle.block_on(store.job(&id)) {
            // Erased while it was worked on: what was written since goes, too.
            Ok(None) => {
                desk.remove(&id);
                Ok(())
            }
            other => other.map(drop),
        },
        Err(End::Records(_)) => Ok(()),
    };
    let failed = match (&ended, &noted) {
        (Err(End::Records(error)), _) | (_, Err(error)) => Some(error),
        _ => None,
    };
    if let Some(error) = failed {
        tracing::error!(error = error as &dyn std::error::Error, job = id, "a job waits for the records");
        return false;
    }
    true
}

/// Counts what is read.
struct Counted(File, Arc<AtomicU64>);

impl Read for Counted {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(to)?;
        self.1.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

struct Work<'a> {
    app: &'a App,
    desk: &'a Desk,
    handle: &'a Handle,
    job: &'a Job,
    live: Arc<Live>,
    options: Options,
    results: File,
    consumed: Arc<AtomicU64>,
    kept: u64,
    done: u64,
    summary: Summary,
}

fn run(app: &App, desk: &Desk, handle: &Handle, job: &Job) -> Result<(), End> {
    let broken = || End::Failed("what was asked of it cannot be read".to_owned());
    let options: Options = serde_json::from_value(job.options.clone()).map_err(|_| broken())?;
    let live = app.live();
    let named = |reference: &str| handle.block_on(app.inner.shelf.find(reference, &live));
    // Once begun, it ends with the model that it began with; where that is gone, it begins anew.
    let begun = (job.kept > 0 && !job.model.is_empty()).then(|| named(&job.model).ok()).flatten();
    let resumed = begun.is_some();
    let live = match (begun, &options.model) {
        (Some(live), _) => live,
        (None, Some(reference)) => named(reference).map_err(|error| End::Failed(error.to_string()))?,
        (None, None) => live.clone(),
    };
    let place = desk.place(&job.id);
    let consumed = Arc::new(AtomicU64::new(0));
    let counted = consumed.clone();
    let reading = options
        .reading(&app.inner.limits, job.size as u64)
        .map_err(|error| End::Failed(error.to_string()))?;
    let opened = super::open(&place, &job.name, &reading, |file| Box::new(Counted(file, counted)));
    let mut rows = opened.map_err(|error| End::Failed(error.to_string()))?;
    let results =
        File::options().create(true).read(true).write(true).truncate(false).open(place.join("results"))?;
    // Another process that was only slow may still be writing; one that is dead holds nothing.
    if let Err(std::fs::TryLockError::WouldBlock) = results.try_lock() {
        return Err(End::Gone);
    }
    let mut work = Work {
        app,
        desk,
        handle,
        job,
        live,
        options,
        results,
        consumed,
        kept: 0,
        done: 0,
        summary: Summary::default(),
    };
    if resumed {
        work.kept = job.kept as u64;
        work.summary = serde_json::from_value(job.summary.clone()).map_err(|_| broken())?;
    }
    // Lines that the records know nothing of were never said to be there.
    work.results.set_len(work.kept)?;
    work.results.seek(SeekFrom::Start(work.kept))?;
    if !resumed {
        let labels = work.live.model().labels().to_vec();
        let mut head = Vec::new();
        json_line(&mut head, &Head { columns: rows.columns().to_vec(), labels })?;
        work.results.write_all(&head)?;
        work.kept = head.len() as u64;
        work.settle()?;
    } else {
        work.skip(&mut rows, job.rows as u64)?;
    }
    work.all(&mut rows)
}

fn json_line(to: &mut Vec<u8>, value: &impl serde::Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.push(b'\n');
    Ok(())
}

impl Work<'_> {
    /// Makes what is scored durable, and then says so.
    fn settle(&mut self) -> Result<(), End> {
        self.results.sync_data()?;
        let progress = JobProgress {
            consumed: self.consumed.load(Ordering::Relaxed).min(self.job.size as u64) as i64,
            rows: self.done as i64,
            kept: self.kept as i64,
            summary: serde_json::to_value(&self.summary).unwrap_or_default(),
        };
        let held =
            self.app.inner.store.hold_job(&self.job.id, &self.desk.claim, self.live.name(), LEASE, &progress);
        match self.handle.block_on(held)? {
            true => Ok(()),
            false => Err(End::Gone),
        }
    }

    /// Reads over what is scored already.
    fn skip(&mut self, rows: &mut Rows, count: u64) -> Result<(), End> {
        let mut held = Instant::now();
        let mut left = count;
        while left > 0 {
            let batch = rows.batch(left.min(QUICK as u64) as usize);
            let batch = batch.map_err(|error| End::Failed(error.to_string()))?;
            if batch.is_empty() {
                return Err(End::Failed("its file is shorter than it was".to_owned()));
            }
            left -= batch.len() as u64;
            if held.elapsed() > HOLD {
                self.done = count;
                self.settle()?;
                held = Instant::now();
            }
            if self.desk.is_stopped() {
                return Err(End::Stopped);
            }
        }
        self.done = count;
        Ok(())
    }

    fn all(&mut self, rows: &mut Rows) -> Result<(), End> {
        let size = if self.live.is_quick() { QUICK } else { SLOW };
        loop {
            if self.desk.is_stopped() {
                return Err(End::Stopped);
            }
            let batch = rows.batch(size).map_err(|error| End::Failed(error.to_string()))?;
            if batch.is_empty() {
                return self.settle();
            }
            self.batch(rows, batch)?;
        }
    }

    fn score(&self, texts: Vec<String>) -> Result<Vec<Arc<Scored>>, End> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let scored = self.app.inner.engine.score_later(&self.live, texts.into());
        self.handle.block_on(scored).map_err(|refusal| match refusal {
            Refusal::Closed => End::Stopped,
            refusal => End::Failed(refusal.to_string()),
        })
    }

    fn batch(&mut self, rows: &Rows, batch: Vec<Row>) -> Result<(), End> {
        let sound = |row: &Row| row.fault.is_none() && !row.text.trim().is_empty();
        let texts = batch.iter().filter(|row| sound(row)).map(|row| row.text.clone()).collect();
        let mut scored = self.score(texts)?.into_iter();
        let (mut lines, mut items) = (Vec::new(), Vec::new());
        for row in batch {
            let found = if sound(&row) { scored.next() } else { None };
            match (&found, &row.fault) {
                (None, Some(_)) => self.summary.broken += 1,
                (None, None) => self.summary.empty += 1,
                _ => {}
            }
            let made = found.map(|found| self.made(rows, &row, &found, &mut items));
            let line = Line {
                line: row.line,
                fields: row.fields.iter().map(str::to_owned).collect(),
                json: row.json,
                fault: row.fault,
                scored: made,
            };
            json_line(&mut lines, &line)?;
            self.done += 1;
        }
        if !items.is_empty() {
            let kept = self.handle.block_on(self.app.inner.keeper.keep(items));
            let new = kept.map_err(|problem| End::Failed(problem.detail().to_owned()))?;
            self.summary.kept += new.iter().filter(|new| **new).count() as i64;
        }
        let most = self.app.inner.limits.upload_bytes.saturating_mul(2 * LARGER);
        if self.kept + lines.len() as u64 > most {
            let why = format!("what comes of it is larger than {most} bytes; send it in parts");
            return Err(End::Failed(why));
        }
        self.results.write_all(&lines)?;
        self.kept += lines.len() as u64;
        self.settle()
    }

    /// What is made of a row; it is added up, and kept where that was asked.
    fn made(
        &mut self,
        rows: &Rows,
        row: &Row,
        found: &Scored,
        items: &mut Vec<sentimeter_store::Item>,
    ) -> results::Scored {
        let (app, live) = (self.app, self.live.clone());
        let keeper = &app.inner.keeper;
        let beside = rows.beside(row);
        let stated = beside.language.and_then(|code| code.get(..2)?.to_ascii_lowercase().parse().ok());
        let language: Language = stated.unwrap_or(found.language.language);
        let (top, confidence) = found.top();
        let label = live.model().labels().get(top).cloned().unwrap_or_default();
        let short =
            |word: &str, most: usize| word.trim().chars().filter(|c| !c.is_control()).take(most).collect();
        let time = beside.time.and_then(parse_time).filter(|time| (0..=now() + DAY).contains(time));
        let channel: String = beside.channel.map_or_else(String::new, |channel| short(channel, 60));
        let author: Option<String> = beside.author.map(|author| short(author, 200));
        let author = author.filter(|author: &String| !author.is_empty());
        live.count(Some(top), language);
        let add = |groups: &mut BTreeMap<String, BTreeMap<String, i64>>, name: &str| {
            let name = if groups.len() >= GROUPS && !groups.contains_key(name) { "…" } else { name };
            *groups.entry(name.to_owned()).or_default().entry(label.clone()).or_default() += 1;
        };
        let summary = &mut self.summary;
        *summary.labels.entry(label.clone()).or_default() += 1;
        add(&mut summary.languages, language.code());
        if !channel.is_empty() {
            add(&mut summary.channels, &channel);
        }
        if let Some(day) = time.map(|time| time.div_euclid(DAY))
            && (summary.days.len() < DAYS || summary.days.contains_key(&day))
        {
            *summary.days.entry(day).or_default().entry(label.clone()).or_default() += 1;
        }
        let text_hash = keeper.text_hash(&row.text);
        if self.options.items {
            // The same row twice, by the file's own ids or by its place in this job, is one item.
            let (source, external) = match beside.id.map(|id| short(id, 200)) {
                Some(id) if !String::is_empty(&id) => ("file".to_owned(), id),
                _ => (
                    format!("job {}", &self.job.id[..8.min(self.job.id.len())]),
                    format!("{}:{}", self.job.id, row.line),
                ),
            };
            let incoming = Incoming {
                source,
                external: Some(external),
                text: row.text.clone(),
                language: Some(language),
                channel,
                author: author.clone(),
                time,
            };
            items.push(keeper.item(app, &live, incoming, found, language, None));
        }
        results::Scored {
            label,
            language: language.code().to_owned(),
            confidence,
            probabilities: found.probabilities.to_vec(),
            text_hash,
            author: author.map(|author| keeper.author(&author)),
        }
    }
}
