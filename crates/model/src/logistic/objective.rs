//! The penalised mean log loss, its gradient, and a diagonal of its curvature.

use std::ops::Range;

use rayon::prelude::*;

use super::{class_counts, exp::exp_of_minus_abs, matrix::Matrix, outputs, real::Real};
use crate::{FitError, Targets, Training, reduce::chunks};

/// `(Σ weight · loss) / S + ‖w‖² / (2 C S)` with `S` the sum of the rows' weights: scikit-learn's
/// `LinearModelLoss` (`linear_model/_linear_loss.py`), so that its tolerances mean the same here.
///
/// Parameters: weights `[width, outputs]`, then intercepts `[outputs]`.
pub(super) struct Objective<'a, M, R> {
    training: &'a Training<'a, M>,
    outputs: usize,
    /// `S`.
    total: f64,
    /// `1 / (C S)`.
    penalty: f64,
    c: f64,
    parts: Vec<Part<R>>,
    /// The parameters in the precision of the work.
    narrow: Vec<R>,
}

/// Parts that the rows are cut into at most: each needs a gradient of its own.
const PARTS: usize = 8;

/// Entries that a part should have for each parameter: below, clearing and adding its gradient
/// would cost more than the part saves.
const ENTRIES_A_PARAMETER: usize = 4;

/// Rows that are multiplied, answered and added as one; a multiple of every [`Matrix::SIDE`].
const BLOCK: usize = 64;

/// Losses whose logarithms are taken as one: a product of 512 factors of at most 2 stays finite.
const BATCH: u32 = 512;

/// Value and gradient of a chunk; kept from evaluation to evaluation.
struct Part<R> {
    places: Range<usize>,
    loss: f64,
    gradient: Vec<R>,
}

/// Places that are multiplied, answered and added as one.
fn blocks(places: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let Range { start, end } = *places;
    (start..end).step_by(BLOCK).map(move |at| at..(at + BLOCK).min(end))
}

impl<'a, M: Matrix, R: Real> Objective<'a, M, R> {
    pub(super) fn new(training: &'a Training<'a, M>, c: f64) -> Result<Self, FitError> {
        let rows = training.rows.rows();
        let (others, what) = match training.targets {
            Targets::Hard(truth) | Targets::Within { truth, .. } => (truth.len(), "targets"),
            Targets::Soft(q) => (q.len() / training.classes.max(1), "targets"),
        };
        if others != rows {
            return Err(FitError::Length { rows, others, what });
        }
        if let Targets::Within { known, .. } = training.targets
            && known.len() != rows
        {
            return Err(FitError::Length { rows, others: known.len(), what: "sets of known classes" });
        }
        if let Some(weights) = training.weights
            && weights.len() != rows
        {
            return Err(FitError::Length { rows, others: weights.len(), what: "weights" });
        }
        if rows == 0 {
            return Err(FitError::Empty { why: "the training part is empty" });
        }
        let present: Vec<usize> = class_counts(training.targets, training.classes)
            .into_iter()
            .enumerate()
            .filter_map(|(class, n)| (n > 0.0).then_some(class))
            .collect();
        if present.len() < 2 {
            let names = present.iter().map(|class| format!("class {class}")).collect::<Vec<_>>().join(", ");
            return Err(FitError::OneClass { found: present.len(), names });
        }
        let total = training.weights.map_or(rows as f64, |w| w.iter().sum());
        if !(total > 0.0 && f64::is_finite(total)) {
            return Err(FitError::Empty { why: "every row has weight 0" });
        }
        let outputs = outputs(training.classes);
        let parameters = (training.rows.width() + 1) * outputs;
        let entries = training.rows.entries() * outputs;
        let parts = (entries / parameters / ENTRIES_A_PARAMETER).clamp(2, PARTS);
        Ok(Self {
            training,
            outputs,
            total,
            penalty: 1.0 / (c * total),
            c,
            parts: chunks(rows, rows.div_ceil(parts).next_multiple_of(M::SIDE))
                .into_iter()
                .map(|places| Part { places, loss: 0.0, gradient: Vec::new() })
                .collect(),
            narrow: Vec::new(),
        })
    }

    /// Number of parameters.
    pub(super) fn size(&self) -> usize {
        (self.training.rows.width() + 1) * self.outputs
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// What turns the mean objective into scikit-learn's sum.
    pub(super) fn scale(&self) -> f64 {
        self.c * self.total
    }

    /// The value at `at`; the gradient goes to `gradient`.
    pub(super) fn evaluate(&mut self, at: &[f64], gradient: &mut [f64]) -> f64 {
        let outputs = self.outputs;
        let (weights, intercepts) = at.split_at(self.size() - outputs);
        let factors = self.training.rows.factors();
        let (mut parts, mut narrow) = (std::mem::take(&mut self.parts), std::mem::take(&mut self.narrow));
        narrow.clear();
        match factors {
            None => narrow.extend(weights.iter().map(|&w| R::of(w))),
            Some(factors) => {
                for (weights, &factor) in weights.chunks_exact(outputs).zip(factors) {
                    narrow.extend(weights.iter().map(|&w| R::of(w * f64::from(factor))));
                }
            }
        }
        narrow.extend(intercepts.iter().map(|&b| R::of(b)));
        parts.par_iter_mut().for_each(|part| {
            part.gradient.clear();
            part.gradient.resize(at.len(), R::default());
            part.loss = if outputs == 1 { self.binary(&narrow, part) } else { self.softmax(&narrow, part) };
        });
        let loss = parts.iter().fold(0.0, |sum, part| sum + part.loss) / self.total;
        let sum = |piece: &mut [f64], base: usize| {
            piece.fill(0.0);
            for part in &parts {
                let from = &part.gradient[base..base + piece.len()];
                piece.iter_mut().zip(from).for_each(|(g, x)| *g += x.wide());
            }
            piece.iter_mut().for_each(|g| *g /= self.total);
        };
        let (slopes, last) = gradient.split_at_mut(weights.len());
        const COLUMNS: usize = 1 << 14;
        let squares: Vec<f64> = slopes
            .par_chunks_mut(COLUMNS * outputs)
            .zip(weights.par_chunks(COLUMNS * outputs))
            .enumerate()
            .map(|(i, (piece, weights))| {
                sum(piece, i * COLUMNS * outputs);
                if let Some(factors) = factors {
                    for (piece, &factor) in piece.chunks_exact_mut(outputs).zip(&factors[i * COLUMNS..]) {
                        piece.iter_mut().for_each(|g| *g *= f64::from(factor));
                    }
                }
                let mut square = 0.0;
                for (g, w) in piece.iter_mut().zip(weights) {
                    *g += self.penalty * w;
                    square += w * w;
                }
                square
            })
            .collect();
        sum(last, weights.len());
        (self.parts, self.narrow) = (parts, narrow);
        loss + 0.5 * self.penalty * squares.into_iter().sum::<f64>()
    }

    /// One over an upper estimate of the curvature of each parameter: rare features curve a
    /// thousand times less than frequent ones, and a step that minds this converges in a fraction
    /// of the iterations.
    pub(super) fn preconditioner(&self) -> Vec<f64> {
        // Half of p (1 - p) at the classes' equal share, where it is largest: what it comes to on
        // average once something is learned (it saves one evaluation in ten beside the whole).
        let share = 1.0 / self.training.classes as f64;
        let slope = 0.5 * share * (1.0 - share);
        let width = self.training.rows.width();
        let parts: Vec<Vec<f64>> = self
            .parts
            .par_iter()
            .map(|part| {
                let mut squares = vec![0.0; width];
                let mut weights = [0.0; BLOCK];
                for places in blocks(&part.places) {
                    let weights = &mut weights[..places.len()];
                    for (place, weight) in places.clone().zip(&mut *weights) {
                        *weight = self.weight(self.training.rows.row_at(place));
                    }
                    self.training.rows.scatter_squares(places, weights, &mut squares);
                }
                squares
            })
            .collect();
        let mut out = Vec::with_capacity(self.size());
        for column in 0..width {
            let factor = self.training.rows.factors().map_or(1.0, |factors| f64::from(factors[column]));
            let square = parts.iter().fold(0.0, |sum, part| sum + part[column]) * factor * factor;
            let inverse = 1.0 / (self.penalty + slope * square / self.total);
            out.extend(std::iter::repeat_n(inverse, self.outputs));
        }
        out.extend(std::iter::repeat_n(1.0 / slope, self.outputs));
        out
    }

    #[inline]
    fn weight(&self, row: usize) -> f64 {
        // Of two classes one alone is known: that teaches nothing.
        if self.outputs == 1 && !(self.knows(row, 0) && self.knows(row, 1)) {
            return 0.0;
        }
        self.training.weights.map_or(1.0, |w| w[row])
    }

    /// Share of class `class` in the target of `row`.
    #[inline]
    fn target(&self, row: usize, class: usize) -> f64 {
        match self.training.targets {
            Targets::Hard(truth) | Targets::Within { truth, .. } => {
                f64::from(u8::from(usize::from(truth[row]) == class))
            }
            Targets::Soft(q) => f64::from(q[row * self.training.classes + class]),
        }
    }

    /// Whether the label of `row` could have been `class`.
    #[inline]
    fn knows(&self, row: usize, class: usize) -> bool {
        match self.training.targets {
            Targets::Within { known, .. } => known[row] >> class.min(31) & 1 == 1,
            _ => true,
        }
    }

    /// Two classes, one output `z`: loss `ln(1 + eᶻ) - y z`.
    fn binary(&self, at: &[R], part: &mut Part<R>) -> f64 {
        let (weights, intercept) = at.split_at(at.len() - 1);
        let gradient = &mut part.gradient[..];
        let mut loss = LogSum::default();
        let mut bias = 0.0;
        // Row by row, each scatter would wait for its row's product, exponential and division; in
        // blocks these overlap, and a block's entries are still in the first cache when they return.
        let (mut residuals, mut exps) = ([0.0; BLOCK], [0.0; BLOCK]);
        for places in blocks(&part.places) {
            let (residuals, exps) = (&mut residuals[..places.len()], &mut exps[..places.len()]);
            residuals.fill(intercept[0].wide());
            self.training.rows.products(places.clone(), weights, residuals);
            exps.copy_from_slice(residuals);
            exp_of_minus_abs(exps);
            for (place, (z, &e)) in places.clone().zip(residuals.iter_mut().zip(&*exps)) {
                let row = self.training.rows.row_at(place);
                let (y, weight) = (self.target(row, 1), self.weight(row));
                // e⁻|ᶻ| never overflows; ln(1 + eᶻ) = max(z, 0) + ln(1 + e⁻|ᶻ|).
                let p = if *z >= 0.0 { 1.0 } else { e } / (1.0 + e);
                loss.add(weight, 1.0 + e, z.max(0.0) - y * *z);
                *z = weight * (p - y);
                bias += *z;
            }
            self.training.rows.scatter(places, residuals, gradient);
        }
        gradient[weights.len()] = R::of(bias);
        loss.total()
    }

    /// Softmax over `outputs` classes: loss `ln Σ eᶻ - Σ q z`, both sums over the classes that the row
    /// [knows](Targets::Within).
    fn softmax(&self, at: &[R], part: &mut Part<R>) -> f64 {
        let k = self.outputs;
        let (weights, intercepts) = at.split_at(at.len() - k);
        let gradient = &mut part.gradient[..];
        let mut loss = LogSum::default();
        let mut z = vec![0.0; k];
        let mut bias = vec![0.0; k];
        // Row by row, in their order: a part is then some rows, and not some places.
        for row in part.places.clone() {
            z.iter_mut().zip(intercepts).for_each(|(z, b)| *z = b.wide());
            self.training.rows.each(row, |column, value| {
                let w = &weights[column * k..][..k];
                z.iter_mut().zip(w).for_each(|(z, w)| *z += f64::from(value) * w.wide());
            });
            let weight = self.weight(row);
            for (class, z) in z.iter_mut().enumerate() {
                if !self.knows(row, class) {
                    *z = f64::NEG_INFINITY; // its exponential, its share and its error are then 0
                }
            }
            let most = z.iter().fold(f64::NEG_INFINITY, |m, &z| m.max(z));
            let (mut sum, mut linear) = (0.0, most);
            for (class, z) in z.iter_mut().enumerate() {
                let target = self.target(row, class);
                if target > 0.0 {
                    linear -= target * *z;
                }
                *z = libm::exp(*z - most);
                sum += *z;
            }
            loss.add(weight, sum, linear);
            for (class, z) in z.iter_mut().enumerate() {
                *z = weight * (*z / sum - self.target(row, class));
                bias[class] += *z;
            }
            self.training.rows.each(row, |column, value| {
                let g = &mut gradient[column * k..][..k];
                g.iter_mut().zip(&z).for_each(|(g, &r)| *g += R::of(r * f64::from(value)));
            });
        }
        gradient[weights.len()..].iter_mut().zip(bias).for_each(|(g, b)| *g = R::of(b));
        loss.total()
    }
}

/// `Σ weight (ln factor + linear)`, taking the logarithm of products of factors that share a
/// weight: a logarithm a row would cost as much as the rest of the row.
#[derive(Debug)]
struct LogSum {
    sum: f64,
    product: f64,
    weight: f64,
    factors: u32,
}

impl Default for LogSum {
    fn default() -> Self {
        Self { sum: 0.0, product: 1.0, weight: 1.0, factors: 0 }
    }
}

impl LogSum {
    #[inline]
    fn add(&mut self, weight: f64, factor: f64, linear: f64) {
        // Softmax factors reach the number of classes; flush long before the product overflows.
        if weight != self.weight || self.factors == BATCH || self.product > 1e200 {
            self.flush();
            self.weight = weight;
        }
        self.product *= factor;
        self.factors += 1;
        self.sum += weight * linear;
    }

    fn flush(&mut self) {
        self.sum += self.weight * libm::log(self.product);
        (self.product, self.factors) = (1.0, 0);
    }

    fn total(mut self) -> f64 {
        self.flush();
        self.sum
    }
}
