//! Word vectors: learned from unlabelled texts, read from files, started from, searched with.

use serde_json::Value;

use crate::desk::{Desk, example, rows};

/// Settings under which examples/feedback.csv trains in a moment.
const SMALL: [&str; 8] = [
    "--set",
    "neural.epochs=3",
    "--set",
    "neural.dense=[8]",
    "--set",
    "neural.batch_size=32",
    "--no-report",
    "--quiet",
];

fn embed<'a>(data: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let of =
        ["embed", data, "--out", out, "--dimension", "12", "--min-count", "2", "--buckets", "500", "--quiet"];
    [&of[..], more].concat()
}

#[test]
fn unlabelled_texts_become_vectors_that_networks_start_from() {
    let desk = Desk::new();
    let data = example("feedback.csv");
    // Texts alone, a line each: nothing but the words is looked at.
    let table = rows(&std::fs::read_to_string(&data).unwrap());
    let column = table[0].iter().position(|name| name == "text").unwrap();
    let lines: String =
        table[1..].iter().map(|row| format!("{}\n", row[column].replace(['\n', '\r'], " "))).collect();
    desk.put("texts.txt", &lines);
    let found = desk.run(&embed("texts.txt", "v.bin", &["--json"])).ok().json();
    assert_eq!(found["texts"], 450, "{found}");
    assert!(found["words"].as_u64().unwrap() > 100 && found["loss"].as_f64().unwrap() > 0.0, "{found}");
    assert_eq!(found["settings"]["dimension"], 12);

    // Neither the threads nor the order of the texts nor the columns beside them change a byte.
    let mut reversed: Vec<&str> = lines.lines().collect();
    reversed.reverse();
    desk.put("reversed.txt", reversed.join("\n"));
    for (data, threads) in [("reversed.txt", "2"), (&data[..], "1")] {
        let again = desk.run(&embed(data, "again.bin", &["--json", "--threads", threads])).ok().json();
        assert_eq!(again["blake3"], found["blake3"], "{data}");
    }

    let train = |kind: &str, vectors: &str, out: &str, more: &[&str]| {
        let vectors = format!("neural.vectors={vectors}");
        let of = ["train", "--data", &data, "--model", kind, "--set", &vectors, "--out", out, "--json"];
        desk.run(&[&of, &SMALL[..], more].concat()).ok().json()
    };
    std::fs::create_dir(desk.path("elsewhere")).unwrap();
    std::fs::copy(desk.path("v.bin"), desk.path("elsewhere/other.bin")).unwrap();
    for kind in ["lstm", "bilstm", "cnn"] {
        for update in ["neural.update=rows", "neural.update=frozen"] {
            let trained = train(kind, "v.bin", "m.st", &["--set", update, "--threads", "1"]);
            let vectors = &trained["vectors"];
            assert_eq!(
                (&vectors["format"], &vectors["dimension"]),
                (&Value::from("fasttext"), &Value::from(12))
            );
            assert_eq!(vectors["share_of_words"], 1.0, "the same recipe and the same texts: {vectors}");
            assert!(trained["notes"].to_string().contains("fastText binary"), "{trained}");
            // The file knows what the vectors were, and not where they lay.
            let moved = train(kind, "elsewhere/other.bin", "n.st", &["--set", update, "--threads", "2"]);
            assert_eq!(moved["digest"], trained["digest"], "{kind} {update}");
        }
    }
    let report = desk.run(&[
        "evaluate",
        "--model",
        "m.st",
        "--data",
        &example("feedback_test.csv"),
        "--report",
        "page",
        "--quiet",
    ]);
    report.ok();
    let page = desk.text("page/index.html");
    assert!(
        page.contains("network (cnn): word vectors of 12 numbers") && !page.contains("TF-IDF and logistic")
    );

    // The model needs the file no more.
    std::fs::remove_file(desk.path("v.bin")).unwrap();
    desk.run(&["predict", "--model", "m.st", "where is my order?"]).ok();

    // As text: words that the file has not start as they do without one.
    desk.run(&["embed", "texts.txt", "--out", "v.vec", "--dimension", "12", "--quiet"]).ok();
    let trained = train("cnn", "v.vec", "m.st", &["--set", "neural.min_count=1"]);
    let vectors = &trained["vectors"];
    assert_eq!(vectors["format"], "text");
    // Few of the words, met once, are frequent enough for a vector; they are a third of the tokens.
    let [words, tokens] = ["share_of_words", "share_of_tokens"].map(|name| vectors[name].as_f64().unwrap());
    assert!(words > 0.01 && words < tokens && tokens < 1.0, "{vectors}");
    assert!(!vectors["missing"].as_array().unwrap().is_empty(), "{vectors}");
    let folds = [
        "train",
        "--data",
        &data,
        "--model",
        "cnn",
        "--set",
        "neural.vectors=v.vec",
        "--cross-validate",
        "2",
        "--json",
    ];
    let found = desk.run(&[&folds, &SMALL[..6]].concat()).ok().json();
    assert_eq!(found["folds"].as_array().unwrap().len(), 2);
}

#[test]
fn texts_that_are_measured_on_can_be_left_out() {
    let desk = Desk::new();
    let data = example("feedback.csv");
    let mut table = rows(&std::fs::read_to_string(&data).unwrap());
    table.truncate(51);
    let mut held = csv::Writer::from_writer(Vec::new());
    table.iter().for_each(|row| held.write_record(row).unwrap());
    desk.put("held.csv", held.into_inner().unwrap());
    let found = desk.run(&embed(&data, "v.bin", &["--without", "held.csv", "--json"])).ok().json();
    let (texts, left_out) = (found["texts"].as_u64().unwrap(), found["left_out"].as_u64().unwrap());
    assert!(texts + left_out == 450 && left_out >= 50, "{found}");
    desk.run(&embed(&data, "v.bin", &["--without", "held.csv"]))
        .ok()
        .prints(&["were left out", "neural.vectors=v.bin"]);
    // Rows with labels, read as lines of text: none of them is one of the texts, and that is said.
    let as_lines = ["--format", "lines", "--without", "held.csv"];
    desk.put("texts.txt", "it works\nit works well\nit never works\n".repeat(9));
    desk.run(&embed("texts.txt", "v.bin", &as_lines)).ok().prints(&["note: no text of --without stands"]);
}

#[test]
fn a_search_compares_networks_and_is_taken_up_again() {
    let desk = Desk::new();
    let data = example("feedback.csv");
    desk.run(&embed(&data, "v.bin", &[])).ok();
    desk.put(
        "plan.toml",
        "model = \"cnn\"\n[neural]\nepochs = 2\nvectors = \"v.bin\"\nbatch_size = 32\n[calibration]\nkind = \"none\"\n\
         [search]\nfolds = 3\nmeasured = 2\n[search.space]\nneural.filters = [[8], [8, 8]]\n\
         neural.kernel_size = [2, 3]\nneural.learning_rate = [0.01, 0.03]\n",
    );
    let search = ["search", "plan.toml", "--data", &data, "--json", "--no-report"];
    let found = desk.run(&search).ok().json();
    let candidates = found["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 8);
    assert_eq!((&found["work"]["cleaned"], &found["work"]["fitted"]), (&Value::from(1), &Value::from(16)));
    let scores = |found: &Value| -> Vec<Value> {
        let of = |c: &Value| c["rounds"][0]["scores"].clone();
        found["candidates"].as_array().unwrap().iter().map(of).collect()
    };
    assert!(scores(&found).iter().all(|scores| scores.as_array().unwrap().len() == 2), "{found}");
    let sizes: Vec<f64> = candidates.iter().map(|c| c["rounds"][0]["features"].as_f64().unwrap()).collect();
    assert!(sizes[0] < sizes[7], "parameters: {sizes:?}");

    // The winner is what train makes of its settings, and neither threads nor a stop changes a score.
    let mut train = vec!["train", "plan.toml", "--data", &data, "--out", "again.st", "--json", "--no-report"];
    let set: Vec<&str> = found["set"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    set.iter().for_each(|setting| train.extend(["--set", setting]));
    let trained = desk.run(&train).ok().json();
    assert_eq!(trained["digest"], found["model"]["digest"], "{set:?}");
    let one = [&search[..], &["--threads", "1", "--out", "one.st"]].concat();
    assert_eq!(scores(&desk.run(&one).ok().json()), scores(&found));

    // By halving, over families.
    let halved = [
        &search[..],
        &["--set", "search.method=halving", "--set", "search.factor=2", "--set", "search.min_rows=50"],
        &[
            "--set",
            "search.space={model=[\"lstm\",\"bilstm\",\"cnn\"],neural.dropout=[0.1,0.5]}",
            "--out",
            "h.st",
        ],
    ]
    .concat();
    let found = desk.run(&halved).ok().json();
    assert!(found["rounds"].as_array().unwrap().len() > 1, "{found}");
    assert_eq!(found["candidates"].as_array().unwrap().len(), 6);
    let wrong = [&search[..], &["--set", "search.measured=4"]].concat();
    desk.run(&wrong).ends(1).tells(&["search.measured is 4", "search.folds, which is 3"]);
}

#[test]
fn networks_learn_from_several_sources_with_weights_and_fewer_labels() {
    let desk = Desk::new();
    // One source of two of the three labels.
    let mut table = rows(&std::fs::read_to_string(example("feedback.csv")).unwrap());
    let label = table[0].iter().position(|name| name == "label").unwrap();
    table.retain(|row| row[label] != "neutral");
    let mut few = csv::Writer::from_writer(Vec::new());
    table.iter().skip(1).for_each(|row| assert_ne!(row[label], "neutral"));
    table.iter().for_each(|row| few.write_record(row).unwrap());
    desk.put("few.csv", few.into_inner().unwrap());
    let plan = |partial: &str| {
        format!(
            "model = \"cnn\"\n[neural]\nclass_weight = \"balanced\"\nembedding = 12\n[mix]\npartial = \"{partial}\"\n\
             [[sources]]\nname = \"all\"\nfiles = [\"{}\"]\nscored = true\n[[sources]]\nname = \"few\"\n\
             files = [\"few.csv\"]\nweight = 0.5\n",
            example("feedback.csv")
        )
    };
    let mut digests = Vec::new();
    for partial in ["mask", "plain"] {
        desk.put("plan.toml", plan(partial));
        let args = [&["train", "plan.toml", "--json"], &SMALL[..]].concat();
        let mut command = desk.command(&args);
        let ran = command.env_remove("SENTIMETER_DATA").output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let trained: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(trained["sources"].as_array().unwrap().len(), 2, "{trained}");
        digests.push(trained["digest"].clone());
    }
    // All of the second source's texts stand in the first: what they count is all that differs.
    assert!(digests.iter().all(|digest| digest.as_str().is_some()));
}

#[test]
fn mistakes_with_vectors_get_a_sentence() {
    let desk = Desk::new();
    let data = example("feedback.csv");
    desk.put("v.txt", "the 1 2 3\norder 2 3\n");
    desk.put("w.txt", "the 1 2 3\norder 2 3 4\n");
    for (args, says) in [
        (&["--set", "neural.vectors=none.txt"][..], "cannot open none.txt"),
        (&["--set", "neural.vectors=3"], "neural.vectors is 3; it names a file"),
        (&["--set", "neural.vectors=v.txt"], "line 2 has 2 numbers, its first line has 3"),
        (
            &["--set", "neural.vectors=w.txt", "--set", "neural.embedding=50"],
            "have 3 numbers: leave neural.embedding out",
        ),
        (&["--set", "neural.vectors=plan.toml"], "cannot open"),
    ] {
        let answer = desk
            .run(&[&["train", "--data", &data, "--model", "cnn", "--no-report", "--quiet"], args].concat());
        answer.ends(1).tells(&[says]);
    }
    for (args, says) in [
        (&["--dimension", "0"][..], "setting `dimension` is 0"),
        (&["--recipe", "klingon"], "no recipe `klingon`"),
        (&["--min-count", "100000"], "min_count"),
        (&["--kernel", "abacus"], "portable, avx2 or avx512"),
    ] {
        let answer = desk.run(&[&["embed", &data, "--out", "v.bin", "--quiet"], args].concat());
        assert_ne!(answer.status, Some(0), "{answer}");
        assert!(answer.err.contains(says), "{says}: {answer}");
    }
    assert!(!desk.path("v.bin").exists(), "nothing half-written is left");
}
