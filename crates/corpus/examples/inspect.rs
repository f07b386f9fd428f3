//! Reads files and prints what was found: `inspect FILE… ` with every option guessed.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use sentimeter_corpus::{
    Fingerprints, NEAR, ReadOptions, SplitPlan, deduplicate, near_duplicates, read, split_groups,
};

fn main() {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let start = Instant::now();
    match read(&paths, &ReadOptions::default(), &mut |_| ControlFlow::Continue(())) {
        Ok((corpus, mut report)) => {
            let seconds = start.elapsed().as_secs_f64();
            report.bad_rows.truncate(3);
            println!("{report:#?}");
            println!("{} rows, {} MB, {seconds:.3} s", corpus.len(), corpus.heap_bytes() >> 20);
            let mut lap = Instant::now();
            let mut took = |what: &str| {
                println!("{what}: {:.3} s", lap.elapsed().as_secs_f64());
                lap = Instant::now();
            };
            let prints = Fingerprints::of(&corpus);
            took("fingerprints");
            let (_, duplicates) = deduplicate(&corpus, &prints);
            took("deduplicate");
            let groups = near_duplicates(&prints, NEAR);
            took("near duplicates");
            let split = split_groups(&corpus, &prints, &groups, &SplitPlan::default());
            took("split");
            let leaders = groups.iter().zip(0u32..).filter(|&(g, row)| *g == row).count();
            println!("{duplicates:?}, {leaders} groups, test {:?}", split.map(|s| s.test.len()));
        }
        Err(error) => println!("error: {error}"),
    }
}
