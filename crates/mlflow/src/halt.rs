//! A wait that somebody else can end.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A wish to stop, shared between threads.
#[derive(Debug, Clone, Default)]
pub struct Halt(Arc<(Mutex<bool>, Condvar)>);

impl Halt {
    /// Wishes it; whoever waits goes on at once.
    pub fn wish(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Whether it was wished.
    pub fn wished(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `time`, or until it is wished; whether it was.
    pub fn wait(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        let mut wished = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !*wished {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            wished = self.0.1.wait_timeout(wished, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
