//! Texts in, answers out: lines, files of every kind, pipes.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::desk::{Desk, example, rows};

const ADDED: [&str; 5] =
    ["sentiment", "confidence", "probability_negative", "probability_neutral", "probability_positive"];

/// Fields with everything that a table has to quote.
const CSV: &str = "ticket,text,note\n\
                   7,\"Thank you, lovely people!\",\"two\nlines\"\n\
                   8,\"\"\"Terrible\"\" service, refund me\",\n\
                   9,où est ma facture ?,😀\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// The columns `names` of a CSV text.
fn columns(csv: &str, names: &[&str]) -> Vec<Vec<String>> {
    let rows = rows(csv);
    let at: Vec<usize> =
        names.iter().map(|name| rows[0].iter().position(|head| head == name).unwrap()).collect();
    rows[1..].iter().map(|row| at.iter().map(|&at| row[at].clone()).collect()).collect()
}

#[test]
fn lines_of_standard_input_become_csv() {
    let desk = Desk::with_model();
    let scored = desk.run_on("merci, parfait !\n\"quoted\", and more\n".as_bytes(), &["predict"]).ok();
    let found = rows(&scored.out);
    assert_eq!(found[0], [&["text"], &ADDED[..]].concat());
    assert_eq!((&found[1][0][..], &found[2][0][..]), ("merci, parfait !", "\"quoted\", and more"));
    assert_eq!(found.len(), 3);
    scored.tells(&["2 rows scored"]);
}

#[test]
fn a_text_gets_the_same_answer_on_every_way_in() {
    let desk = Desk::with_model();
    let texts: Vec<String> = columns(CSV, &["text"]).concat();
    let asked = desk.run(&["predict", "--json", &texts[0], &texts[1], &texts[2]]).ok().json();
    let expected: Vec<Vec<String>> = asked["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| vec![p["sentiment"].as_str().unwrap().to_owned()])
        .collect();

    desk.put("in.csv", CSV);
    desk.put("in.csv.gz", gzip(CSV.as_bytes()));
    for output in ["two.parquet", "three.jsonl", "four.tsv"] {
        desk.run(&["predict", "--input", "in.csv", "--output", output]).ok();
    }
    let ways: [&[&str]; 5] = [
        &["--input", "in.csv"],
        &["--input", "in.csv.gz"],
        &["--input", "two.parquet", "--output-format", "csv"],
        &["--input", "three.jsonl", "--output-format", "csv"],
        &["--input", "four.tsv", "--quote", "on", "--output-format", "csv"],
    ];
    for way in ways {
        let scored = desk.run(&[&["predict"], way].concat()).ok();
        assert_eq!(columns(&scored.out, &["sentiment"]), expected, "{scored}");
        // The input's own columns, as they were.
        let own = ["ticket", "text", "note"];
        assert_eq!(columns(&scored.out, &own), columns(CSV, &own), "{scored}");
    }
    let scored = desk.run_on(CSV.as_bytes(), &["predict", "--input", "-", "--format", "csv"]).ok();
    assert_eq!(columns(&scored.out, &["sentiment"]), expected);
}

#[test]
fn what_is_scored_again_keeps_the_first_answer_beside_the_second() {
    let desk = Desk::with_model();
    desk.put("in.csv", CSV);
    desk.run(&["predict", "--input", "in.csv", "--output", "once.parquet"]).ok();
    desk.run(&["predict", "--input", "once.parquet", "--output", "twice.parquet"]).ok();
    let read = desk.run(&["predict", "--input", "twice.parquet", "--output-format", "csv"]).ok();
    let first = columns(&read.out, &["sentiment"]);
    assert_eq!(columns(&read.out, &["predicted_sentiment"]), first);
    assert_eq!(columns(&read.out, &["predicted_predicted_sentiment"]), first);
}

#[test]
fn json_lines_keep_their_nested_values() {
    let desk = Desk::with_model();
    desk.put(
        "in.jsonl",
        "{\"text\": \"thank you\", \"user\": {\"name\": \"Léa\", \"tags\": [1, 2.50]}}\n{\"text\": \"awful\"}\n",
    );
    desk.run(&["predict", "--input", "in.jsonl", "--output", "out.jsonl"]).ok();
    let out = desk.text("out.jsonl");
    let found: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found[0]["user"], serde_json::json!({"name": "Léa", "tags": [1, 2.5]}));
    assert_eq!(found.len(), 2);
    for row in &found {
        let total: f64 = ADDED[2..].iter().map(|name| row[*name].as_f64().unwrap()).sum();
        assert!((total - 1.0).abs() < 1e-5, "{row}");
    }
}

#[test]
fn json_in_the_command_means_json_in_the_answer() {
    let desk = Desk::with_model();
    desk.put("in.csv", CSV);
    let scored = desk.run(&["predict", "--json", "--input", "in.csv"]).ok();
    let found: Vec<Value> = scored.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), 3, "one object a row: {scored}");
    assert_eq!(found[0]["note"], "two\nlines");

    let summary = desk.run(&["predict", "--json", "--input", "in.csv", "--output", "out.csv"]).ok().json();
    assert_eq!((&summary["rows"], &summary["broken"]), (&3.into(), &0.into()), "{summary:#}");
    assert_eq!(summary["output"], "out.csv");
    assert_eq!(rows(&desk.text("out.csv")).len(), 4);
}

#[test]
fn a_broken_row_stays_in_its_place_without_an_answer() {
    let desk = Desk::with_model();
    desk.put("in.csv", "id,text\n1,thank you\n2\n3,awful\n");
    let scored = desk.run(&["predict", "--input", "in.csv"]).ok();
    scored.tells(&["1 row broken"]);
    let found = columns(&scored.out, &["id", "sentiment"]);
    let answered: Vec<(&str, bool)> = found.iter().map(|row| (&row[0][..], !row[1].is_empty())).collect();
    assert_eq!(answered, [("1", true), ("2", false), ("3", true)]);
}

#[test]
fn an_unsure_model_abstains() {
    let desk = Desk::with_model();
    let confidence = |least: &str, text: &str| {
        desk.run(&["predict", "--min-confidence", least, "--json", text]).ok().json()["predictions"][0]
            .clone()
    };
    let sure = confidence("0", "thank you");
    assert!(sure["sentiment"].is_string());
    let unsure = confidence("1", "thank you");
    assert_eq!((&unsure["sentiment"], &unsure["confidence"]), (&Value::Null, &sure["confidence"]));
    desk.run(&["predict", "--min-confidence", "1", "thank you"]).ok().prints(&["(unsure)"]);
    desk.run(&["predict", " \t"]).ok().prints(&["(empty)"]);
    let scored = desk.run_on(b"thank you\n", &["predict", "--min-confidence", "1"]).ok();
    let row = columns(&scored.out, &["sentiment", "confidence"]).remove(0);
    assert_eq!(row[0], "");
    assert!(row[1].parse::<f64>().unwrap() > 0.0);
}

#[test]
fn an_explanation_adds_up_to_the_answer() {
    let desk = Desk::with_model();
    let text = "Thank you, the best service";
    desk.run(&["predict", "--explain", text]).ok().prints(&["thank", "best", "(without any text)"]);
    let answer = desk.run(&["predict", "--explain", "--json", text]).ok().json()["predictions"][0].clone();
    let bias: Vec<f64> = serde_json::from_value(answer["explanation"]["bias"].clone()).unwrap();
    let mut logits = bias;
    for token in answer["explanation"]["tokens"].as_array().unwrap() {
        let added: Vec<f64> = serde_json::from_value(token["logits"].clone()).unwrap();
        logits.iter_mut().zip(added).for_each(|(logit, added)| *logit += added);
    }
    let total: f64 = logits.iter().map(|z| z.exp()).sum();
    let labels = ["negative", "neutral", "positive"];
    for (label, logit) in labels.iter().zip(&logits) {
        let stated = answer["probabilities"][label].as_f64().unwrap();
        assert!((logit.exp() / total - stated).abs() < 1e-4, "{label}: {answer:#}");
    }
}

#[test]
fn when_the_input_breaks_the_output_stays_as_it_was() {
    let desk = Desk::with_model();
    let noise = |n: u32| n.wrapping_mul(2_654_435_761).rotate_left(n % 32);
    let long: String = (0..50_000).map(|n| format!("thank you {:x}\n", noise(n))).collect();
    let whole = gzip(format!("text\n{long}").as_bytes());
    desk.put("whole.csv.gz", &whole);
    desk.put("cut.csv.gz", &whole[..whole.len() / 2]);
    desk.run(&["predict", "--input", "whole.csv.gz", "--output", "whole.parquet"]).ok();
    let parquet = std::fs::read(desk.path("whole.parquet")).unwrap();
    desk.put("cut.parquet", &parquet[..parquet.len() / 2]);
    let names = desk.names(".");
    for input in ["cut.csv.gz", "cut.parquet"] {
        for output in ["out.csv", "out.parquet", "out.jsonl"] {
            let args = ["predict", "--input", input, "--output", output];
            desk.run(&args).ends(1).tells(&[input]);
            assert_eq!(desk.names("."), names, "neither an output nor a temporary file is left");
            desk.put(output, "what was there before");
            desk.run(&args).ends(1);
            assert_eq!(desk.text(output), "what was there before");
            std::fs::remove_file(desk.path(output)).unwrap();
        }
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let desk = Desk::with_model();
    desk.put("in.csv", format!("text\n{}", "thank you very much\n".repeat(200_000)));
    for format in ["csv", "jsonl"] {
        let mut command = desk.command(&["predict", "--input", "in.csv", "--output-format", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("sentiment"), "{line}");
        let ended = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && !err.contains("error"), "{}: {err}", ended.status);
    }
    // Nobody listens from the start.
    let commands: [&[&str]; 7] = [
        &["predict", "thank you"],
        &["datasets", "list"],
        &["evaluate", "--data", "labelled.csv"],
        &["train", "--data", &example("feedback.csv"), "--set", "features.chars=[]"],
        &["import", "labelled.csv"],
        &["datasets", "show", "labelled"],
        &["completions", "bash"],
    ];
    let labelled = "good,positive\nbad,negative\nfine,positive\npoor,negative\nmeh,neutral\nhm,neutral\n";
    desk.put("labelled.csv", format!("text,label\n{labelled}"));
    for args in commands {
        let mut command = desk.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{args:?}: {}: {err}", ended.status);
        // Nor on standard error (`2>&1 | head`).
        let mut child = desk.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        let status = child.wait().unwrap();
        assert!(status.success(), "{args:?} without standard error: {status}");
    }
}

#[test]
fn rows_without_a_text_and_inputs_without_a_row_get_no_answer() {
    let desk = Desk::with_model();
    desk.put("in.csv", "id,text\n1,thank you\n2,\n3,\"  \"\n");
    let scored = desk.run(&["predict", "--input", "in.csv"]).ok();
    scored.tells(&["1 row scored", "2 rows without a text"]);
    let found = columns(&scored.out, &["sentiment", "confidence"]);
    assert!(!found[0][0].is_empty(), "{scored}");
    assert_eq!(found[1..], [["", ""], ["", ""]]);

    desk.put("broken.csv", "id,text\n1,thank you\n2\n3,awful\n");
    desk.run(&["predict", "--input", "broken.csv"]).ok().tells(&["broken.csv, line 3:", "1 row broken"]);

    desk.put("head.csv", "text\n");
    desk.put("empty.csv", "");
    for args in [&["predict"][..], &["predict", "--input", "head.csv"], &["predict", "--input", "empty.csv"]]
    {
        let scored = desk.run(args).ok();
        scored.tells(&["0 rows scored"]);
        assert_eq!(rows(&scored.out), [[&["text"], &ADDED[..]].concat()]);
    }
}

#[cfg(unix)]
#[test]
fn outputs_go_through_links_and_into_pipes() {
    let desk = Desk::with_model();
    desk.put("in.csv", "text\nthank you\n");
    desk.put("real.csv", "before");
    std::os::unix::fs::symlink("real.csv", desk.path("link.csv")).unwrap();
    desk.run(&["predict", "--input", "in.csv", "--output", "link.csv"]).ok();
    assert!(std::fs::symlink_metadata(desk.path("link.csv")).unwrap().is_symlink());
    assert_eq!(rows(&desk.text("real.csv")).len(), 2);

    let pipe = desk.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap());
    desk.run(&["predict", "--input", "in.csv", "--output", "pipe"]).ok();
    assert_eq!(rows(&reader.join().unwrap()).len(), 2);
    for name in ["out.xlsx", "out.csv.gz"] {
        desk.run(&["predict", "--input", "in.csv", "--output", name]).ends(1).tells(&["expected .csv"]);
    }
    desk.run(&["predict", "--model", "pipe", "hello"]).ends(1).tells(&["cannot read model pipe"]);
    desk.train(&["--data", "none.csv", "--out", "home"]).ends(1);
}
