//! Scored rows go out with the columns they came in with.

use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::CorpusError;
use crate::read::Row;

/// How scored rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputFormat {
    /// Comma-separated, with a header.
    Csv,
    /// Tab-separated, with a header.
    Tsv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet; the input's columns are strings.
    #[cfg(feature = "parquet")]
    Parquet,
}

/// Endings of files that are read, or that other programs write, and that [`Writer`] does not.
const UNWRITABLE: [&str; 16] = [
    "xlsx", "xls", "xlsm", "xlsb", "ods", "gz", "tgz", "zst", "zstd", "zip", "bz2", "xz", "7z", "feather",
    "arrow", "orc",
];

impl OutputFormat {
    /// The format of an output file by its name; `None` where the name states none and the input's
    /// can be followed.
    ///
    /// # Errors
    /// [`CorpusError::Option`] for an ending that promises what is not written: a workbook, a
    /// compressed file, or Parquet in a build without it. Nothing should be written under such a name.
    pub fn for_output(name: &str) -> Result<Option<Self>, CorpusError> {
        let ending = Path::new(name).extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if UNWRITABLE.contains(&ending.as_str()) || ending == "parquet" && !cfg!(feature = "parquet") {
            return Err(CorpusError::Option(format!(
                "cannot write {name}: found the ending .{ending}, expected {}",
                if cfg!(feature = "parquet") {
                    ".csv, .tsv, .jsonl or .parquet"
                } else {
                    ".csv, .tsv or .jsonl"
                }
            )));
        }
        Ok(Self::of_name(&format!(".{ending}")))
    }

    /// The format that a file's name ends in, such as `.csv` or `scored.csv`.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.rsplit('.').next()?.to_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            #[cfg(feature = "parquet")]
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// What a model says of one text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score<'a> {
    /// The class; `None` where the model abstains.
    pub sentiment: Option<&'a str>,
    /// The text's language, where the model tells it.
    pub language: Option<&'a str>,
    /// The largest probability, in `[0, 1]`.
    pub confidence: f32,
    /// One probability for each label given to [`Writer::new`], in that order.
    pub probabilities: &'a [f32],
}

/// Writes rows with `sentiment`, `confidence` and `probability_CLASS` behind their own columns, and
/// `language` where the model tells it. A column of the input that has one of these names keeps it; ours is
/// then called `predicted_…`.
pub struct Writer {
    columns: Vec<String>,
    added: Added,
    sink: Sink,
}

/// What stands behind the input's own columns: strings first, then numbers.
struct Added {
    names: Vec<String>,
    strings: usize,
}

/// A value in a column of ours.
enum Cell<'a> {
    Text(Option<&'a str>),
    Number(Option<f32>),
}

impl Added {
    fn cell<'a>(&self, score: Option<Score<'a>>, at: usize) -> Cell<'a> {
        match at {
            0 => Cell::Text(score.and_then(|score| score.sentiment)),
            _ if at < self.strings => Cell::Text(score.and_then(|score| score.language)),
            _ if at == self.strings => Cell::Number(score.map(|score| score.confidence)),
            _ => Cell::Number(score.and_then(|s| s.probabilities.get(at - self.strings - 1).copied())),
        }
    }
}

enum Sink {
    Csv(Box<csv::Writer<Box<dyn Write + Send>>>),
    Jsonl(Box<dyn Write + Send>),
    #[cfg(feature = "parquet")]
    Parquet(Box<columnar::Columnar>),
}

impl Writer {
    /// Starts the output: `columns` of the input, `labels` of the model, and whether it tells languages.
    ///
    /// # Errors
    /// The output's own.
    pub fn new(
        out: Box<dyn Write + Send>,
        format: OutputFormat,
        columns: &[String],
        labels: &[String],
        languages: bool,
    ) -> io::Result<Self> {
        let strings = ["sentiment", "language"].into_iter().take(1 + usize::from(languages));
        let plain = strings.chain(["confidence"]).map(str::to_owned);
        let added = plain.chain(labels.iter().map(|l| format!("probability_{l}")));
        let names: Vec<String> = added
            .map(|mut name| {
                while columns.contains(&name) {
                    name.insert_str(0, "predicted_");
                }
                name
            })
            .collect();
        let added = Added { names, strings: 1 + usize::from(languages) };
        let mut sink = match format {
            OutputFormat::Jsonl => Sink::Jsonl(out),
            #[cfg(feature = "parquet")]
            OutputFormat::Parquet => Sink::Parquet(Box::new(columnar::Columnar::new(out, columns, &added)?)),
            OutputFormat::Csv | OutputFormat::Tsv => {
                let delimiter = if format == OutputFormat::Tsv { b'\t' } else { b',' };
                Sink::Csv(Box::new(csv::WriterBuilder::new().delimiter(delimiter).from_writer(out)))
            }
        };
        if let Sink::Csv(csv) = &mut sink {
            csv.write_record(columns.iter().chain(&added.names))?;
        }
        Ok(Self { columns: columns.to_vec(), added, sink })
    }

    /// Writes one row; one without a score has nothing in our columns.
    ///
    /// # Errors
    /// The output's own.
    pub fn write(&mut self, row: &Row, score: Option<Score<'_>>) -> io::Result<()> {
        match &mut self.sink {
            Sink::Csv(csv) => {
                for at in 0..self.columns.len() {
                    csv.write_field(row.fields.get(at).unwrap_or_default())?;
                }
                for at in 0..self.added.names.len() {
                    match self.added.cell(score, at) {
                        Cell::Text(text) => csv.write_field(text.unwrap_or_default())?,
                        Cell::Number(number) => {
                            csv.write_field(number.map(|n| n.to_string()).unwrap_or_default())?;
                        }
                    }
                }
                csv.write_record(None::<&[u8]>)?;
                Ok(())
            }
            Sink::Jsonl(out) => json_row(out, row, score, &self.columns, &self.added),
            #[cfg(feature = "parquet")]
            Sink::Parquet(columnar) => columnar.write(row, score, &self.added),
        }
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// The output's own.
    pub fn finish(self) -> io::Result<()> {
        match self.sink {
            Sink::Csv(mut csv) => csv.flush(),
            Sink::Jsonl(mut out) => out.flush(),
            #[cfg(feature = "parquet")]
            Sink::Parquet(columnar) => columnar.finish(),
        }
    }
}

fn json_row(
    out: &mut dyn Write,
    row: &Row,
    score: Option<Score<'_>>,
    columns: &[String],
    added: &Added,
) -> io::Result<()> {
    // An object that came as JSON goes out as it was written, nested values and all.
    let own = row.json.as_deref().and_then(|raw| raw.trim().strip_prefix('{')?.strip_suffix('}'));
    let mut first = true;
    let mut separate = |out: &mut dyn Write| {
        let sign = if std::mem::take(&mut first) { "{" } else { "," };
        out.write_all(sign.as_bytes())
    };
    match own.filter(|_| row.fault.is_none()) {
        Some(own) if own.trim().is_empty() => {}
        Some(own) => {
            separate(out)?;
            // Line ends are allowed between a JSON array's values, not inside a JSON Lines row.
            out.write_all(own.trim().replace(['\n', '\r'], " ").as_bytes())?;
        }
        None => {
            for (at, column) in columns.iter().enumerate() {
                separate(out)?;
                serde_json::to_writer(&mut *out, column)?;
                out.write_all(b":")?;
                serde_json::to_writer(&mut *out, row.fields.get(at).unwrap_or_default())?;
            }
        }
    }
    for (at, name) in added.names.iter().enumerate() {
        separate(out)?;
        serde_json::to_writer(&mut *out, name)?;
        out.write_all(b":")?;
        match added.cell(score, at) {
            Cell::Text(text) => serde_json::to_writer(&mut *out, &text)?,
            Cell::Number(number) => serde_json::to_writer(&mut *out, &number)?,
        }
    }
    out.write_all(b"}\n")
}

#[cfg(feature = "parquet")]
mod columnar {
    //! Rows gathered into record batches.

    use std::io::{self, Write};
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float32Builder, StringBuilder};
    use arrow::datatypes::{DataType, Field, Schema};
    use arrow::record_batch::RecordBatch;
    use parquet::arrow::ArrowWriter;
    use parquet::basic::{Compression, ZstdLevel};
    use parquet::file::properties::WriterProperties;

    use super::{Added, Cell, Row, Score};

    /// Rows per record batch.
    const BATCH: usize = 8192;
    /// Rows per row group: what a reader must hold at once.
    const GROUP: usize = 128 << 10;

    pub(super) struct Columnar {
        schema: Arc<Schema>,
        writer: ArrowWriter<Box<dyn Write + Send>>,
        strings: Vec<StringBuilder>,
        numbers: Vec<Float32Builder>,
        rows: usize,
    }

    impl Columnar {
        pub(super) fn new(out: Box<dyn Write + Send>, columns: &[String], added: &Added) -> io::Result<Self> {
            let text = |name: &String| Field::new(name, DataType::Utf8, true);
            let number = |name: &String| Field::new(name, DataType::Float32, true);
            let fields: Vec<Field> = columns
                .iter()
                .map(text)
                .chain(added.names[..added.strings].iter().map(text))
                .chain(added.names[added.strings..].iter().map(number))
                .collect();
            let schema = Arc::new(Schema::new(fields));
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_max_row_group_row_count(Some(GROUP))
                .build();
            let writer =
                ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties)).map_err(io::Error::other)?;
            Ok(Self {
                schema,
                writer,
                strings: (0..columns.len() + added.strings).map(|_| StringBuilder::new()).collect(),
                numbers: added.names[added.strings..].iter().map(|_| Float32Builder::new()).collect(),
                rows: 0,
            })
        }

        pub(super) fn write(&mut self, row: &Row, score: Option<Score<'_>>, added: &Added) -> io::Result<()> {
            let own = self.strings.len() - added.strings;
            for (at, column) in self.strings[..own].iter_mut().enumerate() {
                column.append_option(row.fields.get(at));
            }
            for at in 0..added.names.len() {
                match added.cell(score, at) {
                    Cell::Text(text) => self.strings[own + at].append_option(text),
                    Cell::Number(number) => self.numbers[at - added.strings].append_option(number),
                }
            }
            self.rows += 1;
            if self.rows == BATCH { self.flush() } else { Ok(()) }
        }

        fn flush(&mut self) -> io::Result<()> {
            if self.rows == 0 {
                return Ok(());
            }
            let strings = self.strings.iter_mut().map(|c| Arc::new(c.finish()) as ArrayRef);
            let numbers = self.numbers.iter_mut().map(|c| Arc::new(c.finish()) as ArrayRef);
            let batch = RecordBatch::try_new(Arc::clone(&self.schema), strings.chain(numbers).collect())
                .map_err(io::Error::other)?;
            self.rows = 0;
            self.writer.write(&batch).map_err(io::Error::other)
        }

        pub(super) fn finish(mut self) -> io::Result<()> {
            self.flush()?;
            self.writer.close().map(drop).map_err(io::Error::other)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ReadOptions;
    use crate::read::stream;
    use std::io::Cursor;
    use std::sync::{Arc, Mutex};

    #[test]
    fn an_ending_that_cannot_be_written_is_refused() {
        for name in ["out.xlsx", "out.csv.gz", "a/b.ZST", "x.ods"] {
            let error = OutputFormat::for_output(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(".jsonl"), "{error}");
        }
        for (name, want) in [
            ("out.csv", Some(OutputFormat::Csv)),
            ("a.gz/out.TSV", Some(OutputFormat::Tsv)),
            ("out.json", Some(OutputFormat::Jsonl)),
            ("/dev/stdout", None),
            ("out.txt", None),
            ("csv", None),
        ] {
            assert_eq!(OutputFormat::for_output(name).unwrap(), want, "{name}");
        }
    }

    /// A sink that can be looked into afterwards.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn score(name: &str, input: &[u8], format: OutputFormat) -> Vec<u8> {
        let rows = stream(Box::new(Cursor::new(input.to_vec())), name, &ReadOptions::default()).unwrap();
        let out = Shared::default();
        let labels = ["negative".to_owned(), "positive".to_owned()];
        let mut writer = Writer::new(Box::new(out.clone()), format, rows.columns(), &labels, false).unwrap();
        let mut n = 0;
        for row in rows {
            n += 1;
            let score = Score {
                sentiment: Some("positive"),
                language: None,
                confidence: 0.75,
                probabilities: &[0.25, 0.75],
            };
            writer.write(&row.unwrap(), (n != 2).then_some(score)).unwrap();
        }
        writer.finish().unwrap();
        std::mem::take(&mut *out.0.lock().unwrap())
    }

    #[test]
    fn columns_are_kept_and_ours_added() {
        let csv = score("a.csv", b"text,sentiment\n\"a, b\",x\nc,y\n", OutputFormat::Csv);
        assert_eq!(
            String::from_utf8(csv).unwrap(),
            "text,sentiment,predicted_sentiment,confidence,probability_negative,probability_positive\n\
             \"a, b\",x,positive,0.75,0.25,0.75\nc,y,,,,\n"
        );
        let json = score(
            "a.jsonl",
            b"{\"text\": \"a\", \"n\": {\"x\": 1}}\n{\"text\":\"b\"}\n",
            OutputFormat::Jsonl,
        );
        assert_eq!(
            String::from_utf8(json).unwrap(),
            "{\"text\": \"a\", \"n\": {\"x\": 1},\"sentiment\":\"positive\",\"confidence\":0.75,\"probability_negative\":0.25,\"probability_positive\":0.75}\n\
             {\"text\":\"b\",\"sentiment\":null,\"confidence\":null,\"probability_negative\":null,\"probability_positive\":null}\n"
        );
    }

    #[cfg(feature = "parquet")]
    #[test]
    fn parquet_comes_back() {
        let input: String = std::iter::once("id,text\n".to_owned())
            .chain((0..20_000).map(|i| format!("{i},text {i}\n")))
            .collect();
        let bytes = score("a.csv", input.as_bytes(), OutputFormat::Parquet);
        let back = stream(Box::new(Cursor::new(bytes)), "b.parquet", &ReadOptions::default()).unwrap();
        assert_eq!(back.columns()[..4], ["id", "text", "sentiment", "confidence"]);
        let rows: Vec<Row> = back.map(Result::unwrap).collect();
        assert_eq!(rows.len(), 20_000);
        assert_eq!(rows[19_999].text, "text 19999");
        assert_eq!(rows[19_999].fields.get(5), Some("0.75"));
        assert_eq!(rows[1].fields.get(2), Some(""));
    }
}
