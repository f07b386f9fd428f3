//! Long work shows where it stands: a bar on a terminal, a line every few seconds elsewhere.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use sentimeter_model::neural::Epoch;
use sentimeter_model::{Hooks, Progress};

/// Between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(5);

/// Shows progress on standard error.
pub(crate) struct Shown {
    bar: Option<ProgressBar>,
    stage: &'static str,
    quiet: bool,
    last: Instant,
}

impl Shown {
    /// Nothing is shown when `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { bar: None, stage: "", quiet, last: Instant::now() }
    }

    /// Shows that `done` of `total` (where known) steps of `stage` are done.
    pub(crate) fn show(
        &mut self,
        stage: &'static str,
        done: u64,
        total: Option<u64>,
        figure: Option<(&str, f64)>,
    ) {
        if self.quiet {
            return;
        }
        if !std::io::stderr().is_terminal() {
            if self.last.elapsed() >= PAUSE {
                self.last = Instant::now();
                let of = total.map_or(String::new(), |total| format!(" of {total}"));
                let figure = figure.map_or(String::new(), |(name, value)| format!(", {name} {value:.3e}"));
                note!("{stage}: {done}{of}{figure}");
            }
            return;
        }
        if stage != self.stage {
            self.finish();
            self.stage = stage;
            self.bar = Some(bar(stage, total));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            if let Some((name, value)) = figure {
                bar.set_message(format!("{name} {value:.2e}"));
            }
        }
    }

    /// Clears the bar.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(stage: &'static str, total: Option<u64>) -> ProgressBar {
    let (bar, style) = match (total, stage) {
        (Some(total), "read") => (
            ProgressBar::new(total),
            "{prefix:>10} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
        ),
        (Some(total), _) => (
            ProgressBar::new(total),
            "{prefix:>10} {wide_bar} {human_pos}/{human_len} {per_sec} {eta} left {msg}",
        ),
        (None, _) => (ProgressBar::no_length(), "{prefix:>10} {spinner} {human_pos} {msg}"),
    };
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_prefix(stage);
    bar
}

impl Hooks for Shown {
    fn progress(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.show(progress.stage, progress.done, progress.total, progress.figure);
        ControlFlow::Continue(())
    }

    fn epoch(&mut self, epoch: &Epoch) -> ControlFlow<()> {
        let validation = (epoch.validation_loss, epoch.validation_accuracy);
        let Epoch { epoch, loss, accuracy, .. } = epoch;
        let mut line = format!("epoch {epoch}: loss {loss:.4}, accuracy {accuracy:.4}");
        if let (Some(loss), Some(accuracy)) = (validation.0, validation.1) {
            line.push_str(&format!("; on the texts kept out loss {loss:.4}, accuracy {accuracy:.4}"));
        }
        if !self.quiet {
            match &self.bar {
                Some(bar) => bar.println(line),
                None => note!("{line}"),
            }
        }
        ControlFlow::Continue(())
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.finish();
    }
}
