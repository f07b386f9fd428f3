//! Texts become rows of word ids.

use std::ops::ControlFlow;

use rayon::prelude::*;
use sentimeter_text::Analyzer;

use super::{Ragged, Words};
use crate::{FitError, Hooks, Progress, reduce::chunks};

/// Texts that are numbered by one thread at a time; the ids do not depend on it being met by many.
const CHUNK: usize = 8192;

/// Texts that are fetched together before they are cleaned. They come in no order of memory, and a
/// load that waits holds up all work behind it; loads in a row wait together.
const FETCHED: usize = 64;

/// Bytes of a cache line.
const LINE: usize = 64;

/// Chunks between two reports of progress.
const WAVE: usize = 16;

/// Cleaned texts: every distinct word once, and each text as a row of word ids.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    /// The distinct words, in the order in which the texts bring them.
    pub words: Words,
    /// Each text's words.
    pub rows: Ragged,
}

impl Tokens {
    /// Cleans `len` texts and numbers their words, in parallel.
    ///
    /// Ids follow the first occurrence in the order of the texts, whatever the number of threads.
    ///
    /// # Errors
    /// [`FitError::Interrupted`] when the hooks say so; [`FitError::TooManyFeatures`] past 4 GiB of
    /// distinct words.
    pub fn read<'a>(
        analyzer: &Analyzer,
        len: usize,
        text: impl Fn(usize) -> &'a str + Sync,
        hooks: &mut dyn Hooks,
    ) -> Result<Self, FitError> {
        let mut out = Self::default();
        out.rows.ends.reserve(len);
        for wave in chunks(len, CHUNK).chunks(WAVE) {
            let done = wave.first().map_or(0, |r| r.start);
            let progress =
                Progress { stage: "clean", done: done as u64, total: Some(len as u64), figure: None };
            if let ControlFlow::Break(()) = hooks.progress(&progress) {
                return Err(FitError::Interrupted { iterations: 0 });
            }
            let parts: Vec<Self> = wave
                .par_iter()
                .map_init(sentimeter_text::Scratch::default, |scratch, range| {
                    let mut part = Self::default();
                    for group in chunks(range.len(), FETCHED) {
                        let group = range.start + group.start..range.start + group.end;
                        fetch(group.clone().map(&text));
                        for row in group {
                            let ids = &mut part.rows.ids;
                            let words = &mut part.words;
                            analyzer.tokens(text(row), scratch, &mut |token| ids.push(words.insert(token)));
                            part.rows.ends.push(part.rows.ids.len());
                        }
                    }
                    part
                })
                .collect();
            out.join(&parts)?;
        }
        Ok(out)
    }

    /// Appends numbered chunks, renumbering their words.
    fn join(&mut self, parts: &[Self]) -> Result<(), FitError> {
        let maps: Vec<Vec<u32>> =
            parts.iter().map(|part| part.words.iter().map(|w| self.words.insert(w)).collect()).collect();
        let most = u32::MAX as usize;
        if self.words.parts().0.len() > most {
            return Err(FitError::TooManyFeatures { found: self.words.len(), most });
        }
        let renumbered: Vec<Vec<u32>> = parts
            .par_iter()
            .zip(&maps)
            .map(|(part, map)| part.rows.ids.iter().map(|&id| map[id as usize]).collect())
            .collect();
        for (part, ids) in parts.iter().zip(renumbered) {
            let base = self.rows.ids.len();
            self.rows.ends.extend(part.rows.ends.iter().map(|end| base + end));
            self.rows.ids.extend(ids);
        }
        Ok(())
    }
}

/// Has the first lines of these texts brought into the cache.
fn fetch<'a>(texts: impl Iterator<Item = &'a str>) {
    let sum = texts.fold(0, |sum: u8, text| {
        let bytes = text.as_bytes();
        [0, LINE, 2 * LINE].iter().fold(sum, |sum, &at| sum ^ bytes.get(at).copied().unwrap_or(0))
    });
    std::hint::black_box(sum);
}
