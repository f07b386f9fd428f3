//! Negation beyond lists of single words: two parts (French "ne … plus"), parts of one word (Arabic
//! "ماعجبنيش"), and phrases with a negation in them that deny nothing ("sans doute", "ما شاء الله").
//!
//! Arabic words are written here as [`crate::arabic`] spells them, which a recipe does before.

use crate::language::Language;
use crate::stopwords::is_listed_arabic;
use std::ops::Range;

/// "ma": not, what, and after some words "that".
pub(super) const MA: &str = "ما";

/// Words between "ne" and its second part: "je n'y reviendrai vraiment plus".
pub(super) const WAITS: usize = 4;

/// Whether a French `token` is the first part of a negation; elided it is "n" or still "n'est".
pub(super) fn opens(token: &str) -> bool {
    matches!(token, "ne" | "n") || token.starts_with("n'")
}

/// Whether `token`, which alone denies nothing, is the second part of a French negation.
pub(super) fn closes(token: &str) -> bool {
    matches!(token, "plus" | "personne" | "point")
}

/// Whether `token` makes of "ne" an "only": "il n'y a que du bon".
pub(super) fn restricts(token: &str) -> bool {
    matches!(token, "que" | "qu")
}

/// Whether "ma" behind `token` is a conjunction: "after", "before", "as", "whenever".
pub(super) fn joins(language: Language, token: &str) -> bool {
    language == Language::Ar
        && matches!(token, "كل" | "مثل" | "متل" | "زي" | "بعد" | "قبل" | "كيف" | "وقت" | "حسب" | "قد" | "عند")
}

/// Words that, behind the negation `token`, show that nothing is denied.
pub(super) fn idioms(language: Language, token: &str) -> &'static [&'static str] {
    match (language, token) {
        (Language::En, "not") => &["only", "just"],
        (Language::En, "no") => &["doubt", "wonder", "matter"],
        (Language::En, "without") => &["doubt", "fail"],
        (Language::Fr, "sans") => &["doute", "faute", "faille", "souci", "soucis"],
        (Language::Fr, "pas") => &["seulement", "uniquement", "que"],
        (Language::Fr, "ne" | "n") => &["importe"],
        // "God willed it", and "how beautiful!".
        (Language::Ar, MA) => &[
            "شاء",
            "شالله",
            "زال",
            "زالت",
            "زلت",
            "اجمل",
            "احلي",
            "اروع",
            "ابدع",
            "اطيب",
            "الذ",
            "اعظم",
            "اكرم",
            "ارقي",
        ],
        (Language::Ar, "لا") => &["شك", "باس", "زال", "يزال", "تزال", "زلت", "اله"],
        (Language::Ar, "لم") => &["يزل", "تزل", "ازل"],
        (Language::Ar, "بلا" | "بدون" | "دون") => &["شك", "منازع", "مبالغه"],
        _ => &[],
    }
}

/// Where the verb stands in a word of spoken Arabic that holds its own negation: "ماعجبنيش" (I did not
/// like it) is "عجبني" between "ma" and "sh". `apart`: "ma" was the word before.
pub(super) fn fused(language: Language, token: &str, apart: bool) -> Option<Range<usize>> {
    const SH: char = 'ش';
    if language != Language::Ar || !token.ends_with(SH) || is_listed_arabic(token) {
        return None;
    }
    let start = if token.starts_with(['و', 'ف']) { 'و'.len_utf8() } else { 0 };
    let end = token.len() - SH.len_utf8();
    let letters = |range: &Range<usize>| token.get(range.clone()).map_or(0, |verb| verb.chars().count());
    if token[start..].starts_with(MA) {
        let verb = start + MA.len()..end;
        return (letters(&verb) >= 2).then_some(verb);
    }
    if token[start..].starts_with('م') && ends_as_negated_verb(&token[start..]) {
        let verb = start + 'م'.len_utf8()..end;
        return (letters(&verb) >= 3).then_some(verb);
    }
    (apart && letters(&(0..end)) >= 3).then_some(0..end)
}

/// Whether a word from "m" to "sh" ends as only a verb with a pronoun does; "مدهش" (amazing) does not.
fn ends_as_negated_verb(word: &str) -> bool {
    const ENDINGS: [&str; 9] = ["نيش", "هاش", "هوش", "توش", "ناش", "هش", "تش", "كش", "لوش"];
    // Participles and nouns of roots that end so.
    const NOT_VERBS: [&str; 6] = ["مدهش", "مندهش", "مناقش", "متناقش", "مفتش", "مربكش"];
    ENDINGS.iter().any(|ending| word.ends_with(ending)) && !NOT_VERBS.contains(&word)
}
