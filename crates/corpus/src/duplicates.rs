//! The same text twice: exactly, in disguise, or nearly; and with which label.

use std::ops::Range;

use rayon::prelude::*;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::Corpus;

/// Texts that one thread works on at a time.
const CHUNK: usize = 1 << 13;

/// Word sets that overlap by this share of their union (Jaccard) are nearly the same text.
pub const NEAR: f64 = 0.8;

/// Texts with fewer distinct words are compared by identity alone: one word is a quarter of them.
const LEAST_WORDS: usize = 4;

/// Signatures are cut into so many bands of so many minima: two texts that share 80 % of their
/// words agree in at least one band with a probability of 96 %, at 90 % of 99.8 %, at 30 % of 5 %
/// (Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, section 3.4).
const BANDS: usize = 6;
const PER_BAND: usize = 4;

/// Members of a bucket that each further member is compared with: the bucket's first and those just
/// before it. It bounds the work on a bucket of a million.
const LOOK_BACK: usize = 3;

fn chunks(len: usize) -> Vec<Range<usize>> {
    (0..len.div_ceil(CHUNK)).map(|i| i * CHUNK..((i + 1) * CHUNK).min(len)).collect()
}

/// Hash of each text's [`sentimeter_text::identity`], `[rows]`: equal for the same text in different
/// disguises (DESIGN.md rule 7).
pub fn identities(corpus: &Corpus) -> Vec<u128> {
    let parts: Vec<Vec<u128>> = chunks(corpus.len())
        .into_par_iter()
        .map_init(String::new, |identity, range| {
            let hash = |i| {
                sentimeter_text::identity(corpus.text(i), identity);
                xxh3_128(identity.as_bytes())
            };
            range.map(hash).collect()
        })
        .collect();
    parts.concat()
}

/// What became of texts that stand with different labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Each row's label after the vote: [`Corpus::NONE`] where it has none, or its text tied.
    pub labels: Vec<u16>,
    /// Distinct texts with more than one label.
    pub conflicts: usize,
    /// Rows whose label was outvoted.
    pub relabelled: usize,
    /// Rows without a label now, since their text's labels tied.
    pub tied: usize,
}

/// Gives every text that stands with different labels the label of its majority; ties lose theirs.
pub fn resolve_conflicts(corpus: &Corpus, identities: &[u128]) -> Resolved {
    let mut order: Vec<(u128, u32)> = (0..corpus.len() as u32)
        .filter(|&row| corpus.label(row as usize).is_some())
        .map(|row| (identities[row as usize], row))
        .collect();
    order.par_sort_unstable();
    let mut out = Resolved { labels: corpus.label_column().to_vec(), ..Resolved::default() };
    let mut votes = vec![0_usize; corpus.labels().len()];
    for same in order.chunk_by(|a, b| a.0 == b.0) {
        let label = |row: u32| corpus.label_column()[row as usize];
        if same.iter().all(|&(_, row)| label(row) == label(same[0].1)) {
            continue;
        }
        votes.fill(0);
        same.iter().for_each(|&(_, row)| votes[usize::from(label(row))] += 1);
        let most = votes.iter().copied().max().unwrap_or(0);
        let mut winners = (0_u16..).zip(&votes).filter(|&(_, &n)| n == most).map(|(class, _)| class);
        let winner = winners.next().filter(|_| winners.next().is_none());
        out.conflicts += 1;
        for &(_, row) in same {
            match winner {
                Some(class) => out.relabelled += usize::from(label(row) != class),
                None => out.tied += 1,
            }
            out.labels[row as usize] = winner.unwrap_or(Corpus::NONE);
        }
    }
    out
}

/// The group of each row, `[rows]`: rows of one group are the same text or nearly so.
///
/// A group is named by its smallest identity, so that names do not depend on the order of the rows.
/// Candidates come from locality-sensitive hashing of the sets of words and are verified by their
/// exact Jaccard similarity, at least [`NEAR`]; groups are the transitive closure. The work is linear
/// in the text, whatever the text.
pub fn near_duplicates(corpus: &Corpus, identities: &[u128]) -> Vec<u128> {
    let mut distinct: Vec<(u128, u32)> = identities.iter().copied().zip(0..).collect();
    distinct.par_sort_unstable();
    distinct.dedup_by_key(|(identity, _)| *identity);
    let sets = word_sets(corpus, &distinct);
    let mut groups = Groups::new(distinct.len());
    for band in 0..BANDS {
        let mut keys: Vec<(u64, u32)> = chunks(sets.len())
            .into_par_iter()
            .flat_map_iter(|range| {
                range.filter(|&i| sets.row(i).len() >= LEAST_WORDS).map(|i| (band_key(sets.row(i), band), i as u32))
            })
            .collect();
        keys.par_sort_unstable();
        let near: Vec<(u32, u32)> = keys
            .par_chunk_by(|a, b| a.0 == b.0)
            .flat_map_iter(|bucket| {
                (1..bucket.len()).flat_map(move |i| {
                    let before = i.saturating_sub(LOOK_BACK).max(1)..i;
                    std::iter::once(0).chain(before).map(move |j| (bucket[j].1, bucket[i].1))
                })
            })
            .filter(|&(a, b)| similar(sets.row(a as usize), sets.row(b as usize)))
            .collect();
        near.into_iter().for_each(|(a, b)| groups.join(a, b));
    }
    // Indices into `distinct` ascend with the identities, and a group's root is its smallest index.
    let roots: Vec<u32> = (0..distinct.len() as u32).map(|i| groups.root(i)).collect();
    identities
        .par_iter()
        .map(|identity| {
            let at = distinct.partition_point(|(other, _)| other < identity);
            distinct[roots[at] as usize].0
        })
        .collect()
}

/// Sorted distinct word hashes of many texts.
struct WordSets {
    ends: Vec<usize>,
    words: Vec<u32>,
}

impl WordSets {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn row(&self, i: usize) -> &[u32] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.words[start..self.ends[i]]
    }
}

fn word_sets(corpus: &Corpus, texts: &[(u128, u32)]) -> WordSets {
    let parts: Vec<WordSets> = chunks(texts.len())
        .into_par_iter()
        .map_init(String::new, |identity, range| {
            let mut part = WordSets { ends: Vec::with_capacity(range.len()), words: Vec::new() };
            for &(_, row) in &texts[range] {
                sentimeter_text::identity(corpus.text(row as usize), identity);
                let start = part.words.len();
                part.words.extend(identity.split(' ').map(|word| xxh3_64(word.as_bytes()) as u32));
                part.words[start..].sort_unstable();
                let mut end = start;
                for at in start..part.words.len() {
                    if at == start || part.words[at] != part.words[end - 1] {
                        part.words[end] = part.words[at];
                        end += 1;
                    }
                }
                part.words.truncate(end);
                part.ends.push(end);
            }
            part
        })
        .collect();
    let mut all = WordSets { ends: Vec::with_capacity(texts.len()), words: Vec::new() };
    for part in parts {
        let base = all.words.len();
        all.ends.extend(part.ends.iter().map(|end| base + end));
        all.words.extend(part.words);
    }
    all
}

/// One band of a set's MinHash signature (Broder 1997): the smallest of the words' hashes under
/// each of the band's functions.
fn band_key(words: &[u32], band: usize) -> u64 {
    let mut key = band as u64;
    for function in 0..PER_BAND {
        // Odd multipliers far apart; the high half of the product is well mixed.
        let factor = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(2 * (band * PER_BAND + function) as u64 + 1);
        let hash = |word: u32| {
            let x = (u64::from(word) + 1).wrapping_mul(factor);
            (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
        };
        let least = words.iter().map(|&word| hash(word)).min().unwrap_or(0);
        key = (key ^ least).wrapping_mul(0x94d0_49bb_1331_11eb);
        key ^= key >> 31;
    }
    key
}

/// Whether two sorted sets overlap by at least [`NEAR`] of their union.
fn similar(a: &[u32], b: &[u32]) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    if (short.len() as f64) < NEAR * long.len() as f64 {
        return false;
    }
    let (mut i, mut j, mut both) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, both) = (i + 1, j + 1, both + 1),
        }
    }
    f64::from(both) >= NEAR * (a.len() + b.len() - both as usize) as f64
}

/// Disjoint sets; each one's root is its smallest member.
#[derive(Debug)]
pub(crate) struct Groups(Vec<u32>);

impl Groups {
    pub(crate) fn new(len: usize) -> Self {
        Self((0..len as u32).collect())
    }

    pub(crate) fn root(&mut self, mut i: u32) -> u32 {
        while self.0[i as usize] != i {
            // Halve the path on the way.
            self.0[i as usize] = self.0[self.0[i as usize] as usize];
            i = self.0[i as usize];
        }
        i
    }

    pub(crate) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        self.0[high as usize] = low;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Example;

    fn corpus(rows: &[(&str, &str)]) -> Corpus {
        let mut corpus = Corpus::new();
        for (text, label) in rows {
            corpus.push(Example { text, label: Some(label), ..Example::default() }).unwrap();
        }
        corpus
    }

    #[test]
    fn the_majority_decides_and_ties_lose_their_label() {
        let corpus = corpus(&[
            ("so good", "pos"),
            ("So good!", "neg"),
            ("@you SO GOOD http://a.b", "pos"),
            ("meh", "pos"),
            ("Meh.", "neg"),
            ("fine thanks", "pos"),
        ]);
        let resolved = resolve_conflicts(&corpus, &identities(&corpus));
        let (pos, none) = (corpus.label_column()[0], Corpus::NONE);
        assert_eq!(resolved.labels, [pos, pos, pos, none, none, pos]);
        assert_eq!((resolved.conflicts, resolved.relabelled, resolved.tied), (2, 1, 2));
    }

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
        let groups = near_duplicates(&corpus, &identities(&corpus));
        assert_eq!(groups[0], groups[1]);
        assert_ne!(groups[0], groups[3]);
        assert_ne!(groups[4], groups[5], "short texts are not joined by the word that they share");
    }

    /// Of pairs that differ in one word of twelve (Jaccard 0.85), nearly all are found.
    #[test]
    fn recall_is_what_the_bands_promise() {
        let words: Vec<String> = (0..4000).map(|i| format!("word{i}")).collect();
        let texts: Vec<String> = (0..300)
            .flat_map(|i| {
                let text = |swap: usize| {
                    (0..12).map(|j| &words[if j == 5 { swap } else { i * 13 + j }][..]).collect::<Vec<_>>().join(" ")
                };
                [text(i * 13 + 5), text(i * 13 + 12)]
            })
            .collect();
        let rows: Vec<(&str, &str)> = texts.iter().map(|t| (&t[..], "a")).collect();
        let corpus = corpus(&rows);
        let groups = near_duplicates(&corpus, &identities(&corpus));
        let found = groups.chunks(2).filter(|pair| pair[0] == pair[1]).count();
        assert!(found >= 280, "{found} of 300");
        let distinct: std::collections::BTreeSet<_> = groups.iter().collect();
        assert!(distinct.len() >= 300, "texts without a common word are never joined");
    }

    #[test]
    fn a_hundred_thousand_equal_texts_are_one_group_at_once() {
        let text = "the same long complaint over and over again from everyone";
        let rows: Vec<String> = (0..100_000).map(|i| format!("{text} {}", i % 1000)).collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|t| (&t[..], "a")).collect();
        let corpus = corpus(&rows);
        let groups = near_duplicates(&corpus, &identities(&corpus));
        assert!(groups.iter().all(|&g| g == groups[0]));
    }

    proptest! {
        #[test]
        fn groups_do_not_depend_on_the_order_of_the_rows(
            texts in proptest::collection::vec("(a|b|c|d|e|f|g)( (a|b|c|d|e|f|g|h)){3,7}", 1..40)
        ) {
            let rows: Vec<(&str, &str)> = texts.iter().map(|t| (&t[..], "a")).collect();
            let turned: Vec<(&str, &str)> = rows.iter().rev().copied().collect();
            let (one, two) = (corpus(&rows), corpus(&turned));
            let forward = near_duplicates(&one, &identities(&one));
            let mut backward = near_duplicates(&two, &identities(&two));
            backward.reverse();
            prop_assert_eq!(forward, backward);
        }
    }
}
