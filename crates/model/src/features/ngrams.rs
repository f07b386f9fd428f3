//! Word n-grams of two and more words, as serving finds them.

use std::ops::Range;

use super::{
    Ragged,
    number::{NONE, mix},
    settings::LONGEST,
};
use crate::prefetch::prefetch;

/// Stands in a slot that nothing is in.
const FREE: [u32; 2] = [NONE; 2];

/// Slots behind the last home of a level, for those that found theirs taken.
const BEHIND: usize = 32;

/// Farthest that a pair may stand from its home: what a look-up costs at most.
const FARTHEST: usize = 250;

/// Slots that a look-up compares at once.
const WINDOW: usize = 4;

/// Word n-grams as pairs: a prefix, which is a word or a shorter n-gram, and the last word.
///
/// Nodes number words first, then slots. Each length has its own slots, a hash table by open
/// addressing: a pair's hash times the number of homes says where it stands, or the next free slot,
/// and as pairs go in by ascending hash, they stand in that order. This is how a model file holds them,
/// and nothing has to be built to look them up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ngrams {
    /// Number of words.
    words: u32,
    slots: Vec<[u32; 2]>,
    /// Where the slots of two words, of three words, … end.
    ends: Vec<u32>,
}

/// An n-gram in a row of words.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hit {
    /// Where its first word stands.
    pub(crate) place: u32,
    /// What it is.
    pub(crate) node: u32,
}

/// A pair that may be there.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Candidate {
    place: u32,
    home: u32,
    pair: [u32; 2],
}

#[inline]
fn hash([prefix, word]: [u32; 2]) -> u64 {
    mix(u64::from(prefix) << 32 | u64::from(word))
}

/// Where in `homes` a hash belongs; ascends with it.
#[inline]
fn home(hash: u64, homes: usize) -> usize {
    ((u128::from(hash) * homes as u128) >> 64) as usize
}

impl Ngrams {
    /// Numbers n-grams that are given as word ids, all below `words`; returns the node of each, too.
    pub(crate) fn number(words: u32, grams: &Ragged) -> (Self, Vec<u32>) {
        let mut out = Self { words, ..Self::default() };
        let mut nodes: Vec<u32> = (0..grams.len()).map(|i| grams.row(i)[0]).collect();
        for n in 1..usize::from(LONGEST) {
            let longer: Vec<usize> = (0..grams.len()).filter(|&i| grams.row(i).len() > n).collect();
            if longer.is_empty() {
                break;
            }
            let pairs = longer.iter().map(|&i| [nodes[i], grams.row(i)[n]]);
            let mut level: Vec<(u64, [u32; 2])> = pairs.map(|pair| (hash(pair), pair)).collect();
            level.sort_unstable();
            level.dedup();
            out.slots.extend(placed(&level));
            out.ends.push(out.slots.len() as u32);
            for i in longer {
                nodes[i] = out.find(n - 1, [nodes[i], grams.row(i)[n]]).expect("put in above");
            }
        }
        (out, nodes)
    }

    /// Takes [`Ngrams::parts`] as they stood in a file; `Err` says what is wrong with them.
    pub(crate) fn from_parts(
        words: usize,
        slots: Vec<[u32; 2]>,
        ends: Vec<u32>,
    ) -> Result<Self, &'static str> {
        if ends.len() >= usize::from(LONGEST) {
            return Err("word n-grams of at most 8 words");
        }
        if words + slots.len() >= NONE as usize {
            return Err("fewer than 2^32 words and n-grams");
        }
        if ends.last().map_or(0, |&end| end as usize) != slots.len() {
            return Err("`ngrams` as long as `ngram_ends` says");
        }
        let out = Self { words: words as u32, slots, ends };
        let mut prefixes = 0..out.words;
        for n in 0..out.ends.len() {
            let range = out.level(n);
            let level = out.slots.get(range.clone()).filter(|slots| slots.len() > BEHIND);
            let homes = level.ok_or("`ngrams` as long as `ngram_ends` says")?.len() - BEHIND;
            // The last free slot, and the last hash.
            let (mut free, mut last) = (None, None);
            for (at, &pair) in out.slots[range.clone()].iter().enumerate() {
                if pair == FREE {
                    free = Some(at);
                    continue;
                }
                let [prefix, word] = pair;
                let begins = prefixes.contains(&prefix) && out.holds(prefix);
                if !begins || word >= out.words {
                    return Err("pairs of words that are there");
                }
                let hash = hash(pair);
                let home = home(hash, homes);
                let found = home <= at && at - home <= FARTHEST && free.is_none_or(|free| free < home);
                if !found || last.is_some_and(|last| last >= hash) {
                    return Err("`ngrams` where they are looked for");
                }
                last = Some(hash);
            }
            prefixes = out.words + range.start as u32..out.words + range.end as u32;
        }
        Ok(out)
    }

    /// Prefix and last word in each slot, in the order of the nodes, and where each length ends.
    pub(crate) fn parts(&self) -> (&[[u32; 2]], &[u32]) {
        (&self.slots, &self.ends)
    }

    /// Number of slots.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Prefix and last word of `node`, or `None` if it is a word.
    pub(crate) fn pair(&self, node: u32) -> Option<[u32; 2]> {
        node.checked_sub(self.words).and_then(|slot| self.slots.get(slot as usize).copied())
    }

    /// Whether `node` is an n-gram and no free slot.
    pub(crate) fn holds(&self, node: u32) -> bool {
        self.pair(node).is_none_or(|pair| pair != FREE)
    }

    fn level(&self, level: usize) -> Range<usize> {
        let start = level.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |&end| end);
        start as usize..self.ends.get(level).map_or(start, |&end| end) as usize
    }

    /// Finds the n-grams of `n + 1` words that go on from those of `n` words in `hits`, in the same
    /// order. `words` are word ids, [`NONE`] where a word is unknown or a text ends; that comes last.
    ///
    /// All look-ups do the same step before any does the next, so that the processor waits for many
    /// of them at once and not for one after the other.
    pub(crate) fn longer(
        &self,
        n: usize,
        words: &[u32],
        hits: &[Hit],
        candidates: &mut Vec<Candidate>,
        out: &mut Vec<Hit>,
    ) {
        out.clear();
        let range = self.level(n - 1);
        let Some(homes) = range.len().checked_sub(BEHIND) else { return };
        let slots = &self.slots[range.clone()];
        candidates.clear();
        for hit in hits {
            let word = words.get(hit.place as usize + n).copied().unwrap_or(NONE);
            if word != NONE {
                let pair = [hit.node, word];
                let home = home(hash(pair), homes);
                prefetch(slots, home);
                prefetch(slots, home + WINDOW - 1);
                candidates.push(Candidate { place: hit.place, home: home as u32, pair });
            }
        }
        let base = self.words + range.start as u32;
        for &Candidate { place, home, pair } in &*candidates {
            if let Some(slot) = search(slots, home as usize, pair) {
                out.push(Hit { place, node: base + slot as u32 });
            }
        }
    }

    /// The node of `pair`.
    fn find(&self, level: usize, pair: [u32; 2]) -> Option<u32> {
        let range = self.level(level);
        let slots = &self.slots[range.clone()];
        let slot = search(slots, home(hash(pair), slots.len() - BEHIND), pair)?;
        Some(self.words + (range.start + slot) as u32)
    }
}

/// The slot that `pair` stands in, from its home on.
#[inline]
fn search(slots: &[[u32; 2]], home: usize, pair: [u32; 2]) -> Option<usize> {
    // Nobody can foresee which slot it is, so the first few are compared without a branch.
    let window = slots.get(home..home + WINDOW)?;
    let mut same = 1_u32 << WINDOW;
    for (bit, &slot) in window.iter().enumerate() {
        same |= u32::from(slot == pair) << bit;
    }
    let at = same.trailing_zeros() as usize;
    if at < WINDOW {
        return Some(home + at);
    }
    if window.contains(&FREE) {
        return None;
    }
    let rest = slots[home..].iter().enumerate().skip(WINDOW);
    rest.take_while(|(_, slot)| **slot != FREE).find(|(_, slot)| **slot == pair).map(|(at, _)| home + at)
}

/// The slots of pairs that are given in ascending order of their hashes.
fn placed(pairs: &[(u64, [u32; 2])]) -> Vec<[u32; 2]> {
    // Three quarters full; should too many crowd in one place, then fewer.
    let mut homes = pairs.len() * 4 / 3 + 1;
    'wider: loop {
        let mut slots = vec![FREE; homes + BEHIND];
        let mut next = 0;
        for &(hash, pair) in pairs {
            let home = home(hash, homes);
            let slot = next.max(home);
            if slot - home > FARTHEST || slot + WINDOW > slots.len() {
                homes += homes / 8 + 1;
                continue 'wider;
            }
            slots[slot] = pair;
            next = slot + 1;
        }
        return slots;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ragged(rows: &[Vec<u32>]) -> Ragged {
        let mut out = Ragged::default();
        for row in rows {
            out.ids.extend(row);
            out.ends.push(out.ids.len());
        }
        out
    }

    proptest! {
        /// What is found in a row of words is what a search of the list finds.
        #[test]
        fn as_a_plain_search(
            grams in prop::collection::vec(prop::collection::vec(0_u32..6, 1..5), 1..300),
            words in prop::collection::vec(prop_oneof![9 => 0_u32..6, 1 => Just(NONE)], 0..40),
        ) {
            let (ngrams, nodes) = Ngrams::number(6, &ragged(&grams));
            let (slots, ends) = ngrams.parts();
            let same = Ngrams::from_parts(6, slots.to_vec(), ends.to_vec()).unwrap();
            let mut words = words;
            words.push(NONE);
            let mut hits: Vec<Hit> = (0_u32..)
                .zip(&words)
                .filter(|(_, word)| **word != NONE)
                .map(|(place, &node)| Hit { place, node })
                .collect();
            let (mut candidates, mut next) = (Vec::new(), Vec::new());
            for n in 1..5 {
                for hit in &hits {
                    let row = &words[hit.place as usize..][..n];
                    if let Some(i) = grams.iter().position(|gram| gram == row) {
                        prop_assert_eq!(hit.node, nodes[i]);
                    }
                }
                if n > 1 {
                    let wanted = words.windows(n).filter(|row| grams.iter().any(|gram| gram == row)).count();
                    let known = hits.iter().filter(|hit| nodes.contains(&hit.node)).count();
                    prop_assert_eq!(known, wanted);
                }
                same.longer(n, &words, &hits, &mut candidates, &mut next);
                std::mem::swap(&mut hits, &mut next);
            }
        }
    }

    #[test]
    fn many_pairs_are_all_found() {
        let rows: Vec<Vec<u32>> = (0..100_000_u32).map(|i| vec![i % 997, i / 7 % 1009]).collect();
        let (ngrams, nodes) = Ngrams::number(1009, &ragged(&rows));
        for (row, node) in rows.iter().zip(nodes) {
            assert_eq!(ngrams.pair(node).unwrap(), row[..]);
        }
        assert!(ngrams.len() < rows.len() * 4 / 3 + 2 * BEHIND, "{} slots", ngrams.len());
    }
}
