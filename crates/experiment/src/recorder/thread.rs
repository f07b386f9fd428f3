//! The thread that writes: events in groups, files side by side, signs of life in between.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use sentimeter_store::{
    Artifact, Blocking, Database, Input, Origin, RunFilter, RunId, Source, Status, StoreError, Write, now,
};

use super::origin::{host, origin, process_is_alive};
use super::{File, Message, Mirror};

/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Milliseconds without a sign of life after which a run on another machine counts as killed.
const SILENCE: i64 = 60_000;

/// Before what could not be written is tried once more.
const PAUSE: Duration = Duration::from_millis(300);

/// Events that are written in one go at the most.
const GROUP: usize = 10_000;

pub(super) struct Worker {
    messages: Receiver<Message>,
    mirror: Option<Mirror>,
    /// Runs that are under way.
    alive: BTreeSet<RunId>,
    /// Whether everything so far is durable.
    sound: bool,
    warned: bool,
    origin: Option<Origin>,
}

impl Worker {
    pub(super) fn new(messages: Receiver<Message>, mirror: Option<Mirror>) -> Self {
        Self { messages, mirror, alive: BTreeSet::new(), sound: true, warned: false, origin: None }
    }

    pub(super) fn work(mut self, home: &Path, database: &Database) {
        let store = match Blocking::open(home, database) {
            Ok(store) => store,
            Err(error) => {
                self.fail(&error);
                return self.decline();
            }
        };
        let mut reaped = false;
        let mut beat = Instant::now() + HEARTBEAT;
        loop {
            let message = match self.messages.recv_timeout(beat.saturating_duration_since(Instant::now())) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut pending = Vec::new();
            let mut next = message;
            while let Some(message) = next.take() {
                self.take(&store, message, &mut pending);
                if pending.len() < GROUP {
                    next = self.messages.try_recv().ok();
                }
            }
            self.apply(&store, &mut pending);
            if !reaped {
                // Behind the first events: nobody waits for it.
                reaped = true;
                if let Err(error) = reap(&store) {
                    tracing::debug!("runs of other processes were not looked after: {error}");
                }
            }
            if Instant::now() >= beat {
                beat = Instant::now() + HEARTBEAT;
                let at = now();
                let mut signs: Vec<Write> =
                    self.alive.iter().map(|run| Write::Heartbeat { run: run.clone(), at }).collect();
                self.apply(&store, &mut signs);
            }
        }
    }

    /// Says to everybody that nothing is recorded.
    fn decline(self) {
        while let Ok(message) = self.messages.recv() {
            match message {
                Message::Settle(tell) => {
                    let _ = tell.send(false);
                }
                Message::Store(tell) => drop(tell.send(None)),
                _ => {}
            }
        }
    }

    fn take(&mut self, store: &Blocking, message: Message, pending: &mut Vec<Write>) {
        match message {
            Message::Start(mut run) => {
                if run.origin == Origin::default() {
                    run.origin = self.origin.get_or_insert_with(origin).clone();
                }
                self.alive.insert(run.id.clone());
                pending.push(Write::Start(run));
            }
            Message::Write(writes) => {
                for write in &writes {
                    if let Write::Finish { run, .. } = write {
                        self.alive.remove(run);
                    }
                }
                pending.extend(writes);
            }
            Message::Files(run, files) => match artifacts(store, &files) {
                Ok(artifacts) => pending.push(Write::Artifacts { run, artifacts }),
                Err(error) => self.fail(&error),
            },
            Message::Inputs(run, mut inputs) => {
                inputs.iter_mut().for_each(fingerprint);
                pending.push(Write::Inputs { run, inputs });
            }
            Message::Interrupted => {
                let at = now();
                let killed = std::mem::take(&mut self.alive).into_iter().map(|run| {
                    let error = Some("interrupted".to_owned());
                    Write::Finish { run, status: Status::Killed, at, error }
                });
                pending.extend(killed);
            }
            Message::Settle(tell) => {
                self.apply(store, pending);
                // Who no longer waits has been killed or lost patience.
                let _ = tell.send(self.sound);
            }
            Message::Store(tell) => drop(tell.send(Some(store.clone()))),
        }
    }

    fn apply(&mut self, store: &Blocking, pending: &mut Vec<Write>) {
        let mut writes = std::mem::take(pending);
        if let Some(mirror) = &self.mirror {
            // In one transaction: what is recorded will be sent, and nothing else.
            writes = writes
                .into_iter()
                .flat_map(|w| {
                    let sent = mirror(&w);
                    std::iter::once(w).chain(sent)
                })
                .collect();
        }
        if writes.is_empty() {
            return;
        }
        let mut written = store.run(|s| s.apply(&writes));
        if let Err(StoreError::Sql { .. }) = written {
            // A server that was started anew has lost its connections, not its will.
            std::thread::sleep(PAUSE);
            written = store.run(|s| s.apply(&writes));
        }
        if let Err(error) = written {
            self.fail(&error);
        }
    }

    fn fail(&mut self, error: &StoreError) {
        self.sound = false;
        let mut said = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            said = format!("{said}: {inner}");
            cause = inner.source();
        }
        if self.warned {
            tracing::debug!("not recorded: {said}");
        } else {
            self.warned = true;
            tracing::warn!(
                "what happens now is not recorded: {said}; choose another home with --home, or silence this with \
                 --no-record"
            );
        }
    }
}

fn artifacts(store: &Blocking, files: &[File]) -> Result<Vec<Artifact>, StoreError> {
    let sources: Vec<Source<'_>> = files.iter().map(|file| file.payload.source()).collect();
    let blobs = store.blobs().put_all(&sources)?;
    let artifact = |(file, blob): (&File, sentimeter_store::Blob)| Artifact {
        path: file.path.clone(),
        hash: blob.hash,
        size: blob.size,
        media: media(&file.path).to_owned(),
    };
    Ok(files.iter().zip(blobs).map(artifact).collect())
}

/// The media type of a file, by its name.
fn media(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html",
        "json" => "application/json",
        "toml" => "application/toml",
        "csv" => "text/csv",
        "md" => "text/markdown",
        "txt" => "text/plain",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

/// Finds out size and hash of a regular file.
fn fingerprint(input: &mut Input) {
    let Some(path) = input.path.as_deref().filter(|_| input.hash.is_empty()) else { return };
    let Ok(found) = std::fs::metadata(path) else { return };
    if !found.is_file() {
        return; // what comes through a pipe is gone
    }
    input.size = i64::try_from(found.len()).ok();
    let mut hasher = blake3::Hasher::new();
    match std::fs::File::open(path).and_then(|file| hasher.update_reader(file).map(drop)) {
        Ok(()) => input.hash = hasher.finalize().to_hex().to_string(),
        Err(error) => tracing::debug!("{path} is not fingerprinted: {error}"),
    }
}

/// Marks runs as killed whose process has gone: on this machine by looking for it, on others after a
/// minute without a sign of life. Gives those that were marked.
///
/// # Errors
/// A store that cannot be read or written.
pub fn reap(store: &Blocking) -> Result<Vec<RunId>, StoreError> {
    let running = RunFilter { status: Some(Status::Running), ..RunFilter::default() };
    let (running, here) = (store.run(|s| s.runs(&running))?, host());
    let mut killed = Vec::new();
    for run in running {
        let alive = match process_is_alive(run.origin.pid, run.origin.process_start) {
            Some(alive) if run.origin.host == here => alive,
            _ => now() - run.heartbeat < SILENCE,
        };
        if !alive && store.run(|s| s.mark_killed(&run.id, run.heartbeat))? {
            killed.push(run.id);
        }
    }
    Ok(killed)
}
