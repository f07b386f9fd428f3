//! The rows of a snapshot: their canonical order and hash, and the packed file that holds them.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{SnapshotError, io_error};
use crate::corpus::{Corpus, Example};

/// Rows of one frame at most; frames are packed and unpacked in parallel.
const FRAME_ROWS: usize = 16 << 10;
/// Bytes of text of one frame, about.
const FRAME_BYTES: usize = 4 << 20;
/// Digits of a version.
pub(super) const VERSION: usize = 12;

/// Sizes of a frame of the file of rows, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Frame {
    pub(super) packed: u64,
    pub(super) unpacked: u64,
}

/// Rows in the order of their hashes, and the version: a hash of those and the classes' names.
pub(super) fn canonical(corpus: &Corpus) -> (Vec<u32>, String) {
    let mut rows: Vec<([u8; 32], u32)> = (0..corpus.len() as u32)
        .into_par_iter()
        .with_min_len(1024)
        .map(|row| (row_hash(&corpus.example(row as usize)), row))
        .collect();
    rows.par_sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for (hash, _) in &rows {
        hasher.update(hash);
    }
    for label in corpus.labels() {
        hasher.update(&(label.len() as u64).to_le_bytes());
        hasher.update(label.as_bytes());
    }
    let version = hasher.finalize().to_hex()[..VERSION].to_owned();
    (rows.into_iter().map(|(_, row)| row).collect(), version)
}

/// A hash of all columns: each string behind its length, an absent one as none.
fn row_hash(example: &Example<'_>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let strings = [
        Some(example.text),
        example.label,
        example.id,
        example.author,
        example.channel,
        example.language,
        example.source,
    ];
    for string in strings {
        let length = string.map_or(u64::MAX, |s| s.len() as u64);
        hasher.update(&length.to_le_bytes());
        hasher.update(string.unwrap_or_default().as_bytes());
    }
    hasher.update(&example.time.unwrap_or(i64::MIN).to_le_bytes());
    *hasher.finalize().as_bytes()
}

/// A row as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<Cow<'a, str>>,
}

pub(super) fn write_rows(path: &Path, corpus: &Corpus, order: &[u32]) -> Result<Vec<Frame>, SnapshotError> {
    let mut frames = Vec::new();
    let mut file = File::create(path).map_err(io_error("write", path))?;
    let mut rest = order;
    while !rest.is_empty() {
        let mut batch = Vec::new();
        while batch.len() < rayon::current_num_threads() * 2 && !rest.is_empty() {
            let (rows, after) = rest.split_at(frame_rows(corpus, rest));
            batch.push(rows);
            rest = after;
        }
        let packed: Vec<io::Result<(Vec<u8>, u64)>> =
            batch.par_iter().map(|rows| pack(corpus, rows)).collect();
        for frame in packed {
            let (bytes, unpacked) = frame.map_err(io_error("write", path))?;
            file.write_all(&bytes).map_err(io_error("write", path))?;
            frames.push(Frame { packed: bytes.len() as u64, unpacked });
        }
    }
    file.sync_all().map_err(io_error("write", path))?;
    Ok(frames)
}

/// How many of the first `rows` make a frame; at least one.
fn frame_rows(corpus: &Corpus, rows: &[u32]) -> usize {
    let mut bytes = 0;
    let full = rows.iter().take(FRAME_ROWS).position(|&row| {
        bytes += corpus.text(row as usize).len();
        bytes > FRAME_BYTES
    });
    full.map_or(rows.len().min(FRAME_ROWS), |at| at.max(1))
}

fn pack(corpus: &Corpus, rows: &[u32]) -> io::Result<(Vec<u8>, u64)> {
    let mut lines = Vec::new();
    for &row in rows {
        let e = corpus.example(row as usize);
        let stored = Stored {
            text: e.text.into(),
            label: e.label.map(Cow::from),
            id: e.id.map(Cow::from),
            time: e.time,
            author: e.author.map(Cow::from),
            channel: e.channel.map(Cow::from),
            language: e.language.map(Cow::from),
            source: e.source.map(Cow::from),
        };
        serde_json::to_writer(&mut lines, &stored)?;
        lines.push(b'\n');
    }
    Ok((zstd::bulk::compress(&lines, 3)?, lines.len() as u64))
}

/// The rows of a packed frame. Errors say what was found.
pub(super) fn unpack(packed: &[u8], frame: Frame, labels: &[String]) -> Result<Corpus, String> {
    // Frames hold a little more than FRAME_BYTES, or one row of whatever size was allowed.
    const MOST: u64 = 2 << 30;
    if frame.unpacked > MOST {
        return Err(format!("a frame claims {} bytes", frame.unpacked));
    }
    let mut lines = Vec::new();
    zstd::stream::read::Decoder::new(packed)
        .and_then(|d| d.take(frame.unpacked.saturating_add(1)).read_to_end(&mut lines))
        .map_err(|e| format!("a frame does not unpack ({e})"))?;
    let lines = str::from_utf8(&lines).map_err(|_| "a frame is not UTF-8".to_owned())?;
    let mut corpus = Corpus::with_labels(labels.to_vec());
    for line in lines.lines() {
        let row: Stored<'_> =
            serde_json::from_str(line).map_err(|e| format!("a row does not parse ({e})"))?;
        let example = Example {
            text: &row.text,
            label: row.label.as_deref(),
            id: row.id.as_deref(),
            time: row.time,
            author: row.author.as_deref(),
            channel: row.channel.as_deref(),
            language: row.language.as_deref(),
            source: row.source.as_deref(),
        };
        corpus.push(example).map_err(|l| format!("too many classes, such as {l:?}"))?;
    }
    Ok(corpus)
}
