//! How often somebody may ask: per key, per address, and for keys that open nothing.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Keys that open nothing, per address: at once, and then one for each pause.
const GUESSES: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

/// Between two further guesses.
const PAUSE: Duration = Duration::from_secs(6);

/// A limit for each of many: they are told apart by sixteen bits of a keyed hash, so that memory is bounded
/// whoever comes, and nobody can choose whose limit to share.
pub(crate) struct Limit {
    hasher: RandomState,
    limiter: RateLimiter<u16, HashMapStateStore<u16>, DefaultClock>,
    /// Until when those are refused who were one too many.
    refused: Mutex<HashMap<u16, Instant>>,
}

impl Limit {
    fn new(quota: Quota) -> Self {
        let limiter = RateLimiter::new(quota, HashMapStateStore::default(), DefaultClock::default());
        Self { hasher: RandomState::new(), limiter, refused: Mutex::default() }
    }

    /// `rate` a second, and as many at once.
    pub(crate) fn per_second(rate: NonZeroU32) -> Self {
        Self::new(Quota::per_second(rate))
    }

    /// For keys that open nothing.
    pub(crate) fn guesses() -> Self {
        let quota = Quota::with_period(PAUSE).unwrap_or(Quota::per_minute(GUESSES));
        Self::new(quota.allow_burst(GUESSES))
    }

    /// Counts one more of `whom`; how many seconds to wait, where it is one too many.
    pub(crate) fn count(&self, whom: &impl Hash) -> Result<(), u64> {
        let place = self.place(whom);
        self.limiter.check_key(&place).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.insert(place, Instant::now() + wait);
            seconds(wait)
        })
    }

    /// How many seconds `whom` has to wait who was one too many; counts nothing.
    pub(crate) fn refused(&self, whom: &impl Hash) -> Option<u64> {
        let place = self.place(whom);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let left = refused.get(&place)?.saturating_duration_since(Instant::now());
        if left.is_zero() {
            refused.remove(&place);
            return None;
        }
        Some(seconds(left))
    }

    fn place(&self, whom: &impl Hash) -> u16 {
        (self.hasher.hash_one(whom) >> 48) as u16
    }

    #[cfg(test)]
    fn places(&self) -> usize {
        self.limiter.len()
    }
}

fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_waits_and_the_others_do_not() {
        let limit = Limit::guesses();
        for _ in 0..GUESSES.get() {
            assert_eq!(limit.count(&"mallory"), Ok(()));
        }
        let wait = limit.count(&"mallory").unwrap_err();
        assert!((1..=6).contains(&wait), "{wait}");
        assert_eq!(limit.count(&"alice"), Ok(()));
        assert_eq!(limit.refused(&"mallory"), Some(wait));
        assert_eq!(limit.refused(&"alice"), None);
    }

    #[test]
    fn a_million_addresses_take_no_more_room_than_the_table() {
        let limit = Limit::per_second(NonZeroU32::new(5).unwrap());
        for address in 0..1_000_000_u32 {
            let _ = limit.count(&address);
        }
        assert!(limit.places() <= 1 << 16);
    }
}
