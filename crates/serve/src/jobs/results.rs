//! What comes of a job: a line for each row, from which any format is made.

use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::path::Path;

use axum::response::Response;
use sentimeter_corpus::{OutputFormat, Record, Row, Score, Writer};
use sentimeter_store::Job;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::export::{Export, Sink, defused, pieces};

/// Bytes that are sent at a time.
const PIECE: usize = 64 << 10;

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) columns: Vec<String>,
    pub(super) labels: Vec<String>,
}

/// A row and what was made of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) line: u64,
    pub(super) fields: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) json: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) fault: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) scored: Option<Scored>,
}

/// What was made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Scored {
    pub(super) label: String,
    pub(super) language: String,
    pub(super) confidence: f32,
    pub(super) probabilities: Vec<f32>,
    /// Keyed hash of the text, and what is kept of the author: by these the row is found again.
    pub(super) text_hash: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) author: Option<String>,
}

/// Goes through the durable lines of a job's results.
fn each(
    place: &Path,
    kept: i64,
    mut begin: impl FnMut(Head) -> io::Result<()>,
    mut line: impl FnMut(Line) -> io::Result<bool>,
) -> io::Result<()> {
    let file = std::fs::File::open(place.join("results"))?;
    let mut lines = BufReader::new(file.take(u64::try_from(kept).unwrap_or(0))).lines();
    let Some(head) = lines.next() else { return Ok(()) };
    begin(serde_json::from_str(&head?)?)?;
    for raw in lines {
        if !line(serde_json::from_str(&raw?)?)? {
            break;
        }
    }
    Ok(())
}

/// Whether any row is by one of `authors` (as they are kept), or holds one of the texts of `hashes`.
pub(crate) fn holds(
    place: &Path,
    kept: i64,
    authors: &[String],
    hashes: &std::collections::BTreeSet<String>,
) -> io::Result<bool> {
    let mut found = false;
    let looked = each(
        place,
        kept,
        |_| Ok(()),
        |line| {
            found = line.scored.is_some_and(|scored| {
                scored.author.is_some_and(|author| authors.contains(&author))
                    || hashes.contains(&scored.text_hash)
            });
            Ok(!found)
        },
    );
    match looked {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        other => other.map(|()| found),
    }
}

/// Sends what is written to it, a piece at a time.
struct Sending {
    sink: Sink,
    handle: tokio::runtime::Handle,
    piece: Vec<u8>,
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.piece);
        if self.handle.block_on(self.sink.send(piece)) {
            Ok(())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
}

fn write(place: &Path, kept: i64, format: Export, out: Sending) -> io::Result<()> {
    let mut labels = Vec::new();
    let mut writer: Option<Writer> = None;
    let mut out = Some(out);
    let csv = format == Export::Csv;
    let safe = |field: &str| if csv { defused(field).into_owned() } else { field.to_owned() };
    let lines = std::cell::RefCell::new(&mut writer);
    each(
        place,
        kept,
        |head| {
            let columns: Vec<String> = head.columns.iter().map(|name| safe(name)).collect();
            let to = if csv { OutputFormat::Csv } else { OutputFormat::Jsonl };
            labels = head.labels;
            if let Some(out) = out.take() {
                **lines.borrow_mut() = Some(Writer::new(Box::new(out), to, &columns, &labels, true)?);
            }
            Ok(())
        },
        |line| {
            let mut fields = Record::default();
            line.fields.iter().for_each(|field| fields.push(&safe(field)));
            let row = Row { fields, json: line.json, line: line.line, fault: line.fault, ..Row::default() };
            let score = line.scored.as_ref().map(|scored| Score {
                sentiment: Some(&scored.label),
                language: Some(&scored.language),
                confidence: scored.confidence,
                probabilities: &scored.probabilities,
            });
            match lines.borrow_mut().as_mut() {
                Some(writer) => writer.write(&row, score).map(|()| true),
                None => Ok(false),
            }
        },
    )?;
    match writer {
        Some(writer) => writer.finish(),
        None => Ok(()),
    }
}

/// A job's results so far, in `format`.
pub(crate) fn download(app: &App, job: &Job, format: Export) -> Response {
    let (sink, body) = pieces();
    let (place, kept, id) = (app.inner.desk.place(&job.id), job.kept, job.id.clone());
    let handle = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let out = Sending { sink: sink.clone(), handle: handle.clone(), piece: Vec::new() };
        if let Err(error) = write(&place, kept, format, out)
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            tracing::error!(kind = %error.kind(), job = id, "a job's results cannot be read");
            handle.block_on(sink.fail());
        }
    });
    format.download(&format!("scored-{}", &job.id[..8.min(job.id.len())]), body)
}
