//! `sentimeter import`: files become an immutable data set, and everything wrong with them is said.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use sentimeter_corpus::{
    CheckReport, DuplicateReport, Expectations, Groups, Identities, Manifest, Provenance, Resolved,
    SnapshotError, Snapshots, near_duplicates, resolve_conflicts,
};
use serde::Serialize;

use super::print_json;
use crate::args::{Global, ImportArgs};
use crate::progress::Shown;
use crate::{data, interrupt};

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    dataset: Option<String>,
    #[serde(flatten)]
    manifest: Option<&'a Manifest>,
    quarantine: Option<String>,
    check: Option<&'a CheckReport>,
}

pub(crate) fn run(global: &Global, args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let expectations = match &args.check {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the expectations {}", path.display()))?;
            let parsed: Expectations =
                text.parse().with_context(|| format!("in the expectations {}", path.display()))?;
            Some(parsed)
        }
    };
    let name = match &args.name {
        Some(name) => name.clone(),
        None => {
            let first = args.files.first().and_then(|file| file.file_name()).unwrap_or_default();
            name_of(&first.to_string_lossy())
        }
    };
    // Said before long files are read: a name is sound where looking for it finds no fault in it.
    if let Err(fault @ SnapshotError::Name(_)) = Snapshots::at(&global.home).manifest(&name) {
        return Err(fault.into());
    }
    let options = args.read.options();
    let mut progress = Shown::new(global.quiet);
    let (corpus, report) = data::read_files(&args.files, &options, &mut progress)?;
    if !global.quiet {
        data::tell(&report);
    }
    let check = expectations.map(|expectations| expectations.check(&corpus, Some(&report)));
    if let Some(check) = check.as_ref().filter(|check| !check.passed()) {
        if global.json {
            print_json(&Answer { dataset: None, manifest: None, quarantine: None, check: Some(check) }).ok();
        } else {
            writeln!(io::stdout(), "{check}").ok();
        }
        // Failed all the same where nobody reads the table to its end.
        note!("nothing was imported: the data does not meet its expectations");
        return Ok(ExitCode::FAILURE);
    }
    if corpus.is_empty() {
        anyhow::bail!(
            "no row is kept of {} read: see above why, and give --text, --label or --map",
            report.files.iter().map(|file| file.rows).sum::<u64>()
        );
    }

    let identities = Identities::of(&corpus);
    let resolved: Resolved = resolve_conflicts(&corpus, &identities);
    let groups: Groups = near_duplicates(&identities);
    let duplicates = DuplicateReport::of(&identities, &groups, &resolved);
    let corpus = resolved.apply(&corpus);
    let snapshots = Snapshots::at(&global.home);
    let provenance = Provenance { options, report, duplicates: Some(duplicates) };
    let manifest = interrupt::hold_off(|| snapshots.save(&name, &corpus, provenance))?;
    let reference = manifest.reference();
    let quarantine = snapshots.quarantine(&reference)?.map(|path| path.display().to_string());
    if global.json {
        print_json(&Answer {
            dataset: Some(reference),
            manifest: Some(&manifest),
            quarantine,
            check: check.as_ref(),
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = io::stdout().lock();
    if let Some(check) = &check {
        writeln!(out, "{check}\n")?;
    }
    // What the files held stands on standard error already.
    super::datasets::head(&mut out, &manifest)?;
    super::datasets::faults(&mut out, &manifest, quarantine.as_deref())?;
    if manifest.labels.len() > 1 {
        writeln!(out, "use it as: sentimeter train --data {name}")?;
    } else {
        writeln!(out, "nothing can be learned from it: it has fewer than two labels")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A data set's name made of a file's: up to its first dot, what a name cannot hold as dashes.
fn name_of(file: &str) -> String {
    let stem = file.split('.').find(|part| !part.is_empty()).unwrap_or_default().to_lowercase();
    let kept = stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' });
    let name: String = kept.take(100).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "data".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_files_names() {
        for (file, name) in [
            ("Tweets.csv", "tweets"),
            ("My Feedback (1).csv.gz", "my-feedback--1"),
            (".hidden.csv", "hidden"),
            ("été.csv", "t"),
            ("ملف.csv", "data"),
            ("", "data"),
        ] {
            assert_eq!(name_of(file), name);
        }
    }
}
