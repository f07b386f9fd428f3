//! `sentimeter embed`: unlabelled texts become word vectors.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use sentimeter_corpus::{Corpus, ReadOptions};
use sentimeter_model::embeddings::{EmbedSettings, Embeddings, skip_gram};
use sentimeter_model::features::Tokens;
use sentimeter_text::Recipe;
use sentimeter_text::identity;
use sentimeter_vectors::{write_model, write_text};
use serde::Serialize;

use super::print_json;
use super::train::peak_memory_mb;
use crate::args::{EmbedArgs, Global};
use crate::data;
use crate::output::Output;
use crate::progress::Shown;

/// A file of labelled rows that is read as lines of text has no text of the data.
const NOTHING_LEFT_OUT: &str = "no text of --without stands in the data, so nothing was left out; it is read as the \
     data is, with the same --format and --text: if it is another kind of file, these are not its texts";

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    vectors: String,
    /// `fasttext` or `text`.
    format: &'static str,
    bytes: u64,
    /// BLAKE3 over the file.
    blake3: String,
    /// Texts learned from.
    texts: usize,
    /// Texts that were left out, since they stand in `--without`, too.
    left_out: usize,
    /// What should be known before the vectors are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
    /// Words that have a vector.
    words: usize,
    /// Their occurrences.
    tokens: u64,
    /// Occurrences of rarer words, which were passed over.
    rare_tokens: u64,
    recipe: &'a str,
    settings: &'a EmbedSettings,
    /// Mean loss of a pair of words in the last pass.
    loss: f64,
    /// Words learned from a second, each counted in each pass.
    words_per_second: f64,
    seconds: Seconds,
    peak_memory_mb: f64,
}

#[derive(Serialize)]
struct Seconds {
    read: f64,
    clean: f64,
    learn: f64,
    total: f64,
}

pub(crate) fn run(global: &Global, args: &EmbedArgs) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let settings = args.settings();
    settings.check().context("in the options of embed")?;
    let presets = || format!("no recipe `{}`; there are {}", args.recipe, Recipe::presets().join(", "));
    let analyzer = Recipe::preset(&args.recipe).with_context(presets)?.compile()?;
    let options = args.read.options();
    data::refuse_idle(global, args.data.iter().chain(&args.without), &options)?;
    let options = ReadOptions { keep: only_texts(), ..options };
    // Before the long work, so that nobody waits for a file that has no place.
    let place = || format!("cannot write {}", args.out.display());
    let output = Output::create(&args.out).with_context(place)?;

    let mut progress = Shown::new(global.quiet);
    let corpus = data::load(global, &args.data, &options, &mut progress)?;
    let rows = match &args.without[..] {
        [] => (0..corpus.len() as u32).collect(),
        names => without(&corpus, &data::load(global, names, &options, &mut progress)?),
    };
    let read = start.elapsed().as_secs_f64();
    let cleaning = Instant::now();
    let text = |i: usize| corpus.text(rows[i] as usize);
    let tokens = Tokens::read(&analyzer, rows.len(), text, &mut progress)?;
    let clean = cleaning.elapsed().as_secs_f64();
    let learning = Instant::now();
    let found = skip_gram(&tokens, &settings, &mut progress)?;
    let learn = learning.elapsed().as_secs_f64();
    progress.finish();

    let as_text = args.out.extension().is_some_and(|ending| ending == "vec" || ending == "txt");
    let mut out = Hashed {
        out: BufWriter::with_capacity(1 << 20, output.file()?),
        hasher: blake3::Hasher::new(),
        bytes: 0,
    };
    let written = if as_text { write_text(&mut out, &found) } else { write_model(&mut out, &found) };
    written.and_then(|()| out.out.flush()).with_context(place)?;
    output.finish().with_context(place)?;
    let Embeddings { words, tokens: met, settings, loss, .. } = &found;
    let answer = Answer {
        vectors: args.out.display().to_string(),
        format: if as_text { "text" } else { "fasttext" },
        bytes: out.bytes,
        blake3: out.hasher.finalize().to_hex().to_string(),
        texts: rows.len(),
        left_out: corpus.len() - rows.len(),
        note: (!args.without.is_empty() && rows.len() == corpus.len()).then_some(NOTHING_LEFT_OUT),
        words: words.len(),
        tokens: *met,
        rare_tokens: tokens.rows.ids.len() as u64 - met,
        recipe: &args.recipe,
        settings,
        loss: *loss,
        words_per_second: (met * u64::from(settings.epochs)) as f64 / learn,
        seconds: Seconds { read, clean, learn, total: start.elapsed().as_secs_f64() },
        peak_memory_mb: peak_memory_mb(),
    };
    if global.json {
        print_json(&answer)?;
    } else {
        print(&mut io::stdout().lock(), &answer)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn only_texts() -> sentimeter_corpus::Keep {
    sentimeter_corpus::Keep { times: false, authors: false, origins: false }
}

/// Rows of `corpus` whose text stands in `other` in no disguise.
fn without(corpus: &Corpus, other: &Corpus) -> Vec<u32> {
    let mut buffer = String::new();
    let mut name = |text: &str| {
        buffer.clear();
        identity(text, &mut buffer);
        blake3::hash(buffer.as_bytes())
    };
    let known: HashSet<blake3::Hash> = (0..other.len()).map(|i| name(other.text(i))).collect();
    (0..corpus.len()).filter(|&i| !known.contains(&name(corpus.text(i)))).map(|i| i as u32).collect()
}

/// Hashes and counts what is written.
struct Hashed<W> {
    out: W,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn print(out: &mut impl Write, answer: &Answer<'_>) -> io::Result<()> {
    let EmbedSettings { dimension, epochs, min_count, .. } = answer.settings;
    writeln!(
        out,
        "{} words of {dimension} numbers, learned from {} tokens of {} texts in {epochs} passes; {} tokens of words \
         that occur fewer than {min_count} times were passed over",
        answer.words, answer.tokens, answer.texts, answer.rare_tokens
    )?;
    if answer.left_out > 0 {
        writeln!(out, "{} texts were left out: they stand in --without, too", answer.left_out)?;
    }
    if let Some(note) = answer.note {
        writeln!(out, "note: {note}")?;
    }
    writeln!(
        out,
        "{:.1} s in all (read {:.1}, clean {:.1}, learn {:.1}: {:.0} words a second), {:.0} MB at most\n\
         vectors {} ({:.1} MB, {})\n\
         use them: sentimeter train --data … --model cnn --set neural.vectors={}",
        answer.seconds.total,
        answer.seconds.read,
        answer.seconds.clean,
        answer.seconds.learn,
        answer.words_per_second,
        answer.peak_memory_mb,
        answer.vectors,
        answer.bytes as f64 / 1e6,
        &answer.blake3[..12],
        answer.vectors,
    )
}
