//! Where answers are put: whole under the asked name, or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::interrupt;

/// Links that are followed from one name; Linux follows as many.
const MOST_LINKS: usize = 40;

/// A file being written. A regular one is written beside its name and renamed by
/// [`finish`](Self::finish); dropped before, nothing is left of it. A device or a pipe is written
/// straight into: it is nothing that could be replaced.
pub(crate) struct Output {
    file: File,
    beside: Option<Beside>,
}

struct Beside {
    temporary: NamedTempFile,
    /// Links followed: a link stays one, and what it leads to is replaced.
    target: PathBuf,
    /// Removes the temporary file should a signal end the process.
    _doomed: interrupt::Doomed,
}

impl Output {
    /// Opens `path` for writing. A new file is as readable as the umask says; one that is replaced
    /// keeps its mode.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let (target, old) = match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory: name a file"));
            }
            Ok(found) if !found.is_file() => {
                return Ok(Self { file: OpenOptions::new().write(true).open(path)?, beside: None });
            }
            Ok(found) => {
                // What may not be written to is not replaced either.
                OpenOptions::new().write(true).open(path)?;
                (fs::canonicalize(path)?, Some(found.permissions()))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => (follow(path)?, None),
            Err(e) => return Err(e),
        };
        let temporary = beside(folder(&target))?;
        if let Some(mode) = old {
            temporary.as_file().set_permissions(mode)?;
        }
        let file = temporary.reopen()?;
        let _doomed = interrupt::remove_on_signal(temporary.path());
        Ok(Self { file, beside: Some(Beside { temporary, target, _doomed }) })
    }

    /// What is to be written to.
    pub(crate) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Makes the file durable and gives it its name.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        let Some(Beside { temporary, target, _doomed }) = self.beside else {
            return Ok(());
        };
        self.file.sync_all()?;
        temporary.persist(&target)?;
        // The name is durable once the folder is; only Unix opens a folder to say so.
        #[cfg(unix)]
        File::open(folder(&target))?.sync_all()?;
        Ok(())
    }
}

/// The folder that `path` lies in.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file in `folder` with the mode of a new file; `tempfile`'s own is its owner's alone.
fn beside(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(mode);
    builder.tempfile_in(folder)
}

/// Where `path` leads: the name that the last of its links states, whether it is there or not.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&at) {
            Ok(link) => at = folder(&at).join(link),
            Err(_) => return Ok(at),
        }
    }
    Err(io::Error::other("its links lead in a circle"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    fn put(path: &Path, bytes: &[u8]) {
        let output = Output::create(path).unwrap();
        output.file().unwrap().write_all(bytes).unwrap();
        output.finish().unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn links_stay_links_and_modes_stay_modes() {
        let desk = tempfile::tempdir().unwrap();
        let at = |name: &str| desk.path().join(name);
        fs::write(at("old"), "old").unwrap();
        fs::set_permissions(at("old"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("old", at("link")).unwrap();
        symlink("new", at("dangling")).unwrap();
        symlink("dangling", at("twice")).unwrap();
        symlink("round", at("round")).unwrap();
        for (asked, written) in [("link", "old"), ("twice", "new")] {
            put(&at(asked), b"answer");
            assert!(fs::symlink_metadata(at(asked)).unwrap().is_symlink());
            assert_eq!(fs::read(at(written)).unwrap(), b"answer");
        }
        assert_eq!(fs::metadata(at("old")).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(Output::create(&at("round")).is_err());
        assert!(Output::create(desk.path()).is_err());
        drop(Output::create(&at("dropped")).unwrap());
        assert_eq!(names(desk.path()), ["dangling", "link", "new", "old", "round", "twice"]);
        // A new file has the mode that any new file gets here.
        fs::write(at("plain"), "").unwrap();
        let mode = |name: &str| fs::metadata(at(name)).unwrap().permissions().mode();
        assert_eq!(mode("new"), mode("plain"));
    }

    #[test]
    fn a_pipe_is_written_into_and_stays() {
        let desk = tempfile::tempdir().unwrap();
        let pipe = desk.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        put(&pipe, b"answer");
        assert_eq!(reader.join().unwrap(), b"answer");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
        assert_eq!(names(desk.path()), ["pipe"]);
    }
}
