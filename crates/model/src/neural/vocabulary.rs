//! Words that have a vector of their own, and texts as rows of their ids.

use sentimeter_text::Analyzer;

use super::Settings;
use crate::features::{Ragged, Tokens, Words};

/// The id of a word that has no vector of its own.
pub(crate) const UNKNOWN: u32 = 1;

/// The id of the first word; padding and the unknown word stand before it.
pub(crate) const FIRST: u32 = 2;

/// The words of a model, the most frequent first: word `i` has id `FIRST + i`.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary(pub(crate) Words);

impl Vocabulary {
    /// These words, the most frequent first.
    pub fn new(words: Words) -> Self {
        Self(words)
    }

    /// The most frequent words of some rows of `tokens`; of equally frequent ones those whose letters
    /// come first, whatever the order of the rows.
    pub fn select(tokens: &Tokens, rows: impl Iterator<Item = u32>, settings: &Settings) -> Self {
        let mut counts = vec![0_usize; tokens.words.len()];
        rows.for_each(|row| tokens.rows.row(row as usize).iter().for_each(|&id| counts[id as usize] += 1));
        let mut chosen: Vec<u32> =
            (0..counts.len() as u32).filter(|&id| counts[id as usize] >= settings.min_count).collect();
        chosen.sort_unstable_by(|&a, &b| {
            counts[b as usize]
                .cmp(&counts[a as usize])
                .then_with(|| tokens.words.word(a).cmp(tokens.words.word(b)))
        });
        chosen.truncate(settings.vocabulary);
        let mut words = Words::default();
        for &id in &chosen {
            words.insert(tokens.words.word(id));
        }
        Self(words)
    }

    /// Number of vectors: one for each word, one for all others, one for padding.
    pub fn vectors(&self) -> usize {
        self.0.len() + FIRST as usize
    }

    /// The words that have a vector of their own.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter()
    }

    /// Whether a word has a vector of its own.
    pub fn has(&self, word: &str) -> bool {
        self.0.get(word).is_some()
    }

    /// The id of a word.
    pub(crate) fn id(&self, word: &str) -> u32 {
        self.0.get(word).map_or(UNKNOWN, |id| id + FIRST)
    }

    /// Rows of `tokens` as ids, cut to length.
    pub fn rows(&self, tokens: &Tokens, rows: impl Iterator<Item = u32>, settings: &Settings) -> Ragged {
        let ids: Vec<u32> = tokens.words.iter().map(|word| self.id(word)).collect();
        let mut out = Ragged::default();
        for row in rows {
            let row = tokens.rows.row(row as usize);
            for kept in settings.cut.kept(row.len(), settings.length) {
                out.ids.extend(row[kept].iter().map(|&id| ids[id as usize]));
            }
            out.ends.push(out.ids.len());
        }
        out
    }

    /// The ids of a text, cut to length, added to `ids`; says how many tokens it has uncut.
    pub(crate) fn read(
        &self,
        analyzer: &Analyzer,
        text: &str,
        settings: &Settings,
        scratch: &mut sentimeter_text::Scratch,
        ids: &mut Vec<u32>,
    ) -> usize {
        let start = ids.len();
        analyzer.tokens(text, scratch, &mut |token| ids.push(self.id(token)));
        let len = ids.len() - start;
        let [first, second] = settings.cut.kept(len, settings.length);
        let kept = first.len() + second.len();
        ids.copy_within(start + first.start..start + first.end, start);
        ids.copy_within(start + second.start..start + second.end, start + first.len());
        ids.truncate(start + kept);
        len
    }
}
