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
mod label;
mod options;
mod read;
mod report;
mod split;
mod time;

pub use corpus::{Corpus, Example};
pub use duplicates::{Groups, Identities, NEAR, Resolved, near_duplicates, resolve_conflicts};
pub use error::CorpusError;
pub use label::{LabelMap, LabelMapError};
pub use options::{Format, Limits, Quote, ReadOptions};
pub use read::read;
pub use report::{BadRow, FileReport, Progress, ReadReport};
pub use split::{Split, SplitKind, SplitPlan, folds, split};
pub use time::parse_time;
