//! Pairs of words together with what is known of them, as batches of texts look them up.
//!
//! A model file has the pairs in one table and their numbers in another: two places in memory for each pair of each
//! text, all of them far from one another. Here both stand in one cache line and in half the bytes, exactly: a pair's
//! number is mixed in a way that can be undone, the line tells its beginning, and only its end is kept (Knuth, vol. 3,
//! exercise 6.4-13: quotienting).

use std::collections::HashMap;

use super::{ngrams::Hit, number::NONE};
use crate::prefetch::prefetch;

/// Numbers of four bytes in a cache line.
const LINE: usize = 16;

/// Lines that a pair may stand behind its home: what a look-up costs at most.
const FARTHEST: usize = 30;

/// Look-ups that are fetched ahead: all of a group's lines together are more than the first cache holds.
const AHEAD: usize = 24;

/// Pairs that are fetched together when the table is made.
const BLOCK: usize = 32;

/// Marks a line behind which pairs stand that belong into it or before it.
const MORE: u32 = 1;

/// A line: the tags of its slots, and then the weights of each.
///
/// A tag is the end of the pair's mixed number, the place of its inverse document frequency in a list, and in
/// the first slot [`MORE`].
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([u32; LINE]);

/// A slot that nothing is in: no list of frequencies is so long that its last place is in use.
const FREE: u32 = u32::MAX ^ MORE;

/// Pairs of words, each of which has `outputs` weights.
#[derive(Debug, Clone)]
pub(crate) struct Pairs {
    mixer: Mixer,
    outputs: usize,
    lines: Vec<Line>,
    /// How many of the lines are homes; those behind are for who finds the last ones full.
    homes: u64,
    /// Lines that the farthest pair stands behind its home.
    farthest: u32,
    /// Bits of a tag that are not the pair's.
    low: u32,
    /// Inverse document frequencies, without repetition.
    idfs: Vec<f32>,
}

/// Gives each pair of words a number of its own, scattered as if by chance.
#[derive(Debug, Clone, Copy)]
struct Mixer {
    words: u64,
    /// Bits of the numbers.
    bits: u32,
}

impl Mixer {
    fn new(words: u32) -> Option<Self> {
        let words = u64::from(words);
        let pairs = words.checked_mul(words)?;
        let bits = u64::BITS - pairs.leading_zeros();
        (bits < u64::BITS).then_some(Self { words, bits })
    }

    /// The pair's number, at the upper end of 64 bits.
    #[inline]
    fn mix(self, [first, second]: [u32; 2]) -> u64 {
        let up = u64::BITS - self.bits;
        // Each step can be undone: an odd factor, and what is shifted by half the bits or more.
        let mut x = (u64::from(first) * self.words + u64::from(second)) << up;
        x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x ^= (x >> (self.bits / 2 + 1)) & (u64::MAX << up);
        x.wrapping_mul(0xc4ce_b9fe_1a85_ec53)
    }
}

impl Pairs {
    /// The table of `pairs`, whose words are below `words`, with the row `[idf, weights…]` of each; `None` where it
    /// could not tell all pairs apart.
    pub(crate) fn new(words: u32, outputs: usize, pairs: &[[u32; 2]], rows: &[f32]) -> Option<Self> {
        let slots = LINE / (1 + outputs);
        let known = pairs.iter().filter(|pair| pair[0] != NONE).count();
        if slots < 2 || known == 0 {
            return None;
        }
        let mixer = Mixer::new(words)?;
        let (idfs, codes) = distinct(rows.chunks_exact(1 + outputs).map(|row| row[0]));
        // One bit for `MORE`, and codes of which the last stays free.
        let low = 1 + (usize::BITS - idfs.len().leading_zeros());
        // Three quarters full.
        let homes = known * 4 / 3 / slots + 1;
        let mut line = [0; LINE];
        line[..slots].fill(FREE);
        let lines = vec![Line(line); homes + FARTHEST];
        let mut out = Self { mixer, outputs, lines, homes: homes as u64, farthest: 0, low, idfs };
        // As they come by ascending homes, whoever finds a line full finds the free slots behind it.
        let mut next = (0, 0);
        for block in out.by_home(pairs).chunks(BLOCK) {
            // They come from all over the file's tables.
            for &at in block {
                prefetch(pairs, at as usize);
                prefetch(&codes, at as usize);
                prefetch(rows, at as usize * (1 + outputs));
            }
            for &at in block {
                let mixed = mixer.mix(pairs[at as usize]);
                let home = out.home(mixed);
                if next.1 == slots {
                    next = (next.0 + 1, 0);
                }
                next = next.max((home, 0));
                let (line, slot) = next;
                if line - home > FARTHEST {
                    return None;
                }
                out.farthest = out.farthest.max((line - home) as u32);
                out.lines[home..line].iter_mut().for_each(|line| line.0[0] |= MORE);
                let tag = out.tag(mixed) | codes[at as usize] << 1;
                let Line(line) = &mut out.lines[line];
                line[slot] = tag;
                let weights = &rows[at as usize * (1 + outputs)..][1..=outputs];
                for (place, weight) in line[slots + slot * outputs..].iter_mut().zip(weights) {
                    *place = weight.to_bits();
                }
                next.1 += 1;
            }
        }
        // The ends of numbers that are no farther apart than this are all different.
        let apart = 1_u64.checked_shl(u32::BITS.checked_sub(low)?)?;
        let home_size = (1_u64 << mixer.bits) / out.homes + 1;
        (home_size.checked_mul(u64::from(out.farthest) + 1)? <= apart).then_some(out)
    }

    /// The places of the known ones of `pairs`, by ascending homes.
    fn by_home(&self, pairs: &[[u32; 2]]) -> Vec<u32> {
        let known = || (0_u32..).zip(pairs).filter(|(_, pair)| pair[0] != NONE);
        let mut ends = vec![0_u32; self.lines.len() + 1];
        known().for_each(|(_, &pair)| ends[self.home(self.mixer.mix(pair)) + 1] += 1);
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        let mut order = vec![0; sum as usize];
        for (at, &pair) in known() {
            let end = &mut ends[self.home(self.mixer.mix(pair))];
            order[*end as usize] = at;
            *end += 1;
        }
        order
    }

    #[inline]
    fn home(&self, mixed: u64) -> usize {
        ((u128::from(mixed) * u128::from(self.homes)) >> 64) as usize
    }

    /// The pair's part of a tag.
    #[inline]
    fn tag(&self, mixed: u64) -> u32 {
        ((mixed >> (u64::BITS - self.mixer.bits)) as u32) << self.low
    }

    /// Finds the pairs in `words`, word ids, [`NONE`] where a word is unknown or a text ends; that comes last.
    /// A pair's node is where it stands, from `base` on.
    pub(crate) fn find(&self, base: u32, words: &[u32], asked: &mut Vec<Asked>, out: &mut Vec<Hit>) {
        match self.outputs {
            1 => self.find_in::<{ LINE / 2 }>(base, words, asked, out),
            2 => self.find_in::<{ LINE / 3 }>(base, words, asked, out),
            3 => self.find_in::<{ LINE / 4 }>(base, words, asked, out),
            4 => self.find_in::<{ LINE / 5 }>(base, words, asked, out),
            _ => self.find_in::<2>(base, words, asked, out),
        }
    }

    fn find_in<const SLOTS: usize>(
        &self,
        base: u32,
        words: &[u32],
        asked: &mut Vec<Asked>,
        out: &mut Vec<Hit>,
    ) {
        asked.clear();
        asked.resize(words.len(), Asked::default());
        let mut len = 0;
        for (place, pair) in (0_u32..).zip(words.array_windows::<2>()) {
            let mixed = self.mixer.mix(*pair);
            asked[len] = Asked { place, home: self.home(mixed) as u32, tag: self.tag(mixed) };
            len += usize::from((pair[0] != NONE) & (pair[1] != NONE));
        }
        out.clear();
        out.resize(len, Hit::default());
        let mut hits = 0;
        asked.iter().take(AHEAD).for_each(|asked| prefetch(&self.lines, asked.home as usize));
        for (i, &Asked { place, home, tag }) in asked[..len].iter().enumerate() {
            if let Some(soon) = asked.get(i + AHEAD) {
                prefetch(&self.lines, soon.home as usize);
            }
            // Nobody can foresee which pairs are there, so there is no branch but for the rare ones that are
            // elsewhere.
            let Line(line) = &self.lines[home as usize];
            let (mut at, mut slot) = (home, self.slot::<SLOTS>(line, tag));
            while (slot == SLOTS as u32)
                & (line_goes_on(&self.lines[at as usize]))
                & (at - home < self.farthest)
            {
                at += 1;
                slot = self.slot::<SLOTS>(&self.lines[at as usize].0, tag);
            }
            out[hits] = Hit { place, node: base + at * SLOTS as u32 + slot };
            hits += usize::from(slot < SLOTS as u32);
        }
        out.truncate(hits);
    }

    /// The slot of `line` that has this tag; `SLOTS` if none has.
    #[inline]
    fn slot<const SLOTS: usize>(&self, line: &[u32; LINE], tag: u32) -> u32 {
        let mask = u32::MAX << self.low;
        let mut same = same_tags::<SLOTS>(line, mask, tag);
        // A free slot's tag is that of a pair, too.
        same |= 1 << SLOTS;
        let slot = same.trailing_zeros();
        if line[slot as usize] | MORE == u32::MAX { SLOTS as u32 } else { slot }
    }

    /// What is known of the pair that stands there, `[idf, weights…]`.
    #[inline]
    pub(crate) fn row<const ROW: usize>(&self, at: u32) -> [f32; ROW] {
        let slots = LINE / ROW;
        let Line(line) = &self.lines[at as usize / slots];
        let slot = at as usize % slots;
        let code = (line[slot] & ((1 << self.low) - 1)) >> 1;
        std::array::from_fn(|i| match i {
            0 => self.idfs[code as usize],
            _ => f32::from_bits(line[(slots + slot * (ROW - 1) + i - 1) % LINE]),
        })
    }
}

/// A pair that may be there.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    place: u32,
    home: u32,
    tag: u32,
}

/// The distinct ones of `numbers`, and which of them each is.
fn distinct(numbers: impl Iterator<Item = f32>) -> (Vec<f32>, Vec<u32>) {
    let (mut places, mut distinct) = (HashMap::new(), Vec::new());
    // Most numbers are met again and again; the map is asked for the others.
    let mut lately = vec![None; 1 << 13];
    let codes = numbers.map(|number| {
        let bits = number.to_bits();
        // Multiplicative hashing (Knuth, vol. 3, 6.4).
        match &mut lately[(bits.wrapping_mul(0x9e37_79b1) >> 19) as usize] {
            Some((same, code)) if *same == bits => *code,
            other => {
                let code = *places.entry(bits).or_insert(distinct.len() as u32);
                if code as usize == distinct.len() {
                    distinct.push(number);
                }
                *other = Some((bits, code));
                code
            }
        }
    });
    let codes = codes.collect();
    (distinct, codes)
}

/// Whether pairs stand behind the line that belong into it or before it.
#[inline]
fn line_goes_on(Line(line): &Line) -> bool {
    line[0] & MORE != 0
}

/// One bit for each of the first slots of `line` that is `tag` under `mask`.
#[inline]
fn same_tags<const SLOTS: usize>(line: &[u32; LINE], mask: u32, tag: u32) -> u32 {
    // In two steps, so that the compiler compares four at a time.
    let bits: [u32; SLOTS] =
        std::array::from_fn(|i| u32::from(line[i] & mask == tag).wrapping_neg() & 1 << i);
    bits.iter().fold(0, |all, bit| all | bit)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Pairs in the order of a model file, free slots between them, and a row for each.
    fn table(pairs: &BTreeMap<[u32; 2], u16>, outputs: usize) -> (Vec<[u32; 2]>, Vec<f32>) {
        let (mut slots, mut rows) = (Vec::new(), Vec::new());
        for (&pair, &number) in pairs {
            slots.extend([pair, [NONE; 2]]);
            rows.push(f32::from(number % 9) + 1.0);
            rows.extend((1..=outputs).map(|i| f32::from(number) - i as f32));
            rows.extend(std::iter::repeat_n(0.0, 1 + outputs));
        }
        (slots, rows)
    }

    fn check<const ROW: usize>(words: u32, pairs: &BTreeMap<[u32; 2], u16>, text: &[u32]) {
        let (slots, rows) = table(pairs, ROW - 1);
        let found = Pairs::new(words, ROW - 1, &slots, &rows).expect("few pairs of few words");
        let mut hits = vec![Hit::default(); 3];
        found.find(words, text, &mut Vec::new(), &mut hits);
        let wanted: Vec<(u32, &[f32])> = (0..)
            .zip(text.array_windows::<2>())
            .filter_map(|(place, pair)| {
                Some((place, slots.iter().position(|slot| slot == pair && pair[0] != NONE)?))
            })
            .map(|(place, slot)| (place, &rows[slot * ROW..][..ROW]))
            .collect();
        let got: Vec<(u32, [f32; ROW])> =
            hits.iter().map(|hit| (hit.place, found.row::<ROW>(hit.node - words))).collect();
        assert_eq!(got.len(), wanted.len());
        for ((place, row), (want_place, want)) in got.iter().zip(wanted) {
            assert_eq!((*place, &row[..]), (want_place, want));
        }
    }

    proptest! {
        /// What is found in a row of words is what a search of the list finds, with all its numbers.
        #[test]
        fn as_a_plain_search(
            pairs in prop::collection::btree_map(prop::array::uniform2(0_u32..30), 0_u16..400, 1..400),
            text in prop::collection::vec(prop_oneof![9 => 0_u32..30, 1 => Just(NONE)], 0..80),
        ) {
            let text: Vec<u32> = text.into_iter().chain([NONE]).collect();
            check::<2>(30, &pairs, &text);
            check::<4>(30, &pairs, &text);
            check::<6>(30, &pairs, &text);
        }

        #[test]
        fn no_two_pairs_have_the_same_number(words in 1_u32..70_000, pairs in prop::collection::vec(any::<[u32; 2]>(), 2)) {
            let mixer = Mixer::new(words).unwrap();
            let pairs: Vec<[u32; 2]> = pairs.iter().map(|pair| pair.map(|word| word % words)).collect();
            prop_assert_eq!(pairs[0] == pairs[1], mixer.mix(pairs[0]) == mixer.mix(pairs[1]));
        }
    }

    #[test]
    fn a_large_vocabulary_is_all_there_and_nothing_else() {
        let words = 50_000;
        let pair = |i: u32| [i.wrapping_mul(7919) % words, i.wrapping_mul(104_729) / 3 % words];
        let pairs: BTreeMap<[u32; 2], u16> = (0..300_000).map(|i| (pair(i), (i % 5000) as u16)).collect();
        let (slots, rows) = table(&pairs, 1);
        let found = Pairs::new(words, 1, &slots, &rows).unwrap();
        assert!(found.lines.len() * LINE * 4 < 12 * pairs.len(), "{} lines", found.lines.len());
        // Each with the next one; of these, some pairs are there by chance.
        let text: Vec<u32> = pairs.keys().copied().flatten().chain([NONE]).collect();
        let mut hits = Vec::new();
        found.find(0, &text, &mut Vec::new(), &mut hits);
        let wanted: Vec<[u32; 2]> =
            text.array_windows::<2>().copied().filter(|pair| pairs.contains_key(pair)).collect();
        let got: Vec<[u32; 2]> =
            hits.iter().map(|hit| [text[hit.place as usize], text[hit.place as usize + 1]]).collect();
        assert_eq!(got, wanted);
        for hit in &hits {
            let number = pairs[&[text[hit.place as usize], text[hit.place as usize + 1]]];
            assert_eq!(found.row::<2>(hit.node), [f32::from(number % 9) + 1.0, f32::from(number) - 1.0]);
        }
    }

    #[test]
    fn nothing_is_made_of_what_cannot_be_told_apart() {
        // So many words that the end of a number is no longer enough to tell pairs of one line apart.
        let slots: Vec<[u32; 2]> = (0..100).map(|i| [i * 40_000_000, i]).collect();
        assert!(Pairs::new(u32::MAX - 1, 1, &slots, &vec![1.0; 200]).is_none());
        assert!(Pairs::new(9, 1, &[], &[]).is_none(), "no pairs");
        assert!(Pairs::new(9, 8, &[[1, 2]], &[1.0; 9]).is_none(), "too many outputs for a line");
    }
}
