//! Reads files and prints what was found: `inspect FILE… ` with every option guessed.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use sentimeter_corpus::{
    DuplicateReport, Identities, Provenance, ReadOptions, Snapshots, near_duplicates, read, resolve_conflicts,
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
            let identities = Identities::of(&corpus);
            took("identities");
            let groups = near_duplicates(&identities);
            took("near duplicates");
            let resolved = resolve_conflicts(&corpus, &identities);
            took("conflicts");
            println!("{:?}", DuplicateReport::of(&identities, &groups, &resolved));
            let home = std::env::temp_dir().join(format!("inspect-{}", std::process::id()));
            let snapshots = Snapshots::at(&home);
            took("counting");
            let saved = snapshots.save("inspected", &corpus, Provenance::default());
            took("snapshot written");
            match saved.and_then(|manifest| snapshots.open(&manifest.reference())) {
                Ok((_, manifest)) => took(&format!("snapshot {} opened", manifest.reference())),
                Err(error) => println!("error: {error}"),
            }
            let _ = std::fs::remove_dir_all(home);
        }
        Err(error) => println!("error: {error}"),
    }
}
