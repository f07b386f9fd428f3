//! Files larger than memory: scoring holds a few rows, however many there are.

use std::io::{BufWriter, Write};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::desk::Desk;

/// The most memory, in MiB, that a process held until it was last seen alive; reaps it.
#[cfg(target_os = "linux")]
fn peak_mib(mut child: Child) -> (bool, u64) {
    let mut peak = 0;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        peak = kib.map_or(peak, |kib| peak.max(kib / 1024));
        if let Some(status) = child.try_wait().unwrap() {
            return (status.success(), peak);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn sixty_megabytes_are_scored_in_constant_memory() {
    let desk = Desk::with_model();
    let mut csv = BufWriter::new(std::fs::File::create(desk.path("large.csv")).unwrap());
    let words = ["thank", "you", "terrible", "service", "refund", "where", "invoice", "merci", "parfait"];
    writeln!(csv, "id,text,shop").unwrap();
    for n in 0..600_000_usize {
        let word = |at: usize| words[(n * 7 + at * n / 3 + at) % words.len()];
        writeln!(
            csv,
            "{n},\"{} {} {}, {} {} {}: number {n} of many that all want to be read\",shop {}",
            word(1),
            word(2),
            word(3),
            word(4),
            word(5),
            word(6),
            n % 90
        )
        .unwrap();
    }
    csv.into_inner().unwrap();
    let size = std::fs::metadata(desk.path("large.csv")).unwrap().len();
    assert!(size > 55_000_000, "{size} bytes");
    let mut command = desk.command(&[
        "predict",
        "--input",
        "large.csv",
        "--output",
        "out.csv",
        "--quiet",
        "--threads",
        "2",
    ]);
    let child = command.stdout(Stdio::null()).spawn().unwrap();
    let (success, peak) = peak_mib(child);
    assert!(success);
    assert!((1..250).contains(&peak), "{peak} MiB");
    assert!(std::fs::metadata(desk.path("out.csv")).unwrap().len() > size, "all rows, and more columns");
    println!("{} MB scored within {peak} MiB", size / 1_000_000);
}
