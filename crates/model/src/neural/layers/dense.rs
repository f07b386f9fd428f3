//! `y = x Wᵀ + b`, and ReLU where asked for.

use std::ops::Range;

use super::resize;
use crate::neural::kernel::{
    Add, Chosen, Packed, Real, View, column_sums, multiply, multiply_rows, relu, relu_back,
};
use crate::neural::parameters::{Order, Parts};

/// The layer's shape and where its parameters lie.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    pub(crate) input: usize,
    pub(crate) output: usize,
    relu: bool,
    /// `[output, input]`
    weight: Range<usize>,
    /// `[output]`
    bias: Range<usize>,
}

/// Its parameters, packed.
pub(crate) struct DenseReady<R> {
    /// `Wᵀ`, `[input, output]`
    forward: Packed<R>,
    /// `W`, `[output, input]`
    back: Packed<R>,
    bias: Vec<R>,
}

impl Dense {
    pub(crate) fn new(parts: &mut Parts, name: &str, input: usize, output: usize, relu: bool) -> Self {
        // As PyTorch's `nn.Linear` starts.
        let bound = 1.0 / (input as f64).sqrt();
        Self {
            input,
            output,
            relu,
            weight: parts.add(format!("{name}.weight"), &[output, input], Order::AsNamed, bound),
            bias: parts.add(format!("{name}.bias"), &[output], Order::AsNamed, bound),
        }
    }

    pub(crate) fn unready<R: Real>(&self, kernel: Chosen) -> DenseReady<R> {
        DenseReady { forward: Packed::new(kernel), back: Packed::new(kernel), bias: Vec::new() }
    }

    pub(crate) fn ready<R: Real>(&self, values: &[R], back: bool, ready: &mut DenseReady<R>) {
        ready.forward.pack_transposed(self.input, self.output, &values[self.weight.clone()]);
        if back {
            ready.back.pack(self.output, self.input, &values[self.weight.clone()]);
        }
        ready.bias.clear();
        ready.bias.extend_from_slice(&values[self.bias.clone()]);
    }

    /// `x` `[rows, input]` → `y` `[rows, output]`
    pub(crate) fn forward<R: Real>(
        &self,
        kernel: Chosen,
        ready: &DenseReady<R>,
        rows: usize,
        x: &[R],
        y: &mut Vec<R>,
    ) {
        resize(y, rows * self.output);
        multiply(rows, View::new(x, self.input), &ready.forward, y, self.output, Add::Row(&ready.bias));
        if self.relu {
            relu(kernel, y);
        }
    }

    /// Given `x`, `y` and the loss's gradient of `y`, which it may use up: adds the gradient of the
    /// parameters and makes that of `x`, `[rows, input]`.
    #[allow(clippy::too_many_arguments)] // the formula's
    pub(crate) fn backward<R: Real>(
        &self,
        kernel: Chosen,
        ready: &DenseReady<R>,
        x: &[R],
        y: &[R],
        dy: &mut [R],
        dx: &mut Vec<R>,
        gradient: Option<&mut [R]>,
    ) {
        let rows = y.len() / self.output;
        if self.relu {
            relu_back(kernel, dy, y);
        }
        if let Some(gradient) = gradient {
            // dW = dyᵀ x, db = Σ dy
            let size = [rows, self.output, self.input];
            let (dy, x) = (View::new(&*dy, self.output), View::new(x, self.input));
            multiply_rows(kernel, size, dy, x, &mut gradient[self.weight.clone()]);
            column_sums(kernel, dy.values, &mut gradient[self.bias.clone()]);
        }
        // dx = dy W
        resize(dx, rows * self.input);
        multiply(rows, View::new(dy, self.output), &ready.back, dx, self.input, Add::Nothing);
    }
}
