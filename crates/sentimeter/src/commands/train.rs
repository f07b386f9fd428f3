//! `sentimeter train`: labelled texts become a measured model file.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use sentimeter_corpus::ReadOptions;
use sentimeter_experiment::examine::{Subject, examine};
use sentimeter_experiment::profile::clouds;
use sentimeter_experiment::recorder::{Curve, File, Recording};
use sentimeter_experiment::{
    Dropped, Feedback, FeedbackCount, LearningCurve, Mix, NetworkRun, Plan, Seconds, SourceCount, TestPart,
    cross_validate, cross_validate_mixed, learning_curve, train, train_mixed, train_with_feedback,
};
use sentimeter_model::calibration::Calibration;
use sentimeter_model::metrics::Metrics;
use sentimeter_store::CorrectionFilter;
use serde::Serialize;

use super::{print_json, runs};
use crate::args::{Global, TrainArgs};
use crate::checkpoint::{self, Kept};
use crate::progress::Shown;
use crate::{data, folds, home, recording, report};

/// Texts below which what was measured on them is rough: one of 50 is two percent.
const FEW_TESTED: usize = 50;

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    model: String,
    digest: String,
    bytes: u64,
    rows: usize,
    test_rows: usize,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    sources: &'a [SourceCount],
    #[serde(skip_serializing_if = "<[TestPart]>::is_empty")]
    tests: &'a [TestPart],
    features: usize,
    dropped: Dropped,
    /// What became of corrections by users, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<FeedbackCount>,
    notes: &'a [String],
    iterations: u32,
    converged: bool,
    calibration: Calibration,
    seconds: Seconds,
    peak_memory_mb: f64,
    metrics: &'a Metrics,
    /// Where the report's page is.
    page: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_curve: Option<LearningCurve>,
    /// The run's id and name, where it is recorded.
    run: Option<recording::Named>,
    /// `NAME@VERSION`, where it was registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    registered: Option<String>,
    /// Of a network: how its training went.
    #[serde(flatten)]
    network: Option<&'a NetworkRun>,
}

pub(crate) fn run(global: &Global, args: &TrainArgs) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let model = args.model.iter().map(|model| format!("model={model}"));
    let set: Vec<String> = model.chain(args.set.iter().cloned()).collect();
    let mut plan = match &args.plan {
        None => Plan::from_toml("", &set)?,
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the plan {}", path.display()))?;
            Plan::from_toml(&text, &set).with_context(|| format!("in the plan {}", path.display()))?
        }
    };
    plan.name_kernel();
    if args.resume && plan.model.network().is_none() {
        anyhow::bail!("--resume goes on with the training of a network; name its kind with --model");
    }
    let options = args.read.options();
    data::refuse_idle(global, args.data.iter().chain(&args.test), &options)?;
    let options = ReadOptions { keep: plan.keep(), ..options };
    if args.data.is_empty() {
        anyhow::ensure!(
            !plan.sources.is_empty(),
            "no data: name it with --data, or in [[sources]] of the plan (docs/sources.md)"
        );
    } else {
        anyhow::ensure!(
            plan.sources.is_empty() && plan.tests.is_empty(),
            "--data and the plan's [[sources]] both name data: leave one out"
        );
    }
    let recording = recording::begin(global, args, &plan, &options)?;
    let answered = learn(global, args, &plan, &options, start, &recording);
    recording::end(recording, answered)
}

/// Everything between the run's start and its end.
fn learn(
    global: &Global,
    args: &TrainArgs,
    plan: &Plan,
    options: &ReadOptions,
    start: Instant,
    recording: &Recording,
) -> anyhow::Result<ExitCode> {
    let mut progress = Shown::new(global.quiet);
    let mixed = !plan.sources.is_empty();
    let (mut mix, mut test) = if mixed {
        let root = data::root(plan, args.plan.as_deref());
        recording.tags(vec![(recording::ROOT.to_owned(), root.display().to_string())]);
        recording.inputs(recording::source_inputs(global, plan, &root));
        data::load_sources(global, plan, &root, &mut progress)?
    } else {
        (Mix::from(data::load(global, &args.data, options, &mut progress)?), None)
    };
    if !args.test.is_empty() {
        test = Some(data::load(global, &args.test, options, &mut progress)?);
    }
    let feedback = if args.with_feedback { feedback(global)? } else { None };
    let corpus = &mix.corpus;
    let read = start.elapsed().as_secs_f64();
    recording.inputs(recording::inputs(global, [&args.data, &args.test], corpus, test.as_ref()));
    if let Some(folds) = args.cross_validate {
        let found = if mixed {
            cross_validate_mixed(plan, &mix, test.as_ref(), folds, &mut progress)?
        } else {
            cross_validate(plan, corpus, folds, &mut progress)?
        };
        progress.finish();
        recording::cross_validated(recording, &found);
        if let Some(path) = &args.write_folds {
            folds::write(path, &mix, test.as_ref(), &found)?;
        }
        if !global.quiet {
            found.notes.iter().for_each(|note| note!("{note}"));
        }
        if global.json {
            print_json(&found)?;
        } else {
            writeln!(
                io::stdout(),
                "accuracy {:.4} ± {:.4} over {folds} folds of {} rows, macro F1 {:.4}",
                found.accuracy,
                found.accuracy_deviation,
                found.rows,
                found.macro_f1
            )?;
            for (language, macro_f1) in &found.languages {
                let language = if language.is_empty() { "no language" } else { language };
                writeln!(io::stdout(), "  {language}: macro F1 {macro_f1:.4}")?;
            }
        }
        return Ok(ExitCode::SUCCESS);
    }

    let path = home::model_place(global, args.out.as_deref())?;
    if let Some(folder) = &args.report {
        report::make_folder(folder)?;
    }
    let mut kept = Kept::new(&mut progress, &path, args.resume)?;
    let mut curve = Curve::new(&mut kept);
    let mut trained = if let Some(feedback) = &feedback {
        recording::feedback(recording, feedback)?;
        train_with_feedback(plan, &mut mix, feedback, test.as_ref(), &mut curve)?
    } else if mixed {
        train_mixed(plan, &mix, test.as_ref(), &mut curve)?
    } else {
        train(plan, corpus, test.as_ref(), &mut curve)?
    };
    let corpus = &mix.corpus;
    let curve = curve.into_metrics();
    let checkpoint = kept.done_with();
    let learning_curve = if args.learning_curve {
        Some(learning_curve(plan, corpus, test.as_ref(), &mut progress)?)
    } else {
        None
    };
    progress.finish();
    let saving = Instant::now();
    let (digest, file) = home::save_model(&path, &trained.model)?;
    checkpoint::remove(&checkpoint);
    let bytes = file.len() as u64;
    trained.seconds.save = saving.elapsed().as_secs_f64();
    // Stored while the report is drawn.
    recording.files(vec![File::of(recording::MODEL, file)]);
    trained.seconds.read = read;
    let reporting = Instant::now();
    let mut page = None;
    if !args.no_report {
        progress.show("report", 0, None, None);
        let (tested, data) = match &test {
            Some(test) if args.test.is_empty() => {
                let names: Vec<String> = plan.tests.iter().map(|source| source.name.clone()).collect();
                (test, names.join(", "))
            }
            Some(test) => (test, report::data_name(&args.test)),
            None => (corpus, format!("the part of {} that was kept out", report::data_name(&args.data))),
        };
        let found = examine(&Subject {
            model: &trained.model,
            name: &report::model_name(&path),
            digest: &digest.to_string(),
            data: &data,
            corpus: tested,
            answers: &trained.answers,
            metrics: &trained.metrics,
            notes: &trained.notes,
            learning_curve: learning_curve.as_ref(),
        });
        let folder = args.report.clone().unwrap_or_else(|| report::place(global, "train", &path));
        match report::write(&folder, &found) {
            Ok(written) => {
                page = Some(report::tell(global, &written.page));
                recording.files(recording::report_files(&folder, &written));
            }
            Err(error) if args.report.is_some() => return Err(error),
            // The model is there, and nobody asked for the report.
            Err(error) => {
                tracing::warn!("{error:#}; choose another place with --report or none with --no-report")
            }
        }
        progress.finish();
    }
    if args.word_clouds {
        progress.show("clouds", 0, None, None);
        let mut files = Vec::new();
        for cloud in clouds(corpus, plan.seed, &mut progress)? {
            let name = cloud.name();
            files.push(File::of(format!("words/{name}.svg"), cloud.svg().into_bytes()));
            files.push(File::of(format!("words/{name}.png"), cloud.png(1.0)?));
        }
        recording.files(files);
        progress.finish();
    }
    trained.seconds.report = reporting.elapsed().as_secs_f64();
    trained.seconds.total = start.elapsed().as_secs_f64();
    let peak_memory_mb = peak_memory_mb();
    let tested = test.as_ref().unwrap_or(corpus);
    recording::trained(
        recording,
        &trained,
        tested,
        curve,
        learning_curve.as_ref(),
        [bytes as f64, peak_memory_mb],
    );
    if !trained.converged {
        tracing::warn!(
            "the optimiser stopped after {} iterations above its tolerance; raise logistic.max_iterations",
            trained.iterations
        );
    }
    if !global.quiet {
        trained.notes.iter().for_each(|note| note!("{note}"));
    }
    if trained.test_rows < FEW_TESTED {
        tracing::warn!("measured on only {} texts: the figures are rough", trained.test_rows);
    }
    let registered = recording::register(global, &args.record, recording)?;
    let answer = Answer {
        model: path.display().to_string(),
        digest: digest.to_string(),
        bytes,
        rows: trained.rows,
        test_rows: trained.test_rows,
        sources: &trained.sources,
        tests: &trained.tests,
        features: trained.model.features(),
        dropped: trained.dropped,
        feedback: trained.feedback,
        notes: &trained.notes,
        iterations: trained.iterations,
        converged: trained.converged,
        calibration: trained.model.card().calibration,
        seconds: trained.seconds,
        peak_memory_mb,
        metrics: &trained.metrics,
        page,
        learning_curve,
        run: recording::named(recording),
        registered,
        network: trained.network.as_ref(),
    };
    if global.json {
        print_json(&answer)?;
    } else {
        print(&mut io::stdout().lock(), &answer)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The corrections that reviewers have accepted; `None`, and said, where there are none.
fn feedback(global: &Global) -> anyhow::Result<Option<Feedback>> {
    let store = runs::open(global)?;
    let all = store.run(|s| async move { s.corrections(&CorrectionFilter::default()).await })?;
    let feedback = Feedback::of(&all);
    if !feedback.is_empty() {
        return Ok(Some(feedback));
    }
    tracing::warn!(
        "no correction of {} in {} is accepted yet: the model learns from the data alone",
        all.len(),
        store.store().describe()
    );
    Ok(None)
}

fn print(out: &mut impl Write, answer: &Answer<'_>) -> io::Result<()> {
    writeln!(out, "{}", answer.metrics)?;
    for TestPart { name, rows, accuracy, macro_f1, macro_recall, ece } in answer.tests {
        writeln!(
            out,
            "  {name}: {rows} rows, accuracy {accuracy:.4}, macro F1 {macro_f1:.4}, macro recall {macro_recall:.4}, \
             ECE {ece:.4}"
        )?;
    }
    let Dropped { unlabelled, ties, relabelled, in_test, unknown_label } = answer.dropped;
    for (rows, what) in [
        (unlabelled, "rows without a label were left out"),
        (ties, "rows were left out: the same text stands with other labels equally often"),
        (relabelled, "rows got the label that most occurrences of the same text have"),
        (in_test, "rows were left out of training: the same text stands in the test part"),
        (unknown_label, "test rows were left out: their label does not occur in the training data"),
    ] {
        if rows > 0 {
            writeln!(out, "{rows} {what}")?;
        }
    }
    if let Some(FeedbackCount { given, learned, repeated, in_test, unknown_label, replaced }) =
        answer.feedback
    {
        writeln!(
            out,
            "{learned} of {given} accepted corrections were learned from, in place of {replaced} rows of the data; left \
             out: {repeated} since a later one of the same text stands for them, {in_test} since the text is measured \
             on, {unknown_label} with a label that the data does not have"
        )?;
    }
    writeln!(
        out,
        "learned from {} texts, measured on {} that it never saw; {} features, {} iterations\n\
         {:.1} s in all (read {:.1}, prepare {:.1}, clean {:.1}, vectorise {:.1}, calibrate {:.1}, fit {:.1}, \
         evaluate {:.1}, save {:.1}, report {:.1}), {:.0} MB at most\n\
         model {} ({:.1} MB, {})",
        answer.rows,
        answer.test_rows,
        answer.features,
        answer.iterations,
        answer.seconds.total,
        answer.seconds.read,
        answer.seconds.prepare,
        answer.seconds.clean,
        answer.seconds.vectorise,
        answer.seconds.calibrate,
        answer.seconds.fit,
        answer.seconds.evaluate,
        answer.seconds.save,
        answer.seconds.report,
        answer.peak_memory_mb,
        answer.model,
        answer.bytes as f64 / 1e6,
        &answer.digest[..12],
    )?;
    if let Some(run) = &answer.run {
        writeln!(out, "run {} ({})", run.name, run.id)?;
    }
    if let Some(registered) = &answer.registered {
        writeln!(out, "registered as {registered}")?;
    }
    if let Some(NetworkRun { epochs, best_epoch, steps, examples_per_second, kernel, .. }) = answer.network {
        let speed = examples_per_second.map_or(String::new(), |n| format!(", {n:.0} texts a second"));
        writeln!(
            out,
            "{epochs} epochs, {steps} steps{speed} on {kernel}; kept is what epoch {best_epoch} learned"
        )?;
    }
    if let Some(curve) = &answer.learning_curve {
        writeln!(out, "learning curve, on the same {} texts:", curve.test_rows)?;
        for point in &curve.points {
            let [low, high] = point.interval;
            let rows = point.rows;
            writeln!(out, "{rows:>12} texts  accuracy {:.4} ({low:.4} to {high:.4})", point.accuracy)?;
        }
    }
    Ok(())
}

/// The most memory that this process has held, in MiB; 0 where the system does not say.
pub(super) fn peak_memory_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.split_whitespace().next()).and_then(|n| n.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}
