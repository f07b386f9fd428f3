//! Word clouds alone: what the texts of each class say most.

use sentimeter_corpus::Corpus;
use sentimeter_model::Hooks;
use sentimeter_report::cloud::Cloud;
use sentimeter_report::fonts::drawable;
use sentimeter_report::{Colour, Figure};
use sentimeter_text::language::Language;

use super::slots::Slots;
use super::words::Vocab;
use crate::ExperimentError;

/// Words that a cloud shows at most: a page's clouds have more, these are pictures by themselves.
const MOST: usize = 300;

/// A cloud for each class of `corpus`, stop words left out: `cloud-0`, `cloud-1`, … in the order of the
/// classes. Classes without words have none.
///
/// # Errors
/// An interruption by the hooks.
pub fn clouds(corpus: &Corpus, seed: u64, hooks: &mut dyn Hooks) -> Result<Vec<Figure>, ExperimentError> {
    let slots = Slots::of(corpus);
    let languages = [Language::En, Language::Fr, Language::Ar];
    let vocab = Vocab::read(corpus, &slots, &languages, hooks)?;
    let colours = Colour::of_labels(&slots.names);
    let shown = if slots.classes == 0 { slots.len() } else { slots.classes };
    let cloud = |slot: usize| {
        // What the fonts lack would stand there as its number.
        let words = vocab.cloud(slot).into_iter().filter(|word| drawable(&word.word) == word.word);
        let words: Vec<(String, f64)> = words.take(MOST).map(|word| (word.word, word.count as f64)).collect();
        if words.is_empty() {
            return None;
        }
        let title = format!("What {} texts say most", slots.names[slot]);
        let mut cloud = Cloud::new(title, words).seed(seed);
        if let Some(colour) = colours.get(slot) {
            cloud = cloud.colour(*colour);
        }
        Some(cloud.draw(&format!("cloud-{slot}")))
    };
    Ok((0..shown).filter_map(cloud).collect())
}

#[cfg(test)]
mod tests {
    use sentimeter_corpus::Example;
    use sentimeter_model::Silent;

    use super::*;

    #[test]
    fn each_class_has_its_words_and_no_stop_words() {
        let mut corpus = Corpus::with_labels(vec!["negative".into(), "positive".into()]);
        for (text, label) in [("the outage was terrible", "negative"), ("the refund was quick", "positive")] {
            corpus.push(Example { text, label: Some(label), ..Example::default() }).unwrap();
        }
        let found = clouds(&corpus, 7, &mut Silent).unwrap();
        let names: Vec<&str> = found.iter().map(Figure::name).collect();
        assert_eq!(names, ["cloud-0", "cloud-1"]);
        assert!(found.iter().all(|figure| figure.png(0.5).unwrap().starts_with(b"\x89PNG")));
        let vocab = |slot| {
            let slots = Slots::of(&corpus);
            let vocab = Vocab::read(&corpus, &slots, &[Language::En], &mut Silent).unwrap();
            vocab.cloud(slot).into_iter().map(|word| word.word).collect::<Vec<_>>()
        };
        assert_eq!(vocab(0), ["outage", "terrible"]);
        assert_eq!(vocab(1), ["quick", "refund"]);
    }
}
