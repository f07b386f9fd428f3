//! What to label next: the texts that a model is least certain of, no two alike.

use sentimeter_corpus::{Corpus, Groups};
use sentimeter_model::calibration::Calibration;
use sentimeter_model::{Hooks, Model, Probs};
use sentimeter_text::Recipe;
use serde::Serialize;

use super::quick::Quick;
use super::sample::draw_of;
use crate::ExperimentError;
use crate::labelling::{Candidate, choose, stand_ins, uncertainty};

/// Labelled rows that the quick model learns from, and unlabelled ones that it looks at, at most.
const LEARNED: usize = 50_000;
const LOOKED_AT: usize = 100_000;

/// A text to label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Next {
    /// Row of the data set, from 0.
    pub row: u32,
    /// The text, shortened to 280 characters.
    pub text: String,
    /// One less the difference of the two largest probabilities, in `[0, 1]`; 1 for all where there is
    /// no model to ask.
    pub uncertainty: f64,
    /// What the model would say, where there is one.
    pub suggested: Option<String>,
}

/// At most `wanted` unlabelled texts, in the order in which they should be labelled.
///
/// The least certain by `model`, or by a quick model of the labelled rows, or, without either, all
/// alike; of those the most different ([`choose`]).
pub(super) fn label_next(
    corpus: &Corpus,
    groups: &Groups,
    recipe: &Recipe,
    model: Option<&Model>,
    wanted: usize,
    seed: u64,
    hooks: &mut dyn Hooks,
) -> Result<Vec<Next>, ExperimentError> {
    let labelled: Vec<u32> =
        (0..corpus.len() as u32).filter(|&row| corpus.label(row as usize).is_some()).collect();
    let (rows, _) = draw_of(stand_ins(corpus, groups), corpus, LOOKED_AT, seed);
    if rows.is_empty() || wanted == 0 {
        return Ok(Vec::new());
    }
    let answers = match model {
        Some(model) => {
            let probs = model.predict_all(rows.len(), |i| corpus.text(rows[i] as usize));
            Some((probs, model.labels().to_vec()))
        }
        None => by_quick_model(corpus, &labelled, &rows, recipe, seed, hooks)?,
    };
    let candidates = rows.iter().enumerate().map(|(i, &row)| match &answers {
        None => Candidate { row, uncertainty: 1.0, class: None },
        Some((probs, _)) => {
            Candidate { row, uncertainty: uncertainty(probs.row(i)), class: Some(probs.top(i).0) }
        }
    });
    let chosen = choose(corpus, candidates.collect(), recipe, wanted, hooks)?;
    let labels = answers.map(|(_, labels)| labels).unwrap_or_default();
    Ok(chosen
        .into_iter()
        .map(|Candidate { row, uncertainty, class }| Next {
            row,
            text: super::excerpt(corpus.text(row as usize)),
            uncertainty,
            suggested: class.and_then(|class| labels.get(usize::from(class)).cloned()),
        })
        .collect())
}

/// Probabilities of `rows` by a quick model of the labelled ones; `None` where that cannot be learned.
fn by_quick_model(
    corpus: &Corpus,
    labelled: &[u32],
    rows: &[u32],
    recipe: &Recipe,
    seed: u64,
    hooks: &mut dyn Hooks,
) -> Result<Option<(Probs, Vec<String>)>, ExperimentError> {
    let counts = corpus.class_counts();
    if counts.iter().filter(|&&n| n > 0).count() < 2 {
        return Ok(None);
    }
    let (learned, _) = draw_of(labelled.to_vec(), corpus, LEARNED, seed);
    let learned = learned.into_iter().filter_map(|row| Some((row, corpus.label(row as usize)?)));
    let quick = Quick::new(recipe.clone(), 2, seed);
    let probs = quick.answers(corpus, learned, rows, corpus.labels(), hooks)?;
    Ok(probs.map(|logits| {
        (Probs::from_logits(&logits, corpus.labels().len(), Calibration::None), corpus.labels().to_vec())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sentimeter_corpus::{Example, Identities, near_duplicates};
    use sentimeter_model::Silent;
    use sentimeter_text::language::Language;

    fn next(corpus: &Corpus, wanted: usize) -> Vec<Next> {
        let groups = near_duplicates(&Identities::of(corpus));
        let recipe = sentimeter_text::words::recipe(&[Language::En]);
        label_next(corpus, &groups, &recipe, None, wanted, 0, &mut Silent).unwrap()
    }

    #[test]
    fn the_undecided_come_first_and_no_two_alike() {
        let mut corpus = Corpus::new();
        for i in 0..40 {
            let (word, label) = if i % 2 == 0 { ("lovely", "positive") } else { ("dreadful", "negative") };
            let text = format!("{word} food number{i}");
            corpus.push(Example { text: &text, label: Some(label), ..Example::default() }).unwrap();
        }
        for text in [
            "lovely lovely evening",
            "lovely and dreadful soup today maybe",
            "lovely and dreadful soup today maybe!",
            "dreadful and lovely waiters over there",
            "dreadful dreadful evening",
        ] {
            corpus.push(Example { text, ..Example::default() }).unwrap();
        }
        let found = next(&corpus, 2);
        let rows: Vec<u32> = found.iter().map(|n| n.row).collect();
        assert!(rows.contains(&43) && (rows.contains(&41) || rows.contains(&42)), "{found:?}");
        assert!(found[0].uncertainty > 0.8 && found[0].suggested.is_some());
        assert_eq!(next(&corpus, 100).len(), 4, "near duplicates count once");
    }

    #[test]
    fn without_any_label_they_are_as_different_as_can_be() {
        let mut corpus = Corpus::new();
        for text in
            ["soup soup cold", "soup cold here", "parking lot full", "parking full again", "@a http://x.y"]
        {
            corpus.push(Example { text, ..Example::default() }).unwrap();
        }
        let found = next(&corpus, 3);
        let kind = |n: &Next| n.text.split(' ').next().map(str::to_owned);
        let kinds: std::collections::BTreeSet<_> = found.iter().map(kind).collect();
        assert_eq!(kinds.len(), 3, "{found:?}");
        assert_eq!(found[0].suggested, None);
    }
}
