//! What the tokens met lately are to a model with character n-grams, so that a common one is taken apart and
//! looked up once.

use super::number::{NONE, mix};
use crate::prefetch::prefetch;

/// Sets of slots, each a cache line.
const SETS: usize = 1 << 14;

/// Look-ups that are fetched ahead: all of a group's sets together are more than the first cache holds.
const AHEAD: usize = 24;

/// Slots that a token may stand in.
const WAYS: usize = 4;

/// Numbers that all lists hold together: with the slots, 5 MiB a thread at most.
const ROOM: usize = 1 << 20;

/// N-grams that are remembered of a token; those of one with more are looked up each time.
const LONGEST: usize = 250;

/// A token before the steps that look at nothing else ([`sentimeter_text::Draft::key`]), the model that it
/// was a token of, and what it is there.
///
/// Of two tokens and models one stands for the other with a probability of 2⁻⁶⁴, as in [`super::Words`].
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// 0: nothing.
    key: u64,
    /// A word's id, [`NONE`] if unknown, or [`DROPPED`].
    word: u32,
    /// Where its list begins, which begins with its length.
    list: u32,
}

/// The newest first.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Set([Slot; WAYS]);

/// What tokens were found to be, for any number of models. A newcomer displaces another, and when there is no
/// more room all are forgotten, so the memory is bounded and no answer depends on it.
#[derive(Debug, Default)]
pub(crate) struct Spellings {
    sets: Vec<Set>,
    lists: Vec<u32>,
}

/// What a token is to a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spelled<'a> {
    /// Its id among the model's words, [`NONE`] if unknown, or [`DROPPED`].
    pub(crate) word: u32,
    /// The model's character n-grams in it, in their order, as often as they occur.
    pub(crate) grams: &'a [u32],
}

/// Stands for a token that the recipe drops.
pub(crate) const DROPPED: u32 = NONE - 1;

/// What tells the tokens of this model from those of others.
pub(crate) fn salt(model: u64) -> u64 {
    mix(model)
}

/// What a token of a model is remembered by; never 0.
#[inline]
pub(crate) fn key(salt: u64, draft: u128) -> u64 {
    // Both halves at once: the chain of `mix` after `mix` is twice as long.
    let low = (draft as u64 ^ salt).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let high = ((draft >> 64) as u64).wrapping_mul(0x9fb2_1c65_1e98_df25);
    let mut x = low.wrapping_add(high.rotate_left(32));
    x = (x ^ (x >> 32)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (x ^ (x >> 33)).max(1)
}

#[inline]
fn place(key: u64) -> usize {
    key as usize & (SETS - 1)
}

impl Spellings {
    /// Where each of these tokens stands, in `places`; has all that stands there fetched, without a branch between
    /// the loads.
    pub(crate) fn look_up(&self, keys: impl Iterator<Item = u64> + Clone, places: &mut Vec<Place>) {
        places.clear();
        let Some(sets) = self.sets.first_chunk::<SETS>() else {
            places.extend(keys.map(|_| Place::NOWHERE));
            return;
        };
        let mut soon = keys.clone();
        soon.by_ref().take(AHEAD).for_each(|key| prefetch(sets, place(key)));
        places.extend(keys.map(|key| {
            if let Some(key) = soon.next() {
                prefetch(sets, place(key));
            }
            // Nobody can foresee which slot it is, so it is picked without a branch.
            let Set(slots) = &sets[place(key)];
            let mut same = 1_u32 << WAYS;
            for (bit, slot) in slots.iter().enumerate() {
                same |= u32::from(slot.key == key) << bit;
            }
            let found = slots.get(same.trailing_zeros() as usize);
            found.map_or(Place::NOWHERE, |&Slot { word, list, .. }| {
                prefetch(&self.lists, list as usize);
                Place { word, list }
            })
        }));
    }

    /// The list that stands at a place that [`Self::look_up`] has found; empty where nothing was, and after the next
    /// [`Self::store`] any other.
    #[inline]
    pub(crate) fn list(&self, list: u32) -> &[u32] {
        let found = self.lists.get(list as usize..).and_then(<[u32]>::split_first);
        found.and_then(|(&len, rest)| rest.get(..len as usize)).unwrap_or_default()
    }

    /// What the token with this [`key`] is, where it is remembered.
    #[cfg(test)]
    fn find(&self, key: u64) -> Option<Spelled<'_>> {
        let mut places = Vec::new();
        self.look_up(std::iter::once(key), &mut places);
        let Place { word, list } = places[0];
        places[0].is_known().then(|| Spelled { word, grams: self.list(list) })
    }

    /// Remembers it.
    pub(crate) fn store(&mut self, key: u64, spelled: Spelled<'_>) {
        let len = spelled.grams.len();
        if len > LONGEST {
            return;
        }
        if self.sets.is_empty() || self.lists.len() + 1 + len > ROOM {
            self.sets.clear();
            self.sets.resize(SETS, Set::default());
            self.lists.clear();
            // The empty list, which many have.
            self.lists.push(0);
        }
        let mut list = 0;
        if len > 0 {
            list = self.lists.len() as u32;
            self.lists.push(len as u32);
            self.lists.extend_from_slice(spelled.grams);
        }
        if let Some(Set(slots)) = self.sets.get_mut(place(key)) {
            // The same again, out of the same group of texts, needs no second slot.
            let last = slots.iter().position(|slot| slot.key == key).unwrap_or(WAYS - 1);
            slots[..=last].rotate_right(1);
            slots[0] = Slot { key, word: spelled.word, list };
        }
    }
}

/// Where the list of a token stands, and its word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) word: u32,
    pub(crate) list: u32,
}

impl Place {
    const NOWHERE: Self = Self { word: NONE, list: u32::MAX };

    /// Whether the token is remembered.
    pub(crate) fn is_known(self) -> bool {
        self.list != u32::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_found_is_what_was_stored_last(
            stored in prop::collection::vec((1_u64..4, 1_u128..40_000, 0_u32..9, 0_usize..300), 1..3000)
        ) {
            let mut spellings = Spellings::default();
            let mut last = std::collections::BTreeMap::new();
            let grams: Vec<u32> = (0..600).collect();
            for (model, draft, word, len) in stored {
                let key = key(model << 33 | model, draft << 90 | draft);
                let spelled = Spelled { word, grams: &grams[len..2 * len] };
                spellings.store(key, spelled);
                if len <= LONGEST {
                    last.insert(key, spelled);
                    prop_assert_eq!(spellings.find(key), Some(spelled));
                }
            }
            prop_assert!(spellings.lists.len() <= ROOM);
            for (key, spelled) in last {
                prop_assert!(spellings.find(key).is_none_or(|found| found == spelled));
            }
        }
    }
}
