//! What users do with the binary, from end to end: every test runs the program itself, in a folder
//! and a home of its own.

#![allow(clippy::unwrap_used)]

mod browser;
mod datasets;
mod desk;
mod evaluation;
mod feedback;
mod interrupted;
mod killed;
#[path = "../../../../benches/load.rs"]
mod load;
mod memory;
mod mistakes;
mod mlflow;
#[path = "../../../mlflow/tests/server/mod.rs"]
mod mlflow_server;
mod neural;
mod overload;
mod profile;
mod quickstart;
mod registry;
mod reproducible;
mod rounds;
mod runs;
mod scoring;
mod search;
mod serve;
mod traces;
mod tweets;
mod vectors;
