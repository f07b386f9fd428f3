//! The commands of docs/datasets.md, run on the real files, give the rows and classes that the
//! data's README states.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sentimeter_corpus::{ReadOptions, read};

const DOCS: &str = include_str!("../../../docs/datasets.md");

fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let places = [
        std::env::var_os("SENTIMETER_DATA").map(PathBuf::from),
        Some(root.join("../shared/data")),
        Some(root.join("shared/data")),
    ];
    let found = places.into_iter().flatten().find(|p| p.join("README.md").is_file());
    if found.is_none() {
        eprintln!("skipped: no data");
    }
    found
}

/// Splits like a shell: spaces outside double quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

/// The commands of the first table: data set → files and options.
fn commands() -> Vec<(String, Vec<String>, ReadOptions)> {
    let table = DOCS.split("## Exports").next().unwrap();
    let mut out = Vec::new();
    for row in table.lines().filter(|l| l.contains("`sentimeter import ")) {
        let name = row.split('|').nth(1).unwrap().trim().to_owned();
        let command = row.split('`').nth(1).unwrap();
        let mut words = words(command).into_iter().skip(2).peekable();
        let (mut files, mut options) = (Vec::new(), ReadOptions::default());
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                None => files.push(word),
                Some("name") => drop(words.next()),
                Some(flag) => options.set(flag, &words.next().unwrap()).unwrap(),
            }
        }
        out.push((name, files, options));
    }
    out
}

/// The README's table of files: path → rows and classes.
fn stated(readme: &str) -> BTreeMap<String, (u64, BTreeMap<String, u64>)> {
    let table = readme.split("## Files").nth(1).unwrap().split("## Notes").next().unwrap();
    let mut out = BTreeMap::new();
    for row in table.lines().filter(|l| l.starts_with("| ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let Ok(rows) = cells[2].parse() else { continue };
        let classes = cells[3]
            .split(", ")
            .map(|class| {
                let (name, count) = class.rsplit_once(": ").unwrap();
                (name.to_owned(), count.parse().unwrap())
            })
            .collect();
        out.insert(cells[1].to_owned(), (rows, classes));
    }
    out
}

#[test]
fn every_data_set_imports_as_documented() {
    let Some(data) = data() else { return };
    let stated = stated(&std::fs::read_to_string(data.join("README.md")).unwrap());
    let mut read_files = BTreeSet::new();
    for (name, files, options) in commands() {
        let paths: Vec<PathBuf> = files.iter().map(|f| data.join(f)).collect();
        let (corpus, report) = read(&paths, &options, &mut |_| ControlFlow::Continue(()))
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(report.bad(), 0, "{name}: {:?}", report.bad_rows.first());
        assert!(
            corpus.labels().iter().all(|l| ["negative", "neutral", "positive"].contains(&l.as_str())),
            "{name}: {:?}",
            corpus.labels()
        );
        let kept: u64 = report.files.iter().map(|f| f.kept).sum();
        assert_eq!(kept, corpus.len() as u64, "{name}");
        for (file, found) in files.iter().zip(&report.files) {
            let (rows, classes) = &stated[file];
            assert_eq!(found.rows, *rows, "{file}: rows");
            let dropped: u64 = found.unmapped.values().sum();
            assert_eq!(found.kept + found.empty + dropped, *rows, "{file}: every row is accounted for");
            if name == "vader-icwsm14" {
                assert_eq!(found.classes, *classes, "{file}: classes");
                continue;
            }
            if found.raw_labels.len() == 1 && files.iter().all(|f| f.ends_with(".txt")) {
                // The label is the file's name; the README may call it otherwise.
                assert_eq!(found.raw_labels.values().sum::<u64>(), *rows, "{file}: one class");
                continue;
            }
            for (class, count) in classes {
                assert_eq!(found.raw_labels.get(class), Some(count), "{file}: class {class}");
            }
            let others: u64 = found.raw_labels.values().sum::<u64>() - classes.values().sum::<u64>();
            // One row of memotion-text is malformed in the source.
            assert_eq!(others, u64::from(name == "memotion-text"), "{file}: {:?}", found.raw_labels);
        }
        read_files.extend(files);
    }
    let missed: Vec<_> = stated.keys().filter(|f| !read_files.contains(*f)).collect();
    assert!(missed.is_empty(), "no command reads {missed:?}");
}

#[test]
fn the_sentiment140_sample_says_what_is_wrong_with_it() {
    let Some(data) = data() else { return };
    let path = data.join("sentiment140/training.processed.noemoticon.sample.csv");
    let (corpus, report) =
        read(&[path], &ReadOptions::default(), &mut |_| ControlFlow::Continue(())).unwrap();
    let file = &report.files[0];
    assert_eq!(file.blake3.len(), 64);
    assert_eq!((file.damaged, file.bad_times), (159, 0));
    assert!(file.recoded_lines > 0 && file.recoded_lines <= 24, "{}", file.recoded_lines);
    assert_eq!(corpus.labels(), ["negative", "positive"]);
    assert_eq!(corpus.id(0), Some("1467810369"));
    assert_eq!(corpus.author(0), Some("_TheSpecialOne_"));
    assert_eq!(corpus.time(0), Some(1_239_081_585_000));
    assert!(file.said.iter().any(|s| s.contains("sentiment140")), "{:?}", file.said);
}
