//! Tokens become sparse TF-IDF rows, with scikit-learn's semantics.
//!
//! Texts are cleaned and their words numbered once ([`Tokens`]), n-grams are counted once
//! ([`Counts`]), and a vocabulary is selected for any set of training rows ([`Tfidf`]): folds share
//! the counting and never each other's vocabulary. [`Vocabulary`] is what serving keeps of it.

mod buckets;
mod counts;
mod factored;
mod grams;
mod intern;
mod lanes;
mod ngrams;
mod number;
mod pairs;
pub mod sampling;
mod settings;
mod size;
pub mod smote;
mod sparse;
mod spellings;
mod tally;
mod tfidf;
mod vectorizer;
mod vocabulary;
mod words;

pub use counts::Counts;
pub use factored::Factored;
pub(crate) use grams::Grams;
pub use intern::Tokens;
pub(crate) use lanes::{Bundle, SIDE};
pub(crate) use ngrams::Ngrams;
pub(crate) use number::NONE;
pub(crate) use pairs::Pairs;
pub use settings::{Frequency, Norm, Settings};
pub use sparse::{Ragged, Sparse};
pub use tfidf::{Tfidf, Weighed};
pub use vectorizer::Vectorizer;
pub use vocabulary::{Feature, Vocabulary};
pub(crate) use vocabulary::{Group, Row};
pub use words::Words;
