//! The interface for programs: wire type → domain → wire type. JSON of the interface exists only here.

pub(crate) mod agreement;
pub(crate) mod datasets;
mod docs;
pub(crate) mod health;
pub(crate) mod hooks;
pub(crate) mod insights;
pub(crate) mod items;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod labels;
pub(crate) mod legacy;
pub(crate) mod models;
pub(crate) mod predict;
mod refused;
pub(crate) mod reports;
pub(crate) mod runs;
mod tagged;
mod wire;

pub(crate) use docs::docs;
pub use docs::openapi;
pub(crate) use predict::{Answer, Request, answer};
