//! Near duplicates: texts whose word sets overlap almost wholly.
//!
//! MinHash with banding (Broder 1997, doi:10.1109/SEQUEN.1997.666900; Leskovec, Rajaraman &
//! Ullman, *Mining of Massive Datasets*, chapter 3) proposes pairs; exact Jaccard similarity of the
//! word sets decides. With 8 bands of 4 rows a pair at the threshold of 0.8 is proposed with
//! probability 1 − (1 − 0.8⁴)⁸ = 0.985, one at 0.9 with 0.9998.

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use crate::fingerprint::Fingerprints;

const BANDS: usize = 8;
const ROWS: usize = 4;
const LANES: usize = BANDS * ROWS;
/// A set is compared with so many others of its bucket, so that a bucket of a million costs a
/// million times this and no more.
const WINDOW: usize = 16;
/// Rows per unit of parallel work.
const CHUNK: usize = 4096;

/// The similarity from which two texts count as near duplicates: shared words ÷ all words of both.
pub const NEAR: f64 = 0.8;

/// Groups of near duplicates: for every row the smallest row of its group.
///
/// Texts belong to one group if a chain of pairs with at least `similarity` (in `(0, 1]`, usually
/// [`NEAR`]) joins them; texts of one identity always do. The groups depend on the texts alone, not
/// on their order or the number of threads. Cost is bounded by a constant per row, whatever the
/// texts, at the price of missing some pairs in buckets of hundreds of alike texts.
pub fn near_duplicates(prints: &Fingerprints, similarity: f64) -> Vec<u32> {
    let sketches: Vec<Sketch> =
        (0..prints.len()).into_par_iter().with_min_len(CHUNK).map(|row| Sketch::of(prints, row)).collect();
    let mut groups = Union::new(prints.len());
    for band in 0..BANDS {
        // Bucket and row in one number: sorting these is most of the work.
        let mut keys: Vec<u64> = sketches
            .par_iter()
            .zip(0u32..prints.len() as u32)
            .with_min_len(CHUNK)
            .map(|(sketch, row)| u64::from(sketch.bands[band]) << 32 | u64::from(row))
            .collect();
        keys.par_sort_unstable();
        let buckets: Vec<&[u64]> =
            keys.chunk_by(|a, b| a >> 32 == b >> 32).filter(|bucket| bucket.len() > 1).collect();
        let pairs: Vec<(u32, u32)> = buckets
            .par_iter()
            .flat_map_iter(|bucket| alike_pairs(bucket, &sketches, prints, &groups, similarity))
            .collect();
        for (a, b) in pairs {
            groups.join(a, b);
        }
        groups.flatten();
    }
    groups.parents
}

/// What a word set leaves behind for comparing.
struct Sketch {
    /// A hash of the set; of the identity where there is no word.
    set: u64,
    /// The bucket in each band: a hash of the smallest values under [`ROWS`] permutations.
    bands: [u32; BANDS],
}

/// Odd multipliers: each permutes the 32-bit word hashes.
const MULTIPLIERS: [u32; LANES] = {
    let mut out = [0; LANES];
    let mut i = 0;
    while i < LANES {
        out[i] = mix(i as u64 + 1) as u32 | 1;
        i += 1;
    }
    out
};

impl Sketch {
    fn of(prints: &Fingerprints, row: usize) -> Self {
        let words = prints.words(row);
        if words.is_empty() {
            let set = prints.identities()[row] as u64;
            return Self { set, bands: [mix(set) as u32; BANDS] };
        }
        let mut least = [u32::MAX; LANES];
        let mut set = 0;
        for &word in words {
            set = mix(set ^ u64::from(word));
            for (least, multiplier) in least.iter_mut().zip(&MULTIPLIERS) {
                *least = (*least).min(word.wrapping_mul(*multiplier));
            }
        }
        let bands = std::array::from_fn(|band| {
            let own = &least[band * ROWS..(band + 1) * ROWS];
            own.iter().fold(band as u64 + 1, |key, &l| mix(key ^ u64::from(l))) as u32
        });
        Self { set, bands }
    }
}

/// The pairs of a bucket to join. Its sets are put in an order of content, so that which pairs the
/// window lets through does not depend on the order of rows.
fn alike_pairs(
    bucket: &[u64],
    sketches: &[Sketch],
    prints: &Fingerprints,
    groups: &Union,
    similarity: f64,
) -> Vec<(u32, u32)> {
    let mut rows: Vec<(u64, u32)> =
        bucket.iter().map(|&key| key as u32).map(|row| (sketches[row as usize].set, row)).collect();
    rows.sort_unstable();
    let mut pairs = Vec::new();
    rows.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same && groups.peek(later.1) != groups.peek(first.1) {
            pairs.push((first.1, later.1));
        }
        same
    });
    for (at, &(_, b)) in rows.iter().enumerate() {
        for &(_, a) in &rows[at.saturating_sub(WINDOW)..at] {
            if groups.peek(a) != groups.peek(b)
                && alike(prints.words(a as usize), prints.words(b as usize), similarity)
            {
                pairs.push((a, b));
            }
        }
    }
    pairs
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195).
pub(crate) const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Whether the ascending sets `a` and `b` share at least `similarity` of their union.
fn alike(a: &[u32], b: &[u32], similarity: f64) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    if (short.len() as f64) < similarity * long.len() as f64 {
        return false;
    }
    let (mut i, mut j, mut shared) = (0, 0, 0usize);
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i], b[j]);
        shared += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    shared as f64 >= similarity * (a.len() + b.len() - shared) as f64
}

/// Union-find over `0..len`.
#[derive(Debug)]
pub(crate) struct Union {
    parents: Vec<u32>,
}

impl Union {
    pub(crate) fn new(len: usize) -> Self {
        Self { parents: (0..len as u32).collect() }
    }

    /// Makes every node point at its root. Roots are the smallest of their group, so one pass
    /// upwards suffices.
    fn flatten(&mut self) {
        for x in 0..self.parents.len() {
            self.parents[x] = self.parents[self.parents[x] as usize];
        }
    }

    /// The root of `x`, without shortening the way there.
    fn peek(&self, mut x: u32) -> u32 {
        while self.parents[x as usize] != x {
            x = self.parents[x as usize];
        }
        x
    }

    pub(crate) fn find(&mut self, mut x: u32) -> u32 {
        while self.parents[x as usize] != x {
            // Halving: every other node on the way skips one.
            let up = self.parents[self.parents[x as usize] as usize];
            self.parents[x as usize] = up;
            x = up;
        }
        x
    }

    /// Joins the groups of `a` and `b`; the smaller root leads.
    pub(crate) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.parents[a.max(b) as usize] = a.min(b);
    }
}

/// A number for `key` that depends on `seed`: how seeded choices are made without looking at the
/// order of rows.
pub(crate) fn rank(key: u128, seed: u64) -> u64 {
    mix(xxh3_64(&key.to_le_bytes()) ^ mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{Corpus, Example};
    use proptest::prelude::*;

    fn groups(texts: &[&str]) -> Vec<u32> {
        let mut corpus = Corpus::new();
        for text in texts {
            corpus.push(Example { text, ..Example::default() }).unwrap();
        }
        near_duplicates(&Fingerprints::of(&corpus), NEAR)
    }

    #[test]
    fn one_word_in_ten_makes_a_near_duplicate() {
        let a = "the flight was late again and nobody told us why";
        let b = "the flight was late again and nobody told us anything why";
        assert_eq!(
            groups(&[a, "short", b, "other words here", "short", "", ":(", ""]),
            [0, 1, 0, 3, 1, 5, 6, 5]
        );
    }

    #[test]
    fn a_hundred_thousand_alike_texts_are_one_group() {
        let texts: Vec<String> = (0..100_000)
            .map(|i| format!("one two three four five six seven eight nine {}", i % 50_000))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        // 0.2 % of those at a similarity of 0.82 are expected to share no bucket with others.
        let apart = groups(&texts).iter().filter(|&&g| g != 0).count();
        assert!(apart < 200, "{apart}");
    }

    proptest! {
        #[test]
        fn groups_do_not_depend_on_order(
            mut texts in prop::collection::vec("([a-h] ){1,8}", 1..30), turn in 0usize..30
        ) {
            let before = groups(&texts.iter().map(String::as_str).collect::<Vec<_>>());
            let turn = turn % texts.len();
            let rows: Vec<usize> = (0..texts.len()).map(|i| (i + turn) % texts.len()).collect();
            texts.rotate_left(turn);
            let after = groups(&texts.iter().map(String::as_str).collect::<Vec<_>>());
            for i in 0..rows.len() {
                for j in 0..rows.len() {
                    prop_assert_eq!(after[i] == after[j], before[rows[i]] == before[rows[j]]);
                }
                prop_assert!(after[i] as usize <= i);
            }
        }
    }
}
