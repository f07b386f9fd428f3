//! Data as it comes: imported, checked, listed, learned from by name, deleted.

use serde_json::Value;

use crate::desk::{Desk, example};

const PASSING: &str = "[rows]\nmin = 400\n[classes]\nnames = [\"negative\", \"neutral\", \"positive\"]\n\
                       [columns]\nrequired = [\"text\", \"label\", \"time\"]\n[damage]\nbad_rows = 0.0\n";
const FAILING: &str = "[rows]\nmin = 1000\n[classes.share.positive]\nmin = 0.1\n";

#[test]
fn from_a_file_to_a_named_data_set_and_back() {
    let desk = Desk::new();
    let feedback = example("feedback.csv");
    desk.run(&["datasets", "list"]).ok().prints(&["no data sets", "sentimeter import"]);

    let import = ["import", &feedback, "--name", "voices", "--json"];
    let first = desk.run(&import).ok().json();
    let reference = first["dataset"].as_str().unwrap();
    assert!(reference.starts_with("voices@"), "{reference}");
    let again = desk.run(&import).ok().json();
    assert_eq!(first, again, "the same bytes are the same version, first import and all");

    let list = desk.run(&["datasets", "list"]).ok();
    list.prints(&[reference, "450", "negative 150, neutral 150, positive 150"]);
    assert_eq!(list.out.lines().count(), 2, "a head and one data set: {list}");
    desk.run(&["datasets", "show", "voices"]).ok().prints(&[reference, &feedback, "blake3"]);

    // By file, by name and by version: the same rows, so the same model.
    let digest = |data: &str| desk.train(&["--data", data, "--json"]).ok().json()["digest"].clone();
    let of_file = digest(&feedback);
    assert_eq!([digest("voices"), digest(reference)], [of_file.clone(), of_file]);
    let evaluated = desk.run(&["evaluate", "--data", "voices", "--json"]).ok().json();
    assert_eq!(evaluated["rows"], 450);

    desk.run(&["datasets", "delete", "voices"]).ok().prints(&["deleted", reference]);
    desk.run(&["datasets", "show", "voices"]).ends(1).tells(&["voices"]);
    assert_eq!(desk.names("home/datasets"), [""; 0], "nothing is left of it");
}

#[test]
fn a_name_means_its_latest_import_and_each_version_stays() {
    let desk = Desk::new();
    let import = |csv: &str| {
        desk.put("voices.csv", csv);
        desk.run(&["import", "voices.csv", "--json"]).ok().json()["dataset"].as_str().unwrap().to_owned()
    };
    let rows = |name: &str| desk.run(&["datasets", "show", name, "--json"]).ok().json()["rows"].clone();
    let one = import("text,label\ngood,positive\nbad,negative\n");
    let two = import("text,label\ngood,positive\nbad,negative\nso so,neutral\n");
    assert_ne!(one, two);
    assert_eq!((rows("voices"), rows(&one), rows(&two)), (3.into(), 2.into(), 3.into()));
    desk.run(&["datasets", "delete", &two]).ok();
    assert_eq!(rows("voices"), 2, "the version before is the latest again");
    desk.run(&["datasets", "show", &two]).ends(1);
}

#[test]
fn expectations_are_met_or_nothing_is_stored() {
    let desk = Desk::new();
    let feedback = example("feedback.csv");
    desk.put("passing.toml", PASSING);
    desk.put("failing.toml", FAILING);

    let failed = desk.run(&["import", &feedback, "--name", "voices", "--check", "failing.toml"]).ends(1);
    failed.prints(&["FAILED rows", "450", "ok ", "1 of 2 checks failed"]);
    failed.tells(&["nothing was imported"]);
    assert_eq!(desk.names("home"), [""; 0]);
    let machine = ["import", &feedback, "--name", "voices", "--check", "failing.toml", "--json"];
    let answer = desk.run(&machine).ends(1).json();
    assert_eq!(answer["dataset"], Value::Null);
    let passed = |answer: &Value| -> Vec<bool> {
        let checks = answer["check"]["checks"].as_array().unwrap();
        checks.iter().map(|check| check["passed"].as_bool().unwrap()).collect()
    };
    assert_eq!(passed(&answer).iter().filter(|passed| !**passed).count(), 1);

    let met = desk.run(&["import", &feedback, "--name", "voices", "--check", "passing.toml"]).ok();
    met.prints(&["0 of", "checks failed", "voices@"]);
    assert_eq!(desk.names("home/datasets"), ["voices"]);
}

#[test]
fn bad_rows_are_left_out_counted_and_kept_with_line_and_reason() {
    let desk = Desk::new();
    let mut csv = "id,text,label\n".to_owned();
    for n in 0..60 {
        csv += &format!("{n},feedback number {n},{}\n", ["positive", "negative"][n % 2]);
    }
    // Lines 32 and 33 of the file: a field too many, and fields too few.
    let at = csv.match_indices('\n').nth(30).unwrap().0 + 1;
    csv.insert_str(at, "a,one field too many,positive,or two,or three\nb\n");
    desk.put("bad.csv", &csv);

    let stopped = desk.run(&["import", "bad.csv"]).ends(1);
    stopped.tells(&["bad.csv", "2 of 62 rows are broken", "1 %", "line 32", "max-bad-rows"]);
    assert_eq!(desk.names("home"), [""; 0], "nothing is stored");
    desk.train(&["--data", "bad.csv"]).ends(1).tells(&["line 32"]);

    let imported = desk.run(&["import", "bad.csv", "--max-bad-rows", "0.1", "--json"]).ok();
    imported.tells(&["2 broken"]);
    let answer = imported.json();
    assert_eq!(answer["rows"], 60);
    let quarantine = desk.text(answer["quarantine"].as_str().unwrap());
    let kept: Vec<Value> = quarantine.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines: Vec<&Value> = kept.iter().map(|row| &row["line"]).collect();
    assert_eq!(lines, [32, 33]);
    for row in &kept {
        assert!(row["reason"].as_str().is_some_and(|reason| reason.contains("field")), "{row}");
    }
    desk.run(&["datasets", "show", "bad"]).ok().prints(&["2 rows broken", "line and reason"]);
}

#[test]
fn labels_are_mapped_and_the_rest_is_dropped_and_counted() {
    let desk = Desk::new();
    desk.put("stars.csv", "stars,review\n1,awful\n2,poor\n3,so so\n4,good\n5,great\n9,typo\n");
    let map = "1..2=negative,3=neutral,4..5=positive";
    let flags = ["import", "stars.csv", "--text", "review", "--label", "stars", "--map", map, "--json"];
    let imported = desk.run(&flags).ok();
    imported.tells(&["1 with a label that no rule maps"]);
    let answer = imported.json();
    assert_eq!(answer["labels"], serde_json::json!(["negative", "neutral", "positive"]));
    assert_eq!(answer["class_rows"], serde_json::json!([2, 1, 2]));
}
