//! Each sentence by itself, and whether they disagree.

use sentimeter_model::{Model, Scratch};
use unicode_segmentation::UnicodeSegmentation;

/// How sure the model must be of two sentences before they count as disagreeing.
pub const MIXED_FROM: f32 = 0.6;

/// A sentence and what the model makes of it alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// Its first byte in the text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// In the order of the model's labels.
    pub probabilities: Box<[f32]>,
}

impl Sentence {
    /// The most likely class and its probability; the first of equals.
    pub fn top(&self) -> (usize, f32) {
        top(&self.probabilities)
    }
}

/// The place and value of the greatest; the first of equals.
pub(crate) fn top(probabilities: &[f32]) -> (usize, f32) {
    let first = (0, f32::NEG_INFINITY);
    let numbered = probabilities.iter().copied().enumerate();
    numbered.fold(first, |best, next| if next.1 > best.1 { next } else { best })
}

/// The bytes of each sentence of `text`, by the rules of Unicode (UAX #29), without the blanks around it.
/// What has neither letter nor digit belongs to the sentence before.
fn bounds(text: &str) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (at, raw) in text.split_sentence_bound_indices() {
        let sentence = raw.trim();
        if sentence.is_empty() {
            continue;
        }
        let start = at + (raw.len() - raw.trim_start().len());
        let end = start + sentence.len();
        match found.last_mut() {
            Some(last) if !sentence.contains(char::is_alphanumeric) => last.1 = end,
            _ => found.push((start, end)),
        }
    }
    found
}

/// Scores each sentence of `text`.
pub(crate) fn score(model: &Model, text: &str, scratch: &mut Scratch) -> Box<[Sentence]> {
    let bounds = bounds(text);
    let texts: Vec<&str> = bounds.iter().map(|&(start, end)| &text[start..end]).collect();
    let probs = model.predict(&texts, scratch);
    let sentence = |(i, &(start, end))| Sentence { start, end, probabilities: Box::from(probs.row(i)) };
    bounds.iter().enumerate().map(sentence).collect()
}

/// Whether sentences disagree strongly: one is negative and another positive, each with [`MIXED_FROM`] or more.
/// A model without labels of these names is never mixed.
pub fn mixed(labels: &[String], sentences: &[Sentence]) -> bool {
    let has = |name: &str| {
        let class = labels.iter().position(|label| label == name);
        class.is_some_and(|class| {
            sentences.iter().any(|s| s.probabilities.get(class).is_some_and(|&p| p >= MIXED_FROM))
        })
    };
    has("negative") && has("positive")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let got: Vec<&str> = bounds(text).into_iter().map(|(start, end)| &text[start..end]).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn sentences_are_cut_in_three_languages() {
        check("Great phone. Awful battery! Why?", &["Great phone.", "Awful battery!", "Why?"]);
        check(
            "  J'adore le son ! Mais la pile est nulle.\n",
            &["J'adore le son !", "Mais la pile est nulle."],
        );
        // Dots that trail off end no sentence.
        check("Hm… Well.", &["Hm… Well."]);
        check("الخدمة ممتازة. لكن السعر مرتفع؟ نعم", &["الخدمة ممتازة.", "لكن السعر مرتفع؟", "نعم"]);
        check("Never again. 😡😡", &["Never again. 😡😡"]);
        check("😡", &["😡"]);
        check(" \n ", &[]);
    }

    #[test]
    fn mixed_takes_both_sides_and_certainty() {
        let labels = ["negative", "positive"].map(str::to_owned);
        let sentence = |p: f32| Sentence { start: 0, end: 1, probabilities: [1.0 - p, p].into() };
        assert!(mixed(&labels, &[sentence(0.9), sentence(0.1)]));
        assert!(!mixed(&labels, &[sentence(0.9), sentence(0.45)]));
        assert!(!mixed(&labels, &[sentence(0.9)]));
        assert!(!mixed(&["a", "b"].map(str::to_owned), &[sentence(0.9), sentence(0.1)]));
    }

    proptest! {
        #[test]
        fn any_text_is_cut_in_order_on_characters(text in any::<String>()) {
            let mut at = 0;
            for (start, end) in bounds(&text) {
                prop_assert!(at <= start && start < end && text.get(start..end).is_some());
                at = end;
            }
        }
    }
}
