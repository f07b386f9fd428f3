//! `sentimeter runs reproduce`: train again as a run was trained, and say what differs.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use sentimeter_corpus::{Corpus, ReadOptions, Snapshots};
use sentimeter_experiment::reproduce::{Difference, difference};
use sentimeter_experiment::{
    FEEDBACK, Feedback, Mix, Plan, Used, bundle, train, train_mixed, train_with_feedback,
};
use sentimeter_store::{Blocking, CorrectionFilter, Input, Run};
use serde::Serialize;

use super::find;
use crate::args::{Global, RunsReproduceArgs};
use crate::commands::print_json;
use crate::data;
use crate::output::Output;
use crate::progress::Shown;
use crate::recording::{MODEL, READ, ROOT};

#[derive(Serialize)]
struct Answer<'a> {
    run: String,
    name: &'a str,
    /// Hash of the model file that was recorded.
    recorded: &'a str,
    /// Hash of the one that came of it now.
    again: String,
    #[serde(flatten)]
    difference: &'a Difference,
}

pub(super) fn reproduce(
    global: &Global,
    store: &Blocking,
    args: &RunsReproduceArgs,
) -> anyhow::Result<ExitCode> {
    let place = Path::new(&args.run);
    // A name goes before a file of its name, as it costs nothing to write ./NAME.
    let run = match find(store, &args.run) {
        Err(_) if place.exists() => bundle::import(store, place)?,
        found => found?,
    };
    let (inputs, tags) = (store.run(|s| s.inputs(&run.id))?, store.run(|s| s.tags(&run.id))?);
    let files = store.run(|s| s.artifacts(&run.id))?;
    let Some(model) = files.iter().find(|file| file.path == MODEL) else {
        bail!(
            "run {} ({}, {}) left no model that could be compared: reproduce a finished `train`",
            run.name,
            run.kind,
            run.status
        );
    };
    let recorded = store.blobs().read(&model.hash)?;
    let plan = Plan::from_toml(&run.plan, &[]).context("its plan is not one of this program")?;
    let options: ReadOptions = match tags.get(READ) {
        Some(options) => {
            serde_json::from_str(options).context("it was read in a way that this program does not know")?
        }
        None => ReadOptions::default(),
    };
    let feedback = match files.iter().find(|file| file.path == FEEDBACK) {
        Some(file) => Some(feedback(store, &store.blobs().read(&file.hash)?)?),
        None => None,
    };
    let mut progress = Shown::new(global.quiet);
    let trained = if plan.sources.is_empty() {
        let corpus =
            load(global, &inputs, "train", &args.data, &options, &mut progress)?.with_context(|| {
                format!("run {} does not say what it learned from; name it with --data", run.name)
            })?;
        let test = load(global, &inputs, "test", &args.test, &options, &mut progress)?;
        match &feedback {
            Some(feedback) => {
                train_with_feedback(&plan, &mut Mix::from(corpus), feedback, test.as_ref(), &mut progress)?
            }
            None => train(&plan, &corpus, test.as_ref(), &mut progress)?,
        }
    } else {
        // The plan names the data; what may have moved is the folder that it lies in.
        let root = match &args.data[..] {
            [] => tags.get(ROOT).map_or_else(|| data::root(&plan, None), std::path::PathBuf::from),
            [folder] => folder.into(),
            _ => {
                bail!("the plan of {} names its data: --data takes the one folder that it lies in", run.name)
            }
        };
        let (mut mix, of_plan) = data::load_sources(global, &plan, &root, &mut progress)?;
        let test = load(global, &[], "test", &args.test, &options, &mut progress)?;
        let test = test.or(of_plan);
        match &feedback {
            Some(feedback) => train_with_feedback(&plan, &mut mix, feedback, test.as_ref(), &mut progress)?,
            None => train_mixed(&plan, &mix, test.as_ref(), &mut progress)?,
        }
    };
    progress.finish();
    let lineage = &trained.model.card().lineage;
    if let Some(hash) = run.data_hash.as_ref().filter(|hash| **hash != lineage.data) {
        tracing::warn!(
            "the data is not what the run learned from: its rows hash to {}, then to {}",
            short(&lineage.data),
            short(hash)
        );
    }
    let (bytes, _) = trained.model.to_bytes()?;
    if let Some(place) = &args.out {
        let write = || -> io::Result<()> {
            let output = Output::create(place)?;
            output.file()?.write_all(&bytes)?;
            output.finish()
        };
        write().with_context(|| format!("cannot write model {}", place.display()))?;
    }
    let difference = difference(&recorded, &bytes)?;
    let again = blake3::hash(&bytes).to_hex().to_string();
    if global.json {
        print_json(&Answer {
            run: run.id.to_string(),
            name: &run.name,
            recorded: &model.hash,
            again,
            difference: &difference,
        })?;
    } else {
        tell(&mut io::stdout().lock(), &run, &model.hash, &difference)?;
    }
    Ok(if difference.is_same_model() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The corrections that the run was given, with the labels that they had then.
fn feedback(store: &Blocking, listed: &[u8]) -> anyhow::Result<Feedback> {
    let used: Vec<Used> =
        serde_json::from_slice(listed).context("its list of corrections is not this program's")?;
    let all = store.run(|s| async move { s.corrections(&CorrectionFilter::default()).await })?;
    Ok(Feedback::again(&used, &all)?)
}

fn tell(out: &mut impl Write, run: &Run, hash: &str, difference: &Difference) -> io::Result<()> {
    let name = &run.name;
    if difference.identical {
        return writeln!(out, "identical: training again as {name} gives the same file ({hash})");
    }
    let code = difference
        .code
        .as_ref()
        .map(|[before, again]| format!("sentimeter {before} made it, this is {again}"));
    if difference.is_same_model() {
        let code = code.unwrap_or_else(|| "only the file's own bookkeeping differs".to_owned());
        return writeln!(out, "the same model as {name}: tensors and settings are equal; {code}");
    }
    writeln!(out, "not the same as {name}:")?;
    for tensor in &difference.tensors {
        writeln!(out, "  tensor {tensor}")?;
    }
    for [name, before, again] in &difference.settings {
        writeln!(out, "  {name}: {before} before, {again} again")?;
    }
    match code {
        Some(code) => writeln!(out, "  {code}"),
        None => Ok(()),
    }
}

/// What a run read in `role`, from where it was or from where it is said to be now.
fn load(
    global: &Global,
    inputs: &[Input],
    role: &str,
    instead: &[String],
    options: &ReadOptions,
    progress: &mut Shown,
) -> anyhow::Result<Option<Corpus>> {
    let inputs: Vec<&Input> = inputs.iter().filter(|input| input.role == role).collect();
    if inputs.is_empty() && instead.is_empty() {
        return Ok(None);
    }
    if !instead.is_empty() {
        return data::load(global, instead, options, progress).map(Some);
    }
    let mut names = Vec::new();
    for input in inputs {
        names.push(match (&input.snapshot, &input.path) {
            (Some(snapshot), _) => {
                ensure!(
                    Snapshots::at(&global.home).contains(snapshot),
                    "the run learned from the data set {snapshot}, which is not in {}: import its files again, or name \
                     the data with --{}",
                    global.home.display(),
                    flag(role)
                );
                snapshot.clone()
            }
            (None, Some(path)) => {
                unchanged(input, path, role)?;
                path.clone()
            }
            (None, None) => bail!("the run read {} from nowhere that is known; name it with --{}", input.name, flag(role)),
        });
    }
    data::load(global, &names, options, progress).map(Some)
}

/// The file is the one that the run read.
fn unchanged(input: &Input, path: &str, role: &str) -> anyhow::Result<()> {
    let elsewhere =
        || format!("the run read {path}, which cannot be read now; name the data with --{}", flag(role));
    let mut hasher = blake3::Hasher::new();
    let file = std::fs::File::open(path).with_context(elsewhere)?;
    if input.hash.is_empty() || !file.metadata().with_context(elsewhere)?.is_file() {
        return Ok(());
    }
    hasher.update_reader(file).with_context(elsewhere)?;
    let found = hasher.finalize().to_hex().to_string();
    ensure!(
        found == input.hash,
        "{path} has changed since the run read it: its bytes hash to {}, then to {}; bring the old file back and name \
         it with --{}",
        short(&found),
        short(&input.hash),
        flag(role)
    );
    Ok(())
}

fn flag(role: &str) -> &str {
    if role == "test" { "test" } else { "data" }
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
