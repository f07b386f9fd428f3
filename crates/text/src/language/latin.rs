//! English, French or other, for text in Latin script: a linear model over hashed n-grams.
//!
//! A text's features are the 2-, 3- and 4-grams of each word between its boundaries and the word
//! itself, hashed into 32,768 buckets of eight weights: English, French and six lanes that all mean
//! "other" (Spanish, Portuguese, Italian, German, romanised Hindi and Arabic, and a trace of thirty
//! more). Multinomial logistic regression; eight bits a weight; made by
//! `assets/language/train.py`, whose `features.py` is this module's twin.

use super::script::{self, Script};

const BITS: u32 = 15;
const LANES: usize = 8;
/// Codes kept of a word. Bounds the sums of one word: 63 features × 127 < 32,768.
const LONGEST_WORD: usize = 20;
pub(super) const APOSTROPHE: u8 = 37;
const BOUNDARY: u8 = 38;
const OTHER_LATIN: u8 = 127;
/// The accented letters with a code of their own, 39 and up.
const ACCENTED: &str = "àâäáãåæçéèêëíìîïñóòôöõøœúùûüýÿßšžčćđłńśźżğışţțăąęőűřěůťďňľ";

/// The scale of the weights and the bias of each lane (`f32`, little-endian), then the weights,
/// `i8`, shape `[32768, 8]`.
static MODEL: &[u8; HEADER + (LANES << BITS)] = include_bytes!("../../assets/language/latin.model");
const HEADER: usize = 4 * (1 + LANES);

/// Codes of ASCII characters: letters 1–26 whatever their case, digits 27–36, apostrophes.
const ASCII: [u8; 128] = {
    let mut codes = [0; 128];
    let mut i = 0;
    while i < 26 {
        codes[b'a' as usize + i] = 1 + i as u8;
        codes[b'A' as usize + i] = 1 + i as u8;
        i += 1;
    }
    i = 0;
    while i < 10 {
        codes[b'0' as usize + i] = 27 + i as u8;
        i += 1;
    }
    codes[b'\'' as usize] = APOSTROPHE;
    codes[b'`' as usize] = APOSTROPHE;
    codes
};

/// The class of a character that can stand in a word, in `1..=127`; 0 for any other.
#[inline]
pub(super) fn code(c: char) -> u8 {
    if c.is_ascii() { ASCII[c as usize] } else { beyond_ascii(c) }
}

fn beyond_ascii(c: char) -> u8 {
    match c {
        '\u{250}'..='\u{2BB}' | '\u{2BD}'..='\u{1DFF}' => 0,
        '’' | 'ʼ' | '´' => APOSTROPHE,
        _ if script::of(c) == Script::Latin => {
            let lower = c.to_lowercase().next().unwrap_or(c);
            if lower.is_ascii() {
                return ASCII[lower as usize];
            }
            ACCENTED
                .chars()
                .zip(39..)
                .find(|&(letter, _)| letter == lower)
                .map_or(OTHER_LATIN, |(_, code)| code)
        }
        _ => 0,
    }
}

/// The codes of one word, repeats squashed and length capped.
#[derive(Default)]
pub(super) struct Word {
    codes: [u8; LONGEST_WORD],
    len: usize,
    letters: u32,
    digits: u32,
}

impl Word {
    pub(super) fn push(&mut self, code: u8) {
        let digit = matches!(code, 27..=36);
        self.digits += u32::from(digit);
        self.letters += u32::from(!digit && code != APOSTROPHE);
        let stretched = self.len >= 2 && self.codes[self.len - 1] == code && self.codes[self.len - 2] == code;
        if self.len < LONGEST_WORD && !stretched {
            self.codes[self.len] = code;
            self.len += 1;
        }
    }

    /// Letters of the whole word, those beyond the cap included.
    pub(super) fn letters(&self) -> u32 {
        self.letters
    }

    /// The codes that count; none for numbers and identifiers (more than two digits).
    fn codes(&self) -> &[u8] {
        if self.letters == 0 || self.digits > 2 {
            return &[];
        }
        let mut codes = &self.codes[..self.len];
        while let [head @ .., APOSTROPHE] = codes {
            codes = head;
        }
        codes
    }

    /// Calls `sink` with the bucket of every feature: at most 63.
    fn features(&self, mut sink: impl FnMut(usize)) {
        let codes = self.codes();
        if codes.is_empty() {
            return;
        }
        // A window holds the last four codes; no code is zero, so windows of different sizes differ.
        let mut window = u32::from(BOUNDARY);
        let mut whole = extend(WHOLE, BOUNDARY);
        for (i, &code) in codes.iter().chain(&[BOUNDARY]).enumerate() {
            window = window << 8 | u32::from(code);
            whole = extend(whole, code);
            sink(bucket(window & 0xFFFF));
            if i >= 1 {
                sink(bucket(window & 0x00FF_FFFF));
            }
            if i >= 2 {
                sink(bucket(window));
            }
        }
        sink(bucket(whole));
    }
}

/// FNV-1a over the codes of a whole word.
const WHOLE: u32 = 0x811C_9DC5;

fn extend(whole: u32, code: u8) -> u32 {
    (whole ^ u32::from(code)).wrapping_mul(0x0100_0193)
}

fn bucket(key: u32) -> usize {
    (key.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize
}

/// Sums of weights over the words seen so far.
#[derive(Default)]
pub(super) struct Evidence {
    sums: [i32; LANES],
    features: u32,
}

impl Evidence {
    pub(super) fn add(&mut self, word: &Word) {
        let (rows, _) = MODEL[HEADER..].as_chunks::<LANES>();
        let mut sums = [0_i16; LANES];
        let mut features = 0;
        word.features(|bucket| {
            features += 1;
            for (sum, &weight) in sums.iter_mut().zip(&rows[bucket]) {
                *sum += i16::from(weight as i8);
            }
        });
        for (total, sum) in self.sums.iter_mut().zip(sums) {
            *total += i32::from(sum);
        }
        self.features += features;
    }

    /// Probabilities of English, French and other; `None` without a single feature.
    ///
    /// Scores grow with the square root of the number of features: neighbouring n-grams repeat each
    /// other, so their full sum would be far too sure of itself.
    pub(super) fn probabilities(&self) -> Option<[f32; 3]> {
        if self.features == 0 {
            return None;
        }
        let (header, _) = MODEL[..HEADER].as_chunks::<4>();
        let scale = f32::from_le_bytes(header[0]) / (self.features as f32).sqrt();
        let mut scores = [0.0_f32; LANES];
        for ((score, &sum), bias) in scores.iter_mut().zip(&self.sums).zip(&header[1..]) {
            *score = sum as f32 * scale + f32::from_le_bytes(*bias);
        }
        let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        // `libm`'s exponential, not the platform's: the same answer on every machine.
        let odds = scores.map(|score| libm::expf(score - largest));
        let total: f32 = odds.iter().sum();
        let [english, french, others @ ..] = odds;
        Some([english / total, french / total, others.iter().sum::<f32>() / total])
    }
}

#[cfg(test)]
mod tests {
    use super::super::Letters;
    use super::super::walk::{Part, walk};
    use super::*;

    fn features(text: &str) -> Vec<usize> {
        let mut found = Vec::new();
        walk(text, &mut |part| {
            if let Part::Word(word) = part {
                word.features(|bucket| found.push(bucket));
            }
            true
        });
        found
    }

    #[test]
    fn python_and_rust_see_the_same_features_and_probabilities() {
        let table = include_str!("../../tests/golden/language.tsv");
        assert!(table.lines().count() > 20);
        for line in table.lines() {
            let [text, probabilities, buckets] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            let text: String = serde_json::from_str(text).unwrap();
            let want: Vec<usize> = buckets.split(' ').map(|b| b.parse().unwrap()).collect();
            assert_eq!(features(&text), want, "{text}");
            let got = Letters::of(&text).latin.probabilities().unwrap();
            for (got, want) in got.iter().zip(probabilities.split(' ')) {
                let want: f32 = want.parse().unwrap();
                assert!((got - want).abs() < 1e-5, "{text}: {got}, Python: {want}");
            }
        }
    }

    #[test]
    fn sums_of_a_word_fit_sixteen_bits() {
        let mut word = Word::default();
        for code in (0..200_u8).map(|i| 1 + i % 26) {
            word.push(code);
        }
        let mut count = 0;
        word.features(|_| count += 1);
        assert!(count * 127 <= i32::from(i16::MAX), "{count} features");
    }
}
