//! What a run learns from and what it is measured on: no text stands in both (DESIGN.md rule 7).

use rayon::prelude::*;
use sentimeter_corpus::{Corpus, identities, near_duplicates, resolve_conflicts, split};
use serde::Serialize;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use crate::{ExperimentError, Plan};

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
    pub(crate) group: u128,
}

impl Row {
    /// What the rows of a run are sorted by.
    pub(crate) fn order(&self) -> (u128, u16) {
        (self.hash, self.class)
    }
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

/// Draws both sides: conflicts resolved, duplicates of test texts removed, near duplicates kept on
/// one side.
///
/// # Errors
/// No labels, or a split that the data cannot give.
pub fn prepare(plan: &Plan, data: &Corpus, test: Option<&Corpus>) -> Result<Prepared, ExperimentError> {
    if data.class_counts().iter().filter(|&&n| n > 0).count() < 2 {
        let labels = data.labels().join(", ");
        return Err(ExperimentError::Data {
            why: format!("the data has fewer than two labels ({labels}); name the label column with --label"),
        });
    }
    let names = identities(data);
    let resolved = resolve_conflicts(data, &names);
    let groups = near_duplicates(data, &names);
    let hashes = row_hashes(data);
    let mut dropped = Dropped {
        unlabelled: (0..data.len()).filter(|&i| data.label(i).is_none()).count(),
        ties: resolved.tied,
        relabelled: resolved.relabelled,
        ..Dropped::default()
    };
    let row = |row: u32| Row {
        row,
        class: resolved.labels[row as usize],
        hash: hashes[row as usize],
        group: groups[row as usize],
    };
    let (mut train, mut tested): (Vec<Row>, Vec<Row>);
    if let Some(test) = test {
        let theirs = identities(test);
        let mut seen = theirs.clone();
        seen.sort_unstable();
        let kept = |r: &u32| resolved.labels[*r as usize] != Corpus::NONE;
        train = (0..data.len() as u32).filter(kept).map(row).collect();
        let before = train.len();
        train.retain(|r| seen.binary_search(&names[r.row as usize]).is_err());
        dropped.in_test = before - train.len();
        let class_of: Vec<Option<u16>> = test
            .labels()
            .iter()
            .map(|name| data.labels().iter().position(|label| label == name).map(|class| class as u16))
            .collect();
        let hashes = row_hashes(test);
        tested = Vec::new();
        for i in 0..test.len() {
            match test.label(i).map(|label| class_of[usize::from(label)]) {
                Some(Some(class)) => {
                    tested.push(Row { row: i as u32, class, hash: hashes[i], group: theirs[i] });
                }
                Some(None) => dropped.unknown_label += 1,
                None => {}
            }
        }
        if tested.is_empty() {
            return Err(ExperimentError::Data {
                why: format!(
                    "no test row has a label of the training data: the test file has {}, the data {}",
                    test.labels().join(", "),
                    data.labels().join(", ")
                ),
            });
        }
    } else {
        let split = split(data, &resolved.labels, &groups, &plan.split, plan.seed)?;
        train = split.train.into_iter().map(row).collect();
        tested = split.test.into_iter().map(row).collect();
    }
    let mut all: Vec<Row> = (0..data.len() as u32).map(row).collect();
    [&mut train, &mut tested, &mut all].into_par_iter().for_each(|rows| {
        rows.sort_unstable_by_key(Row::order);
    });
    let labels = data.labels().to_vec();
    let data_hash = content_hash(&labels, &all);
    Ok(Prepared { labels, train, test: tested, dropped, data_hash })
}

/// Hash of each row's text and label as they stand.
fn row_hashes(corpus: &Corpus) -> Vec<u128> {
    (0..corpus.len())
        .into_par_iter()
        .with_min_len(4096)
        .map(|i| {
            let label = corpus.label_name(i).unwrap_or_default();
            xxh3_128_with_seed(corpus.text(i).as_bytes(), xxh3_64(label.as_bytes()))
        })
        .collect()
}

/// BLAKE3 over label names and the rows' hashes, which ascend: the order of the input does not
/// matter.
pub(crate) fn content_hash(labels: &[String], rows: &[Row]) -> String {
    let mut hasher = blake3::Hasher::new();
    for label in labels {
        hasher.update(&(label.len() as u64).to_le_bytes());
        hasher.update(label.as_bytes());
    }
    let mut buffer = Vec::with_capacity(18 * 4096);
    for rows in rows.chunks(4096) {
        buffer.clear();
        for row in rows {
            buffer.extend_from_slice(&row.hash.to_le_bytes());
            buffer.extend_from_slice(&row.class.to_le_bytes());
        }
        hasher.update(&buffer);
    }
    hasher.finalize().to_hex().to_string()
}

impl Prepared {
    /// The fold of each training row, below `folds`, classes in their share, groups together.
    pub(crate) fn folds(&self, folds: u32, seed: u64) -> Vec<u32> {
        let labels: Vec<u16> = self.train.iter().map(|r| r.class).collect();
        let groups: Vec<u128> = self.train.iter().map(|r| r.group).collect();
        sentimeter_corpus::folds(&labels, &groups, folds, seed)
    }
}
