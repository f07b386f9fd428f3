//! Whatever a user gets wrong is answered with what is wrong and the way out: exit status 1 for what
//! failed, 2 for a command that cannot be meant.

use crate::desk::{Desk, LIGHT, example};

/// A command, how it ends, and what it has to say.
type Case<'a> = (&'a [&'a str], i32, &'a [&'a str]);

/// A desk with the files that the cases name.
fn desk() -> Desk {
    let desk = Desk::with_model();
    let labelled = "text,label\ngood,positive\nbad,negative\nfine,positive\npoor,negative\n";
    for (name, text) in [
        ("labelled.csv", labelled),
        ("unlabelled.csv", "text\ngood\nbad\n"),
        ("one_label.csv", "text,label\ngood,positive\nbetter,positive\n"),
        ("other_labels.csv", "text,label\ngood,joy\nbad,anger\n"),
        ("labels.csv", "label\npositive\nnegative\n"),
        ("empty.csv", ""),
        ("unknown_table.toml", "[futures]\nwords = [1, 2]\n"),
        ("unknown_key.toml", "[features]\nwirds = [1, 2]\n"),
        ("broken.toml", "[features"),
        ("unknown_check.toml", "[rows]\nminimum = 1\n"),
    ] {
        desk.put(name, text);
    }
    let model = std::fs::read(desk.path("home/models/sentiment.safetensors")).unwrap();
    desk.put("cut.safetensors", &model[..model.len() / 2]);
    desk.put("cut_short.safetensors", &model[..40]);
    let mut altered = model;
    let last = altered.len() - 1;
    altered[last] ^= 1;
    desk.put("altered.safetensors", altered);
    desk
}

#[track_caller]
fn check(cases: &[Case<'_>]) {
    let desk = desk();
    for (args, status, parts) in cases {
        let answer = desk.run(args).ends(*status);
        answer.tells(parts);
        assert_eq!(answer.out, "", "an error is not an answer: {answer}");
        let error = answer.err.split("error: ").nth(1);
        assert!(error.is_some_and(|error| !error.trim().is_empty()), "{answer}");
    }
}

#[test]
fn models_that_are_not_there_or_not_models() {
    let case = |model| ["predict", "--model", model, "hello"];
    check(&[
        (&case("none.safetensors"), 1, &["none.safetensors", "sentimeter train"]),
        (&case("cut.safetensors"), 1, &["cut.safetensors", "not a Sentimeter model file"]),
        (&case("cut_short.safetensors"), 1, &["cut_short.safetensors", "not a Sentimeter model file"]),
        (&case("altered.safetensors"), 1, &["altered.safetensors", "damaged", "train it again"]),
        (&case("empty.csv"), 1, &["empty.csv", "not a Sentimeter model file"]),
        (&case("labelled.csv"), 1, &["labelled.csv", "not a Sentimeter model file"]),
        (&case("home"), 1, &["home", "directory"]),
        (&["evaluate", "--model", "none.safetensors", "--data", "labelled.csv"], 1, &["none.safetensors"]),
    ]);
}

#[test]
fn a_new_home_answers_with_the_model_that_is_built_in() {
    for command in [&["predict", "hello"][..], &["evaluate", "--data", &example("feedback.csv")]] {
        let desk = Desk::new();
        let answer = desk.run(&[command, &["--json"]].concat()).ends(0);
        assert_eq!(answer.json()["model"]["reference"], "starter");
        assert!(!desk.path("home").exists(), "a question leaves nothing behind");
    }
    let named =
        Desk::new().run(&["predict", "--model", "starter", "--json", "Bonjour, quel service nul !"]).ends(0);
    assert_eq!(named.json()["predictions"][0]["language"], "fr");
}

#[test]
fn data_that_is_not_there_or_says_too_little() {
    let feedback = example("feedback.csv");
    let disjoint = [&["train", "--data", &feedback, "--test", "other_labels.csv"], &LIGHT[..]].concat();
    check(&[
        (&["train", "--data", "none.csv"], 1, &["none.csv", "neither a file nor a data set", "import"]),
        (&["train", "--data", "voices"], 1, &["voices", "sentimeter import"]),
        (&["train", "--data", "labelled.csv", "none.csv"], 1, &["none.csv"]),
        (&["evaluate", "--data", "voices@12ab"], 1, &["voices@12ab"]),
        (&["datasets", "show", "voices"], 1, &["voices", "sentimeter import"]),
        (&["datasets", "delete", "voices"], 1, &["voices"]),
        (&["import", "none.csv"], 1, &["none.csv"]),
        (&["import", "empty.csv"], 1, &["empty.csv", "no rows"]),
        (&["predict", "--input", "none.csv"], 1, &["none.csv"]),
        (&["predict", "--input", "labelled.csv", "--output", "none/out.csv"], 1, &["none"]),
        (&["train", "--data", "unlabelled.csv"], 1, &["fewer than two labels", "--label"]),
        (&["train", "--data", "one_label.csv"], 1, &["fewer than two labels (positive)"]),
        (&["evaluate", "--data", "other_labels.csv"], 1, &["joy", "negative", "--map"]),
        (&["evaluate", "--data", "unlabelled.csv"], 1, &["no row has a label"]),
        (&disjoint, 1, &["no test row has a label", "anger, joy", "negative, neutral, positive"]),
        (&["import", "labelled.csv", "--label", "mood"], 1, &["labelled.csv", "\"mood\"", "text, label"]),
        (&["import", "labelled.csv", "--text", "mood"], 1, &["labelled.csv", "\"mood\"", "text, label"]),
        (&["import", "labels.csv", "--label", "label"], 1, &["labels.csv", "--text", "it has label"]),
        (&["import", "labelled.csv", "--name", "a/b"], 1, &["\"a/b\"", "cannot name a data set"]),
        (&["import", "labelled.csv", "--name", "../up"], 1, &["cannot name a data set"]),
        (&["import", "labelled.csv", "--encoding", "klingon"], 1, &["\"klingon\"", "utf-8"]),
        (&["import", "labelled.csv", "--map", "0=negative"], 1, &["labelled.csv", "no row is kept", "--map"]),
        (&["import", "labelled.csv", "--check", "none.toml"], 1, &["none.toml"]),
        (&["import", "labelled.csv", "--check", "unknown_check.toml"], 1, &["unknown_check.toml", "minimum"]),
    ]);
}

#[test]
fn settings_that_do_not_exist_or_are_out_of_range() {
    let train = |setting| ["train", "--data", "labelled.csv", "--set", setting];
    let plan = |plan| ["train", plan, "--data", "labelled.csv"];
    check(&[
        (&plan("none.toml"), 1, &["none.toml"]),
        (&plan("broken.toml"), 1, &["broken.toml", "line 1"]),
        (&plan("unknown_table.toml"), 1, &["unknown_table.toml", "`futures`", "`features`"]),
        (&plan("unknown_key.toml"), 1, &["unknown_key.toml", "line 2", "`wirds`", "`words`"]),
        (&train("features.wirds=1"), 1, &["`wirds`", "`words`", "`features`"]),
        (&train("sed=1"), 1, &["`sed`", "`seed`"]),
        (&train("seed.deep=1"), 1, &["seed"]),
        (&train("logistic.c"), 1, &["--set logistic.c", "key=value"]),
        (&train("logistic.c=much"), 1, &["\"much\"", "`logistic.c`"]),
        (&train("logistic.c=-1"), 1, &["`logistic.c` is -1", "above 0"]),
        (&train("logistic.c=0"), 1, &["`logistic.c` is 0"]),
        (&train("logistic.c=nan"), 1, &["`logistic.c`", "finite"]),
        (&train("split.test_share=1"), 1, &["split.test_share is 1", "below 1"]),
        (&train("calibration.folds=1"), 1, &["calibration.folds is 1", "at least 2"]),
        (&train("features.words=[2,1]"), 1, &["features.words"]),
        (&train("recipe.preset=klingon"), 1, &["`klingon`", "tweet-en"]),
        (&["train", "--data", "labelled.csv", "--cross-validate", "1"], 1, &["1 folds", "at least 2"]),
        (&["predict", "--explain"], 1, &["--explain"]),
    ]);
}

#[test]
fn commands_that_cannot_be_meant() {
    let import = |flag, value| ["import", "labelled.csv", flag, value];
    check(&[
        (&["frobnicate"], 2, &["frobnicate", "--help"]),
        (&["train"], 2, &["--data"]),
        (&["import"], 2, &["FILE"]),
        (&["train", "--data", "labelled.csv", "--model", "svm"], 2, &["svm", "logistic"]),
        (&["train", "--data", "labelled.csv", "--threads", "0"], 2, &["--threads"]),
        (&["train", "--data", "labelled.csv", "--fast"], 2, &["--fast"]),
        (&["train", "--data", "labelled.csv", "--cross-validate", "5", "--test", "x"], 2, &["--test"]),
        (&["predict", "hello", "--input", "labelled.csv"], 2, &["--input"]),
        (&["predict", "hello", "--output", "out.csv"], 2, &["--output"]),
        (&["predict", "--min-confidence", "2", "hello"], 2, &["--min-confidence", "0 to 1"]),
        (&["predict", "--min-confidence", "nan", "hello"], 2, &["--min-confidence", "0 to 1"]),
        (&["predict", "--output-format", "xls"], 2, &["xls", "jsonl"]),
        (&import("--map", "positive"), 2, &["--map", "positive", "0=negative"]),
        (&import("--format", "exel"), 2, &["exel", "excel"]),
        (&import("--max-rows", "0"), 2, &["--max-rows"]),
        (&import("--max-bad-rows", "3"), 2, &["--max-bad-rows", "0 to 1"]),
        (&import("--delimiter", "::"), 2, &["--delimiter", "one character"]),
        (&import("--header", "perhaps"), 2, &["--header", "yes or no"]),
    ]);
}
