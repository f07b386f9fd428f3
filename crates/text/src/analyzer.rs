//! A compiled recipe at work.

use crate::compile::{Pipeline, Pipelines, TextStep};
use crate::recipe::{Recipe, RecipeError};
use crate::tokens::{Words, split};
use crate::trace::{Desk, Origins, Span, Trace, Untraced};
use std::sync::Arc;

/// A compiled recipe: immutable, shared between threads, cheap to clone.
#[derive(Debug, Clone)]
pub struct Analyzer {
    pipelines: Arc<Pipelines>,
}

/// Buffers that one thread reuses from text to text, with any analyzer. Once they have grown to the
/// longest text, nothing is allocated any more.
#[derive(Debug, Default)]
pub struct Scratch {
    untraced: Desk<Untraced>,
    traced: Desk<Origins>,
    words: Words,
}

/// What is still to be done to a token: tokens that are equal in this and in their letters end up
/// equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    /// The pipeline that its text went through.
    pipeline: u8,
    /// Whether a negation before it marks it.
    marked: bool,
}

impl Unfinished {
    /// A number, the same for equal ones, below 256.
    pub fn number(self) -> u8 {
        self.pipeline * 2 + u8::from(self.marked)
    }
}

impl Scratch {
    /// Empty buffers.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Analyzer {
    pub(crate) fn new(recipe: &Recipe) -> Result<Self, RecipeError> {
        Ok(Self { pipelines: Arc::new(Pipelines::new(recipe)?) })
    }

    /// Calls `sink` with every token of `raw`, in order, and the bytes of `raw` behind it: all that
    /// it was made from, so the span of `URL` is the whole link. Spans lie on character boundaries
    /// of `raw` and their starts never decrease.
    ///
    /// A text of more than 4 GiB is read up to there.
    pub fn each(&self, raw: &str, scratch: &mut Scratch, sink: &mut impl FnMut(&str, Span)) {
        self.run(raw, &mut scratch.traced, &mut scratch.words, sink);
    }

    /// The same tokens without spans: the fast path of training and batch scoring.
    pub fn tokens(&self, raw: &str, scratch: &mut Scratch, sink: &mut impl FnMut(&str)) {
        self.run(raw, &mut scratch.untraced, &mut scratch.words, &mut |token, _| sink(token));
    }

    /// The tokens of `raw` before the steps that look at nothing but the token (stop words, lemmas,
    /// stems): training numbers these first, and then has [`Analyzer::finish`] do each distinct one
    /// once.
    pub fn unfinished(&self, raw: &str, scratch: &mut Scratch, sink: &mut impl FnMut(&str, Unfinished)) {
        let Scratch { untraced: desk, words, .. } = scratch;
        let number = self.pipelines.pick(raw);
        let pipeline = self.pipelines.at(number);
        pipeline.rewrite(raw, desk);
        words.begin_unfinished();
        let page = &desk.page;
        split(&page.text, |range, clause| {
            let token = &page.text[range];
            if let Some(marked) = words.pass_unfinished(&pipeline.tokens, token, clause) {
                sink(token, Unfinished { pipeline: number, marked });
            }
        });
    }

    /// What becomes of a token that [`Analyzer::unfinished`] has given; `None` if it is dropped.
    pub fn finish<'a>(
        &self,
        token: &str,
        unfinished: Unfinished,
        scratch: &'a mut Scratch,
    ) -> Option<&'a str> {
        let steps = &self.pipelines.at(unfinished.pipeline).tokens;
        scratch.words.finish(steps, token, unfinished.marked)
    }

    fn run<T: Trace>(
        &self,
        raw: &str,
        desk: &mut Desk<T>,
        words: &mut Words,
        sink: &mut impl FnMut(&str, Span),
    ) {
        let pipeline = self.pipelines.at(self.pipelines.pick(raw));
        pipeline.rewrite(raw, desk);
        words.begin(&pipeline.tokens);
        let page = &desk.page;
        split(&page.text, |range, clause| {
            let token = words.pass(&pipeline.tokens, &page.text, range.clone(), clause);
            if let Some(token) = token {
                sink(token, page.span(range));
            }
        });
    }
}

impl Pipeline {
    /// Has the steps before the cut into tokens rewrite the text.
    fn rewrite<T: Trace>(&self, raw: &str, desk: &mut Desk<T>) {
        desk.begin(&raw[..raw.floor_char_boundary(u32::MAX as usize)]);
        for step in &self.text {
            step.apply(desk);
        }
    }
}

/// Python's `\s` and `str.split()`: Unicode white space and the four ASCII separators.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

impl TextStep {
    fn apply<T: Trace>(&self, desk: &mut Desk<T>) {
        use crate::steps::*;
        match self {
            Self::Lowercase => lowercase::apply(desk),
            Self::Unicode(form) => unicode::apply(desk, *form),
            Self::HtmlEntities => crate::entities::apply(desk),
            Self::Urls => urls::apply(desk),
            Self::Users => users::apply(desk),
            Self::Hashtags(mode) => hashtags::apply(desk, *mode),
            Self::Emoji => emoji::apply(desk),
            Self::Emoticons(table) => table.apply(desk),
            Self::Arabic => arabic::apply(desk),
            Self::Elisions => elisions::apply(desk),
            Self::Words(words) => words.apply(desk),
            Self::ClassicUrls => classic::urls(desk),
            Self::ClassicUsers => classic::users(desk),
            Self::ClassicEmoticons => classic::emoticons(desk),
            Self::Alphanumeric => classic::alphanumeric(desk),
            Self::SquashRepeats(keep) => squash::apply(desk, *keep),
        }
    }
}
