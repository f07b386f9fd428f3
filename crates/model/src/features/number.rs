//! Dense ids for keys, in parallel and reproducibly.

use std::hash::Hash;
use std::ops::Range;

use rayon::prelude::*;

/// Stands where there is no id.
pub(crate) const NONE: u32 = u32::MAX;

/// Something that can be numbered.
pub(crate) trait Key: Copy + Eq + Send + Sync + Hash {
    /// 64 well-mixed bits.
    fn hash64(self) -> u64;
}

/// Murmur3's finaliser: every input bit reaches every output bit.
#[inline]
pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

impl Key for u64 {
    #[inline]
    fn hash64(self) -> u64 {
        mix(self)
    }
}

impl Key for u128 {
    #[inline]
    fn hash64(self) -> u64 {
        mix(self as u64 ^ mix((self >> 64) as u64))
    }
}

/// Keys and their ids.
#[derive(Debug)]
pub(crate) struct Numbered<K> {
    /// The id of the key at each position, [`NONE`] where there is no key.
    pub(crate) ids: Vec<u32>,
    /// The distinct keys by id.
    pub(crate) keys: Vec<K>,
    /// How often each occurs.
    pub(crate) totals: Vec<u32>,
}

/// Keys to be numbered, each at a position.
pub(crate) trait Keys<K>: Sync {
    /// Positions, with a key or without.
    fn positions(&self) -> usize;

    /// Calls `sink(position, key)` for the keys of a range of positions, in ascending order.
    fn each(&self, range: Range<usize>, sink: &mut impl FnMut(usize, K));
}

/// Positions that are numbered on their own first: the table of their keys stays within the
/// second-level cache.
const CHUNK: usize = 1 << 17;

/// Positions for each of the parts that distinct keys are dealt into, so that a part's table does.
const PER_PART: usize = 1 << 18;

/// Numbers keys; ids depend on the keys and their order alone, not on the number of threads.
///
/// Each chunk of positions numbers its own keys. Text repeats itself, so a chunk's distinct keys are
/// few; only these are then dealt by hash into parts and numbered for all chunks. Frequent keys come
/// first, so that what is looked up by id most often shares cache lines.
pub(crate) fn number<K: Key>(keys: &impl Keys<K>) -> Numbered<K> {
    let len = keys.positions();
    let parts = (len / PER_PART).clamp(1, 256).next_power_of_two();
    let mut ids = vec![NONE; len];
    let locals: Vec<Dealt<K>> = ids
        .par_chunks_mut(CHUNK)
        .enumerate()
        .map(|(i, ids)| {
            let base = i * CHUNK;
            let mut table = Table::default();
            keys.each(base..base + ids.len(), &mut |position, key| ids[position - base] = table.add(key, 1));
            Dealt::new(table.entries, parts)
        })
        .collect();
    let (tables, found): (Vec<Table<K>>, Vec<Vec<u32>>) = (0..parts)
        .into_par_iter()
        .map(|part| {
            let mut table = Table::default();
            let dealt = locals.iter().flat_map(|local| local.part(part));
            let found = dealt.map(|entry| table.add(entry.key, entry.total)).collect();
            (table, found)
        })
        .unzip();
    let (rank, bases) = rank(&tables);
    // Where in `found` each part of each chunk begins.
    let mut next = vec![0; parts];
    let starts: Vec<Vec<usize>> = locals
        .iter()
        .map(|local| {
            let starts = next.clone();
            next.iter_mut().enumerate().for_each(|(part, at)| *at += local.part(part).len());
            starts
        })
        .collect();
    ids.par_chunks_mut(CHUNK).zip(locals.par_iter().zip(&starts)).for_each(|(ids, (local, starts))| {
        let mut map = vec![NONE; local.entries.len()];
        for (part, &start) in starts.iter().enumerate() {
            for (entry, &id) in local.part(part).iter().zip(&found[part][start..]) {
                map[entry.id as usize] = rank[bases[part] + id as usize];
            }
        }
        ids.iter_mut().filter(|id| **id != NONE).for_each(|id| *id = map[*id as usize]);
    });
    drop(locals);
    let distinct = rank.len();
    let mut numbered = Numbered { ids, keys: Vec::new(), totals: vec![0; distinct] };
    let mut first = tables.iter().find_map(|table| table.entries.first());
    if let Some(entry) = first.take() {
        numbered.keys.resize(distinct, entry.key);
    }
    for (entry, &id) in tables.iter().flat_map(|table| &table.entries).zip(&rank) {
        (numbered.keys[id as usize], numbered.totals[id as usize]) = (entry.key, entry.total);
    }
    numbered
}

/// The final id of every key, table by table, and where each table begins in that list: keys with
/// more bits in their total first, then by table and order within.
fn rank<K>(tables: &[Table<K>]) -> (Vec<u32>, Vec<usize>) {
    const BITS: usize = u32::BITS as usize + 1;
    let class = |total: u32| total.leading_zeros() as usize;
    let all = || tables.iter().flat_map(|table| &table.entries);
    let mut next = [0_u32; BITS];
    all().for_each(|entry| next[class(entry.total)] += 1);
    let mut sum = 0;
    for count in &mut next {
        sum += std::mem::replace(count, sum);
    }
    let rank = all()
        .map(|entry| {
            let next = &mut next[class(entry.total)];
            *next += 1;
            *next - 1
        })
        .collect();
    let bases = tables
        .iter()
        .scan(0, |next, table| {
            let base = *next;
            *next += table.entries.len();
            Some(base)
        })
        .collect();
    (rank, bases)
}

/// A key, how often it occurs, and its id in the table that it comes from.
#[derive(Debug, Clone, Copy)]
struct Entry<K> {
    key: K,
    total: u32,
    id: u32,
}

/// The entries of one chunk, part by part.
struct Dealt<K> {
    entries: Vec<Entry<K>>,
    /// One past the last entry of each part.
    ends: Vec<u32>,
}

impl<K: Key> Dealt<K> {
    fn new(entries: Vec<Entry<K>>, parts: usize) -> Self {
        // The tables take their slots from the low bits.
        let shift = u64::BITS - parts.trailing_zeros();
        let part_of = |entry: &Entry<K>| entry.key.hash64().checked_shr(shift).unwrap_or(0) as usize;
        let mut ends = vec![0; parts];
        entries.iter().for_each(|entry| ends[part_of(entry)] += 1);
        let mut sum = 0;
        for end in &mut ends {
            sum += std::mem::replace(end, sum);
        }
        let mut dealt = entries.clone();
        for entry in &entries {
            let next = &mut ends[part_of(entry)];
            dealt[*next as usize] = *entry;
            *next += 1;
        }
        Self { entries: dealt, ends }
    }

    fn part(&self, part: usize) -> &[Entry<K>] {
        let start = if part == 0 { 0 } else { self.ends[part - 1] };
        &self.entries[start as usize..self.ends[part] as usize]
    }
}

/// An open-addressing table of keys and their totals.
#[derive(Debug)]
struct Table<K> {
    /// Id plus one; 0 is free. A power of two, at most half full.
    slots: Vec<u32>,
    entries: Vec<Entry<K>>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { slots: vec![0; 16], entries: Vec::new() }
    }
}

impl<K: Key> Table<K> {
    /// The id of `key`, which has occurred `times` more.
    #[inline]
    fn add(&mut self, key: K, times: u32) -> u32 {
        let mask = self.slots.len() - 1;
        let mut slot = key.hash64() as usize & mask;
        loop {
            let id = self.slots[slot].wrapping_sub(1);
            match self.entries.get_mut(id as usize) {
                Some(entry) if entry.key == key => {
                    entry.total = entry.total.saturating_add(times);
                    return id;
                }
                Some(_) => slot = (slot + 1) & mask,
                None => break,
            }
        }
        let id = self.entries.len() as u32;
        self.entries.push(Entry { key, total: times, id });
        self.slots[slot] = id + 1;
        if self.entries.len() * 2 > self.slots.len() {
            self.grow();
        }
        id
    }

    #[cold]
    fn grow(&mut self) {
        let mask = self.slots.len() * 4 - 1;
        let mut slots = vec![0; mask + 1];
        for entry in &self.entries {
            let mut slot = entry.key.hash64() as usize & mask;
            while slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            slots[slot] = entry.id + 1;
        }
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct NoSevens<'a>(&'a [u64]);

    impl Keys<u64> for NoSevens<'_> {
        fn positions(&self) -> usize {
            self.0.len()
        }

        fn each(&self, range: Range<usize>, sink: &mut impl FnMut(usize, u64)) {
            range.filter(|&i| self.0[i] != 7).for_each(|i| sink(i, self.0[i]));
        }
    }

    fn numbered(keys: &[u64]) -> Numbered<u64> {
        number(&NoSevens(keys))
    }

    #[test]
    fn many_parts_give_every_key_one_id_on_any_number_of_threads() {
        let keys: Vec<u64> = (0..400_000_u64).map(|i| mix(i) % 90_000).collect();
        let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        let (one, four) = (pool(1).install(|| numbered(&keys)), pool(4).install(|| numbered(&keys)));
        assert_eq!(one.ids, four.ids);
        assert_eq!(one.totals.iter().sum::<u32>() as usize, keys.iter().filter(|&&k| k != 7).count());
        for (key, id) in keys.iter().zip(&one.ids) {
            assert_eq!(*id == NONE, *key == 7);
            assert!(*id == NONE || one.keys[*id as usize] == *key);
        }
    }

    proptest! {
        #[test]
        fn ids_name_their_keys(keys in proptest::collection::vec(0_u64..20, 0..200)) {
            let n = numbered(&keys);
            for (i, key) in keys.iter().enumerate() {
                if *key == 7 { prop_assert_eq!(n.ids[i], NONE); }
                else { prop_assert_eq!(n.keys[n.ids[i] as usize], *key); }
            }
            for (id, key) in n.keys.iter().enumerate() {
                prop_assert_eq!(n.totals[id] as usize, keys.iter().filter(|k| *k == key).count());
            }
        }
    }
}
