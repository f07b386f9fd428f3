//! The steps that see the tokens one by one.

use crate::compile::{TokenStep, TokenSteps};
use crate::cut::CLAUSE_END;
use crate::lemma::{Pos, lemma};
use crate::memo::{Key, Memos, Outcome};
use crate::negation::{Mark, Reach};
use crate::stopwords::is_stop_word;
use std::ops::Range;

/// The buffers of the token steps, and what is remembered of earlier tokens.
#[derive(Debug, Default)]
pub(crate) struct Words {
    alone: Alone,
    reach: Reach,
    /// Where the last token ended.
    end: usize,
    marked: String,
}

/// The part that serves the steps which look at nothing but the token.
#[derive(Debug, Default)]
struct Alone {
    memos: Memos,
    chain: Chain,
}

/// A token on its way through the steps.
#[derive(Debug, Default)]
struct Chain {
    word: String,
    next: String,
    buffer: String,
}

impl Words {
    /// A new text begins.
    pub(crate) fn begin(&mut self, steps: &TokenSteps) {
        self.begin_unfinished();
        if steps.alone.iter().any(|step| !matches!(step, TokenStep::DropShort(_))) {
            self.alone.memos.open(steps.id);
        }
    }

    /// What the steps make of the token at `range` of `text`; `None` if one of them drops it.
    #[inline]
    pub(crate) fn pass<'a>(
        &'a mut self,
        steps: &TokenSteps,
        text: &'a str,
        mut range: Range<usize>,
    ) -> Option<&'a str> {
        let marks = self.marks(steps, text, &mut range);
        let result = self.alone.pass(&steps.alone, text, range)?;
        Some(if marks { marked(&mut self.marked, result) } else { result })
    }

    /// A new text begins whose tokens stay unfinished.
    pub(crate) fn begin_unfinished(&mut self) {
        self.reach.begin();
        self.end = 0;
    }

    /// Whether the token at `range` of `text` is to be marked; `None` if it is known to be dropped.
    /// `range` becomes that of the verb where the token holds its own negation.
    #[inline]
    pub(crate) fn pass_unfinished(
        &mut self,
        steps: &TokenSteps,
        text: &str,
        range: &mut Range<usize>,
    ) -> Option<bool> {
        let marks = self.marks(steps, text, range);
        let short = match steps.alone.first() {
            Some(TokenStep::DropShort(min)) => is_short(&text[range.clone()], *min),
            _ => false,
        };
        (!short).then_some(marks)
    }

    /// Whether a negation marks the token at `range` of `text`, and what of it. Every token must come by.
    #[inline]
    fn marks(&mut self, steps: &TokenSteps, text: &str, range: &mut Range<usize>) -> bool {
        steps.negation.as_ref().is_some_and(|negation| {
            let clause = text[self.end..range.start].contains(CLAUSE_END);
            self.end = range.end;
            match self.reach.marks(negation, &text[range.clone()], clause) {
                Mark::No => false,
                Mark::Yes => true,
                Mark::Inner(verb) => {
                    *range = range.start + verb.start..range.start + verb.end;
                    true
                }
            }
        })
    }

    /// What the steps make of a token that is to be marked or not; `None` if one of them drops it.
    pub(crate) fn finish(&mut self, steps: &TokenSteps, token: &str, marks: bool) -> Option<&str> {
        let result = self.alone.chain.run(&steps.alone, token)?;
        Some(if marks { marked(&mut self.marked, result) } else { result })
    }
}

fn marked<'a>(buffer: &'a mut String, word: &str) -> &'a str {
    buffer.clear();
    buffer.push_str("NOT_");
    buffer.push_str(word);
    buffer
}

impl Alone {
    #[inline]
    fn pass<'a>(&'a mut self, steps: &[TokenStep], text: &'a str, range: Range<usize>) -> Option<&'a str> {
        let token = &text[range.clone()];
        let mut rest = steps;
        // Cheap, so it is done before the memo is asked.
        while let [TokenStep::DropShort(min), after @ ..] = rest {
            if is_short(token, *min) {
                return None;
            }
            rest = after;
        }
        if rest.is_empty() {
            return Some(token);
        }
        let Some(key) = Key::new(text, &range) else {
            return self.chain.run(rest, token);
        };
        match self.memos.find(key) {
            Some(Outcome::Same) => Some(token),
            Some(Outcome::Head(len)) => Some(&token[..len]),
            Some(Outcome::Other(slot)) => Some(self.memos.word(slot)),
            Some(Outcome::Dropped) => None,
            None => {
                let result = self.chain.run(rest, token);
                self.memos.store(key, token, result);
                result
            }
        }
    }
}

#[inline]
fn is_short(token: &str, min: usize) -> bool {
    // No character has less than one byte, and those of ASCII have no more.
    match token.as_bytes().get(..min) {
        None => true,
        Some(first) => first.iter().any(|&byte| byte >= 128) && token.chars().nth(min - 1).is_none(),
    }
}

impl Chain {
    /// What `steps` make of `token`; `None` if one of them drops it.
    fn run(&mut self, steps: &[TokenStep], token: &str) -> Option<&str> {
        self.word.clear();
        self.word.push_str(token);
        for step in steps {
            match step {
                TokenStep::DropShort(min) if is_short(&self.word, *min) => return None,
                TokenStep::DropShort(_) => {}
                TokenStep::StopWords(language) if is_stop_word(*language, &self.word) => {
                    return None;
                }
                TokenStep::StopWords(_) => {}
                TokenStep::Stems(stemmer) => {
                    self.next.clear();
                    self.next.push_str(&stemmer.stem(&self.word));
                    std::mem::swap(&mut self.word, &mut self.next);
                }
                TokenStep::Lemmas(tries) => self.lemmatise(tries),
            }
        }
        Some(&self.word)
    }

    fn lemmatise(&mut self, tries: &[Pos]) {
        for pos in tries {
            let found = lemma(&self.word, *pos, &mut self.buffer);
            if found != self.word {
                self.next.clear();
                self.next.push_str(found);
                std::mem::swap(&mut self.word, &mut self.next);
                return;
            }
        }
    }
}
