//! What can go wrong between a plan and a measured model.

use sentimeter_model::{FitError, SettingError};

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// A plan that cannot be followed.
    #[error("{why}")]
    Plan {
        /// What is wrong with it.
        why: String,
    },
    /// A setting out of range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Data that cannot be learned from or measured on.
    #[error("{why}")]
    Data {
        /// What it lacks.
        why: String,
    },
    /// Learning failed.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// Cleaning cannot be set up.
    #[error(transparent)]
    Recipe(#[from] sentimeter_text::RecipeError),
    /// Splitting failed.
    #[error(transparent)]
    Corpus(#[from] sentimeter_corpus::CorpusError),
    /// A search's journal cannot be used.
    #[error(transparent)]
    Journal(#[from] crate::search::JournalError),
    /// Word vectors cannot be read.
    #[error(transparent)]
    Vectors(#[from] sentimeter_vectors::VectorsError),
    /// Measuring failed.
    #[error(transparent)]
    Metrics(#[from] sentimeter_model::metrics::MetricsError),
}
