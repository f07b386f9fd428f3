//! What is known of a run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::next_moment;
use crate::{RunId, StoreError};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Its process works on it.
    Running,
    /// It came to its end.
    Finished,
    /// It ended with an error.
    Failed,
    /// Its process was killed or interrupted.
    Killed,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Running, Self::Finished, Self::Failed, Self::Killed];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Killed => "killed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = StoreError;

    fn from_str(raw: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == raw)
            .ok_or_else(|| StoreError::Value { what: "status", found: raw.to_owned() })
    }
}

/// Who runs, where, and by which code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The user's name on the machine.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The process, by number.
    pub pid: i64,
    /// When the process started, in the machine's own count: tells it from a later one of its number.
    pub process_start: i64,
    /// The commit of the folder that it ran in, where that is a git repository.
    pub git_commit: Option<String>,
    /// Whether files there differed from that commit.
    pub git_dirty: Option<bool>,
    /// Version of the program.
    pub code: String,
    /// The command line.
    pub command: String,
}

/// What a run read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// `train` or `test`.
    pub role: String,
    /// What the user called it.
    pub name: String,
    /// The file, where it is one.
    pub path: Option<String>,
    /// `NAME@VERSION`, where it is an imported data set.
    pub snapshot: Option<String>,
    /// BLAKE3 of the file's bytes, or the snapshot's version.
    pub hash: String,
    /// Bytes of the file.
    pub size: Option<i64>,
    /// Rows that were read.
    pub rows: Option<i64>,
}

/// A run as it starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewRun {
    /// Its name for good.
    pub id: RunId,
    /// Its name for people.
    pub name: String,
    /// The run that it is a part of.
    pub parent: Option<RunId>,
    /// `train`, `search`, `candidate`, `evaluate`, …
    pub kind: String,
    /// Milliseconds since 1970.
    pub started: i64,
    /// Who, where, by which code.
    pub origin: Origin,
    /// The plan, as TOML.
    pub plan: String,
    /// What it draws from.
    pub seed: Option<u64>,
    /// The kernel that computes, where there is a choice.
    pub kernel: Option<String>,
}

impl NewRun {
    /// A run of `kind` that starts now, with a name made up.
    pub fn new(kind: &str) -> Self {
        let started = next_moment();
        let id = RunId::at(started);
        Self {
            name: id.nickname(),
            id,
            parent: None,
            kind: kind.to_owned(),
            started,
            origin: Origin::default(),
            plan: String::new(),
            seed: None,
            kernel: None,
        }
    }
}

/// A run as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its name for good.
    pub id: RunId,
    /// Its name for people.
    pub name: String,
    /// The run that it is a part of.
    pub parent: Option<RunId>,
    /// `train`, `search`, `candidate`, `evaluate`, …
    pub kind: String,
    /// Where it stands.
    pub status: Status,
    /// Milliseconds since 1970.
    pub started: i64,
    /// When it ended; of a killed one, its last sign of life.
    pub ended: Option<i64>,
    /// Its last sign of life.
    pub heartbeat: i64,
    /// Who, where, by which code.
    pub origin: Origin,
    /// The plan, as TOML.
    pub plan: String,
    /// Content hash of its data's rows.
    pub data_hash: Option<String>,
    /// Content hash of both sides of the split.
    pub split_hash: Option<String>,
    /// What it draws from.
    pub seed: Option<u64>,
    /// The kernel that computed, where there is a choice.
    pub kernel: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

/// One measured value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// What was measured: `accuracy`, `class.positive.f1`, …
    pub name: String,
    /// Iteration, epoch, or number of rows; 0 where there is one value.
    pub step: i64,
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The value; may be NaN or infinite.
    pub value: f64,
}

/// A file that a run left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its name in the run, with `/` between folders: `report/index.html`.
    pub path: String,
    /// The blob that it is.
    pub hash: String,
    /// Its bytes.
    pub size: u64,
    /// Its media type: `text/html`.
    pub media: String,
}

/// Which runs are asked for; everything must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunFilter {
    /// Of this status.
    pub status: Option<Status>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Parts of this run.
    pub parent: Option<RunId>,
    /// Parts of no run.
    pub top: bool,
    /// Whose name or id has this in it, whatever its case.
    pub name: Option<String>,
    /// That learned from or were measured on this snapshot (`NAME` or `NAME@VERSION`).
    pub data: Option<String>,
    /// Started at this time or later.
    pub since: Option<i64>,
    /// Started before this time.
    pub until: Option<i64>,
    /// The newest so many.
    pub limit: Option<u32>,
}
