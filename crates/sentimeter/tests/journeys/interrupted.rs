//! A process that is killed leaves what was there before, or what it was to make: nothing between.

use std::process::Stdio;
use std::time::Instant;

use crate::desk::{Answer, Desk, LIGHT, example};

/// Kills in a test, spread over the time that the command takes.
const ROUNDS: u32 = 8;

/// Runs `args` to its end to see how long it takes, then kills it again and again, each time
/// later, and looks at what it left.
fn kill_again_and_again(desk: &Desk, args: &[&str], left: impl Fn(&Desk)) -> Answer {
    let timed = || {
        let start = Instant::now();
        (desk.run(args).ok(), start.elapsed())
    };
    // Of two: a machine that was busy for one of them would have all kills come too late.
    let (whole, takes) = timed();
    let mut takes = takes.min(timed().1);
    let mut killed = 0;
    for round in 1..=ROUNDS {
        let mut command = desk.command(args);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The last rounds fall on the writing at the end.
        std::thread::sleep(takes.mul_f64(f64::from(round) / f64::from(ROUNDS)));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            // The machine was busier when the time was taken.
            takes = takes.mul_f64(0.6);
        } else {
            killed += 1;
        }
        left(desk);
    }
    assert!(killed >= 3, "{killed} of {ROUNDS} were killed in time: the command is too short");
    whole
}

/// Feedback of which every text is its own, so that reading, cleaning and fitting take their time.
fn many_rows() -> String {
    let scenes = [
        ("thank you so much", "positive"),
        ("broken again and no refund", "negative"),
        ("where is", "neutral"),
    ];
    let mut csv = "text,label\n".to_owned();
    for n in 0..60_000_usize {
        let (scene, label) = scenes[n % 3];
        csv += &format!("{scene} w{} w{} w{} order {n},{label}\n", n % 701, n % 1009, n * n % 2003);
    }
    csv
}

#[test]
fn a_killed_training_leaves_the_model_of_before() {
    let desk = Desk::with_model();
    desk.put("many.csv", many_rows());
    let digest = |desk: &Desk| {
        let asked = desk.run(&["predict", "--json", "thank you"]).ok().json();
        asked["model"]["digest"].as_str().unwrap().to_owned()
    };
    let before = digest(&desk);
    let train = [&["train", "--data", "many.csv", "--json"], &LIGHT[..]].concat();
    let trained = kill_again_and_again(&desk, &train, |desk| {
        digest(desk);
    });
    let after = trained.json()["digest"].as_str().unwrap().to_owned();
    assert_ne!(after, before);
    assert_eq!(digest(&desk), after);
}

#[test]
fn a_killed_import_leaves_whole_data_sets_alone() {
    let desk = Desk::with_model();
    desk.put("many.csv", many_rows());
    desk.run(&["import", &example("feedback.csv"), "--name", "voices"]).ok();
    let import = ["import", "many.csv", "--name", "many", "--json"];
    let whole = kill_again_and_again(&desk, &import, |desk| {
        let listed = desk.run(&["datasets", "list", "--json"]).ok().json();
        let names: Vec<&str> =
            listed.as_array().unwrap().iter().map(|d| d["name"].as_str().unwrap()).collect();
        assert!(names.contains(&"voices"), "{names:?}");
        for name in names {
            // Opening hashes the rows again: what is listed is whole, or this fails.
            desk.run(&["evaluate", "--data", name]).ok();
        }
        // The next round is to make the data set, not to find it.
        if desk.names("home/datasets").contains(&"many".to_owned()) {
            desk.run(&["datasets", "delete", "many"]);
        }
    });
    let again = desk.run(&import).ok();
    assert_eq!(again.json()["dataset"], whole.json()["dataset"], "and then the import goes through");
}

#[cfg(unix)]
#[test]
fn an_interrupted_profile_leaves_nothing_half_written() {
    let desk = Desk::new();
    desk.put("many.csv", many_rows());
    let args = ["profile", "many.csv", "--quick", "--out", "look"];
    let start = Instant::now();
    desk.run(&args).ok();
    let takes = start.elapsed();
    let whole = [desk.names("look"), desk.names("look/figures")];
    assert!(whole[0].contains(&"index.html".to_owned()) && whole[1].len() > 10);
    for round in 1..=ROUNDS {
        std::fs::remove_dir_all(desk.path("look")).unwrap();
        let mut command = desk.command(&args);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(takes.mul_f64(f64::from(round) / f64::from(ROUNDS + 1)));
        std::process::Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
        child.wait().unwrap();
        std::fs::create_dir_all(desk.path("look")).unwrap();
        for (folder, names) in ["look", "look/figures"].into_iter().zip(&whole) {
            let left = desk.names(folder);
            assert!(left.iter().all(|name| names.contains(name)), "{left:?}");
            // Drawing takes long and may be interrupted; what it made is then put down in one go.
            assert!(folder == "look" || left.is_empty() || left == *names, "{left:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_signal_leaves_no_temporary_file() {
    let desk = Desk::with_model();
    let names = desk.names(".");
    for signal in ["-INT", "-TERM"] {
        // It waits for standard input, which never comes.
        let args = ["predict", "--input", "-", "--format", "lines", "--output", "out.csv"];
        let mut child = desk.command(&args).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // The output is opened once the beginning of the input is known.
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, "thank you\n".repeat(1 << 20).as_bytes()).unwrap();
        assert_ne!(desk.names("."), names, "the answer is being written");
        let kill = std::process::Command::new("kill").arg(signal).arg(child.id().to_string()).status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(desk.names("."), names);
    }
}
