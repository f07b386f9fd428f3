//! A corpus and a plan become a measured model.

use std::time::Instant;

use rayon::prelude::*;
use sentimeter_corpus::Corpus;
use sentimeter_model::calibration::{Calibration, temperature};
use sentimeter_model::features::{Counts, Tfidf, Tokens, Vectorizer, Weighed, sampling, smote};
use sentimeter_model::logistic::{self, Logistic, Solution, Start};
use sentimeter_model::metrics::Metrics;
use sentimeter_model::{
    Body, Card, Corrected, Fit as _, FitError, Hooks, Lineage, Linear, Model, Targets, Training,
};
use sentimeter_text::Recipe;
use sentimeter_text::language::{Language, detect};
use serde::Serialize;

use crate::evaluate::{Answers, TestPart, measure};
use crate::mix::{Importance, Mix, SourceCount};
use crate::network::{self, NetworkRun};
use crate::plan::{CalibrationKind, Plan, Precision};
use crate::prepare::{Dropped, Prepared, Row, content_hash, prepare};
use crate::{ExperimentError, Feedback, FeedbackCount};

/// Rows past which the temperature is learned from one held-out part in place of all folds: it is
/// one number, and so many rows leave its standard error below 1 %.
const HELD_OUT: usize = 50_000;

/// Rows of a language below which it has no temperature of its own: the standard error of one number.
const FEW_CALIBRATED: usize = 100;

/// The fits that only the temperature is learned from stop so many times above the plan's tolerance:
/// their logits are then right to a percent, and the temperature is one number over all of them.
const LOOSER: f64 = 10.0;

/// Wall time of each stage, seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Seconds {
    /// Reading the data; the caller's to fill in.
    pub read: f64,
    /// Removing duplicates and splitting.
    pub prepare: f64,
    /// Cleaning and numbering words.
    pub clean: f64,
    /// Counting n-grams and weighing rows.
    pub vectorise: f64,
    /// The optimiser.
    pub fit: f64,
    /// Learning the temperature out of fold: the fits that it takes.
    pub calibrate: f64,
    /// Measuring on the test part.
    pub evaluate: f64,
    /// Writing the model; the caller's to fill in.
    pub save: f64,
    /// Drawing and writing the report; the caller's to fill in.
    pub report: f64,
    /// All of it; the caller's to fill in.
    pub total: f64,
}

/// A model and what became known on the way to it.
#[derive(Debug)]
pub struct Trained {
    /// The model, its metrics on its card.
    pub model: Model,
    /// Rows that it learned from.
    pub rows: usize,
    /// The same by source; empty where the data is one.
    pub sources: Vec<SourceCount>,
    /// Rows that it was measured on.
    pub test_rows: usize,
    /// What was left out, and why.
    pub dropped: Dropped,
    /// What should be said of the data ([`Prepared::notes`]).
    pub notes: Vec<String>,
    /// Iterations of the final fit.
    pub iterations: u32,
    /// Whether the final fit reached its tolerance.
    pub converged: bool,
    /// What was measured on the test part.
    pub metrics: Metrics,
    /// What it was measured on: rows of the test corpus, or of the data where there is none.
    pub answers: Answers,
    /// Each data set of the test part on its own, where the plan names several.
    pub tests: Vec<TestPart>,
    /// Where the time went.
    pub seconds: Seconds,
    /// What the training of a network showed.
    pub network: Option<NetworkRun>,
    /// What became of corrections by users, where they were asked for.
    pub feedback: Option<FeedbackCount>,
}

/// Learns from `data` by `plan` and measures on `test`, or, without one, on a part of `data` that
/// is kept out.
///
/// # Errors
/// Data without two classes, settings that leave nothing, an interruption by the hooks.
pub fn train(
    plan: &Plan,
    data: &Corpus,
    test: Option<&Corpus>,
    hooks: &mut dyn Hooks,
) -> Result<Trained, ExperimentError> {
    learn(plan, data, None, test, hooks)
}

/// The same from several data sets, each with its weight and its own labels.
///
/// # Errors
/// As [`train`].
pub fn train_mixed(
    plan: &Plan,
    mix: &Mix,
    test: Option<&Corpus>,
    hooks: &mut dyn Hooks,
) -> Result<Trained, ExperimentError> {
    learn(plan, &mix.corpus, Some(mix), test, hooks)
}

/// The same with corrections by users on the training side; `mix` may be one data set of which nothing is
/// said. They come to stand behind its rows. What is measured on is what it would be without them.
///
/// # Errors
/// As [`train`].
pub fn train_with_feedback(
    plan: &Plan,
    mix: &mut Mix,
    feedback: &Feedback,
    test: Option<&Corpus>,
    hooks: &mut dyn Hooks,
) -> Result<Trained, ExperimentError> {
    let mixed = mix.is_mixed();
    let mut drawn = Drawn::of(plan, &mix.corpus, test)?;
    let (count, hash) = drawn.prepared.add_feedback(feedback, &mix.corpus, test);
    mix.add_feedback(feedback.corpus(), &drawn.prepared.labels)?;
    let lineage = (count.learned > 0).then_some(Corrected { count: count.learned as u64, hash });
    drawn.feedback = Some((count, lineage));
    follow(plan, drawn, (&mix.corpus, mixed.then_some(&*mix)), test, hooks)
}

/// Both sides, with the time that it took to draw them.
struct Drawn {
    prepared: Prepared,
    feedback: Option<(FeedbackCount, Option<Corrected>)>,
    clock: Clock,
}

impl Drawn {
    fn of(plan: &Plan, data: &Corpus, test: Option<&Corpus>) -> Result<Self, ExperimentError> {
        let clock = Clock::start();
        Ok(Self { prepared: prepare(plan, data, test)?, feedback: None, clock })
    }
}

fn learn(
    plan: &Plan,
    data: &Corpus,
    mix: Option<&Mix>,
    test: Option<&Corpus>,
    hooks: &mut dyn Hooks,
) -> Result<Trained, ExperimentError> {
    follow(plan, Drawn::of(plan, data, test)?, (data, mix), test, hooks)
}

/// Learns from one side and measures on the other.
fn follow(
    plan: &Plan,
    drawn: Drawn,
    (data, mix): (&Corpus, Option<&Mix>),
    test: Option<&Corpus>,
    hooks: &mut dyn Hooks,
) -> Result<Trained, ExperimentError> {
    let Drawn { mut prepared, feedback, mut clock } = drawn;
    let mut seconds = Seconds { prepare: clock.lap(), ..Seconds::default() };
    let (count, corrected) = feedback.unzip();
    let corrected = corrected.flatten();

    // The card must hold them beside plan and metrics; better now than after the fit.
    const MOST_LABEL_BYTES: usize = 32 << 10;
    let label_bytes: usize = prepared.labels.iter().map(|label| label.len() + 4).sum();
    if label_bytes > MOST_LABEL_BYTES {
        return Err(ExperimentError::Data {
            why: format!(
                "{} labels of {label_bytes} bytes are more than a model file holds ({MOST_LABEL_BYTES}); \
                 is the label column right (--label), or should labels be mapped to fewer (--map)?",
                prepared.labels.len()
            ),
        });
    }

    let recipe = plan.recipe()?;
    let analyzer = recipe.compile()?;
    let train = &prepared.train;
    let tokens = Tokens::read(&analyzer, train.len(), |i| data.text(train[i].row as usize), hooks)?;
    seconds.clean = clock.lap();
    if let Some(kind) = plan.model.network() {
        let importance = mix.map(|mix| mix.importance(train, &prepared.labels));
        let (labels, importance) = (&prepared.labels[..], importance.as_ref());
        let job = network::Job { plan, kind, tokens: &tokens, labels, importance, vectors: None };
        let learned = job.learn(train, hooks)?;
        seconds.fit = clock.lap();
        let network::Learned { body, calibration, run, vectors, notes } = learned;
        prepared.notes.extend(notes);
        let (iterations, converged) = (run.steps as u32, true);
        let mut card = card(plan, recipe, &prepared, calibration, corrected);
        if let Some(hash) = vectors {
            // Which file it was, and not where it lay.
            card.plan["neural"]["vectors"] = serde_json::Value::String(format!("blake3:{hash}"));
        }
        let learned = Model::new(card, body)?;
        let found = Fit { model: learned, iterations, converged, network: Some(run) };
        let trained = finish(plan, found, prepared, mix, test.unwrap_or(data), seconds, clock)?;
        return Ok(Trained { feedback: count, ..trained });
    }
    let counts = Counts::new(tokens, &plan.features)?;
    seconds.vectorise = clock.lap();

    let truth: Vec<u16> = train.iter().map(|r| r.class).collect();
    let importance = mix.map(|mix| mix.importance(train, &prepared.labels));
    let importance = importance.as_ref();
    let job = Job { plan, counts: &counts, truth: &truth, labels: &prepared.labels, importance };
    let calibrated = match plan.calibration.kind {
        CalibrationKind::None => None,
        CalibrationKind::Temperature => job.calibrate(&prepared, None, hooks)?,
        CalibrationKind::Languages => {
            let language = |r: &Row| Calibration::language(detect(data.text(r.row as usize)));
            let languages: Vec<Language> = prepared.train.par_iter().map(language).collect();
            job.calibrate(&prepared, Some(&languages), hooks)?
        }
    };
    seconds.calibrate = clock.lap();

    let all: Vec<u32> = (0..truth.len() as u32).collect();
    let (tfidf, rows) = weigh(plan, &counts, &all)?;
    seconds.vectorise += clock.lap();
    let start = calibrated.as_ref().map(|c| c.start(&tfidf));
    let vectorizer = Vectorizer::new(&counts, &tfidf);
    seconds.vectorise += clock.lap();
    let calibration = calibrated.map_or(Calibration::None, |c| c.calibration);
    // The optimiser needs the rows alone; memory is at its most here.
    drop((tfidf, counts));
    let taught = Taught { labels: &prepared.labels, truth: &truth, importance };
    let solution = fit(plan, &rows, taught, start, 1.0, hooks)?;
    drop(rows);
    seconds.fit = clock.lap();

    let linear = Linear::new(vectorizer, &solution);
    let body = Body::Linear(match plan.storage.weights {
        Precision::F32 => linear,
        Precision::Int8 => linear.quantised(),
    });
    let model = Model::new(card(plan, recipe, &prepared, calibration, corrected), body)?;
    let found = Fit { model, iterations: solution.iterations, converged: solution.converged, network: None };
    let trained = finish(plan, found, prepared, mix, test.unwrap_or(data), seconds, clock)?;
    Ok(Trained { feedback: count, ..trained })
}

/// A model that has not been measured yet.
struct Fit {
    model: Model,
    iterations: u32,
    converged: bool,
    network: Option<NetworkRun>,
}

fn card(
    plan: &Plan,
    recipe: Recipe,
    prepared: &Prepared,
    calibration: Calibration,
    feedback: Option<Corrected>,
) -> Card {
    Card {
        recipe,
        labels: prepared.labels.clone(),
        languages: plan.languages.clone(),
        plan: serde_json::to_value(plan).unwrap_or_default(),
        calibration,
        metrics: serde_json::Value::Null,
        lineage: Lineage {
            data: prepared.data_hash.clone(),
            training: content_hash(&prepared.labels, &prepared.train),
            test: Some(content_hash(&prepared.labels, &prepared.test)),
            seed: plan.seed,
            code: env!("CARGO_PKG_VERSION").to_owned(),
            feedback,
        },
    }
}

/// Measures a model on the test rows, which are rows of `tested`.
fn finish(
    plan: &Plan,
    found: Fit,
    prepared: Prepared,
    mix: Option<&Mix>,
    tested: &Corpus,
    mut seconds: Seconds,
    mut clock: Clock,
) -> Result<Trained, ExperimentError> {
    let Fit { mut model, iterations, converged, network } = found;
    let rows = &prepared.test;
    let probs = model.predict_all(rows.len(), |i| tested.text(rows[i].row as usize));
    let truth: Vec<u16> = rows.iter().map(|r| r.class).collect();
    let metrics = measure(&truth, &probs, &prepared.labels, plan.seed)?;
    let answers = Answers { rows: rows.iter().map(|r| r.row).collect(), truth, probs };
    let tests = match mix {
        Some(mix) => answers.of_tests(&mix.tests, &prepared.labels, plan.seed)?,
        None => Vec::new(),
    };
    let mut said = summary(&metrics);
    if let Some(fields) = said.as_object_mut().filter(|_| !tests.is_empty()) {
        fields.insert("tests".to_owned(), serde_json::to_value(&tests).unwrap_or_default());
    }
    model.set_metrics(said);
    seconds.evaluate = clock.lap();
    let sources = mix.map(|mix| mix.counts(prepared.train.iter().map(|r| r.row)));
    Ok(Trained {
        model,
        sources: sources.unwrap_or_default(),
        rows: prepared.train.len(),
        test_rows: rows.len(),
        answers,
        tests,
        dropped: prepared.dropped,
        notes: prepared.notes,
        iterations,
        converged,
        metrics,
        seconds,
        network,
        feedback: None,
    })
}

/// What a model's card keeps of what was measured: all of it but the tables by class where there
/// are many classes, as a card has a limit of 64 KiB.
fn summary(metrics: &Metrics) -> serde_json::Value {
    const MOST_CLASSES: usize = 32;
    let mut summary = serde_json::to_value(metrics).unwrap_or_default();
    if metrics.labels.len() > MOST_CLASSES
        && let Some(fields) = summary.as_object_mut()
    {
        fields.retain(|key, _| !["confusion", "classes", "labels"].contains(&key.as_str()));
    }
    summary
}

/// Laps of wall time.
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the last lap.
    fn lap(&mut self) -> f64 {
        let seconds = self.0.elapsed().as_secs_f64();
        self.0 = Instant::now();
        seconds
    }
}

/// What all fits of a run share.
pub(crate) struct Job<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) counts: &'a Counts,
    /// Class of each counted text.
    pub(crate) truth: &'a [u16],
    pub(crate) labels: &'a [String],
    /// What each counted text counts; all the same where there is one source.
    pub(crate) importance: Option<&'a Importance>,
}

/// What rows should be answered with, and how much each counts.
#[derive(Clone, Copy)]
pub(crate) struct Taught<'a> {
    pub(crate) labels: &'a [String],
    pub(crate) truth: &'a [u16],
    pub(crate) importance: Option<&'a Importance>,
}

/// A temperature, and the fold's model that it was learned with.
struct Calibrated {
    calibration: Calibration,
    tfidf: Tfidf,
    solution: Solution,
}

impl Calibrated {
    /// The fold's solution under another vocabulary: the final fit's start.
    fn start(&self, tfidf: &Tfidf) -> Start {
        let intercepts = self.solution.intercepts.clone();
        Start { weights: tfidf.carry(&self.tfidf, &self.solution.weights, intercepts.len()), intercepts }
    }
}

impl Job<'_> {
    /// Vocabulary and weights from the training rows of a fold, and its logits of the others.
    pub(crate) fn fold(
        &self,
        train: &[u32],
        held: &[u32],
        looser: f64,
        hooks: &mut dyn Hooks,
    ) -> Result<(Tfidf, Solution, Vec<f64>), ExperimentError> {
        let (tfidf, rows) = weigh(self.plan, self.counts, train)?;
        let truth: Vec<u16> = train.iter().map(|&r| self.truth[r as usize]).collect();
        let importance = self.importance.map(|importance| importance.select(train));
        let taught = Taught { labels: self.labels, truth: &truth, importance: importance.as_ref() };
        let solution = fit(self.plan, &rows, taught, None, looser, hooks)?;
        drop(rows);
        let logits = solution.logits(&tfidf.weigh(self.counts, held));
        Ok((tfidf, solution, logits))
    }

    /// Learns the temperature on rows that the models that answer them have not seen. A fold without
    /// which one class or no feature is left teaches nothing; `None` when all are like that. With the rows'
    /// `languages` one for each is learned besides; a language of few rows keeps that of all.
    fn calibrate(
        &self,
        prepared: &Prepared,
        languages: Option<&[Language]>,
        hooks: &mut dyn Hooks,
    ) -> Result<Option<Calibrated>, ExperimentError> {
        let folds = u32::from(self.plan.calibration.folds);
        let rows = self.truth.len();
        // With so many rows that one part of a fold's size is plenty, one such part is held out.
        let parts = if rows > HELD_OUT * folds as usize { rows.div_ceil(HELD_OUT) as u32 } else { folds };
        let used = if parts == folds { folds } else { 1 };
        let fold_of = prepared.folds(parts, self.plan.seed);
        let (mut logits, mut truth, mut first) = (Vec::new(), Vec::new(), None);
        let mut spoken = Vec::new();
        for fold in 0..used {
            let of = |inside: bool| -> Vec<u32> {
                (0..rows as u32).filter(|&r| (fold_of[r as usize] == fold) == inside).collect()
            };
            let (train, mut held) = (of(false), of(true));
            if let Some(importance) = self.importance {
                held.retain(|&r| importance.complete(r as usize, self.labels.len()));
            }
            let (tfidf, solution, mut answers) = match self.fold(&train, &held, LOOSER, hooks) {
                Err(ExperimentError::Fit(
                    FitError::OneClass { .. } | FitError::NoFeatures { .. } | FitError::Empty { .. },
                )) => continue,
                learned => learned?,
            };
            logits.append(&mut answers);
            truth.extend(held.iter().map(|&r| self.truth[r as usize]));
            spoken.extend(languages.iter().flat_map(|all| held.iter().map(|&r| all[r as usize])));
            first.get_or_insert((tfidf, solution));
        }
        let Some((tfidf, solution)) = first else { return Ok(None) };
        let outputs = solution.intercepts.len();
        let of = |language: Language| {
            let rows = (0..truth.len()).filter(|&row| spoken[row] == language);
            let rows: Vec<usize> = rows.collect();
            if rows.len() < FEW_CALIBRATED {
                return None;
            }
            let truth: Vec<u16> = rows.iter().map(|&row| truth[row]).collect();
            let logits = rows.iter().flat_map(|&row| &logits[row * outputs..(row + 1) * outputs]);
            temperature(&logits.copied().collect::<Vec<f64>>(), outputs, &truth)
        };
        let calibration = match temperature(&logits, outputs, &truth) {
            None => Calibration::None,
            Some(temperature) if languages.is_none() => Calibration::Temperature { temperature },
            Some(other) => Calibration::Languages {
                en: of(Language::En).unwrap_or(other),
                fr: of(Language::Fr).unwrap_or(other),
                ar: of(Language::Ar).unwrap_or(other),
                other,
            },
        };
        Ok(Some(Calibrated { calibration, tfidf, solution }))
    }
}

/// A vocabulary and the rows that it gives, in the form that the plan's sampling can use.
pub(crate) fn weigh(plan: &Plan, counts: &Counts, rows: &[u32]) -> Result<(Tfidf, Weighed), FitError> {
    match plan.sampling.kind {
        // New rows between two others are no products of factors.
        sampling::Sampling::Smote => {
            let (tfidf, rows) = Tfidf::fit(counts, rows, &plan.features)?;
            Ok((tfidf, Weighed::Sparse(rows)))
        }
        _ => Tfidf::fit_compact(counts, rows, &plan.features),
    }
}

/// Fits on rows that were weighed, after sampling, with class weights, until the gradient is at
/// most `looser` times the plan's tolerance.
pub(crate) fn fit(
    plan: &Plan,
    rows: &Weighed,
    Taught { labels, truth, importance }: Taught<'_>,
    start: Option<Start>,
    looser: f64,
    hooks: &mut dyn Hooks,
) -> Result<Solution, ExperimentError> {
    let (classes, seed) = (labels.len(), plan.seed);
    let resampled = match plan.sampling.kind {
        sampling::Sampling::None => None,
        sampling::Sampling::Over => Some(take(rows, truth, &sampling::over(truth, classes, seed))),
        sampling::Sampling::Under => Some(take(rows, truth, &sampling::under(truth, classes, seed))),
        sampling::Sampling::Smote => match rows {
            Weighed::Sparse(rows) => {
                let (rows, truth) = smote::smote(rows, truth, classes, seed);
                Some((Weighed::Sparse(rows), truth))
            }
            Weighed::Factored(_) => unreachable!("`weigh` gives SMOTE a value for each entry"),
        },
    };
    let (rows, truth) = resampled.as_ref().map_or((rows, truth), |(rows, truth)| (rows, &truth[..]));
    let mut counts = vec![0; classes];
    truth.iter().for_each(|&y| counts[usize::from(y)] += 1);
    let by_class = plan.logistic.class_weight.resolve(labels, &counts)?;
    let by_row = importance.map(|importance| &importance.weights);
    let weights: Option<Vec<f64>> = (by_row.is_some() || by_class.iter().any(|&w| w != 1.0)).then(|| {
        let of = |(i, &y): (usize, &u16)| by_class[usize::from(y)] * by_row.map_or(1.0, |by_row| by_row[i]);
        truth.iter().enumerate().map(of).collect()
    });
    let tolerance = plan.logistic.tolerance * looser;
    let mut logistic = Logistic::try_from(&logistic::Settings { tolerance, ..plan.logistic.clone() })?;
    if let Some(start) = start {
        logistic = logistic.starting_from(start);
    }
    let targets = match importance.and_then(|importance| importance.known.as_ref()) {
        Some(known) => Targets::Within { truth, known },
        None => Targets::Hard(truth),
    };
    let weights = weights.as_deref();
    Ok(match rows {
        Weighed::Sparse(rows) => logistic.fit(&Training { rows, targets, classes, weights }, hooks)?,
        Weighed::Factored(rows) => {
            logistic.fit_factored(&Training { rows, targets, classes, weights }, hooks)?
        }
    })
}

fn take(rows: &Weighed, truth: &[u16], chosen: &[u32]) -> (Weighed, Vec<u16>) {
    (rows.select(chosen), chosen.iter().map(|&r| truth[r as usize]).collect())
}
