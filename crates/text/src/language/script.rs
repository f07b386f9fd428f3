//! Which script a letter belongs to, and which language Arabic script is.

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
    /// Letters of Persian, Urdu, Pashto, Kurdish, … that Arabic lacks.
    foreign: u32,
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
    }

    /// The probability that these letters are Arabic; ½ for none.
    ///
    /// Log odds by hand: one foreign letter outweighs two of Arabic's own, since people with a
    /// Persian keyboard and Gulf and Iraqi writers (گ, چ) strew some into Arabic.
    pub(super) fn arabic(&self) -> f32 {
        if self.count == 0 {
            return 0.5;
        }
        let count = self.count as f32;
        let log_odds = 1.0 + 0.08 * count.min(40.0) + self.own as f32 - 2.5 * self.foreign as f32;
        1.0 / (1.0 + libm::expf(-log_odds))
    }
}
