//! What the templates show.

use askama::Template;
use sentimeter_inference::{Live, mixed};

use super::frame::Frame;
use super::highlight::{Segment, segments};
use super::strings::{EXAMPLES, Strings};
use crate::api::Answer;

/// The page.
#[derive(Template)]
#[template(path = "analyse.html")]
pub(crate) struct Page<'a> {
    pub(crate) t: &'static Strings,
    pub(crate) frame: &'a Frame,
    /// Characters that a text may have.
    pub(crate) most: usize,
    pub(crate) text: &'a str,
    pub(crate) outcome: Outcome<'a>,
}

/// The part of the page that changes.
#[derive(Template)]
#[template(path = "part.html")]
pub(crate) struct Part<'p, 'a> {
    pub(crate) page: &'p Page<'a>,
}

/// What the page has to say.
pub(crate) enum Outcome<'a> {
    Empty,
    Result(Box<Result_<'a>>),
    Thanks,
    Fault(String),
}

/// A bar.
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) name: String,
    pub(crate) class: &'static str,
    /// Of the bar's width, per cent, with a point.
    pub(crate) width: String,
    pub(crate) percent: String,
    pub(crate) top: bool,
}

/// What is made of a text.
pub(crate) struct Result_<'a> {
    pub(crate) label: &'a str,
    pub(crate) name: String,
    pub(crate) class: &'static str,
    pub(crate) percent: String,
    pub(crate) mixed: bool,
    /// Whether the model was not made for the text's language.
    pub(crate) foreign: bool,
    pub(crate) bars: Vec<Bar>,
    pub(crate) segments: Vec<Segment<'a>>,
    pub(crate) marked: bool,
    pub(crate) text: &'a str,
    pub(crate) prediction: &'a str,
    pub(crate) model: &'a str,
    /// The text's, for the browser; empty where it is none that we know.
    pub(crate) lang: &'static str,
    pub(crate) language: &'static str,
}

/// The colour of a label: the three sentiments have their own.
pub(crate) fn class(label: &str) -> &'static str {
    match label {
        "negative" => "neg",
        "positive" => "pos",
        _ => "neu",
    }
}

impl<'a> Result_<'a> {
    pub(crate) fn of(live: &'a Live, answer: &'a Answer, t: &Strings) -> Self {
        let labels = live.model().labels();
        let (top, confidence) = answer.scored.top();
        let bars = labels.iter().zip(&answer.scored.probabilities).enumerate().map(|(at, (label, &p))| Bar {
            label: label.clone(),
            name: t.sentiment(label),
            class: class(label),
            width: format!("{:.1}", 100.0 * p),
            percent: t.percent(p),
            top: at == top,
        });
        let segments = match &answer.scored.explanation {
            Some(explanation) => segments(&answer.text, explanation, top),
            None => vec![Segment { text: &answer.text, level: 0 }],
        };
        let label = labels.get(top).map_or("", String::as_str);
        let code = answer.language.code();
        Self {
            label,
            name: t.sentiment(label),
            class: class(label),
            percent: t.percent(confidence),
            mixed: answer.scored.sentences.as_ref().is_some_and(|sentences| mixed(labels, sentences)),
            foreign: !live.model().speaks(answer.scored.language),
            bars: bars.collect(),
            marked: segments.iter().any(|segment| segment.level != 0),
            segments,
            text: &answer.text,
            prediction: &answer.id,
            model: live.name(),
            lang: if code == "other" { "" } else { code },
            language: t.language_name(code),
        }
    }
}
