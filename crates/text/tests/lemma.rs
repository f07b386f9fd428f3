//! The lemmas are NLTK's: on a committed table, and on the vocabulary of real tweets where Python
//! and the data are there to ask.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use sentimeter_text::lemma::{Pos, lemma};

const COLUMNS: [Pos; 4] = [Pos::Noun, Pos::Verb, Pos::Adj, Pos::Adv];

/// Compares with lines of `word`, and its lemma by NLTK as each of [`COLUMNS`]; returns how many.
#[track_caller]
fn check(table: &str) -> usize {
    let mut buf = String::new();
    let mut wrong = Vec::new();
    for line in table.lines() {
        let (word, lemmas) = line.split_once('\t').unwrap();
        assert_eq!(lemmas.split('\t').count(), COLUMNS.len(), "{line}");
        for (pos, want) in COLUMNS.into_iter().zip(lemmas.split('\t')) {
            let got = lemma(word, pos, &mut buf);
            if got != want {
                wrong.push(format!("{word} {pos:?}: {got}, NLTK: {want}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ: {:?}", wrong.len(), &wrong[..wrong.len().min(20)]);
    table.lines().count()
}

#[test]
fn lemmas_are_nltks_on_every_kind_of_word() {
    assert!(check(include_str!("golden/lemma.tsv")) > 4_000);
}

#[test]
fn lemmas_are_nltks_on_the_vocabulary_of_sentiment140() {
    let data = env::var_os("SENTIMETER_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let Ok(tweets) = fs::read(data.join("sentiment140/training.processed.noemoticon.sample.csv")) else {
        println!("skipped: no data");
        return;
    };
    let tweets = String::from_utf8_lossy(&tweets).to_lowercase();
    let words: BTreeSet<&str> =
        tweets.split(|c: char| !matches!(c, 'a'..='z' | '0'..='9')).filter(|word| !word.is_empty()).collect();
    let folder = tempfile::tempdir().unwrap();
    let Some(table) = ask_nltk(&data.join("../bench/wordnet_for_nltk.py"), folder.path(), &words) else {
        println!("skipped: no NLTK");
        return;
    };
    assert_eq!(check(&table), words.len());
    assert!(words.len() > 50_000, "{}", words.len());
}

/// The table for `words`; `None` without Python, NLTK or WordNet.
fn ask_nltk(lay_out: &Path, folder: &Path, words: &BTreeSet<&str>) -> Option<String> {
    let python = env::var_os("SENTIMETER_PYTHON").map_or_else(
        || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache/sentimeter-venv/bin/python"),
        PathBuf::from,
    );
    let run = |script: &Path, arguments: &[&Path]| {
        let output = Command::new(&python)
            .arg(script)
            .args(arguments)
            .env("NLTK_DATA", folder)
            .stderr(Stdio::null())
            .output()
            .ok()?;
        output.status.success().then_some(output.stdout)
    };
    run(lay_out, &[folder])?;
    let list = folder.join("words");
    fs::write(&list, words.iter().copied().collect::<Vec<_>>().join("\n")).ok()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/lemma.py");
    String::from_utf8(run(&script, &[Path::new("/usr/share/wordnet"), &list])?).ok()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
