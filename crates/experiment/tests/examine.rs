//! A report says the same of the same rows, whatever their order and the number of threads.
#![allow(clippy::unwrap_used)]

mod feedback;

use feedback::{corpus, example, feedback, shuffled, small};
use sentimeter_corpus::Corpus;
use sentimeter_experiment::examine::{Examination, Subject, examine, page};
use sentimeter_experiment::{evaluate, learning_curve, train};
use sentimeter_model::{Model, Silent};

fn model() -> Model {
    train(&small(&[]), &feedback(), None, &mut Silent).unwrap().model
}

fn look(model: &Model, corpus: &Corpus) -> Examination {
    let found = evaluate(model, corpus, 0).unwrap();
    examine(&Subject {
        model,
        name: "sentiment",
        digest: "0123456789abcdef",
        data: "feedback",
        corpus,
        answers: &found.answers,
        metrics: &found.metrics,
        notes: &[],
        learning_curve: None,
    })
}

#[test]
fn neither_order_nor_threads_change_a_page() {
    let (model, test) = (model(), example("feedback_test.csv"));
    let html = page(&look(&model, &test), None).html();
    let one_thread = rayon_of_one(|| page(&look(&model, &shuffled(&test, 5)), None).html());
    assert!(html == one_thread);
}

fn rayon_of_one<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(work)
}

#[test]
fn what_tokens_add_decides_the_texts_that_are_shown() {
    let (model, test) = (model(), example("feedback_test.csv"));
    let found = look(&model, &test);
    assert!(!found.mistakes.is_empty() && !found.unsure.is_empty());
    assert!(found.mistakes.windows(2).all(|pair| pair[0].confidence >= pair[1].confidence));
    for text in &found.mistakes {
        assert_ne!(text.answer, text.truth);
        assert_eq!(text.against, text.truth);
        assert!(text.confidence >= text.truth_probability);
        let shown: String = text.pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(text.shortened, shown != test.text(text.row as usize));
    }
    let tinted = found.mistakes.iter().flat_map(|text| &text.pieces).any(|piece| piece.weight != 0.0);
    assert!(tinted);
}

#[test]
fn degenerate_rows_are_drawn_too() {
    let model = model();
    let long = "very ".repeat(2_000);
    let cases: [&[(&str, Option<&str>)]; 4] = [
        &[("", Some("positive"))],
        &[("good", Some("negative")), ("good", Some("negative"))],
        &[(&long, Some("neutral")), ("\u{0}\u{202e}", Some("positive"))],
        &[("a", Some("negative")), ("b", Some("neutral")), ("c", Some("positive"))],
    ];
    for rows in cases {
        let found = look(&model, &corpus(rows.iter().copied()));
        assert!(page(&found, Some("numbers.json")).html().contains("numbers.json"));
        assert!(serde_json::to_string(&found).unwrap().contains("abstaining"));
    }
}

#[test]
fn shares_of_the_data_grow_and_are_measured_alike() {
    let (plan, data) = (small(&[]), feedback());
    let curve = learning_curve(&plan, &data, None, &mut Silent).unwrap();
    let trained = train(&plan, &data, None, &mut Silent).unwrap();
    assert_eq!(curve.test_rows, trained.test_rows);
    let last = curve.points.last().unwrap();
    assert_eq!(last.rows, trained.rows);
    // Another start of the optimiser: a text on the border may fall to the other side.
    assert!((last.accuracy - trained.metrics.accuracy).abs() <= 2.0 / trained.test_rows as f64);
    assert_eq!(curve, learning_curve(&plan, &shuffled(&data, 1), None, &mut Silent).unwrap());
}
