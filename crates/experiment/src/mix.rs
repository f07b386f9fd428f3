//! Several data sets learned from as one: what each counts, and which labels it can tell apart.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sentimeter_corpus::{Corpus, ReadOptions};
use serde::{Deserialize, Serialize};

use crate::ExperimentError;
use crate::prepare::Row;

/// `[[sources]]` and `[[tests]]` of a plan: one data set among others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it is called in tables and on the model's card.
    pub name: String,
    /// Its files, relative to the plan's `root`; or
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PathBuf>,
    /// an imported data set, `NAME[@VERSION]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// How its files are read: the options of `import` by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub read: BTreeMap<String, String>,
    /// How much each of its rows counts, above 0.
    #[serde(default = "one")]
    pub weight: f64,
    /// Whether cross-validation measures on its rows; those of the others are only learned from.
    #[serde(default)]
    pub scored: bool,
    /// Under which terms it may be used, for the model's card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

fn one() -> f64 {
    1.0
}

/// What a row teaches whose source has not all of the run's labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Partial {
    /// Its label's probability among the source's labels: a set of positive and negative texts must not
    /// teach that neutral does not exist.
    #[default]
    Mask,
    /// That its label is right and every other is wrong.
    Plain,
}

/// What is made even.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Balance {
    /// Nothing: a row counts what its source says.
    #[default]
    None,
    /// Languages: the rows of each have the same weight in all. Rows of no stated language are one.
    Language,
}

/// Within what labels are made even.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Classes {
    /// Nothing: a label counts as often as it occurs.
    #[default]
    None,
    /// Each source: its labels have the same weight in all, and it keeps its own. How often a label occurs says
    /// how a set was collected, and sets that disagree on it would teach that their words do.
    Source,
}

/// `[mix]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MixPlan {
    /// What rows of sources with fewer labels teach.
    pub partial: Partial,
    /// What is made even.
    pub balance: Balance,
    /// Within what labels are made even.
    #[serde(skip_serializing_if = "is_none")]
    pub classes: Classes,
}

fn is_none(classes: &Classes) -> bool {
    *classes == Classes::None
}

impl Source {
    /// How the files are read.
    ///
    /// # Errors
    /// An option that does not exist or cannot take its value.
    pub fn options(&self) -> Result<ReadOptions, ExperimentError> {
        let mut options = ReadOptions::default();
        for (name, value) in &self.read {
            options.set(name, value).map_err(|e| self.wrong(&format!("read: {e}")))?;
        }
        Ok(options)
    }

    pub(crate) fn check(&self) -> Result<(), ExperimentError> {
        match (self.files.is_empty(), &self.data) {
            (true, None) => return Err(self.wrong("names no data: give `files` or `data`")),
            (false, Some(_)) => return Err(self.wrong("has both `files` and `data`: leave one out")),
            (true, Some(_)) if !self.read.is_empty() => {
                return Err(self.wrong("`read` does nothing to an imported data set: leave it out"));
            }
            _ => {}
        }
        if !(self.weight > 0.0 && self.weight.is_finite()) {
            return Err(self.wrong(&format!("weight is {}; it must be above 0", self.weight)));
        }
        self.options().map(|_| ())
    }

    fn wrong(&self, why: &str) -> ExperimentError {
        ExperimentError::Plan { why: format!("source {:?}: {why}", self.name) }
    }
}

/// Data sets one behind the other, and what is known of each.
#[derive(Debug, Default)]
pub struct Mix {
    /// All rows.
    pub corpus: Corpus,
    parts: Vec<Part>,
    /// The data sets that are measured on: their names, and one past each's last row of the test corpus.
    pub(crate) tests: Vec<(String, usize)>,
    plan: MixPlan,
}

#[derive(Debug)]
struct Part {
    name: String,
    /// One past its last row.
    end: usize,
    weight: f64,
    scored: bool,
    labels: BTreeSet<String>,
}

/// What one source came to in training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceCount {
    /// Its name in the plan.
    pub name: String,
    /// Rows read.
    pub rows: usize,
    /// Rows learned from: the others have no label, or stand in a part that is measured on.
    pub learned: usize,
}

impl From<Corpus> for Mix {
    /// One data set, of which nothing is said.
    fn from(corpus: Corpus) -> Self {
        Self { corpus, ..Self::default() }
    }
}

impl Mix {
    /// Nothing yet.
    pub fn new(plan: MixPlan) -> Self {
        Self { corpus: Corpus::new(), parts: Vec::new(), tests: Vec::new(), plan }
    }

    /// Adds the rows of `source`.
    ///
    /// # Errors
    /// More labels than a corpus holds.
    pub fn push(&mut self, source: &Source, corpus: &Corpus) -> Result<(), ExperimentError> {
        let used = corpus.class_counts();
        let labels = corpus.labels().iter().zip(used).filter(|(_, n)| *n > 0);
        let labels = labels.map(|(name, _)| name.clone()).collect();
        self.corpus
            .append(corpus)
            .map_err(|label| source.wrong(&format!("too many labels, the first too much is {label:?}")))?;
        self.corpus.sort_labels();
        let end = self.corpus.len();
        let name = source.name.clone();
        self.parts.push(Part { name, end, weight: source.weight, scored: source.scored, labels });
        Ok(())
    }

    /// Says that the test corpus holds the data set `name` up to, but not with, row `end`, so that each is
    /// measured on its own, too. In the order of their rows.
    pub fn push_test(&mut self, name: &str, end: usize) {
        self.tests.push((name.to_owned(), end));
    }

    /// The name of the source that `row` comes from.
    pub fn source(&self, row: u32) -> &str {
        self.parts
            .get(self.parts.partition_point(|part| part.end <= row as usize))
            .map_or("", |part| &part.name)
    }

    /// Puts corrections behind all rows: of several sources they are one more, of which each row counts 1.
    pub(crate) fn add_feedback(
        &mut self,
        feedback: &Corpus,
        labels: &[String],
    ) -> Result<(), ExperimentError> {
        self.corpus.append(feedback).map_err(|label| ExperimentError::Data {
            why: format!("too many labels, the first too much is {label:?}, of a correction"),
        })?;
        if self.is_mixed() {
            let labels = labels.iter().cloned().collect();
            let (name, end) = ("feedback".to_owned(), self.corpus.len());
            self.parts.push(Part { name, end, weight: 1.0, scored: false, labels });
        }
        Ok(())
    }

    /// Whether something is said of its sources.
    pub(crate) fn is_mixed(&self) -> bool {
        !self.parts.is_empty()
    }

    fn part(&self, row: u32) -> &Part {
        &self.parts[self.parts.partition_point(|part| part.end <= row as usize)]
    }

    /// Whether cross-validation measures on `row`: where no source says that it is scored, on all.
    pub(crate) fn scored(&self, row: u32) -> bool {
        self.part(row).scored || self.parts.iter().all(|part| !part.scored)
    }

    /// How many of the rows `learned` come from each source.
    pub fn counts(&self, learned: impl Iterator<Item = u32>) -> Vec<SourceCount> {
        let mut start = 0;
        let mut counts: Vec<SourceCount> = self
            .parts
            .iter()
            .map(|part| {
                let rows = part.end - start;
                start = part.end;
                SourceCount { name: part.name.clone(), rows, learned: 0 }
            })
            .collect();
        for row in learned {
            counts[self.parts.partition_point(|part| part.end <= row as usize)].learned += 1;
        }
        counts
    }

    /// What each of `rows` counts and which of `labels` it could have had.
    pub(crate) fn importance(&self, rows: &[Row], labels: &[String]) -> Importance {
        let mut weights: Vec<f64> = rows.iter().map(|r| self.part(r.row).weight).collect();
        if self.plan.classes == Classes::Source {
            let part = |r: &Row| self.parts.partition_point(|part| part.end <= r.row as usize);
            let mut totals: BTreeMap<usize, BTreeMap<u16, f64>> = BTreeMap::new();
            for (row, weight) in rows.iter().zip(&weights) {
                *totals.entry(part(row)).or_default().entry(row.class).or_default() += weight;
            }
            for (row, weight) in rows.iter().zip(&mut weights) {
                let classes = &totals[&part(row)];
                *weight *= classes.values().sum::<f64>() / classes.len() as f64 / classes[&row.class];
            }
        }
        if self.plan.balance == Balance::Language {
            let language = |r: &Row| self.corpus.language(r.row as usize).unwrap_or_default();
            let mut totals: BTreeMap<&str, f64> = BTreeMap::new();
            for (row, weight) in rows.iter().zip(&weights) {
                *totals.entry(language(row)).or_default() += weight;
            }
            let even = totals.values().sum::<f64>() / totals.len().max(1) as f64;
            for (row, weight) in rows.iter().zip(&mut weights) {
                *weight *= even / totals[language(row)];
            }
        }
        let known = (self.plan.partial == Partial::Mask).then(|| {
            let of_part = |part: &Part| {
                let bit = |class: usize, name| u32::from(part.labels.contains(name)) << class.min(31);
                labels.iter().enumerate().fold(0, |bits, (class, name)| bits | bit(class, name))
            };
            let bits: Vec<u32> = self.parts.iter().map(of_part).collect();
            let at = |r: &Row| self.parts.partition_point(|part| part.end <= r.row as usize);
            // A text's label may have been outvoted by another source: then that one's labels hold.
            let of_row = |r: &Row| {
                let bits = bits[at(r)];
                if bits >> r.class.min(31) & 1 == 1 { bits } else { u32::MAX }
            };
            rows.iter().map(of_row).collect()
        });
        Importance { weights, known }
    }
}

/// What each row counts, and the labels that it could have had.
#[derive(Debug, Clone)]
pub(crate) struct Importance {
    pub(crate) weights: Vec<f64>,
    /// A bit for each class; `None` where all are known.
    pub(crate) known: Option<Vec<u32>>,
}

impl Importance {
    /// Of the rows `rows`, in that order.
    pub(crate) fn select(&self, rows: &[u32]) -> Self {
        let known = |known: &Vec<u32>| rows.iter().map(|&r| known[r as usize]).collect();
        Self {
            weights: rows.iter().map(|&r| self.weights[r as usize]).collect(),
            known: self.known.as_ref().map(known),
        }
    }

    /// The labels that row `at` could have had; none where all are possible.
    pub(crate) fn names(&self, at: usize, labels: &[String]) -> Vec<String> {
        if self.complete(at, labels.len()) {
            return Vec::new();
        }
        let bits = self.known.as_ref().map_or(u32::MAX, |known| known[at]);
        let named = |&(class, _): &(usize, &String)| bits >> class.min(31) & 1 == 1;
        labels.iter().enumerate().filter(named).map(|(_, label)| label.clone()).collect()
    }

    /// Whether row `at` could have had each of `classes` labels: only such rows can say how sure the model
    /// may be.
    pub(crate) fn complete(&self, at: usize, classes: usize) -> bool {
        let all = if classes >= 32 { u32::MAX } else { (1 << classes) - 1 };
        self.known.as_ref().is_none_or(|known| known[at] & all == all)
    }
}
