//! Whole networks: from the vectors of a text's words to the logits of its classes. Each fits in one file.
//!
//! [`Network`] is the seam: training and serving know nothing of what is inside, and a network for another
//! device, or a transformer, comes in by it.

mod cnn;
mod head;
mod recurrent;
#[cfg(test)]
mod tests;

pub use cnn::Padding;
pub(crate) use cnn::{Cnn, CnnSettings, CnnTape};
pub(crate) use recurrent::{Recurrent, RecurrentSettings, RecurrentTape};

use super::kernel::{Chosen, Real};
use super::layers::dropout::Dropout;
use super::parameters::Parts;

/// What a training step draws for dropout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    pub(crate) seed: u64,
    pub(crate) step: u64,
    /// Number in the batch of the first of the texts at hand.
    pub(crate) first_row: u64,
}

impl Draw {
    fn layer(&self, rate: f64, layer: usize) -> Dropout {
        Dropout::new(rate, self.seed, self.step, layer as u64)
    }
}

/// A network after its embedding. All passes run on one thread, over some texts at a time; a text's logits
/// do not depend on its neighbours.
pub(crate) trait Network<R: Real>: Send + Sync {
    /// Parameters packed for products.
    type Ready: Send + Sync;
    /// What the forward pass leaves for the backward one; its memory is reused.
    type Tape: Default + Send + Sync;

    /// Names, shapes and places of the parameters.
    fn parts(&self) -> &Parts;

    /// Memory for packed parameters.
    fn unready(&self, kernel: Chosen) -> Self::Ready;

    /// Packs the parameters, for the backward pass too where `back` says so.
    fn ready(&self, values: &[R], back: bool, ready: &mut Self::Ready);

    /// Arranges texts as the network wants their words: `ids` in the order of the vectors that
    /// [`Self::forward`] takes. An empty text counts as one of padding.
    fn arrange(&self, texts: &[&[u32]], ids: &mut Vec<u32>, tape: &mut Self::Tape);

    /// Token `at` of text `text` stands at this place of `ids`, as arranged last.
    fn place(&self, text: usize, at: usize, tape: &Self::Tape) -> usize;

    /// `x` `[ids, width]` → `logits` `[texts, classes]`, the texts in the order in which they were given.
    fn forward(
        &self,
        kernel: Chosen,
        ready: &Self::Ready,
        x: &[R],
        draw: Option<Draw>,
        logits: &mut Vec<R>,
        tape: &mut Self::Tape,
    );

    /// Given the loss's gradient of the logits, which it may use up: adds that of the parameters to
    /// `gradient`, and writes that of `x` to `dx`, where they are wanted. After [`Self::forward`] with the
    /// same `x` and `draw`.
    #[allow(clippy::too_many_arguments)] // as many as a backward pass has
    fn backward(
        &self,
        kernel: Chosen,
        ready: &Self::Ready,
        x: &[R],
        draw: Option<Draw>,
        grad: &mut [R],
        dx: Option<&mut Vec<R>>,
        gradient: Option<&mut [R]>,
        tape: &mut Self::Tape,
    );
}
