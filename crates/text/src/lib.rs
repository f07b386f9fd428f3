//! A raw string becomes tokens with spans.
//!
//! The [`Recipe`] is what a model file carries; [`Recipe::compile`] turns it into an [`Analyzer`],
//! and the same analyzer serves training and prediction. This crate opens no file and refuses no
//! string.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod analyzer;
pub mod arabic;
mod compile;
mod cut;
mod entities;
mod identity;
pub mod language;
pub mod lemma;
mod letters;
mod memo;
mod negation;
mod presets;
mod recipe;
mod shortcut;
pub mod stem;
mod steps;
pub mod stopwords;
mod tokens;
mod trace;
pub mod words;

pub use analyzer::{Analyzer, Draft, Scratch, Unfinished};
pub use identity::identity;
pub use recipe::{Auto, Body, Form, Hashtag, LemmaPos, Recipe, RecipeError, Step, Style};
pub use trace::Span;
