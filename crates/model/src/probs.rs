//! Probabilities of the classes, row by row.

use sentimeter_text::language::Language;

use crate::calibration::{Calibration, sigmoid};
use crate::logistic::outputs;

/// Probabilities, shape `[rows, classes]`, row-major; each row sums to 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Probs {
    classes: usize,
    values: Vec<f32>,
}

impl Probs {
    /// No rows yet, `classes` columns.
    pub fn new(classes: usize) -> Self {
        Self { classes, values: Vec::new() }
    }

    /// Wraps `values`, `[rows, classes]`.
    ///
    /// # Panics
    /// When `values` is no whole number of rows: a programming error.
    pub fn from_values(classes: usize, values: Vec<f32>) -> Self {
        assert!(classes > 0 && values.len().is_multiple_of(classes), "rows of {classes} classes");
        Self { classes, values }
    }

    /// Turns `logits`, `[rows, outputs]` with one output for two classes, into probabilities; of a calibration
    /// by language, the one for any other.
    pub fn from_logits(logits: &[f64], classes: usize, calibration: Calibration) -> Self {
        let mut probs = Self::new(classes);
        let mut row = Vec::new();
        let scale = calibration.scale(Language::Other);
        for logits in logits.chunks_exact(outputs(classes)) {
            row.clear();
            row.extend_from_slice(logits);
            probs.push_logits(&mut row, scale);
        }
        probs
    }

    /// Adds a row of logits times `scale`; `logits` is used up.
    #[inline]
    pub(crate) fn push_logits(&mut self, logits: &mut [f64], scale: f64) {
        if let [z] = *logits {
            let p = sigmoid(scale * z) as f32;
            self.values.extend([1.0 - p, p]);
        } else {
            let most = logits.iter().fold(f64::NEG_INFINITY, |m, &z| m.max(z));
            let mut sum = 0.0;
            for z in logits.iter_mut() {
                *z = libm::exp(scale * (*z - most));
                sum += *z;
            }
            self.values.extend(logits.iter().map(|e| (e / sum) as f32));
        }
    }

    pub(crate) fn append(&mut self, other: &mut Self) {
        self.values.append(&mut other.values);
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.classes).unwrap_or(0)
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Row `i`, `[classes]`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.classes..(i + 1) * self.classes]
    }

    /// All values, `[rows, classes]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The rows `rows`, in that order.
    ///
    /// # Panics
    /// When a row is past the end.
    pub fn select(&self, rows: &[usize]) -> Self {
        let values = rows.iter().flat_map(|&row| self.row(row)).copied().collect();
        Self { classes: self.classes, values }
    }

    /// The most likely class of row `i` and its probability; the first of equals.
    pub fn top(&self, i: usize) -> (u16, f32) {
        let mut best = (0_u16, f32::NEG_INFINITY);
        for (class, &p) in (0_u16..).zip(self.row(i)) {
            if p > best.1 {
                best = (class, p);
            }
        }
        best
    }
}
