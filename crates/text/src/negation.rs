//! What a negation reaches is another word: "not good" gives `not NOT_good`.
//!
//! Marking the words between a negation and the next punctuation goes back to Das & Chen (2001) and
//! Pang, Lee & Vaithyanathan (2002, doi:10.3115/1118693.1118704); here a number of words limits it
//! too, and a contrast ("but", "mais", "لكن") ends it.

use crate::language::Language;
use crate::stopwords::is_negation;

/// The checked step.
#[derive(Debug)]
pub(crate) struct Negation {
    pub(crate) language: Language,
    pub(crate) reach: usize,
}

/// How many more words the last negation reaches.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    left: usize,
}

impl Reach {
    /// A new text begins.
    pub(crate) fn begin(&mut self) {
        self.left = 0;
    }

    /// Whether `token` is to be marked; `clause`: a clause ended before it. Every token must come by,
    /// as it was cut from the text, those that another step drops too.
    pub(crate) fn marks(&mut self, step: &Negation, token: &str, clause: bool) -> bool {
        if clause {
            self.left = 0;
        }
        if is_negation(step.language, token) {
            self.left = step.reach;
            return false;
        }
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
            && token.contains(char::is_alphabetic)
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
