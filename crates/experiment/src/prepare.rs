//! What a run learns from and what it is measured on: no text stands in both (DESIGN.md rule 7).

use rayon::prelude::*;
use sentimeter_corpus::{Corpus, Groups, Identities, near_duplicates, resolve_conflicts, split};
use serde::Serialize;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::{ExperimentError, Plan};

/// A row of a corpus and its class in the run's labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Hash of text and label: the order of the rows.
    hash: u64,
    /// Row of the corpus.
    pub row: u32,
    /// Index into the labels.
    pub class: u16,
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
    /// Labels of the data's rows after the vote.
    resolved: Vec<u16>,
    groups: Groups,
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
    let names = Identities::of(data);
    let resolved = resolve_conflicts(data, &names);
    let groups = near_duplicates(&names);
    let mut dropped = Dropped {
        unlabelled: data.label_column().iter().filter(|&&label| label == Corpus::NONE).count(),
        ties: resolved.tied,
        relabelled: resolved.relabelled,
        ..Dropped::default()
    };
    let all = in_order(data, (0..data.len() as u32).map(|row| (row, resolved.labels[row as usize])));
    let labelled = |r: &&Row| r.class != Corpus::NONE;
    let (train, tested): (Vec<Row>, Vec<Row>);
    if let Some(test) = test {
        let theirs = Identities::of(test);
        let kept = |r: &&Row| !theirs.contains(names.hashes()[r.row as usize]);
        train = all.iter().filter(labelled).filter(kept).copied().collect();
        dropped.in_test = all.iter().filter(labelled).count() - train.len();
        let class_of: Vec<Option<u16>> = test
            .labels()
            .iter()
            .map(|name| data.labels().iter().position(|label| label == name).map(|class| class as u16))
            .collect();
        let known = |row: u32| {
            let class = class_of[usize::from(test.label(row as usize)?)];
            class.map(|class| (row, class))
        };
        tested = in_order(test, (0..test.len() as u32).filter_map(known));
        let labels = test.label_column().iter().filter(|&&label| label != Corpus::NONE).count();
        dropped.unknown_label = labels - tested.len();
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
        let mut of_test = vec![false; data.len()];
        split.test.iter().for_each(|&row| of_test[row as usize] = true);
        (tested, train) = all.iter().filter(labelled).partition(|r| of_test[r.row as usize]);
    }
    let labels = data.labels().to_vec();
    let data_hash = content_hash(&labels, &all);
    Ok(Prepared { labels, train, test: tested, dropped, data_hash, resolved: resolved.labels, groups })
}

/// Rows and classes in the order of the hash of text and class, then of the text: the order of the
/// input does not matter.
pub(crate) fn in_order(corpus: &Corpus, rows: impl Iterator<Item = (u32, u16)>) -> Vec<Row> {
    let labels: Vec<u64> = corpus.labels().iter().map(|label| xxh3_64(label.as_bytes())).collect();
    let mut rows: Vec<Row> = rows.map(|(row, class)| Row { hash: 0, row, class }).collect();
    rows.par_iter_mut().with_min_len(4096).for_each(|r| {
        let label = labels.get(usize::from(r.class)).copied().unwrap_or(0);
        r.hash = xxh3_64_with_seed(corpus.text(r.row as usize).as_bytes(), label);
    });
    rows.par_sort_unstable_by(|a, b| {
        a.hash.cmp(&b.hash).then_with(|| {
            let text = |r: &Row| corpus.text(r.row as usize);
            (a.class, text(a)).cmp(&(b.class, text(b)))
        })
    });
    rows
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
        let rows: Vec<u32> = self.train.iter().map(|r| r.row).collect();
        sentimeter_corpus::folds(&rows, &self.resolved, &self.groups, folds, seed)
    }

    /// Moves the test side of the data to the training side: every row is to be learned from.
    pub(crate) fn join_sides(&mut self, data: &Corpus) {
        self.train.append(&mut self.test);
        self.train = in_order(data, self.train.iter().map(|r| (r.row, r.class)));
    }
}
