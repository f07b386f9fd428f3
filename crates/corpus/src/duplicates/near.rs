//! Texts that are nearly the same: candidates by hashing parts of their words, verified one by one.

use rayon::prelude::*;

use super::deal::{Hand, PARTS};
use super::groups::{Disjoint, Groups};
use super::identities::Identities;
use super::{MIX, chunks, mix};

/// Word sets that overlap by this share of their union (Jaccard) are nearly the same text.
pub const NEAR: f64 = 0.8;

/// Texts with fewer distinct words are compared by identity alone: one word is a quarter of them.
const LEAST_WORDS: usize = 4;

/// Members of a bucket that each further member is compared with: the bucket's first and those just
/// before it. It bounds the work on a bucket of a million.
const LOOK_BACK: usize = 3;

/// A row under one of its keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    /// The bits of the key below those that say its part.
    key: u32,
    row: u32,
    /// What most pairs are told apart by, kept here since the words lie far away.
    outline: Outline,
}

/// Groups rows whose texts are the same or share at least [`NEAR`] of their words, and all that
/// hangs together by such pairs.
///
/// Candidates come from hashing parts of each set of words (see [`keys`]) and are verified by their
/// exact Jaccard similarity. The work is linear in the text, whatever the text.
pub fn near_duplicates(identities: &Identities) -> Groups {
    let rows = identities.hashes().len();
    // One row stands for a distinct text.
    let mut copy = vec![false; rows];
    identities.same().flat_map(|same| &same[1..]).for_each(|&(_, row)| copy[row as usize] = true);
    let hands: Vec<Hand<Candidate>> = chunks(rows)
        .into_par_iter()
        .map_init(Vec::new, |found, range| {
            found.clear();
            for row in range.filter(|&row| !copy[row]) {
                let words = identities.words(row);
                let outline = Outline::of(words);
                keys(words, &mut |key| {
                    let below = (key >> (u32::BITS - PARTS.ilog2())) as u32;
                    found.push((key, Candidate { key: below, row: row as u32, outline }));
                });
            }
            Hand::deal(found)
        })
        .collect();
    drop(copy);
    let pairs: Vec<Vec<(u32, u32)>> = (0..PARTS)
        .into_par_iter()
        .map_init(Met::default, |met, part| {
            met.gather(&hands, part);
            likely_pairs(&mut met.again, identities)
        })
        .collect();
    drop(hands);
    // Near duplicates share several keys as a rule. In order, words are looked up but once, and not
    // here and there in memory.
    let mut pairs = pairs.concat();
    pairs.par_sort_unstable();
    pairs.dedup();
    let words = |row: u32| identities.words(row as usize);
    let near: Vec<bool> =
        pairs.par_iter().with_min_len(256).map(|&(a, b)| similar(words(a), words(b))).collect();
    let mut sets = Disjoint::new(rows);
    pairs.iter().zip(near).filter(|(_, near)| *near).for_each(|(&(a, b), _)| sets.join(a, b));
    drop(pairs);
    const NONE: u32 = u32::MAX;
    let (mut names, mut of) = (Vec::with_capacity(rows), vec![NONE; rows]);
    for same in identities.same() {
        // The first text of a group to come has its smallest identity.
        let (name, first) = same[0];
        let root = sets.root(first) as usize;
        if of[root] == NONE {
            of[root] = names.len() as u32;
            names.push(name);
        }
        let group = of[root];
        same.iter().for_each(|&(_, row)| of[row as usize] = group);
    }
    Groups { of, names }
}

/// The pairs of `candidates` that share a key and may be near, the smaller row first.
fn likely_pairs(candidates: &mut [Candidate], identities: &Identities) -> Vec<(u32, u32)> {
    candidates.sort_unstable();
    let mut likely = Vec::new();
    for bucket in candidates.chunk_by_mut(|a, b| a.key == b.key) {
        if bucket.len() > LOOK_BACK + 2 {
            // Not all are compared with all: which ones are must not depend on the rows' order.
            bucket.sort_unstable_by_key(|candidate| identities.hashes()[candidate.row as usize]);
        }
        for i in 1..bucket.len() {
            let before = i.saturating_sub(LOOK_BACK).max(1)..i;
            for j in std::iter::once(0).chain(before) {
                let (a, b) = (bucket[j], bucket[i]);
                if a.outline.may_be_near(b.outline) {
                    likely.push((a.row.min(b.row), a.row.max(b.row)));
                }
            }
        }
    }
    likely
}

/// Keys of which two near duplicates share at least one.
///
/// Short sets are cut into parts by hash, and a part's words give a key: sets that differ in fewer
/// words than there are parts agree in one of them (PartEnum: Arasu, Ganti & Kaushik 2006). At
/// Jaccard 0.8 sets of 4 to 8 words differ in one word at most, those of up to 13 in two, so two
/// and three parts miss only those whose one equal part is empty (2 % of them), and few up to 20.
/// Longer sets give bands of MinHash minima (Leskovec, Rajaraman & Ullman, Mining of Massive
/// Datasets, section 3.4): sets that share 80 % of their words agree in a band with a probability of
/// 96 %, at 90 % of 99.8 %, at 30 % of 5 %.
fn keys(words: &[u32], sink: &mut impl FnMut(u64)) {
    let len = words.len();
    if (LEAST_WORDS..=8).contains(&len) {
        parts::<2>(words, sink);
    }
    if (8..=20).contains(&len) {
        parts::<3>(words, sink);
    }
    if len > 16 {
        bands(words, sink);
    }
}

/// A key for each of `COUNT` parts that the words fall into, unless it is empty.
fn parts<const COUNT: usize>(words: &[u32], sink: &mut impl FnMut(u64)) {
    let mut sums = [0_u64; COUNT];
    for &word in words {
        let hash = mix(u64::from(word) + 1);
        let at = ((hash >> 32) * COUNT as u64) >> 32;
        // Addition does not mind the order; the words are distinct. All sums stay in registers.
        for (part, sum) in (0..).zip(&mut sums) {
            *sum = sum.wrapping_add(if part == at { hash | 1 } else { 0 });
        }
    }
    for (part, &sum) in (0..).zip(&sums).filter(|&(_, &sum)| sum != 0) {
        sink(mix(sum ^ ((COUNT as u64) << 8 | part)));
    }
}

/// A key for each band of minima of the words' hashes.
fn bands(words: &[u32], sink: &mut impl FnMut(u64)) {
    const BANDS: u64 = 6;
    const PER_BAND: usize = 4;
    for band in 0..BANDS {
        let turns: [u64; PER_BAND] = std::array::from_fn(|i| band * PER_BAND as u64 + i as u64 + 1);
        let ahead = turns.map(|turn| (turn << 32).wrapping_mul(MIX));
        let mut least = [u64::MAX; PER_BAND];
        // Four minima at a time: none waits for the one before.
        for &word in words {
            for i in 0..PER_BAND {
                // mix(turn << 32 | word), with what the turn alone decides taken out of the loop.
                let x = (u64::from(word) ^ turns[i]).wrapping_mul(MIX).wrapping_add(ahead[i]);
                let x = (x ^ (x >> 32)).wrapping_mul(MIX);
                least[i] = least[i].min(x ^ (x >> 32));
            }
        }
        sink(least.iter().fold(band + 16, |key, &least| mix(key ^ least)));
    }
}

/// A set of words in one number: which of 56 buckets they fall into, and how many they are, up to
/// 255. It tells most candidates apart without a look at their words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Outline(u64);

impl Outline {
    const MOST: u64 = 255;

    fn of(words: &[u32]) -> Self {
        let buckets = words.iter().fold(0, |bits, &word| bits | 1 << ((u64::from(word) * 56) >> 32));
        Self(buckets << 8 | Self::MOST.min(words.len() as u64))
    }

    /// Whether the sets may overlap by [`NEAR`]: they are apart in no more buckets than words.
    fn may_be_near(self, other: Self) -> bool {
        let (a, b) = (self.0 & Self::MOST, other.0 & Self::MOST);
        a.max(b) == Self::MOST
            || ((self.0 ^ other.0) >> 8).count_ones() as usize <= most_apart((a + b) as usize)
    }
}

/// Candidates of a part whose keys meet their like; most never do and need not be sorted.
#[derive(Default)]
struct Met {
    /// Two bits a slot for the keys that hash to it: seen, seen again.
    seen: Vec<u64>,
    again: Vec<Candidate>,
}

impl Met {
    /// Gathers a part. A key may be thought to have been seen again when it was not, never the
    /// reverse.
    fn gather(&mut self, hands: &[Hand<Candidate>], part: usize) {
        const SLOTS: usize = 32;
        let total: usize = hands.iter().map(|hand| hand.part(part).len()).sum();
        let words = (total * 4).div_ceil(SLOTS).next_power_of_two();
        self.seen.clear();
        self.seen.resize(words, 0);
        let slot = |key: u32| ((key >> 5) as usize & (words - 1), (key & 31) * 2);
        let all = || hands.iter().flat_map(|hand| hand.part(part));
        for candidate in all() {
            let (at, shift) = slot(candidate.key);
            let before = self.seen[at];
            self.seen[at] = before | 1 << shift | (before >> shift & 1) << 1 << shift;
        }
        self.again.clear();
        self.again.extend(all().filter(|candidate| {
            let (at, shift) = slot(candidate.key);
            self.seen[at] >> shift & 2 != 0
        }));
    }
}

/// How many words two sets of `words` words together may have apart, if they overlap by [`NEAR`]:
/// (a + b)(1 - NEAR) / (1 + NEAR) = (a + b) / 9.
fn most_apart(words: usize) -> usize {
    words / 9
}

/// Whether two sorted sets overlap by at least [`NEAR`] of their union.
fn similar(a: &[u32], b: &[u32]) -> bool {
    let most = most_apart(a.len() + b.len());
    if a.len().abs_diff(b.len()) > most {
        return false;
    }
    let (mut i, mut j, mut both) = (0, 0, 0);
    // Most sets part after a few words. Which of two words is smaller nobody can foretell: no branch.
    while i < a.len() && j < b.len() && i + j <= most + 2 * both {
        let (x, y) = (a[i], b[j]);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
        both += usize::from(x == y);
    }
    a.len() + b.len() - 2 * both <= most
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::corpus;
    use super::*;

    #[test]
    fn near_duplicates_are_found_and_different_texts_are_not() {
        let base = "the delivery came two days late and nobody at the desk would tell me why";
        let corpus = corpus(&[
            (base, "a"),
            ("the delivery came two days late and nobody at the desk would tell me why today", "a"),
            ("delivery came two days late, and nobody at the desk would tell us why", "a"),
            ("the delivery came on time and everybody at the desk was very kind to me", "a"),
            ("good morning", "a"),
            ("good evening", "a"),
        ]);
        let groups = near_duplicates(&Identities::of(&corpus)).of;
        assert_eq!(groups[0], groups[1]);
        assert_ne!(groups[0], groups[3]);
        assert_ne!(groups[4], groups[5], "short texts are not joined by the word that they share");
    }

    /// Pairs that differ in one word of twelve (Jaccard 0.85).
    #[test]
    fn one_changed_word_of_twelve_is_found() {
        let words: Vec<String> = (0..4000).map(|i| format!("word{i}")).collect();
        let texts: Vec<String> = (0..300)
            .flat_map(|i| {
                let text = |swap: usize| {
                    (0..12)
                        .map(|j| &words[if j == 5 { swap } else { i * 13 + j }][..])
                        .collect::<Vec<_>>()
                        .join(" ")
                };
                [text(i * 13 + 5), text(i * 13 + 12)]
            })
            .collect();
        let rows: Vec<(&str, &str)> = texts.iter().map(|t| (&t[..], "a")).collect();
        let corpus = corpus(&rows);
        let groups = near_duplicates(&Identities::of(&corpus)).of;
        let found = groups.chunks(2).filter(|pair| pair[0] == pair[1]).count();
        assert!(found >= 294, "{found} of 300");
        let distinct: std::collections::BTreeSet<_> = groups.iter().collect();
        assert_eq!(distinct.len(), 600 - found, "texts without a common word are never joined");
    }

    #[test]
    fn a_hundred_thousand_equal_texts_are_one_group_at_once() {
        let text = "the same long complaint over and over again from everyone";
        let rows: Vec<String> = (0..100_000).map(|i| format!("{text} {}", i % 1000)).collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|t| (&t[..], "a")).collect();
        let corpus = corpus(&rows);
        let groups = near_duplicates(&Identities::of(&corpus)).of;
        assert!(groups.iter().all(|&g| g == groups[0]));
    }

    proptest! {
        #[test]
        fn similar_is_what_jaccard_says(
            a in prop::collection::btree_set(0_u32..40, 1..40),
            flips in prop::collection::btree_set(0_u32..40, 0..6),
        ) {
            let b: std::collections::BTreeSet<u32> = a.symmetric_difference(&flips).copied().collect();
            let share = a.intersection(&b).count() as f64 / a.union(&b).count() as f64;
            // Spread out, as hashes are.
            let set = |set: &std::collections::BTreeSet<u32>| set.iter().map(|word| word << 26).collect::<Vec<_>>();
            let (a, b) = (set(&a), set(&b));
            prop_assert_eq!(similar(&a, &b), share >= NEAR);
            prop_assert!(share < NEAR || Outline::of(&a).may_be_near(Outline::of(&b)));
        }

        #[test]
        fn groups_do_not_depend_on_the_order_of_the_rows(
            texts in proptest::collection::vec("(a|b|c|d|e|f|g)( (a|b|c|d|e|f|g|h)){3,7}", 1..40)
        ) {
            let rows: Vec<(&str, &str)> = texts.iter().map(|t| (&t[..], "a")).collect();
            let turned: Vec<(&str, &str)> = rows.iter().rev().copied().collect();
            let (one, two) = (corpus(&rows), corpus(&turned));
            let forward = near_duplicates(&Identities::of(&one));
            let mut backward = near_duplicates(&Identities::of(&two));
            backward.of.reverse();
            prop_assert_eq!(forward, backward);
        }
    }
}
