use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn names(classes: usize) -> Vec<String> {
    (0..classes).map(|k| format!("class {k}")).collect()
}

fn plain(bootstrap: u32) -> Options {
    Options { bootstrap, ..Options::default() }
}

#[track_caller]
fn close(what: &str, got: Option<f64>, want: &Value) {
    match (got, want.as_f64()) {
        (Some(got), Some(want)) => {
            assert!((got - want).abs() <= 1e-12 * want.abs().max(1.0), "{what}: {got}, scikit-learn {want}");
        }
        (got, want) => assert_eq!(got, want, "{what}"),
    }
}

#[test]
fn agrees_with_scikit_learn() {
    let golden: Value = serde_json::from_str(include_str!("../../tests/goldens/metrics.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= 15);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let truth: Vec<u16> = serde_json::from_value(case["truth"].clone()).unwrap();
        let probs: Vec<f32> = serde_json::from_value(case["probs"].clone()).unwrap();
        let labels: Vec<String> = serde_json::from_value(case["labels"].clone()).unwrap();
        let metrics = measure(&truth, &probs, &labels, &plain(5)).unwrap();
        let got = serde_json::to_value(&metrics).unwrap();
        for (key, want) in case["want"].as_object().unwrap() {
            close(&format!("{name}: {key}"), got[key].as_f64(), want);
        }
        assert_eq!(got["confusion"], case["confusion"], "{name}");
        for (label, want) in labels.iter().zip(case["classes"].as_array().unwrap()) {
            for (key, want) in want.as_object().unwrap() {
                close(&format!("{name}: {label} {key}"), got["classes"][label][key].as_f64(), want);
            }
        }
        if let Some(report) = case["report"].as_str() {
            let table = metrics.to_string();
            assert!(table.starts_with(report), "{name}:\n{table}\nscikit-learn:\n{report}");
        }
        let back: Metrics = serde_json::from_str(&serde_json::to_string(&metrics).unwrap()).unwrap();
        assert_eq!(back.confusion, metrics.confusion);
    }
}

#[test]
fn says_what_is_wrong() {
    let check = |truth: &[u16], probs: &[f32], classes: usize, want: &str| {
        let error = measure(truth, probs, &names(classes), &plain(3)).unwrap_err();
        assert_eq!(error.to_string(), want);
    };
    check(&[], &[], 2, "no rows to measure; give at least one");
    check(&[0], &[1.0], 1, "1 classes; measures need 2 to 1024");
    check(&[0], &[1.0], 2, "1 probabilities for 1 rows of 2 classes; expected 2");
    check(&[2], &[0.5, 0.5], 2, "row 0 is of class 2, but there are 2 labels (0 to 1)");
    check(&[0], &[f32::NAN, 0.5], 2, "row 0 gives class 0 the probability NaN; expected 0 to 1");
    check(&[0], &[-0.5, 1.0], 2, "row 0 gives class 0 the probability -0.5; expected 0 to 1");
    check(&[0], &[0.25, 0.25], 2, "the probabilities of row 0 sum to 0.5; expected 1 (within 0.001)");
    let twice = ["a".to_owned(), "a".to_owned()];
    let error = measure(&[0], &[0.5, 0.5], &twice, &plain(3)).unwrap_err();
    assert_eq!(error.to_string(), "label `a` occurs twice; class names must differ");
    let error = measure(&[0], &[0.5, 0.5], &names(2), &Options { bins: 0, ..plain(3) }).unwrap_err();
    assert_eq!(error.to_string(), "0 calibration bins; expected 1 to 10000");
    let error = measure(&[0], &[0.5, 0.5], &names(2), &plain(100_001)).unwrap_err();
    assert_eq!(error.to_string(), "100001 bootstrap resamples; expected 0 to 100000");
}

/// Predictions that know the truth a little; the same for the same arguments.
fn made_up(rows: usize, classes: usize) -> (Vec<u16>, Vec<f32>) {
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u32 << 24) as f32
    };
    let (mut truth, mut probs) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let class = (random() * classes as f32) as usize;
        let mut row: Vec<f32> = (0..classes).map(|_| 0.05 + random()).collect();
        row[class] += 0.5;
        let sum: f32 = row.iter().sum();
        truth.push(class as u16);
        probs.extend(row.iter().map(|p| p / sum));
    }
    (truth, probs)
}

#[test]
fn intervals_are_as_wide_as_theory_says() {
    for (rows, classes) in [(400, 3), (20_000, 3), (20_000, 2)] {
        let (truth, probs) = made_up(rows, classes);
        let m = measure(&truth, &probs, &names(classes), &plain(1000)).unwrap();
        let intervals = m.intervals.unwrap();
        // accuracy is a binomial share; 1000 resamples know the width within a few per cent
        let want = 2.0 * 1.96 * (m.accuracy * (1.0 - m.accuracy) / rows as f64).sqrt();
        let [low, high] = intervals.accuracy;
        assert!(((high - low) / want - 1.0).abs() < 0.15, "{rows} rows: {low} {high}, want {want}");
        for ([low, high], value) in [
            (intervals.accuracy, m.accuracy),
            (intervals.macro_f1, m.macro_f1),
            (intervals.macro_recall, m.macro_recall),
            (intervals.roc_auc.unwrap(), m.roc_auc.unwrap()),
        ] {
            assert!(low < value && value < high, "{low} {value} {high}");
        }
    }
}

#[test]
fn binary_area_interval_agrees_with_hanley_and_mcneil() {
    // doi:10.1148/radiology.143.1.7063747; more rows than bins, so that binning is tested too
    let (truth, probs) = made_up(20_000, 2);
    let m = measure(&truth, &probs, &names(2), &plain(1000)).unwrap();
    let a = m.roc_auc.unwrap();
    let positive = truth.iter().filter(|&&t| t == 1).count() as f64;
    let negative = truth.len() as f64 - positive;
    let (q1, q2) = (a / (2.0 - a), 2.0 * a * a / (1.0 + a));
    let variance = (a * (1.0 - a) + (positive - 1.0) * (q1 - a * a) + (negative - 1.0) * (q2 - a * a))
        / (positive * negative);
    let [low, high] = m.intervals.unwrap().roc_auc.unwrap();
    let ratio = (high - low) / (2.0 * 1.96 * variance.sqrt());
    // their formula assumes exponential scores
    assert!((0.8..1.2).contains(&ratio), "{low} {high}, ratio {ratio}");
    assert!(((high + low) / 2.0 - a).abs() < 0.2 * (high - low));
}

#[test]
fn same_on_any_number_of_threads() {
    let (truth, probs) = made_up(3000, 3);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| measure(&truth, &probs, &names(3), &plain(50)).unwrap())
    };
    assert_eq!(on(1), on(4));
    let other = Options { seed: 1, ..plain(50) };
    assert_ne!(on(1).intervals, measure(&truth, &probs, &names(3), &other).unwrap().intervals);
}

proptest! {
    #[test]
    fn everything_stays_in_range(
        rows in 1..40_usize, classes in 2..5_usize, steps in 1..6_u16, salt in 0..1000_u16,
    ) {
        // coarse probabilities and few rows: ties, absent classes, constants
        let truth: Vec<u16> = (0..rows as u16).map(|i| (i * 7 + salt) % steps.min(classes as u16)).collect();
        let probs: Vec<f32> = (0..rows)
            .flat_map(|i| {
                let step = |k| (i as u16 * 31 + salt * (k + 1)) % (steps + 1);
                let mut row: Vec<f32> = (0..classes as u16).map(step).map(f32::from).collect();
                if row.iter().all(|&n| n == 0.0) {
                    row.fill(1.0);
                }
                let sum: f32 = row.iter().sum();
                row.into_iter().map(move |n| n / sum)
            })
            .collect();
        let m = measure(&truth, &probs, &names(classes), &plain(20)).unwrap();
        let shares = [m.accuracy, m.macro_precision, m.macro_recall, m.macro_f1, m.weighted_f1, m.ece];
        for share in shares.into_iter().chain(m.roc_auc).chain(m.pr_auc) {
            prop_assert!((0.0..=1.0 + 1e-12).contains(&share), "{share}");
        }
        prop_assert!((m.weighted_recall - m.accuracy).abs() < 1e-12);
        prop_assert!(m.mcc.abs() <= 1.0 + 1e-12 && m.kappa.is_none_or(|k| k <= 1.0) && m.log_loss >= 0.0);
        prop_assert!(!serde_json::to_string(&m).unwrap().contains("NaN"));
        prop_assert!(m.intervals.unwrap().accuracy[0] <= m.intervals.unwrap().accuracy[1]);
    }
}
