//! Where the model does worse: the rows by language, channel and length.

use std::collections::BTreeMap;

use rayon::prelude::*;
use sentimeter_corpus::Corpus;
use sentimeter_model::metrics::{Metrics, Options, measure, wilson};
use sentimeter_text::language::detect;
use serde::Serialize;

use crate::Answers;

/// Names of a group that are told apart; the rows of all smaller ones are taken together.
const MOST_NAMES: usize = 12;

/// Rows below which a part is not called weak: one odd text must not.
const LEAST_WEAK: u64 = 10;

/// Rows whose language and length one thread finds at a time.
const CHUNK: usize = 512;

/// Upper bounds of the lengths, characters: each twice the one before.
const LENGTHS: [usize; 8] = [20, 40, 80, 160, 320, 640, 1_280, 2_560];

/// Some of the rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// What they are told apart by: `language`, `channel`, `language and channel` or `length`.
    pub group: &'static str,
    /// What they have in common: `en`, `social`, `41–80`.
    pub name: String,
    /// How many.
    pub rows: u64,
    /// Share answered right.
    pub accuracy: f64,
    /// [`wilson`] interval of `accuracy`, 95 %.
    pub interval: [f64; 2],
    /// Mean F1 of the classes that occur in them.
    pub macro_f1: f64,
    /// Area under the ROC curve; `None` where a class is missing.
    pub roc_auc: Option<f64>,
    /// Expected calibration error.
    pub ece: f64,
    /// Whether the whole interval lies below the accuracy of all rows, and there are at least ten.
    pub weak: bool,
}

/// What one row is counted under.
struct Traits<'a> {
    language: &'a str,
    channel: Option<&'a str>,
    length: usize,
}

/// The rows by language (as they state it, else detected), channel (where any states one), both (where there are
/// several of each) and length.
pub(super) fn cells(corpus: &Corpus, answers: &Answers, metrics: &Metrics) -> Vec<Cell> {
    let traits: Vec<Traits<'_>> = answers
        .rows
        .par_iter()
        .with_min_len(CHUNK)
        .map(|&row| {
            let (row, text) = (row as usize, corpus.text(row as usize));
            let chars = text.chars().count();
            Traits {
                language: corpus.language(row).unwrap_or_else(|| detect(text).language.code()),
                channel: corpus.channel(row),
                length: LENGTHS.iter().position(|&most| chars <= most).unwrap_or(LENGTHS.len()),
            }
        })
        .collect();
    let mut parts: Vec<(&'static str, String, Vec<u32>)> = Vec::new();
    parts.extend(named("language", traits.iter().map(|t| t.language)));
    if traits.iter().any(|t| t.channel.is_some()) {
        parts.extend(named("channel", traits.iter().map(|t| t.channel.unwrap_or("not stated"))));
    }

    let several = |group| parts.iter().filter(|part| part.0 == group).count() > 1;
    if several("language") && several("channel") {
        let both = traits.iter().map(|t| format!("{}, {}", t.language, t.channel.unwrap_or("not stated")));
        let both: Vec<String> = both.collect();
        parts.extend(named("language and channel", both.iter().map(String::as_str)));
    }
    let mut by_length: Vec<Vec<u32>> = vec![Vec::new(); LENGTHS.len() + 1];
    for (i, t) in (0_u32..).zip(&traits) {
        by_length[t.length].push(i);
    }
    parts.extend(by_length.into_iter().enumerate().map(|(at, rows)| ("length", length_name(at), rows)));
    parts.retain(|(_, _, rows)| !rows.is_empty());
    parts
        .into_par_iter()
        .filter_map(|(group, name, rows)| cell(group, name, &rows, answers, metrics))
        .collect()
}

/// Rows by name, the largest first, of equals the first in the alphabet.
fn named<'a>(
    group: &'static str,
    names: impl Iterator<Item = &'a str>,
) -> Vec<(&'static str, String, Vec<u32>)> {
    let mut by_name: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (i, name) in (0_u32..).zip(names) {
        by_name.entry(name).or_default().push(i);
    }
    let mut parts: Vec<(&str, Vec<u32>)> = by_name.into_iter().collect();
    parts.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    let rest = if parts.len() > MOST_NAMES { parts.split_off(MOST_NAMES - 1) } else { Vec::new() };
    let mut found: Vec<_> = parts.into_iter().map(|(name, rows)| (group, name.to_owned(), rows)).collect();
    if !rest.is_empty() {
        let name = format!("{} others", rest.len());
        let mut rows: Vec<u32> = rest.into_iter().flat_map(|(_, rows)| rows).collect();
        rows.sort_unstable();
        found.push((group, name, rows));
    }
    found
}

fn length_name(at: usize) -> String {
    match (at.checked_sub(1).map(|below| LENGTHS[below] + 1), LENGTHS.get(at)) {
        (None, Some(to)) => format!("up to {to}"),
        (Some(from), Some(to)) => format!("{from}–{to}"),
        (from, None) => format!("{} and more", from.unwrap_or(0)),
    }
}

fn cell(
    group: &'static str,
    name: String,
    rows: &[u32],
    answers: &Answers,
    overall: &Metrics,
) -> Option<Cell> {
    let truth: Vec<u16> = rows.iter().map(|&i| answers.truth[i as usize]).collect();
    let probs: Vec<f32> = rows.iter().flat_map(|&i| answers.probs.row(i as usize).iter().copied()).collect();
    let options = Options { bootstrap: 0, ..Options::default() };
    let found = measure(&truth, &probs, &overall.labels, &options).ok()?;
    let hits = (0..found.labels.len()).map(|class| found.confusion[class][class]).sum();
    let interval = wilson(hits, found.rows);
    Some(Cell {
        group,
        name,
        rows: found.rows,
        accuracy: found.accuracy,
        interval,
        macro_f1: found.macro_f1,
        roc_auc: found.roc_auc,
        ece: found.ece,
        weak: interval[1] < overall.accuracy && found.rows >= LEAST_WEAK,
    })
}

#[cfg(test)]
mod tests {
    use sentimeter_corpus::Example;
    use sentimeter_model::Probs;

    use super::*;

    /// Rows of (text, language, channel, whether it was answered right), all of the class "b".
    fn found(rows: &[(&str, Option<&str>, Option<&str>, bool)]) -> Vec<Cell> {
        let mut corpus = Corpus::with_labels(vec!["a".into(), "b".into()]);
        let mut probs = Vec::new();
        for &(text, language, channel, right) in rows {
            corpus.push(Example { text, label: Some("b"), language, channel, ..Example::default() }).unwrap();
            probs.extend(if right { [0.2, 0.8] } else { [0.8, 0.2] });
        }
        let answers = Answers {
            rows: (0..rows.len() as u32).collect(),
            truth: vec![1; rows.len()],
            probs: Probs::from_values(2, probs),
        };
        let labels = ["a", "b"].map(str::to_owned);
        let metrics = measure(&answers.truth, answers.probs.values(), &labels, &Options::default()).unwrap();
        cells(&corpus, &answers, &metrics)
    }

    #[test]
    fn rows_are_counted_under_what_they_state_and_else_under_what_is_detected() {
        let long = "x".repeat(81);
        let got = found(&[
            ("it was great", Some("de"), None, true),
            ("merci beaucoup pour tout", None, Some("social"), true),
            ("الخدمة ممتازة جدا", None, None, false),
            (&long, Some("de"), None, true),
        ]);
        let names: Vec<(&str, &str, u64)> =
            got.iter().map(|cell| (cell.group, cell.name.as_str(), cell.rows)).collect();
        assert_eq!(
            names,
            [
                ("language", "de", 2),
                ("language", "ar", 1),
                ("language", "fr", 1),
                ("channel", "not stated", 3),
                ("channel", "social", 1),
                ("language and channel", "de, not stated", 2),
                ("language and channel", "ar, not stated", 1),
                ("language and channel", "fr, social", 1),
                ("length", "up to 20", 2),
                ("length", "21–40", 1),
                ("length", "81–160", 1),
            ]
        );
    }

    #[test]
    fn a_cell_is_weak_when_chance_does_not_explain_it() {
        let good = [("a fine day", Some("en"), None, true); 80];
        let bad = |rows| vec![("un jour", Some("fr"), None, false); rows];
        let weak = |rows| {
            let all: Vec<_> = good.into_iter().chain(bad(rows)).collect();
            found(&all).into_iter().filter(|c| c.group == "language" && c.weak).map(|c| c.name).collect()
        };
        let names: Vec<String> = weak(20);
        assert_eq!(names, ["fr"]);
        let names: Vec<String> = weak(1);
        assert_eq!(names, [""; 0], "one wrong answer of one tells nothing");
    }

    #[test]
    fn a_crowd_of_names_is_one_cell() {
        let names: Vec<String> = (0..40).map(|i| format!("l{i:02}")).collect();
        let rows: Vec<_> = names.iter().map(|name| ("fine", Some(name.as_str()), None, true)).collect();
        let got = found(&rows);
        let languages: Vec<&Cell> = got.iter().filter(|c| c.group == "language").collect();
        assert_eq!(languages.len(), MOST_NAMES);
        assert_eq!((languages[11].name.as_str(), languages[11].rows), ("29 others", 29));
    }
}
