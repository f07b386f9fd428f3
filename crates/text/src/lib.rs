//! A raw string becomes tokens with spans.
//!
//! The [`Recipe`] is what a model file carries; [`Recipe::compile`] turns it into an [`Analyzer`],
//! and the same analyzer serves training and prediction. This crate opens no file and refuses no
//! string.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod arabic;
mod entities;
mod identity;
pub mod language;
pub mod lemma;
mod recipe;
pub mod stem;
pub mod stopwords;

pub use identity::identity;
pub use recipe::{Analyzer, Recipe, RecipeError, Scratch, Span};
