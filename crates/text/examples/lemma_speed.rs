//! How long a lemma takes: mean nanoseconds a word over the words of FILE, as noun.
//!
//! ```text
//! cargo run --release -p sentimeter-text --example lemma_speed FILE
//! ```

use std::error::Error;
use std::fs;
use std::time::Instant;

use sentimeter_text::lemma::{Pos, lemma};

const PASSES: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: lemma_speed FILE")?;
    let text = String::from_utf8_lossy(&fs::read(path)?).to_lowercase();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() > 1).collect();
    let mut buf = String::new();
    for pos in [Pos::Noun, Pos::Verb, Pos::Adj, Pos::Adv] {
        let start = Instant::now();
        let mut bytes = 0;
        for _ in 0..PASSES {
            for word in &words {
                bytes += lemma(word, pos, &mut buf).len();
            }
        }
        let calls = f64::from(PASSES) * words.len() as f64;
        let nanoseconds = start.elapsed().as_secs_f64() * 1e9 / calls;
        println!("{pos:?}: {nanoseconds:.1} ns a word ({} words, {bytes} bytes of lemmas)", words.len());
    }
    Ok(())
}
