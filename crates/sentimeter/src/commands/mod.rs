//! One file per command.

pub mod completions;
//pub mod datasets;
pub mod evaluate;
//pub mod import;
//pub mod predict;
pub mod train;

use serde::Serialize;

/// One JSON document on standard output.
pub fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")?;
    Ok(())
}
