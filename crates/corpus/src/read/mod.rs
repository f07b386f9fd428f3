//! Files become a corpus: open → decode → guess → blocks → parts, in parallel → one corpus.

mod blocks;
mod columns;
mod containers;
mod counts;
mod guess;
mod json;
mod mend;
mod names;
mod open;
mod plan;
mod split;
mod stream;
mod tables;
mod thread;

pub use self::mend::undouble;
pub use self::split::Record;
pub use self::stream::{Beside, Mapping, Row, Rows, stream};

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::corpus::Corpus;
use crate::error::CorpusError;
use crate::label::named_class;
use crate::options::{Format, ReadOptions};
use crate::report::{FileReport, Progress, ReadReport};

use self::blocks::{Block, Blocks};
use self::guess::Shape;
use self::names::{aligned_labels, file_name, inner_name, match_name};
use self::open::{Capped, Magic, Tallied, Tally};
use self::plan::{From, Part, Plan};
use self::split::Splitter;

/// Called between blocks; `Break` stops the work.
type OnProgress<'a> = &'a mut dyn FnMut(Progress<'_>) -> ControlFlow<()>;

/// Reads `paths` into one corpus, and says what was found.
///
/// Rows keep the order of the files and of the rows in them, whatever the number of threads. Labels
/// are mapped by `options.map`, or by what the set of all of them looks like. Memory is bounded by
/// the corpus and a few blocks of each file; Excel workbooks and compressed Parquet files are read
/// whole, up to `limits.whole_bytes`.
///
/// # Errors
/// See [`CorpusError`]: unreadable files, columns that are not there, too many broken rows, limits.
pub fn read(
    paths: &[PathBuf],
    options: &ReadOptions,
    progress: OnProgress<'_>,
) -> Result<(Corpus, ReadReport), CorpusError> {
    if paths.is_empty() {
        return Err(CorpusError::NoFiles);
    }
    options.check()?;
    let mut reading =
        Reading { options, progress, corpus: Corpus::new(), report: ReadReport::default(), format: None };
    for path in paths {
        reading.path(path, paths.len() > 1)?;
    }
    reading.finish()
}

struct Reading<'a> {
    options: &'a ReadOptions,
    progress: OnProgress<'a>,
    corpus: Corpus,
    report: ReadReport,
    /// The format of the last file, which settles what a set of labels means.
    format: Option<Format>,
}

/// Where a stream comes from.
struct Origin<'a> {
    /// The file on disk.
    path: &'a Path,
    /// The file, and after a slash the archive's member: what errors and reports call it.
    name: String,
    /// The name of the file or member without what compression appends.
    inner: String,
    total: u64,
    tally: &'a Tally,
    source: Option<String>,
}

impl Reading<'_> {
    fn path(&mut self, path: &Path, several: bool) -> Result<(), CorpusError> {
        let file = File::open(path).map_err(CorpusError::io("open", path))?;
        let total = file.metadata().map_err(CorpusError::io("read", path))?.len();
        let (mut tallied, tally) = Tallied::new(file);
        let head = open::fill(&mut tallied, 8).map_err(CorpusError::io("read", path))?;
        let magic = Magic::of(&head);
        let mut stream = Cursor::new(head).chain(tallied);
        let source = several.then(|| file_name(path));
        let name = path.display().to_string();
        let origin = Origin { path, name, inner: inner_name(&file_name(path)), total, tally: &tally, source };
        let failed = CorpusError::io("read", path);
        let limit = self.options.limits.bytes;
        match magic {
            Magic::Gzip => {
                let gzip = flate2::read::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, stream));
                self.unpacked(Capped::new(gzip, limit), &origin)
            }
            Magic::Zstd => {
                let zstd = zstd::stream::read::Decoder::new(stream).map_err(failed)?;
                self.unpacked(Capped::new(zstd, limit), &origin)
            }
            Magic::Text => self.text(Capped::new(stream, limit), &origin),
            // These are read here and there, not from front to end: hash first.
            Magic::Zip | Magic::Parquet | Magic::Compound => {
                io::copy(&mut stream, &mut io::sink()).map_err(failed)?;
                let file = File::open(path).map_err(CorpusError::io("open", path))?;
                match magic {
                    Magic::Zip => self.archive(file, &origin),
                    Magic::Parquet => self.parquet(file, &origin),
                    _ => self.excel(file, &origin),
                }
            }
        }
    }

    /// Records that come ready.
    fn table(
        &mut self,
        kind: Format,
        table: tables::Table<'_>,
        origin: &Origin<'_>,
    ) -> Result<(), CorpusError> {
        let broken = |found| CorpusError::Format {
            path: origin.name.clone(),
            expected: format!("a sound {kind} file"),
            found,
        };
        let mut batches = table.batches;
        let mut records = batches.next().unwrap_or_else(|| Ok(Vec::new())).map_err(broken)?;
        let mut shape = guess::table(kind, table.columns, &mut records, self.options);
        let from_name = self.label_from_name(&origin.inner, shape.format)?;
        let mut plan = columns::plan(&origin.name, &mut shape, from_name, self.options)?;
        plan.source = origin.source.clone().filter(|_| self.options.keep.origins);
        self.format = Some(shape.format);
        let mut file = FileReport {
            path: PathBuf::from(&origin.name),
            format: describe(&shape, &plan),
            said: std::mem::take(&mut shape.said),
            encoding: "UTF-8".to_owned(),
            ..FileReport::default()
        };
        let mut line = 1 + u64::from(shape.header);
        while !records.is_empty() {
            let part = plan.take_all(&records, line, &origin.name);
            line += records.len() as u64;
            self.absorb(part, &mut file, origin)?;
            self.advance(origin)?;
            records = batches.next().unwrap_or_else(|| Ok(Vec::new())).map_err(broken)?;
        }
        self.close(file, origin)
    }

    /// A stream of text of whatever encoding and layout.
    fn text(&mut self, reader: impl Read, origin: &Origin<'_>) -> Result<(), CorpusError> {
        let options = self.options;
        let failed = |e: io::Error| failed(e, origin, options);
        let decoded = open::decode(reader, self.options.encoding.as_deref()).map_err(failed)?;
        let (head, mut stream) = blocks::peek(decoded.reader).map_err(failed)?;
        let (head, whole) = head_text(head);
        if whole && head.trim().is_empty() {
            return Err(CorpusError::Empty { path: origin.name.clone() });
        }
        let labels_file = aligned_labels(origin.path);
        let mut shape = guess::shape(&origin.inner, &head, whole, labels_file.is_some(), self.options);
        let mut line = 1;
        if let Splitter::JsonArray { .. } = shape.splitter {
            line += skip_to_array(&mut stream, &head, &origin.name).map_err(|e| e.unwrap_or_else(failed))?;
        }
        let from_name = self.label_from_name(&origin.inner, shape.format)?;
        let mut plan = columns::plan(&origin.name, &mut shape, from_name, self.options)?;
        plan.source = origin.source.clone().filter(|_| self.options.keep.origins);
        let aligned = match &labels_file {
            Some(path) if shape.format == Format::Tweeteval => {
                let raw = std::fs::read_to_string(path).map_err(CorpusError::io("read", path))?;
                shape.said.retain(|s| !s.starts_with("no label column"));
                shape.said.push(format!("labels: line by line from {}", path.display()));
                let lines: Vec<String> = raw.lines().map(str::to_owned).collect();
                let rows = lines.len() as u64;
                plan.label = From::Lines(lines);
                Some((path.clone(), rows))
            }
            _ => None,
        };
        let mut file = FileReport {
            path: PathBuf::from(&origin.name),
            format: describe(&shape, &plan),
            said: std::mem::take(&mut shape.said),
            encoding: decoded.encoding.to_owned(),
            bom: decoded.bom,
            ..FileReport::default()
        };
        self.format = Some(shape.format);
        let blocks =
            Blocks::new(stream, shape.splitter.clone(), self.options.limits.record_bytes).at_line(line);
        let lines = self.blocks(blocks, &shape, &plan, &mut file, origin)?;
        if let Some((labels, label_rows)) = aligned
            && lines != label_rows
        {
            return Err(CorpusError::Aligned {
                texts: origin.name.clone(),
                text_rows: lines,
                labels: labels.display().to_string(),
                label_rows,
            });
        }
        self.close(file, origin)
    }

    /// Parses a batch of blocks on all cores while this thread reads the next one and puts the one
    /// before into the corpus. Gives the number of lines.
    fn blocks(
        &mut self,
        mut blocks: Blocks<impl Read>,
        shape: &Shape,
        plan: &Plan,
        file: &mut FileReport,
        origin: &Origin<'_>,
    ) -> Result<u64, CorpusError> {
        let count = rayon::current_num_threads() * 2;
        let options = self.options;
        let failed = |e: io::Error| failed(e, origin, options);
        let mut batch = blocks.batch(count).map_err(failed)?;
        let name = origin.name.clone();
        let mut lines = 0;
        let mut parts: Vec<Parsed> = Vec::new();
        while !batch.is_empty() || !parts.is_empty() {
            let (mut parsed, mut next, mut absorbed) = (Vec::new(), Ok(Vec::new()), Ok(()));
            rayon::in_place_scope(|scope| {
                let parsed = &mut parsed;
                let name = &name;
                scope.spawn(move |_| {
                    batch
                        .into_par_iter()
                        .map(|block| parse(block, shape, plan, name))
                        .collect_into_vec(parsed);
                });
                absorbed = parts.drain(..).try_for_each(|Parsed { part, lines: more, buffer }| {
                    lines += more;
                    blocks.recycle(buffer);
                    self.absorb(part, file, origin)
                });
                next = blocks.batch(count);
            });
            absorbed?;
            self.advance(origin)?;
            parts = parsed;
            batch = match next {
                Ok(batch) => batch,
                Err(error) => {
                    // What was read before has the first word.
                    parts.into_iter().try_for_each(|parsed| self.absorb(parsed.part, file, origin))?;
                    return Err(failed(error));
                }
            };
        }
        Ok(lines)
    }

    fn advance(&mut self, origin: &Origin<'_>) -> Result<(), CorpusError> {
        let progress = Progress {
            path: origin.path,
            bytes: origin.tally.bytes(),
            total_bytes: origin.total,
            rows: self.corpus.len() as u64,
        };
        match (self.progress)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(CorpusError::Interrupted),
        }
    }

    fn label_from_name(&self, name: &str, format: Format) -> Result<Option<String>, CorpusError> {
        match &self.options.label_from_name {
            Some(pattern) => match match_name(pattern, name) {
                Some(label) => Ok(Some(label.to_owned())),
                None => Err(CorpusError::Option(format!(
                    "the file name {name:?} does not match the pattern {pattern:?} of --label-from-name"
                ))),
            },
            None if format == Format::Lines && self.options.label.is_none() => Ok(name
                .split(|c: char| !c.is_alphanumeric())
                .find(|word| named_class(word).is_some())
                .map(str::to_owned)),
            None => Ok(None),
        }
    }
}

/// What a block came to.
struct Parsed {
    part: Part,
    lines: u64,
    /// The block's memory.
    buffer: Vec<u8>,
}

fn parse(block: Block, shape: &Shape, plan: &Plan, file: &str) -> Parsed {
    let header = block.first && shape.header;
    if let (Some(fault), false) = (block.fault(), header) {
        let mut part = Part::default();
        part.rows = 1;
        part.bad_rows.push(plan::bad_row(file, block.line, fault, &open::utf8_or_1252(block.bytes).0));
        return Parsed { part, lines: 1, buffer: Vec::new() };
    }
    let lines = block.line_ends + u64::from(block.bytes.last().is_some_and(|&b| b != b'\n'));
    let (text, recoded) = open::utf8_or_1252(block.bytes);
    let mut part = plan.parse(&shape.splitter, &text, block.line, header, file);
    part.recoded_lines = recoded;
    Parsed { part, lines, buffer: text.into_bytes() }
}

fn failed(error: io::Error, origin: &Origin<'_>, options: &ReadOptions) -> CorpusError {
    failed_to_read(error, &origin.name, origin.path, options)
}

/// What an error of the stream called `name` means for people.
fn failed_to_read(error: io::Error, name: &str, path: &Path, options: &ReadOptions) -> CorpusError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => CorpusError::Limit {
            path: name.to_owned(),
            limit: options.limits.bytes,
            what: "bytes after decompression",
            option: "max-bytes",
        },
        io::ErrorKind::Unsupported if options.encoding.is_some() => CorpusError::Option(format!(
            "no encoding {:?}; there are utf-8, windows-1252, utf-16le, windows-1256 and the other names of the WHATWG's list",
            options.encoding.as_deref().unwrap_or_default()
        )),
        _ => CorpusError::Io { doing: "read", path: path.to_owned(), source: error },
    }
}

/// The head of a stream as whole lines of text, and whether it is all of it.
fn head_text(mut head: Vec<u8>) -> (String, bool) {
    let whole = head.len() < blocks::HEAD;
    if !whole && let Some(at) = memchr::memrchr(b'\n', &head) {
        head.truncate(at + 1);
    }
    (open::utf8_or_1252(head).0, whole)
}

/// Reads up to the array of records; gives the lines before it. An error of the file itself is the
/// caller's to word.
fn skip_to_array(stream: &mut impl Read, head: &str, name: &str) -> Result<u64, ArrayError> {
    let Some(start) = json::array_start(head.as_bytes()) else {
        return Err(ArrayError::Shape(CorpusError::Format {
            path: name.to_owned(),
            expected: "a JSON array of objects".to_owned(),
            found: "no opening bracket in the first 256 KiB".to_owned(),
        }));
    };
    let skipped = open::fill(stream, start + 1).map_err(ArrayError::Io)?;
    Ok(split::count_lines(&skipped))
}

enum ArrayError {
    Io(io::Error),
    Shape(CorpusError),
}

impl ArrayError {
    fn unwrap_or_else(self, word: impl FnOnce(io::Error) -> CorpusError) -> CorpusError {
        match self {
            Self::Io(e) => word(e),
            Self::Shape(e) => e,
        }
    }
}

fn describe(shape: &Shape, plan: &Plan) -> String {
    let column = |at: &usize| shape.columns.get(*at).cloned().unwrap_or_default();
    let text: Vec<String> = plan.text.iter().map(column).collect();
    let split = match &shape.splitter {
        Splitter::Delimited { delimiter, quote } => format!(
            ", delimiter {:?}, quotes {}, {}",
            char::from(*delimiter),
            quote.name(),
            if shape.header { "header" } else { "no header" }
        ),
        Splitter::Pair { delimiter, .. } => format!(", delimiter {delimiter:?}"),
        _ => String::new(),
    };
    format!("{}{split}, text {}", shape.format, text.join("+"))
}
