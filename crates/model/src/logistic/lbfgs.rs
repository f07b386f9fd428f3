//! L-BFGS with a diagonal preconditioner.
//!
//! Nocedal & Wright, Numerical Optimization (2006), algorithms 7.4 and 7.5; the initial inverse
//! Hessian is the preconditioner, scaled as in their equation 7.20.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::{
    Tell,
    objective::Objective,
    vector::{add_scaled, dot, largest, multiply, weighted_square},
};
use crate::FitError;

/// Steps remembered.
const MEMORY: usize = 6;

/// Sufficient decrease asked of a step, as a share of what the slope promises (Armijo).
const DECREASE: f64 = 1e-4;

/// Trials of one line search.
const TRIALS: u32 = 30;

/// Where the search ended.
pub(super) struct Minimum {
    pub(super) at: Vec<f64>,
    pub(super) value: f64,
    pub(super) gradient: f64,
    pub(super) iterations: u32,
}

/// A step `s`, the change of gradient `y` over it, and `1 / sᵀy`.
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    rho: f64,
}

pub(super) fn minimise(
    objective: &mut Objective<'_>,
    mut at: Vec<f64>,
    tolerance: f64,
    most: u32,
    tell: Tell<'_>,
) -> Result<Minimum, FitError> {
    let inverse = objective.preconditioner();
    let mut gradient = vec![0.0; at.len()];
    let mut value = objective.evaluate(&at, &mut gradient);
    let mut pairs: VecDeque<Pair> = VecDeque::new();
    let mut next = vec![0.0; at.len()];
    let mut next_gradient = vec![0.0; at.len()];
    let mut iterations = 0;
    loop {
        let norm = largest(&gradient);
        if !(norm.is_finite() && value.is_finite()) {
            return Err(FitError::NotFinite { iterations });
        }
        if let ControlFlow::Break(()) = tell(iterations, norm) {
            return Err(FitError::Interrupted { iterations });
        }
        let done = |at, iterations| Ok(Minimum { at, value, gradient: norm, iterations });
        if norm <= tolerance || iterations == most {
            return done(at, iterations);
        }
        let direction = direction(&gradient, &inverse, &pairs);
        let slope = dot(&gradient, &direction);
        let mut step = 1.0;
        let mut accepted = None;
        for _ in 0..TRIALS {
            next.copy_from_slice(&at);
            add_scaled(&mut next, step, &direction);
            let trial = objective.evaluate(&next, &mut next_gradient);
            let ahead = dot(&next_gradient, &direction);
            // Near the optimum the decrease drowns in rounding; there a slope that has shrunk while
            // the value stood still is progress (Hager & Zhang 2005, approximate Wolfe conditions).
            let standing = trial <= value + 1e-13 * value.abs() && ahead.abs() <= 0.9 * slope.abs();
            if trial <= value + DECREASE * step * slope || standing {
                accepted = Some(trial);
                break;
            }
            // The parabola through value, slope and trial has its lowest point here.
            let curve = trial - value - slope * step;
            let lowest = -slope * step * step / (2.0 * curve);
            step = if lowest.is_finite() { lowest.clamp(0.05 * step, 0.6 * step) } else { 0.1 * step };
        }
        let Some(trial) = accepted else {
            if pairs.is_empty() {
                return done(at, iterations);
            }
            // A memory spoilt by rounding: forget it and try once more along the gradient.
            pairs.clear();
            continue;
        };
        iterations += 1;
        let mut pair = if pairs.len() == MEMORY { pairs.pop_front() } else { None }.unwrap_or_else(|| Pair {
            s: vec![0.0; at.len()],
            y: vec![0.0; at.len()],
            rho: 0.0,
        });
        pair.s.copy_from_slice(&next);
        add_scaled(&mut pair.s, -1.0, &at);
        pair.y.copy_from_slice(&next_gradient);
        add_scaled(&mut pair.y, -1.0, &gradient);
        let curvature = dot(&pair.s, &pair.y);
        if curvature > 0.0 {
            pair.rho = 1.0 / curvature;
            pairs.push_back(pair);
        }
        std::mem::swap(&mut at, &mut next);
        std::mem::swap(&mut gradient, &mut next_gradient);
        value = trial;
    }
}

/// `-H g`, with `H` the inverse Hessian that the pairs suggest (the two-loop recursion).
fn direction(gradient: &[f64], inverse: &[f64], pairs: &VecDeque<Pair>) -> Vec<f64> {
    let mut q = gradient.to_vec();
    let mut alphas = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let alpha = pair.rho * dot(&pair.s, &q);
        add_scaled(&mut q, -alpha, &pair.y);
        alphas.push(alpha);
    }
    let gamma = pairs.back().map_or(1.0, |last| 1.0 / (last.rho * weighted_square(&last.y, inverse)));
    multiply(&mut q, -gamma, inverse);
    for (pair, alpha) in pairs.iter().zip(alphas.iter().rev()) {
        // q holds -H g: the signs of the textbook's second loop are turned.
        let beta = pair.rho * dot(&pair.y, &q);
        add_scaled(&mut q, -(alpha + beta), &pair.s);
    }
    q
}
