//! What was predicted for what was true, and every measure that needs nothing more.

/// Counts of truth against prediction, shape `[classes, classes]`, row = truth.
#[derive(Debug, Clone)]
pub(super) struct Confusion {
    cells: Vec<u64>,
    classes: usize,
}

/// Measures of one class against the rest; 0 where a denominator is 0 (scikit-learn's `zero_division=0`).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OneClass {
    pub(super) precision: f64,
    pub(super) recall: f64,
    pub(super) f1: f64,
    /// Rows of this class in the truth.
    pub(super) support: u64,
    /// Rows predicted as this class.
    pub(super) predicted: u64,
}

impl Confusion {
    /// `cells` row-major, shape `[classes, classes]`.
    pub(super) fn new(cells: Vec<u64>, classes: usize) -> Self {
        debug_assert_eq!(cells.len(), classes * classes);
        Self { cells, classes }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.cells.chunks_exact(self.classes)
    }

    fn hits(&self) -> u64 {
        self.cells.iter().step_by(self.classes + 1).sum()
    }

    fn total(&self) -> u64 {
        self.cells.iter().sum()
    }

    /// Share of rows on the diagonal.
    pub(super) fn accuracy(&self) -> f64 {
        ratio(self.hits(), self.total())
    }

    pub(super) fn class(&self, class: usize) -> OneClass {
        let hits = self.cells[class * self.classes + class];
        let support = self.cells[class * self.classes..][..self.classes].iter().sum();
        let predicted = self.cells.iter().skip(class).step_by(self.classes).sum();
        OneClass {
            precision: ratio(hits, predicted),
            recall: ratio(hits, support),
            f1: ratio(2 * hits, support + predicted),
            support,
            predicted,
        }
    }

    /// Mean of `measure` over the classes that occur in truth or prediction, as scikit-learn averages
    /// when it is not told the labels: a class that is nowhere is neither right nor wrong.
    pub(super) fn macro_mean(&self, measure: impl Fn(&OneClass) -> f64) -> f64 {
        let mut sum = 0.0;
        let mut met = 0_u32;
        for class in (0..self.classes).map(|k| self.class(k)) {
            if class.support + class.predicted > 0 {
                sum += measure(&class);
                met += 1;
            }
        }
        if met == 0 { 0.0 } else { sum / f64::from(met) }
    }

    /// Mean of `measure` over classes, weighted by support.
    pub(super) fn weighted_mean(&self, measure: impl Fn(&OneClass) -> f64) -> f64 {
        let classes = (0..self.classes).map(|k| self.class(k));
        let sum: f64 = classes.map(|c| measure(&c) * c.support as f64).sum();
        sum / (self.total() as f64).max(1.0)
    }

    /// Rows expected on the diagonal, times all rows, if truth and prediction were independent.
    fn chance(&self) -> u128 {
        let classes = (0..self.classes).map(|k| self.class(k));
        classes.map(|c| u128::from(c.support) * u128::from(c.predicted)).sum()
    }

    /// Matthews's correlation coefficient in -1..=1, for any number of classes
    /// (Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006); 0 where truth or prediction is constant.
    pub(super) fn mcc(&self) -> f64 {
        let total = u128::from(self.total());
        let squares = |of: fn(&OneClass) -> u64| -> u128 {
            (0..self.classes).map(|k| u128::from(of(&self.class(k))).pow(2)).sum()
        };
        // integers until the last step: every difference is exact
        let both = (u128::from(self.hits()) * total) as f64 - self.chance() as f64;
        let truth = total * total - squares(|c| c.support);
        let predicted = total * total - squares(|c| c.predicted);
        if truth == 0 || predicted == 0 {
            return 0.0;
        }
        both / ((truth as f64).sqrt() * (predicted as f64).sqrt())
    }

    /// Cohen's kappa (1960, doi:10.1177/001316446002000104), unweighted; `None` where chance alone gives
    /// full agreement.
    pub(super) fn kappa(&self) -> Option<f64> {
        let total = u128::from(self.total());
        let chance = self.chance();
        let hits = u128::from(self.hits()) * total;
        let room = total * total - chance;
        (room > 0).then(|| (hits as f64 - chance as f64) / room as f64)
    }
}

/// `part / whole`; 0 where `whole` is 0.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_is_nowhere_does_not_count() {
        let two = Confusion::new(vec![3, 1, 2, 4], 2);
        let three = Confusion::new(vec![3, 1, 0, 2, 4, 0, 0, 0, 0], 3);
        assert_eq!(two.macro_mean(|c| c.f1), three.macro_mean(|c| c.f1));
        assert_eq!(two.mcc(), three.mcc());
        assert_eq!(two.kappa(), three.kappa());
    }

    #[test]
    fn nothing_counted_is_zero_not_nan() {
        let none = Confusion::new(vec![0; 4], 2);
        assert_eq!((none.accuracy(), none.mcc(), none.kappa()), (0.0, 0.0, None));
        assert_eq!((none.macro_mean(|c| c.f1), none.weighted_mean(|c| c.f1)), (0.0, 0.0));
    }
}
