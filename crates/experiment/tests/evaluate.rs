//! A model is measured on the rows whose label it knows, and says what it left out.
#![allow(clippy::unwrap_used)]

mod feedback;

use feedback::{corpus, example, feedback, rows, shuffled, small};
use sentimeter_corpus::Corpus;
use sentimeter_experiment::{ExperimentError, Latency, evaluate, latency, train};
use sentimeter_model::{Model, Silent};

fn model() -> Model {
    train(&small(&[]), &feedback(), None, &mut Silent).unwrap().model
}

#[test]
fn training_and_evaluating_measure_the_same() {
    let test = example("feedback_test.csv");
    let trained = train(&small(&[]), &feedback(), Some(&test), &mut Silent).unwrap();
    let found = evaluate(&trained.model, &test, 0).unwrap();
    assert_eq!(found.metrics.accuracy, trained.metrics.accuracy);
    assert_eq!(found.metrics.macro_f1, trained.metrics.macro_f1);
    assert_eq!(trained.model.card().metrics, serde_json::to_value(&trained.metrics).unwrap());
    let rows: Vec<usize> = found.languages.values().map(|slice| slice.rows).collect();
    assert_eq!(found.languages.keys().collect::<Vec<_>>(), ["ar", "en", "fr"]);
    assert_eq!(rows, [30, 30, 30]);
    assert_eq!(found.channels.values().map(|slice| slice.rows).sum::<usize>(), 90);
    let weighed: f64 = found.languages.values().map(|s| s.accuracy * s.rows as f64).sum();
    assert!((weighed / 90.0 - found.metrics.accuracy).abs() < 1e-9);
    let other = evaluate(&trained.model, &shuffled(&test, 3), 0).unwrap();
    assert_eq!((other.metrics.accuracy, other.languages), (found.metrics.accuracy, found.languages));
    assert!(found.latency_us.p50 > 0.0 && found.latency_us.p50 <= found.latency_us.p99);
    assert!(found.texts_per_second > 0.0);
}

#[test]
fn what_a_model_was_made_of_is_known_again() {
    let model = model();
    let learned_from = |corpus: &Corpus| evaluate(&model, corpus, 0).unwrap().learned_from;
    assert!(learned_from(&feedback()), "the same rows");
    assert!(learned_from(&shuffled(&feedback(), 5)), "in another order");
    assert!(!learned_from(&example("feedback_test.csv")), "others");
    let all = feedback();
    assert!(!learned_from(&corpus(rows(&all).into_iter().skip(1))), "all but one");
}

#[test]
fn labels_are_matched_by_name() {
    let test = example("feedback_test.csv");
    // Other classes come first here, so that numbers alone would be wrong.
    let extra = [("mixed feelings", Some("aa-mixed")), ("both", Some("aa-mixed")), ("none", None)];
    let more = corpus(rows(&test).into_iter().chain(extra));
    let model = model();
    let found = evaluate(&model, &more, 0).unwrap();
    assert_eq!(found.metrics.accuracy, evaluate(&model, &test, 0).unwrap().metrics.accuracy);
    assert_eq!(found.unknown_labels.into_iter().collect::<Vec<_>>(), [("aa-mixed".to_owned(), 2)]);
    assert_eq!(found.unlabelled, 1);
}

#[test]
fn nothing_to_measure_on_is_an_error_with_both_sets_of_labels() {
    let model = model();
    let error = evaluate(&model, &corpus([("x", Some("1")), ("y", None)]), 0).unwrap_err();
    assert!(matches!(error, ExperimentError::Data { .. }));
    let error = error.to_string();
    assert!(error.contains("the data has 1, the model negative, neutral, positive"), "{error}");
    assert_eq!(latency(&model, 0, |_| "never called"), Latency::default());
}
