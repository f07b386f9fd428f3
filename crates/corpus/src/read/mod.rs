//! Files become a corpus: open → decode → guess → blocks → parts, in parallel → one corpus.

mod blocks;
mod columns;
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
pub use self::stream::{Row, Rows, stream};

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::corpus::Corpus;
use crate::error::CorpusError;
use crate::label::{self, named_class};
use crate::options::{Format, ReadOptions};
use crate::report::{FileReport, Progress, ReadReport};

use self::blocks::{Block, Blocks};
use self::guess::Shape;
use self::names::{aligned_labels, file_name, inner_name, match_name};
use self::open::{Capped, Magic, Tallied, Tally};
use self::plan::{From, MAX_LABELS, Part, Plan};
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

    /// What was inside a compressed stream: text, or a file that must be in memory to be read.
    fn unpacked(&mut self, mut reader: impl Read, origin: &Origin<'_>) -> Result<(), CorpusError> {
        let head = open::fill(&mut reader, 8).map_err(|e| failed(e, origin, self.options))?;
        let magic = Magic::of(&head);
        let stream = Cursor::new(head).chain(reader);
        match magic {
            Magic::Zip | Magic::Compound => self.excel(stream, origin),
            Magic::Parquet => {
                // Parquet is read from its end: unpack it to where that can be found.
                let mut stream = stream;
                let mut file = tempfile::tempfile().map_err(CorpusError::io("unpack", origin.path))?;
                io::copy(&mut stream, &mut file).map_err(|e| failed(e, origin, self.options))?;
                self.parquet(file, origin)
            }
            Magic::Text => self.text(stream, origin),
            Magic::Gzip | Magic::Zstd => Err(CorpusError::Format {
                path: origin.name.clone(),
                expected: "text, a table or a workbook inside the compression".to_owned(),
                found: "more compression".to_owned(),
            }),
        }
    }

    /// A zip archive: a workbook, or members of which each is a file of its own.
    fn archive(&mut self, file: File, origin: &Origin<'_>) -> Result<(), CorpusError> {
        let broken = |e: zip::result::ZipError| CorpusError::Format {
            path: origin.name.clone(),
            expected: "a zip archive".to_owned(),
            found: format!("a damaged one ({e})"),
        };
        let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(broken)?;
        if let Some(size) = tables::workbook_size(&mut archive) {
            self.check_whole(size, origin)?;
            let file = File::open(origin.path).map_err(CorpusError::io("open", origin.path))?;
            return self.excel(file, origin);
        }
        let before = self.report.files.len();
        for at in 0..archive.len() {
            let member = archive.by_index(at).map_err(broken)?;
            let name = member.name().map_err(broken)?.into_owned();
            let base = name.rsplit('/').next().unwrap_or_default();
            // Folders, and what desktop systems add.
            if member.is_dir() || base.starts_with('.') || name.starts_with("__MACOSX/") || base.is_empty() {
                continue;
            }
            let origin = Origin {
                path: origin.path,
                name: format!("{}/{name}", origin.name),
                inner: inner_name(base),
                total: origin.total,
                tally: origin.tally,
                source: Some(base.to_owned()),
            };
            self.unpacked(Capped::new(member, self.options.limits.bytes), &origin)?;
        }
        if self.report.files.len() == before {
            return Err(CorpusError::Empty { path: origin.name.clone() });
        }
        Ok(())
    }

    fn check_whole(&self, size: u64, origin: &Origin<'_>) -> Result<(), CorpusError> {
        let limit = self.options.limits.whole_bytes;
        if size <= limit {
            return Ok(());
        }
        Err(CorpusError::Limit {
            path: origin.name.clone(),
            limit,
            what: "bytes for a file that must be in memory as a whole",
            option: "max-whole-bytes",
        })
    }

    /// All bytes of a file that must be in memory as a whole.
    fn whole(&self, reader: impl Read, origin: &Origin<'_>) -> Result<Vec<u8>, CorpusError> {
        let mut bytes = Vec::new();
        let limit = self.options.limits.whole_bytes;
        reader
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| failed(e, origin, self.options))?;
        self.check_whole(bytes.len() as u64, origin)?;
        Ok(bytes)
    }

    fn excel(&mut self, reader: impl Read, origin: &Origin<'_>) -> Result<(), CorpusError> {
        let bytes = self.whole(reader, origin)?;
        // A workbook inside another compression has not been sized yet.
        if let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes.as_slice()))
            && let Some(size) = tables::workbook_size(&mut archive)
        {
            self.check_whole(size, origin)?;
        }
        let table = tables::excel(bytes).map_err(|found| CorpusError::Format {
            path: origin.name.clone(),
            expected: "an Excel or OpenDocument workbook".to_owned(),
            found,
        })?;
        self.table(Format::Excel, table, origin)
    }

    #[cfg(feature = "parquet")]
    fn parquet(&mut self, input: File, origin: &Origin<'_>) -> Result<(), CorpusError> {
        let table = tables::parquet(input).map_err(|found| CorpusError::Format {
            path: origin.name.clone(),
            expected: "a Parquet file".to_owned(),
            found,
        })?;
        self.table(Format::Parquet, table, origin)
    }

    #[cfg(not(feature = "parquet"))]
    fn parquet(&mut self, _: File, origin: &Origin<'_>) -> Result<(), CorpusError> {
        Err(CorpusError::Format {
            path: origin.name.clone(),
            expected: "a format that this build reads".to_owned(),
            found: "Parquet, which it was built without (feature `parquet`)".to_owned(),
        })
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
        plan.source.clone_from(&origin.source);
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
        plan.source.clone_from(&origin.source);
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

    /// Parses a batch of blocks on all cores while this thread reads the next one. Gives the number
    /// of lines.
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
        while !batch.is_empty() {
            let mut parts = Vec::new();
            let mut next = Ok(Vec::new());
            rayon::in_place_scope(|scope| {
                let parts = &mut parts;
                let name = &name;
                scope.spawn(move |_| {
                    batch
                        .into_par_iter()
                        .map(|block| parse(block, shape, plan, name))
                        .collect_into_vec(parts);
                });
                next = blocks.batch(count);
            });
            for (part, part_lines) in parts {
                lines += part_lines;
                self.absorb(part, file, origin)?;
            }
            self.advance(origin)?;
            batch = next.map_err(failed)?;
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

    /// Adds a part to the corpus and its counts to the report.
    fn absorb(&mut self, part: Part, file: &mut FileReport, origin: &Origin<'_>) -> Result<(), CorpusError> {
        const MAX_RAW: usize = 1000;
        let too_many = |example: &str| CorpusError::NotLabels {
            path: origin.name.clone(),
            limit: MAX_LABELS,
            example: example.to_owned(),
        };
        if self.options.map.is_none() && part.labels.len() > MAX_LABELS {
            return Err(too_many(&part.labels[MAX_LABELS].raw));
        }
        self.corpus.append(&part.corpus).map_err(|label| too_many(&label))?;
        if self.options.map.is_none() && self.corpus.labels().len() > MAX_LABELS {
            return Err(too_many(&self.corpus.labels()[MAX_LABELS]));
        }
        for label in part.labels {
            let count = |map: &mut BTreeMap<String, u64>| {
                let known = map.len() < MAX_RAW || map.contains_key(&label.raw);
                let name = if known { label.raw.clone() } else { "(others)".to_owned() };
                *map.entry(name).or_default() += label.rows;
            };
            count(&mut file.raw_labels);
            if self.report.label_map.len() < MAX_RAW {
                self.report.label_map.insert(label.raw.clone(), label.class.clone());
            }
            if label.class.is_none() {
                count(&mut file.unmapped);
            }
        }
        for (class, rows) in part.corpus.labels().iter().zip(part.corpus.class_counts()) {
            *file.classes.entry(class.clone()).or_default() += rows as u64;
        }
        file.rows += part.rows;
        file.kept += part.corpus.len() as u64;
        file.bad += part.bad_rows.len() as u64;
        file.unlabelled += part.unlabelled;
        file.empty += part.empty;
        file.skipped += part.skipped;
        file.too_long += part.too_long;
        file.bad_times += part.bad_times;
        file.recoded_lines += part.recoded_lines;
        file.damaged += part.damaged;
        file.double_encoded += part.double_encoded;
        file.mended += part.mended;
        let room = ReadReport::MAX_BAD_ROWS.saturating_sub(self.report.bad_rows.len());
        self.report.bad_rows.extend(part.bad_rows.into_iter().take(room));
        let limit = self.options.limits.rows;
        if self.corpus.len() as u64 > limit {
            return Err(CorpusError::Limit {
                path: origin.name.clone(),
                limit,
                what: "rows",
                option: "max-rows",
            });
        }
        // A file of another kind altogether should not be read to its end before that is said.
        const ENOUGH: u64 = 10_000;
        if file.bad > ENOUGH { self.check_bad(file, origin) } else { Ok(()) }
    }

    fn check_bad(&self, file: &FileReport, origin: &Origin<'_>) -> Result<(), CorpusError> {
        if file.bad as f64 <= self.options.max_bad_rows * file.rows as f64 {
            return Ok(());
        }
        let Some(first) = self.report.bad_rows.iter().find(|b| b.file == origin.name) else {
            return Ok(());
        };
        Err(CorpusError::TooManyBad {
            path: origin.name.clone(),
            bad: file.bad,
            rows: file.rows,
            percent: self.options.max_bad_rows * 100.0,
            first: Box::new(first.clone()),
        })
    }

    fn close(&mut self, mut file: FileReport, origin: &Origin<'_>) -> Result<(), CorpusError> {
        self.check_bad(&file, origin)?;
        if file.rows == 0 {
            return Err(CorpusError::Empty { path: origin.name.clone() });
        }
        if file.recoded_lines > 0 {
            file.encoding = "UTF-8 and windows-1252".to_owned();
        }
        file.bytes = origin.total;
        file.blake3 = origin.tally.blake3();
        self.report.files.push(file);
        Ok(())
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

    fn finish(mut self) -> Result<(Corpus, ReadReport), CorpusError> {
        if self.options.map.is_some() {
            self.corpus.sort_labels();
        } else if !self.corpus.labels().is_empty() {
            let raw = self.corpus.labels().to_vec();
            let guessed = label::guess(&raw, self.options.format.or(self.format));
            self.corpus.rename_labels(&guessed.classes);
            self.report.label_map = raw.into_iter().zip(guessed.classes).collect();
            self.report.said.push(guessed.said);
            for file in &mut self.report.files {
                for (raw, rows) in std::mem::take(&mut file.classes) {
                    let class = self.report.label_map.get(&raw).cloned().flatten();
                    *file.classes.entry(class.unwrap_or(raw)).or_default() += rows;
                }
            }
        }
        self.report.rows = self.report.files.iter().map(|f| f.rows).sum();
        self.report.kept = self.corpus.len() as u64;
        let counts = self.corpus.class_counts();
        self.report.classes =
            self.corpus.labels().iter().cloned().zip(counts.into_iter().map(|n| n as u64)).collect();
        Ok((self.corpus, self.report))
    }
}

/// Parses one block; gives its lines too.
fn parse(block: Block, shape: &Shape, plan: &Plan, file: &str) -> (Part, u64) {
    let header = block.first && shape.header;
    if let (Some(fault), false) = (block.fault(), header) {
        let mut part = Part::default();
        part.rows = 1;
        part.bad_rows.push(plan::bad_row(file, block.line, fault, &open::utf8_or_1252(block.bytes).0));
        return (part, 1);
    }
    let lines = split::count_lines(&block.bytes) + u64::from(block.bytes.last().is_some_and(|&b| b != b'\n'));
    let (text, recoded) = open::utf8_or_1252(block.bytes);
    let mut part = plan.parse(&shape.splitter, &text, block.line, header, file);
    part.recoded_lines = recoded;
    (part, lines)
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
