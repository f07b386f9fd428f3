//! Sparse rows whose values are products of a row's and a column's factor.

use rayon::prelude::*;

use super::lanes::{Bundle, Lanes};
use crate::reduce::chunks;

/// Rows that are kept as one piece.
pub(super) const PIECE: usize = 8192;

/// A sparse matrix without values: an entry is its row's factor times its column's, and a column
/// that stands twice in a row counts twice.
///
/// TF-IDF rows are like that, if the counts are not damped and all of a row is scaled as one: the
/// column's factor is its inverse document frequency, the row's one over its norm. An optimiser
/// then walks through half the memory, and through [rows of one length side by side](Lanes).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Factored {
    /// [`PIECE`] rows each, but for the last.
    pieces: Vec<Lanes>,
    rows: usize,
    /// `[width]`.
    factors: Vec<f32>,
}

/// Some rows, one after another.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Piece {
    /// One past the last entry of each row.
    pub(super) ends: Vec<usize>,
    /// Columns, ascending within a row.
    pub(super) columns: Vec<u32>,
    /// Each row's factor.
    pub(super) factors: Vec<f32>,
}

impl Piece {
    pub(super) fn row(&self, i: usize) -> &[u32] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.columns[start..self.ends[i]]
    }
}

impl Factored {
    /// `pieces` have [`PIECE`] rows each, but for the last.
    pub(super) fn new(pieces: Vec<Lanes>, factors: Vec<f32>) -> Self {
        let rows = pieces.iter().map(Lanes::len).sum();
        Self { pieces, rows, factors }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.factors.len()
    }

    /// Number of entries.
    pub fn entries(&self) -> usize {
        self.pieces.iter().map(Lanes::entries).sum()
    }

    /// The factor of each column, `[width]`.
    pub fn factors(&self) -> &[f32] {
        &self.factors
    }

    /// The columns of row `i`, ascending, and its factor.
    #[inline]
    pub fn row(&self, i: usize) -> (impl Iterator<Item = u32> + '_, f32) {
        self.pieces[i / PIECE].row(i % PIECE)
    }

    /// The row that stands at `place`: within a piece, rows stand by their lengths.
    #[inline]
    pub(crate) fn row_at(&self, place: usize) -> usize {
        place / PIECE * PIECE + self.pieces[place / PIECE].row_at(place % PIECE)
    }

    /// The rows side by side whose first stands at `place`, a multiple of [`SIDE`](super::lanes::SIDE).
    #[inline]
    pub(crate) fn bundle(&self, place: usize) -> Bundle<'_> {
        self.pieces[place / PIECE].bundle(place % PIECE)
    }

    /// The rows named, in that order; a row may be named more than once.
    pub fn select(&self, rows: &[u32]) -> Self {
        let pieces = chunks(rows.len(), PIECE)
            .into_par_iter()
            .map(|range| {
                let mut piece = Piece::default();
                for &row in &rows[range] {
                    let (columns, factor) = self.row(row as usize);
                    piece.columns.extend(columns);
                    piece.ends.push(piece.columns.len());
                    piece.factors.push(factor);
                }
                Lanes::new(&piece)
            })
            .collect();
        Self::new(pieces, self.factors.clone())
    }
}
