//! Which texts are the same, or nearly: identities and word sets, computed once per corpus.

use rayon::prelude::*;
use sentimeter_text::identity;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::corpus::Corpus;

/// Rows per unit of parallel work; a constant, so that results never depend on threads.
const CHUNK: usize = 4096;

/// What makes each text of a corpus the same as, or like, another one.
#[derive(Debug, Clone, Default)]
pub struct Fingerprints {
    pub(crate) identities: Vec<u128>,
    /// Hashes of each row's distinct words, ascending, one row after another.
    words: Vec<u32>,
    /// `ends[i]` is one past row `i`'s last word.
    ends: Vec<usize>,
}

impl Fingerprints {
    /// Computes the fingerprints of all texts, in parallel; about 60 bytes a tweet.
    pub fn of(corpus: &Corpus) -> Self {
        let chunks: Vec<Self> = (0..corpus.len().div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let rows = chunk * CHUNK..corpus.len().min((chunk + 1) * CHUNK);
                let mut part = Self::default();
                let mut scratch = String::new();
                let mut set = Vec::new();
                for row in rows {
                    part.push(corpus.text(row), &mut scratch, &mut set);
                }
                part
            })
            .collect();
        let mut all = Self {
            identities: Vec::with_capacity(corpus.len()),
            words: Vec::with_capacity(chunks.iter().map(|c| c.words.len()).sum()),
            ends: Vec::with_capacity(corpus.len()),
        };
        for chunk in chunks {
            let base = all.words.len();
            all.identities.extend(chunk.identities);
            all.words.extend(chunk.words);
            all.ends.extend(chunk.ends.into_iter().map(|end| base + end));
        }
        all
    }

    fn push(&mut self, text: &str, scratch: &mut String, set: &mut Vec<u32>) {
        identity(text, scratch);
        set.clear();
        set.extend(scratch.split_ascii_whitespace().map(|word| xxh3_64(word.as_bytes()) as u32));
        set.sort_unstable();
        set.dedup();
        self.identities.push(hash_identity(scratch, text));
        self.words.extend_from_slice(set);
        self.ends.push(self.words.len());
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.identities.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty()
    }

    /// The identity of every text: equal for texts that are the same in two disguises.
    pub fn identities(&self) -> &[u128] {
        &self.identities
    }

    /// Hashes of the distinct words of text `row`, ascending.
    pub(crate) fn words(&self, row: usize) -> &[u32] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.words[start..self.ends[row]]
    }
}

/// A text of nothing but mentions and punctuation has an empty identity; `:)` and `:(` are not the
/// same all the same, so such a text stands for itself.
fn hash_identity(identity: &str, text: &str) -> u128 {
    let identity = identity.trim();
    xxh3_128(if identity.is_empty() { text.as_bytes() } else { identity.as_bytes() })
}

/// The identity of one text, as [`Fingerprints::identities`] has it.
pub fn identity_of(text: &str) -> u128 {
    let mut scratch = String::new();
    identity(text, &mut scratch);
    hash_identity(&scratch, text)
}

/// The identity of every text of `corpus`, in parallel, without the word sets.
pub fn identities(corpus: &Corpus) -> Vec<u128> {
    (0..corpus.len())
        .into_par_iter()
        .with_min_len(CHUNK)
        .map_init(String::new, |scratch, row| {
            identity(corpus.text(row), scratch);
            hash_identity(scratch, corpus.text(row))
        })
        .collect()
}

/// What became of texts that occur more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateReport {
    /// Rows looked at.
    pub rows: u64,
    /// Rows dropped because another row says the same under the same label, or without one.
    pub duplicates: u64,
    /// Texts that occur under different labels.
    pub conflicts: u64,
    /// Rows dropped because most rows of their text have another label.
    pub outvoted: u64,
    /// Texts dropped because their labels tie.
    pub ties: u64,
    /// Rows dropped with those.
    pub tied_rows: u64,
}

/// The rows to keep so that every text occurs once, under the label that most of its rows have, and
/// not at all where labels tie. Rows ascend; which of several equal rows stays depends on their
/// content alone.
pub fn deduplicate(corpus: &Corpus, prints: &Fingerprints) -> (Vec<u32>, DuplicateReport) {
    let mut order: Vec<(u128, u32)> = prints.identities.iter().copied().zip(0u32..).collect();
    order.par_sort_unstable();
    let mut keep = Vec::with_capacity(order.len());
    let mut report = DuplicateReport { rows: order.len() as u64, ..DuplicateReport::default() };
    for same in order.chunk_by(|a, b| a.0 == b.0) {
        match same {
            [(_, only)] => keep.push(*only),
            _ => keep.extend(vote(corpus, same, &mut report)),
        }
    }
    keep.sort_unstable();
    (keep, report)
}

/// The row that stands for all of `same`, if their labels agree enough.
fn vote(corpus: &Corpus, same: &[(u128, u32)], report: &mut DuplicateReport) -> Option<u32> {
    let mut labels: Vec<u16> = same.iter().filter_map(|&(_, row)| corpus.label(row as usize)).collect();
    labels.sort_unstable();
    let mut counts: Vec<(usize, u16)> = labels.chunk_by(|a, b| a == b).map(|c| (c.len(), c[0])).collect();
    counts.sort_unstable_by_key(|&(n, label)| (std::cmp::Reverse(n), label));
    report.conflicts += u64::from(counts.len() > 1);
    let winner = match counts.as_slice() {
        [(a, _), (b, _), ..] if a == b => {
            report.ties += 1;
            report.tied_rows += same.len() as u64;
            return None;
        }
        [(_, label), ..] => Some(*label),
        [] => None,
    };
    let outvoted: usize = counts.iter().skip(1).map(|(n, _)| n).sum();
    report.outvoted += outvoted as u64;
    report.duplicates += (same.len() - 1 - outvoted) as u64;
    same.iter().map(|&(_, row)| row).filter(|&row| corpus.label(row as usize) == winner).min_by_key(|&row| {
        let row = row as usize;
        (xxh3_64(corpus.text(row).as_bytes()), corpus.id(row), corpus.time(row), corpus.author(row), row)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Example;

    pub(crate) fn corpus(rows: &[(&str, &str)]) -> Corpus {
        let mut corpus = Corpus::new();
        for &(text, label) in rows {
            let label = (!label.is_empty()).then_some(label);
            corpus.push(Example { text, label, ..Example::default() }).unwrap();
        }
        corpus
    }

    #[test]
    fn the_majority_wins_and_ties_go() {
        let corpus = corpus(&[
            ("same text", "positive"),
            ("Same  text", "positive"),
            ("same text", "negative"),
            ("tie", "positive"),
            ("tie", "negative"),
            ("alone", ""),
            ("alone", ""),
            ("half", ""),
            ("half", "negative"),
            (":)", "positive"),
            (":(", "negative"),
        ]);
        let prints = Fingerprints::of(&corpus);
        assert_eq!(prints.identities(), identities(&corpus));
        assert_eq!(prints.identities()[3], identity_of("tie"));
        let (keep, report) = deduplicate(&corpus, &prints);
        let kept: Vec<_> = keep
            .iter()
            .map(|&r| {
                (corpus.text(r as usize).to_lowercase().replace("  ", " "), corpus.label_name(r as usize))
            })
            .collect();
        assert_eq!(
            kept,
            [
                ("same text".into(), Some("positive")),
                ("alone".into(), None),
                ("half".into(), Some("negative")),
                (":)".into(), Some("positive")),
                (":(".into(), Some("negative")),
            ]
        );
        assert_eq!(
            report,
            DuplicateReport { rows: 11, duplicates: 3, conflicts: 2, outvoted: 1, ties: 1, tied_rows: 2 }
        );
    }
}
