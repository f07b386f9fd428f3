//! `sentimeter data`: what is known of a person, and its end.

use std::io::{self, Write};
use std::process::ExitCode;

use sentimeter_corpus::Snapshots;
use sentimeter_serve::{Found, erase, find};
use sentimeter_store::{Blocking, Erased, Known, RunFilter};
use serde::Serialize;

use super::print_json;
use crate::args::{DataAction, DataArgs, Global};
use crate::recording;

/// A data set that holds rows of theirs.
#[derive(Debug, Serialize)]
struct Learned {
    /// `reviews@2`.
    data: String,
    rows: usize,
    /// Runs that read it.
    runs: Vec<String>,
    /// Registered versions that came of them.
    models: Vec<String>,
}

/// What is known of a person.
#[derive(Serialize)]
struct Export<'a> {
    #[serde(flatten)]
    known: &'a Known,
    jobs: &'a [String],
    data: &'a [Learned],
}

/// What went.
#[derive(Serialize)]
struct Report<'a> {
    erased: Erased,
    jobs: usize,
    /// Jobs that are not over.
    unfinished_jobs: usize,
    /// What learned from reports that went.
    runs: &'a [String],
    models: &'a [String],
    /// Imported data that holds rows of theirs; it stays.
    data: &'a [Learned],
}

/// Imported data sets with rows of that author, and what learned from them.
fn learned(global: &Global, store: &Blocking, found: &Found) -> anyhow::Result<Vec<Learned>> {
    let snapshots = Snapshots::at(&global.home);
    let mut all = Vec::new();
    for manifest in snapshots.list()? {
        let data = manifest.reference();
        let (corpus, _) = snapshots.open(&data)?;
        let own = |author: &str| found.names.iter().any(|name| name == author.trim());
        let rows = (0..corpus.len()).filter(|&row| corpus.author(row).is_some_and(own)).count();
        if rows == 0 {
            continue;
        }
        let mut runs = Vec::new();
        for run in store.run(|s| async { s.runs(&RunFilter::default()).await })? {
            let inputs = store.run(|s| s.inputs(&run.id))?;
            if inputs.iter().any(|input| input.snapshot.as_deref() == Some(&data)) {
                runs.push(run.id.to_string());
            }
        }
        let mut models = Vec::new();
        for model in store.run(|s| s.models())? {
            for version in store.run(|s| s.versions(&model.name))? {
                if version.of.run.as_ref().is_some_and(|run| runs.contains(&run.to_string())) {
                    models.push(version.reference());
                }
            }
        }
        all.push(Learned { data, rows, runs, models });
    }
    Ok(all)
}

pub(crate) fn run(global: &Global, args: &DataArgs) -> anyhow::Result<ExitCode> {
    let store = Blocking::open(&global.home, &recording::database(global)?)?;
    let (DataAction::Erase { author } | DataAction::Export { author }) = &args.action;
    anyhow::ensure!(!author.trim().is_empty(), "--author wants a name");
    let found = store.run(|s| find(s, author))?;
    let data = learned(global, &store, &found)?;
    if let DataAction::Export { .. } = args.action {
        print_json(&Export { known: &found.known, jobs: &found.jobs, data: &data })?;
        return Ok(ExitCode::SUCCESS);
    }
    let gone = store.run(|s| async { erase(s, &found, &recording::user()).await })?;
    let Known { runs, models, .. } = &found.known;
    let unfinished = found.unfinished;
    if global.json {
        let erased = gone.records;
        print_json(&Report {
            erased,
            jobs: gone.jobs,
            unfinished_jobs: unfinished,
            runs,
            models,
            data: &data,
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = io::stdout().lock();
    let Erased { items, reports, predictions } = gone.records;
    writeln!(out, "erased: {items} items, {reports} reports, {predictions} predictions, {} jobs", gone.jobs)?;
    for name in runs {
        writeln!(out, "run {name} learned from a report that is erased")?;
    }
    for name in models {
        writeln!(out, "model {name} came of such a run: train it anew without")?;
    }
    for Learned { data, rows, runs, models } in &data {
        writeln!(
            out,
            "data set {data} holds {rows} rows of theirs; sentimeter datasets delete {data} removes it"
        )?;
        runs.iter().try_for_each(|name| writeln!(out, "  run {name} learned from it"))?;
        models.iter().try_for_each(|name| writeln!(out, "  model {name} came of it"))?;
    }
    if unfinished > 0 {
        note!(
            "{unfinished} jobs are not over: what is in their files is not known; erase again when they are"
        );
    }
    Ok(ExitCode::SUCCESS)
}
