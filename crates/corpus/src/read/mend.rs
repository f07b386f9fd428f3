//! Texts that went through one encoding too many.

/// Undoes double encoding (`Ã©` → `é`), writing the text into `out`. Gives whether there was any.
///
/// A run of characters of which each is one byte in windows-1252 (or a C1 control) was encoded
/// twice if those bytes are UTF-8. Only lead bytes of scripts that people write to us in count
/// (Latin, Greek, Cyrillic, Arabic, Indic, punctuation, emoji): `É»` at the end of a French
/// quotation would otherwise read as a phonetic letter.
pub fn undouble(text: &str, out: &mut String) -> bool {
    // Cheap refusal: double encoding always leaves one of these lead characters.
    if !text.chars().any(|c| matches!(c, '\u{c2}'..='\u{c5}' | '\u{ce}'..='\u{d1}' | '\u{d8}'..='\u{db}' | '\u{e0}' | '\u{e2}' | '\u{ef}' | '\u{f0}')) {
        return false;
    }
    out.clear();
    let mut found = false;
    let mut bytes: Vec<u8> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| !c.is_ascii()) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c: char| c.is_ascii()).unwrap_or(rest.len());
        let run = &rest[..end];
        rest = &rest[end..];
        // A run may hold several sequences and innocent characters between them.
        let chars: Vec<char> = run.chars().collect();
        let (mut at, mut inside_word) = (0, false);
        while at < chars.len() {
            let sound = sequence(&chars[at..], &mut bytes).filter(|&(c, used)| {
                // A letter of another script seldom stands alone; what reads as one is chance.
                !needs_company(c)
                    || inside_word
                    || sequence(&chars[at + used..], &mut bytes).is_some_and(|(next, _)| needs_company(next))
            });
            match sound {
                Some((c, used)) => {
                    out.push(c);
                    // The mark of an older loss shows that, not double encoding.
                    found |= c != char::REPLACEMENT_CHARACTER;
                    inside_word = needs_company(c);
                    at += used;
                }
                None => {
                    out.push(chars[at]);
                    inside_word = false;
                    at += 1;
                }
            }
        }
    }
    out.push_str(rest);
    found
}

/// Greek, Cyrillic, Arabic and Indic letters: everything whose lead byte is also a common letter of
/// other encodings.
fn needs_company(c: char) -> bool {
    matches!(c, '\u{380}'..='\u{fff}')
}

/// The character whose UTF-8 bytes `chars` begin with, and how many of them it takes.
fn sequence(chars: &[char], bytes: &mut Vec<u8>) -> Option<(char, usize)> {
    let length = match byte(*chars.first()?)? {
        0xc2..=0xc5 | 0xce..=0xd1 | 0xd8..=0xdb => 2,
        0xe0 | 0xe2 | 0xef => 3,
        0xf0 => 4,
        _ => return None,
    };
    bytes.clear();
    for &c in chars.get(..length)? {
        bytes.push(byte(c)?);
    }
    let c = str::from_utf8(bytes).ok()?.chars().next()?;
    Some((c, length))
}

/// The byte that windows-1252 (latin-1 for what it leaves out) writes for `c`.
fn byte(c: char) -> Option<u8> {
    /// Characters of bytes 0x80..=0x9f; 0 where windows-1252 has none.
    const HIGH: [char; 32] = [
        '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’',
        '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
    ];
    match c {
        '\0' => None,
        '\u{80}'..='\u{ff}' => Some(c as u8),
        _ => HIGH.iter().position(|&h| h == c).map(|at| at as u8 + 0x80),
    }
}

/// Undoes what SemEval's files do to texts: `\u2019` and `\u002c` escapes, and quotes around the
/// whole with a tab behind.
pub(crate) fn semeval(text: &mut String) {
    let trimmed = text.trim_end_matches(['\t', ' ', '\r']);
    let inner = trimmed.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(trimmed);
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find("\\u") {
        out.push_str(&rest[..at]);
        let unit = rest.get(at + 2..at + 6).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match unit.and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = &rest[at + 6..];
            }
            None => {
                out.push_str("\\u");
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    *text = out;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undoes_what_was_done_twice_and_nothing_else() {
        for (twice, once) in [
            ("dÃ©jÃ  vu", "déjà vu"),
            ("donâ€™t", "don’t"),
            ("â\u{99}« la", "♫ la"),
            ("ðŸ˜€ ok", "😀 ok"),
            ("Ø§Ù„", "ال"),
        ] {
            let mut out = String::new();
            // "à" is C3 A0, and A0 came through as a plain space in the first case.
            let found = undouble(&twice.replace("Ã ", "Ã\u{a0}"), &mut out);
            assert_eq!((found, out.as_str()), (true, once), "{twice}");
        }
        for innocent in ["«CAFÉ»", "“santé”…", "déjà vu", "ÀÉÎ", "نعم", "😀", "Ã", "plain", "we‰Ûªre"]
        {
            assert!(!undouble(innocent, &mut String::new()), "{innocent}");
        }
    }

    #[test]
    fn semeval_escapes() {
        for (raw, want) in [
            ("I\\u2019m\\u002c \\uzzzz", "I’m, \\uzzzz"),
            ("\"all of it\"\t", "all of it"),
            ("\\ud83d", "\\ud83d"),
            ("\"half", "\"half"),
            ("\"", "\""),
        ] {
            let mut text = raw.to_owned();
            semeval(&mut text);
            assert_eq!(text, want);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_encoded_twice_comes_back(text in "[a-zéàçœ’😀 ]{0,9}(نعم|لا)?[a-z é😀]{0,9}") {
            let twice: String = text.bytes().map(char::from).collect();
            let mut out = String::new();
            if undouble(&twice, &mut out) {
                proptest::prop_assert_eq!(out, text);
            } else {
                proptest::prop_assert!(text.is_ascii());
            }
        }
    }
}
