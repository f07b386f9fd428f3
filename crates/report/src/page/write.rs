use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Page;
use crate::error::ReportError;

/// Pixels per unit in PNG files: sharp on screens of high density and on paper.
const SCALE: f32 = 2.0;

impl Page {
    /// Writes `figures/NAME.svg` and `.png` for every figure, then `index.html`, into `folder`, which is made where
    /// it is missing. Each file is written beside its place and renamed, the page last: a page that is there has its
    /// figures. Returns the page's path.
    ///
    /// # Errors
    /// [`ReportError::SameName`] before anything is written; [`ReportError::Write`] where the disk refuses.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, ReportError> {
        let figures = self.figures();
        let mut names: Vec<&str> = figures.iter().map(|figure| figure.name()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ReportError::SameName { name: pair[0].to_owned() });
        }
        let beside = folder.join("figures");
        fs::create_dir_all(&beside).map_err(|source| ReportError::Write { path: beside.clone(), source })?;
        figures.par_iter().try_for_each(|figure| {
            put(&beside.join(format!("{}.svg", figure.name())), figure.svg().as_bytes())?;
            // Wide pictures, the clouds, have pixels enough as they are.
            let scale = if figure.size()[0] > 1_200.0 { 1.0 } else { SCALE };
            put(&beside.join(format!("{}.png", figure.name())), &figure.png(scale)?)
        })?;
        let page = folder.join("index.html");
        put(&page, self.html().as_bytes())?;
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
