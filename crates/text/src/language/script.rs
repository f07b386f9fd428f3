//! Which script a letter belongs to, and which language a text in Arabic script is.

use crate::arabic;

/// What a character tells about the script of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// A Latin letter.
    Latin,
    /// A letter of the Arabic script, of whatever language.
    Arabic,
    /// A letter of any other script.
    Other,
    /// No letter: digit, mark, punctuation, emoji.
    None,
}

/// The script of `c`.
pub(super) fn of(c: char) -> Script {
    match c {
        'a'..='z' | 'A'..='Z' => Script::Latin,
        '\0'..='\u{BF}' | '×' | '÷' => Script::None,
        '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' => Script::Latin,
        '\u{621}'..='\u{63A}' | '\u{641}'..='\u{64A}' | '\u{671}'..='\u{6D3}' => Script::Arabic,
        '\u{600}'..='\u{66D}' | '\u{670}' => Script::None,
        '\u{66E}'..='\u{6FF}'
        | '\u{750}'..='\u{77F}'
        | '\u{8A0}'..='\u{8FF}'
        | '\u{FB50}'..='\u{FDFF}'
        | '\u{FE70}'..='\u{FEFC}' => {
            if c.is_alphabetic() {
                Script::Arabic
            } else {
                Script::None
            }
        }
        // Modifier letters; mathematical and enclosed letters, worn as ornaments in any language.
        '\u{2B0}'..='\u{36F}' | '\u{1D400}'..='\u{1D7FF}' | '\u{1F000}'..='\u{1FAFF}' => Script::None,
        _ if c.is_alphabetic() => Script::Other,
        _ => Script::None,
    }
}

/// Letters of the Arabic script by what they say about the language.
#[derive(Default)]
pub(super) struct ArabicLetters {
    pub(super) count: u32,
    /// Letters that Arabic has and Persian and Urdu spell otherwise or lack.
    own: u32,
    /// Letters of Persian, Urdu, Pashto, Kurdish, … that Arabic lacks, and words of theirs that are
    /// spelt with Arabic's letters alone.
    foreign: u32,
    /// The word so far, as [`spell`] packs it.
    word: u64,
}

/// Words of Persian (the last is Urdu) that have none of its own letters and that next to no Arabic
/// text holds: at most 5 of the 96,000 Arabic texts of the open data sets. Short ones that Arabic or
/// a dialect has too (هم، در، شد، باز) are left out.
const FOREIGN_WORDS: [u64; 38] = spell_all([
    "از",
    "است",
    "را",
    "بود",
    "شما",
    "دوست",
    "دارم",
    "دارد",
    "دارند",
    "ندارم",
    "ندارد",
    "بودم",
    "بودند",
    "نبود",
    "شدم",
    "شدند",
    "شده",
    "داشت",
    "داشتم",
    "باشد",
    "باشم",
    "باشند",
    "هست",
    "هستم",
    "هستند",
    "خواست",
    "رفتم",
    "آمد",
    "آمدم",
    "دادند",
    "خوبه",
    "بهتر",
    "خودم",
    "خودت",
    "خانم",
    "امروز",
    "تومان",
    "اور",
]);

/// Zero-width non-joiner: Persian spelling parts stem and ending by it.
const NON_JOINER: char = '\u{200C}';

/// A word with one more letter behind it: eight bits a letter, which is enough inside the block. What
/// has eight letters or more keeps the highest byte set, so that it equals no shorter word.
const fn spell(word: u64, letter: u32) -> u64 {
    (word & 0xFF << 56) | word << 8 | letter as u64 & 0xFF
}

const fn spell_all<const N: usize>(words: [&str; N]) -> [u64; N] {
    let mut spelt = [0; N];
    let mut i = 0;
    while i < N {
        // Every letter of the block has two bytes.
        let bytes = words[i].as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            spelt[i] = spell(spelt[i], (bytes[at] as u32 & 0x1F) << 6 | bytes[at + 1] as u32 & 0x3F);
            at += 2;
        }
        i += 1;
    }
    spelt
}

impl ArabicLetters {
    pub(super) fn add(&mut self, c: char) {
        match c {
            // Teh marbuta, alef maqsura, Arabic yeh and kaf, hamza carriers.
            'ة' | 'ى' | 'ي' | 'ك' | 'أ' | 'إ' | 'ؤ' => self.own += 1,
            // Alef wasla of the Quran; veh and ng, which Arabic dialects write too; the swash kaf that
            // Gulf tweets wear as an ornament.
            'ء'..='غ' | 'ف'..='ي' | 'ٱ' | 'ڤ' | 'ڭ' | 'ڪ' => {}
            '\u{FB50}'..='\u{FEFC}' => {
                let mut first = None;
                arabic::fold(c, &mut |letter| first = first.or(Some(letter)));
                return match first {
                    Some(letter) if letter != c => self.add(letter),
                    _ => self.count += 1,
                };
            }
            _ if super::script::of(c) == Script::Arabic => self.foreign += 1,
            _ => return,
        }
        self.count += 1;
        self.word = spell(self.word, u32::from(c));
    }

    /// A character that is no letter of Arabic script stands behind the letters so far.
    pub(super) fn separate(&mut self, c: char) {
        // Vowel marks and tatweel stand inside words.
        if self.word != 0 && !matches!(c, '\u{640}' | '\u{64B}'..='\u{65F}' | '\u{670}') {
            self.foreign += u32::from(c == NON_JOINER);
            self.end_word();
        }
    }

    /// The word so far has ended.
    pub(super) fn end_word(&mut self) {
        self.foreign += u32::from(FOREIGN_WORDS.contains(&self.word));
        self.word = 0;
    }

    /// The probability that these letters are Arabic; ½ for none.
    ///
    /// Log odds by hand: one foreign letter or word outweighs two of Arabic's own letters, since people
    /// with a Persian keyboard and Gulf and Iraqi writers (گ, چ) strew some into Arabic.
    pub(super) fn arabic(&self) -> f32 {
        if self.count == 0 {
            return 0.5;
        }
        let count = self.count as f32;
        let log_odds = 1.0 + 0.08 * count.min(40.0) + self.own as f32 - 2.5 * self.foreign as f32;
        1.0 / (1.0 + libm::expf(-log_odds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arabic(text: &str) -> f32 {
        let mut letters = ArabicLetters::default();
        for c in text.chars() {
            if of(c) == Script::Arabic { letters.add(c) } else { letters.separate(c) }
        }
        letters.end_word();
        letters.arabic()
    }

    #[test]
    fn words_tell_where_letters_do_not() {
        // Persian and Urdu without one letter that Arabic lacks, then Arabic.
        for text in ["بعد از دو روز خراب شد", "امروز خوب بود", "اَز شما", "کتاب\u{200C}ها", "مزا اور خوش"]
        {
            assert!(arabic(text) < 0.5, "{text}: {}", arabic(text));
        }
        for text in ["بعد يومين خرب", "المشروع رائع", "بودي لو", "راح ارجع", "هستنى الطلب", "ازاي"]
        {
            assert!(arabic(text) > 0.8, "{text}: {}", arabic(text));
        }
    }

    #[test]
    fn a_word_is_compared_whole() {
        let spelt = |word: &str| word.chars().fold(0, |sum, c| spell(sum, u32::from(c)));
        assert_eq!(spelt("است"), spell_all(["است"])[0]);
        assert!(FOREIGN_WORDS.contains(&spelt("امروز")));
        for word in ["استقبال", "مستلزماتاست", "مستلزماتازاست", "اماز"] {
            assert!(!FOREIGN_WORDS.contains(&spelt(word)), "{word}");
        }
        assert!(FOREIGN_WORDS.iter().all(|&word| word >> 56 == 0));
    }
}
