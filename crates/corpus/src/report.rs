//! What reading found, for people and for the snapshot's manifest.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How far a long read is.
#[derive(Debug, Clone)]
pub struct Progress<'a> {
    /// The file being read.
    pub path: &'a std::path::Path,
    /// Its bytes read so far, as they lie on disk.
    pub bytes: u64,
    /// Its size on disk.
    pub total_bytes: u64,
    /// Rows kept so far, all files together.
    pub rows: u64,
}

/// A row that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// The file.
    pub file: String,
    /// The line on which it starts, from 1; a record number in files without lines.
    pub line: u64,
    /// What was found and what was expected.
    pub reason: String,
    /// The row's beginning, at most 200 characters.
    pub excerpt: String,
}

/// What one file held.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FileReport {
    /// The file, and after a slash its member if it is an archive.
    pub path: PathBuf,
    /// Size on disk.
    pub bytes: u64,
    /// BLAKE3 of the file as it lies on disk, in hexadecimal.
    pub blake3: String,
    /// How it was read: container, preset, delimiter, quotes, header, columns.
    pub format: String,
    /// What was guessed and why, a sentence each.
    pub said: Vec<String>,
    /// The encoding found: `UTF-8`, `UTF-8 and windows-1252`, `UTF-16LE`, …
    pub encoding: String,
    /// Rows read: kept, empty, unmapped and broken ones.
    pub rows: u64,
    /// Rows kept.
    pub kept: u64,
    /// Rows per label as written in the file, empty texts included. At most 1,000 different ones;
    /// the rest is counted as `(others)`.
    pub raw_labels: BTreeMap<String, u64>,
    /// Rows kept per class.
    pub classes: BTreeMap<String, u64>,
    /// Rows without a label, kept.
    pub unlabelled: u64,
    /// Rows dropped because no rule of the label map takes their label, by label as written.
    pub unmapped: BTreeMap<String, u64>,
    /// Broken rows.
    pub bad: u64,
    /// Rows dropped because they hold no text.
    pub empty: u64,
    /// Rows dropped because they are not a customer's words: an agent's answers in a ticket.
    pub skipped: u64,
    /// Texts longer than the limit, counted among the broken rows.
    pub too_long: u64,
    /// Times that no known way of writing dates explains; the rows are kept without a time.
    pub bad_times: u64,
    /// Lines that are not UTF-8 and were read as windows-1252.
    pub recoded_lines: u64,
    /// Texts with a replacement character (U+FFFD): something was lost before or while reading.
    pub damaged: u64,
    /// Texts that were encoded twice (`Ã©` for `é`).
    pub double_encoded: u64,
    /// Texts that were mended because it was asked for.
    pub mended: u64,
    /// Whether the file starts with a byte order mark.
    pub bom: bool,
}

/// What reading found, all files together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadReport {
    /// File by file, in the order given.
    pub files: Vec<FileReport>,
    /// Rows read.
    pub rows: u64,
    /// Rows kept: the corpus's length.
    pub kept: u64,
    /// How labels were mapped: label as written → class, or nothing where the row was dropped.
    pub label_map: BTreeMap<String, Option<String>>,
    /// What was guessed about labels and why.
    pub said: Vec<String>,
    /// Rows per class of the corpus.
    pub classes: BTreeMap<String, u64>,
    /// The broken rows, at most [`ReadReport::MAX_BAD_ROWS`] of them.
    pub bad_rows: Vec<BadRow>,
}

impl ReadReport {
    /// How many broken rows are kept with line and reason; all are counted.
    pub const MAX_BAD_ROWS: usize = 100_000;

    /// Broken rows, all files together.
    pub fn bad(&self) -> u64 {
        self.files.iter().map(|f| f.bad).sum()
    }
}
