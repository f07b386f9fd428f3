//! The interface for programs: wire type → domain → wire type. JSON of the interface exists only here.

mod docs;
pub(crate) mod health;
pub(crate) mod hooks;
pub(crate) mod insights;
pub(crate) mod items;
pub(crate) mod jobs;
pub(crate) mod legacy;
pub(crate) mod predict;
pub(crate) mod reports;
mod wire;

pub(crate) use docs::docs;
pub use docs::openapi;
pub(crate) use predict::{Answer, Request, answer};
