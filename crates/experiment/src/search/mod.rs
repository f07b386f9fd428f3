//! Which settings are best: grid, random search and successive halving, cross-validated on the training part.
//!
//! The folds are the same for all candidates, hold the classes in their share, and keep a text and its near
//! duplicates together. Texts are cleaned once a recipe and their n-grams counted once a range; the
//! vocabulary, its frequencies, sampling and weights are each fold's own, as if nothing had been shared
//! (`tests/search.rs` holds them equal to the bit). A candidate starts from zeros, whoever else is compared:
//! its score belongs to it, plan, data and seed alone.

mod candidates;
mod folds;
mod journal;
mod networks;
mod results;
mod rounds;
mod settings;
mod shared;
mod space;
mod table;
mod work;

use std::ops::ControlFlow;

use sentimeter_corpus::Corpus;
use sentimeter_model::{FitError, Hooks};

pub use candidates::{Candidate, shown};
pub use journal::{Begin, Identity, Journal, JournalError};
pub use results::{FoldScore, Found, Measured, Outcome, Ranked, RoundScores, Work};
pub use rounds::Round;
pub use settings::{Method, Metric, Number, Range, Scale, SearchPlan};

use crate::prepare::prepare;
use crate::{ExperimentError, Plan};
use rounds::{schedule, single, thin};
use shared::{Shelf, groups};
use work::{Bench, Fold, Said, Unit};

/// What a search is going to do.
#[derive(Debug)]
pub struct Outline<'a> {
    /// What is compared.
    pub candidates: &'a [Candidate],
    /// Folds of the training part.
    pub folds: u32,
    /// What decides.
    pub metric: Metric,
    /// The rounds.
    pub rounds: &'a [Round],
    /// Fold scores in all.
    pub scores: usize,
    /// Fold scores that an earlier search had left.
    pub resumed: usize,
    /// What should be said of data and candidates.
    pub notes: &'a [String],
}

/// The caller's side of a search.
pub trait SearchEvents: Hooks {
    /// Before anything is cleaned.
    fn begun(&mut self, outline: &Outline<'_>);
    /// After each fold score, which is in the journal by then; `Break` stops the search.
    fn scored(&mut self, score: &FoldScore) -> ControlFlow<()>;
    /// A candidate has all its folds of a round.
    fn finished(&mut self, candidate: usize, scores: &RoundScores);
}

/// Compares the candidates of `plan.search` on the training part of `data` (all of it where `test` is
/// given, less the texts that stand in both). The test part is not looked at.
///
/// With a journal, every fold score is kept, and those it holds already are not made again.
///
/// # Errors
/// A plan without a space or with one that cannot be searched, data that cannot be cut into the folds, a
/// journal of another search, no candidate that could be learned by.
pub fn search(
    plan: &Plan,
    data: &Corpus,
    test: Option<&Corpus>,
    mut journal: Option<&mut Journal>,
    events: &mut dyn SearchEvents,
) -> Result<Found, ExperimentError> {
    let settings = plan.search.clone().unwrap_or_default();
    check(&settings)?;
    let (candidates, mut notes) = candidates::candidates(plan, &settings)?;
    let prepared = prepare(plan, data, test)?;
    let truth: Vec<u16> = prepared.train.iter().map(|row| row.class).collect();
    let folds = folds::folds(plan, &settings, &prepared, &truth, &mut notes)?;
    notes.extend(prepared.notes.iter().cloned());

    let fewest = folds.iter().map(|fold| fold.train.len()).min().unwrap_or(0);
    let rounds = match settings.method {
        Method::Halving => schedule(candidates.len(), settings.factor, settings.min_rows, fewest),
        Method::Grid | Method::Random => single(candidates.len()),
    };
    let total = rounds.iter().map(|round| round.candidates).sum::<usize>() * folds.len();
    let mut known = match &mut journal {
        Some(journal) => journal.start(&Identity::of(plan, &settings, &prepared, total))?,
        None => Vec::new(),
    };
    let mut work = Work { resumed: known.len(), ..Work::default() };
    events.begun(&Outline {
        candidates: &candidates,
        folds: settings.measured(),
        metric: settings.metric,
        rounds: &rounds,
        scores: total,
        resumed: known.len(),
        notes: &notes,
    });

    let mut shelf = Shelf::new(data, &prepared.train, rounds.len());
    let mut rows: Vec<Vec<RoundScores>> = vec![Vec::new(); candidates.len()];
    let mut chosen: Vec<usize> = (0..candidates.len()).collect();
    for (i, round) in rounds.iter().enumerate() {
        chosen.truncate(round.candidates);
        chosen.sort_unstable();
        let thinned: Vec<Fold> = folds
            .iter()
            .map(|fold| Fold {
                train: thin(&fold.train, &truth, round.one_in, plan.seed),
                held: fold.held.clone(),
            })
            .collect();
        let bench = Bench {
            candidates: &candidates,
            folds: &thinned,
            truth: &truth,
            labels: &prepared.labels,
            metric: settings.metric,
            round: i,
        };
        let scores = measure(&bench, &chosen, &mut known, &mut shelf, &mut work, &mut journal, events)?;
        let learned = thinned.iter().map(|fold| fold.train.len()).sum::<usize>() / thinned.len();
        let mut found: Vec<RoundScores> = chosen
            .iter()
            .map(|&candidate| {
                let mut folds: Vec<&FoldScore> = scores.iter().filter(|s| s.candidate == candidate).collect();
                folds.sort_by_key(|score| score.fold);
                results::summary(i, learned, &folds)
            })
            .collect();
        let ranks = results::ranks(&found.iter().map(|row| row.mean).collect::<Vec<_>>());
        found.iter_mut().zip(&ranks).for_each(|(row, &rank)| row.rank = rank);
        let mut order: Vec<(usize, usize)> = ranks.into_iter().zip(chosen.iter().copied()).collect();
        order.sort_unstable();
        for (row, &candidate) in found.into_iter().zip(&chosen) {
            rows[candidate].push(row);
        }
        // What could not be learned by is not tried on more rows while others were.
        order.retain(|&(_, candidate)| rows[candidate][i].mean.is_some());
        chosen = order.into_iter().map(|(_, candidate)| candidate).collect();
        if chosen.is_empty() {
            let why = rows.iter().flatten().find_map(|row| row.error.clone()).unwrap_or_default();
            if let Some(journal) = &mut journal {
                journal.finish(); // there is nothing to take up
            }
            return Err(ExperimentError::Plan {
                why: format!("none of the {} candidates could be learned by: {why}", candidates.len()),
            });
        }
    }
    let candidates = results::placed(candidates, rows);
    let best = chosen[0];
    Ok(Found {
        method: settings.method,
        metric: settings.metric,
        folds: settings.measured(),
        rows: truth.len(),
        rounds,
        frugal: results::frugal(&candidates, best),
        candidates,
        best,
        work,
        notes,
    })
}

/// One round: what is not known yet is measured, group by group.
fn measure(
    bench: &Bench<'_>,
    chosen: &[usize],
    known: &mut Vec<FoldScore>,
    shelf: &mut Shelf<'_>,
    work: &mut Work,
    journal: &mut Option<&mut Journal>,
    events: &mut dyn SearchEvents,
) -> Result<Vec<FoldScore>, ExperimentError> {
    let folds = bench.folds.len();
    let mut missing = vec![vec![true; folds]; bench.candidates.len()];
    let mut scores: Vec<FoldScore> = Vec::with_capacity(chosen.len() * folds);
    // Each counts once, should a line have been doubled.
    known.retain(|score| {
        let own = score.round == bench.round && score.fold < folds && chosen.contains(&score.candidate);
        if own && std::mem::take(&mut missing[score.candidate][score.fold]) {
            scores.push(score.clone());
        }
        !own
    });
    let mut open: Vec<usize> =
        missing.iter().map(|folds| folds.iter().filter(|&&missing| missing).count()).collect();
    let row = |candidate: usize, scores: &[FoldScore]| {
        let mut own: Vec<&FoldScore> = scores.iter().filter(|s| s.candidate == candidate).collect();
        own.sort_by_key(|score| score.fold);
        results::summary(bench.round, bench.folds[0].train.len(), &own)
    };
    for &candidate in chosen.iter().filter(|&&candidate| open[candidate] == 0) {
        events.finished(candidate, &row(candidate, &scores));
    }
    let mut hear = |said: Said,
                    scores: &mut Vec<FoldScore>,
                    open: &mut [usize],
                    work: &mut Work,
                    events: &mut dyn SearchEvents|
     -> Result<(), ExperimentError> {
        let Said::Scored(score) = said else {
            work.selected += 1;
            return Ok(());
        };
        work.fitted += usize::from(matches!(score.outcome, Outcome::Measured(_)));
        if let Some(journal) = journal {
            journal.add(&score)?;
        }
        let go_on = events.scored(&score);
        let candidate = score.candidate;
        open[candidate] -= 1;
        scores.push(score);
        if open[candidate] == 0 {
            events.finished(candidate, &row(candidate, scores));
        }
        match go_on {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(FitError::Interrupted { iterations: 0 }.into()),
        }
    };
    for recipe in groups(bench.candidates, chosen) {
        let units: Vec<Vec<Unit>> = recipe
            .ranges
            .iter()
            .map(|range| {
                let pairs = range.vocabularies.iter().flat_map(|v| (0..folds).map(move |fold| (v, fold)));
                pairs
                    .filter_map(|(vocabulary, fold)| {
                        let mut vocabulary = vocabulary.clone();
                        vocabulary.members.retain(|&member| missing[member][fold]);
                        (!vocabulary.members.is_empty()).then_some(Unit { fold, vocabulary })
                    })
                    .collect()
            })
            .collect();
        for (i, (range, own)) in recipe.ranges.iter().zip(&units).enumerate() {
            if own.is_empty() {
                continue;
            }
            let more = units[i + 1..].iter().any(|units| !units.is_empty());
            let counts = shelf.counts(&recipe, range, more, work, events)?;
            bench.run(&counts, own, |said| hear(said, &mut scores, &mut open, work, events))?;
        }
    }
    for group in networks::groups(bench.candidates, chosen) {
        let pairs = group.members.iter().flat_map(|&member| (0..folds).map(move |fold| (member, fold)));
        let units: Vec<(usize, usize)> = pairs.filter(|&(member, fold)| missing[member][fold]).collect();
        if units.is_empty() {
            continue;
        }
        let tokens = shelf.tokens(&group.recipe, work, events)?;
        let vectors = bench.vectors(&group.members, &tokens, events)?;
        bench.run_networks(&tokens, &vectors, &units, |said| {
            hear(said, &mut scores, &mut open, work, events)
        })?;
        shelf.keep(&group.recipe, tokens);
    }
    Ok(scores)
}

fn check(settings: &SearchPlan) -> Result<(), ExperimentError> {
    for (name, value) in [("folds", settings.folds), ("factor", settings.factor)] {
        if !(2..=1000).contains(&value) {
            return Err(ExperimentError::Plan {
                why: format!("search.{name} is {value}; it must be 2 to 1000"),
            });
        }
    }
    if !(1..=settings.folds).contains(&settings.measured()) {
        return Err(ExperimentError::Plan {
            why: format!(
                "search.measured is {}; it must be 1 to search.folds, which is {}",
                settings.measured(),
                settings.folds
            ),
        });
    }
    Ok(())
}
