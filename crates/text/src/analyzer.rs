//! A compiled recipe at work.

use crate::compile::{Pipeline, Pipelines, TextStep, TokenSteps};
use crate::cut::cut;
use crate::language::Detection;
use crate::memo::Key;
use crate::recipe::{Recipe, RecipeError};
use crate::tokens::Words;
use crate::trace::{Desk, Origins, Span, Trace, Untraced};
use std::ops::Range;
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

/// A token before the steps that look at nothing but the token (stop words, lemmas, stems).
#[derive(Debug)]
pub struct Draft<'a> {
    text: &'a str,
    range: Range<usize>,
    unfinished: Unfinished,
    steps: &'a TokenSteps,
    words: &'a mut Words,
}

impl<'a> Draft<'a> {
    /// Its letters so far.
    #[inline]
    pub fn as_str(&self) -> &'a str {
        &self.text[self.range.clone()]
    }

    /// The rewritten text that it was cut from, and where in it its letters stand.
    #[inline]
    pub fn place(&self) -> (&'a str, Range<usize>) {
        (self.text, self.range.clone())
    }

    /// What is still to be done to it.
    pub fn unfinished(&self) -> Unfinished {
        self.unfinished
    }

    /// Its letters and what is still to be done to it as one number, which is never 0 and which no other
    /// draft of the same analyzer has: one of up to 15 bytes for certain, of longer ones two have the same
    /// with a probability of 2⁻¹²⁰.
    #[inline]
    pub fn key(&self) -> u128 {
        let number = self.unfinished.number();
        Key::new(self.text, &self.range)
            .map_or_else(|| Key::of_long(self.as_str(), number), |key| key.with(number))
    }

    /// What becomes of it; `None` if it is dropped.
    pub fn finish(self) -> Option<&'a str> {
        let token = self.as_str();
        self.words.finish(self.steps, token, self.unfinished.marked)
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

    /// Whether what becomes of a text depends on its language.
    pub fn asks_language(&self) -> bool {
        matches!(*self.pipelines, Pipelines::Auto { .. })
    }

    /// Calls `sink` with every token of `raw`, in order, and the bytes of `raw` behind it: all that
    /// it was made from, so the span of `URL` is the whole link. Spans lie on character boundaries
    /// of `raw` and their starts never decrease.
    ///
    /// A text of more than 4 GiB is read up to there.
    pub fn each(&self, raw: &str, scratch: &mut Scratch, sink: &mut impl FnMut(&str, Span)) {
        let Scratch { traced: desk, words, .. } = scratch;
        let pipeline = self.pipelines.at(self.pipelines.pick(raw, None));
        pipeline.rewrite(raw, desk);
        words.begin(&pipeline.tokens);
        let page = &desk.page;
        cut(&page.text, |range| {
            if let Some(token) = words.pass(&pipeline.tokens, &page.text, range.clone()) {
                sink(token, page.span(range));
            }
        });
    }

    /// The same tokens without spans: the fast path of training and batch scoring.
    pub fn tokens(&self, raw: &str, scratch: &mut Scratch, sink: &mut impl FnMut(&str)) {
        let Scratch { untraced: desk, words, .. } = scratch;
        let pipeline = self.pipelines.at(self.pipelines.pick(raw, None));
        pipeline.rewrite_untraced(raw, desk);
        words.begin(&pipeline.tokens);
        let text = &desk.page.text;
        cut(text, |range| {
            if let Some(token) = words.pass(&pipeline.tokens, text, range) {
                sink(token);
            }
        });
    }

    /// The tokens of `raw` before the steps that look at nothing but the token (stop words, lemmas,
    /// stems): whoever has met one before knows what becomes of it. Training numbers these first, and
    /// then has [`Analyzer::finish`] do each distinct one once.
    ///
    /// `found` is the language of `raw`, where the caller has detected it.
    pub fn unfinished(
        &self,
        raw: &str,
        found: Option<Detection>,
        scratch: &mut Scratch,
        sink: &mut impl FnMut(Draft<'_>),
    ) {
        let Scratch { untraced: desk, words, .. } = scratch;
        let number = self.pipelines.pick(raw, found);
        let pipeline = self.pipelines.at(number);
        pipeline.rewrite_untraced(raw, desk);
        words.begin_unfinished();
        let (text, steps) = (desk.page.text.as_str(), &pipeline.tokens);
        cut(text, |mut range| {
            if let Some(marked) = words.pass_unfinished(steps, text, &mut range) {
                let unfinished = Unfinished { pipeline: number, marked };
                sink(Draft { text, range, unfinished, steps, words: &mut *words });
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
}

impl Pipeline {
    /// Has the steps before the cut into tokens rewrite the text, one by one.
    fn rewrite<T: Trace>(&self, raw: &str, desk: &mut Desk<T>) {
        desk.begin(readable(raw));
        self.text.iter().for_each(|step| step.apply(desk));
    }

    /// The same by the short way.
    fn rewrite_untraced(&self, raw: &str, desk: &mut Desk<Untraced>) {
        let done = self.shortcut.take(&self.text, readable(raw), desk);
        self.text[done..].iter().for_each(|step| step.apply(desk));
    }
}

/// As much of a text as spans can point into.
fn readable(raw: &str) -> &str {
    &raw[..raw.floor_char_boundary(u32::MAX as usize)]
}

/// Python's `\s` and `str.split()`: Unicode white space and the four ASCII separators.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

impl TextStep {
    pub(crate) fn apply<T: Trace>(&self, desk: &mut Desk<T>) {
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
