//! Integrated gradients: what each token added to the logits (Sundararajan, Taly & Yan 2017,
//! arXiv:1703.01365).
//!
//! A token's part of logit `z` is `Σ_d x_d ∫₀¹ ∂z/∂x_d (α x) dα`: all words' vectors grow together from
//! zero to what they are. The parts add up to `z(x) - z(0)`.

use super::engine::Shard;
use super::layers::embedding::look_up;
use super::networks::Network;
use super::serve::Served;

/// Points of the integral at first; they are doubled until the parts add up.
const FIRST: usize = 32;
/// Points at most.
const MOST: usize = 1024;
/// Points that pass through the network together.
const TOGETHER: usize = 64;
/// The sum may differ by this share of the difference before more points are taken.
const NEAR: f64 = 0.005;

/// Parts of a text's logits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parts {
    /// Logits of a text of the same length whose words have zero vectors, `[classes]`.
    pub(crate) base: Vec<f64>,
    /// Each token's part, `[tokens, classes]`.
    pub(crate) tokens: Vec<f64>,
    /// How far the sums were off before what was left over was shared out, as a share of the difference.
    pub(crate) off: f64,
}

/// Parts of the logits of the text `ids`.
pub(crate) fn parts<N: Network<f32>>(served: &Served<N>, classes: usize, ids: &[u32]) -> Parts {
    let mut shard = Shard::<f32, N::Tape>::default();
    let wide = |logits: &[f32]| logits.iter().map(|&z| f64::from(z)).collect::<Vec<f64>>();
    let table = (&served.table[..], served.width);
    let whole = wide(shard.logits(served.kernel, &served.network, &served.ready, table, &[ids]));
    let nothing = vec![super::layers::embedding::PADDING; ids.len()];
    let base = wide(shard.logits(served.kernel, &served.network, &served.ready, table, &[&nothing]));
    let mut points = FIRST;
    loop {
        let mut tokens = integral(served, classes, ids, points);
        let mut off = 0.0_f64;
        let mut missing = Vec::new();
        let size = (0..classes).map(|c| (whole[c] - base[c]).abs()).fold(0.0, f64::max);
        for class in 0..classes {
            let sum: f64 = tokens.iter().skip(class).step_by(classes).sum();
            missing.push(whole[class] - base[class] - sum);
            // Single precision has seven digits: below that there is nothing to be nearer to.
            off = off.max(missing[class].abs() / (size + 1e-4));
        }
        if off > NEAR && points < MOST {
            points *= 2;
            continue;
        }
        // What is left over goes to the tokens by their share, so that all is accounted for.
        for (class, missing) in missing.into_iter().enumerate() {
            let of_class = || (class..ids.len() * classes).step_by(classes);
            let total: f64 = of_class().map(|at| tokens[at].abs()).sum();
            for at in of_class() {
                let even = 1.0 / ids.len() as f64;
                let share = if total > 0.0 { tokens[at].abs() / total } else { even };
                tokens[at] += missing * share;
            }
        }
        return Parts { base, tokens, off };
    }
}

/// The integral by the midpoint rule, `[tokens, classes]`.
fn integral<N: Network<f32>>(served: &Served<N>, classes: usize, ids: &[u32], points: usize) -> Vec<f64> {
    let (network, kernel, width) = (&served.network, served.kernel, served.width);
    let mut sums = vec![0.0; ids.len() * classes];
    let (mut arranged, mut full, mut logits, mut dx) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut tape = N::Tape::default();
    for first in (0..points).step_by(TOGETHER) {
        let some = TOGETHER.min(points - first);
        network.arrange(&vec![ids; some], &mut arranged, &mut tape);
        look_up(&served.table, width, &arranged, &mut full);
        let mut x = full.clone();
        for copy in 0..some {
            let alpha = ((first + copy) as f64 + 0.5) / points as f64;
            for at in 0..ids.len() {
                let place = network.place(copy, at, &tape) * width;
                x[place..place + width].iter_mut().for_each(|x| *x *= alpha as f32);
            }
        }
        for class in 0..classes {
            network.forward(kernel, served.back(), &x, None, &mut logits, &mut tape);
            logits.fill(0.0);
            logits.iter_mut().skip(class).step_by(classes).for_each(|d| *d = 1.0);
            network.backward(kernel, served.back(), &x, None, &mut logits, Some(&mut dx), None, &mut tape);
            for copy in 0..some {
                for at in 0..ids.len() {
                    let place = network.place(copy, at, &tape) * width;
                    let (x, dx) = (&full[place..place + width], &dx[place..place + width]);
                    let part: f64 = x.iter().zip(dx).map(|(&x, &d)| f64::from(x) * f64::from(d)).sum();
                    sums[at * classes + class] += part / points as f64;
                }
            }
        }
    }
    sums
}
