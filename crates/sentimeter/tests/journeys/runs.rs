//! Every training is a run: listed, shown, compared, taken elsewhere, made again.

use serde_json::Value;

use crate::desk::{Desk, LIGHT, example};

fn train(desk: &Desk, args: &[&str]) -> Value {
    let feedback = example("feedback.csv");
    let mut all = vec!["train", "--json", "--quiet", "--data", &feedback];
    all.extend(args);
    all.extend(LIGHT);
    desk.run(&all).ok().json()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_training_is_recorded_without_being_asked() {
    let desk = Desk::new();
    let first = train(&desk, &["--run-name", "first", "--tag", "team=cx", "--no-report", "--word-clouds"]);
    assert_eq!(text(&first["run"]["name"]), "first");
    let second = train(&desk, &["--set", "logistic.c=0.1"]);
    let listed = desk.run(&["runs", "list", "--json"]).ok().json();
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|run| text(&run["name"])).collect();
    assert_eq!(names, [text(&second["run"]["name"]), "first"]);
    assert!(listed[0]["metrics"]["accuracy"].as_f64().is_some());

    let shown = desk.run(&["runs", "show", "first", "--json"]).ok().json();
    assert_eq!(shown["run"]["status"], "finished");
    assert_eq!(shown["run"]["id"], first["run"]["id"]);
    let pairs = |of: &Value| -> Vec<(String, String)> { serde_json::from_value(of.clone()).unwrap() };
    let params = pairs(&shown["params"]);
    assert!(params.contains(&("logistic.c".to_owned(), "1.5".to_owned())), "{params:?}");
    assert!(pairs(&shown["tags"]).contains(&("team".to_owned(), "cx".to_owned())));
    assert_eq!(shown["inputs"][0]["rows"], 450);
    let metric = |name: &str| {
        let all = shown["metrics"].as_array().unwrap();
        all.iter().rev().find(|metric| metric["name"] == name).map(|metric| metric["value"].as_f64().unwrap())
    };
    assert_eq!(metric("accuracy"), first["metrics"]["accuracy"].as_f64());
    assert_eq!(metric("accuracy.low"), first["metrics"]["intervals"]["accuracy"][0].as_f64());
    assert!(metric("fit.gradient").is_some() && metric("latency_us.p50").unwrap() > 0.0);
    let files = |run: &str| -> Vec<String> {
        let shown = desk.run(&["runs", "show", run, "--json"]).ok().json();
        shown["artifacts"].as_array().unwrap().iter().map(|file| text(&file["path"]).to_owned()).collect()
    };
    let mut want = vec!["answers.safetensors", "model.safetensors", "plan.toml"];
    want.extend(["0.png", "0.svg", "1.png", "1.svg", "2.png", "2.svg"]);
    let want = want
        .into_iter()
        .map(|name| if name.len() == 5 { format!("words/cloud-{name}") } else { name.to_owned() });
    assert_eq!(files("first"), want.collect::<Vec<_>>());
    let files = files("latest");
    assert!(files.contains(&"report/index.html".to_owned()) && files.iter().any(|f| f.ends_with(".png")));
    desk.run(&["runs", "show", "first"]).ok().prints(&["team = cx", "logistic.c = 1.5", "450 rows"]);
    desk.run(&["runs", "list"]).ok().prints(&["first", "accuracy", "finished"]);
}

#[test]
fn runs_that_fail_say_why_and_unrecorded_ones_leave_nothing() {
    let desk = Desk::new();
    desk.put("one.csv", "text,label\na good day,positive\nanother,positive\n");
    desk.train(&["--data", "one.csv"]).ends(1).tells(&["fewer than two labels"]);
    let listed = desk.run(&["runs", "list", "--json"]).ok().json();
    assert_eq!(listed[0]["status"], "failed");
    assert!(text(&listed[0]["error"]).contains("fewer than two labels"));
    let answer = train(&desk, &["--no-record", "--no-report"]);
    assert_eq!(answer["run"], Value::Null);
    assert_eq!(desk.run(&["runs", "list", "--json"]).ok().json().as_array().unwrap().len(), 1);
    for (args, want) in [
        (&["runs", "show", "nobody"][..], "there is no run"),
        (&["runs", "compare", "latest", "latest2"], "there is no run"),
        (&["runs", "reproduce", "latest"], "left no model"),
        (&["runs", "import", "nowhere.zip"], "cannot read nowhere.zip"),
        (&["runs", "list", "--database-url", "mysql://x:secret@y/z"], "wants postgres://"),
    ] {
        let answer = desk.run(args).ends(1);
        answer.tells(&[want]);
        assert!(!answer.err.contains("secret"));
    }
    desk.run(&["runs", "compare", "latest"]).ends(2);
    desk.run(&["runs", "list", "--where", "accuracy=1"]).ends(2);
}

#[test]
fn a_home_that_cannot_be_recorded_into_is_told_of_once() {
    let desk = Desk::new();
    // The records' place is taken by a folder; models can be written all the same.
    std::fs::create_dir_all(desk.path("home/sentimeter.db")).unwrap();
    let answer = desk.train(&["--data", &example("feedback.csv"), "--no-report"]).ok();
    answer.tells(&["not recorded", "--no-record"]);
    assert_eq!(answer.err.matches("not recorded").count(), 1, "{answer}");
    answer.prints(&["accuracy"]);
}

#[test]
fn two_runs_are_compared_in_the_terminal_and_as_a_page() {
    let desk = Desk::new();
    train(&desk, &["--run-name", "base", "--no-report"]);
    train(&desk, &["--run-name", "weak", "--no-report", "--set", "logistic.c=0.001"]);
    let answer = desk.run(&["runs", "compare", "base", "weak", "--out", "page"]).ok();
    answer.prints(&["logistic.c", "1.5", "0.001", "accuracy", "p = "]);
    let found = desk.run(&["runs", "compare", "base", "weak", "--json"]).ok().json();
    let differing: Vec<&str> =
        found["differing"].as_array().unwrap().iter().map(|d| text(&d["name"])).collect();
    assert_eq!(differing, ["logistic.c"]);
    let paired = &found["paired"][0];
    assert_eq!(paired["rows"], found["runs"][0]["metrics"]["rows"].as_f64().unwrap() as u64);
    assert!((0.0..=1.0).contains(&paired["p"].as_f64().unwrap()));
    let page = desk.text("page/index.html");
    for part in ["logistic.c", "Each line is a run", "fit.gradient", "only this one right"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(desk.names("page/figures").contains(&"compare-parallel.png".to_owned()));
    // Measured on other rows, they are not compared answer by answer, and that is said.
    train(&desk, &["--run-name", "other", "--no-report", "--set", "seed=7"]);
    let answer = desk.run(&["runs", "compare", "base", "other"]).ok();
    answer.tells(&["measured on different rows"]);
    assert!(!answer.out.contains("p = "));
    let sorted =
        desk.run(&["runs", "list", "--json", "--sort", "accuracy", "--where", "accuracy>0"]).ok().json();
    let values: Vec<f64> =
        sorted.as_array().unwrap().iter().map(|run| run["metrics"]["accuracy"].as_f64().unwrap()).collect();
    assert!(values.len() == 3 && values.windows(2).all(|two| two[0] >= two[1]), "{values:?}");
}

#[test]
fn a_run_is_made_again_here_and_in_a_fresh_home_on_any_number_of_threads() {
    let desk = Desk::new();
    desk.run(&["import", &example("feedback.csv"), "--name", "voices"]).ok();
    for (name, data) in [("snapshot", "voices".to_owned()), ("file", example("feedback.csv"))] {
        let args = ["train", "--json", "--quiet", "--no-report", "--run-name", name, "--data", &data];
        desk.run(&[&args[..], &LIGHT].concat()).ok();
        for threads in ["1", "2"] {
            let again = desk.run(&["runs", "reproduce", name, "--json", "--threads", threads]).ok().json();
            assert_eq!(again["identical"], true, "{again}");
            assert_eq!(again["recorded"], again["again"]);
        }
    }
    desk.run(&["runs", "reproduce", "file"]).ok().prints(&["identical"]);
    let export = desk.run(&["runs", "export", "file", "bundle.zip"]).ok();
    export.prints(&["bundle.zip"]);
    desk.run(&["runs", "export", "file", "bundle.zip"]).ends(1).tells(&["is there already"]);
    desk.run(&["runs", "export", "file", "bundle"]).ok();
    assert!(desk.names("bundle").contains(&"bundle.json".to_owned()));
    // Elsewhere: the run comes as a file, its data by name.
    let data = example("feedback.csv");
    for place in ["bundle.zip", "bundle"] {
        let args =
            ["--home", &format!("fresh-{place}"), "runs", "reproduce", place, "--data", &data, "--json"];
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sentimeter"));
        let output = command.current_dir(desk.path(".")).args(args).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["identical"], true, "{found}");
    }
    // Other data gives another model, and says so.
    desk.put("less.csv", desk_less());
    let other = desk.run(&["runs", "reproduce", "file", "--data", "less.csv"]).ends(1);
    other.tells(&["the data is not what the run learned from"]);
    other.prints(&["not the same as file", "tensor", "lineage.data"]);
    // A file that changed is told of before anything is learned.
    desk.put("mine.csv", std::fs::read(example("feedback.csv")).unwrap());
    desk.train(&["--data", "mine.csv", "--no-report", "--run-name", "mine"]).ok();
    desk.put("mine.csv", desk_less());
    desk.run(&["runs", "reproduce", "mine"]).ends(1).tells(&["has changed since", "--data"]);
}

/// The example without its last rows.
fn desk_less() -> String {
    let all = std::fs::read_to_string(example("feedback.csv")).unwrap();
    all.lines().take(300).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_home_is_backed_up_and_restored() {
    let desk = Desk::new();
    desk.run(&["import", &example("feedback.csv"), "--name", "voices"]).ok();
    let args = ["train", "--quiet", "--no-report", "--run-name", "kept", "--data", "voices"];
    desk.run(&[&args[..], &LIGHT].concat()).ok();
    desk.run(&["backup", "home.zip"]).ok().prints(&["home.zip", "blobs"]);
    train(&desk, &["--run-name", "later", "--no-report"]);
    desk.run(&["restore", "home.zip"]).ends(1).tells(&["has records already", "--force"]);
    desk.run(&["restore", "home.zip", "--force"]).ok();
    let names = |desk: &Desk| -> Vec<String> {
        let listed = desk.run(&["runs", "list", "--json"]).ok().json();
        listed.as_array().unwrap().iter().map(|run| text(&run["name"]).to_owned()).collect()
    };
    assert_eq!(names(&desk), ["kept"]);
    // A new home has everything: records, files, data, the model.
    let moved = Desk::new();
    moved.put("home.zip", std::fs::read(desk.path("home.zip")).unwrap());
    moved.run(&["restore", "home.zip"]).ok();
    assert_eq!(names(&moved), ["kept"]);
    moved.run(&["runs", "reproduce", "kept"]).ok().prints(&["identical"]);
    moved.run(&["predict", "thank you"]).ok();
    // What is no backup changes nothing.
    desk.put("cut.zip", &std::fs::read(desk.path("home.zip")).unwrap()[..5000]);
    desk.run(&["restore", "cut.zip", "--force"]).ends(1).tells(&["is no backup"]);
    assert_eq!(names(&desk), ["kept"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_training_is_marked_at_once_and_a_killed_one_by_the_next_start() {
    let desk = Desk::new();
    let rows: String = (0..60_000_u32)
        .map(|n| {
            format!(
                "text w{} w{} w{} {n},{}\n",
                n % 701,
                n % 1009,
                n % 2003,
                ["good", "bad"][(n % 2) as usize]
            )
        })
        .collect();
    desk.put("many.csv", format!("text,label\n{rows}"));
    for signal in ["INT", "KILL"] {
        let mut child =
            desk.command(&["train", "--data", "many.csv", "--quiet", "--run-name", signal]).spawn().unwrap();
        let listed = |all: bool| {
            let listed = desk.run(&["runs", "list", "--json", "--name", signal]).ok().json();
            let found = listed.as_array().unwrap().first().cloned();
            assert!(!all || found.is_some(), "{signal} is not listed");
            found
        };
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(120);
        while listed(false).is_none() {
            assert!(std::time::Instant::now() < patience, "{signal}: the run never started");
        }
        let kill =
            std::process::Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
        assert!(kill.unwrap().success());
        child.wait().unwrap();
        assert_eq!(listed(true).unwrap()["status"], "killed", "{signal}");
    }
}
