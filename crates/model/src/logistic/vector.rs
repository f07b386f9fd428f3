//! Dense vector arithmetic, parallel, with sums in a fixed order.

use rayon::prelude::*;

use crate::reduce;

/// Entries that one thread works on at a time.
const CHUNK: usize = 1 << 15;

/// `Σ a b`.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let part = |r: std::ops::Range<usize>| lanes(&a[r.clone()], &b[r]);
    reduce(a.len(), CHUNK, part, |x, y| x + y).unwrap_or(0.0)
}

/// `Σ a b` in eight lanes: fixed, so that every machine adds in the same order, and wide enough
/// for the compiler's vectors.
fn lanes(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f64>() + tail
}

/// `y += a x`.
pub(super) fn add_scaled(y: &mut [f64], a: f64, x: &[f64]) {
    y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| {
        for (y, x) in y.iter_mut().zip(x) {
            *y += a * x;
        }
    });
}

/// `y *= x`, entry by entry, times `a`.
pub(super) fn multiply(y: &mut [f64], a: f64, x: &[f64]) {
    y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| {
        for (y, x) in y.iter_mut().zip(x) {
            *y *= a * x;
        }
    });
}

/// `Σ a² b`.
pub(super) fn weighted_square(a: &[f64], b: &[f64]) -> f64 {
    let part =
        |r: std::ops::Range<usize>| -> f64 { a[r.clone()].iter().zip(&b[r]).map(|(a, b)| a * a * b).sum() };
    reduce(a.len(), CHUNK, part, |x, y| x + y).unwrap_or(0.0)
}

/// Largest magnitude; NaN when there is one.
pub(super) fn largest(a: &[f64]) -> f64 {
    let part = |r: std::ops::Range<usize>| {
        a[r].iter().fold(0.0_f64, |m, x| if x.is_nan() || m.is_nan() { f64::NAN } else { m.max(x.abs()) })
    };
    reduce(a.len(), CHUNK, part, |x, y| if x.is_nan() || y.is_nan() { f64::NAN } else { x.max(y) })
        .unwrap_or(0.0)
}
