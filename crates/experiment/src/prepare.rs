//! What a run learns from and what it is measured on: no text stands in both (DESIGN.md rule 7).

use std::collections::BTreeSet;

use rayon::prelude::*;
use sentimeter_corpus::{Corpus, Groups, Identities, near_duplicates, resolve_conflicts, split};
use serde::Serialize;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::{ExperimentError, Feedback, FeedbackCount, Plan};

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
    /// Test texts whose label no row to learn from has.
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
    /// What should be said of the data: classes that are not learned or not measured, templates.
    pub notes: Vec<String>,
    /// Content hash of the data as given.
    pub data_hash: String,
    /// Labels of the data's rows after the vote.
    resolved: Vec<u16>,
    groups: Groups,
}

/// Draws both sides: conflicts resolved, duplicates of test texts removed, near duplicates kept on
/// one side. A label that no row to learn from has is none of the run's.
///
/// # Errors
/// Fewer than two labels, or a split that the data cannot give.
pub fn prepare(plan: &Plan, data: &Corpus, test: Option<&Corpus>) -> Result<Prepared, ExperimentError> {
    let (mut prepared, names) = whole(data)?;
    let mut all = std::mem::take(&mut prepared.train);
    if let Some(test) = test {
        let theirs = Identities::of(test);
        let kept = |r: &&Row| !theirs.contains(names.hashes()[r.row as usize]);
        prepared.train = all.iter().filter(kept).copied().collect();
        prepared.dropped.in_test = all.len() - prepared.train.len();
        if prepared.train.is_empty() {
            let why = format!(
                "all {} labelled rows of the data stand in the test file too, so none is left to learn from; \
                 give --test another file, or leave it out and a part of the data is kept to measure on",
                all.len()
            );
            return Err(ExperimentError::Data { why });
        }
        let class_of: Vec<Option<u16>> = test
            .labels()
            .iter()
            .map(|name| data.labels().iter().position(|label| label == name).map(|class| class as u16))
            .collect();
        let known = |row: u32| {
            let class = class_of[usize::from(test.label(row as usize)?)];
            class.map(|class| (row, class))
        };
        prepared.test = in_order(test, (0..test.len() as u32).filter_map(known));
        let labels = test.label_column().iter().filter(|&&label| label != Corpus::NONE).count();
        prepared.dropped.unknown_label = labels - prepared.test.len();
        if prepared.test.is_empty() {
            return Err(ExperimentError::Data {
                why: format!(
                    "no test row has a label of the training data: the test file has {}, the data {}",
                    list(test.labels()),
                    list(data.labels())
                ),
            });
        }
    } else {
        // To give so much memory back takes as long as to split.
        let (split, ()) = rayon::join(
            || split(data, &prepared.resolved, &prepared.groups, &plan.split, plan.seed),
            || drop(names),
        );
        let mut of_test = vec![false; data.len()];
        split?.test.iter().for_each(|&row| of_test[row as usize] = true);
        prepared.test = all.iter().filter(|r| of_test[r.row as usize]).copied().collect();
        all.retain(|r| !of_test[r.row as usize]);
        prepared.train = all;
    }
    prepared.keep_learned_labels()?;
    for (class, label) in prepared.labels.iter().enumerate() {
        if !prepared.test.iter().any(|r| usize::from(r.class) == class) {
            let rows = prepared.train.iter().filter(|r| usize::from(r.class) == class).count();
            prepared.notes.push(format!(
                "label {label:?} is not measured: no row of the test part has it, {rows} are learned from"
            ));
        }
    }
    Ok(prepared)
}

/// All labelled rows of `data` to learn from, none to measure on: for cross-validation, which makes
/// parts of its own.
///
/// # Errors
/// Fewer than two labels.
pub(crate) fn prepare_whole(data: &Corpus) -> Result<Prepared, ExperimentError> {
    let (mut prepared, _) = whole(data)?;
    prepared.keep_learned_labels()?;
    Ok(prepared)
}

/// Conflicts resolved and groups made; every labelled row is on the training side.
fn whole(data: &Corpus) -> Result<(Prepared, Identities), ExperimentError> {
    let counts = data.class_counts();
    let present: Vec<&String> = data.labels().iter().zip(&counts).filter(|c| *c.1 > 0).map(|c| c.0).collect();
    let rows = data.len();
    let why = match present[..] {
        [] => format!(
            "the data has fewer than two labels: none of its {rows} rows has one; \
             name the label column with --label"
        ),
        [only] => format!(
            "the data has fewer than two labels ({only}): a model is learned from texts of at least two; \
             add rows with another label, or name another label column with --label"
        ),
        _ => String::new(),
    };
    if !why.is_empty() {
        return Err(ExperimentError::Data { why });
    }
    let names = Identities::of(data);
    let resolved = resolve_conflicts(data, &names);
    let labels = data.labels().to_vec();
    // Neither waits for the other, and each has stretches that only one core works on.
    let ((groups, swollen), (all, data_hash)) = rayon::join(
        || near_duplicates(&names).without_templates(&names, &resolved.labels),
        || {
            let all = in_order(data, (0..data.len() as u32).map(|row| (row, resolved.labels[row as usize])));
            let data_hash = content_hash(&labels, &all);
            (all, data_hash)
        },
    );
    let notes = swollen.iter().map(|found| {
        let example: String = data.text(found.example as usize).chars().take(60).collect();
        format!(
            "one group of near duplicates held {} of {} rows labelled {:?}, such as {example:?}: it looks like a \
             template, so only equal texts of it are kept on one side and the figures may flatter",
            found.rows,
            found.of,
            data.labels()[usize::from(found.class)]
        )
    });
    let dropped = Dropped {
        unlabelled: data.label_column().iter().filter(|&&label| label == Corpus::NONE).count(),
        ties: resolved.tied,
        relabelled: resolved.relabelled,
        ..Dropped::default()
    };
    let prepared = Prepared {
        data_hash,
        train: all.into_iter().filter(|r| r.class != Corpus::NONE).collect(),
        test: Vec::new(),
        notes: notes.collect(),
        labels,
        dropped,
        resolved: resolved.labels,
        groups,
    };
    Ok((prepared, names))
}

/// Names for a message; a word where there are none.
fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
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

/// What a model that is made of `data` gives as the hash of its data, whichever of it is kept for measuring.
pub(crate) fn data_hash(data: &Corpus) -> String {
    let resolved = resolve_conflicts(data, &Identities::of(data));
    let rows = (0..data.len() as u32).map(|row| (row, resolved.labels[row as usize]));
    content_hash(data.labels(), &in_order(data, rows))
}

impl Prepared {
    /// The fold of each training row, below `folds`: classes in their share, a text and its near duplicates together.
    pub fn folds(&self, folds: u32, seed: u64) -> Vec<u32> {
        let rows: Vec<u32> = self.train.iter().map(|r| r.row).collect();
        sentimeter_corpus::folds(&rows, &self.resolved, &self.groups, folds, seed)
    }

    /// Adds corrections to what is learned from, as rows behind those of `data`: those whose text is measured on
    /// or whose label is none of the run's are left out, and rows of the same text give way. Gives what became
    /// of them, and the content hash of those that are learned from.
    pub(crate) fn add_feedback(
        &mut self,
        feedback: &Feedback,
        data: &Corpus,
        test: Option<&Corpus>,
    ) -> (FeedbackCount, String) {
        let mut count = feedback.count();
        let corpus = feedback.corpus();
        let (names, theirs) = (Identities::of(data), Identities::of(corpus));
        let of_row = |r: &Row| names.hashes()[r.row as usize];
        let tested: BTreeSet<u64> = match test {
            Some(test) => Identities::of(test).hashes().iter().copied().collect(),
            None => self.test.iter().map(of_row).collect(),
        };
        let (mut rows, mut taken) = (Vec::new(), BTreeSet::new());
        for (row, &identity) in theirs.hashes().iter().enumerate() {
            let label = corpus.label_name(row).unwrap_or_default();
            // Every one has its place behind the data's rows, learned from or not.
            self.groups.of.push(self.groups.names.len() as u32);
            self.groups.names.push(identity);
            let of_data = data.labels().iter().position(|name| name == label);
            self.resolved.push(of_data.map_or(Corpus::NONE, |class| class as u16));
            if tested.contains(&identity) {
                count.in_test += 1;
            } else if let Some(class) = self.labels.iter().position(|name| name == label) {
                taken.insert(identity);
                let hash = xxh3_64_with_seed(corpus.text(row).as_bytes(), xxh3_64(label.as_bytes()));
                rows.push(Row { hash, row: (data.len() + row) as u32, class: class as u16 });
            } else {
                count.unknown_label += 1;
            }
        }
        let text = |r: &Row| match (r.row as usize).checked_sub(data.len()) {
            Some(row) => corpus.text(row),
            None => data.text(r.row as usize),
        };
        let in_order =
            |a: &Row, b: &Row| a.hash.cmp(&b.hash).then_with(|| (a.class, text(a)).cmp(&(b.class, text(b))));
        rows.sort_by(in_order);
        let hash = content_hash(&self.labels, &rows);
        let before = self.train.len();
        self.train.retain(|r| !taken.contains(&of_row(r)));
        (count.replaced, count.learned) = (before - self.train.len(), rows.len());
        self.train.extend(rows);
        self.train.par_sort_by(in_order);
        (count, hash)
    }

    /// Leaves labels out that no training row has, and test rows with them.
    fn keep_learned_labels(&mut self) -> Result<(), ExperimentError> {
        let mut learned = vec![false; self.labels.len()];
        self.train.iter().for_each(|r| learned[usize::from(r.class)] = true);
        if learned.iter().all(|&learned| learned) {
            return Ok(());
        }
        let mut class_of = vec![None; learned.len()];
        let mut kept = Vec::new();
        for (class, label) in std::mem::take(&mut self.labels).into_iter().enumerate() {
            if learned[class] {
                class_of[class] = Some(kept.len() as u16);
                kept.push(label);
            } else {
                self.notes.push(format!("label {label:?} is left out: no row to learn from has it"));
            }
        }
        self.labels = kept;
        if self.labels.len() < 2 {
            let Dropped { ties, in_test, .. } = self.dropped;
            let why = format!(
                "the training part is left with {} class ({}), and two are needed: {ties} rows were dropped \
                 since their text has different labels, {in_test} since it stands in the test file",
                self.labels.len(),
                list(&self.labels)
            );
            return Err(ExperimentError::Data { why });
        }
        // Classes keep their order, and so do the rows.
        let renumber = |r: &Row| class_of[usize::from(r.class)].map(|class| Row { class, ..*r });
        self.train = self.train.iter().filter_map(renumber).collect();
        let tested = self.test.len();
        self.test = self.test.iter().filter_map(renumber).collect();
        self.dropped.unknown_label += tested - self.test.len();
        if self.test.is_empty() && tested > 0 {
            return Err(ExperimentError::Data {
                why: format!(
                    "no row to measure on has a label that was learned from ({}); choose another split or test file",
                    list(&self.labels)
                ),
            });
        }
        Ok(())
    }
}
