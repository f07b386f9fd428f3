//! What the objective asks of its rows.

use super::real::Real;
use crate::features::{Factored, Sparse};

/// Rows of features. Values come without their column's factor, which the objective multiplies
/// weights and gradients by once each, and not once for every entry.
pub(super) trait Matrix: Sync {
    fn rows(&self) -> usize;

    fn width(&self) -> usize;

    fn entries(&self) -> usize;

    /// The factor of each column, `[width]`; `None` where all are 1.
    fn factors(&self) -> Option<&[f32]>;

    /// Calls `sink` with column and value of each entry of a row; a column may come again.
    fn each(&self, row: usize, sink: impl FnMut(usize, f32));

    /// `Σ value · weight` of a row.
    fn product<R: Real>(&self, row: usize, weights: &[R]) -> R;
}

impl Matrix for Sparse {
    fn rows(&self) -> usize {
        self.len()
    }

    fn width(&self) -> usize {
        self.width
    }

    fn entries(&self) -> usize {
        self.columns.len()
    }

    fn factors(&self) -> Option<&[f32]> {
        None
    }

    #[inline]
    fn each(&self, row: usize, mut sink: impl FnMut(usize, f32)) {
        let (columns, values) = self.row(row);
        for (&column, &value) in columns.iter().zip(values) {
            sink(column as usize, value);
        }
    }

    #[inline]
    fn product<R: Real>(&self, row: usize, weights: &[R]) -> R {
        let (columns, values) = self.row(row);
        lanes(columns, |column, at| R::of_single(values[at]) * weights[column as usize])
    }
}

impl Matrix for Factored {
    fn rows(&self) -> usize {
        self.len()
    }

    fn width(&self) -> usize {
        self.width()
    }

    fn entries(&self) -> usize {
        self.entries()
    }

    fn factors(&self) -> Option<&[f32]> {
        Some(self.factors())
    }

    #[inline]
    fn each(&self, row: usize, mut sink: impl FnMut(usize, f32)) {
        let (columns, factor) = self.row(row);
        for &column in columns {
            sink(column as usize, factor);
        }
    }

    #[inline]
    fn product<R: Real>(&self, row: usize, weights: &[R]) -> R {
        let (columns, factor) = self.row(row);
        R::of_single(factor) * lanes(columns, |column, _| weights[column as usize])
    }
}

/// `Σ term(column, place)` in four lanes: a single running sum would have each addition wait for the
/// one before.
#[inline]
fn lanes<R: Real>(columns: &[u32], term: impl Fn(u32, usize) -> R) -> R {
    let mut lanes = [R::default(); 4];
    let (whole, last) = columns.as_chunks::<4>();
    for (i, columns) in whole.iter().enumerate() {
        for (j, (lane, &column)) in lanes.iter_mut().zip(columns).enumerate() {
            *lane += term(column, 4 * i + j);
        }
    }
    for (j, (lane, &column)) in lanes.iter_mut().zip(last).enumerate() {
        *lane += term(column, 4 * whole.len() + j);
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}
