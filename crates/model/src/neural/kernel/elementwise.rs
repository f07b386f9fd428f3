//! Work that touches each number once, one thread.

use super::simd::{get, put, sigmoid, sum, tanh};
use super::{Chosen, Real, Simd, Work};

/// One step of an LSTM for some rows, from the sums in its gates to its state.
///
/// Shapes: `gates` `[rows, 4 hidden]` in PyTorch's order i, f, g, o, overwritten by the gates themselves;
/// `before` the cells of the step before, `[≤ rows, hidden]`, zero for rows past its end; `cells` and
/// `squashed` (their tanh) `[rows, hidden]`; `out` rows of `hidden`, `stride` apart.
///
/// i, f, o = σ(·), g = tanh(·); c = f c' + i g; h = o tanh(c).
pub(crate) fn lstm_cell<R: Real>(
    kernel: Chosen,
    hidden: usize,
    gates: &mut [R],
    before: &[R],
    cells: &mut [R],
    squashed: &mut [R],
    out: (&mut [R], usize),
) {
    R::dispatch(kernel, Cell { hidden, gates, before, cells, squashed, out });
}

struct Cell<'a, R> {
    hidden: usize,
    gates: &'a mut [R],
    before: &'a [R],
    cells: &'a mut [R],
    squashed: &'a mut [R],
    out: (&'a mut [R], usize),
}

impl<R: Real> Work<R> for Cell<'_, R> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self) {
        let Self { hidden, gates, before, cells, squashed, out: (out, stride) } = self;
        let zero = S::splat(R::ZERO);
        for (row, gates) in gates.chunks_exact_mut(4 * hidden).enumerate() {
            let (i, rest) = gates.split_at_mut(hidden);
            let (f, rest) = rest.split_at_mut(hidden);
            let (g, o) = rest.split_at_mut(hidden);
            let at = row * hidden;
            let before = before.get(at..at + hidden).unwrap_or(&[]);
            let cells = &mut cells[at..at + hidden];
            let squashed = &mut squashed[at..at + hidden];
            let out = &mut out[row * stride..][..hidden];
            for j in (0..hidden).step_by(S::LANES) {
                let (gate_i, gate_f) = (sigmoid::<R, S>(get(&i[j..])), sigmoid::<R, S>(get(&f[j..])));
                let (gate_g, gate_o) = (tanh::<R, S>(get(&g[j..])), sigmoid::<R, S>(get(&o[j..])));
                let old = if before.is_empty() { zero } else { get(&before[j..]) };
                let cell = gate_f.mul_add(old, gate_i.mul(gate_g));
                let tanh_cell = tanh(cell);
                put(gate_i, &mut i[j..]);
                put(gate_f, &mut f[j..]);
                put(gate_g, &mut g[j..]);
                put(gate_o, &mut o[j..]);
                put(cell, &mut cells[j..]);
                put(tanh_cell, &mut squashed[j..]);
                put(gate_o.mul(tanh_cell), &mut out[j..]);
            }
        }
    }
}

/// One step of an LSTM backwards: `gates` become the gradient of the sums in them.
///
/// Shapes as in [`lstm_cell`]; `grad` is the loss's gradient of `out`, rows `stride` apart, `carried` what
/// the step after adds to it, `[rows, hidden]`; `cell_grad` `[rows, hidden]` comes as the gradient of the
/// cells that the step after gives, and leaves as that for the step before.
#[allow(clippy::too_many_arguments)] // the formula's
pub(crate) fn lstm_cell_back<R: Real>(
    kernel: Chosen,
    hidden: usize,
    gates: &mut [R],
    before: &[R],
    squashed: &[R],
    grad: (&[R], usize),
    carried: &[R],
    cell_grad: &mut [R],
) {
    R::dispatch(kernel, CellBack { hidden, gates, before, squashed, grad, carried, cell_grad });
}

struct CellBack<'a, R> {
    hidden: usize,
    gates: &'a mut [R],
    before: &'a [R],
    squashed: &'a [R],
    grad: (&'a [R], usize),
    carried: &'a [R],
    cell_grad: &'a mut [R],
}

impl<R: Real> Work<R> for CellBack<'_, R> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self) {
        let Self { hidden, gates, before, squashed, grad: (grad, stride), carried, cell_grad } = self;
        let (zero, one) = (S::splat(R::ZERO), S::splat(R::ONE));
        for (row, gates) in gates.chunks_exact_mut(4 * hidden).enumerate() {
            let (i, rest) = gates.split_at_mut(hidden);
            let (f, rest) = rest.split_at_mut(hidden);
            let (g, o) = rest.split_at_mut(hidden);
            let at = row * hidden;
            let before = before.get(at..at + hidden).unwrap_or(&[]);
            let (squashed, carried) = (&squashed[at..at + hidden], &carried[at..at + hidden]);
            let cell_grad = &mut cell_grad[at..at + hidden];
            let grad = &grad[row * stride..][..hidden];
            for j in (0..hidden).step_by(S::LANES) {
                let (gate_i, gate_f): (S, S) = (get(&i[j..]), get(&f[j..]));
                let (gate_g, gate_o): (S, S) = (get(&g[j..]), get(&o[j..]));
                let tanh_cell: S = get(&squashed[j..]);
                let old = if before.is_empty() { zero } else { get(&before[j..]) };
                let dh = get::<R, S>(&grad[j..]).add(get(&carried[j..]));
                // d tanh(c) = 1 - tanh²(c)
                let slope = one.sub(tanh_cell.mul(tanh_cell));
                let dc = dh.mul(gate_o).mul_add(slope, get(&cell_grad[j..]));
                let of_sigmoid = |d: S, gate: S| d.mul(gate).mul(one.sub(gate));
                put(of_sigmoid(dc.mul(gate_g), gate_i), &mut i[j..]);
                put(of_sigmoid(dc.mul(old), gate_f), &mut f[j..]);
                put(dc.mul(gate_i).mul(one.sub(gate_g.mul(gate_g))), &mut g[j..]);
                put(of_sigmoid(dh.mul(tanh_cell), gate_o), &mut o[j..]);
                put(dc.mul(gate_f), &mut cell_grad[j..]);
            }
        }
    }
}

/// What one step of Adam does to each number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamStep {
    /// Share of the old mean of gradients.
    pub(crate) beta1: f64,
    /// Share of the old mean of their squares.
    pub(crate) beta2: f64,
    /// Learning rate, divided by the correction of the mean, `1 - β₁ᵗ`.
    pub(crate) rate: f64,
    /// Root of the correction of the squares, `√(1 - β₂ᵗ)`.
    pub(crate) correction: f64,
    pub(crate) epsilon: f64,
    /// Factor on the gradient: clipping.
    pub(crate) scale: f64,
    /// Added to the gradient for each unit of the parameter: Adam's decay.
    pub(crate) l2: f64,
    /// Factor on the parameter: AdamW's decay.
    pub(crate) shrink: f64,
}

/// `m = β₁ m + (1-β₁) g`, `v = β₂ v + (1-β₂) g²`, `p = p - rate · m / (√v / correction + ε)`
/// (Kingma & Ba 2015, arXiv:1412.6980; decay as Loshchilov & Hutter 2019, arXiv:1711.05101).
pub(crate) fn adam<R: Real>(
    kernel: Chosen,
    step: &AdamStep,
    values: &mut [R],
    gradient: &[R],
    means: &mut [R],
    squares: &mut [R],
) {
    let n = values.len();
    assert!(gradient.len() == n && means.len() == n && squares.len() == n, "{n} numbers each");
    R::dispatch(kernel, Adam { step, values, gradient, means, squares });
}

struct Adam<'a, R> {
    step: &'a AdamStep,
    values: &'a mut [R],
    gradient: &'a [R],
    means: &'a mut [R],
    squares: &'a mut [R],
}

impl<R: Real> Work<R> for Adam<'_, R> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self) {
        let Self { step, values, gradient, means, squares } = self;
        let splat = |x: f64| S::splat(R::of(x));
        let (beta1, beta2) = (splat(step.beta1), splat(step.beta2));
        let (rest1, rest2) = (splat(1.0 - step.beta1), splat(1.0 - step.beta2));
        let (rate, correction) = (splat(-step.rate), splat(1.0 / step.correction));
        let (epsilon, scale) = (splat(step.epsilon), splat(step.scale));
        let (l2, shrink) = (splat(step.l2), splat(step.shrink));
        for j in (0..values.len()).step_by(S::LANES) {
            let value: S = get(&values[j..]);
            let gradient = l2.mul_add(value, scale.mul(get(&gradient[j..])));
            let mean = beta1.mul_add(get(&means[j..]), rest1.mul(gradient));
            let square = beta2.mul_add(get(&squares[j..]), rest2.mul(gradient).mul(gradient));
            let change = mean.div(square.sqrt().mul_add(correction, epsilon));
            put(mean, &mut means[j..]);
            put(square, &mut squares[j..]);
            put(rate.mul_add(change, value.mul(shrink)), &mut values[j..]);
        }
    }
}

/// Work on two slices of one length, a vector at a time.
macro_rules! each {
    ($(#[$doc:meta])* $name:ident, $work:ident, |$a:ident, $b:ident| $body:expr) => {
        $(#[$doc])*
        pub(crate) fn $name<R: Real>(kernel: Chosen, to: &mut [R], from: &[R]) {
            assert_eq!(to.len(), from.len(), "numbers of both");
            R::dispatch(kernel, $work { to, from });
        }

        struct $work<'a, R> {
            to: &'a mut [R],
            from: &'a [R],
        }

        impl<R: Real> Work<R> for $work<'_, R> {
            type Out = ();

            #[inline(always)]
            fn run<S: Simd<R>>(self) {
                let Self { to, from } = self;
                for j in (0..to.len()).step_by(S::LANES) {
                    let ($a, $b): (S, S) = (get(&to[j..]), get(&from[j..]));
                    put($body, &mut to[j..]);
                }
            }
        }
    };
}

each!(
    /// `to += from`.
    add_to, AddTo, |a, b| a.add(b)
);
each!(
    /// `to = 0` where `from` is not above 0: the gradient of ReLU, given its output.
    relu_back, ReluBack, |a, b| a.mul(b.positive())
);

/// `to += factor · from`.
pub(crate) fn add_scaled<R: Real>(kernel: Chosen, to: &mut [R], factor: R, from: &[R]) {
    assert_eq!(to.len(), from.len(), "numbers of both");
    R::dispatch(kernel, AddScaled { to, factor, from });
}

struct AddScaled<'a, R> {
    to: &'a mut [R],
    factor: R,
    from: &'a [R],
}

impl<R: Real> Work<R> for AddScaled<'_, R> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self) {
        let Self { to, factor, from } = self;
        let factor = S::splat(factor);
        for j in (0..to.len()).step_by(S::LANES) {
            put(factor.mul_add(get(&from[j..]), get(&to[j..])), &mut to[j..]);
        }
    }
}

/// `x = max(x, 0)`; what is no number stays so.
pub(crate) fn relu<R: Real>(kernel: Chosen, values: &mut [R]) {
    R::dispatch(kernel, Relu(values));
}

struct Relu<'a, R>(&'a mut [R]);

impl<R: Real> Work<R> for Relu<'_, R> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self) {
        for j in (0..self.0.len()).step_by(S::LANES) {
            put(S::splat(R::ZERO).max(get(&self.0[j..])), &mut self.0[j..]);
        }
    }
}

/// `Σ x²`, in a fixed order.
pub(crate) fn square_sum<R: Real>(kernel: Chosen, values: &[R]) -> f64 {
    R::dispatch(kernel, SquareSum(values))
}

struct SquareSum<'a, R>(&'a [R]);

impl<R: Real> Work<R> for SquareSum<'_, R> {
    type Out = f64;

    #[inline(always)]
    fn run<S: Simd<R>>(self) -> f64 {
        // Pieces are added up in `f64`: a table of millions of squares would lose digits.
        const PIECE: usize = 1024;
        let mut total = 0.0;
        for piece in self.0.chunks(PIECE) {
            let mut squares = S::splat(R::ZERO);
            for j in (0..piece.len()).step_by(S::LANES) {
                let x: S = get(&piece[j..]);
                squares = x.mul_add(x, squares);
            }
            total += sum(squares).wide();
        }
        total
    }
}

/// `sums += Σ_rows values`, with `values` `[rows, sums.len()]`.
pub(crate) fn column_sums<R: Real>(kernel: Chosen, values: &[R], sums: &mut [R]) {
    R::dispatch(kernel, ColumnSums { values, sums });
}

struct ColumnSums<'a, R> {
    values: &'a [R],
    sums: &'a mut [R],
}

impl<R: Real> Work<R> for ColumnSums<'_, R> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self) {
        let Self { values, sums } = self;
        let n = sums.len();
        for row in values.chunks_exact(n) {
            for j in (0..n).step_by(S::LANES) {
                put(get::<R, S>(&sums[j..]).add(get(&row[j..])), &mut sums[j..]);
            }
        }
    }
}

/// `most = max(most, from)` for each column, and `peaks = at` where that came from `from`.
pub(crate) fn maxima<R: Real>(kernel: Chosen, most: &mut [R], peaks: &mut [u32], from: &[R], at: u32) {
    assert!(most.len() == from.len() && peaks.len() == from.len(), "columns of all");
    R::dispatch(kernel, Maxima { most, peaks, from, at });
}

struct Maxima<'a, R> {
    most: &'a mut [R],
    peaks: &'a mut [u32],
    from: &'a [R],
    at: u32,
}

impl<R: Real> Work<R> for Maxima<'_, R> {
    type Out = ();

    // The compiler finds the vectors for this one by itself.
    #[inline(always)]
    fn run<S: Simd<R>>(self) {
        for ((most, peak), &x) in self.most.iter_mut().zip(self.peaks).zip(self.from) {
            let larger = x > *most || is_nan(x); // what is no number must not be passed over
            *most = if larger { x } else { *most };
            *peak = if larger { self.at } else { *peak };
        }
    }
}

/// Whether `x` is no number: it alone differs from itself.
#[inline(always)]
fn is_nan<R: Real>(x: R) -> bool {
    x.partial_cmp(&x).is_none()
}
