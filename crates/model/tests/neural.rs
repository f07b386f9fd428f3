//! Neural models as their users meet them: learned, interrupted, saved, opened, asked, explained.

#![allow(clippy::unwrap_used)] // its helpers, too, are tests

use std::io;
use std::ops::ControlFlow;

use sentimeter_model::calibration::Calibration;
use sentimeter_model::features::Tokens;
use sentimeter_model::neural::{
    Cut, Epoch, Fitted, Kernel, Kind, Learner, Neural, Settings, Update, Vocabulary,
};
use sentimeter_model::{
    Body, Card, Fit, FitError, Hooks, Lineage, Model, Progress, Scratch, Silent, Targets, Training,
};
use sentimeter_text::Recipe;

const KINDS: [Kind; 3] = [Kind::Lstm, Kind::Bilstm, Kind::Cnn];

/// Feedback of three classes: words that say something, among words that do not.
fn texts(rows: usize) -> (Vec<String>, Vec<u16>) {
    const TELLING: [[&str; 3]; 3] =
        [["awful", "broken", "late"], ["package", "tuesday", "parcel"], ["great", "lovely", "quick"]];
    const FILLING: [&str; 8] = ["the", "service", "was", "it", "and", "delivery", "today", "here"];
    let mut state = 7_u64;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % n) as usize
    };
    let mut texts = Vec::new();
    let mut truth = Vec::new();
    for row in 0..rows {
        let class = row % 3;
        let mut words: Vec<&str> = (0..2 + below(9)).map(|_| FILLING[below(8)]).collect();
        let at = below(words.len() as u64 + 1);
        words.insert(at, TELLING[class][below(3)]);
        texts.push(words.join(" "));
        truth.push(class as u16);
    }
    (texts, truth)
}

/// Small and quick to learn.
fn settings(kind: Kind) -> Settings {
    Settings {
        embedding: 12,
        units: vec![10, 9],
        filters: vec![24, 20],
        kernel_size: 3,
        dense: vec![16],
        dropout: 0.1,
        epochs: 40,
        patience: 10,
        batch_size: 24,
        learning_rate: if kind == Kind::Cnn { 0.005 } else { 0.02 },
        ..Settings::of(kind)
    }
}

struct Data {
    tokens: Tokens,
    truth: Vec<u16>,
}

fn data(rows: usize) -> Data {
    let (texts, truth) = texts(rows);
    let analyzer = Recipe::preset("en").unwrap().compile().unwrap();
    let tokens = Tokens::read(&analyzer, texts.len(), |i| &texts[i], &mut Silent).unwrap();
    Data { tokens, truth }
}

impl Data {
    fn vocabulary(&self, settings: &Settings) -> Vocabulary {
        Vocabulary::select(&self.tokens, 0..self.truth.len() as u32, settings)
    }

    fn fit(
        &self,
        settings: &Settings,
        checkpoint: Option<Vec<u8>>,
        hooks: &mut dyn Hooks,
    ) -> Result<Fitted, FitError> {
        let vocabulary = self.vocabulary(settings);
        let rows = vocabulary.rows(&self.tokens, 0..self.truth.len() as u32, settings);
        let training =
            Training { rows: &rows, targets: Targets::Hard(&self.truth), classes: 3, weights: None };
        let learner = Learner::new(settings.clone(), &vocabulary, 1);
        match checkpoint {
            Some(checkpoint) => learner.resuming(checkpoint).fit(&training, hooks),
            None => learner.fit(&training, hooks),
        }
    }

    fn model(&self, settings: &Settings, fitted: Fitted) -> Model {
        let card = Card {
            recipe: Recipe::preset("en").unwrap(),
            labels: ["negative", "neutral", "positive"].map(str::to_owned).to_vec(),
            languages: Vec::new(),
            plan: serde_json::Value::Null,
            calibration: Calibration::None,
            metrics: serde_json::Value::Null,
            lineage: Lineage::default(),
        };
        let network = Neural::new(settings.clone(), self.vocabulary(settings), fitted);
        Model::new(card, Body::Neural(network)).unwrap()
    }
}

fn right(model: &Model, texts: &[String], truth: &[u16]) -> f64 {
    let probs = model.predict_all(texts.len(), |i| &texts[i]);
    (0..truth.len()).filter(|&i| probs.top(i).0 == truth[i]).count() as f64 / truth.len() as f64
}

#[test]
fn each_family_learns_and_its_file_answers_as_it_did() {
    let data = data(600);
    let (unseen, truth) = texts(690);
    for kind in KINDS {
        for update in [Update::Rows, Update::All] {
            let settings = Settings { update, ..settings(kind) };
            let model = data.model(&settings, data.fit(&settings, None, &mut Silent).unwrap());
            let share = right(&model, &unseen[600..], &truth[600..]);
            assert!(share > 0.95, "{kind:?} {update:?}: {share} right");

            let (bytes, digest) = model.to_bytes().unwrap();
            let (opened, again) = Model::from_bytes(&bytes).unwrap();
            assert_eq!((digest, &bytes), (again, &opened.to_bytes().unwrap().0), "{kind:?}");
            let mut scratch = Scratch::default();
            let texts: Vec<&str> = unseen.iter().map(String::as_str).collect();
            let together = opened.predict(&texts, &mut scratch);
            assert_eq!(together, model.predict(&texts, &mut scratch));
            for (i, text) in texts.iter().enumerate().take(40) {
                assert_eq!(opened.predict(&[text], &mut scratch).row(0), together.row(i), "{kind:?} {text}");
            }
        }
    }
}

#[test]
fn any_text_is_answered() {
    let data = data(90);
    for kind in KINDS {
        let settings = Settings { epochs: 1, ..settings(kind) };
        let model = data.model(&settings, data.fit(&settings, None, &mut Silent).unwrap());
        let long = "great ".repeat(5000);
        let mut scratch = Scratch::default();
        for text in ["", " ", "zzz", "🙂", &long] {
            let probs = model.predict(&[text], &mut scratch);
            let sum: f32 = probs.row(0).iter().sum();
            assert!((sum - 1.0).abs() < 1e-5, "{kind:?} {text:?}");
            model.explain(text, &mut scratch);
        }
        assert_eq!(model.cut(&long, &mut scratch), Some((5000, 100)));
        assert_eq!(model.cut("great", &mut scratch), None);
    }
}

#[test]
fn the_file_has_the_same_bytes_with_any_number_of_threads_on_each_kernel() {
    let data = data(200);
    for kind in KINDS {
        for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.available()) {
            let settings = Settings {
                kernel: Some(kernel),
                epochs: 2,
                batch_size: 50,
                clip_norm: 1.0,
                ..settings(kind)
            };
            let bytes = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let fitted = pool.install(|| data.fit(&settings, None, &mut Silent).unwrap());
                data.model(&settings, fitted).to_bytes().unwrap().0
            };
            assert!(bytes(1) == bytes(2), "{kind:?} on {kernel}");
        }
    }
}

/// Stops after so many steps or epochs and keeps what it is given.
#[derive(Default)]
struct Stop {
    steps: Option<u32>,
    epochs: Option<u32>,
    checkpoint: Vec<u8>,
    seen: Vec<Epoch>,
}

fn count(left: &mut Option<u32>) -> ControlFlow<()> {
    match left {
        Some(1) => ControlFlow::Break(()),
        Some(n) => {
            *n -= 1;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Continue(()),
    }
}

impl Hooks for Stop {
    fn progress(&mut self, _: &Progress) -> ControlFlow<()> {
        count(&mut self.steps)
    }

    fn epoch(&mut self, epoch: &Epoch) -> ControlFlow<()> {
        self.seen.push(*epoch);
        count(&mut self.epochs)
    }

    fn checkpoint(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.checkpoint = bytes.to_vec();
        Ok(())
    }
}

#[test]
fn a_run_that_was_interrupted_ends_with_the_bytes_of_one_that_was_not() {
    let data = data(200);
    for kind in KINDS {
        let settings = Settings { epochs: 4, clip_norm: 1.0, warmup: 0.1, ..settings(kind) };
        let whole = data.fit(&settings, None, &mut Silent).unwrap();
        for (steps, epochs) in [(Some(1), None), (Some(8), None), (Some(11), None), (None, Some(2))] {
            let mut hooks = Stop { steps, epochs, ..Stop::default() };
            let stopped = data.fit(&settings, None, &mut hooks);
            assert!(matches!(stopped, Err(FitError::Interrupted { .. })), "{stopped:?}");
            // And once more on the way.
            let mut again = Stop { steps: Some(3), ..Stop::default() };
            let stopped = data.fit(&settings, Some(hooks.checkpoint), &mut again);
            assert!(matches!(stopped, Err(FitError::Interrupted { .. })), "{stopped:?}");
            let resumed = data.fit(&settings, Some(again.checkpoint), &mut Silent).unwrap();
            assert!(resumed == whole, "{kind:?} stopped after {steps:?} steps, {epochs:?} epochs");
        }
    }
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let data = data(60);
    let settings = settings(Kind::Lstm);
    let mut hooks = Stop { steps: Some(2), ..Stop::default() };
    data.fit(&settings, None, &mut hooks).unwrap_err();
    let says = |settings: &Settings, checkpoint: Vec<u8>| {
        data.fit(settings, Some(checkpoint), &mut Silent).unwrap_err().to_string()
    };
    let other = Settings { learning_rate: 0.5, ..settings.clone() };
    assert!(says(&other, hooks.checkpoint.clone()).contains("other texts, settings, seed"));
    assert!(says(&settings, b"nonsense".to_vec()).contains("damaged"));
    let cut = hooks.checkpoint[..hooks.checkpoint.len() - 9].to_vec();
    assert!(says(&settings, cut).contains("damaged"));
}

#[test]
fn training_stops_when_the_rows_kept_out_say_so_and_keeps_the_best() {
    let mut data = data(120);
    // Labels at random: there is nothing to learn, so the loss soon rises.
    let mut state = 3_u32;
    data.truth.iter_mut().for_each(|y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *y = (state >> 16) as u16 % 3;
    });
    let settings = Settings { epochs: 60, patience: 2, validation: 0.3, ..settings(Kind::Cnn) };
    let mut hooks = Stop::default();
    let fitted = data.fit(&settings, None, &mut hooks).unwrap();
    assert!(fitted.history.len() < 60, "{} epochs", fitted.history.len());
    assert_eq!(fitted.best + 2, fitted.history.len() as u32);
    assert_eq!(fitted.history, hooks.seen);
    let losses: Vec<f64> = fitted.history.iter().map(|e| e.validation_loss.unwrap()).collect();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(losses[fitted.best as usize - 1], least);
}

#[test]
fn numbers_that_run_away_fail_with_the_name_of_the_part() {
    let data = data(60);
    for kind in KINDS {
        let settings = Settings { learning_rate: 1e38, ..settings(kind) };
        let error = data.fit(&settings, None, &mut Silent).unwrap_err();
        let FitError::Diverged { part, step } = &error else { panic!("{error}") };
        assert!(part.contains('.') && *step > 1, "{error}");
        assert!(error.to_string().contains("learning_rate"), "{error}");
    }
}

#[test]
fn vectors_that_are_frozen_stay_and_the_rest_learns() {
    let data = data(120);
    let settings = Settings { update: Update::Frozen, epochs: 2, ..settings(Kind::Bilstm) };
    let fitted = data.fit(&settings, None, &mut Silent).unwrap();
    let one = Settings { epochs: 1, ..settings.clone() };
    let shorter = data.fit(&one, None, &mut Silent).unwrap();
    let table = |fitted: Fitted| {
        let dict = Neural::new(settings.clone(), data.vocabulary(&settings), fitted).state_dict();
        dict.into_iter().find(|(name, ..)| name == "embedding.weight").unwrap().2
    };
    assert_eq!(table(fitted), table(shorter));
}

#[test]
fn what_the_tokens_added_accounts_for_the_logits() {
    let data = data(600);
    let (unseen, _) = texts(630);
    for kind in KINDS {
        let settings = Settings { length: 8, cut: Cut::Both, ..settings(kind) };
        let model = data.model(&settings, data.fit(&settings, None, &mut Silent).unwrap());
        let mut scratch = Scratch::default();
        for text in &unseen[600..] {
            let explained = model.explain(text, &mut scratch);
            let logits = explained.logits();
            let probs = model.predict(&[text], &mut scratch);
            let sum: f64 = logits.iter().map(|z| z.exp()).sum();
            for (class, z) in logits.iter().enumerate() {
                let p = f64::from(probs.row(0)[class]);
                assert!((z.exp() / sum - p).abs() < 1e-4, "{kind:?} {text}: {} {p}", z.exp() / sum);
            }
            for token in &explained.tokens {
                assert_eq!(text[token.start as usize..token.end as usize], token.token);
            }
            let top = usize::from(probs.top(0).0);
            // Neutral may be the answer to a text that says nothing, and telling words may be cut off.
            let most =
                explained.tokens.iter().max_by(|a, b| a.logits[top].total_cmp(&b.logits[top])).unwrap();
            let filling = ["the", "service", "was", "it", "and"].contains(&&most.token[..]);
            let words = explained.tokens.len();
            assert!(top == 1 || words > 8 || !filling, "{kind:?} {text}: {most:?}");
            if words > 8 {
                assert!(explained.tokens[4].logits.iter().all(|&z| z == 0.0), "{kind:?}: the middle is cut");
            }
        }
    }
}

#[test]
fn rows_that_count_nothing_teach_nothing() {
    let data = data(120);
    let settings =
        Settings { validation: 0.0, epochs: 3, batch_size: 1000, dropout: 0.0, ..settings(Kind::Cnn) };
    let vocabulary = data.vocabulary(&settings);
    let rows = vocabulary.rows(&data.tokens, 0..120, &settings);
    let weights: Vec<f64> = data.truth.iter().map(|&y| if y == 1 { 0.0 } else { 2.0 }).collect();
    let training =
        Training { rows: &rows, targets: Targets::Hard(&data.truth), classes: 3, weights: Some(&weights) };
    let learned = Learner::new(settings.clone(), &vocabulary, 1).fit(&training, &mut Silent).unwrap();
    let soft: Vec<f32> =
        data.truth.iter().flat_map(|&y| (0..3).map(move |c| f32::from(u8::from(c == y)))).collect();
    let training = Training { targets: Targets::Soft(&soft), ..training };
    let of_shares = Learner::new(settings.clone(), &vocabulary, 1).fit(&training, &mut Silent).unwrap();
    assert_eq!(learned.history, of_shares.history, "a distribution of one class is that class");
    let model = data.model(&settings, learned);
    let probs = model.predict(&["package parcel tuesday"], &mut Scratch::default());
    assert!(probs.row(0)[1] < 0.34, "{probs:?}");
}
