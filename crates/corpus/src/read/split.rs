//! Where records begin and end, and what their fields are.

use memchr::{memchr, memchr_iter, memchr2, memrchr};

/// The fields of one record, reused from record to record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    buffer: String,
    ends: Vec<usize>,
}

impl Record {
    /// Number of fields.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no field at all.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Field `i`, quotes undone.
    pub fn get(&self, i: usize) -> Option<&str> {
        let end = *self.ends.get(i)?;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        self.buffer.get(start..end)
    }

    /// All fields in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|i| self.get(i))
    }

    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
        self.ends.clear();
    }

    /// Adds a field.
    pub fn push(&mut self, field: &str) {
        self.buffer.push_str(field);
        self.ends.push(self.buffer.len());
    }

    /// Makes the last field end where it does now, and drops a line end's `\r` from it.
    fn close(&mut self, strip: bool) {
        if strip && self.buffer.ends_with('\r') && self.buffer.len() > self.ends.last().copied().unwrap_or(0)
        {
            self.buffer.pop();
        }
        self.ends.push(self.buffer.len());
    }
}

/// What `"` at the start of a field does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// Nothing.
    Off,
    /// The field runs to the closing quote, line ends included; a doubled one stands for itself.
    On,
    /// The same, if the closing quote stands on the same line; otherwise nothing.
    Line,
}

impl Quoting {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Line => "within a line",
        }
    }
}

/// How a text stream falls into records and fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Splitter {
    /// Fields between `delimiter`.
    Delimited { delimiter: u8, quote: Quoting },
    /// A line is a record of one field.
    Lines,
    /// A line is two fields, split at its first or last `delimiter`.
    Pair { delimiter: char, last: bool },
    /// A line is a JSON object; the record holds the values of `keys`.
    JsonLines { keys: Vec<String> },
    /// The elements of a JSON array are records; the record holds the values of `keys`.
    JsonArray { keys: Vec<String> },
}

/// What is wrong with a record.
pub(crate) type Fault = String;

impl Splitter {
    /// The end of the last record that is surely complete in `bytes`, which start where a record
    /// does. 0 if there is none.
    pub(crate) fn complete(&self, bytes: &[u8]) -> usize {
        match self {
            Self::Delimited { delimiter, quote: Quoting::On } => quoted_end(bytes, *delimiter),
            Self::JsonArray { .. } => super::json::array_end(bytes),
            _ => memrchr(b'\n', bytes).map_or(0, |at| at + 1),
        }
    }

    /// Reads the record of `block` that starts at `at` into `record`. Gives where the next one
    /// starts, after `at`, and what is wrong with this one.
    pub(crate) fn record(&self, block: &str, at: usize, record: &mut Record) -> (usize, Option<Fault>) {
        record.clear();
        match self {
            Self::Delimited { delimiter, quote } => {
                if *quote == Quoting::Line {
                    let end = line_end(block, at);
                    return delimited(&block[..end], at, *delimiter, *quote, record);
                }
                delimited(block, at, *delimiter, *quote, record)
            }
            Self::Lines => {
                let (line, next) = line(block, at);
                record.push(line);
                (next, None)
            }
            Self::Pair { delimiter, last } => {
                let (line, next) = line(block, at);
                let pair = if *last { line.rsplit_once(*delimiter) } else { line.split_once(*delimiter) };
                match pair {
                    Some((left, right)) => {
                        record.push(left);
                        record.push(right);
                        (next, None)
                    }
                    None if line.is_empty() => (next, None),
                    None => (next, Some(format!("found no {delimiter:?} in the line, expected one"))),
                }
            }
            Self::JsonLines { keys } => {
                let (line, next) = line(block, at);
                let fault =
                    if line.trim().is_empty() { None } else { super::json::object(line, keys, record).err() };
                (next, fault)
            }
            Self::JsonArray { keys } => super::json::element(block, at, keys, record),
        }
    }
}

/// Where the line at `at` ends, its `\n` included.
fn line_end(block: &str, at: usize) -> usize {
    memchr(b'\n', &block.as_bytes()[at..]).map_or(block.len(), |end| at + end + 1)
}

/// The line at `at` without its end, and where the next one starts.
fn line(block: &str, at: usize) -> (&str, usize) {
    let next = line_end(block, at);
    let line = &block[at..next];
    let line = line.strip_suffix('\n').unwrap_or(line);
    (line.strip_suffix('\r').unwrap_or(line), next)
}

/// The end of the last complete record of quoted, delimited text.
fn quoted_end(bytes: &[u8], delimiter: u8) -> usize {
    let mut end = 0;
    let mut at = 0;
    while let Some(found) = memchr2(b'"', b'\n', &bytes[at..]) {
        let here = at + found;
        at = here + 1;
        if bytes[here] == b'\n' {
            end = at;
        } else if here == end || bytes[here - 1] == delimiter {
            // A quote opens only where a field starts; elsewhere it is a character.
            loop {
                match closing(bytes, at) {
                    Some((close, _)) if close + 1 < bytes.len() => at = close + 1,
                    // Not closed, or closed by what may be half of a doubled quote.
                    _ => return end,
                }
                // Mostly another quoted field follows.
                if bytes[at] != delimiter || bytes.get(at + 1) != Some(&b'"') {
                    break;
                }
                at += 2;
            }
        }
    }
    end
}

/// The quote that closes the field whose content starts at `at`, and whether the content holds
/// doubled ones.
fn closing(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut doubled = false;
    loop {
        let quote = at + memchr(b'"', &bytes[at..])?;
        if bytes.get(quote + 1) != Some(&b'"') {
            return Some((quote, doubled));
        }
        doubled = true;
        at = quote + 2;
    }
}

fn delimited(
    block: &str,
    start: usize,
    delimiter: u8,
    quote: Quoting,
    record: &mut Record,
) -> (usize, Option<Fault>) {
    let bytes = block.as_bytes();
    let mut at = start;
    loop {
        if quote != Quoting::Off && bytes.get(at) == Some(&b'"') {
            match closing(bytes, at + 1) {
                Some((close, doubled)) => {
                    let content = &block[at + 1..close];
                    if doubled {
                        push_unquoted(content, &mut record.buffer);
                    } else {
                        record.buffer.push_str(content);
                    }
                    at = close + 1;
                }
                None if quote == Quoting::Line => {}
                None => {
                    let column = record.len() + 1;
                    let fault = format!(
                        "found a quote in column {column} that never closes; --quote off or line reads it as a character"
                    );
                    let next = line_end(block, start);
                    // What the line holds is kept as it is written.
                    record.buffer.push_str(block[at..next.max(at)].trim_end_matches(['\r', '\n']));
                    record.close(false);
                    return (next, Some(fault));
                }
            }
        }
        // What follows a closing quote before the delimiter belongs to the field, as it does for
        // Python's csv and for spreadsheets.
        let end = match bytes.get(at) {
            Some(&byte) if byte == delimiter || byte == b'\n' => at,
            _ => memchr2(delimiter, b'\n', &bytes[at..]).map_or(bytes.len(), |found| at + found),
        };
        record.buffer.push_str(&block[at..end]);
        let more = bytes.get(end) == Some(&delimiter);
        record.close(!more);
        at = (end + 1).min(bytes.len());
        if !more {
            return (at.max(end), None);
        }
    }
}

fn push_unquoted(mut raw: &str, out: &mut String) {
    while let Some(quote) = memchr(b'"', raw.as_bytes()) {
        out.push_str(&raw[..=quote]);
        raw = raw.get(quote + 2..).unwrap_or_default();
    }
    out.push_str(raw);
}

/// Number of line ends.
pub(crate) fn count_lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CSV: Splitter = Splitter::Delimited { delimiter: b',', quote: Quoting::On };

    fn all(splitter: &Splitter, block: &str) -> Vec<Vec<String>> {
        let (mut at, mut record, mut out) = (0, Record::default(), Vec::new());
        while at < block.len() {
            let (next, fault) = splitter.record(block, at, &mut record);
            assert!(next > at && fault.is_none(), "{fault:?} at {at}");
            at = next;
            out.push(record.iter().map(str::to_owned).collect());
        }
        out
    }

    #[test]
    fn fields() {
        for (block, want) in [
            ("a,b\nc,d\n", vec![vec!["a", "b"], vec!["c", "d"]]),
            ("\"a,\"\"x\"\"\",\"b\nb\"\r\nc,\r\n", vec![vec!["a,\"x\"", "b\nb"], vec!["c", ""]]),
            ("a\"b,c\n", vec![vec!["a\"b", "c"]]),
            ("\"a\"b,c", vec![vec!["ab", "c"]]),
            ("\"\",\"\"\n\n", vec![vec!["", ""], vec![""]]),
        ] {
            assert_eq!(all(&CSV, block), want, "{block:?}");
        }
        let raw = Splitter::Delimited { delimiter: b'\t', quote: Quoting::Off };
        assert_eq!(all(&raw, "\"a\t\"b\"\n"), [["\"a", "\"b\""]]);
        let line = Splitter::Delimited { delimiter: b',', quote: Quoting::Line };
        assert_eq!(
            all(&line, "1,\"a, b\"\n2,\"open, c\n3,\"d\"\n"),
            [vec!["1", "a, b"], vec!["2", "\"open", " c"], vec!["3", "d"]]
        );
        let at = Splitter::Pair { delimiter: '@', last: true };
        assert_eq!(all(&at, "mail a@b.c@neutral\r\n"), [["mail a@b.c", "neutral"]]);
    }

    #[test]
    fn a_quote_that_never_closes_costs_its_line_only() {
        let block = "a,\"b\nc,d\n";
        let mut record = Record::default();
        let (next, fault) = CSV.record(block, 0, &mut record);
        assert_eq!(next, 5);
        assert!(fault.unwrap().contains("column 2"));
        assert_eq!(CSV.record(block, next, &mut record).0, 9);
        assert_eq!(record.iter().collect::<Vec<_>>(), ["c", "d"]);
    }

    proptest! {
        /// The csv crate is the reference for what is well formed.
        #[test]
        fn agrees_with_the_csv_crate(rows in prop::collection::vec(prop::collection::vec("[a,\"\n é]{0,5}", 2..4), 1..6)) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let block = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(all(&CSV, &block), rows);
            prop_assert_eq!(CSV.complete(block.as_bytes()), block.len());
        }

        /// Wherever a stream is cut, `complete` finds ends at which reading would stop too.
        #[test]
        fn cuts_fall_between_records(text in "[a,\"\n]{0,40}", cut in 0usize..40) {
            let cut = cut.min(text.len());
            let end = CSV.complete(&text.as_bytes()[..cut]);
            let (mut at, mut record) = (0, Record::default());
            while at < end {
                let (next, _) = CSV.record(&text, at, &mut record);
                prop_assert!(next > at);
                at = next;
            }
            prop_assert_eq!(at, end);
        }

        #[test]
        fn anything_splits_in_finite_steps(text in ".{0,60}") {
            for splitter in [CSV, Splitter::Delimited { delimiter: b';', quote: Quoting::Line }, Splitter::Lines, Splitter::Pair { delimiter: ';', last: false },
                Splitter::JsonLines { keys: vec![] }, Splitter::JsonArray { keys: vec![] }] {
                let (mut at, mut record) = (0, Record::default());
                while at < text.len() {
                    let (next, _) = splitter.record(&text, at, &mut record);
                    prop_assert!(next > at);
                    at = next;
                }
                splitter.complete(text.as_bytes());
            }
        }
    }
}
