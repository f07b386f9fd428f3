//! Which words tell one set of texts from another.

use std::borrow::Cow;

use serde::Serialize;

/// A word that stands in one set of texts rather than in another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distinct {
    /// The word, or the words with a space.
    pub term: String,
    /// Occurrences here.
    pub here: u64,
    /// Occurrences there.
    pub there: u64,
    /// Log-odds ratio with an informative Dirichlet prior, in nats; above 0 it stands here.
    pub log_odds: f64,
    /// `log_odds` in its standard deviations.
    pub z: f64,
}

/// How often a term occurs in both sets.
#[derive(Debug)]
pub struct Tally<'a> {
    /// The term.
    pub name: Cow<'a, str>,
    /// Occurrences here.
    pub here: u64,
    /// Occurrences there.
    pub there: u64,
}

/// Words that the prior weighs as much as, Monroe et al.'s own choice.
const PRIOR: f64 = 500.0;

/// A z-score below this is no sign of anything: one in twenty words has it by chance.
const LEAST_Z: f64 = 1.96;

/// At most `most` terms that stand here rather than there, the surest first.
///
/// The log-odds ratio with an informative Dirichlet prior and its variance (Monroe, Colaresi &
/// Quinn 2008, "Fightin' Words", doi:10.1093/pan/mpn018, equations 16, 20 and 22). The prior is the
/// frequency in both sets together, worth 500 words, so that rare words are not sure of anything.
pub fn distinct(terms: &mut dyn Iterator<Item = Tally<'_>>, most: usize) -> Vec<Distinct> {
    let mut names = Vec::new();
    let terms: Vec<(u64, u64)> = terms
        .map(|t| {
            names.push(t.name.into_owned());
            (t.here, t.there)
        })
        .collect();
    let here: u64 = terms.iter().map(|t| t.0).sum();
    let there: u64 = terms.iter().map(|t| t.1).sum();
    if here == 0 || there == 0 {
        return Vec::new();
    }
    let (here, there) = (here as f64, there as f64);
    let prior = PRIOR.min(here + there);
    let mut found: Vec<(f64, f64, usize)> = Vec::new();
    for (at, &(y, other)) in terms.iter().enumerate() {
        let (y, other) = (y as f64, other as f64);
        let share = prior * (y + other) / (here + there);
        let (a, b) = (y + share, other + share);
        let log_odds = (a / (here + prior - a)).ln() - (b / (there + prior - b)).ln();
        let z = log_odds / (1.0 / a + 1.0 / b).sqrt();
        if z.is_finite() && z >= LEAST_Z {
            found.push((z, log_odds, at));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| names[a.2].cmp(&names[b.2])));
    found.truncate(most);
    found
        .into_iter()
        .map(|(z, log_odds, at)| Distinct {
            term: std::mem::take(&mut names[at]),
            here: terms[at].0,
            there: terms[at].1,
            log_odds,
            z,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(rows: &[(&'static str, u64, u64)]) -> Vec<Distinct> {
        let mut terms = rows.iter().map(|&(name, here, there)| Tally { name: name.into(), here, there });
        distinct(&mut terms, 10)
    }

    #[test]
    fn frequent_on_both_sides_is_not_distinguishing_and_rare_is_not_sure() {
        let found = tally(&[("the", 5000, 5000), ("love", 400, 100), ("rare", 3, 0), ("hate", 50, 300)]);
        assert_eq!(found.iter().map(|d| d.term.as_str()).collect::<Vec<_>>(), ["love"]);
        assert!(found[0].log_odds > 0.0 && found[0].z > 10.0);
    }

    /// By hand: counts 40 of 1000 and 10 of 1000, prior worth 500 words of which 12.5 are this one.
    #[test]
    fn the_formula() {
        let found = tally(&[("word", 40, 10), ("rest", 960, 990)]);
        let (a, b) = (52.5_f64, 22.5_f64);
        let want = (a / (1500.0 - a)).ln() - (b / (1500.0 - b)).ln();
        assert!((found[0].log_odds - want).abs() < 1e-12);
        assert!((found[0].z - want / (1.0 / a + 1.0 / b).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn nothing_to_compare_with_is_nothing_to_say() {
        assert!(tally(&[("a", 5, 0)]).is_empty());
        assert!(tally(&[]).is_empty());
    }
}
