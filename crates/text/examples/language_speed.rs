//! How long it takes to tell the language of a tweet.
//!
//! ```text
//! cargo run --release -p sentimeter-text --example language_speed FILE
//! ```
//!
//! FILE holds one text a line. Prints the mean over 300 passes, and the passes' share of each
//! language so that no work can be optimised away.

use std::error::Error;
use std::fs;
use std::time::Instant;

use sentimeter_text::language::{Language, detect};

const PASSES: u32 = 300;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: language_speed FILE")?;
    let file = fs::read_to_string(path)?;
    let texts: Vec<&str> = file.lines().collect();
    let mut counts = [0_u32; 4];
    let start = Instant::now();
    for _ in 0..PASSES {
        for text in &texts {
            counts[match detect(text).language {
                Language::En => 0,
                Language::Fr => 1,
                Language::Ar => 2,
                Language::Other => 3,
            }] += 1;
        }
    }
    let calls = f64::from(PASSES) * texts.len() as f64;
    let nanoseconds = start.elapsed().as_secs_f64() * 1e9 / calls;
    let bytes = file.len() as f64 / texts.len() as f64;
    println!("{nanoseconds:.0} ns a text of {bytes:.0} bytes; en, fr, ar, other: {counts:?}");
    Ok(())
}
