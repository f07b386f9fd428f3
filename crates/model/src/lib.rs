//! Tokens become features, features become probabilities.
//!
//! TF-IDF with scikit-learn's semantics, logistic regression, calibration, metrics and the model
//! file. This crate has never heard of HTTP, Kafka, SQL, data files or the clock; training is
//! synchronous, and its progress goes through [`Hooks`].
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod artifact;
pub mod calibration;
pub mod distinct;
pub mod embeddings;
mod error;
pub mod explain;
pub mod features;
mod fit;
mod linear;
pub mod logistic;
pub mod metrics;
mod model;
pub mod neural;
mod prefetch;
mod probs;
mod quantised;
mod reduce;
mod table;

pub use artifact::{ArtifactError, Digest, FORMAT_VERSION};
pub use error::{FitError, ModelError, SettingError};
pub use fit::{Fit, Hooks, Progress, Silent, Targets, Training};
pub use linear::{Linear, Scratch};
pub use model::{Body, Card, Corrected, Lineage, Model};
pub use probs::Probs;
pub use reduce::reduce;
