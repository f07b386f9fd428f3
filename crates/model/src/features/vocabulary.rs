//! The vocabulary as it is served: raw texts in, the features that occur in them out.

use sentimeter_text::language::Detection;
use sentimeter_text::{Analyzer, Span, Unfinished};

use super::{
    Settings, Words,
    grams::{self, Grams},
    ngrams::{Candidate, Hit, Ngrams},
    number::NONE,
    pairs::{self, Pairs},
    spellings::{self, DROPPED, Spelled, Spellings},
    tally::Tally,
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
    /// Of the model that serves them: [`spellings::salt`].
    salt: u64,
    /// The words' ids, [`NONE`] where a word is unknown and behind each text.
    words: Vec<u32>,
    /// Those that are still to be looked up.
    asked: Vec<Asked>,
    /// Texts in the group.
    texts: usize,
    /// Where each text ends in `words`.
    ends: Vec<u32>,
    /// Word n-grams of one, two, … words, in the order of the texts.
    hits: Vec<Vec<Hit>>,
    candidates: Vec<Candidate>,
    asked_pairs: Vec<pairs::Asked>,
    spellings: Spellings,
    /// Tokens whose words and character n-grams are to be looked up, and the texts that they were cut from.
    spelled: Vec<Token>,
    letters: String,
    places: Vec<spellings::Place>,
    /// Where the character n-grams of each token are.
    parts: Vec<Part>,
    /// Where each text ends in `parts`.
    part_ends: Vec<u32>,
    /// Tokens that are not remembered, [`Grams::hash`] of their character n-grams, and the nodes of these.
    unspelled: Vec<Unspelled>,
    gram_hashes: Vec<u64>,
    grams: Vec<u32>,
    tally: Tally,
    padded: String,
    bounds: Vec<u32>,
    /// The last text that a word occurred in, by the last bits of its id.
    seen: Vec<u32>,
    texts_seen: u32,
    row: Vec<u32>,
    counted: Vec<(u32, u32)>,
    row_tally: Tally,
}

/// A word that is to be looked up.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// Its [`Words::hash`].
    hash: u64,
    /// Where in the group's words it stands.
    place: u32,
}

/// A token of a text, or the end of one.
#[derive(Debug, Clone, Copy)]
struct Token {
    /// By what it is [remembered](spellings::key).
    key: u64,
    /// Where its letters stand.
    start: u32,
    end: u32,
    /// What is still to be done to it; `None` at the end of a text.
    unfinished: Option<Unfinished>,
}

/// Where the character n-grams of a token are.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// A list of the [`Spellings`].
    Remembered(u32),
    /// Among the group's: the first, and how many.
    Own(u32, u32),
}

/// A token that is not remembered.
#[derive(Debug, Clone, Copy)]
struct Unspelled {
    key: u64,
    /// Where in the group's words it stands; [`NONE`] where words are not asked for, or [`DROPPED`].
    word: u32,
    /// Its part, and how many n-grams it has, known or not.
    part: u32,
    len: u32,
}

/// The word n-grams of a text, in the order in which they occur first, the shorter ones first.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Row<'a> {
    /// Each occurs once.
    Distinct(&'a [u32]),
    /// With how often each occurs.
    Counted(&'a [(u32, u32)]),
}

/// Slots for words of one text: few of them share one.
const SEEN: usize = 2048;

impl Group {
    /// Number of texts.
    pub(crate) fn len(&self) -> usize {
        self.texts
    }

    /// Number of words.
    pub(crate) fn words(&self) -> usize {
        self.words.len() + self.spelled.len()
    }

    /// Bytes of the letters that are held.
    pub(crate) fn letters(&self) -> usize {
        self.letters.len()
    }

    /// Turns to the texts of `model`, a number that no other model has and that is not 0.
    pub(crate) fn serve(&mut self, model: u64) {
        self.salt = spellings::salt(model);
    }

    fn clear(&mut self) {
        self.texts = 0;
        self.words.clear();
        self.asked.clear();
        self.ends.clear();
        self.spelled.clear();
        self.letters.clear();
        self.parts.clear();
        self.part_ends.clear();
        self.grams.clear();
        self.unspelled.clear();
        self.gram_hashes.clear();
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

    /// Cleans `raw`, of which the language may have been `found`, and puts it into the group.
    #[inline]
    pub(crate) fn read(&self, analyzer: &Analyzer, raw: &str, found: Option<Detection>, group: &mut Group) {
        group.texts += 1;
        let Group { text, salt, spelled, letters, .. } = group;
        let (base, first) = (letters.len(), spelled.len());
        analyzer.unfinished(raw, found, text, &mut |draft| {
            let (whole, range) = draft.place();
            if spelled.len() == first {
                letters.push_str(whole);
            }
            spelled.push(Token {
                key: spellings::key(*salt, draft.key()),
                start: (base + range.start) as u32,
                end: (base + range.end) as u32,
                unfinished: Some(draft.unfinished()),
            });
        });
        spelled.push(Token { key: 0, start: 0, end: 0, unfinished: None });
    }

    /// Finds out what the tokens that were read are: words, and character n-grams of `range`.
    fn recognise(&self, analyzer: &Analyzer, group: &mut Group) {
        let Group { text, spellings, words, asked, ends, spelled, letters, places, .. } = group;
        let Group { parts, part_ends, unspelled, gram_hashes, padded, bounds, .. } = group;
        let wanted = self.settings.words.is_some();
        spellings.look_up(spelled.iter().map(|token| token.key), places);
        for (token, &place) in spelled.iter().zip(&*places) {
            let Some(unfinished) = token.unfinished else {
                ends.push(words.len() as u32);
                words.push(NONE);
                part_ends.push(parts.len() as u32);
                continue;
            };
            if place.is_known() {
                if place.word != DROPPED {
                    parts.push(Part::Remembered(place.list));
                    if wanted {
                        words.push(place.word);
                    }
                }
                continue;
            }
            let mut new = Unspelled { key: token.key, word: DROPPED, part: 0, len: 0 };
            let letters = &letters[token.start as usize..token.end as usize];
            if let Some(finished) = analyzer.finish(letters, unfinished, text) {
                new.word = NONE;
                if wanted {
                    new.word = words.len() as u32;
                    asked.push(Asked { hash: Words::hash(finished), place: new.word });
                    words.push(NONE);
                }
                let before = gram_hashes.len();
                if let Some(range) = self.settings.chars {
                    grams::each(finished, range, padded, bounds, |gram| gram_hashes.push(Grams::hash(gram)));
                }
                new.len = (gram_hashes.len() - before) as u32;
                new.part = parts.len() as u32;
                parts.push(Part::Own(0, 0));
            }
            unspelled.push(new);
        }
    }

    /// Looks up the character n-grams of tokens that are not remembered.
    fn spell_out(&self, group: &mut Group) {
        let Group { parts, grams, unspelled, gram_hashes, .. } = group;
        self.grams.fetch(gram_hashes);
        let base = self.first_gram();
        let mut hashes = gram_hashes.iter();
        for token in unspelled.iter().filter(|token| token.word != DROPPED) {
            let start = grams.len();
            let own = hashes.by_ref().take(token.len as usize);
            grams.extend(own.filter_map(|&hash| self.grams.find(hash)).map(|gram| base + gram));
            parts[token.part as usize] = Part::Own(start as u32, (grams.len() - start) as u32);
        }
    }

    /// Remembers what was looked up; lists that stand elsewhere may move.
    fn remember(group: &mut Group) {
        let Group { spellings, words, parts, grams, unspelled, .. } = group;
        for token in &*unspelled {
            let spelled = match (token.word, parts.get(token.part as usize)) {
                (place, Some(&Part::Own(start, len))) if place != DROPPED => Spelled {
                    word: words.get(place as usize).copied().unwrap_or(NONE),
                    grams: &grams[start as usize..][..len as usize],
                },
                _ => Spelled { word: DROPPED, grams: &[] },
            };
            spellings.store(token.key, spelled);
        }
    }

    /// Looks the group's texts up and calls `sink` with the nodes of each: its word n-grams, and its character
    /// n-grams with how often each occurs. The group is empty afterwards. Before, `fetch` is called with each node:
    /// it should have what is known of it fetched. Where `pairs` are given, those that are found stand behind the
    /// words' nodes, and nothing needs to be fetched for them.
    pub(crate) fn rows(
        &self,
        analyzer: &Analyzer,
        group: &mut Group,
        pairs: Option<&Pairs>,
        fetch: impl Fn(u32),
        mut sink: impl FnMut(Row<'_>, &[(u32, u32)]),
    ) {
        self.recognise(analyzer, group);
        let Group { words, asked, .. } = group;
        self.words.fetch(asked.iter().map(|asked| asked.hash));
        for &Asked { hash, place } in &*asked {
            if let Some(word) = self.words.find(hash) {
                words[place as usize] = word;
            }
        }
        self.spell_out(group);
        let Group {
            words,
            ends,
            hits,
            candidates,
            asked_pairs,
            spellings,
            parts,
            part_ends,
            grams,
            row,
            counted,
            row_tally,
            tally,
            ..
        } = group;
        match pairs {
            Some(pairs) => {
                words.iter().filter(|word| **word != NONE).for_each(|&word| fetch(word));
                hits.resize_with(2, Vec::new);
                pairs.find(self.words.len() as u32, words, asked_pairs, &mut hits[1]);
            }
            None => {
                self.word_ngrams(words, hits, candidates);
                hits.iter().flatten().for_each(|hit| fetch(hit.node));
            }
        }

        // How far the texts before have come: in the words, and in each list of longer n-grams.
        let (mut start, mut starts) = (0, [0; super::settings::LONGEST as usize]);
        let mut first_part = 0;
        if group.seen.is_empty() {
            group.seen.resize(SEEN, u32::MAX);
        }
        // Without character n-grams there are no ends of them.
        let part_ends = part_ends.iter().copied().chain(std::iter::repeat(0));
        for (&end, part_end) in ends.iter().zip(part_ends) {
            group.texts_seen = group.texts_seen.wrapping_add(1);
            // A slot is written for each word and kept for each known one.
            let words = &words[start..end as usize];
            row.clear();
            row.resize(words.len(), 0);
            // Where in the text, by the place's last bits, a word stands that may have come before.
            let (mut known, mut again) = (0, 0_u64);
            for (place, &word) in words.iter().enumerate() {
                row[known] = word;
                let is_known = word != NONE;
                known += usize::from(is_known);
                let seen = &mut group.seen[word as usize % SEEN];
                again |= u64::from(is_known & (*seen == group.texts_seen)) << (place % 64);
                *seen = if is_known { group.texts_seen } else { *seen };
            }
            row.truncate(known);
            let first_hits = starts;
            for (hits, start) in hits.iter().zip(&mut starts).skip(1) {
                let of_text = hits[*start..].iter().take_while(|hit| hit.place < end);
                let before = row.len();
                row.extend(of_text.map(|hit| hit.node));
                *start += row.len() - before;
            }
            let nodes = if again == 0 {
                // Where no word occurs twice, no longer n-gram does.
                Row::Distinct(row)
            } else if words.len() > 64 {
                Row::Counted(row_tally.count(std::iter::once(&row[..])))
            } else {
                // An n-gram that came before begins with a word that did.
                let words =
                    (0..).zip(words).filter(|(_, word)| **word != NONE).map(|(place, &word)| (place, word));
                let longer = hits.iter().zip(first_hits.iter().zip(&starts)).skip(1);
                let longer = longer.flat_map(|(hits, (&first, &last))| &hits[first..last]);
                let longer = longer.map(|hit| (hit.place as usize - start, hit.node));
                counted.clear();
                for (place, node) in words.chain(longer) {
                    let before = (again >> place & 1 == 1)
                        .then(|| counted.iter_mut().find(|(other, _)| *other == node));
                    match before.flatten() {
                        Some((_, count)) => *count += 1,
                        None => counted.push((node, 1)),
                    }
                }
                Row::Counted(counted)
            };
            start = end as usize + 1;
            let of_text = parts[first_part as usize..part_end as usize].iter().map(|part| match *part {
                Part::Remembered(list) => spellings.list(list),
                Part::Own(start, len) => &grams[start as usize..][..len as usize],
            });
            first_part = part_end;
            let grams = tally.count(of_text);
            grams.iter().for_each(|&(node, _)| fetch(node));
            sink(nodes, grams);
        }
        Self::remember(group);
        group.clear();
    }

    /// Finds the word n-grams of one, two, … words in `words`, which ends with [`NONE`].
    fn word_ngrams(&self, words: &[u32], hits: &mut Vec<Vec<Hit>>, candidates: &mut Vec<Candidate>) {
        hits.resize_with(self.settings.words.map_or(0, |[_, most]| usize::from(most)), Vec::new);
        for n in 0..hits.len() {
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

    /// The table of the pairs of words, where no n-gram is longer, with their rows `[1 + outputs]` of `numbers`,
    /// which has one for each node.
    pub(crate) fn pairs(&self, numbers: &[f32], outputs: usize) -> Option<Pairs> {
        let Some([_, 2]) = self.settings.words else { return None };
        // A file may say one thing of its n-grams and hold another.
        let (slots, [_]) = self.ngrams.parts() else { return None };
        let row = 1 + outputs;
        let rows = &numbers[self.words.len() * row..self.first_gram() as usize * row];
        Pairs::new(self.words.len() as u32, outputs, slots, rows)
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
