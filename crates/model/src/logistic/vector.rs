//! Dense vector arithmetic, parallel, with sums in a fixed order.

use rayon::prelude::*;

use super::real::Real;
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
pub(super) fn lanes<A: Real, B: Real>(a: &[A], b: &[B]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, a_tail) = a.as_chunks::<8>();
    let (b8, b_tail) = b.as_chunks::<8>();
    for (x, y) in a8.iter().zip(b8) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x.wide() * y.wide();
        }
    }
    let tail: f64 = a_tail.iter().zip(b_tail).map(|(x, y)| x.wide() * y.wide()).sum();
    sums.iter().sum::<f64>() + tail
}

/// `out = at + a x`.
pub(super) fn moved(out: &mut [f64], at: &[f64], a: f64, x: &[f64]) {
    out.par_chunks_mut(CHUNK).zip(at.par_chunks(CHUNK)).zip(x.par_chunks(CHUNK)).for_each(
        |((out, at), x)| {
            for (out, (at, x)) in out.iter_mut().zip(at.iter().zip(x)) {
                *out = at + a * x;
            }
        },
    );
}

/// Largest magnitude; NaN when there is one.
pub(super) fn largest(a: &[f64]) -> f64 {
    let part = |r: std::ops::Range<usize>| {
        a[r].iter().fold(0.0_f64, |m, x| if x.is_nan() || m.is_nan() { f64::NAN } else { m.max(x.abs()) })
    };
    reduce(a.len(), CHUNK, part, |x, y| if x.is_nan() || y.is_nan() { f64::NAN } else { x.max(y) })
        .unwrap_or(0.0)
}
