//! White space cuts the text into tokens; then the token steps see them one by one.

use crate::analyzer::is_space;
use crate::compile::{TokenStep, TokenSteps};
use crate::lemma::{Pos, lemma};
use crate::memo::{Key, Memos, Outcome};
use crate::negation::Reach;
use crate::stopwords::is_stop_word;
use std::ops::Range;

/// Written by a step in the place of the punctuation that ends a clause, where a later step wants to
/// know; white space otherwise.
pub(crate) const CLAUSE_END: char = '\u{1}';

/// Bytes that are part of a token, separate, end a clause, or may begin a space beyond ASCII.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Token,
    Space,
    Clause,
    Maybe,
}

static KINDS: [Kind; 256] = {
    let mut table = [Kind::Token; 256];
    let mut b = 0;
    while b < 256 {
        table[b] = match b as u8 {
            b'\t'..=b'\r' | 0x1c..=0x1f | b' ' => Kind::Space,
            0x01 => Kind::Clause,
            // U+0085, U+00A0; U+1680; U+2000..; U+3000.
            0xc2 | 0xe1 | 0xe2 | 0xe3 => Kind::Maybe,
            _ => Kind::Token,
        };
        b += 1;
    }
    table
};

/// Calls `sink` with the range of every token, and whether a clause ended between it and the one
/// before.
pub(crate) fn split(text: &str, mut sink: impl FnMut(Range<usize>, bool)) {
    let bytes = text.as_bytes();
    let mut clause = false;
    let (mut start, mut at) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        let kind = KINDS[usize::from(byte)];
        let mut size = 1;
        match kind {
            Kind::Token => {
                at += 1;
                continue;
            }
            Kind::Maybe => {
                let c = text[at..].chars().next().unwrap_or(' ');
                size = c.len_utf8();
                if !is_space(c) {
                    at += size;
                    continue;
                }
            }
            Kind::Space | Kind::Clause => {}
        }
        if at > start {
            sink(start..at, clause);
            clause = false;
        }
        clause |= kind == Kind::Clause;
        at += size;
        start = at;
    }
    if at > start {
        sink(start..at, clause);
    }
}

/// The buffers of the token steps, and what is remembered of earlier tokens.
#[derive(Debug, Default)]
pub(crate) struct Words {
    alone: Alone,
    reach: Reach,
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
        self.reach.begin();
        if steps.alone.iter().any(|step| !matches!(step, TokenStep::DropShort(_))) {
            self.alone.memos.open(steps.id);
        }
    }

    /// What the steps make of the token at `range` of `text`; `None` if one of them drops it.
    /// `clause`: a clause ended before it.
    #[inline]
    pub(crate) fn pass<'a>(
        &'a mut self,
        steps: &TokenSteps,
        text: &'a str,
        range: Range<usize>,
        clause: bool,
    ) -> Option<&'a str> {
        let Some(negation) = &steps.negation else {
            return self.alone.pass(&steps.alone, text, range);
        };
        let marks = self.reach.marks(negation, &text[range.clone()], clause);
        let result = self.alone.pass(&steps.alone, text, range)?;
        Some(if marks { marked(&mut self.marked, result) } else { result })
    }

    /// A new text begins whose tokens stay unfinished.
    pub(crate) fn begin_unfinished(&mut self) {
        self.reach.begin();
    }

    /// Whether `token` is to be marked; `None` if it is known to be dropped.
    #[inline]
    pub(crate) fn pass_unfinished(&mut self, steps: &TokenSteps, token: &str, clause: bool) -> Option<bool> {
        let marks = steps.negation.as_ref().is_some_and(|step| self.reach.marks(step, token, clause));
        let short = match steps.alone.first() {
            Some(TokenStep::DropShort(min)) => is_short(token, *min),
            _ => false,
        };
        (!short).then_some(marks)
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
    // A character has four bytes at most.
    token.len() < 4 * min && token.chars().nth(min - 1).is_none()
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
