//! `sentimeter profile`: what is in a data set and what is wrong with it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use sentimeter_experiment::profile::{
    Options, Profile, Profiled, Severity, page, profile, write_next, write_suspects,
};
use serde::Serialize;

use super::print_json;
use crate::args::{Global, ProfileArgs};
use crate::data::Loaded;
use crate::output::Output;
use crate::progress::Shown;
use crate::report::data_name;
use crate::{data, home, interrupt, terminal};

/// What `--json` prints: every number of the page.
#[derive(Serialize)]
struct Answer<'a> {
    page: String,
    suspicious_file: Option<String>,
    label_next_file: Option<String>,
    #[serde(flatten)]
    profile: &'a Profile,
}

pub(crate) fn run(global: &Global, args: &ProfileArgs) -> anyhow::Result<ExitCode> {
    let mut progress = Shown::new(global.quiet);
    let options = args.read.options();
    data::refuse_idle(global, args.data.iter().chain(&args.against), &options)?;
    let model = match &args.model {
        Some(named) => Some(home::open_model(global, Some(named))?.model),
        None => None,
    };
    let name = data_name(&args.data);
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| global.home.join("reports").join(format!("profile-{}", slug(&name))));
    anyhow::ensure!(!folder.is_file(), "{} is a file: --out names a folder", folder.display());

    let Loaded { corpus, read, imported } =
        data::load_with_reports(global, &args.data, &options, &mut progress)?;
    let other = match &args.against {
        Some(name) => Some(data::load(global, std::slice::from_ref(name), &options, &mut progress)?),
        None => None,
    };
    // Before the long work, so that nobody waits for a page that has no place.
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let against = args.against.as_ref().map(|other| data_name(std::slice::from_ref(other)));
    let found = profile(
        &name,
        &corpus,
        &Options {
            seed: args.seed,
            quick: args.quick,
            expected: &args.expect,
            label_next: args.label_next,
            model: model.as_ref(),
            against: against.as_deref().zip(other.as_ref()),
            read: read.as_ref(),
            imported: imported.as_ref(),
        },
        &mut progress,
    )?;
    let Profiled { profile, suspects, .. } = &found;

    let mut suspicious_file = None;
    if suspects.iter().any(|suspect| suspect.confident) {
        let path = folder.join("suspicious.csv");
        let listed = suspects.iter().filter(|suspect| suspect.confident);
        export(&path, |out| write_suspects(out, &corpus, listed))?;
        suspicious_file = Some(path);
    }
    let mut label_next_file = None;
    if args.label_next > 0 && profile.label_next.is_empty() {
        note!("no text without a label is left to label next");
    } else if args.label_next > 0 {
        let path = folder.join("label-next.csv");
        export(&path, |out| write_next(out, &corpus, &profile.label_next))?;
        label_next_file = Some(path);
    }
    let files = exports(suspicious_file.as_deref(), label_next_file.as_deref());
    progress.show("lay out", 0, None, None);
    let page = page(profile, &files).render(|done, of| {
        progress.show("draw", done as u64, Some(of as u64), None);
    })?;
    // Its files are written beside their names: a signal waits until they have them.
    let page = interrupt::hold_off(|| page.write(&folder))
        .with_context(|| format!("cannot write the page into {}", folder.display()))?;
    progress.finish();

    let shown = |path: &PathBuf| path.display().to_string();
    if global.json {
        print_json(&Answer {
            page: shown(&page),
            suspicious_file: suspicious_file.as_ref().map(shown),
            label_next_file: label_next_file.as_ref().map(shown),
            profile,
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = io::stdout().lock();
    print(&mut out, profile)?;
    if let Some(path) = &suspicious_file {
        writeln!(out, "labels to look at   {}", path.display())?;
    }
    if let Some(path) = &label_next_file {
        writeln!(out, "texts to label next {} ({})", path.display(), profile.label_next.len())?;
    }
    writeln!(out, "page                {}", page.display())?;
    Ok(ExitCode::SUCCESS)
}

/// What lies beside the page, and what it is for.
fn exports(suspicious: Option<&Path>, next: Option<&Path>) -> Vec<(String, String)> {
    let told = |path: Option<&Path>, what: &str| {
        let name = path?.file_name()?.to_string_lossy().into_owned();
        Some((name, what.to_owned()))
    };
    let suspicious = told(suspicious, "labels to look at; correct the column label, then import it");
    let next = told(next, "texts to label next; fill in the column label, then import it");
    suspicious.into_iter().chain(next).collect()
}

/// Writes an export whole or not at all. What is there already may hold somebody's corrections: where it
/// says something else it is kept under another name.
fn export(path: &Path, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> anyhow::Result<()> {
    let work = || -> io::Result<()> {
        let mut bytes = Vec::new();
        write(&mut bytes)?;
        match std::fs::read(path) {
            Ok(old) if old == bytes => return Ok(()),
            Ok(_) => {
                let free = |n: &u32| !path.with_extension(format!("{n}.csv")).exists();
                let n = (1..).find(free).unwrap_or(u32::MAX);
                let kept = path.with_extension(format!("{n}.csv"));
                std::fs::rename(path, &kept)?;
                note!("{} was there and differs: it is kept as {}", path.display(), kept.display());
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        let output = Output::create(path)?;
        output.file()?.write_all(&bytes)?;
        output.finish()
    };
    work().with_context(|| format!("cannot write {}", path.display()))
}

/// The rows, the classes and what is wrong, for a terminal.
fn print(out: &mut impl Write, profile: &Profile) -> io::Result<()> {
    let classes: Vec<String> = profile
        .classes
        .iter()
        .zip(&profile.class_rows)
        .map(|(name, rows)| format!("{} {rows}", terminal::line(name)))
        .collect();
    writeln!(
        out,
        "{}: {} ({})",
        terminal::line(&profile.name),
        data::rows(profile.rows),
        classes.join(", ")
    )?;
    if profile.warnings.is_empty() {
        writeln!(out, "nothing was found wrong with it")?;
    }
    for warning in &profile.warnings {
        let severity = match warning.severity {
            Severity::Serious => "SERIOUS",
            Severity::Warning => "warning",
        };
        writeln!(out, "{severity}  {}", terminal::line(&warning.message))?;
    }
    Ok(())
}

/// `name` as the name of a folder.
fn slug(name: &str) -> String {
    let kept =
        name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@') { c } else { '-' });
    // A name on disk has 255 bytes, and `profile-` stands before this one.
    let mut bytes = 0;
    let fits = |c: &char| {
        bytes += c.len_utf8();
        bytes <= 200
    };
    let slug: String = kept.take_while(fits).collect();
    let slug = slug.trim_matches(['-', '.']).to_owned();
    if slug.is_empty() { "data".to_owned() } else { slug }
}
