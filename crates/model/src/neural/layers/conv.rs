//! One-dimensional convolution over a text's tokens: `y[t] = b + Σ_j W_j x[t + j]`, `j < width`.
//!
//! All layers of a stack use one arrangement of rows ([`Texts`]): each text has as many rows as its input,
//! and a layer's output leaves the last `width - 1` of them unused, as zeros. A window of `width` rows is
//! one stretch of memory, so the convolution of a text is one product, without copying windows out. The
//! zeros between texts are what a gradient needs around it.

use std::ops::Range;

use super::clear;
use crate::neural::kernel::{
    Add, Chosen, Packed, Real, View, add_scaled, column_sums, multiply, multiply_rows,
};
use crate::neural::parameters::{Order, Parts};

/// Where the rows of each text stand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    /// Text `i` has rows `starts[i]..starts[i + 1]` at the input.
    pub(crate) starts: Vec<usize>,
}

impl Texts {
    /// Number of texts.
    pub(crate) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Rows in all.
    pub(crate) fn rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Rows of text `i`, without the last `lost`, which earlier layers have used up.
    pub(crate) fn of(&self, i: usize, lost: usize) -> Range<usize> {
        self.starts[i]..self.starts[i + 1] - lost
    }
}

/// The layer's shape and where its parameters lie.
#[derive(Debug, Clone)]
pub(crate) struct Conv {
    pub(crate) input: usize,
    pub(crate) filters: usize,
    pub(crate) width: usize,
    /// `[filters, input, width]`, lying as `[filters, width, input]`.
    weight: Range<usize>,
    /// `[filters]`
    bias: Range<usize>,
}

/// Its parameters, packed.
pub(crate) struct ConvReady<R> {
    /// `[width · input, filters]`
    forward: Packed<R>,
    /// `[width · filters, input]`, the windows turned round.
    back: Packed<R>,
    bias: Vec<R>,
    /// `[filters, width · input]`, for gradients with few numbers that are not zero.
    rows: Vec<R>,
    turned: Vec<R>,
}

impl Conv {
    pub(crate) fn new(parts: &mut Parts, name: &str, input: usize, filters: usize, width: usize) -> Self {
        // As PyTorch's `nn.Conv1d` starts.
        let bound = 1.0 / ((input * width) as f64).sqrt();
        let shape = [filters, input, width];
        Self {
            input,
            filters,
            width,
            weight: parts.add(format!("{name}.weight"), &shape, Order::LastBeforeMiddle, bound),
            bias: parts.add(format!("{name}.bias"), &[filters], Order::AsNamed, bound),
        }
    }

    pub(crate) fn unready<R: Real>(&self, kernel: Chosen) -> ConvReady<R> {
        let empty = || Packed::new(kernel);
        ConvReady { forward: empty(), back: empty(), bias: Vec::new(), rows: Vec::new(), turned: Vec::new() }
    }

    pub(crate) fn ready<R: Real>(&self, values: &[R], back: bool, ready: &mut ConvReady<R>) {
        let (input, filters, width) = (self.input, self.filters, self.width);
        let weight = &values[self.weight.clone()];
        ready.forward.pack_transposed(width * input, filters, weight);
        ready.bias.clear();
        ready.bias.extend_from_slice(&values[self.bias.clone()]);
        if back {
            ready.rows.clear();
            ready.rows.extend_from_slice(weight);
            // Row `j` of a window of gradients meets the weights of `width - 1 - j`.
            clear(&mut ready.turned, weight.len());
            for (filter, row) in weight.chunks_exact(width * input).enumerate() {
                for (j, from) in row.chunks_exact(input).rev().enumerate() {
                    ready.turned[(j * filters + filter) * input..][..input].copy_from_slice(from);
                }
            }
            ready.back.pack(width * filters, input, &ready.turned);
        }
    }

    /// `x` `[rows, input]` → `y` `[rows, filters]`, where `lost` rows of each text's input are unused.
    pub(crate) fn forward<R: Real>(
        &self,
        ready: &ConvReady<R>,
        texts: &Texts,
        lost: usize,
        x: &[R],
        y: &mut Vec<R>,
    ) {
        clear(y, texts.rows() * self.filters);
        let after = lost + self.width - 1;
        for i in 0..texts.len() {
            let rows = texts.of(i, after);
            let x = View::new(&x[rows.start * self.input..], self.input);
            let y = &mut y[rows.start * self.filters..];
            multiply(rows.len(), x, &ready.forward, y, self.filters, Add::Row(&ready.bias));
        }
    }

    /// Given `x` and the loss's gradient of `y`, zero in unused rows and with `width - 1` rows of zeros in
    /// front: adds the gradient of the parameters, and writes that of `x` where it is wanted.
    pub(crate) fn backward<R: Real>(
        &self,
        kernel: Chosen,
        ready: &ConvReady<R>,
        texts: &Texts,
        (x, dy): (&[R], &[R]),
        dx: Option<&mut [R]>,
        gradient: Option<&mut [R]>,
    ) {
        let (input, filters) = (self.input, self.filters);
        let (rows, front) = (texts.rows(), (self.width - 1) * filters);
        if let Some(dx) = dx {
            // dx[t] = Σ_j dy[t - j] W_j
            multiply(rows, View::new(dy, filters), &ready.back, dx, input, Add::Nothing);
        }
        if let Some(gradient) = gradient {
            // dW_j = Σ_t dy[t]ᵀ x[t + j], db = Σ_t dy[t]; past the last whole window `dy` is zero.
            let windows = (rows + 1).saturating_sub(self.width);
            let size = [windows, filters, self.width * input];
            let dy = View::new(&dy[front..], filters);
            multiply_rows(kernel, size, dy, View::new(x, input), &mut gradient[self.weight.clone()]);
            column_sums(kernel, dy.values, &mut gradient[self.bias.clone()]);
        }
    }

    /// As [`Self::backward`], where the gradient of `y` is `grad` `[texts, filters]` at the rows `peaks`
    /// and zero everywhere else, as the largest of each column leaves it: a window each, in place of all.
    pub(crate) fn backward_peaks<R: Real>(
        &self,
        kernel: Chosen,
        ready: &ConvReady<R>,
        (x, grad, peaks): (&[R], &[R], &[u32]),
        dx: &mut [R],
        mut gradient: Option<&mut [R]>,
    ) {
        let window = self.width * self.input;
        for (grad, peaks) in grad.chunks_exact(self.filters).zip(peaks.chunks_exact(self.filters)) {
            for (filter, (&grad, &at)) in grad.iter().zip(peaks).enumerate() {
                if grad == R::ZERO {
                    continue;
                }
                let range = at as usize * self.input..at as usize * self.input + window;
                let row = filter * window..(filter + 1) * window;
                add_scaled(kernel, &mut dx[range.clone()], grad, &ready.rows[row.clone()]);
                if let Some(gradient) = gradient.as_deref_mut() {
                    add_scaled(kernel, &mut gradient[self.weight.clone()][row], grad, &x[range]);
                    gradient[self.bias.clone()][filter] += grad;
                }
            }
        }
    }
}
