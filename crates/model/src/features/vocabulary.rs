//! The vocabulary as it is served: raw texts in, the features that occur in them out.

use sentimeter_text::{Analyzer, Span};

use super::{
    Settings, Words,
    grams::{self, Grams},
    ngrams::{Candidate, Hit, Ngrams},
    number::NONE,
    recall::{DROPPED, Recall},
};

/// Every n-gram that is a feature, and those that only begin one.
///
/// Nodes number them: the words, the word n-grams, the character n-grams.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    pub(crate) settings: Settings,
    pub(crate) words: Words,
    pub(crate) ngrams: Ngrams,
    pub(crate) grams: Grams,
}

/// A feature: an n-gram of words or of characters, for people to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Feature {
    /// Words joined by a space.
    Words,
    /// Characters, with a space at a word's start or end.
    Chars,
}

/// Some texts and what was found in them; buffers that one thread reuses.
///
/// Texts are looked up together, step by step: most look-ups miss the processor's caches, and those
/// of one text alone are too few to wait for at once.
#[derive(Debug, Default)]
pub(crate) struct Group {
    text: sentimeter_text::Scratch,
    recall: Recall,
    /// The model that serves them.
    model: u64,
    /// The words' ids, [`NONE`] where a word is unknown and behind each text.
    words: Vec<u32>,
    /// Those that are still to be looked up.
    asked: Vec<Asked>,
    /// Where each text ends in `words`.
    ends: Vec<u32>,
    /// Word n-grams of one, two, … words, in the order of the texts.
    hits: Vec<Vec<Hit>>,
    candidates: Vec<Candidate>,
    /// [`Grams::hash`] of the character n-grams.
    gram_hashes: Vec<u64>,
    /// Where each text ends in `gram_hashes`.
    gram_ends: Vec<u32>,
    padded: String,
    bounds: Vec<u32>,
    /// The last text that a word occurred in, by the last bits of its id.
    seen: Vec<u32>,
    texts_seen: u32,
    row: Vec<u32>,
}

/// A word that is to be looked up.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// Its [`Words::hash`].
    hash: u64,
    /// Where in the group's words it stands.
    place: u32,
    /// By what it is [remembered](Recall); 0 if not at all.
    draft: u128,
}

/// Slots for words of one text: few of them share one.
const SEEN: usize = 2048;

impl Group {
    /// Number of texts.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Number of words.
    pub(crate) fn words(&self) -> usize {
        self.words.len()
    }

    /// Turns to the texts of `model`, a number that no other model has and that is not 0.
    pub(crate) fn serve(&mut self, model: u64) {
        self.model = model;
    }

    fn clear(&mut self) {
        self.words.clear();
        self.asked.clear();
        self.ends.clear();
        self.gram_hashes.clear();
        self.gram_ends.clear();
    }
}

impl Vocabulary {
    /// Puts the parts together; `Err` says what does not hold of them.
    pub(crate) fn new(
        settings: Settings,
        words: Words,
        ngrams: Ngrams,
        grams: Grams,
    ) -> Result<Self, &'static str> {
        if words.len() + ngrams.len() + grams.len() >= NONE as usize {
            return Err("fewer than 2^32 n-grams");
        }
        Ok(Self { settings, words, ngrams, grams })
    }

    /// Number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.first_gram() as usize + self.grams.len()
    }

    /// The node of the first character n-gram.
    pub(crate) fn first_gram(&self) -> u32 {
        (self.words.len() + self.ngrams.len()) as u32
    }

    /// Cleans `raw` and puts it into the group.
    #[inline]
    pub(crate) fn read(&self, analyzer: &Analyzer, raw: &str, group: &mut Group) {
        let Group { text, recall, model, words, asked, ends, gram_hashes, gram_ends, padded, bounds, .. } =
            group;
        let mut ask = |word: &str, draft, words: &mut Vec<u32>| {
            asked.push(Asked { hash: Words::hash(word), place: words.len() as u32, draft });
            words.push(NONE);
        };
        if let Some(range) = self.settings.chars {
            let wanted = self.settings.words.is_some();
            analyzer.tokens(raw, text, &mut |token| {
                if wanted {
                    ask(token, 0, words);
                }
                grams::each(token, range, padded, bounds, |gram| gram_hashes.push(Grams::hash(gram)));
            });
        } else {
            // Nobody asks for the letters of a word that was met before.
            analyzer.unfinished(raw, text, &mut |draft| {
                let key = draft.key().unwrap_or(0);
                match recall.find(*model, key) {
                    Some(DROPPED) => {}
                    Some(word) => words.push(word),
                    None => match draft.finish() {
                        Some(word) => ask(word, key, words),
                        None => recall.store(*model, key, DROPPED),
                    },
                }
            });
        }
        ends.push(words.len() as u32);
        words.push(NONE);
        gram_ends.push(gram_hashes.len() as u32);
    }

    /// Looks the group's texts up and calls `sink` with the nodes of each, its word n-grams first; a
    /// node stands there as often as it occurs, and equal ones stand together. The group is empty
    /// afterwards. Before, `fetch` is called with each node: it should have what is known of it fetched.
    pub(crate) fn rows(&self, group: &mut Group, fetch: impl Fn(u32) -> u32, mut sink: impl FnMut(&[u32])) {
        let Group { recall, model, words, asked, ends, hits, candidates, .. } = group;
        self.words.fetch(asked.iter().map(|asked| asked.hash));
        for &Asked { hash, place, draft } in &*asked {
            if let Some(word) = self.words.find(hash) {
                words[place as usize] = word;
            }
            recall.store(*model, draft, words[place as usize]);
        }
        let Group { gram_hashes, gram_ends, row, .. } = group;
        self.grams.fetch(gram_hashes);
        self.word_ngrams(words, hits, candidates);
        for hits in &*hits {
            std::hint::black_box(hits.iter().fold(0, |sum, hit| sum ^ fetch(hit.node)));
        }

        let mut starts = [0; super::settings::LONGEST as usize];
        let mut first_gram = 0;
        if group.seen.is_empty() {
            group.seen.resize(SEEN, u32::MAX);
        }
        for (&end, &gram_end) in ends.iter().zip(&*gram_ends) {
            row.clear();
            group.texts_seen = group.texts_seen.wrapping_add(1);
            let mut distinct = true;
            for (n, (hits, start)) in hits.iter().zip(&mut starts).enumerate() {
                for hit in hits[*start..].iter().take_while(|hit| hit.place < end) {
                    row.push(hit.node);
                    *start += 1;
                    if n == 0 {
                        let seen = &mut group.seen[hit.node as usize % SEEN];
                        distinct &= *seen != group.texts_seen;
                        *seen = group.texts_seen;
                    }
                }
            }
            // Where no word occurs twice, no longer n-gram does.
            if !distinct {
                row.sort_unstable();
            }
            if gram_end > first_gram {
                let grams = &gram_hashes[first_gram as usize..gram_end as usize];
                let base = self.first_gram();
                let words = row.len();
                row.extend(grams.iter().filter_map(|&hash| self.grams.find(hash)).map(|gram| base + gram));
                row[words..].sort_unstable();
                first_gram = gram_end;
            }
            sink(row);
        }
        group.clear();
    }

    /// Finds the word n-grams of one, two, … words in `words`, which ends with [`NONE`].
    fn word_ngrams(&self, words: &[u32], hits: &mut Vec<Vec<Hit>>, candidates: &mut Vec<Candidate>) {
        let most = self.settings.words.map_or(0, |[_, most]| usize::from(most));
        hits.resize_with(most, Vec::new);
        for n in 0..most {
            let (shorter, longer) = hits.split_at_mut(n);
            match shorter.last() {
                None => {
                    longer[0].clear();
                    let known = (0_u32..).zip(words).filter(|(_, node)| **node != NONE);
                    longer[0].extend(known.map(|(place, &node)| Hit { place, node }));
                }
                Some(shorter) => self.ngrams.longer(n, words, shorter, candidates, &mut longer[0]),
            }
        }
    }

    /// Calls `sink` with the node and the tokens (first, number) of every n-gram of the vocabulary in
    /// `raw`; returns the tokens with their spans.
    pub(crate) fn occurrences(
        &self,
        analyzer: &Analyzer,
        raw: &str,
        group: &mut Group,
        mut sink: impl FnMut(u32, usize, usize),
    ) -> Vec<(String, Span)> {
        let Group { text, words, hits, candidates, padded, bounds, .. } = group;
        let mut tokens = Vec::new();
        analyzer.each(raw, text, &mut |token, span| tokens.push((token.to_owned(), span)));
        words.clear();
        words.extend(tokens.iter().map(|(token, _)| self.words.get(token).unwrap_or(NONE)));
        words.push(NONE);
        self.word_ngrams(words, hits, candidates);
        for (n, hits) in (1..).zip(&*hits) {
            hits.iter().for_each(|hit| sink(hit.node, hit.place as usize, n));
        }
        words.clear();
        if let Some(range) = self.settings.chars {
            for (i, (token, _)) in tokens.iter().enumerate() {
                grams::each(token, range, padded, bounds, |gram| {
                    if let Some(gram) = self.grams.find(Grams::hash(gram)) {
                        sink(self.first_gram() + gram, i, 1);
                    }
                });
            }
        }
        tokens
    }

    /// What each node stands for, in order; nothing where no n-gram has that number.
    pub fn names(&self) -> Vec<(Feature, String)> {
        let spelled = |node| if self.ngrams.holds(node) { self.spell(node) } else { String::new() };
        let words = (0..self.first_gram()).map(|node| (Feature::Words, spelled(node)));
        words.chain(self.grams.iter().map(|gram| (Feature::Chars, gram.to_owned()))).collect()
    }

    fn spell(&self, node: u32) -> String {
        match self.ngrams.pair(node) {
            None => self.words.word(node).to_owned(),
            Some([prefix, word]) => format!("{} {}", self.spell(prefix), self.words.word(word)),
        }
    }
}
