//! How vectors are learned.

use serde::{Deserialize, Serialize};

use crate::SettingError;
use crate::neural::Kernel;

/// The settings of [`super::skip_gram()`]; the defaults are fastText's, but for `buckets`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbedSettings {
    /// Numbers of a vector.
    pub dimension: usize,
    /// Passes over the texts.
    pub epochs: u32,
    /// Most words on each side that a word is asked for; how many it is is drawn for each word.
    pub window: usize,
    /// Words drawn against each one that was met.
    pub negatives: usize,
    /// Occurrences that a word needs to have a vector.
    pub min_count: u64,
    /// Letters of the shortest subwords.
    pub min_n: usize,
    /// Letters of the longest; 0 for none at all.
    pub max_n: usize,
    /// Rows that subwords share. fastText takes 2,000,000, most of which a small text never meets: they only
    /// make the file larger.
    pub buckets: usize,
    /// Learning rate at first; it falls evenly to zero.
    pub rate: f64,
    /// Words with a larger share of the text than this are passed over now and then.
    pub sample: f64,
    /// What is drawn is drawn by it.
    pub seed: u64,
    /// The instructions to use; the machine's best when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Kernel>,
}

impl Default for EmbedSettings {
    fn default() -> Self {
        Self {
            dimension: 100,
            epochs: 5,
            window: 5,
            negatives: 5,
            min_count: 5,
            min_n: 3,
            max_n: 6,
            buckets: 200_000,
            rate: 0.05,
            sample: 1e-4,
            seed: 0,
            kernel: None,
        }
    }
}

impl EmbedSettings {
    /// Checks every range.
    ///
    /// # Errors
    /// The first setting that is outside.
    pub fn check(&self) -> Result<(), SettingError> {
        let whole = |name, want, range: std::ops::RangeInclusive<usize>, x: usize| {
            if range.contains(&x) { Ok(()) } else { Err(SettingError::new(name, want, x)) }
        };
        whole("dimension", "1 to 4096", 1..=4096, self.dimension)?;
        whole("epochs", "1 to 10000", 1..=10_000, self.epochs as usize)?;
        whole("window", "1 to 100", 1..=100, self.window)?;
        whole("negatives", "1 to 100", 1..=100, self.negatives)?;
        whole("max_n", "at most 20", 0..=20, self.max_n)?;
        if self.max_n > 0 {
            whole("min_n", "1 to max_n", 1..=self.max_n, self.min_n)?;
            whole("buckets", "1 to 20000000", 1..=20_000_000, self.buckets)?;
        }
        if !(self.rate > 0.0 && self.rate <= 10.0) {
            return Err(SettingError::new("rate", "above 0 and at most 10", self.rate));
        }
        if !(self.sample > 0.0 && self.sample <= 1.0) {
            return Err(SettingError::new("sample", "above 0 and at most 1", self.sample));
        }
        if let Some(kernel) = self.kernel.filter(|kernel| !kernel.available()) {
            return Err(SettingError::new("kernel", "one that this processor has", kernel));
        }
        Ok(())
    }
}
