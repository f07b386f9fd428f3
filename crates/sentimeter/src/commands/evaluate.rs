//! `sentimeter evaluate`: how good a model is on labelled texts.

use std::io::{self, Write};
use std::process::ExitCode;

use sentimeter_experiment::examine::{Examination, Subject, examine};
use sentimeter_experiment::{Evaluation, evaluate};
use serde::Serialize;

use super::print_json;
use crate::args::{EvaluateArgs, Global};
use crate::home::Opened;
use crate::progress::Shown;
use crate::{data, home, report};

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    evaluation: Evaluation,
    model: ModelId,
    /// Where the page is, if one was asked for.
    page: Option<String>,
    /// Every number of the page, asked for or not.
    report: Examination,
}

/// Which model answered.
#[derive(Serialize)]
pub(crate) struct ModelId {
    pub path: String,
    /// `sentiment@3`, where it is a registered version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    pub digest: String,
}

impl ModelId {
    pub(crate) fn of(opened: &Opened) -> Self {
        let Opened { path, reference, digest, .. } = opened;
        Self { path: path.display().to_string(), reference: reference.clone(), digest: digest.to_string() }
    }
}

pub(crate) fn run(global: &Global, args: &EvaluateArgs) -> anyhow::Result<ExitCode> {
    let opened = home::open_model(global, args.model.as_deref())?;
    let model = &opened.model;
    let mut progress = Shown::new(global.quiet);
    let corpus = data::load(global, &args.data, &args.read.options(), &mut progress)?;
    let folder = args
        .report
        .as_ref()
        .map(|given| given.clone().unwrap_or_else(|| report::place_of(global, "evaluate", &opened.slug())));
    if let Some(folder) = &folder {
        report::make_folder(folder)?;
    }
    let evaluation = evaluate(model, &corpus, model.card().lineage.seed)?;
    let mut page = None;
    if folder.is_some() || global.json {
        progress.show("report", 0, None, None);
        let digest = opened.digest.to_string();
        let found = examine(&Subject {
            model,
            name: &opened.slug(),
            digest: &digest,
            data: &report::data_name(&args.data),
            corpus: &corpus,
            answers: &evaluation.answers,
            metrics: &evaluation.metrics,
            notes: &notes(&evaluation),
            learning_curve: None,
        });
        if let Some(folder) = &folder {
            page = Some(report::tell(global, &report::write(folder, &found)?.page));
        }
        progress.finish();
        if global.json {
            let model = ModelId::of(&opened);
            print_json(&Answer { evaluation, model, page, report: found })?;
            return Ok(ExitCode::SUCCESS);
        }
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
    for note in notes(&evaluation) {
        writeln!(out, "{note}")?;
    }
    writeln!(
        out,
        "\none text in {:.1} µs (median; 99 % within {:.1} µs), {:.0} texts a second in batches\nmodel {} ({})",
        evaluation.latency_us.p50,
        evaluation.latency_us.p99,
        evaluation.texts_per_second,
        opened.shown(),
        &opened.digest.to_string()[..12],
    )?;
    Ok(ExitCode::SUCCESS)
}

/// What should be said of the rows: that they are not new, that some were not measured, and why.
fn notes(evaluation: &Evaluation) -> Vec<String> {
    let unknown = evaluation.unknown_labels.iter().map(|(label, &rows)| {
        format!("left out: {} labelled {label:?}, which the model does not know", data::rows(rows as u64))
    });
    let unlabelled = evaluation.unlabelled;
    let without =
        (unlabelled > 0).then(|| format!("left out: {} without a label", data::rows(unlabelled as u64)));
    let same = evaluation.learned_from.then(|| {
        "these are the rows that the model was made of, most of which it has learned from: figures of rows that it \
         has not seen are worse"
            .to_owned()
    });
    same.into_iter().chain(unknown).chain(without).collect()
}
