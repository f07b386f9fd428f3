//! Dropout: in training each number is dropped with a probability, and the others make up for it
//! (Srivastava et al. 2014). At any other time it does nothing.
//!
//! Masks are no sequence but a function of seed, step, layer, row, position and column: no thread needs to
//! know what another drew, and the backward pass draws the same again in place of keeping it.

use crate::neural::kernel::Real;
use crate::neural::random::{GOLDEN, mix};

/// What one layer drops in one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropout {
    key: u64,
    /// A number is dropped where 16 random bits are below this.
    below: u64,
    /// `1 / (1 - rate)`
    scale: f64,
}

impl Dropout {
    /// The mask of layer `layer` in step `step`; `rate` is within `[0, 1)`.
    pub(crate) fn new(rate: f64, seed: u64, step: u64, layer: u64) -> Self {
        let below = (rate * 65536.0).round() as u64;
        let key = mix(mix(seed ^ 0x6472_6f70) ^ mix(step.wrapping_mul(GOLDEN)) ^ mix(layer.wrapping_add(1)));
        // Of what is drawn, not of what was asked for: the mean stays exact.
        Self { key, below, scale: 65536.0 / (65536 - below.min(65535)) as f64 }
    }

    /// Applies the mask of row `row` of the batch at position `at` to `values`, `[columns]`: numbers on the
    /// way forward, gradients on the way back.
    pub(crate) fn apply<R: Real>(&self, row: u64, at: u64, values: &mut [R]) {
        if self.below == 0 {
            return;
        }
        let factors = [R::of(self.scale), R::ZERO];
        let mut state = mix(self.key ^ mix(row << 32 | at));
        for four in values.chunks_mut(4) {
            state = state.wrapping_add(GOLDEN);
            let mut bits = mix(state);
            for x in four {
                *x = *x * factors[usize::from(bits & 0xffff < self.below)];
                bits >>= 16;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(dropout: Dropout, row: u64, at: u64) -> Vec<f64> {
        let mut values = vec![1.0; 4001];
        dropout.apply(row, at, &mut values);
        values
    }

    #[test]
    fn the_share_is_right_and_the_mean_stays() {
        for rate in [0.1, 0.3, 0.5, 0.9] {
            let values: Vec<f64> =
                (0..50).flat_map(|row| drawn(Dropout::new(rate, 1, 2, 3), row, 0)).collect();
            let n = values.len() as f64;
            let share = values.iter().filter(|&&x| x == 0.0).count() as f64 / n;
            // Three standard errors of a share.
            assert!((share - rate).abs() < 3.0 * (rate * (1.0 - rate) / n).sqrt(), "{share} of {rate}");
            assert!((values.iter().sum::<f64>() / n - 1.0).abs() < 0.03);
        }
        assert!(drawn(Dropout::new(0.0, 1, 2, 3), 0, 0).iter().all(|&x| x == 1.0));
    }

    #[test]
    fn a_mask_is_its_own_at_each_place_and_the_same_when_drawn_again() {
        let first = drawn(Dropout::new(0.5, 1, 2, 3), 4, 5);
        assert_eq!(first, drawn(Dropout::new(0.5, 1, 2, 3), 4, 5));
        let others = [(0, 2, 3, 4, 5), (1, 0, 3, 4, 5), (1, 2, 0, 4, 5), (1, 2, 3, 0, 5), (1, 2, 3, 4, 0)];
        for (seed, step, layer, row, at) in others {
            let other = drawn(Dropout::new(0.5, seed, step, layer), row, at);
            let same = first.iter().zip(&other).filter(|(a, b)| a == b).count() as f64 / first.len() as f64;
            assert!((same - 0.5).abs() < 0.05, "{same} alike");
        }
    }
}
