//! Runs go to an MLflow server as well.
//!
//! [`Client`] speaks a server's REST interface: typed, with MLflow's own variables for address and
//! credentials ([`Settings`]), its retries, and its limits kept on our side, where somebody can be told.
//!
//! [`mirror`] makes an entry of the store's outbox of everything that is recorded of a run; a [`Sender`] sends
//! the entries from a thread of its own, in order, as often as it takes.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod artifacts;
mod client;
mod deliver;
mod error;
mod event;
mod fetch;
mod halt;
mod http;
mod limits;
mod model;
mod sender;
mod settings;
mod target;
pub mod wire;

pub use artifacts::Artifacts;
pub use client::{At, Client, Found};
pub use error::{MlflowError, Verdict};
pub use event::{Event, SINK, mirror};
pub use fetch::{Fetched, Reference};
pub use halt::Halt;
pub use limits::{Batch, Limits, MOST_KEY, artifact_path, cut, key};
pub use sender::{Left, Sender, introduce, left, send_again};
pub use settings::{Auth, Retry, Settings, Tls, Variable};
