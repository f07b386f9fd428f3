//! One file per command.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod data;
pub(crate) mod datasets;
pub(crate) mod embed;
pub(crate) mod evaluate;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod models;
pub(crate) mod predict;
pub(crate) mod profile;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod serve;
pub(crate) mod train;

use serde::Serialize;

/// One JSON document on standard output.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    // As the error of the output that it is: a reader who has seen enough is none.
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}
