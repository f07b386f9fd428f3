//! `sentimeter predict`: texts get a sentiment.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use sentimeter_corpus::{CorpusError, Format, OutputFormat, Row, Rows, Score, Writer, stream};
use sentimeter_model::explain::Explanation;
use sentimeter_model::{Model, Probs, Scratch};
use sentimeter_text::language::{Detection, Language};
use serde::{Serialize, Serializer};

use super::evaluate::ModelId;
use super::print_json;
use crate::args::{Global, PredictArgs};
use crate::data::rows as rows_of;
use crate::output::Output;
use crate::progress::Shown;
use crate::{home, terminal};

/// Rows that are scored together: enough for all cores, little to hold.
const BATCH: usize = 8192;

/// Broken rows whose line and fault are said; all are counted.
const SHOWN_FAULTS: u64 = 3;

/// The answer to one text of the command line.
#[derive(Serialize)]
struct Answer<'a> {
    text: &'a str,
    /// `null` where the model abstains.
    sentiment: Option<&'a str>,
    /// Where the model says which languages it was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<Language>,
    confidence: f32,
    probabilities: Named<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
}

/// Labels with their probabilities, in the model's order.
struct Named<'a> {
    labels: &'a [String],
    probabilities: &'a [f32],
}

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.labels.iter().zip(self.probabilities))
    }
}

#[derive(Serialize)]
struct Answers<'a> {
    model: ModelId,
    predictions: Vec<Answer<'a>>,
}

/// What `--json` says of a file that was written.
#[derive(Serialize)]
struct Scored {
    model: ModelId,
    output: String,
    #[serde(flatten)]
    count: Count,
}

/// Rows of a file.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Count {
    /// All of them.
    rows: u64,
    /// Those that could not be read as rows of the file.
    broken: u64,
    /// Those that hold no text.
    empty: u64,
    /// Those in a language that the model was not made for, and that were therefore not answered.
    foreign: u64,
}

pub(crate) fn run(global: &Global, args: &PredictArgs) -> anyhow::Result<ExitCode> {
    let opened = home::open_model(global, args.model.as_deref())?;
    let model = &opened.model;
    // Which one answers, where that is not what was typed.
    if let Some(reference) = opened.reference.as_ref().filter(|_| !global.quiet) {
        note!("model {reference} ({})", &opened.digest.to_string()[..12]);
    }
    if args.texts.is_empty() {
        anyhow::ensure!(!args.explain, "--explain wants texts on the command line");
        let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
        let count = file(global, args, output, model)?;
        if let (true, Some(output)) = (global.json, output) {
            let model = ModelId::of(&opened);
            print_json(&Scored { model, output: output.display().to_string(), count })?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let texts: Vec<&str> = args.texts.iter().map(String::as_str).collect();
    let mut scratch = Scratch::default();
    let probs = model.predict(&texts, &mut scratch);
    let answers: Vec<Answer<'_>> = (0_usize..)
        .zip(&texts)
        .map(|(i, text)| {
            let language = model.language(text);
            let (mut sentiment, confidence) = answer(model, &probs, i, args.min_confidence);
            if is_foreign(model, language, args) || is_blank(text) {
                sentiment = None;
            }
            let language = language.map(|found| found.language);
            let probabilities = Named { labels: model.labels(), probabilities: probs.row(i) };
            let explanation = args.explain.then(|| model.explain(text, &mut scratch));
            Answer { text, sentiment, language, confidence, probabilities, explanation }
        })
        .collect();
    if global.json {
        let model = ModelId::of(&opened);
        print_json(&Answers { model, predictions: answers })?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = io::stdout().lock();
    for answer in &answers {
        let why = match model.language(answer.text) {
            _ if is_blank(answer.text) => "(empty)",
            found if is_foreign(model, found, args) => "(language)",
            _ => "(unsure)",
        };
        writeln!(
            out,
            "{:<10} {:.3}  {}",
            answer.sentiment.unwrap_or(why),
            answer.confidence,
            terminal::line(answer.text)
        )?;
        if let Some(explanation) = &answer.explanation {
            explain(&mut out, explanation, model.labels())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether there is nothing to be answered.
fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Whether the text is left without an answer for its language.
fn is_foreign(model: &Model, found: Option<Detection>, args: &PredictArgs) -> bool {
    !args.any_language && found.is_some_and(|found| !model.speaks(found))
}

/// The class and its probability; no class below the least confidence.
fn answer<'m>(model: &'m Model, probs: &Probs, row: usize, least: Option<f32>) -> (Option<&'m str>, f32) {
    let (class, confidence) = probs.top(row);
    let sure = least.is_none_or(|least| confidence >= least);
    (sure.then(|| model.labels()[usize::from(class)].as_str()), confidence)
}

fn explain(out: &mut impl Write, explanation: &Explanation, labels: &[String]) -> io::Result<()> {
    writeln!(out, "{:>24}  {}", "", labels.join("  "))?;
    let mut row = |name: &str, logits: &[f64]| {
        let cells =
            labels.iter().zip(logits).map(|(label, z)| format!("{z:>+w$.3}", w = label.chars().count()));
        writeln!(out, "{name:>24}  {}", cells.collect::<Vec<_>>().join("  "))
    };
    for token in &explanation.tokens {
        row(&terminal::line(&token.token), &token.logits)?;
    }
    row("(without any text)", &explanation.bias)
}

/// Scores a file or standard input row by row, in constant memory, into `output` or standard output.
fn file(global: &Global, args: &PredictArgs, output: Option<&Path>, model: &Model) -> anyhow::Result<Count> {
    let input = args.input.as_deref().filter(|path| *path != Path::new("-"));
    let mut options = args.read.options();
    let (reader, name): (Box<dyn Read + Send>, String) = match input {
        Some(path) => {
            let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            (Box::new(file), path.display().to_string())
        }
        None => {
            if io::stdin().is_terminal() {
                note!("reading texts from standard input, one a line; end with Ctrl-D");
            }
            // Standard input is plain texts unless it is said to be more.
            if args.input.is_none() && options.format.is_none() {
                options.format = Some(Format::Lines);
            }
            (Box::new(io::stdin()), "standard input".to_owned())
        }
    };
    // Nothing at all is answered like a table without rows.
    let mut rows = match stream(reader, &name, &options) {
        Err(CorpusError::Empty { .. }) => None,
        opened => Some(opened?),
    };
    if let Some(rows) = rows.as_ref().filter(|_| !global.quiet) {
        rows.said().iter().for_each(|said| note!("{name}: {said}"));
    }
    let of_input = rows.as_ref().map_or(Format::Lines, Rows::format);
    let format = output_format(args, output, global.json, of_input)?;
    let cannot = || format!("cannot write {}", output.unwrap_or(Path::new("standard output")).display());
    let file = output.map(Output::create).transpose().with_context(cannot)?;
    let sink: Box<dyn Write + Send> = match &file {
        Some(file) => Box::new(io::BufWriter::new(file.file().with_context(cannot)?)),
        None => Box::new(io::BufWriter::new(io::stdout())),
    };
    let text = ["text".to_owned()];
    let columns = rows.as_ref().map_or(&text[..], Rows::columns);
    let languages = !model.card().languages.is_empty();
    let writer = Writer::new(sink, format, columns, model.labels(), languages).with_context(cannot)?;
    let progress = Shown::new(global.quiet || output.is_none());
    let mut answers = Answering { args, model, name: &name, writer, progress, count: Count::default() };
    if let Some(rows) = &mut rows {
        // Of a file the next rows are read meanwhile; whoever types or pipes waits for no row but their own.
        answers.all(rows, input.is_some()).map_err(|error| error.or(cannot))?;
    }
    let Answering { writer, mut progress, count, .. } = answers;
    writer.finish().with_context(cannot)?;
    progress.finish();
    if let Some(file) = file {
        file.finish().with_context(cannot)?;
    }
    let Count { rows: done, broken, empty, foreign } = count;
    if !global.quiet {
        note!("{} scored", rows_of(done - broken - empty - foreign));
        if foreign > 0 {
            note!(
                "{} in a language that the model was not made for; they stand in the output without a sentiment \
                 (--any-language answers them)",
                rows_of(foreign)
            );
        }
        if empty > 0 {
            note!("{} without a text; they stand in the output without a sentiment", rows_of(empty));
        }
    }
    if broken > 0 {
        note!("{} broken; they stand in the output without a sentiment", rows_of(broken));
    }
    Ok(count)
}

/// Rows on their way from a file to another.
struct Answering<'a> {
    args: &'a PredictArgs,
    model: &'a Model,
    /// Of the input.
    name: &'a str,
    writer: Writer,
    progress: Shown,
    count: Count,
}

/// What breaks off.
enum Broken {
    Reading(CorpusError),
    Writing(io::Error),
}

impl Broken {
    fn or(self, cannot_write: impl FnOnce() -> String) -> anyhow::Error {
        match self {
            Self::Reading(error) => error.into(),
            Self::Writing(error) => anyhow::Error::new(error).context(cannot_write()),
        }
    }
}

/// Rows and what the model says of them.
struct Batch {
    rows: Vec<Row>,
    probs: Probs,
    found: Vec<Detection>,
}

impl Answering<'_> {
    /// Answers all rows, batch by batch: while one is scored, the answers to the one before are written, and with
    /// `ahead` the next is read.
    fn all(&mut self, rows: &mut Rows, ahead: bool) -> Result<(), Broken> {
        let model = self.model;
        let mut read = || rows.batch(BATCH).map_err(Broken::Reading);
        let (mut batch, mut scored) = (read()?, None);
        while !batch.is_empty() {
            let (answers, done) = rayon::join(
                || model.predict_all_detecting(batch.len(), |i| &batch[i].text),
                || {
                    scored.take().map_or(Ok(()), |batch| self.write(&batch))?;
                    if ahead { read() } else { Ok(Vec::new()) }
                },
            );
            let next = done?;
            let (probs, found) = answers;
            let answered = Batch { rows: std::mem::replace(&mut batch, next), probs, found };
            if ahead {
                scored = Some(answered);
            } else {
                self.write(&answered)?;
                batch = read()?;
            }
        }
        scored.map_or(Ok(()), |batch| self.write(&batch))
    }

    fn write(&mut self, batch: &Batch) -> Result<(), Broken> {
        let Batch { rows, probs, found } = batch;
        for (i, row) in rows.iter().enumerate() {
            let scored = match (&row.fault, is_blank(&row.text)) {
                (Some(fault), _) => {
                    self.count.broken += 1;
                    if self.count.broken <= SHOWN_FAULTS {
                        self.progress.finish();
                        note!("{}, line {}: {fault}", self.name, row.line);
                    }
                    None
                }
                (None, true) => {
                    self.count.empty += 1;
                    None
                }
                (None, false) => {
                    let (mut sentiment, confidence) = answer(self.model, probs, i, self.args.min_confidence);
                    let found = found.get(i).copied();
                    if is_foreign(self.model, found, self.args) {
                        self.count.foreign += 1;
                        sentiment = None;
                    }
                    let language = found.map(|found| found.language.code());
                    Some(Score { sentiment, language, confidence, probabilities: probs.row(i) })
                }
            };
            self.writer.write(row, scored).map_err(Broken::Writing)?;
        }
        self.count.rows += rows.len() as u64;
        self.progress.show("score", self.count.rows, None, None);
        Ok(())
    }
}

fn output_format(
    args: &PredictArgs,
    output: Option<&Path>,
    json: bool,
    input: Format,
) -> anyhow::Result<OutputFormat> {
    if let Some(name) = &args.output_format {
        return OutputFormat::of_name(&format!(".{name}"))
            .with_context(|| format!("this program was built without {name}"));
    }
    if json && output.is_none() {
        return Ok(OutputFormat::Jsonl);
    }
    let by_name = match output {
        Some(path) => OutputFormat::for_output(&path.to_string_lossy())?,
        None => None,
    };
    Ok(by_name.unwrap_or(match input {
        Format::Tsv | Format::Semeval => OutputFormat::Tsv,
        Format::Jsonl | Format::Json => OutputFormat::Jsonl,
        Format::Parquet if output.is_some() => OutputFormat::of_name(".parquet").unwrap_or(OutputFormat::Csv),
        _ => OutputFormat::Csv,
    }))
}
