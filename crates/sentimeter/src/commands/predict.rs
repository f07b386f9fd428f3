//! `sentimeter predict`: texts get a sentiment.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use sentimeter_corpus::{Format, OutputFormat, Row, Score, Writer, stream};
use sentimeter_model::explain::Explanation;
use sentimeter_model::{Model, Probs, Scratch};
use serde::{Serialize, Serializer};

use super::evaluate::ModelId;
use super::print_json;
use crate::args::{Global, PredictArgs};
use crate::home;
use crate::progress::Shown;

/// Rows that are scored together: enough for all cores, little to hold.
const BATCH: usize = 8192;

/// The answer to one text of the command line.
#[derive(Serialize)]
struct Answer<'a> {
    text: &'a str,
    /// `null` where the model abstains.
    sentiment: Option<&'a str>,
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
    rows: u64,
    broken: u64,
}

pub(crate) fn run(global: &Global, args: &PredictArgs) -> anyhow::Result<ExitCode> {
    let (path, model, digest) = home::open_model(global, args.model.as_deref())?;
    if args.texts.is_empty() {
        anyhow::ensure!(!args.explain, "--explain wants texts on the command line");
        let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
        let (rows, broken) = file(global, args, output, &model)?;
        if let (true, Some(output)) = (global.json, output) {
            let model = ModelId { path: path.display().to_string(), digest: digest.to_string() };
            print_json(&Scored { model, output: output.display().to_string(), rows, broken })?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let texts: Vec<&str> = args.texts.iter().map(String::as_str).collect();
    let mut scratch = Scratch::default();
    let probs = model.predict(&texts, &mut scratch);
    let answers: Vec<Answer<'_>> = (0_usize..)
        .zip(&texts)
        .map(|(i, text)| {
            let (sentiment, confidence) = answer(&model, &probs, i, args.min_confidence);
            let probabilities = Named { labels: model.labels(), probabilities: probs.row(i) };
            let explanation = args.explain.then(|| model.explain(text, &mut scratch));
            Answer { text, sentiment, confidence, probabilities, explanation }
        })
        .collect();
    if global.json {
        let model = ModelId { path: path.display().to_string(), digest: digest.to_string() };
        print_json(&Answers { model, predictions: answers })?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = io::stdout().lock();
    for answer in &answers {
        writeln!(
            out,
            "{:<10} {:.3}  {}",
            answer.sentiment.unwrap_or("(unsure)"),
            answer.confidence,
            answer.text
        )?;
        if let Some(explanation) = &answer.explanation {
            explain(&mut out, explanation, model.labels())?;
        }
    }
    Ok(ExitCode::SUCCESS)
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
        row(&token.token, &token.logits)?;
    }
    row("(without any text)", &explanation.bias)
}

/// Scores a file or standard input row by row, in constant memory, into `output` or standard output.
/// Gives the number of rows, and of broken ones among them.
fn file(
    global: &Global,
    args: &PredictArgs,
    output: Option<&Path>,
    model: &Model,
) -> anyhow::Result<(u64, u64)> {
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
    let mut rows = stream(reader, &name, &options)?;
    if !global.quiet {
        rows.said().iter().for_each(|said| note!("{name}: {said}"));
    }
    let format = output_format(args, output, global.json, rows.format())?;
    // Written beside and renamed: a half-written answer never stands under the asked name.
    let (sink, beside): (Box<dyn Write + Send>, _) = match output {
        Some(path) => {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let file = tempfile::NamedTempFile::new_in(folder)
                .with_context(|| format!("cannot write into {}", folder.display()))?;
            (Box::new(io::BufWriter::new(file.reopen()?)), Some((file, path)))
        }
        None => (Box::new(io::BufWriter::new(io::stdout())), None),
    };
    let mut writer = Writer::new(sink, format, rows.columns(), model.labels())?;
    let mut progress = Shown::new(global.quiet || output.is_none());
    let (mut done, mut broken) = (0_u64, 0_u64);
    loop {
        let batch = rows.batch(BATCH)?;
        if batch.is_empty() {
            break;
        }
        let probs = model.predict_all(batch.len(), |i| &batch[i].text);
        for (i, row) in batch.iter().enumerate() {
            broken += u64::from(row.fault.is_some());
            writer.write(row, score(model, &probs, i, row, args.min_confidence))?;
        }
        done += batch.len() as u64;
        progress.show("score", done, None, None);
    }
    writer.finish()?;
    progress.finish();
    if let Some((file, path)) = beside {
        make_readable(file.as_file())?;
        file.as_file().sync_all()?;
        file.persist(path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if !global.quiet {
        note!("{done} rows scored");
    }
    if broken > 0 {
        note!("{broken} rows are broken; they stand in the output without a sentiment");
    }
    Ok((done, broken))
}

/// What stands behind a row; nothing behind a broken one.
fn score<'a>(
    model: &'a Model,
    probs: &'a Probs,
    i: usize,
    row: &Row,
    least: Option<f32>,
) -> Option<Score<'a>> {
    if row.fault.is_some() {
        return None;
    }
    let (sentiment, confidence) = answer(model, probs, i, least);
    Some(Score { sentiment, confidence, probabilities: probs.row(i) })
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
    let by_name = output.and_then(|path| OutputFormat::of_name(&path.to_string_lossy()));
    Ok(by_name.unwrap_or(match input {
        Format::Tsv | Format::Semeval => OutputFormat::Tsv,
        Format::Jsonl | Format::Json => OutputFormat::Jsonl,
        Format::Parquet if output.is_some() => OutputFormat::of_name(".parquet").unwrap_or(OutputFormat::Csv),
        _ => OutputFormat::Csv,
    }))
}

/// A temporary file is its owner's alone; an answer is as readable as any new file.
fn make_readable(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}
