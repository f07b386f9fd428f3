//! A search of settings, as a user meets it: chosen, learned, measured, killed and taken up again.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::desk::{Desk, example, rows};

/// Sixteen candidates, light enough for 450 texts in a moment.
const PLAN: &str = "\
[features]
chars = []

[calibration]
kind = \"none\"

[split]
test_share = 0.2

[search]
folds = 3
metric = \"macro_f1\"

[search.space]
recipe.preset = [\"tweet-en\", \"en\"]
features.words = [[1, 1], [1, 2]]
logistic.c = [0.1, 0.5, 2.0, 8.0]
";

fn search<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["search", "plan.toml"], more].concat()
}

/// Ranks, settings and scores: all that must not depend on the run.
fn answers(json: &Value) -> Vec<Value> {
    let candidates = json["candidates"].as_array().unwrap();
    candidates
        .iter()
        .map(|c| {
            serde_json::json!([
                c["rank"],
                c["params"],
                c["rounds"].as_array().unwrap().last().unwrap()["scores"]
            ])
        })
        .collect()
}

#[test]
fn the_best_settings_make_the_model_that_train_makes_of_them() {
    let desk = Desk::new();
    desk.put("plan.toml", PLAN);
    let data = example("feedback.csv");
    let answer = desk.run(&search(&["--data", &data, "--json"])).ok();
    let found = answer.json();
    assert_eq!(found["candidates"].as_array().unwrap().len(), 16);
    let work = &found["work"];
    assert_eq!([&work["cleaned"], &work["counted"], &work["selected"], &work["fitted"]], [2, 4, 12, 48]);
    let best = found["candidates"].as_array().unwrap().iter().find(|c| c["rank"] == 1).unwrap();
    assert_eq!(
        found["best"].as_u64().unwrap(),
        answers(&found).iter().position(|c| c[0] == 1).unwrap() as u64
    );

    // The same plan and the settings by --set: the same file, byte for byte.
    let mut train = vec!["train", "plan.toml", "--data", &data, "--out", "again.safetensors", "--json"];
    let set: Vec<&str> = found["set"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    set.iter().for_each(|setting| train.extend(["--set", setting]));
    let trained = desk.run(&train).ok().json();
    assert_eq!(trained["digest"], found["model"]["digest"], "{set:?}");
    assert_eq!(trained["metrics"], found["model"]["metrics"]);
    desk.run(&["predict", "thank you so much"]).ok();

    // The search is a run; its candidates and the winner's training are parts of it.
    let run = found["run"]["id"].as_str().unwrap();
    let parts = desk.run(&["runs", "list", "--parent", run, "--json"]).ok().json();
    let parts = parts.as_array().unwrap();
    assert_eq!(parts.iter().filter(|part| part["kind"] == "candidate").count(), 16);
    assert!(parts.iter().all(|part| part["status"] == "finished"), "{parts:?}");
    let winner = parts.iter().find(|part| part["kind"] == "train").unwrap();
    desk.run(&["runs", "reproduce", winner["id"].as_str().unwrap()]).ok().prints(&["identical"]);

    let folder = "home/reports/search-sentiment";
    let names = desk.names(folder);
    assert!(
        ["cv_results.csv", "index.html"].iter().all(|name| names.contains(&(*name).to_owned())),
        "{names:?}"
    );
    assert!(!names.contains(&"unfinished.jsonl".to_owned()), "{names:?}");
    assert!(desk.text(&format!("{folder}/index.html")).contains("Chosen from 16 candidates"));
    let table = rows(&desk.text(&format!("{folder}/cv_results.csv")));
    assert_eq!(table.len(), 17);
    let column = table[0].iter().position(|name| name == "rank_test_score").unwrap();
    let first = table[1..].iter().position(|row| row[column] == "1").unwrap();
    assert_eq!(first as u64, found["best"]);

    // Threads and the order of the rows decide nothing.
    let mut records = rows(&std::fs::read_to_string(&data).unwrap());
    records[1..].reverse();
    let mut reversed = csv::Writer::from_writer(Vec::new());
    records.iter().for_each(|record| reversed.write_record(record).unwrap());
    desk.put("reversed.csv", reversed.into_inner().unwrap());
    let other =
        desk.run(&search(&["--data", "reversed.csv", "--threads", "1", "--no-report", "--json"])).ok().json();
    assert_eq!(answers(&other), answers(&found));
    assert_eq!(other["model"]["digest"], found["model"]["digest"]);

    // For people: the best first, and what it was chosen by.
    let said = desk.run(&search(&["--data", &data, "--no-report"])).ok();
    said.prints(&["macro_f1", "best: recipe.preset=", "cleaned 2 times, counted 4", "standard error"]);
    said.prints(&[&format!("{:.4}", best["rounds"][0]["mean"].as_f64().unwrap())]);
    said.tells(&["16 candidates, 3 folds, compared by macro_f1"]);
}

#[test]
fn a_search_killed_at_any_moment_is_taken_up_and_ends_alike() {
    let desk = Desk::new();
    desk.put("plan.toml", PLAN);
    let mut csv = "text,label\n".to_owned();
    for n in 0..6_000_usize {
        let (scene, label) =
            [("thank you so much", "good"), ("broken again", "bad"), ("where is", "asked")][n % 3];
        csv += &format!("{scene} w{} w{} w{} order {n},{label}\n", n % 71, n % 109, n * n % 203);
    }
    desk.put("many.csv", &csv);
    let begin = Instant::now();
    let whole =
        desk.run(&search(&["--data", "many.csv", "--out", "whole.safetensors", "--json", "--no-report"]));
    let takes = begin.elapsed();
    let whole = whole.ok().json();

    let args =
        search(&["--data", "many.csv", "--out", "killed.safetensors", "--json", "--no-report", "--resume"]);
    let journal = "home/reports/search-killed/unfinished.jsonl";
    let scores = |desk: &Desk| {
        std::fs::read_to_string(desk.path(journal))
            .map_or(0, |text| text.matches('\n').count().saturating_sub(1))
    };
    let (mut kept, mut killed) = (0, 0);
    for round in 1..=6_u32 {
        let mut child = desk.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(takes.mul_f64(f64::from(round) * 0.12).max(Duration::from_millis(30)));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            break; // the others were faster than the first
        }
        killed += 1;
        let now = scores(&desk);
        assert!(now >= kept, "{now} of {kept} fold scores are left");
        assert!(!desk.path("killed.safetensors").exists() || now == 48);
        kept = now;
        if kept > 10 {
            break;
        }
    }
    assert!(killed > 0 && kept > 0, "{killed} kills, {kept} fold scores kept: the search is too short");
    if scores(&desk) > 0 {
        desk.run(&search(&["--data", "many.csv", "--out", "killed.safetensors"]))
            .ends(1)
            .tells(&["--resume", "--restart"]);
        let mut other: Vec<&str> = args.clone();
        other.extend(["--set", "features.min_df=3"]);
        desk.run(&other).ends(1).tells(&["the plan changed", "--restart"]);
        desk.put("many.csv", csv.replace("order 17,", "order seventeen,"));
        desk.run(&args).ends(1).tells(&["the data changed"]);
        desk.put("many.csv", &csv);
    }
    let ended = desk.run(&args).ok().json();
    assert_eq!(ended["work"]["resumed"], kept);
    assert_eq!(ended["work"]["fitted"], 48 - kept);
    assert_eq!(answers(&ended), answers(&whole));
    assert_eq!(ended["model"]["digest"], whole["model"]["digest"]);
    assert_eq!(desk.names("home/reports/search-killed"), desk.names("home/reports/search-whole"));
    // Times apart, the table is the same, too.
    let timeless = |name: &str| -> Vec<Vec<String>> {
        let table = rows(&desk.text(&format!("home/reports/search-{name}/cv_results.csv")));
        table.into_iter().map(|row| row[4..].to_vec()).collect()
    };
    assert_eq!(timeless("killed"), timeless("whole"));
}

#[test]
fn mistakes_in_a_search_get_a_sentence() {
    let desk = Desk::new();
    let data = example("feedback.csv");
    let refused = |plan: &str, more: &[&str], parts: &[&str]| {
        desk.put("plan.toml", plan);
        desk.run(&search(&[&["--data", &data], more].concat())).ends(1).tells(parts);
    };
    refused("", &[], &["no search space", "[search.space]", "logistic.c"]);
    refused("[search]\nfold = 3", &[], &["plan.toml", "fold", "folds"]);
    refused(PLAN, &["--set", "search.space.logistic.d=[1.0]"], &["logistic.d", "logistic.c"]);
    refused(PLAN, &["--set", "search.space.features.mindf=[1]"], &["did you mean `features.min_df`?"]);
    refused(PLAN, &["--set", "search.method=genetic"], &["genetic", "halving"]);
    refused(PLAN, &["--set", "search.metric=acuracy"], &["acuracy", "accuracy"]);
    refused(
        PLAN,
        &["--set", "search.method=random", "--set", "search.candidates=17"],
        &["only 16 combinations"],
    );
    refused(PLAN, &["--set", "search.folds=400"], &["is empty", "search.folds"]);
    refused(PLAN, &["--set", "search.space.logistic.c=[]"], &["logistic.c is an empty list"]);
    let args = ["search", "nowhere.toml", "--data", &data];
    desk.run(&args).ends(1).tells(&["cannot read the plan nowhere.toml"]);
    desk.run(&["search", "--data", &data]).ends(2);
    assert_eq!(desk.names("home/reports/search-sentiment"), Vec::<String>::new());
    assert_eq!(desk.names("home/models"), Vec::<String>::new(), "nothing was learned");
    // And then it goes through, without what the mistakes left.
    refused(
        PLAN,
        &["--set", "search.space.features.min_df=[500, 501]"],
        &["none of the 32 candidates", "min_df"],
    );
    desk.put("plan.toml", PLAN);
    let halved = [
        "--set",
        "search.method=halving",
        "--set",
        "search.min_rows=20",
        "--restart",
        "--json",
        "--no-report",
    ];
    let found = desk.run(&search(&[&["--data", &data], &halved[..]].concat())).ok().json();
    let rounds: Vec<u64> =
        found["rounds"].as_array().unwrap().iter().map(|r| r["candidates"].as_u64().unwrap()).collect();
    assert_eq!(rounds, [16, 6, 2]);
}
