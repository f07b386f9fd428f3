//! Accuracy by length of our language detector, whichlang and lingua; the answers are English, French,
//! Arabic or other.
//!
//! ```sh
//! cargo run --release --manifest-path benches/language/Cargo.toml [DATA]
//! ```
//!
//! DATA (`SENTIMETER_DATA`, `../shared/data`) is the folder of the open data sets. Prints the tables of
//! `docs/language.md`.

mod score;
mod texts;

use std::time::Instant;

use anyhow::Result;
use lingua::{LanguageDetector, LanguageDetectorBuilder};
use sentimeter_text::language::{Language, detect};
use whichlang::Lang;

use crate::score::Score;
use crate::texts::Group;

/// Reads a text, gives a language and how sure it is; whichlang does not say.
type Detector<'a> = &'a dyn Fn(&str) -> (Language, f64);

fn main() -> Result<()> {
    let groups = texts::groups()?;
    let lingua = ten_languages();
    let lingua = |text: &str| by_lingua(&lingua, text);
    let peers: [(&str, Detector); 3] =
        [("ours", &ours), ("whichlang 0.1.1", &by_whichlang), ("lingua 1.8.0", &lingua)];

    let names: Vec<&str> = peers.iter().map(|(name, _)| *name).collect();
    println!("Right answers in %, {}, by number of letters:\n", names.join(" / "));
    println!("| texts | want | up to 20 | 21–40 | 41–80 | more | all | wrong and sure |");
    println!("|---|---|---|---|---|---|---|---|");
    for group in &groups {
        let scores = peers.map(|(_, detector)| Score::of(group, detector));
        println!("| {} | {} | {} |", group.name, group.want, score::cells(&scores));
    }
    println!("\nSpeed, one thread, all texts in a row, models loaded:\n");
    println!("| detector | texts a second |");
    println!("|---|---|");
    for (name, detector) in peers {
        println!("| {name} | {} |", per_second(&groups, detector));
    }
    Ok(())
}

fn per_second(groups: &[Group], detector: Detector) -> u64 {
    let texts: Vec<&str> = groups.iter().flat_map(|group| &group.texts).map(String::as_str).collect();
    let start = Instant::now();
    let (mut done, mut sure) = (0_u64, 0_u64);
    while start.elapsed().as_secs_f64() < 1.0 {
        for text in &texts {
            sure += u64::from(detector(text).1 >= score::SURE);
        }
        done += texts.len() as u64;
    }
    assert!(sure > 0, "nobody is ever sure");
    (done as f64 / start.elapsed().as_secs_f64()) as u64
}

fn ours(text: &str) -> (Language, f64) {
    let found = detect(text);
    (found.language, f64::from(found.confidence))
}

/// It knows sixteen languages and always names one of them, without a confidence.
fn by_whichlang(text: &str) -> (Language, f64) {
    let language = match whichlang::detect_language(text) {
        Lang::Eng => Language::En,
        Lang::Fra => Language::Fr,
        Lang::Ara => Language::Ar,
        _ => Language::Other,
    };
    (language, 1.0)
}

fn ten_languages() -> LanguageDetector {
    use lingua::Language::{
        Arabic, English, French, German, Hindi, Italian, Persian, Portuguese, Spanish, Urdu,
    };
    LanguageDetectorBuilder::from_languages(&[
        Arabic, English, French, German, Hindi, Italian, Persian, Portuguese, Spanish, Urdu,
    ])
    .with_preloaded_language_models()
    .build()
}

/// Its confidences in the ten languages sum to 1; what is neither of our three is other.
fn by_lingua(detector: &LanguageDetector, text: &str) -> (Language, f64) {
    // In descending order; a text without a known letter gives nothing but zeros.
    let values = detector.compute_language_confidence_values(text);
    match values.first() {
        Some(&(best, confidence)) if confidence > 0.0 => {
            let language = match best {
                lingua::Language::English => Language::En,
                lingua::Language::French => Language::Fr,
                lingua::Language::Arabic => Language::Ar,
                _ => Language::Other,
            };
            (language, confidence)
        }
        _ => (Language::Other, 0.0),
    }
}
