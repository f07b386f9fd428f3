//! Softmax and cross-entropy, with class weights and label smoothing as PyTorch's `CrossEntropyLoss`.

use crate::neural::kernel::Real;

/// What a row should be answered with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// A class.
    Class(u16),
    /// A class among those with a bit; bit 31 stands for all from the 32nd on.
    Among(u16, u32),
    /// A distribution, `[classes]`.
    Share(&'a [f32]),
}

impl Target<'_> {
    /// Whether the row could have had this class.
    pub(crate) fn among(&self, class: usize) -> bool {
        match self {
            Self::Among(_, known) => known >> class.min(31) & 1 == 1,
            _ => true,
        }
    }
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
            Target::Class(y) | Target::Among(y, _) => self.weights[usize::from(y)],
            Target::Share(q) => q.iter().zip(&self.weights).map(|(&q, w)| f64::from(q) * w).sum(),
        }
    }

    /// The loss of one row, `share · -Σ w q ln p` with `p = softmax(logits)`, `q` the target, smoothed to
    /// `(1-ε) q + ε / classes`, and `w` the class weights. The logits are overwritten by its gradient,
    /// `share · (p Σ w q - w q)`. Where a row could have had some of the classes alone, the others are not
    /// there: `p` and what is smoothed go over those that are.
    pub(crate) fn row<R: Real>(&self, logits: &mut [R], target: Target<'_>, share: f64) -> f64 {
        let among = |class: usize| target.among(class);
        let classes = (0..logits.len()).filter(|&class| among(class)).count() as f64;
        let known = || logits.iter().enumerate().filter(|&(class, _)| among(class)).map(|(_, z)| z.wide());
        let most = known().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = known().map(|z| libm::exp(z - most)).sum();
        let log_sum = libm::log(sum);
        let wanted = |class: usize| {
            if !among(class) {
                return 0.0;
            }
            let hard = match target {
                Target::Class(y) | Target::Among(y, _) => f64::from(u8::from(usize::from(y) == class)),
                Target::Share(q) => f64::from(q[class]),
            };
            self.weights[class] * ((1.0 - self.smoothing) * hard + self.smoothing / classes)
        };
        let total: f64 = (0..logits.len()).map(wanted).sum();
        let mut loss = 0.0;
        for (class, z) in logits.iter_mut().enumerate() {
            if !among(class) {
                *z = R::ZERO;
                continue;
            }
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
            for target in [Target::Class(1), Target::Share(&[0.25, 0.0, 0.75]), Target::Among(1, 0b110)] {
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
    fn a_class_that_a_row_could_not_have_had_is_not_there() {
        let loss = CrossEntropy { weights: vec![1.0; 3], smoothing: 0.1 };
        let (mut three, mut two) = ([0.3, 40.0, -1.0], [0.3, -1.0]);
        let among = loss.row(&mut three, Target::Among(2, 0b101), 1.0);
        let alone =
            CrossEntropy { weights: vec![1.0; 2], smoothing: 0.1 }.row(&mut two, Target::Class(1), 1.0);
        assert_eq!((among, three[0], three[1], three[2]), (alone, two[0], 0.0, two[1]));
    }

    #[test]
    fn logits_however_large_give_a_loss_and_what_is_no_number_gives_none() {
        let loss = CrossEntropy { weights: vec![1.0; 2], smoothing: 0.0 };
        assert_eq!(loss.row(&mut [1e30_f32, -1e30], Target::Class(0), 1.0), 0.0);
        assert!(loss.row(&mut [f32::NAN, 0.0], Target::Class(0), 1.0).is_nan());
        assert!(loss.row(&mut [f32::INFINITY, 0.0], Target::Class(0), 1.0).is_nan());
    }
}
