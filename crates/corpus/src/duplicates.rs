//! The same text twice: exactly, in disguise, or nearly; and with which label.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use crate::Corpus;

/// Texts that one thread works on at a time.
const CHUNK: usize = 1 << 13;

/// Word sets that overlap by this share of their union (Jaccard) are nearly the same text.
pub const NEAR: f64 = 0.8;

/// Texts with fewer distinct words are compared by identity alone: one word is a quarter of them.
const LEAST_WORDS: usize = 4;

/// Members of a bucket that each further member is compared with: the bucket's first and those just
/// before it. It bounds the work on a bucket of a million.
const LOOK_BACK: usize = 3;

fn chunks(len: usize) -> Vec<Range<usize>> {
    (0..len.div_ceil(CHUNK)).map(|i| i * CHUNK..((i + 1) * CHUNK).min(len)).collect()
}

/// What [`sentimeter_text::identity`] makes of each text of a corpus: equal for the same text in
/// different disguises (DESIGN.md rule 7).
#[derive(Debug)]
pub struct Identities {
    /// Hash of each row's identity. Two texts agree by chance once in 2⁶⁴ pairs.
    hashes: Vec<u64>,
    /// Rows by identity, then by number.
    order: Vec<(u64, u32)>,
    /// Sorted distinct word hashes of each row, [`CHUNK`] rows a part.
    sets: Vec<WordSets>,
}

/// Sorted distinct word hashes of some texts.
#[derive(Debug, Default)]
struct WordSets {
    ends: Vec<u32>,
    words: Vec<u32>,
}

impl Identities {
    /// Reads all texts once, in parallel.
    pub fn of(corpus: &Corpus) -> Self {
        let parts: Vec<(Vec<u64>, WordSets)> = chunks(corpus.len())
            .into_par_iter()
            .map_init(String::new, |identity, range| {
                let mut hashes = Vec::with_capacity(range.len());
                let mut sets = WordSets::default();
                for row in range {
                    let text = corpus.text(row);
                    sentimeter_text::identity(text, identity);
                    // Mentions and links alone leave nothing; such texts are the same only letter by letter.
                    let same_by = if identity.is_empty() { text } else { identity.as_str() };
                    hashes.push(xxh3_64(same_by.as_bytes()));
                    sets.push(identity);
                }
                (hashes, sets)
            })
            .collect();
        let mut hashes = Vec::with_capacity(corpus.len());
        let mut sets = Vec::with_capacity(parts.len());
        for (part, set) in parts {
            hashes.extend(part);
            sets.push(set);
        }
        let mut order: Vec<(u64, u32)> = hashes.iter().copied().zip(0..).collect();
        order.par_sort_unstable();
        Self { hashes, order, sets }
    }

    /// The identity of each row, `[rows]`.
    pub fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// Whether some row has this identity.
    pub fn contains(&self, identity: u64) -> bool {
        self.order.binary_search_by_key(&identity, |&(hash, _)| hash).is_ok()
    }

    /// Rows of the same text, text by text, in the order of identities.
    fn same(&self) -> impl Iterator<Item = &[(u64, u32)]> {
        self.order.chunk_by(|a, b| a.0 == b.0)
    }

    fn words(&self, row: u32) -> &[u32] {
        let sets = &self.sets[row as usize / CHUNK];
        let at = row as usize % CHUNK;
        let start = if at == 0 { 0 } else { sets.ends[at - 1] };
        &sets.words[start as usize..sets.ends[at] as usize]
    }
}

impl WordSets {
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

/// What became of texts that stand with different labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Each row's label after the vote: [`Corpus::NONE`] where it has none, or its text tied.
    pub labels: Vec<u16>,
    /// Distinct texts with more than one label.
    pub conflicts: usize,
    /// Rows whose label was outvoted.
    pub relabelled: usize,
    /// Rows without a label now, since their text's labels tied.
    pub tied: usize,
}

/// Gives every text that stands with different labels the label of its majority; ties lose theirs.
///
/// Here a text is the same only [to the sign](to_the_sign): `great :)` and `great :(` share an
/// identity, and so a side of every split, but do not contradict each other.
pub fn resolve_conflicts(corpus: &Corpus, identities: &Identities) -> Resolved {
    let mut out = Resolved { labels: corpus.label_column().to_vec(), ..Resolved::default() };
    let label = |row: u32| corpus.label_column()[row as usize];
    let mut disputed: Vec<(u64, u32)> = Vec::new();
    for same in identities.same().filter(|same| same.len() > 1) {
        let voters = || same.iter().filter(|&&(_, row)| label(row) != Corpus::NONE);
        let Some(&(_, first)) = voters().next() else { continue };
        if voters().any(|&(_, row)| label(row) != label(first)) {
            disputed.extend(voters());
        }
    }
    // The second look is for the few rows that may contradict another one.
    disputed.par_iter_mut().with_min_len(64).for_each_init(String::new, |exact, (hash, row)| {
        to_the_sign(corpus.text(*row as usize), exact);
        *hash = mix(*hash) ^ xxh3_64(exact.as_bytes());
    });
    disputed.par_sort_unstable();
    let mut votes = vec![0_usize; corpus.labels().len()];
    for voters in disputed.chunk_by(|a, b| a.0 == b.0) {
        votes.fill(0);
        voters.iter().for_each(|&(_, row)| votes[usize::from(label(row))] += 1);
        if votes.iter().filter(|&&n| n > 0).count() < 2 {
            continue;
        }
        let most = votes.iter().copied().max().unwrap_or(0);
        let mut winners = (0_u16..).zip(&votes).filter(|&(_, &n)| n == most).map(|(class, _)| class);
        let winner = winners.next().filter(|_| winners.next().is_none());
        out.conflicts += 1;
        for &(_, row) in voters {
            match winner {
                Some(class) => out.relabelled += usize::from(label(row) != class),
                None => out.tied += 1,
            }
            out.labels[row as usize] = winner.unwrap_or(Corpus::NONE);
        }
    }
    out
}

/// Writes `raw` into `out` (cleared first), lower-cased, with single spaces and without mentions and
/// links: what two texts must share to be the same with punctuation, symbols and emoji.
fn to_the_sign(raw: &str, out: &mut String) {
    out.clear();
    let mut bare = String::new();
    for word in raw.split_whitespace() {
        let lower = word.to_lowercase();
        // What may be a mention or a link is taken as its identity has it: without them.
        let masked = ["@", "http", "www.", "{link}"].iter().any(|mark| lower.contains(mark));
        if masked {
            sentimeter_text::identity(word, &mut bare);
        }
        let word = if masked { &bare } else { &lower };
        if !word.is_empty() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
}

/// Rows that belong together: the same text, or nearly so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The group of each row, `[rows]`, an index into `names`.
    pub of: Vec<u32>,
    /// What each group is called: its smallest identity, whatever the order of the rows.
    pub names: Vec<u64>,
}

/// A group that held most rows of a class and was taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swollen {
    /// The class, an index into the corpus' labels; the first if there are several.
    pub class: u16,
    /// Rows of that class in the group.
    pub rows: usize,
    /// Rows of that class at all.
    pub of: usize,
    /// A row of the group, the one with its smallest identity, to show what its texts are like.
    pub example: u32,
}

impl Groups {
    /// Distinct texts past which a group is a template and no handful of copies.
    const TEMPLATE: usize = 20;

    /// Takes groups apart that hold more than half of the rows of a class, down to equal identities.
    ///
    /// Texts made from one template hang together pair by pair until they are one group, which no
    /// split can divide. Groups of fewer than 20 distinct texts are copies and stay.
    ///
    /// Says which groups it took apart, in the order of their names.
    pub fn without_templates(self, identities: &Identities, labels: &[u16]) -> (Self, Vec<Swollen>) {
        // A group with most rows of all has most rows of some class, so that classes are enough; and
        // a majority outlives the pairing off of unequal votes (Boyer & Moore 1981).
        let classes = labels.iter().filter(|&&l| l != Corpus::NONE).max().map_or(0, |&l| usize::from(l) + 1);
        let mut leader = vec![(0_u32, 0_usize); classes];
        let rows = || self.of.iter().zip(labels).filter(|&(_, &label)| label != Corpus::NONE);
        for (&group, &label) in rows() {
            let (first, votes) = &mut leader[usize::from(label)];
            match *votes {
                0 => (*first, *votes) = (group, 1),
                _ if *first == group => *votes += 1,
                _ => *votes -= 1,
            }
        }
        let mut held = vec![(0_usize, 0_usize); classes];
        for (&group, &label) in rows() {
            let (inside, all) = &mut held[usize::from(label)];
            *inside += usize::from(group == leader[usize::from(label)].0);
            *all += 1;
        }
        let mut swollen: Vec<(u32, Swollen)> = (0_u16..)
            .zip(leader.iter().zip(&held))
            .filter(|(_, (_, (inside, all)))| inside * 2 > *all)
            .map(|(class, (&(group, _), &(rows, of)))| (group, Swollen { class, rows, of, example: 0 }))
            .collect();
        swollen.sort_by_key(|(group, found)| (*group, found.class));
        swollen.dedup_by_key(|(group, _)| *group);
        swollen.retain_mut(|(group, found)| {
            let mut texts =
                identities.same().map(|same| same[0].1).filter(|&r| self.of[r as usize] == *group);
            found.example = texts.next().unwrap_or(0);
            texts.count() + 1 >= Self::TEMPLATE
        });
        if swollen.is_empty() {
            return (self, Vec::new());
        }
        let apart = |group: u32| swollen.binary_search_by_key(&group, |(group, _)| *group).is_ok();
        let name_of = |row: usize| match self.of[row] {
            group if apart(group) => identities.hashes[row],
            group => self.names[group as usize],
        };
        let mut names: Vec<u64> = (0..self.of.len()).map(name_of).collect();
        names.par_sort_unstable();
        names.dedup();
        let number = |row| names.partition_point(|&name| name < name_of(row)) as u32;
        let of = (0..self.of.len()).map(number).collect();
        (Self { of, names }, swollen.into_iter().map(|(_, found)| found).collect())
    }
}

/// Groups rows whose texts are the same or share at least [`NEAR`] of their words, and all that
/// hangs together by such pairs.
///
/// Candidates come from hashing parts of each set of words (see [`keys`]) and are verified by their
/// exact Jaccard similarity. The work is linear in the text, whatever the text.
pub fn near_duplicates(identities: &Identities) -> Groups {
    // One row stands for a distinct text, numbered in the order of identities.
    let distinct: Vec<(u64, u32)> = identities.same().map(|same| same[0]).collect();
    const COPY: u32 = u32::MAX;
    let mut number = vec![COPY; identities.hashes.len()];
    for (i, &(_, row)) in (0_u32..).zip(&distinct) {
        number[row as usize] = i;
    }
    // Rows are visited as they lie in memory; in the order of identities each would be a cache miss.
    let once = Once::new(distinct.len() * 4);
    let mut found: Vec<Vec<(u64, u32)>> = chunks(number.len())
        .into_par_iter()
        .map(|range| {
            let mut found = Vec::with_capacity(range.len() * 3);
            for row in range.filter(|&row| number[row] != COPY) {
                keys(identities.words(row as u32), &mut |key| {
                    once.see(key);
                    found.push((key, number[row]));
                });
            }
            found
        })
        .collect();
    found.par_iter_mut().for_each(|found| found.retain(|&(key, _)| once.again(key)));
    let mut buckets = found.concat();
    drop(found);
    buckets.par_sort_unstable();
    let words = |i: u32| identities.words(distinct[i as usize].1);
    let outlines: Vec<Outline> = (0..number.len())
        .into_par_iter()
        .with_min_len(CHUNK)
        .filter(|&row| number[row] != COPY)
        .map(|row| Outline::of(identities.words(row as u32)))
        .collect();
    let mut outline_of = vec![Outline(0); distinct.len()];
    for (&i, &outline) in number.iter().filter(|&&i| i != COPY).zip(&outlines) {
        outline_of[i as usize] = outline;
    }
    drop(outlines);
    let near: Vec<(u32, u32)> = buckets
        .par_chunk_by(|a, b| a.0 == b.0)
        .flat_map_iter(|bucket| {
            (1..bucket.len()).flat_map(move |i| {
                let before = i.saturating_sub(LOOK_BACK).max(1)..i;
                std::iter::once(0).chain(before).map(move |j| (bucket[j].1, bucket[i].1))
            })
        })
        .filter(|&(a, b)| {
            outline_of[a as usize].may_be_near(outline_of[b as usize]) && similar(words(a), words(b))
        })
        .collect();
    let mut sets = Disjoint::new(distinct.len());
    near.into_iter().for_each(|(a, b)| sets.join(a, b));
    let (mut names, mut group_of_text) = (Vec::new(), vec![0; distinct.len()]);
    for (i, &(name, _)) in distinct.iter().enumerate() {
        // A root is the smallest of its set, so it comes first.
        let root = sets.root(i as u32) as usize;
        if root == i {
            group_of_text[i] = names.len() as u32;
            names.push(name);
        } else {
            group_of_text[i] = group_of_text[root];
        }
    }
    let mut of = vec![0; identities.hashes.len()];
    for (same, &group) in identities.same().zip(&group_of_text) {
        same.iter().for_each(|&(_, row)| of[row as usize] = group);
    }
    Groups { of, names }
}

/// Keys of which two near duplicates share at least one.
///
/// Short sets are cut into parts by hash, and a part's words give a key: sets that differ in fewer
/// words than there are parts agree in one of them (PartEnum: Arasu, Ganti & Kaushik 2006). At
/// Jaccard 0.8 sets of 4 to 8 words differ in one word at most, those of up to 13 in two, so two
/// and three parts miss only those whose one equal part is empty (2 % of them), and few up to 20. Longer sets give bands of MinHash minima (Leskovec,
/// Rajaraman & Ullman, Mining of Massive Datasets, section 3.4): sets that share 80 % of their words
/// agree in a band with a probability of 96 %, at 90 % of 99.8 %, at 30 % of 5 %.
fn keys(words: &[u32], sink: &mut impl FnMut(u64)) {
    const BANDS: u64 = 6;
    const PER_BAND: u64 = 4;
    let len = words.len();
    let mut parts = |count: u64| {
        let mut sums = [0_u64; 3];
        for &word in words {
            let hash = mix(u64::from(word) + 1);
            // Addition does not mind the order; the words are distinct.
            let part = ((hash >> 32) * count) >> 32;
            sums[part as usize] = sums[part as usize].wrapping_add(hash | 1);
        }
        for (part, &sum) in (0..count).zip(&sums).filter(|&(_, &sum)| sum != 0) {
            sink(mix(sum ^ (count << 8 | part)));
        }
    };
    if (LEAST_WORDS..=8).contains(&len) {
        parts(2);
    }
    if (8..=20).contains(&len) {
        parts(3);
    }
    if len > 16 {
        for band in 0..BANDS {
            let mut key = band + 16;
            for function in 0..PER_BAND {
                let turn = (band * PER_BAND + function + 1) << 32;
                let least = words.iter().map(|&word| mix(turn | u64::from(word))).min().unwrap_or(0);
                key = mix(key ^ least);
            }
            sink(key);
        }
    }
}

/// Two rounds of multiply and shift: every bit of the input reaches every bit of the output.
#[inline]
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

/// A set of words in one number: which of 56 buckets they fall into, and how many they are, up to
/// 255. It tells most candidates apart without a look at their words.
#[derive(Debug, Clone, Copy)]
struct Outline(u64);

impl Outline {
    fn of(words: &[u32]) -> Self {
        let buckets = words.iter().fold(0, |bits, &word| bits | 1 << (mix(word.into()) % 56));
        Self(buckets << 8 | words.len().min(255) as u64)
    }

    /// Whether the sets may overlap by [`NEAR`]: sets of a and b words then differ in at most
    /// (a + b)(1 - NEAR) / (1 + NEAR) = (a + b) / 9 words, and in no more buckets.
    fn may_be_near(self, other: Self) -> bool {
        let (a, b) = (self.0 & 255, other.0 & 255);
        a.max(b) == 255 || u64::from(((self.0 ^ other.0) >> 8).count_ones()) <= (a + b) / 9
    }
}

/// Which keys were seen once and which again, by hash: most keys never meet their like and need not
/// be sorted. A key may be thought to have been seen again when it was not, never the reverse.
struct Once {
    /// Two bits a slot: seen, seen again.
    bits: Vec<AtomicU64>,
}

impl Once {
    fn new(keys: usize) -> Self {
        let words = (keys / 8).next_power_of_two().max(64);
        Self { bits: std::iter::repeat_with(|| AtomicU64::new(0)).take(words).collect() }
    }

    fn slot(&self, key: u64) -> (&AtomicU64, u32) {
        (&self.bits[(key >> 5) as usize & (self.bits.len() - 1)], (key & 31) as u32 * 2)
    }

    fn see(&self, key: u64) {
        let (word, shift) = self.slot(key);
        if word.load(Ordering::Relaxed) >> shift & 2 == 0 {
            let before = word.fetch_or(1 << shift, Ordering::Relaxed);
            if before >> shift & 1 == 1 {
                word.fetch_or(2 << shift, Ordering::Relaxed);
            }
        }
    }

    fn again(&self, key: u64) -> bool {
        let (word, shift) = self.slot(key);
        word.load(Ordering::Relaxed) >> shift & 2 != 0
    }
}

/// Whether two sorted sets overlap by at least [`NEAR`] of their union.
fn similar(a: &[u32], b: &[u32]) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    if (short.len() as f64) < NEAR * long.len() as f64 {
        return false;
    }
    let (mut i, mut j, mut both) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, both) = (i + 1, j + 1, both + 1),
        }
    }
    f64::from(both) >= NEAR * (a.len() + b.len() - both as usize) as f64
}

/// Disjoint sets; each one's root is its smallest member.
#[derive(Debug)]
pub(crate) struct Disjoint(Vec<u32>);

impl Disjoint {
    pub(crate) fn new(len: usize) -> Self {
        Self((0..len as u32).collect())
    }

    pub(crate) fn root(&mut self, mut i: u32) -> u32 {
        while self.0[i as usize] != i {
            // Halve the path on the way.
            self.0[i as usize] = self.0[self.0[i as usize] as usize];
            i = self.0[i as usize];
        }
        i
    }

    pub(crate) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        self.0[high as usize] = low;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Example;

    fn corpus(rows: &[(&str, &str)]) -> Corpus {
        let mut corpus = Corpus::new();
        for (text, label) in rows {
            corpus.push(Example { text, label: Some(label), ..Example::default() }).unwrap();
        }
        corpus
    }

    #[test]
    fn the_majority_decides_and_ties_lose_their_label() {
        let corpus = corpus(&[
            ("so good", "pos"),
            ("So  good", "neg"),
            ("@you SO GOOD http://a.b", "pos"),
            ("meh", "pos"),
            ("Meh", "neg"),
            ("fine thanks", "pos"),
        ]);
        let resolved = resolve_conflicts(&corpus, &Identities::of(&corpus));
        let (pos, none) = (corpus.label_column()[0], Corpus::NONE);
        assert_eq!(resolved.labels, [pos, pos, pos, none, none, pos]);
        assert_eq!((resolved.conflicts, resolved.relabelled, resolved.tied), (2, 1, 2));
    }

    #[test]
    fn a_smile_and_a_frown_do_not_contradict_each_other() {
        for (one, other) in [
            ("great :)", "great :("),
            ("service 5/10", "service 5 10"),
            ("my order 😀", "my order 😡"),
            ("really?", "really!"),
            ("@shop great :)", "great :( http://a.b/c"),
        ] {
            let corpus = corpus(&[(one, "pos"), (other, "neg"), (one, "pos")]);
            let identities = Identities::of(&corpus);
            let resolved = resolve_conflicts(&corpus, &identities);
            assert_eq!(resolved.labels, corpus.label_column(), "{one} / {other}");
            assert_eq!(resolved.conflicts, 0, "{one} / {other}");
            let groups = near_duplicates(&identities).of;
            assert_eq!(groups[0], groups[1], "they still stand on one side: {one} / {other}");
        }
        let corpus = corpus(&[("great :)", "pos"), ("great :(", "neg"), ("@a Great  :) www.b.c", "neg")]);
        let resolved = resolve_conflicts(&corpus, &Identities::of(&corpus));
        assert_eq!(resolved.labels, [Corpus::NONE, corpus.label_column()[1], Corpus::NONE]);
        assert_eq!((resolved.conflicts, resolved.tied), (1, 2));
    }

    #[test]
    fn near_duplicates_are_found_and_different_texts_are_not() {
        let base = "the delivery came two days late and nobody at the desk would tell me why";
        let corpus = corpus(&[
            (base, "a"),
            ("the delivery came two days late and nobody at the desk would tell me why today", "a"),
            ("delivery came two days late, and nobody at the desk would tell us why", "a"),
            ("the delivery came on time and everybody at the desk was very kind to me", "a"),
            ("good morning", "a"),
            ("good evening", "a"),
        ]);
        let groups = near_duplicates(&Identities::of(&corpus)).of;
        assert_eq!(groups[0], groups[1]);
        assert_ne!(groups[0], groups[3]);
        assert_ne!(groups[4], groups[5], "short texts are not joined by the word that they share");
    }

    /// Pairs that differ in one word of twelve (Jaccard 0.85).
    #[test]
    fn one_changed_word_of_twelve_is_found() {
        let words: Vec<String> = (0..4000).map(|i| format!("word{i}")).collect();
        let texts: Vec<String> = (0..300)
            .flat_map(|i| {
                let text = |swap: usize| {
                    (0..12)
                        .map(|j| &words[if j == 5 { swap } else { i * 13 + j }][..])
                        .collect::<Vec<_>>()
                        .join(" ")
                };
                [text(i * 13 + 5), text(i * 13 + 12)]
            })
            .collect();
        let rows: Vec<(&str, &str)> = texts.iter().map(|t| (&t[..], "a")).collect();
        let corpus = corpus(&rows);
        let groups = near_duplicates(&Identities::of(&corpus)).of;
        let found = groups.chunks(2).filter(|pair| pair[0] == pair[1]).count();
        assert!(found >= 294, "{found} of 300");
        let distinct: std::collections::BTreeSet<_> = groups.iter().collect();
        assert_eq!(distinct.len(), 600 - found, "texts without a common word are never joined");
    }

    #[test]
    fn a_template_that_swallows_a_class_is_taken_apart() {
        let template =
            |i: usize| format!("dear customer {i} your parcel has been sent by us today thank you");
        let texts: Vec<(String, &str)> = (0..60)
            .map(|i| (template(i / 2), "a"))
            .chain((0..9).map(|i| (format!("other{i}"), "a")))
            .chain((0..60).map(|i| (format!("third{i} of fourth{i}"), "b")))
            .collect();
        let rows: Vec<(&str, &str)> = texts.iter().map(|(text, label)| (&text[..], *label)).collect();
        let corpus = corpus(&rows);
        let identities = Identities::of(&corpus);
        let groups = near_duplicates(&identities);
        assert!((0..60).all(|i| groups.of[i] == groups.of[0]), "the template is one group");
        let (apart, found) = groups.clone().without_templates(&identities, corpus.label_column());
        assert_eq!(found.iter().map(|f| (f.class, f.rows, f.of)).collect::<Vec<_>>(), [(0, 60, 69)]);
        assert!(found[0].example < 60);
        assert!((0..60).all(|i| apart.of[i] == apart.of[i - i % 2]), "equal texts stay together");
        assert_ne!(apart.of[0], apart.of[2]);
        assert!(apart.names.is_sorted());
        let again = near_duplicates(&identities).without_templates(&identities, &[Corpus::NONE; 129]);
        assert_eq!(again, (groups, Vec::new()), "what has no label is no class");
    }

    #[test]
    fn a_hundred_thousand_equal_texts_are_one_group_at_once() {
        let text = "the same long complaint over and over again from everyone";
        let rows: Vec<String> = (0..100_000).map(|i| format!("{text} {}", i % 1000)).collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|t| (&t[..], "a")).collect();
        let corpus = corpus(&rows);
        let groups = near_duplicates(&Identities::of(&corpus)).of;
        assert!(groups.iter().all(|&g| g == groups[0]));
    }

    proptest! {
        #[test]
        fn groups_do_not_depend_on_the_order_of_the_rows(
            texts in proptest::collection::vec("(a|b|c|d|e|f|g)( (a|b|c|d|e|f|g|h)){3,7}", 1..40)
        ) {
            let rows: Vec<(&str, &str)> = texts.iter().map(|t| (&t[..], "a")).collect();
            let turned: Vec<(&str, &str)> = rows.iter().rev().copied().collect();
            let (one, two) = (corpus(&rows), corpus(&turned));
            let forward = near_duplicates(&Identities::of(&one));
            let mut backward = near_duplicates(&Identities::of(&two));
            backward.of.reverse();
            prop_assert_eq!(forward, backward);
        }
    }
}
