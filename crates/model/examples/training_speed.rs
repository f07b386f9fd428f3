//! Seconds of each stage of training by the classic settings: `cargo run --release --example training_speed -- FILE
//! [ROUNDS]`, in each line a class (0 or 1), a tab and a text.

use std::time::Instant;

use sentimeter_model::features::{Counts, Settings, Tfidf, Tokens, Vectorizer, Weighed};
use sentimeter_model::logistic::{self, Logistic};
use sentimeter_model::{Silent, Targets, Training};
use sentimeter_text::Recipe;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let Some(file) = args.next() else { return Err("usage: training_speed FILE [ROUNDS]".into()) };
    let rounds: usize = args.next().map_or(Ok(5), |rounds| rounds.parse())?;
    let file = std::fs::read_to_string(file)?;
    let rows: Vec<(u16, &str)> = file
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(class, text)| (u16::from(class == "1"), text))
        .collect();
    let truth: Vec<u16> = rows.iter().map(|row| row.0).collect();
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    let analyzer = Recipe::preset("tweet-en").ok_or("no such recipe")?.compile()?;
    let settings =
        Settings { words: Some([1, 2]), chars: None, max_features: 500_000, ..Settings::default() };
    let mut times: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        let mut clock = Instant::now();
        let mut lap = |stage: usize| {
            times[stage].push(clock.elapsed().as_secs_f64());
            clock = Instant::now();
        };
        let tokens = Tokens::read(&analyzer, rows.len(), |i| rows[i].1, &mut Silent)?;
        lap(0);
        let counts = Counts::new(tokens, &settings)?;
        lap(1);
        let (tfidf, weighed) = Tfidf::fit_compact(&counts, &all, &settings)?;
        std::hint::black_box(Vectorizer::new(&counts, &tfidf));
        lap(2);
        let logistic = Logistic::try_from(&logistic::Settings { c: 3.0, ..Default::default() })?;
        let (targets, classes, weights) = (Targets::Hard(&truth), 2, None);
        let solution = match &weighed {
            Weighed::Sparse(rows) => sentimeter_model::Fit::fit(
                &logistic,
                &Training { rows, targets, classes, weights },
                &mut Silent,
            )?,
            Weighed::Factored(rows) => {
                logistic.fit_factored(&Training { rows, targets, classes, weights }, &mut Silent)?
            }
        };
        lap(3);
        println!("{} iterations, {:?}", solution.iterations, &solution.weights[..2]);
    }
    for (stage, times) in ["clean", "count", "weigh", "fit"].iter().zip(&mut times) {
        times.sort_unstable_by(f64::total_cmp);
        println!("{stage:6} {:.3} s (fastest {:.3})", times[rounds / 2], times[0]);
    }
    Ok(())
}
