//! What users said was right, learned from: reviewed corrections join the training side.
//!
//! The split is drawn without them, so that a model with feedback is measured on the same rows as one
//! without. A correction of a text that is learned from takes the place of its rows, as somebody has looked at
//! it; one of a text that is measured on is left out (DESIGN.md rule 7).

use std::collections::BTreeMap;

use sentimeter_corpus::{Corpus, Example, Identities};
use sentimeter_store::{Correction, CorrectionStatus};
use serde::{Deserialize, Serialize};

use crate::ExperimentError;

/// The file of a run that lists the corrections that it was given.
pub const FEEDBACK: &str = "feedback.json";

/// Reviewed corrections, a text once.
#[derive(Debug, Default)]
pub struct Feedback {
    corpus: Corpus,
    used: Vec<Used>,
    /// Corrections of a text that a later one of it replaces.
    repeated: usize,
}

/// A correction as a run was given it. Its text stays with the corrections: whoever has it erased there has
/// it erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The correction.
    pub id: String,
    /// Its label at that time.
    pub label: String,
}

/// What became of the corrections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FeedbackCount {
    /// Corrections that are accepted, by users or with the reviewer's label.
    pub given: usize,
    /// Learned from.
    pub learned: usize,
    /// Left out: a later one of the same text stands for them.
    pub repeated: usize,
    /// Left out: the text is measured on.
    pub in_test: usize,
    /// Left out: no text to learn from has the label.
    pub unknown_label: usize,
    /// Rows of the data that a correction took the place of.
    pub replaced: usize,
}

impl Feedback {
    /// The corrections among `all` that a reviewer has accepted; of several of one text the one reviewed
    /// last.
    pub fn of(all: &[Correction]) -> Self {
        let accepted =
            |c: &&Correction| matches!(c.status, CorrectionStatus::Accepted | CorrectionStatus::Corrected);
        let mut accepted: Vec<&Correction> = all.iter().filter(accepted).collect();
        accepted.sort_by_key(|c| (c.reviewed, c.time, &c.id));
        Self::latest(&accepted)
    }

    /// Those that a run was given before, with the labels that they had then; `all` holds their texts.
    ///
    /// # Errors
    /// One whose text is no longer there.
    pub fn again(used: &[Used], all: &[Correction]) -> Result<Self, ExperimentError> {
        let by_id: BTreeMap<&str, &Correction> = all.iter().map(|c| (c.id.as_str(), c)).collect();
        let mut found = Vec::with_capacity(used.len());
        let mut gone = 0;
        for used in used {
            match by_id.get(used.id.as_str()) {
                Some(correction) => {
                    found.push(Correction { label: used.label.clone(), ..(*correction).clone() })
                }
                None => gone += 1,
            }
        }
        if gone > 0 {
            return Err(ExperimentError::Data {
                why: format!(
                    "the run learned from {} corrections, of which {gone} are not here: they were erased, or the run \
                     was recorded in another home",
                    used.len()
                ),
            });
        }
        Ok(Self::latest(&found.iter().collect::<Vec<_>>()))
    }

    /// The last of each text; in the order of their texts' hashes, whatever the order of `corrections`.
    fn latest(corrections: &[&Correction]) -> Self {
        let mut all = Corpus::new();
        let mut kept = Vec::new();
        for correction in corrections {
            let Correction { text, label, language, channel, .. } = *correction;
            let example = Example {
                text,
                label: Some(label),
                language: language.as_deref(),
                channel: channel.as_deref(),
                ..Example::default()
            };
            // Past 65,535 labels none is the data's.
            if all.push(example).is_ok() {
                kept.push(*correction);
            }
        }
        let names = Identities::of(&all);
        let last: BTreeMap<u64, u32> = names.hashes().iter().copied().zip(0..).collect();
        let rows: Vec<u32> = last.into_values().collect();
        let used = rows.iter().map(|&row| kept[row as usize]);
        Self {
            used: used.map(|c| Used { id: c.id.clone(), label: c.label.clone() }).collect(),
            repeated: corrections.len() - rows.len(),
            corpus: all.select(&rows),
        }
    }

    /// The texts with their labels.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// Which they are, row by row.
    pub fn used(&self) -> &[Used] {
        &self.used
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.used.is_empty()
    }

    /// What is known before any is learned from.
    pub(crate) fn count(&self) -> FeedbackCount {
        let given = self.used.len() + self.repeated;
        FeedbackCount { given, repeated: self.repeated, ..FeedbackCount::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn correction(id: &str, text: &str, label: &str, status: CorrectionStatus, reviewed: i64) -> Correction {
        Correction {
            id: id.to_owned(),
            text: text.to_owned(),
            label: label.to_owned(),
            original: None,
            language: None,
            channel: None,
            author: None,
            time: 0,
            source: "page".to_owned(),
            model: None,
            prediction: None,
            note: None,
            item: None,
            status,
            reviewer: None,
            reviewed: Some(reviewed),
        }
    }

    #[test]
    fn a_text_counts_once_as_it_was_reviewed_last() {
        use CorrectionStatus::{Accepted, Corrected, Pending, Rejected};
        let mut all = vec![
            correction("a", "It is fine!", "negative", Accepted, 1),
            correction("b", "it is FINE", "positive", Corrected, 2),
            correction("c", "no", "negative", Pending, 3),
            correction("d", "never", "negative", Rejected, 4),
            correction("e", "awful", "negative", Accepted, 5),
        ];
        let found = Feedback::of(&all);
        let mut ids: Vec<&str> = found.used().iter().map(|used| used.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["b", "e"]);
        assert_eq!((found.count().given, found.count().repeated), (3, 1));
        let used = found.used().to_vec();
        all.reverse();
        assert_eq!(Feedback::of(&all).used(), used, "the order of the list does not matter");
        // Made again after somebody has thought otherwise.
        all[0].label = "neutral".to_owned();
        let again = Feedback::again(&used, &all).unwrap();
        assert_eq!(again.used(), used);
        assert!(Feedback::again(&used, &all[1..]).unwrap_err().to_string().contains("1 are not here"));
    }
}
