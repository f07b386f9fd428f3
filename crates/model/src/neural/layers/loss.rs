//! Softmax and cross-entropy, with class weights and label smoothing as PyTorch's `CrossEntropyLoss`.

use crate::neural::kernel::Real;

/// What a row should be answered with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// A class.
    Class(u16),
    /// A distribution, `[classes]`.
    Share(&'a [f32]),
}

/// Settings of the loss.
#[derive(Debug, Clone)]
pub(crate) struct CrossEntropy {
    /// How much each class counts, `[classes]`.
    pub(crate) weights: Vec<f64>,
    /// Share `ε` of the target that goes evenly to all classes, within `[0, 1)`.
    pub(crate) smoothing: f64,
}

impl CrossEntropy {
    /// How much a row counts by its class: what the losses of a batch are divided by, added up.
    pub(crate) fn weight(&self, target: Target<'_>) -> f64 {
        match target {
            Target::Class(y) => self.weights[usize::from(y)],
            Target::Share(q) => q.iter().zip(&self.weights).map(|(&q, w)| f64::from(q) * w).sum(),
        }
    }

    /// The loss of one row, `share · -Σ w q ln p` with `p = softmax(logits)`, `q` the target, smoothed to
    /// `(1-ε) q + ε / classes`, and `w` the class weights. The logits are overwritten by its gradient,
    /// `share · (p Σ w q - w q)`.
    pub(crate) fn row<R: Real>(&self, logits: &mut [R], target: Target<'_>, share: f64) -> f64 {
        let classes = logits.len() as f64;
        let most = logits.iter().fold(f64::NEG_INFINITY, |most, z| most.max(z.wide()));
        let sum: f64 = logits.iter().map(|z| libm::exp(z.wide() - most)).sum();
        let log_sum = libm::log(sum);
        let wanted = |class: usize| {
            let hard = match target {
                Target::Class(y) => f64::from(u8::from(usize::from(y) == class)),
                Target::Share(q) => f64::from(q[class]),
            };
            self.weights[class] * ((1.0 - self.smoothing) * hard + self.smoothing / classes)
        };
        let total: f64 = (0..logits.len()).map(wanted).sum();
        let mut loss = 0.0;
        for (class, z) in logits.iter_mut().enumerate() {
            let log_p = z.wide() - most - log_sum;
            let wanted = wanted(class);
            // 0 ln 0 = 0
            loss -= if wanted > 0.0 { wanted * log_p } else { 0.0 };
            *z = R::of(share * (libm::exp(log_p) * total - wanted));
        }
        // The largest of numbers that are none looks like one; their sum does not.
        if sum.is_finite() { share * loss } else { f64::NAN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let logits = [0.3, -1.2, 2.0];
        for (weights, smoothing) in [([1.0, 1.0, 1.0], 0.0), ([0.5, 2.0, 1.0], 0.1)] {
            let loss = CrossEntropy { weights: weights.to_vec(), smoothing };
            for target in [Target::Class(1), Target::Share(&[0.25, 0.0, 0.75])] {
                let value = |logits: [f64; 3]| loss.row(&mut logits.clone(), target, 0.7);
                let mut gradient = logits;
                loss.row(&mut gradient, target, 0.7);
                for i in 0..3 {
                    let (mut more, mut less) = (logits, logits);
                    more[i] += 1e-5;
                    less[i] -= 1e-5;
                    let want = (value(more) - value(less)) / 2e-5;
                    assert!((gradient[i] - want).abs() < 1e-9, "{target:?} {i}: {} {want}", gradient[i]);
                }
            }
        }
    }

    #[test]
    fn logits_however_large_give_a_loss_and_what_is_no_number_gives_none() {
        let loss = CrossEntropy { weights: vec![1.0; 2], smoothing: 0.0 };
        assert_eq!(loss.row(&mut [1e30_f32, -1e30], Target::Class(0), 1.0), 0.0);
        assert!(loss.row(&mut [f32::NAN, 0.0], Target::Class(0), 1.0).is_nan());
        assert!(loss.row(&mut [f32::INFINITY, 0.0], Target::Class(0), 1.0).is_nan());
    }
}
