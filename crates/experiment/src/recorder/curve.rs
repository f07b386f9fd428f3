//! The curve of a fit: what its hooks are told, kept.

use std::io;
use std::ops::ControlFlow;

use sentimeter_model::neural::Epoch;
use sentimeter_model::{Hooks, Progress};
use sentimeter_store::{Metric, now};

/// Hooks that pass everything on and keep the figures of the last fit: those before it only calibrate.
pub struct Curve<'a> {
    inner: &'a mut dyn Hooks,
    points: Vec<Metric>,
}

impl std::fmt::Debug for Curve<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Curve").field("points", &self.points).finish_non_exhaustive()
    }
}

impl<'a> Curve<'a> {
    /// Passes on to `inner`.
    pub fn new(inner: &'a mut dyn Hooks) -> Self {
        Self { inner, points: Vec::new() }
    }

    /// The figures by step, as `STAGE.FIGURE`.
    pub fn into_metrics(self) -> Vec<Metric> {
        self.points
    }
}

impl Hooks for Curve<'_> {
    fn progress(&mut self, progress: &Progress) -> ControlFlow<()> {
        // A network has many steps; its curve is that of its epochs.
        if let Some((figure, value)) = progress.figure.filter(|_| progress.stage != "train") {
            let step = i64::try_from(progress.done).unwrap_or(i64::MAX);
            let name = format!("{}.{figure}", progress.stage);
            // Its steps begin again: another fit.
            if self.points.last().is_some_and(|last| last.name == name && last.step >= step) {
                self.points.retain(|point| point.name != name);
            }
            self.points.push(Metric { name, step, time: now(), value });
        }
        self.inner.progress(progress)
    }

    fn epoch(&mut self, epoch: &Epoch) -> ControlFlow<()> {
        // The first of another fit.
        if epoch.epoch == 1 {
            self.points.retain(|point| !point.name.starts_with("epoch."));
        }
        let figures = [
            ("epoch.loss", Some(epoch.loss)),
            ("epoch.accuracy", Some(epoch.accuracy)),
            ("epoch.validation_loss", epoch.validation_loss),
            ("epoch.validation_accuracy", epoch.validation_accuracy),
        ];
        for (name, value) in figures {
            let step = i64::from(epoch.epoch);
            let point = |value| Metric { name: name.to_owned(), step, time: now(), value };
            self.points.extend(value.map(point));
        }
        self.inner.epoch(epoch)
    }

    fn resume(&mut self) -> Option<Vec<u8>> {
        self.inner.resume()
    }

    fn checkpoint_due(&mut self) -> bool {
        self.inner.checkpoint_due()
    }

    fn checkpoint(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner.checkpoint(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_fit_is_kept() {
        let mut none = sentimeter_model::Silent;
        let mut curve = Curve::new(&mut none);
        for (done, value) in [(0, 9.0), (1, 8.0), (2, 7.0), (0, 5.0), (1, 4.0)] {
            let figure = Some(("gradient", value));
            assert!(curve.progress(&Progress { stage: "fit", done, total: None, figure }).is_continue());
        }
        assert!(
            curve.progress(&Progress { stage: "clean", done: 7, total: None, figure: None }).is_continue()
        );
        let points: Vec<(i64, f64)> = curve.into_metrics().iter().map(|m| (m.step, m.value)).collect();
        assert_eq!(points, [(0, 5.0), (1, 4.0)]);
    }
}
