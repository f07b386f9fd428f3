//! Names of runs, unique and in the order of their start.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The same, and later than any time that it has given before: of runs that one process starts, even a
/// candidate a millisecond, the ids are in the order of their start.
pub(crate) fn next_moment() -> i64 {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let now = now();
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(now.max(last + 1)));
    now.max(last.unwrap_or_default() + 1)
}

/// Random bits from the system; where it has none, those of time and process, which still differ.
fn random() -> u64 {
    let mut bytes = [0; 8];
    if getrandom::fill(&mut bytes).is_err() {
        use std::hash::{BuildHasher, Hasher};
        let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
        hasher.write_i64(now());
        hasher.write_u32(std::process::id());
        return hasher.finish();
    }
    u64::from_le_bytes(bytes)
}

/// Sixteen hexadecimal digits that nobody else has.
pub fn unique() -> String {
    format!("{:016x}", random())
}

/// The name of a run: when it started (UTC, to the millisecond) and 32 random bits,
/// `20261121-143005123-9f3a01bc`. In the order of text they are in the order of time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A new one, for a run that starts at `time` (milliseconds since 1970).
    pub fn at(time: i64) -> Self {
        let stamp = jiff::Timestamp::from_millisecond(time).unwrap_or_default();
        let stamp = stamp.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y%m%d-%H%M%S");
        Self(format!("{stamp}{:03}-{:08x}", time.rem_euclid(1000), random() as u32))
    }

    /// The run that the database calls so.
    pub fn from_stored(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Two words and a number that people can say, made of the id: `calm-otter-27`.
    pub fn nickname(&self) -> String {
        let bits = blake3::hash(self.0.as_bytes());
        let [a, b, c, ..] = *bits.as_bytes();
        let of = |words: &[&'static str], byte: u8| words[usize::from(byte) % words.len()];
        format!("{}-{}-{:02}", of(&ADJECTIVES, a), of(&NOUNS, b), c % 100)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[rustfmt::skip]
const ADJECTIVES: [&str; 32] = [
    "amber", "brave", "brisk", "calm", "clear", "cosy", "crisp", "deft", "eager", "fair", "fond", "gentle",
    "glad", "golden", "humble", "keen", "kind", "light", "lively", "lucid", "merry", "mild", "neat", "noble",
    "plain", "proud", "quick", "quiet", "rapid", "steady", "warm", "wise",
];

#[rustfmt::skip]
const NOUNS: [&str; 32] = [
    "acorn", "badger", "beech", "brook", "cedar", "comet", "crane", "dune", "falcon", "fern", "finch", "fjord",
    "glade", "harbour", "heron", "island", "lark", "linden", "maple", "meadow", "otter", "owl", "pine", "plover",
    "reef", "river", "robin", "spruce", "swift", "tern", "willow", "wren",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_time_and_differ() {
        let id = RunId::at(1_795_271_405_123);
        assert!(id.as_str().starts_with("20261121-143005123-"), "{id}");
        assert!(RunId::at(1_795_271_405_124) > id && RunId::at(1_795_271_406_000) > id);
        assert_ne!(RunId::at(5), RunId::at(5));
        let moments: Vec<i64> = (0..100).map(|_| next_moment()).collect();
        assert!(moments.windows(2).all(|two| two[0] < two[1]));
        assert_eq!(id.nickname(), id.nickname());
        assert_eq!(id.nickname().split('-').count(), 3);
    }
}
