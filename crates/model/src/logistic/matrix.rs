//! What the objective asks of its rows.

use std::ops::Range;

use super::real::Real;
use crate::features::{Bundle, Factored, SIDE, Sparse};

/// Rows of features. Values come without their column's factor, which the objective multiplies
/// weights and gradients by once each, and not once for every entry.
///
/// Rows stand at places, which need not be in their order: the quickest walk goes by places.
pub(super) trait Matrix: Sync {
    /// Places that are walked through as one start at a multiple of it.
    const SIDE: usize;

    fn rows(&self) -> usize;

    fn width(&self) -> usize;

    fn entries(&self) -> usize;

    /// The factor of each column, `[width]`; `None` where all are 1.
    fn factors(&self) -> Option<&[f32]>;

    /// Calls `sink` with column and value of each entry of a row; a column may come again.
    fn each(&self, row: usize, sink: impl FnMut(usize, f32));

    /// The row that stands at a place.
    fn row_at(&self, place: usize) -> usize;

    /// Adds `Σ value · weight` of the row at each of `places` to `out`, `[places]`.
    fn products<R: Real>(&self, places: Range<usize>, weights: &[R], out: &mut [f64]);

    /// Adds `by · value` of each entry to its column's sum; `by` has one number for each of `places`.
    fn scatter<R: Real>(&self, places: Range<usize>, by: &[f64], sums: &mut [R]);

    /// Adds `by · value²` of each entry to its column's sum.
    fn scatter_squares(&self, places: Range<usize>, by: &[f64], sums: &mut [f64]);
}

impl Matrix for Sparse {
    const SIDE: usize = 1;

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
    fn row_at(&self, place: usize) -> usize {
        place
    }

    #[inline]
    fn products<R: Real>(&self, places: Range<usize>, weights: &[R], out: &mut [f64]) {
        for (row, out) in places.zip(out) {
            let (columns, values) = self.row(row);
            *out += lanes(columns, |column, at| R::of_single(values[at]) * weights[column as usize]).wide();
        }
    }

    #[inline]
    fn scatter<R: Real>(&self, places: Range<usize>, by: &[f64], sums: &mut [R]) {
        for (row, &by) in places.zip(by) {
            let by = R::of(by);
            self.each(row, |column, value| sums[column] += by * R::of_single(value));
        }
    }

    #[inline]
    fn scatter_squares(&self, places: Range<usize>, by: &[f64], sums: &mut [f64]) {
        for (row, &by) in places.zip(by) {
            self.each(row, |column, value| sums[column] += by * f64::from(value) * f64::from(value));
        }
    }
}

impl Matrix for Factored {
    const SIDE: usize = SIDE;

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
        for column in columns {
            sink(column as usize, factor);
        }
    }

    #[inline]
    fn row_at(&self, place: usize) -> usize {
        self.row_at(place)
    }

    #[inline]
    fn products<R: Real>(&self, places: Range<usize>, weights: &[R], out: &mut [f64]) {
        for (place, out) in places.step_by(SIDE).zip(out.chunks_mut(SIDE)) {
            let bundle = self.bundle(place);
            let mut sums = [R::default(); SIDE];
            for columns in bundle.side {
                for (sum, &column) in sums.iter_mut().zip(columns) {
                    *sum += weights[column as usize];
                }
            }
            if !bundle.is_even() {
                for (sum, tail) in sums.iter_mut().zip(bundle.tails()) {
                    *sum += lanes(tail, |column, _| weights[column as usize]);
                }
            }
            for ((out, sum), &factor) in out.iter_mut().zip(sums).zip(bundle.factors) {
                *out += (sum * R::of_single(factor)).wide();
            }
        }
    }

    #[inline]
    fn scatter<R: Real>(&self, places: Range<usize>, by: &[f64], sums: &mut [R]) {
        for (place, by) in places.step_by(SIDE).zip(by.chunks(SIDE)) {
            let bundle = self.bundle(place);
            let mut terms = [R::default(); SIDE];
            for (term, (&by, &factor)) in terms.iter_mut().zip(by.iter().zip(bundle.factors)) {
                *term = R::of(by) * R::of_single(factor);
            }
            add(&bundle, terms, sums);
        }
    }

    #[inline]
    fn scatter_squares(&self, places: Range<usize>, by: &[f64], sums: &mut [f64]) {
        for (place, by) in places.step_by(SIDE).zip(by.chunks(SIDE)) {
            let bundle = self.bundle(place);
            let mut terms = [0.0; SIDE];
            for (term, (by, &factor)) in terms.iter_mut().zip(by.iter().zip(bundle.factors)) {
                *term = by * f64::from(factor) * f64::from(factor);
            }
            add(&bundle, terms, sums);
        }
    }
}

/// Adds the term of its row to each entry's column.
#[inline]
fn add<R: Real>(bundle: &Bundle<'_>, terms: [R; SIDE], sums: &mut [R]) {
    for columns in bundle.side {
        for (&column, term) in columns.iter().zip(terms) {
            sums[column as usize] += term;
        }
    }
    if !bundle.is_even() {
        for (tail, term) in bundle.tails().zip(terms) {
            for &column in tail {
                sums[column as usize] += term;
            }
        }
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
