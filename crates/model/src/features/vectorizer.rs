//! What serving keeps of a fitted vocabulary: raw text in, TF-IDF row out.

use sentimeter_text::{Analyzer, Span};

use super::{
    Counts, Settings, Tfidf, Words, grams,
    number::{Key, NONE, mix},
    settings::LONGEST,
    tfidf::weigh,
};

/// A vocabulary that needs nothing else to turn text into features.
#[derive(Debug, Clone)]
pub struct Vectorizer {
    pub(crate) settings: Settings,
    /// Every word of every selected word n-gram.
    pub(crate) words: Words,
    /// Word n-grams of two and more words: prefix (a word id, or `words.len()` + an index into
    /// this list) and last word. Prefixes stand before what they begin.
    pub(crate) pairs: Vec<[u32; 2]>,
    /// The column of each word, then of each pair; [`NONE`] where it is only part of another.
    pub(crate) columns: Vec<u32>,
    /// The character n-grams; the first has column `split`.
    pub(crate) grams: Words,
    /// Columns of words and word n-grams.
    pub(crate) split: u32,
    /// Inverse document frequency of each column.
    pub(crate) idf: Vec<f32>,
    pair_slots: Slots,
    gram_slots: Vec<(u128, u32)>,
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

/// Buffers that one thread reuses from text to text.
#[derive(Debug, Default)]
pub struct FeatureScratch {
    text: sentimeter_text::Scratch,
    hashes: Vec<u64>,
    nodes: Vec<u32>,
    hits: Vec<u32>,
    padded: String,
    bounds: Vec<u32>,
    /// Columns of the last text's row, ascending.
    pub columns: Vec<u32>,
    /// Values of the last text's row.
    pub values: Vec<f32>,
}

/// Open addressing from a pair to its index plus one, 0 being free, and its column: all that a
/// look-up wants lies in one cache line.
#[derive(Debug, Clone, Default)]
struct Slots {
    slots: Vec<[u32; 4]>,
}

impl Slots {
    fn new(pairs: &[[u32; 2]], columns: &[u32]) -> Self {
        if pairs.is_empty() {
            return Self::default();
        }
        let mut slots = vec![[0; 4]; (pairs.len() * 4 / 3 + 1).next_power_of_two()];
        let mask = slots.len() - 1;
        for ((id, &[a, b]), &column) in (1_u32..).zip(pairs).zip(columns) {
            let mut slot = hash(a, b) & mask;
            while slots[slot][2] != 0 {
                slot = (slot + 1) & mask;
            }
            slots[slot] = [a, b, id, column];
        }
        Self { slots }
    }

    /// Has the slots of all neighbours in `nodes` fetched, without a branch between the loads: the
    /// look-ups that follow, whose outcomes nobody can foresee, then do not wait one by one.
    #[inline]
    fn fetch(&self, nodes: &[u32]) {
        let mask = self.slots.len().wrapping_sub(1);
        let mut sum = 0;
        for pair in nodes.windows(2) {
            sum ^= self.slots.get(hash(pair[0], pair[1]) & mask).map_or(0, |slot| slot[3]);
        }
        std::hint::black_box(sum);
    }

    #[inline]
    fn get(&self, a: u32, b: u32) -> Option<(u32, u32)> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut slot = hash(a, b) & mask;
        loop {
            match *self.slots.get(slot)? {
                [_, _, 0, _] => return None,
                [x, y, id, column] if x == a && y == b => return Some((id - 1, column)),
                _ => slot = (slot + 1) & mask,
            }
        }
    }
}

#[inline]
fn hash(a: u32, b: u32) -> usize {
    mix(u64::from(a) << 32 | u64::from(b)) as usize
}

impl Vectorizer {
    /// Keeps what is needed of `tfidf`, which was fitted over `counts`.
    pub fn new(counts: &Counts, tfidf: &Tfidf) -> Self {
        let mut words = Words::default();
        let mut pairs: Vec<[u32; 2]> = Vec::new();
        let mut pair_of = std::collections::HashMap::new();
        let mut column_of_word = Vec::new();
        let mut column_of_pair = Vec::new();
        let word_nodes = &tfidf.nodes[..tfidf.words];
        // Words first, frequent ones ahead, so that ids of words are known before pairs use them.
        for &node in word_nodes {
            for word in counts.words_of(node) {
                words.insert(counts.words.word(word));
            }
        }
        column_of_word.resize(words.len(), NONE);
        for (column, &node) in (0_u32..).zip(word_nodes) {
            let ids: Vec<u32> = counts
                .words_of(node)
                .into_iter()
                .map(|w| words.get(counts.words.word(w)).expect("every word was inserted above"))
                .collect();
            let (first, rest) = ids.split_first().expect("an n-gram has a word");
            let mut at = *first;
            for &next in rest {
                let new = words.len() as u32 + pairs.len() as u32;
                at = *pair_of.entry([at, next]).or_insert_with(|| {
                    pairs.push([at, next]);
                    column_of_pair.push(NONE);
                    new
                });
            }
            match (at as usize).checked_sub(words.len()) {
                None => column_of_word[at as usize] = column,
                Some(pair) => column_of_pair[pair] = column,
            }
        }
        let mut name = String::new();
        let grams = tfidf.nodes[tfidf.words..].iter().fold(Words::default(), |mut grams, &node| {
            counts.spell(node, &mut name);
            grams.insert(&name);
            grams
        });
        column_of_word.append(&mut column_of_pair);
        let idf = tfidf.idf.iter().map(|&x| x as f32).collect();
        Self::from_parts(tfidf.settings().clone(), words, pairs, column_of_word, grams, idf)
            .expect("parts of a fitted vocabulary agree")
    }

    /// Puts the parts together; `Err` says which of them disagree.
    pub(crate) fn from_parts(
        settings: Settings,
        words: Words,
        pairs: Vec<[u32; 2]>,
        columns: Vec<u32>,
        grams: Words,
        idf: Vec<f32>,
    ) -> Result<Self, &'static str> {
        if columns.len() != words.len() + pairs.len() {
            return Err("a column for each word and each pair");
        }
        let split = idf.len().checked_sub(grams.len()).ok_or("an idf for each feature")?;
        let mut used = vec![false; split];
        for &column in columns.iter().filter(|&&c| c != NONE) {
            match used.get_mut(column as usize) {
                Some(used) if !*used => *used = true,
                _ => return Err("each word column once"),
            }
        }
        if used.contains(&false) {
            return Err("each word column once");
        }
        let mut lengths: Vec<u8> = Vec::with_capacity(pairs.len());
        for (i, &[prefix, word]) in pairs.iter().enumerate() {
            if word as usize >= words.len() || prefix as usize >= words.len() + i {
                return Err("pairs of words that are there");
            }
            let length = (prefix as usize).checked_sub(words.len()).map_or(1, |p| lengths[p]) + 1;
            if length > LONGEST {
                return Err("word n-grams of at most 8 words");
            }
            lengths.push(length);
        }
        let pair_slots = Slots::new(&pairs, &columns[words.len()..]);
        let mut gram_slots = Vec::new();
        if !grams.is_empty() {
            gram_slots = vec![(0, 0); (grams.len() * 3 / 2 + 1).next_power_of_two()];
            let mask = gram_slots.len() - 1;
            for (id, gram) in (1_u32..).zip(grams.iter()) {
                let key = grams::key(gram);
                let mut slot = key.hash64() as usize & mask;
                while gram_slots[slot].1 != 0 {
                    slot = (slot + 1) & mask;
                }
                gram_slots[slot] = (key, id);
            }
        }
        Ok(Self { settings, words, pairs, columns, grams, split: split as u32, idf, pair_slots, gram_slots })
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.idf.len()
    }

    /// The settings of the vocabulary.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Writes the TF-IDF row of `raw` into `scratch.columns` and `scratch.values`.
    #[inline]
    pub fn transform(&self, analyzer: &Analyzer, raw: &str, scratch: &mut FeatureScratch) {
        let FeatureScratch { text, hashes, nodes, hits, padded, bounds, columns, values } = scratch;
        hashes.clear();
        nodes.clear();
        hits.clear();
        let words = self.settings.words.is_some();
        analyzer.tokens(raw, text, &mut |token| {
            if words {
                hashes.push(Words::hash(token));
            }
            if let Some(range) = self.settings.chars {
                grams::each(token, range, padded, bounds, |gram| {
                    if let Some(id) = self.gram(gram) {
                        hits.push(self.split + id);
                    }
                });
            }
        });
        // Look-ups apart from cleaning: the processor then waits for many cache misses at once.
        self.words.fetch(hashes);
        nodes.extend(hashes.iter().map(|&hash| self.words.find(hash).unwrap_or(NONE)));
        self.each_ngram(nodes, |_, _, column| hits.push(column));
        hits.sort_unstable();
        columns.clear();
        values.clear();
        for &hit in &*hits {
            match (columns.last(), values.last_mut()) {
                (Some(&last), Some(count)) if last == hit => *count += 1.0,
                _ => {
                    columns.push(hit);
                    values.push(1.0);
                }
            }
        }
        weigh(&self.settings, self.split, columns, values, |c| f64::from(self.idf[c as usize]));
    }

    /// Calls `sink` with first word, number of words and column of each word n-gram that is a
    /// feature; `nodes` are word ids, [`NONE`] for unknown words.
    #[inline]
    fn each_ngram(&self, nodes: &[u32], mut sink: impl FnMut(usize, usize, u32)) {
        let Some([_, most]) = self.settings.words else { return };
        if most > 1 {
            self.pair_slots.fetch(nodes);
        }
        for (first, &word) in nodes.iter().enumerate() {
            if word == NONE {
                continue;
            }
            let column = self.columns[word as usize];
            if column != NONE {
                sink(first, 1, column);
            }
            let mut at = word;
            for n in 2..=usize::from(most) {
                let Some(&next) = nodes.get(first + n - 1) else { break };
                if next == NONE {
                    break;
                }
                let Some((pair, column)) = self.pair_slots.get(at, next) else { break };
                at = self.words.len() as u32 + pair;
                if column != NONE {
                    sink(first, n, column);
                }
            }
        }
    }

    #[inline]
    fn gram(&self, gram: &str) -> Option<u32> {
        let key = grams::key(gram);
        let mask = self.gram_slots.len().wrapping_sub(1);
        let mut slot = key.hash64() as usize & mask;
        loop {
            match *self.gram_slots.get(slot)? {
                (_, 0) => return None,
                (found, id) if found == key => return Some(id - 1),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// Calls `sink` with the column and the tokens (first, number) of every occurrence of a feature
    /// in `raw`; returns the tokens with their spans.
    pub(crate) fn occurrences(
        &self,
        analyzer: &Analyzer,
        raw: &str,
        scratch: &mut FeatureScratch,
        mut sink: impl FnMut(u32, usize, usize),
    ) -> Vec<(String, Span)> {
        let mut tokens = Vec::new();
        analyzer.each(raw, &mut scratch.text, &mut |token, span| tokens.push((token.to_owned(), span)));
        let nodes: Vec<u32> = tokens.iter().map(|(t, _)| self.words.get(t).unwrap_or(NONE)).collect();
        self.each_ngram(&nodes, |first, n, column| sink(column, first, n));
        if let Some(range) = self.settings.chars {
            for (i, (token, _)) in tokens.iter().enumerate() {
                grams::each(token, range, &mut scratch.padded, &mut scratch.bounds, |gram| {
                    if let Some(id) = self.gram(gram) {
                        sink(self.split + id, i, 1);
                    }
                });
            }
        }
        tokens
    }

    /// What each column stands for, in the order of the columns.
    pub fn vocabulary(&self) -> Vec<(Feature, String)> {
        let mut names = vec![String::new(); self.split as usize];
        for (node, &column) in self.columns.iter().enumerate() {
            if column != NONE {
                names[column as usize] = self.spell(node as u32);
            }
        }
        let words = names.into_iter().map(|name| (Feature::Words, name));
        words.chain(self.grams.iter().map(|gram| (Feature::Chars, gram.to_owned()))).collect()
    }

    fn spell(&self, node: u32) -> String {
        match (node as usize).checked_sub(self.words.len()) {
            None => self.words.word(node).to_owned(),
            Some(pair) => {
                let [prefix, word] = self.pairs[pair];
                format!("{} {}", self.spell(prefix), self.words.word(word))
            }
        }
    }
}
