//! What a run learns from and what it is measured on: no text stands in both (DESIGN.md rule 7).

use sentimeter_corpus::Corpus;
use serde::Serialize;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use crate::ExperimentError;
use crate::plan::{Plan, SplitKind};

/// A row of a corpus and its class in the run's labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Row of the corpus.
    pub row: u32,
    /// Index into the labels.
    pub class: u16,
    /// Hash of text and label: the order of the rows.
    pub(crate) hash: u128,
    /// Rows of one group never part.
    pub(crate) group: u64,
}

/// Rows that were left out of training, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// Texts without a label.
    pub unlabelled: usize,
    /// Texts that stand with different labels equally often.
    pub ties: usize,
    /// Texts whose label was outvoted by the same text's other occurrences; they are kept with the
    /// majority's label.
    pub relabelled: usize,
    /// Texts that stand in the test part too.
    pub in_test: usize,
    /// Test texts whose label the training data lacks.
    pub unknown_label: usize,
}

/// Both sides of a run, each in the order of content hashes, so that the order of the input does
/// not matter.
#[derive(Debug)]
pub struct Prepared {
    /// The labels of the run.
    pub labels: Vec<String>,
    /// What is learned from: rows of the data.
    pub train: Vec<Row>,
    /// What is measured on: rows of the test corpus, or of the data where there is none.
    pub test: Vec<Row>,
    /// What was left out.
    pub dropped: Dropped,
    /// Content hash of the data as given.
    pub data_hash: String,
}
