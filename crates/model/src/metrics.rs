//! How good predictions are, measured as scikit-learn 1.9 measures (`tests/goldens/metrics.py`).
//!
//! Everything is computed in 64-bit floats in a fixed order, with `libm`'s logarithm: the same bits on
//! every machine and any number of threads. A measure that is undefined, because a class it needs is
//! absent, is `None` (`null` in JSON), never NaN.

mod abstain;
mod agreement;
mod bootstrap;
mod confusion;
mod curves;
mod interval;
mod probability;
mod ranking;
mod reliability;
mod report;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use abstain::{Abstaining, Threshold};
pub use agreement::{Agreement, agreement};
pub use curves::{Curves, curves};
pub use interval::wilson;
pub use reliability::{ReliabilityBin, reliability};

use confusion::{Confusion, OneClass};
use ranking::Ranking;

/// The confusion matrix alone is classes² numbers; past this a mistake is likelier than a wish.
const MOST_CLASSES: usize = 1024;

/// Their spread is known to a thousandth long before; a slip of the pen must not run for days.
const MOST_RESAMPLES: u32 = 100_000;

/// How [`measure`] measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Resamples for the bootstrap intervals, 0..=100,000; 0 leaves them out. Time grows with
    /// rows × resamples: 0.25 s for 320,000 rows of 3 classes and 200 resamples on two cores.
    pub bootstrap: u32,
    /// Seed of the resampling.
    pub seed: u64,
    /// Bins of the expected calibration error, 1..=10,000.
    pub bins: usize,
}

impl Default for Options {
    /// 200 resamples, 15 bins.
    fn default() -> Self {
        Self { bootstrap: 200, seed: 0, bins: 15 }
    }
}

/// What [`measure`] found. Shares and areas are in 0..=1 unless said otherwise.
///
/// Macro means are over the classes that occur in truth or prediction, weighted means weigh by support;
/// precision, recall and F1 are 0 where their denominator is 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Rows measured.
    pub rows: u64,
    /// Class names in the order of probabilities and of [`confusion`](Self::confusion).
    pub labels: Vec<String>,
    /// Share of rows whose likeliest class (the first of equals) is the true one.
    pub accuracy: f64,
    /// Mean precision of the classes.
    pub macro_precision: f64,
    /// Mean recall of the classes, that is balanced accuracy where no class is absent from the truth.
    pub macro_recall: f64,
    /// Mean F1 of the classes.
    pub macro_f1: f64,
    /// Precision weighted by support.
    pub weighted_precision: f64,
    /// Recall weighted by support: equal to accuracy.
    pub weighted_recall: f64,
    /// F1 weighted by support.
    pub weighted_f1: f64,
    /// Area under the ROC curve, ties counting half. Binary: the last class is the positive one;
    /// multiclass: mean over classes, one against rest. `None` if a class is absent from the truth.
    pub roc_auc: Option<f64>,
    /// Average precision (area under the precision-recall curve by steps, not by trapezes), over classes
    /// as [`roc_auc`](Self::roc_auc). `None` if a class it is averaged over is absent from the truth.
    pub pr_auc: Option<f64>,
    /// Mean `-ln` of the true class's probability, nats; probabilities clipped by 2⁻⁵² off 0 and 1.
    pub log_loss: f64,
    /// Mean squared error of the probabilities. Binary: of the last class, 0..=1; multiclass: summed over
    /// classes, 0..=2.
    pub brier: f64,
    /// Expected calibration error of the winning class's probability, [`Options::bins`] bins of equal width
    /// (Guo et al. 2017).
    pub ece: f64,
    /// Matthews's correlation coefficient, -1..=1; 0 where truth or prediction is constant.
    pub mcc: f64,
    /// Cohen's kappa, -1..=1; `None` where truth and prediction are the same constant.
    pub kappa: Option<f64>,
    /// Rows by true class (outer) and predicted class (inner), in the order of [`labels`](Self::labels).
    pub confusion: Vec<Vec<u64>>,
    /// Measures of each class, by name.
    pub classes: BTreeMap<String, ClassMetrics>,
    /// Bootstrap intervals; `None` if no resamples were asked for.
    pub intervals: Option<Intervals>,
}

/// One class against the rest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Of the rows predicted as this class, the share that is; 0 if none was.
    pub precision: f64,
    /// Of the rows of this class, the share predicted as it; 0 if there is none.
    pub recall: f64,
    /// Harmonic mean of the two; 0 if both are.
    pub f1: f64,
    /// Rows of this class.
    pub support: u64,
    /// Area under the ROC curve of this class's probability; `None` if all rows or none are of the class.
    pub roc_auc: Option<f64>,
    /// Average precision of this class's probability; `None` if no row is of the class.
    pub pr_auc: Option<f64>,
}

/// 95 % percentile bootstrap intervals `[low, high]` over rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// How often the rows were drawn anew.
    pub resamples: u32,
    /// Of [`Metrics::accuracy`].
    pub accuracy: [f64; 2],
    /// Of [`Metrics::macro_f1`].
    pub macro_f1: [f64; 2],
    /// Of [`Metrics::macro_recall`].
    pub macro_recall: [f64; 2],
    /// Of [`Metrics::roc_auc`], over the resamples where it is defined; `None` if it is undefined, or is
    /// in most resamples.
    pub roc_auc: Option<[f64; 2]>,
}

/// Why nothing can be measured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MetricsError {
    /// No rows.
    #[error("no rows to measure; give at least one")]
    Empty,
    /// Rows are numbered in 32 bits.
    #[error("{rows} rows are more than {most}; measure a sample", most = u32::MAX)]
    Rows {
        /// How many were given.
        rows: usize,
    },
    /// One class leaves nothing to tell apart.
    #[error("{classes} classes; measures need 2 to {MOST_CLASSES}")]
    Classes {
        /// How many labels were given.
        classes: usize,
    },
    /// Measures are found by class name.
    #[error("label `{label}` occurs twice; class names must differ")]
    DuplicateLabel {
        /// The name.
        label: String,
    },
    /// `probs` is not `[rows, classes]`.
    #[error("{got} probabilities for {rows} rows of {classes} classes; expected {want}", want = rows.saturating_mul(*classes))]
    Shape {
        /// Numbers given.
        got: usize,
        /// Rows of the truth.
        rows: usize,
        /// Labels given.
        classes: usize,
    },
    /// A true class without a label.
    #[error("row {row} is of class {class}, but there are {classes} labels (0 to {last})", last = classes - 1)]
    Class {
        /// Row, from 0.
        row: usize,
        /// The class found there.
        class: u16,
        /// Labels given.
        classes: usize,
    },
    /// Not a probability.
    #[error("row {row} gives class {class} the probability {value}; expected 0 to 1")]
    Probability {
        /// Row, from 0.
        row: usize,
        /// Class, from 0.
        class: usize,
        /// What stood there.
        value: f32,
    },
    /// Probabilities that are none together.
    #[error("the probabilities of row {row} sum to {sum}; expected 1 (within 0.001)")]
    Sum {
        /// Row, from 0.
        row: usize,
        /// Their sum.
        sum: f64,
    },
    /// More resamples than tell anything.
    #[error("{resamples} bootstrap resamples; expected 0 to {MOST_RESAMPLES}")]
    Resamples {
        /// What was asked for.
        resamples: u32,
    },
    /// A calibration error over no bins, or over more than tell anything.
    #[error("{bins} calibration bins; expected 1 to 10000")]
    Bins {
        /// What was asked for.
        bins: usize,
    },
}

/// Measures `probs`, row-major, shape `[rows, classes]`, rows summing to 1, against the true classes
/// `truth`, shape `[rows]`, as indexes into `labels`, shape `[classes]`.
///
/// Takes 12 to 44 bytes of memory per probability: more, the more of them differ.
///
/// # Errors
///
/// [`MetricsError`], if shapes disagree, there is no row, or a probability is none.
///
/// ```
/// use sentimeter_model::metrics::{Options, measure};
///
/// let labels = ["negative".to_owned(), "positive".to_owned()];
/// let metrics = measure(&[0, 1, 1], &[0.9, 0.1, 0.6, 0.4, 0.2, 0.8], &labels, &Options::default())?;
/// assert_eq!(metrics.confusion, [[1, 0], [1, 1]]);
/// assert_eq!(metrics.roc_auc, Some(1.0));
/// # Ok::<(), sentimeter_model::metrics::MetricsError>(())
/// ```
pub fn measure(
    truth: &[u16],
    probs: &[f32],
    labels: &[String],
    options: &Options,
) -> Result<Metrics, MetricsError> {
    let classes = labels.len();
    check(truth, probs, labels, options)?;

    let predicted: Vec<u16> = probs.chunks_exact(classes).map(winner).collect();
    let confusion = count(truth, &predicted, classes);
    let rankings: Vec<Ranking> =
        (0..classes).into_par_iter().map(|class| Ranking::new(truth, probs, classes, class)).collect();
    // binary: both classes tell the same, and the last is the positive one
    let averaged = if classes == 2 { 1.. } else { 0.. };
    let ranked: Vec<(usize, &Ranking)> = rankings.iter().enumerate().skip(averaged.start).collect();
    let roc_auc = mean(ranked.iter().map(|(_, r)| r.roc_auc()));

    let intervals = (options.bootstrap > 0).then(|| {
        let bounds =
            bootstrap::bounds(truth, &predicted, classes, &ranked, roc_auc, options.bootstrap, options.seed);
        Intervals {
            resamples: options.bootstrap,
            accuracy: bounds.accuracy,
            macro_f1: bounds.macro_f1,
            macro_recall: bounds.macro_recall,
            roc_auc: bounds.roc_auc,
        }
    });
    let of_class = |class: usize| {
        let OneClass { precision, recall, f1, support, .. } = confusion.class(class);
        let ranking = &rankings[class];
        let (roc_auc, pr_auc) = (ranking.roc_auc(), ranking.average_precision());
        ClassMetrics { precision, recall, f1, support, roc_auc, pr_auc }
    };
    Ok(Metrics {
        rows: truth.len() as u64,
        labels: labels.to_vec(),
        accuracy: confusion.accuracy(),
        macro_precision: confusion.macro_mean(|c| c.precision),
        macro_recall: confusion.macro_mean(|c| c.recall),
        macro_f1: confusion.macro_mean(|c| c.f1),
        weighted_precision: confusion.weighted_mean(|c| c.precision),
        weighted_recall: confusion.weighted_mean(|c| c.recall),
        weighted_f1: confusion.weighted_mean(|c| c.f1),
        roc_auc,
        pr_auc: mean(ranked.iter().map(|(_, r)| r.average_precision())),
        log_loss: probability::log_loss(truth, probs, classes),
        brier: probability::brier(truth, probs, classes),
        ece: probability::calibration_error(truth, &predicted, probs, classes, options.bins),
        mcc: confusion.mcc(),
        kappa: confusion.kappa(),
        confusion: confusion.rows().map(<[u64]>::to_vec).collect(),
        classes: labels.iter().cloned().zip((0..classes).map(of_class)).collect(),
        intervals,
    })
}

fn check(truth: &[u16], probs: &[f32], labels: &[String], options: &Options) -> Result<(), MetricsError> {
    let (rows, classes) = (truth.len(), labels.len());
    if !(2..=MOST_CLASSES).contains(&classes) {
        return Err(MetricsError::Classes { classes });
    }
    let mut names: Vec<&String> = labels.iter().collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(MetricsError::DuplicateLabel { label: pair[0].clone() });
    }
    if !(1..=10_000).contains(&options.bins) {
        return Err(MetricsError::Bins { bins: options.bins });
    }
    if options.bootstrap > MOST_RESAMPLES {
        return Err(MetricsError::Resamples { resamples: options.bootstrap });
    }
    if rows == 0 {
        return Err(MetricsError::Empty);
    }
    if u32::try_from(rows).is_err() {
        return Err(MetricsError::Rows { rows });
    }
    if rows.checked_mul(classes) != Some(probs.len()) {
        return Err(MetricsError::Shape { got: probs.len(), rows, classes });
    }
    for (row, (of_row, &class)) in probs.chunks_exact(classes).zip(truth).enumerate() {
        if usize::from(class) >= classes {
            return Err(MetricsError::Class { row, class, classes });
        }
        if let Some(class) = of_row.iter().position(|p| !(0.0..=1.0).contains(p)) {
            return Err(MetricsError::Probability { row, class, value: of_row[class] });
        }
        let sum: f64 = of_row.iter().map(|&p| f64::from(p)).sum();
        if (sum - 1.0).abs() > 1e-3 {
            return Err(MetricsError::Sum { row, sum });
        }
    }
    Ok(())
}

/// The likeliest class of one row; the first of equals, as numpy's `argmax`.
fn winner(row: &[f32]) -> u16 {
    let mut best = 0;
    for (class, p) in row.iter().enumerate() {
        if *p > row[best] {
            best = class;
        }
    }
    best as u16
}

fn count(truth: &[u16], predicted: &[u16], classes: usize) -> Confusion {
    let mut cells = vec![0; classes * classes];
    for (&t, &p) in truth.iter().zip(predicted) {
        cells[usize::from(t) * classes + usize::from(p)] += 1;
    }
    Confusion::new(cells, classes)
}

/// Mean of the values; `None` if one is undefined or there is none.
fn mean(values: impl ExactSizeIterator<Item = Option<f64>>) -> Option<f64> {
    let len = values.len();
    let sum: f64 = values.sum::<Option<f64>>()?;
    (len > 0).then(|| sum / len as f64)
}

#[cfg(test)]
mod tests;
