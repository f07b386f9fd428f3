//! Networks on folds, several at a time.
//!
//! A worker has one thread and trains one network on one fold after another: on few cores that is quicker
//! than all threads on one network, and the bytes are the same. Texts are cleaned once a recipe, and vectors
//! of a file are read once for all folds and candidates that start from them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use sentimeter_model::features::Tokens;
use sentimeter_model::{Hooks, Progress};

use super::candidates::Candidate;
use super::results::{FoldScore, Outcome};
use super::work::{Bench, Fitted, Fold, Said, deal};
use crate::plan::RecipePlan;
use crate::pretrained::{self, Pretrained};
use crate::{ExperimentError, network};

/// Candidates that read the same cleaned texts.
pub(super) struct Group {
    pub(super) recipe: RecipePlan,
    pub(super) members: Vec<usize>,
}

/// Sorts the networks among `chosen` candidates by their recipe, each in the order of its first one.
pub(super) fn groups(candidates: &[Candidate], chosen: &[usize]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for &i in chosen.iter().filter(|&&i| candidates[i].plan.model.network().is_some()) {
        let recipe = &candidates[i].plan.recipe;
        match groups.iter_mut().find(|group| group.recipe == *recipe) {
            Some(group) => group.members.push(i),
            None => groups.push(Group { recipe: recipe.clone(), members: vec![i] }),
        }
    }
    groups
}

/// Stops a training when the search is stopped.
struct Stop<'a>(&'a AtomicBool);

impl Hooks for Stop<'_> {
    fn progress(&mut self, _: &Progress) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Bench<'_> {
    /// Vectors of the files that the candidates `members` name, each read once.
    pub(super) fn vectors(
        &self,
        members: &[usize],
        tokens: &Tokens,
        hooks: &mut dyn Hooks,
    ) -> Result<BTreeMap<PathBuf, Pretrained>, ExperimentError> {
        let mut least: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for &member in members {
            let plan = &self.candidates[member].plan;
            if let (Some(kind), Some(path)) = (plan.model.network(), pretrained::file(&plan.neural)?) {
                let own = pretrained::settings(kind, &plan.neural)?.min_count;
                least.entry(path).and_modify(|least| *least = own.min(*least)).or_insert(own);
            }
        }
        let mut read = BTreeMap::new();
        for (path, least) in least {
            let vectors = Pretrained::read(&path, tokens, least, hooks)?;
            read.insert(path, vectors);
        }
        Ok(read)
    }

    /// Trains and measures `units`, pairs of a candidate and a fold; `heard` is called on this thread, and
    /// its error stops the work.
    pub(super) fn run_networks(
        &self,
        tokens: &Tokens,
        vectors: &BTreeMap<PathBuf, Pretrained>,
        units: &[(usize, usize)],
        heard: impl FnMut(Said) -> Result<(), ExperimentError>,
    ) -> Result<(), ExperimentError> {
        let workers = rayon::current_num_threads().min(units.len()).max(1);
        let work = |&(candidate, fold): &(usize, usize), stopped: &AtomicBool, say: &mut dyn FnMut(Said)| {
            let outcome = self.network(tokens, vectors, candidate, fold, &mut Stop(stopped));
            // What was broken off says nothing.
            if !stopped.load(Ordering::Relaxed) {
                say(Said::Scored(FoldScore { round: self.round, candidate, fold, outcome }));
            }
        };
        deal(std::iter::repeat_n(1, workers), units, work, heard)
    }

    fn network(
        &self,
        tokens: &Tokens,
        vectors: &BTreeMap<PathBuf, Pretrained>,
        candidate: usize,
        fold: usize,
        hooks: &mut dyn Hooks,
    ) -> Outcome {
        let plan = &self.candidates[candidate].plan;
        let Fold { train, held } = &self.folds[fold];
        let start = Instant::now();
        let mut learned = || {
            let Some(kind) = plan.model.network() else {
                return Err(ExperimentError::Plan { why: "it is no network".to_owned() });
            };
            let vectors = pretrained::file(&plan.neural)?.and_then(|path| vectors.get(&path));
            let job = network::Job { plan, kind, tokens, labels: self.labels, importance: None, vectors };
            let found = job.fold(train, held, self.truth, hooks)?;
            let truth: Vec<u16> = held.iter().map(|&row| self.truth[row as usize]).collect();
            let metrics = self.measure(&found.logits, &truth)?;
            Ok((found, metrics))
        };
        match learned() {
            Ok((found, metrics)) => {
                let fitted = Fitted {
                    features: found.parameters,
                    iterations: u32::try_from(found.steps).unwrap_or(u32::MAX),
                    converged: true,
                    seconds: [found.learning, start.elapsed().as_secs_f64() - found.learning],
                };
                self.outcome(&fitted, &metrics)
            }
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }
}
