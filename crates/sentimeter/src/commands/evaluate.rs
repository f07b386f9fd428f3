//! `sentimeter evaluate`: how good a model is on labelled texts.

use std::io::{self, Write};
use std::process::ExitCode;

use sentimeter_experiment::{Evaluation, evaluate};
use serde::Serialize;

use super::print_json;
use crate::args::{EvaluateArgs, Global};
use crate::progress::Shown;
use crate::{data, home};

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    evaluation: Evaluation,
    model: ModelId,
}

/// Which model answered.
#[derive(Serialize)]
pub(crate) struct ModelId {
    pub path: String,
    pub digest: String,
}

pub(crate) fn run(global: &Global, args: &EvaluateArgs) -> anyhow::Result<ExitCode> {
    let (path, model, digest) = home::open_model(global, args.model.as_deref())?;
    let mut progress = Shown::new(global.quiet);
    let corpus = data::load(global, &args.data, &args.read.options(), &mut progress)?;
    let evaluation = evaluate(&model, &corpus, model.card().lineage.seed)?;
    if global.json {
        let model = ModelId { path: path.display().to_string(), digest: digest.to_string() };
        print_json(&Answer { evaluation, model })?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", evaluation.metrics)?;
    for (title, slices) in [("language", &evaluation.languages), ("channel", &evaluation.channels)] {
        if slices.len() > 1 {
            writeln!(out, "\n{title:>12}      rows  accuracy")?;
            for (name, slice) in slices {
                writeln!(out, "{name:>12} {:>9}  {:.4}", slice.rows, slice.accuracy)?;
            }
        }
    }
    for (label, rows) in &evaluation.unknown_labels {
        writeln!(out, "left out: {rows} rows labelled {label:?}, which the model does not know")?;
    }
    if evaluation.unlabelled > 0 {
        writeln!(out, "left out: {} rows without a label", evaluation.unlabelled)?;
    }
    writeln!(
        out,
        "\none text in {:.1} µs (median; 99 % within {:.1} µs), {:.0} texts a second in batches\nmodel {} ({})",
        evaluation.latency_us.p50,
        evaluation.latency_us.p99,
        evaluation.texts_per_second,
        path.display(),
        &digest.to_string()[..12],
    )?;
    Ok(ExitCode::SUCCESS)
}
