//! Dense ids for keys, in parallel and reproducibly.

use std::hash::Hash;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use crate::reduce::chunks;

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

/// Keys that one hash table should hold: it then stays within the second-level cache.
const PER_PART: usize = 1 << 16;

/// Positions that are parted at a time.
const PER_WAVE: usize = 1 << 23;

/// Numbers the keys at positions `0..len`; `each(range, sink)` calls `sink(position, key)` for the
/// keys of a range, in ascending order.
///
/// Keys are first parted by hash, so that each part's table is small and no two threads meet; ids
/// depend on the keys' order alone, not on the number of threads.
pub(crate) fn number<K: Key>(
    len: usize,
    each: impl Fn(std::ops::Range<usize>, &mut dyn FnMut(usize, K)) + Sync,
) -> Numbered<K> {
    let parts = (len / PER_PART).clamp(1, 512).next_power_of_two();
    let shift = 64 - parts.trailing_zeros();
    let part_of = |hash: u64| if parts == 1 { 0 } else { (hash >> shift) as usize };
    let chunk = (len / 64).max(PER_PART);
    let mut ids = Vec::with_capacity(len);
    ids.resize_with(len, || AtomicU32::new(NONE));
    let (mut keys, mut totals) = (Vec::new(), Vec::new());
    // Some parts at a time: all keys beside their positions would be the most memory of a training.
    let waves = (len / PER_WAVE).clamp(1, 4).min(parts);
    for wave in chunks(parts, parts.div_ceil(waves)) {
        let scattered: Vec<Vec<Scattered<K>>> = chunks(len, chunk)
            .into_par_iter()
            .map(|range| {
                let room = range.len() / parts * 5 / 4;
                let mut out: Vec<Scattered<K>> =
                    wave.clone().map(|_| Scattered::with_capacity(room)).collect();
                each(range, &mut |position, key| {
                    let part = part_of(key.hash64()).wrapping_sub(wave.start);
                    if let Some(part) = out.get_mut(part) {
                        part.keys.push(key);
                        part.positions.push(position as u32);
                    }
                });
                out
            })
            .collect();
        let tables: Vec<Table<K>> = (0..wave.len())
            .into_par_iter()
            .map(|part| {
                let size = scattered.iter().map(|chunk| chunk[part].keys.len()).sum::<usize>();
                let mut table = Table::with_capacity(size / 2);
                scattered.iter().flat_map(|chunk| &chunk[part].keys).for_each(|&key| table.count(key));
                table
            })
            .collect();
        let bases: Vec<u32> = tables
            .iter()
            .scan(keys.len() as u32, |next, table| {
                let base = *next;
                *next = next.saturating_add(table.keys.len() as u32);
                Some(base)
            })
            .collect();
        tables.par_iter().zip(&bases).enumerate().for_each(|(part, (table, &base))| {
            for chunk in &scattered {
                for (&key, &position) in chunk[part].keys.iter().zip(&chunk[part].positions) {
                    // Each position is written once; the atomics only let parts share the vector.
                    ids[position as usize].store(base + table.id(key), Ordering::Relaxed);
                }
            }
        });
        for table in tables {
            keys.extend(table.keys);
            totals.extend(table.totals);
        }
    }
    let ids = ids.into_iter().map(AtomicU32::into_inner).collect();
    Numbered { ids, keys, totals }
}

/// Keys of one part and where they stand.
struct Scattered<K> {
    keys: Vec<K>,
    positions: Vec<u32>,
}

impl<K> Scattered<K> {
    fn with_capacity(room: usize) -> Self {
        Self { keys: Vec::with_capacity(room), positions: Vec::with_capacity(room) }
    }
}

/// A small open-addressing table of keys, their ids and counts.
#[derive(Debug)]
struct Table<K> {
    slots: Vec<u32>,
    keys: Vec<K>,
    totals: Vec<u32>,
}

impl<K: Key> Table<K> {
    fn with_capacity(keys: usize) -> Self {
        Self { slots: vec![0; (keys * 2).next_power_of_two().max(16)], keys: Vec::new(), totals: Vec::new() }
    }

    #[inline]
    fn find(&self, key: K) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = key.hash64() as usize & mask;
        loop {
            match self.slots[slot] {
                0 => return Err(slot),
                id if self.keys[id as usize - 1] == key => return Ok(id as usize - 1),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    #[inline]
    fn count(&mut self, key: K) {
        match self.find(key) {
            Ok(id) => self.totals[id] = self.totals[id].saturating_add(1),
            Err(slot) => {
                self.keys.push(key);
                self.totals.push(1);
                self.slots[slot] = self.keys.len() as u32;
                if self.keys.len() * 4 > self.slots.len() * 3 {
                    self.grow();
                }
            }
        }
    }

    #[inline]
    fn id(&self, key: K) -> u32 {
        self.find(key).map_or(NONE, |id| id as u32)
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let mut slots = vec![0; mask + 1];
        for (id, key) in (1_u32..).zip(&self.keys) {
            let mut slot = key.hash64() as usize & mask;
            while slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            slots[slot] = id;
        }
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbered(keys: &[u64]) -> Numbered<u64> {
        number(keys.len(), |range, sink| {
            for i in range {
                if keys[i] != 7 {
                    sink(i, keys[i]);
                }
            }
        })
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
