//! What a search found: scores by candidate and fold, ranks, and what to make of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::candidates::Candidate;
use super::rounds::Round;
use super::settings::{Method, Metric};

/// A candidate on one fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldScore {
    /// Round of the search, from 0.
    pub round: usize,
    /// Index of the candidate.
    pub candidate: usize,
    /// From 0.
    pub fold: usize,
    /// What was measured, or why nothing was.
    pub outcome: Outcome,
}

/// How a fold went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was learned and measured.
    Measured(Measured),
    /// It could not be: no feature was left, a label of the class weights is unknown, …
    Failed(String),
}

/// What was measured on a fold by the model that had not seen it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// By the search's metric; the greater, the better.
    pub score: f64,
    /// Accuracy, macro F1, log loss and, where it is defined, ROC AUC.
    pub also: BTreeMap<String, f64>,
    /// Choosing the vocabulary, weighing the rows and fitting, seconds, as if nothing had been shared but
    /// cleaning and counting.
    pub fit_seconds: f64,
    /// Weighing the held rows, answering and measuring, seconds.
    pub score_seconds: f64,
    /// Columns of the fold's vocabulary; of a network the numbers that it has learned.
    pub features: usize,
    /// Iterations of the optimiser.
    pub iterations: u32,
    /// Whether it reached its tolerance.
    pub converged: bool,
}

/// A candidate's folds in one round.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundScores {
    /// From 0.
    pub round: usize,
    /// Rows learned from, the mean of the folds, rounded.
    pub rows: usize,
    /// Score of each fold; none where a fold failed.
    pub scores: Vec<f64>,
    /// Mean of the scores, if there are any.
    pub mean: Option<f64>,
    /// Standard deviation over the folds divided by the root of their number: of `mean`.
    pub standard_error: Option<f64>,
    /// Rank of `mean` within the round, from 1; equal means share the better rank, as in scikit-learn.
    pub rank: usize,
    /// Mean over the folds, seconds: see [`Measured::fit_seconds`].
    pub fit_seconds: f64,
    /// Mean over the folds, seconds: see [`Measured::score_seconds`].
    pub score_seconds: f64,
    /// Standard deviations over the folds of the two times, seconds.
    pub deviations: [f64; 2],
    /// Mean over the folds.
    pub features: f64,
    /// Mean over the folds of what else was measured.
    pub also: BTreeMap<String, f64>,
    /// Folds whose fit stopped above its tolerance.
    pub unconverged: usize,
    /// Why there is no mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A candidate and how it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranked {
    /// From 1, over all candidates: those that came further first, then by mean.
    pub rank: usize,
    /// What it sets.
    #[serde(serialize_with = "as_map", rename = "params")]
    pub candidate: Candidate,
    /// Its rounds, first to last; more than one by halving alone.
    pub rounds: Vec<RoundScores>,
}

/// Parameters as one object, in their order.
fn as_map<S: Serializer>(candidate: &Candidate, s: S) -> Result<S::Ok, S::Error> {
    let mut map = s.serialize_map(Some(candidate.params.len()))?;
    for (key, value) in &candidate.params {
        map.serialize_entry(key, value)?;
    }
    map.end()
}

impl Ranked {
    /// The round that it came to.
    pub fn last(&self) -> &RoundScores {
        self.rounds.last().expect("every candidate takes part in the first round")
    }
}

/// Work that was done, to see what candidates shared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Work {
    /// Times that all texts were cleaned: once a recipe.
    pub cleaned: usize,
    /// Times that their n-grams were counted: once a recipe and n-gram setting.
    pub counted: usize,
    /// Vocabularies that were chosen, each on a fold's training rows.
    pub selected: usize,
    /// Models that were fitted and measured on a fold.
    pub fitted: usize,
    /// Fold scores that an earlier, interrupted search had left.
    pub resumed: usize,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// How candidates were chosen.
    pub method: Method,
    /// What decided.
    pub metric: Metric,
    /// Folds of the training part.
    pub folds: u32,
    /// Rows of the training part.
    pub rows: usize,
    /// The rounds.
    pub rounds: Vec<Round>,
    /// All candidates, in the order of the search space.
    pub candidates: Vec<Ranked>,
    /// Index of the best one: rank 1, the first of equals.
    pub best: usize,
    /// Index of the one with the fewest features whose mean is within one standard error of the best (of
    /// those that came as far; then the smaller `logistic.c`, then the better rank): Breiman et al. 1984, §3.4.3.
    pub frugal: usize,
    /// What was done for it.
    pub work: Work,
    /// What should be said of data and candidates.
    pub notes: Vec<String>,
}

impl Found {
    /// The best candidate.
    pub fn winner(&self) -> &Ranked {
        &self.candidates[self.best]
    }

    /// Candidates by rank.
    pub fn ranking(&self) -> Vec<&Ranked> {
        let mut ranking: Vec<&Ranked> = self.candidates.iter().collect();
        ranking.sort_by_key(|ranked| ranked.rank);
        ranking
    }
}

/// One candidate's folds, all of one round, in the order of the folds, as a row.
pub(super) fn summary(round: usize, rows: usize, folds: &[&FoldScore]) -> RoundScores {
    let measured: Result<Vec<&Measured>, &String> = folds
        .iter()
        .map(|fold| match &fold.outcome {
            Outcome::Measured(measured) => Ok(measured),
            Outcome::Failed(why) => Err(why),
        })
        .collect();
    let (measured, error) = match measured {
        Ok(measured) => (measured, None),
        Err(why) => (Vec::new(), Some(why.clone())),
    };
    let n = measured.len() as f64;
    let mean = |of: fn(&Measured) -> f64| {
        if measured.is_empty() { 0.0 } else { measured.iter().map(|m| of(m)).sum::<f64>() / n }
    };
    // numpy's standard deviation, over the number of folds.
    let deviation = |of: fn(&Measured) -> f64| {
        let middle = mean(of);
        let squares: f64 = measured.iter().map(|m| (of(m) - middle).powi(2)).sum();
        if measured.is_empty() { 0.0 } else { (squares / n).sqrt() }
    };
    let mut also = BTreeMap::new();
    if let Some(first) = measured.first() {
        for name in first.also.keys() {
            let values: Option<Vec<f64>> = measured.iter().map(|m| m.also.get(name).copied()).collect();
            if let Some(values) = values {
                also.insert(name.clone(), values.iter().sum::<f64>() / n);
            }
        }
    }
    RoundScores {
        round,
        rows,
        scores: measured.iter().map(|m| m.score).collect(),
        mean: (!measured.is_empty()).then(|| mean(|m| m.score)),
        standard_error: (measured.len() > 1).then(|| deviation(|m| m.score) / (n - 1.0).sqrt()),
        rank: 0,
        fit_seconds: mean(|m| m.fit_seconds),
        score_seconds: mean(|m| m.score_seconds),
        deviations: [deviation(|m| m.fit_seconds), deviation(|m| m.score_seconds)],
        features: mean(|m| m.features as f64),
        also,
        unconverged: measured.iter().filter(|m| !m.converged).count(),
        error,
    }
}

/// Rank of each of `values` from 1, the greatest first, none last; equals share the better rank.
pub(super) fn ranks(values: &[Option<f64>]) -> Vec<usize> {
    let better = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => a > b,
        (a, b) => a.is_some() && b.is_none(),
    };
    let mut sorted: Vec<Option<f64>> = values.to_vec();
    sorted.sort_by(|a, b| match (a, b) {
        (Some(a), Some(b)) => b.total_cmp(a),
        _ => b.is_some().cmp(&a.is_some()),
    });
    values.iter().map(|&value| 1 + sorted.partition_point(|&other| better(other, value))).collect()
}

/// Candidates with their rounds and places: those that came further stand before all others.
pub(super) fn placed(candidates: Vec<Candidate>, rounds: Vec<Vec<RoundScores>>) -> Vec<Ranked> {
    let rows = candidates.into_iter().zip(rounds);
    let mut ranked: Vec<Ranked> =
        rows.map(|(candidate, rounds)| Ranked { rank: 0, candidate, rounds }).collect();
    let place = |ranked: &Ranked| (Reverse(ranked.last().round), ranked.last().rank);
    let mut places: Vec<_> = ranked.iter().map(place).collect();
    places.sort_unstable();
    for ranked in &mut ranked {
        let own = place(ranked);
        ranked.rank = 1 + places.partition_point(|other| *other < own);
    }
    ranked
}

/// Index of the candidate with the fewest features within one standard error of `best`.
pub(super) fn frugal(candidates: &[Ranked], best: usize) -> usize {
    let top = candidates[best].last();
    let least = top.mean.unwrap_or(0.0) - top.standard_error.unwrap_or(0.0);
    let near = candidates.iter().enumerate().filter(|(_, ranked)| {
        ranked.last().round == top.round && ranked.last().mean.is_some_and(|mean| mean >= least)
    });
    near.min_by(|(_, a), (_, b)| {
        let c = |ranked: &Ranked| ranked.candidate.plan.logistic.c;
        let features = a.last().features.total_cmp(&b.last().features);
        features.then(c(a).total_cmp(&c(b))).then(a.rank.cmp(&b.rank))
    })
    .map_or(best, |(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(fold: usize, score: f64) -> FoldScore {
        let measured = Measured {
            score,
            also: BTreeMap::from([("accuracy".to_owned(), score)]),
            fit_seconds: score * 10.0,
            score_seconds: 1.0,
            features: 100 + fold,
            iterations: 7,
            converged: fold != 1,
        };
        FoldScore { round: 0, candidate: 0, fold, outcome: Outcome::Measured(measured) }
    }

    #[test]
    fn means_and_errors_are_the_textbooks() {
        let folds = [fold(0, 0.7), fold(1, 0.8), fold(2, 0.9)];
        let row = summary(0, 10, &folds.iter().collect::<Vec<_>>());
        assert!((row.mean.unwrap() - 0.8).abs() < 1e-12);
        // Sample deviation 0.1 over the root of 3.
        assert!((row.standard_error.unwrap() - 0.1 / 3f64.sqrt()).abs() < 1e-12);
        assert!((row.deviations[0] - (2f64 / 3.0).sqrt()).abs() < 1e-12, "numpy.std of 7, 8, 9");
        assert_eq!((row.features, row.unconverged), (101.0, 1));
        assert!((row.also["accuracy"] - 0.8).abs() < 1e-12);
        let mut failed = folds.to_vec();
        failed[1].outcome = Outcome::Failed("no feature is left".to_owned());
        let row = summary(0, 10, &failed.iter().collect::<Vec<_>>());
        assert_eq!((row.mean, row.error.as_deref()), (None, Some("no feature is left")));
    }

    #[test]
    fn equals_share_the_better_rank_and_failures_come_last() {
        assert_eq!(ranks(&[Some(0.5), None, Some(0.9), Some(0.5), Some(0.1), None]), [2, 5, 1, 2, 4, 5]);
    }
}
