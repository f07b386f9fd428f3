//! n-grams of texts, numbered once for all folds and settings.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    Ragged, Settings, Tokens, Words, grams,
    number::{Keys, NONE, Numbered, number},
};
use crate::{FitError, SettingError, reduce::chunks};

/// Word n-grams of one length.
#[derive(Debug)]
pub(super) struct Level {
    /// The n-gram that starts at each token, [`NONE`] where its text ends too soon.
    pub(super) ids: Vec<u32>,
    /// Each n-gram as its first `n - 1` words (an n-gram of the level below) and its last word.
    pub(super) pairs: Vec<(u32, u32)>,
    /// How often each occurs.
    totals: Vec<u32>,
}

/// Character n-grams.
#[derive(Debug)]
pub(super) struct Grams {
    /// The grams of each distinct word.
    pub(super) of_word: Ragged,
    /// A word that holds each gram.
    spelling: Vec<Place>,
}

/// Where a character n-gram can be read: a word, and bytes of that word with its two spaces.
#[derive(Debug, Clone, Copy)]
struct Place {
    word: u32,
    start: u32,
    /// At most 8 characters.
    len: u8,
}

/// Every n-gram of every text under a dense number, its *node*: words first, then word n-grams by
/// length, then character n-grams. Which of them become features is a matter of [`super::Tfidf`].
#[derive(Debug)]
pub struct Counts {
    pub(super) words: Words,
    pub(super) tokens: Ragged,
    /// `levels[0]` holds the bigrams.
    pub(super) levels: Vec<Level>,
    pub(super) grams: Option<Grams>,
    pub(super) word_range: Option<[u8; 2]>,
    pub(super) char_range: Option<[u8; 2]>,
    /// First node of each level (1 word, 2 words, …), then of the characters, then the end.
    pub(super) bases: Vec<u32>,
}

impl Counts {
    /// Numbers all n-grams that `settings` ask for.
    ///
    /// # Errors
    /// A setting out of range, or more than 2³² − 2 distinct n-grams or tokens.
    pub fn new(tokens: Tokens, settings: &Settings) -> Result<Self, FitError> {
        settings.check()?;
        let Tokens { words, rows: tokens } = tokens;
        let most = NONE as usize - 1;
        if tokens.ids.len() > most {
            return Err(FitError::TooManyFeatures { found: tokens.ids.len(), most });
        }
        let mut levels: Vec<Level> = Vec::new();
        for n in 2..=settings.words.map_or(1, |[_, most]| usize::from(most)) {
            let below = levels.last().map_or(&tokens.ids[..], |level| &level.ids);
            levels.push(level(&tokens, below, n));
        }
        let grams = match settings.chars {
            Some(range) => Some(char_grams(&words, range)?),
            None => None,
        };
        let sizes = std::iter::once(words.len())
            .chain(levels.iter().map(|l| l.pairs.len()))
            .chain(grams.iter().map(|g| g.spelling.len()));
        let mut bases = vec![0];
        let mut end = 0;
        for size in sizes {
            end += size;
            if end > most {
                return Err(FitError::TooManyFeatures { found: end, most });
            }
            bases.push(end as u32);
        }
        if grams.is_none() {
            bases.push(end as u32);
        }
        Ok(Self {
            words,
            tokens,
            levels,
            grams,
            word_range: settings.words,
            char_range: settings.chars,
            bases,
        })
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are no texts.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Number of distinct n-grams.
    pub fn nodes(&self) -> usize {
        *self.bases.last().expect("bases start with one entry") as usize
    }

    /// First character node; the nodes below are words and word n-grams.
    pub(super) fn first_gram(&self) -> u32 {
        self.bases[1 + self.levels.len()]
    }

    /// Whether `settings` ask for the n-grams that were counted.
    pub(super) fn check(&self, settings: &Settings) -> Result<(), SettingError> {
        settings.check()?;
        if settings.words != self.word_range || settings.chars != self.char_range {
            return Err(SettingError::new(
                "features.words",
                "the range that was counted, and so must features.chars",
                format!("{:?}, {:?}", settings.words, settings.chars),
            ));
        }
        Ok(())
    }

    /// At least as many as [`Counts::each_node`] gives for text `row`.
    pub(super) fn most_nodes(&self, row: usize) -> usize {
        let words = self.tokens.range(row);
        let lengths = self.word_range.map_or(0, |[least, most]| usize::from(most - least) + 1);
        let grams = self.grams.as_ref().map_or(0, |grams| {
            self.tokens.ids[words.clone()].iter().map(|&word| grams.of_word.range(word as usize).len()).sum()
        });
        words.len() * lengths + grams
    }

    /// Calls `sink` with the node of every n-gram of text `row`, as often as it occurs.
    #[inline]
    pub(super) fn each_node(&self, row: usize, mut sink: impl FnMut(u32)) {
        let range = self.tokens.range(row);
        if let Some([least, most]) = self.word_range {
            if least == 1 {
                self.tokens.ids[range.clone()].iter().for_each(|&id| sink(id));
            }
            for n in usize::from(least).max(2)..=usize::from(most) {
                let base = self.bases[n - 1];
                let last = range.len().saturating_sub(n - 1);
                for &id in &self.levels[n - 2].ids[range.start..range.start + last] {
                    sink(base + id);
                }
            }
        }
        if let Some(grams) = &self.grams {
            let base = self.first_gram();
            for &word in &self.tokens.ids[range] {
                for &gram in grams.of_word.row(word as usize) {
                    sink(base + gram);
                }
            }
        }
    }

    /// How often each node occurs in `rows` (each at most once), `[nodes]`.
    pub(super) fn totals(&self, rows: &[u32]) -> Vec<u32> {
        if rows.len() * 2 <= self.len() {
            return self.count(rows, false);
        }
        // Most rows are wanted: take the others from the totals that numbering left behind.
        let mut wanted = vec![false; self.len()];
        rows.iter().for_each(|&row| wanted[row as usize] = true);
        let others: Vec<u32> = (0..self.len() as u32).filter(|&row| !wanted[row as usize]).collect();
        let mut totals = self.all_totals();
        if !others.is_empty() {
            for (total, less) in totals.iter_mut().zip(self.count(&others, false)) {
                *total -= less;
            }
        }
        totals
    }

    /// In how many of `rows` each node occurs, `[nodes]`.
    pub(super) fn document_frequencies(&self, rows: &[u32]) -> Vec<u32> {
        self.count(rows, true)
    }

    fn all_totals(&self) -> Vec<u32> {
        let mut of_word = vec![0_u32; self.words.len()];
        self.tokens.ids.iter().for_each(|&id| of_word[id as usize] += 1);
        let mut totals = Vec::with_capacity(self.nodes());
        let [least, most] = self.word_range.unwrap_or([0, 0]);
        let zero_unless = |wanted: bool, totals: &[u32]| -> Vec<u32> {
            if wanted { totals.to_vec() } else { vec![0; totals.len()] }
        };
        totals.extend(zero_unless(least == 1, &of_word));
        for (n, level) in (2..).zip(&self.levels) {
            totals.extend(zero_unless(least <= n && n <= most, &level.totals));
        }
        if let Some(grams) = &self.grams {
            let base = totals.len();
            totals.resize(self.nodes(), 0);
            for (word, &count) in of_word.iter().enumerate() {
                for &gram in grams.of_word.row(word) {
                    let total = &mut totals[base + gram as usize];
                    *total = total.saturating_add(count);
                }
            }
        }
        totals
    }

    /// Counts occurrences, or texts (`once`), over `rows`. Whole numbers add up to the same in any
    /// order, so each thread may keep counts of its own.
    fn count(&self, rows: &[u32], once: bool) -> Vec<u32> {
        // Each part needs a count a node: at most 2 GiB of them together.
        let parts = rayon::current_num_threads().min((1 << 29) / self.nodes().max(1)).max(1);
        let share = rows.len().div_ceil(parts).max(1);
        let parts: Vec<Vec<u32>> = chunks(rows.len(), share)
            .into_par_iter()
            .map(|range| {
                let mut counts = vec![0_u32; self.nodes()];
                let mut seen = Vec::new();
                for &row in &rows[range] {
                    if once {
                        seen.clear();
                        self.each_node(row as usize, |node| seen.push(node));
                        seen.sort_unstable();
                        seen.dedup();
                        seen.iter().for_each(|&node| counts[node as usize] += 1);
                    } else {
                        self.each_node(row as usize, |node| {
                            counts[node as usize] = counts[node as usize].saturating_add(1);
                        });
                    }
                }
                counts
            })
            .collect();
        parts
            .into_iter()
            .reduce(|mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a = a.saturating_add(b));
                a
            })
            .unwrap_or_else(|| vec![0; self.nodes()])
    }

    /// The words of a word node, first to last, as word ids.
    pub(super) fn words_of(&self, node: u32) -> Vec<u32> {
        let mut level = self.bases[..=self.levels.len()].partition_point(|&base| base <= node) - 1;
        let mut id = node - self.bases[level];
        let mut words = Vec::with_capacity(level + 1);
        while level > 0 {
            let (prefix, last) = self.levels[level - 1].pairs[id as usize];
            words.push(last);
            id = prefix;
            level -= 1;
        }
        words.push(id);
        words.reverse();
        words
    }

    /// Writes the n-gram of `node` into `out`: words joined by a space, or a character n-gram.
    pub(super) fn spell(&self, node: u32, out: &mut String) {
        out.clear();
        match &self.grams {
            Some(grams) if node >= self.first_gram() => {
                let place = grams.spelling[(node - self.first_gram()) as usize];
                let padded = format!(" {} ", self.words.word(place.word));
                let start = place.start as usize;
                out.push_str(&padded[start..start + usize::from(place.len)]);
            }
            _ => {
                for (i, word) in self.words_of(node).into_iter().enumerate() {
                    if i > 0 {
                        out.push(' ');
                    }
                    out.push_str(self.words.word(word));
                }
            }
        }
    }
}

/// Character n-grams as keys.
struct Spelled<'a>(&'a [(u128, Place)]);

impl Keys<u128> for Spelled<'_> {
    fn positions(&self) -> usize {
        self.0.len()
    }

    fn each(&self, range: Range<usize>, sink: &mut impl FnMut(usize, u128)) {
        range.for_each(|i| sink(i, self.0[i].0));
    }
}

/// The n-grams of `n` words, from those of `n - 1` words that start at the same tokens.
fn level(tokens: &Ragged, below: &[u32], n: usize) -> Level {
    let Numbered { ids, keys, totals } = number(&Longer { tokens, below, n });
    let pairs = keys.into_iter().map(|key| ((key >> 32) as u32, key as u32)).collect();
    Level { ids, pairs, totals }
}

/// The n-grams of `n` words as keys, each at its first token.
struct Longer<'a> {
    tokens: &'a Ragged,
    below: &'a [u32],
    n: usize,
}

impl Keys<u64> for Longer<'_> {
    fn positions(&self) -> usize {
        self.tokens.ids.len()
    }

    fn each(&self, range: Range<usize>, sink: &mut impl FnMut(usize, u64)) {
        let Self { tokens, below, n } = self;
        // The row that holds the first position; the others follow.
        let mut row = tokens.ends.partition_point(|&end| end <= range.start);
        let mut at = range.start;
        while at < range.end {
            let end = tokens.ends[row];
            for at in at..range.end.min((end + 1).saturating_sub(*n)) {
                sink(at, u64::from(below[at]) << 32 | u64::from(tokens.ids[at + n - 1]));
            }
            at = end;
            row += 1;
        }
    }
}

/// The character n-grams of every distinct word.
fn char_grams(words: &Words, range: [u8; 2]) -> Result<Grams, FitError> {
    type Part = (Vec<usize>, Vec<(u128, Place)>);
    let parts: Vec<Part> = chunks(words.len(), 1 << 14)
        .into_par_iter()
        .map(|ids| {
            let (mut ends, mut all) = (Vec::with_capacity(ids.len()), Vec::new());
            let (mut padded, mut bounds) = (String::new(), Vec::new());
            for id in ids {
                let word = words.word(id as u32);
                let mut origin = None;
                grams::each(word, range, &mut padded, &mut bounds, |gram| {
                    // The first gram stands at the start of the padded word.
                    let origin = *origin.get_or_insert(gram.as_ptr() as usize);
                    let start = (gram.as_ptr() as usize - origin) as u32;
                    let place = Place { word: id as u32, start, len: gram.len() as u8 };
                    all.push((grams::key(gram), place));
                });
                ends.push(all.len());
            }
            (ends, all)
        })
        .collect();
    let total: usize = parts.iter().map(|(_, all)| all.len()).sum();
    if total > NONE as usize - 1 {
        return Err(FitError::TooManyFeatures { found: total, most: NONE as usize - 1 });
    }
    let mut ends = Vec::with_capacity(words.len());
    let mut all = Vec::with_capacity(total);
    for (part_ends, part) in parts {
        let base = all.len();
        ends.extend(part_ends.iter().map(|end| base + end));
        all.extend(part);
    }
    let Numbered { ids, keys, .. } = number(&Spelled(&all));
    let mut spelling = vec![Place { word: NONE, start: 0, len: 0 }; keys.len()];
    for (&id, &(_, place)) in ids.iter().zip(&all) {
        if spelling[id as usize].word == NONE {
            spelling[id as usize] = place;
        }
    }
    Ok(Grams { of_word: Ragged { ends, ids }, spelling })
}
