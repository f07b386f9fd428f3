//! What a file is, from its name and its beginning, and why.

use std::path::Path;

use crate::label::{named_class, number};
use crate::options::{Format, Quote, ReadOptions};

use super::json;
use super::split::{Quoting, Record, Splitter};

/// Records looked at.
const SAMPLE: usize = 500;

/// How a stream is laid out.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) format: Format,
    pub(crate) splitter: Splitter,
    pub(crate) header: bool,
    /// Names of the columns; numbers from 1 where the file states none.
    pub(crate) columns: Vec<String>,
    /// The first records, header excluded.
    pub(crate) sample: Vec<Record>,
    pub(crate) said: Vec<String>,
}

/// Finds out how `head`, the beginning of the file called `name`, is laid out. `whole`: it is all
/// of the file. `beside`: the file of labels beside it exists.
pub(crate) fn shape(name: &str, head: &str, whole: bool, beside: bool, options: &ReadOptions) -> Shape {
    let mut said = Vec::new();
    let format = options.format.unwrap_or_else(|| {
        let (format, why) = guess_format(name, head, whole, beside);
        said.push(format!("format {format}: {why}"));
        format
    });
    let mut shape = match container(format, name, head) {
        Container::Delimited => delimited(format, head, whole, options, &mut said),
        Container::Lines => plain(format, Splitter::Lines, 1, head, whole),
        Container::Pair { last } => {
            let delimiter = options.delimiter.unwrap_or(if last { '@' } else { ';' });
            plain(format, Splitter::Pair { delimiter, last }, 2, head, whole)
        }
        Container::JsonLines => {
            json_shape(format, head.lines().map(|l| (l, 0)).take(SAMPLE), |keys| Splitter::JsonLines { keys })
        }
        Container::JsonArray => json_array(format, head),
    };
    shape.said.splice(0..0, said);
    refine(&mut shape, options);
    shape
}

enum Container {
    Delimited,
    Lines,
    Pair { last: bool },
    JsonLines,
    JsonArray,
}

fn container(format: Format, name: &str, head: &str) -> Container {
    match format {
        Format::Lines | Format::Tweeteval => Container::Lines,
        Format::TextLabel => Container::Pair { last: true },
        Format::LabelText => Container::Pair { last: false },
        Format::Jsonl => Container::JsonLines,
        Format::Json => Container::JsonArray,
        Format::Helpdesk | Format::Reviews | Format::Survey | Format::Airline => {
            match guess_format(name, head, false, false).0 {
                Format::Jsonl => Container::JsonLines,
                Format::Json => Container::JsonArray,
                _ => Container::Delimited,
            }
        }
        _ => Container::Delimited,
    }
}

fn guess_format(name: &str, head: &str, whole: bool, beside: bool) -> (Format, &'static str) {
    let extension = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    if beside && name.ends_with("_text.txt") {
        return (Format::Tweeteval, "a file of labels lies beside the file of texts");
    }
    match extension.as_str() {
        "jsonl" | "ndjson" => return (Format::Jsonl, "the name's ending"),
        "csv" => return (Format::Csv, "the name's ending"),
        "tsv" | "tab" => return (Format::Tsv, "the name's ending"),
        _ => {}
    }
    let start = head.trim_start();
    if start.starts_with('{') {
        let first = start.lines().next().unwrap_or_default();
        let complete = serde_json::from_str::<serde::de::IgnoredAny>(first).is_ok();
        let single = start.trim_end() == first.trim_end() && whole;
        if complete && !(single && extension == "json" && json::array_start(first.as_bytes()).is_some()) {
            return (Format::Jsonl, "every line is an object");
        }
        if json::array_start(start.as_bytes()).is_some() {
            return (Format::Json, "an object that holds an array");
        }
    }
    if start.starts_with("[{")
        || extension == "json"
        || start.starts_with('[') && start[1..].trim_start().starts_with(['{', '"'])
    {
        return (Format::Json, "it starts like a JSON array");
    }
    let lines: Vec<&str> = head.lines().filter(|l| !l.is_empty()).take(SAMPLE).collect();
    let most = |test: &dyn Fn(&str) -> bool| {
        !lines.is_empty() && lines.iter().filter(|l| test(l)).count() * 100 >= lines.len() * 98
    };
    if most(&|l| l.rsplit_once('@').is_some_and(|(_, label)| named_class(label).is_some())) {
        return (Format::TextLabel, "lines end in @ and a class");
    }
    if most(&|l| l.split_once(';').is_some_and(|(label, text)| is_label(label) && !text.is_empty())) {
        return (Format::LabelText, "lines start with a label and a semicolon");
    }
    let (_, share) = best_delimiter(head, whole, &['\t', ',', ';', '|'], Quote::Auto);
    if share >= 0.9 {
        (Format::Csv, "most lines have the same number of fields")
    } else {
        (Format::Lines, "no delimiter makes a table of it")
    }
}

fn is_label(field: &str) -> bool {
    named_class(field).is_some() || number(field).is_some()
}

/// The delimiter and quote handling under which most records have the same number of fields, at
/// least two, and the share of those.
fn best_delimiter(head: &str, whole: bool, candidates: &[char], quote: Quote) -> (Splitter, f64) {
    let mut best = (
        Splitter::Delimited { delimiter: candidates.first().map_or(b',', |&c| c as u8), quote: Quoting::On },
        -1.0,
    );
    for &candidate in candidates {
        // Where both ways make an equally good table, quotes are kept for tabs and undone for the
        // rest: tools that write tabs seldom quote.
        let ways: &[Quoting] = match quote {
            Quote::On => &[Quoting::On],
            Quote::Line => &[Quoting::Line],
            Quote::Off => &[Quoting::Off],
            Quote::Auto if candidate == '\t' => &[Quoting::Off, Quoting::On],
            Quote::Auto => &[Quoting::On, Quoting::Off],
        };
        for &quote in ways {
            let splitter = Splitter::Delimited { delimiter: candidate as u8, quote };
            let share = regularity(&sample(&splitter, head, whole));
            if share > best.1 + 1e-9 {
                best = (splitter, share);
            }
        }
    }
    best
}

/// The share of records that have the most frequent number of fields; 0 if that is one.
fn regularity(records: &[(Record, bool)]) -> f64 {
    let mut widths: Vec<usize> = records.iter().filter(|(_, good)| *good).map(|(r, _)| r.len()).collect();
    widths.sort_unstable();
    let most = widths.chunk_by(|a, b| a == b).max_by_key(|c| c.len()).unwrap_or_default();
    if most.first().is_none_or(|&width| width < 2) {
        return 0.0;
    }
    most.len() as f64 / records.len() as f64
}

/// The first records of `head`, and whether each is sound.
fn sample(splitter: &Splitter, head: &str, whole: bool) -> Vec<(Record, bool)> {
    let mut records = Vec::new();
    let mut at = 0;
    while at < head.len() && records.len() <= SAMPLE {
        let mut record = Record::default();
        let (next, fault) = splitter.record(head, at, &mut record);
        // The last record of a head that is not the whole file may be cut; better than none.
        if !head[at..next].trim().is_empty() && (next < head.len() || whole || records.is_empty()) {
            records.push((record, fault.is_none()));
        }
        at = next;
    }
    records
}

fn sound(records: Vec<(Record, bool)>) -> Vec<Record> {
    records.into_iter().filter(|(_, good)| *good).map(|(record, _)| record).collect()
}

fn delimited(
    format: Format,
    head: &str,
    whole: bool,
    options: &ReadOptions,
    said: &mut Vec<String>,
) -> Shape {
    let given = options.delimiter.filter(char::is_ascii);
    let (candidates, quote): (Vec<char>, Quote) = match (format, given) {
        (Format::Sentiment140, given) => {
            (vec![given.unwrap_or(',')], if options.quote == Quote::Auto { Quote::On } else { options.quote })
        }
        (Format::Semeval, given) => (
            vec![given.unwrap_or('\t')],
            if options.quote == Quote::Auto { Quote::Off } else { options.quote },
        ),
        (_, Some(given)) => (vec![given], options.quote),
        (Format::Tsv, None) => (vec!['\t'], options.quote),
        _ => (vec![',', '\t', ';', '|'], options.quote),
    };
    let (splitter, share) = best_delimiter(head, whole, &candidates, quote);
    if let Splitter::Delimited { delimiter, quote: quoted } = &splitter {
        let percent = (share.max(0.0) * 100.0).round();
        if candidates.len() > 1 || quote == Quote::Auto {
            said.push(format!(
                "delimiter {:?}, quotes {}: {percent} % of the first rows then have as many fields",
                char::from(*delimiter),
                quoted.name(),
            ));
        }
    }
    let mut records = sound(sample(&splitter, head, whole));
    let first = records.first().cloned().unwrap_or_default();
    let fixed = matches!(format, Format::Sentiment140 | Format::Semeval);
    let header = options.header.unwrap_or_else(|| !fixed && has_header(format, &records));
    if header && !records.is_empty() {
        records.remove(0);
    } else if options.header.is_none() && !fixed {
        said.push("no header: the first row names no column that is known".to_owned());
    }
    let columns = if format == Format::Semeval {
        numbered(3) // with or without the tab at the end
    } else if header {
        first.iter().map(|f| f.trim().to_owned()).collect()
    } else {
        numbered(first.len())
    };
    Shape { format, splitter, header, columns, sample: records, said: Vec::new() }
}

fn plain(format: Format, splitter: Splitter, columns: usize, head: &str, whole: bool) -> Shape {
    let sample = sound(sample(&splitter, head, whole));
    Shape { format, splitter, header: false, columns: numbered(columns), sample, said: Vec::new() }
}

pub(crate) fn numbered(columns: usize) -> Vec<String> {
    (1..=columns).map(|n| n.to_string()).collect()
}

fn json_shape<'h>(
    format: Format,
    objects: impl Iterator<Item = (&'h str, usize)> + Clone,
    splitter: impl Fn(Vec<String>) -> Splitter,
) -> Shape {
    let mut keys = Vec::new();
    for (raw, _) in objects.clone() {
        json::columns(raw, &mut keys);
    }
    if keys.is_empty() {
        // An array of strings.
        keys.push("text".to_owned());
    }
    let sample = objects
        .filter_map(|(raw, _)| {
            let mut record = Record::default();
            json::object(raw, &keys, &mut record).ok().map(|()| record)
        })
        .collect();
    Shape { format, splitter: splitter(keys.clone()), header: false, columns: keys, sample, said: Vec::new() }
}

fn json_array(format: Format, head: &str) -> Shape {
    let start = json::array_start(head.as_bytes()).map_or(0, |at| at + 1);
    let mut spans = Vec::new();
    let (mut at, mut record) = (start, Record::default());
    while at < head.len() && spans.len() < SAMPLE {
        let (next, _) = json::element(head, at, &[], &mut record);
        let raw = head[at..next].trim().trim_end_matches([',', ']']);
        spans.push((raw, 0));
        at = next;
    }
    json_shape(format, spans.into_iter(), |keys| Splitter::JsonArray { keys })
}

/// The layout of a table whose records come ready; takes the header off `records` if `columns` are
/// not known and there is one.
pub(crate) fn table(
    kind: Format,
    columns: Option<Vec<String>>,
    records: &mut Vec<Record>,
    options: &ReadOptions,
) -> Shape {
    let mut header = false;
    let columns = columns.unwrap_or_else(|| {
        let first = records.first().cloned().unwrap_or_default();
        header = options.header.unwrap_or_else(|| has_header(options.format.unwrap_or(kind), records));
        if header && !records.is_empty() {
            records.remove(0);
            return first.iter().map(|f| f.trim().to_owned()).collect();
        }
        numbered(first.len())
    });
    let mut shape = Shape {
        format: options.format.unwrap_or(kind),
        splitter: Splitter::Lines,
        header,
        columns,
        sample: records.iter().take(SAMPLE).cloned().collect(),
        said: vec![format!("format {kind}: the first bytes of the file")],
    };
    refine(&mut shape, options);
    shape
}

/// A header names a column that we know, and holds no number.
fn looks_like_header(first: &Record) -> bool {
    first.iter().any(|f| super::columns::is_known(&fold(f))) && !first.iter().any(|f| number(f).is_some())
}

/// Names that we do not know stand above a column of numbers or classes and are none themselves.
fn stands_out(records: &[Record]) -> bool {
    const NAME: usize = 40;
    let Some((first, rest)) = records.split_first() else { return false };
    let wordless = |field: &str| named_class(field).is_some() || number(field).is_some();
    let is_name = |field: &str| (1..=NAME).contains(&field.trim().chars().count()) && !wordless(field);
    first.iter().all(is_name)
        && (0..first.len()).any(|at| {
            let filled = rest.iter().filter_map(|r| r.get(at)).filter(|f| !f.trim().is_empty()).count();
            filled >= 2
                && filled * 10 >= rest.len() * 9
                && super::columns::is_wordless(rest.iter().filter_map(|r| r.get(at)))
        })
}

/// The exports of these tools always name their columns.
fn has_header(format: Format, records: &[Record]) -> bool {
    matches!(format, Format::Helpdesk | Format::Reviews | Format::Survey | Format::Airline)
        || records.first().is_some_and(looks_like_header)
        || stands_out(records)
}

/// A column's name as the lists of known names write it.
pub(crate) fn fold(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

/// Recognises presets in tables.
fn refine(shape: &mut Shape, options: &ReadOptions) {
    if options.format.is_some()
        || !matches!(
            shape.format,
            Format::Csv | Format::Tsv | Format::Json | Format::Jsonl | Format::Excel | Format::Parquet
        )
    {
        return;
    }
    let all = |at: usize, test: &dyn Fn(&str) -> bool| {
        !shape.sample.is_empty() && shape.sample.iter().all(|r| r.get(at).is_some_and(test))
    };
    let digits = |f: &str| !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit());
    let names: Vec<String> = shape.columns.iter().map(|c| fold(c)).collect();
    let has = |name: &str| names.iter().any(|n| n == name);
    let (format, why) = if !shape.header
        && shape.columns.len() == 6
        && all(0, &|f| matches!(f, "0" | "2" | "4"))
        && all(1, &digits)
    {
        (Format::Sentiment140, "six columns without a header, the first 0, 2 or 4")
    } else if !shape.header
        && (shape.columns.len() == 3 || shape.columns.len() == 4 && all(3, &|f| f.trim().is_empty()))
        && all(0, &digits)
        && all(1, &|f| named_class(f).is_some())
    {
        (Format::Semeval, "id, class and text without a header")
    } else if has("airline_sentiment") && has("text") {
        (Format::Airline, "it has a column airline_sentiment")
    } else if has("ticket_id")
        || has("subject") && (has("status") || has("requester") || has("satisfaction_rating.score"))
    {
        (Format::Helpdesk, "it has a help desk's columns")
    } else if (has("rating") || has("stars") || has("star_rating"))
        && (has("title") || has("review_title") || has("review_id"))
    {
        (Format::Reviews, "it has stars and a review's columns")
    } else if shape.columns.iter().filter(|c| c.trim_end().ends_with(['?', '؟'])).count() >= 2 {
        (Format::Survey, "columns are questions")
    } else {
        return;
    };
    shape.said.push(format!("preset {format}: {why}"));
    shape.format = format;
    if format == Format::Semeval {
        shape.columns.truncate(3);
    }
}
