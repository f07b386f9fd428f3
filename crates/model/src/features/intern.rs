//! Texts become rows of word ids.

use std::ops::ControlFlow;

use rayon::prelude::*;
use sentimeter_text::{Analyzer, Scratch, Unfinished};

use super::{
    Ragged, Words,
    number::{NONE, mix},
};
use crate::{FitError, Hooks, Progress, reduce::chunks};

/// Texts that are numbered by one thread at a time; the ids do not depend on it being met by many.
const CHUNK: usize = 1 << 14;

/// Texts that are fetched together before they are cleaned. They come in no order of memory, and a
/// load that waits holds up all work behind it; loads in a row wait together.
const FETCHED: usize = 64;

/// Bytes of a cache line.
const LINE: usize = 64;

/// Chunks between two reports of progress.
const WAVE: usize = 8;

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
        let mut all = Part::default();
        all.rows.ends.reserve(len);
        for wave in chunks(len, CHUNK).chunks(WAVE) {
            let done = wave.first().map_or(0, |r| r.start);
            let progress =
                Progress { stage: "clean", done: done as u64, total: Some(len as u64), figure: None };
            if let ControlFlow::Break(()) = hooks.progress(&progress) {
                return Err(FitError::Interrupted { iterations: 0 });
            }
            let parts: Vec<Part> = wave
                .par_iter()
                .map_init(Scratch::default, |scratch, range| {
                    let mut part = Part::default();
                    for group in chunks(range.len(), FETCHED) {
                        let group = range.start + group.start..range.start + group.end;
                        fetch(group.clone().map(&text));
                        group.for_each(|row| part.read(analyzer, text(row), scratch));
                    }
                    part
                })
                .collect();
            all.join(&parts)?;
        }
        Ok(all.finish(analyzer))
    }
}

/// Texts as rows of ids of unfinished words.
#[derive(Default)]
struct Part {
    words: Words,
    /// What is still to be done to each word.
    unfinished: Vec<Unfinished>,
    rows: Ragged,
}

impl Part {
    fn read(&mut self, analyzer: &Analyzer, text: &str, scratch: &mut Scratch) {
        let Self { words, unfinished, rows } = self;
        analyzer.unfinished(text, None, scratch, &mut |draft| {
            let (token, rest) = (draft.as_str(), draft.unfinished());
            let id = words.insert_hashed(token, hash(token, rest));
            if id as usize == unfinished.len() {
                unfinished.push(rest);
            }
            rows.ids.push(id);
        });
        rows.ends.push(rows.ids.len());
    }

    /// Appends numbered chunks, renumbering their words.
    fn join(&mut self, parts: &[Self]) -> Result<(), FitError> {
        let maps: Vec<Vec<u32>> = parts
            .iter()
            .map(|part| {
                let words = part.words.iter().zip(&part.unfinished);
                words
                    .map(|(word, &rest)| {
                        let id = self.words.insert_hashed(word, hash(word, rest));
                        if id as usize == self.unfinished.len() {
                            self.unfinished.push(rest);
                        }
                        id
                    })
                    .collect()
            })
            .collect();
        let most = u32::MAX as usize;
        if self.words.parts().0.len() > most {
            return Err(FitError::TooManyFeatures { found: self.words.len(), most });
        }
        for (part, map) in parts.iter().zip(&maps) {
            let base = self.rows.ids.len();
            self.rows.ends.extend(part.rows.ends.iter().map(|end| base + end));
            self.rows.ids.extend(part.rows.ids.iter().map(|&id| map[id as usize]));
        }
        Ok(())
    }

    /// Does what is left to each distinct word once.
    fn finish(self, analyzer: &Analyzer) -> Tokens {
        let Self { words: raw, unfinished, mut rows } = self;
        let finished: Vec<(Words, Vec<u32>)> = chunks(raw.len(), CHUNK)
            .into_par_iter()
            .map_init(Scratch::default, |scratch, range| {
                let mut words = Words::default();
                let mut ids = Vec::with_capacity(range.len());
                for id in range {
                    let word = analyzer.finish(raw.word(id as u32), unfinished[id], scratch);
                    ids.push(word.map_or(NONE, |word| words.insert(word)));
                }
                (words, ids)
            })
            .collect();
        let mut words = Words::default();
        let mut map = Vec::with_capacity(raw.len());
        for (part, ids) in finished {
            let known: Vec<u32> = part.iter().map(|word| words.insert(word)).collect();
            map.extend(ids.into_iter().map(|id| known.get(id as usize).copied().unwrap_or(NONE)));
        }
        rows.ids.par_chunks_mut(CHUNK).for_each(|ids| ids.iter_mut().for_each(|id| *id = map[*id as usize]));
        if map.contains(&NONE) {
            let (mut start, mut kept) = (0, 0);
            for end in &mut rows.ends {
                for at in start..*end {
                    if rows.ids[at] != NONE {
                        rows.ids[kept] = rows.ids[at];
                        kept += 1;
                    }
                }
                start = std::mem::replace(end, kept);
            }
            rows.ids.truncate(kept);
        }
        Tokens { words, rows }
    }
}

/// Words are equal where their letters are and what is still to be done to them.
fn hash(word: &str, rest: Unfinished) -> u64 {
    Words::hash(word).wrapping_add(mix(u64::from(rest.number())))
}

/// Has the first lines of these texts brought into the cache.
fn fetch<'a>(texts: impl Iterator<Item = &'a str>) {
    let sum = texts.fold(0, |sum: u8, text| {
        let bytes = text.as_bytes();
        [0, LINE, 2 * LINE].iter().fold(sum, |sum, &at| sum ^ bytes.get(at).copied().unwrap_or(0))
    });
    std::hint::black_box(sum);
}
