//! Folders that are complete or not there, and what is left of those that were not completed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use super::{SnapshotError, check_name, io_error};

/// How the name of a folder begins that is not a snapshot yet.
pub(super) const WRITING: &str = ".writing-";

/// After so long nobody is writing into one any more.
pub(super) const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// Names of the folders in `folder` that are not temporary, sorted; none if it is not there.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, SnapshotError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(io_error("read", folder)(e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error("read", folder))?;
        if let Some(name) = entry.file_name().to_str()
            && check_name(name).is_ok()
            && entry.path().is_dir()
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Writes a file of which, afterwards, all is on the disk.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), SnapshotError> {
    let mut file = File::create(path).map_err(io_error("write", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io_error("write", path))
}

/// A rename is durable once its folder is.
pub(super) fn sync_folder(folder: &Path) -> Result<(), SnapshotError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(io_error("sync", folder))
}

/// Removes what processes that were killed had begun to write into `folder`. What cannot be removed stays.
pub(super) fn remove_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let begun = entry.file_name().to_string_lossy().starts_with(WRITING);
        let touched = entry.metadata().and_then(|found| found.modified());
        let age = touched.ok().and_then(|touched| touched.elapsed().ok());
        if begun && age.is_some_and(|age| age > ABANDONED) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
