//! The live model: what stands between a request and a prediction.
//!
//! [`Slot`] holds the model that answers and lets another take its place while requests are under way.
//! [`Engine`] decides where a text is scored: a short one of a linear model takes microseconds and is scored
//! by whoever asks; everything else goes through a bounded queue to threads of our own, which form batches.
//! [`telemetry`] holds the name of every metric.
//!
//! This crate has never heard of HTTP or SQL. It uses tokio's channels and clock, never its threads.
//!
//! ```
//! use sentimeter_inference::{Engine, Live, Settings, Wanted};
//! use sentimeter_model::Model;
//!
//! # let bytes = include_bytes!("../../model/tests/artifacts/v1-linear.safetensors");
//! let (model, digest) = Model::from_bytes(bytes).expect("a model file");
//! let engine = Engine::start(Live::new("sentiment@1", model, digest), &Settings::default()).expect("threads");
//! let live = engine.live();
//! let scored = engine.score_here(&live, &["what a lovely day"], Wanted::default()).expect("a short text");
//! assert_eq!(scored[0].probabilities.len(), live.model().labels().len());
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod batch;
mod cache;
mod engine;
mod queue;
mod score;
mod sentences;
mod slot;
pub mod telemetry;

pub use cache::CacheStats;
pub use engine::{Engine, Settings};
pub use queue::Refusal;
pub use score::{Scored, Wanted};
pub use sentences::{MIXED_FROM, Sentence, mixed};
pub use slot::{Live, Slot};
