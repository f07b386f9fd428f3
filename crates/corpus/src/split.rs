//! What is learned from and what is measured on: splits and folds that no text straddles.
//!
//! All choices are made by hashes of a seed and of what a row says, so they do not depend on the
//! order of the rows.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::duplicates::{Disjoint, Groups};
use crate::{Corpus, CorpusError};

/// What the test part is drawn by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitKind {
    /// At random.
    Random,
    /// At random, each class in its share.
    #[default]
    Stratified,
    /// The latest texts are the test part; texts without a time are learned from.
    Time,
    /// At random, no author on both sides; a text without an author stands for itself.
    Group,
}

/// How a corpus is split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitPlan {
    /// What the test part is drawn by.
    pub kind: SplitKind,
    /// Its share of the rows, above 0 and below 1.
    pub test_share: f64,
}

impl Default for SplitPlan {
    fn default() -> Self {
        Self { kind: SplitKind::default(), test_share: 0.05 }
    }
}

/// Rows of the two sides, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// What is learned from.
    pub train: Vec<u32>,
    /// What is measured on.
    pub test: Vec<u32>,
}

/// The groups as sets of rows that stay together, `[groups]` each.
#[derive(Debug)]
struct Units {
    /// Smallest class of their rows; [`Corpus::NONE`] where there is no row.
    classes: Vec<u16>,
    /// Number of their rows.
    rows: Vec<u32>,
}

impl Units {
    fn of(rows: &[u32], labels: &[u16], groups: &Groups) -> Self {
        let mut units =
            Self { classes: vec![Corpus::NONE; groups.names.len()], rows: vec![0; groups.names.len()] };
        for &row in rows {
            let group = groups.of[row as usize] as usize;
            units.classes[group] = units.classes[group].min(labels[row as usize]);
            units.rows[group] += 1;
        }
        units
    }

    /// How many groups have rows.
    fn len(&self) -> usize {
        self.rows.iter().filter(|&&rows| rows > 0).count()
    }

    /// Rows by the class of their unit.
    fn rows_by_class(&self) -> BTreeMap<u16, u64> {
        let mut counts = vec![0; usize::from(u16::MAX) + 1];
        for (&class, &rows) in self.classes.iter().zip(&self.rows) {
            counts[usize::from(class)] += u64::from(rows);
        }
        (0..=u16::MAX).zip(counts).filter(|&(_, rows)| rows > 0).collect()
    }

    /// Those whose lot is `wanted`, in the order in which they are drawn.
    fn drawn(&self, groups: &Groups, seed: u64, wanted: impl Fn(u64) -> bool + Sync) -> Vec<Drawn> {
        let mut drawn: Vec<Drawn> = (0..self.rows.len())
            .into_par_iter()
            .with_min_len(1 << 14)
            .filter(|&group| self.rows[group] > 0)
            .map(|group| {
                let name = groups.names[group];
                Drawn { lot: lot(name, seed), name, group: group as u32 }
            })
            .filter(|unit| wanted(unit.lot))
            .collect();
        drawn.par_sort_unstable();
        drawn
    }
}

/// A group with its place in the order of drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Drawn {
    lot: u64,
    name: u64,
    group: u32,
}

/// Hash of seed and name: the order in which units are drawn.
fn lot(name: u64, seed: u64) -> u64 {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&name.to_le_bytes());
    key[8..].copy_from_slice(&seed.to_le_bytes());
    xxh3_64(&key)
}

/// Splits the rows of `corpus` that have a label.
///
/// `labels` are the rows' labels ([`Corpus::NONE`] leaves a row out of both sides), `groups` those of
/// [`crate::near_duplicates`]: rows of one group stand on one side.
///
/// Unless time decides, every class keeps at least one group to learn from, so a class of one group
/// is not measured.
///
/// # Errors
/// A share outside `(0, 1)`, a split by time without times or by author without authors, or a side
/// that comes out empty.
pub fn split(
    corpus: &Corpus,
    labels: &[u16],
    groups: &Groups,
    plan: &SplitPlan,
    seed: u64,
) -> Result<Split, CorpusError> {
    let share = plan.test_share;
    if !(share > 0.0 && share < 1.0) {
        return Err(CorpusError::Option(format!("test share {share} must be above 0 and below 1")));
    }
    let rows: Vec<u32> = (0..corpus.len() as u32).filter(|&r| labels[r as usize] != Corpus::NONE).collect();
    let by_author;
    let groups = match plan.kind {
        SplitKind::Group => {
            if !rows.iter().any(|&r| corpus.author(r as usize).is_some()) {
                return Err(CorpusError::Option(
                    "a split by group wants authors, and no row has one; import them with --author".into(),
                ));
            }
            by_author = with_authors(corpus, groups);
            &by_author
        }
        _ => groups,
    };
    let units = Units::of(&rows, labels, groups);
    let group_of = |row: u32| groups.of[row as usize] as usize;
    let quota = |rows: usize| (share * rows as f64).round().max(1.0) as usize;
    let mut test = vec![false; groups.names.len()];
    match plan.kind {
        SplitKind::Time => {
            let mut times: Vec<i64> = rows.iter().filter_map(|&r| corpus.time(r as usize)).collect();
            if times.is_empty() {
                return Err(CorpusError::Option(
                    "a split by time wants times, and no row has one; import them with --time".into(),
                ));
            }
            times.sort_unstable();
            let cut = times[times.len() - quota(times.len()).min(times.len())];
            // A group on both sides of the cut is learned from: nothing older than the cut is measured.
            test.fill(true);
            for &row in &rows {
                test[group_of(row)] &= corpus.time(row as usize).is_some_and(|time| time >= cut);
            }
        }
        kind => {
            let stratum = |class: u16| if kind == SplitKind::Stratified { class } else { 0 };
            let mut wanted: BTreeMap<u16, usize> = BTreeMap::new();
            for (class, rows) in units.rows_by_class() {
                *wanted.entry(stratum(class)).or_default() += rows as usize;
            }
            wanted.values_mut().for_each(|rows| *rows = quota(*rows));
            // Lots are uniform: the test part comes from the lowest; only if groups are so uneven that
            // they do not fill it are all units put in order.
            let likely = (share * 1.5 + 0.01).min(1.0) * u64::MAX as f64;
            for low in [true, false] {
                if wanted.values().all(|&left| left == 0) {
                    break;
                }
                for unit in units.drawn(groups, seed, |lot| (lot as f64 <= likely) == low) {
                    let group = unit.group as usize;
                    let left = wanted.get_mut(&stratum(units.classes[group]));
                    let left = left.expect("every unit's class was counted");
                    let size = units.rows[group] as usize;
                    // A large group that would overshoot by more than it fills is passed over.
                    if *left > 0 && size <= *left * 2 {
                        test[group] = true;
                        *left = left.saturating_sub(size);
                    }
                }
            }
            keep_every_class(&rows, labels, groups, seed, &mut test);
        }
    }
    let mut out = Split { train: Vec::with_capacity(rows.len()), test: Vec::new() };
    for row in rows {
        if test[group_of(row)] { out.test.push(row) } else { out.train.push(row) }
    }
    if out.train.is_empty() || out.test.is_empty() {
        return Err(CorpusError::Option(undivided(&out, units.len(), plan)));
    }
    Ok(out)
}

/// Gives a class that the training side lacks the last drawn of its units back.
fn keep_every_class(rows: &[u32], labels: &[u16], groups: &Groups, seed: u64, test: &mut [bool]) {
    const UNSEEN: u8 = 0;
    const TESTED: u8 = 1;
    const LEARNED: u8 = 2;
    let class_and_group = |&row: &u32| (usize::from(labels[row as usize]), groups.of[row as usize] as usize);
    let mut side = vec![UNSEEN; usize::from(Corpus::NONE)];
    for (class, group) in rows.iter().map(class_and_group) {
        side[class] = side[class].max(if test[group] { TESTED } else { LEARNED });
    }
    if !side.contains(&TESTED) {
        return;
    }
    let mut last: BTreeMap<usize, Drawn> = BTreeMap::new();
    for (class, group) in rows.iter().map(class_and_group).filter(|&(class, _)| side[class] == TESTED) {
        let name = groups.names[group];
        let unit = Drawn { lot: lot(name, seed), name, group: group as u32 };
        let last = last.entry(class).or_insert(unit);
        *last = unit.max(*last);
    }
    last.values().for_each(|unit| test[unit.group as usize] = false);
}

/// Why one side of a split came out empty.
fn undivided(split: &Split, units: usize, plan: &SplitPlan) -> String {
    let rows = split.train.len() + split.test.len();
    let one = if plan.kind == SplitKind::Group { "by one author, or nearly" } else { "nearly" };
    match units {
        0 => "no row has a label, so there is nothing to split".into(),
        1 => format!(
            "the texts of all {rows} labelled rows are the same or {one} the same: such rows stay together, \
             so there is nothing else to measure on; add other texts, or measure on a file of its own with --test"
        ),
        _ if plan.kind != SplitKind::Time && split.test.is_empty() && units < 20 => format!(
            "{rows} labelled rows with {units} different texts are too few to measure on a part of them; \
             add texts, or measure on a file of its own with --test"
        ),
        _ => format!(
            "the split leaves {} rows to learn from and {} to measure on; change the test share ({})",
            split.train.len(),
            split.test.len(),
            plan.test_share
        ),
    }
}

/// The fold of each of `rows`, below `folds`: each class in its share in every fold, rows of one
/// group in one fold. `labels` and `groups` are those of all rows.
pub fn folds(rows: &[u32], labels: &[u16], groups: &Groups, folds: u32, seed: u64) -> Vec<u32> {
    let units = Units::of(rows, labels, groups);
    let totals = units.rows_by_class();
    let mut drawn = units.drawn(groups, seed, |_| true);
    // Stable: within a class they stay in the order of drawing.
    let class = |unit: &Drawn| units.classes[unit.group as usize];
    drawn.sort_by_key(class);
    let mut fold_of = vec![0; units.rows.len()];
    // Each class goes on where the one before it ended, or small classes would all lie in fold 0.
    let mut dealt = 0;
    for same in drawn.chunk_by(|a, b| class(a) == class(b)) {
        let total = totals[&class(&same[0])];
        let mut before = 0;
        for unit in same {
            // The fold in which the unit's first row comes to lie when the rows are dealt in order.
            let fold = before * u64::from(folds) / total + dealt;
            fold_of[unit.group as usize] = (fold % u64::from(folds)) as u32;
            before += u64::from(units.rows[unit.group as usize]);
        }
        dealt += same.len() as u64;
    }
    rows.iter().map(|&row| fold_of[groups.of[row as usize] as usize]).collect()
}

/// Groups joined by author.
fn with_authors(corpus: &Corpus, groups: &Groups) -> Groups {
    let mut joined = Disjoint::new(groups.names.len());
    let mut authors: Vec<(u64, u32)> = (0..corpus.len())
        .filter_map(|row| corpus.author(row).map(|author| (xxh3_64(author.as_bytes()), groups.of[row])))
        .collect();
    authors.sort_unstable();
    for same in authors.chunk_by(|a, b| a.0 == b.0) {
        same.windows(2).for_each(|pair| joined.join(pair[0].1, pair[1].1));
    }
    // Names ascend with the groups' numbers, so a root has the smallest name of its set.
    let of = groups.of.iter().map(|&group| joined.root(group)).collect();
    Groups { of, names: groups.names.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Example, Identities, near_duplicates};

    /// 400 texts of 100 authors, every tenth text repeated in disguise.
    fn corpus(turn: bool) -> Corpus {
        let mut rows: Vec<usize> = (0..400).collect();
        if turn {
            rows.reverse();
        }
        let mut corpus = Corpus::new();
        for name in ["a", "b"] {
            // Both label names in a fixed order, whatever the rows' order.
            corpus.push(Example { text: "seed", label: Some(name), ..Example::default() }).unwrap();
        }
        for i in rows {
            let base = i - i % 10 % 2;
            let text = if i % 10 == 1 {
                format!("@you TEXT number {base}!")
            } else {
                format!("text number {base} {}", i % 2)
            };
            let author = format!("author{}", i % 100);
            corpus
                .push(Example {
                    text: &text,
                    label: Some(if i % 4 == 0 { "a" } else { "b" }),
                    author: Some(&author),
                    time: Some(i as i64 * 1000),
                    ..Example::default()
                })
                .unwrap();
        }
        corpus
    }

    fn sides(corpus: &Corpus, kind: SplitKind, seed: u64) -> (Vec<u32>, Split) {
        let groups = near_duplicates(&Identities::of(corpus));
        let plan = SplitPlan { kind, test_share: 0.2 };
        let split = split(corpus, corpus.label_column(), &groups, &plan, seed).unwrap();
        (groups.of, split)
    }

    #[test]
    fn no_group_straddles_and_shares_are_met() {
        let corpus = corpus(false);
        for kind in [SplitKind::Random, SplitKind::Stratified, SplitKind::Group, SplitKind::Time] {
            let (groups, split) = sides(&corpus, kind, 1);
            assert_eq!(split.train.len() + split.test.len(), corpus.len());
            let test: std::collections::BTreeSet<u32> =
                split.test.iter().map(|&r| groups[r as usize]).collect();
            assert!(split.train.iter().all(|&r| !test.contains(&groups[r as usize])), "{kind:?}");
            let share = split.test.len() as f64 / corpus.len() as f64;
            assert!((share - 0.2).abs() < 0.03, "{kind:?}: {share}");
        }
    }

    #[test]
    fn strata_authors_and_times_are_kept_apart() {
        let corpus = corpus(false);
        let (_, split) = sides(&corpus, SplitKind::Stratified, 5);
        let share = |rows: &[u32]| {
            rows.iter().filter(|&&r| corpus.label_name(r as usize) == Some("a")).count() as f64
                / rows.len() as f64
        };
        assert!((share(&split.test) - share(&split.train)).abs() < 0.03);
        let (_, split) = sides(&corpus, SplitKind::Group, 5);
        let authors: std::collections::BTreeSet<_> =
            split.test.iter().filter_map(|&r| corpus.author(r as usize)).collect();
        assert!(split.train.iter().all(|&r| corpus.author(r as usize).is_none_or(|a| !authors.contains(a))));
        let (_, split) = sides(&corpus, SplitKind::Time, 5);
        let earliest = split.test.iter().filter_map(|&r| corpus.time(r as usize)).min().unwrap();
        let late =
            split.train.iter().filter(|&&r| corpus.time(r as usize).is_some_and(|t| t > earliest)).count();
        assert!(late <= 2, "only a group that straddles the cut may be late: {late}");
    }

    #[test]
    fn the_seed_decides_and_the_order_of_the_rows_does_not() {
        let texts = |corpus: &Corpus, split: &Split| {
            let mut texts: Vec<String> =
                split.test.iter().map(|&r| corpus.text(r as usize).to_owned()).collect();
            texts.sort();
            texts
        };
        let (one, two) = (corpus(false), corpus(true));
        for kind in [SplitKind::Random, SplitKind::Stratified, SplitKind::Group, SplitKind::Time] {
            let (first, turned) = (sides(&one, kind, 3).1, sides(&two, kind, 3).1);
            assert_eq!(texts(&one, &first), texts(&two, &turned), "{kind:?}");
        }
        assert_ne!(sides(&one, SplitKind::Random, 3).1, sides(&one, SplitKind::Random, 4).1);
    }

    #[test]
    fn folds_hold_each_class_in_its_share() {
        let corpus = corpus(false);
        let groups = near_duplicates(&Identities::of(&corpus));
        let rows: Vec<u32> = (0..corpus.len() as u32).collect();
        let folds = folds(&rows, corpus.label_column(), &groups, 5, 9);
        for fold in 0..5 {
            let rows: Vec<usize> = (0..corpus.len()).filter(|&i| folds[i] == fold).collect();
            assert!((70..=92).contains(&rows.len()), "{}", rows.len());
            let a = rows.iter().filter(|&&r| corpus.label_name(r) == Some("a")).count();
            assert!((15..=26).contains(&a), "{a}");
        }
        for (i, group) in groups.of.iter().enumerate() {
            let same = groups.of.iter().position(|g| g == group).unwrap();
            assert_eq!(folds[i], folds[same]);
        }
    }

    fn labelled(rows: impl IntoIterator<Item = (String, &'static str)>) -> Corpus {
        let mut corpus = Corpus::new();
        for (text, label) in rows {
            corpus.push(Example { text: &text, label: Some(label), ..Example::default() }).unwrap();
        }
        corpus
    }

    #[test]
    fn the_only_text_of_a_class_is_learned_from() {
        for seed in 0..30 {
            let common = (0..40).map(|i| (format!("text{i}"), "common"));
            let rare =
                [("rare".to_owned(), "rare"), ("RARE!".to_owned(), "rare"), ("pair".to_owned(), "two")];
            let corpus = labelled(common.chain(rare).chain([("couple".to_owned(), "two")]));
            for kind in [SplitKind::Random, SplitKind::Stratified] {
                let (_, split) = sides(&corpus, kind, seed);
                let learned = |name: &str| {
                    split.train.iter().filter(|&&r| corpus.label_name(r as usize) == Some(name)).count()
                };
                assert_eq!(learned("rare"), 2, "{kind:?}, seed {seed}");
                assert!(learned("two") >= 1, "{kind:?}, seed {seed}");
            }
        }
    }

    #[test]
    fn classes_of_one_text_are_dealt_to_different_folds() {
        const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
        let corpus = labelled(NAMES.map(|name| (format!("text of {name}"), name)));
        let groups = near_duplicates(&Identities::of(&corpus));
        let mut folds = folds(&[0, 1, 2, 3, 4], corpus.label_column(), &groups, 5, 3);
        folds.sort_unstable();
        assert_eq!(folds, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn copies_of_one_text_are_not_blamed_on_the_test_share() {
        let corpus = labelled((0..9).map(|i| (format!("always the same{}", "!".repeat(i)), "a")));
        let groups = near_duplicates(&Identities::of(&corpus));
        let error = split(&corpus, corpus.label_column(), &groups, &SplitPlan::default(), 0).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("all 9 labelled rows are the same") && !error.contains("share"), "{error}");
    }

    #[test]
    fn what_cannot_be_split_says_why() {
        let corpus = corpus(false);
        let groups = near_duplicates(&Identities::of(&corpus));
        for share in [0.0, 1.0, f64::NAN] {
            let plan = SplitPlan { test_share: share, ..SplitPlan::default() };
            assert!(split(&corpus, corpus.label_column(), &groups, &plan, 0).is_err());
        }
        let none = vec![Corpus::NONE; corpus.len()];
        assert!(split(&corpus, &none, &groups, &SplitPlan::default(), 0).is_err());
    }
}
