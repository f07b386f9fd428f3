//! What is known of a text before it is read: can its label be told from when, by whom, where or in
//! which language it was written?

use std::collections::HashMap;

use rayon::prelude::*;
use sentimeter_corpus::{Corpus, Groups, folds};
use serde::Serialize;

use super::auc::{Auc, auc};

/// Rows below which nothing is measured.
const LEAST: usize = 50;

/// An area whose interval lies above this is worth a warning: 0.65 is what an honest drift of moods
/// over days does not reach, and half of what a model of the words reaches above chance.
pub(super) const LEAKS: f64 = 0.65;

const FOLDS: u32 = 5;

/// How well something beside the text tells the label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leak {
    /// Labelled rows that have it.
    pub rows: u64,
    /// Different values that it has.
    pub distinct: u64,
    /// The class that it tells best.
    pub class: String,
    /// Area under the curve of telling that class from the others, out of fold.
    pub auc: Auc,
    /// Whether that is far enough above chance to be a warning.
    pub leaks: bool,
}

/// Labels as time tells them. Each fold's rows are scored by the shares of the classes among the
/// other folds' rows of the same span of time; spans are quantiles, so that no form is assumed, and
/// hold many rows each, so that a time of its own tells nothing.
pub(super) fn by_time(corpus: &Corpus, groups: &Groups, seed: u64) -> Option<Leak> {
    let rows: Vec<u32> = labelled(corpus, |row| corpus.time(row).is_some());
    let time = |row: u32| corpus.time(row as usize).unwrap_or(i64::MIN);
    let mut times: Vec<i64> = rows.iter().map(|&row| time(row)).collect();
    times.par_sort_unstable();
    let spans = ((rows.len() as f64).sqrt() / 2.0).clamp(4.0, 100.0) as usize;
    let mut edges: Vec<i64> =
        (1..spans).map(|i| times.get(i * times.len() / spans).copied()).collect::<Option<_>>()?;
    edges.dedup();
    times.dedup();
    let keys: Vec<u32> = rows
        .par_iter()
        .with_min_len(4096)
        .map(|&row| edges.partition_point(|&edge| edge <= time(row)) as u32)
        .collect();
    measure(corpus, groups, &rows, &keys, times.len(), seed)
}

/// Labels as the author (the channel, the file) tells them, by the other rows of the same one alone.
/// `of` answers for a row, or has nothing to say. A text that repeats another one lies in its fold, so
/// that an author who posts one text over and over tells nothing.
pub(super) fn by_value<'a>(
    corpus: &Corpus,
    groups: &Groups,
    of: impl Fn(usize) -> Option<&'a str>,
    seed: u64,
) -> Option<Leak> {
    let rows: Vec<u32> = labelled(corpus, |row| of(row).is_some());
    // Numbers are but names of buckets: in which order they are given out changes nothing.
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let keys: Vec<u32> = rows
        .iter()
        .map(|&row| {
            let next = numbers.len() as u32;
            *numbers.entry(of(row as usize).unwrap_or_default()).or_insert(next)
        })
        .collect();
    measure(corpus, groups, &rows, &keys, numbers.len(), seed)
}

/// The same where a row that states nothing is one more value: a column that only the rows of one class
/// fill tells that class.
pub(super) fn by_stated<'a>(
    corpus: &Corpus,
    groups: &Groups,
    of: impl Fn(usize) -> Option<&'a str>,
    seed: u64,
) -> Option<Leak> {
    by_value(corpus, groups, |row| Some(of(row).unwrap_or_default()), seed)
}

fn labelled(corpus: &Corpus, has: impl Fn(usize) -> bool) -> Vec<u32> {
    (0..corpus.len() as u32)
        .filter(|&row| corpus.label(row as usize).is_some() && has(row as usize))
        .collect()
}

/// Out-of-fold shares of the classes by key, smoothed towards those of all rows.
fn measure(
    corpus: &Corpus,
    groups: &Groups,
    rows: &[u32],
    keys: &[u32],
    distinct: usize,
    seed: u64,
) -> Option<Leak> {
    if rows.len() < LEAST || distinct < 2 {
        return None;
    }
    let labels = corpus.label_column();
    let fold_of = folds(rows, labels, groups, FOLDS, seed);
    let buckets = keys.iter().max().map_or(0, |&key| key as usize + 1);
    let mut class_rows: Vec<(usize, u16)> =
        corpus.class_counts().into_iter().zip(0..).filter(|&(n, _)| n > 0).collect();
    class_rows.sort_unstable_by_key(|&(n, class)| (std::cmp::Reverse(n), class));
    if class_rows.len() < 2 {
        return None;
    }
    // Two classes tell the same; of many only the larger ones can be told surely.
    let most = if class_rows.len() == 2 { 1 } else { 10 };
    let tell = |class: u16| -> Option<(Auc, u16)> {
        let is = |at: usize| labels[rows[at] as usize] == class;
        // Rows and hits of each fold in each bucket: what the others hold is all less one's own.
        let mut all = vec![(0_u32, 0_u32); buckets * FOLDS as usize];
        let mut sums = vec![(0_u32, 0_u32); buckets];
        let mut fold_sums = [(0_u32, 0_u32); FOLDS as usize];
        for (at, (&key, &fold)) in keys.iter().zip(&fold_of).enumerate() {
            let hit = u32::from(is(at));
            for (n, hits) in [
                &mut all[key as usize * FOLDS as usize + fold as usize],
                &mut sums[key as usize],
                &mut fold_sums[fold as usize],
            ] {
                *n += 1;
                *hits += hit;
            }
        }
        let (total, hits) = fold_sums.iter().fold((0, 0), |sum, f| (sum.0 + f.0, sum.1 + f.1));
        let mut scored: Vec<(f64, bool)> = keys
            .iter()
            .zip(&fold_of)
            .enumerate()
            .map(|(at, (&key, &fold))| {
                let own = all[key as usize * FOLDS as usize + fold as usize];
                let (n, of) = (sums[key as usize].0 - own.0, sums[key as usize].1 - own.1);
                // One common prior: each fold's own would leak what the fold itself holds.
                let prior = f64::from(hits) / f64::from(total);
                ((f64::from(of) + prior) / (f64::from(n) + 1.0), is(at))
            })
            .collect();
        Some((auc(&mut scored)?, class))
    };
    let (best, class) = class_rows
        .iter()
        .take(most)
        .filter_map(|&(_, class)| tell(class))
        .max_by(|a, b| a.0.value.total_cmp(&b.0.value).then(b.1.cmp(&a.1)))?;
    Some(Leak {
        rows: rows.len() as u64,
        distinct: distinct as u64,
        class: corpus.labels()[usize::from(class)].clone(),
        leaks: best.low > LEAKS,
        auc: best,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sentimeter_corpus::{Example, Identities, near_duplicates};

    fn corpus(rows: usize, of: impl Fn(usize) -> (bool, i64, String)) -> (Corpus, Groups) {
        let mut corpus = Corpus::new();
        for i in 0..rows {
            let (positive, time, author) = of(i);
            let text = format!("one{i} two{i} three{i} four{i}");
            let label = Some(if positive { "positive" } else { "negative" });
            let example =
                Example { text: &text, label, time: Some(time), author: Some(&author), ..Example::default() };
            corpus.push(example).unwrap();
        }
        let groups = near_duplicates(&Identities::of(&corpus));
        (corpus, groups)
    }

    fn by_author(corpus: &Corpus, groups: &Groups, seed: u64) -> Option<Leak> {
        by_value(corpus, groups, |row| corpus.author(row), seed)
    }

    /// A few bits of a number that look random.
    fn lot(i: usize) -> usize {
        (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % 1000
    }

    #[test]
    fn times_and_authors_of_their_own_tell_nothing() {
        let (corpus, groups) =
            corpus(2000, |i| (lot(i) < 500, lot(i * 7) as i64 * 1_000_003 + i as i64, format!("a{i}")));
        for leak in [by_time(&corpus, &groups, 1), by_author(&corpus, &groups, 1)] {
            let leak = leak.unwrap();
            assert!(!leak.leaks && (leak.auc.value - 0.5).abs() < 0.05, "{leak:?}");
        }
    }

    #[test]
    fn a_class_that_comes_and_goes_is_told_by_time() {
        // Positive in the middle of the span alone: no monotone score would find it.
        let (corpus, groups) = corpus(1000, |i| ((300..700).contains(&i), i as i64 * 60_000, "x".into()));
        let leak = by_time(&corpus, &groups, 0).unwrap();
        assert!(leak.leaks && leak.auc.value > 0.97, "{leak:?}");
    }

    #[test]
    fn authors_of_one_mood_tell_it() {
        let (corpus, groups) =
            corpus(1000, |i| (i % 100 < 50, lot(i) as i64 * 1000, format!("a{}", i % 100)));
        let leak = by_author(&corpus, &groups, 0).unwrap();
        assert!(leak.leaks && leak.auc.value > 0.99, "{leak:?}");
        assert!(!by_time(&corpus, &groups, 0).unwrap().leaks);
    }

    #[test]
    fn what_only_one_class_states_tells_it() {
        let (corpus, groups) = corpus(1000, |i| (i % 2 == 0, 0, "x".into()));
        let channel = |row: usize| (row.is_multiple_of(2) && lot(row) < 900).then_some("web");
        let leak = by_stated(&corpus, &groups, channel, 0).unwrap();
        assert!(leak.leaks && leak.distinct == 2 && leak.auc.value > 0.9, "{leak:?}");
        assert_eq!(by_value(&corpus, &groups, channel, 0), None, "one value, one class: nothing to compare");
        assert_eq!(by_stated(&corpus, &groups, |_| None, 0), None);
    }

    #[test]
    fn too_few_rows_tell_nothing() {
        let (corpus, groups) = corpus(20, |i| (i < 10, i as i64, "x".into()));
        assert_eq!(by_time(&corpus, &groups, 0), None);
        assert_eq!(by_author(&corpus, &groups, 0), None);
    }
}
