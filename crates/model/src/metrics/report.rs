//! The table that people know from scikit-learn's `classification_report`, and what it leaves out.

use std::fmt;

use super::Metrics;

impl fmt::Display for Metrics {
    /// scikit-learn's `classification_report` (two digits), then the measures it lacks, one a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.labels.iter().map(|label| label.chars().count()).max();
        let width = longest.unwrap_or(0).max("weighted avg".len());
        let line = |f: &mut fmt::Formatter<'_>, name: &str, [p, r, f1]: [f64; 3], rows: u64| {
            writeln!(f, "{name:>width$}  {p:>9.2} {r:>9.2} {f1:>9.2} {rows:>9}")
        };
        writeln!(f, "{:>width$}  precision    recall  f1-score   support\n", "")?;
        for label in &self.labels {
            if let Some(c) = self.classes.get(label) {
                line(f, label, [c.precision, c.recall, c.f1], c.support)?;
            }
        }
        writeln!(f, "\n{:>width$}  {:>29.2} {:>9}", "accuracy", self.accuracy, self.rows)?;
        line(f, "macro avg", [self.macro_precision, self.macro_recall, self.macro_f1], self.rows)?;
        let weighted = [self.weighted_precision, self.weighted_recall, self.weighted_f1];
        line(f, "weighted avg", weighted, self.rows)?;
        writeln!(f)?;

        let intervals = self.intervals.as_ref();
        let several = if self.labels.len() > 2 { ", one against rest" } else { "" };
        let measures = [
            ("accuracy", Some(self.accuracy), intervals.map(|i| i.accuracy), ""),
            ("macro F1", Some(self.macro_f1), intervals.map(|i| i.macro_f1), ""),
            ("macro recall", Some(self.macro_recall), intervals.map(|i| i.macro_recall), ""),
            ("ROC AUC", self.roc_auc, intervals.and_then(|i| i.roc_auc), several),
            ("PR AUC", self.pr_auc, None, several),
            ("log loss", Some(self.log_loss), None, ""),
            ("Brier", Some(self.brier), None, ""),
            ("ECE", Some(self.ece), None, ""),
            ("MCC", Some(self.mcc), None, ""),
            ("kappa", self.kappa, None, ""),
        ];
        for (name, value, bounds, note) in measures {
            match value {
                Some(value) => write!(f, "{name:>width$}  {value:>9.4}")?,
                None => write!(f, "{name:>width$}  undefined: a class is absent")?,
            }
            if let Some([low, high]) = bounds {
                write!(f, "  (95 %: {low:.4} to {high:.4})")?;
            }
            writeln!(f, "{}", if value.is_some() { note } else { "" })?;
        }
        Ok(())
    }
}
