//! What can go wrong while learning and predicting.

/// A setting outside its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("setting `{name}` is {got}; it must be {want}")]
pub struct SettingError {
    /// The setting as a plan names it.
    pub name: &'static str,
    /// The range.
    pub want: &'static str,
    /// What was given.
    pub got: String,
}

impl SettingError {
    pub(crate) fn new(name: &'static str, want: &'static str, got: impl std::fmt::Display) -> Self {
        Self { name, want, got: got.to_string() }
    }
}

/// Why learning failed.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// A setting is out of range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// There is nothing to learn from.
    #[error("no training rows are left; {why}")]
    Empty {
        /// What removed them.
        why: &'static str,
    },
    /// Learning needs two classes.
    #[error("the training rows hold {found} class(es) ({names}); at least 2 are needed")]
    OneClass {
        /// How many there are.
        found: usize,
        /// Their names or numbers.
        names: String,
    },
    /// No n-gram passed the vocabulary's bounds.
    #[error(
        "no feature is left of {before}: min_df = {min_df} and max_df = {max_df} exclude every n-gram; \
         lower min_df or raise max_df"
    )]
    NoFeatures {
        /// Distinct n-grams before pruning.
        before: usize,
        /// The lower bound, in texts.
        min_df: u32,
        /// The upper bound, in texts.
        max_df: u32,
    },
    /// More n-grams than 32-bit ids can name.
    #[error("{found} distinct n-grams are more than {most}; use shorter n-grams or fewer texts")]
    TooManyFeatures {
        /// How many there are.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// Rows, targets or weights disagree in length.
    #[error("{rows} rows come with {others} {what}")]
    Length {
        /// Rows of the matrix.
        rows: usize,
        /// Entries of the other.
        others: usize,
        /// What the other is.
        what: &'static str,
    },
    /// Text could not be turned into tokens.
    #[error(transparent)]
    Recipe(#[from] sentimeter_text::RecipeError),
    /// The optimiser lost its way.
    #[error("the loss is not finite after {iterations} iterations; the rows hold values that are not finite")]
    NotFinite {
        /// Iterations done.
        iterations: u32,
    },
    /// A network's numbers ran away.
    #[error(
        "training diverged at step {step}: `{part}` is no longer finite; lower neural.learning_rate, or set \
         neural.clip_norm (1 is common)"
    )]
    Diverged {
        /// The part of the network where it shows.
        part: String,
        /// The step, from 1.
        step: u64,
    },
    /// A part of a network learned nothing in a whole pass.
    #[error(
        "`{part}` has not moved in the first epoch, so nothing reaches it; raise neural.learning_rate or train \
         with another seed, and look for layers with very few units"
    )]
    Unmoved {
        /// The part.
        part: String,
    },
    /// A checkpoint of something else.
    #[error("cannot go on from the checkpoint: {why}")]
    Checkpoint {
        /// What is wrong with it.
        why: String,
    },
    /// A checkpoint could not be written.
    #[error("cannot write the checkpoint")]
    NotSaved(#[source] std::io::Error),
    /// The caller asked to stop.
    #[error("interrupted after {iterations} iterations")]
    Interrupted {
        /// Iterations done.
        iterations: u32,
    },
}

/// Why a prediction failed.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Features of another width.
    #[error("features have {got} columns; this model was fitted on {expected}")]
    Width {
        /// Columns of the model.
        expected: usize,
        /// Columns of the rows.
        got: usize,
    },
}
