//! Records and blobs: what happened, and the files that it left.
//!
//! Records are rows of SQLite (one file in the home directory) or PostgreSQL (by URL); one set of SQL
//! serves both. Blobs are files named by their content's hash. There is no policy here: who may promote
//! a model, when a run counts as killed, what is sent where is decided by those who call.
//!
//! [`Store`] is asynchronous and cheap to clone; [`Blocking`] lends it to callers that are not. An
//! acknowledged write is durable: SQLite runs with `synchronous=FULL`, blobs are synced before they
//! get their name.
//!
//! ```
//! use sentimeter_store::{Blocking, Database, NewRun, RunFilter, Write};
//!
//! # fn main() -> Result<(), sentimeter_store::StoreError> {
//! let home = tempfile::tempdir().expect("a folder for the example");
//! let store = Blocking::open(home.path(), &Database::Memory)?;
//! let run = NewRun::new("train");
//! let (writes, all) = ([Write::Start(Box::new(run.clone()))], RunFilter::default());
//! store.run(|s| s.apply(&writes))?;
//! assert_eq!(store.run(|s| s.runs(&all))?[0].id, run.id);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod audit;
mod backup;
mod blobs;
mod blocking;
mod corrections;
mod database;
mod dialect;
mod error;
mod id;
mod items;
mod jobs;
mod keys;
mod labels;
mod migrate;
mod outbox;
mod personal;
mod predictions;
mod registry;
mod reviews;
mod rows;
mod run;
mod runs;
mod series;
mod sessions;
mod store;
mod write;

pub use audit::{Act, AuditEntry, Audited};
pub use backup::{Backup, restore};
pub use blobs::{Blob, Blobs, Source};
pub use blocking::Blocking;
pub use corrections::{Correction, CorrectionFilter, CorrectionStatus, Review};
pub use database::Database;
pub use error::StoreError;
pub use id::{RunId, now, unique};
pub use items::{DAY, DayCount, Item, ItemFilter, Sampled};
pub use jobs::{Job, JobProgress, JobStatus};
pub use keys::{Key, Role};
pub use labels::{Labelled, Unlabelled};
pub use outbox::{Claim, Entry, Waiting};
pub use personal::{Erased, Known};
pub use predictions::Prediction;
pub use registry::{Alias, NewVersion, RegisteredModel, RegistryEvent, Version, Who};
pub use reviews::Judgement;
pub use run::{Artifact, Input, Metric, NewRun, Origin, Run, RunFilter, Status};
pub use sessions::Session;
pub use store::Store;
pub use write::Write;
