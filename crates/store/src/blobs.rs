//! Files named by their content.
//!
//! `HOME/blobs/HASH`: the BLAKE3 hash of the bytes, in hexadecimal. A blob is written beside, synced,
//! made read-only and renamed, so what has a name is whole; it is never changed, and it is hashed again
//! whenever it is read.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::error::io;

/// Files that are synced at a time: their waits for the disk pass together.
const ABREAST: usize = 8;

/// Bytes that are copied and hashed at a time.
const PIECE: usize = 1 << 20;

/// A file by its content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Blob {
    /// BLAKE3 of its bytes, 64 hexadecimal digits.
    pub hash: String,
    /// How many bytes.
    pub size: u64,
}

/// What becomes a blob.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// A file, which is copied.
    File(&'a Path),
}

/// The blobs of a home. There is no index: the folder is it.
#[derive(Debug, Clone)]
pub struct Blobs {
    folder: PathBuf,
}

impl Blobs {
    /// Those of `home`; the folder is made by the first blob.
    pub fn at(home: &Path) -> Self {
        Self { folder: home.join("blobs") }
    }

    /// The folder that they lie in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stores one, durably when this returns.
    ///
    /// # Errors
    /// A full disk and its like.
    pub fn put(&self, source: Source<'_>) -> Result<Blob, StoreError> {
        let mut blobs = self.put_all(&[source])?;
        Ok(blobs.pop().expect("one goes in, one comes out"))
    }

    /// Stores several, durably when this returns: quicker than one by one, as their waits for the disk
    /// are one.
    ///
    /// # Errors
    /// A full disk and its like; blobs that were stored by then stay, which harms nobody.
    pub fn put_all(&self, sources: &[Source<'_>]) -> Result<Vec<Blob>, StoreError> {
        fs::create_dir_all(&self.folder).map_err(io("make", &self.folder))?;
        let threads = sources.len().min(ABREAST);
        let each = sources.len().div_ceil(threads.max(1)).max(1);
        let parts = std::thread::scope(|scope| {
            let work = |part: &[Source<'_>]| -> Result<Vec<Blob>, StoreError> {
                part.iter().map(|source| self.write(*source)).collect()
            };
            let mut parts: Vec<_> = sources.chunks(each).collect();
            let last = parts.pop();
            let others: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || work(part))).collect();
            let last = last.map(work);
            let mut all = Vec::new();
            for part in others {
                all.push(part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            all.extend(last);
            all
        });
        let mut blobs = Vec::with_capacity(sources.len());
        for part in parts {
            blobs.extend(part?);
        }
        // The names are durable once the folder is.
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(io("sync", &self.folder))?;
        Ok(blobs)
    }

    /// Writes and names one; the folder is not synced yet.
    fn write(&self, source: Source<'_>) -> Result<Blob, StoreError> {
        let cannot = |error| io("write a blob into", &self.folder)(error);
        if let Source::Bytes(bytes) = source {
            let mut hasher = blake3::Hasher::new();
            hasher.update_rayon(bytes);
            let blob = Blob { hash: hasher.finalize().to_hex().to_string(), size: bytes.len() as u64 };
            if !self.is_whole(&blob) {
                let mut temporary = self.temporary().map_err(cannot)?;
                temporary.write_all(bytes).map_err(cannot)?;
                self.name(temporary, &blob).map_err(cannot)?;
            }
            return Ok(blob);
        }
        let Source::File(path) = source else { unreachable!("bytes are done with") };
        let mut file = File::open(path).map_err(io("read", path))?;
        let mut temporary = self.temporary().map_err(cannot)?;
        let mut hasher = blake3::Hasher::new();
        let (mut size, mut piece) = (0, vec![0; PIECE]);
        loop {
            let read = file.read(&mut piece).map_err(io("read", path))?;
            if read == 0 {
                break;
            }
            hasher.update(&piece[..read]);
            temporary.write_all(&piece[..read]).map_err(cannot)?;
            size += read as u64;
        }
        let blob = Blob { hash: hasher.finalize().to_hex().to_string(), size };
        if !self.is_whole(&blob) {
            self.name(temporary, &blob).map_err(cannot)?;
        }
        Ok(blob)
    }

    /// Whether a file of its name and size is there; a shorter one would be a disk's fault, and is
    /// written again.
    fn is_whole(&self, blob: &Blob) -> bool {
        fs::metadata(self.folder.join(&blob.hash))
            .is_ok_and(|found| found.is_file() && found.len() == blob.size)
    }

    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(WRITING);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o444));
        builder.tempfile_in(&self.folder)
    }

    fn name(&self, temporary: tempfile::NamedTempFile, blob: &Blob) -> io::Result<()> {
        temporary.as_file().sync_all()?;
        // Another process may have stored the same bytes meanwhile: one takes the other's place.
        temporary.persist(self.folder.join(&blob.hash)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Where a blob lies, or would.
    ///
    /// # Errors
    /// A hash that is none.
    pub fn path(&self, hash: &str) -> Result<PathBuf, StoreError> {
        // A name from a database or a request must not lead out of the folder.
        if hash.len() != 64 || !hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(StoreError::Hash { hash: hash.to_owned() });
        }
        Ok(self.folder.join(hash))
    }

    /// The bytes of a blob, which are what was stored.
    ///
    /// # Errors
    /// No such blob, or one that is damaged.
    pub fn read(&self, hash: &str) -> Result<Vec<u8>, StoreError> {
        let path = self.path(hash)?;
        let bytes = fs::read(&path).map_err(|e| self.missing(hash, &path, e))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_rayon(&bytes);
        same(&path, hash, hasher.finalize())?;
        Ok(bytes)
    }

    /// The file of a blob after its bytes were hashed: for those that are mapped or copied.
    ///
    /// # Errors
    /// No such blob, or one that is damaged.
    pub fn verified(&self, hash: &str) -> Result<PathBuf, StoreError> {
        let path = self.path(hash)?;
        let mut hasher = blake3::Hasher::new();
        let file = File::open(&path).map_err(|e| self.missing(hash, &path, e))?;
        hasher.update_reader(file).map_err(io("read", &path))?;
        same(&path, hash, hasher.finalize())?;
        Ok(path)
    }

    /// The hashes of all blobs, ascending.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn list(&self) -> Result<Vec<String>, StoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(io("read", &self.folder)(e)),
        };
        let mut hashes = Vec::new();
        for entry in entries {
            let name = entry.map_err(io("read", &self.folder))?.file_name();
            hashes.extend(name.to_str().filter(|name| self.path(name).is_ok()).map(str::to_owned));
        }
        hashes.sort();
        Ok(hashes)
    }

    fn missing(&self, hash: &str, path: &Path, error: io::Error) -> StoreError {
        match error.kind() {
            io::ErrorKind::NotFound => {
                StoreError::NoBlob { hash: hash.to_owned(), folder: self.folder.clone() }
            }
            _ => io("read", path)(error),
        }
    }
}

/// How the names of files begin that are not blobs yet; those of killed processes may be removed.
const WRITING: &str = ".writing-";

fn same(path: &Path, hash: &str, found: blake3::Hash) -> Result<(), StoreError> {
    let found = found.to_hex();
    if found.as_str() == hash {
        return Ok(());
    }
    Err(StoreError::DamagedBlob { path: path.to_owned(), found: found.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_are_their_content() {
        let home = tempfile::tempdir().unwrap();
        let blobs = Blobs::at(home.path());
        assert!(blobs.list().unwrap().is_empty());
        let file = home.path().join("file");
        fs::write(&file, b"hello").unwrap();
        let many: Vec<Vec<u8>> = (0..40_u8).map(|n| vec![n; usize::from(n) * 100]).collect();
        let mut sources = vec![Source::Bytes(b"hello"), Source::File(&file)];
        sources.extend(many.iter().map(|bytes| Source::Bytes(bytes)));
        let stored = blobs.put_all(&sources).unwrap();
        assert_eq!(stored.len(), sources.len());
        assert_eq!(stored[0], stored[1]);
        assert_eq!(blobs.read(&stored[0].hash).unwrap(), b"hello");
        for (blob, bytes) in stored[2..].iter().zip(&many) {
            assert_eq!(&fs::read(blobs.verified(&blob.hash).unwrap()).unwrap(), bytes);
        }
        assert_eq!(blobs.list().unwrap().len(), 41);
        assert_eq!(fs::read_dir(blobs.folder()).unwrap().count(), 41, "nothing half-written is left");
        assert!(blobs.put_all(&[]).unwrap().is_empty());
        assert!(fs::metadata(blobs.path(&stored[0].hash).unwrap()).unwrap().permissions().readonly());
    }

    #[test]
    fn damage_absence_and_names_that_are_none_have_sentences() {
        let home = tempfile::tempdir().unwrap();
        let blobs = Blobs::at(home.path());
        let blob = blobs.put(Source::Bytes(b"hello")).unwrap();
        let path = blobs.path(&blob.hash).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(matches!(blobs.read(&blob.hash), Err(StoreError::NoBlob { .. })));
        fs::write(&path, b"jello").unwrap();
        assert!(matches!(blobs.read(&blob.hash), Err(StoreError::DamagedBlob { .. })));
        assert!(matches!(blobs.verified(&blob.hash), Err(StoreError::DamagedBlob { .. })));
        for name in ["../sentimeter.db", "", "ABC", &"g".repeat(64)] {
            assert!(matches!(blobs.read(name), Err(StoreError::Hash { .. })), "{name}");
        }
        // Cut off: the next to store the same bytes mends it.
        fs::write(&path, b"hel").unwrap();
        assert_eq!(blobs.put(Source::Bytes(b"hello")).unwrap(), blob);
        assert_eq!(blobs.read(&blob.hash).unwrap(), b"hello");
    }
}
