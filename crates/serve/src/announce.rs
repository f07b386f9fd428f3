//! Who is told of what happens to registered models, beside our own records.

use std::fmt;

use sentimeter_store::{StoreError, Version, Write};

/// Somebody elsewhere (an MLflow server) who is to know what the server does to an alias.
pub trait Announce: fmt::Debug + Send + Sync + 'static {
    /// Has everything be known there that must be, before an alias can point at `version`. It may block.
    ///
    /// # Errors
    /// Records that cannot be written.
    fn introduce(&self, version: &Version) -> Result<(), StoreError>;

    /// What is written together with the change: `alias` points at `version`.
    fn alias(&self, version: &Version, alias: &str) -> Vec<Write>;
}
