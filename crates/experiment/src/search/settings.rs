//! `[search]` of a plan: which settings are tried, how, and what decides.

use sentimeter_model::metrics::Metrics;
use serde::{Deserialize, Serialize};

/// The `[search]` table of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchPlan {
    /// How candidates are chosen.
    pub method: Method,
    /// How many are drawn; a grid takes all combinations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<u32>,
    /// Folds of the training part, at least 2.
    pub folds: u32,
    /// So many of them are measured on, at least 1; all where it is left out. 1 is a held-out part, for what
    /// takes long to learn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<u32>,
    /// What decides.
    pub metric: Metric,
    /// Halving: of so many candidates one goes on, with so many times the rows, at least 2.
    pub factor: u32,
    /// Halving: no round learns from fewer rows of a fold.
    pub min_rows: u32,
    /// Values of each setting, by its dotted key: a list, or a [`Range`].
    pub space: toml::Table,
}

impl Default for SearchPlan {
    fn default() -> Self {
        Self {
            method: Method::default(),
            candidates: None,
            folds: 5,
            measured: None,
            metric: Metric::default(),
            factor: 3,
            min_rows: 1000,
            space: toml::Table::new(),
        }
    }
}

impl SearchPlan {
    /// Folds that are measured on.
    pub(super) fn measured(&self) -> u32 {
        self.measured.unwrap_or(self.folds)
    }
}

/// How candidates are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Every combination of the values.
    #[default]
    Grid,
    /// Combinations drawn by the plan's seed.
    Random,
    /// All (or, with `candidates`, drawn) combinations learn from few rows; the better ones go on with more.
    Halving,
}

/// Numbers between two ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least; whole numbers are drawn where both ends are whole.
    pub from: Number,
    /// The greatest.
    pub to: Number,
    /// How numbers lie between them.
    #[serde(default)]
    pub scale: Scale,
    /// So many of them, evenly on the scale; without it, random search draws any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
}

/// A whole number or another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number")]
pub enum Number {
    /// Whole.
    Whole(i64),
    /// Any.
    Real(f64),
}

impl Number {
    /// As a float.
    pub(super) fn real(self) -> f64 {
        match self {
            Self::Whole(n) => n as f64,
            Self::Real(x) => x,
        }
    }
}

/// How numbers lie between two ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Equal differences are equally likely.
    #[default]
    Linear,
    /// Equal ratios are; both ends are above 0.
    Log,
}

/// What candidates are compared by, measured before calibration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of right answers.
    #[default]
    Accuracy,
    /// Mean F1 of the classes.
    MacroF1,
    /// F1 weighted by support.
    WeightedF1,
    /// Mean recall of the classes: balanced accuracy.
    MacroRecall,
    /// Area under the ROC curve.
    RocAuc,
    /// Average precision.
    PrAuc,
    /// Mean log loss, less is better.
    LogLoss,
    /// Brier score, less is better.
    Brier,
    /// Matthews's correlation.
    Mcc,
}

impl Metric {
    /// Its name in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::MacroF1 => "macro_f1",
            Self::WeightedF1 => "weighted_f1",
            Self::MacroRecall => "macro_recall",
            Self::RocAuc => "roc_auc",
            Self::PrAuc => "pr_auc",
            Self::LogLoss => "log_loss",
            Self::Brier => "brier",
            Self::Mcc => "mcc",
        }
    }

    /// Whether less is better; scores are then negated, as scikit-learn's `neg_log_loss` is, so that of two
    /// scores the greater is always the better.
    pub fn negated(self) -> bool {
        matches!(self, Self::LogLoss | Self::Brier)
    }

    /// What the score is called: `neg_log_loss` for `log_loss`.
    pub fn score_name(self) -> String {
        if self.negated() { format!("neg_{}", self.name()) } else { self.name().to_owned() }
    }

    /// Whether it is undefined where a class has no row.
    pub fn wants_all_classes(self) -> bool {
        matches!(self, Self::RocAuc | Self::PrAuc)
    }

    /// The score: the greater, the better. `None` where the metric is undefined.
    pub fn score(self, of: &Metrics) -> Option<f64> {
        let value = match self {
            Self::Accuracy => of.accuracy,
            Self::MacroF1 => of.macro_f1,
            Self::WeightedF1 => of.weighted_f1,
            Self::MacroRecall => of.macro_recall,
            Self::RocAuc => of.roc_auc?,
            Self::PrAuc => of.pr_auc?,
            Self::LogLoss => of.log_loss,
            Self::Brier => of.brier,
            Self::Mcc => of.mcc,
        };
        Some(if self.negated() { -value } else { value })
    }
}
