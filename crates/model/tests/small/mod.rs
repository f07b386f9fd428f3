//! Models small enough to take apart, trained on `goldens/texts.tsv`.
#![allow(dead_code)] // each test program uses its own part of this

use sentimeter_model::calibration::Calibration;
use sentimeter_model::features::{Counts, Settings, Sparse, Tfidf, Tokens, Vectorizer};
use sentimeter_model::logistic::{self, Logistic, Solution};
use sentimeter_model::{Body, Card, Fit, Lineage, Linear, Model, Silent, Targets, Training};
use sentimeter_text::{Body as Steps, Recipe, Step};

/// Texts and their classes, each below `labels.len()`.
pub(crate) struct Texts {
    pub(crate) labels: Vec<String>,
    pub(crate) texts: Vec<String>,
    pub(crate) truth: Vec<u16>,
}

/// The first `rows` texts that have one of `labels`.
pub(crate) fn texts(labels: &[&str], rows: usize) -> Texts {
    let path = format!("{}/tests/goldens/texts.tsv", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read_to_string(path).unwrap();
    let (truth, texts) = file
        .lines()
        .filter_map(|line| {
            let (label, text) = line.split_once('\t')?;
            let class = labels.iter().position(|&l| l == label)?;
            Some((class as u16, text.to_owned()))
        })
        .take(rows)
        .unzip();
    Texts { labels: labels.iter().map(|&l| l.to_owned()).collect(), texts, truth }
}

/// What was learned, and what serving keeps of it.
pub(crate) struct Trained {
    pub(crate) model: Model,
    pub(crate) solution: Solution,
    /// The TF-IDF rows of the training texts.
    pub(crate) rows: Sparse,
}

/// Lower case and words.
pub(crate) fn recipe() -> Recipe {
    let steps = vec![Step::Lowercase {}, Step::Words { signs: "!?.".to_owned() }];
    Recipe { name: None, body: Steps::Steps(steps) }
}

/// Learns from all of `texts`.
pub(crate) fn train(texts: &Texts, recipe: Recipe, settings: &Settings, calibration: Calibration) -> Trained {
    let analyzer = recipe.compile().unwrap();
    let tokens = Tokens::read(&analyzer, texts.texts.len(), |i| &texts.texts[i], &mut Silent).unwrap();
    let counts = Counts::new(tokens, settings).unwrap();
    let all: Vec<u32> = (0..texts.texts.len() as u32).collect();
    let (tfidf, rows) = Tfidf::fit(&counts, &all, settings).unwrap();
    let (targets, classes) = (Targets::Hard(&texts.truth), texts.labels.len());
    let training = Training { rows: &rows, targets, classes, weights: None };
    let settings = logistic::Settings { c: 3.0, ..logistic::Settings::default() };
    let solution = Logistic::try_from(&settings).unwrap().fit(&training, &mut Silent).unwrap();
    let card = Card {
        recipe,
        labels: texts.labels.clone(),
        languages: Vec::new(),
        plan: serde_json::json!({"seed": 7}),
        calibration,
        metrics: serde_json::json!({"accuracy": 0.1 + 0.2}),
        lineage: Lineage { seed: u64::MAX, ..Lineage::default() },
    };
    let body = Body::Linear(Linear::new(Vectorizer::new(&counts, &tfidf), &solution));
    Trained { model: Model::new(card, body).unwrap(), solution, rows }
}

/// The labels of the texts.
pub(crate) const THREE: [&str; 3] = ["negative", "neutral", "positive"];
