//! TF-IDF and one layer of weights, as they are served.

use sentimeter_text::Analyzer;

use crate::features::{Group, NONE, Vectorizer, Vocabulary};
use crate::logistic::{self, Solution};
use crate::quantised::Scales;

/// Texts that are looked up together: enough for their cache misses to overlap, few enough for their
/// words to stay in the first cache.
const GROUP: usize = 64;

/// Words after which a group is full, however few texts they make: bounded memory.
const GROUP_WORDS: usize = 4096;

/// Weights over a vocabulary.
#[derive(Debug, Clone)]
pub struct Linear {
    pub(crate) vocabulary: Vocabulary,
    /// `[nodes, 1 + outputs]`, row-major: inverse document frequency and the weight for each output, so
    /// that all that a feature adds lies in one place. 0 where an n-gram only begins others.
    pub(crate) table: Vec<f32>,
    /// `[outputs]`.
    pub(crate) intercepts: Vec<f64>,
    /// Nodes that are features.
    features: usize,
    /// How the table is stored in one byte a number; `None`: as it is.
    pub(crate) scales: Option<Scales>,
}

impl Linear {
    /// Weights as they are stored: rounded to `f32`.
    pub fn new(vectorizer: Vectorizer, solution: &Solution) -> Self {
        let Vectorizer { vocabulary, columns, idf } = vectorizer;
        let outputs = solution.intercepts.len();
        let mut table = Vec::with_capacity(columns.len() * (1 + outputs));
        for (&column, &idf) in columns.iter().zip(&idf) {
            table.push(idf);
            if column == NONE {
                table.extend(std::iter::repeat_n(0.0, outputs));
            } else {
                let weights = &solution.weights[column as usize * outputs..][..outputs];
                table.extend(weights.iter().map(|&weight| weight as f32));
            }
        }
        let features = columns.iter().filter(|&&column| column != NONE).count();
        Self { vocabulary, table, intercepts: solution.intercepts.clone(), features, scales: None }
    }

    /// The same with each number of the table rounded to what one byte holds, and stored so.
    #[must_use]
    pub fn quantised(mut self) -> Self {
        let scales = Scales::of(&self.table, 1 + self.outputs());
        self.table = scales.decode(&scales.encode(&self.table));
        self.scales = Some(scales);
        self
    }

    /// Puts the parts together; `Err` says what does not hold of them.
    pub(crate) fn from_parts(
        vocabulary: Vocabulary,
        table: Vec<f32>,
        scales: Option<Scales>,
        intercepts: Vec<f64>,
        classes: usize,
    ) -> Result<Self, &'static str> {
        let row = 1 + intercepts.len();
        if intercepts.len() != logistic::outputs(classes) || table.len() != vocabulary.len() * row {
            return Err("a weight for each n-gram and class in `features`");
        }
        // All of them are looked at: without a way out of the loop it takes many at once.
        if !table.iter().fold(true, |all, x| all & x.is_finite()) {
            return Err("finite numbers in `features`");
        }
        let (mut features, mut negative) = (0, 0);
        for row in table.chunks_exact(row) {
            features += usize::from(row[0] > 0.0);
            negative += usize::from(row[0] < 0.0);
        }
        if negative > 0 {
            return Err("no inverse document frequency below 0 in `features`");
        }
        if !intercepts.iter().all(|x| x.is_finite()) {
            return Err("finite numbers in `intercepts`");
        }
        Ok(Self { vocabulary, table, intercepts, features, scales })
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Inverse document frequency and weight for each output of each n-gram, `[nodes, 1 + outputs]`.
    pub fn table(&self) -> &[f32] {
        &self.table
    }

    /// Number of features.
    pub(crate) fn features(&self) -> usize {
        self.features
    }

    pub(crate) fn outputs(&self) -> usize {
        self.intercepts.len()
    }

    /// Calls `sink` with the logits of each text before calibration, `[outputs]`, which it may use up.
    pub(crate) fn logits<'a>(
        &self,
        analyzer: &Analyzer,
        texts: impl Iterator<Item = &'a str>,
        scratch: &mut Scratch,
        mut sink: impl FnMut(&mut [f64]),
    ) {
        let Scratch { group, logits, .. } = scratch;
        let mut score = |nodes: &[u32]| {
            logits.clear();
            logits.extend_from_slice(&self.intercepts);
            self.add(nodes, logits);
            sink(logits);
        };
        let row = 1 + self.outputs();
        let fetch = |node| self.table.get(node as usize * row).map_or(0, |idf| idf.to_bits());
        for text in texts {
            self.vocabulary.read(analyzer, text, group);
            if group.len() == GROUP || group.words() >= GROUP_WORDS {
                self.vocabulary.rows(group, fetch, &mut score);
            }
        }
        self.vocabulary.rows(group, fetch, &mut score);
    }

    /// Adds the part of the row `nodes`, of which equal ones stand together, to `logits`.
    #[inline]
    fn add(&self, nodes: &[u32], logits: &mut [f64]) {
        // Words and characters are scaled each on their own, as scikit-learn's `FeatureUnion` does.
        if self.vocabulary.settings.chars.is_none() {
            return self.add_part(nodes, logits);
        }
        let split = nodes.partition_point(|&node| node < self.vocabulary.first_gram());
        let (words, grams) = nodes.split_at(split);
        self.add_part(words, logits);
        self.add_part(grams, logits);
    }

    #[inline]
    fn add_part(&self, nodes: &[u32], logits: &mut [f64]) {
        let norm = self.vocabulary.settings.norm;
        let mut sum = 0.0;
        if let [logit] = logits {
            let (table, _) = self.table.as_chunks::<2>();
            let mut part = 0.0;
            self.weighed(
                nodes,
                |node| table[node as usize][0],
                |node, value| {
                    sum += norm.part(value);
                    part += value * f64::from(table[node as usize][1]);
                },
            );
            *logit += part * norm.scale(sum);
            return;
        }
        let row = 1 + logits.len();
        let idf = |node| self.table[node as usize * row];
        self.weighed(nodes, idf, |_, value| sum += norm.part(value));
        let scale = norm.scale(sum);
        self.weighed(nodes, idf, |node, value| {
            for (logit, &weight) in logits.iter_mut().zip(self.weights(node)) {
                *logit += value * scale * f64::from(weight);
            }
        });
    }

    /// Calls `sink` with each node and its TF-IDF value before scaling.
    #[inline]
    fn weighed(&self, nodes: &[u32], idf: impl Fn(u32) -> f32, mut sink: impl FnMut(u32, f64)) {
        let settings = &self.vocabulary.settings;
        let mut at = 0;
        while let Some(&node) = nodes.get(at) {
            let mut count = 1;
            while nodes.get(at + count) == Some(&node) {
                count += 1;
            }
            at += count;
            sink(node, settings.term_frequency(count as u32) * f64::from(idf(node)));
        }
    }

    /// What one occurrence of each node is worth: its scaled TF-IDF value, shared evenly by all its
    /// occurrences. `nodes` are those of a row in any order; afterwards they are sorted and distinct, and
    /// the shares are theirs, one by one.
    pub(crate) fn shares(&self, nodes: &mut Vec<u32>) -> Vec<f64> {
        nodes.sort_unstable();
        let row = 1 + self.outputs();
        let idf = |node| self.table[node as usize * row];
        let norm = self.vocabulary.settings.norm;
        let split = nodes.partition_point(|&node| node < self.vocabulary.first_gram());
        let mut shares = Vec::new();
        for part in [&nodes[..split], &nodes[split..]] {
            let mut sum = 0.0;
            self.weighed(part, idf, |_, value| sum += norm.part(value));
            let scale = norm.scale(sum);
            let mut counts = part.chunk_by(|a, b| a == b).map(<[u32]>::len);
            self.weighed(part, idf, |_, value| {
                shares.push(value * scale / counts.next().unwrap_or(1) as f64);
            });
        }
        nodes.dedup();
        shares
    }

    /// Weight of `node` for each output, `[outputs]`.
    pub(crate) fn weights(&self, node: u32) -> &[f32] {
        &self.table[node as usize * (1 + self.outputs()) + 1..][..self.outputs()]
    }
}

/// Buffers that one thread reuses from text to text.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) group: Group,
    logits: Vec<f64>,
    pub(crate) neural: crate::neural::Scratch,
}
