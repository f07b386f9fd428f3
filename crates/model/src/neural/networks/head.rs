//! The end of each network: dropout, dense layers with ReLU, and a dense layer for the logits.

use super::Draw;
use crate::neural::kernel::{Chosen, Real};
use crate::neural::layers::dense::{Dense, DenseReady};
use crate::neural::layers::dropout::Dropout;
use crate::neural::parameters::Parts;

/// Number of the head's dropout among those of a network.
const DROPOUT: usize = 1000;

/// From one vector for each text to its logits.
#[derive(Debug, Clone)]
pub(super) struct Head {
    dropout: f64,
    layers: Vec<Dense>,
}

/// What the backward pass needs.
#[derive(Debug, Default)]
pub(super) struct HeadTape<R> {
    /// Input of each layer, the first after dropout, and the last one's output.
    values: Vec<Vec<R>>,
    grad: Vec<R>,
}

impl Head {
    pub(super) fn new(
        parts: &mut Parts,
        dropout: f64,
        input: usize,
        hidden: &[usize],
        classes: usize,
    ) -> Self {
        let mut width = input;
        let mut layers = Vec::new();
        for (i, &units) in hidden.iter().chain([&classes]).enumerate() {
            layers.push(Dense::new(parts, &format!("dense.{i}"), width, units, i < hidden.len()));
            width = units;
        }
        Self { dropout, layers }
    }

    pub(super) fn unready<R: Real>(&self, kernel: Chosen) -> Vec<DenseReady<R>> {
        self.layers.iter().map(|layer| layer.unready(kernel)).collect()
    }

    pub(super) fn ready<R: Real>(&self, values: &[R], back: bool, ready: &mut [DenseReady<R>]) {
        self.layers.iter().zip(ready).for_each(|(layer, ready)| layer.ready(values, back, ready));
    }

    fn drop<R: Real>(&self, draw: Option<Draw>, values: &mut [R]) {
        let Some(draw) = draw else { return };
        let dropout: Dropout = draw.layer(self.dropout, DROPOUT);
        for (row, values) in values.chunks_exact_mut(self.layers[0].input).enumerate() {
            dropout.apply(draw.first_row + row as u64, 0, values);
        }
    }

    /// `x` `[texts, input]` → `[texts, classes]`
    pub(super) fn forward<'a, R: Real>(
        &self,
        kernel: Chosen,
        ready: &[DenseReady<R>],
        texts: usize,
        x: &[R],
        draw: Option<Draw>,
        tape: &'a mut HeadTape<R>,
    ) -> &'a [R] {
        tape.values.resize_with(self.layers.len() + 1, Vec::new);
        tape.values[0].clear();
        tape.values[0].extend_from_slice(x);
        self.drop(draw, &mut tape.values[0]);
        for (i, (layer, ready)) in self.layers.iter().zip(ready).enumerate() {
            let (before, after) = tape.values.split_at_mut(i + 1);
            layer.forward(kernel, ready, texts, &before[i], &mut after[0]);
        }
        &tape.values[self.layers.len()]
    }

    /// The gradient of `x`, `[texts, input]`, given that of the logits.
    pub(super) fn backward<'a, R: Real>(
        &self,
        kernel: Chosen,
        ready: &[DenseReady<R>],
        grad: &[R],
        draw: Option<Draw>,
        mut gradient: Option<&mut [R]>,
        tape: &'a mut HeadTape<R>,
    ) -> &'a mut [R] {
        tape.grad.clear();
        tape.grad.extend_from_slice(grad);
        let mut below = Vec::new();
        for (i, (layer, ready)) in self.layers.iter().zip(ready).enumerate().rev() {
            let (x, y) = (&tape.values[i], &tape.values[i + 1]);
            layer.backward(kernel, ready, x, y, &mut tape.grad, &mut below, gradient.as_deref_mut());
            std::mem::swap(&mut tape.grad, &mut below);
        }
        self.drop(draw, &mut tape.grad);
        &mut tape.grad
    }
}
