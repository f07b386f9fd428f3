//! Plans cross-validated on the same folds, each beside the first: is another recipe worth it?
//!
//! ```sh
//! cargo run --release -p sentimeter-experiment --example recipes -- a.toml,b.toml train.csv val.csv
//! ```
//!
//! `recipes PLAN[,PLAN…] FILE…`: files are read as `sentimeter train` reads them, together. Prints mean
//! macro F1 and accuracy of five folds, the mean difference to the first plan and its standard error over
//! the folds, in points. The folds' training parts overlap, so that error is somewhat too small. What
//! was found stands in `docs/decisions/0006-negation-by-grammar.md`.

use std::ops::ControlFlow;

use anyhow::{Context, bail};
use sentimeter_corpus::{ReadOptions, read};
use sentimeter_experiment::{CrossValidation, Plan, cross_validate};
use sentimeter_model::Silent;

const FOLDS: u32 = 5;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [plans, files @ ..] = &args[..] else { bail!("recipes PLAN[,PLAN…] FILE…") };
    let paths: Vec<std::path::PathBuf> = files.iter().map(Into::into).collect();
    let go_on = &mut |_: sentimeter_corpus::Progress<'_>| ControlFlow::Continue(());
    let (corpus, _) = read(&paths, &ReadOptions::default(), go_on)?;
    let mut first: Option<CrossValidation> = None;
    for path in plans.split(',') {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read plan {path}"))?;
        let plan = Plan::from_toml(&text, &[]).with_context(|| format!("plan {path}"))?;
        let found = cross_validate(&plan, &corpus, FOLDS, &mut Silent)?;
        let (f1, accuracy) = (100.0 * found.macro_f1, 100.0 * found.accuracy);
        print!("{path:<40} {:>7} rows  macro F1 {f1:.2}  accuracy {accuracy:.2}", found.rows);
        match &first {
            None => first = Some(found),
            Some(first) => {
                let (mean, error) = difference(first, &found);
                print!("  macro F1 {mean:+.2} ± {error:.2}");
            }
        }
        println!();
    }
    Ok(())
}

/// Mean over the folds of what `other` gains over `first` in macro F1, in points, and its standard
/// error.
fn difference(first: &CrossValidation, other: &CrossValidation) -> (f64, f64) {
    let gains: Vec<f64> = first
        .folds
        .iter()
        .zip(&other.folds)
        .map(|(first, other)| 100.0 * (other.macro_f1 - first.macro_f1))
        .collect();
    let n = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / n;
    let squares: f64 = gains.iter().map(|gain| (gain - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}
