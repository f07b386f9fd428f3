use std::path::PathBuf;

/// What can go wrong between numbers and files.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The drawn SVG was refused by the rasteriser: a fault of this crate.
    #[error("figure \"{figure}\" cannot be rasterised: {reason}")]
    Raster {
        /// The figure's name.
        figure: String,
        /// What the rasteriser said.
        reason: String,
    },
    /// A file of the report cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Two figures of one page would be one file.
    #[error("two figures of the page are called \"{name}\"; give each a name of its own")]
    SameName {
        /// The name that both have.
        name: String,
    },
}
