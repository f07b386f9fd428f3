//! A vocabulary chosen on training rows, its inverse document frequencies, and the rows it gives.

use std::cmp::Reverse;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::{Counts, Norm, Settings, Sparse, number::NONE};
use crate::{FitError, reduce::chunks};

/// Rows that are weighed as one piece.
const CHUNK: usize = 8192;

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
        let mut fitted = Self { settings: settings.clone(), nodes, columns, words, idf: Vec::new() };
        let mut sparse = fitted.project(counts, rows);
        fitted.idf = inverse_document_frequencies(&sparse, settings.smooth_idf);
        fitted.scale(&mut sparse);
        Ok((fitted, sparse))
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

    /// Occurrences of the selected n-grams, row by row, columns ascending.
    fn project(&self, counts: &Counts, rows: &[u32]) -> Sparse {
        let hits: Vec<Hits> = chunks(rows.len(), CHUNK)
            .into_par_iter()
            .map(|range| {
                let most = rows[range.clone()].iter().map(|&row| counts.most_nodes(row as usize)).sum();
                let mut hits = Hits {
                    ends: Vec::with_capacity(range.len()),
                    columns: Vec::with_capacity(most),
                    distinct: 0,
                };
                for &row in &rows[range] {
                    let start = hits.columns.len();
                    counts.each_node(row as usize, |node| {
                        let column = self.columns[node as usize];
                        if column != NONE {
                            hits.columns.push(column);
                        }
                    });
                    let row = &mut hits.columns[start..];
                    row.sort_unstable();
                    hits.distinct += row.chunk_by(|a, b| a == b).count();
                    hits.ends.push(hits.columns.len());
                }
                hits
            })
            .collect();
        self.count(rows.len(), hits)
    }

    /// Counts how often each column stands in each row, part by part into one matrix.
    fn count(&self, rows: usize, hits: Vec<Hits>) -> Sparse {
        let entries = hits.iter().map(|part| part.distinct).sum();
        let mut out = Sparse {
            width: self.width(),
            ends: vec![0; rows],
            columns: vec![0; entries],
            values: vec![0.0; entries],
        };
        let (mut ends, mut columns, mut values) =
            (&mut out.ends[..], &mut out.columns[..], &mut out.values[..]);
        let mut base = 0;
        let mut pieces = Vec::with_capacity(hits.len());
        for part in hits {
            let (here, size) = (part.ends.len(), part.distinct);
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
        let bounds = chunks(sparse.len(), CHUNK);
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

/// The selected columns of some rows, each as often as it occurs, ascending within a row.
struct Hits {
    ends: Vec<usize>,
    columns: Vec<u32>,
    /// Distinct columns, row by row, in all.
    distinct: usize,
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
        let weight = |column: u32, count: f32| {
            let count = f64::from(count);
            // Most n-grams occur once, and 1 + ln 1 is 1.
            let tf = if settings.sublinear_tf && count > 1.0 { 1.0 + libm::log(count) } else { count };
            tf * idf(column)
        };
        let mut sum = 0.0_f64;
        match settings.norm {
            Norm::None => sum = 1.0,
            Norm::L1 => columns.iter().zip(&*values).for_each(|(&c, &v)| sum += weight(c, v)),
            Norm::L2 => columns.iter().zip(&*values).for_each(|(&c, &v)| {
                let w = weight(c, v);
                sum += w * w;
            }),
        }
        let scale = match settings.norm {
            _ if sum == 0.0 => 1.0,
            Norm::L2 => 1.0 / sum.sqrt(),
            Norm::L1 | Norm::None => 1.0 / sum,
        };
        for (&column, value) in columns.iter().zip(values) {
            *value = (weight(column, *value) * scale) as f32;
        }
    }
}

/// `ln((1 + n) / (1 + df)) + 1`, or `ln(n / df) + 1` unsmoothed: scikit-learn's `TfidfTransformer`.
fn inverse_document_frequencies(counts: &Sparse, smooth: bool) -> Vec<f64> {
    let mut texts = vec![0_u32; counts.width];
    counts.columns.iter().for_each(|&column| texts[column as usize] += 1);
    let extra = if smooth { 1.0 } else { 0.0 };
    let n = counts.len() as f64 + extra;
    texts.into_iter().map(|df| libm::log(n / (f64::from(df) + extra)) + 1.0).collect()
}

/// The `max_features` (0: all) most frequent of `nodes`, the most frequent first.
fn most_frequent(
    counts: &Counts,
    totals: &[u32],
    nodes: impl Iterator<Item = u32>,
    max_features: u32,
) -> Vec<u32> {
    let mut nodes: Vec<u32> = nodes.collect();
    let most = if max_features == 0 { usize::MAX } else { max_features as usize };
    if nodes.len() > most {
        let total = |node: &u32| Reverse(totals[*node as usize]);
        let (_, &mut cut, _) = nodes.select_nth_unstable_by_key(most - 1, total);
        let cut = totals[cut as usize];
        nodes.retain(|&node| totals[node as usize] >= cut);
    }
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
