//! What is known of each node: its inverse document frequency, and its weight for each output.

use crate::prefetch::prefetch;
use crate::quantised::Scales;

/// Numbers `[nodes, 1 + outputs]`, row-major, so that all that a feature adds lies in one place. A row's first is
/// 0 where an n-gram is no feature and only begins others.
#[derive(Debug, Clone)]
pub(crate) enum Table {
    /// As they are.
    Exact(Vec<f32>),
    /// In one byte each, which is how they are looked up, too: a table of a quarter of the size stays in a nearer
    /// cache.
    Coded {
        /// A code for each number.
        codes: Vec<u8>,
        /// What the codes stand for.
        scales: Scales,
        /// The same, `[1 + outputs]`.
        columns: Vec<[f32; 256]>,
    },
}

impl Table {
    /// The table of `codes`.
    pub(crate) fn coded(codes: Vec<u8>, scales: Scales) -> Self {
        let columns = scales.columns();
        Self::Coded { codes, scales, columns }
    }

    /// How many numbers there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Exact(numbers) => numbers.len(),
            Self::Coded { codes, .. } => codes.len(),
        }
    }

    /// The number at `at`; those of a column are `[1 + outputs]` apart.
    #[inline]
    pub(crate) fn number(&self, at: usize) -> f32 {
        match self {
            Self::Exact(numbers) => numbers[at],
            Self::Coded { codes, columns, .. } => columns[at % columns.len()][usize::from(codes[at])],
        }
    }

    /// All of them.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = f32> {
        (0..self.len()).map(|at| self.number(at))
    }

    /// Whether every number is finite, and then how many features there are, and how many rows begin below 0.
    pub(crate) fn census(&self, row: usize) -> Option<(usize, usize)> {
        match self {
            Self::Exact(numbers) => {
                // All of them are looked at: without a way out of the loop it takes many at once.
                if !numbers.iter().fold(true, |all, x| all & x.is_finite()) {
                    return None;
                }
                let (mut features, mut negative) = (0, 0);
                for row in numbers.chunks_exact(row) {
                    features += usize::from(row[0] > 0.0);
                    negative += usize::from(row[0] < 0.0);
                }
                Some((features, negative))
            }
            // Their scales are finite and none below 0. A scale of 0 makes every number 0.
            Self::Coded { codes, columns, .. } => {
                let is_feature = columns.first()?.map(|idf| idf > 0.0);
                let firsts = codes.iter().step_by(row);
                Some((firsts.filter(|&&code| is_feature[usize::from(code)]).count(), 0))
            }
        }
    }

    /// Has the row of `node` fetched.
    #[inline]
    pub(crate) fn fetch(&self, node: u32, row: usize) {
        let at = node as usize * row;
        match self {
            Self::Exact(numbers) => prefetch(numbers, at),
            Self::Coded { codes, .. } => prefetch(codes, at),
        }
    }
}
