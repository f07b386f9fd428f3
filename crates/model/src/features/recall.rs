//! Which words of a vocabulary the tokens met lately are, so that a common one is looked up once.

use super::number::NONE;

/// Slots, two of them in a cache line: 512 KiB in all, half of a core's second cache.
const SLOTS: usize = 16384;

/// Slots that a token may stand in.
const WAYS: usize = 2;

/// Stands for a token that the recipe drops.
pub(crate) const DROPPED: u32 = NONE - 1;

/// A token before the steps that look at nothing else ([`sentimeter_text::Draft::key`]), the model that
/// it was a token of, and what it is there: a word's id, [`NONE`] if unknown, or [`DROPPED`].
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
struct Slot {
    draft: u128,
    model: u64,
    word: u32,
}

/// What tokens were found to be, for any number of models. A newcomer displaces another, so the memory
/// is bounded and no answer depends on it.
#[derive(Debug, Default)]
pub(crate) struct Recall {
    slots: Vec<[Slot; WAYS]>,
}

impl Recall {
    #[inline]
    fn place(draft: u128) -> usize {
        let folded = draft as u64 ^ ((draft >> 64) as u64).rotate_left(29);
        // Multiplicative hashing (Knuth, vol. 3, 6.4): the high bits are the mixed ones.
        let hash = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (hash >> (u64::BITS - (SLOTS / WAYS).trailing_zeros())) as usize
    }

    /// What `draft` is to `model`, where it is remembered.
    #[inline]
    pub(crate) fn find(&self, model: u64, draft: u128) -> Option<u32> {
        let slots = self.slots.get(Self::place(draft))?;
        let found = slots.iter().find(|slot| (slot.draft == draft) & (slot.model == model));
        found.map(|slot| slot.word)
    }

    /// Remembers it, but for a `draft` of 0.
    pub(crate) fn store(&mut self, model: u64, draft: u128, word: u32) {
        if draft == 0 {
            return;
        }
        if self.slots.is_empty() {
            self.slots.resize(SLOTS / WAYS, Default::default());
        }
        if let Some([first, second]) = self.slots.get_mut(Self::place(draft)) {
            // The same again, out of the same group of texts, needs no second slot.
            if (first.draft, first.model) != (draft, model) {
                *second = *first;
            }
            *first = Slot { draft, model, word };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_found_is_what_was_stored_last(
            stored in prop::collection::vec((1_u64..4, 1_u128..40_000, 0_u32..9), 1..2000)
        ) {
            let mut recall = Recall::default();
            let mut last = std::collections::BTreeMap::new();
            for (model, draft, word) in stored {
                recall.store(model, draft, word);
                last.insert((model, draft), word);
                prop_assert_eq!(recall.find(model, draft), Some(word));
            }
            for model in 1..5 {
                for draft in 1..40_000 {
                    if let Some(word) = recall.find(model, draft) {
                        prop_assert_eq!(last.get(&(model, draft)), Some(&word));
                    }
                }
            }
        }
    }
}
