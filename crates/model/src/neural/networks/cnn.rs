//! Convolutions over the words of a text, and the largest answer of each filter.
//!
//! words `[rows, embedding]` → Conv1D, ReLU, Conv1D, ReLU `[rows, filters]` → largest over the text
//! `[texts, filters]` → dropout → dense, ReLU → dense `[texts, classes]`

use serde::{Deserialize, Serialize};

use super::head::{Head, HeadTape};
use super::{Draw, Network};
use crate::neural::kernel::{Chosen, Real, relu, relu_back};
use crate::neural::layers::conv::{Conv, ConvReady, Texts};
use crate::neural::layers::dense::DenseReady;
use crate::neural::layers::embedding::PADDING;
use crate::neural::layers::{clear, pool};
use crate::neural::parameters::Parts;

/// What stands around a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Zeros at both ends, so that the last layer has a place for each word.
    #[default]
    Same,
    /// Nothing; a text too short for a window gets zeros at its end.
    Valid,
}

/// Shape of the network.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CnnSettings {
    /// Filters of each convolution.
    pub(crate) filters: Vec<usize>,
    /// Words that a filter looks at.
    pub(crate) kernel_size: usize,
    /// What stands around a text.
    pub(crate) padding: Padding,
    /// Units of the dense layers before the last.
    pub(crate) dense: Vec<usize>,
    /// Share of the largest answers dropped in training.
    pub(crate) dropout: f64,
}

/// The network.
#[derive(Debug, Clone)]
pub(crate) struct Cnn {
    parts: Parts,
    layers: Vec<Conv>,
    padding: Padding,
    head: Head,
}

/// Its parameters, packed.
pub(crate) struct CnnReady<R> {
    layers: Vec<ConvReady<R>>,
    head: Vec<DenseReady<R>>,
}

/// What the backward pass needs.
#[derive(Debug, Default)]
pub(crate) struct CnnTape<R> {
    texts: Texts,
    /// Zeros before each text.
    left: usize,
    /// Output of each convolution, after ReLU but for the last.
    outs: Vec<Vec<R>>,
    places: Vec<u32>,
    pooled: Vec<R>,
    peaks: Vec<u32>,
    head: HeadTape<R>,
    grad: Vec<R>,
    grad_below: Vec<R>,
}

impl Cnn {
    /// The network for words of `input` numbers.
    pub(crate) fn new(settings: &CnnSettings, input: usize, classes: usize) -> Self {
        let mut parts = Parts::default();
        let mut width = input;
        let mut layers = Vec::new();
        for (i, &filters) in settings.filters.iter().enumerate() {
            layers.push(Conv::new(&mut parts, &format!("conv.{i}"), width, filters, settings.kernel_size));
            width = filters;
        }
        let head = Head::new(&mut parts, settings.dropout, width, &settings.dense, classes);
        Self { parts, layers, padding: settings.padding, head }
    }

    /// Rows that the first `layers` convolutions use up.
    fn lost(&self, layers: usize) -> usize {
        self.layers[..layers].iter().map(|layer| layer.width - 1).sum()
    }
}

impl<R: Real> Network<R> for Cnn {
    type Ready = CnnReady<R>;
    type Tape = CnnTape<R>;

    fn parts(&self) -> &Parts {
        &self.parts
    }

    fn unready(&self, kernel: Chosen) -> Self::Ready {
        let layers = self.layers.iter().map(|layer| layer.unready(kernel)).collect();
        CnnReady { layers, head: self.head.unready(kernel) }
    }

    fn ready(&self, values: &[R], back: bool, ready: &mut Self::Ready) {
        let layers = self.layers.iter().zip(&mut ready.layers);
        layers.for_each(|(layer, ready)| layer.ready(values, back, ready));
        self.head.ready(values, back, &mut ready.head);
    }

    fn arrange(&self, texts: &[&[u32]], ids: &mut Vec<u32>, tape: &mut Self::Tape) {
        let lost = self.lost(self.layers.len());
        tape.left = if self.padding == Padding::Same { lost / 2 } else { 0 };
        ids.clear();
        tape.texts.starts.clear();
        tape.texts.starts.push(0);
        for text in texts {
            let text = if text.is_empty() { &[PADDING][..] } else { text };
            let start = ids.len();
            ids.resize(start + tape.left, PADDING);
            ids.extend_from_slice(text);
            let rows = match self.padding {
                Padding::Same => lost + text.len(),
                Padding::Valid => text.len().max(lost + 1),
            };
            ids.resize(start + rows, PADDING);
            tape.texts.starts.push(ids.len());
        }
    }

    fn place(&self, text: usize, at: usize, tape: &Self::Tape) -> usize {
        tape.texts.starts[text] + tape.left + at
    }

    fn forward(
        &self,
        kernel: Chosen,
        ready: &Self::Ready,
        x: &[R],
        draw: Option<Draw>,
        logits: &mut Vec<R>,
        tape: &mut Self::Tape,
    ) {
        let CnnTape { texts, outs, places, pooled, peaks, head, .. } = tape;
        let last = self.layers.len() - 1;
        outs.resize_with(self.layers.len(), Vec::new);
        for (i, layer) in self.layers.iter().enumerate() {
            let (below, out) = outs.split_at_mut(i);
            let input = if i == 0 { x } else { &below[i - 1] };
            layer.forward(&ready.layers[i], texts, self.lost(i), input, &mut out[0]);
            if i < last {
                relu(kernel, &mut out[0]);
            }
        }
        let filters = self.layers[last].filters;
        clear(pooled, texts.len() * filters); // [texts, filters]
        peaks.resize(texts.len() * filters, 0);
        let rows = pooled.chunks_exact_mut(filters).zip(peaks.chunks_exact_mut(filters));
        for (i, (pooled, peaks)) in rows.enumerate() {
            places.clear();
            places.extend(texts.of(i, self.lost(last + 1)).map(|at| at as u32));
            pool::max(kernel, &outs[last], places, pooled, peaks);
        }
        relu(kernel, pooled); // the largest after ReLU is ReLU of the largest
        logits.clear();
        logits.extend_from_slice(self.head.forward(kernel, &ready.head, texts.len(), pooled, draw, head));
    }

    fn backward(
        &self,
        kernel: Chosen,
        ready: &Self::Ready,
        x: &[R],
        draw: Option<Draw>,
        grad: &mut [R],
        mut dx: Option<&mut Vec<R>>,
        mut gradient: Option<&mut [R]>,
        tape: &mut Self::Tape,
    ) {
        let CnnTape { texts, outs, pooled, peaks, head, .. } = tape;
        let (above, below) = (&mut tape.grad, &mut tape.grad_below);
        let last = self.layers.len() - 1;
        let d_pooled = self.head.backward(kernel, &ready.head, grad, draw, gradient.as_deref_mut(), head);
        relu_back(kernel, d_pooled, pooled);
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let ready = &ready.layers[i];
            let input = if i == 0 { x } else { &outs[i - 1][..] };
            // The gradient of a layer's output has zeros in front, that of the words has not.
            let front = if i == 0 { 0 } else { (self.layers[i - 1].width - 1) * layer.input };
            let size = front + texts.rows() * layer.input;
            let to: Option<&mut [R]> = match (i, dx.as_deref_mut()) {
                (0, None) => None,
                (0, Some(dx)) => {
                    clear(dx, size);
                    Some(dx)
                }
                _ => {
                    clear(below, size);
                    Some(&mut below[front..])
                }
            };
            if i == last {
                let mut unwanted = Vec::new();
                let to = match to {
                    Some(to) => to,
                    None => {
                        clear(&mut unwanted, size);
                        &mut unwanted
                    }
                };
                layer.backward_peaks(kernel, ready, (input, d_pooled, peaks), to, gradient.as_deref_mut());
            } else {
                layer.backward(kernel, ready, texts, (input, above), to, gradient.as_deref_mut());
            }
            if i > 0 {
                relu_back(kernel, &mut below[front..], &outs[i - 1]);
            }
            std::mem::swap(above, below);
        }
    }
}
