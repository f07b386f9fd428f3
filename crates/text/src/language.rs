//! Which language a short text is written in: English, French, Arabic, or something else.
//!
//! Arabic script is told from Persian and Urdu by its letters; Latin script by a linear model over
//! hashed n-grams (`latin.rs`). The model was trained by `assets/language/train.py` on the training
//! files of the open data sets; all choices were made on a tenth of those.
//!
//! How often it is right, by length and beside whichlang and lingua, stands in `docs/language.md`;
//! `tests/language.rs` holds it to that.
//!
//! Known to be weak: one or two words that several languages share ("no", "non", "ok"), and Dutch
//! and Romanian, of which the model knows little more than function words.

mod latin;
mod script;
mod walk;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use self::script::Script;
use self::walk::{Part, walk};

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
    let latin_letters = if latin.is_some() { letters.latin_count } else { 0 };
    let [english, french, neither] = latin.unwrap_or_default();
    let total = latin_letters + letters.arabic.count + letters.other_count;
    if total == 0 {
        return Detection { language: Language::Other, confidence: 0.0 };
    }
    let share = |count: u32| count as f32 / total as f32;
    let (in_latin, in_arabic) = (share(latin_letters), share(letters.arabic.count));
    let arabic = letters.arabic.arabic();
    let other = share(letters.other_count) + in_latin * neither + in_arabic * (1.0 - arabic);
    let mut best = Detection { language: Language::Other, confidence: other.min(1.0) };
    for (language, probability) in [
        (Language::En, in_latin * english),
        (Language::Fr, in_latin * french),
        (Language::Ar, in_arabic * arabic),
    ] {
        if probability > best.confidence {
            best = Detection { language, confidence: probability };
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
                    letters.arabic.end_word();
                    letters.latin_count += word.letters();
                    letters.latin.add(word);
                }
                Part::Letter(Script::Arabic, c) => letters.arabic.add(c),
                Part::Letter(script, c) => {
                    letters.arabic.separate(c);
                    letters.other_count += u32::from(script == Script::Other);
                }
            }
            letters.latin_count + letters.arabic.count + letters.other_count < LETTERS
        });
        letters.arabic.end_word();
        letters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sentences of our own. `sure`: at least that confident; for `other`, "not confident of anything
    /// else" is enough, as a caller falls back on low confidence.
    #[track_caller]
    fn check(want: Language, sure: f32, texts: &[&str]) {
        for text in texts {
            let got = detect(text);
            if want == Language::Other {
                assert!(got.language == want || got.confidence < 1.0 - sure, "{text}: {got:?}");
            } else {
                assert!(got.language == want && got.confidence >= sure, "{text}: {got:?}");
            }
        }
    }

    #[test]
    fn english_with_slang_and_french_without_accents() {
        check(
            Language::En,
            0.7,
            &[
                "gonna be late af, this app sux lol",
                "omg ur customer service is trash smh",
                "worst airline ever",
                "great product",
                "not bad",
                "I've been waiting 3 weeks for my refund & nobody answers @support http://t.co/x",
                "The café was lovely",
                "SOOOO HAPPY!!!! best purchase everrrr 😍😍",
            ],
        );
        check(
            Language::Fr,
            0.7,
            &[
                "Je suis tres decu du service apres vente",
                "le colis est arrive casse, remboursez moi svp",
                "c nul jvais plus jamais commander chez vous mdr",
                "Trop bien!!! j'adore",
                "franchement genial merci a toute l'equipe",
                "L’été dernier, c’était mieux… #déception",
                "bonjour",
                "e\u{301}te\u{301} de\u{301}cevant, tre\u{300}s mauvaise qualite\u{301}",
            ],
        );
    }

    #[test]
    fn arabic_and_its_dialects() {
        check(
            Language::Ar,
            0.75,
            &[
                "الخدمة سيئة جدا ولن أتعامل معكم مرة أخرى",
                "مش عاجبني خالص، وحش اوي",
                "والله حلو كتير بس غالي",
                "شنو هالخدمة الزفت گاعد انتظر من ساعة",
                "واش هاد الشي معقول؟ ماكاين والو",
                "برشا باهي يعطيكم الصحة",
                "جمـــــيل جداً",
                "ﻣﺮﺣﺒﺎ ﺑﻜﻢ",
                "شكرا",
            ],
        );
    }

    #[test]
    fn everything_else_is_other_or_unsure() {
        check(
            Language::Other,
            0.2,
            &[
                "Estoy muy contento con el servicio",
                "El pedido llegó tarde y en mal estado",
                "Sono molto deluso dal prodotto",
                "il servizio è pessimo",
                "Ich bin sehr zufrieden mit dem Produkt",
                "O produto chegou atrasado",
                "Produkten är jättebra och kom snabbt",
                "Jestem bardzo zadowolony z zakupu",
                "Bu ürün çok kötü, param boşa gitti",
                "Produknya bagus sekali, pengiriman cepat",
                "Sản phẩm rất tốt, giao hàng nhanh",
                "barcha behi ya3tik essaha",
                "mafamech menou had el produit",
                "yeh phone bahut accha hai bhai",
                "این محصول خیلی خوب است",
                "من از خدمات شما راضی نیستم",
                "سلام خوبی؟ چطوری",
                "یہ پروڈکٹ بہت اچھی ہے",
                "میں بہت خوش ہوں",
                "Отличный товар",
                "很好",
                "素晴らしい",
                "최고예요",
                "Πολύ καλό",
            ],
        );
    }

    #[test]
    fn mixed_texts_say_how_mixed_they_are() {
        for text in ["I love هذا المنتج", "المنتج great بس التوصيل slow"] {
            let found = detect(text);
            assert!((0.4..0.75).contains(&found.confidence), "{text}: {found:?}");
        }
    }

    #[test]
    fn no_letter_no_language() {
        for text in [
            "",
            " ",
            "😀😀 👨‍👩‍👧",
            "12345 4.5/5",
            "@user http://t.co/Xy",
            "&amp;&#39;",
            "x1234567",
            "🅰🇫🇷 ؟،ـ",
            "'’`",
        ] {
            let nothing = Detection { language: Language::Other, confidence: 0.0 };
            assert_eq!(detect(text), nothing, "{text}");
        }
    }

    #[test]
    fn names_read_back() {
        for language in [Language::En, Language::Fr, Language::Ar, Language::Other] {
            assert_eq!(language.to_string().parse(), Ok(language));
            assert_eq!(serde_json::to_string(&language).unwrap(), format!("\"{}\"", language.code()));
        }
        let error = "english".parse::<Language>().unwrap_err();
        assert_eq!(error.to_string(), "unknown language \"english\": choose en, fr, ar or other");
    }

    proptest! {
        #[test]
        fn any_string_has_a_probability(raw in ".{0,80}|[a-zé@&;#' ]{0,80}|[\u{600}-\u{6ff}a-c ]{0,40}") {
            let found = detect(&raw);
            prop_assert!((0.0..=1.0).contains(&found.confidence), "{found:?}");
        }

        #[test]
        fn no_more_is_read_than_promised(start in "[a-z ]{0,40}", tail in "[ا-ي]{1,20}") {
            let bounded = start + &" ".repeat(walk::BYTES);
            prop_assert_eq!(detect(&bounded), detect(&(bounded.clone() + &tail)));
            let letters = "mot ".repeat(LETTERS as usize);
            prop_assert_eq!(detect(&letters), detect(&(letters.clone() + &tail)));
        }
    }
}
