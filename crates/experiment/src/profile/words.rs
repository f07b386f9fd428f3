//! The vocabulary: words by class, how it grows, and which words tell the classes apart.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use sentimeter_corpus::Corpus;
use sentimeter_model::Hooks;
use sentimeter_model::distinct::{Distinct, Tally, distinct};
use sentimeter_model::features::Tokens;
use sentimeter_text::language::Language;
use sentimeter_text::words::{is_stop, recipe};
use sentimeter_text::{Scratch, arabic};
use serde::Serialize;

use super::slots::Slots;
use super::vocabulary::{Growth, Vocabulary, coverage, covering, heaps, log_spaced};
use crate::ExperimentError;

/// Words that a cloud gets at most.
const CLOUD: usize = 1000;

/// Distinguishing words and bigrams of a class that are kept.
const DISTINGUISHING: usize = 60;

/// Bigrams are counted over words that occur so often at least.
const LEAST: u32 = 5;

/// Emoji and emoticons that are kept.
const MOST_EMOJI: usize = 40;

/// A word and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WordCount {
    /// The word; Arabic ones in their most frequent spelling.
    pub word: String,
    /// Occurrences.
    pub count: u64,
}

/// The words of one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassWords {
    /// The class.
    pub class: String,
    /// Words of its texts, all occurrences.
    pub tokens: u64,
    /// Its most frequent words without stop words, links, mentions and numbers, at most 1000.
    pub cloud: Vec<WordCount>,
    /// Words that stand here rather than in the other classes, the surest first.
    pub words: Vec<Distinct>,
    /// Pairs of neighbouring words that do.
    pub bigrams: Vec<Distinct>,
}

/// How often something other than a word occurs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// `links`, `mentions`, `hashtags`, `emoji and emoticons`. Who is mentioned is not kept.
    pub what: &'static str,
    /// Occurrences, by class.
    pub count: Vec<u64>,
    /// Rows with at least one, by class.
    pub rows: Vec<u64>,
}

/// An emoji, emoticon or hashtag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Symbol {
    /// As it is written.
    pub symbol: String,
    /// Occurrences, by class.
    pub count: Vec<u64>,
}

/// What stands in texts beside words.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) marks: Vec<Mark>,
    pub(super) emoji: Vec<Symbol>,
    pub(super) hashtags: Vec<Symbol>,
}

/// What each number of the vocabulary stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Link,
    Mention,
    Emoji,
}

/// All texts as words with numbers, read once for all figures on words.
#[derive(Debug)]
pub(super) struct Vocab {
    tokens: Tokens,
    kinds: Vec<Kind>,
    /// Occurrences of each word in each slot, `[words, slots]`.
    counts: Vec<u32>,
    slots: usize,
    languages: Vec<Language>,
}

impl Vocab {
    /// Reads all texts. `languages` are those of a good share of the rows.
    pub(super) fn read(
        corpus: &Corpus,
        slots: &Slots,
        languages: &[Language],
        hooks: &mut dyn Hooks,
    ) -> Result<Self, ExperimentError> {
        let analyzer = recipe(languages).compile()?;
        let tokens = Tokens::read(&analyzer, corpus.len(), |row| corpus.text(row), hooks)?;
        let kinds = tokens.words.iter().map(kind).collect();
        let mut vocab =
            Self { tokens, kinds, counts: Vec::new(), slots: slots.len(), languages: languages.to_vec() };
        vocab.count(slots);
        vocab.respell(slots);
        Ok(vocab)
    }

    fn count(&mut self, slots: &Slots) {
        self.counts = vec![0; self.tokens.words.len() * self.slots];
        for (row, &slot) in slots.of.iter().enumerate() {
            for &word in self.tokens.rows.row(row) {
                self.counts[word as usize * self.slots + usize::from(slot)] += 1;
            }
        }
    }

    /// Spellings of one Arabic word become one, called by the most frequent of them.
    fn respell(&mut self, slots: &Slots) {
        let mut spellings: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (id, word) in (0_u32..).zip(self.tokens.words.iter()) {
            if word.chars().any(|c| matches!(c, '\u{600}'..='\u{6ff}')) {
                let mut folded = String::new();
                arabic::normalise(word, &mut folded);
                spellings.entry(folded).or_default().push(id);
            }
        }
        if spellings.values().all(|ids| ids.len() < 2) {
            return;
        }
        let mut renamed: Vec<u32> = (0..self.tokens.words.len() as u32).collect();
        for ids in spellings.values() {
            let best = ids.iter().min_by_key(|&&id| (Reverse(self.total(id)), self.tokens.words.word(id)));
            ids.iter().for_each(|&id| renamed[id as usize] = best.copied().unwrap_or(id));
        }
        self.tokens.rows.ids.iter_mut().for_each(|id| *id = renamed[*id as usize]);
        self.count(slots);
    }

    fn total(&self, word: u32) -> u64 {
        self.of(word).iter().map(|&n| u64::from(n)).sum()
    }

    /// Occurrences of a word, by slot.
    fn of(&self, word: u32) -> &[u32] {
        &self.counts[word as usize * self.slots..][..self.slots]
    }

    pub(super) fn name(&self, word: u32) -> &str {
        self.tokens.words.word(word)
    }

    /// The words that occur, without links, mentions and emoji.
    pub(super) fn words(&self) -> impl Iterator<Item = (u32, u64)> {
        let ids = (0..self.tokens.words.len() as u32).filter(|&id| self.kinds[id as usize] == Kind::Word);
        ids.map(|id| (id, self.total(id))).filter(|&(_, total)| total > 0)
    }

    /// Size, growth and coverage; `order` is a shuffle of the rows.
    pub(super) fn vocabulary(&self, order: &[u32]) -> Vocabulary {
        let mut totals: Vec<u64> = self.words().map(|(_, total)| total).collect();
        totals.par_sort_unstable_by_key(|&n| Reverse(n));
        let tokens: u64 = totals.iter().sum();
        let (words, once) = (totals.len() as u64, totals.iter().filter(|&&n| n == 1).count() as u64);
        let growth = self.growth(order, tokens);
        Vocabulary {
            tokens,
            words,
            once,
            once_share: once as f64 / (words as f64).max(1.0),
            heaps: heaps(&growth),
            growth,
            coverage: coverage(&totals, tokens),
            covering: [0.5, 0.9, 0.95, 0.99]
                .into_iter()
                .filter_map(|s| covering(&totals, tokens, s))
                .collect(),
        }
    }

    fn growth(&self, order: &[u32], tokens: u64) -> Vec<Growth> {
        let mut points = log_spaced(tokens, 40).into_iter().peekable();
        let mut seen = vec![false; self.tokens.words.len()];
        let (mut read, mut words, mut growth) = (0, 0, Vec::new());
        for &row in order {
            for &id in self.tokens.rows.row(row as usize) {
                let id = id as usize;
                if self.kinds[id] != Kind::Word {
                    continue;
                }
                read += 1;
                words += u64::from(!seen[id]);
                seen[id] = true;
                if points.next_if(|&at| at <= read).is_some() {
                    growth.push(Growth { tokens: read, words });
                }
            }
        }
        growth
    }

    /// The most frequent words of a slot without stop words, links, mentions and numbers.
    pub(super) fn cloud(&self, slot: usize) -> Vec<WordCount> {
        let counted = self.words().map(|(id, _)| (id, self.of(id)[slot]));
        let mut cloud: Vec<(u32, u32)> = counted.filter(|&(_, count)| count > 0).collect();
        cloud.sort_by(|a, b| (b.1, self.name(a.0)).cmp(&(a.1, self.name(b.0))));
        cloud
            .into_iter()
            .map(|(id, count)| (self.name(id), count))
            .filter(|(word, _)| self.worth_showing(word))
            .take(CLOUD)
            .map(|(word, count)| WordCount { word: word.to_owned(), count: u64::from(count) })
            .collect()
    }

    /// Words by class, for clouds and beside them.
    pub(super) fn classes(&self, slots: &Slots) -> Vec<ClassWords> {
        // Without labels the whole data is the one class to show.
        let shown = if slots.classes == 0 { slots.len() } else { slots.classes };
        let sums: Vec<u64> =
            (0..shown).map(|slot| self.words().map(|(id, _)| u64::from(self.of(id)[slot])).sum()).collect();
        let words: Vec<(u32, &[u32])> = self.words().map(|(id, _)| (id, &self.of(id)[..shown])).collect();
        let bigrams = self.bigrams(slots, shown);
        let spell = |&pair: &u64| format!("{} {}", self.name((pair >> 32) as u32), self.name(pair as u32));
        (0..shown)
            .into_par_iter()
            .map(|slot| {
                let tell = |terms: &mut dyn Iterator<Item = Tally<'_>>| distinct(terms, DISTINGUISHING);
                let (mut telling, mut pairs) = (Vec::new(), Vec::new());
                if shown > 1 {
                    telling = tell(&mut words.iter().map(|(id, counts)| Tally {
                        name: self.name(*id).into(),
                        here: u64::from(counts[slot]),
                        there: counts.iter().map(|&n| u64::from(n)).sum::<u64>() - u64::from(counts[slot]),
                    }));
                    pairs = tell(&mut bigrams.iter().map(|(pair, counts)| Tally {
                        name: spell(pair).into(),
                        here: u64::from(counts[slot]),
                        there: counts.iter().map(|&n| u64::from(n)).sum::<u64>() - u64::from(counts[slot]),
                    }));
                }
                ClassWords {
                    class: slots.names[slot].clone(),
                    tokens: sums[slot],
                    cloud: self.cloud(slot),
                    words: telling,
                    bigrams: pairs,
                }
            })
            .collect()
    }

    /// Pairs of neighbouring words that occur often enough, and how often in each slot.
    fn bigrams(&self, slots: &Slots, shown: usize) -> Vec<(u64, Vec<u32>)> {
        if shown < 2 {
            return Vec::new();
        }
        let frequent: Vec<bool> = (0..self.kinds.len() as u32)
            .map(|id| self.kinds[id as usize] == Kind::Word && self.total(id) >= u64::from(LEAST))
            .collect();
        let parts: Vec<Vec<(u64, u16)>> = (0..slots.of.len())
            .collect::<Vec<_>>()
            .par_chunks(1 << 14)
            .map(|rows| {
                let mut pairs = Vec::new();
                for &row in rows {
                    let slot = slots.of[row];
                    if usize::from(slot) >= shown {
                        continue;
                    }
                    let both = self.tokens.rows.row(row).windows(2);
                    let both = both.filter(|p| frequent[p[0] as usize] && frequent[p[1] as usize]);
                    pairs.extend(both.map(|p| (u64::from(p[0]) << 32 | u64::from(p[1]), slot)));
                }
                pairs
            })
            .collect();
        let mut pairs = parts.concat();
        pairs.par_sort_unstable();
        pairs
            .chunk_by(|a, b| a.0 == b.0)
            .filter(|same| same.len() >= LEAST as usize)
            .map(|same| {
                let mut counts = vec![0; shown];
                same.iter().for_each(|&(_, slot)| counts[usize::from(slot)] += 1);
                (same[0].0, counts)
            })
            .collect()
    }

    /// Whether a word is worth a place in a cloud.
    fn worth_showing(&self, word: &str) -> bool {
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        letters > 1 && !self.languages.iter().any(|&language| is_stop(language, word))
    }

    /// Links, mentions, hashtags and emoji by class; and the most frequent emoji, emoticons, hashtags.
    pub(super) fn marks(&self, corpus: &Corpus, slots: &Slots) -> Result<Beside, ExperimentError> {
        let mark = |what| Mark { what, count: slots.zeros(), rows: slots.zeros() };
        let mut marks = [mark("links"), mark("mentions"), mark("hashtags"), mark("emoji and emoticons")];
        let mut with_emoji = Vec::new();
        for (row, &slot) in slots.of.iter().enumerate() {
            let mut found = [0; 4];
            for &id in self.tokens.rows.row(row) {
                match self.kinds[id as usize] {
                    Kind::Word => {}
                    Kind::Link => found[0] += 1,
                    Kind::Mention => found[1] += 1,
                    Kind::Emoji => found[3] += 1,
                }
            }
            let text = corpus.text(row);
            if text.contains('#') {
                hashtags(text, |_| found[2] += 1);
            }
            if found[3] > 0 {
                with_emoji.push(row as u32);
            }
            for (mark, &count) in marks.iter_mut().zip(&found) {
                mark.count[usize::from(slot)] += count;
                mark.rows[usize::from(slot)] += u64::from(count > 0);
            }
        }
        let symbols = self.symbols(corpus, slots, &with_emoji)?;
        let mut tags: HashMap<String, Vec<u64>> = HashMap::new();
        for (row, &slot) in slots.of.iter().enumerate() {
            hashtags(corpus.text(row), |tag| {
                tags.entry(tag.to_lowercase()).or_insert_with(|| slots.zeros())[usize::from(slot)] += 1;
            });
        }
        Ok(Beside { marks: marks.into(), emoji: symbols, hashtags: top(tags, MOST_EMOJI) })
    }

    /// Emoji and emoticons as they are written, in the rows that have any.
    fn symbols(&self, corpus: &Corpus, slots: &Slots, rows: &[u32]) -> Result<Vec<Symbol>, ExperimentError> {
        let analyzer = recipe(&self.languages).compile()?;
        let parts: Vec<HashMap<String, Vec<u64>>> = rows
            .par_chunks(4096)
            .map(|rows| {
                let (mut scratch, mut found) = (Scratch::new(), HashMap::new());
                for &row in rows {
                    let text = corpus.text(row as usize);
                    let slot = usize::from(slots.of[row as usize]);
                    analyzer.each(text, &mut scratch, &mut |token, span| {
                        if kind(token) == Kind::Emoji {
                            let written = text.get(span.start as usize..span.end as usize).unwrap_or(token);
                            let glyph = written.replace("&lt;", "<").replace("&gt;", ">");
                            found.entry(glyph).or_insert_with(|| slots.zeros())[slot] += 1;
                        }
                    });
                }
                found
            })
            .collect();
        let mut all: HashMap<String, Vec<u64>> = HashMap::new();
        for (symbol, counts) in parts.into_iter().flatten() {
            let sum = all.entry(symbol).or_insert_with(|| slots.zeros());
            sum.iter_mut().zip(&counts).for_each(|(sum, n)| *sum += n);
        }
        Ok(top(all, MOST_EMOJI))
    }

    /// The most frequent words with their counts in all slots together, for comparing data sets.
    pub(super) fn table(&self) -> (HashMap<&str, u64>, u64) {
        let table: HashMap<&str, u64> = self.words().map(|(id, n)| (self.name(id), n)).collect();
        let sum = table.values().sum();
        (table, sum)
    }
}

fn kind(word: &str) -> Kind {
    // All else is in lower case.
    match word {
        "URL" => Kind::Link,
        "USER" => Kind::Mention,
        _ if word.starts_with("EMOJI") => Kind::Emoji,
        _ => Kind::Word,
    }
}

/// Calls `sink` with every hashtag of `text`, the sign left out.
fn hashtags<'a>(text: &'a str, mut sink: impl FnMut(&'a str)) {
    let mut rest = text;
    let mut before = ' ';
    while let Some(at) = rest.find('#') {
        before = rest[..at].chars().next_back().unwrap_or(before);
        let name = &rest[at + 1..];
        let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name.len());
        // `&#39;` is an apostrophe, `page#top` a place.
        if !before.is_alphanumeric()
            && !matches!(before, '&' | '/' | '=')
            && name[..end].contains(char::is_alphabetic)
        {
            sink(&name[..end]);
        }
        before = name[..end].chars().next_back().unwrap_or('#');
        rest = &name[end..];
    }
}

fn top(counts: HashMap<String, Vec<u64>>, most: usize) -> Vec<Symbol> {
    let mut symbols: Vec<Symbol> =
        counts.into_iter().map(|(symbol, count)| Symbol { symbol, count }).collect();
    symbols.sort_by(|a, b| {
        let sum = |s: &Symbol| s.count.iter().sum::<u64>();
        (sum(b), &a.symbol).cmp(&(sum(a), &b.symbol))
    });
    symbols.truncate(most);
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;
    use sentimeter_corpus::Example;
    use sentimeter_model::Silent;

    fn corpus(rows: &[(&str, &str)]) -> Corpus {
        let mut corpus = Corpus::new();
        for &(text, label) in rows {
            corpus.push(Example { text, label: Some(label), ..Example::default() }).unwrap();
        }
        corpus.sort_labels();
        corpus
    }

    #[test]
    fn hashtags_are_told_from_numbers_and_places() {
        let mut found = Vec::new();
        hashtags("#One, x#no &#39; #2 (#deux) page/#top #ثلاثة#four", |tag| found.push(tag));
        assert_eq!(found, ["One", "deux", "ثلاثة"]);
    }

    #[test]
    fn links_mentions_and_emoji_are_counted_and_are_no_words() {
        let corpus = corpus(&[
            ("great 😀 day @ann see http://x.y :)", "positive"),
            ("great great 😀", "positive"),
            ("awful &lt;3 @bob @ann #Fail", "negative"),
        ]);
        let slots = Slots::of(&corpus);
        let vocab = Vocab::read(&corpus, &slots, &[Language::En], &mut Silent).unwrap();
        let Beside { marks, emoji: symbols, hashtags: tags } = vocab.marks(&corpus, &slots).unwrap();
        let of = |what: &str| marks.iter().find(|m| m.what == what).unwrap();
        assert_eq!((&of("links").count[..], &of("mentions").count[..]), (&[0, 1][..], &[2, 1][..]));
        assert_eq!(of("mentions").rows, [1, 1]);
        assert_eq!(of("emoji and emoticons").count, [1, 3]);
        let symbols: Vec<(&str, &[u64])> =
            symbols.iter().map(|s| (s.symbol.as_str(), &s.count[..])).collect();
        assert_eq!(symbols, [("😀", &[0, 2][..]), (":)", &[0, 1][..]), ("<3", &[1, 0][..])]);
        assert_eq!(tags[0].symbol, "fail");
        let classes = vocab.classes(&slots);
        let words: Vec<&str> = classes[1].cloud.iter().map(|w| w.word.as_str()).collect();
        assert_eq!(words, ["great", "day", "see"]);
    }

    #[test]
    fn spellings_of_an_arabic_word_are_one() {
        let corpus = corpus(&[("جميلة جميله جميلة", "positive"), ("جَميلة", "positive")]);
        let slots = Slots::of(&corpus);
        let vocab = Vocab::read(&corpus, &slots, &[Language::Ar], &mut Silent).unwrap();
        let words: Vec<(&str, u64)> = vocab.words().map(|(id, n)| (vocab.name(id), n)).collect();
        assert_eq!(words, [("جميلة", 4)]);
    }
}
