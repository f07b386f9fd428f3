//! The outbox's way to the server: a thread of its own, so that a server that is down or slow costs the
//! work nothing.
//!
//! Of one run everything is sent in order, by one process at a time; of what was sent already, a second
//! sending changes nothing. What cannot be sent stays in the outbox, with the reason.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender as Channel, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sentimeter_store::{Blocking, Claim, Entry, RunFilter, RunId, Status, StoreError, Waiting, Write, now};

use crate::client::Client;
use crate::deliver::Deliver;
use crate::error::{MlflowError, Verdict};
use crate::event::{Event, SINK};
use crate::halt::Halt;
use crate::limits::Batch;
use crate::settings::{Retry, Settings};
use crate::target::{self, Obstacle, SERVER_TAG, STATUS_TAG, Target};

/// How long entries are this process's own: after it, another may send them.
const LEASE: Duration = Duration::from_secs(60);
/// A claim this old is given back before anything is made that a second sender would make again.
const FRESH: Duration = Duration::from_secs(25);
/// The longest that making a run may take, within what a lease allows.
const MAKING: Duration = Duration::from_secs(30);
/// Entries of a run that are taken at a time.
const TAKEN: u32 = 100;
/// Between two looks into an empty outbox.
const LOOK: Duration = Duration::from_millis(300);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Milliseconds that killed runs are looked back for: a month.
const LOOKED_BACK: i64 = 31 * 24 * 3_600_000;
/// Milliseconds until a part is tried again whose run is not there yet.
const PARENT_PAUSE: i64 = 300;

/// What is still to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Entries.
    pub entries: u64,
    /// Runs that they belong to.
    pub runs: usize,
    /// Why, where sending failed.
    pub why: Option<String>,
    /// The page of the first run that was sent and is a part of no other.
    pub page: Option<String>,
}

/// Sends what the outbox holds, for as long as it lives.
#[derive(Debug)]
pub struct Sender {
    store: Blocking,
    halt: Halt,
    shared: Arc<Mutex<Shared>>,
    /// Tells the thread to send everything now, and to end.
    drain: Channel<()>,
    ended: Receiver<()>,
}

/// What the thread lets others see.
#[derive(Debug, Default)]
struct Shared {
    /// What it works on, to be let go when nobody waits for it any more.
    claim: Option<Claim>,
    /// The last failure.
    why: Option<String>,
    /// Entries that were sent.
    sent: u64,
    /// The page of the first run that is a part of no other.
    page: Option<String>,
}

impl Sender {
    /// Starts to send.
    ///
    /// # Errors
    /// Certificates that cannot be read; a thread that cannot be started.
    pub fn start(store: Blocking, settings: Settings) -> Result<Self, MlflowError> {
        let halt = Halt::default();
        // Tries are the outbox's own affair: a call that goes on for minutes would outlive its lease.
        let settings = Settings {
            retry: Retry {
                tries: settings.retry.tries.min(1),
                factor: settings.retry.factor.min(1.0),
                ..settings.retry
            },
            timeout: settings.timeout.min(MAKING),
            ..settings
        };
        let client = Client::new(&settings, halt.clone())?;
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (drain, drained) = channel();
        let (end, ended) = channel();
        let worker = (store.clone(), Arc::clone(&shared), halt.clone());
        let spawned = std::thread::Builder::new().name("mlflow".to_owned()).spawn(move || {
            let (store, shared, halt) = worker;
            if let Err(error) = bury(&store, &settings) {
                tracing::debug!("the ends of killed runs are not looked after: {error}");
            }
            let deliver = Deliver::new(&store, &client);
            let known = BTreeMap::new();
            Worker {
                deliver,
                settings: &settings,
                shared: &shared,
                halt: &halt,
                known,
                first: None,
                failures: 0,
            }
            .work(&drained);
            // Nobody may be waiting.
            let _ = end.send(());
        });
        spawned.map_err(|e| MlflowError::Unfit { why: format!("cannot start a thread for MLflow: {e}") })?;
        Ok(Self { store, halt, shared, drain, ended })
    }

    /// Entries that were sent so far.
    pub fn sent(&self) -> u64 {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).sent
    }

    /// Sends all that is left, for `patience` at most; what is then still to be sent. `tell` hears how many
    /// entries were sent, now and then, and ends the wait by answering `false`.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn finish(self, patience: Duration, mut tell: impl FnMut(u64) -> bool) -> Result<Left, StoreError> {
        // A thread that has ended already needs no telling.
        let _ = self.drain.send(());
        let end = Instant::now() + patience;
        while tell(self.sent()) && Instant::now() < end {
            match self.ended.recv_timeout(Duration::from_millis(50)) {
                Err(RecvTimeoutError::Timeout) => {}
                _ => break,
            }
        }
        tell(self.sent());
        self.halt.wish();
        let (claim, why, page) = {
            let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            (shared.claim.take(), shared.why.take(), shared.page.take())
        };
        if let Some(claim) = claim {
            self.store.run(|s| s.outbox_release(&claim))?;
        }
        Ok(Left { page, ..left(&self.store, why)? })
    }
}

/// What the outbox holds for an MLflow server.
///
/// # Errors
/// A store that cannot be read.
pub fn left(store: &Blocking, why: Option<String>) -> Result<Left, StoreError> {
    let waiting = store.run(|s| s.outbox_waiting(SINK))?;
    let said = waiting.iter().find_map(|w: &Waiting| w.error.clone());
    Ok(Left {
        entries: waiting.iter().map(|w| w.entries.max(0).cast_unsigned()).sum(),
        runs: waiting.len(),
        why: why.or(said),
        page: None,
    })
}

/// Puts all that is recorded of a run and its parts into the outbox, to be sent (again); how many runs.
///
/// # Errors
/// No such run; a store that cannot be written.
pub fn send_again(store: &Blocking, run: &RunId, experiment: &str) -> Result<usize, StoreError> {
    let family = store.run(|s| crate::event::family(s, run))?;
    for id in &family {
        target::enqueue(store, id, experiment)?;
    }
    Ok(family.len())
}

/// Puts all of a run and its parts into the outbox if the server of `settings` has never heard of it: before
/// something is said of it there.
///
/// # Errors
/// No such run; a store that cannot be read or written.
pub fn introduce(store: &Blocking, run: &RunId, settings: &Settings) -> Result<(), StoreError> {
    let there = store.run(|s| s.tags(run))?.get(SERVER_TAG).is_some_and(|server| *server == settings.server);
    let on_its_way = || -> Result<bool, StoreError> {
        Ok(store.run(|s| s.outbox_waiting(SINK))?.iter().any(|waiting| waiting.run == *run))
    };
    if !there && !on_its_way()? {
        send_again(store, run, &settings.experiment)?;
    }
    Ok(())
}

/// Runs whose process was killed could not say so: their ends are told by the next sender.
fn bury(store: &Blocking, settings: &Settings) -> Result<(), StoreError> {
    let since = Some(now().saturating_sub(LOOKED_BACK));
    let killed = RunFilter { status: Some(Status::Killed), since, ..RunFilter::default() };
    for run in store.run(|s| s.runs(&killed))? {
        let tags = store.run(|s| s.tags(&run.id))?;
        let here = tags.get(SERVER_TAG).is_some_and(|server| *server == settings.server);
        let known = tags.get(STATUS_TAG).is_some_and(|status| *status == run.status.to_string());
        if here && !known {
            let at = run.ended.unwrap_or(run.heartbeat);
            let end = Event::Finish { status: run.status, at, error: run.error }.write(&run.id);
            store.run(|s| async move { s.apply(&[end]).await })?;
        }
    }
    Ok(())
}

struct Worker<'a> {
    deliver: Deliver<'a>,
    settings: &'a Settings,
    shared: &'a Mutex<Shared>,
    halt: &'a Halt,
    known: BTreeMap<RunId, Target>,
    /// The run that another waits for.
    first: Option<RunId>,
    /// In a row.
    failures: u32,
}

/// What became of a claim.
enum Outcome {
    /// All of it was sent.
    Sent,
    /// Another time: no earlier than after this pause, which is for everything if `all`.
    Later { pause: Duration, all: bool },
}

impl Worker<'_> {
    fn work(mut self, drained: &Receiver<()>) {
        let mut draining = false;
        let mut pause = Duration::ZERO;
        loop {
            // Pauses end when everything is to be sent now.
            if !draining {
                match drained.recv_timeout(pause) {
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => draining = true,
                    Err(RecvTimeoutError::Timeout) => {}
                }
            } else if self.halt.wait(pause) {
                return;
            }
            if self.halt.wished() {
                return;
            }
            pause = LOOK;
            match self.once(draining) {
                Ok(None) if draining && self.empty() => return,
                Ok(None) => {}
                Ok(Some(Outcome::Sent)) => {
                    self.failures = 0;
                    pause = Duration::ZERO;
                }
                // The last try was in vain: whoever waits waits for nothing.
                Ok(Some(Outcome::Later { all: true, .. })) if draining && self.failures > 1 => return,
                Ok(Some(Outcome::Later { pause: wait, all })) => pause = if all { wait } else { LOOK },
                Err(error) => {
                    self.deliver.warn_once("store", &format!("nothing goes to MLflow: {error}"));
                    return;
                }
            }
        }
    }

    /// Whether nothing is left, also for other processes.
    fn empty(&self) -> bool {
        self.deliver.store.run(|s| s.outbox_waiting(SINK)).is_ok_and(|waiting| waiting.is_empty())
    }

    /// Takes and sends some of one run; `None` where there is nothing to take.
    fn once(&mut self, eager: bool) -> Result<Option<Outcome>, StoreError> {
        let store = self.deliver.store;
        // A look takes no writer's place.
        if store.run(|s| s.outbox_waiting(SINK))?.is_empty() {
            return Ok(None);
        }
        let first = self.first.take();
        let claim = |only: Option<&RunId>| store.run(|s| s.outbox_claim(SINK, only, TAKEN, LEASE, eager));
        let claim = match first {
            Some(first) => claim(Some(&first))?,
            None => claim(None)?,
        };
        let Some(claim) = claim else { return Ok(None) };
        self.share(|shared| shared.claim = Some(claim.clone()));
        let taken = Instant::now();
        let sent = self.send(&claim, taken);
        // Whoever no longer waits for us has let it go already.
        if self.share(|shared| shared.claim.take()).is_none() {
            return Ok(Some(Outcome::Later { pause: LOOK, all: false }));
        }
        let (why, pause, all) = match sent {
            Ok(()) => {
                self.share(|shared| shared.why = None);
                return Ok(Some(Outcome::Sent));
            }
            // Deleted here before it was sent: there is nothing that could be sent.
            Err(Obstacle::Store(StoreError::Missing { .. })) => {
                self.known.remove(&claim.run);
                store.run(|s| s.outbox_forget(SINK, 0, Some(&claim.run)))?;
                return Ok(Some(Outcome::Sent));
            }
            Err(Obstacle::Store(error)) => return Err(error),
            Err(Obstacle::Parent(parent)) => {
                self.first = Some(parent);
                let why = "the run that it is a part of goes first";
                store.run(|s| s.outbox_failed(&claim, why, now() + PARENT_PAUSE))?;
                return Ok(Some(Outcome::Later { pause: LOOK, all: false }));
            }
            Err(Obstacle::Elsewhere) => {
                // All of it, behind what waits; the start at its head makes the run anew.
                self.known.remove(&claim.run);
                target::enqueue(store, &claim.run, &self.settings.experiment)?;
                if let Some(last) = claim.entries.last() {
                    store.run(|s| s.outbox_done(&claim, last.id))?;
                }
                return Ok(Some(Outcome::Sent));
            }
            // No run can be made or found for it, ever: it stays in the store.
            Err(Obstacle::Server(error)) if error.verdict() == Verdict::Never => {
                self.refused(&claim.run, &error)?;
                if let Some(last) = claim.entries.last() {
                    store.run(|s| s.outbox_done(&claim, last.id))?;
                }
                return Ok(Some(Outcome::Sent));
            }
            Err(Obstacle::Server(error)) => {
                self.failures += 1;
                let asked = match &error {
                    MlflowError::Refused { retry_after: Some(seconds), .. } => Duration::from_secs(*seconds),
                    _ => Duration::from_secs(1 << self.failures.min(6)),
                };
                let barred = error.verdict() == Verdict::Barred;
                let about = if barred { "barred" } else { "silent" };
                self.deliver.warn_once(
                    about,
                    &format!("{error}; what is recorded is kept, and sent later or by: sentimeter runs sync"),
                );
                let pause = if barred { LONGEST_PAUSE } else { asked.min(LONGEST_PAUSE) };
                self.failures += u32::from(barred);
                (error.to_string(), pause, true)
            }
        };
        let again = now() + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        store.run(|s| s.outbox_failed(&claim, &why, again))?;
        self.share(|shared| shared.why = Some(why));
        Ok(Some(Outcome::Later { pause, all }))
    }

    fn share<T>(&self, change: impl FnOnce(&mut Shared) -> T) -> T {
        change(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends the entries of a claim, and marks what was sent as it goes.
    fn send(&mut self, claim: &Claim, taken: Instant) -> Result<(), Obstacle> {
        let events: Vec<(&Entry, Option<Event>)> = claim
            .entries
            .iter()
            .map(|entry| (entry, serde_json::from_value(entry.payload.clone()).ok()))
            .collect();
        let target = self.target(claim, &events)?;
        let (mut batch, mut batched) = (Batch::default(), Vec::new());
        for (entry, event) in &events {
            if self.halt.wished() {
                return Err(MlflowError::Halted.into());
            }
            let Some(event) = event else {
                // Of a newer program; an older one cannot know what it is.
                self.deliver
                    .warn_once("unknown", "the outbox holds what this version does not know: left out");
                continue;
            };
            if self.deliver.batched(&target, event, &mut batch)? {
                batched.push((*entry, event));
                continue;
            }
            self.flush(claim, &target, &mut batch, &mut batched)?;
            if taken.elapsed() > FRESH {
                // The rest is taken anew.
                return Ok(self.deliver.store.run(|s| s.outbox_release(claim))?);
            }
            self.tolerate(&target, |deliver| deliver.single(&target, event))?;
            self.done(claim, entry, 1)?;
        }
        self.flush(claim, &target, &mut batch, &mut batched)?;
        if let Some((last, _)) = events.last() {
            self.done(claim, last, 0)?;
        }
        Ok(())
    }

    fn target(&mut self, claim: &Claim, events: &[(&Entry, Option<Event>)]) -> Result<Target, Obstacle> {
        if let Some(known) = self.known.get(&claim.run) {
            return Ok(known.clone());
        }
        let start = events.iter().find_map(|(_, event)| match event {
            Some(Event::Start { experiment }) => Some(experiment.as_str()),
            _ => None,
        });
        let experiment = start.unwrap_or(&self.settings.experiment);
        let deliver = &self.deliver;
        let found = target::find(
            deliver.store,
            deliver.client,
            self.settings,
            &claim.run,
            experiment,
            start.is_some(),
        )?;
        if found.run.parent.is_none() {
            let page = deliver.client.page(&found.experiment, &found.id);
            self.share(|shared| {
                shared.page.get_or_insert(page);
            });
        }
        self.known.insert(claim.run.clone(), found.clone());
        Ok(found)
    }

    /// Sends a batch; one that is refused entry by entry, so that one bad entry costs no other.
    fn flush(
        &mut self,
        claim: &Claim,
        target: &Target,
        batch: &mut Batch,
        batched: &mut Vec<(&Entry, &Event)>,
    ) -> Result<(), Obstacle> {
        let whole = std::mem::take(batch);
        if let Err(error) = self.deliver.client.log(&target.id, whole) {
            if error.verdict() != Verdict::Never {
                return Err(error.into());
            }
            for (_, event) in batched.iter() {
                self.tolerate(target, |deliver| {
                    let mut one = Batch::default();
                    deliver.batched(target, event, &mut one)?;
                    Ok(deliver.client.log(&target.id, one)?)
                })?;
            }
        }
        if let Some((last, _)) = batched.last() {
            self.done(claim, last, batched.len() as u64)?;
        }
        batched.clear();
        Ok(())
    }

    /// What the server will never take is told, remembered with the run, and passed over: all that follows
    /// would wait for it for ever.
    fn tolerate(
        &mut self,
        target: &Target,
        send: impl FnOnce(&mut Deliver<'_>) -> Result<(), Obstacle>,
    ) -> Result<(), Obstacle> {
        match send(&mut self.deliver) {
            Err(Obstacle::Server(error)) if error.verdict() == Verdict::Never => {
                Ok(self.refused(&target.run.id, &error)?)
            }
            other => other,
        }
    }

    /// Tells that the server will not take something, and remembers it with the run.
    fn refused(&mut self, run: &RunId, error: &MlflowError) -> Result<(), StoreError> {
        let message = format!("a part of run {run} is not on the MLflow server: {error}");
        self.deliver.warn_once(run.as_str(), &message);
        let refused = vec![("mlflow.refused".to_owned(), error.to_string())];
        let tags = Write::Tags { run: run.clone(), tags: refused };
        self.deliver.store.run(|s| async move { s.apply(&[tags]).await })
    }

    fn done(&mut self, claim: &Claim, entry: &Entry, count: u64) -> Result<(), Obstacle> {
        self.deliver.store.run(|s| s.outbox_done(claim, entry.id))?;
        self.share(|shared| shared.sent += count);
        Ok(())
    }
}
