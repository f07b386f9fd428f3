//! LSTM layers, of one direction or two, over the words of a text.
//!
//! words `[tokens, embedding]` → LSTM, dropout, LSTM, … `[tokens, units · directions]` → one vector a text
//! (see [`Pool`]) → dropout → dense, ReLU → dense `[texts, classes]`

use super::head::{Head, HeadTape};
use super::{Draw, Network};
use crate::neural::kernel::{Chosen, Real};
use crate::neural::layers::dense::DenseReady;
use crate::neural::layers::embedding::PADDING;
use crate::neural::layers::lstm::{Columns, Lstm, LstmReady, LstmTape, Steps};
use crate::neural::layers::pool::{self, Pool};
use crate::neural::layers::{clear, resize};
use crate::neural::parameters::Parts;

/// Shape of the network.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RecurrentSettings {
    /// Units of each layer, per direction.
    pub(crate) units: Vec<usize>,
    /// Whether a second LSTM reads each text from its end.
    pub(crate) bidirectional: bool,
    /// Which vector stands for a text.
    pub(crate) pool: Pool,
    /// Units of the dense layers before the last.
    pub(crate) dense: Vec<usize>,
    /// Share of numbers dropped in training after each LSTM layer.
    pub(crate) dropout: f64,
}

/// The network.
#[derive(Debug, Clone)]
pub(crate) struct Recurrent {
    parts: Parts,
    /// The directions of each layer.
    layers: Vec<Vec<Lstm>>,
    pool: Pool,
    dropout: f64,
    head: Head,
}

/// Its parameters, packed.
pub(crate) struct RecurrentReady<R> {
    layers: Vec<Vec<LstmReady<R>>>,
    head: Vec<DenseReady<R>>,
}

/// What the backward pass needs.
#[derive(Debug, Default)]
pub(crate) struct RecurrentTape<R> {
    steps: Steps,
    /// The texts, the longest first.
    order: Vec<u32>,
    /// Rows of each text's tokens, text after text in `order`.
    places: Vec<u32>,
    ends: Vec<usize>,
    layers: Vec<Vec<LstmTape<R>>>,
    /// Output of each layer.
    outs: Vec<Vec<R>>,
    /// The same after dropout.
    dropped: Vec<Vec<R>>,
    pooled: Vec<R>,
    peaks: Vec<u32>,
    head: HeadTape<R>,
    grad: Vec<R>,
    grad_below: Vec<R>,
}

impl Recurrent {
    /// The network for words of `input` numbers.
    pub(crate) fn new(settings: &RecurrentSettings, input: usize, classes: usize) -> Self {
        let mut parts = Parts::default();
        let directions: &[bool] = if settings.bidirectional { &[false, true] } else { &[false] };
        let mut width = input;
        let mut layers = Vec::new();
        for (i, &units) in settings.units.iter().enumerate() {
            let name = format!("lstm.{i}");
            layers.push(directions.iter().map(|&r| Lstm::new(&mut parts, &name, width, units, r)).collect());
            width = units * directions.len();
        }
        let head = Head::new(&mut parts, settings.dropout, width, &settings.dense, classes);
        Self { parts, layers, pool: settings.pool, dropout: settings.dropout, head }
    }

    /// Width of layer `i`'s output.
    fn width(&self, i: usize) -> usize {
        self.layers[i].iter().map(|direction| direction.hidden).sum()
    }

    /// Columns of layer `i`'s output that `direction` owns.
    fn columns(&self, i: usize, direction: usize) -> Columns {
        let first = self.layers[i][..direction].iter().map(|direction| direction.hidden).sum();
        Columns { first, stride: self.width(i) }
    }

    /// Drops numbers of layer `i`'s output, or their gradients.
    fn drop<R: Real>(&self, i: usize, draw: Draw, steps: &Steps, order: &[u32], values: &mut [R]) {
        let (dropout, width) = (draw.layer(self.dropout, i), self.width(i));
        for t in 0..steps.len() {
            let rows = steps.rows(t);
            let values = values[rows.start * width..rows.end * width].chunks_exact_mut(width);
            for (&text, values) in order.iter().zip(values) {
                dropout.apply(draw.first_row + u64::from(text), t as u64, values);
            }
        }
    }

    /// Columns of each direction of the last layer, and the row of the text where it ends: the last of the
    /// forward, the first of the reverse one.
    fn ends_of(&self, places: &[u32], mut each: impl FnMut(std::ops::Range<usize>, usize)) {
        let (last, mut first_column) = (self.layers.len() - 1, 0);
        for (direction, lstm) in self.layers[last].iter().enumerate() {
            let at = if direction == 0 { places[places.len() - 1] } else { places[0] };
            each(first_column..first_column + lstm.hidden, at as usize);
            first_column += lstm.hidden;
        }
    }

    fn drops(&self, draw: Option<Draw>) -> Option<Draw> {
        draw.filter(|_| self.dropout > 0.0)
    }
}

impl<R: Real> Network<R> for Recurrent {
    type Ready = RecurrentReady<R>;
    type Tape = RecurrentTape<R>;

    fn parts(&self) -> &Parts {
        &self.parts
    }

    fn unready(&self, kernel: Chosen) -> Self::Ready {
        let layer = |layer: &Vec<Lstm>| layer.iter().map(|lstm| lstm.unready(kernel)).collect();
        RecurrentReady { layers: self.layers.iter().map(layer).collect(), head: self.head.unready(kernel) }
    }

    fn ready(&self, values: &[R], back: bool, ready: &mut Self::Ready) {
        let lstms = self.layers.iter().flatten().zip(ready.layers.iter_mut().flatten());
        lstms.for_each(|(lstm, ready)| lstm.ready(values, back, ready));
        self.head.ready(values, back, &mut ready.head);
    }

    fn arrange(&self, texts: &[&[u32]], ids: &mut Vec<u32>, tape: &mut Self::Tape) {
        let length = |text: u32| texts[text as usize].len().max(1);
        let RecurrentTape { steps, order, places, ends, .. } = tape;
        order.clear();
        order.extend(0..texts.len() as u32);
        order.sort_by_key(|&text| std::cmp::Reverse(length(text)));
        ids.clear();
        steps.starts.clear();
        steps.starts.push(0);
        for t in 0..order.first().map_or(0, |&text| length(text)) {
            for &text in order.iter().take_while(|&&text| length(text) > t) {
                ids.push(texts[text as usize].get(t).copied().unwrap_or(PADDING));
            }
            steps.starts.push(ids.len());
        }
        places.clear();
        ends.clear();
        for (i, &text) in order.iter().enumerate() {
            places.extend((0..length(text)).map(|t| (steps.starts[t] + i) as u32));
            ends.push(places.len());
        }
    }

    fn place(&self, text: usize, at: usize, tape: &Self::Tape) -> usize {
        let i = tape.order.iter().position(|&other| other as usize == text).unwrap_or(0);
        places_of(&tape.places, &tape.ends, i)[at] as usize
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
        let RecurrentTape { steps, order, places, ends, layers, outs, dropped, pooled, peaks, head, .. } =
            tape;
        let (texts, last) = (order.len(), self.layers.len() - 1);
        layers.resize_with(self.layers.len(), Vec::new);
        outs.resize_with(self.layers.len(), Vec::new);
        dropped.resize_with(self.layers.len(), Vec::new);
        for (i, layer) in self.layers.iter().enumerate() {
            let (below, here) = outs.split_at_mut(i);
            let (below_dropped, here_dropped) = dropped.split_at_mut(i);
            let input = match (i.checked_sub(1), self.drops(draw)) {
                (None, _) => x,
                (Some(below), Some(_)) => &below_dropped[below],
                (Some(i), None) => &below[i],
            };
            let out = &mut here[0]; // [tokens, units · directions]
            resize(out, steps.tokens() * self.width(i));
            layers[i].resize_with(layer.len(), LstmTape::default);
            for (direction, lstm) in layer.iter().enumerate() {
                let (columns, tape) = (self.columns(i, direction), &mut layers[i][direction]);
                lstm.forward(kernel, &ready.layers[i][direction], steps, input, out, columns, tape);
            }
            if let Some(draw) = self.drops(draw).filter(|_| i < last) {
                here_dropped[0].clone_from(out);
                self.drop(i, draw, steps, order, &mut here_dropped[0]);
            }
        }
        let (out, width) = (&outs[last], self.width(last));
        clear(pooled, texts * width); // [texts, units · directions]
        peaks.resize(texts * width, 0);
        for (i, &text) in order.iter().enumerate() {
            let (places, row) =
                (places_of(places, ends, i), text as usize * width..(text as usize + 1) * width);
            let pooled = &mut pooled[row.clone()];
            match self.pool {
                Pool::Last => self.ends_of(places, |columns, at| {
                    pooled[columns.clone()].copy_from_slice(&out[at * width..][columns]);
                }),
                Pool::Mean => pool::mean(kernel, out, places, pooled),
                Pool::Max => pool::max(kernel, out, places, pooled, &mut peaks[row]),
            }
        }
        logits.clear();
        logits.extend_from_slice(self.head.forward(kernel, &ready.head, texts, pooled, draw, head));
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
        let RecurrentTape { steps, order, places, ends, layers, outs, dropped, peaks, head, .. } = tape;
        let (above, below) = (&mut tape.grad, &mut tape.grad_below);
        let last = self.layers.len() - 1;
        let d_pooled = self.head.backward(kernel, &ready.head, grad, draw, gradient.as_deref_mut(), head);
        let width = self.width(last);
        clear(above, steps.tokens() * width);
        for (i, &text) in order.iter().enumerate() {
            let (places, row) =
                (places_of(places, ends, i), text as usize * width..(text as usize + 1) * width);
            let d = &d_pooled[row.clone()];
            match self.pool {
                Pool::Last => self.ends_of(places, |columns, at| {
                    above[at * width..][columns.clone()].copy_from_slice(&d[columns]);
                }),
                Pool::Mean => pool::mean_back(kernel, above, places, d),
                Pool::Max => pool::max_back(above, places, &peaks[row], d),
            }
        }
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let input = match (i.checked_sub(1), self.drops(draw)) {
                (None, _) => x,
                (Some(below), Some(_)) => &dropped[below],
                (Some(below), None) => &outs[below],
            };
            // The first layer's goes to the words, where that is wanted.
            let mut to = if i == 0 { dx.as_deref_mut() } else { Some(&mut *below) };
            if let Some(to) = &mut to {
                resize(to, steps.tokens() * layer[0].input);
            }
            for (direction, lstm) in layer.iter().enumerate() {
                let (columns, tape) = (self.columns(i, direction), &mut layers[i][direction]);
                let to = to.as_deref_mut().map(|to| (&mut to[..], direction == 0));
                let (ready, of) = (&ready.layers[i][direction], (input, &outs[i][..], &above[..]));
                lstm.backward(kernel, ready, steps, of, columns, to, gradient.as_deref_mut(), tape);
            }
            if let (Some(draw), Some(i)) = (self.drops(draw), i.checked_sub(1)) {
                self.drop(i, draw, steps, order, below);
            }
            std::mem::swap(above, below);
        }
    }
}

/// Rows of the tokens of the text at place `i` of the order.
fn places_of<'a>(places: &'a [u32], ends: &[usize], i: usize) -> &'a [u32] {
    let start = if i == 0 { 0 } else { ends[i - 1] };
    &places[start..ends[i]]
}
