//! How much a corpus repeats and contradicts itself, counted; and a corpus without contradictions.

use serde::{Deserialize, Serialize};

use crate::corpus::Corpus;
use crate::duplicates::{Groups, Identities, Resolved};

/// What was found of texts that occur more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateReport {
    /// Rows looked at.
    pub rows: u64,
    /// Rows that say the same as another one: rows less distinct texts.
    pub duplicates: u64,
    /// Rows that say the same as another one, or nearly: rows less groups.
    pub near_duplicates: u64,
    /// Distinct texts that stand with different labels.
    pub conflicts: u64,
    /// Rows whose label was outvoted by the majority of their text's.
    pub outvoted: u64,
    /// Rows whose text's labels tie.
    pub tied: u64,
}

impl DuplicateReport {
    /// Counts what `identities`, `groups` and `resolved` say of the same corpus.
    pub fn of(identities: &Identities, groups: &Groups, resolved: &Resolved) -> Self {
        let rows = identities.hashes().len();
        Self {
            rows: rows as u64,
            duplicates: (rows - distinct(identities.hashes().to_vec())) as u64,
            near_duplicates: (rows - distinct(groups.of.clone())) as u64,
            conflicts: resolved.conflicts as u64,
            outvoted: resolved.relabelled as u64,
            tied: resolved.tied as u64,
        }
    }
}

fn distinct<T: Ord>(mut values: Vec<T>) -> usize {
    values.sort_unstable();
    values.dedup();
    values.len()
}

impl Resolved {
    /// The corpus after the vote: every row with its text's label, those of tied texts left out.
    pub fn apply(&self, corpus: &Corpus) -> Corpus {
        let before = corpus.label_column();
        let tied = |row: usize| before[row] != Corpus::NONE && self.labels[row] == Corpus::NONE;
        let rows: Vec<u32> = (0..corpus.len() as u32).filter(|&row| !tied(row as usize)).collect();
        let labels = rows.iter().map(|&row| self.labels[row as usize]).collect();
        corpus.select(&rows).relabelled(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Example, near_duplicates, resolve_conflicts};

    #[test]
    fn contradictions_are_counted_and_settled() {
        let mut corpus = Corpus::new();
        for (text, label) in [
            ("so very good indeed", Some("positive")),
            ("So very  good indeed", Some("positive")),
            ("so very good indeed", Some("negative")),
            ("well well", Some("positive")),
            ("well well", Some("negative")),
            ("quite alone", None),
        ] {
            corpus.push(Example { text, label, ..Example::default() }).unwrap();
        }
        let identities = Identities::of(&corpus);
        let resolved = resolve_conflicts(&corpus, &identities);
        let report = DuplicateReport::of(&identities, &near_duplicates(&identities), &resolved);
        let want = DuplicateReport {
            rows: 6,
            duplicates: 3,
            near_duplicates: 3,
            conflicts: 2,
            outvoted: 1,
            tied: 2,
        };
        assert_eq!(report, want);
        let settled = resolved.apply(&corpus);
        let labels: Vec<_> = (0..settled.len()).map(|i| settled.label_name(i)).collect();
        assert_eq!(labels, [Some("positive"), Some("positive"), Some("positive"), None]);
    }
}
