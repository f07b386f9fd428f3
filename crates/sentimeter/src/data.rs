//! A data set's name or a file's path becomes a corpus.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sentimeter_corpus::{Corpus, ReadOptions, ReadReport, Snapshots, read};

use crate::args::Global;
use crate::progress::Shown;

/// The corpus of `names`: files, or one imported data set.
pub(crate) fn load(
    global: &Global,
    names: &[String],
    options: &ReadOptions,
    progress: &mut Shown,
) -> anyhow::Result<Corpus> {
    let paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
    if let [name] = names
        && !Path::new(name).exists()
    {
        let snapshots = Snapshots::at(&global.home);
        let (corpus, manifest) =
            snapshots.open(name).with_context(|| format!("{name} is neither a file nor a data set"))?;
        if !global.quiet {
            note!("{}: {} rows", manifest.reference(), manifest.rows);
        }
        return Ok(corpus);
    }
    let (corpus, report) = read_files(&paths, options, progress)?;
    if !global.quiet {
        tell(&report);
    }
    Ok(corpus)
}

/// Reads files with progress.
pub(crate) fn read_files(
    paths: &[PathBuf],
    options: &ReadOptions,
    progress: &mut Shown,
) -> anyhow::Result<(Corpus, ReadReport)> {
    let answer = read(paths, options, &mut |p| {
        progress.show("read", p.bytes, Some(p.total_bytes), None);
        ControlFlow::Continue(())
    });
    progress.finish();
    answer.with_context(|| {
        let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
        format!("cannot use {}", names.join(", "))
    })
}

/// `1 row`, `2 rows`.
pub(crate) fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

/// What was guessed, dropped and broken, on standard error.
pub(crate) fn tell(report: &ReadReport) {
    for file in &report.files {
        note!(
            "{}: {} rows read as {} ({}), {} kept",
            file.path.display(),
            file.rows,
            file.format,
            file.encoding,
            file.kept
        );
        file.said.iter().for_each(|said| note!("  {said}"));
        let unmapped: u64 = file.unmapped.values().sum();
        for (count, what) in [
            (unmapped, "with a label that no rule maps, dropped"),
            (file.empty, "without a text, dropped"),
            (file.bad, "broken, left out"),
            (file.bad_times, "with a time that could not be read"),
            (file.recoded_lines, "lines not UTF-8, read as windows-1252"),
            (file.damaged, "with lost characters (U+FFFD)"),
            (file.double_encoded - file.mended.min(file.double_encoded), "encoded twice (--mend mends them)"),
            (file.mended, "mended"),
        ] {
            if count > 0 {
                note!("  {count} {what}");
            }
        }
    }
    report.said.iter().for_each(|said| note!("  {said}"));
}
