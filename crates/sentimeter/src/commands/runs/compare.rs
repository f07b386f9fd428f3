//! `sentimeter runs compare`.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use sentimeter_experiment::compare::{Comparison, HEADLINES, page, verdict};
use sentimeter_store::{Blocking, Run};

use super::list::print;
use crate::args::Global;
use crate::commands::print_json;
use crate::output::Output;
use crate::terminal::line;
use crate::{interrupt, report};

/// The file beside the page that holds its numbers.
const NUMBERS: &str = "numbers.json";

pub(super) fn compare(
    global: &Global,
    store: &Blocking,
    runs: &[Run],
    folder: Option<&Path>,
) -> anyhow::Result<()> {
    let found = Comparison::of(store, runs)?;
    if let Some(folder) = folder {
        write(folder, &found)?;
        if !global.quiet {
            note!("report: {}", folder.join("index.html").display());
        }
    }
    if global.json {
        return print_json(&found);
    }
    let mut out = io::stdout().lock();
    let names = || found.runs.iter().map(|run| line(&run.name).into_owned());
    let head = |first: &str| std::iter::once(first.to_owned()).chain(names()).collect::<Vec<_>>();
    if found.differing.is_empty() {
        writeln!(out, "all settings are the same")?;
    } else {
        let mut table = vec![head("setting")];
        for setting in &found.differing {
            let mut row = vec![line(&setting.name).into_owned()];
            row.extend(
                setting.values.iter().map(|v| v.as_ref().map_or("–".to_owned(), |v| line(v).into_owned())),
            );
            table.push(row);
        }
        print(&mut out, &table, 1)?;
    }
    writeln!(out)?;
    let mut table = vec![head("measure")];
    for (name, _) in HEADLINES {
        if found.runs.iter().all(|run| run.metric(name).is_none()) {
            continue;
        }
        let mut row = vec![name.to_owned()];
        row.extend(found.runs.iter().map(|run| match run.metric(name) {
            Some((value, Some([low, high]))) => format!("{value:.4} ({low:.4} to {high:.4})"),
            Some((value, None)) => format!("{value:.4}"),
            None => "–".to_owned(),
        }));
        table.push(row);
    }
    print(&mut out, &table, 1)?;
    let first = &found.runs[0];
    for (run, paired) in found.runs[1..].iter().zip(&found.paired) {
        if let Some(paired) = paired {
            writeln!(out, "\n{}", verdict(paired, &line(&first.name), &line(&run.name)))?;
        }
    }
    for note in &found.notes {
        tracing::warn!("{note}");
    }
    Ok(())
}

fn write(folder: &Path, found: &Comparison) -> anyhow::Result<()> {
    let cannot = || format!("cannot write the comparison into {}", folder.display());
    report::make_folder(folder)?;
    let numbers = || -> io::Result<()> {
        let output = Output::create(&folder.join(NUMBERS))?;
        let mut file = output.file()?;
        serde_json::to_writer_pretty(&mut file, found)?;
        file.write_all(b"\n")?;
        drop(file);
        output.finish()
    };
    numbers().with_context(cannot)?;
    let page = page(found, Some(NUMBERS));
    interrupt::hold_off(|| page.write(folder)).with_context(cannot)?;
    Ok(())
}
