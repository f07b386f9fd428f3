//! Which rows of a table a word's vector is made of, as fastText has it: its files are read and written with
//! the same rows.

/// Lengths of subwords and the number of rows that they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subwords {
    /// Letters of the shortest.
    pub min_n: usize,
    /// Letters of the longest; 0 for none.
    pub max_n: usize,
    /// Rows that they share.
    pub buckets: usize,
}

impl Subwords {
    /// Calls `each` with the row, below `buckets`, of every subword of `word`: its stretches of `min_n` to
    /// `max_n` letters, with `<` before its first and `>` behind its last, in fastText's order.
    pub fn of(&self, word: &[u8], mut each: impl FnMut(u32)) {
        if self.max_n == 0 || self.buckets == 0 {
            return;
        }
        let at = |i: usize| match i {
            0 => b'<',
            i if i <= word.len() => word[i - 1],
            _ => b'>',
        };
        let len = word.len() + 2;
        // A byte that goes on with a letter begins none.
        let goes_on = |i: usize| i < len && at(i) & 0xc0 == 0x80;
        for start in (0..len).filter(|&i| !goes_on(i)) {
            let (mut end, mut hash) = (start, FNV);
            for n in 1..=self.max_n {
                if end >= len {
                    break;
                }
                loop {
                    // fastText takes bytes for signed numbers.
                    hash = (hash ^ i32::from(at(end) as i8) as u32).wrapping_mul(PRIME);
                    end += 1;
                    if !goes_on(end) {
                        break;
                    }
                }
                let edge = n == 1 && (start == 0 || end == len);
                if n >= self.min_n && !edge {
                    each(hash % self.buckets as u32);
                }
            }
        }
    }
}

/// FNV-1a, 32 bits.
const FNV: u32 = 2_166_136_261;
const PRIME: u32 = 16_777_619;
