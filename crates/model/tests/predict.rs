//! What a model answers: the same in a batch and alone, for any text, and for reasons that add up.
#![allow(clippy::unwrap_used)]

mod small;

use std::sync::LazyLock;

use proptest::prelude::*;
use sentimeter_model::calibration::Calibration;
use sentimeter_model::features::{Norm, Settings};
use sentimeter_model::{Model, Probs, Scratch};
use sentimeter_text::Recipe;
use sentimeter_text::language::{Language, detect};
use small::{THREE, Texts, Trained, recipe, texts, train};

const TEMPERATURE: Calibration = Calibration::Temperature { temperature: 1.7 };

/// Models of two and three classes, over every kind of feature.
struct Case {
    name: &'static str,
    texts: Texts,
    trained: Trained,
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let words = |least, most| Settings { words: Some([least, most]), ..Settings::default() };
    let auto = || Recipe::preset("auto").unwrap();
    let cases = [
        ("words", 3, recipe(), words(1, 1), Calibration::None),
        ("words, two classes", 2, recipe(), words(1, 2), TEMPERATURE),
        ("three words, no single ones", 3, recipe(), words(2, 3), TEMPERATURE),
        ("three words, few features", 3, auto(), Settings { max_features: 200, ..words(1, 3) }, TEMPERATURE),
        (
            "words and characters",
            3,
            auto(),
            Settings { chars: Some([2, 5]), sublinear_tf: true, ..words(1, 3) },
            TEMPERATURE,
        ),
        (
            "characters, two classes",
            2,
            Recipe::default(),
            Settings { words: None, chars: Some([2, 4]), norm: Norm::None, ..Settings::default() },
            Calibration::None,
        ),
        (
            "classic",
            2,
            Recipe::preset("tweet-en").unwrap(),
            Settings { norm: Norm::L1, ..words(1, 2) },
            TEMPERATURE,
        ),
    ];
    let case = |(name, classes, recipe, settings, calibration)| {
        let labels = if classes == 2 { vec!["negative", "positive"] } else { THREE.to_vec() };
        let texts = texts(&labels, usize::MAX);
        let trained = train(&texts, recipe, &settings, calibration);
        Case { name, texts, trained }
    };
    cases.into_iter().map(case).collect()
});

fn predict(model: &Model, text: &str) -> Probs {
    model.predict(&[text], &mut Scratch::default())
}

/// The softmax of `logits` times `scale`.
fn softmax(logits: &[f64], scale: f64) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::MIN, f64::max);
    let exps: Vec<f64> = logits.iter().map(|z| (scale * (z - most)).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.into_iter().map(|e| e / sum).collect()
}

fn close(a: &[f64], b: &[f64], most: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= most * a.abs().max(1.0))
}

/// Every row is a distribution.
fn distributions(probs: &Probs) -> bool {
    (0..probs.len()).all(|i| {
        let row = probs.row(i);
        let sum: f64 = row.iter().map(|&p| f64::from(p)).sum();
        row.iter().all(|p| (0.0..=1.0).contains(p)) && (sum - 1.0).abs() < 1e-6
    })
}

#[test]
fn a_batch_is_its_texts_one_by_one() {
    for Case { name, texts, trained } in &*CASES {
        let model = &trained.model;
        // More texts than one thread takes at a time, and so many that a table of pairs is made on the way.
        let all: Vec<&str> = texts.texts.iter().map(String::as_str).cycle().take(70_000).collect();
        let mut singles = Vec::new();
        let mut scratch = Scratch::default();
        for text in &all[..texts.texts.len()] {
            singles.extend_from_slice(model.predict(&[text], &mut scratch).values());
        }
        let batch = model.predict(&all, &mut Scratch::default());
        assert_eq!((batch.len(), batch.classes()), (70_000, texts.labels.len()), "{name}");
        let singles = singles.iter().cycle().take(batch.values().len());
        assert!(batch.values().iter().eq(singles), "{name}: one thread");
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let parallel = pool.install(|| model.predict_all(all.len(), |i| all[i]));
            assert_eq!(parallel, batch, "{name}: {threads} threads");
        }
        assert!(distributions(&batch), "{name}");
    }
    assert!(CASES[0].trained.model.predict(&[], &mut Scratch::default()).is_empty());
}

/// Raw text through the model, and tokens through `Counts` and `Tfidf`: the same code trains and serves.
#[test]
fn serving_weighs_as_training_did() {
    for Case { name, texts, trained } in &*CASES {
        let logits = trained.solution.logits(&trained.rows);
        let want = Probs::from_logits(&logits, texts.labels.len(), trained.model.card().calibration);
        let got = trained.model.predict_all(texts.texts.len(), |i| &texts.texts[i]);
        assert_eq!(got.len(), want.len());
        for (i, (got, want)) in got.values().iter().zip(want.values()).enumerate() {
            let text = &texts.texts[i / texts.labels.len()];
            assert!((got - want).abs() < 1e-5, "{name}: {text}: {got} in place of {want}");
        }
        let outputs = trained.solution.intercepts.len();
        for (text, want) in texts.texts.iter().zip(logits.chunks_exact(outputs)) {
            let mut got = trained.model.explain(text, &mut Scratch::default()).logits();
            if let [negative, positive] = got[..] {
                got = vec![positive - negative];
            }
            assert!(close(&got, want, 1e-5), "{name}: {text}: {got:?} in place of {want:?}");
        }
    }
}

/// Each case on one text.
fn explained(text: &str) {
    let mut scratch = Scratch::default();
    for Case { name, trained, .. } in &*CASES {
        let model = &trained.model;
        let probs = predict(model, text);
        assert!(distributions(&probs), "{name}: {text:?}");
        let explanation = model.explain(text, &mut scratch);
        let classes = model.labels().len();
        assert_eq!(explanation.bias.len(), classes);
        let mut before = 0;
        for token in &explanation.tokens {
            let (start, end) = (token.start as usize, token.end as usize);
            assert!(text.get(start..end).is_some_and(|t| !t.is_empty()), "{name}: {text:?}: {token:?}");
            assert!(before <= start, "{name}: {text:?}: {token:?} out of order");
            before = start;
            assert_eq!(token.logits.len(), classes);
        }
        let sums: Vec<f64> = (0..classes)
            .map(|k| explanation.bias[k] + explanation.tokens.iter().map(|t| t.logits[k]).sum::<f64>())
            .collect();
        assert!(close(&explanation.logits(), &sums, 1e-9), "{name}: {text:?}");
        let want = softmax(&sums, model.card().calibration.scale(Language::Other));
        let got: Vec<f64> = probs.values().iter().map(|&p| f64::from(p)).collect();
        assert!(close(&got, &want, 1e-6), "{name}: {text:?}: {got:?}, explained as {want:?}");
    }
}

#[test]
fn reasons_add_up_to_the_answer() {
    let mut any_features = 0;
    for Case { texts, trained, .. } in &*CASES {
        for text in texts.texts.iter().take(40) {
            explained(text);
            let explanation = trained.model.explain(text, &mut Scratch::default());
            any_features += explanation.tokens.iter().filter(|t| t.logits.iter().any(|&z| z != 0.0)).count();
        }
    }
    assert!(any_features > 500, "{any_features} tokens of the training texts said something");
    explained("Great, great GREAT service!!! Great service 😀😀 great service");
}

#[test]
fn a_text_without_a_known_feature_gets_the_bias() {
    for Case { name, trained, .. } in &*CASES {
        let model = &trained.model;
        let explanation = model.explain("", &mut Scratch::default());
        assert!(explanation.tokens.is_empty());
        assert_eq!(explanation.logits(), explanation.bias);
        for text in [" \n\t", "\u{4e16}\u{754c}"] {
            assert_eq!(predict(model, text), predict(model, ""), "{name}: {text:?}");
        }
    }
}

#[test]
fn long_and_odd_texts_are_answered() {
    let texts = [
        "a".repeat(100_000),
        "😡".repeat(20_000),
        "good ".repeat(20_000),
        "ـ".repeat(10_000),
        "e\u{301}".repeat(10_000),
        "\u{202e}سيء جدا\u{202c} \u{feff}\0 \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} 🇫🇷🇫".to_owned(),
        "#".repeat(5_000) + &"@".repeat(5_000) + &"http://".repeat(500),
    ];
    texts.iter().for_each(|text| explained(text));
}

proptest! {
    #[test]
    fn any_text_is_answered_for_reasons(text in any_text()) {
        explained(&text);
    }

    /// A scratch that has seen other texts answers like a fresh one.
    #[test]
    fn nothing_of_a_text_is_left_for_the_next(texts in prop::collection::vec(any_text(), 1..6)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for Case { trained, .. } in &*CASES {
            let batch = trained.model.predict(&texts, &mut Scratch::default());
            for (i, text) in texts.iter().enumerate() {
                let single = predict(&trained.model, text);
                prop_assert_eq!(batch.row(i), single.row(0));
            }
        }
    }
}

/// Any characters, and words that the models know between them.
fn any_text() -> impl Strategy<Value = String> {
    let known: Vec<String> = CASES
        .iter()
        .flat_map(|case| &case.texts.texts)
        .flat_map(|text| text.split(' ').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let piece = prop_oneof![
        4 => prop::sample::select(known),
        1 => any::<String>(),
        1 => r"[😀-🙏❤️👩‍👧🇫🇷]{1,4}",
        1 => r"[\u{600}-\u{6ff}\u{200e}\u{200f}\u{202a}-\u{202e}]{0,12}",
        1 => r"[#@:;)(!?.'&a-zA-Z0-9é]{0,12}",
    ];
    let between = prop::sample::select(vec![" ", "", "\n", "\u{a0}", ", "]);
    prop::collection::vec((piece, between), 0..12).prop_map(|pieces| {
        pieces.into_iter().flat_map(|(piece, between)| [piece, between.to_owned()]).collect()
    })
}

#[test]
fn each_language_has_its_own_temperature() {
    let data = texts(&THREE, usize::MAX);
    let by = |calibration| train(&data, recipe(), &Settings::default(), calibration).model;
    let model = by(Calibration::Languages { en: 2.0, fr: 0.5, ar: 3.0, other: 1.5 });
    let asked = [
        ("this is the best service that I have ever had", Language::En, 2.0),
        ("ce service est vraiment le meilleur de tous", Language::Fr, 0.5),
        ("هذه أفضل خدمة على الإطلاق", Language::Ar, 3.0),
        ("dieser Dienst ist wirklich der beste von allen", Language::Other, 1.5),
        ("?!", Language::Other, 1.5),
    ];
    let all: Vec<&str> = asked.iter().map(|asked| asked.0).collect();
    let together = model.predict(&all, &mut Scratch::default());
    for (at, (text, language, temperature)) in asked.into_iter().enumerate() {
        assert_eq!(Calibration::language(detect(text)), language, "{text}");
        let one = by(Calibration::Temperature { temperature });
        assert_eq!(together.row(at), one.predict(&[text], &mut Scratch::default()).row(0), "{text}");
    }
    let (bytes, _) = model.to_bytes().unwrap();
    assert_eq!(Model::from_bytes(&bytes).unwrap().0.card().calibration, model.card().calibration);
    let broken = by(Calibration::Languages { en: 0.0, fr: 1.0, ar: 1.0, other: 1.0 });
    assert!(Model::from_bytes(&broken.to_bytes().unwrap().0).is_err());
}
