//! A plan says what each field of a record is; parsing a block by it gives a part of the corpus.

use std::collections::HashMap;

use crate::corpus::{Corpus, Example};
use crate::label::{LabelMap, is_missing};
use crate::report::BadRow;
use crate::time::parse_time;

use super::mend;
use super::split::{Record, Splitter};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum From {
    Nowhere,
    Column(usize),
    Value(String),
    /// Line by line from an aligned file.
    Lines(Vec<String>),
}

impl From {
    pub(super) fn get<'a>(&'a self, record: &'a Record, line: u64) -> Option<&'a str> {
        match self {
            Self::Nowhere => None,
            Self::Column(at) => record.get(*at),
            Self::Value(value) => Some(value),
            Self::Lines(lines) => {
                usize::try_from(line - 1).ok().and_then(|at| lines.get(at)).map(String::as_str)
            }
        }
    }
}

/// What a record's fields are.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Fields that every record must have; 0 if that is not known.
    pub(crate) fields: usize,
    /// The fields of the text.
    pub(crate) text: Vec<usize>,
    /// Whether each of them is an example of its own.
    pub(crate) each: bool,
    pub(crate) label: From,
    pub(crate) id: Option<usize>,
    pub(crate) time: Option<usize>,
    pub(crate) author: Option<usize>,
    pub(crate) channel: From,
    pub(crate) language: From,
    /// Rows whose field holds one of these values are no customer's words, such as an agent's
    /// answer in a ticket's thread.
    pub(crate) skip: Option<(usize, Vec<String>)>,
    /// The field that holds a ticket's thread, from which the customer's messages are taken.
    pub(crate) thread: Option<usize>,
    /// Values of the label that mean that there is none.
    pub(crate) no_label: &'static [&'static str],
    pub(crate) source: Option<String>,
    pub(crate) map: Option<LabelMap>,
    /// Whether SemEval's escapes and wrapping quotes are undone.
    pub(crate) semeval: bool,
    pub(crate) mend: bool,
    pub(crate) text_chars: usize,
}

/// Different labels of one file without a map, past which they are taken for something else.
pub(crate) const MAX_LABELS: usize = 1000;

/// One label as written: how often it came, and the class it goes to.
#[derive(Debug)]
pub(crate) struct RawLabel {
    pub(crate) raw: String,
    pub(crate) rows: u64,
    /// `None`: no rule of the map takes it.
    pub(crate) class: Option<String>,
}

/// What a block came to.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) corpus: Corpus,
    pub(crate) labels: Vec<RawLabel>,
    index: HashMap<String, usize>,
    last: usize,
    pub(crate) bad_rows: Vec<BadRow>,
    pub(crate) rows: u64,
    pub(crate) unlabelled: u64,
    pub(crate) empty: u64,
    pub(crate) skipped: u64,
    pub(crate) too_long: u64,
    pub(crate) bad_times: u64,
    pub(crate) damaged: u64,
    pub(crate) double_encoded: u64,
    pub(crate) mended: u64,
    pub(crate) recoded_lines: u64,
}

/// Buffers reused from row to row.
#[derive(Default)]
struct Scratch {
    text: String,
    mended: String,
}

impl Plan {
    /// Parses whole records: `block` starts on `line`; `header` says that its first record names
    /// the columns.
    pub(crate) fn parse(
        &self,
        splitter: &Splitter,
        block: &str,
        line: u64,
        header: bool,
        file: &str,
    ) -> Part {
        let mut part = Part::default();
        let mut record = Record::default();
        let mut scratch = Scratch::default();
        let (mut at, mut line, mut counted) = (0, line, 0);
        let mut header = header;
        while at < block.len() && part.labels.len() <= self.most_labels() {
            let (next, fault) = splitter.record(block, at, &mut record);
            let raw = &block[at..next];
            if self.by_line() {
                line += super::split::count_lines(&block.as_bytes()[counted..at]);
                counted = at;
            }
            if std::mem::take(&mut header) || is_blank(&record, raw) && fault.is_none() {
                // The header, or a line without anything in a table.
            } else {
                part.rows += 1;
                if let Some(reason) = fault.or_else(|| self.take(&record, line, &mut part, &mut scratch)) {
                    // Lines are counted where somebody asks for them.
                    line += super::split::count_lines(&block.as_bytes()[counted..at]);
                    counted = at;
                    part.bad_rows.push(bad_row(file, line, reason, raw));
                }
            }
            at = next;
        }
        part
    }

    /// Whether a value depends on the line on which a record starts.
    fn by_line(&self) -> bool {
        [&self.label, &self.channel, &self.language].iter().any(|from| matches!(from, From::Lines(_)))
    }

    fn most_labels(&self) -> usize {
        if self.map.is_some() { usize::MAX } else { MAX_LABELS }
    }

    /// Parses records that were split already; the first stands on `line`.
    pub(crate) fn take_all(&self, records: &[Record], line: u64, file: &str) -> Part {
        let mut part = Part::default();
        let mut scratch = Scratch::default();
        for (record, line) in records.iter().zip(line..) {
            if record.iter().all(|field| field.trim().is_empty()) || part.labels.len() > self.most_labels() {
                continue;
            }
            part.rows += 1;
            if let Some(reason) = self.take(record, line, &mut part, &mut scratch) {
                let raw: Vec<&str> = record.iter().collect();
                part.bad_rows.push(bad_row(file, line, reason, &raw.join("\t")));
            }
        }
        part
    }

    /// Takes one record; gives the reason if it is broken.
    fn take(&self, record: &Record, line: u64, part: &mut Part, scratch: &mut Scratch) -> Option<String> {
        if let Some(fault) = self.width_fault(record) {
            return Some(fault);
        }
        if let Some((at, values)) = &self.skip
            && let Some(value) = record.get(*at)
            && values.iter().any(|v| v.eq_ignore_ascii_case(value.trim()))
        {
            part.skipped += 1;
            return None;
        }
        let label = self.label.get(record, line).map(str::trim);
        let label = label.filter(|l| {
            // A map may have a rule for what we would take for nothing.
            !l.is_empty() && !self.no_label.contains(l) && (self.map.is_some() || !is_missing(l))
        });
        let class = match label {
            None => None,
            Some(raw) => {
                let at = part.label(raw, self.map.as_ref());
                part.labels[at].rows += 1;
                part.labels[at].class.is_some().then_some(at)
            }
        };
        if self.each {
            for &column in &self.text {
                if let Some(text) = record.get(column)
                    && !text.trim().is_empty()
                    && let Some(fault) =
                        self.example(text, record, line, label, class, part, &mut scratch.mended)
                {
                    return Some(fault);
                }
            }
            return None;
        }
        let text = match self.text.as_slice() {
            [only] if !self.semeval && self.thread.is_none() => record.get(*only).unwrap_or_default(),
            _ => {
                let Scratch { text, .. } = scratch;
                self.text_of(record, text);
                text.as_str()
            }
        };
        self.example(text, record, line, label, class, part, &mut scratch.mended)
    }

    /// Writes the text of `record` into `out`: its text fields, a line each.
    pub(crate) fn text_of(&self, record: &Record, out: &mut String) {
        out.clear();
        for field in self.text.iter().filter_map(|&c| record.get(c)).filter(|f| !f.trim().is_empty()) {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(field);
        }
        if self.semeval {
            mend::semeval(out);
        }
        if let Some(thread) = self.thread.and_then(|at| record.get(at)) {
            super::thread::customers_words(thread, out);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one row's pieces, borrowed apart")]
    fn example(
        &self,
        text: &str,
        record: &Record,
        line: u64,
        label: Option<&str>,
        class: Option<usize>,
        part: &mut Part,
        mended: &mut String,
    ) -> Option<String> {
        if let Some(fault) = self.length_fault(text) {
            part.too_long += 1;
            return Some(fault);
        }
        let mut text = text;
        if !text.is_ascii() {
            part.damaged += u64::from(text.contains('\u{fffd}') || text.contains("ï¿½"));
            if mend::undouble(text, mended) {
                part.double_encoded += 1;
                if self.mend {
                    part.mended += 1;
                    text = mended;
                }
            }
        }
        if self.mend && text.contains("_x000D_") {
            part.mended += 1;
            let clean = text.replace("_x000D_", "");
            mended.clear();
            mended.push_str(&clean);
            text = mended;
        }
        if text.trim().is_empty() {
            part.empty += 1;
            return None;
        }
        if label.is_some() && class.is_none() {
            // Counted under its label; the report derives the unmapped ones from there.
            return None;
        }
        part.unlabelled += u64::from(class.is_none());
        let time = self.time.and_then(|c| record.get(c)).filter(|t| !t.trim().is_empty());
        let parsed = time.and_then(parse_time);
        part.bad_times += u64::from(time.is_some() && parsed.is_none());
        let example = Example {
            text,
            label: class.and_then(|at| part.labels[at].class.as_deref()),
            id: self.id.and_then(|c| record.get(c)).map(str::trim),
            time: parsed,
            author: self.author.and_then(|c| record.get(c)).map(str::trim),
            channel: self.channel.get(record, line).map(str::trim),
            language: self.language.get(record, line).map(str::trim),
            source: self.source.as_deref(),
        };
        match part.corpus.push(example) {
            Ok(()) => None,
            Err(label) => Some(format!("found the 65,536th class {label:?}, expected fewer")),
        }
    }

    /// What is wrong with a text that is longer than the limit.
    pub(crate) fn length_fault(&self, text: &str) -> Option<String> {
        // Bytes first: characters are at most as many, and counting them costs.
        if text.len() <= self.text_chars {
            return None;
        }
        let chars = text.chars().count();
        (chars > self.text_chars).then(|| {
            format!(
                "found a text of {chars} characters, expected at most {}; raise --max-chars if it is meant to be",
                self.text_chars
            )
        })
    }

    pub(crate) fn width_fault(&self, record: &Record) -> Option<String> {
        let got = record.len();
        if self.fields == 0 || got == self.fields {
            return None;
        }
        // Spreadsheets and SemEval end lines with delimiters to spare; SemEval 2016 has a few times
        // behind them.
        let spare = |f: &str| f.trim().is_empty() || self.semeval && parse_time(f).is_some();
        let spare = got > self.fields && (self.fields..got).all(|i| record.get(i).is_some_and(spare));
        (!spare).then(|| format!("found {got} fields, expected {}", self.fields))
    }
}

fn is_blank(record: &Record, raw: &str) -> bool {
    record.len() <= 1 && raw.trim_end_matches(['\r', '\n']).is_empty()
}

pub(crate) fn bad_row(file: &str, line: u64, reason: String, raw: &str) -> BadRow {
    const EXCERPT: usize = 200;
    let excerpt = raw.trim_end_matches(['\r', '\n']).chars().take(EXCERPT).collect();
    BadRow { file: file.to_owned(), line, reason, excerpt }
}

impl Part {
    /// The number of the label written `raw`.
    fn label(&mut self, raw: &str, map: Option<&LabelMap>) -> usize {
        // Files are often sorted by label.
        if self.labels.get(self.last).is_some_and(|l| l.raw == raw) {
            return self.last;
        }
        self.last = match self.index.get(raw) {
            Some(&at) => at,
            None => {
                let class = match map {
                    Some(map) => map.class(raw).map(str::to_owned),
                    None => Some(raw.to_owned()),
                };
                self.labels.push(RawLabel { raw: raw.to_owned(), rows: 0, class });
                self.index.insert(raw.to_owned(), self.labels.len() - 1);
                self.labels.len() - 1
            }
        };
        self.last
    }
}
