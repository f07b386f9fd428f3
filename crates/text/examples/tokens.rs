//! Texts as the tokens that a recipe makes of them, for programs in other languages to learn from the same words.
//!
//! ```sh
//! cargo run --release -p sentimeter-text --example tokens -- en < texts.txt
//! ```
//!
//! Reads a text a line; prints its tokens with blanks between them.

use std::io::{BufRead, BufWriter, Write};

use sentimeter_text::{Recipe, Scratch};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "auto".to_owned());
    let recipe = Recipe::preset(&name).ok_or_else(|| format!("no recipe `{name}`"))?;
    let analyzer = recipe.compile()?;
    let (mut scratch, mut line) = (Scratch::default(), String::new());
    let mut out = BufWriter::new(std::io::stdout().lock());
    for text in std::io::stdin().lock().lines() {
        line.clear();
        analyzer.tokens(&text?, &mut scratch, &mut |token| {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(token);
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}
