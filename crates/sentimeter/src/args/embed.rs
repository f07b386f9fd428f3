//! `sentimeter embed`, as a person types it.

use std::path::PathBuf;

use clap::Args;
use sentimeter_model::embeddings::EmbedSettings;
use sentimeter_model::neural::Kernel;

use super::ReadArgs;

/// `sentimeter embed`.
#[derive(Debug, Args)]
pub(crate) struct EmbedArgs {
    /// Data sets, or files in any readable format; labels are not looked at
    #[arg(required = true, value_name = "NAME|FILE")]
    pub data: Vec<String>,
    /// Texts that stand here, too, are left out: what models will be measured on. Read as the data is (--format, --text)
    #[arg(long, value_name = "NAME|FILE", num_args = 1..)]
    pub without: Vec<String>,
    /// Where the vectors go: fastText's text where the name ends in .vec or .txt, else its model with subwords
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// How texts are cleaned: the recipe of the models that will start from the vectors
    #[arg(long, default_value = "auto", value_name = "NAME")]
    pub recipe: String,
    /// Numbers of a vector
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub dimension: usize,
    /// Passes over the texts
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub epochs: u32,
    /// Most words on each side that a word is asked for
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub window: usize,
    /// Words drawn against each one that was met
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub negatives: usize,
    /// Occurrences that a word needs to have a vector
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub min_count: u64,
    /// Letters of the shortest subwords
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub min_n: usize,
    /// Letters of the longest subwords; 0 for none
    #[arg(long, default_value_t = 6, value_name = "N")]
    pub max_n: usize,
    /// Rows that subwords share: more tell them apart better and make the file larger
    #[arg(long, default_value_t = 200_000, value_name = "N")]
    pub buckets: usize,
    /// Learning rate at first; it falls evenly to zero
    #[arg(long, default_value_t = 0.05, value_name = "RATE")]
    pub rate: f64,
    /// Words with a larger share of the text are passed over now and then
    #[arg(long, default_value_t = 1e-4, value_name = "SHARE")]
    pub sample: f64,
    /// What is drawn is drawn by it
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// The instructions to use: portable, avx2 or avx512; another kernel gives other last digits [default: the
    /// machine's best]
    #[arg(long, value_name = "KERNEL", value_parser = kernel)]
    pub kernel: Option<Kernel>,
    #[command(flatten)]
    pub read: ReadArgs,
}

fn kernel(raw: &str) -> Result<Kernel, String> {
    let found = Kernel::ALL.into_iter().find(|kernel| kernel.to_string() == raw);
    found.ok_or_else(|| "wants portable, avx2 or avx512".to_owned())
}

impl EmbedArgs {
    /// How vectors are learned.
    pub(crate) fn settings(&self) -> EmbedSettings {
        EmbedSettings {
            dimension: self.dimension,
            epochs: self.epochs,
            window: self.window,
            negatives: self.negatives,
            min_count: self.min_count,
            min_n: self.min_n,
            max_n: self.max_n,
            buckets: self.buckets,
            rate: self.rate,
            sample: self.sample,
            seed: self.seed,
            kernel: self.kernel,
        }
    }
}
