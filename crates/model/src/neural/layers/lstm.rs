//! One direction of one LSTM layer (Hochreiter & Schmidhuber 1997; the formulas are PyTorch's `nn.LSTM`).
//!
//! `a = x W_ihᵀ + b_ih + h' W_hhᵀ + b_hh`; gates i, f, g, o of `a` and state as [`lstm_cell`] says. The
//! product with `x` is one for all steps; that with `h'` is one a step. Texts of a batch stand as PyTorch's
//! `PackedSequence`: step after step, in each the texts that are that long, the longest first. Nothing is
//! computed for padding, as there is none.

use std::ops::Range;

use super::{clear, resize};
use crate::neural::kernel::{
    Add, Chosen, Packed, Real, View, column_sums, lstm_cell, lstm_cell_back, multiply, multiply_rows,
};
use crate::neural::parameters::{Order, Parts};

/// Where the tokens of each step stand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps {
    /// Step `t` has rows `starts[t]..starts[t + 1]`.
    pub(crate) starts: Vec<usize>,
}

impl Steps {
    /// Number of steps: the length of the longest text.
    pub(crate) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Rows in all.
    pub(crate) fn tokens(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    pub(crate) fn rows(&self, step: usize) -> Range<usize> {
        self.starts[step]..self.starts[step + 1]
    }
}

/// The layer's shape and where its parameters lie.
#[derive(Debug, Clone)]
pub(crate) struct Lstm {
    pub(crate) input: usize,
    pub(crate) hidden: usize,
    reverse: bool,
    /// `[4 hidden, input]`
    weight_ih: Range<usize>,
    /// `[4 hidden, hidden]`
    weight_hh: Range<usize>,
    /// `[4 hidden]`
    bias_ih: Range<usize>,
    /// `[4 hidden]`
    bias_hh: Range<usize>,
}

/// Its parameters, packed.
pub(crate) struct LstmReady<R> {
    /// `W_ihᵀ`, `[input, 4 hidden]`
    input: Packed<R>,
    /// `W_hhᵀ`, `[hidden, 4 hidden]`
    hidden: Packed<R>,
    /// `W_ih`, `[4 hidden, input]`
    input_back: Packed<R>,
    /// `W_hh`, `[4 hidden, hidden]`
    hidden_back: Packed<R>,
    /// `b_ih + b_hh`
    bias: Vec<R>,
}

/// What the backward pass needs of the forward one.
#[derive(Debug, Default)]
pub(crate) struct LstmTape<R> {
    /// i, f, g, o, `[tokens, 4 hidden]`; on the way back the gradient of `a`.
    gates: Vec<R>,
    /// c, `[tokens, hidden]`
    cells: Vec<R>,
    /// tanh c, `[tokens, hidden]`
    squashed: Vec<R>,
    /// h', `[tokens, hidden]`
    before: Vec<R>,
    /// The gradients that one step hands to the one before, `[texts, hidden]`.
    carried: Vec<R>,
    cell_grad: Vec<R>,
}

/// Columns of a matrix that a direction owns: both directions write into one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    pub(crate) first: usize,
    /// From row to row.
    pub(crate) stride: usize,
}

impl Columns {
    fn of<'a, R>(&self, values: &'a [R], row: usize) -> View<'a, R> {
        View::new(values.get(row * self.stride + self.first..).unwrap_or(&[]), self.stride)
    }
}

impl Lstm {
    pub(crate) fn new(parts: &mut Parts, name: &str, input: usize, hidden: usize, reverse: bool) -> Self {
        let bound = 1.0 / (hidden as f64).sqrt();
        let mut add = |what: &str, shape: &[usize]| {
            let suffix = if reverse { "_reverse" } else { "" };
            parts.add(format!("{name}.{what}_l0{suffix}"), shape, Order::AsNamed, bound)
        };
        let lstm = Self {
            input,
            hidden,
            reverse,
            weight_ih: add("weight_ih", &[4 * hidden, input]),
            weight_hh: add("weight_hh", &[4 * hidden, hidden]),
            bias_ih: add("bias_ih", &[4 * hidden]),
            bias_hh: add("bias_hh", &[4 * hidden]),
        };
        // Forget gates start open: what a text began with reaches its end, and gradients their way back
        // (Jozefowicz, Zaremba & Sutskever 2015).
        let start = lstm.bias_ih.start;
        parts.lift(start + hidden..start + 2 * hidden, 1.0);
        lstm
    }

    pub(crate) fn unready<R: Real>(&self, kernel: Chosen) -> LstmReady<R> {
        let empty = || Packed::new(kernel);
        LstmReady {
            input: empty(),
            hidden: empty(),
            input_back: empty(),
            hidden_back: empty(),
            bias: Vec::new(),
        }
    }

    pub(crate) fn ready<R: Real>(&self, values: &[R], back: bool, ready: &mut LstmReady<R>) {
        let (input, hidden) = (&values[self.weight_ih.clone()], &values[self.weight_hh.clone()]);
        ready.input.pack_transposed(self.input, 4 * self.hidden, input);
        ready.hidden.pack_transposed(self.hidden, 4 * self.hidden, hidden);
        if back {
            ready.input_back.pack(4 * self.hidden, self.input, input);
            ready.hidden_back.pack(4 * self.hidden, self.hidden, hidden);
        }
        let biases = values[self.bias_ih.clone()].iter().zip(&values[self.bias_hh.clone()]);
        ready.bias.clear();
        ready.bias.extend(biases.map(|(&a, &b)| a + b));
    }

    /// Step `t`'s rows, those of the step before it in this direction, and how many texts are in both.
    fn step(&self, steps: &Steps, t: usize) -> (Range<usize>, Option<(usize, usize)>) {
        let rows = steps.rows(t);
        let before = if self.reverse { Some(t + 1).filter(|&t| t < steps.len()) } else { t.checked_sub(1) };
        let before = before.map(|t| {
            let before = steps.rows(t);
            (before.start, before.len().min(rows.len()))
        });
        (rows, before)
    }

    /// Steps in the order in which this direction takes them.
    fn order(&self, steps: &Steps) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let (len, reverse) = (steps.len(), self.reverse);
        (0..len).map(move |t| if reverse { len - 1 - t } else { t })
    }

    /// `x` `[tokens, input]` → h in `columns` of `out`, `[tokens, hidden]`
    #[allow(clippy::too_many_arguments)] // the formula's
    pub(crate) fn forward<R: Real>(
        &self,
        kernel: Chosen,
        ready: &LstmReady<R>,
        steps: &Steps,
        x: &[R],
        out: &mut [R],
        columns: Columns,
        tape: &mut LstmTape<R>,
    ) {
        let (tokens, hidden, width) = (steps.tokens(), self.hidden, 4 * self.hidden);
        let LstmTape { gates, cells, squashed, .. } = tape;
        resize(gates, tokens * width);
        resize(cells, tokens * hidden);
        resize(squashed, tokens * hidden);
        let bias = Add::Row(&ready.bias[..]);
        multiply(tokens, View::new(x, self.input), &ready.input, gates, width, bias);
        for t in self.order(steps) {
            let (rows, before) = self.step(steps, t);
            let gates = &mut gates[rows.start * width..rows.end * width];
            let here = rows.start * hidden..rows.end * hidden;
            let (cells, old) = match before {
                None => (&mut cells[here.clone()], &[][..]),
                Some((start, known)) => {
                    multiply(known, columns.of(out, start), &ready.hidden, gates, width, Add::Target);
                    both(cells, here.clone(), start * hidden..(start + known) * hidden)
                }
            };
            let out = &mut out[rows.start * columns.stride + columns.first..];
            lstm_cell(kernel, hidden, gates, old, cells, &mut squashed[here], (out, columns.stride));
        }
    }

    /// Given the loss's gradient of h in `columns` of `grad`: adds the gradient of the parameters, and adds
    /// that of `x` to `dx` or, where that is the first to do so, writes it.
    #[allow(clippy::too_many_arguments)] // the formula's
    pub(crate) fn backward<R: Real>(
        &self,
        kernel: Chosen,
        ready: &LstmReady<R>,
        steps: &Steps,
        (x, out, grad): (&[R], &[R], &[R]),
        columns: Columns,
        dx: Option<(&mut [R], bool)>,
        gradient: Option<&mut [R]>,
        tape: &mut LstmTape<R>,
    ) {
        let (tokens, hidden, width) = (steps.tokens(), self.hidden, 4 * self.hidden);
        if tokens == 0 {
            return;
        }
        let LstmTape { gates, cells, squashed, before: old_out, carried, cell_grad } = tape;
        let texts = steps.rows(0).len();
        clear(carried, texts * hidden);
        clear(cell_grad, texts * hidden);
        for t in self.order(steps).rev() {
            let (rows, before) = self.step(steps, t);
            let gates = &mut gates[rows.start * width..rows.end * width];
            let (start, known) = before.unwrap_or((0, 0));
            let old = &cells[start * hidden..(start + known) * hidden];
            let squashed = &squashed[rows.start * hidden..rows.end * hidden];
            let grad = columns.of(grad, rows.start);
            lstm_cell_back(
                kernel,
                hidden,
                gates,
                old,
                squashed,
                (grad.values, grad.stride),
                carried,
                cell_grad,
            );
            // dh' = da W_hh
            multiply(known, View::new(gates, width), &ready.hidden_back, carried, hidden, Add::Nothing);
        }
        if let Some((dx, first)) = dx {
            // dx = da W_ih
            let add = if first { Add::Nothing } else { Add::Target };
            multiply(tokens, View::new(gates, width), &ready.input_back, dx, self.input, add);
        }
        let Some(gradient) = gradient else { return };
        // dW_ih = daᵀ x, dW_hh = daᵀ h', db = Σ da
        clear(old_out, tokens * hidden);
        for t in 0..steps.len() {
            if let (rows, Some((start, known))) = self.step(steps, t) {
                let to = old_out[rows.start * hidden..].chunks_exact_mut(hidden);
                for (i, to) in to.take(known).enumerate() {
                    to.copy_from_slice(&columns.of(out, start + i).values[..hidden]);
                }
            }
        }
        let da = View::new(&gates[..], width);
        let (x, old_out) = (View::new(x, self.input), View::new(&old_out[..], hidden));
        multiply_rows(kernel, [tokens, width, self.input], da, x, &mut gradient[self.weight_ih.clone()]);
        multiply_rows(kernel, [tokens, width, hidden], da, old_out, &mut gradient[self.weight_hh.clone()]);
        column_sums(kernel, da.values, &mut gradient[self.bias_ih.clone()]);
        column_sums(kernel, da.values, &mut gradient[self.bias_hh.clone()]);
    }
}

/// Two stretches of `values` that do not meet, one of them to write.
fn both<R>(values: &mut [R], here: Range<usize>, there: Range<usize>) -> (&mut [R], &[R]) {
    if there.start < here.start {
        let (left, right) = values.split_at_mut(here.start);
        (&mut right[..here.len()], &left[there])
    } else {
        let (left, right) = values.split_at_mut(there.start);
        (&mut left[here], &right[..there.len()])
    }
}
