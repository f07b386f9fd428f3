//! The example corpus, and corpora made from it.
#![allow(dead_code)] // each test program uses its own part of this

use std::ops::ControlFlow;
use std::path::PathBuf;

use sentimeter_corpus::{Corpus, Example, ReadOptions, read};
use sentimeter_experiment::Plan;

/// A file of `examples/`.
pub(crate) fn example(name: &str) -> Corpus {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    read(&[path], &ReadOptions::default(), &mut |_| ControlFlow::Continue(())).unwrap().0
}

/// `examples/feedback.csv`: 450 texts, 150 of each class.
pub(crate) fn feedback() -> Corpus {
    example("feedback.csv")
}

/// A plan that takes a moment: words alone.
pub(crate) fn small(set: &[&str]) -> Plan {
    let text = "features = { words = [1, 2], chars = [], max_features = 2000 }\n\
                split = { test_share = 0.2 }\n\
                calibration = { folds = 3 }";
    Plan::from_toml(text, &set.iter().map(|&s| s.to_owned()).collect::<Vec<_>>()).unwrap()
}

/// The rows in another order that `seed` decides.
pub(crate) fn shuffled(corpus: &Corpus, seed: u64) -> Corpus {
    let mut rows: Vec<u32> = (0..corpus.len() as u32).collect();
    rows.sort_by_key(|&row| (u64::from(row) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ (seed << 17)) >> 20);
    corpus.select(&rows)
}

/// A corpus of texts and labels.
pub(crate) fn corpus<'a>(rows: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Corpus {
    let mut corpus = Corpus::new();
    for (text, label) in rows {
        corpus.push(Example { text, label, ..Example::default() }).unwrap();
    }
    corpus.sort_labels();
    corpus
}

/// Rows of `corpus` as [`corpus`] takes them.
pub(crate) fn rows(corpus: &Corpus) -> Vec<(&str, Option<&str>)> {
    (0..corpus.len()).map(|i| (corpus.text(i), corpus.label_name(i))).collect()
}
