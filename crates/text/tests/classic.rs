//! `tweet-en` beside the Python that it replaces (`classic/classic.py`), token for token.

#![allow(clippy::unwrap_used)]

use sentimeter_text::{Recipe, Scratch};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn tokens(texts: &[String]) -> Vec<Vec<String>> {
    let analyzer = Recipe::preset("tweet-en").unwrap().compile().unwrap();
    let mut scratch = Scratch::new();
    let clean = |text: &String| {
        let mut tokens = Vec::new();
        analyzer.tokens(text, &mut scratch, &mut |token| tokens.push(token.to_owned()));
        tokens
    };
    texts.iter().map(clean).collect()
}

#[track_caller]
fn compare(texts: &[String], want: &[Vec<String>]) {
    assert_eq!(texts.len(), want.len());
    for ((text, got), want) in texts.iter().zip(tokens(texts)).zip(want) {
        assert_eq!(&got, want, "{text:?}");
    }
}

#[test]
fn agrees_with_the_golden_answers() {
    let rows: Vec<(String, Vec<String>)> = serde_json::from_str(include_str!("classic/golden.json")).unwrap();
    assert!(rows.len() > 700);
    let (texts, want): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    compare(&texts, &want);
}

/// The last column of a file whose columns are all quoted.
fn last_column(csv: &str) -> Vec<String> {
    let lines = csv.lines().filter_map(|line| line.strip_suffix('"'));
    lines.filter_map(|line| line.rsplit_once(",\"")).map(|(_, text)| text.replace("\"\"", "\"")).collect()
}

/// Needs the data, a Python with NLTK (`SENTIMETER_PYTHON`) and NLTK's WordNet (`NLTK_DATA`).
#[test]
fn agrees_on_the_sentiment140_sample() {
    let data = std::env::var_os("SENTIMETER_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let sample = data.join("sentiment140/training.processed.noemoticon.sample.csv");
    let Ok(bytes) = std::fs::read(sample) else {
        return println!("skipped: no data");
    };
    let python = std::env::var("SENTIMETER_PYTHON").unwrap_or_else(|_| {
        let home = std::env::var("HOME").unwrap_or_default();
        format!("{home}/.cache/sentimeter-venv/bin/python")
    });
    if std::env::var_os("NLTK_DATA").is_none() || !Path::new(&python).exists() {
        return println!("skipped: no Python with NLTK and NLTK_DATA");
    }
    let texts = last_column(&String::from_utf8_lossy(&bytes));
    assert_eq!(texts.len(), 51_136);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/classic/classic.py");
    let mut child = Command::new(python)
        .args([script, "lines"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input: String = texts.iter().map(|text| serde_json::to_string(text).unwrap() + "\n").collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let want: Vec<Vec<String>> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    compare(&texts, &want);
}
