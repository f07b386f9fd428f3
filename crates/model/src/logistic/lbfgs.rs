//! L-BFGS with a diagonal preconditioner.
//!
//! Nocedal & Wright, Numerical Optimization (2006), algorithms 7.4 and 7.5; the initial inverse
//! Hessian is the preconditioner, scaled as in their equation 7.20. How a direction is made of the
//! remembered steps stands in [`super::memory`].

use std::ops::ControlFlow;

use super::{
    Tell,
    matrix::Matrix,
    memory::Memory,
    objective::Objective,
    real::Real,
    vector::{dot, largest, moved},
};
use crate::FitError;

/// Sufficient decrease asked of a step, as a share of what the slope promises (Armijo).
const DECREASE: f64 = 1e-4;

/// On the way, all entries of the gradient can be small by chance where the value still falls by
/// percents (seen on 1.6 million tweets at the fifth step); the end is where a step gains less than
/// this share of the value as well.
const SETTLED: f64 = 3e-4;

/// Trials of one line search.
const TRIALS: u32 = 30;

/// Where the search ended.
pub(super) struct Minimum {
    pub(super) at: Vec<f64>,
    pub(super) value: f64,
    pub(super) gradient: f64,
    pub(super) iterations: u32,
}

pub(super) fn minimise<M: Matrix, R: Real>(
    objective: &mut Objective<'_, M, R>,
    mut at: Vec<f64>,
    tolerance: f64,
    most: u32,
    tell: Tell<'_>,
) -> Result<Minimum, FitError> {
    let mut memory = Memory::<R>::new(objective.preconditioner());
    let mut gradient = vec![0.0; at.len()];
    let mut value = objective.evaluate(&at, &mut gradient);
    let mut next = vec![0.0; at.len()];
    let mut next_gradient = vec![0.0; at.len()];
    let mut direction = vec![0.0; at.len()];
    let mut iterations = 0;
    // What the last step took off the value.
    let mut gain = f64::INFINITY;
    loop {
        let norm = largest(&gradient);
        if !(norm.is_finite() && value.is_finite()) {
            return Err(FitError::NotFinite { iterations });
        }
        if let ControlFlow::Break(()) = tell(iterations, norm) {
            return Err(FitError::Interrupted { iterations });
        }
        let done = |at, iterations| Ok(Minimum { at, value, gradient: norm, iterations });
        let settled = gain <= SETTLED * value.abs() || norm == 0.0;
        if norm <= tolerance && settled || iterations == most {
            return done(at, iterations);
        }
        memory.direction(&gradient, &mut direction);
        let slope = dot(&gradient, &direction);
        let mut step = 1.0;
        let mut accepted = None;
        for _ in 0..TRIALS {
            moved(&mut next, &at, step, &direction);
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
            if memory.is_empty() {
                return done(at, iterations);
            }
            // A memory spoilt by rounding: forget it and try once more along the gradient.
            memory.clear();
            continue;
        };
        iterations += 1;
        memory.remember([&at, &next], [&gradient, &next_gradient]);
        std::mem::swap(&mut at, &mut next);
        std::mem::swap(&mut gradient, &mut next_gradient);
        gain = value - trial;
        value = trial;
    }
}
