//! TF-IDF and one layer of weights, as they are served.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use sentimeter_text::Analyzer;
use sentimeter_text::language::Detection;

use crate::features::{Group, NONE, Pairs, Row, Vectorizer, Vocabulary};
use crate::logistic::{self, Solution};
use crate::quantised::Scales;
use crate::table::Table;

/// Texts that are looked up together: enough for their cache misses to overlap, few enough for their
/// words to stay in the first cache.
const GROUP: usize = 64;

/// Words after which a group is full, however few texts they make: bounded memory.
const GROUP_WORDS: usize = 4096;

/// Letters after which it is, however few words: a text may be one word, with three n-grams a letter.
const GROUP_LETTERS: usize = 1 << 16;

/// Texts from which on the table of [`Pairs`] pays: it takes 20 to 40 ms to make, and saves 0.3 µs for each text.
const MANY: usize = 1 << 16;

/// Weights over a vocabulary.
#[derive(Debug, Clone)]
pub struct Linear {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) table: Table,
    /// `[outputs]`.
    pub(crate) intercepts: Vec<f64>,
    /// Nodes that are features.
    features: usize,
    batches: Arc<Batches>,
}

/// What only many texts are worth.
#[derive(Debug, Default)]
struct Batches {
    /// How many came in full groups.
    texts: AtomicUsize,
    /// Made once these are [`MANY`]; none where there can be none.
    pairs: OnceLock<Option<Pairs>>,
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
        let table = Table::Exact(table);
        Self { vocabulary, table, intercepts: solution.intercepts.clone(), features, batches: Arc::default() }
    }

    /// The same with each number of the table rounded to what one byte holds, and stored so.
    #[must_use]
    pub fn quantised(mut self) -> Self {
        let numbers: Vec<f32> = self.table.numbers().collect();
        let scales = Scales::of(&numbers, 1 + self.outputs());
        self.table = Table::coded(scales.encode(&numbers), scales);
        self.batches = Arc::default();
        self
    }

    /// Puts the parts together; `Err` says what does not hold of them.
    pub(crate) fn from_parts(
        vocabulary: Vocabulary,
        table: Table,
        intercepts: Vec<f64>,
        classes: usize,
    ) -> Result<Self, &'static str> {
        let row = 1 + intercepts.len();
        if intercepts.len() != logistic::outputs(classes) || table.len() != vocabulary.len() * row {
            return Err("a weight for each n-gram and class in `features`");
        }
        let (features, negative) = table.census(row).ok_or("finite numbers in `features`")?;
        if negative > 0 {
            return Err("no inverse document frequency below 0 in `features`");
        }
        if !intercepts.iter().all(|x| x.is_finite()) {
            return Err("finite numbers in `intercepts`");
        }
        Ok(Self { vocabulary, table, intercepts, features, batches: Arc::default() })
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Number of features.
    pub(crate) fn features(&self) -> usize {
        self.features
    }

    pub(crate) fn outputs(&self) -> usize {
        self.intercepts.len()
    }

    /// Calls `sink` with the logits of each text before calibration, `[outputs]`, which it may use up. With a
    /// text comes its language, where it is known.
    pub(crate) fn logits<'a>(
        &self,
        analyzer: &Analyzer,
        texts: impl Iterator<Item = (&'a str, Option<Detection>)>,
        scratch: &mut Scratch,
        mut sink: impl FnMut(&mut [f64]),
    ) {
        let Scratch { group, logits, .. } = scratch;
        let mut finish = |group: &mut Group, pairs: Option<&Pairs>| {
            let score = |words: Row<'_>, grams: &[(u32, u32)]| {
                logits.clear();
                logits.extend_from_slice(&self.intercepts);
                // Words and characters are scaled each on their own, as scikit-learn's `FeatureUnion` does.
                match words {
                    Row::Distinct(nodes) => self.add(nodes.iter().map(|&node| (node, 1)), pairs, logits),
                    Row::Counted(counted) => self.add(counted.iter().copied(), pairs, logits),
                }
                if !grams.is_empty() {
                    self.add(grams.iter().copied(), None, logits);
                }
                sink(logits);
            };
            let row = 1 + self.outputs();
            self.vocabulary.rows(analyzer, group, pairs, |node| self.table.fetch(node, row), score);
        };
        for (text, found) in texts {
            self.vocabulary.read(analyzer, text, found, group);
            let full = group.words() >= GROUP_WORDS || group.letters() >= GROUP_LETTERS;
            if full || group.len() == GROUP {
                finish(group, self.pairs(false));
            }
        }
        finish(group, self.pairs(true));
    }

    /// The table of pairs, if there is one, for a group that is the next of many or the `last`.
    fn pairs(&self, last: bool) -> Option<&Pairs> {
        let Batches { texts, pairs } = &*self.batches;
        let Table::Exact(numbers) = &self.table else { return None };
        if last || pairs.get().is_some() || texts.fetch_add(GROUP, Ordering::Relaxed) < MANY {
            return pairs.get()?.as_ref();
        }
        // Those that `add` knows.
        let outputs = Some(self.outputs()).filter(|outputs| matches!(outputs, 1 | 3 | 5));
        pairs.get_or_init(|| self.vocabulary.pairs(numbers, outputs?)).as_ref()
    }

    /// Adds what some nodes say, each with how often it occurs, to `logits`. Those behind the words are of `pairs`,
    /// if there are any.
    #[inline]
    fn add(
        &self,
        counted: impl Iterator<Item = (u32, u32)> + Clone,
        pairs: Option<&Pairs>,
        logits: &mut [f64],
    ) {
        match logits.len() {
            1 => self.add_rows::<2>(counted, pairs, logits),
            3 => self.add_rows::<4>(counted, pairs, logits),
            5 => self.add_rows::<6>(counted, pairs, logits),
            _ => {
                let norm = self.vocabulary.settings.norm;
                let sum = counted.clone().fold(0.0, |sum, one| sum + norm.part(self.value(one)));
                let scale = norm.scale(sum);
                for (node, count) in counted {
                    let value = self.value((node, count)) * scale;
                    for (logit, weight) in logits.iter_mut().zip(self.weights(node)) {
                        *logit += value * f64::from(weight);
                    }
                }
            }
        }
    }

    /// The same for tables of `ROW` numbers a node, each of which is read once.
    #[inline]
    fn add_rows<const ROW: usize>(
        &self,
        counted: impl Iterator<Item = (u32, u32)>,
        pairs: Option<&Pairs>,
        logits: &mut [f64],
    ) {
        match &self.table {
            Table::Exact(numbers) => {
                let (rows, _) = numbers.as_chunks::<ROW>();
                match pairs {
                    None => self.add_each(counted, |node| rows[node as usize], logits),
                    Some(pairs) => {
                        let words = self.vocabulary.words.len() as u32;
                        let row = |node: u32| match node.checked_sub(words) {
                            None => rows[node as usize],
                            Some(pair) => pairs.row(pair),
                        };
                        self.add_each(counted, row, logits);
                    }
                }
            }
            Table::Coded { codes, columns, .. } => {
                let (rows, _) = codes.as_chunks::<ROW>();
                let columns: &[[f32; 256]; ROW] =
                    columns.first_chunk().expect("a column for each number of a row");
                let row = |node: u32| -> [f32; ROW] {
                    let codes = &rows[node as usize];
                    std::array::from_fn(|at| columns[at][usize::from(codes[at])])
                };
                self.add_each(counted, row, logits);
            }
        }
    }

    #[inline]
    fn add_each<const ROW: usize>(
        &self,
        counted: impl Iterator<Item = (u32, u32)>,
        row: impl Fn(u32) -> [f32; ROW],
        logits: &mut [f64],
    ) {
        let norm = self.vocabulary.settings.norm;
        let (mut sum, mut parts) = (0.0, [0.0; ROW]);
        for (node, count) in counted {
            let row = row(node);
            let value = self.vocabulary.settings.term_frequency(count) * f64::from(row[0]);
            sum += norm.part(value);
            for (part, number) in parts.iter_mut().zip(row) {
                *part += value * f64::from(number);
            }
        }
        let scale = norm.scale(sum);
        for (logit, part) in logits.iter_mut().zip(&parts[1..]) {
            *logit += part * scale;
        }
    }

    /// The TF-IDF value of a node that occurs so often, before scaling.
    #[inline]
    fn value(&self, (node, count): (u32, u32)) -> f64 {
        let idf = self.table.number(node as usize * (1 + self.outputs()));
        self.vocabulary.settings.term_frequency(count) * f64::from(idf)
    }

    /// What one occurrence of each node is worth: its scaled TF-IDF value, shared evenly by all its
    /// occurrences. `nodes` are those of a row in any order; afterwards they are sorted and distinct, and
    /// the shares are theirs, one by one.
    pub(crate) fn shares(&self, nodes: &mut Vec<u32>) -> Vec<f64> {
        nodes.sort_unstable();
        let norm = self.vocabulary.settings.norm;
        let split = nodes.partition_point(|&node| node < self.vocabulary.first_gram());
        let mut shares = Vec::new();
        for part in [&nodes[..split], &nodes[split..]] {
            let scale = norm.scale(runs(part).fold(0.0, |sum, one| sum + norm.part(self.value(one))));
            shares
                .extend(runs(part).map(|(node, count)| self.value((node, count)) * scale / f64::from(count)));
        }
        nodes.dedup();
        shares
    }

    /// Weight of `node` for each output, `[outputs]`.
    pub(crate) fn weights(&self, node: u32) -> impl Iterator<Item = f32> {
        let first = node as usize * (1 + self.outputs()) + 1;
        (first..first + self.outputs()).map(|at| self.table.number(at))
    }
}

/// Each number of `nodes`, of which equal ones stand together, and how often it occurs.
#[inline]
fn runs(nodes: &[u32]) -> impl Iterator<Item = (u32, u32)> + Clone {
    let mut rest = nodes;
    std::iter::from_fn(move || {
        let &node = rest.first()?;
        let mut count = 1;
        while rest.get(count) == Some(&node) {
            count += 1;
        }
        rest = &rest[count..];
        Some((node, count as u32))
    })
}

/// Buffers that one thread reuses from text to text.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) group: Group,
    logits: Vec<f64>,
    pub(crate) neural: crate::neural::Scratch,
}
