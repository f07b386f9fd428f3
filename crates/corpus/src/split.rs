//! Which rows are learnt from and which are measured on.
//!
//! Whole groups of near duplicates are assigned, never single rows, and by a hash of seed and
//! content, never by position: the same texts in any order give the same split.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::corpus::Corpus;
use crate::fingerprint::Fingerprints;
use crate::near::{NEAR, Union, near_duplicates, rank};

/// How rows are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitKind {
    /// At random.
    Random,
    /// At random within each class, so that both parts have the same class shares.
    #[default]
    Stratified,
    /// The latest are measured on. A group of near duplicates stands where its first text does;
    /// rows without a time are learnt from.
    Time,
    /// At random, all rows of one author together. Rows without an author stand alone.
    Author,
}

/// What part is kept out for measuring.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitPlan {
    /// How rows are chosen.
    pub kind: SplitKind,
    /// The share of rows kept out, in `(0, 1)`.
    pub test_share: f64,
    /// Another seed, another choice.
    pub seed: u64,
}

impl Default for SplitPlan {
    fn default() -> Self {
        Self { kind: SplitKind::Stratified, test_share: 0.05, seed: 0 }
    }
}

/// Rows of a corpus in two parts, each ascending; together all rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// Rows to learn from.
    pub train: Vec<u32>,
    /// Rows to measure on.
    pub test: Vec<u32>,
}

/// Why a split cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// The share is not one.
    #[error("test share must be above 0 and below 1, got {0}")]
    Share(f64),
    /// Folds need rows.
    #[error(
        "cannot make {folds} folds of {groups} groups of texts; expected 2 to 255 folds and as many groups"
    )]
    Folds {
        /// Folds asked for.
        folds: usize,
        /// Groups of near duplicates.
        groups: usize,
    },
    /// The column that the split needs is not there.
    #[error("cannot split by {0}: no row has one; name its column at import")]
    Missing(&'static str),
    /// One part would be empty.
    #[error("cannot keep out {share} of {rows} rows: one part would be empty")]
    Empty {
        /// The share asked for.
        share: f64,
        /// Rows.
        rows: usize,
    },
}

/// Splits `corpus` by `plan`; near duplicates never straddle.
///
/// # Errors
/// See [`SplitError`].
pub fn split(corpus: &Corpus, plan: &SplitPlan) -> Result<Split, SplitError> {
    let prints = Fingerprints::of(corpus);
    let groups = near_duplicates(&prints, NEAR);
    split_groups(corpus, &prints, &groups, plan)
}

/// [`split`] with fingerprints and groups that are there already.
///
/// # Errors
/// See [`SplitError`].
pub fn split_groups(
    corpus: &Corpus,
    prints: &Fingerprints,
    groups: &[u32],
    plan: &SplitPlan,
) -> Result<Split, SplitError> {
    if !(plan.test_share > 0.0 && plan.test_share < 1.0) {
        return Err(SplitError::Share(plan.test_share));
    }
    let rows = corpus.len();
    let mut units = match plan.kind {
        SplitKind::Author => units(corpus, prints, &by_author(corpus, groups)?, plan.seed),
        _ => units(corpus, prints, groups, plan.seed),
    };
    if plan.kind == SplitKind::Time && units.iter().all(|u| u.time.is_none()) {
        return Err(SplitError::Missing("time"));
    }
    // Strata are filled one after another, each in an order of its own.
    units.sort_unstable_by_key(|u| match plan.kind {
        SplitKind::Stratified => (u.label, Reverse(None), u.rank, u.leader),
        SplitKind::Time => (0, Reverse(u.time), u.rank, u.leader),
        SplitKind::Random | SplitKind::Author => (0, Reverse(None), u.rank, u.leader),
    });
    let stratum = |u: &Unit| {
        if plan.kind == SplitKind::Stratified { u.label } else { 0 }
    };
    let mut in_test = vec![false; rows];
    for units in units.chunk_by(|a, b| stratum(a) == stratum(b)) {
        let total: usize = units.iter().map(|u| u.rows).sum();
        let want = total as f64 * plan.test_share;
        let mut taken = 0;
        for unit in units {
            // A unit goes where it leaves the share closest; those that are too large are passed
            // over, except by time, where the border is where it is.
            let after = (taken + unit.rows) as f64;
            if after - want <= want - taken as f64 {
                in_test[unit.leader as usize] = true;
                taken += unit.rows;
            } else if plan.kind == SplitKind::Time || taken as f64 >= want {
                break;
            }
        }
    }
    let leaders = match plan.kind {
        SplitKind::Author => by_author(corpus, groups)?,
        _ => groups.to_vec(),
    };
    let (test, train): (Vec<u32>, Vec<u32>) =
        (0..rows as u32).partition(|&row| in_test[leaders[row as usize] as usize]);
    if test.is_empty() || train.is_empty() {
        return Err(SplitError::Empty { share: plan.test_share, rows });
    }
    Ok(Split { train, test })
}

/// The fold, from 0, of every row: each fold has nearly the same share of every class, and near
/// duplicates share a fold.
///
/// # Errors
/// [`SplitError::Folds`] for fewer than 2 or more than 255 folds, or more folds than groups.
pub fn folds(
    corpus: &Corpus,
    prints: &Fingerprints,
    groups: &[u32],
    folds: u8,
    seed: u64,
) -> Result<Vec<u8>, SplitError> {
    let mut units = units(corpus, prints, groups, seed);
    if folds < 2 || units.len() < usize::from(folds) {
        return Err(SplitError::Folds { folds: folds.into(), groups: units.len() });
    }
    // Large groups first: what is small evens out what they leave.
    units.sort_unstable_by_key(|u| (u.label, Reverse(u.rows), u.rank, u.leader));
    let mut of_leader = vec![0; corpus.len()];
    let mut all = vec![0usize; folds.into()];
    for units in units.chunk_by(|a, b| a.label == b.label) {
        let mut own = vec![0usize; folds.into()];
        for unit in units {
            let fold = (0..usize::from(folds)).min_by_key(|&f| (own[f], all[f], f)).unwrap_or_default();
            own[fold] += unit.rows;
            all[fold] += unit.rows;
            of_leader[unit.leader as usize] = fold as u8;
        }
    }
    Ok(groups.iter().map(|&leader| of_leader[leader as usize]).collect())
}

/// Rows that go together.
#[derive(Debug, Clone, Copy)]
struct Unit {
    /// The row by which `groups` names it.
    leader: u32,
    rows: usize,
    /// Its most frequent class; [`Corpus::NONE`] sorts last.
    label: u16,
    /// When its first text was written.
    time: Option<i64>,
    /// Its place in the seeded order.
    rank: u64,
}

fn units(corpus: &Corpus, prints: &Fingerprints, groups: &[u32], seed: u64) -> Vec<Unit> {
    let mut rows: Vec<(u32, u32)> = groups.iter().copied().zip(0..).collect();
    rows.sort_unstable();
    let mut labels = Vec::new();
    rows.chunk_by(|a, b| a.0 == b.0)
        .map(|members| {
            labels.clear();
            labels.extend(members.iter().map(|&(_, row)| corpus.label_column()[row as usize]));
            labels.sort_unstable();
            let label = labels
                .chunk_by(|a, b| a == b)
                .max_by_key(|c| (c.len(), Reverse(c[0])))
                .map_or(Corpus::NONE, |c| c[0]);
            let key = members.iter().map(|&(_, row)| prints.identities[row as usize]).min();
            Unit {
                leader: members[0].0,
                rows: members.len(),
                label,
                time: members.iter().filter_map(|&(_, row)| corpus.time(row as usize)).min(),
                rank: rank(key.unwrap_or_default(), seed),
            }
        })
        .collect()
}

/// Groups joined by their authors.
fn by_author(corpus: &Corpus, groups: &[u32]) -> Result<Vec<u32>, SplitError> {
    let mut first: HashMap<&str, u32> = HashMap::new();
    let mut union = Union::new(groups.len());
    for (row, &leader) in (0u32..).zip(groups) {
        union.join(row, leader);
        if let Some(author) = corpus.author(row as usize) {
            union.join(row, *first.entry(author).or_insert(row));
        }
    }
    if first.is_empty() {
        return Err(SplitError::Missing("author"));
    }
    Ok((0..groups.len() as u32).map(|row| union.find(row)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Example;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Texts that share no word, but every seventh repeats its predecessor.
    fn corpus(rows: usize) -> Corpus {
        let mut corpus = Corpus::new();
        for i in 0..rows {
            let n = if i % 7 == 6 { i - 1 } else { i };
            let text = format!("a{n} b{n} c{n}");
            let author = format!("u{}", n % 11);
            corpus
                .push(Example {
                    text: &text,
                    label: Some(if i % 4 == 0 { "negative" } else { "positive" }),
                    author: Some(&author),
                    time: Some(1000 * i as i64),
                    ..Example::default()
                })
                .unwrap();
        }
        corpus
    }

    fn texts(corpus: &Corpus, rows: &[u32]) -> BTreeSet<String> {
        rows.iter().map(|&r| corpus.text(r as usize).to_owned()).collect()
    }

    #[test]
    fn every_kind_keeps_its_promise() {
        let corpus = corpus(1000);
        for kind in [SplitKind::Random, SplitKind::Stratified, SplitKind::Time, SplitKind::Author] {
            let plan = SplitPlan { kind, test_share: 0.2, seed: 3 };
            let split = split(&corpus, &plan).unwrap();
            assert_eq!(split.train.len() + split.test.len(), 1000);
            assert!(split.test.len().abs_diff(200) <= 100, "{kind:?}: {}", split.test.len());
            let (train, test) = (texts(&corpus, &split.train), texts(&corpus, &split.test));
            assert!(train.is_disjoint(&test), "{kind:?} lets duplicates straddle");
            match kind {
                SplitKind::Stratified => {
                    let negative =
                        split.test.iter().filter(|&&r| corpus.label(r as usize) == Some(0)).count();
                    assert!(negative.abs_diff(50) <= 3, "{negative}");
                }
                SplitKind::Time => {
                    let last = split.train.iter().max();
                    assert!(last < split.test.iter().min());
                }
                SplitKind::Author => {
                    let authors = |rows: &[u32]| -> BTreeSet<_> {
                        rows.iter().map(|&r| corpus.author(r as usize).unwrap().to_owned()).collect()
                    };
                    assert!(authors(&split.train).is_disjoint(&authors(&split.test)));
                }
                SplitKind::Random => {}
            }
            if kind != SplitKind::Time {
                let other = super::split(&corpus, &SplitPlan { seed: 4, ..plan }).unwrap();
                assert_ne!(split, other, "{kind:?} ignores the seed");
            }
        }
    }

    #[test]
    fn what_cannot_be_split_says_so() {
        let mut bare = Corpus::new();
        bare.push(Example { text: "one", ..Example::default() }).unwrap();
        let with = |kind, test_share| split(&bare, &SplitPlan { kind, test_share, seed: 0 }).unwrap_err();
        assert_eq!(with(SplitKind::Time, 0.5), SplitError::Missing("time"));
        assert_eq!(with(SplitKind::Author, 0.5), SplitError::Missing("author"));
        assert_eq!(with(SplitKind::Random, 1.0), SplitError::Share(1.0));
        assert!(matches!(with(SplitKind::Random, 0.5), SplitError::Empty { .. }));
    }

    proptest! {
        #[test]
        fn splits_and_folds_follow_content_not_order(rows in 20usize..80, turn in 0usize..80, seed in 0u64..5) {
            let corpus = corpus(rows);
            let order: Vec<u32> = (0..rows as u32).map(|r| (r + turn as u32) % rows as u32).collect();
            let turned = corpus.select(&order);
            let plan = SplitPlan { kind: SplitKind::Stratified, test_share: 0.3, seed };
            let (a, b) = (split(&corpus, &plan).unwrap(), split(&turned, &plan).unwrap());
            prop_assert_eq!(texts(&corpus, &a.test), texts(&turned, &b.test));

            let fold = |c: &Corpus| {
                let prints = Fingerprints::of(c);
                let groups = near_duplicates(&prints, NEAR);
                folds(c, &prints, &groups, 4, seed).unwrap()
            };
            let (a, b) = (fold(&corpus), fold(&turned));
            for (at, &row) in order.iter().enumerate() {
                prop_assert_eq!(b[at], a[row as usize]);
            }
            for f in 0..4 {
                let n = a.iter().filter(|&&x| x == f).count();
                prop_assert!(n.abs_diff(rows / 4) <= 4, "{}", n);
            }
        }
    }
}
