//! A fitted vectoriser on its way from training to serving.

use super::{
    Counts, Ragged, Tfidf, Words, grams::Grams, ngrams::Ngrams, number::NONE, vocabulary::Vocabulary,
};

/// What serving keeps of a fitted vocabulary, in the order in which it is kept.
#[derive(Debug, Clone)]
pub struct Vectorizer {
    pub(crate) vocabulary: Vocabulary,
    /// The column in training of each node; [`NONE`] where an n-gram is only the start of others.
    pub(crate) columns: Vec<u32>,
    /// Inverse document frequency of each node; 0 where it has no column.
    pub(crate) idf: Vec<f32>,
}

impl Vectorizer {
    /// Keeps what is needed of `tfidf`, which was fitted over `counts`.
    pub fn new(counts: &Counts, tfidf: &Tfidf) -> Self {
        let (word_nodes, gram_nodes) = tfidf.nodes.split_at(tfidf.words);
        // Columns are in descending order of frequency, so frequent words get low ids: what is needed
        // most lies together.
        let (mut words, mut ngrams) = (Words::default(), Ragged::default());
        for &node in word_nodes {
            let ids = counts.words_of(node).into_iter().map(|word| words.insert(counts.words.word(word)));
            ngrams.ids.extend(ids);
            ngrams.ends.push(ngrams.ids.len());
        }
        let (ngrams, nodes) = Ngrams::number(words.len() as u32, &ngrams);
        let mut columns = vec![NONE; words.len() + ngrams.len()];
        for (column, &node) in (0_u32..).zip(&nodes) {
            columns[node as usize] = column;
        }

        let mut name = String::new();
        let mut grams: Vec<(u64, u32)> = (tfidf.words as u32..)
            .zip(gram_nodes)
            .map(|(column, &node)| {
                counts.spell(node, &mut name);
                (Grams::hash(&name), column)
            })
            .collect();
        grams.sort_unstable();
        // Of two with one hash, which has a probability of 1 in 100 million, one goes.
        grams.dedup_by_key(|(hash, _)| *hash);
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(grams.len()));
        for &(_, column) in &grams {
            counts.spell(tfidf.nodes[column as usize], &mut name);
            bytes.extend_from_slice(name.as_bytes());
            ends.push(bytes.len() as u32);
            columns.push(column);
        }
        let grams = Grams::from_parts(bytes, ends).expect("strings in the order of their hashes");
        let idf = |&column: &u32| tfidf.idf.get(column as usize).map_or(0.0, |&idf| idf as f32);
        let idf = columns.iter().map(idf).collect();
        let vocabulary = Vocabulary::new(tfidf.settings().clone(), words, ngrams, grams)
            .expect("training counts n-grams in 32 bits, too");
        Self { vocabulary, columns, idf }
    }
}
