//! Parallel sums whose result does not depend on the number of threads (DESIGN.md rule 3).

use std::ops::Range;

use rayon::prelude::*;

/// The chunks of `0..len`: each `chunk` long but the last. They depend on `len` and `chunk` alone.
pub(crate) fn chunks(len: usize, chunk: usize) -> Vec<Range<usize>> {
    let chunk = chunk.max(1);
    (0..len.div_ceil(chunk)).map(|i| i * chunk..((i + 1) * chunk).min(len)).collect()
}

/// Maps fixed chunks of `0..len` in parallel and joins the results in order, first to last.
///
/// Floating-point addition is not associative: because both the bounds of the chunks and the order
/// of joining are fixed, one thread and many give the same bits. `None` when `len` is 0.
pub fn reduce<T: Send>(
    len: usize,
    chunk: usize,
    map: impl Fn(Range<usize>) -> T + Sync,
    join: impl Fn(T, T) -> T,
) -> Option<T> {
    let parts: Vec<T> = chunks(len, chunk).into_par_iter().map(&map).collect();
    parts.into_iter().reduce(join)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_has_the_same_bits_on_one_thread_and_on_four() {
        let values: Vec<f64> = (0..100_003).map(|i| 1.0 / (f64::from(i) + 0.1)).collect();
        let sum = || reduce(values.len(), 1000, |r| values[r].iter().sum::<f64>(), |a, b| a + b);
        let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        assert_eq!(pool(1).install(sum), pool(4).install(sum));
        assert_eq!(reduce(0, 10, |_| 1, |a, b| a + b), None);
    }
}
