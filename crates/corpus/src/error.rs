//! What can go wrong between a file and a corpus, with the way out in the sentence.

use std::io;
use std::path::PathBuf;

use crate::report::BadRow;

/// Why data could not be read, stored or opened.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// The operating system refused.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried: `read`, `write`, …
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// No file was named.
    #[error("no file to read: name at least one")]
    NoFiles,
    /// A file holds no row.
    #[error("{path} holds no rows")]
    Empty {
        /// The file.
        path: String,
    },
    /// The container is damaged, or not what it was said to be.
    #[error("{path}: expected {expected}, found {found}; give --format, or mend the file")]
    Format {
        /// The file.
        path: String,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A named column is not there.
    #[error("{path} has no column {column:?}; it has {columns}")]
    NoColumn {
        /// The file.
        path: String,
        /// The column that was asked for.
        column: String,
        /// The columns that there are.
        columns: String,
    },
    /// No column could be recognised as the text.
    #[error("{path}: cannot tell which column holds the text; name it with --text (it has {columns})")]
    NoText {
        /// The file.
        path: String,
        /// The columns that there are.
        columns: String,
    },
    /// Too many rows are broken.
    #[error(
        "{path}: {bad} of {rows} rows are broken, more than {percent} %; the first is line {}: {}; \
         check --format, --delimiter and --quote, or raise --max-bad-rows",
        first.line, first.reason
    )]
    TooManyBad {
        /// The file.
        path: String,
        /// Broken rows.
        bad: u64,
        /// Rows read, broken ones included.
        rows: u64,
        /// The share allowed, in percent.
        percent: f64,
        /// The first of them.
        first: Box<BadRow>,
    },
    /// A limit was passed.
    #[error("{path} is past the limit of {limit} {what}; raise --{option} if it is meant to be")]
    Limit {
        /// The file.
        path: String,
        /// The limit.
        limit: u64,
        /// Of what: `bytes`, `rows`.
        what: &'static str,
        /// The option that raises it.
        option: &'static str,
    },
    /// The label column does not look like labels.
    #[error(
        "{path}: the label column holds more than {limit} different values, such as {example:?}; \
         name the label column with --label, or map ranges with --map \"1..2=negative,…\""
    )]
    NotLabels {
        /// The file.
        path: String,
        /// How many are allowed.
        limit: usize,
        /// One of them.
        example: String,
    },
    /// Texts and labels come in two files of different lengths.
    #[error("{texts} has {text_rows} lines and {labels} has {label_rows}; they must be aligned")]
    Aligned {
        /// File of texts.
        texts: String,
        /// Its lines.
        text_rows: u64,
        /// File of labels.
        labels: String,
        /// Its lines.
        label_rows: u64,
    },
    /// Options contradict each other or a value is unknown.
    #[error("{0}")]
    Option(String),
    /// The caller's progress callback asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl CorpusError {
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
