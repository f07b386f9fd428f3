//! Where a text is scored, and by which model.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::Span;

use crate::batch;
use crate::cache::{Cache, CacheStats};
use crate::queue::{Job, Queue, Refusal, spans};
use crate::score::{Scored, Wanted, score, with_scratch};
use crate::slot::{Live, Slot};
use crate::telemetry::TRACE;

/// Bytes of text that are scored where they are asked for. At about 5 ns a byte that is 10 µs, the price of
/// handing them to another thread and back.
const HERE: usize = 2048;

/// An explanation looks at each token by itself and makes a string of it: so many times the work.
const EXPLAINING: usize = 4;

/// Texts of a batch that can wait: a thread that works on it is that long not there for whoever cannot.
const LATER: usize = 32;

/// How long such a batch may wait: as good as for ever.
const PATIENT: Duration = Duration::from_secs(24 * 3600);

/// Texts past which a request is not looked up in the cache: a file being scored would only push out what
/// people ask again.
const CACHED: usize = 64;

/// How much is taken in, and how it is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Threads that score what is not scored where it is asked for.
    pub threads: usize,
    /// Jobs that may wait; a request is one for every [`batch`](Self::batch) texts.
    pub queue_jobs: usize,
    /// Bytes of text that may wait.
    pub queue_bytes: usize,
    /// Texts of a batch.
    pub batch: usize,
    /// How long a text may wait for others to make a batch, where the model gains by it (networks).
    pub patience: Duration,
    /// Bytes of answers that are remembered; 0 remembers none.
    pub cache_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            queue_jobs: 256,
            queue_bytes: 32 << 20,
            batch: 128,
            patience: Duration::from_millis(2),
            cache_bytes: 64 << 20,
        }
    }
}

/// The live model, the queue, the threads and the cache.
pub struct Engine {
    slot: Slot,
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    cache: Option<Cache>,
    batch: usize,
}

impl Engine {
    /// Starts the threads; `live` answers.
    ///
    /// # Errors
    /// A thread that the system does not start.
    pub fn start(live: Live, settings: &Settings) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(settings.queue_jobs.max(1), settings.queue_bytes, settings.threads));
        let batch = settings.batch.max(1);
        let engine = Self {
            slot: Slot::new(live),
            queue: queue.clone(),
            threads: Mutex::default(),
            cache: (settings.cache_bytes > 0).then(|| Cache::new(settings.cache_bytes)),
            batch,
        };
        for number in 0..settings.threads.max(1) {
            let (queue, patience) = (queue.clone(), settings.patience);
            let thread = std::thread::Builder::new()
                .name(format!("score-{number}"))
                .spawn(move || batch::work(&queue, batch, patience))?;
            engine.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(engine)
    }

    /// The model that answers now. A request takes it once, and is answered by it throughout.
    pub fn live(&self) -> Arc<Live> {
        self.slot.live()
    }

    /// Lets another model answer from now on; requests under way end with the one that they have.
    pub fn swap(&self, live: Live) -> Arc<Live> {
        let before = self.slot.swap(live);
        if let Some(cache) = &self.cache {
            // Its answers are never asked for again; the keys hold the model, so this is only room.
            cache.clear();
        }
        before
    }

    /// Scores short texts on the calling thread; `None` where that would take it too long:
    /// [`score`](Self::score) them instead.
    pub fn score_here(&self, live: &Live, texts: &[&str], wanted: Wanted) -> Option<Vec<Arc<Scored>>> {
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        let factor = if wanted.explain { EXPLAINING } else { 1 } + usize::from(wanted.sentences);
        if !live.is_quick() || bytes * factor > HERE || texts.len() > self.batch {
            return None;
        }
        let texts: Vec<(&str, Wanted)> = texts.iter().map(|&text| (text, wanted)).collect();
        let _scoring = tracing::debug_span!(target: TRACE, "score", texts = texts.len() as i64).entered();
        Some(with_scratch(|scratch| score(live, &texts, scratch)))
    }

    /// Scores texts on the engine's threads, together with those of others; answers are in their order.
    /// Dropped before its end, what has not begun is not done.
    ///
    /// # Errors
    /// Everything that [`Refusal`] names; then none of the texts is answered.
    pub async fn score(
        &self,
        live: &Arc<Live>,
        texts: Arc<[String]>,
        wanted: Wanted,
        deadline: Instant,
    ) -> Result<Vec<Arc<Scored>>, Refusal> {
        let cache = self.cache.as_ref().filter(|_| texts.len() <= CACHED);
        let keys: Vec<[u8; 32]> = match cache {
            Some(_) => texts.iter().map(|text| Cache::key(live, text, wanted)).collect(),
            None => Vec::new(),
        };
        if let Some(cache) = cache {
            let known: Option<Vec<_>> = keys.iter().map(|key| cache.get(key)).collect();
            if let Some(known) = known {
                return Ok(known);
            }
        }
        let (mut jobs, mut replies) = (Vec::new(), Vec::new());
        for start in (0..texts.len()).step_by(self.batch) {
            let (reply, told) = oneshot::channel();
            let range = start..texts.len().min(start + self.batch);
            let (live, texts) = (live.clone(), texts.clone());
            let (asked, waits) = spans(range.len());
            jobs.push(Job {
                live,
                texts,
                range,
                wanted,
                deadline,
                since: Instant::now(),
                asked,
                waits,
                reply,
            });
            replies.push(told);
        }
        self.queue.admit(jobs)?;
        let gathered = async {
            let mut all = Vec::with_capacity(texts.len());
            for reply in replies {
                all.append(&mut reply.await.unwrap_or(Err(Refusal::Failed))?);
            }
            Ok(all)
        };
        let all = tokio::time::timeout_at(deadline.into(), gathered).await.unwrap_or(Err(Refusal::Late))?;
        if let Some(cache) = cache {
            keys.into_iter().zip(&all).for_each(|(key, scored)| cache.put(key, scored.clone()));
        }
        Ok(all)
    }

    /// Scores texts of somebody who can wait (a file that is scored), behind those of all who cannot, and without
    /// the cache. Dropped before its end, what has not begun is not done. The caller bounds what it sends at a time.
    ///
    /// # Errors
    /// [`Refusal::Closed`] or [`Refusal::Failed`]; then none of the texts is answered.
    pub async fn score_later(
        &self,
        live: &Arc<Live>,
        texts: Arc<[String]>,
    ) -> Result<Vec<Arc<Scored>>, Refusal> {
        let (mut jobs, mut replies) = (Vec::new(), Vec::new());
        let since = Instant::now();
        for start in (0..texts.len()).step_by(LATER) {
            let (reply, told) = oneshot::channel();
            let range = start..texts.len().min(start + LATER);
            let (live, texts, wanted) = (live.clone(), texts.clone(), Wanted::default());
            // A file's rows are no request's.
            let (asked, waits) = (Span::none(), Span::none());
            jobs.push(Job {
                live,
                texts,
                range,
                wanted,
                deadline: since + PATIENT,
                since,
                asked,
                waits,
                reply,
            });
            replies.push(told);
        }
        self.queue.admit_later(jobs)?;
        let mut all = Vec::with_capacity(texts.len());
        for reply in replies {
            all.append(&mut reply.await.unwrap_or(Err(Refusal::Failed))?);
        }
        Ok(all)
    }

    /// Forgets the answers that it remembers: what they were about is to be forgotten.
    pub fn forget(&self) {
        if let Some(cache) = &self.cache {
            cache.clear();
        }
    }

    /// How often the cache knew the answer; zeros without one.
    pub fn cache_stats(&self) -> CacheStats {
        self.cache.as_ref().map_or_else(CacheStats::default, Cache::stats)
    }

    /// Takes nothing in any more, ends what it has, and then its threads. Blocks.
    pub fn close(&self) {
        self.queue.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A worker catches what the model panics with; past that there is nobody left to tell.
            drop(thread.join());
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests;
