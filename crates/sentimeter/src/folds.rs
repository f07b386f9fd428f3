//! The folds of a cross-validation as a file, so that other programs can be measured on the same rows.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use sentimeter_corpus::Corpus;
use sentimeter_experiment::{CrossValidation, Mix};
use serde::Serialize;
use serde_json::{Map, Value};

/// A line of the file.
#[derive(Serialize)]
struct Line<'a> {
    text: &'a str,
    label: Option<&'a str>,
    language: Option<&'a str>,
    /// The source's name in the plan; `test` for what is only measured on.
    source: &'a str,
    /// The fold that leaves it out; none for a test row, which every fold leaves out.
    fold: Option<u32>,
    weight: f64,
    /// Labels that the source knows, where it does not know all.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    known: &'a [String],
    /// Whether the fold was measured on it.
    scored: bool,
    /// Out of fold, before calibration.
    #[serde(skip_serializing_if = "Map::is_empty")]
    probabilities: Map<String, Value>,
}

/// Writes the rows of `found`, which was measured on `mix`, and behind them those of `test`.
///
/// # Errors
/// A file that cannot be written.
pub(crate) fn write(
    path: &Path,
    mix: &Mix,
    test: Option<&Corpus>,
    found: &CrossValidation,
) -> anyhow::Result<()> {
    let why = || format!("cannot write the folds to {}", path.display());
    let file = std::fs::File::create(path).with_context(why)?;
    let mut file = std::io::BufWriter::new(file);
    let mut line = |line: &Line<'_>| -> anyhow::Result<()> {
        serde_json::to_writer(&mut file, line).with_context(why)?;
        file.write_all(b"\n").with_context(why)
    };
    for row in &found.table {
        line(&Line {
            text: mix.corpus.text(row.row as usize),
            label: Some(&row.label),
            language: mix.corpus.language(row.row as usize),
            source: mix.source(row.row),
            fold: Some(row.fold),
            weight: row.weight,
            known: &row.known,
            scored: !row.answer.is_empty(),
            probabilities: row.answer.iter().map(|(label, p)| (label.clone(), (*p).into())).collect(),
        })?;
    }
    if let Some(test) = test {
        for row in 0..test.len() {
            let label = test.label(row).map(|label| &*test.labels()[usize::from(label)]);
            line(&Line {
                text: test.text(row),
                label,
                language: test.language(row),
                source: "test",
                fold: None,
                weight: 1.0,
                known: &[],
                scored: false,
                probabilities: Map::new(),
            })?;
        }
    }
    file.flush().with_context(why)
}
