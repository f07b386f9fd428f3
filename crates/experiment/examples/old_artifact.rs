//! Makes the model file that `crates/model/tests/old_artifacts.rs` keeps opening, and its answers:
//!
//! ```text
//! cargo run --release -p sentimeter-experiment --example old_artifact
//! ```
//!
//! Only while a format version is unreleased: files of a released one stay as they are, and a new
//! version gets a file beside them.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Context;
use sentimeter_corpus::{ReadOptions, read};
use sentimeter_experiment::{Plan, train};
use sentimeter_model::{FORMAT_VERSION, Silent};

/// Words alone, and few of them: the file stays below 40 KB.
const PLAN: &str = r#"
seed = 1
features = { words = [1, 2], chars = [], max_features = 400, sublinear_tf = true }
calibration = { folds = 3 }
split = { test_share = 0.2 }
"#;

/// What is asked of every version of the program.
const TEXTS: [&str; 8] = [
    "",
    "Great service, thank you so much!",
    "The parcel arrived broken and nobody answers :-(",
    "What are your opening hours?",
    "Le service client est super, merci !",
    "Toujours pas de réponse après trois semaines… @LumitelFR",
    "الخدمة ممتازة وشكرا",
    "المنتج وصل مكسور 😡",
];

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let feedback = root.join("examples/feedback.csv");
    let (corpus, _) = read(&[feedback], &ReadOptions::default(), &mut |_| ControlFlow::Continue(()))?;
    let trained = train(&Plan::from_toml(PLAN, &[])?, &corpus, None, &mut Silent)?;
    let (bytes, digest) = trained.model.to_bytes()?;
    let probs = trained.model.predict_all(TEXTS.len(), |i| TEXTS[i]);
    let answers: Vec<_> = (0..TEXTS.len())
        .map(|i| serde_json::json!({"text": TEXTS[i], "probabilities": probs.row(i)}))
        .collect();
    let answers = serde_json::json!({
        "digest": digest.to_string(),
        "labels": trained.model.labels(),
        "answers": answers,
    });
    let base = root.join(format!("crates/model/tests/artifacts/v{FORMAT_VERSION}-linear"));
    for (extension, bytes) in
        [("safetensors", bytes), ("json", serde_json::to_string_pretty(&answers)?.into_bytes())]
    {
        let path = base.with_extension(extension);
        std::fs::write(&path, &bytes).with_context(|| path.display().to_string())?;
        println!("{} ({} bytes)", path.display(), bytes.len());
    }
    Ok(())
}
