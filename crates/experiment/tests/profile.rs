//! What a profile must find in real data.

#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sentimeter_corpus::{Corpus, Example, ReadOptions, read};
use sentimeter_experiment::profile::{Options, Profiled, profile};
use sentimeter_model::Silent;

/// The rows of a file of ../shared/data; nothing where it is absent.
fn data(name: &str) -> Option<Corpus> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("SENTIMETER_DATA").map_or(root, PathBuf::from).join(name);
    if !path.exists() {
        println!("skipped: no data ({name})");
        return None;
    }
    let go_on = &mut |_: sentimeter_corpus::Progress<'_>| ControlFlow::Continue(());
    Some(read(&[path], &ReadOptions::default(), go_on).unwrap().0)
}

fn look(corpus: &Corpus) -> Profiled {
    profile("data", corpus, &Options { quick: true, ..Options::default() }, &mut Silent).unwrap()
}

#[test]
fn a_class_for_each_date_is_seen() {
    let Some(corpus) = data("sentiment140/training.processed.noemoticon.ends.csv") else { return };
    let found = look(&corpus).profile;
    let time = found.trouble.time.unwrap();
    assert!(time.leaks && time.auc.value > 0.999, "{time:?}");
    assert_eq!(found.warnings[0].kind, "time");
}

#[test]
fn half_of_the_flipped_labels_stand_in_the_first_tenth() {
    let Some(clean) = data("sentiment140/training.processed.noemoticon.sample.csv") else { return };
    let mut corpus = Corpus::with_labels(clean.labels().to_vec());
    let flipped = |row: usize| (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40 < (1 << 24) / 20;
    for row in 0..clean.len() {
        let mut example = clean.example(row);
        if flipped(row) {
            let other = 1 - clean.label(row).unwrap();
            example = Example { label: Some(&clean.labels()[usize::from(other)]), ..example };
        }
        corpus.push(example).unwrap();
    }
    let options = Options { quick: false, ..Options::default() };
    let found = profile("flipped", &corpus, &options, &mut Silent).unwrap();
    assert_eq!(found.suspects.len(), corpus.len(), "all rows are ranked");
    let first = &found.suspects[..corpus.len() / 10];
    let caught = first.iter().filter(|suspect| flipped(suspect.row as usize)).count();
    let flips = (0..corpus.len()).filter(|&row| flipped(row)).count();
    assert!(caught * 2 >= flips, "{caught} of {flips}");
}

#[test]
fn a_repeated_text_stands_once_among_the_suspects() {
    let mut corpus = Corpus::new();
    for row in 0..600 {
        let (mood, label) = if row % 2 == 0 { ("lovely", "positive") } else { ("dreadful", "negative") };
        let text = format!("{mood} word{} word{}", row % 37, row % 53);
        corpus.push(Example { text: &text, label: Some(label), ..Example::default() }).unwrap();
    }
    for _ in 0..5 {
        let text = "a lovely lovely evening with word7 and lovely people";
        corpus.push(Example { text, label: Some("negative"), ..Example::default() }).unwrap();
    }
    corpus.sort_labels();
    let found = look(&corpus);
    let first = found.profile.suspicious.unwrap().first;
    let evening = first.iter().filter(|s| s.text.as_deref().is_some_and(|t| t.contains("evening"))).count();
    assert_eq!(evening, 1);
    assert!(found.suspects[..5].iter().all(|s| s.row >= 600), "all of them are ranked");
}

#[test]
fn the_order_of_the_rows_does_not_matter() {
    let Some(corpus) = data("umsab/french/val_text.txt") else { return };
    let backwards = corpus.select(&(0..corpus.len() as u32).rev().collect::<Vec<_>>());
    let figures = |corpus: &Corpus| {
        let mut found = look(corpus).profile;
        // Row numbers are the one thing that must differ.
        found.languages.examples.clear();
        found.suspicious.iter_mut().flat_map(|s| &mut s.first).for_each(|s| s.row = 0);
        serde_json::to_string(&found).unwrap()
    };
    assert_eq!(figures(&corpus), figures(&backwards));
}
