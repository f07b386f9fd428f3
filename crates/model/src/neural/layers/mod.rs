//! Layers with explicit forward and backward passes, one file each; no graph.
//!
//! A layer knows where its parameters lie ([`super::parameters`]); `ready` packs them for the products of
//! one training step, or once for serving. Gradients are added to a vector that lies as the parameters do.
//! What a backward pass needs of the forward one is kept in a tape, whose memory is reused.

pub(crate) mod conv;
pub(crate) mod dense;
pub(crate) mod dropout;
pub(crate) mod embedding;
pub(crate) mod loss;
pub(crate) mod lstm;
pub(crate) mod pool;

use super::kernel::Real;

/// Makes `values` `len` zeros, in the memory that it has.
pub(crate) fn clear<R: Real>(values: &mut Vec<R>, len: usize) {
    values.clear();
    values.resize(len, R::ZERO);
}

/// Makes `values` `len` long, in the memory that it has; what it held may stay: for what is overwritten.
pub(crate) fn resize<R: Real>(values: &mut Vec<R>, len: usize) {
    if values.len() != len {
        values.resize(len, R::ZERO);
    }
}
