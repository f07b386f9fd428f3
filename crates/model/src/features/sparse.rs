//! The two shapes that features come in.

/// Rows of ids of any length: `ids[ends[i - 1]..ends[i]]` is row `i`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ragged {
    /// One past the last id of each row.
    pub ends: Vec<usize>,
    /// All rows' ids, one after the other.
    pub ids: Vec<u32>,
}

impl Ragged {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Where row `i` stands in `ids`.
    pub fn range(&self, i: usize) -> std::ops::Range<usize> {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        start..self.ends[i]
    }

    /// The ids of row `i`.
    pub fn row(&self, i: usize) -> &[u32] {
        &self.ids[self.range(i)]
    }
}

/// Rows of a compressed sparse matrix; columns ascend within a row, each at most once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sparse {
    /// Number of columns.
    pub width: usize,
    /// One past the last entry of each row.
    pub ends: Vec<usize>,
    /// Column of each entry, below `width`.
    pub columns: Vec<u32>,
    /// Value of each entry.
    pub values: Vec<f32>,
}

impl Sparse {
    /// No rows, `width` columns.
    pub fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Columns and values of row `i`.
    pub fn row(&self, i: usize) -> (&[u32], &[f32]) {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        (&self.columns[start..self.ends[i]], &self.values[start..self.ends[i]])
    }

    /// Adds a row.
    pub fn push(&mut self, entries: impl IntoIterator<Item = (u32, f32)>) {
        for (column, value) in entries {
            self.columns.push(column);
            self.values.push(value);
        }
        self.ends.push(self.columns.len());
    }

    /// The rows named, in that order; a row may be named more than once.
    pub fn select(&self, rows: &[u32]) -> Self {
        let mut out = Self::new(self.width);
        out.ends.reserve(rows.len());
        for &row in rows {
            let (columns, values) = self.row(row as usize);
            out.columns.extend_from_slice(columns);
            out.values.extend_from_slice(values);
            out.ends.push(out.columns.len());
        }
        out
    }
}
