//! Seeded samples of rows, the same whatever the order of the rows.

use rayon::prelude::*;
use sentimeter_corpus::Corpus;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A part of the rows that a figure was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// Rows drawn.
    pub rows: u64,
    /// Rows that they were drawn from.
    pub of: u64,
    /// What they were drawn by.
    pub seed: u64,
}

/// All rows in the order of a seeded hash of their texts: a shuffle that does not depend on the order
/// of the file. Rows of the same text stay as they come.
pub(super) fn shuffled(corpus: &Corpus, seed: u64) -> Vec<u32> {
    let mut order: Vec<(u64, u32)> = (0..corpus.len() as u32)
        .into_par_iter()
        .with_min_len(4096)
        .map(|row| (xxh3_64_with_seed(corpus.text(row as usize).as_bytes(), seed), row))
        .collect();
    order.par_sort_unstable();
    order.into_iter().map(|(_, row)| row).collect()
}

/// At most `most` rows, ascending, and what was drawn where that is not all.
pub(super) fn draw(corpus: &Corpus, most: usize, seed: u64) -> (Vec<u32>, Option<Sample>) {
    draw_of((0..corpus.len() as u32).collect(), corpus, most, seed)
}

/// At most `most` of `rows`, ascending, and what was drawn where that is not all.
pub(super) fn draw_of(rows: Vec<u32>, corpus: &Corpus, most: usize, seed: u64) -> (Vec<u32>, Option<Sample>) {
    if rows.len() <= most {
        return (rows, None);
    }
    let of = rows.len() as u64;
    let mut lots: Vec<(u64, u32)> = rows
        .into_par_iter()
        .with_min_len(4096)
        .map(|row| (xxh3_64_with_seed(corpus.text(row as usize).as_bytes(), seed), row))
        .collect();
    lots.select_nth_unstable(most);
    let mut rows: Vec<u32> = lots.into_iter().take(most).map(|(_, row)| row).collect();
    rows.par_sort_unstable();
    (rows, Some(Sample { rows: most as u64, of, seed }))
}
