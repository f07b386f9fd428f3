//! Which vocabulary, which recipe: cross-validated, so that a user can choose.

use sentimeter_corpus::{Corpus, Groups};
use sentimeter_model::Hooks;
use sentimeter_text::language::Language;
use sentimeter_text::{Body, LemmaPos, Recipe, Step};
use serde::Serialize;

use super::quick::Quick;
use super::sample::{Sample, draw_of};
use crate::ExperimentError;
use sentimeter_text::words;

/// Rows that choices are measured on at most: accuracies are then right to half a percent.
const ROWS: usize = 30_000;

const FOLDS: u32 = 3;

/// Sizes of the vocabulary, words and pairs of words together.
const SIZES: [u32; 6] = [500, 2_000, 5_000, 20_000, 50_000, 200_000];

/// What each vocabulary size and each recipe is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// Labelled rows measured on.
    pub rows: u64,
    /// What was drawn, where those are not all.
    pub sample: Option<Sample>,
    /// Folds of the cross-validation.
    pub folds: u32,
    /// Accuracy of answering with the most frequent class alone.
    pub baseline: f64,
    /// Accuracy by size of the vocabulary, the recipe being `clean`.
    pub sizes: Vec<Measured>,
    /// Accuracy by recipe, 50,000 features at most.
    pub recipes: Vec<Measured>,
}

/// One choice and what it is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// The size, or the recipe's name.
    pub name: String,
    /// What it does.
    pub what: String,
    /// Out-of-fold accuracy.
    pub accuracy: f64,
    /// Half its 95 % interval.
    pub margin: f64,
}

/// Measures all choices; `None` where nothing can be learned.
pub(super) fn choice(
    corpus: &Corpus,
    groups: &Groups,
    languages: &[Language],
    seed: u64,
    hooks: &mut dyn Hooks,
) -> Result<Option<Choice>, ExperimentError> {
    let labelled = (0..corpus.len() as u32).filter(|&row| corpus.label(row as usize).is_some()).collect();
    let (rows, sample) = draw_of(labelled, corpus, ROWS, seed);
    let mut counts = vec![0_usize; corpus.labels().len()];
    rows.iter().filter_map(|&row| corpus.label(row as usize)).for_each(|c| counts[usize::from(c)] += 1);
    if counts.iter().filter(|&&n| n >= FOLDS as usize).count() < 2 {
        return Ok(None);
    }
    let mut accuracy = |quick: &Quick| -> Result<Option<f64>, ExperimentError> {
        let rows = rows.iter().filter_map(|&row| Some((row, corpus.label(row as usize)?)));
        Ok(quick.out_of_fold(corpus, rows, corpus.labels(), groups, hooks)?.map(|found| found.accuracy))
    };
    let measured = |name: String, what: &str, accuracy: f64| Measured {
        name,
        what: what.to_owned(),
        accuracy,
        margin: 1.96 * (accuracy * (1.0 - accuracy) / rows.len().max(1) as f64).sqrt(),
    };
    let clean = words::recipe(languages);
    let mut sizes = Vec::new();
    for size in SIZES {
        let mut quick = Quick::new(clean.clone(), FOLDS, seed);
        quick.features.max_features = size;
        if let Some(found) = accuracy(&quick)? {
            sizes.push(measured(size.to_string(), "words and pairs of words", found));
        }
    }
    let mut recipes = Vec::new();
    for (name, what, recipe) in candidates(&clean, languages) {
        let mut quick = Quick::new(recipe, FOLDS, seed);
        quick.features.max_features = 50_000;
        if let Some(found) = accuracy(&quick)? {
            recipes.push(measured(name.to_owned(), what, found));
        }
    }
    if sizes.is_empty() {
        return Ok(None);
    }
    let baseline = counts.iter().max().copied().unwrap_or(0) as f64 / rows.len().max(1) as f64;
    Ok(Some(Choice { rows: rows.len() as u64, sample, folds: FOLDS, baseline, sizes, recipes }))
}

/// The recipes to compare; what only some languages have (lemmas) is left out for others.
fn candidates(clean: &Recipe, languages: &[Language]) -> Vec<(&'static str, &'static str, Recipe)> {
    let with = |of: &dyn Fn(Language) -> Vec<Step>| -> Recipe {
        let mut recipe = clean.clone();
        match &mut recipe.body {
            Body::Steps(steps) => steps.extend(of(languages.first().copied().unwrap_or(Language::En))),
            Body::Auto(auto) => {
                auto.en.extend(of(Language::En));
                auto.fr.extend(of(Language::Fr));
                auto.ar.extend(of(Language::Ar));
            }
        }
        recipe
    };
    let mut all = vec![
        ("raw", "cut at white space, nothing else", Recipe::default()),
        ("clean", "lower case, links, mentions and emoji named, punctuation gone", clean.clone()),
    ];
    if languages.contains(&Language::En) || languages.len() != 1 {
        let lemmas = |language| match language {
            Language::En => vec![Step::Lemmas { pos: LemmaPos::Any }],
            _ => Vec::new(),
        };
        all.push(("lemmas", "clean, then WordNet's lemmas", with(&lemmas)));
    }
    all.push(("stems", "clean, then Snowball stems", with(&|language| vec![Step::Stems { language }])));
    all.push((
        "without stop words",
        "clean, then stop words removed",
        with(&|language| vec![Step::StopWords { language }]),
    ));
    let negation = |language| match language {
        Language::Fr => Vec::new(),
        _ => vec![Step::Negation { language, reach: 2, grammar: false }],
    };
    if languages != [Language::Fr] {
        all.push(("negation", "clean, then words behind a negation marked", with(&negation)));
    }
    all
}
