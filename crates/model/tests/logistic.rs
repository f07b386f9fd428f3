//! Logistic regression finds scikit-learn's optimum: see `goldens/logistic.py`.
#![allow(clippy::unwrap_used)]

use sentimeter_model::features::Sparse;
use sentimeter_model::logistic::{ClassWeight, Logistic, Settings, Start};
use sentimeter_model::{Fit, FitError, Hooks, Progress, Silent, Targets, Training};
use serde_json::Value;

fn goldens() -> Value {
    let path = format!("{}/tests/goldens/logistic.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn tight(c: f64) -> Logistic {
    Logistic::try_from(&Settings { c, tolerance: 1e-10, ..Settings::default() }).unwrap()
}

/// A problem's rows, targets and number of classes.
fn problem(goldens: &Value, problem: &Value) -> (Sparse, Vec<u16>, usize) {
    let mut rows = Sparse::new(goldens["features"].as_u64().unwrap() as usize);
    for row in problem["rows"].as_array().unwrap() {
        let row = goldens["rows"][row.as_u64().unwrap() as usize].as_array().unwrap();
        rows.push(row.iter().map(|e| (e[0].as_u64().unwrap() as u32, e[1].as_f64().unwrap() as f32)));
    }
    let targets = numbers(&problem["targets"]).into_iter().map(|y| y as u16).collect();
    (rows, targets, problem["labels"].as_array().unwrap().len())
}

#[test]
fn optimum_and_coefficients_are_scikit_learns() {
    let goldens = goldens();
    for given in goldens["problems"].as_array().unwrap() {
        let (rows, targets, classes) = problem(&goldens, given);
        let labels: Vec<String> =
            given["labels"].as_array().unwrap().iter().map(|l| l.as_str().unwrap().to_owned()).collect();
        for case in given["cases"].as_array().unwrap() {
            let what = format!("{} C={} {}", given["name"], case["C"], case["class_weight"]);
            let weights = numbers(&case["weights"]);
            if case["sample_weight"].is_null() {
                let name =
                    if case["class_weight"].is_null() { "none".into() } else { case["class_weight"].clone() };
                let rule: ClassWeight = serde_json::from_value(name).unwrap();
                let counts: Vec<usize> =
                    (0..classes).map(|k| targets.iter().filter(|&&y| usize::from(y) == k).count()).collect();
                let by_class = rule.resolve(&labels, &counts).unwrap();
                for (y, want) in targets.iter().zip(&weights) {
                    // The goldens keep nine digits.
                    assert!((by_class[usize::from(*y)] - want).abs() < 1e-8, "{what}: class weights");
                }
            }
            let training =
                Training { rows: &rows, targets: Targets::Hard(&targets), classes, weights: Some(&weights) };
            let found = tight(case["C"].as_f64().unwrap()).fit(&training, &mut Silent).unwrap();
            assert!(found.converged, "{what}");
            let want = case["objective"].as_f64().unwrap();
            assert!((found.objective - want).abs() <= 1e-6 * want, "{what}: {} {want}", found.objective);
            let outputs = found.intercepts.len();
            for (k, row) in case["coefficients"].as_array().unwrap().iter().enumerate() {
                for (j, want) in numbers(row).into_iter().enumerate() {
                    let got = found.weights[j * outputs + k];
                    assert!((got - want).abs() < 1e-3, "{what}: coefficient {k}, {j}: {got} {want}");
                }
            }
            for (got, want) in found.intercepts.iter().zip(numbers(&case["intercepts"])) {
                assert!((got - want).abs() < 1e-3, "{what}: intercept {got} {want}");
            }
        }
    }
}

#[test]
fn any_start_and_any_number_of_threads_end_at_the_same_place() {
    let goldens = goldens();
    let (rows, targets, classes) = problem(&goldens, &goldens["problems"][1]);
    let training = Training { rows: &rows, targets: Targets::Hard(&targets), classes, weights: None };
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    let one = pool(1).install(|| tight(2.0).fit(&training, &mut Silent)).unwrap();
    let two = pool(2).install(|| tight(2.0).fit(&training, &mut Silent)).unwrap();
    assert_eq!(one, two);
    let start = Start { weights: vec![0.3; rows.width * classes], intercepts: vec![0.1; classes] };
    let warm = tight(2.0).starting_from(start).fit(&training, &mut Silent).unwrap();
    for (a, b) in one.weights.iter().zip(&warm.weights) {
        assert!((a - b).abs() < 1e-6);
    }
}

#[test]
fn soft_targets_that_are_certain_are_hard_targets() {
    let goldens = goldens();
    for given in goldens["problems"].as_array().unwrap() {
        let (rows, targets, classes) = problem(&goldens, given);
        let soft: Vec<f32> = targets
            .iter()
            .flat_map(|&y| (0..classes).map(move |k| f32::from(u8::from(k == usize::from(y)))))
            .collect();
        let fit = |targets| {
            let training = Training { rows: &rows, targets, classes, weights: None };
            tight(1.0).fit(&training, &mut Silent).unwrap()
        };
        assert_eq!(fit(Targets::Hard(&targets)), fit(Targets::Soft(&soft)));
    }
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let mut rows = Sparse::new(1);
    (0..4).for_each(|i| rows.push([(0, i as f32)]));
    let fit = |targets: &[u16], weights: Option<&[f64]>| {
        let training = Training { rows: &rows, targets: Targets::Hard(targets), classes: 2, weights };
        tight(1.0).fit(&training, &mut Silent)
    };
    assert!(matches!(fit(&[1, 1, 1, 1], None), Err(FitError::OneClass { found: 1, .. })));
    assert!(matches!(fit(&[1, 0], None), Err(FitError::Length { .. })));
    assert!(matches!(fit(&[1, 0, 1, 0], Some(&[0.0; 4])), Err(FitError::Empty { .. })));
    assert!(Logistic::try_from(&Settings { c: 0.0, ..Settings::default() }).is_err());
    let mut bad = rows.clone();
    bad.values[2] = f32::NAN;
    let training = Training { rows: &bad, targets: Targets::Hard(&[0, 1, 0, 1]), classes: 2, weights: None };
    assert!(matches!(tight(1.0).fit(&training, &mut Silent), Err(FitError::NotFinite { .. })));
}

#[test]
fn hooks_can_stop_it() {
    struct Stop;
    impl Hooks for Stop {
        fn progress(&mut self, progress: &Progress) -> std::ops::ControlFlow<()> {
            if progress.done == 2 {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        }
    }
    let goldens = goldens();
    let (rows, targets, classes) = problem(&goldens, &goldens["problems"][0]);
    let training = Training { rows: &rows, targets: Targets::Hard(&targets), classes, weights: None };
    let stopped = tight(1.0).fit(&training, &mut Stop);
    assert!(matches!(stopped, Err(FitError::Interrupted { iterations: 2 })));
}

#[test]
fn labels_that_a_source_does_not_know_learn_nothing_from_it() {
    // Feature 0 stands in rows that know negative (0) and positive (2) alone, feature 1 in rows that know all.
    let mut rows = Sparse::new(2);
    let mut truth = Vec::new();
    for i in 0..60_u16 {
        rows.push([(u32::from(i % 2), 1.0)]);
        truth.push(if i % 2 == 0 { [0, 2, 2][usize::from(i / 2 % 3)] } else { i / 2 % 3 });
    }
    let two: Vec<u32> = (0..60).map(|i| if i % 2 == 0 { 0b101 } else { 0b111 }).collect();
    let all = vec![u32::MAX; 60];
    let fit = |targets| {
        let training = Training { rows: &rows, targets, classes: 3, weights: None };
        tight(1.0).fit(&training, &mut Silent).unwrap().weights
    };
    let plain = fit(Targets::Hard(&truth));
    assert_eq!(plain, fit(Targets::Within { truth: &truth, known: &all }));
    assert!(plain[1] < -0.1, "without a mask, neutral is wrong wherever feature 0 stands: {plain:?}");
    let masked = fit(Targets::Within { truth: &truth, known: &two });
    assert!(masked[1].abs() < 1e-9, "{masked:?}");
    assert!(masked[2] > 0.1 && masked[0] < -0.1, "{masked:?}");
    // Two of three such rows are positive: among the classes that they know, the model comes near that.
    assert!((masked[2] + masked[0]).abs() < 1e-6, "what one class wins the other loses: {masked:?}");

    // Two classes of which one is known: nothing can be learned.
    let binary: Vec<u16> = (0..60).map(|i| u16::from(i % 4 < 2)).collect();
    let known: Vec<u32> = (0..60).map(|i| if i % 2 == 0 { 1 << binary[i] } else { 0b11 }).collect();
    let targets = Targets::Within { truth: &binary, known: &known };
    let training = Training { rows: &rows, targets, classes: 2, weights: None };
    assert!(tight(1.0).fit(&training, &mut Silent).unwrap().weights[0].abs() < 1e-9);
    let few = Targets::Within { truth: &binary, known: &known[1..] };
    let training = Training { rows: &rows, targets: few, classes: 2, weights: None };
    assert!(matches!(tight(1.0).fit(&training, &mut Silent), Err(FitError::Length { .. })));
}
