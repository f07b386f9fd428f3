//! A few hundred words of text learned from by one thread, on rows of its own.
//!
//! A shard never writes to the vectors that all share: it copies a row when it first meets it and goes on
//! with the copy. What it has learned is in its copies; [`super::skip_gram()`] joins those of all shards.

use super::skip_gram::Text;
use crate::neural::kernel::{Chosen, Real, Simd, Work, get, put};
use crate::neural::random::Random;

/// Rows are filled up with zeros to a multiple of this: no vector of any kernel has more numbers.
pub(super) const LANES: usize = 16;

/// Sigmoid and its logarithm at evenly spaced points, as fastText's: ±8, beyond which nothing is learned.
pub(super) struct Sigmoid {
    values: Vec<(f32, f32)>,
}

impl Sigmoid {
    const MOST: f32 = 8.0;
    const STEPS: usize = 1024;

    pub(super) fn new() -> Self {
        let at = |i: usize| {
            (i as f64 + 0.5) / Self::STEPS as f64 * 2.0 * f64::from(Self::MOST) - f64::from(Self::MOST)
        };
        let value = |x: f64| {
            let p = 1.0 / (1.0 + libm::exp(-x));
            (p as f32, -libm::log(p) as f32)
        };
        Self { values: (0..Self::STEPS).map(|i| value(at(i))).collect() }
    }

    /// `σ(x)` and `-ln σ(x)`.
    #[inline(always)]
    fn at(&self, x: f32) -> (f32, f32) {
        let place = (x + Self::MOST) * (Self::STEPS as f32 / (2.0 * Self::MOST));
        // What is below 0, or no number, becomes 0.
        self.values[(place as usize).min(Self::STEPS - 1)]
    }
}

/// What all shards read.
pub(super) struct Shared<'a> {
    pub(super) kernel: Chosen,
    pub(super) seed: u64,
    /// Numbers of a row, a multiple of [`LANES`].
    pub(super) stride: usize,
    pub(super) window: usize,
    pub(super) negatives: usize,
    /// `[words + buckets, stride]`
    pub(super) input: &'a [f32],
    /// `[words, stride]`
    pub(super) output: &'a [f32],
    /// Rows of word `i`: `rows[ends[i]..ends[i + 1]]`.
    pub(super) rows: &'a [u32],
    pub(super) ends: &'a [u32],
    /// Words, each as often as it should be drawn against others.
    pub(super) draws: &'a [u32],
    /// A word is kept where a draw of 32 bits is at most this.
    pub(super) keep: &'a [u32],
    pub(super) sigmoid: &'a Sigmoid,
}

/// Copies of rows.
#[derive(Default)]
pub(super) struct Copies {
    /// Place of each row's copy, plus 1; 0 where there is none.
    places: Vec<u32>,
    /// Rows that were copied.
    pub(super) rows: Vec<u32>,
    /// `[copies, stride]`
    pub(super) values: Vec<f32>,
}

impl Copies {
    /// Forgets all copies; there are `rows` rows that may be copied.
    fn clear(&mut self, rows: usize) {
        self.places.resize(rows, 0);
        self.rows.drain(..).for_each(|row| self.places[row as usize] = 0);
        self.values.clear();
    }

    /// Where the copy of `row` begins.
    #[inline(always)]
    fn place(&mut self, row: u32, base: &[f32], stride: usize) -> usize {
        let place = &mut self.places[row as usize];
        if *place == 0 {
            self.values.extend_from_slice(&base[row as usize * stride..][..stride]);
            self.rows.push(row);
            *place = self.rows.len() as u32;
        }
        (*place as usize - 1) * stride
    }

    /// Rows with the places of their copies, by row.
    pub(super) fn sorted(&self) -> Vec<(u32, u32)> {
        let mut sorted: Vec<(u32, u32)> = self.rows.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        sorted
    }
}

/// Memory of a shard; reused.
#[derive(Default)]
pub(super) struct Shard {
    pub(super) input: Copies,
    pub(super) output: Copies,
    /// Sum of the losses, and of how many pairs of words.
    pub(super) loss: f64,
    pub(super) pairs: u64,
    places: Vec<usize>,
    kept: Vec<u32>,
    hidden: Vec<f32>,
    gradient: Vec<f32>,
    total: Vec<f32>,
}

impl Shard {
    /// Learns from `texts` in the pass `epoch` at the learning rate `rate`.
    pub(super) fn learn(&mut self, shared: &Shared<'_>, texts: &[Text<'_>], epoch: u64, rate: f32) {
        self.input.clear(shared.input.len() / shared.stride);
        self.output.clear(shared.output.len() / shared.stride);
        (self.loss, self.pairs) = (0.0, 0);
        for row in [&mut self.hidden, &mut self.gradient, &mut self.total] {
            row.resize(shared.stride, 0.0);
        }
        f32::dispatch(shared.kernel, Learn { shard: self, shared, texts, epoch, rate });
    }
}

struct Learn<'a> {
    shard: &'a mut Shard,
    shared: &'a Shared<'a>,
    texts: &'a [Text<'a>],
    epoch: u64,
    rate: f32,
}

impl Work<f32> for Learn<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f32>>(self) {
        let Self { shard, shared, texts, epoch, rate } = self;
        for text in texts {
            let mut random = Random::numbered(shared.seed, "embed", (epoch << 40) + text.number);
            let mut kept = std::mem::take(&mut shard.kept);
            kept.clear();
            let drawn = |word: &&u32| (random.next() >> 32) as u32 <= shared.keep[**word as usize];
            kept.extend(text.words.iter().filter(drawn));
            for at in 0..kept.len() {
                let reach = 1 + random.below(shared.window as u64) as usize;
                let around = at.saturating_sub(reach)..(at + reach + 1).min(kept.len());
                let around = around.filter(|&other| other != at).map(|other| kept[other]);
                word::<S>(shard, shared, kept[at], around, rate, &mut random);
            }
            shard.kept = kept;
        }
    }
}

/// Moves the vectors so that `word` is likelier to be told from the words `around` it.
///
/// fastText asks for one word after the other and adds each gradient to all rows of `word`, whose mean then
/// moves by that gradient. Here the mean moves so, and the rows get all gradients together: the same, for a
/// sixth of the work.
#[inline(always)]
fn word<S: Simd<f32>>(
    shard: &mut Shard,
    shared: &Shared<'_>,
    word: u32,
    around: impl Iterator<Item = u32>,
    rate: f32,
    random: &mut Random,
) {
    let Shard { input, output, loss, pairs, places, hidden, gradient, total, .. } = shard;
    let stride = shared.stride;
    let rows = shared.ends[word as usize] as usize..shared.ends[word as usize + 1] as usize;
    places.clear();
    hidden.fill(0.0);
    for &row in &shared.rows[rows] {
        let place = input.place(row, shared.input, stride);
        places.push(place);
        add::<S>(hidden, 1.0, &input.values[place..place + stride]);
    }
    let share = S::splat(1.0 / places.len() as f32);
    hidden.chunks_exact_mut(S::LANES).for_each(|x| put(get::<f32, S>(x).mul(share), x));
    total.fill(0.0);
    for other in around {
        gradient.fill(0.0);
        for n in 0..=shared.negatives {
            let target = if n == 0 { other } else { against(shared, other, random) };
            let place = output.place(target, shared.output, stride);
            let row = &mut output.values[place..place + stride];
            let (p, cost) = {
                let score = dot::<S>(hidden, row);
                if n == 0 {
                    shared.sigmoid.at(score)
                } else {
                    // 1 - σ(x) = σ(-x)
                    let (q, cost) = shared.sigmoid.at(-score);
                    (1.0 - q, cost)
                }
            };
            *loss += f64::from(cost);
            let step = S::splat(rate * (f32::from(u8::from(n == 0)) - p));
            for ((row, hidden), gradient) in row
                .chunks_exact_mut(S::LANES)
                .zip(hidden.chunks_exact(S::LANES))
                .zip(gradient.chunks_exact_mut(S::LANES))
            {
                let value: S = get(row);
                put(step.mul_add(value, get(gradient)), gradient);
                put(step.mul_add(get(hidden), value), row);
            }
        }
        *pairs += 1;
        add::<S>(hidden, 1.0, gradient);
        add::<S>(total, 1.0, gradient);
    }
    for &place in &*places {
        add::<S>(&mut input.values[place..place + stride], 1.0, total);
    }
}

/// A word drawn against `other`.
#[inline(always)]
fn against(shared: &Shared<'_>, other: u32, random: &mut Random) -> u32 {
    loop {
        let drawn = shared.draws[random.below(shared.draws.len() as u64) as usize];
        if drawn != other {
            return drawn;
        }
    }
}

/// `to += factor · from`.
#[inline(always)]
fn add<S: Simd<f32>>(to: &mut [f32], factor: f32, from: &[f32]) {
    let factor = S::splat(factor);
    for (to, from) in to.chunks_exact_mut(S::LANES).zip(from.chunks_exact(S::LANES)) {
        put(factor.mul_add(get(from), get(to)), to);
    }
}

/// `Σ a b`, halves of the vector added up first.
#[inline(always)]
fn dot<S: Simd<f32>>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = S::splat(0.0);
    for (a, b) in a.chunks_exact(S::LANES).zip(b.chunks_exact(S::LANES)) {
        sums = get::<f32, S>(a).mul_add(get(b), sums);
    }
    let mut each = [0.0_f32; LANES];
    put(sums, &mut each);
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            each[i] += each[i + half];
        }
    }
    each[0]
}
