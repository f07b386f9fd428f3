//! What a character is, without the standard library's tables where it is a letter of the languages that most
//! texts are in: those tables are searched step by step, and cleaning asks of every character.

use unicode_normalization::char::is_combining_mark;

/// Whether `c` is an ASCII letter or digit, a Latin letter below U+0100, or a letter of Arabic proper: each is
/// alphanumeric, is no mark, and stays as it is in every normal form unless a mark follows.
#[inline]
pub(crate) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || is_plain_beyond_ascii(c)
}

/// The same, but for ASCII. All of these take two bytes.
#[inline]
pub(crate) fn is_plain_beyond_ascii(c: char) -> bool {
    matches!(c, 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ÿ' | 'ء'..='غ' | 'ف'..='ي')
}

/// As [`char::is_alphabetic`].
#[inline]
pub(crate) fn is_alphabetic(c: char) -> bool {
    c.is_ascii_alphabetic() || is_plain_beyond_ascii(c) || !c.is_ascii() && c.is_alphabetic()
}

/// As [`char::is_alphanumeric`].
#[inline]
pub(crate) fn is_alphanumeric(c: char) -> bool {
    is_plain(c) || !c.is_ascii() && c.is_alphanumeric()
}

/// As [`is_combining_mark`].
#[inline]
pub(crate) fn is_mark(c: char) -> bool {
    c >= '\u{300}' && !is_plain_beyond_ascii(c) && is_combining_mark(c)
}

/// Whether `c` is a letter whose lower case is itself, for certain.
#[inline]
pub(crate) fn is_surely_lower(c: char) -> bool {
    c.is_ascii_lowercase() || matches!(c, 'ß'..='ö' | 'ø'..='ÿ' | 'ء'..='غ' | 'ف'..='ي')
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::{IsNormalized, char::canonical_combining_class, is_nfc_quick, is_nfkc_quick};

    #[test]
    fn every_character_is_what_the_tables_say() {
        for c in '\0'..=char::MAX {
            assert_eq!(is_alphabetic(c), c.is_alphabetic(), "{c:?}");
            assert_eq!(is_alphanumeric(c), c.is_alphanumeric(), "{c:?}");
            assert_eq!(is_mark(c), is_combining_mark(c), "{c:?}");
            if is_surely_lower(c) {
                assert!(c.to_lowercase().eq([c]), "{c:?}");
            }
            if is_plain(c) {
                let one = || std::iter::once(c);
                assert!(c.is_alphanumeric() && canonical_combining_class(c) == 0, "{c:?}");
                assert!(
                    is_nfc_quick(one()) == IsNormalized::Yes && is_nfkc_quick(one()) == IsNormalized::Yes
                );
                assert_eq!(c.len_utf8(), if c.is_ascii() { 1 } else { 2 });
            }
        }
    }
}
