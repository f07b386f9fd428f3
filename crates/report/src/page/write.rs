use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Page;
use crate::error::ReportError;
use crate::figure::Figure;

/// Pixels per unit in PNG files: sharp on screens of high density and on paper.
const SCALE: f32 = 2.0;

/// A page with all of its files, as bytes that only need to be written: what takes time is done.
#[derive(Debug)]
pub struct Rendered {
    html: String,
    /// Names below `figures/`, and what they hold.
    files: Vec<(String, Vec<u8>)>,
}

impl Page {
    /// Writes `figures/NAME.svg` and `.png` for every figure, then `index.html`, into `folder`, which is made where
    /// it is missing. Each file is written beside its place and renamed, the page last: a page that is there has its
    /// figures. Returns the page's path.
    ///
    /// # Errors
    /// [`ReportError::SameName`] before anything is written; [`ReportError::Write`] where the disk refuses.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, ReportError> {
        self.render(|_, _| ())?.write(folder)
    }

    /// Draws everything and writes nothing. `drawn` hears how many of how many figures are done.
    ///
    /// # Errors
    /// [`ReportError::SameName`] where two figures would be one file; [`ReportError::Raster`].
    pub fn render(&self, mut drawn: impl FnMut(usize, usize)) -> Result<Rendered, ReportError> {
        let figures = self.figures();
        let mut names: Vec<&str> = figures.iter().map(|figure| figure.name()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ReportError::SameName { name: pair[0].to_owned() });
        }
        let mut files = Vec::with_capacity(2 * figures.len());
        // Some at a time, so that there is something to tell between them.
        for some in figures.chunks(rayon::current_num_threads().max(1)) {
            drawn(files.len() / 2, figures.len());
            let bytes: Vec<_> = some.par_iter().map(|figure| Self::draw(figure)).collect::<Result<_, _>>()?;
            files.extend(bytes.into_iter().flatten());
        }
        drawn(figures.len(), figures.len());
        Ok(Rendered { html: self.html(), files })
    }

    fn draw(figure: &Figure) -> Result<[(String, Vec<u8>); 2], ReportError> {
        // Wide pictures, the clouds, have pixels enough as they are.
        let scale = if figure.size()[0] > 1_200.0 { 1.0 } else { SCALE };
        let png = figure.png(scale)?;
        let name = figure.name();
        Ok([(format!("{name}.svg"), figure.svg().into_bytes()), (format!("{name}.png"), png)])
    }
}

impl Rendered {
    /// Puts the files in their places, as [`Page::write`] does.
    ///
    /// # Errors
    /// [`ReportError::Write`] where the disk refuses.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, ReportError> {
        let beside = folder.join("figures");
        fs::create_dir_all(&beside).map_err(|source| ReportError::Write { path: beside.clone(), source })?;
        for (name, bytes) in &self.files {
            put(&beside.join(name), bytes)?;
        }
        let page = folder.join("index.html");
        put(&page, self.html.as_bytes())?;
        Ok(page)
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        readable(file.as_file())?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|source| ReportError::Write { path: path.to_owned(), source })
}

/// Temporary files are their owner's alone; a report is as readable as any other file.
fn readable(file: &fs::File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    let _ = file;
    Ok(())
}
