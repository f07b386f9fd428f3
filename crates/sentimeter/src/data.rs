//! A data set's name or a file's path becomes a corpus.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sentimeter_corpus::{Corpus, DuplicateReport, ReadOptions, ReadReport, Snapshots, read};
use sentimeter_experiment::{Mix, Plan, Source};

use crate::args::Global;
use crate::progress::Shown;

/// Whether `name` is that of a file, a pipe or a device: it then goes before a data set of its name.
/// A folder does not.
fn is_file(name: &str) -> bool {
    std::fs::metadata(name).is_ok_and(|found| !found.is_dir())
}

pub(crate) fn imported(global: &Global, name: &str) -> bool {
    !is_file(name) && Snapshots::at(&global.home).contains(name)
}

/// Refuses options of reading where all of `names` were read when they were imported.
pub(crate) fn refuse_idle<'a>(
    global: &Global,
    mut names: impl Iterator<Item = &'a String>,
    options: &ReadOptions,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        *options == ReadOptions::default() || !names.all(|name| imported(global, name)),
        "options of reading do nothing to an imported data set: import its files again with them"
    );
    Ok(())
}

/// A corpus and what is known of how it came in.
pub(crate) struct Loaded {
    pub corpus: Corpus,
    /// What reading said; of one data set, what importing it said.
    pub read: Option<ReadReport>,
    /// What importing found of repeated and contradicting texts.
    pub imported: Option<DuplicateReport>,
}

/// The corpus of `names`: files, or imported data sets one behind the other.
pub(crate) fn load(
    global: &Global,
    names: &[String],
    options: &ReadOptions,
    progress: &mut Shown,
) -> anyhow::Result<Corpus> {
    load_with_reports(global, names, options, progress).map(|loaded| loaded.corpus)
}

/// The same, with what reading or importing said.
pub(crate) fn load_with_reports(
    global: &Global,
    names: &[String],
    options: &ReadOptions,
    progress: &mut Shown,
) -> anyhow::Result<Loaded> {
    let sets: Vec<&String> = match names {
        // Neither a file nor a data set: the error names both.
        [name] if !is_file(name) => vec![name],
        _ => names.iter().filter(|name| imported(global, name)).collect(),
    };
    if sets.is_empty() {
        let paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        let (corpus, report) = read_files(&paths, options, progress)?;
        if !global.quiet {
            tell(&report);
        }
        return Ok(Loaded { corpus, read: Some(report), imported: None });
    }
    anyhow::ensure!(
        sets.len() == names.len(),
        "{} is an imported data set and others are files: import those too, or name files alone",
        sets[0]
    );
    let snapshots = Snapshots::at(&global.home);
    let mut all: Option<Corpus> = None;
    let (mut read, mut imported) = (None, None);
    let only = sets.len() == 1;
    for name in sets {
        let (corpus, manifest) =
            snapshots.open(name).with_context(|| format!("{name} is neither a file nor a data set"))?;
        if !global.quiet {
            note!("{}: {}", manifest.reference(), rows(manifest.rows));
        }
        if only {
            (read, imported) = (Some(manifest.provenance.report), manifest.provenance.duplicates);
        }
        match &mut all {
            None => all = Some(corpus),
            Some(all) => {
                all.append(&corpus).map_err(|why| anyhow::anyhow!("cannot join {name}: {why}"))?;
                all.sort_labels();
            }
        }
    }
    let corpus = all.context("no data was named")?;
    Ok(Loaded { corpus, read, imported })
}

/// The folder that files of a plan's sources are relative to: `SENTIMETER_DATA`, or the plan's `root`,
/// which is relative to the plan's own file.
pub(crate) fn root(plan: &Plan, path: Option<&Path>) -> PathBuf {
    let root = match std::env::var_os("SENTIMETER_DATA") {
        Some(root) => PathBuf::from(root),
        None => {
            let folder = path.and_then(Path::parent).unwrap_or(Path::new(""));
            folder.join(plan.root.as_deref().unwrap_or(Path::new("")))
        }
    };
    std::path::absolute(&root).unwrap_or(root)
}

/// The data sets that a plan names one behind the other, with what is known of each, and those to measure
/// on. Files are relative to `root`.
pub(crate) fn load_sources(
    global: &Global,
    plan: &Plan,
    root: &Path,
    progress: &mut Shown,
) -> anyhow::Result<(Mix, Option<Corpus>)> {
    let mut open = |source: &Source| -> anyhow::Result<Corpus> {
        if let Some(name) = &source.data {
            let (corpus, manifest) = Snapshots::at(&global.home).open(name)?;
            if !global.quiet {
                note!("{}: {}", manifest.reference(), rows(manifest.rows));
            }
            return Ok(corpus);
        }
        let paths: Vec<PathBuf> = source.files.iter().map(|file| root.join(file)).collect();
        let options = ReadOptions { keep: plan.keep(), ..source.options()? };
        let (corpus, report) = read_files(&paths, &options, progress)?;
        if !global.quiet {
            note!("{}:", source.name);
            tell(&report);
        }
        Ok(corpus)
    };
    let mut mix = Mix::new(plan.mix);
    for source in &plan.sources {
        let corpus = open(source).with_context(|| format!("source {:?} of the plan", source.name))?;
        mix.push(source, &corpus)?;
    }
    let mut tests: Option<Corpus> = None;
    for source in &plan.tests {
        let corpus = open(source).with_context(|| format!("test {:?} of the plan", source.name))?;
        match &mut tests {
            None => tests = Some(corpus),
            Some(all) => {
                all.append(&corpus).map_err(|why| anyhow::anyhow!("cannot join {}: {why}", source.name))?;
                all.sort_labels();
            }
        }
        mix.push_test(&source.name, tests.as_ref().map_or(0, Corpus::len));
    }
    Ok((mix, tests))
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
