//! The corpus: examples, column by column.

use crate::column::{Interned, Strings};

/// One example to push; everything but the text may be absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Example<'a> {
    /// What was written, as it was written.
    pub text: &'a str,
    /// The class's name.
    pub label: Option<&'a str>,
    /// The id that the source gave it.
    pub id: Option<&'a str>,
    /// When it was written, milliseconds since 1970-01-01T00:00:00Z.
    pub time: Option<i64>,
    /// Who wrote it.
    pub author: Option<&'a str>,
    /// Where it came from: `social`, `ticket`, `review`, `survey`, …
    pub channel: Option<&'a str>,
    /// The language that the source states, as it states it.
    pub language: Option<&'a str>,
    /// The file or system that it came in.
    pub source: Option<&'a str>,
}

/// Examples, column by column; absent columns cost nothing.
///
/// 1.6 million tweets with id, author and time take about 220 MB. An empty id, author, channel,
/// language or source is the same as none.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    texts: Strings,
    /// Index into `names`, or [`Corpus::NONE`].
    labels: Vec<u16>,
    names: Vec<String>,
    ids: Option<Strings>,
    times: Option<Vec<i64>>,
    authors: Option<Strings>,
    channels: Option<Interned>,
    languages: Option<Interned>,
    sources: Option<Interned>,
}

/// Stands for "no time" in the column; no date anybody writes about comes near.
const NO_TIME: i64 = i64::MIN;

impl Corpus {
    /// The label of a text that has none.
    pub const NONE: u16 = u16::MAX;

    /// A corpus without examples.
    pub fn new() -> Self {
        Self::default()
    }

    /// A corpus without examples whose classes are known; their order is kept.
    pub fn with_labels(names: Vec<String>) -> Self {
        Self { names, ..Self::default() }
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The text of example `i`, as it was written.
    ///
    /// # Panics
    /// When `i >= len()`, like the other accessors of a row.
    pub fn text(&self, i: usize) -> &str {
        self.texts.get(i)
    }

    /// The classes' names; [`Corpus::label`] indexes them. A corpus that was read holds them in
    /// canonical order: `negative`, `neutral`, `positive` where these are the names, else sorted.
    pub fn labels(&self) -> &[String] {
        &self.names
    }

    /// The class of example `i`, an index into [`Corpus::labels`].
    pub fn label(&self, i: usize) -> Option<u16> {
        let label = self.labels[i];
        (label != Self::NONE).then_some(label)
    }

    /// The class's name of example `i`.
    pub fn label_name(&self, i: usize) -> Option<&str> {
        self.label(i).map(|l| self.names[usize::from(l)].as_str())
    }

    /// The classes of all examples; [`Corpus::NONE`] where there is none.
    pub fn label_column(&self) -> &[u16] {
        &self.labels
    }

    /// The source's id of example `i`.
    pub fn id(&self, i: usize) -> Option<&str> {
        string(&self.ids, i)
    }

    /// When example `i` was written, milliseconds since 1970-01-01T00:00:00Z.
    pub fn time(&self, i: usize) -> Option<i64> {
        self.times.as_ref().map(|t| t[i]).filter(|&t| t != NO_TIME)
    }

    /// Who wrote example `i`.
    pub fn author(&self, i: usize) -> Option<&str> {
        string(&self.authors, i)
    }

    /// The channel of example `i`.
    pub fn channel(&self, i: usize) -> Option<&str> {
        self.channels.as_ref().and_then(|c| c.get(i))
    }

    /// The stated language of example `i`.
    pub fn language(&self, i: usize) -> Option<&str> {
        self.languages.as_ref().and_then(|c| c.get(i))
    }

    /// The file or system that example `i` came in.
    pub fn source(&self, i: usize) -> Option<&str> {
        self.sources.as_ref().and_then(|c| c.get(i))
    }

    /// Example `i` with all its columns.
    pub fn example(&self, i: usize) -> Example<'_> {
        Example {
            text: self.text(i),
            label: self.label_name(i),
            id: self.id(i),
            time: self.time(i),
            author: self.author(i),
            channel: self.channel(i),
            language: self.language(i),
            source: self.source(i),
        }
    }

    /// How many examples each class of [`Corpus::labels`] has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.names.len()];
        for &label in self.labels.iter().filter(|&&l| l != Self::NONE) {
            counts[usize::from(label)] += 1;
        }
        counts
    }

    /// Bytes of memory that the columns hold, about.
    pub fn heap_bytes(&self) -> usize {
        let strings = |c: &Option<Strings>| c.as_ref().map_or(0, Strings::heap_bytes);
        let interned = |c: &Option<Interned>| c.as_ref().map_or(0, |c| c.len() * 4);
        self.texts.heap_bytes()
            + self.labels.len() * 2
            + strings(&self.ids)
            + strings(&self.authors)
            + self.times.as_ref().map_or(0, |t| t.len() * 8)
            + interned(&self.channels)
            + interned(&self.languages)
            + interned(&self.sources)
    }

    /// Appends an example. A label that is new joins [`Corpus::labels`] at the end.
    ///
    /// # Errors
    /// Gives the label back when there are already 65,535 others.
    pub fn push<'a>(&mut self, example: Example<'a>) -> Result<(), &'a str> {
        let label = match example.label {
            None => Self::NONE,
            Some(name) => self.intern_label(name).ok_or(name)?,
        };
        let row = self.len();
        push_string(&mut self.ids, row, example.id);
        push_string(&mut self.authors, row, example.author);
        push_interned(&mut self.channels, row, example.channel);
        push_interned(&mut self.languages, row, example.language);
        push_interned(&mut self.sources, row, example.source);
        match (&mut self.times, example.time) {
            (None, None) => {}
            (times, time) => {
                let times = times.get_or_insert_default();
                times.resize(row, NO_TIME);
                times.push(time.unwrap_or(NO_TIME));
            }
        }
        self.texts.push(example.text);
        self.labels.push(label);
        Ok(())
    }

    /// The number of the class called `name`, which joins the others if it is new.
    fn intern_label(&mut self, name: &str) -> Option<u16> {
        // A handful of classes: comparing beats hashing.
        if let Some(at) = self.names.iter().position(|n| n == name) {
            return Some(at as u16);
        }
        let at = u16::try_from(self.names.len()).ok().filter(|&at| at != Self::NONE)?;
        self.names.push(name.to_owned());
        Some(at)
    }

    /// Appends all of `other`; classes are matched by name.
    ///
    /// # Errors
    /// Gives back the first label past 65,535 distinct ones.
    pub fn append(&mut self, other: &Self) -> Result<(), String> {
        let mut map = Vec::with_capacity(other.names.len());
        for name in &other.names {
            map.push(self.intern_label(name).ok_or_else(|| name.clone())?);
        }
        let (before, after) = (self.len(), self.len() + other.len());
        append_strings(&mut self.ids, &other.ids, before, after);
        append_strings(&mut self.authors, &other.authors, before, after);
        append_interned(&mut self.channels, &other.channels, before, after);
        append_interned(&mut self.languages, &other.languages, before, after);
        append_interned(&mut self.sources, &other.sources, before, after);
        if self.times.is_some() || other.times.is_some() {
            let times = self.times.get_or_insert_default();
            times.resize(before, NO_TIME);
            times.extend(other.times.iter().flatten());
            times.resize(after, NO_TIME);
        }
        self.texts.append(&other.texts);
        let renamed = |&l: &u16| map.get(usize::from(l)).copied().unwrap_or(Self::NONE);
        self.labels.extend(other.labels.iter().map(renamed));
        Ok(())
    }

    /// The examples `rows`, in that order; the classes stay as they are.
    ///
    /// # Panics
    /// When a row is past the end.
    pub fn select(&self, rows: &[u32]) -> Self {
        Self {
            texts: self.texts.select(rows),
            labels: rows.iter().map(|&r| self.labels[r as usize]).collect(),
            names: self.names.clone(),
            ids: self.ids.as_ref().map(|c| c.select(rows)),
            times: self.times.as_ref().map(|t| rows.iter().map(|&r| t[r as usize]).collect()),
            authors: self.authors.as_ref().map(|c| c.select(rows)),
            channels: self.channels.as_ref().map(|c| c.select(rows)),
            languages: self.languages.as_ref().map(|c| c.select(rows)),
            sources: self.sources.as_ref().map(|c| c.select(rows)),
        }
    }

    /// Renames the classes: `to[i]` is the new name of class `i`, `None` drops its examples.
    /// Classes that get one name become one; the result is in canonical order. Gives the number of
    /// examples dropped.
    pub(crate) fn rename_labels(&mut self, to: &[Option<String>]) -> usize {
        let mut names: Vec<String> = to.iter().flatten().cloned().collect();
        canonical_order(&mut names);
        let map: Vec<Option<u16>> = to
            .iter()
            .map(|name| {
                let name = name.as_ref()?;
                names.iter().position(|n| n == name).map(|at| at as u16)
            })
            .collect();
        let dropped = |l: u16| l != Self::NONE && map[usize::from(l)].is_none();
        let before = self.len();
        if self.labels.iter().any(|&l| dropped(l)) {
            let keep: Vec<u32> =
                (0u32..).zip(&self.labels).filter(|&(_, &l)| !dropped(l)).map(|(r, _)| r).collect();
            *self = self.select(&keep);
        }
        for label in &mut self.labels {
            if *label != Self::NONE {
                *label = map[usize::from(*label)].unwrap_or(Self::NONE);
            }
        }
        self.names = names;
        before - self.len()
    }

    /// The same examples under other classes of [`Corpus::labels`], one for each row.
    pub(crate) fn relabelled(mut self, labels: Vec<u16>) -> Self {
        debug_assert_eq!(labels.len(), self.len());
        self.labels = labels;
        self
    }

    /// Puts the classes in canonical order.
    pub fn sort_labels(&mut self) {
        let same: Vec<Option<String>> = self.names.iter().cloned().map(Some).collect();
        self.rename_labels(&same);
    }
}

/// Sorts and deduplicates class names; `negative`, `neutral`, `positive` come in this order.
pub(crate) fn canonical_order(names: &mut Vec<String>) {
    // The alphabet happens to agree with the order of feeling.
    names.sort();
    names.dedup();
}

fn string(column: &Option<Strings>, i: usize) -> Option<&str> {
    column.as_ref().map(|c| c.get(i)).filter(|s| !s.is_empty())
}

fn push_string(column: &mut Option<Strings>, row: usize, value: Option<&str>) {
    let value = value.filter(|v| !v.is_empty());
    if column.is_none() && value.is_none() {
        return;
    }
    let column = column.get_or_insert_default();
    column.pad(row);
    column.push(value.unwrap_or_default());
}

fn push_interned(column: &mut Option<Interned>, row: usize, value: Option<&str>) {
    let value = value.filter(|v| !v.is_empty());
    if column.is_none() && value.is_none() {
        return;
    }
    let column = column.get_or_insert_default();
    column.pad(row);
    column.push(value);
}

fn append_strings(to: &mut Option<Strings>, from: &Option<Strings>, before: usize, after: usize) {
    if to.is_none() && from.is_none() {
        return;
    }
    let to = to.get_or_insert_default();
    to.pad(before);
    if let Some(from) = from {
        to.append(from);
    }
    to.pad(after);
    debug_assert_eq!(to.len(), after);
}

fn append_interned(to: &mut Option<Interned>, from: &Option<Interned>, before: usize, after: usize) {
    if to.is_none() && from.is_none() {
        return;
    }
    let to = to.get_or_insert_default();
    to.pad(before);
    if let Some(from) = from {
        to.append(from);
    }
    to.pad(after);
    debug_assert_eq!(to.len(), after);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(rows: &[(&str, Option<&str>, Option<&str>)]) -> Corpus {
        let mut corpus = Corpus::new();
        for &(text, label, author) in rows {
            corpus.push(Example { text, label, author, ..Example::default() }).unwrap();
        }
        corpus
    }

    #[test]
    fn columns_that_appear_late_are_empty_before() {
        let mut c = corpus(&[("a", None, None), ("b", Some("positive"), Some("ann"))]);
        c.append(&corpus(&[("c", Some("negative"), None)])).unwrap();
        assert_eq!((c.author(0), c.author(1), c.author(2)), (None, Some("ann"), None));
        c.sort_labels();
        assert_eq!(c.labels(), ["negative", "positive"]);
        assert_eq!((c.label(0), c.label_name(1), c.label(2)), (None, Some("positive"), Some(0)));
        let picked = c.select(&[2, 1]);
        assert_eq!((picked.text(0), picked.author(1)), ("c", Some("ann")));
    }

    #[test]
    fn renaming_merges_drops_and_sorts() {
        let mut c = corpus(&[
            ("a", Some("5"), None),
            ("b", Some("4"), None),
            ("c", Some("?"), None),
            ("d", None, None),
            ("e", Some("1"), None),
        ]);
        let to: Vec<_> = c
            .labels()
            .iter()
            .map(|raw| match raw.as_str() {
                "5" | "4" => Some("positive".to_owned()),
                "1" => Some("negative".to_owned()),
                _ => None,
            })
            .collect();
        assert_eq!(c.rename_labels(&to), 1);
        assert_eq!(c.labels(), ["negative", "positive"]);
        assert_eq!(c.class_counts(), [1, 2]);
        assert_eq!((c.len(), c.text(2), c.label(2)), (4, "d", None));
    }
}
