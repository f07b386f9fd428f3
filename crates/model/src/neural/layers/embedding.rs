//! A vector for each word: rows of a table, and their gradient.
//!
//! A batch touches few rows of a large table, so the gradient is kept as those rows alone ([`RowGradient`]);
//! the optimiser decides what it does with the others.

use rayon::prelude::*;

use crate::neural::kernel::{Chosen, Real, add_to};

/// The id of padding: its vector is zero and stays so.
pub(crate) const PADDING: u32 = 0;

/// Rows of a gradient that one thread adds up at a time.
const CHUNK: usize = 256;

/// `x[i] = table[ids[i]]`, `[ids, width]`, with zeros for padding.
pub(crate) fn look_up<R: Real>(table: &[R], width: usize, ids: &[u32], x: &mut Vec<R>) {
    x.clear();
    for &id in ids {
        if id == PADDING {
            x.resize(x.len() + width, R::ZERO);
        } else {
            x.extend_from_slice(&table[id as usize * width..][..width]);
        }
    }
}

/// The gradient of the rows that a batch touched.
#[derive(Debug, Default)]
pub(crate) struct RowGradient<R> {
    /// The rows, ascending.
    pub(crate) rows: Vec<u32>,
    /// `[rows, width]`
    pub(crate) values: Vec<R>,
    /// A bit for each word: whether the batch has it.
    met: Vec<u64>,
    /// Where each word's row stands in `rows`, for those that the batch has.
    slots: Vec<u32>,
    /// One past the last of each row's tokens in `tokens`.
    ends: Vec<u32>,
    /// Shard and position of each token, row by row.
    tokens: Vec<(u32, u32)>,
}

impl<R: Real> RowGradient<R> {
    /// Adds up the gradient of each row's tokens, in the order of shards and positions. `shards` gives each
    /// shard's ids and the gradient of its vectors, `[ids, width]`.
    pub(crate) fn gather(&mut self, kernel: Chosen, words: usize, width: usize, shards: &[(&[u32], &[R])]) {
        let Self { rows, values, met, slots, ends, tokens } = self;
        slots.resize(words, 0);
        met.clear();
        met.resize(words.div_ceil(64), 0);
        let real = |id: &&u32| **id != PADDING;
        for &id in shards.iter().flat_map(|(ids, _)| ids.iter().filter(real)) {
            met[id as usize / 64] |= 1 << (id % 64);
        }
        rows.clear();
        for (first, &bits) in (0..).step_by(64).zip(met.iter()) {
            let mut bits = bits;
            while bits != 0 {
                let id = first + bits.trailing_zeros();
                slots[id as usize] = rows.len() as u32;
                rows.push(id);
                bits &= bits - 1;
            }
        }
        ends.clear();
        ends.resize(rows.len(), 0);
        for id in shards.iter().flat_map(|(ids, _)| ids.iter().filter(real)) {
            ends[slots[*id as usize] as usize] += 1;
        }
        // Counts become starts; each token that takes its place moves its row's on, to the end.
        let mut sum = 0;
        for end in ends.iter_mut() {
            sum += std::mem::replace(end, sum);
        }
        tokens.resize(sum as usize, (0, 0));
        for (shard, (ids, _)) in shards.iter().enumerate() {
            for (at, id) in ids.iter().enumerate().filter(|(_, id)| real(id)) {
                let end = &mut ends[slots[*id as usize] as usize];
                tokens[*end as usize] = (shard as u32, at as u32);
                *end += 1;
            }
        }

        super::resize(values, rows.len() * width);
        let (ends, tokens) = (&*ends, &*tokens);
        values.par_chunks_mut(CHUNK * width).enumerate().for_each(|(chunk, values)| {
            for (i, sum) in values.chunks_exact_mut(width).enumerate() {
                let row = chunk * CHUNK + i;
                let start = if row == 0 { 0 } else { ends[row - 1] as usize };
                sum.fill(R::ZERO);
                for &(shard, at) in &tokens[start..ends[row] as usize] {
                    add_to(kernel, sum, &shards[shard as usize].1[at as usize * width..][..width]);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_gets_the_gradient_of_all_its_tokens() {
        let first = ([3, 0, 5, 3], [1.0_f64, 2.0, 90.0, 91.0, 3.0, 4.0, 5.0, 6.0]);
        let second = ([5, 1], [7.0, 8.0, 9.0, 10.0]);
        let mut gradient = RowGradient::default();
        for _ in 0..2 {
            // Twice: what is left of one batch is not met in the next.
            let shards = [(&first.0[..], &first.1[..]), (&second.0[..], &second.1[..])];
            gradient.gather(Chosen::best(), 6, 2, &shards);
            assert_eq!(gradient.rows, [1, 3, 5]);
            assert_eq!(gradient.values, [9.0, 10.0, 6.0, 8.0, 10.0, 12.0]);
        }
        let mut x = Vec::new();
        look_up(&[9.0, 9.0, 1.0, 2.0, 3.0, 4.0], 2, &[2, 0, 1], &mut x);
        assert_eq!(x, [3.0, 4.0, 0.0, 0.0, 1.0, 2.0]);
    }
}
