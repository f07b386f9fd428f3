//! One spelling for Arabic letters that people write in several ways.
//!
//! What is folded, and why: vowel marks and tatweel are ornaments of the same word; hamza on an alef,
//! alef maqsura and teh marbuta are left out or exchanged so often in informal writing that the
//! difference is noise (Darwish & Magdy 2014, *Arabic Information Retrieval*, section 3.1);
//! presentation forms come from PDF files and old phones. Squashing of stretched letters is not
//! done here, and no other script is touched.

use unicode_normalization::char::decompose_compatible;

/// Calls `emit` with what stands for `c` in normalised text: nothing, `c` itself, another letter, or
/// several letters (a ligature; at most 18 characters, those of U+FDFA).
///
/// Folding what was emitted again changes nothing.
#[inline]
pub fn fold(c: char, emit: &mut impl FnMut(char)) {
    if c < '\u{0600}' {
        emit(c);
    } else if matches!(c, '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}') {
        presentation_form(c, emit);
    } else if let Some(letter) = letter(c) {
        emit(letter);
    }
}

/// Whether [`fold`] gives anything but `c` itself. False for everything that is not Arabic.
#[inline]
pub fn folds(c: char) -> bool {
    if c < '\u{0600}' || matches!(c, 'ا' | 'ب' | 'ت'..='غ' | 'ف'..='و' | 'ي') {
        return false;
    }
    // Not every character of the presentation blocks has another form.
    let (mut count, mut same) = (0, true);
    fold(c, &mut |folded| {
        count += 1;
        same &= folded == c;
    });
    count != 1 || !same
}

/// Appends the normalised form of `text` to `out`.
pub fn normalise(text: &str, out: &mut String) {
    for c in text.chars() {
        fold(c, &mut |folded| out.push(folded));
    }
}

/// The form of one character outside the presentation blocks; `None` drops it.
fn letter(c: char) -> Option<char> {
    Some(match c {
        // Alef with madda, hamza above, hamza below, wasla, and the wavy hamzas.
        'آ' | 'أ' | 'إ' | '\u{0671}'..='\u{0673}' | '\u{0675}' => 'ا',
        'ى' | '\u{06CC}' => 'ي',
        'ة' => 'ه',
        // Persian kaf, swash kaf.
        'ک' | 'ڪ' => 'ك',
        '\u{0660}'..='\u{0669}' => ascii_digit(c, '\u{0660}'),
        '\u{06F0}'..='\u{06F9}' => ascii_digit(c, '\u{06F0}'),
        // Tatweel, the Arabic letter mark, and every combining mark of the Arabic blocks:
        // honorifics, tashkeel, superscript alef, Quranic annotation, extended marks.
        '\u{0640}'
        | '\u{061C}'
        | '\u{0610}'..='\u{061A}'
        | '\u{064B}'..='\u{065F}'
        | '\u{0670}'
        | '\u{06D6}'..='\u{06DC}'
        | '\u{06DF}'..='\u{06E4}'
        | '\u{06E7}'
        | '\u{06E8}'
        | '\u{06EA}'..='\u{06ED}'
        | '\u{0898}'..='\u{089F}'
        | '\u{08CA}'..='\u{08E1}'
        | '\u{08E3}'..='\u{08FF}' => return None,
        _ => c,
    })
}

fn ascii_digit(c: char, zero: char) -> char {
    let value = (c as u32).wrapping_sub(zero as u32);
    char::from_digit(value, 10).unwrap_or(c)
}

/// NFKC's letters of a presentation form, each folded. The space that Unicode puts before an
/// isolated mark is dropped with the mark, lest it split a word; those inside U+FDFA stay.
#[cold]
fn presentation_form(c: char, emit: &mut impl FnMut(char)) {
    let mut inside = false;
    decompose_compatible(c, |part| {
        if part == ' ' && !inside {
            return;
        }
        if let Some(part) = letter(part) {
            inside = true;
            emit(part);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(raw: &str, want: &str) {
        let mut once = String::new();
        normalise(raw, &mut once);
        assert_eq!(once, want);
    }

    #[test]
    fn folds_spellings() {
        for (raw, want) in [
            ("مُحَمَّدٌ", "محمد"),
            ("جمـــــيل", "جميل"),
            ("هٰذا", "هذا"),
            ("أحمد إلى آخر ٱلدنيا", "احمد الي اخر الدنيا"),
            ("مدرسة", "مدرسه"),
            ("على", "علي"),
            ("علی کتاب غيابڪ", "علي كتاب غيابك"),
            ("٢٠٢٤ و ۱۲۳", "2024 و 123"),
            ("ﻣﺮﺣﺒﺎ", "مرحبا"),
            ("ﻻ ﻷ ﻹ ﻵ", "لا لا لا لا"),
            ("ﷺ", "صلي الله عليه وسلم"),
            ("a\u{FE70}b", "ab"),
            ("؟، مؤمن شيء رئيس", "؟، مؤمن شيء رئيس"),
            ("Café déjà-vu 3alek 😀 naïve", "Café déjà-vu 3alek 😀 naïve"),
            ("ٹھیک پژ", "ٹھيك پژ"),
            ("", ""),
        ] {
            check(raw, want);
        }
    }

    #[test]
    fn folding_every_character_again_changes_nothing() {
        for c in '\0'..=char::MAX {
            let mut once = String::new();
            fold(c, &mut |f| once.push(f));
            let mut twice = String::new();
            normalise(&once, &mut twice);
            assert_eq!(once, twice, "{c:?}");
            assert_eq!(folds(c), once.chars().ne([c]), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_normalises_once_for_all(raw in ".{0,60}|[\u{600}-\u{6ff}\u{fb50}-\u{feff}]{0,60}") {
            let (mut once, mut twice) = (String::new(), String::new());
            normalise(&raw, &mut once);
            normalise(&once, &mut twice);
            prop_assert_eq!(once, twice);
        }
    }
}
