//! Several data sets learned from as one.
#![allow(clippy::unwrap_used)]

mod feedback;

use feedback::{corpus, feedback, rows, small};
use sentimeter_corpus::Corpus;
use sentimeter_experiment::{Mix, Plan, Source, cross_validate_mixed, train, train_mixed};
use sentimeter_model::Silent;

fn source(name: &str, more: &str) -> Source {
    let text = format!("[[sources]]\nname = {name:?}\ndata = {name:?}\n{more}");
    Plan::from_toml(&text, &[]).unwrap().sources.remove(0)
}

/// The example corpus in two halves: one with all its labels, one without its neutral texts.
fn halves() -> (Corpus, Corpus) {
    let all = feedback();
    let (even, odd): (Vec<u32>, Vec<u32>) = (0..all.len() as u32).partition(|row| row % 2 == 0);
    let odd = all.select(&odd);
    let binary = corpus(rows(&odd).into_iter().filter(|row| row.1 != Some("neutral")));
    (all.select(&even), binary)
}

fn mixed(plan: &Plan, parts: &[(&Source, &Corpus)]) -> Mix {
    let mut mix = Mix::new(plan.mix);
    parts.iter().for_each(|(source, corpus)| mix.push(source, corpus).unwrap());
    mix
}

/// Mean probability of neutral over texts of the set without it.
fn neutral(plan: &Plan) -> f64 {
    let (three, two) = halves();
    let mix = mixed(plan, &[(&source("three", ""), &three), (&source("two", ""), &two)]);
    let trained = train_mixed(plan, &mix, Some(&feedback_tests()), &mut Silent).unwrap();
    let probs = trained.model.predict_all(two.len(), |i| two.text(i));
    (0..two.len()).map(|i| f64::from(probs.row(i)[1])).sum::<f64>() / two.len() as f64
}

fn feedback_tests() -> Corpus {
    corpus([
        ("nobody answered and the parcel is lost", Some("negative")),
        ("the parcel came on tuesday", Some("neutral")),
        ("what a wonderful shop, thank you", Some("positive")),
    ])
}

#[test]
fn a_set_without_neutral_does_not_teach_that_there_is_none() {
    let (mask, plain) = (neutral(&small(&["mix.partial=mask"])), neutral(&small(&["mix.partial=plain"])));
    assert!(mask > plain + 0.02, "masked {mask}, plain {plain}");
}

#[test]
fn a_label_that_is_rare_in_a_source_counts_as_much_as_the_others_of_it() {
    let all = feedback();
    let mut seen = 0;
    let few = corpus(rows(&all).into_iter().filter(|row| {
        seen += usize::from(row.1 == Some("neutral"));
        row.1 != Some("neutral") || seen % 4 == 0
    }));
    let mean = |set: &[&str]| {
        let plan = small(set);
        let mix = mixed(&plan, &[(&source("few", ""), &few)]);
        let trained = train_mixed(&plan, &mix, Some(&feedback_tests()), &mut Silent).unwrap();
        let probs = trained.model.predict_all(all.len(), |i| all.text(i));
        (0..all.len()).map(|i| f64::from(probs.row(i)[1])).sum::<f64>() / all.len() as f64
    };
    let (even, plain) = (mean(&["mix.classes=source"]), mean(&[]));
    assert!(even > plain + 0.02, "even {even}, plain {plain}");
}

#[test]
fn each_data_set_of_the_test_is_measured_on_its_own() {
    let plan = small(&[]);
    let data = feedback();
    let mut mix = mixed(&plan, &[(&source("all", ""), &data)]);
    mix.push_test("one", 1);
    mix.push_test("none", 1);
    mix.push_test("two", 3);
    let trained = train_mixed(&plan, &mix, Some(&feedback_tests()), &mut Silent).unwrap();
    let parts: Vec<(&str, usize)> = trained.tests.iter().map(|part| (&*part.name, part.rows)).collect();
    assert_eq!(parts, [("one", 1), ("two", 2)]);
    let right: f64 = trained.tests.iter().map(|part| part.accuracy * part.rows as f64).sum();
    assert!((right / 3.0 - trained.metrics.accuracy).abs() < 1e-12);
    assert_eq!(trained.model.card().metrics["tests"].as_array().unwrap().len(), 2);
}

#[test]
fn one_source_with_all_labels_and_weight_one_is_as_if_it_were_the_data() {
    let plan = small(&[]);
    let data = feedback();
    let mix = mixed(&plan, &[(&source("all", ""), &data)]);
    let one = train_mixed(&plan, &mix, None, &mut Silent).unwrap();
    let same = train(&plan, &data, None, &mut Silent).unwrap();
    assert_eq!(one.model.to_bytes().unwrap().0, same.model.to_bytes().unwrap().0);
    assert_eq!(one.sources.iter().map(|s| s.learned).sum::<usize>(), same.rows);
}

#[test]
fn a_heavier_source_is_answered_more_surely() {
    let plan = small(&["calibration.kind=none", "logistic.tolerance=1e-9", "features.min_df=1"]);
    let (three, two) = halves();
    let test = feedback_tests();
    let weighed = mixed(&plan, &[(&source("a", ""), &three), (&source("b", "weight = 2.0"), &two)]);
    let once = mixed(&plan, &[(&source("a", ""), &three), (&source("b", ""), &two)]);
    let probs = |mix: &Mix| {
        let model = train_mixed(&plan, mix, Some(&test), &mut Silent).unwrap().model;
        model.predict_all(two.len(), |i| two.text(i))
    };
    let (weighed, once) = (probs(&weighed), probs(&once));
    let sure = |probs: &sentimeter_model::Probs| {
        (0..two.len()).map(|i| f64::from(probs.row(i)[usize::from(two.label(i).unwrap()) * 2])).sum::<f64>()
    };
    assert!(sure(&weighed) > sure(&once) + 0.1, "{} {}", sure(&weighed), sure(&once));
}

#[test]
fn folds_measure_the_scored_source_alone_and_texts_of_tests_are_not_learned() {
    let plan = small(&[]);
    let (three, two) = halves();
    let (scored, other) = (source("three", "scored = true"), source("two", ""));
    let mix = mixed(&plan, &[(&scored, &three), (&other, &two)]);
    let found = cross_validate_mixed(&plan, &mix, None, 3, &mut Silent).unwrap();
    assert_eq!(found.rows, three.len());
    // A test set that holds half of the data: none of it is learned from.
    let trained = train_mixed(&plan, &mix, Some(&two), &mut Silent).unwrap();
    let [a, b] = &trained.sources[..] else { panic!("{:?}", trained.sources) };
    assert_eq!((a.name.as_str(), b.name.as_str(), b.learned), ("three", "two", 0));
    assert!(a.learned > 0 && trained.dropped.in_test >= two.len());
}

#[test]
fn a_source_that_cannot_be_is_refused_with_its_name() {
    for (text, wanted) in [
        ("[[sources]]\nname = \"a\"", "names no data"),
        ("[[sources]]\nname = \"a\"\ndata = \"x\"\nfiles = [\"y\"]", "both"),
        ("[[sources]]\nname = \"a\"\ndata = \"x\"\nweight = 0", "weight is 0"),
        ("[[sources]]\nname = \"a\"\nfiles = [\"x\"]\nread = { forman = \"csv\" }", "forman"),
        ("[[sources]]\nname = \"a\"\ndata = \"x\"\nread = { text = \"1\" }", "imported"),
        ("[sampling]\nkind = \"over\"\n[[sources]]\nname = \"a\"\ndata = \"x\"", "sampling"),
    ] {
        let error = Plan::from_toml(text, &[]).unwrap_err().to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}
