//! Nanoseconds per text and core: `cargo run --release --example scoring_speed -- MODEL FILE`, one text a line.

use std::time::Instant;

use sentimeter_model::{Model, Scratch};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(model), Some(file)) = (args.next(), args.next()) else {
        return Err("usage: scoring_speed MODEL FILE [ROUNDS]".into());
    };
    let rounds: usize = args.next().map_or(Ok(9), |rounds| rounds.parse())?;
    let (model, _) = Model::from_bytes(&std::fs::read(model)?)?;
    let bytes = std::fs::read(file)?;
    let text = String::from_utf8_lossy(&bytes);
    let texts: Vec<&str> = text.lines().collect();
    let mut scratch = Scratch::default();
    let mut nanos: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            let mut sum = 0.0;
            for part in texts.chunks(256) {
                sum += model.predict(part, &mut scratch).values()[0];
            }
            std::hint::black_box(sum);
            start.elapsed().as_nanos() as f64 / texts.len() as f64
        })
        .collect();
    nanos.sort_unstable_by(f64::total_cmp);
    let mut rates: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(model.predict_all(texts.len(), |i| texts[i]));
            texts.len() as f64 / start.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_unstable_by(f64::total_cmp);
    println!(
        "one thread {:.0} ns/text (fastest {:.0}); all threads {:.0} texts/s (fastest {:.0})",
        nanos[rounds / 2],
        nanos[0],
        rates[rounds / 2],
        rates[rounds - 1]
    );
    Ok(())
}
