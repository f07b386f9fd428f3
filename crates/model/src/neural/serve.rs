//! A trained network as it is served: raw text in, logits out.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use sentimeter_text::Analyzer;

use super::engine::{EMBEDDING, Shard};
use super::kernel::Chosen;
use super::networks::{Cnn, CnnTape, Network, Recurrent, RecurrentTape};
use super::parameters::{Part, Parts};
use super::{Fitted, Kind, Settings, Vocabulary};
use crate::features::Ragged;

/// Texts that are answered together: enough rows for their products, few enough for the second cache.
const GROUP: usize = 32;

/// Texts that are worth a thread.
const SHARE: usize = 16;

/// A neural model: words, settings and parameters. Clones share them.
#[derive(Clone)]
pub struct Neural {
    pub(crate) settings: Settings,
    pub(crate) vocabulary: Arc<Vocabulary>,
    pub(crate) classes: usize,
    pub(crate) net: Net,
}

/// The network with its parameters packed.
#[derive(Clone)]
pub(crate) enum Net {
    Recurrent(Arc<Served<Recurrent>>),
    Cnn(Arc<Served<Cnn>>),
}

pub(crate) struct Served<N: Network<f32>> {
    pub(crate) network: N,
    pub(crate) kernel: Chosen,
    pub(crate) values: Vec<f32>,
    /// `[words, width]`
    pub(crate) table: Vec<f32>,
    pub(crate) width: usize,
    pub(crate) ready: N::Ready,
    /// Packed for backward passes too: only explanations need it.
    back: OnceLock<N::Ready>,
}

impl<N: Network<f32>> Served<N> {
    fn new(network: N, kernel: Chosen, values: Vec<f32>, table: Vec<f32>, width: usize) -> Arc<Self> {
        let mut ready = network.unready(kernel);
        network.ready(&values, false, &mut ready);
        Arc::new(Self { network, kernel, values, table, width, ready, back: OnceLock::new() })
    }

    pub(crate) fn back(&self) -> &N::Ready {
        self.back.get_or_init(|| {
            let mut ready = self.network.unready(self.kernel);
            self.network.ready(&self.values, true, &mut ready);
            ready
        })
    }
}

/// Buffers that one thread reuses.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) text: sentimeter_text::Scratch,
    rows: Ragged,
    recurrent: Shard<f32, RecurrentTape<f32>>,
    cnn: Shard<f32, CnnTape<f32>>,
    outputs: Vec<f64>,
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

impl fmt::Debug for Neural {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Neural").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Neural {
    /// Puts what was learned behind the words that it was learned for.
    ///
    /// # Panics
    /// When `fitted` was learned with another vocabulary or other settings: a programming error.
    pub fn new(settings: Settings, vocabulary: Vocabulary, fitted: Fitted) -> Self {
        let Fitted { values, table, classes, .. } = fitted;
        Self::from_parts(settings, vocabulary, values, table, classes).expect("fitted with these settings")
    }

    /// Puts the parts together; `Err` says what does not hold of them.
    pub(crate) fn from_parts(
        settings: Settings,
        vocabulary: Vocabulary,
        values: Vec<f32>,
        table: Vec<f32>,
        classes: usize,
    ) -> Result<Self, &'static str> {
        let width = settings.embedding;
        if table.len() != vocabulary.vectors() * width {
            return Err("a vector for each word in `embedding.weight`");
        }
        if parts(&settings, classes).len() != values.len() {
            return Err("as many parameters as its settings say");
        }
        if !values.iter().chain(&table).fold(true, |all, x| all & x.is_finite()) {
            return Err("finite parameters");
        }
        // Serving takes the best kernel: answers differ in the last digits alone.
        let kernel = settings.kernel.and_then(Chosen::new).unwrap_or_else(Chosen::best);
        let net = match settings.model {
            Kind::Lstm | Kind::Bilstm => {
                let network = Recurrent::new(&settings.recurrent(), width, classes);
                Net::Recurrent(Served::new(network, kernel, values, table, width))
            }
            Kind::Cnn => {
                let network = Cnn::new(&settings.cnn(), width, classes);
                Net::Cnn(Served::new(network, kernel, values, table, width))
            }
        };
        Ok(Self { settings, vocabulary: Arc::new(vocabulary), classes, net })
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The words that have a vector of their own.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Numbers that it has learned, the words' vectors with the others.
    pub fn parameters(&self) -> usize {
        match &self.net {
            Net::Recurrent(s) => s.values.len() + s.table.len(),
            Net::Cnn(s) => s.values.len() + s.table.len(),
        }
    }

    /// Logits of rows of word ids, one thread, `[rows, classes]`.
    pub fn logits_of(&self, rows: &[&[u32]], scratch: &mut crate::Scratch) -> Vec<f32> {
        self.forward(rows, &mut scratch.neural).to_vec()
    }

    /// As [`Self::logits_of`], on all threads of the current pool where there are texts enough.
    pub fn logits_all(&self, rows: &[&[u32]], scratch: &mut crate::Scratch) -> Vec<f32> {
        if rows.len() < 2 * SHARE {
            return self.logits_of(rows, scratch);
        }
        let parts: Vec<Vec<f32>> = rows
            .par_chunks(SHARE)
            .map_init(Scratch::default, |scratch, rows| self.forward(rows, scratch).to_vec())
            .collect();
        parts.concat()
    }

    fn forward<'a>(&self, rows: &[&[u32]], scratch: &'a mut Scratch) -> &'a [f32] {
        match &self.net {
            Net::Recurrent(s) => {
                scratch.recurrent.logits(s.kernel, &s.network, &s.ready, (&s.table, s.width), rows)
            }
            Net::Cnn(s) => scratch.cnn.logits(s.kernel, &s.network, &s.ready, (&s.table, s.width), rows),
        }
    }

    /// Calls `sink` with the logits of each text before calibration, one for two classes, which it may use
    /// up.
    pub(crate) fn logits<'a>(
        &self,
        analyzer: &Analyzer,
        texts: impl Iterator<Item = &'a str>,
        scratch: &mut Scratch,
        mut sink: impl FnMut(&mut [f64]),
    ) {
        let mut texts = texts.peekable();
        while texts.peek().is_some() {
            let mut rows = std::mem::take(&mut scratch.rows);
            rows.ids.clear();
            rows.ends.clear();
            for text in texts.by_ref().take(GROUP) {
                self.vocabulary.read(analyzer, text, &self.settings, &mut scratch.text, &mut rows.ids);
                rows.ends.push(rows.ids.len());
            }
            let views: Vec<&[u32]> = (0..rows.len()).map(|i| rows.row(i)).collect();
            let mut outputs = std::mem::take(&mut scratch.outputs);
            for logits in self.forward(&views, scratch).chunks_exact(self.classes) {
                outputs.clear();
                match *logits {
                    [first, second] => outputs.push(f64::from(second) - f64::from(first)),
                    _ => outputs.extend(logits.iter().map(|&z| f64::from(z))),
                }
                sink(&mut outputs);
            }
            scratch.outputs = outputs;
            drop(views);
            scratch.rows = rows;
        }
    }

    /// Tokens of `text`, and how many of them the model reads: see [`Settings::cut`].
    pub(crate) fn lengths(&self, analyzer: &Analyzer, text: &str, scratch: &mut Scratch) -> (usize, usize) {
        let mut len = 0;
        analyzer.tokens(text, &mut scratch.text, &mut |_| len += 1);
        (len, len.min(self.settings.length))
    }

    /// Names, shapes and numbers as PyTorch has them.
    pub fn state_dict(&self) -> Vec<(String, Vec<usize>, Vec<f32>)> {
        let (values, table, width) = match &self.net {
            Net::Recurrent(s) => (&s.values, &s.table, s.width),
            Net::Cnn(s) => (&s.values, &s.table, s.width),
        };
        let mut all = vec![(EMBEDDING.to_owned(), vec![table.len() / width, width], table.clone())];
        for part in parts(&self.settings, self.classes).list() {
            let mut numbers = values[part.range.clone()].to_vec();
            part.to_named(&mut numbers);
            all.push((part.name.clone(), part.shape.clone(), numbers));
        }
        all
    }
}

/// Names, shapes and places of the parameters that these settings give.
fn parts(settings: &Settings, classes: usize) -> Parts {
    let width = settings.embedding;
    match settings.model {
        Kind::Lstm | Kind::Bilstm => {
            Network::<f32>::parts(&Recurrent::new(&settings.recurrent(), width, classes)).clone()
        }
        Kind::Cnn => Network::<f32>::parts(&Cnn::new(&settings.cnn(), width, classes)).clone(),
    }
}

/// The parts of a model with these settings, for whoever reads them from a file.
pub(crate) fn named_parts(settings: &Settings, classes: usize) -> Vec<Part> {
    parts(settings, classes).list().to_vec()
}
