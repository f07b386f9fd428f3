//! What each text of a corpus comes to without its disguise, and which words it has.

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::CHUNK;
use super::deal::{Hand, PARTS, part_of};
use crate::Corpus;

/// What [`sentimeter_text::identity`] makes of each text of a corpus: equal for the same text in
/// different disguises (DESIGN.md rule 7).
#[derive(Debug)]
pub struct Identities {
    /// Hash of each row's identity. Two texts agree by chance once in 2⁶⁴ pairs.
    hashes: Vec<u64>,
    /// Rows by identity, then by number; [`PARTS`] parts that ascend.
    order: Vec<Vec<(u64, u32)>>,
    /// Sorted distinct word hashes of each row, [`CHUNK`] rows a part.
    sets: Vec<WordSets>,
}

/// Sorted distinct word hashes of some texts.
#[derive(Debug, Clone, Default)]
struct WordSets {
    ends: Vec<u32>,
    words: Vec<u32>,
}

impl Identities {
    /// Reads all texts once, in parallel.
    pub fn of(corpus: &Corpus) -> Self {
        let mut hashes = vec![0; corpus.len()];
        let read: Vec<(WordSets, Hand<(u64, u32)>)> = hashes
            .par_chunks_mut(CHUNK)
            .enumerate()
            .map_init(Scratch::default, |scratch, (chunk, hashes)| {
                let Scratch { identity, sets, rows } = scratch;
                sets.clear();
                rows.clear();
                for (hash, row) in hashes.iter_mut().zip(chunk * CHUNK..) {
                    let text = corpus.text(row);
                    sentimeter_text::identity(text, identity);
                    // Mentions and links alone leave nothing; such texts are the same only letter by letter.
                    let same_by = if identity.is_empty() { text } else { identity.as_str() };
                    *hash = xxh3_64(same_by.as_bytes());
                    rows.push((*hash, (*hash, row as u32)));
                    sets.push(identity);
                }
                // A clone has the size that it needs, and the pages of the scratch are used again.
                (sets.clone(), Hand::deal(rows))
            })
            .collect();
        let (sets, hands): (Vec<WordSets>, Vec<_>) = read.into_iter().unzip();
        let order = (0..PARTS)
            .into_par_iter()
            .map(|part| {
                let rows: Vec<&[(u64, u32)]> = hands.iter().map(|hand| hand.part(part)).collect();
                let mut rows = rows.concat();
                rows.sort_unstable();
                rows
            })
            .collect();
        Self { hashes, order, sets }
    }

    /// The identity of each row, `[rows]`.
    pub fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// Whether some row has this identity.
    pub fn contains(&self, identity: u64) -> bool {
        self.order[part_of(identity)].binary_search_by_key(&identity, |&(hash, _)| hash).is_ok()
    }

    /// Rows of the same text, text by text, in the order of identities; the smallest row is first.
    pub(super) fn same(&self) -> impl Iterator<Item = &[(u64, u32)]> {
        self.order.iter().flat_map(|part| part.chunk_by(|a, b| a.0 == b.0))
    }

    /// The distinct words of a row, by their hashes, ascending; there is one at least.
    pub(super) fn words(&self, row: usize) -> &[u32] {
        self.sets[row / CHUNK].get(row % CHUNK)
    }
}

/// Buffers that a thread uses again from chunk to chunk.
#[derive(Default)]
struct Scratch {
    identity: String,
    sets: WordSets,
    rows: Vec<(u64, (u64, u32))>,
}

impl WordSets {
    fn clear(&mut self) {
        self.ends.clear();
        self.words.clear();
    }

    fn get(&self, at: usize) -> &[u32] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.words[start as usize..self.ends[at] as usize]
    }

    fn push(&mut self, identity: &str) {
        let start = self.words.len();
        each_word(identity.as_bytes(), |word| self.words.push(xxh3_64(word) as u32));
        let set = &mut self.words[start..];
        set.sort_unstable();
        // Without a branch: nobody can foretell which word comes twice.
        let mut distinct = 1;
        for at in 1..set.len() {
            let word = set[at];
            let new = word != set[distinct - 1];
            set[distinct - usize::from(!new)] = word;
            distinct += usize::from(new);
        }
        let end = start + distinct;
        self.words.truncate(end);
        self.ends.push(end as u32);
    }
}

/// Gives each piece of `line` between single spaces, eight bytes at a look; a line has one at least.
fn each_word<'a>(line: &'a [u8], mut sink: impl FnMut(&'a [u8])) {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    let (chunks, rest) = line.as_chunks::<8>();
    let mut start = 0;
    let mut look = |at: usize, eight: [u8; 8]| {
        let apart = u64::from_le_bytes(eight) ^ u64::from_ne_bytes([b' '; 8]);
        // The high bit of each byte that is a space.
        let mut spaces = !(((apart & LOW) + LOW) | apart | LOW);
        while spaces != 0 {
            let end = at + spaces.trailing_zeros() as usize / 8;
            sink(&line[start..end]);
            start = end + 1;
            spaces &= spaces - 1;
        }
    };
    for (i, &eight) in chunks.iter().enumerate() {
        look(i * 8, eight);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    look(chunks.len() * 8, last);
    sink(&line[start..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_are_what_stands_between_spaces(line in "[ !a-ché]{0,30}") {
            let mut words: Vec<&[u8]> = Vec::new();
            each_word(line.as_bytes(), |word| words.push(word));
            let wanted: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            prop_assert_eq!(&words, &wanted);
            let mut sets = WordSets::default();
            sets.push("before");
            sets.push(&line);
            let wanted: std::collections::BTreeSet<u32> =
                wanted.iter().map(|word| xxh3_64(word) as u32).collect();
            prop_assert_eq!(sets.get(1), wanted.into_iter().collect::<Vec<_>>());
        }
    }
}
