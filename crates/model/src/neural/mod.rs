//! Neural networks that train fast on a plain processor.
//!
//! From the bottom: [`Kernel`] is the arithmetic, `layers` are the formulas with their gradients,
//! `networks` put layers together. Nothing records a graph: each pass is written out.

mod checkpoint;
mod engine;
mod explain;
#[cfg(test)]
mod golden;
pub(crate) mod kernel;
mod layers;
mod networks;
mod optimiser;
mod parameters;
pub(crate) mod random;
mod serve;
mod settings;
mod train;
mod vocabulary;

pub(crate) use engine::EMBEDDING;
pub(crate) use explain::parts as integrated_gradients;
pub use kernel::Kernel;
pub use layers::pool::Pool;
pub use networks::Padding;
pub(crate) use optimiser::Optimiser;
pub use optimiser::{Decay, Rule};
pub use serve::Neural;
pub(crate) use serve::{Net, Scratch, named_parts};
pub use settings::{Cut, Kind, Settings, Update};
pub use train::{Epoch, Fitted, Learner};
pub use vocabulary::Vocabulary;
