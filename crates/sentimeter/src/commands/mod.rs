//! One file per command.

pub(crate) mod completions;
pub(crate) mod datasets;
pub(crate) mod evaluate;
pub(crate) mod import;
pub(crate) mod predict;
pub(crate) mod profile;
pub(crate) mod train;

use serde::Serialize;

/// One JSON document on standard output.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")?;
    Ok(())
}
