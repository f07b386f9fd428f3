//! Logistic regression on sparse rows: binary and multinomial, L2, exact and reproducible.

mod exp;
mod lbfgs;
mod matrix;
mod memory;
mod objective;
mod real;
mod vector;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::features::{Factored, Sparse};
use crate::{Fit, FitError, Hooks, Progress, SettingError, Targets, Training};
pub(crate) use exp::exp_of_minus_abs;
use matrix::Matrix;
use objective::Objective;
use real::Real;

/// Tolerances from here on are met in single precision, which errs by 10⁻⁷: the arrays that the
/// optimiser walks through are then half as large.
const SINGLE: f64 = 1e-5;

/// How much each class counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "\"none\", \"balanced\", or a number, 0 or more, for each label")]
pub enum ClassWeight {
    /// `"none"` or `"balanced"`.
    Named(Balance),
    /// By the class's name; classes that are not named count 1.
    Given(BTreeMap<String, f64>),
}

impl Default for ClassWeight {
    fn default() -> Self {
        Self::Named(Balance::None)
    }
}

/// A rule that gives class weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Balance {
    /// One each.
    None,
    /// `rows / (classes * rows of the class)`, as in scikit-learn.
    Balanced,
}

impl ClassWeight {
    /// The weight of each class, `[labels]`, given how many rows each class has.
    ///
    /// # Errors
    /// A name that is no label, or a weight that is negative or not finite.
    pub fn resolve(&self, labels: &[String], counts: &[usize]) -> Result<Vec<f64>, SettingError> {
        match self {
            Self::Named(Balance::None) => Ok(vec![1.0; labels.len()]),
            Self::Named(Balance::Balanced) => {
                let present = counts.iter().filter(|&&n| n > 0).count() as f64;
                let rows = counts.iter().sum::<usize>() as f64;
                Ok(counts.iter().map(|&n| if n == 0 { 1.0 } else { rows / (present * n as f64) }).collect())
            }
            Self::Given(weights) => {
                for (name, &weight) in weights {
                    if !labels.contains(name) {
                        return Err(SettingError::new(
                            "logistic.class_weight",
                            "a table of labels that the data has",
                            format!("for `{name}`; the labels are {}", labels.join(", ")),
                        ));
                    }
                    if !(weight.is_finite() && weight >= 0.0) {
                        return Err(SettingError::new("logistic.class_weight", "finite and ≥ 0", weight));
                    }
                }
                Ok(labels.iter().map(|l| weights.get(l).copied().unwrap_or(1.0)).collect())
            }
        }
    }
}

/// Settings; the names and meanings are scikit-learn's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Inverse strength of the L2 penalty, above 0; the intercept is not penalised.
    pub c: f64,
    /// How much each class counts.
    pub class_weight: ClassWeight,
    /// Stop when no entry of the gradient of the mean loss is larger.
    pub tolerance: f64,
    /// Stop after so many iterations all the same.
    pub max_iterations: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { c: 1.0, class_weight: ClassWeight::default(), tolerance: 1e-4, max_iterations: 1000 }
    }
}

/// Checked settings that can learn. Class weights are folded into the row weights by the caller,
/// who knows the labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    c: f64,
    tolerance: f64,
    max_iterations: u32,
    start: Option<Start>,
}

/// Parameters to start from.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// `[width, outputs]`, row-major.
    pub weights: Vec<f64>,
    /// `[outputs]`.
    pub intercepts: Vec<f64>,
}

impl TryFrom<&Settings> for Logistic {
    type Error = SettingError;

    fn try_from(raw: &Settings) -> Result<Self, SettingError> {
        let positive = |name, x: f64| {
            if x.is_finite() && x > 0.0 {
                Ok(x)
            } else {
                Err(SettingError::new(name, "finite and above 0", x))
            }
        };
        Ok(Self {
            c: positive("logistic.c", raw.c)?,
            tolerance: positive("logistic.tolerance", raw.tolerance)?,
            max_iterations: raw.max_iterations,
            start: None,
        })
    }
}

impl Logistic {
    /// Starts from these parameters in place of zeros: the optimum is the same (the objective is
    /// strictly convex in the weights), the way to it shorter.
    #[must_use]
    pub fn starting_from(mut self, start: Start) -> Self {
        self.start = Some(start);
        self
    }
}

/// What logistic regression has learned.
///
/// Two classes have one output, the log-odds of the second; more have one each (softmax).
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// `[width, outputs]`, row-major.
    pub weights: Vec<f64>,
    /// `[outputs]`.
    pub intercepts: Vec<f64>,
    /// Iterations of the optimiser.
    pub iterations: u32,
    /// scikit-learn's objective, `C Σ weight · loss + ½‖w‖²`, at the solution.
    pub objective: f64,
    /// Largest entry of the gradient of the mean loss.
    pub gradient: f64,
    /// Whether `gradient` fell below the tolerance.
    pub converged: bool,
}

/// Outputs of a model with so many classes: 1 for two, else one each.
pub(crate) fn outputs(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

impl Solution {
    /// The logits of `rows`, `[rows, outputs]`.
    pub fn logits(&self, rows: &Sparse) -> Vec<f64> {
        let outputs = self.intercepts.len();
        let mut out = Vec::with_capacity(rows.len() * outputs);
        for i in 0..rows.len() {
            let at = out.len();
            out.extend_from_slice(&self.intercepts);
            let (columns, values) = rows.row(i);
            for (&column, &value) in columns.iter().zip(values) {
                let weights = &self.weights[column as usize * outputs..][..outputs];
                for (z, w) in out[at..].iter_mut().zip(weights) {
                    *z += f64::from(value) * w;
                }
            }
        }
        out
    }
}

impl Fit for Logistic {
    type Rows = Sparse;
    type Fitted = Solution;

    fn fit(&self, training: &Training<'_, Sparse>, hooks: &mut dyn Hooks) -> Result<Solution, FitError> {
        self.fit_any(training, hooks)
    }
}

impl Logistic {
    /// As [`Fit::fit`], on rows that are kept as factors: the same objective in less memory and time.
    ///
    /// # Errors
    /// As [`Fit::fit`].
    pub fn fit_factored(
        &self,
        training: &Training<'_, Factored>,
        hooks: &mut dyn Hooks,
    ) -> Result<Solution, FitError> {
        self.fit_any(training, hooks)
    }

    fn fit_any<M: Matrix>(
        &self,
        training: &Training<'_, M>,
        hooks: &mut dyn Hooks,
    ) -> Result<Solution, FitError> {
        if self.tolerance >= SINGLE {
            self.fit_in::<M, f32>(training, hooks)
        } else {
            self.fit_in::<M, f64>(training, hooks)
        }
    }

    fn fit_in<M: Matrix, R: Real>(
        &self,
        training: &Training<'_, M>,
        hooks: &mut dyn Hooks,
    ) -> Result<Solution, FitError> {
        let mut objective = Objective::<M, R>::new(training, self.c)?;
        let size = objective.size();
        let start = match &self.start {
            None => vec![0.0; size],
            Some(start) => {
                let all: Vec<f64> = start.weights.iter().chain(&start.intercepts).copied().collect();
                if all.len() != size {
                    return Err(FitError::Length { rows: size, others: all.len(), what: "starting values" });
                }
                all
            }
        };
        let mut tell = |iterations: u32, gradient: f64| {
            hooks.progress(&Progress {
                stage: "fit",
                done: u64::from(iterations),
                total: None,
                figure: Some(("gradient", gradient)),
            })
        };
        let found = lbfgs::minimise(&mut objective, start, self.tolerance, self.max_iterations, &mut tell)?;
        let mut weights = found.at;
        let intercepts = weights.split_off(size - objective.outputs());
        Ok(Solution {
            weights,
            intercepts,
            iterations: found.iterations,
            objective: found.value * objective.scale(),
            gradient: found.gradient,
            converged: found.gradient <= self.tolerance,
        })
    }
}

/// Says whether to go on after an iteration, given its number and the gradient's largest entry.
type Tell<'a> = &'a mut dyn FnMut(u32, f64) -> ControlFlow<()>;

/// Number of rows of each class, `[classes]`.
pub(crate) fn class_counts(targets: Targets<'_>, classes: usize) -> Vec<f64> {
    let mut counts = vec![0.0; classes];
    match targets {
        Targets::Hard(truth) | Targets::Within { truth, .. } => {
            truth.iter().for_each(|&y| counts[usize::from(y)] += 1.0)
        }
        Targets::Soft(q) => q.chunks_exact(classes).for_each(|row| {
            counts.iter_mut().zip(row).for_each(|(c, &q)| *c += f64::from(q));
        }),
    }
    counts
}
