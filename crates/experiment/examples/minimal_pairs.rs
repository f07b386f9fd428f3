//! What a model makes of hand-written minimal pairs: a score for each phenomenon and language.
//!
//! ```sh
//! cargo run --release -p sentimeter-experiment --example minimal_pairs -- sentiment.safetensors
//! ```
//!
//! `minimal_pairs MODEL [PAIRS] [--wrong]`: PAIRS is `assets/minimal-pairs.jsonl`, which
//! `docs/minimal-pairs.md` describes. A pair counts only when both of its texts are answered right:
//! whoever answers alike whatever the text says gets no pair whose labels differ. `--wrong` lists the
//! pairs that were missed, with the answers.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context, bail};
use sentimeter_corpus::{Corpus, ReadOptions, read};
use sentimeter_model::Model;

fn main() -> anyhow::Result<()> {
    let (flags, files): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let (model, pairs) = match &files[..] {
        [model] => (model, concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/minimal-pairs.jsonl")),
        [model, pairs] => (model, pairs.as_str()),
        _ => bail!("minimal_pairs MODEL [PAIRS] [--wrong]"),
    };
    let wrong = match &flags[..] {
        [] => false,
        [flag] if flag == "--wrong" => true,
        _ => bail!("unknown option {}; there is --wrong", flags.join(" ")),
    };
    let (model, _) =
        Model::open(&PathBuf::from(model)).with_context(|| format!("cannot read model {model}"))?;
    let go_on = &mut |_: sentimeter_corpus::Progress<'_>| ControlFlow::Continue(());
    let (corpus, _) = read(&[pairs.into()], &ReadOptions::default(), go_on)?;
    let answers = answers(&model, &corpus)?;
    print_scores(&corpus, &answers)?;
    if wrong {
        print_wrong(&corpus, &answers)?;
    }
    Ok(())
}

/// The label that the model gives each row.
fn answers(model: &Model, corpus: &Corpus) -> anyhow::Result<Vec<String>> {
    for label in corpus.labels() {
        let known = model.labels();
        if !known.contains(label) {
            bail!("the pairs are labelled {label}, the model answers {}: no score", known.join(", "));
        }
    }
    let probs = model.predict_all(corpus.len(), |row| corpus.text(row));
    Ok((0..corpus.len()).map(|row| model.labels()[usize::from(probs.top(row).0)].clone()).collect())
}

/// The rows of each pair, in the order of the file: their ids are the pair's, with `a` and `b` behind.
fn pairs(corpus: &Corpus) -> anyhow::Result<Vec<[usize; 2]>> {
    let id = |row| corpus.id(row).with_context(|| format!("row {} has no id", row + 1));
    if !corpus.len().is_multiple_of(2) {
        bail!("{} texts are not pairs", corpus.len());
    }
    let mut pairs = Vec::new();
    for a in (0..corpus.len()).step_by(2) {
        let (first, second) = (id(a)?, id(a + 1)?);
        if first.strip_suffix('a').is_none_or(|pair| second.strip_suffix('b') != Some(pair)) {
            bail!("{first} and {second}, rows {} and {}, are no pair: ids end in a, then b", a + 1, a + 2);
        }
        pairs.push([a, a + 1]);
    }
    Ok(pairs)
}

fn right(corpus: &Corpus, answers: &[String], row: usize) -> bool {
    corpus.label_name(row) == Some(answers[row].as_str())
}

/// Pairs, those with both texts right, and texts right.
#[derive(Default, Clone, Copy)]
struct Score {
    pairs: u32,
    both: u32,
    texts: u32,
}

impl Score {
    fn add(&mut self, right: [bool; 2]) {
        self.pairs += 1;
        self.both += u32::from(right == [true, true]);
        self.texts += right.iter().map(|&right| u32::from(right)).sum::<u32>();
    }
}

fn print_scores(corpus: &Corpus, answers: &[String]) -> anyhow::Result<()> {
    // Phenomenon, then language; "all" stands for either.
    let mut scores: BTreeMap<(&str, &str), Score> = BTreeMap::new();
    let (mut phenomena, mut languages) = (Vec::new(), Vec::new());
    for pair in pairs(corpus)? {
        let phenomenon = corpus.channel(pair[0]).context("a text without channel (the phenomenon)")?;
        let language = corpus.language(pair[0]).context("a text without language")?;
        for (list, name) in [(&mut phenomena, phenomenon), (&mut languages, language)] {
            if !list.contains(&name) {
                list.push(name);
            }
        }
        let right = pair.map(|row| right(corpus, answers, row));
        for key in [(phenomenon, language), (phenomenon, "all"), ("all", language), ("all", "all")] {
            scores.entry(key).or_default().add(right);
        }
    }
    phenomena.push("all");
    languages.push("all");
    println!("pairs with both texts right, of all pairs (share of texts right)\n");
    print!("{:<12}", "");
    languages.iter().for_each(|language| print!("{language:>17}"));
    println!();
    for phenomenon in phenomena {
        print!("{phenomenon:<12}");
        for language in &languages {
            match scores.get(&(phenomenon, language)) {
                None => print!("{:>17}", "–"),
                Some(score) => {
                    let texts = 50.0 * f64::from(score.texts) / f64::from(score.pairs);
                    print!("{:>17}", format!("{}/{} ({texts:.0} %)", score.both, score.pairs));
                }
            }
        }
        println!();
    }
    Ok(())
}

fn print_wrong(corpus: &Corpus, answers: &[String]) -> anyhow::Result<()> {
    println!();
    for pair in pairs(corpus)? {
        if pair.iter().any(|&row| !right(corpus, answers, row)) {
            for row in pair {
                let (id, label) =
                    (corpus.id(row).unwrap_or_default(), corpus.label_name(row).unwrap_or_default());
                println!("{id:<20} {label:>8} → {:<8}  {}", answers[row], corpus.text(row));
            }
        }
    }
    Ok(())
}
