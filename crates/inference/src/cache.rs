//! Answers that were given before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::Counter;
use moka::sync::Cache as Moka;

use crate::score::{Scored, Wanted};
use crate::slot::Live;
use crate::telemetry;

/// What an entry takes beside its answer: its key, and moka's own nodes.
const ENTRY: usize = 200;

/// How often it knew the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Texts whose answer it had.
    pub hits: u64,
    /// Texts whose answer it had not.
    pub misses: u64,
}

/// Answers by model, text and what was wanted; bounded by bytes. Of a collision of its keys somebody else's
/// answer would come out, so they are 256 bits of BLAKE3.
pub(crate) struct Cache {
    entries: Moka<[u8; 32], Arc<Scored>>,
    hits: AtomicU64,
    misses: AtomicU64,
    counters: [Counter; 2],
}

impl Cache {
    pub(crate) fn new(bytes: u64) -> Self {
        let weigh =
            |_: &[u8; 32], scored: &Arc<Scored>| u32::try_from(scored.bytes() + ENTRY).unwrap_or(u32::MAX);
        Self {
            entries: Moka::builder().max_capacity(bytes).weigher(weigh).build(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            counters: ["hit", "miss"]
                .map(|outcome| metrics::counter!(telemetry::CACHE, "outcome" => outcome)),
        }
    }

    pub(crate) fn key(live: &Live, text: &str, wanted: Wanted) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        // Of fixed length, so that nothing of it can pass for a part of the text.
        hasher.update(live.digest().to_string().as_bytes());
        hasher.update(&[u8::from(wanted.explain), u8::from(wanted.sentences)]);
        hasher.update(text.as_bytes());
        *hasher.finalize().as_bytes()
    }

    pub(crate) fn get(&self, key: &[u8; 32]) -> Option<Arc<Scored>> {
        let found = self.entries.get(key);
        let (count, counter) = match found {
            Some(_) => (&self.hits, &self.counters[0]),
            None => (&self.misses, &self.counters[1]),
        };
        count.fetch_add(1, Ordering::Relaxed);
        counter.increment(1);
        found
    }

    pub(crate) fn put(&self, key: [u8; 32], scored: Arc<Scored>) {
        self.entries.insert(key, scored);
    }

    pub(crate) fn clear(&self) {
        self.entries.invalidate_all();
    }

    pub(crate) fn stats(&self) -> CacheStats {
        CacheStats { hits: self.hits.load(Ordering::Relaxed), misses: self.misses.load(Ordering::Relaxed) }
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> u64 {
        self.entries.run_pending_tasks();
        self.entries.weighted_size()
    }
}
