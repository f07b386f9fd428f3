//! A vocabulary chosen on training rows, its inverse document frequencies, and the rows it gives.

use std::cmp::Reverse;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    Counts, Factored, Settings, Sparse,
    factored::{PIECE, Piece},
    lanes::Lanes,
    number::NONE,
};
use crate::{FitError, reduce::chunks};

/// A selected vocabulary over some [`Counts`], fitted on some of their rows.
///
/// Columns hold word n-grams first, then character n-grams; within a kind the most frequent come
/// first, so that the weights that are needed most share cache lines.
#[derive(Debug, Clone)]
pub struct Tfidf {
    settings: Settings,
    /// The node of each column.
    pub(super) nodes: Vec<u32>,
    /// The column of each node, [`NONE`] where it was not selected.
    columns: Vec<u32>,
    /// Columns of words and word n-grams; the rest are characters.
    pub(super) words: usize,
    /// Inverse document frequency of each column.
    pub(super) idf: Vec<f64>,
}

impl Tfidf {
    /// Chooses the vocabulary and its document frequencies on `rows` alone, and weighs them.
    ///
    /// As in scikit-learn: first `min_df` and `max_df`, then the `max_features` most frequent
    /// n-grams by number of occurrences. scikit-learn leaves open which of several equally frequent
    /// n-grams are kept at that cut; here a hash of the n-gram decides, so that the choice does not
    /// depend on the order of the rows.
    ///
    /// # Errors
    /// Settings other than those counted, or bounds that leave no feature.
    pub fn fit(counts: &Counts, rows: &[u32], settings: &Settings) -> Result<(Self, Sparse), FitError> {
        let mut fitted = Self::choose(counts, rows, settings)?;
        let mut sparse = fitted.project(counts, rows);
        let texts = texts_with(&sparse.columns, fitted.width(), |&column, sums| sums[column as usize] += 1);
        fitted.idf = inverse_document_frequencies(texts, rows.len(), settings.smooth_idf);
        fitted.scale(&mut sparse);
        Ok((fitted, sparse))
    }

    /// As [`Tfidf::fit`], with the rows in the form that takes the least room.
    ///
    /// # Errors
    /// As [`Tfidf::fit`].
    pub fn fit_compact(
        counts: &Counts,
        rows: &[u32],
        settings: &Settings,
    ) -> Result<(Self, Weighed), FitError> {
        // A damped count is no multiple of one, and words and characters are scaled apart.
        if settings.sublinear_tf || counts.grams.is_some() {
            return Self::fit(counts, rows, settings).map(|(fitted, rows)| (fitted, Weighed::Sparse(rows)));
        }
        let mut fitted = Self::choose(counts, rows, settings)?;
        let pieces = fitted.hits(counts, rows);
        let texts = texts_with(&pieces, fitted.width(), |piece, sums| {
            for row in 0..piece.ends.len() {
                let mut last = NONE;
                for &column in piece.row(row) {
                    sums[column as usize] += u32::from(column != last);
                    last = column;
                }
            }
        });
        fitted.idf = inverse_document_frequencies(texts, rows.len(), settings.smooth_idf);
        let pieces = pieces
            .into_par_iter()
            .map(|mut piece| {
                piece.factors = (0..piece.ends.len())
                    .map(|row| {
                        let runs = piece.row(row).chunk_by(|a, b| a == b);
                        let values = runs.map(|run| run.len() as f64 * fitted.idf[run[0] as usize]);
                        settings.norm.scale(values.map(|value| settings.norm.part(value)).sum()) as f32
                    })
                    .collect();
                Lanes::new(&piece)
            })
            .collect();
        let factors = fitted.idf.iter().map(|&idf| idf as f32).collect();
        Ok((fitted, Weighed::Factored(Factored::new(pieces, factors))))
    }

    /// The vocabulary, without frequencies.
    fn choose(counts: &Counts, rows: &[u32], settings: &Settings) -> Result<Self, FitError> {
        counts.check(settings)?;
        if rows.is_empty() {
            return Err(FitError::Empty { why: "the training part is empty" });
        }
        let least = settings.min_df.of(rows.len());
        let least_chars = settings.char_min_df.map_or(least, |bound| bound.of(rows.len()));
        let most = settings.max_df.of(rows.len());
        let totals = counts.totals(rows);
        let bounded = least.max(least_chars) > 1.0 || most < rows.len() as f64;
        let texts = bounded.then(|| counts.document_frequencies(rows));
        let kept = |node: u32, least: f64| {
            totals[node as usize] > 0
                && texts.as_ref().is_none_or(|t| {
                    let texts = f64::from(t[node as usize]);
                    least <= texts && texts <= most
                })
        };
        let first_gram = counts.first_gram();
        let word_nodes = (0..first_gram).filter(|&n| kept(n, least));
        let mut nodes = most_frequent(counts, &totals, word_nodes, settings.max_features);
        let words = nodes.len();
        let grams = (first_gram..counts.nodes() as u32).filter(|&n| kept(n, least_chars));
        let most_grams = settings.char_max_features.unwrap_or(settings.max_features);
        nodes.extend(most_frequent(counts, &totals, grams, most_grams));
        if nodes.is_empty() {
            return Err(FitError::NoFeatures {
                before: totals.iter().filter(|&&t| t > 0).count(),
                min_df: least.ceil() as u32,
                max_df: most as u32,
            });
        }
        let mut columns = vec![NONE; counts.nodes()];
        for (column, &node) in (0_u32..).zip(&nodes) {
            columns[node as usize] = column;
        }
        Ok(Self { settings: settings.clone(), nodes, columns, words, idf: Vec::new() })
    }

    /// The TF-IDF rows of `rows`, `[rows, width]`.
    pub fn weigh(&self, counts: &Counts, rows: &[u32]) -> Sparse {
        let mut sparse = self.project(counts, rows);
        self.scale(&mut sparse);
        sparse
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.nodes.len()
    }

    /// The column of node `node`, if it was selected.
    pub(crate) fn column(&self, node: u32) -> Option<u32> {
        self.columns.get(node as usize).copied().filter(|&c| c != NONE)
    }

    /// What `weights` of another vocabulary over the same counts are worth under this one, `[width]`
    /// times `per` values a column; 0 where that vocabulary lacks a column: a warm start.
    pub fn carry(&self, other: &Self, weights: &[f64], per: usize) -> Vec<f64> {
        let mut out = vec![0.0; self.width() * per];
        for (column, &node) in self.nodes.iter().enumerate() {
            if let Some(from) = other.column(node) {
                let from = from as usize * per;
                out[column * per..(column + 1) * per].copy_from_slice(&weights[from..from + per]);
            }
        }
        out
    }

    /// The n-gram of each column: words joined by a space, character n-grams with their spaces.
    pub fn vocabulary(&self, counts: &Counts) -> Vec<String> {
        let mut name = String::new();
        self.nodes
            .iter()
            .map(|&node| {
                counts.spell(node, &mut name);
                name.clone()
            })
            .collect()
    }

    /// Inverse document frequency of each column.
    pub fn idf(&self) -> &[f64] {
        &self.idf
    }

    /// The settings it was fitted with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The selected columns of each row, as often as they occur, ascending.
    fn hits(&self, counts: &Counts, rows: &[u32]) -> Vec<Piece> {
        chunks(rows.len(), PIECE)
            .into_par_iter()
            .map(|range| {
                let most = rows[range.clone()].iter().map(|&row| counts.most_nodes(row as usize)).sum();
                let mut piece = Piece {
                    ends: Vec::with_capacity(range.len()),
                    columns: Vec::with_capacity(most),
                    factors: Vec::new(),
                };
                for &row in &rows[range] {
                    let start = piece.columns.len();
                    counts.each_node(row as usize, |node| {
                        let column = self.columns[node as usize];
                        if column != NONE {
                            piece.columns.push(column);
                        }
                    });
                    piece.columns[start..].sort_unstable();
                    piece.ends.push(piece.columns.len());
                }
                piece
            })
            .collect()
    }

    /// Occurrences of the selected n-grams, row by row, columns ascending.
    fn project(&self, counts: &Counts, rows: &[u32]) -> Sparse {
        let hits = self.hits(counts, rows);
        let distinct = |piece: &Piece| -> usize {
            (0..piece.ends.len()).map(|row| piece.row(row).chunk_by(|a, b| a == b).count()).sum()
        };
        let sizes: Vec<usize> = hits.par_iter().map(distinct).collect();
        let entries = sizes.iter().sum();
        let mut out = Sparse {
            width: self.width(),
            ends: vec![0; rows.len()],
            columns: vec![0; entries],
            values: vec![0.0; entries],
        };
        let (mut ends, mut columns, mut values) =
            (&mut out.ends[..], &mut out.columns[..], &mut out.values[..]);
        let mut base = 0;
        let mut pieces = Vec::with_capacity(hits.len());
        for (part, size) in hits.into_iter().zip(sizes) {
            let here = part.ends.len();
            let (own_ends, rest_ends) = ends.split_at_mut(here);
            let (own_columns, rest_columns) = columns.split_at_mut(size);
            let (own_values, rest_values) = values.split_at_mut(size);
            (ends, columns, values) = (rest_ends, rest_columns, rest_values);
            pieces.push((part, base, own_ends, own_columns, own_values));
            base += size;
        }
        pieces.into_par_iter().for_each(|(part, base, ends, columns, values)| {
            let (mut start, mut at) = (0, 0);
            for (&end, own_end) in part.ends.iter().zip(ends) {
                for run in part.columns[start..end].chunk_by(|a, b| a == b) {
                    (columns[at], values[at]) = (run[0], run.len() as f32);
                    at += 1;
                }
                start = end;
                *own_end = base + at;
            }
        });
        out
    }

    /// Turns occurrences into TF-IDF values, in place.
    fn scale(&self, sparse: &mut Sparse) {
        let bounds = chunks(sparse.len(), PIECE);
        let Sparse { ends, columns, values, .. } = sparse;
        let mut pieces = Vec::with_capacity(bounds.len());
        let (mut rest, mut taken) = (&mut values[..], 0);
        for range in bounds {
            let end = ends[range.end - 1];
            let (piece, tail) = rest.split_at_mut(end - taken);
            pieces.push((range, taken, piece));
            (rest, taken) = (tail, end);
        }
        pieces.into_par_iter().for_each(|(range, base, piece)| {
            let mut start = 0;
            for row in range {
                let end = ends[row] - base;
                weigh(
                    &self.settings,
                    self.words as u32,
                    &columns[base + start..base + end],
                    &mut piece[start..end],
                    |column| self.idf[column as usize],
                );
                start = end;
            }
        });
    }
}

/// Weighed rows in one of their forms.
#[derive(Debug, Clone, PartialEq)]
pub enum Weighed {
    /// A value for each entry.
    Sparse(Sparse),
    /// A factor for each row and each column.
    Factored(Factored),
}

impl Weighed {
    /// The rows named, in that order; a row may be named more than once.
    pub fn select(&self, rows: &[u32]) -> Self {
        match self {
            Self::Sparse(all) => Self::Sparse(all.select(rows)),
            Self::Factored(all) => Self::Factored(all.select(rows)),
        }
    }
}

/// Turns one row's occurrences into TF-IDF values; columns ascend, and those from `words` on are
/// characters, which are scaled on their own (as scikit-learn's `FeatureUnion` does).
///
/// Training and serving both come through here.
#[inline]
pub(super) fn weigh(
    settings: &Settings,
    words: u32,
    columns: &[u32],
    values: &mut [f32],
    idf: impl Fn(u32) -> f64,
) {
    let split = columns.partition_point(|&c| c < words);
    let (word_values, char_values) = values.split_at_mut(split);
    for (columns, values) in [(&columns[..split], word_values), (&columns[split..], char_values)] {
        let weight = |column: u32, count: f32| settings.term_frequency(count as u32) * idf(column);
        let parts = columns.iter().zip(&*values).map(|(&c, &v)| settings.norm.part(weight(c, v)));
        let scale = settings.norm.scale(parts.sum());
        for (&column, value) in columns.iter().zip(values) {
            *value = (weight(column, *value) * scale) as f32;
        }
    }
}

/// In how many texts each column stands, `[width]`: `count` adds those of an item to the sums.
fn texts_with<T: Sync>(items: &[T], width: usize, count: impl Fn(&T, &mut [u32]) + Sync) -> Vec<u32> {
    let part = items.len().div_ceil(rayon::current_num_threads()).max(1);
    let sums = items.par_chunks(part).map(|items| {
        let mut sums = vec![0; width];
        items.iter().for_each(|item| count(item, &mut sums));
        sums
    });
    let add = |mut a: Vec<u32>, b: Vec<u32>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    };
    sums.reduce_with(add).unwrap_or_else(|| vec![0; width])
}

/// `ln((1 + n) / (1 + df)) + 1`, or `ln(n / df) + 1` unsmoothed: scikit-learn's `TfidfTransformer`.
fn inverse_document_frequencies(texts: Vec<u32>, rows: usize, smooth: bool) -> Vec<f64> {
    let extra = if smooth { 1.0 } else { 0.0 };
    let n = rows as f64 + extra;
    texts.into_iter().map(|df| libm::log(n / (f64::from(df) + extra)) + 1.0).collect()
}

/// A total that at least `most` of `nodes` reach, if so many are there, and few more than that.
fn least_total(totals: &[u32], nodes: impl Iterator<Item = u32>, most: usize) -> u32 {
    /// Above, totals are not told apart.
    const HIGHEST: u32 = 1 << 16;
    let mut with = vec![0_usize; HIGHEST as usize + 1];
    nodes.for_each(|node| with[totals[node as usize].min(HIGHEST) as usize] += 1);
    let mut reached = 0;
    (1..=HIGHEST)
        .rev()
        .find(|&total| {
            reached += with[total as usize];
            reached >= most
        })
        .unwrap_or(0)
}

/// The `max_features` (0: all) most frequent of `nodes`, the most frequent first.
fn most_frequent(
    counts: &Counts,
    totals: &[u32],
    nodes: impl Iterator<Item = u32> + Clone,
    max_features: u32,
) -> Vec<u32> {
    let most = if max_features == 0 { usize::MAX } else { max_features as usize };
    let cut = least_total(totals, nodes.clone(), most);
    let nodes: Vec<u32> = nodes.filter(|&node| totals[node as usize] >= cut).collect();
    let mut ranked: Vec<(Reverse<u32>, u64, u32)> = nodes
        .into_par_iter()
        .map_init(String::new, |name, node| {
            counts.spell(node, name);
            (Reverse(totals[node as usize]), xxh3_64(name.as_bytes()), node)
        })
        .collect();
    // Spelling decides in the one case in 2⁶⁴ in which two hashes agree too.
    ranked.par_sort_unstable_by(|a, b| {
        (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| {
            let (mut left, mut right) = (String::new(), String::new());
            counts.spell(a.2, &mut left);
            counts.spell(b.2, &mut right);
            left.cmp(&right)
        })
    });
    ranked.truncate(most);
    ranked.into_iter().map(|(_, _, node)| node).collect()
}
