//! Runs go to an MLflow server as well.
//!
//! [`Client`] speaks a server's REST interface: typed, with MLflow's own variables for address and
//! credentials ([`Settings`]), its retries, and its limits kept on our side, where somebody can be told.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod artifacts;
mod client;
mod error;
mod halt;
mod http;
mod limits;
mod settings;
pub mod wire;

pub use artifacts::Artifacts;
pub use client::{At, Client, Found};
pub use error::{MlflowError, Verdict};
pub use halt::Halt;
pub use limits::{Batch, Limits, MOST_KEY, artifact_path, cut, key};
pub use settings::{Auth, Retry, Settings, Tls, Variable};
