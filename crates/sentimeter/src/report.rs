//! Where the report on a model goes, and how it gets there.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use sentimeter_experiment::examine::{Examination, page};

use crate::args::Global;
use crate::interrupt;
use crate::output::Output;

/// The file beside the page that holds its numbers.
const NUMBERS: &str = "numbers.json";

/// The home's place for the report that `command` makes on the model at `model`.
pub(crate) fn place(global: &Global, command: &str, model: &Path) -> PathBuf {
    place_of(global, command, &model_name(model))
}

/// The same of a model that people call `name`.
pub(crate) fn place_of(global: &Global, command: &str, name: &str) -> PathBuf {
    global.home.join("reports").join(format!("{command}-{name}"))
}

/// What people call the model at `path`.
pub(crate) fn model_name(path: &Path) -> String {
    path.file_stem().map_or_else(|| "model".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// What people call the data: data sets by their names, files by theirs without folders.
pub(crate) fn data_name(names: &[String]) -> String {
    let short = |name: &String| {
        let file = Path::new(name).file_name().map(|file| file.to_string_lossy().into_owned());
        file.unwrap_or_else(|| name.clone())
    };
    match names {
        [] => String::new(),
        [one] => short(one),
        [first, rest @ ..] => format!("{} and {} more", short(first), rest.len()),
    }
}

/// Makes the folder of a report, so that what is in its way is said before any work.
pub(crate) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the report's folder {}", folder.display()))
}

/// A report that was written.
pub(crate) struct Written {
    /// Its page.
    pub page: PathBuf,
    /// Its files, by their names below its folder, the page first.
    pub files: Vec<String>,
}

/// Writes the page, its figures and its numbers into `folder`.
pub(crate) fn write(folder: &Path, found: &Examination) -> anyhow::Result<Written> {
    let cannot = || format!("cannot write the report into {}", folder.display());
    make_folder(folder)?;
    let numbers = || -> io::Result<()> {
        let output = Output::create(&folder.join(NUMBERS))?;
        let mut out = BufWriter::new(output.file()?);
        serde_json::to_writer(&mut out, found)?;
        out.write_all(b"\n")?;
        out.flush()?;
        drop(out);
        output.finish()
    };
    numbers().with_context(cannot)?;
    let page = page(found, Some(NUMBERS));
    // Its files are written beside their names: a signal waits until they have them.
    let mut files = vec!["index.html".to_owned(), NUMBERS.to_owned()];
    for figure in page.figures() {
        files.extend(["svg", "png"].map(|ending| format!("figures/{}.{ending}", figure.name())));
    }
    Ok(Written { page: interrupt::hold_off(|| page.write(folder)).with_context(cannot)?, files })
}

/// Says where the page is; the same for JSON.
pub(crate) fn tell(global: &Global, page: &Path) -> String {
    let shown = page.display().to_string();
    if !global.quiet {
        note!("report: {shown}");
    }
    shown
}
