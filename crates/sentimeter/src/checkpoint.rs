//! The training of a network leaves checkpoints beside the model, and goes on from them.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use sentimeter_model::neural::Epoch;
use sentimeter_model::{Hooks, Progress};

use crate::output::Output;
use crate::progress::Shown;

/// Between two checkpoints: what a signal that ends the process may cost.
const PAUSE: Duration = Duration::from_secs(20);

/// Between two where an epoch has just ended, and its figures were shown.
const SHORT_PAUSE: Duration = Duration::from_secs(1);

/// Shows progress, and keeps checkpoints.
pub(crate) struct Kept<'a> {
    shown: &'a mut Shown,
    path: PathBuf,
    resume: Option<Vec<u8>>,
    last: Instant,
    pause: Duration,
}

impl<'a> Kept<'a> {
    /// Checkpoints of the model at `model`; with `resume` its last one is gone on from.
    pub(crate) fn new(shown: &'a mut Shown, model: &Path, resume: bool) -> anyhow::Result<Self> {
        let mut name = model.as_os_str().to_owned();
        name.push(".checkpoint");
        let path = PathBuf::from(name);
        let resume = if resume {
            let bytes = std::fs::read(&path).with_context(|| {
                format!(
                    "cannot resume: no checkpoint can be read at {}; train without --resume",
                    path.display()
                )
            })?;
            Some(bytes)
        } else {
            None
        };
        Ok(Self { shown, path, resume, last: Instant::now(), pause: PAUSE })
    }

    /// Where the checkpoint lies that the model makes superfluous.
    pub(crate) fn done_with(self) -> PathBuf {
        self.path
    }
}

/// Removes a checkpoint, if there is one: the model is there.
pub(crate) fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            tracing::warn!("cannot remove the checkpoint {}: {e}", path.display());
        }
        _ => {}
    }
}

impl Hooks for Kept<'_> {
    fn progress(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.shown.progress(progress)
    }

    fn epoch(&mut self, epoch: &Epoch) -> ControlFlow<()> {
        self.pause = SHORT_PAUSE;
        self.shown.epoch(epoch)
    }

    fn resume(&mut self) -> Option<Vec<u8>> {
        self.resume.take()
    }

    fn checkpoint_due(&mut self) -> bool {
        let due = self.last.elapsed() >= self.pause;
        self.pause = PAUSE;
        due
    }

    fn checkpoint(&mut self, bytes: &[u8]) -> io::Result<()> {
        let output = Output::create(&self.path)?;
        output.file()?.write_all(bytes)?;
        output.finish()?;
        self.last = Instant::now();
        Ok(())
    }
}
