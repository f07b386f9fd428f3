//! Runs record themselves: what was done, with what, by whom, and what came of it.
//!
//! A [`Recorder`] belongs to a process, a [`Recording`] to a run. Events are queued and written by a
//! thread of the recorder's own, in order and in groups, so that recording costs the work next to
//! nothing; [`Recording::settle`] and [`Recording::finish`] return once everything before them is
//! durable. While runs are under way the thread gives signs of life for them; the next process to open
//! the store marks runs whose process has gone as killed.
//!
//! A store that cannot be opened or written is told of once, by a warning, and stops nobody's work.

mod answers;
mod curve;
mod flatten;
mod origin;
mod thread;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use sentimeter_store::{Blocking, Database, Input, Metric, NewRun, RunId, Source, Status, Write, now};

pub use answers::{ANSWERS, Answered};
pub use curve::Curve;
pub use flatten::{metrics_of, params_of, params_of_json};
pub use origin::{origin, person, process_is_alive};
pub use thread::reap;

/// How long an interrupted process waits for its runs to be marked.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What a file that a run left is made of.
#[derive(Debug, Clone)]
pub enum Payload {
    /// Its bytes.
    Bytes(Arc<Vec<u8>>),
    /// A file, which is copied before the next [`Recording::settle`] returns.
    File(PathBuf),
}

/// A file that a run leaves.
#[derive(Debug, Clone)]
pub struct File {
    /// Its name in the run, with `/` between folders.
    pub path: String,
    /// What it is made of.
    pub payload: Payload,
}

impl File {
    /// The file at `from`, as `path` in the run.
    pub fn copied(path: impl Into<String>, from: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), payload: Payload::File(from.into()) }
    }

    /// Bytes, as `path` in the run.
    pub fn of(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { path: path.into(), payload: Payload::Bytes(Arc::new(bytes)) }
    }
}

impl Payload {
    fn source(&self) -> Source<'_> {
        match self {
            Self::Bytes(bytes) => Source::Bytes(bytes),
            Self::File(path) => Source::File(path),
        }
    }
}

/// What the thread is asked to do.
enum Message {
    Start(Box<NewRun>),
    Write(Vec<Write>),
    Files(RunId, Vec<File>),
    /// Files of the command line: hashed by the thread, as that takes a moment.
    Inputs(RunId, Vec<Input>),
    /// All of the runs under way were interrupted.
    Interrupted,
    /// Tell, once everything before is durable, whether it is.
    Settle(std::sync::mpsc::SyncSender<bool>),
    /// Lend the store.
    Store(std::sync::mpsc::SyncSender<Option<Blocking>>),
}

/// What is to be sent elsewhere of what is recorded: entries of the outbox, written with the record itself.
pub type Mirror = Box<dyn Fn(&Write) -> Vec<Write> + Send>;

/// Records the runs of this process. Clones share the thread.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    /// `None`: nothing is recorded.
    thread: Option<Arc<Thread>>,
}

#[derive(Debug)]
struct Thread {
    /// Gone when dropped, which ends the thread.
    sender: Mutex<Option<Sender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    /// One that records into the store of `home`, which is opened meanwhile: this returns at once.
    pub fn open(home: &Path, database: &Database) -> Self {
        Self::mirrored(home, database, None)
    }

    /// The same, with a mirror of everything that it records.
    pub fn mirrored(home: &Path, database: &Database, mirror: Option<Mirror>) -> Self {
        let (sender, receiver) = channel();
        let (home, database) = (home.to_owned(), database.clone());
        let spawned = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || thread::Worker::new(receiver, mirror).work(&home, &database));
        match spawned {
            Ok(thread) => Self {
                thread: Some(Arc::new(Thread {
                    sender: Mutex::new(Some(sender)),
                    thread: Mutex::new(Some(thread)),
                })),
            },
            Err(error) => {
                tracing::warn!("this run is not recorded: its thread cannot be started ({error})");
                Self::off()
            }
        }
    }

    /// One that records nothing.
    pub fn off() -> Self {
        Self { thread: None }
    }

    /// Whether anything is recorded, as far as is known.
    pub fn is_on(&self) -> bool {
        self.thread.is_some()
    }

    /// The store that is recorded into, once it is open; `None` where there is none.
    pub fn store(&self) -> Option<Blocking> {
        let (tell, told) = sync_channel(1);
        self.send(Message::Store(tell));
        told.recv().ok().flatten()
    }

    /// Starts a run; its origin is filled in where it is not given.
    pub fn start(&self, run: NewRun) -> Recording {
        let recording =
            Recording { recorder: self.clone(), id: run.id.clone(), name: run.name.clone(), finished: false };
        self.send(Message::Start(Box::new(run)));
        recording
    }

    /// Marks every run that is under way as killed: for the moment before a signal ends the process.
    /// Waits two seconds at the most.
    pub fn interrupted(&self) {
        self.send(Message::Interrupted);
        let (tell, told) = sync_channel(1);
        self.send(Message::Settle(tell));
        let _ = told.recv_timeout(LAST_WORDS);
    }

    /// Waits until everything that was recorded is durable; `false` where something could not be.
    pub fn settle(&self) -> bool {
        let (tell, told) = sync_channel(1);
        self.send(Message::Settle(tell));
        told.recv().unwrap_or(false)
    }

    fn send(&self, message: Message) {
        let Some(thread) = &self.thread else { return };
        let sender = thread.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*sender {
            // A thread that panicked records nothing more; its panic was told.
            drop(sender.send(message));
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(thread.join());
        }
    }
}

/// A run under way. Dropped without [`finish`](Self::finish), it has failed.
#[derive(Debug)]
pub struct Recording {
    recorder: Recorder,
    id: RunId,
    name: String,
    finished: bool,
}

impl Recording {
    /// Its name for good.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Its name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The recorder that it belongs to.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Whether anything is recorded, as far as is known.
    pub fn is_on(&self) -> bool {
        self.recorder.is_on()
    }

    /// A part of this run.
    pub fn part(&self, run: NewRun) -> Recording {
        self.recorder.start(NewRun { parent: Some(self.id.clone()), ..run })
    }

    /// Settings, by name.
    pub fn params(&self, params: Vec<(String, String)>) {
        self.write(Write::Params { run: self.id.clone(), params });
    }

    /// Remarks, by name.
    pub fn tags(&self, tags: Vec<(String, String)>) {
        self.write(Write::Tags { run: self.id.clone(), tags });
    }

    /// What it reads. A file's hash and size are found out where they are not given.
    pub fn inputs(&self, inputs: Vec<Input>) {
        self.recorder.send(Message::Inputs(self.id.clone(), inputs));
    }

    /// What became known of its data.
    pub fn data(&self, data_hash: Option<String>, split_hash: Option<String>) {
        self.write(Write::Data { run: self.id.clone(), data_hash, split_hash });
    }

    /// One value of a metric at a step.
    pub fn metric(&self, name: &str, step: i64, value: f64) {
        self.metrics(vec![Metric { name: name.to_owned(), step, time: now(), value }]);
    }

    /// Values of metrics.
    pub fn metrics(&self, metrics: Vec<Metric>) {
        self.write(Write::Metrics { run: self.id.clone(), metrics });
    }

    /// Files that it leaves.
    pub fn files(&self, files: Vec<File>) {
        self.recorder.send(Message::Files(self.id.clone(), files));
    }

    /// Any event, such as one for the outbox. Those of other runs are none of this one's.
    pub fn write(&self, write: Write) {
        self.recorder.send(Message::Write(vec![write]));
    }

    /// Waits until everything that was recorded is durable; `false` where something could not be.
    pub fn settle(&self) -> bool {
        self.recorder.settle()
    }

    /// Ends the run and waits until everything of it is durable; `false` where something could not be.
    pub fn finish(mut self, status: Status, error: Option<String>) -> bool {
        self.end(status, error);
        self.recorder.settle()
    }

    /// Ends the run and waits for nothing: for the many parts of one, whose end is waited for.
    pub fn finish_later(mut self, status: Status, error: Option<String>) {
        self.end(status, error);
    }

    fn end(&mut self, status: Status, error: Option<String>) {
        self.finished = true;
        self.write(Write::Finish { run: self.id.clone(), status, at: now(), error });
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.finished {
            self.end(Status::Failed, Some("it ended without saying how".to_owned()));
        }
    }
}
