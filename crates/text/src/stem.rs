//! Snowball stems: one word cut down to what its inflections share.

use std::borrow::Cow;
use std::fmt;

use rust_stemmers::{Algorithm, Stemmer as Snowball};

use crate::language::Language;

/// Words beyond this many bytes are no words; Snowball's cursor arithmetic is `i32` and some of its
/// loops are quadratic, so they are handed back as they are.
const LONGEST: usize = 128;

/// The Snowball stemmer of one language.
///
/// Words are expected in lower case, and Arabic ones as [`crate::arabic`] normalises them.
pub struct Stemmer {
    snowball: Snowball,
    language: Language,
}

impl Stemmer {
    /// The stemmer of `language`; `None` for [`Language::Other`].
    pub fn new(language: Language) -> Option<Self> {
        let algorithm = match language {
            Language::En => Algorithm::English,
            Language::Fr => Algorithm::French,
            Language::Ar => Algorithm::Arabic,
            Language::Other => return None,
        };
        Some(Self { snowball: Snowball::create(algorithm), language })
    }

    /// The stem of `word`, never empty unless `word` is.
    ///
    /// A "word" of more than 128 bytes is its own stem.
    pub fn stem<'a>(&self, word: &'a str) -> Cow<'a, str> {
        if word.len() > LONGEST {
            return Cow::Borrowed(word);
        }
        match self.snowball.stem(word) {
            stem if stem.is_empty() => Cow::Borrowed(word),
            stem => stem,
        }
    }
}

impl fmt::Debug for Stemmer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stemmer").field("language", &self.language).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stems_inflections_alike() {
        for (language, word, want) in [
            (Language::En, "fruitlessly", "fruitless"),
            (Language::En, "delayed", "delay"),
            (Language::En, "delays", "delay"),
            (Language::En, "happiness", "happi"),
            (Language::Fr, "continuellement", "continuel"),
            (Language::Fr, "livraisons", "livraison"),
            (Language::Fr, "décevante", "décev"),
            (Language::Ar, "المدرسه", "مدرسه"),
            (Language::Ar, "المدرسون", "مدرس"),
            (Language::Ar, "الكتاب", "كتاب"),
            (Language::En, "", ""),
            (Language::En, "s", "s"),
        ] {
            assert_eq!(Stemmer::new(language).unwrap().stem(word), want, "{word}");
        }
        assert!(Stemmer::new(Language::Other).is_none());
    }

    fn everything(word: &str) -> Result<(), TestCaseError> {
        for language in [Language::En, Language::Fr, Language::Ar] {
            let stemmer = Stemmer::new(language).unwrap();
            prop_assert_eq!(stemmer.stem(word).is_empty(), word.is_empty());
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn any_string_has_a_stem(word in ".{0,40}") {
            everything(&word)?;
        }
        #[test]
        fn any_near_word_has_a_stem(word in "[a-zéèêëàâçôûîïœ'sy]{0,24}|[\u{621}-\u{655}]{0,16}|[a-z\u{627}é😀]{0,12}") {
            everything(&word)?;
        }
    }
}
