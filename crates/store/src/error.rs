//! What can go wrong with records and blobs.

use std::io;
use std::path::{Path, PathBuf};

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection.
    #[error("cannot open the database {database}")]
    Open {
        /// Where it is, without its password.
        database: String,
        /// What the driver says.
        source: sqlx::Error,
    },
    /// A URL of another kind of database.
    #[error("cannot use the database {url}: it wants postgres://USER:PASSWORD@HOST/DATABASE")]
    Url {
        /// What was given, without its password.
        url: String,
    },
    /// Written by a newer version of this program.
    #[error(
        "the database {database} has schema {found}, and this program knows {known}: use a newer sentimeter, or \
         another home (--home)"
    )]
    Newer {
        /// Where it is.
        database: String,
        /// Its schema.
        found: i64,
        /// The newest that this code knows.
        known: i64,
    },
    /// A migration that is not the one that ran.
    #[error(
        "migration {number} of the database {database} is not this program's: it was made by another build; \
         use that one, or another home (--home)"
    )]
    Foreign {
        /// Where it is.
        database: String,
        /// Which migration.
        number: i64,
    },
    /// The database refused.
    #[error("the database refused while it was to {doing}")]
    Sql {
        /// What was tried.
        doing: &'static str,
        /// What it says.
        source: sqlx::Error,
    },
    /// A row that this program did not write.
    #[error("the database holds {found:?} as {what}; it was changed by another program")]
    Value {
        /// Which value.
        what: &'static str,
        /// What stands there.
        found: String,
    },
    /// The operating system refused.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// A blob that is not there.
    #[error("there is no blob {hash} in {folder}; restore it from a backup")]
    NoBlob {
        /// Its name.
        hash: String,
        /// Where blobs are.
        folder: PathBuf,
    },
    /// A blob that is not what it was.
    #[error("the blob {path} is damaged: its content hashes to {found}; restore it from a backup")]
    DamagedBlob {
        /// The file.
        path: PathBuf,
        /// The hash of what stands there.
        found: String,
    },
    /// A hash that is none.
    #[error("{hash:?} names no blob: it wants 64 hexadecimal digits")]
    Hash {
        /// What was given.
        hash: String,
    },
    /// Nothing has that name.
    #[error("there is no {what} {name:?}{hint}")]
    Missing {
        /// The kind of thing.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What there is, or what to do; begins with a separator, or is empty.
        hint: String,
    },
    /// A name that fits several.
    #[error("{name:?} fits {count} runs ({some}): give more of the id")]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// How many it fits.
        count: usize,
        /// The first of them.
        some: String,
    },
    /// What is already there, and is not to be replaced.
    #[error("{what} {name:?} {why}")]
    Conflict {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// What stands against it, and the way out.
        why: String,
    },
    /// The system has no random numbers to make a secret of.
    #[error("the system gives no random numbers for a secret: {why}")]
    Random {
        /// What it says.
        why: String,
    },
    /// The thread that the store runs on could not be started, or has ended.
    #[error("the store's thread cannot run: {why}")]
    Thread {
        /// What happened.
        why: String,
    },
}

/// The error of an SQL statement, by what it was for.
pub(crate) fn sql(doing: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Sql { doing, source }
}

/// The error of a file, by what was tried.
pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { doing, path: path.to_owned(), source }
}
