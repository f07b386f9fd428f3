//! The same plan, seed and data give the same model file, byte for byte.

use std::fmt::Write;

use crate::desk::{Desk, LIGHT, example, rows};

/// The CSV with its rows in another order.
fn shuffled(csv: &str) -> String {
    let mut rows = rows(csv);
    let len = rows.len() - 1;
    // 7 and 450 have no common divisor: every row is met once.
    let order = (0..len).map(|i| 1 + (i * 7 + 100) % len);
    let body: Vec<Vec<String>> = order.map(|at| rows[at].clone()).collect();
    rows.splice(1.., body);
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<String> =
            row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
        writeln!(out, "{}", cells.join(",")).unwrap();
    }
    out
}

#[test]
fn threads_and_the_order_of_rows_change_no_byte_of_a_model() {
    let desk = Desk::new();
    let data = example("feedback.csv");
    desk.put("shuffled.csv", shuffled(&std::fs::read_to_string(&data).unwrap()));
    let (words, test) = (&LIGHT[..2], example("feedback_test.csv"));
    let plans: [&[&str]; 8] = [
        &[],
        &["--set", "calibration.kind=none"],
        &[words, &["--set", "logistic.class_weight=balanced", "--set", "split.kind=random"]].concat(),
        &[words, &["--set", "sampling.kind=over", "--set", "split.kind=time"]].concat(),
        &[words, &["--set", "sampling.kind=under", "--set", "split.kind=group"]].concat(),
        &[words, &["--set", "sampling.kind=smote"]].concat(),
        &[words, &["--set", "features.max_features=500"]].concat(),
        &[words, &["--test", &test]].concat(),
    ];
    let model = |plan: &[&str], data: &str, threads: &str| {
        let train = ["train", "--data", data, "--threads", threads, "--out", "m.safetensors", "--quiet"];
        desk.run(&[&train, plan].concat()).ok();
        std::fs::read(desk.path("m.safetensors")).unwrap()
    };
    for plan in plans {
        let first = model(plan, &data, "1");
        for (data, threads) in [(&data[..], "2"), ("shuffled.csv", "1"), ("shuffled.csv", "2")] {
            assert!(model(plan, data, threads) == first, "{plan:?} with {threads} threads on {data}");
        }
        let other = model(&[plan, &["--set", "seed=1"]].concat(), &data, "1");
        assert!(other != first, "{plan:?}: the seed is part of a model");
    }
}

#[test]
fn a_data_set_is_named_by_its_rows_whatever_their_order() {
    let desk = Desk::new();
    let feedback = example("feedback.csv");
    desk.put("shuffled.csv", shuffled(&std::fs::read_to_string(&feedback).unwrap()));
    let version = |file: &str, threads: &str| {
        let import = ["import", file, "--name", "voices", "--threads", threads, "--json"];
        desk.run(&import).ok().json()["dataset"].clone()
    };
    let first = version(&feedback, "1");
    assert_eq!([version(&feedback, "2"), version("shuffled.csv", "2")], [first.clone(), first]);
}
