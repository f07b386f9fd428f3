//! One training step, and logits without one, on the processor: a batch is cut into fixed shards, each
//! thread takes one at a time, and what they give is joined in order.
//!
//! Bounds of shards depend on the batch alone and sums have one order, so that any number of threads
//! gives the same bytes.

use std::ops::Range;

use rayon::prelude::*;

use super::kernel::{AdamStep, Chosen, Real, adam, add_to, square_sum};
use super::layers::clear;
use super::layers::embedding::{PADDING, RowGradient, look_up};
use super::layers::loss::{CrossEntropy, Target};
use super::networks::{Draw, Network};
use super::optimiser::Optimiser;
use super::random::Random;
use crate::reduce::chunks;

/// Name of the words' vectors among the parameters.
pub(crate) const EMBEDDING: &str = "embedding.weight";

/// Numbers of a flat vector that one thread works on at a time.
const PIECE: usize = 1 << 14;

/// Rows of the table that one thread works on at a time.
const ROWS: usize = 512;

/// The shards of a batch of `len` texts: 16 texts at least, as their products need rows, and 8 shards at
/// most, as each has a gradient of its own to be joined.
pub(crate) fn shards(len: usize) -> Vec<Range<usize>> {
    chunks(len, len.div_ceil(8).max(16))
}

/// What the words' vectors do in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableRule {
    /// Stay as they are.
    Frozen,
    /// A step of the optimiser for the words of the batch, as PyTorch's `SparseAdam`.
    Rows,
    /// A step of the optimiser for all words, as PyTorch's `Adam`: means go on where a word is not met.
    All,
}

/// Numbers that are learned, and their means.
#[derive(Debug, Clone)]
pub(crate) struct Learned<R> {
    pub(crate) values: Vec<R>,
    pub(crate) means: Vec<R>,
    pub(crate) squares: Vec<R>,
}

impl<R: Real> Learned<R> {
    pub(crate) fn new(values: Vec<R>) -> Self {
        let zeros = vec![R::ZERO; values.len()];
        Self { means: zeros.clone(), squares: zeros, values }
    }
}

/// Texts and what they should be answered with.
pub(crate) struct Batch<'a> {
    pub(crate) texts: Vec<&'a [u32]>,
    pub(crate) targets: Vec<Target<'a>>,
    /// How much each text counts, beside its class.
    pub(crate) weights: Option<Vec<f64>>,
}

/// What a step has seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seen {
    /// Weighted mean of the texts' losses.
    pub(crate) loss: f64,
    /// Texts whose likeliest class is that of their target.
    pub(crate) right: usize,
}

/// The part of a network where numbers are no longer finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotFinite(pub(crate) String);

/// Memory of the passes over some texts; reused.
pub(crate) struct Shard<R, T> {
    ids: Vec<u32>,
    x: Vec<R>,
    dx: Vec<R>,
    pub(crate) logits: Vec<R>,
    gradient: Vec<R>,
    tape: T,
    loss: f64,
    right: usize,
}

impl<R, T: Default> Default for Shard<R, T> {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            x: Vec::new(),
            dx: Vec::new(),
            logits: Vec::new(),
            gradient: Vec::new(),
            tape: T::default(),
            loss: 0.0,
            right: 0,
        }
    }
}

impl<R: Real, T: Default> Shard<R, T> {
    /// Logits of `texts`, `[texts, classes]`, on this thread.
    pub(crate) fn logits<N: Network<R, Tape = T>>(
        &mut self,
        kernel: Chosen,
        network: &N,
        ready: &N::Ready,
        (table, width): (&[R], usize),
        texts: &[&[u32]],
    ) -> &[R] {
        network.arrange(texts, &mut self.ids, &mut self.tape);
        look_up(table, width, &self.ids, &mut self.x);
        network.forward(kernel, ready, &self.x, None, &mut self.logits, &mut self.tape);
        &self.logits
    }
}

/// A network, its parameters, and the memory of its training.
pub(crate) struct Engine<R: Real, N: Network<R>> {
    pub(crate) network: N,
    pub(crate) kernel: Chosen,
    /// Numbers of a word's vector.
    pub(crate) width: usize,
    pub(crate) rule: TableRule,
    /// All parameters but the table.
    pub(crate) learned: Learned<R>,
    /// `[words, width]`; the first is padding's.
    pub(crate) table: Learned<R>,
    ready: N::Ready,
    shards: Vec<Shard<R, N::Tape>>,
    rows: RowGradient<R>,
}

impl<R: Real, N: Network<R>> Engine<R, N> {
    /// `table` is `[words, width]`.
    pub(crate) fn new(
        network: N,
        kernel: Chosen,
        seed: u64,
        table: Vec<R>,
        width: usize,
        rule: TableRule,
    ) -> Self {
        let learned = Learned::new(network.parts().start(seed));
        let ready = network.unready(kernel);
        let table = Learned::new(table);
        Self {
            network,
            kernel,
            width,
            rule,
            learned,
            table,
            ready,
            shards: Vec::new(),
            rows: RowGradient::default(),
        }
    }

    /// One step on a batch, the `step`-th of `total`, counted from 1.
    pub(crate) fn step(
        &mut self,
        batch: &Batch<'_>,
        entropy: &CrossEntropy,
        optimiser: &Optimiser,
        seed: u64,
        (step, total): (u64, u64),
    ) -> Result<Seen, NotFinite> {
        let seen = self.gradients(batch, entropy, seed, step);
        let norm = self.norm(seen.loss)?;
        self.update(&optimiser.step(step, total, norm));
        Ok(seen)
    }

    /// Loss and gradients of a batch; those of the network are left in the first shard.
    pub(crate) fn gradients(
        &mut self,
        batch: &Batch<'_>,
        entropy: &CrossEntropy,
        seed: u64,
        step: u64,
    ) -> Seen {
        let Self { network, kernel, width, rule, learned, table, ready, shards, rows } = self;
        let (network, kernel, width) = (&*network, *kernel, *width);
        network.ready(&learned.values, true, ready);
        let weight = |i: usize| {
            batch.weights.as_ref().map_or(1.0, |weights| weights[i]) * entropy.weight(batch.targets[i])
        };
        let total: f64 = (0..batch.texts.len()).map(weight).sum();
        let ranges = self::shards(batch.texts.len());
        if shards.len() < ranges.len() {
            shards.resize_with(ranges.len(), Shard::default);
        }
        let shards = &mut shards[..ranges.len()];
        let (ready, table, words) = (&*ready, &table.values[..], table.values.len() / width);
        let trained = *rule != TableRule::Frozen;
        shards.par_iter_mut().zip(&ranges).with_max_len(1).for_each(|(shard, range)| {
            let Shard { ids, x, dx, logits, gradient, tape, loss, right } = shard;
            let draw = Some(Draw { seed, step, first_row: range.start as u64 });
            network.arrange(&batch.texts[range.clone()], ids, tape);
            look_up(table, width, ids, x);
            network.forward(kernel, ready, x, draw, logits, tape);
            (*loss, *right) = (0.0, 0);
            let classes = logits.len() / range.len();
            for (i, logits) in range.clone().zip(logits.chunks_exact_mut(classes)) {
                *right += usize::from(answers(logits, batch.targets[i]));
                let own = batch.weights.as_ref().map_or(1.0, |weights| weights[i]);
                // A batch in which nothing counts teaches nothing.
                let share = if total > 0.0 { own / total } else { 0.0 };
                *loss += entropy.row(logits, batch.targets[i], share);
            }
            clear(gradient, network.parts().len());
            let dx = trained.then_some(dx);
            network.backward(kernel, ready, x, draw, logits, dx, Some(gradient), tape);
        });
        let seen = Seen {
            loss: shards.iter().map(|shard| shard.loss).sum(),
            right: shards.iter().map(|shard| shard.right).sum(),
        };
        if let Some((first, rest)) = shards.split_first_mut() {
            first.gradient.par_chunks_mut(PIECE).enumerate().for_each(|(i, sum)| {
                for shard in &*rest {
                    add_to(kernel, sum, &shard.gradient[i * PIECE..][..sum.len()]);
                }
            });
        }
        if trained {
            let of: Vec<(&[u32], &[R])> =
                shards.iter().map(|shard| (&shard.ids[..], &shard.dx[..])).collect();
            rows.gather(kernel, words, width, &of);
        }
        seen
    }

    /// Length of the whole gradient.
    fn norm(&self, loss: f64) -> Result<f64, NotFinite> {
        let (kernel, gradient) = (self.kernel, &self.shards[0].gradient[..]);
        let of_network: f64 = gradient.chunks(PIECE).map(|piece| square_sum(kernel, piece)).sum();
        let of_rows = if self.rule == TableRule::Frozen {
            0.0
        } else {
            let parts: Vec<f64> =
                self.rows.values.par_chunks(PIECE).map(|piece| square_sum(kernel, piece)).collect();
            parts.iter().sum()
        };
        let norm = (of_network + of_rows).sqrt();
        if norm.is_finite() && loss.is_finite() { Ok(norm) } else { Err(self.broken()) }
    }

    /// Where a step that is not finite went wrong: the first part that holds such a number, or else the
    /// last one, the nearest to the loss, whose gradient does.
    fn broken(&self) -> NotFinite {
        let finite = |values: &[R]| square_sum(self.kernel, values).is_finite();
        let parts = self.network.parts().list();
        if !finite(&self.table.values) {
            return NotFinite(EMBEDDING.to_owned());
        }
        if let Some(part) = parts.iter().find(|part| !finite(&self.learned.values[part.range.clone()])) {
            return NotFinite(part.name.clone());
        }
        let gradient = &self.shards[0].gradient;
        let part = parts.iter().rfind(|part| !finite(&gradient[part.range.clone()]));
        NotFinite(part.map_or(EMBEDDING, |part| &part.name).to_owned())
    }

    /// Moves all parameters.
    fn update(&mut self, step: &AdamStep) {
        let (kernel, width) = (self.kernel, self.width);
        let Learned { values, means, squares } = &mut self.learned;
        values
            .par_chunks_mut(PIECE)
            .zip(means.par_chunks_mut(PIECE))
            .zip(squares.par_chunks_mut(PIECE))
            .zip(self.shards[0].gradient.par_chunks(PIECE))
            .for_each(|(((values, means), squares), gradient)| {
                adam(kernel, step, values, gradient, means, squares);
            });
        let RowGradient { rows, values: gradient, .. } = &self.rows;
        let Learned { values, means, squares } = &mut self.table;
        let (size, all) = (ROWS * width, self.rule == TableRule::All);
        if self.rule == TableRule::Frozen {
            return;
        }
        let pieces = values.par_chunks_mut(size).zip(means.par_chunks_mut(size));
        pieces.zip(squares.par_chunks_mut(size)).enumerate().for_each(|(i, ((values, means), squares))| {
            let ids = (i * ROWS) as u32..((i + 1) * ROWS) as u32;
            let first = rows.partition_point(|&row| row < ids.start);
            let last = rows.partition_point(|&row| row < ids.end);
            let here = values.len() / width;
            let mut update = |id: u32, gradient: &[R]| {
                let at = (id - ids.start) as usize * width..(id - ids.start + 1) as usize * width;
                let (values, means) = (&mut values[at.clone()], &mut means[at.clone()]);
                adam(kernel, step, values, gradient, means, &mut squares[at]);
            };
            let row = |at: usize| &gradient[at * width..(at + 1) * width];
            if all {
                let zeros = vec![R::ZERO; width];
                let mut next = first;
                for id in ids.clone().take(here).filter(|&id| id != PADDING) {
                    let met = next < last && rows[next] == id;
                    update(id, if met { row(next) } else { &zeros });
                    next += usize::from(met);
                }
            } else {
                (first..last).for_each(|at| update(rows[at], row(at)));
            }
        });
    }

    /// The gradient of the last batch.
    #[cfg(test)]
    pub(crate) fn gradient(&self) -> &[R] {
        &self.shards[0].gradient
    }

    /// Rows of the table that the last batch met, and their gradient.
    #[cfg(test)]
    pub(crate) fn row_gradient(&self) -> (&[u32], &[R]) {
        (&self.rows.rows, &self.rows.values)
    }

    /// Logits of `texts`, `[texts, classes]`, with the parameters as they are.
    pub(crate) fn logits(&mut self, texts: &[&[u32]], classes: usize) -> Vec<R> {
        let Self { network, kernel, width, learned, table, ready, .. } = self;
        network.ready(&learned.values, false, ready);
        let (network, kernel, ready) = (&*network, *kernel, &*ready);
        let table = (&table.values[..], *width);
        let mut logits = vec![R::ZERO; texts.len() * classes];
        let pieces = texts.par_chunks(EVALUATED).zip(logits.par_chunks_mut(EVALUATED * classes));
        pieces.with_max_len(1).for_each_init(Shard::default, |shard, (texts, logits)| {
            logits.copy_from_slice(shard.logits(kernel, network, ready, table, texts));
        });
        logits
    }
}

/// Texts that one thread answers at a time.
const EVALUATED: usize = 64;

/// The first of the largest logits.
fn largest<R: Real>(logits: &[R]) -> usize {
    (1..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best })
}

/// Whether the likeliest class is the one that the target wants most.
pub(crate) fn answers<R: Real>(logits: &[R], target: Target<'_>) -> bool {
    match target {
        Target::Class(y) => largest(logits) == usize::from(y),
        Target::Share(q) => largest(logits) == largest(q),
        Target::Among(y, _) => {
            let best = logits[usize::from(y)];
            (0..logits.len()).all(|class| !target.among(class) || logits[class] <= best)
        }
    }
}

/// A table of `words` vectors whose numbers start evenly within ±`bound`; padding's is zero. Each word
/// draws from a generator of its own, named by its letters: its start does not depend on the others.
pub(crate) fn start_table<'a>(
    words: impl Iterator<Item = &'a str>,
    width: usize,
    seed: u64,
    bound: f64,
) -> Vec<f32> {
    let mut table = vec![0.0; width];
    for word in words {
        let mut random = Random::named(seed, word);
        table.extend((0..width).map(|_| random.within(bound) as f32));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::Pool;
    use super::super::kernel::tests::kernels;
    use super::super::networks::{Cnn, CnnSettings, Padding, Recurrent, RecurrentSettings};
    use super::*;

    const WORDS: u64 = 700;
    const WIDTH: usize = 9;

    /// All that a few steps have learned, as bits.
    fn learned<N: Network<f32>>(network: N, kernel: Chosen, rule: TableRule, threads: usize) -> Vec<u32> {
        let mut random = Random::named(1, "texts");
        let texts: Vec<Vec<u32>> = (0..70)
            .map(|_| (0..random.below(30)).map(|_| 1 + random.below(WORDS - 1) as u32).collect())
            .collect();
        let batch = Batch {
            texts: texts.iter().map(Vec::as_slice).collect(),
            targets: (0..70).map(|i| Target::Class(i % 3)).collect(),
            weights: Some((0..70).map(|i| f64::from(i % 4)).collect()),
        };
        let names: Vec<String> = (1..WORDS).map(|i| i.to_string()).collect();
        let table = start_table(names.iter().map(String::as_str), WIDTH, 1, 0.5);
        let entropy = CrossEntropy { weights: vec![1.0, 2.0, 3.0], smoothing: 0.1 };
        let optimiser = Optimiser { clip_norm: 0.1, weight_decay: 0.01, ..Optimiser::default() };
        let mut engine = Engine::new(network, kernel, 1, table, WIDTH, rule);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let seen: Vec<Seen> = pool.install(|| {
            (1..=3).map(|step| engine.step(&batch, &entropy, &optimiser, 1, (step, 3)).unwrap()).collect()
        });
        let logits = pool.install(|| engine.logits(&batch.texts, 3));
        let all = [&engine.learned.values, &engine.table.values, &engine.table.squares, &logits];
        let numbers = all.into_iter().flatten().map(|x| x.to_bits());
        numbers.chain(seen.iter().map(|seen| (seen.loss as f32).to_bits())).collect()
    }

    fn networks() -> (Recurrent, Cnn) {
        let (dense, dropout) = (vec![8], 0.3);
        let recurrent = RecurrentSettings {
            units: vec![20, 7],
            bidirectional: true,
            pool: Pool::Mean,
            dense: dense.clone(),
            dropout,
        };
        let cnn =
            CnnSettings { filters: vec![20, 33], kernel_size: 3, padding: Padding::Same, dense, dropout };
        (Recurrent::new(&recurrent, WIDTH, 3), Cnn::new(&cnn, WIDTH, 3))
    }

    #[test]
    fn any_number_of_threads_learns_the_same_bytes_on_each_kernel() {
        let (recurrent, cnn) = networks();
        for kernel in kernels() {
            for rule in [TableRule::Frozen, TableRule::Rows, TableRule::All] {
                let one = learned(recurrent.clone(), kernel, rule, 1);
                assert!(
                    one == learned(recurrent.clone(), kernel, rule, 2),
                    "recurrent, {kernel:?}, {rule:?}"
                );
                let one = learned(cnn.clone(), kernel, rule, 1);
                assert!(one == learned(cnn.clone(), kernel, rule, 3), "cnn, {kernel:?}, {rule:?}");
            }
        }
    }

    #[test]
    fn a_text_is_answered_alike_alone_and_among_others() {
        let (recurrent, _) = networks();
        let table = start_table(["a", "b", "c"].into_iter(), WIDTH, 1, 0.5);
        let mut engine = Engine::new(recurrent, Chosen::best(), 1, table, WIDTH, TableRule::Rows);
        let texts: [&[u32]; 5] = [&[1, 2, 3], &[], &[3], &[2, 2, 2, 2, 1], &[1]];
        let together = engine.logits(&texts, 3);
        for (text, want) in texts.iter().zip(together.chunks_exact(3)) {
            assert_eq!(engine.logits(&[text], 3), want);
        }
    }

    #[test]
    fn the_part_that_is_not_finite_is_named() {
        let (recurrent, _) = networks();
        let table = start_table(["a", "b"].into_iter(), WIDTH, 1, 0.5);
        let mut engine = Engine::new(recurrent, Chosen::best(), 1, table, WIDTH, TableRule::Rows);
        let parts = Network::<f32>::parts(&engine.network).list();
        let part = parts.iter().find(|part| part.name == "lstm.1.weight_hh_l0_reverse").unwrap().clone();
        engine.learned.values[part.range.start] = f32::NAN;
        let batch = Batch { texts: vec![&[1, 2]; 3], targets: vec![Target::Class(1); 3], weights: None };
        let entropy = CrossEntropy { weights: vec![1.0; 3], smoothing: 0.0 };
        let wrong = engine.step(&batch, &entropy, &Optimiser::default(), 1, (1, 1)).unwrap_err();
        assert_eq!(wrong, NotFinite(part.name));
    }
}
