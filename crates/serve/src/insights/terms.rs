//! Words and phrases: which of them drive sentiment, which came up, and what was said on a day.

use std::collections::{HashMap, HashSet};

use sentimeter_model::distinct::{Tally, distinct};
use sentimeter_store::Sampled;
use sentimeter_text::language::Language;
use sentimeter_text::stopwords::is_negation;
use sentimeter_text::{Analyzer, RecipeError, Scratch, words};

use super::unusual::FALSE_ALARMS;

/// Tokens of a text that are looked at.
const TOKENS: usize = 400;

/// Texts that must hold a term.
const LEAST: u32 = 5;

/// Terms of a list.
const SHOWN: usize = 12;

/// Of a word's texts, those in which it is a part of one phrase, from which on the phrase stands for it.
const SAME: f64 = 0.8;

/// A term and how many texts of each kind hold it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Term {
    pub(crate) term: String,
    /// Texts of the period that hold it, of that sentiment where it is one's driver.
    pub(crate) now: u32,
    /// The same of the period before.
    pub(crate) before: u32,
    /// Of the period's texts (of that sentiment), the share that holds it.
    pub(crate) share: f64,
    /// Of the period before's.
    pub(crate) share_before: Option<f64>,
    /// Log-odds against the others, in nats.
    pub(crate) log_odds: f64,
    /// In standard deviations.
    pub(crate) z: f64,
    /// Net sentiment of the period's texts that hold it, from -1 to 1.
    pub(crate) net: f64,
}

/// What words say of a period.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) negative: Vec<Term>,
    pub(crate) positive: Vec<Term>,
    /// What comes up more than in the period before, surely.
    pub(crate) rising: Vec<Term>,
}

/// Texts of a term, by sentiment: negative, others, positive.
type Counts = [u32; 3];

/// The terms of texts, each counted once a text.
pub(crate) struct Terms {
    names: Vec<String>,
    /// Of each text its terms' numbers.
    of: Vec<Vec<u32>>,
    sides: Vec<usize>,
}

fn side(label: &str) -> usize {
    match label {
        "negative" => 0,
        "positive" => 2,
        _ => 1,
    }
}

fn worth(word: &str) -> bool {
    // Links, mentions and emoji stand in capitals; all else is in lower case.
    word.chars().filter(|c| c.is_alphabetic()).count() > 1 && !word.chars().any(char::is_uppercase)
}

impl Terms {
    /// Reads texts: words, and pairs of neighbouring ones. `sentimeter_text`'s words, as in profiles.
    pub(crate) fn read(texts: &[Sampled]) -> Result<Self, RecipeError> {
        let analyzer: Analyzer = words::recipe(&[Language::En, Language::Fr, Language::Ar]).compile()?;
        let mut scratch = Scratch::new();
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut all = Self { names: Vec::new(), of: Vec::new(), sides: Vec::new() };
        let mut number = |name: &str| {
            if let Some(&known) = numbers.get(name) {
                return known;
            }
            let next = numbers.len() as u32;
            numbers.insert(name.to_owned(), next);
            all.names.push(name.to_owned());
            next
        };
        for text in texts {
            let language = text.language.parse().unwrap_or(Language::Other);
            let mut tokens: Vec<String> = Vec::new();
            analyzer.tokens(&text.text, &mut scratch, &mut |token| {
                if tokens.len() < TOKENS {
                    tokens.push(token.to_owned());
                }
            });
            let plain = |word: &str| worth(word) && !words::is_stop(language, word);
            let mut own = HashSet::new();
            for (at, token) in tokens.iter().enumerate() {
                if plain(token) {
                    own.insert(number(token));
                }
                if let Some(next) = tokens.get(at + 1)
                    && plain(next)
                    && (plain(token) || is_negation(language, token))
                {
                    own.insert(number(&format!("{token} {next}")));
                }
            }
            let mut own: Vec<u32> = own.into_iter().collect();
            own.sort_unstable();
            all.of.push(own);
            all.sides.push(side(&text.label));
        }
        Ok(all)
    }

    /// Texts of each term among those that `among` lets through, and how many texts those are.
    fn count(&self, among: impl Fn(usize) -> bool) -> (Vec<Counts>, Counts) {
        let (mut counts, mut texts) = (vec![[0; 3]; self.names.len()], [0; 3]);
        for (at, terms) in self.of.iter().enumerate().filter(|(at, _)| among(*at)) {
            let side = self.sides[at];
            texts[side] += 1;
            terms.iter().for_each(|&term| counts[term as usize][side] += 1);
        }
        (counts, texts)
    }
}

fn sum(counts: &Counts) -> u32 {
    counts.iter().sum()
}

fn net(counts: &Counts) -> f64 {
    (f64::from(counts[2]) - f64::from(counts[0])) / f64::from(sum(counts).max(1))
}

fn share(part: u32, whole: u32) -> f64 {
    f64::from(part) / f64::from(whole.max(1))
}

/// Leaves out what another of the list says better: a word that mostly stands in one phrase, and a phrase of
/// which a word stands everywhere.
fn prune(terms: Vec<Term>) -> Vec<Term> {
    let part_of = |word: &str, phrase: &str| phrase.split(' ').any(|part| part == word);
    let said_better = |term: &Term| {
        terms.iter().any(|other| {
            if term.term.contains(' ') {
                part_of(&other.term, &term.term) && f64::from(term.now) < SAME * f64::from(other.now)
            } else {
                other.term.contains(' ')
                    && part_of(&term.term, &other.term)
                    && f64::from(other.now) >= SAME * f64::from(term.now)
            }
        })
    };
    let kept: Vec<bool> = terms.iter().map(|term| !said_better(term)).collect();
    let mut kept = kept.into_iter();
    let mut terms = terms;
    terms.retain(|_| kept.next().unwrap_or(true));
    terms.truncate(SHOWN);
    terms
}

/// How surely a term stands in `here` of `texts_here` rather than anywhere: the bound's exponent (Chernoff's, of
/// a binomial). 0 where it stands there less.
fn surely(here: u32, there: u32, texts_here: u32, texts_there: u32) -> f64 {
    let n = f64::from(here + there);
    let (p, q) = (share(here, here + there), share(texts_here, texts_here + texts_there));
    if p <= q || q <= 0.0 {
        return 0.0;
    }
    let away = if p < 1.0 { (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln() } else { 0.0 };
    n * (p * (p / q).ln() + away)
}

/// What must be passed so that in a thousand comparisons one at the most finds what is not there.
fn bar(tests: usize) -> f64 {
    (tests.max(1) as f64 / FALSE_ALARMS).ln()
}

/// Terms that stand in the first kind of text rather than the second, the surest first.
fn more(
    terms: &Terms,
    (here, texts_here): (&[Counts], &Counts),
    (there, texts_there): (&[Counts], &Counts),
    most: usize,
) -> Vec<Term> {
    let often = |at: &usize| sum(&here[*at]) + sum(&there[*at]) >= LEAST;
    let tests = (0..terms.names.len()).filter(often).count();
    let mut found: Vec<(f64, usize)> = (0..terms.names.len())
        .filter(often)
        .map(|at| (surely(sum(&here[at]), sum(&there[at]), sum(texts_here), sum(texts_there)), at))
        .filter(|(exponent, _)| *exponent > bar(tests))
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| terms.names[a.1].cmp(&terms.names[b.1])));
    found.truncate(4 * most);
    let found = found.into_iter().map(|(exponent, at)| {
        let (now, before) = (sum(&here[at]), sum(&there[at]));
        let odds = |part: u32, whole: u32| (f64::from(part) + 0.5) / (f64::from(whole - part) + 0.5);
        Term {
            term: terms.names[at].clone(),
            now,
            before,
            share: share(now, sum(texts_here)),
            share_before: Some(share(before, sum(texts_there))),
            log_odds: (odds(now, sum(texts_here)) / odds(before, sum(texts_there))).ln(),
            z: (2.0 * exponent).sqrt(),
            net: net(&here[at]),
        }
    });
    let mut found = prune(found.collect());
    found.truncate(most);
    found
}

/// What drives sentiment among the texts of `now`, and how that moved against those of before: the first `now`
/// texts are the period's, the others of the period before.
pub(crate) fn said(terms: &Terms, now: usize) -> Said {
    let (here, texts) = terms.count(|at| at < now);
    let (before, texts_before) = terms.count(|at| at >= now);
    let drivers = |side: usize| {
        let mut tallies = (0..terms.names.len()).filter(|&at| sum(&here[at]) >= LEAST).map(|at| Tally {
            name: terms.names[at].as_str().into(),
            here: u64::from(here[at][side]),
            there: u64::from(sum(&here[at]) - here[at][side]),
        });
        let places: HashMap<&str, usize> =
            terms.names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
        let found = distinct(&mut tallies, 4 * SHOWN).into_iter().filter_map(|one| {
            let at = *places.get(one.term.as_str())?;
            Some(Term {
                now: here[at][side],
                before: before[at][side],
                share: share(here[at][side], texts[side]),
                share_before: (texts_before[side] > 0).then(|| share(before[at][side], texts_before[side])),
                log_odds: one.log_odds,
                z: one.z,
                net: net(&here[at]),
                term: one.term,
            })
        });
        prune(found.collect())
    };
    let rising = if sum(&texts_before) > 0 {
        more(terms, (&here, &texts), (&before, &texts_before), SHOWN)
    } else {
        Vec::new()
    };
    Said { negative: drivers(0), positive: drivers(2), rising }
}

/// What is said in the texts that `among` lets through rather than in the other ones of the period.
pub(crate) fn said_then(terms: &Terms, now: usize, among: impl Fn(usize) -> bool) -> Vec<Term> {
    let (here, texts) = terms.count(|at| at < now && among(at));
    let (there, texts_there) = terms.count(|at| at < now && !among(at));
    more(terms, (&here, &texts), (&there, &texts_there), 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(rows: &[(&str, &str, usize)]) -> Vec<Sampled> {
        let mut texts = Vec::new();
        for &(text, label, times) in rows {
            let one = Sampled {
                time: 0,
                language: "en".to_owned(),
                label: label.to_owned(),
                text: text.to_owned(),
            };
            texts.extend(std::iter::repeat_n(one, times));
        }
        texts
    }

    #[test]
    fn drivers_are_the_words_of_a_sentiment_and_a_new_phrase_rises() {
        let rows = [
            ("the checkout page is broken again", "negative", 80),
            ("the delivery was late", "negative", 100),
            ("lovely staff, quick delivery", "positive", 200),
            ("the delivery was late", "negative", 110),
            ("lovely staff, quick delivery", "positive", 190),
        ];
        let all = texts(&rows);
        let terms = Terms::read(&all).unwrap();
        let said = said(&terms, 380);
        let names = |list: &[Term]| list.iter().map(|t| t.term.clone()).collect::<Vec<_>>();
        assert!(names(&said.negative).iter().any(|t| t.contains("late")), "{said:?}");
        assert!(names(&said.positive).iter().any(|t| t.contains("lovely")), "{said:?}");
        assert!(names(&said.rising).iter().any(|t| t == "checkout page"), "{:?}", said.rising);
        assert!(said.rising.iter().all(|t| t.before == 0 && t.net == -1.0), "{:?}", said.rising);
        // Said before as now is nothing new.
        assert!(!names(&said.rising).iter().any(|t| t.contains("delivery")), "{:?}", said.rising);
    }

    #[test]
    fn texts_without_words_and_no_texts_are_nothing_to_speak_of() {
        assert_eq!(said(&Terms::read(&[]).unwrap(), 0), Said::default());
        let all = texts(&[("😀 http://x.y @ann 5", "positive", 50), ("", "negative", 50)]);
        assert_eq!(said(&Terms::read(&all).unwrap(), 60), Said::default());
    }
}
