//! What waits to be scored: bounded, first come first served.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use metrics::Gauge;
use tokio::sync::oneshot;
use tracing::{Level, Span};

use crate::score::{Scored, Wanted};
use crate::slot::Live;
use crate::telemetry;

/// Why a text was not scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too much waits already.
    #[error("{waiting} bytes of text wait to be scored already; try again in {} s", after.as_secs())]
    Full {
        /// Bytes of text that wait.
        waiting: usize,
        /// When it may be tried again.
        after: Duration,
    },
    /// The deadline came first.
    #[error("it was not scored within its deadline")]
    Late,
    /// The model panicked over it.
    #[error("the model failed on it")]
    Failed,
    /// The program is about to end.
    #[error("the program is about to end")]
    Closed,
}

/// What a worker answers.
pub(crate) type Reply = Result<Vec<Arc<Scored>>, Refusal>;

/// Texts of one request that are scored together.
pub(crate) struct Job {
    pub(crate) live: Arc<Live>,
    /// The request's texts.
    pub(crate) texts: Arc<[String]>,
    /// Which of them.
    pub(crate) range: Range<usize>,
    pub(crate) wanted: Wanted,
    /// When nobody waits for the answer any more.
    pub(crate) deadline: Instant,
    /// When it was admitted.
    pub(crate) since: Instant,
    /// The request's span, and that of its wait; empty where nobody collects traces.
    pub(crate) asked: Span,
    pub(crate) waits: Span,
    /// Closed where the caller has gone away.
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// The span of whoever asks, and one of the wait that begins now.
pub(crate) fn spans(texts: usize) -> (Span, Span) {
    let texts = texts as i64; // of unsigned numbers the collector would get words
    if tracing::span_enabled!(target: telemetry::TRACE, Level::DEBUG, "queue", texts) {
        (Span::current(), tracing::debug_span!(target: telemetry::TRACE, "queue", texts))
    } else {
        (Span::none(), Span::none())
    }
}

impl Job {
    pub(crate) fn texts(&self) -> &[String] {
        &self.texts[self.range.clone()]
    }

    fn bytes(&self) -> usize {
        self.texts().iter().map(String::len).sum()
    }
}

/// Jobs in the order of their coming; those that can wait come behind all others.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    changed: Condvar,
    most_jobs: usize,
    most_bytes: usize,
    /// Of what can wait, so many are worked on at a time: the other threads are free for whoever cannot.
    most_later: usize,
    depth: Gauge,
    waiting: Gauge,
}

#[derive(Default)]
struct Inner {
    jobs: VecDeque<Job>,
    bytes: usize,
    /// What can wait.
    later: VecDeque<Job>,
    /// How much of that is worked on.
    later_now: usize,
    closed: bool,
}

/// What a worker has taken.
pub(crate) struct Taken {
    pub(crate) jobs: Vec<Job>,
    /// Whether it could have waited: [`Queue::done`] wants to hear of its end.
    pub(crate) later: bool,
}

impl Queue {
    pub(crate) fn new(most_jobs: usize, most_bytes: usize, threads: usize) -> Self {
        Self {
            most_later: (threads / 2).max(1),
            inner: Mutex::default(),
            changed: Condvar::new(),
            most_jobs,
            most_bytes,
            depth: metrics::gauge!(telemetry::QUEUE_JOBS),
            waiting: metrics::gauge!(telemetry::QUEUE_BYTES),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Counts and jobs change together, in sections that cannot panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets all of `jobs` in, or none.
    pub(crate) fn admit(&self, jobs: Vec<Job>) -> Result<(), Refusal> {
        let bytes: usize = jobs.iter().map(Job::bytes).sum();
        let mut inner = self.lock();
        if inner.closed {
            return Err(Refusal::Closed);
        }
        // One request by itself is let in whatever its size: the caller has capped it, and refusing it
        // for ever helps nobody.
        let fits = inner.jobs.len() + jobs.len() <= self.most_jobs && inner.bytes + bytes <= self.most_bytes;
        if !(inner.jobs.is_empty() || fits) {
            return Err(Refusal::Full { waiting: inner.bytes, after: Duration::from_secs(1) });
        }
        inner.bytes += bytes;
        inner.jobs.extend(jobs);
        self.show(&inner);
        drop(inner);
        self.changed.notify_all();
        Ok(())
    }

    /// Lets jobs in that can wait, whatever else there is: whoever sends them sends the next ones after these.
    pub(crate) fn admit_later(&self, jobs: Vec<Job>) -> Result<(), Refusal> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Refusal::Closed);
        }
        inner.later.extend(jobs);
        drop(inner);
        self.changed.notify_all();
        Ok(())
    }

    /// Something that could wait is done.
    pub(crate) fn done(&self) {
        let mut inner = self.lock();
        inner.later_now = inner.later_now.saturating_sub(1);
        drop(inner);
        self.changed.notify_all();
    }

    /// The next jobs for one model: at least one, and more while they hold `most` texts or fewer together.
    /// Where the model is better at many, waits for more until the first has waited for `patience`.
    /// Without any, one of those that can wait. `None` at the end.
    pub(crate) fn take(&self, most: usize, patience: Duration) -> Option<Taken> {
        let mut inner = self.lock();
        loop {
            let Some(first) = inner.jobs.front() else {
                if inner.later_now < self.most_later
                    && let Some(job) = inner.later.pop_front()
                {
                    inner.later_now += 1;
                    return Some(Taken { jobs: vec![job], later: true });
                }
                if inner.closed && inner.later.is_empty() {
                    return None;
                }
                inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let live = first.live.clone();
            let mut texts = 0;
            let fitting = inner.jobs.iter().take_while(|job| {
                texts += job.range.len();
                Arc::ptr_eq(&job.live, &live) && texts <= most
            });
            let count = fitting.count().max(1);
            let left = patience.saturating_sub(first.since.elapsed());
            if texts < most
                && count == inner.jobs.len()
                && !left.is_zero()
                && !live.is_quick()
                && !inner.closed
            {
                let waited = self.changed.wait_timeout(inner, left);
                inner = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let jobs: Vec<Job> = inner.jobs.drain(..count).collect();
            inner.bytes -= jobs.iter().map(Job::bytes).sum::<usize>();
            self.show(&inner);
            return Some(Taken { jobs, later: false });
        }
    }

    /// Lets nothing in any more; what waits is still handed out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn show(&self, inner: &Inner) {
        self.depth.set(inner.jobs.len() as f64);
        self.waiting.set(inner.bytes as f64);
    }
}
