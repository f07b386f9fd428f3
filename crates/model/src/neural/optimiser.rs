//! Adam and AdamW, the learning rate's course, and the gradient's clipping.

use serde::{Deserialize, Serialize};

use super::kernel::AdamStep;
use crate::SettingError;

/// Which rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// Kingma & Ba 2015; decay is added to the gradient.
    #[default]
    Adam,
    /// Loshchilov & Hutter 2019; decay shrinks the parameters themselves.
    AdamW,
}

/// How the learning rate goes on after its warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// As it is.
    #[default]
    None,
    /// Straight down to 0 at the last step.
    Linear,
    /// Half a cosine down to 0 at the last step.
    Cosine,
}

/// Settings of the optimiser.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Optimiser {
    /// Which rule.
    pub(crate) rule: Rule,
    /// Learning rate, above 0.
    pub(crate) learning_rate: f64,
    /// Shares of the old means of gradients and of their squares, within `[0, 1)`.
    pub(crate) betas: [f64; 2],
    /// Keeps the quotient finite, above 0.
    pub(crate) epsilon: f64,
    /// Strength of the decay, 0 or more.
    pub(crate) weight_decay: f64,
    /// Gradients longer than this are shortened to it; 0 lets them be.
    pub(crate) clip_norm: f64,
    /// Share of all steps in which the rate rises from 0, within `[0, 1)`.
    pub(crate) warmup: f64,
    /// What it does after that.
    pub(crate) decay: Decay,
}

impl Default for Optimiser {
    fn default() -> Self {
        Self {
            rule: Rule::Adam,
            learning_rate: 1e-3,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.0,
            clip_norm: 0.0,
            warmup: 0.0,
            decay: Decay::None,
        }
    }
}

impl Optimiser {
    /// # Errors
    /// A setting outside its range.
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        let positive = |name, x: f64| match x.is_finite() && x > 0.0 {
            true => Ok(()),
            false => Err(SettingError::new(name, "finite and above 0", x)),
        };
        let share = |name, x: f64| match (0.0..1.0).contains(&x) {
            true => Ok(()),
            false => Err(SettingError::new(name, "0 or more and below 1", x)),
        };
        positive("neural.learning_rate", self.learning_rate)?;
        positive("neural.epsilon", self.epsilon)?;
        share("neural.warmup", self.warmup)?;
        self.betas.iter().try_for_each(|&beta| share("neural.betas", beta))?;
        for (name, x) in [("neural.weight_decay", self.weight_decay), ("neural.clip_norm", self.clip_norm)] {
            if !(x.is_finite() && x >= 0.0) {
                return Err(SettingError::new(name, "finite and 0 or more", x));
            }
        }
        Ok(())
    }

    /// The learning rate of step `step` of `total`, counted from 1.
    pub(crate) fn rate(&self, step: u64, total: u64) -> f64 {
        let (at, total) = (step as f64, total.max(1) as f64);
        let warm = (self.warmup * total).floor();
        if at <= warm {
            return self.learning_rate * at / warm;
        }
        // 0 at the first step after the warm-up, 1 behind the last.
        let gone = ((at - warm - 1.0) / (total - warm)).clamp(0.0, 1.0);
        self.learning_rate
            * match self.decay {
                Decay::None => 1.0,
                Decay::Linear => 1.0 - gone,
                Decay::Cosine => 0.5 * (1.0 + libm::cos(std::f64::consts::PI * gone)),
            }
    }

    /// What step `step`, counted from 1, does with a gradient whose length is `norm`.
    pub(crate) fn step(&self, step: u64, total: u64, norm: f64) -> AdamStep {
        let [beta1, beta2] = self.betas;
        let rate = self.rate(step, total);
        let corrected = |beta: f64| 1.0 - libm::pow(beta, step as f64);
        let (l2, shrink) = match self.rule {
            Rule::Adam => (self.weight_decay, 1.0),
            Rule::AdamW => (0.0, 1.0 - rate * self.weight_decay),
        };
        AdamStep {
            beta1,
            beta2,
            rate: rate / corrected(beta1),
            correction: corrected(beta2).sqrt(),
            epsilon: self.epsilon,
            // As PyTorch's `clip_grad_norm_`.
            scale: if self.clip_norm > 0.0 { (self.clip_norm / (norm + 1e-6)).min(1.0) } else { 1.0 },
            l2,
            shrink,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_and_falls() {
        let rates = |decay| {
            let optimiser = Optimiser { learning_rate: 1.0, warmup: 0.4, decay, ..Optimiser::default() };
            (1..=10).map(|step| (optimiser.rate(step, 10) * 100.0).round()).collect::<Vec<f64>>()
        };
        assert_eq!(rates(Decay::None), [25.0, 50.0, 75.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0]);
        assert_eq!(rates(Decay::Linear), [25.0, 50.0, 75.0, 100.0, 100.0, 83.0, 67.0, 50.0, 33.0, 17.0]);
        assert_eq!(rates(Decay::Cosine), [25.0, 50.0, 75.0, 100.0, 100.0, 93.0, 75.0, 50.0, 25.0, 7.0]);
    }

    #[test]
    fn long_gradients_are_shortened_and_others_are_not() {
        let optimiser = Optimiser { clip_norm: 2.0, ..Optimiser::default() };
        assert!((optimiser.step(1, 1, 8.0).scale - 0.25).abs() < 1e-6);
        assert_eq!(optimiser.step(1, 1, 1.0).scale, 1.0);
        assert_eq!(Optimiser::default().step(1, 1, 1e9).scale, 1.0);
    }

    #[test]
    fn settings_outside_their_range_are_refused_by_name() {
        let wrong = |change: &dyn Fn(&mut Optimiser)| {
            let mut optimiser = Optimiser::default();
            change(&mut optimiser);
            optimiser.check().unwrap_err().name
        };
        assert_eq!(wrong(&|o| o.learning_rate = 0.0), "neural.learning_rate");
        assert_eq!(wrong(&|o| o.betas[1] = 1.0), "neural.betas");
        assert_eq!(wrong(&|o| o.clip_norm = f64::NAN), "neural.clip_norm");
        assert!(Optimiser::default().check().is_ok());
    }
}
