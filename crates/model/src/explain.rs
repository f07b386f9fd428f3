//! Why a text got its label: what each token added, exactly.

use serde::Serialize;

use crate::neural::{Net, Neural, integrated_gradients};
use crate::{Body, Linear, Model, Scratch};

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
    /// What a text gets of which no token says anything, `[classes]`.
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
    /// Explains the logits of `text`.
    ///
    /// Linear models: an n-gram's part is shared evenly by its words; a character n-gram's goes to the word
    /// that holds it. Networks: integrated gradients; what the tokens do not explain is the answer to a text
    /// of the same length whose words say nothing, and a token that was cut off added nothing.
    pub fn explain(&self, text: &str, scratch: &mut Scratch) -> Explanation {
        match &self.body {
            Body::Linear(linear) => self.explain_linear(linear, text, scratch),
            Body::Neural(neural) => self.explain_neural(neural, text, scratch),
        }
    }

    fn explain_neural(&self, neural: &Neural, text: &str, scratch: &mut Scratch) -> Explanation {
        let (classes, mut tokens, mut ids) = (self.labels().len(), Vec::new(), Vec::new());
        self.analyzer.each(text, &mut scratch.neural.text, &mut |token, span| {
            ids.push(neural.vocabulary.id(token));
            tokens.push(Contribution {
                token: token.to_owned(),
                start: span.start,
                end: span.end,
                logits: vec![0.0; classes],
            });
        });
        let kept = neural.settings.cut.kept(ids.len(), neural.settings.length);
        let kept: Vec<usize> = kept.into_iter().flatten().collect();
        let read: Vec<u32> = kept.iter().map(|&at| ids[at]).collect();
        let parts = match &neural.net {
            Net::Recurrent(served) => integrated_gradients(served, classes, &read),
            Net::Cnn(served) => integrated_gradients(served, classes, &read),
        };
        for (&at, logits) in kept.iter().zip(parts.tokens.chunks_exact(classes)) {
            tokens[at].logits.copy_from_slice(logits);
        }
        Explanation { bias: parts.base, tokens }
    }

    fn explain_linear(&self, linear: &Linear, text: &str, scratch: &mut Scratch) -> Explanation {
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

        let mut found = Vec::new();
        let tokens =
            linear.vocabulary.occurrences(&self.analyzer, text, &mut scratch.group, |node, first, n| {
                found.push((node, first, n));
            });
        let mut nodes: Vec<u32> = found.iter().map(|&(node, ..)| node).collect();
        // A value belongs to all occurrences of its n-gram together.
        let shares = linear.shares(&mut nodes);
        let mut tokens: Vec<Contribution> = tokens
            .into_iter()
            .map(|(token, span)| Contribution {
                token,
                start: span.start,
                end: span.end,
                logits: vec![0.0; classes],
            })
            .collect();
        let mut output = vec![0.0; linear.outputs()];
        for (node, first, n) in found {
            let share = nodes.binary_search(&node).map_or(0.0, |at| shares[at]) / n as f64;
            output.iter_mut().zip(linear.weights(node)).for_each(|(z, w)| *z = f64::from(w));
            for token in &mut tokens[first..first + n] {
                spread(&output, share, &mut token.logits);
            }
        }
        Explanation { bias, tokens }
    }
}
