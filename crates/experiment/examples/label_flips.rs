//! How many of the labels that were flipped on purpose does the suspicious list find?
//!
//! `label_flips OUT.json FILE [SHARE] [SEED]`: flips a seeded share of the labels (0.05), doubts all of
//! them, prints how many flips stand in the first tenth of the list, and writes the out-of-fold
//! probabilities that it was made from. `benches/peers/cleanlab.py OUT.json` ranks the same
//! probabilities by cleanlab.

use std::io::Write;
use std::ops::ControlFlow;

use anyhow::Context;
use sentimeter_corpus::{Corpus, Example, ReadOptions, read};
use sentimeter_experiment::profile::{Options, profile};
use sentimeter_model::Silent;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [out, file, rest @ ..] = &args[..] else { anyhow::bail!("label_flips OUT.json FILE [SHARE] [SEED]") };
    let share: f64 = rest.first().map_or(Ok(0.05), |raw| raw.parse())?;
    let seed: u64 = rest.get(1).map_or(Ok(1), |raw| raw.parse())?;
    let go_on = &mut |_: sentimeter_corpus::Progress<'_>| ControlFlow::Continue(());
    let (clean, _) = read(&[file.into()], &ReadOptions::default(), go_on)?;
    let mut corpus = Corpus::with_labels(clean.labels().to_vec());
    let classes = clean.labels().len() as u64;
    let mut flipped = vec![false; clean.len()];
    for (row, flip) in flipped.iter_mut().enumerate() {
        let lot = mix(seed ^ mix(row as u64 + 1));
        let mut example = clean.example(row);
        let label = clean.label(row).context("a row without a label")?;
        if (lot >> 11) as f64 / (1_u64 << 53) as f64 <= share {
            *flip = true;
            let other = (u64::from(label) + 1 + mix(lot) % (classes - 1)) % classes;
            example = Example { label: Some(&clean.labels()[other as usize]), ..example };
        }
        corpus.push(example).map_err(|label| anyhow::anyhow!("too many labels: {label}"))?;
    }
    let options = Options { seed, ..Options::default() };
    let found = profile(file, &corpus, &options, &mut Silent)?;
    let flips = flipped.iter().filter(|&&flip| flip).count();
    let tenth = found.suspects.len() / 10;
    let caught = found.suspects[..tenth].iter().filter(|s| flipped[s.row as usize]).count();
    println!(
        "{caught} of {flips} flipped labels ({:.1} %) stand among the first {tenth} of {}",
        100.0 * caught as f64 / flips as f64,
        found.suspects.len()
    );
    let probabilities = found.out_of_fold.context("nothing could be learned")?;
    let rows: Vec<_> = probabilities
        .iter()
        .map(|(row, given, probs)| (row, given, probs, u8::from(flipped[row as usize])))
        .collect();
    let mut file = std::io::BufWriter::new(std::fs::File::create(out)?);
    let ranked: Vec<u32> = found.suspects.iter().map(|s| s.row).collect();
    serde_json::to_writer(&mut file, &serde_json::json!({ "rows": rows, "ranked": ranked }))?;
    file.flush()?;
    Ok(())
}

/// splitmix64's finaliser.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
