//! Prints the language of every line of standard input: `code confidence TAB line`.

use std::io::{self, BufRead};

use sentimeter_text::language::detect;

fn main() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let found = detect(&line);
        println!("{} {:.3}\t{line}", found.language, found.confidence);
    }
    Ok(())
}
