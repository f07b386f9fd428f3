//! Which texts to label next: those that a model is least certain of, no two alike.
//!
//! The least certain are the candidates; of those, one after the other, the text with the largest product of
//! uncertainty and cosine distance to the nearest text chosen (farthest first: Gonzalez 1985). Texts that are nearly
//! the same count once, and not at all where one of them has a label.

use sentimeter_corpus::{Corpus, Groups};
use sentimeter_model::Hooks;
use sentimeter_model::features::{Counts, Settings, Sparse, Tfidf, Tokens};
use sentimeter_text::Recipe;

use crate::ExperimentError;

/// Candidates to choose from: so many for each text wanted, within these bounds.
const EACH: usize = 10;
const CANDIDATES: std::ops::RangeInclusive<usize> = 500..=20_000;

/// A text that may be labelled next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Its row.
    pub row: u32,
    /// One less the difference of the two largest probabilities ([`uncertainty`]), in `[0, 1]`.
    pub uncertainty: f64,
    /// What the model would say, an index into its labels.
    pub class: Option<u16>,
}

/// One less the difference of the two largest.
pub fn uncertainty(probs: &[f32]) -> f64 {
    let (mut first, mut second) = (0.0_f32, 0.0_f32);
    for &p in probs {
        if p > first {
            (first, second) = (p, first);
        } else if p > second {
            second = p;
        }
    }
    f64::from(1.0 - (first - second))
}

/// A row of each group of texts that are nearly the same and of which none has a label: the one whose text comes
/// first, whatever the order of the rows.
pub fn stand_ins(corpus: &Corpus, groups: &Groups) -> Vec<u32> {
    let mut taken = vec![false; groups.names.len()];
    for row in 0..corpus.len() {
        taken[groups.of[row] as usize] |= corpus.label(row).is_some();
    }
    let mut stands_for: Vec<Option<u32>> = vec![None; groups.names.len()];
    for row in 0..corpus.len() as u32 {
        let group = groups.of[row as usize] as usize;
        let text = corpus.text(row as usize);
        if !taken[group] && !text.trim().is_empty() {
            let best = stands_for[group].get_or_insert(row);
            if text < corpus.text(*best as usize) {
                *best = row;
            }
        }
    }
    stands_for.into_iter().flatten().collect()
}

/// At most `wanted` of the `candidates`, rows of `corpus`, in the order in which they should be labelled. Texts are
/// compared by the words that `recipe` makes of them.
///
/// # Errors
/// A recipe that is none, an interruption by `hooks`.
pub fn choose(
    corpus: &Corpus,
    mut candidates: Vec<Candidate>,
    recipe: &Recipe,
    wanted: usize,
    hooks: &mut dyn Hooks,
) -> Result<Vec<Candidate>, ExperimentError> {
    if candidates.is_empty() || wanted == 0 {
        return Ok(Vec::new());
    }
    candidates.sort_by(|a, b| {
        let text = |c: &Candidate| corpus.text(c.row as usize);
        b.uncertainty.total_cmp(&a.uncertainty).then_with(|| text(a).cmp(text(b)))
    });
    candidates.truncate((wanted * EACH).clamp(*CANDIDATES.start(), *CANDIDATES.end()).max(wanted));
    let analyzer = recipe.compile()?;
    let tokens =
        Tokens::read(&analyzer, candidates.len(), |i| corpus.text(candidates[i].row as usize), hooks)?;
    let settings = Settings::default();
    let counts = Counts::new(tokens, &settings)?;
    let all: Vec<u32> = (0..candidates.len() as u32).collect();
    // Texts without a word are all alike, and as far from every other one.
    let vectors = match Tfidf::fit(&counts, &all, &settings) {
        Ok((_, vectors)) => vectors,
        Err(_) => {
            let mut none = Sparse::new(0);
            all.iter().for_each(|_| none.push([]));
            none
        }
    };
    let weights: Vec<f64> = candidates.iter().map(|c| c.uncertainty).collect();
    Ok(farthest_first(&vectors, &weights, wanted).into_iter().map(|at| candidates[at]).collect())
}

/// At most `wanted` rows: first the heaviest, then ever the one with the largest product of weight and
/// distance to the nearest of those chosen. `vectors` are of length 1; the first of equals is taken.
fn farthest_first(vectors: &Sparse, weights: &[f64], wanted: usize) -> Vec<usize> {
    let mut holders: Vec<Vec<(u32, f32)>> = vec![Vec::new(); vectors.width];
    for row in 0..vectors.len() {
        let (columns, values) = vectors.row(row);
        for (&column, &value) in columns.iter().zip(values) {
            holders[column as usize].push((row as u32, value));
        }
    }
    let mut nearest = vec![0.0_f32; vectors.len()];
    let mut cosine = vec![0.0_f32; vectors.len()];
    let mut open = vec![true; vectors.len()];
    let mut chosen = Vec::new();
    while chosen.len() < wanted {
        let score = |row: usize| weights[row] * f64::from((1.0 - nearest[row]).max(0.0));
        let best = (0..open.len())
            .filter(|&row| open[row])
            .max_by(|&a, &b| score(a).total_cmp(&score(b)).then(b.cmp(&a)));
        let Some(best) = best else { break };
        open[best] = false;
        chosen.push(best);
        cosine.fill(0.0);
        let (columns, values) = vectors.row(best);
        for (&column, &value) in columns.iter().zip(values) {
            for &(row, other) in &holders[column as usize] {
                cosine[row as usize] += value * other;
            }
        }
        nearest.iter_mut().zip(&cosine).for_each(|(near, &now)| *near = near.max(now));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use sentimeter_corpus::{Example, Identities, near_duplicates};
    use sentimeter_model::Silent;

    #[test]
    fn one_of_nearly_the_same_and_none_of_those_with_a_label() {
        let mut corpus = Corpus::new();
        for (text, label) in [
            ("the parcel came two days late", Some("negative")),
            ("The parcel came two days late!!", None),
            ("nobody answers the phone on mondays", None),
            ("Nobody answers the phone on mondays.", None),
            ("a fair price", None),
            ("  ", None),
        ] {
            corpus.push(Example { text, label, ..Example::default() }).unwrap();
        }
        let groups = near_duplicates(&Identities::of(&corpus));
        let rows = stand_ins(&corpus, &groups);
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert!(rows.contains(&3) && rows.contains(&4), "{rows:?}");
    }

    #[test]
    fn the_doubtful_come_first_and_then_what_is_unlike_them() {
        let mut corpus = Corpus::new();
        let texts = [
            "soup was cold",
            "soup was very cold",
            "parking lot full",
            "staff very kind",
            "soup was cold again",
        ];
        for text in texts {
            corpus.push(Example { text, ..Example::default() }).unwrap();
        }
        let doubts = [1.0, 0.95, 0.6, 0.2, 0.9];
        let candidates =
            doubts.iter().zip(0..).map(|(&uncertainty, row)| Candidate { row, uncertainty, class: None });
        let recipe = sentimeter_text::words::recipe(&[sentimeter_text::language::Language::En]);
        let chosen = choose(&corpus, candidates.collect(), &recipe, 3, &mut Silent).unwrap();
        let rows: Vec<u32> = chosen.iter().map(|c| c.row).collect();
        assert_eq!(rows[..2], [0, 2], "unlike the first, though less doubtful than what repeats it");
        assert_eq!(choose(&corpus, Vec::new(), &recipe, 3, &mut Silent).unwrap(), []);
    }

    #[test]
    fn two_equal_answers_leave_no_certainty() {
        for (probs, want) in [(&[0.5, 0.5][..], 1.0), (&[0.75, 0.25, 0.0], 0.5), (&[1.0], 0.0)] {
            assert_eq!(uncertainty(probs), want);
        }
    }
}
