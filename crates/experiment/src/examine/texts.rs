//! Texts worth reading: mistakes that the model is sure of, and texts that it cannot decide, with what
//! each word said.

use std::collections::HashSet;
use std::ops::Range;

use rayon::prelude::*;
use sentimeter_corpus::Corpus;
use sentimeter_model::{Model, Scratch};
use serde::Serialize;

use crate::Answers;

/// Texts of each kind.
const SHOWN: usize = 20;

/// Rows that are looked at for texts that differ.
const LOOKED_AT: usize = 20 * SHOWN;

/// Characters past which a text is shortened, and how many of its beginning and end are then kept: what
/// people feel often stands at the end.
const LONGEST: usize = 400;
const HEAD: usize = 260;
const TAIL: usize = 120;

/// A text and why it was answered as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Text {
    /// Its row in the data, from 0.
    pub row: u32,
    /// The source's id.
    pub id: Option<String>,
    /// Its class.
    pub truth: String,
    /// The model's answer.
    pub answer: String,
    /// The class that the answer is weighed against: the true one, or the second likeliest where the
    /// answer is right.
    pub against: String,
    /// Probability of the answer.
    pub confidence: f64,
    /// Probability of the true class.
    pub truth_probability: f64,
    /// The text in pieces, one after the other; what is left out of a long one reads ` […] `.
    pub pieces: Vec<Piece>,
    /// Whether something is left out.
    pub shortened: bool,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Piece {
    /// As it stands in the text.
    pub text: String,
    /// What it added to the answer's logit, less what it added to that of the other class; 0 for what the
    /// model does not see.
    pub weight: f64,
}

/// The surest mistakes and the closest decisions. Of equal texts one is shown.
pub(super) fn texts(model: &Model, corpus: &Corpus, answers: &Answers) -> (Vec<Text>, Vec<Text>) {
    let mut wrong = Vec::new();
    let mut close = Vec::new();
    for (i, &truth) in (0_u32..).zip(&answers.truth) {
        let (answer, confidence) = answers.probs.top(i as usize);
        if answer != truth {
            wrong.push((-confidence, i));
        }
        close.push((confidence - second(answers.probs.row(i as usize), answer).1, i));
    }
    let explained = |chosen: Vec<u32>| {
        chosen
            .into_par_iter()
            .map_init(Scratch::default, |scratch, i| text(model, corpus, answers, i, scratch))
            .collect()
    };
    let [wrong, close] = [wrong, close].map(|found| first(found, corpus, answers));
    (explained(wrong), explained(close))
}

/// The rows with the smallest keys, of equals the first, no two of the same text.
fn first(mut found: Vec<(f32, u32)>, corpus: &Corpus, answers: &Answers) -> Vec<u32> {
    let order = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if found.len() > LOOKED_AT {
        found.select_nth_unstable_by(LOOKED_AT, order);
        found.truncate(LOOKED_AT);
    }
    found.sort_unstable_by(order);
    let mut seen = HashSet::new();
    let rows = found.into_iter().map(|(_, i)| i);
    rows.filter(|&i| seen.insert(corpus.text(answers.rows[i as usize] as usize))).take(SHOWN).collect()
}

/// The likeliest class but `first`, and its probability.
fn second(row: &[f32], first: u16) -> (u16, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (class, &p) in (0_u16..).zip(row) {
        if class != first && p > best.1 {
            best = (class, p);
        }
    }
    best
}

fn text(model: &Model, corpus: &Corpus, answers: &Answers, i: u32, scratch: &mut Scratch) -> Text {
    let row = answers.rows[i as usize];
    let raw = corpus.text(row as usize);
    let probs = answers.probs.row(i as usize);
    let (answer, confidence) = answers.probs.top(i as usize);
    let truth = answers.truth[i as usize];
    let against = if answer == truth { second(probs, answer).0 } else { truth };
    let explained = model.explain(raw, scratch);
    let marks = explained.tokens.iter().map(|token| {
        let weight = token.logits[usize::from(answer)] - token.logits[usize::from(against)];
        (token.start as usize..token.end as usize, weight)
    });
    let (pieces, shortened) = pieces(raw, marks.collect());
    let label = |class: u16| model.labels()[usize::from(class)].clone();
    Text {
        row,
        id: corpus.id(row as usize).map(str::to_owned),
        truth: label(truth),
        answer: label(answer),
        against: label(against),
        confidence: f64::from(confidence),
        truth_probability: f64::from(probs[usize::from(truth)]),
        pieces,
        shortened,
    }
}

/// `raw` cut at its marks, shortened where it is long; whether it was. Marks that overlap (the parts of a
/// hashtag, two readings of one emoji) become one.
fn pieces(raw: &str, mut marks: Vec<(Range<usize>, f64)>) -> (Vec<Piece>, bool) {
    marks.retain(|(span, weight)| *weight != 0.0 && raw.get(span.clone()).is_some_and(|s| !s.is_empty()));
    marks.sort_by_key(|(span, _)| (span.start, span.end));
    let mut apart: Vec<(Range<usize>, f64)> = Vec::new();
    for (span, weight) in marks {
        match apart.last_mut() {
            Some((last, sum)) if span.start < last.end => {
                last.end = last.end.max(span.end);
                *sum += weight;
            }
            _ => apart.push((span, weight)),
        }
    }
    let kept = kept(raw);
    let mut out = Vec::new();
    for (at, part) in kept.iter().enumerate() {
        if at > 0 {
            out.push(Piece { text: " […] ".to_owned(), weight: 0.0 });
        }
        let mut push = |range: Range<usize>, weight: f64| {
            if let Some(text) = raw.get(range).filter(|text| !text.is_empty()) {
                out.push(Piece { text: text.to_owned(), weight });
            }
        };
        let mut done = part.start;
        for (span, weight) in &apart {
            let (start, end) = (span.start.max(part.start), span.end.min(part.end));
            if start < end {
                push(done..start, 0.0);
                push(start..end, *weight);
                done = end;
            }
        }
        push(done..part.end, 0.0);
    }
    (out, kept.len() > 1)
}

/// The parts of `raw` that are shown, as bytes: all of it, or its beginning and its end.
fn kept(raw: &str) -> Vec<Range<usize>> {
    // Long texts are walked from both ends, never as a whole.
    if raw.char_indices().nth(LONGEST).is_none() {
        return std::iter::once(0..raw.len()).collect();
    }
    let head = raw.char_indices().nth(HEAD).map_or(raw.len(), |(at, _)| at);
    let tail = raw.char_indices().rev().nth(TAIL - 1).map_or(0, |(at, _)| at);
    // Between words where one ends near; few scripts go without blanks.
    const NEAR: usize = 30;
    let before: Option<usize> =
        raw[..head].char_indices().rev().take(NEAR).find(|(_, c)| c.is_whitespace()).map(|(at, _)| at);
    let after = raw[tail..]
        .char_indices()
        .take(NEAR)
        .find(|(_, c)| c.is_whitespace())
        .map(|(at, c)| tail + at + c.len_utf8());
    vec![0..before.unwrap_or(head), after.unwrap_or(tail)..raw.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(raw: &str, marks: &[(Range<usize>, f64)]) -> Vec<(String, f64)> {
        pieces(raw, marks.to_vec()).0.into_iter().map(|piece| (piece.text, piece.weight)).collect()
    }

    #[test]
    fn marks_cut_the_text_and_overlapping_ones_join() {
        let got = shown("so very good!", &[(8..12, 2.0), (0..2, -0.5), (9..12, 1.0), (3..7, 0.0)]);
        let want = [("so", -0.5), (" very ", 0.0), ("good", 3.0), ("!", 0.0)];
        assert_eq!(got, want.map(|(text, weight)| (text.to_owned(), weight)));
        assert_eq!(shown("", &[(0..4, 1.0)]), []);
    }

    #[test]
    fn long_texts_keep_beginning_and_end() {
        let raw = format!("start {} end", "word ".repeat(300));
        let (pieces, shortened) = pieces(&raw, vec![(0..5, 1.0), (600..604, 2.0)]);
        let text: String = pieces.iter().map(|p| p.text.as_str()).collect();
        assert!(shortened && text.starts_with("start word") && text.ends_with("word  end"), "{text}");
        assert!(text.chars().count() < LONGEST && text.contains("word […] word"), "{text}");
        assert_eq!(pieces.iter().filter(|p| p.weight != 0.0).count(), 1, "what is left out has no weight");
    }

    proptest! {
        #[test]
        fn pieces_of_any_text_are_the_text(
            raw in "(\\PC| ){0,500}",
            marks in prop::collection::vec((0..600_usize, 0..12_usize, -2.0..2.0_f64), 0..40),
        ) {
            let marks = marks.into_iter().map(|(start, len, weight)| (start..start + len, weight)).collect();
            let (pieces, shortened) = pieces(&raw, marks);
            let text: String = pieces.iter().map(|p| p.text.as_str()).collect();
            if shortened {
                prop_assert!(text.chars().count() <= LONGEST);
                let (head, tail) = text.split_once(" […] ").unwrap();
                prop_assert!(raw.starts_with(head));
                prop_assert!(raw.ends_with(tail.rsplit(" […] ").next().unwrap()));
            } else {
                prop_assert_eq!(text, raw);
            }
        }
    }
}
