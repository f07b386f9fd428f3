//! What L-BFGS remembers, and the direction that it makes of it.

use std::ops::Range;

use rayon::prelude::*;

use super::real::Real;
use super::vector::lanes;
use crate::reduce;

/// Steps remembered.
const STEPS: usize = 10;

/// Entries that are handled as one: those of all remembered vectors fit a second-level cache.
const CHUNK: usize = 4096;

/// The last steps `s`, the changes of gradient `y` over them, and their inner products.
///
/// The two-loop recursion walks through all of `s` and `y` twice, with an inner product between any
/// two strides. All that it takes of them are inner products and one sum of multiples at the end; so
/// these products are kept as numbers (Chen, Wang & Zhou 2014, "Large-scale L-BFGS using MapReduce")
/// and a direction reads the vectors twice in all: half of the optimiser's own time.
pub(super) struct Memory<R> {
    /// `H`, the diagonal inverse Hessian to start from.
    inverse: Vec<f64>,
    /// Oldest first, at most [`STEPS`].
    pairs: Vec<Pair<R>>,
    /// A pair that fell out, for its room.
    spare: Option<Pair<R>>,
}

struct Pair<R> {
    s: Vec<R>,
    y: Vec<R>,
    /// `sᵀ yⱼ` and `yᵀ sⱼ`, `yᵀ H yⱼ` for every pair `j` up to this one.
    products: Vec<Products>,
}

/// Inner products of one pair with an earlier one, or itself.
#[derive(Clone, Copy, Default)]
struct Products {
    /// `sᵀ yⱼ`.
    sy: f64,
    /// `yᵀ sⱼ`.
    ys: f64,
    /// `yᵀ H yⱼ`.
    yhy: f64,
}

impl<R: Real> Memory<R> {
    pub(super) fn new(inverse: Vec<f64>) -> Self {
        Self { inverse, pairs: Vec::with_capacity(STEPS), spare: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.pairs.clear();
    }

    /// Remembers the step between two places and the change of gradient over it, unless the function
    /// curves downwards along it.
    pub(super) fn remember(&mut self, at: [&[f64]; 2], gradient: [&[f64]; 2]) {
        if self.pairs.len() == STEPS {
            self.spare = Some(self.pairs.remove(0));
            for pair in &mut self.pairs {
                pair.products.remove(0);
            }
        }
        let mut new = self.spare.take().unwrap_or_else(|| Pair {
            s: vec![R::default(); self.inverse.len()],
            y: vec![R::default(); self.inverse.len()],
            products: Vec::new(),
        });
        let parts: Vec<Vec<Products>> = new
            .s
            .par_chunks_mut(CHUNK)
            .zip(new.y.par_chunks_mut(CHUNK))
            .enumerate()
            .map(|(i, (s, y))| {
                let range = i * CHUNK..i * CHUNK + s.len();
                difference(s, at.map(|x| &x[range.clone()]));
                difference(y, gradient.map(|x| &x[range.clone()]));
                let inverse = &self.inverse[range.clone()];
                let hy: Vec<f64> = y.iter().zip(inverse).map(|(y, h)| y.wide() * h).collect();
                let own = Products { sy: lanes(s, y), ys: lanes(y, s), yhy: lanes(y, &hy) };
                self.pairs
                    .iter()
                    .map(|old| {
                        let (old_s, old_y) = (&old.s[range.clone()], &old.y[range.clone()]);
                        Products { sy: lanes(s, old_y), ys: lanes(y, old_s), yhy: lanes(old_y, &hy) }
                    })
                    .chain(std::iter::once(own))
                    .collect()
            })
            .collect();
        new.products.clear();
        new.products.resize(self.pairs.len() + 1, Products::default());
        for part in parts {
            for (sum, x) in new.products.iter_mut().zip(part) {
                *sum = Products { sy: sum.sy + x.sy, ys: sum.ys + x.ys, yhy: sum.yhy + x.yhy };
            }
        }
        if new.products.last().is_some_and(|own| own.sy > 0.0) {
            self.pairs.push(new);
        } else {
            self.spare = Some(new);
        }
    }

    /// Writes `-B g` to `direction`, with `B` the inverse Hessian that the pairs suggest (the
    /// two-loop recursion).
    pub(super) fn direction(&self, gradient: &[f64], direction: &mut [f64]) {
        let (along_s, along_y) = self.slopes(gradient);
        let n = self.pairs.len();
        // The first loop: q = g - Σ αⱼ yⱼ, the latest first.
        let mut alphas = vec![0.0; n];
        for i in (0..n).rev() {
            let later: f64 = (i + 1..n).map(|j| alphas[j] * self.pairs[j].products[i].ys).sum();
            alphas[i] = (along_s[i] - later) / self.own(i).sy;
        }
        let gamma = n.checked_sub(1).map_or(1.0, |last| self.own(last).sy / self.own(last).yhy);
        // The second loop: r = γ H q + Σ δⱼ sⱼ with δ = α - β, the oldest first.
        let mut deltas = vec![0.0; n];
        for i in 0..n {
            let without: f64 = along_y[i] - (0..n).map(|j| alphas[j] * self.yhy(i, j)).sum::<f64>();
            let earlier: f64 = (0..i).map(|j| deltas[j] * self.pairs[i].products[j].ys).sum();
            deltas[i] = alphas[i] - (gamma * without + earlier) / self.own(i).sy;
        }
        direction.par_chunks_mut(CHUNK).enumerate().for_each(|(i, out)| {
            let range = i * CHUNK..i * CHUNK + out.len();
            out.copy_from_slice(&gradient[range.clone()]);
            for (pair, alpha) in self.pairs.iter().zip(&alphas) {
                add_scaled(out, -alpha, &pair.y[range.clone()]);
            }
            for (x, h) in out.iter_mut().zip(&self.inverse[range.clone()]) {
                *x *= -gamma * h;
            }
            for (pair, delta) in self.pairs.iter().zip(&deltas) {
                add_scaled(out, -delta, &pair.s[range.clone()]);
            }
        });
    }

    /// `sᵢᵀ g` and `yᵢᵀ H g` of every pair.
    fn slopes(&self, gradient: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let of = |range: Range<usize>| -> (Vec<f64>, Vec<f64>) {
            let g = &gradient[range.clone()];
            let hg: Vec<f64> = g.iter().zip(&self.inverse[range.clone()]).map(|(g, h)| g * h).collect();
            self.pairs
                .iter()
                .map(|pair| (lanes(&pair.s[range.clone()], g), lanes(&pair.y[range.clone()], &hg)))
                .unzip()
        };
        let add = |mut a: Vec<f64>, b: Vec<f64>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        reduce(gradient.len(), CHUNK, of, |a, b| (add(a.0, b.0), add(a.1, b.1))).unwrap_or_default()
    }

    fn own(&self, i: usize) -> Products {
        self.pairs[i].products[i]
    }

    fn yhy(&self, i: usize, j: usize) -> f64 {
        self.pairs[i.max(j)].products[i.min(j)].yhy
    }
}

fn difference<R: Real>(out: &mut [R], [from, to]: [&[f64]; 2]) {
    for (out, (from, to)) in out.iter_mut().zip(from.iter().zip(to)) {
        *out = R::of(to - from);
    }
}

/// `y += a x`.
fn add_scaled<R: Real>(y: &mut [f64], a: f64, x: &[R]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x.wide();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    /// The two-loop recursion as in Nocedal & Wright, algorithm 7.4.
    fn textbook(pairs: &[(Vec<f64>, Vec<f64>)], inverse: &[f64], gradient: &[f64]) -> Vec<f64> {
        let mut q = gradient.to_vec();
        let mut alphas = Vec::new();
        for (s, y) in pairs.iter().rev() {
            let alpha = dot(s, &q) / dot(s, y);
            q.iter_mut().zip(y).for_each(|(q, y)| *q -= alpha * y);
            alphas.push(alpha);
        }
        let gamma = pairs
            .last()
            .map_or(1.0, |(s, y)| dot(s, y) / y.iter().zip(inverse).map(|(y, h)| y * y * h).sum::<f64>());
        q.iter_mut().zip(inverse).for_each(|(q, h)| *q *= gamma * h);
        for ((s, y), alpha) in pairs.iter().zip(alphas.iter().rev()) {
            let beta = dot(y, &q) / dot(s, y);
            q.iter_mut().zip(s).for_each(|(q, s)| *q += (alpha - beta) * s);
        }
        q.iter().map(|q| -q).collect()
    }

    #[test]
    fn a_direction_is_that_of_the_two_loops() {
        // More entries than a chunk has, more steps than are remembered.
        const SIZE: usize = CHUNK + 77;
        let noise = |seed: usize| -> Vec<f64> {
            (0..SIZE)
                .map(|i| ((i * 7919 + seed * 104_729 + i * i % 131) % 1000) as f64 / 500.0 - 1.0)
                .collect()
        };
        let inverse: Vec<f64> = noise(0).iter().map(|x| x.abs() + 0.1).collect();
        let mut memory = Memory::<f64>::new(inverse.clone());
        let mut pairs: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
        let (mut at, mut gradient) = (noise(1), noise(2));
        for step in 0..STEPS + 4 {
            let s = noise(10 + step);
            // Curved upwards along `s`, but for one step, which is to be left out.
            let sign = if step == 5 { -1.0 } else { 1.0 };
            let y: Vec<f64> =
                s.iter().zip(noise(50 + step)).map(|(s, x)| sign * s * (1.5 + x) + 0.1 * x).collect();
            let next: Vec<f64> = at.iter().zip(&s).map(|(a, s)| a + s).collect();
            let next_gradient: Vec<f64> = gradient.iter().zip(&y).map(|(g, y)| g + y).collect();
            memory.remember([&at, &next], [&gradient, &next_gradient]);
            if step != 5 {
                pairs.push((s, y));
            }
            pairs.drain(..pairs.len().saturating_sub(STEPS));
            (at, gradient) = (next, next_gradient);
            let expected = textbook(&pairs, &inverse, &gradient);
            let mut found = vec![0.0; SIZE];
            memory.direction(&gradient, &mut found);
            let size = dot(&expected, &expected).sqrt();
            let apart: f64 = found.iter().zip(&expected).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
            assert!(apart <= 1e-8 * size, "step {step}: {apart} of {size}");
        }
    }
}
