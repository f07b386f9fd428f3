//! Texts become vectors, the same whatever the number of threads.
//!
//! fastText's threads write to the same rows without asking (Hogwild), so no run of it can be repeated. Here
//! a round takes a fixed number of shards of a few hundred words each: each shard learns on copies of the
//! rows that it meets, and when all are done a row becomes what its copies say, in the order of the shards.
//! The next round goes on from there. Bounds of shards and rounds depend on the texts alone.

use std::ops::ControlFlow;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::shard::{Copies, LANES, Shard, Shared, Sigmoid};
use super::{EmbedSettings, Subwords};
use crate::features::{Tokens, Words};
use crate::neural::kernel::Chosen;
use crate::neural::random::Random;
use crate::{FitError, Hooks, Progress};

/// Shards of a round: as many threads can work at it.
const SHARDS: usize = 4;

/// Words of a shard at least. A round must be short: what a row learns in one shard, the others do not know of
/// before it ends. On two million words of tweets, rounds of 4,096 words gave vectors of almost three times
/// fastText's length that told less; with 512, length and telling are those of one shard after the other.
const SHARD_WORDS: usize = 128;

/// Words of a text past which it is cut, as fastText cuts lines.
const LONGEST: usize = 1024;

/// Places of the table that words are drawn from.
const DRAWS: usize = 1 << 20;

/// Rows that one thread joins at a time.
const JOINED: usize = 2048;

/// Words and what was learned of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// How.
    pub settings: EmbedSettings,
    /// The words, the most frequent first.
    pub words: Vec<String>,
    /// How often each was met.
    pub counts: Vec<u64>,
    /// Occurrences of all of them.
    pub tokens: u64,
    /// A row for each word and, behind them, for each bucket of subwords, `[words + buckets, dimension]`: a
    /// word's vector is the mean of its rows.
    pub input: Vec<f32>,
    /// What words around others are told by, `[words, dimension]`.
    pub output: Vec<f32>,
    /// Mean loss of a pair of words in the last pass.
    pub loss: f64,
}

impl Embeddings {
    /// Rows that subwords share.
    pub fn subwords(&self) -> Subwords {
        let EmbedSettings { min_n, max_n, buckets, .. } = self.settings;
        Subwords { min_n, max_n, buckets: if max_n == 0 { 0 } else { buckets } }
    }

    /// The vector of the word with this id.
    pub fn vector(&self, id: usize) -> Vec<f32> {
        let (width, words) = (self.settings.dimension, self.words.len());
        let mut rows = vec![id];
        self.subwords().of(self.words[id].as_bytes(), |row| rows.push(words + row as usize));
        let mut sum = vec![0.0_f32; width];
        for &row in &rows {
            sum.iter_mut().zip(&self.input[row * width..(row + 1) * width]).for_each(|(sum, x)| *sum += x);
        }
        sum.iter_mut().for_each(|x| *x *= 1.0 / rows.len() as f32);
        sum
    }
}

/// A stretch of a text as ids of words.
pub(super) struct Text<'a> {
    pub(super) words: &'a [u32],
    /// What its draws are named by.
    pub(super) number: u64,
}

/// Learns vectors for the words of `tokens`.
///
/// # Errors
/// Settings out of range, texts in which no two words are frequent enough, an interruption by the hooks.
pub fn skip_gram(
    tokens: &Tokens,
    settings: &EmbedSettings,
    hooks: &mut dyn Hooks,
) -> Result<Embeddings, FitError> {
    settings.check()?;
    let kernel = settings.kernel.and_then(Chosen::new).unwrap_or_else(Chosen::best);
    let (words, counts, ids) = frequent(tokens, settings.min_count);
    if words.len() < 2 {
        return Err(FitError::Empty {
            why: "fewer than two words occur min_count times: give more text, or lower it",
        });
    }
    let (flat, ends) = known(tokens, &ids);
    let texts = ordered(&flat, &ends);
    let total: u64 = counts.iter().sum();
    let width = settings.dimension;
    let stride = width.next_multiple_of(LANES);
    let subwords = Subwords {
        min_n: settings.min_n,
        max_n: settings.max_n,
        buckets: if settings.max_n == 0 { 0 } else { settings.buckets },
    };
    let mut input = start(words.len() + subwords.buckets, width, stride, settings.seed);
    let mut output = vec![0.0_f32; words.len() * stride];
    let (rows, row_ends) = rows_of(&words, &subwords);
    let (draws, keep) = (draws(&counts), keep(&counts, total, settings.sample));
    let sigmoid = Sigmoid::new();

    let mut shards: Vec<Shard> = Vec::new();
    shards.resize_with(SHARDS, Shard::default);
    let in_all = total * u64::from(settings.epochs);
    let (mut done, mut loss) = (0_u64, 0.0);
    for epoch in 0..u64::from(settings.epochs) {
        let mut order: Vec<u32> = (0..texts.len() as u32).collect();
        Random::numbered(settings.seed, "embed epoch", epoch).shuffle(&mut order);
        let order: Vec<Text<'_>> =
            order.into_iter().map(|at| Text { words: texts[at as usize], number: u64::from(at) }).collect();
        let (mut losses, mut pairs) = (0.0, 0_u64);
        for round in dealt(&order).chunks(SHARDS) {
            let shared = Shared {
                kernel,
                seed: settings.seed,
                stride,
                window: settings.window,
                negatives: settings.negatives,
                input: &input,
                output: &output,
                rows: &rows,
                ends: &row_ends,
                draws: &draws,
                keep: &keep,
                sigmoid: &sigmoid,
            };
            let rate = settings.rate * (1.0 - done as f64 / in_all as f64);
            shards[..round.len()].par_iter_mut().zip(round).with_max_len(1).for_each(|(shard, texts)| {
                shard.learn(&shared, texts, epoch, rate as f32);
            });
            let own = &shards[..round.len()];
            let (ins, outs): (Vec<&Copies>, Vec<&Copies>) =
                own.iter().map(|shard| (&shard.input, &shard.output)).unzip();
            join(&mut input, stride, &ins);
            join(&mut output, stride, &outs);
            losses += own.iter().map(|shard| shard.loss).sum::<f64>();
            pairs += own.iter().map(|shard| shard.pairs).sum::<u64>();
            done += round.iter().flat_map(|texts| *texts).map(|text| text.words.len() as u64).sum::<u64>();
            loss = losses / pairs.max(1) as f64;
            let progress =
                Progress { stage: "embed", done, total: Some(in_all), figure: Some(("loss", loss)) };
            if let ControlFlow::Break(()) = hooks.progress(&progress) {
                return Err(FitError::Interrupted { iterations: epoch as u32 });
            }
        }
    }
    let narrow = |wide: Vec<f32>| -> Vec<f32> {
        if stride == width {
            wide
        } else {
            wide.chunks_exact(stride).flat_map(|row| &row[..width]).copied().collect()
        }
    };
    let (input, output) = (narrow(input), narrow(output));
    if !input.iter().chain(&output).fold(true, |all, x| all & x.is_finite()) {
        return Err(FitError::NotFinite { iterations: settings.epochs });
    }
    let settings = EmbedSettings { kernel: Some(kernel.kernel()), ..settings.clone() };
    Ok(Embeddings { settings, words, counts, tokens: total, input, output, loss })
}

/// The words that occur `least` times, the most frequent first (of equally frequent ones those whose
/// letters come first), how often each does, and the id of each of `tokens`' words, `u32::MAX` for the
/// others.
fn frequent(tokens: &Tokens, least: u64) -> (Vec<String>, Vec<u64>, Vec<u32>) {
    let all: &Words = &tokens.words;
    let mut counts = vec![0_u64; all.len()];
    tokens.rows.ids.iter().for_each(|&id| counts[id as usize] += 1);
    let mut chosen: Vec<u32> =
        (0..all.len() as u32).filter(|&id| counts[id as usize] >= least.max(1)).collect();
    chosen.sort_unstable_by(|&a, &b| {
        counts[b as usize].cmp(&counts[a as usize]).then_with(|| all.word(a).cmp(all.word(b)))
    });
    let mut ids = vec![u32::MAX; all.len()];
    chosen.iter().zip(0..).for_each(|(&old, new)| ids[old as usize] = new);
    let words = chosen.iter().map(|&id| all.word(id).to_owned()).collect();
    (words, chosen.iter().map(|&id| counts[id as usize]).collect(), ids)
}

/// The texts' frequent words one after the other, and where each stretch of at most [`LONGEST`] ends.
fn known(tokens: &Tokens, ids: &[u32]) -> (Vec<u32>, Vec<usize>) {
    let (mut flat, mut ends) = (Vec::with_capacity(tokens.rows.ids.len()), vec![0]);
    for row in 0..tokens.rows.len() {
        let start = flat.len();
        flat.extend(tokens.rows.row(row).iter().map(|&id| ids[id as usize]).filter(|&id| id != u32::MAX));
        ends.extend((start..flat.len()).step_by(LONGEST).map(|at| (at + LONGEST).min(flat.len())));
    }
    (flat, ends)
}

/// The stretches in an order of their own, whatever that of the texts was.
fn ordered<'a>(flat: &'a [u32], ends: &[usize]) -> Vec<&'a [u32]> {
    let mut texts: Vec<(u64, &[u32])> = ends
        .windows(2)
        .map(|ends| &flat[ends[0]..ends[1]])
        .map(|words| (xxh3_64(bytemuck::cast_slice(words)), words))
        .collect();
    texts.par_sort_unstable();
    texts.into_iter().map(|(_, words)| words).collect()
}

/// Texts cut into shards of [`SHARD_WORDS`] words, or somewhat more.
fn dealt<'a, 'b>(order: &'a [Text<'b>]) -> Vec<&'a [Text<'b>]> {
    let (mut shards, mut first, mut words) = (Vec::new(), 0, 0);
    for (at, text) in order.iter().enumerate() {
        words += text.words.len();
        if words >= SHARD_WORDS {
            shards.push(&order[first..=at]);
            (first, words) = (at + 1, 0);
        }
    }
    if first < order.len() {
        shards.push(&order[first..]);
    }
    shards
}

/// Numbers evenly within ±1/`width`, each row by a generator of its own, as fastText starts.
fn start(rows: usize, width: usize, stride: usize, seed: u64) -> Vec<f32> {
    let mut values = vec![0.0_f32; rows * stride];
    values.par_chunks_exact_mut(stride).enumerate().for_each(|(row, values)| {
        let mut random = Random::numbered(seed, "embed row", row as u64);
        values[..width].iter_mut().for_each(|x| *x = random.within(1.0 / width as f64) as f32);
    });
    values
}

/// Rows of every word, one after the other, and where each begins.
fn rows_of(words: &[String], subwords: &Subwords) -> (Vec<u32>, Vec<u32>) {
    let (mut rows, mut ends) = (Vec::new(), vec![0]);
    for (word, id) in words.iter().zip(0..) {
        rows.push(id);
        subwords.of(word.as_bytes(), |row| rows.push(words.len() as u32 + row));
        ends.push(rows.len() as u32);
    }
    (rows, ends)
}

/// Words, each as often as the root of its frequency says.
fn draws(counts: &[u64]) -> Vec<u32> {
    let root = |&count: &u64| (count as f64).sqrt();
    let total: f64 = counts.iter().map(root).sum();
    let mut draws = Vec::with_capacity(DRAWS);
    let mut sum = 0.0;
    for (count, id) in counts.iter().zip(0..) {
        sum += root(count);
        let end = ((sum / total) * DRAWS as f64).round() as usize;
        // At least one of each, so that every word is drawn.
        draws.resize(end.max(draws.len() + 1), id);
    }
    draws
}

/// The share of a word's occurrences that is learned from, of 32 bits: `√(t/f) + t/f` with `f` its share of
/// the text (Mikolov et al. 2013, as their program has it).
fn keep(counts: &[u64], total: u64, sample: f64) -> Vec<u32> {
    let share = |&count: &u64| {
        let over = sample * total as f64 / count as f64;
        (over.sqrt() + over).min(1.0)
    };
    counts.iter().map(|count| (share(count) * f64::from(u32::MAX)) as u32).collect()
}

/// Rows become the mean of their copies, in the order of the shards: their ways added up would overshoot where a
/// row is met everywhere.
fn join(base: &mut [f32], stride: usize, copies: &[&Copies]) {
    let sorted: Vec<Vec<(u32, u32)>> = copies.par_iter().map(|copies| copies.sorted()).collect();
    base.par_chunks_mut(JOINED * stride).enumerate().for_each(|(piece, base)| {
        let first = (piece * JOINED) as u32;
        let mut left: Vec<(&[(u32, u32)], &Copies)> = sorted
            .iter()
            .zip(copies)
            .map(|(sorted, &copies)| {
                let from = sorted.partition_point(|&(row, _)| row < first);
                let to = sorted.partition_point(|&(row, _)| row < first + JOINED as u32);
                (&sorted[from..to], copies)
            })
            .collect();
        let mut met: Vec<&[f32]> = Vec::with_capacity(copies.len());
        while let Some(row) = left.iter().filter_map(|(sorted, _)| sorted.first()).map(|&(row, _)| row).min()
        {
            met.clear();
            for (sorted, copies) in &mut left {
                if let [(own, place), rest @ ..] = *sorted
                    && *own == row
                {
                    met.push(&copies.values[*place as usize * stride..][..stride]);
                    *sorted = rest;
                }
            }
            let base = &mut base[(row - first) as usize * stride..][..stride];
            if let [only] = met[..] {
                base.copy_from_slice(only);
                continue;
            }
            let share = 1.0 / met.len() as f32;
            for (j, base) in base.iter_mut().enumerate() {
                let moved = met.iter().fold(0.0, |sum, copy| sum + (copy[j] - *base));
                *base += share * moved;
            }
        }
    });
}
