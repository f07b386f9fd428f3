//! Why a text got its label: what each token added, exactly.

use serde::Serialize;

use crate::{Body, Model, Scratch};

/// A token and what it added.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    /// The token as the model sees it.
    pub token: String,
    /// First byte of the original text that the token came from.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What it added to each class's logit, `[classes]`.
    pub logits: Vec<f64>,
}

/// The parts of a text's logits: `bias` and all tokens' `logits` add up to them.
///
/// Logits are those before calibration, one a class; two classes share theirs evenly, `[-z/2, z/2]`,
/// so that their softmax is the model's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// What an empty text gets, `[classes]`.
    pub bias: Vec<f64>,
    /// The tokens in the order of the text.
    pub tokens: Vec<Contribution>,
}

impl Explanation {
    /// Logits of the whole text, `[classes]`.
    pub fn logits(&self) -> Vec<f64> {
        let mut out = self.bias.clone();
        for token in &self.tokens {
            out.iter_mut().zip(&token.logits).for_each(|(sum, x)| *sum += x);
        }
        out
    }
}

impl Model {
    /// Explains the logits of `text`. An n-gram's part is shared evenly by its words; a character
    /// n-gram's goes to the word that holds it.
    pub fn explain(&self, text: &str, scratch: &mut Scratch) -> Explanation {
        let Body::Linear(linear) = &self.body;
        let classes = self.labels().len();
        let spread = |output: &[f64], factor: f64, into: &mut [f64]| {
            if let ([z], [negative, positive]) = (output, &mut *into) {
                *negative -= 0.5 * factor * z;
                *positive += 0.5 * factor * z;
            } else {
                into.iter_mut().zip(output).for_each(|(sum, z)| *sum += factor * z);
            }
        };
        let mut bias = vec![0.0; classes];
        spread(&linear.intercepts, 1.0, &mut bias);

        linear.vectorizer.transform(&self.analyzer, text, &mut scratch.features);
        let columns = std::mem::take(&mut scratch.features.columns);
        let values = std::mem::take(&mut scratch.features.values);
        let mut counts = vec![0_u32; columns.len()];
        let mut found = Vec::new();
        let tokens =
            linear.vectorizer.occurrences(&self.analyzer, text, &mut scratch.features, |c, first, n| {
                if let Ok(at) = columns.binary_search(&c) {
                    counts[at] += 1;
                    found.push((at, first, n));
                }
            });
        let mut tokens: Vec<Contribution> = tokens
            .into_iter()
            .map(|(token, span)| Contribution {
                token,
                start: span.start,
                end: span.end,
                logits: vec![0.0; classes],
            })
            .collect();
        let k = linear.outputs();
        let mut output = vec![0.0; k];
        for (at, first, n) in found {
            // A value belongs to all occurrences of its n-gram together.
            let share = f64::from(values[at]) / f64::from(counts[at]) / n as f64;
            let weights = &linear.weights[columns[at] as usize * k..][..k];
            output.iter_mut().zip(weights).for_each(|(z, &w)| *z = f64::from(w));
            for token in &mut tokens[first..first + n] {
                spread(&output, share, &mut token.logits);
            }
        }
        scratch.features.columns = columns;
        scratch.features.values = values;
        Explanation { bias, tokens }
    }
}
