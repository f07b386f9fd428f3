//! Nanoseconds per text of every preset: `cargo run --release --example speed -- FILE [PRESET]`, one
//! text a line; without a file, a few sentences.

use sentimeter_text::{Recipe, Scratch, identity};
use std::time::Instant;

const TEXTS: [&str; 4] = [
    "@switchfoot http://twitpic.com/2y1zl - Awww, that's a bummer. You shoulda got David Carr",
    "is upset that he can't update his Facebook by texting it... and might cry as a result",
    "just had a really nice dinner with the girls, thank you for the lovely evening! :)",
    "I dived many times for the ball. Managed to save 50%  The rest go out of bounds",
];

fn main() -> std::io::Result<()> {
    let texts: Vec<String> = match std::env::args().nth(1) {
        Some(file) => {
            let bytes = std::fs::read(file)?;
            String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
        }
        None => TEXTS.map(str::to_owned).to_vec(),
    };
    let rounds = 1 + 400_000 / texts.len().max(1);
    let bytes: usize = texts.iter().map(String::len).sum();
    println!("{} texts of {} bytes, {rounds} rounds", texts.len(), bytes / texts.len().max(1));
    let report = |name: &str, mut work: Box<dyn FnMut(&str)>| {
        texts.iter().for_each(|text| work(text));
        let start = Instant::now();
        for text in (0..rounds).flat_map(|_| &texts) {
            work(text);
        }
        let nanos = start.elapsed().as_nanos() as f64 / (rounds * texts.len()) as f64;
        println!("{name:24} {nanos:8.0} ns/text");
    };
    let only = std::env::args().nth(2);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let mut out = String::new();
    report("identity", Box::new(move |text| identity(text, &mut out)));
    for name in Recipe::presets().iter().filter(|name| wanted(name)) {
        let Some(Ok(analyzer)) = Recipe::preset(name).map(|recipe| recipe.compile()) else {
            continue;
        };
        let (mut scratch, mut seen) = (Scratch::new(), 0);
        let tokens = analyzer.clone();
        report(name, Box::new(move |text| tokens.tokens(text, &mut scratch, &mut |t| seen += t.len())));
        let (mut scratch, mut seen) = (Scratch::new(), 0);
        report(
            &format!("{name}, spans"),
            Box::new(move |text| analyzer.each(text, &mut scratch, &mut |t, _| seen += t.len())),
        );
        std::hint::black_box(seen);
    }
    Ok(())
}
