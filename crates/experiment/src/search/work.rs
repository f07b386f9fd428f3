//! Fits and measures candidates on folds, several folds at a time.
//!
//! Each worker has threads of its own and takes one fold's vocabulary after another: no more matrices are
//! in memory than there are workers. Nothing of what is found depends on how many there are.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use sentimeter_model::calibration::Calibration;
use sentimeter_model::features::Counts;
use sentimeter_model::metrics::{self, Metrics};
use sentimeter_model::{Probs, Silent};

use super::candidates::Candidate;
use super::results::{FoldScore, Measured, Outcome};
use super::settings::Metric;
use super::shared::ByVocabulary;
use crate::ExperimentError;
use crate::train::{Taught, fit, weigh};

/// Bytes that all workers' matrices may take together; more of them than that would wait for memory, not work.
const MOST_BYTES: usize = 4 << 30;

/// One fold: what is learned from, what is measured on.
#[derive(Debug, Clone)]
pub(super) struct Fold {
    pub(super) train: Vec<u32>,
    pub(super) held: Vec<u32>,
}

/// What all of a round's fits share.
pub(super) struct Bench<'a> {
    pub(super) candidates: &'a [Candidate],
    pub(super) folds: &'a [Fold],
    pub(super) truth: &'a [u16],
    pub(super) labels: &'a [String],
    pub(super) metric: Metric,
    pub(super) round: usize,
}

/// A vocabulary on one fold, and the candidates that still want their score of it.
pub(super) struct Unit {
    pub(super) fold: usize,
    pub(super) vocabulary: ByVocabulary,
}

/// How a fit went.
pub(super) struct Fitted {
    /// Columns of the vocabulary, or numbers of a network.
    pub(super) features: usize,
    pub(super) iterations: u32,
    pub(super) converged: bool,
    /// For fitting, and for scoring.
    pub(super) seconds: [f64; 2],
}

/// What workers say.
pub(super) enum Said {
    /// A vocabulary was chosen and rows were weighed.
    Selected,
    /// A candidate was fitted and measured.
    Scored(FoldScore),
}

/// Deals `units` to workers of so many `threads` each, who have `work` do one after another and say what came of it;
/// `heard` is called on this thread, and its error stops all of them, as `work` is told.
pub(super) fn deal<U: Sync>(
    threads: impl Iterator<Item = usize>,
    units: &[U],
    work: impl Fn(&U, &AtomicBool, &mut dyn FnMut(Said)) + Sync,
    heard: impl FnMut(Said) -> Result<(), ExperimentError>,
) -> Result<(), ExperimentError> {
    let pools: Vec<rayon::ThreadPool> = threads
        .map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build())
        .collect::<Result<_, _>>()
        .map_err(|e| ExperimentError::Data { why: format!("cannot start worker threads: {e}") })?;
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (say, hear) = mpsc::channel();
    std::thread::scope(|scope| {
        for pool in &pools {
            let (say, work, next, stopped) = (say.clone(), &work, &next, &stopped);
            scope.spawn(move || {
                pool.install(|| {
                    while !stopped.load(Ordering::Relaxed)
                        && let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        // Who no longer listens has stopped the work.
                        work(unit, stopped, &mut |said| drop(say.send(said)));
                    }
                });
            });
        }
        drop(say);
        let answer = hear.iter().try_for_each(heard);
        stopped.store(true, Ordering::Relaxed);
        answer
    })
}

impl Bench<'_> {
    /// Does all `units` over `counts`; `heard` is called on this thread, and its error stops the work.
    pub(super) fn run(
        &self,
        counts: &Counts,
        units: &[Unit],
        heard: impl FnMut(Said) -> Result<(), ExperimentError>,
    ) -> Result<(), ExperimentError> {
        let threads = rayon::current_num_threads();
        let workers = threads.min(units.len()).min(MOST_BYTES / bytes(counts).max(1)).max(1);
        // Cores that do not divide go to the first workers.
        let own = |worker: usize| threads / workers + usize::from(worker < threads % workers);
        let work = |unit: &Unit, stopped: &AtomicBool, say: &mut dyn FnMut(Said)| {
            self.unit(counts, unit, &mut |said| {
                say(said);
                !stopped.load(Ordering::Relaxed)
            });
        };
        deal((0..workers).map(own), units, work, heard)
    }

    /// Weighs one fold's rows and fits those who learn from them, until `say` answers no.
    fn unit(&self, counts: &Counts, unit: &Unit, say: &mut dyn FnMut(Said) -> bool) {
        let Fold { train, held } = &self.folds[unit.fold];
        let plan = |member: usize| &self.candidates[member].plan;
        let members = &unit.vocabulary.members;
        let start = Instant::now();
        let weighed = weigh(plan(members[0]), counts, train);
        let weighing = start.elapsed().as_secs_f64();
        let scored = |candidate, outcome| {
            Said::Scored(FoldScore { round: self.round, candidate, fold: unit.fold, outcome })
        };
        let (tfidf, rows) = match weighed {
            Ok(weighed) => weighed,
            Err(error) => {
                let why = error.to_string();
                members.iter().all(|&member| say(scored(member, Outcome::Failed(why.clone()))));
                return;
            }
        };
        let truth: Vec<u16> = train.iter().map(|&row| self.truth[row as usize]).collect();
        let start = Instant::now();
        let held_rows = tfidf.weigh(counts, held);
        let weighing_held = start.elapsed().as_secs_f64();
        let held_truth: Vec<u16> = held.iter().map(|&row| self.truth[row as usize]).collect();
        if !say(Said::Selected) {
            return;
        }
        for &member in members {
            let start = Instant::now();
            let taught = Taught { labels: self.labels, truth: &truth, importance: None };
            let fitted = fit(plan(member), &rows, taught, None, 1.0, &mut Silent);
            let fitting = start.elapsed().as_secs_f64();
            let start = Instant::now();
            let measured = fitted.and_then(|solution| {
                let metrics = self.measure(&solution.logits(&held_rows), &held_truth)?;
                Ok((solution, metrics))
            });
            let measuring = start.elapsed().as_secs_f64();
            let outcome = match measured {
                Ok((solution, metrics)) => {
                    let fitted = Fitted {
                        features: tfidf.width(),
                        iterations: solution.iterations,
                        converged: solution.converged,
                        seconds: [weighing + fitting, weighing_held + measuring],
                    };
                    self.outcome(&fitted, &metrics)
                }
                Err(error) => Outcome::Failed(error.to_string()),
            };
            if !say(scored(member, outcome)) {
                return;
            }
        }
    }

    pub(super) fn measure(&self, logits: &[f64], truth: &[u16]) -> Result<Metrics, ExperimentError> {
        let probs = Probs::from_logits(logits, self.labels.len(), Calibration::None);
        // Intervals are not needed: folds show how far scores spread.
        let options = metrics::Options { bootstrap: 0, ..metrics::Options::default() };
        Ok(metrics::measure(truth, probs.values(), self.labels, &options)?)
    }

    pub(super) fn outcome(&self, fitted: &Fitted, metrics: &Metrics) -> Outcome {
        let Some(score) = self.metric.score(metrics) else {
            let why = format!("{} is undefined: a class has no row in this fold", self.metric.name());
            return Outcome::Failed(why);
        };
        let also = [
            ("accuracy", Some(metrics.accuracy)),
            ("macro_f1", Some(metrics.macro_f1)),
            ("log_loss", Some(metrics.log_loss)),
            ("roc_auc", metrics.roc_auc),
        ];
        Outcome::Measured(Measured {
            score,
            also: also.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
            fit_seconds: fitted.seconds[0],
            score_seconds: fitted.seconds[1],
            features: fitted.features,
            iterations: fitted.iterations,
            converged: fitted.converged,
        })
    }
}

/// What a worker's matrices and the optimiser's memory take at most, roughly: entries by the tokens, 30
/// numbers a feature.
fn bytes(counts: &Counts) -> usize {
    24 * counts.tokens() + 120 * counts.nodes()
}
