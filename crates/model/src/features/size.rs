//! How much memory counts take.

use super::Counts;

impl Counts {
    /// Bytes of the large arrays: for callers who keep several and must know when to stop.
    pub fn bytes(&self) -> usize {
        let (letters, _) = self.words.parts();
        let levels: usize =
            self.levels.iter().map(|level| 4 * level.ids.len() + 12 * level.pairs.len()).sum();
        let grams = self.grams.as_ref().map_or(0, |grams| {
            8 * grams.of_word.ends.len()
                + 4 * grams.of_word.ids.len()
                + 12 * (self.nodes() as u32 - self.first_gram()) as usize
        });
        let words = letters.len() + 16 * self.words.len();
        words + 8 * self.tokens.ends.len() + 4 * self.tokens.ids.len() + levels + grams
    }

    /// Words in all texts, repeats counted: what the size of weighed rows goes by.
    pub fn tokens(&self) -> usize {
        self.tokens.ids.len()
    }
}
