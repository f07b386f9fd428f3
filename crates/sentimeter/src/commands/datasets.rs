//! `sentimeter datasets`: what was imported.

use std::io::{self, Write};
use std::process::ExitCode;

use sentimeter_corpus::{Manifest, Snapshots};

use super::print_json;
use crate::args::{DatasetsAction, DatasetsArgs, Global};

pub(crate) fn run(global: &Global, args: &DatasetsArgs) -> anyhow::Result<ExitCode> {
    let snapshots = Snapshots::at(&global.home);
    let mut out = io::stdout().lock();
    match &args.action {
        DatasetsAction::List => list(global, &snapshots.list()?)?,
        DatasetsAction::Show { name } => {
            let manifest = snapshots.manifest(name)?;
            if global.json {
                print_json(&manifest)?;
            } else {
                let quarantine = snapshots.quarantine(&manifest.reference())?;
                let quarantine = quarantine.map(|path| path.display().to_string());
                print(&mut out, &manifest, quarantine.as_deref())?;
            }
        }
        DatasetsAction::Delete { name } => {
            let gone = snapshots.delete(name)?;
            if global.json {
                print_json(&gone)?;
            } else {
                for reference in gone {
                    writeln!(out, "deleted {reference}")?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(global: &Global, all: &[Manifest]) -> anyhow::Result<()> {
    if global.json {
        return print_json(&all);
    }
    let mut out = io::stdout().lock();
    if all.is_empty() {
        writeln!(out, "no data sets in {}; import one: sentimeter import FILE", global.home.display())?;
        return Ok(());
    }
    let width = all.iter().map(|m| m.reference().chars().count()).max().unwrap_or(0).max("data set".len());
    writeln!(out, "{:width$}  {:>10}  labels", "data set", "rows")?;
    for manifest in all {
        writeln!(out, "{:width$}  {:>10}  {}", manifest.reference(), manifest.rows, classes(manifest))?;
    }
    Ok(())
}

fn classes(manifest: &Manifest) -> String {
    let mut classes: Vec<String> = manifest
        .labels
        .iter()
        .zip(&manifest.class_rows)
        .map(|(label, rows)| format!("{label} {rows}"))
        .collect();
    if manifest.unlabelled > 0 {
        classes.push(format!("without a label {}", manifest.unlabelled));
    }
    classes.join(", ")
}

/// Everything a person asks of a data set.
fn print(out: &mut impl Write, manifest: &Manifest, quarantine: Option<&str>) -> io::Result<()> {
    head(out, manifest)?;
    files(out, manifest)?;
    faults(out, manifest, quarantine)
}

/// Its name, rows and classes.
pub(crate) fn head(out: &mut impl Write, manifest: &Manifest) -> io::Result<()> {
    writeln!(out, "{}: {} rows ({})", manifest.reference(), manifest.rows, classes(manifest))
}

fn files(out: &mut impl Write, manifest: &Manifest) -> io::Result<()> {
    for file in &manifest.provenance.report.files {
        writeln!(
            out,
            "  {} ({} bytes, blake3 {}): {} rows as {}, {} kept",
            file.path.display(),
            file.bytes,
            file.blake3.get(..12).unwrap_or(&file.blake3),
            file.rows,
            file.format,
            file.kept
        )?;
        for (label, rows) in &file.unmapped {
            writeln!(out, "    {rows} rows labelled {label:?} dropped: no rule maps that label")?;
        }
        for (rows, what) in [
            (file.empty, "without a text dropped"),
            (file.bad, "broken, left out"),
            (file.damaged, "with lost characters (U+FFFD)"),
            (file.double_encoded, "encoded twice"),
            (file.mended, "mended"),
        ] {
            if rows > 0 {
                writeln!(out, "    {rows} rows {what}")?;
            }
        }
    }
    Ok(())
}

/// Broken rows, repeated texts and contradictions.
pub(crate) fn faults(out: &mut impl Write, manifest: &Manifest, quarantine: Option<&str>) -> io::Result<()> {
    if let Some(path) = quarantine {
        writeln!(out, "  broken rows with line and reason: {path}")?;
    }
    if let Some(found) = &manifest.provenance.duplicates {
        writeln!(
            out,
            "  {} rows repeat a text, {} more do nearly; {} texts stood with different labels: {} rows took \
             the majority's, {} were dropped as ties",
            found.duplicates, found.near_duplicates, found.conflicts, found.outvoted, found.tied
        )?;
    }
    Ok(())
}
