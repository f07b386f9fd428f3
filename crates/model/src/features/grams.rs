//! Character n-grams inside word boundaries: scikit-learn's `char_wb`.

use xxhash_rust::xxh3::xxh3_128;

/// Calls `sink` with the character n-grams of `word`, padded by one space on each side, shortest
/// lengths first, left to right.
///
/// As in scikit-learn (`_char_wb_ngrams`): a padded word shorter than `n` counts once as a whole,
/// and longer `n` are then left out. `padded` and `bounds` are buffers.
#[inline]
pub(crate) fn each<'b>(
    word: &str,
    [least, most]: [u8; 2],
    padded: &'b mut String,
    bounds: &mut Vec<u32>,
    mut sink: impl FnMut(&'b str),
) {
    padded.clear();
    padded.push(' ');
    padded.push_str(word);
    padded.push(' ');
    bounds.clear();
    if word.is_ascii() {
        bounds.extend(0..=padded.len() as u32);
    } else {
        bounds.extend(padded.char_indices().map(|(at, _)| at as u32));
        bounds.push(padded.len() as u32);
    }
    let padded: &'b str = padded;
    let chars = bounds.len() - 1;
    for n in usize::from(least)..=usize::from(most) {
        if chars <= n {
            sink(padded);
            break;
        }
        for window in bounds.windows(n + 1) {
            sink(&padded[window[0] as usize..window[n] as usize]);
        }
    }
}

/// The gram as a number: its bytes and their count while they fit (they do up to 15 bytes, exactly),
/// else 120 bits of its hash. Equal keys are equal grams but for a chance of 2⁻¹²⁰ a pair.
#[inline]
pub(crate) fn key(gram: &str) -> u128 {
    let bytes = gram.as_bytes();
    if bytes.len() <= 15 {
        let mut buffer = [0_u8; 16];
        buffer[..bytes.len()].copy_from_slice(bytes);
        buffer[15] = bytes.len() as u8;
        u128::from_le_bytes(buffer)
    } else {
        xxh3_128(bytes) | (0xff << 120)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grams(word: &str, range: [u8; 2]) -> Vec<String> {
        let mut out = Vec::new();
        each(word, range, &mut String::new(), &mut Vec::new(), |g| out.push(g.to_owned()));
        out
    }

    #[test]
    fn as_scikit_learn_cuts_them() {
        // CountVectorizer(analyzer="char_wb", ngram_range=(2, 4)).build_analyzer()("été") and so on
        assert_eq!(grams("été", [2, 4]), [" é", "ét", "té", "é ", " ét", "été", "té ", " été", "été "]);
        assert_eq!(grams("a", [2, 5]), [" a", "a ", " a "]);
        assert_eq!(grams("ab", [4, 5]), [" ab "]);
        assert_eq!(grams("abc", [6, 7]), [" abc "]);
    }

    #[test]
    fn keys_tell_grams_apart() {
        let grams = ["", "a", "a\0", "\0a", "aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "😀😀😀😀", "😀😀😀😁"];
        let keys: std::collections::BTreeSet<u128> = grams.iter().map(|g| key(g)).collect();
        assert_eq!(keys.len(), grams.len());
    }
}
