//! How a file is to be read: what the command line, a plan or a manifest states.

use serde::{Deserialize, Serialize};

use crate::error::CorpusError;
use crate::label::LabelMap;

/// A file format, or the preset of a known export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Comma-separated, or whatever delimiter is given or guessed.
    Csv,
    /// Tab-separated; quotes are plain characters unless asked otherwise.
    Tsv,
    /// One JSON object a line.
    Jsonl,
    /// One JSON array of objects, bare or as the first array of an object (`{"data": […]}`).
    Json,
    /// Apache Parquet.
    Parquet,
    /// An Excel or OpenDocument workbook; its first sheet with rows.
    Excel,
    /// One text a line; the label comes from the file's name or not at all.
    Lines,
    /// `text@label`: split at the line's last delimiter.
    TextLabel,
    /// `label;text`: split at the line's first delimiter.
    LabelText,
    /// Sentiment140's six columns without a header: target, id, date, flag, user, text.
    Sentiment140,
    /// `*_text.txt` with labels 0, 1, 2 in the `*_labels.txt` beside it.
    Tweeteval,
    /// SemEval Task 4: id, label, text between tabs, `\u2019` escapes and wrapping quotes undone.
    Semeval,
    /// CrowdFlower's airline tweets.
    Airline,
    /// A help desk's tickets: subject, description, status, requester, channel, satisfaction.
    Helpdesk,
    /// An app store's or review site's reviews: stars, title, body.
    Reviews,
    /// A survey tool's responses: every free-text question is an example of its own.
    Survey,
}

impl Format {
    /// Every format, in the order in which help texts list them.
    pub const ALL: [Self; 16] = [
        Self::Csv,
        Self::Tsv,
        Self::Jsonl,
        Self::Json,
        Self::Parquet,
        Self::Excel,
        Self::Lines,
        Self::TextLabel,
        Self::LabelText,
        Self::Sentiment140,
        Self::Tweeteval,
        Self::Semeval,
        Self::Airline,
        Self::Helpdesk,
        Self::Reviews,
        Self::Survey,
    ];

    /// The name by which it is given: `csv`, `text-label`, `sentiment140`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Excel => "excel",
            Self::Lines => "lines",
            Self::TextLabel => "text-label",
            Self::LabelText => "label-text",
            Self::Sentiment140 => "sentiment140",
            Self::Tweeteval => "tweeteval",
            Self::Semeval => "semeval",
            Self::Airline => "airline",
            Self::Helpdesk => "helpdesk",
            Self::Reviews => "reviews",
            Self::Survey => "survey",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|f| f.name() == raw).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|f| f.name()).collect();
            format!("no format {raw:?}; there are {}", names.join(", "))
        })
    }
}

/// Whether `"` around a field quotes delimiters and line ends in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quote {
    /// Whatever makes the beginning of the file the more regular table.
    #[default]
    Auto,
    /// It quotes; a doubled one stands for itself.
    On,
    /// It quotes, but never a line end: a field that is not closed on its line starts with a plain
    /// `"`. For files whose quotes are not paired.
    Line,
    /// It is a character like any other.
    Off,
}

impl std::str::FromStr for Quote {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        match raw {
            "auto" => Ok(Self::Auto),
            "on" => Ok(Self::On),
            "line" => Ok(Self::Line),
            "off" => Ok(Self::Off),
            _ => Err(format!("no quote handling {raw:?}; there are auto, on, line, off")),
        }
    }
}

/// Limits that hold before any work is done on what is past them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one file after decompression. Default: 64 GiB.
    pub bytes: u64,
    /// Rows of all files together. Default: 100 million.
    pub rows: u64,
    /// Characters of one text; longer ones are broken rows. Default: 1 million.
    pub text_chars: usize,
    /// Bytes of one record; a quote that stays open longer was not meant as one. Default: 8 MiB.
    pub record_bytes: usize,
    /// Bytes of one file that can only be read whole (Excel, compressed Parquet). Default: 1 GiB.
    pub whole_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 30,
            rows: 100_000_000,
            text_chars: 1_000_000,
            record_bytes: 8 << 20,
            whole_bytes: 1 << 30,
        }
    }
}

/// Which columns beside texts, labels, channels and languages are kept: all, unless nobody will ask for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// When the texts were written.
    pub times: bool,
    /// Who wrote them.
    pub authors: bool,
    /// Ids and sources.
    pub origins: bool,
}

impl Default for Keep {
    fn default() -> Self {
        Self { times: true, authors: true, origins: true }
    }
}

/// How files are to be read. What is not given is guessed from the content, and said.
///
/// A *column* is given by its header's name or by its number from 1. For label, channel and
/// language `=value` gives every row that value; for channel and language a name that is no
/// column does the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadOptions {
    /// The format or preset.
    pub format: Option<Format>,
    /// Columns of the text. Several are joined with a line end, or, with the `survey` preset, are
    /// an example each.
    pub text: Vec<String>,
    /// Column of the label, or `=value`.
    pub label: Option<String>,
    /// How the file's name states the label: `train_{label}.txt`; `*` stands for anything.
    pub label_from_name: Option<String>,
    /// Column of the source's id.
    pub id: Option<String>,
    /// Column of the time.
    pub time: Option<String>,
    /// Column of the author.
    pub author: Option<String>,
    /// Column of the channel, or the channel itself.
    pub channel: Option<String>,
    /// Column of the language, or the language itself.
    pub language: Option<String>,
    /// Labels as written → classes.
    pub map: Option<LabelMap>,
    /// Whether the first row names the columns.
    pub header: Option<bool>,
    /// What stands between two fields.
    pub delimiter: Option<char>,
    /// Whether `"` quotes.
    pub quote: Quote,
    /// The encoding by its WHATWG name; without one a byte order mark decides, then UTF-8 with
    /// windows-1252 for the lines that are not.
    pub encoding: Option<String>,
    /// Whether texts that were encoded twice, and spreadsheet escapes (`_x000D_`), are mended.
    pub mend: bool,
    /// The share of broken rows past which reading stops, in `[0, 1]`. Default: 0.01.
    pub max_bad_rows: f64,
    /// Limits on size.
    pub limits: Limits,
    /// Which columns are kept. It is the program's to say and stands in no file.
    #[serde(skip)]
    pub keep: Keep,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            text: Vec::new(),
            label: None,
            label_from_name: None,
            id: None,
            time: None,
            author: None,
            channel: None,
            language: None,
            map: None,
            header: None,
            delimiter: None,
            quote: Quote::Auto,
            encoding: None,
            mend: false,
            max_bad_rows: 0.01,
            limits: Limits::default(),
            keep: Keep::default(),
        }
    }
}

impl ReadOptions {
    /// The options by the names that the command line gives them, and what they take.
    pub const NAMES: [(&'static str, &'static str); 21] = [
        ("format", "FORMAT"),
        ("text", "COL[,COL…]"),
        ("label", "COL|=VALUE"),
        ("label-from-name", "PATTERN"),
        ("id", "COL"),
        ("time", "COL"),
        ("author", "COL"),
        ("channel", "COL|VALUE"),
        ("language", "COL|VALUE"),
        ("map", "RULES"),
        ("header", "yes|no"),
        ("delimiter", "CHAR|tab"),
        ("quote", "auto|on|line|off"),
        ("encoding", "NAME"),
        ("mend", "yes|no"),
        ("max-bad-rows", "SHARE"),
        ("max-bytes", "N"),
        ("max-rows", "N"),
        ("max-chars", "N"),
        ("max-record-bytes", "N"),
        ("max-whole-bytes", "N"),
    ];

    /// Options may come from a plan or from Rust, past [`ReadOptions::set`]: what they cannot hold is
    /// said before anything is read.
    pub(crate) fn check(&self) -> Result<(), CorpusError> {
        // Not a number is in no range either.
        if (0.0..=1.0).contains(&self.max_bad_rows) {
            return Ok(());
        }
        Err(CorpusError::Option(format!(
            "--max-bad-rows: found {}, expected a share from 0 to 1",
            self.max_bad_rows
        )))
    }

    /// Sets the option called `name` (without dashes in front) from its written value.
    ///
    /// # Errors
    /// [`CorpusError::Option`] for an unknown name or a value that it cannot take.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), CorpusError> {
        let bad =
            |expected: &str| CorpusError::Option(format!("--{name}: found {value:?}, expected {expected}"));
        let text = || Some(value.to_owned());
        let truth = || match value {
            "yes" | "true" => Ok(true),
            "no" | "false" => Ok(false),
            _ => Err(bad("yes or no")),
        };
        let count = || value.parse::<u64>().map_err(|_| bad("a whole number"));
        let size = || value.parse::<usize>().map_err(|_| bad("a whole number"));
        match name {
            "format" => self.format = Some(value.parse().map_err(CorpusError::Option)?),
            "text" => self.text = value.split(',').map(|c| c.trim().to_owned()).collect(),
            "label" => self.label = text(),
            "label-from-name" if value.contains("{label}") => self.label_from_name = text(),
            "label-from-name" => return Err(bad("a pattern with {label} in it")),
            "id" => self.id = text(),
            "time" => self.time = text(),
            "author" => self.author = text(),
            "channel" => self.channel = text(),
            "language" => self.language = text(),
            "map" => self.map = Some(value.parse().map_err(|e| CorpusError::Option(format!("--map: {e}")))?),
            "header" => self.header = Some(truth()?),
            "delimiter" => {
                let mut chars = value.chars();
                self.delimiter = match (value, chars.next(), chars.next()) {
                    ("tab" | "\\t", ..) => Some('\t'),
                    (_, Some(c), None) => Some(c),
                    _ => return Err(bad("one character, or tab")),
                };
            }
            "quote" => self.quote = value.parse().map_err(CorpusError::Option)?,
            "encoding" => self.encoding = text(),
            "mend" => self.mend = truth()?,
            "max-bad-rows" => {
                let share = value.parse().ok().filter(|s| (0.0..=1.0).contains(s));
                self.max_bad_rows = share.ok_or_else(|| bad("a share from 0 to 1"))?;
            }
            "max-bytes" => self.limits.bytes = count()?,
            "max-rows" => self.limits.rows = count()?,
            "max-chars" => self.limits.text_chars = size()?,
            "max-record-bytes" => self.limits.record_bytes = size()?,
            "max-whole-bytes" => self.limits.whole_bytes = count()?,
            _ => {
                let names: Vec<_> = Self::NAMES.iter().map(|(name, _)| *name).collect();
                return Err(CorpusError::Option(format!(
                    "no option --{name}; there are {}",
                    names.join(", ")
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_bad_rows_that_is_none_is_refused_before_reading() {
        for bad in [f64::NAN, f64::INFINITY, -0.1, 1.5] {
            let options = ReadOptions { max_bad_rows: bad, ..ReadOptions::default() };
            let mut go_on = |_: crate::Progress<'_>| std::ops::ControlFlow::Continue(());
            let read = crate::read(&["no such file".into()], &options, &mut go_on).unwrap_err().to_string();
            let empty = Box::new(std::io::empty());
            let streamed = crate::stream(empty, "x", &options).err().map(|e| e.to_string());
            assert!(read.contains("--max-bad-rows: found"), "{read}");
            assert_eq!(streamed, Some(read));
        }
    }

    #[test]
    fn formats_are_named_alike_everywhere() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
        }
        assert!("exel".parse::<Format>().unwrap_err().contains("excel"));
    }
}
