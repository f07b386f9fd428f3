//! The seam between settings that learn and what they have learned.

use std::io;
use std::ops::ControlFlow;

use crate::FitError;
use crate::neural::Epoch;

/// What the training rows should be answered with.
#[derive(Debug, Clone, Copy)]
pub enum Targets<'a> {
    /// One class a row, `[rows]`, each below the number of classes.
    Hard(&'a [u16]),
    /// A distribution a row, `[rows, classes]` row-major: distillation.
    Soft(&'a [f32]),
    /// One class a row among those that whoever labelled the row could choose from: a set of positive and
    /// negative reviews knows no neutral, so it must not teach that neutral is wrong. The probability of a
    /// row's class is taken among its `known` ones alone, and the others learn nothing from it.
    Within {
        /// The class of each row, `[rows]`; one of its known ones.
        truth: &'a [u16],
        /// A bit for each class that the row's labels could have been, `[rows]`; bit 31 stands for all
        /// classes from the 32nd on.
        known: &'a [u32],
    },
}

/// Rows, their targets and their weights.
#[derive(Debug, Clone, Copy)]
pub struct Training<'a, R> {
    /// The features.
    pub rows: &'a R,
    /// What to answer.
    pub targets: Targets<'a>,
    /// Number of classes, at least 2.
    pub classes: usize,
    /// How much each row counts, `[rows]`; 1 each when absent.
    pub weights: Option<&'a [f64]>,
}

/// Where long work stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What is being done, a word or two.
    pub stage: &'static str,
    /// Steps done.
    pub done: u64,
    /// Steps in all, where that is known.
    pub total: Option<u64>,
    /// A figure worth showing (loss, gradient norm), with its name.
    pub figure: Option<(&'static str, f64)>,
}

/// The caller's side of long work; the terminal is somebody else's.
pub trait Hooks {
    /// Called often; `Break` stops the work with [`FitError::Interrupted`].
    fn progress(&mut self, progress: &Progress) -> ControlFlow<()>;

    /// Called after each pass over the training texts of a network; `Break` stops the work after it.
    fn epoch(&mut self, _: &Epoch) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// The checkpoint to go on from, where there is one: asked once before a network is trained.
    fn resume(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// Whether a checkpoint should be written now; asked after each step. One is written in any case where
    /// the work is stopped.
    fn checkpoint_due(&mut self) -> bool {
        false
    }

    /// Takes a checkpoint: all that is needed to go on.
    ///
    /// # Errors
    /// What writing gives; the work stops with it.
    fn checkpoint(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// Hooks that show nothing and never stop.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Hooks for Silent {
    fn progress(&mut self, _: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Settings that can learn; the result is another type.
pub trait Fit {
    /// The rows it learns from.
    type Rows;
    /// What it becomes.
    type Fitted;

    /// Learns.
    ///
    /// # Errors
    /// See [`FitError`].
    fn fit(
        &self,
        training: &Training<'_, Self::Rows>,
        hooks: &mut dyn Hooks,
    ) -> Result<Self::Fitted, FitError>;
}
