//! Two data sets side by side.

use std::collections::BTreeSet;

use sentimeter_corpus::{Corpus, Example, Identities, near_duplicates};
use sentimeter_model::Hooks;
use sentimeter_model::distinct::{Distinct, Tally, distinct};
use sentimeter_text::language::Language;
use serde::Serialize;

use super::auc::{Auc, auc};
use super::quick::Quick;
use super::sample::{Sample, draw};
use super::slots::Slots;
use super::words::Vocab;
use crate::ExperimentError;

/// Rows of each side that the domain classifier learns from at most.
const ROWS: usize = 20_000;

/// Words that differ most, for each side.
const MOST: usize = 40;

/// What this data set (A) and another one (B) have in common.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// What the other one is called.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Classes of either, with the share of each side's labelled rows: A, then B.
    pub balance: Vec<(String, f64, f64)>,
    /// Distinct words of A, of B and of both.
    pub words: [u64; 3],
    /// `both / either`, in `[0, 1]`.
    pub jaccard: f64,
    /// Share of B's tokens whose word A knows.
    pub known_tokens: f64,
    /// Jensen–Shannon divergence of the word distributions, bits, in `[0, 1]` (Lin 1991).
    pub divergence: f64,
    /// Words of A rather than B.
    pub here: Vec<Distinct>,
    /// Words of B rather than A.
    pub there: Vec<Distinct>,
    /// Texts that stand in both, by identity: distinct texts.
    pub shared_texts: u64,
    /// How well a quick model tells a text of A from one of B, out of fold: 0.5 where they are alike.
    pub domain: Option<Auc>,
    /// Rows of each side that it was measured on.
    pub domain_rows: u64,
    /// What was drawn of A, where those are not all rows.
    pub sample: Option<Sample>,
}

/// Compares `a`, whose words are read, with `b`.
pub(super) fn compare(
    a: (&Corpus, &Vocab, &Identities),
    b: (&str, &Corpus),
    languages: &[Language],
    seed: u64,
    hooks: &mut dyn Hooks,
) -> Result<Comparison, ExperimentError> {
    let (corpus, vocab, identities) = a;
    let (name, other) = b;
    let theirs = Vocab::read(other, &Slots::of(other), languages, hooks)?;
    let (ours_by_word, ours) = vocab.table();
    let (theirs_by_word, all) = theirs.table();
    let words: BTreeSet<&str> = ours_by_word.keys().chain(theirs_by_word.keys()).copied().collect();
    let count = |word: &str| {
        (ours_by_word.get(word).copied().unwrap_or(0), theirs_by_word.get(word).copied().unwrap_or(0))
    };
    let terms = |swap: bool| {
        words.iter().map(move |&word| {
            let (here, there) = count(word);
            let (here, there) = if swap { (there, here) } else { (here, there) };
            Tally { name: word.into(), here, there }
        })
    };
    let known = theirs_by_word.iter().filter(|(word, _)| ours_by_word.contains_key(*word));
    let (both, known_tokens) = known.fold((0, 0), |(words, tokens), (_, n)| (words + 1, tokens + n));
    let names = [ours_by_word.len() as u64, theirs_by_word.len() as u64, both];
    let either = words.len() as f64;
    let their_names = Identities::of(other);
    let mut shared: Vec<u64> =
        their_names.hashes().iter().copied().filter(|&hash| identities.contains(hash)).collect();
    shared.sort_unstable();
    shared.dedup();
    let divergence = divergence(words.iter().map(|&word| count(word)), ours, all);
    let (domain, domain_rows, sample) = domain(corpus, other, languages, seed, hooks)?;
    Ok(Comparison {
        name: name.to_owned(),
        rows: other.len() as u64,
        balance: balance(corpus, other),
        words: names,
        jaccard: both as f64 / either.max(1.0),
        known_tokens: known_tokens as f64 / (all as f64).max(1.0),
        divergence,
        here: distinct(&mut terms(false), MOST),
        there: distinct(&mut terms(true), MOST),
        shared_texts: shared.len() as u64,
        domain,
        domain_rows,
        sample,
    })
}

fn balance(a: &Corpus, b: &Corpus) -> Vec<(String, f64, f64)> {
    let names: BTreeSet<&String> = a.labels().iter().chain(b.labels()).collect();
    let share = |corpus: &Corpus, name: &str| {
        let counts = corpus.class_counts();
        let at = corpus.labels().iter().position(|label| label == name);
        at.map_or(0.0, |at| counts[at] as f64 / counts.iter().sum::<usize>().max(1) as f64)
    };
    names.into_iter().map(|name| (name.clone(), share(a, name), share(b, name))).collect()
}

/// Jensen–Shannon divergence of two counts, bits; 0 where a side is empty.
fn divergence(counts: impl Iterator<Item = (u64, u64)>, ours: u64, theirs: u64) -> f64 {
    if ours == 0 || theirs == 0 {
        return 0.0;
    }
    let sum: f64 = counts
        .map(|(a, b)| {
            let (p, q) = (a as f64 / ours as f64, b as f64 / theirs as f64);
            let middle = (p + q) / 2.0;
            let part = |x: f64| if x > 0.0 { x * (x / middle).log2() / 2.0 } else { 0.0 };
            part(p) + part(q)
        })
        .sum();
    sum.clamp(0.0, 1.0)
}

/// How well the words tell the sets apart, on as many rows of either.
fn domain(
    a: &Corpus,
    b: &Corpus,
    languages: &[Language],
    seed: u64,
    hooks: &mut dyn Hooks,
) -> Result<(Option<Auc>, u64, Option<Sample>), ExperimentError> {
    let each = a.len().min(b.len()).min(ROWS);
    let (ours, sample) = draw(a, each, seed);
    let (theirs, _) = draw(b, each, seed);
    let mut both = Corpus::with_labels(vec!["a".to_owned(), "b".to_owned()]);
    for (corpus, rows, label) in [(a, &ours, "a"), (b, &theirs, "b")] {
        for &row in rows {
            let example =
                Example { text: corpus.text(row as usize), label: Some(label), ..Example::default() };
            // Two classes always fit.
            let _ = both.push(example);
        }
    }
    let groups = near_duplicates(&Identities::of(&both));
    let labels = both.labels().to_vec();
    let rows = (0..both.len() as u32).filter_map(|row| Some((row, both.label(row as usize)?)));
    let found = Quick::new(sentimeter_text::words::recipe(languages), 3, seed)
        .out_of_fold(&both, rows, &labels, &groups, hooks)?;
    let area = found.and_then(|found| {
        let mut scored: Vec<(f64, bool)> =
            found.iter().map(|(_, class, probs)| (f64::from(probs[1]), class == 1)).collect();
        auc(&mut scored)
    });
    Ok((area, each as u64, sample))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergence_is_nothing_for_the_same_and_one_bit_for_strangers() {
        assert_eq!(divergence([(1, 2), (3, 6)].into_iter(), 4, 8), 0.0);
        assert_eq!(divergence([(4, 0), (0, 9)].into_iter(), 4, 9), 1.0);
        assert_eq!(divergence([(4, 0)].into_iter(), 4, 0), 0.0);
    }
}
