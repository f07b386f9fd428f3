//! Plans say what they mean, and what is wrong with them.
#![allow(clippy::unwrap_used)]

use sentimeter_corpus::SplitKind;
use sentimeter_experiment::{CalibrationKind, ExperimentError, Plan};
use sentimeter_model::features::{Frequency, Norm, sampling::Sampling};
use sentimeter_model::logistic::{Balance, ClassWeight};
use sentimeter_text::{Body, Step};

fn plan(text: &str, set: &[&str]) -> Result<Plan, ExperimentError> {
    Plan::from_toml(text, &set.iter().map(|&s| s.to_owned()).collect::<Vec<_>>())
}

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../../plans/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_default_plan_is_the_default() {
    assert_eq!(plan(&file("default.toml"), &[]).unwrap(), Plan::default());
    assert_eq!(plan("", &[]).unwrap(), Plan::default());
}

#[test]
fn the_classic_plan_is_scikit_learns_settings() {
    let classic = plan(&file("classic.toml"), &[]).unwrap();
    assert_eq!(classic.recipe.preset.as_deref(), Some("tweet-en"));
    assert_eq!((classic.features.words, classic.features.chars), (Some([1, 2]), None));
    assert_eq!((classic.features.max_features, classic.logistic.c), (500_000, 3.0));
    assert_eq!(classic.calibration.kind, CalibrationKind::None);
}

/// What a plan leaves out is the plan's default, though `[features]` alone has other defaults.
#[test]
fn what_is_left_out_keeps_the_default() {
    for part in ["[recipe]", "[features]", "[logistic]", "[sampling]", "[split]", "[calibration]"] {
        assert_eq!(plan(part, &[]).unwrap().features, Plan::default().features, "{part}");
        assert_eq!(plan(part, &[]).unwrap().logistic, Plan::default().logistic, "{part}");
    }
    let mut want = Plan::default();
    want.features.min_df = Frequency::Count(2);
    assert_eq!(plan("[features]\nmin_df = 2", &[]).unwrap(), want);
    assert_eq!(plan("", &["features.min_df=2"]).unwrap(), want);
    want.logistic.max_iterations = 7;
    assert_eq!(plan("[features]\nmin_df = 2", &["logistic.max_iterations=7"]).unwrap(), want);
}

#[test]
fn a_plan_survives_being_written() {
    for name in ["default.toml", "classic.toml"] {
        let read = plan(&file(name), &["logistic.class_weight={ a = 1.5 }"]).unwrap();
        assert_eq!(plan(&toml::to_string(&read).unwrap(), &[]).unwrap(), read);
        let json = serde_json::to_value(&read).unwrap();
        assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), read);
    }
}

#[test]
fn settings_of_every_type_can_be_set() {
    let set = [
        "seed = 5",
        "features.words=[1, 3]",
        "features.chars=[]",
        "features.max_df=0.5",
        "features.sublinear_tf=true",
        "features.norm=l1",
        "logistic.class_weight=balanced",
        "sampling.kind=\"smote\"",
        "split.kind=time",
        "split={ kind = \"group\", test_share = 0.25 }",
    ];
    let got = plan("[split]\ntest_share = 0.1\n[features]\nmin_df = 3", &set).unwrap();
    assert_eq!(got.seed, 5);
    assert_eq!((got.features.words, got.features.chars), (Some([1, 3]), None));
    assert_eq!((got.features.min_df, got.features.max_df), (Frequency::Count(3), Frequency::Share(0.5)));
    assert!(got.features.sublinear_tf && got.features.norm == Norm::L1);
    assert_eq!(got.logistic.class_weight, ClassWeight::Named(Balance::Balanced));
    assert_eq!(got.sampling.kind, Sampling::Smote);
    assert_eq!((got.split.kind, got.split.test_share), (SplitKind::Group, 0.25), "the later one");

    let ClassWeight::Given(weights) =
        plan("", &["logistic.class_weight.negative=2", "logistic.class_weight.positive=0.5"])
            .unwrap()
            .logistic
            .class_weight
    else {
        panic!("weights by label");
    };
    assert_eq!(weights.into_iter().collect::<Vec<_>>(), [("negative".into(), 2.0), ("positive".into(), 0.5)]);
}

#[test]
fn steps_and_presets_stand_in_place_of_each_other() {
    let steps = "recipe.steps=[{ step = \"lowercase\" }, { step = \"squash_repeats\", keep = 3 }]";
    for text in ["", "[recipe]\npreset = \"fr\""] {
        let Body::Steps(got) = plan(text, &[steps]).unwrap().recipe().unwrap().body else {
            panic!("steps");
        };
        assert_eq!(got, [Step::Lowercase {}, Step::SquashRepeats { keep: 3 }]);
    }
    let text = "[recipe]\nsteps = [{ step = \"lowercase\" }]";
    assert_eq!(plan(text, &["recipe.preset=fr"]).unwrap().recipe().unwrap().name.as_deref(), Some("fr"));
}

#[test]
fn mistakes_are_named() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        // A file's mistakes, with the line.
        ("sead = 1", &[], &["line 1", "sead", "seed"]),
        ("seed = 1\n[features]\nmin_dff = 1", &[], &["line 3", "min_dff", "min_df"]),
        ("[features]\nwords = [1, 2", &[], &["line 2"]),
        ("[features]\nwords = [1, 2, 3]", &[], &["words", "[shortest, longest]"]),
        ("[features]\nnorm = \"l3\"", &[], &["norm", "l3", "l2"]),
        ("[features]\nmin_df = \"many\"", &[], &["min_df", "a whole number of texts or a share"]),
        ("[logistic]\nclass_weight = \"even\"", &[], &["class_weight", "balanced"]),
        ("[recipe]\nsteps = [{ step = \"lower\" }]", &[], &["lower", "lowercase"]),
        ("[recipe]\npreset = \"fr\"\nsteps = []", &[], &["preset", "steps", "leave one"]),
        ("[recipe]\npreset = \"klingon\"", &[], &["klingon", "tweet-en"]),
        ("[recipe]\nsteps = [{ step = \"squash_repeats\", keep = 0 }]", &[], &["squash_repeats", "keep"]),
        // Values out of range, wherever they come from.
        ("[features]\nwords = [2, 1]", &[], &["features.words", "[2, 1]"]),
        ("[features]\nchars = [0, 9]", &[], &["features.chars", "[0, 9]"]),
        ("[features]\nwords = []\nchars = []", &[], &["features.words", "absent"]),
        ("[features]\nmax_df = 1.5", &[], &["features.max_df", "1.5"]),
        ("[features]\nmin_df = -1", &[], &["features.min_df", "-1"]),
        ("[logistic]\nc = 0", &[], &["logistic.c", "above 0"]),
        ("[logistic]\nc = inf", &[], &["logistic.c", "inf"]),
        ("[logistic]\ntolerance = nan", &[], &["logistic.tolerance", "NaN"]),
        ("[split]\ntest_share = 1.0", &[], &["split.test_share", "1"]),
        ("[split]\ntest_share = nan", &[], &["split.test_share", "NaN"]),
        ("[calibration]\nfolds = 1", &[], &["calibration.folds", "1"]),
        // Settings on the command line.
        ("", &["features.min_dff=1"], &["min_dff", "min_df"]),
        ("", &["feature.min_df=1"], &["feature", "features"]),
        ("", &["seed"], &["--set seed", "key=value"]),
        ("seed = 1", &["seed.x=1"], &["--set seed.x=1", "no settings of its own"]),
        ("", &["seed=many"], &["seed", "many"]),
        ("", &["features.words=3"], &["features", "words"]),
        ("", &["logistic.c=-1"], &["logistic.c", "-1"]),
        ("", &["=1"], &["--set =1", "key"]),
        ("", &["logistic..c=1"], &["--set logistic..c=1", "key"]),
    ];
    for (text, set, wants) in cases {
        let error = plan(text, set).expect_err(&format!("{text:?} {set:?}")).to_string();
        for want in *wants {
            assert!(error.contains(want), "{text:?} {set:?}: {error:?} does not name {want:?}");
        }
    }
}

#[test]
fn no_plan_panics() {
    for text in [
        "\0",
        "=",
        "[[recipe]]",
        "recipe = 3",
        "seed = -1",
        "seed = 1e3",
        "\u{feff}seed = 1",
        "[features]\n[features]",
    ] {
        for set in [&[][..], &["recipe.steps.0=1"], &["=", "a=", "a.b.c=[1,"]] {
            let _ = plan(text, set);
        }
    }
}
