//! Word vectors from unlabelled text: skip-gram with subwords and negative sampling (Bojanowski et al. 2017,
//! doi:10.1162/tacl_a_00051), as fastText learns them.
//!
//! From the bottom: [`Subwords`] is which rows a word's vector is the mean of; `shard` is the arithmetic
//! over a few hundred words; [`skip_gram()`] deals the texts to shards and joins what they learned.

mod settings;
mod shard;
mod skip_gram;
mod subwords;

pub use settings::EmbedSettings;
pub use skip_gram::{Embeddings, skip_gram};
pub use subwords::Subwords;
