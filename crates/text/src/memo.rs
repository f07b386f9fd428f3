//! What the token steps made of the words seen lately, so that a common word is looked up once.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_128;

/// Slots of one memo: 256 KiB, which a core's second cache holds. More do not pay: the words beyond
/// the most common few thousand are rare.
const SLOTS: usize = 8192;

/// Longest word that is remembered, in bytes.
const LONGEST: usize = 15;

/// As many recipes as an `auto` recipe has languages, and one more.
const MEMOS: usize = 4;

const DROPPED: u8 = 0xff;
const SAME: u8 = 0xfe;
/// Plus the length of the head.
const HEAD: u8 = 0x80;

/// What became of a token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    /// It is not wanted.
    Dropped,
    /// It stays as it is.
    Same,
    /// Its first so many bytes stay.
    Head(usize),
    /// It became another word: [`Memos::word`] of this slot.
    Other(usize),
}

/// A word and what became of it; the last byte of each is the length, or a mark.
/// Aligned, so that it lies in one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Slot {
    key: u128,
    value: [u8; LONGEST + 1],
}

/// One memo per recipe that was used lately. Direct-mapped: a newcomer displaces whoever has its
/// slot, so the memory is bounded and the answers do not depend on it.
#[derive(Debug, Default)]
pub(crate) struct Memos {
    memos: Vec<(u64, Vec<Slot>)>,
    current: usize,
    oldest: usize,
}

impl Memos {
    /// Turns to the memo of the recipe `id`.
    #[inline]
    pub(crate) fn open(&mut self, id: u64) {
        if self.memos.get(self.current).is_some_and(|(other, _)| *other == id) {
            return;
        }
        let empty = Slot { key: 0, value: [0; LONGEST + 1] };
        self.current = match self.memos.iter().position(|(other, _)| *other == id) {
            Some(found) => found,
            None if self.memos.len() < MEMOS => {
                self.memos.push((id, vec![empty; SLOTS]));
                self.memos.len() - 1
            }
            None => {
                let place = self.oldest;
                self.oldest = (place + 1) % MEMOS;
                self.memos[place].0 = id;
                self.memos[place].1.fill(empty);
                place
            }
        };
    }

    /// What became of the token the last time.
    #[inline]
    pub(crate) fn find(&self, key: Key) -> Option<Outcome> {
        let slot = key.slot();
        let found = &self.memos.get(self.current)?.1[slot];
        if found.key != key.0 {
            return None;
        }
        Some(match found.value[LONGEST] {
            DROPPED => Outcome::Dropped,
            SAME => Outcome::Same,
            head if head >= HEAD => Outcome::Head(usize::from(head - HEAD)),
            _ => Outcome::Other(slot),
        })
    }

    /// The word in a slot that [`Self::find`] has named.
    pub(crate) fn word(&self, slot: usize) -> &str {
        let value = &self.memos[self.current].1[slot].value;
        let word = &value[..usize::from(value[LONGEST]).min(LONGEST)];
        std::str::from_utf8(word).expect("a whole word was stored")
    }

    /// Remembers that `token`, whose key is `key`, became `result`, if that is short enough.
    pub(crate) fn store(&mut self, key: Key, token: &str, result: Option<&str>) {
        let Some(memo) = self.memos.get_mut(self.current) else {
            return;
        };
        let mut value = [0; LONGEST + 1];
        value[LONGEST] = match result {
            None => DROPPED,
            Some(word) if word == token => SAME,
            Some(word) if token.starts_with(word) => HEAD + word.len() as u8,
            Some(word) if word.len() <= LONGEST => {
                value[..word.len()].copy_from_slice(word.as_bytes());
                word.len() as u8
            }
            Some(_) => return,
        };
        memo.1[key.slot()] = Slot { key: key.0, value };
    }
}

/// The bytes of a short token and their number as one number; never 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key(u128);

impl Key {
    /// The key of `range` of `text`; `None` if it is empty or too long to be remembered.
    #[inline]
    pub(crate) fn new(text: &str, range: &Range<usize>) -> Option<Self> {
        let len = range.len();
        if len == 0 || len > LONGEST {
            return None;
        }
        let bytes = text.as_bytes();
        // Sixteen bytes are read at once, those of the text's end where it does not go on that long,
        // and what is before and behind the token is cut off.
        let from = range.start.min(bytes.len().saturating_sub(LONGEST + 1));
        let word = match bytes.get(from..).and_then(|rest| rest.first_chunk()) {
            Some(chunk) => u128::from_le_bytes(*chunk) >> (8 * (range.start - from)) & ((1 << (8 * len)) - 1),
            None => {
                let mut chunk = [0; LONGEST + 1];
                chunk[..len].copy_from_slice(&bytes[range.clone()]);
                u128::from_le_bytes(chunk)
            }
        };
        Some(Self(word | (len as u128) << (8 * LONGEST)))
    }

    /// A number for a token that is too long for a key, and for a number below 16: 120 bits of its hash,
    /// below which no key has a length of 0.
    #[cold]
    pub(crate) fn of_long(token: &str, number: u8) -> u128 {
        let hash = xxh3_128(token.as_bytes()) & ((1 << (8 * LONGEST)) - 1);
        hash.max(1) | u128::from(number) << (8 * LONGEST + 4)
    }

    /// The key and a number below 16; never 0 either.
    #[inline]
    pub(crate) fn with(self, number: u8) -> u128 {
        self.0 | u128::from(number) << (8 * LONGEST + 4)
    }

    #[inline]
    fn slot(self) -> usize {
        let folded = (self.0 as u64) ^ ((self.0 >> 64) as u64).rotate_left(29);
        // Multiplicative hashing (Knuth, vol. 3, 6.4): the high bits are the mixed ones.
        (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.trailing_zeros())) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn recall(memos: &Memos, token: &str) -> Option<Option<String>> {
        Key::new(token, &(0..token.len())).and_then(|key| memos.find(key)).map(|outcome| match outcome {
            Outcome::Dropped => None,
            Outcome::Same => Some(token.to_owned()),
            Outcome::Head(len) => Some(token[..len].to_owned()),
            Outcome::Other(slot) => Some(memos.word(slot).to_owned()),
        })
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_was_stored(
            pairs in proptest::collection::vec(("[a-zéم]{1,9}", proptest::option::of("[a-zé]{0,9}")), 1..80)
        ) {
            let mut memos = Memos::default();
            for id in 1..7 {
                memos.open(id);
                for (token, result) in &pairs {
                    // The same key with and without more text behind it.
                    let Some(key) = Key::new(token, &(0..token.len())) else { continue };
                    let long = format!("é{token} and so on for a while");
                    prop_assert_eq!(Key::new(&long, &(2..2 + token.len())).unwrap().0, key.0);
                    memos.store(key, token, result.as_deref());
                    let found = recall(&memos, token);
                    if token.len() <= LONGEST && result.as_ref().is_none_or(|r| r.len() <= LONGEST) {
                        prop_assert_eq!(found, Some(result.clone()));
                    }
                }
            }
        }
    }

    #[test]
    fn recipes_do_not_share() {
        let mut memos = Memos::default();
        memos.open(1);
        let key = Key::new("mice", &(0..4)).unwrap();
        memos.store(key, "mice", Some("mouse"));
        memos.open(2);
        assert_eq!(recall(&memos, "mice"), None);
        memos.open(1);
        assert_eq!(recall(&memos, "mice"), Some(Some("mouse".to_owned())));
    }
}
