//! Seeded numbers that look random: SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2714064.2660195).

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Mixes the bits of `x`.
pub(crate) fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// From one number of the sequence to the next.
pub(crate) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A sequence.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The sequence of a seed and a name.
    pub(crate) fn named(seed: u64, name: &str) -> Self {
        Self(mix(xxh3_64_with_seed(name.as_bytes(), seed)))
    }

    /// The sequence of a seed, a name and a number.
    pub(crate) fn numbered(seed: u64, name: &str, number: u64) -> Self {
        Self(mix(xxh3_64_with_seed(name.as_bytes(), seed) ^ mix(number.wrapping_add(1))))
    }

    /// 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number within ±`bound`.
    pub(crate) fn within(&mut self, bound: f64) -> f64 {
        bound * ((self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
    }

    /// A number below `n`, which is above 0; off an even share by at most `n / 2⁶⁴`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// Puts `items` in another order, each order as likely as any other.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}
