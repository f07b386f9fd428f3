//! Rows one after another, in constant memory, with all their columns: what scoring a file needs.

use std::collections::VecDeque;
use std::io::{self, BufReader, Cursor, Read, Seek};

use crate::error::CorpusError;
use crate::options::{Format, ReadOptions};

use super::blocks::{self, Blocks};
use super::guess::{self, Shape};
use super::open::{self, Capped, Magic};
use super::plan::{From, Plan};
use super::split::{Record, Splitter, count_lines};
use super::{columns, failed_to_read, json, tables};

/// One row of a streamed file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its fields, in the order of [`Rows::columns`]. Of a broken row, the last column holds the
    /// fields there are too many of; the text's holds the row as written if it has no fields.
    pub fields: Record,
    /// Its text; empty where it has none.
    pub text: String,
    /// The object as it was written, if the file is JSON.
    pub json: Option<String>,
    /// The line on which it starts, from 1; the record's number in files without lines.
    pub line: u64,
    /// What is wrong with it, if it is broken; then its fields and text are whatever could be read.
    pub fault: Option<String>,
}

/// What is known of a row beside its text, as it is written there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beside<'a> {
    /// The source's id.
    pub id: Option<&'a str>,
    /// When it was written; [`parse_time`](crate::parse_time) reads it.
    pub time: Option<&'a str>,
    /// Who wrote it.
    pub author: Option<&'a str>,
    /// Where it came from.
    pub channel: Option<&'a str>,
    /// Its language.
    pub language: Option<&'a str>,
}

/// The names of the columns that were taken for something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Of the text; several are joined.
    pub text: Vec<String>,
    /// Of the source's id.
    pub id: Option<String>,
    /// Of the time.
    pub time: Option<String>,
    /// Of the author.
    pub author: Option<String>,
    /// Of the channel; a value that is no column's stands for all rows.
    pub channel: Option<String>,
    /// Of the language; the same.
    pub language: Option<String>,
}

type Input = Box<dyn Read + Send>;

/// The rows of a file; see [`stream`].
pub struct Rows {
    name: String,
    shape: Shape,
    plan: Plan,
    options: ReadOptions,
    source: Source,
}

enum Source {
    Text {
        blocks: Blocks<Input>,
        block: String,
        at: usize,
        line: u64,
        header: bool,
        /// What is wrong with the block as a whole.
        fault: Option<String>,
    },
    Table {
        rest: tables::Table<'static>,
        ready: VecDeque<Record>,
        line: u64,
    },
    Done,
}

/// Opens `input`, called `name`, for reading row by row. What `options` do not give is guessed from
/// the name and the beginning, as [`read`](super::read) does. Gzip and Zstandard are undone; Parquet
/// goes through a temporary file, since it is read from its end; workbooks are read whole.
///
/// # Errors
/// As for [`read`](super::read). An archive of several files must be unpacked first.
pub fn stream(input: Input, name: &str, options: &ReadOptions) -> Result<Rows, CorpusError> {
    options.check()?;
    let failed = |e| failed_to_read(e, name, name.as_ref(), options);
    let (magic, input) = sniff(input).map_err(failed)?;
    let limit = options.limits.bytes;
    let (magic, input): (Magic, Input) = match magic {
        Magic::Gzip => {
            let gzip = flate2::read::MultiGzDecoder::new(BufReader::new(input));
            sniff(Box::new(Capped::new(gzip, limit))).map_err(failed)?
        }
        Magic::Zstd => {
            let zstd = zstd::stream::read::Decoder::new(input).map_err(failed)?;
            sniff(Box::new(Capped::new(zstd, limit))).map_err(failed)?
        }
        // Not capped: nothing is unpacked, and a stream may be endless.
        _ => (magic, input),
    };
    let inner = super::names::inner_name(name.rsplit('/').next().unwrap_or(name));
    match magic {
        Magic::Text => text(input, name, &inner, options),
        Magic::Parquet | Magic::Zip | Magic::Compound => {
            let (kind, table) = table(magic, input, name, options)?;
            from_table(kind, table, name, options)
        }
        Magic::Gzip | Magic::Zstd => Err(CorpusError::Format {
            path: name.to_owned(),
            expected: "text, a table or a workbook inside the compression".to_owned(),
            found: "more compression".to_owned(),
        }),
    }
}

fn sniff(mut input: Input) -> io::Result<(Magic, Input)> {
    let head = open::fill(&mut input, 8)?;
    let magic = Magic::of(&head);
    Ok((magic, Box::new(Cursor::new(head).chain(input))))
}

fn text(input: Input, name: &str, inner: &str, options: &ReadOptions) -> Result<Rows, CorpusError> {
    let failed = |e| failed_to_read(e, name, name.as_ref(), options);
    let decoded = open::decode(input, options.encoding.as_deref()).map_err(failed)?;
    let (head, stream) = blocks::peek(decoded.reader).map_err(failed)?;
    let (head, whole) = super::head_text(head);
    if whole && head.trim().is_empty() {
        return Err(CorpusError::Empty { path: name.to_owned() });
    }
    let mut shape = guess::shape(inner, &head, whole, false, options);
    let mut stream: Input = Box::new(stream);
    let mut line = 1;
    if let Splitter::JsonArray { .. } = shape.splitter {
        line += super::skip_to_array(&mut stream, &head, name).map_err(|e| e.unwrap_or_else(failed))?;
    }
    if shape.format == Format::Lines {
        shape.columns = vec!["text".to_owned()];
    }
    let plan = columns::plan(name, &mut shape, None, options)?;
    let blocks = Blocks::new(stream, shape.splitter.clone(), options.limits.record_bytes).at_line(line);
    let source =
        Source::Text { blocks, block: String::new(), at: 0, line, header: shape.header, fault: None };
    Ok(Rows { name: name.to_owned(), shape, plan, options: options.clone(), source })
}

fn table(
    magic: Magic,
    mut input: Input,
    name: &str,
    options: &ReadOptions,
) -> Result<(Format, tables::Table<'static>), CorpusError> {
    let failed = |e| failed_to_read(e, name, name.as_ref(), options);
    let broken = |found| CorpusError::Format {
        path: name.to_owned(),
        expected: "a sound Parquet file or workbook".to_owned(),
        found,
    };
    let mut file = tempfile::tempfile().map_err(CorpusError::io("unpack", name))?;
    let size = io::copy(&mut input, &mut file).map_err(failed)?;
    file.rewind().map_err(failed)?;
    if magic == Magic::Parquet {
        #[cfg(feature = "parquet")]
        return Ok((Format::Parquet, tables::parquet(file).map_err(broken)?));
        #[cfg(not(feature = "parquet"))]
        return Err(broken("Parquet, which this build was made without (feature `parquet`)".to_owned()));
    }
    let mut unpacked = size;
    if magic == Magic::Zip {
        let mut archive =
            zip::ZipArchive::new(BufReader::new(&mut file)).map_err(|e| broken(e.to_string()))?;
        unpacked = tables::workbook_size(&mut archive, options.limits.whole_bytes)
            .ok_or_else(|| broken("an archive of files; unpack it first".to_owned()))?;
    }
    let limit = options.limits.whole_bytes;
    if unpacked.max(size) > limit {
        return Err(CorpusError::Limit {
            path: name.to_owned(),
            limit,
            what: "bytes for a file that must be in memory as a whole",
            option: "max-whole-bytes",
        });
    }
    file.rewind().map_err(failed)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok((Format::Excel, tables::excel(bytes).map_err(broken)?))
}

fn from_table(
    kind: Format,
    mut table: tables::Table<'static>,
    name: &str,
    options: &ReadOptions,
) -> Result<Rows, CorpusError> {
    let first = table.batches.next().unwrap_or_else(|| Ok(Vec::new()));
    let mut records = first.map_err(|found| CorpusError::Format {
        path: name.to_owned(),
        expected: format!("a sound {kind} file"),
        found,
    })?;
    let mut shape = guess::table(kind, table.columns.take(), &mut records, options);
    let plan = columns::plan(name, &mut shape, None, options)?;
    let line = 1 + u64::from(shape.header);
    let source = Source::Table { rest: table, ready: records.into(), line };
    Ok(Rows { name: name.to_owned(), shape, plan, options: options.clone(), source })
}

impl Rows {
    /// The columns' names; numbers from 1 where the file states none.
    pub fn columns(&self) -> &[String] {
        &self.shape.columns
    }

    /// The format found or given.
    pub fn format(&self) -> Format {
        self.shape.format
    }

    /// Whether the file's first row names the columns; always for JSON and Parquet.
    pub fn has_header(&self) -> bool {
        self.shape.header || self.shape.columns.iter().any(|c| c.parse::<usize>().is_err())
    }

    /// What was guessed and why, a sentence each.
    pub fn said(&self) -> &[String] {
        &self.shape.said
    }

    /// What is known of `row`, one of these rows, beside its text.
    pub fn beside<'a>(&'a self, row: &'a Row) -> Beside<'a> {
        let plan = &self.plan;
        let filled = |value: Option<&'a str>| value.map(str::trim).filter(|value| !value.is_empty());
        let at = |column: Option<usize>| filled(column.and_then(|at| row.fields.get(at)));
        Beside {
            id: at(plan.id),
            time: at(plan.time),
            author: at(plan.author),
            channel: filled(plan.channel.get(&row.fields, row.line)),
            language: filled(plan.language.get(&row.fields, row.line)),
        }
    }

    /// Which columns were taken for what.
    pub fn mapping(&self) -> Mapping {
        let plan = &self.plan;
        let name = |at: usize| self.shape.columns.get(at).cloned();
        let from = |from: &From| match from {
            From::Column(at) => name(*at),
            From::Value(value) => Some(value.clone()),
            From::Nowhere | From::Lines(_) => None,
        };
        Mapping {
            text: plan.text.iter().filter_map(|&at| name(at)).collect(),
            id: plan.id.and_then(name),
            time: plan.time.and_then(name),
            author: plan.author.and_then(name),
            channel: from(&plan.channel),
            language: from(&plan.language),
        }
    }

    /// Up to `count` rows; none at the end.
    ///
    /// # Errors
    /// The first that reading meets; the rows before it in this batch are lost.
    pub fn batch(&mut self, count: usize) -> Result<Vec<Row>, CorpusError> {
        self.take(count).collect()
    }

    fn next_of_text(&mut self) -> Option<Result<Row, CorpusError>> {
        let Source::Text { blocks, block, at, line, header, fault: cut } = &mut self.source else {
            return None;
        };
        loop {
            while *at < block.len() {
                let mut row = Row { line: *line, ..Row::default() };
                let (next, fault) = self.shape.splitter.record(block, *at, &mut row.fields);
                let raw = &block[*at..next];
                *line += count_lines(raw.as_bytes());
                *at = next;
                if std::mem::take(header) {
                    continue;
                }
                // An empty line of a file of lines is a row: the output stays aligned with it.
                let lines = matches!(self.shape.splitter, Splitter::Lines);
                if !lines
                    && fault.is_none()
                    && raw.trim_matches([' ', '\r', '\n', ',', ']', '}']).is_empty()
                    && row.fields.len() <= 1
                {
                    continue;
                }
                row.fault = cut.take().or(fault);
                if row.fault.is_some() && row.fields.is_empty() {
                    let text = self.plan.text.first().copied().unwrap_or_default();
                    (0..text).for_each(|_| row.fields.push(""));
                    row.fields.push(raw.trim());
                }
                row.json = json::raw(&self.shape.splitter, raw);
                return Some(Ok(row));
            }
            match blocks.next() {
                Ok(Some(next)) => {
                    *line = next.line;
                    *cut = next.fault();
                    *block = open::utf8_or_1252(next.bytes).0;
                    *at = 0;
                }
                Ok(None) => return None,
                Err(e) => {
                    return Some(Err(failed_to_read(e, &self.name, self.name.as_ref(), &self.options)));
                }
            }
        }
    }

    /// Joins the fields that no column is there for to the last one, as they were written but for
    /// their quotes.
    fn fold_surplus(&self, fields: &mut Record) {
        let columns = self.shape.columns.len();
        if fields.len() <= columns || columns == 0 {
            return;
        }
        let between = match self.shape.splitter {
            Splitter::Delimited { delimiter, .. } => char::from(delimiter),
            _ => ' ',
        };
        let mut folded = Record::default();
        fields.iter().take(columns - 1).for_each(|field| folded.push(field));
        let surplus: Vec<&str> = fields.iter().skip(columns - 1).collect();
        folded.push(&surplus.join(between.encode_utf8(&mut [0; 4])));
        *fields = folded;
    }

    fn next_of_table(&mut self) -> Option<Result<Row, CorpusError>> {
        let Source::Table { rest, ready, line } = &mut self.source else {
            return None;
        };
        while ready.is_empty() {
            match rest.batches.next()? {
                Ok(batch) => ready.extend(batch),
                Err(found) => {
                    return Some(Err(CorpusError::Format {
                        path: self.name.clone(),
                        expected: "a sound file to its end".to_owned(),
                        found,
                    }));
                }
            }
        }
        let row = Row { fields: ready.pop_front()?, line: *line, ..Row::default() };
        *line += 1;
        Some(Ok(row))
    }
}

impl Iterator for Rows {
    type Item = Result<Row, CorpusError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match &self.source {
            Source::Text { .. } => self.next_of_text(),
            Source::Table { .. } => self.next_of_table(),
            Source::Done => None,
        };
        match next {
            Some(Ok(mut row)) => {
                row.fault = row.fault.take().or_else(|| self.plan.width_fault(&row.fields));
                self.plan.text_of(&row.fields, &mut row.text);
                row.fault = row.fault.take().or_else(|| self.plan.length_fault(&row.text));
                if row.fault.is_some() {
                    self.fold_surplus(&mut row.fields);
                }
                Some(Ok(row))
            }
            other => {
                // After an error or the end there is nothing that could be trusted.
                self.source = Source::Done;
                other
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(name: &str, bytes: &[u8]) -> Rows {
        stream(Box::new(Cursor::new(bytes.to_vec())), name, &ReadOptions::default()).unwrap()
    }

    #[test]
    fn rows_keep_all_columns() {
        let mut csv = rows("a.csv", b"id,text,extra\n1,\"a, b\",x\n2,c\n3,d,y\n");
        assert_eq!(csv.columns(), ["id", "text", "extra"]);
        let got = csv.batch(10).unwrap();
        assert_eq!(got.iter().map(|r| r.text.as_str()).collect::<Vec<_>>(), ["a, b", "c", "d"]);
        assert_eq!(got[2].fields.get(2), Some("y"));
        assert!(got[1].fault.as_ref().unwrap().contains("2 fields"));
        assert_eq!(got[2].line, 4);

        let json = rows("a.jsonl", b"{\"text\": \"a\", \"n\": {\"x\": 1}}\n\n{\"text\": \"b\"}\n");
        let got: Vec<Row> = json.map(Result::unwrap).collect();
        assert_eq!(got[0].json.as_deref(), Some("{\"text\": \"a\", \"n\": {\"x\": 1}}"));
        assert_eq!((got.len(), got[1].text.as_str(), got[1].line), (2, "b", 3));

        let options = ReadOptions { channel: Some("review".to_owned()), ..ReadOptions::default() };
        let input = Cursor::new(b"id,date,user,text\n7,2020-01-02, ann ,hello\n8,,,bye\n".to_vec());
        let mut known = stream(Box::new(input), "k.csv", &options).unwrap();
        let mapping = known.mapping();
        assert_eq!((mapping.text, mapping.author), (vec!["text".to_owned()], Some("user".to_owned())));
        let got = known.batch(2).unwrap();
        let beside = known.beside(&got[0]);
        assert_eq!((beside.id, beside.time, beside.author), (Some("7"), Some("2020-01-02"), Some("ann")));
        assert_eq!((beside.channel, known.beside(&got[1]).author), (Some("review"), None));

        let lines = rows("-", b"one line\n\nanother, with a comma\n");
        assert_eq!(lines.columns(), ["text"]);
        assert_eq!(
            lines.map(|r| r.unwrap().text).collect::<Vec<_>>(),
            ["one line", "", "another, with a comma"]
        );

        let array = rows("a.json", br#"{"data": [{"text": "a"}, {"text": "b"}], "next": 1}"#);
        assert_eq!(array.map(|r| r.unwrap().text).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_line_of_forty_megabytes_is_one_row_with_a_fault() {
        for name in ["a.txt", "a.csv", "a.jsonl"] {
            let (open, close) = match name {
                "a.jsonl" => ("{\"text\": \"", "\"}"),
                _ => ("", ""),
            };
            let head = if name == "a.csv" { "text\n" } else { "" };
            let file = format!(
                "{head}{open}one{close}\n{open}{}{close}\n{open}three{close}\n",
                "é".repeat(20 << 20)
            );
            let got: Vec<Row> = rows(name, file.as_bytes()).map(Result::unwrap).collect();
            let first = u64::from(name == "a.csv") + 1;
            let lines: Vec<u64> = got.iter().map(|r| r.line).collect();
            assert_eq!(lines, [first, first + 1, first + 2], "{name}");
            let faults: Vec<bool> = got.iter().map(|r| r.fault.is_some()).collect();
            assert_eq!(faults, [false, true, false], "{name}");
            assert!(got[1].fault.as_ref().unwrap().contains("--max-record-bytes"));
            assert!(got[1].text.ends_with('é') && got[2].text == "three", "{name}");
        }
    }

    #[test]
    fn a_text_past_the_limit_is_a_fault_and_not_scored() {
        let mut options = ReadOptions::default();
        options.limits.text_chars = 3;
        let input = Cursor::new("text,n\néàü,1\nfour,2\n".as_bytes());
        let got: Vec<Row> = stream(Box::new(input), "a.csv", &options).unwrap().map(Result::unwrap).collect();
        assert_eq!((got[0].fault.as_deref(), got[1].fields.get(1)), (None, Some("2")));
        assert!(got[1].fault.as_ref().unwrap().contains("4 characters"), "{:?}", got[1].fault);
    }

    #[test]
    fn broken_rows_keep_what_they_held() {
        let quoted = ReadOptions { quote: crate::options::Quote::On, ..ReadOptions::default() };
        let fields = |row: &Row| row.fields.iter().map(str::to_owned).collect::<Vec<_>>();
        let csv =
            stream(Box::new(Cursor::new(b"id,text,n\n1,a,b,c\n2,\"open, x\n3,d,y\n4,e\n")), "a.csv", &quoted)
                .unwrap()
                .map(Result::unwrap);
        let got: Vec<(bool, Vec<String>)> = csv.map(|r| (r.fault.is_some(), fields(&r))).collect();
        let want = [
            (true, vec!["1", "a", "b,c"]),
            (true, vec!["2", "\"open, x"]),
            (false, vec!["3", "d", "y"]),
            (true, vec!["4", "e"]),
        ];
        let want = want.map(|(fault, row)| (fault, row.into_iter().map(str::to_owned).collect::<Vec<_>>()));
        assert_eq!(got, want);

        let broken = "{\"id\": 2, \"text\": \"b";
        let file = format!("{{\"id\": 1, \"text\": \"a\"}}\n{broken}\n{{\"id\": 3, \"text\": \"c\"}}\n");
        let got: Vec<Row> = rows("a.jsonl", file.as_bytes()).map(Result::unwrap).collect();
        assert_eq!((got.len(), fields(&got[1])), (3, vec![String::new(), broken.to_owned()]));
        assert!(got[1].fault.is_some() && got[2].fault.is_none());
    }

    proptest::proptest! {
        #[test]
        fn garbage_ends(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), magic in 0usize..7) {
            let heads: [&[u8]; 7] = [b"", b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xd0\xcf\x11\xe0", b"[{"];
            let bytes = [heads[magic], &bytes].concat();
            if let Ok(rows) = stream(Box::new(Cursor::new(bytes)), "x", &ReadOptions::default()) {
                for row in rows {
                    let _ = row;
                }
            }
        }
    }
}
