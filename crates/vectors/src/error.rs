//! Why vectors could not be read or written.

use std::io;
use std::path::PathBuf;

/// Why vectors could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum VectorsError {
    /// The operating system refused.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {why}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What was found, what was expected, what to do.
        why: String,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}
