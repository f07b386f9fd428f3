//! The same data, plan and seed give the same model file; and it was measured on texts that it never saw.
#![allow(clippy::unwrap_used)]

mod feedback;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use feedback::{corpus, example, feedback, rows, shuffled, small};
use sentimeter_corpus::{Corpus, Identities};
use sentimeter_experiment::{ExperimentError, Plan, Prepared, Trained, cross_validate, prepare, train};
use sentimeter_model::calibration::Calibration;
use sentimeter_model::{Digest, FitError, Hooks, Progress, Silent};

fn learn(plan: &Plan, data: &Corpus, test: Option<&Corpus>) -> Trained {
    train(plan, data, test, &mut Silent).unwrap()
}

fn digest(plan: &Plan, data: &Corpus) -> Digest {
    learn(plan, data, None).model.to_bytes().unwrap().1
}

fn threads<T: Send>(n: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap().install(work)
}

/// Feedback and copies of some of it: other labels, no labels, disguises.
fn untidy() -> Corpus {
    let data = feedback();
    let mut all: Vec<(String, Option<String>)> =
        rows(&data).into_iter().map(|(text, label)| (text.to_owned(), label.map(str::to_owned))).collect();
    for i in (0..data.len()).step_by(9) {
        let (text, label) = all[i].clone();
        all.push((format!("@someone {text} http://example.com/{i}"), label.clone()));
        match i % 4 {
            0 => all.push((text.to_uppercase(), Some("neutral".to_owned()))),
            1 => all.push((text, None)),
            2 => all.push((format!("{text} today"), label)),
            _ => all.push((text, label)),
        }
    }
    corpus(all.iter().map(|(text, label)| (text.as_str(), label.as_deref())))
}

/// Plans that reach every source of chance and of order.
fn plans() -> Vec<Plan> {
    vec![
        small(&[]),
        small(&["features.chars=[2, 4]", "features.words=[1, 3]", "features.max_features=700"]),
        small(&["sampling.kind=over", "calibration.kind=none"]),
        small(&["sampling.kind=under"]),
        small(&["sampling.kind=smote"]),
        small(&["split.kind=random", "seed=3", "logistic.class_weight=balanced", "recipe.preset=tweet-en"]),
    ]
}

#[test]
fn threads_do_not_matter() {
    let data = untidy();
    for plan in plans() {
        let one = threads(1, || digest(&plan, &data));
        for n in [2, 4] {
            assert_eq!(threads(n, || digest(&plan, &data)), one, "{n} threads: {plan:?}");
        }
    }
}

#[test]
fn the_order_of_the_rows_does_not_matter() {
    let data = untidy();
    for plan in plans() {
        let want = digest(&plan, &data);
        for seed in 0..3 {
            assert_eq!(digest(&plan, &shuffled(&data, seed)), want, "{plan:?}");
        }
    }
    // Splits by time and by author look at columns that the untidy data lacks.
    for kind in ["split.kind=time", "split.kind=group"] {
        let plan = small(&[kind]);
        assert_eq!(digest(&plan, &shuffled(&feedback(), 1)), digest(&plan, &feedback()), "{kind}");
    }
}

fn test_texts<'a>(prepared: &Prepared, data: &'a Corpus) -> BTreeSet<&'a str> {
    prepared.test.iter().map(|r| data.text(r.row as usize)).collect()
}

#[test]
fn the_seed_decides_the_split_and_nothing_else_does() {
    let data = feedback();
    let with = |set: &[&str]| prepare(&small(set), &data, None).unwrap();
    let first = with(&[]);
    assert_eq!(first.test.len(), 90);
    assert_eq!(first.train.len(), 360);
    assert_eq!(test_texts(&first, &data), test_texts(&with(&["features.words=[1, 1]"]), &data));
    let shared = test_texts(&first, &data).intersection(&test_texts(&with(&["seed=1"]), &data)).count();
    assert!(shared < 45, "{shared} of 90 texts are tested by seed 1 too");
    assert_ne!(digest(&small(&[]), &data), digest(&small(&["seed=1"]), &data));
}

/// Whether some text, whatever its disguise, stands on both sides.
fn leaks(train: (&Corpus, &Prepared), test: &Corpus) -> bool {
    let (data, prepared) = train;
    let (ours, theirs) = (Identities::of(data), Identities::of(test));
    let tested: BTreeSet<u64> = prepared.test.iter().map(|r| theirs.hashes()[r.row as usize]).collect();
    prepared.train.iter().any(|r| tested.contains(&ours.hashes()[r.row as usize]))
}

#[test]
fn no_text_stands_on_both_sides_of_a_split() {
    let data = untidy();
    for set in [&[][..], &["split.kind=random"], &["seed=9", "split.test_share=0.5"]] {
        let prepared = prepare(&small(set), &data, None).unwrap();
        assert!(!leaks((&data, &prepared), &data), "{set:?}");
        assert!(!prepared.test.is_empty() && !prepared.train.is_empty());
    }
}

#[test]
fn texts_of_the_test_file_are_not_learned_from() {
    let (data, other) = (feedback(), example("feedback_test.csv"));
    let disguises = [
        data.text(0).to_uppercase(),
        format!("@kestria {} https://example.com", data.text(1)),
        data.text(2).replace(' ', "   "),
        data.text(3).replace('é', "&eacute;"),
    ];
    let shared = disguises.iter().map(|text| (text.as_str(), Some("positive")));
    let test = corpus(rows(&other).into_iter().chain(shared));
    let found = learn(&small(&[]), &data, Some(&test));
    assert_eq!((found.dropped.in_test, found.rows, found.test_rows), (4, 446, 94));
    assert!(!leaks((&data, &prepare(&small(&[]), &data, Some(&test)).unwrap()), &test));
    let apart = learn(&small(&[]), &data, Some(&other));
    assert_eq!((apart.dropped.in_test, apart.rows, apart.test_rows), (0, 450, 90));

    let strange = corpus([("ça va", Some("meh")), ("fine by me", Some("positive")), ("?", None)]);
    let found = learn(&small(&[]), &data, Some(&strange));
    assert_eq!((found.dropped.unknown_label, found.test_rows), (1, 1));
    let none = corpus([("ça va", Some("meh"))]);
    let error = train(&small(&[]), &data, Some(&none), &mut Silent).unwrap_err().to_string();
    assert!(error.contains("meh") && error.contains("negative"), "{error}");
}

#[test]
fn conflicts_are_voted_on_and_rows_without_label_skipped() {
    let data = feedback();
    // One text outvoted, one tied, and two that nobody labelled.
    let (yes, no) = (Some("positive"), Some("negative"));
    let extra = [
        ("Not one, but three visits", yes),
        ("not one,  but THREE visits", yes),
        ("@you Not one, but three visits", no),
        ("It depends, really", yes),
        ("it depends, really", no),
        ("nobody said", None),
        ("nobody knew", None),
    ];
    let all = corpus(rows(&data).into_iter().chain(extra));
    let found = learn(&small(&[]), &all, None);
    assert_eq!((found.dropped.relabelled, found.dropped.ties, found.dropped.unlabelled), (1, 2, 2));
    assert_eq!(found.rows + found.test_rows, data.len() + 3);
    let prepared = prepare(&small(&[]), &all, None).unwrap();
    let positive = prepared.labels.iter().position(|l| l == "positive").unwrap();
    for row in prepared.train.iter().chain(&prepared.test) {
        if all.text(row.row as usize).contains("visits") {
            assert_eq!(usize::from(row.class), positive);
        }
    }
}

#[test]
fn every_way_with_imbalance_learns() {
    // A quarter of one class, an eighth of another.
    let data = feedback();
    let kept = rows(&data).into_iter().enumerate().filter(|(i, (_, label))| match label {
        Some("positive") => i % 4 == 0,
        Some("neutral") => i % 8 == 0,
        _ => true,
    });
    let data = corpus(kept.map(|(_, row)| row));
    let test = example("feedback_test.csv");
    let rare = |found: &Trained| {
        let probs = found.model.predict_all(test.len(), |i| test.text(i));
        assert!(probs.values().iter().all(|p| p.is_finite()));
        (0..probs.len()).filter(|&i| probs.top(i).0 != 0).count()
    };
    let plain = rare(&learn(&small(&[]), &data, Some(&test)));
    for set in [
        "sampling.kind=over",
        "sampling.kind=under",
        "sampling.kind=smote",
        "logistic.class_weight=balanced",
        "logistic.class_weight={ neutral = 4.0, positive = 2.0 }",
    ] {
        let found = learn(&small(&[set]), &data, Some(&test));
        assert!(found.converged, "{set}");
        let more = rare(&found);
        assert!(more > plain, "{set}: rare classes are answered {more} times, {plain} times without it");
    }
    let error =
        train(&small(&["logistic.class_weight={ meh = 2.0 }"]), &data, None, &mut Silent).unwrap_err();
    assert!(error.to_string().contains("logistic.class_weight") && error.to_string().contains("meh"));
}

#[test]
fn calibration_changes_how_sure_a_model_is_and_no_decision() {
    let (data, test) = (feedback(), example("feedback_test.csv"));
    let calibrated = learn(&small(&[]), &data, Some(&test));
    let plain = learn(&small(&["calibration.kind=none"]), &data, Some(&test));
    assert_eq!(plain.model.card().calibration, Calibration::None);
    let Calibration::Temperature { temperature } = calibrated.model.card().calibration else {
        panic!("450 rows are enough for a temperature");
    };
    assert!((0.05..20.0).contains(&temperature) && temperature != 1.0, "{temperature}");
    let answers = |found: &Trained| found.model.predict_all(test.len(), |i| test.text(i));
    let (a, b) = (answers(&calibrated), answers(&plain));
    assert_ne!(a, b);
    // Both fits end within the tolerance of one optimum, so only a close call could differ.
    let close = |i: usize| {
        let mut row = b.row(i).to_vec();
        row.sort_by(f32::total_cmp);
        row[row.len() - 1] - row[row.len() - 2] < 1e-3
    };
    assert!((0..test.len()).all(|i| a.top(i).0 == b.top(i).0 || close(i)));
}

#[test]
fn what_cannot_be_learned_from_is_named() {
    let learn =
        |data: &Corpus, set: &[&str]| train(&small(set), data, None, &mut Silent).unwrap_err().to_string();
    assert!(learn(&Corpus::new(), &[]).contains("fewer than two labels"));
    let one = corpus([("good", Some("positive")), ("fine", Some("positive")), ("?", None)]);
    assert!(learn(&one, &[]).contains("fewer than two labels (positive)"));
    let empty = corpus([("  ", Some("a")), ("", Some("b")), ("@x", Some("a")), ("http://a.b", Some("b"))]);
    let error = learn(&empty, &[]);
    assert!(error.contains("no feature is left of 0"), "{error}");
    let error = learn(&feedback(), &["features.min_df=400"]);
    assert!(error.contains("min_df = 400"), "{error}");
    let error = learn(&untidy(), &["split.kind=time"]);
    assert!(error.contains("time"), "{error}");
    let error = learn(&untidy(), &["split.kind=group"]);
    assert!(error.contains("author"), "{error}");
}

#[test]
fn a_label_of_dropped_rows_alone_is_no_class() {
    let data = feedback();
    let tie = [("so so, la la", Some("angry")), ("so so, la la", Some("positive"))];
    let found = learn(&small(&[]), &corpus(rows(&data).into_iter().chain(tie)), None);
    assert_eq!(found.model.card().labels, ["negative", "neutral", "positive"]);
    assert_eq!(found.dropped.ties, 2);
    assert!(found.notes.iter().any(|note| note.contains("\"angry\" is left out")), "{:?}", found.notes);
    let one = corpus([("so so", Some("a")), ("so so", Some("b")), ("fine", Some("b")), ("good", Some("b"))]);
    let error = train(&small(&[]), &one, None, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("1 class (b)") && error.contains("2 rows were dropped"), "{error}");
}

#[test]
fn the_only_text_of_a_class_is_learned_from_and_said_not_to_be_measured() {
    let data = corpus(rows(&feedback()).into_iter().chain([("where is my parcel", Some("question"))]));
    let found = learn(&small(&[]), &data, None);
    assert!(found.model.card().labels.iter().any(|label| label == "question"));
    assert!(
        found.notes.iter().any(|note| note.contains("\"question\" is not measured")),
        "{:?}",
        found.notes
    );
}

#[test]
fn a_test_file_that_is_the_data_is_named_as_the_cause() {
    let data = feedback();
    let error = train(&small(&[]), &data, Some(&data), &mut Silent).unwrap_err().to_string();
    assert!(error.contains("all 450 labelled rows of the data stand in the test file too"), "{error}");
    let none = corpus([("no label here", None)]);
    let error = train(&small(&[]), &data, Some(&none), &mut Silent).unwrap_err().to_string();
    assert!(error.contains("the test file has none"), "{error}");
}

#[test]
fn cross_validation_does_not_need_the_split() {
    // No row has a time, and a split by time would be refused.
    let data = untidy();
    assert!(train(&small(&["split.kind=time"]), &data, None, &mut Silent).is_err());
    let found = cross_validate(&small(&["split.kind=time"]), &data, 3, &mut Silent).unwrap();
    assert_eq!(found, cross_validate(&small(&[]), &data, 3, &mut Silent).unwrap());
}

/// A handful of rows is too little for some splits and folds: they are refused in words, or do without.
#[test]
fn tiny_data_is_learned_from_or_refused() {
    let words = ["good", "bad", "late", "fine", "broken", "kind", "slow", "warm", "lost", "quick"];
    for rows in 2..=words.len() {
        for rare in 1..rows {
            let label = |i| if i < rare { "a" } else { "b" };
            let data = corpus((0..rows).map(|i| (words[i], Some(label(i)))));
            for set in
                [&[][..], &["sampling.kind=smote"], &["sampling.kind=over"], &["features.chars=[2, 3]"]]
            {
                // Whatever comes back, it is no panic.
                if let Err(error) = train(&small(set), &data, None, &mut Silent) {
                    assert!(!error.to_string().is_empty());
                }
                let _ = cross_validate(&small(set), &data, 3, &mut Silent);
            }
        }
    }
}

/// One row of a class is enough to learn from, though no fold can then do without it.
#[test]
fn a_class_of_one_row_does_not_stop_calibration() {
    let data = feedback();
    let negative = rows(&data).into_iter().filter(|row| row.1 == Some("negative"));
    let data = corpus(negative.chain([("Wonderful!", Some("positive"))]));
    let test = corpus([("Wonderful!!! :-)", Some("positive")), ("broken", Some("negative"))]);
    let found = train(&small(&[]), &data, Some(&corpus([("so slow", Some("negative"))])), &mut Silent);
    assert!(found.is_ok(), "{}", found.unwrap_err());
    // The one row is in the test file too: now one class is left.
    let error = train(&small(&[]), &data, Some(&test), &mut Silent).unwrap_err().to_string();
    assert!(error.contains("1 class"), "{error}");
}

/// Stops at the first word of the optimiser.
struct Stop;

impl Hooks for Stop {
    fn progress(&mut self, progress: &Progress) -> ControlFlow<()> {
        if progress.stage == "fit" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[test]
fn work_that_is_stopped_leaves_nothing() {
    let stopped = train(&small(&[]), &feedback(), None, &mut Stop);
    assert!(matches!(stopped, Err(ExperimentError::Fit(FitError::Interrupted { .. }))));
}

#[test]
fn folds_differ_and_do_not_depend_on_order_or_threads() {
    let data = untidy();
    let plan = small(&[]);
    let found = cross_validate(&plan, &data, 4, &mut Silent).unwrap();
    assert_eq!(found.folds.len(), 4);
    assert!(found.folds.iter().any(|fold| fold.accuracy != found.folds[0].accuracy));
    assert!(found.accuracy_deviation > 0.0 && (0.3..1.0).contains(&found.accuracy), "{found:?}");
    let labelled = prepare(&plan, &data, None).unwrap();
    assert_eq!(found.rows, labelled.train.len() + labelled.test.len(), "every row is measured once");
    let mut again = threads(3, || cross_validate(&plan, &shuffled(&data, 2), 4, &mut Silent).unwrap());
    // Its rows have other numbers in a shuffled file, and stand in the same order with the same answers.
    for (one, other) in again.table.iter_mut().zip(&found.table) {
        one.row = other.row;
    }
    assert_eq!(again, found);
    assert!(found.table.iter().all(|row| row.fold < 4 && row.answer.len() == found.folds[0].labels.len()));
    let other = cross_validate(&small(&["seed=8"]), &data, 4, &mut Silent).unwrap();
    assert_ne!(other, found);
    assert!(cross_validate(&plan, &data, 1, &mut Silent).unwrap_err().to_string().contains("1 folds"));
    let few = corpus([("good", Some("a")), ("bad", Some("b")), ("worse", Some("b"))]);
    assert!(cross_validate(&plan, &few, 50, &mut Silent).is_err());
}
