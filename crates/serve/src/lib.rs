//! HTTP: the interface for programs under `/v1`, the pages for people under `/`.
//!
//! [`router`] is all of it, to be called with or without a socket; [`serve`] puts it on one and ends when it is
//! told to, after what it has accepted. What a text means is `inference`'s affair, what is kept is `store`'s.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod announce;
mod api;
mod app;
mod auth;
mod body;
mod client;
mod edge;
mod export;
mod hooks;
mod house;
mod insights;
mod intake;
mod jobs;
mod labelling;
mod limits;
mod linger;
mod models;
mod personal;
mod problem;
mod profiles;
mod record;
mod router;
mod server;
mod settings;
mod tls;
mod trace;
mod ui;
mod watch;

pub use announce::Announce;
pub use api::openapi;
pub use app::{App, StartError};
pub use client::Network;
pub use hooks::{Hooks, HooksError};
pub use models::{Models, NoModel, Opening, Registry, Resolving, name_of_file};
pub use personal::{Found, Gone, erase, find, retain};
pub use router::router;
pub use sentimeter_inference as inference;
pub use server::serve;
pub use settings::{Keep, Limits, Settings};
pub use tls::{Certificate, TlsError};
pub use watch::{Source, watch};
