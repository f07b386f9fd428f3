//! Rows to correct and rows to label, as files that `import` reads back.

use std::io::{self, Write};

use jiff::Timestamp;
use sentimeter_corpus::Corpus;

use super::{Next, Suspect};

/// Writes the suspects as CSV: the row as it is, its label under `label` to be corrected, and what is
/// held against it. Importing the file takes `label`, corrected or not; the other columns only help.
///
/// # Errors
/// The output's own.
pub fn write_suspects<'a>(
    out: impl Write,
    corpus: &Corpus,
    suspects: impl Iterator<Item = &'a Suspect>,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let mut header = COLUMNS.to_vec();
    header.extend(["suggested", "given_confidence", "suggested_confidence", "row"]);
    csv.write_record(&header)?;
    for suspect in suspects {
        let mut record = columns(corpus, suspect.row as usize, &suspect.given);
        record.extend([
            suspect.suggested.clone(),
            format!("{:.4}", suspect.given_confidence),
            format!("{:.4}", suspect.suggested_confidence),
            suspect.row.to_string(),
        ]);
        csv.write_record(&record)?;
    }
    csv.flush()
}

/// Writes the texts to label as CSV, `label` left empty; a row whose label stays empty is imported
/// without one.
///
/// # Errors
/// The output's own.
pub fn write_next(out: impl Write, corpus: &Corpus, next: &[Next]) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let mut header = COLUMNS.to_vec();
    header.extend(["suggested", "uncertainty", "row"]);
    csv.write_record(&header)?;
    for next in next {
        let mut record = columns(corpus, next.row as usize, "");
        record.extend([
            next.suggested.clone().unwrap_or_default(),
            format!("{:.4}", next.uncertainty),
            next.row.to_string(),
        ]);
        csv.write_record(&record)?;
    }
    csv.flush()
}

/// The names by which `import` knows a row's parts.
const COLUMNS: [&str; 7] = ["id", "text", "label", "time", "author", "channel", "language"];

fn columns(corpus: &Corpus, row: usize, label: &str) -> Vec<String> {
    let time = corpus.time(row).and_then(|time| Timestamp::from_millisecond(time).ok());
    [
        corpus.id(row),
        Some(corpus.text(row)),
        Some(label),
        time.map(|time| time.to_string()).as_deref(),
        corpus.author(row),
        corpus.channel(row),
        corpus.language(row),
    ]
    .map(|value| value.unwrap_or_default().to_owned())
    .into()
}
