//! Labelled examples come in: readers, label mapping, validation, snapshots, splits.
//!
//! [`read`] takes files as they really come (delimited text, JSON, Parquet, Excel, plain lines; any
//! of them compressed, in any usual encoding) and gives a [`Corpus`], column by column, and a
//! [`ReadReport`] that says what was guessed, counted and refused. This crate knows texts and
//! labels; it has never heard of tokens, features, HTTP or SQL.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod column;
mod corpus;
mod duplicates;
mod error;
mod expect;
mod label;
mod options;
mod read;
mod repeats;
mod report;
mod snapshot;
mod split;
mod time;
mod write;

pub use corpus::{Corpus, Example};
pub use duplicates::{Groups, Identities, NEAR, Resolved, Swollen, near_duplicates, resolve_conflicts};
pub use error::CorpusError;
pub use expect::{Check, CheckReport, Expectations};
pub use label::{LabelMap, LabelMapError};
pub use options::{Format, Keep, Limits, Quote, ReadOptions};
pub use read::{Beside, Mapping, Record, Row, Rows, read, stream, undouble};
pub use repeats::DuplicateReport;
pub use report::{BadRow, FileReport, Progress, ReadReport};
pub use snapshot::{Manifest, Provenance, SnapshotError, Snapshots};
pub use split::{Split, SplitKind, SplitPlan, folds, split};
pub use time::parse_time;
pub use write::{OutputFormat, Score, Writer};
