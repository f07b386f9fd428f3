//! How `train` and `search` record themselves.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use sentimeter_corpus::{Corpus, ReadOptions, Snapshots};
use sentimeter_experiment::recorder::{ANSWERS, Answered, File, Recorder, Recording, metrics_of, params_of};
use sentimeter_experiment::registry;
use sentimeter_experiment::search::{Candidate, FoldScore, Outline, RoundScores, SearchEvents};
use sentimeter_experiment::{CrossValidation, FEEDBACK, Feedback, LearningCurve, Plan, Trained, latency};
use sentimeter_model::{Hooks, Progress};
use sentimeter_store::{Database, Input, Metric, NewRun, Status, Version, Write, now};
use serde::Serialize;

use crate::args::{Global, RecordArgs, SearchArgs, TrainArgs};
use crate::commands::models::who;
use crate::leaders::Leaders;
use crate::mlflow::Announcing;
use crate::report::Written;
use crate::{data, interrupt, mlflow};

/// The model file's name among a run's files.
pub(crate) const MODEL: &str = "model.safetensors";

/// The plan's.
const PLAN: &str = "plan.toml";

/// The tag that says how files were read, as JSON.
pub(crate) const READ: &str = "sentimeter.read";

/// The tag that says which folder the files of a plan's sources are relative to.
pub(crate) const ROOT: &str = "sentimeter.root";

/// Texts that are timed one by one: enough for a median, and a fraction of a second.
const TIMED: usize = 200;

/// A run as an answer names it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Named {
    /// Its name for good.
    pub id: String,
    /// Its name for people.
    pub name: String,
}

/// The run of `recording`, where it is recorded.
pub(crate) fn named(recording: &Recording) -> Option<Named> {
    recording.settle().then(|| Named { id: recording.id().to_string(), name: recording.name().to_owned() })
}

/// Where runs are recorded.
///
/// # Errors
/// A database of another kind: a mistake on the command line.
pub(crate) fn database(global: &Global) -> anyhow::Result<Database> {
    Ok(Database::from_url(global.database_url.as_deref())?)
}

/// Who is at this keyboard, for the audit log.
pub(crate) fn user() -> String {
    let name = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    format!("{} (command line)", name.unwrap_or_else(|| "somebody".to_owned()))
}

/// The process's recorder; its runs end as killed when a signal ends the process.
///
/// # Errors
/// As [`database`].
pub(crate) fn recorder(global: &Global, off: bool) -> anyhow::Result<Recorder> {
    let database = database(global)?;
    let server = if off { None } else { mlflow::wanted(global) };
    let recorder = if off {
        Recorder::off()
    } else {
        Recorder::mirrored(&global.home, &database, server.as_ref().map(mlflow::mirroring))
    };
    if let Some(server) = server {
        mlflow::begin(server, &recorder);
    }
    interrupt::mark_on_signal(&recorder);
    Ok(recorder)
}

/// Starts the run of a training.
pub(crate) fn begin(
    global: &Global,
    args: &TrainArgs,
    plan: &Plan,
    options: &ReadOptions,
) -> anyhow::Result<Recording> {
    let kind = if args.cross_validate.is_some() { "cross-validation" } else { "train" };
    let recording = start(global, &args.record, kind, plan, options)?;
    recording.files(vec![File::of(PLAN, toml::to_string(plan)?.into_bytes())]);
    Ok(recording)
}

/// Starts the run of a search, whose plan stands in `text`.
pub(crate) fn begin_search(
    global: &Global,
    args: &SearchArgs,
    plan: &Plan,
    text: &str,
    options: &ReadOptions,
) -> anyhow::Result<Recording> {
    let recording = start(global, &args.record, "search", plan, options)?;
    if let Some(settings) = &plan.search {
        let settings = params_of(settings).into_iter();
        recording.params(settings.map(|(name, value)| (format!("search.{name}"), value)).collect());
    }
    recording.files(vec![File::of(PLAN, text.as_bytes().to_vec())]);
    Ok(recording)
}

/// Starts the run of a search's last step: a training by the chosen plan.
pub(crate) fn refit(search: &Recording, plan: &Plan, options: &ReadOptions) -> anyhow::Result<Recording> {
    let mut run = NewRun::new("train");
    run.name = format!("{} winner", search.name());
    run.plan = toml::to_string(plan)?;
    run.seed = Some(plan.seed);
    let toml = run.plan.clone().into_bytes();
    let recording = search.part(run);
    recording.params(params_of(plan));
    recording.tags(vec![(READ.to_owned(), serde_json::to_string(options)?)]);
    recording.files(vec![File::of(PLAN, toml)]);
    Ok(recording)
}

fn start(
    global: &Global,
    args: &RecordArgs,
    kind: &str,
    plan: &Plan,
    options: &ReadOptions,
) -> anyhow::Result<Recording> {
    if let Some(name) = &args.register {
        registry::model_name(name)?;
    }
    let recorder = recorder(global, args.no_record)?;
    let mut run = NewRun::new(kind);
    if let Some(name) = &args.run_name {
        run.name.clone_from(name);
    }
    run.plan = toml::to_string(plan)?;
    run.seed = Some(plan.seed);
    let recording = recorder.start(run);
    let mut params = params_of(plan);
    // A plan does not write what is its default.
    if plan.model.network().is_none() {
        params.push(("model".to_owned(), plan.model.name().to_owned()));
    }
    recording.params(params);
    let mut tags = vec![(READ.to_owned(), serde_json::to_string(options)?)];
    tags.extend(args.tag.iter().cloned());
    recording.tags(tags);
    Ok(recording)
}

/// Registers the model that the run has left, as a version of the model that the command line names; gives
/// `NAME@VERSION`.
pub(crate) fn register(
    global: &Global,
    args: &RecordArgs,
    recording: &Recording,
) -> anyhow::Result<Option<String>> {
    let Some(name) = &args.register else { return Ok(None) };
    let sound = recording.settle();
    let store = recording.recorder().store().filter(|_| sound);
    let store = store.with_context(|| {
        format!("the model is saved, and not registered as {name}: its run could not be recorded")
    })?;
    let run = store.run(|s| s.run(recording.id()))?;
    let mut candidate = store.run(|s| registry::of_run(s, &run))?;
    candidate.add_licences(&args.licence);
    let announcing = Announcing::of(global);
    let (who, also) = (who(None), |version: &Version| announcing.registered(version));
    let version = store.run(|s| registry::register(s, &candidate, name, &who, also))?;
    Ok(Some(version.reference()))
}

/// Ends the run as `answered` says.
pub(crate) fn end(recording: Recording, answered: anyhow::Result<ExitCode>) -> anyhow::Result<ExitCode> {
    match &answered {
        Ok(_) => recording.finish(Status::Finished, None),
        Err(error) => recording.finish(Status::Failed, Some(format!("{error:#}"))),
    };
    answered
}

/// What the run reads.
pub(crate) fn inputs(
    global: &Global,
    [of_train, of_test]: [&[String]; 2],
    train: &Corpus,
    test: Option<&Corpus>,
) -> Vec<Input> {
    let snapshots = Snapshots::at(&global.home);
    let mut inputs = Vec::new();
    for (role, names, corpus) in [("train", of_train, Some(train)), ("test", of_test, test)] {
        for name in names {
            let only = names.len() == 1;
            let mut input = Input { role: role.to_owned(), name: name.clone(), ..Input::default() };
            input.rows = corpus.filter(|_| only).map(|corpus| corpus.len() as i64);
            if data::imported(global, name)
                && let Ok(manifest) = snapshots.manifest(name)
            {
                input.snapshot = Some(manifest.reference());
                input.rows = Some(manifest.rows as i64);
                input.hash = manifest.version;
            } else {
                let path = std::path::absolute(name).unwrap_or_else(|_| PathBuf::from(name));
                input.path = Some(path.display().to_string());
            }
            inputs.push(input);
        }
    }
    inputs
}

/// What the run reads where its plan names the data.
pub(crate) fn source_inputs(global: &Global, plan: &Plan, root: &Path) -> Vec<Input> {
    let mut inputs = Vec::new();
    for (role, sources) in [("train", &plan.sources), ("test", &plan.tests)] {
        for source in sources {
            let input = Input { role: role.to_owned(), name: source.name.clone(), ..Input::default() };
            if let Some(name) = &source.data
                && let Ok(manifest) = Snapshots::at(&global.home).manifest(name)
            {
                let (snapshot, rows) = (Some(manifest.reference()), Some(manifest.rows as i64));
                inputs.push(Input { snapshot, rows, hash: manifest.version, ..input.clone() });
            }
            inputs.extend(source.files.iter().map(|file| {
                let path = root.join(file).display().to_string();
                Input {
                    name: format!("{}: {}", source.name, file.display()),
                    path: Some(path),
                    ..input.clone()
                }
            }));
        }
    }
    inputs
}

/// The files of a report, as the run names them.
pub(crate) fn report_files(folder: &Path, written: &Written) -> Vec<File> {
    written.files.iter().map(|name| File::copied(format!("report/{name}"), folder.join(name))).collect()
}

/// Records what training found. `sizes` are the model's bytes and the most memory, in MiB.
pub(crate) fn trained(
    recording: &Recording,
    trained: &Trained,
    tested: &Corpus,
    curve: Vec<Metric>,
    learning_curve: Option<&LearningCurve>,
    sizes: [f64; 2],
) {
    if !recording.is_on() {
        return;
    }
    let time = now();
    let lineage = &trained.model.card().lineage;
    let test = lineage.test.clone().unwrap_or_default();
    let both = blake3::hash(format!("{}\n{test}", lineage.training).as_bytes()).to_hex().to_string();
    recording.data(Some(lineage.data.clone()), Some(both));
    recording.tags(vec![
        ("training_hash".to_owned(), lineage.training.clone()),
        ("test_hash".to_owned(), test.clone()),
    ]);
    let one = |name: &str, value: f64| Metric { name: name.to_owned(), step: 0, time, value };
    let mut metrics = metrics_of(&trained.metrics, "", 0, time);
    metrics.extend(metrics_of(&trained.seconds, "seconds", 0, time));
    metrics.extend(metrics_of(&trained.dropped, "dropped", 0, time));
    if let Some(count) = &trained.feedback {
        metrics.extend(metrics_of(count, "feedback", 0, time));
    }
    let learned = trained.sources.iter();
    metrics.extend(learned.map(|s| one(&format!("sources.{}.learned", s.name), s.learned as f64)));
    metrics.extend([
        one("training_rows", trained.rows as f64),
        one("features", trained.model.features() as f64),
        one("iterations", f64::from(trained.iterations)),
        one("converged", f64::from(u8::from(trained.converged))),
        one("model_bytes", sizes[0]),
        one("peak_memory_mb", sizes[1]),
    ]);
    let rows = &trained.answers.rows;
    let timed = rows.len().min(TIMED);
    if timed > 0 {
        let text = |i: usize| tested.text(rows[i * rows.len() / timed] as usize);
        metrics.push(one("latency_us.p50", latency(&trained.model, timed, text).p50));
    }
    if let Some(speed) = trained.network.as_ref().and_then(|network| network.examples_per_second) {
        metrics.push(one("examples_per_second", speed));
    }
    metrics.extend(curve);
    for point in learning_curve.iter().flat_map(|curve| &curve.points) {
        let step = point.rows as i64;
        let at = |name: &str, value: f64| Metric { name: name.to_owned(), step, time, value };
        metrics.push(at("learning_curve.accuracy", point.accuracy));
        metrics.push(at("learning_curve.training_accuracy", point.training_accuracy));
    }
    recording.metrics(metrics);
    let labels = trained.model.labels().to_vec();
    let answered = Answered { labels, test, answers: trained.answers.clone() };
    recording.files(vec![File::of(ANSWERS, answered.to_bytes())]);
}

/// Records the corrections that the run is given: enough to be given the same again.
pub(crate) fn feedback(recording: &Recording, feedback: &Feedback) -> anyhow::Result<()> {
    let corrections = feedback.used().iter().map(|used| used.id.clone()).collect();
    recording.write(Write::Corrections { run: recording.id().clone(), corrections });
    recording.files(vec![File::of(FEEDBACK, serde_json::to_vec_pretty(feedback.used())?)]);
    Ok(())
}

/// Records what cross-validation found: the folds as steps.
pub(crate) fn cross_validated(recording: &Recording, found: &CrossValidation) {
    let time = now();
    let one = |name: &str, value: f64| Metric { name: name.to_owned(), step: 0, time, value };
    let mut metrics = vec![
        one("accuracy", found.accuracy),
        one("accuracy_deviation", found.accuracy_deviation),
        one("macro_f1", found.macro_f1),
        one("rows", found.rows as f64),
    ];
    for (fold, measured) in (1..).zip(&found.folds) {
        metrics.extend(metrics_of(measured, "fold", fold, time));
    }
    recording.metrics(metrics);
}

/// Records the candidates of a search as parts of its run while it shows them.
pub(crate) struct Candidates<'a> {
    inner: &'a mut Leaders,
    recording: &'a Recording,
    candidates: Vec<Candidate>,
    metric: String,
    /// The run of each candidate that has finished a round.
    parts: BTreeMap<usize, (Recording, Option<String>)>,
}

impl<'a> Candidates<'a> {
    /// Shows by `inner`, records as parts of `recording`.
    pub(crate) fn new(inner: &'a mut Leaders, recording: &'a Recording) -> Self {
        Self { inner, recording, candidates: Vec::new(), metric: String::new(), parts: BTreeMap::new() }
    }

    /// Ends the candidates' runs; those that failed say why.
    pub(crate) fn finish(self) {
        for (part, error) in self.parts.into_values() {
            let status = if error.is_some() { Status::Failed } else { Status::Finished };
            part.finish_later(status, error);
        }
    }
}

impl Hooks for Candidates<'_> {
    fn progress(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.inner.progress(progress)
    }
}

impl SearchEvents for Candidates<'_> {
    fn begun(&mut self, outline: &Outline<'_>) {
        self.candidates = outline.candidates.to_vec();
        self.metric = outline.metric.score_name();
        self.inner.begun(outline);
    }

    fn scored(&mut self, score: &FoldScore) -> ControlFlow<()> {
        self.inner.scored(score)
    }

    fn finished(&mut self, candidate: usize, scores: &RoundScores) {
        self.inner.finished(candidate, scores);
        let Some(tried) = self.candidates.get(candidate).filter(|_| self.recording.is_on()) else { return };
        let (part, error) = self.parts.entry(candidate).or_insert_with(|| {
            let mut run = NewRun::new("candidate");
            run.name = format!("{} {}", self.recording.name(), candidate + 1);
            run.plan = toml::to_string(&tried.plan).unwrap_or_default();
            run.seed = Some(tried.plan.seed);
            let part = self.recording.part(run);
            part.params(params_of(&tried.plan));
            part.tags(vec![("settings".to_owned(), tried.name())]);
            (part, None)
        });
        error.clone_from(&scores.error);
        let (time, step) = (now(), scores.round as i64);
        let at = |name: &str, step: i64, value: f64| Metric { name: name.to_owned(), step, time, value };
        let mut metrics = vec![
            at("training_rows", step, scores.rows as f64),
            at("features", step, scores.features),
            at("seconds.fit", step, scores.fit_seconds),
            at("seconds.score", step, scores.score_seconds),
        ];
        metrics.extend(scores.mean.map(|mean| at(&self.metric, step, mean)));
        metrics.extend(scores.standard_error.map(|error| at("standard_error", step, error)));
        metrics.extend(scores.also.iter().map(|(name, &value)| at(name, step, value)));
        // A later round's folds stand in place of an earlier one's: they learned from more.
        let folds = (0..).zip(&scores.scores);
        metrics.extend(folds.map(|(fold, &score)| at(&format!("fold.{}", self.metric), fold, score)));
        part.metrics(metrics);
    }
}
