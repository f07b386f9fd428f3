//! `sentimeter runs show`.

use std::io::{self, Write};

use sentimeter_experiment::bundle::record;
use sentimeter_store::{Blocking, Metric, Run, RunFilter, now};

use super::{moment, span};
use crate::args::Global;
use crate::commands::print_json;
use crate::recording::READ;
use crate::terminal::line;

pub(super) fn show(global: &Global, store: &Blocking, run: &Run) -> anyhow::Result<()> {
    let found = record(store, run.clone())?;
    if global.json {
        return print_json(&found);
    }
    let mut out = io::stdout().lock();
    let origin = &run.origin;
    writeln!(out, "{} ({}), {}: {}", line(&run.name), run.id, line(&run.kind), run.status)?;
    if let Some(error) = &run.error {
        writeln!(out, "  {}", line(error))?;
    }
    let ended = run.ended.unwrap_or_else(now);
    writeln!(out, "  started {} UTC, took {}", moment(run.started), span(ended - run.started))?;
    writeln!(out, "  by {} on {}, sentimeter {}", line(&origin.user), line(&origin.host), origin.code)?;
    if let Some(commit) = &origin.git_commit {
        let dirty = if origin.git_dirty == Some(true) { ", with changes" } else { "" };
        writeln!(out, "  in a folder at commit {commit}{dirty}")?;
    }
    writeln!(out, "  {}", line(&origin.command))?;
    if let Some(parent) = &run.parent {
        writeln!(out, "  part of {parent}")?;
    }
    for input in &found.inputs {
        let what = input.snapshot.as_ref().or(input.path.as_ref()).unwrap_or(&input.name);
        let rows = input.rows.map_or(String::new(), |rows| format!(", {rows} rows"));
        let hash =
            if input.hash.is_empty() { String::new() } else { format!(", blake3 {}", short(&input.hash)) };
        writeln!(out, "  {}: {}{rows}{hash}", line(&input.role), line(what))?;
    }
    for (what, hash) in [("rows of the data", &run.data_hash), ("split", &run.split_hash)] {
        if let Some(hash) = hash {
            writeln!(out, "  {what}: {}", short(hash))?;
        }
    }
    let parts = RunFilter { parent: Some(run.id.clone()), ..RunFilter::default() };
    let parts = store.run(|s| s.runs(&parts))?.len();
    if parts > 0 {
        writeln!(out, "  {parts} parts: sentimeter runs list --parent {}", run.id)?;
    }
    writeln!(out, "settings")?;
    for (name, value) in &found.params {
        writeln!(out, "  {} = {}", line(name), line(value))?;
    }
    let tags: Vec<_> = found.tags.iter().filter(|(name, _)| name != READ).collect();
    if !tags.is_empty() {
        writeln!(out, "tags")?;
    }
    for (name, value) in tags {
        writeln!(out, "  {} = {}", line(name), line(value))?;
    }
    writeln!(out, "metrics")?;
    let metrics: Vec<Metric> = found.metrics.into_iter().map(Metric::from).collect();
    for (at, metric) in metrics.iter().enumerate() {
        // Of a curve, its end.
        if metrics.get(at + 1).is_some_and(|next| next.name == metric.name) {
            continue;
        }
        let step = if metric.step == 0 { String::new() } else { format!(" at step {}", metric.step) };
        writeln!(out, "  {} {}{step}", line(&metric.name), shown(metric.value))?;
    }
    writeln!(out, "files")?;
    for file in &found.artifacts {
        writeln!(out, "  {} ({} bytes, {})", line(&file.path), file.size, short(&file.hash))?;
    }
    Ok(())
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// As many digits as tell.
fn shown(value: f64) -> String {
    match value {
        v if v == v.trunc() && v.abs() < 1e15 => format!("{v}"),
        v if (1e-3..1e6).contains(&v.abs()) => format!("{v:.4}"),
        v => format!("{v:.3e}"),
    }
}
