//! `sentimeter predict`: texts get a sentiment.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use rayon::prelude::*;
use sentimeter_corpus::{CorpusError, Format, OutputFormat, Rows, Score, Writer, stream};
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
            if is_foreign(model, language, args) {
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
        let foreign = is_foreign(model, model.language(answer.text), args);
        writeln!(
            out,
            "{:<10} {:.3}  {}",
            answer.sentiment.unwrap_or(if foreign { "(language)" } else { "(unsure)" }),
            answer.confidence,
            terminal::line(answer.text)
        )?;
        if let Some(explanation) = &answer.explanation {
            explain(&mut out, explanation, model.labels())?;
        }
    }
    Ok(ExitCode::SUCCESS)
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
    let mut writer = Writer::new(sink, format, columns, model.labels(), languages).with_context(cannot)?;
    let mut progress = Shown::new(global.quiet || output.is_none());
    let mut count = Count::default();
    while let Some(rows) = &mut rows {
        let batch = rows.batch(BATCH)?;
        if batch.is_empty() {
            break;
        }
        let probs = model.predict_all(batch.len(), |i| &batch[i].text);
        let found: Vec<Option<Detection>> = if languages {
            batch.par_iter().map(|row| model.language(&row.text)).collect()
        } else {
            vec![None; batch.len()]
        };
        for (i, row) in batch.iter().enumerate() {
            let scored = match (&row.fault, row.text.trim().is_empty()) {
                (Some(fault), _) => {
                    count.broken += 1;
                    if count.broken <= SHOWN_FAULTS {
                        progress.finish();
                        note!("{name}, line {}: {fault}", row.line);
                    }
                    None
                }
                (None, true) => {
                    count.empty += 1;
                    None
                }
                (None, false) => {
                    let (mut sentiment, confidence) = answer(model, &probs, i, args.min_confidence);
                    if is_foreign(model, found[i], args) {
                        count.foreign += 1;
                        sentiment = None;
                    }
                    let language = found[i].map(|found| found.language.code());
                    Some(Score { sentiment, language, confidence, probabilities: probs.row(i) })
                }
            };
            writer.write(row, scored).with_context(cannot)?;
        }
        count.rows += batch.len() as u64;
        progress.show("score", count.rows, None, None);
    }
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
