//! placeholder
use serde::{Deserialize, Serialize};

/// Bytes of the original text, `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// An ordered list of steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    name: String,
}

/// Why a recipe cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("bad recipe")]
pub struct RecipeError;

/// A compiled recipe: immutable, shared between threads.
#[derive(Debug, Clone)]
pub struct Analyzer;

/// Buffers that one thread reuses from text to text.
#[derive(Debug, Default)]
pub struct Scratch;

impl Recipe {
    /// The preset called `name`.
    pub fn preset(name: &str) -> Option<Self> {
        Some(Self {
            name: name.to_owned(),
        })
    }
    /// Checks the steps and builds what they need.
    pub fn compile(&self) -> Result<Analyzer, RecipeError> {
        Ok(Analyzer)
    }
}

impl Analyzer {
    /// Calls `sink` with every token and the bytes of `raw` that it came from.
    pub fn each(&self, raw: &str, scratch: &mut Scratch, sink: &mut impl FnMut(&str, Span)) {
        let _ = scratch;
        for word in raw.split_whitespace() {
            let start = word.as_ptr() as usize - raw.as_ptr() as usize;
            sink(
                word,
                Span {
                    start: start as u32,
                    end: (start + word.len()) as u32,
                },
            );
        }
    }
    /// The same tokens without spans: the fast path of training and batch scoring.
    pub fn tokens(&self, raw: &str, scratch: &mut Scratch, sink: &mut impl FnMut(&str)) {
        self.each(raw, scratch, &mut |t, _| sink(t));
    }
}
