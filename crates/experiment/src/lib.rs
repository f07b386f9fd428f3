//! One plan becomes one measured model.
//!
//! [`Plan`] holds every setting of a run; [`train()`] turns a corpus into a model by it and measures
//! it on texts that training never saw; [`evaluate()`] measures a model on any labelled corpus.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bundle;
pub mod compare;
mod crossvalidate;
mod error;
mod evaluate;
pub mod examine;
mod feedback;
pub mod labelling;
mod learning_curve;
mod mix;
mod network;
mod plan;
mod prepare;
mod pretrained;
pub mod profile;
pub mod recorder;
pub mod registry;
pub mod reproduce;
pub mod search;
mod train;

pub use crossvalidate::{CrossValidation, FoldRow, cross_validate, cross_validate_mixed};
pub use error::ExperimentError;
pub use evaluate::{Answers, Evaluation, Latency, Slice, TestPart, evaluate, latency};
pub use feedback::{FEEDBACK, Feedback, FeedbackCount, Used};
pub use learning_curve::{CurvePoint, LearningCurve, learning_curve};
pub use mix::{Balance, Classes, Mix, MixPlan, Partial, Source, SourceCount};
pub use network::NetworkRun;
pub use plan::{
    CalibrationKind, CalibrationPlan, ModelKind, Plan, Precision, RecipePlan, SamplingPlan, StoragePlan,
};
pub use prepare::{Dropped, Prepared, prepare};
pub use pretrained::VectorsUsed;
pub use train::{Seconds, Trained, train, train_mixed, train_with_feedback};
