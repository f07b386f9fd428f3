//! Reads files and prints what was found: `inspect FILE… ` with every option guessed.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use sentimeter_corpus::{ReadOptions, read};

fn main() {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let start = Instant::now();
    match read(&paths, &ReadOptions::default(), &mut |_| ControlFlow::Continue(())) {
        Ok((corpus, mut report)) => {
            let seconds = start.elapsed().as_secs_f64();
            report.bad_rows.truncate(3);
            println!("{report:#?}");
            println!("{} rows, {} MB, {seconds:.3} s", corpus.len(), corpus.heap_bytes() >> 20);
        }
        Err(error) => println!("error: {error}"),
    }
}
