//! Columns: strings kept end to end in one allocation, and strings of which there are few.

use std::collections::HashMap;

/// Strings, one after another in a single buffer: 8 bytes of overhead each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Strings {
    bytes: String,
    /// `ends[i]` is one past the last byte of string `i`.
    ends: Vec<usize>,
}

impl Strings {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, i: usize) -> &str {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.bytes[start..self.ends[i]]
    }

    pub(crate) fn push(&mut self, value: &str) {
        self.bytes.push_str(value);
        self.ends.push(self.bytes.len());
    }

    /// Appends empty strings until there are `rows`.
    pub(crate) fn pad(&mut self, rows: usize) {
        self.ends.resize(rows.max(self.ends.len()), self.bytes.len());
    }

    pub(crate) fn append(&mut self, other: &Self) {
        let base = self.bytes.len();
        self.bytes.push_str(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| base + end));
    }

    pub(crate) fn select(&self, rows: &[u32]) -> Self {
        let total = rows.iter().map(|&r| self.get(r as usize).len()).sum();
        let mut out = Self { bytes: String::with_capacity(total), ends: Vec::with_capacity(rows.len()) };
        for &row in rows {
            out.push(self.get(row as usize));
        }
        out
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<usize>()
    }
}

/// Strings of which few are distinct: each is kept once, rows hold its number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interned {
    names: Vec<String>,
    index: HashMap<String, u32>,
    ids: Vec<u32>,
}

impl Interned {
    /// The row holds nothing.
    const NONE: u32 = u32::MAX;

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn get(&self, i: usize) -> Option<&str> {
        self.names.get(self.ids[i] as usize).map(String::as_str)
    }

    fn intern(&mut self, name: &str) -> u32 {
        // Runs of one value are the rule: look at the last row before hashing.
        if let Some(&last) = self.ids.last()
            && self.names.get(last as usize).is_some_and(|n| n == name)
        {
            return last;
        }
        if let Some(&id) = self.index.get(name) {
            return id;
        }
        let id = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.index.insert(name.to_owned(), id);
        id
    }

    pub(crate) fn push(&mut self, value: Option<&str>) {
        let id = value.map_or(Self::NONE, |name| self.intern(name));
        self.ids.push(id);
    }

    /// Appends rows that hold nothing until there are `rows`.
    pub(crate) fn pad(&mut self, rows: usize) {
        self.ids.resize(rows.max(self.ids.len()), Self::NONE);
    }

    pub(crate) fn append(&mut self, other: &Self) {
        let map: Vec<u32> = other.names.iter().map(|name| self.intern(name)).collect();
        self.ids.extend(other.ids.iter().map(|&id| map.get(id as usize).copied().unwrap_or(Self::NONE)));
    }

    pub(crate) fn select(&self, rows: &[u32]) -> Self {
        Self {
            names: self.names.clone(),
            index: self.index.clone(),
            ids: rows.iter().map(|&r| self.ids[r as usize]).collect(),
        }
    }
}
