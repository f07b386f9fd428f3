//! Tokens become sparse TF-IDF rows, with scikit-learn's semantics.
//!
//! Texts are cleaned and their words numbered once ([`Tokens`]), n-grams are counted once
//! ([`Counts`]), and a vocabulary is selected for any set of training rows ([`Tfidf`]): folds share
//! the counting and never each other's vocabulary. [`Vectorizer`] is what serving keeps of it.

mod counts;
mod grams;
mod intern;
mod number;
pub mod sampling;
mod settings;
pub mod smote;
mod sparse;
mod tfidf;
mod vectorizer;
mod words;

pub use counts::Counts;
pub use intern::Tokens;
pub use settings::{Frequency, Norm, Settings};
pub use sparse::{Ragged, Sparse};
pub use tfidf::Tfidf;
pub use vectorizer::{Feature, FeatureScratch, Vectorizer};
pub use words::Words;
