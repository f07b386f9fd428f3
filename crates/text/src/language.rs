//! Which language a short text is written in.

mod latin;
mod script;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use self::script::Script;

/// The languages that Sentimeter knows, and everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
    /// Arabic, in Arabic script.
    Ar,
    /// Any other language, or no language at all.
    Other,
}

impl Language {
    /// The ISO 639-1 code, or `other`: what [`FromStr`] reads and files and interfaces write.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::Ar => "ar",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// A name that is none of the four codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown language {0:?}: choose en, fr, ar or other")]
pub struct UnknownLanguage(String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(name: &str) -> Result<Self, UnknownLanguage> {
        [Self::En, Self::Fr, Self::Ar, Self::Other]
            .into_iter()
            .find(|language| language.code() == name)
            .ok_or_else(|| UnknownLanguage(name.to_owned()))
    }
}

/// A language and how sure the detector is, in `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// The most likely language.
    pub language: Language,
    /// Its probability.
    pub confidence: f32,
}

/// Letters that are looked at; by then the answer has long settled.
const LETTERS: u32 = 1000;
/// Bytes that are looked at, so that a text of digits and spaces is bounded too.
const BYTES: usize = 1 << 14;

/// Detects the language of `raw`, which needs no cleaning.
///
/// The probabilities of the scripts are mixed by their shares of the letters, so that a text half
/// Arabic and half English comes out near ½. A text without a letter outside links, mentions and
/// entities is [`Language::Other`] with confidence 0. At most the first 1000 letters are read,
/// within the first 16 KiB; nothing is allocated.
pub fn detect(raw: &str) -> Detection {
    let letters = Letters::of(raw);
    // A Latin part of nothing but identifiers says nothing.
    let latin = letters.latin.probabilities();
    let latin_letters = if latin.is_some() {
        letters.latin_count
    } else {
        0
    };
    let [english, french, neither] = latin.unwrap_or_default();
    let total = latin_letters + letters.arabic.count + letters.other_count;
    if total == 0 {
        return Detection {
            language: Language::Other,
            confidence: 0.0,
        };
    }
    let share = |count: u32| count as f32 / total as f32;
    let (in_latin, in_arabic) = (share(latin_letters), share(letters.arabic.count));
    let arabic = letters.arabic.arabic();
    let other = share(letters.other_count) + in_latin * neither + in_arabic * (1.0 - arabic);
    let mut best = Detection {
        language: Language::Other,
        confidence: other.min(1.0),
    };
    for (language, probability) in [
        (Language::En, in_latin * english),
        (Language::Fr, in_latin * french),
        (Language::Ar, in_arabic * arabic),
    ] {
        if probability > best.confidence {
            best = Detection {
                language,
                confidence: probability,
            };
        }
    }
    best
}

/// What the letters of a text say, script by script.
#[derive(Default)]
struct Letters {
    latin: latin::Evidence,
    latin_count: u32,
    arabic: script::ArabicLetters,
    other_count: u32,
}

impl Letters {
    fn of(raw: &str) -> Self {
        let mut letters = Self::default();
        walk(raw, &mut |part| {
            match part {
                Part::Word(word) => {
                    letters.latin_count += word.letters();
                    letters.latin.add(word);
                }
                Part::Letter(Script::Arabic, c) => letters.arabic.add(c),
                Part::Letter(Script::Other, _) => letters.other_count += 1,
                Part::Letter(Script::Latin | Script::None, _) => {}
            }
            letters.latin_count + letters.arabic.count + letters.other_count < LETTERS
        });
        letters
    }
}

/// What [`walk`] finds in a text.
enum Part<'a> {
    /// A word in Latin script.
    Word(&'a latin::Word),
    /// A character outside Latin words.
    Letter(Script, char),
}

/// Calls `sink` with the words and letters of `raw` that are neither link, mention nor entity, until
/// it returns false.
fn walk(raw: &str, sink: &mut impl FnMut(Part<'_>) -> bool) {
    let text = &raw[..raw.floor_char_boundary(BYTES)];
    let mut at = 0;
    let mut more = true;
    while more && let Some(c) = char_at(text, at) {
        at += match c {
            '@' => 1 + ascii_run(&text[at + 1..], |b| b.is_ascii_alphanumeric() || b == b'_'),
            '&' => entity(&text[at..]).max(1),
            _ if starts_word(c) => match link(&text[at..]) {
                0 => {
                    let (word, len) = word(&text[at..]);
                    more = sink(Part::Word(&word));
                    len
                }
                len => len,
            },
            _ => {
                more = sink(Part::Letter(script::of(c), c));
                c.len_utf8()
            }
        };
    }
}

/// The word that `text` begins with, and its bytes.
fn word(text: &str) -> (latin::Word, usize) {
    let mut word = latin::Word::default();
    let mut end = 0;
    while let Some(c) = char_at(text, end) {
        match latin::code(c) {
            0 if !is_combining(c) => break,
            0 => {}
            code => word.push(code),
        }
        end += c.len_utf8();
    }
    (word, end)
}

/// The length of the link that `text` begins with, up to the next space; 0 if it is none.
fn link(text: &str) -> usize {
    let begins = |prefix: &[u8]| {
        text.as_bytes()
            .get(..4)
            .is_some_and(|b| b.eq_ignore_ascii_case(prefix))
    };
    if begins(b"http") || begins(b"www.") {
        text.find(char::is_whitespace).unwrap_or(text.len())
    } else {
        0
    }
}

/// A Latin letter or a digit: an apostrophe belongs to a word, but begins none.
fn starts_word(c: char) -> bool {
    !matches!(latin::code(c), 0 | latin::APOSTROPHE)
}

/// The accents of decomposed letters: passed over, as if left out by the writer.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

/// The length of the HTML entity that `text` begins with; 0 if it is none.
fn entity(text: &str) -> usize {
    let name = ascii_run(&text[1..], |b| b.is_ascii_alphanumeric() || b == b'#');
    let closed = text.as_bytes().get(1 + name) == Some(&b';');
    if closed && (1..=8).contains(&name) {
        name + 2
    } else {
        0
    }
}

fn ascii_run(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|&byte| belongs(byte)).count()
}

/// The character that begins at byte `at`, which is a boundary; the ASCII case without decoding.
#[inline]
fn char_at(text: &str, at: usize) -> Option<char> {
    match text.as_bytes().get(at) {
        Some(&byte) if byte.is_ascii() => Some(char::from(byte)),
        Some(_) => text[at..].chars().next(),
        None => None,
    }
}
