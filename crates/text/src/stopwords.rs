//! Words that carry grammar and hardly any content, and words that turn a meaning round.
//!
//! The lists are NLTK's (English and French: Snowball's). The larger ISO lists are no use for
//! sentiment: they hold "good", "best", "thanks", "bien" and "merci".

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use crate::arabic;
use crate::language::Language;

/// Looked up, never iterated: the order of a hash set reaches no output.
type Words = HashSet<String>;

/// Words of the Arabic list that name a feeling or a verdict: "wretched", "evil", "how lovely",
/// "beloved", "welcome", "woe", "praise", "patience", "truthfully", "wonder", ….
const FEELINGS_AR: &[&str] = &[
    "بئس",
    "ساء",
    "حبذا",
    "حبيب",
    "اهلا",
    "تعسا",
    "بؤسا",
    "سحقا",
    "حمدا",
    "صبر",
    "صبرا",
    "صدقا",
    "حقا",
    "عجبا",
    "سرعان",
    "خاصه",
    "اف",
    "اه",
    "اها",
    "رزق",
    "سبحان",
    "هيهات",
    "شتان",
    "امين",
    "بخ",
];

static STOP_EN: LazyLock<Words> = LazyLock::new(|| plain("en"));
static STOP_FR: LazyLock<Words> = LazyLock::new(|| plain("fr"));
static STOP_AR: LazyLock<Words> = LazyLock::new(|| {
    let mut words: Words = listed("ar").map(|word| spelling(Language::Ar, word).into_owned()).collect();
    for feeling in FEELINGS_AR {
        words.remove(*feeling);
    }
    words
});

static NEGATION_EN: LazyLock<Few> = LazyLock::new(|| Few::new(NEGATIONS_EN));
static NEGATION_FR: LazyLock<Few> = LazyLock::new(|| Few::new(NEGATIONS_FR));
static NEGATION_AR: LazyLock<Few> = LazyLock::new(|| Few::new(NEGATIONS_AR));

/// A few words among which most are not: every token of a text is looked up, so a glance must do.
struct Few {
    words: Words,
    /// By a number from a word's bytes, the lengths that words with it have, one bit each.
    lengths: [u64; 256],
}

impl Few {
    fn new(words: &str) -> Self {
        let words: Words = words.split_whitespace().map(str::to_owned).collect();
        let mut lengths = [0; 256];
        for word in &words {
            lengths[Self::glance(word.as_bytes())] |= 1 << (word.len() % 64);
        }
        Self { words, lengths }
    }

    /// Of the first letter and the last.
    fn glance(word: &[u8]) -> usize {
        let at = |i: usize| word.get(i).copied().unwrap_or_default();
        usize::from(at(0).wrapping_mul(31) ^ at(1).wrapping_mul(7) ^ at(word.len().wrapping_sub(1)))
    }

    fn contains(&self, word: &str) -> bool {
        self.lengths[Self::glance(word.as_bytes())] >> (word.len() % 64) & 1 == 1 && self.words.contains(word)
    }
}

/// Negations beside everything that ends in "n't". The forms without an apostrophe are how people
/// type; those without the "t" are what is left when a recipe splits at the apostrophe and drops
/// words of one letter ("don", "won" and "can" are words of their own and stay out).
const NEGATIONS_EN: &str = "no not never none nobody nothing nowhere neither nor cannot without hardly \
    barely scarcely nope nah aint arent cant couldnt didnt doesnt dont hadnt hasnt havent isnt mightnt \
    mustnt neednt shant shouldnt wasnt werent wont wouldnt ain aren couldn didn doesn hadn hasn haven \
    isn mightn mustn needn shan shouldn wasn weren wouldn n't";

/// "plus", "point" and "personne" are left out: more often they deny nothing.
const NEGATIONS_FR: &str = "ne n pas jamais jms rien aucun aucune aucuns aucunes aucunement ni sans guère \
    guere non nul nulle nuls nulles nullement";

/// As [`arabic`] spells them: standard, then Egyptian, Levantine, Gulf and Iraqi, Maghrebi.
const NEGATIONS_AR: &str = "لا لم لن ما ليس ليست ليسوا ليسا لست لسنا لستم غير بدون بلا دون عدم كلا ابدا \
    لات مش مفيش مافيش مكنش مكانش معنديش معندوش معندهمش معرفش مينفعش مبحبش مقدرش مبقاش محدش ملوش \
    ملهاش مليش مو مب موب ماهو ماهي مهو مافي مافيه مالي ماله مالها مالهم ماعندي ماعنده ماعندهم ماكو \
    ماكان ماكانت موش مهوش ماكاش ماكانش مكاش مكاين ماكاين مانيش منيش";

/// Whether `word` (lower case) is a stop word of `language`; never for [`Language::Other`].
///
/// Arabic is compared as [`arabic`] spells it, a typographic apostrophe as a plain one.
pub fn is_stop_word(language: Language, word: &str) -> bool {
    let words = match language {
        Language::En => &STOP_EN,
        Language::Fr => &STOP_FR,
        Language::Ar => &STOP_AR,
        Language::Other => return false,
    };
    words.contains(&*spelling(language, word))
}

/// Whether `word` (lower case) negates what stands near it; never for [`Language::Other`].
///
/// Contractions and clitics count: "isn't", "n'est", "ولا", "ماعرفش".
pub fn is_negation(language: Language, word: &str) -> bool {
    let word = &*spelling(language, word);
    match language {
        Language::En => word.ends_with("n't") || NEGATION_EN.contains(word),
        Language::Fr => {
            NEGATION_FR.contains(word) || (word.starts_with("n'") && !word.starts_with("n'importe"))
        }
        Language::Ar => {
            let bare = word.strip_prefix(['و', 'ف']).unwrap_or(word);
            is_listed_arabic(word) || is_circumfixed(bare)
        }
        Language::Other => false,
    }
}

/// Whether `word`, spelt as [`arabic`] spells, is a negation of the list, with or without an "and".
pub(crate) fn is_listed_arabic(word: &str) -> bool {
    let bare = word.strip_prefix(['و', 'ف']).unwrap_or(word);
    NEGATION_AR.contains(word) || NEGATION_AR.contains(bare)
}

/// The spoken "ma … sh" round a verb of at least two letters. With a bare "m" it can't be told from
/// words such as "مدهش" (amazing); the common ones are listed.
fn is_circumfixed(word: &str) -> bool {
    word.strip_prefix("ما")
        .and_then(|rest| rest.strip_suffix('ش'))
        .is_some_and(|verb| verb.chars().nth(1).is_some())
}

/// `word` as the lists spell it; borrowed where nothing changes.
fn spelling(language: Language, word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return Cow::Borrowed(word);
    }
    if language == Language::Ar && word.chars().any(arabic::folds) {
        let mut folded = String::with_capacity(word.len());
        arabic::normalise(word, &mut folded);
        return Cow::Owned(folded);
    }
    if word.contains('’') {
        return Cow::Owned(word.replace('’', "'"));
    }
    Cow::Borrowed(word)
}

fn listed(code: &str) -> impl Iterator<Item = &'static str> {
    stop_words::lookup(code).unwrap_or_default().iter().copied()
}

fn plain(code: &str) -> Words {
    listed(code).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Language; 4] = [Language::En, Language::Fr, Language::Ar, Language::Other];

    #[test]
    fn stop_words_are_grammar_not_feeling() {
        for (language, words, want) in [
            (Language::En, "the and not don't don’t wouldn't i you", true),
            (Language::En, "good best thanks welcome problem le في zzz", false),
            (Language::Fr, "le la des été même qu n pas à", true),
            (Language::Fr, "bien merci bon hélas the", false),
            (Language::Ar, "في على علي إلى الى الي التي هذا هٰذا أنت انت هَذِه", true),
            (Language::Ar, "جميل حبيب بئس اهلا أهلا سيء the", false),
            (Language::Other, "the le في", false),
        ] {
            for word in words.split_whitespace() {
                assert_eq!(is_stop_word(language, word), want, "{language:?} {word}");
            }
        }
    }

    #[test]
    fn every_listed_word_is_found_and_feelings_are_spelt_as_the_list() {
        for (language, code) in [(Language::En, "en"), (Language::Fr, "fr")] {
            assert!(listed(code).count() > 100);
            assert!(listed(code).all(|word| is_stop_word(language, word)));
        }
        assert!(STOP_AR.len() > 400);
        let all: Words = listed("ar").map(|w| spelling(Language::Ar, w).into_owned()).collect();
        for feeling in FEELINGS_AR {
            assert!(all.contains(*feeling), "{feeling} is not in the list");
        }
    }

    #[test]
    fn negations_of_three_languages() {
        for (language, words, want) in [
            (Language::En, "not don't don’t dont never cannot can't cant nobody wouldn't didn nor", true),
            (Language::En, "note know want don won can ant good", false),
            (Language::Fr, "ne n'est n’ai pas jamais rien aucun aucune ni sans guère guere", true),
            (Language::Fr, "n'importe plus personne nager passer bon", false),
            (
                Language::Ar,
                "لا ليس ليست لم لن ما مش مو غير بدون بلا ماله ولا فلا وليس ماعرفش مافيش أبدا لَيْسَ",
                true,
            ),
            (Language::Ar, "جميل مدهش ماش مال لازم غيره سلام", false),
            (Language::Other, "not pas لا", false),
        ] {
            for word in words.split_whitespace() {
                assert_eq!(is_negation(language, word), want, "{language:?} {word}");
            }
        }
    }

    #[test]
    fn a_glance_misses_no_word() {
        for few in [&NEGATION_EN, &NEGATION_FR, &NEGATION_AR] {
            assert!(few.words.iter().all(|word| few.contains(word)));
            assert!(!few.contains("") && !few.contains("good") && !few.contains("جميل"));
        }
    }

    #[test]
    fn negations_are_spelt_as_the_look_up_spells() {
        for word in &NEGATION_AR.words {
            assert_eq!(spelling(Language::Ar, word), word.as_str());
        }
    }

    proptest! {
        #[test]
        fn any_string_has_an_answer(word in ".{0,20}|[\u{600}-\u{6ff}]{0,8}") {
            for language in ALL {
                is_stop_word(language, &word);
                is_negation(language, &word);
            }
        }
    }
}
