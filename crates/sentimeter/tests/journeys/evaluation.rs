//! The report on a model: after training, and on request.

use serde_json::Value;

use crate::desk::{Desk, example};

/// Figures of every report on a model of several classes.
const FIGURES: [&str; 7] =
    ["confusion", "coverage", "parts", "precision-recall", "reliability", "roc", "scores"];

/// The figures in `folder`, each as picture and as drawing.
#[track_caller]
fn has_figures(desk: &Desk, folder: &str, names: &[&str]) {
    let mut wanted: Vec<String> =
        names.iter().flat_map(|name| [format!("{name}.png"), format!("{name}.svg")]).collect();
    wanted.sort();
    assert_eq!(desk.names(&format!("{folder}/figures")), wanted);
}

#[test]
fn training_leaves_a_report_and_says_where() {
    let desk = Desk::new();
    let trained = desk.train(&["--data", &example("feedback.csv"), "--json"]).ok();
    trained.tells(&["report: home/reports/train-sentiment/index.html"]);
    let answer = trained.json();
    assert_eq!(answer["page"], "home/reports/train-sentiment/index.html");
    let page = desk.text("home/reports/train-sentiment/index.html");
    for part in ["the part of feedback.csv that was kept out", answer["digest"].as_str().unwrap()] {
        assert!(page.contains(part), "{part}");
    }
    has_figures(&desk, "home/reports/train-sentiment", &FIGURES);
    assert!(page.len() < 3_000_000, "{}", page.len());

    desk.train(&["--data", &example("feedback.csv"), "--out", "m.safetensors", "--no-report", "-q"]).ok();
    assert_eq!(desk.names("home/reports"), ["train-sentiment"], "no second report");
}

#[test]
fn the_page_shows_the_numbers_that_machines_get() {
    let desk = Desk::with_model();
    let data = example("feedback_test.csv");
    let measured = desk.run(&["evaluate", "--data", &data, "--report", "out", "--json"]).ok();
    measured.tells(&["report: out/index.html"]);
    let answer = measured.json();
    assert_eq!(answer["page"], "out/index.html");
    let report = &answer["report"];
    let numbers: Value = serde_json::from_str(&desk.text("out/numbers.json")).unwrap();
    assert_eq!(numbers, *report, "the file beside the page holds the same");
    assert_eq!(report["metrics"]["accuracy"], answer["accuracy"]);
    assert_eq!(report["model"]["digest"], answer["model"]["digest"]);
    has_figures(&desk, "out", &FIGURES);

    let page = desk.text("out/index.html");
    let percent = |share: &Value| format!("{:.1}\u{a0}%", share.as_f64().unwrap() * 100.0);
    assert!(page.contains(&percent(&answer["accuracy"])), "accuracy");
    let confusion: Vec<Vec<u64>> = serde_json::from_value(answer["confusion"].clone()).unwrap();
    for cell in confusion.concat() {
        assert!(page.contains(&format!(">{cell}</text>")), "{cell} rows in a cell of the matrix");
    }
    for class in ["negative", "neutral", "positive"] {
        let f1 = answer["classes"][class]["f1"].as_f64().unwrap();
        assert!(page.contains(&format!("{f1:.3}")), "F1 of {class}");
    }
    for threshold in report["abstaining"]["thresholds"].as_array().unwrap() {
        assert!(page.contains(&percent(&threshold["coverage"])), "{threshold}");
    }
    let parts: u64 = report["cells"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|cell| cell["group"] == "language")
        .map(|cell| cell["rows"].as_u64().unwrap())
        .sum();
    assert_eq!(parts, 90, "every row has a language");
    let wrong = 90 - (0..3).map(|i| confusion[i][i]).sum::<u64>();
    assert_eq!(report["mistakes"].as_array().unwrap().len() as u64, wrong.min(20));
    for text in report["mistakes"].as_array().unwrap() {
        assert_ne!(text["label"], text["answer"], "{text}");
    }
}

#[test]
fn reports_go_to_the_home_when_no_folder_is_named() {
    let desk = Desk::with_model();
    let data = example("feedback_test.csv");
    desk.run(&["evaluate", "--report", "--data", &data]).ok().prints(&["accuracy"]);
    assert!(desk.names("home/reports/evaluate-sentiment").contains(&"index.html".to_owned()));
    let without = desk.run(&["evaluate", "--data", &data, "--json"]).ok().json();
    assert!(without["page"].is_null() && without["report"]["curves"].is_array(), "numbers without a page");
}

#[test]
fn more_texts_are_tried_when_asked() {
    let desk = Desk::new();
    let trained = desk.train(&["--data", &example("feedback.csv"), "--learning-curve", "--json"]).ok().json();
    let points = trained["learning_curve"]["points"].as_array().unwrap();
    let rows: Vec<u64> = points.iter().map(|point| point["rows"].as_u64().unwrap()).collect();
    assert!(rows.windows(2).all(|pair| pair[0] < pair[1]), "{rows:?}");
    assert_eq!(rows.last().copied(), trained["rows"].as_u64());
    assert_eq!(trained["learning_curve"]["test_rows"], trained["test_rows"]);
    let figures = [&FIGURES[..], &["learning-curve"]].concat();
    has_figures(&desk, "home/reports/train-sentiment", &figures);
}

#[test]
fn texts_and_labels_never_become_markup() {
    let desk = Desk::new();
    let mut data = "text,label\n".to_owned();
    for i in 0..60 {
        data.push_str(&format!("\"<script>alert({i})</script> good <img src=x onerror=go()>\",<b>yes</b>\n"));
        data.push_str(&format!("bad \u{202e}evil\u{7} </td></table> & row {i},\"no\"\"><i>\"\n"));
        // The same words with the other label: mistakes that are surely shown.
        data.push_str(&format!("<script>alert({i})</script> good fellow,\"no\"\"><i>\"\n"));
    }
    desk.put("data.csv", data);
    desk.train(&["--data", "data.csv", "--report", "out", "-q"]).ok();
    let page = desk.text("out/index.html");
    assert!(page.contains("alert("), "such texts are shown");
    for hostile in ["<script>alert", "<img", "<b>yes", "\"><i>", "</td></table> &", "\u{7}"] {
        assert!(!page.contains(hostile), "{hostile}");
    }
}

#[test]
fn a_report_in_the_way_of_nothing() {
    let desk = Desk::new();
    desk.put("taken", "a file");
    let data = example("feedback.csv");
    // Asked for, and known to fail: said before anything is learned.
    let refused = desk.train(&["--data", &data, "--report", "taken"]).ends(1);
    refused.tells(&["cannot make the report's folder taken"]);
    assert_eq!(desk.names("home/models"), [""; 0]);
    // Not asked for: the model is what counts.
    desk.put("home/reports", "a file where reports would be");
    let trained = desk.train(&["--data", &data, "--out", "m.safetensors"]).ok();
    trained.tells(&["--no-report"]);
    assert!(desk.names(".").contains(&"m.safetensors".to_owned()));
}
