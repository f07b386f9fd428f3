//! What a negation reaches is another word: "not good" gives `not NOT_good`.
//!
//! Marking the words between a negation and the next punctuation goes back to Das & Chen (2001) and
//! Pang, Lee & Vaithyanathan (2002, doi:10.3115/1118693.1118704); here a number of words limits it
//! too, and a contrast ("but", "mais", "لكن") ends it.

mod grammar;

use crate::language::Language;
use crate::letters::is_alphabetic;
use crate::stopwords::is_negation;
use std::mem;
use std::ops::Range;

/// The checked step.
#[derive(Debug)]
pub(crate) struct Negation {
    pub(crate) language: Language,
    pub(crate) reach: usize,
    /// By the language's grammar too, not by a list of words alone.
    pub(crate) grammar: bool,
}

/// How many more words the last negation reaches, and what grammar remembers of the words before.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    left: usize,
    /// Words that, next, show that the last negation denied nothing.
    idioms: &'static [&'static str],
    /// How many more words a French "ne" waits for its second part.
    open: usize,
    /// Whether the last word was an Arabic "ma", whose verb may end in "sh".
    apart: bool,
    /// Whether "ma" after the last word is a conjunction ("زي ما").
    joins: bool,
}

/// What becomes of a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It stays as it is.
    No,
    /// It is marked.
    Yes,
    /// The verb at these bytes of it is marked; the rest was the negation.
    Inner(Range<usize>),
}

impl Reach {
    /// A new text begins.
    pub(crate) fn begin(&mut self) {
        *self = Self::default();
    }

    /// Whether `token` is to be marked; `clause`: a clause ended before it. Every token must come by,
    /// as it was cut from the text, those that another step drops too.
    pub(crate) fn marks(&mut self, step: &Negation, token: &str, clause: bool) -> Mark {
        if clause {
            self.begin();
        }
        if step.grammar {
            if let Some(mark) = self.by_grammar(step, token) {
                return mark;
            }
        } else if is_negation(step.language, token) {
            self.left = step.reach;
            return Mark::No;
        }
        if self.reaches(step, token) { Mark::Yes } else { Mark::No }
    }

    /// What grammar says of `token`; `None` if it is a word like any other.
    fn by_grammar(&mut self, step: &Negation, token: &str) -> Option<Mark> {
        let language = step.language;
        let idioms = mem::take(&mut self.idioms);
        let open = self.open;
        self.open = open.saturating_sub(1);
        let apart = mem::take(&mut self.apart);
        let joins = mem::replace(&mut self.joins, grammar::joins(language, token));
        if idioms.contains(&token) || open > 0 && grammar::restricts(token) {
            self.left = 0;
            return Some(Mark::No);
        }
        if let Some(verb) = grammar::fused(language, token, apart) {
            self.left = step.reach;
            return Some(Mark::Inner(verb));
        }
        if joins && token == grammar::MA {
            return Some(Mark::No);
        }
        if is_negation(language, token) || open > 0 && grammar::closes(token) {
            self.left = step.reach;
            self.idioms = grammar::idioms(language, token);
            self.apart = language == Language::Ar && token == grammar::MA;
            if language == Language::Fr && grammar::opens(token) {
                self.open = grammar::WAITS;
            }
            return Some(Mark::No);
        }
        None
    }

    /// Whether the last negation reaches `token`.
    fn reaches(&mut self, step: &Negation, token: &str) -> bool {
        if self.left == 0 {
            return false;
        }
        if is_contrast(step.language, token) {
            self.left = 0;
            return false;
        }
        // Where no step has taken the punctuation away, it hangs on the words.
        if token.ends_with(['.', ',', ';', ':', '!', '?', ')', '،', '؛', '؟']) {
            self.left = 0;
        } else {
            self.left -= 1;
        }
        !["EMOJI", "URL", "USER", "HASHTAG"].iter().any(|mask| token.starts_with(mask))
            && token.contains(is_alphabetic)
    }
}

fn is_contrast(language: Language, word: &str) -> bool {
    let words: &[&str] = match language {
        Language::En => &["but", "however", "although", "though", "yet"],
        Language::Fr => &["mais", "cependant", "pourtant", "toutefois"],
        Language::Ar => &["لكن", "ولكن", "بس", "لكنه", "لكنها"],
        Language::Other => &[],
    };
    words.contains(&word)
}
