//! Probabilities that mean what they say: temperature scaling on out-of-fold logits.

use sentimeter_text::language::{Detection, Language};
use serde::{Deserialize, Serialize};

use crate::logistic::exp_of_minus_abs;
use crate::model::SURE;
use crate::reduce;

/// How a model's probabilities are calibrated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Calibration {
    /// As the model gives them.
    None,
    /// Logits are divided by `temperature` (above 0): one number, which changes no decision
    /// (Guo, Pleiss, Sun & Weinberger 2017, arXiv:1706.04599).
    Temperature {
        /// Above 1: the model was too sure of itself.
        temperature: f64,
    },
    /// The same with a number for each language that is told from others, by the text's own: what is much
    /// and good data in one language may be little in the next.
    Languages {
        /// English.
        en: f64,
        /// French.
        fr: f64,
        /// Arabic.
        ar: f64,
        /// Any other language, and texts whose own is not certain.
        other: f64,
    },
}

impl Calibration {
    /// What the logits of a text in `language` are multiplied by.
    pub fn scale(self, language: Language) -> f64 {
        match self {
            Self::None => 1.0,
            Self::Temperature { temperature } => 1.0 / temperature,
            Self::Languages { en, fr, ar, other } => match language {
                Language::En => 1.0 / en,
                Language::Fr => 1.0 / fr,
                Language::Ar => 1.0 / ar,
                Language::Other => 1.0 / other,
            },
        }
    }

    /// Whether the language of a text makes a difference.
    pub fn asks_language(self) -> bool {
        matches!(self, Self::Languages { .. })
    }

    /// Whether every temperature is a number above 0.
    pub(crate) fn is_sound(self) -> bool {
        [Language::En, Language::Fr, Language::Ar, Language::Other]
            .iter()
            .all(|&language| self.scale(language).is_finite() && self.scale(language) > 0.0)
    }

    /// The language that a text is calibrated by: [`Language::Other`] where it is not certain.
    pub fn language(found: Detection) -> Language {
        if found.confidence < SURE { Language::Other } else { found.language }
    }
}

/// Rows whose losses one thread adds.
const CHUNK: usize = 1 << 14;

/// The temperature that minimises the log loss of held-out `logits`, `[rows, outputs]` row-major,
/// one output for two classes; within `[1/20, 20]`. `None` when there are no rows.
///
/// Targets are drawn towards the middle by one row in all, as Platt (1999) does: rows that are all
/// answered right then ask for a confidence that so many rows can vouch for, not for certainty.
/// Newton's method on `1/T`, in which the loss is convex; bisection keeps it within the bounds.
pub fn temperature(logits: &[f64], outputs: usize, truth: &[u16]) -> Option<f64> {
    let (mut low, mut high) = (1.0 / 20.0, 20.0);
    let mut scale = 1.0;
    for _ in 0..60 {
        let (slope, curve) = slopes(logits, outputs, truth, scale)?;
        if slope > 0.0 {
            high = scale;
        } else {
            low = scale;
        }
        let newton = scale - slope / curve;
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        let still = (next - scale).abs() <= 1e-9 * scale;
        scale = next;
        if still {
            break;
        }
    }
    Some(1.0 / scale)
}

/// First and second derivative of the summed log loss by the logits' factor.
fn slopes(logits: &[f64], outputs: usize, truth: &[u16], scale: f64) -> Option<(f64, f64)> {
    // How much of each row's target goes to all classes alike.
    let shared = 1.0 / (truth.len() as f64 + 2.0);
    let chunk = |range: std::ops::Range<usize>| {
        let (mut slope, mut curve) = (0.0, 0.0);
        let mut exps = vec![0.0; outputs];
        for row in range {
            let z = &logits[row * outputs..(row + 1) * outputs];
            let class = usize::from(truth[row]);
            if let [z] = *z {
                let p = sigmoid(scale * z);
                let target = if class == 1 { 1.0 - 0.5 * shared } else { 0.5 * shared };
                slope += (p - target) * z;
                curve += p * (1.0 - p) * z * z;
            } else {
                let most = z.iter().fold(f64::NEG_INFINITY, |m, &z| m.max(z));
                let mut sum = 0.0;
                for (e, z) in exps.iter_mut().zip(z) {
                    *e = libm::exp(scale * (z - most));
                    sum += *e;
                }
                let mean = exps.iter().zip(z).map(|(e, z)| e * z).sum::<f64>() / sum;
                let square = exps.iter().zip(z).map(|(e, z)| e * z * z).sum::<f64>() / sum;
                let even = z.iter().sum::<f64>() / outputs as f64;
                slope += mean - (1.0 - shared) * z[class] - shared * even;
                curve += square - mean * mean;
            }
        }
        (slope, curve)
    };
    reduce(truth.len(), CHUNK, chunk, |a, b| (a.0 + b.0, a.1 + b.1))
}

/// `1 / (1 + e⁻ᶻ)`, which overflows nowhere.
#[inline]
pub(crate) fn sigmoid(z: f64) -> f64 {
    let mut exp = [z];
    exp_of_minus_abs(&mut exp);
    let [e] = exp;
    // No branch: nobody can foresee the side.
    let above = if z >= 0.0 { 1.0 } else { e };
    above / (1.0 + e)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits on a grid, and labels drawn so that the true log-odds are `factor` times the logit.
    fn drawn(factor: f64) -> (Vec<f64>, Vec<u16>) {
        let mut logits = Vec::new();
        let mut truth = Vec::new();
        for i in 0..200 {
            let z = f64::from(i) / 25.0 - 4.0;
            let positive = (sigmoid(factor * z) * 1000.0).round() as usize;
            for j in 0..1000 {
                logits.push(z);
                truth.push(u16::from(j < positive));
            }
        }
        (logits, truth)
    }

    #[test]
    fn finds_the_temperature_that_the_labels_were_drawn_with() {
        for factor in [0.25, 0.5, 1.0, 1.7] {
            let (logits, truth) = drawn(factor);
            let t = temperature(&logits, 1, &truth).unwrap();
            assert!((t * factor - 1.0).abs() < 0.01, "{factor}: {t}");
            // The same as a softmax over (0, z).
            let both: Vec<f64> = logits.iter().flat_map(|&z| [0.0, z]).collect();
            assert!((temperature(&both, 2, &truth).unwrap() - t).abs() < 1e-6);
        }
    }

    #[test]
    fn extreme_rows_get_a_temperature_within_bounds() {
        assert_eq!(temperature(&[], 1, &[]), None);
        // All right: as sure as two rows allow, and surer with more of them.
        let few = temperature(&[5.0, -5.0], 1, &[1, 0]).unwrap();
        let many = temperature(&[5.0, -5.0].repeat(1000), 1, &[1, 0].repeat(1000)).unwrap();
        assert!(sigmoid(5.0 / few) < 0.9 && sigmoid(5.0 / many) > 0.99, "{few} {many}");
        // Labels that have nothing to do with the logits: as little confidence as there is.
        let noise = temperature(&[3.0, -3.0].repeat(50), 1, &[1, 1].repeat(50)).unwrap();
        assert!((noise - 20.0).abs() < 1e-3, "{noise}");
    }
}
