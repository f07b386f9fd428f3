//! The vectoriser gives scikit-learn's vocabulary and values: see `goldens/tfidf.py`.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use sentimeter_model::features::{Counts, Frequency, Norm, Ragged, Settings, Tfidf, Tokens, Weighed, Words};
use sentimeter_model::logistic::{self, Logistic};
use sentimeter_model::{Fit, Silent, Targets, Training};
use serde_json::Value;

fn fixture(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/goldens/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Tokens apart by spaces, as the goldens were made.
fn tokens(texts: usize) -> Tokens {
    let (mut words, mut rows) = (Words::default(), Ragged::default());
    for line in fixture("texts.tsv").lines().take(texts) {
        let (_, text) = line.split_once('\t').unwrap();
        rows.ids.extend(text.split_ascii_whitespace().map(|token| words.insert(token)));
        rows.ends.push(rows.ids.len());
    }
    Tokens { words, rows }
}

fn frequency(value: &Value) -> Frequency {
    value.as_u64().map_or_else(|| Frequency::Share(value.as_f64().unwrap()), |n| Frequency::Count(n as u32))
}

fn settings(parts: &[Value]) -> Settings {
    let mut settings = Settings { words: None, ..Settings::default() };
    for part in parts {
        let range = [0, 1].map(|i| part["ngram_range"][i].as_u64().unwrap() as u8);
        let most = part["max_features"].as_u64().unwrap_or(0) as u32;
        if part["analyzer"] == "word" {
            settings.words = Some(range);
            (settings.min_df, settings.max_features) = (frequency(&part["min_df"]), most);
        } else {
            settings.chars = Some(range);
            settings.char_min_df = Some(frequency(&part["min_df"]));
            settings.char_max_features = Some(most);
        }
        settings.max_df = frequency(&part["max_df"]);
        settings.sublinear_tf = part["sublinear_tf"].as_bool().unwrap();
        settings.smooth_idf = part["smooth_idf"].as_bool().unwrap();
        settings.norm = match part["norm"].as_str() {
            Some("l1") => Norm::L1,
            Some("l2") => Norm::L2,
            _ => Norm::None,
        };
    }
    settings
}

#[test]
fn vocabulary_idf_and_values_are_scikit_learns() {
    let goldens: Value = serde_json::from_str(&fixture("tfidf.json")).unwrap();
    let cases = goldens["cases"].as_array().unwrap();
    assert!(cases.len() >= 15);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let settings = settings(case["settings"].as_array().unwrap());
        let texts = case["texts"].as_u64().unwrap() as usize;
        let counts = Counts::new(tokens(texts), &settings).unwrap();
        let all: Vec<u32> = (0..texts as u32).collect();
        let (tfidf, rows) = Tfidf::fit(&counts, &all, &settings).unwrap();
        assert_eq!(tfidf.weigh(&counts, &all), rows, "{name}: fitting weighs like weighing");

        // A gram and a word may be spelt alike ("ab" inside a word): columns are matched by kind.
        let words = case["settings"][0]["analyzer"] == "word";
        let first = case["vocabulary"].as_array().unwrap();
        let split = if settings.chars.is_some() && words {
            let count = tfidf.vocabulary(&counts).len();
            let chars = Settings { words: None, ..settings.clone() };
            let only = Counts::new(tokens(texts), &chars).unwrap();
            count - Tfidf::fit(&only, &all, &chars).unwrap().0.width()
        } else {
            first.len()
        };
        let theirs: BTreeMap<(bool, &str), usize> =
            first.iter().enumerate().map(|(i, v)| ((i < split, v.as_str().unwrap()), i)).collect();
        let ours = tfidf.vocabulary(&counts);
        assert_eq!(ours.len(), theirs.len(), "{name}: size of the vocabulary");
        let to_theirs: Vec<usize> = ours
            .iter()
            .enumerate()
            .map(|(i, feature)| {
                *theirs
                    .get(&(i < split, feature))
                    .unwrap_or_else(|| panic!("{name}: {feature:?} is not there"))
            })
            .collect();
        for (column, &their) in to_theirs.iter().enumerate() {
            let want = case["idf"][their].as_f64().unwrap();
            assert!((tfidf.idf()[column] - want).abs() < 1e-7, "{name}: idf of {:?}", ours[column]);
        }
        for (i, want) in case["rows"].as_array().unwrap().iter().enumerate() {
            let (columns, values) = rows.row(i);
            let got: BTreeMap<usize, f32> =
                columns.iter().map(|&c| to_theirs[c as usize]).zip(values.iter().copied()).collect();
            let want = want.as_array().unwrap();
            assert_eq!(got.len(), want.len(), "{name}: row {i}");
            for entry in want {
                let value = got[&(entry[0].as_u64().unwrap() as usize)];
                let want = entry[1].as_f64().unwrap();
                assert!(
                    (f64::from(value) - want).abs() <= 1e-6 * want.max(1.0),
                    "{name}: row {i}: {value} {want}"
                );
            }
        }
    }
}

/// A fold's vocabulary is that of the fold's texts alone, although all were counted together.
#[test]
fn folds_share_the_counting_and_not_the_vocabulary() {
    let settings = Settings {
        words: Some([1, 2]),
        chars: Some([2, 3]),
        min_df: Frequency::Count(2),
        max_features: 150,
        ..Settings::default()
    };
    let all = Counts::new(tokens(100), &settings).unwrap();
    for rows in [(0..60).collect::<Vec<u32>>(), (0..20).collect()] {
        let alone = Counts::new(tokens(rows.len()), &settings).unwrap();
        let (shared, x) = Tfidf::fit(&all, &rows, &settings).unwrap();
        let (own, y) = Tfidf::fit(&alone, &rows, &settings).unwrap();
        assert_eq!(shared.vocabulary(&all), own.vocabulary(&alone));
        assert_eq!(shared.idf(), own.idf());
        assert_eq!(x, y);
    }
}

#[test]
fn bounds_that_leave_nothing_are_an_error_with_the_numbers() {
    let settings = Settings { min_df: Frequency::Count(1000), ..Settings::default() };
    let counts = Counts::new(tokens(10), &settings).unwrap();
    let error = Tfidf::fit(&counts, &(0..10).collect::<Vec<_>>(), &settings).unwrap_err().to_string();
    assert!(error.contains("min_df = 1000"), "{error}");
    for bad in [
        Settings { words: Some([2, 1]), ..Settings::default() },
        Settings { words: Some([0, 1]), ..Settings::default() },
        Settings { words: None, ..Settings::default() },
        Settings { max_df: Frequency::Share(1.5), ..Settings::default() },
    ] {
        assert!(Counts::new(tokens(10), &bad).is_err(), "{bad:?}");
    }
}

/// Rows kept as factors are the same rows, and teach the same.
#[test]
fn factored_rows_are_the_sparse_rows() {
    let base = Settings { words: Some([1, 2]), ..Settings::default() };
    for norm in [Norm::L2, Norm::L1, Norm::None] {
        let settings = Settings { norm, ..base.clone() };
        // Texts of more than one piece: the hundred texts over and over, whole and by halves.
        let counts = Counts::new(tokens(100), &settings).unwrap();
        let rows: Vec<u32> = (0..100).collect();
        let many: Vec<u32> = (0..9000).map(|i| i * 37 % 100).collect();
        let (sparse_fit, sparse) = Tfidf::fit(&counts, &rows, &settings).unwrap();
        let (fit, weighed) = Tfidf::fit_compact(&counts, &rows, &settings).unwrap();
        assert_eq!(fit.idf(), sparse_fit.idf());
        let (sparse, Weighed::Factored(factored)) = (sparse.select(&many), weighed.select(&many)) else {
            panic!("plain counts of words are products of factors")
        };
        assert_eq!(factored.len(), sparse.len());
        let mut repeats = 0;
        for row in 0..sparse.len() {
            let (columns, factor) = factored.row(row);
            let mut values: Vec<(u32, f32)> = Vec::new();
            for column in columns {
                let value = factor * factored.factors()[column as usize];
                match values.last_mut() {
                    Some(last) if last.0 == column => (last.1, repeats) = (last.1 + value, repeats + 1),
                    _ => values.push((column, value)),
                }
            }
            let (columns, expected) = sparse.row(row);
            assert!(values.iter().map(|v| v.0).eq(columns.iter().copied()));
            for ((_, value), expected) in values.iter().zip(expected) {
                assert!((value - expected).abs() <= 1e-6 * expected, "{norm:?}: {value} {expected}");
            }
        }
        assert!(repeats > 0, "no word stands twice in a text: this tests too little");

        let truth: Vec<u16> = many.iter().map(|&row| (row % 7 % 3) as u16).collect();
        for classes in [2, 3] {
            let truth: Vec<u16> = truth.iter().map(|&y| y % classes as u16).collect();
            let targets = Targets::Hard(&truth);
            // Tight in double precision, loose in single.
            for (tolerance, allowed) in [(1e-9, 1e-5), (1e-5, 1e-3)] {
                let logistic = logistic::Settings { tolerance, ..logistic::Settings::default() };
                let logistic = Logistic::try_from(&logistic).unwrap();
                let of_sparse = Training { rows: &sparse, targets, classes, weights: None };
                let of_factored = Training { rows: &factored, targets, classes, weights: None };
                let expected = logistic.fit(&of_sparse, &mut Silent).unwrap();
                let found = logistic.fit_factored(&of_factored, &mut Silent).unwrap();
                assert!((found.objective / expected.objective - 1.0).abs() < allowed);
                if tolerance < 1e-8 {
                    for (a, b) in found.weights.iter().zip(&expected.weights) {
                        assert!((a - b).abs() < 1e-3 * (1.0 + b.abs()), "{norm:?} {classes}: {a} {b}");
                    }
                }
            }
        }
    }
    let damped = Settings { sublinear_tf: true, ..base };
    let counts = Counts::new(tokens(100), &damped).unwrap();
    let rows: Vec<u32> = (0..100).collect();
    assert!(matches!(Tfidf::fit_compact(&counts, &rows, &damped).unwrap().1, Weighed::Sparse(_)));
}
