//! A file's bytes, unpacked, counted and hashed on the way.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::VectorsError;

/// Bytes that are looked at before the format is known: a line of 16,384 numbers fits.
pub(crate) const HEAD: usize = 1 << 18;

/// An open file.
pub(crate) struct Source {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    tally: Arc<Tally>,
    total: u64,
    packed: bool,
}

/// What was read of the file as it lies on disk.
#[derive(Default)]
struct Tally {
    bytes: AtomicU64,
    hasher: Mutex<blake3::Hasher>,
}

struct Tallied(File, Arc<Tally>);

impl Read for Tallied {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buffer)?;
        self.1.hasher.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..n]);
        self.1.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self, VectorsError> {
        let cannot = |source| VectorsError::Io { doing: "open", path: path.to_owned(), source };
        let file = File::open(path).map_err(cannot)?;
        let about = file.metadata().map_err(cannot)?;
        if about.is_dir() {
            return Err(cannot(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let tally = Arc::new(Tally::default());
        let mut raw = BufReader::with_capacity(1 << 20, Tallied(file, Arc::clone(&tally)));
        let packed = raw.fill_buf().map_err(cannot)?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead> = if packed {
            Box::new(BufReader::with_capacity(1 << 20, flate2::bufread::MultiGzDecoder::new(raw)))
        } else {
            Box::new(raw)
        };
        Ok(Self { path: path.to_owned(), reader, tally, total: about.len(), packed })
    }

    /// The first bytes, up to [`HEAD`] of them, which are read again afterwards.
    pub(crate) fn head(&mut self) -> Result<Vec<u8>, VectorsError> {
        let mut head = Vec::new();
        let read = (&mut self.reader).take(HEAD as u64).read_to_end(&mut head);
        read.map_err(|error| self.unreadable(error))?;
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(io::Cursor::new(head.clone()).chain(rest));
        Ok(head)
    }

    pub(crate) fn reader(&mut self) -> &mut dyn BufRead {
        &mut *self.reader
    }

    /// Bytes of the file, unpacked, where that is known before it is read.
    pub(crate) fn size(&self) -> Option<u64> {
        (!self.packed).then_some(self.total)
    }

    /// Bytes on disk.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Those of them that have been read.
    pub(crate) fn done(&self) -> u64 {
        self.tally.bytes.load(Ordering::Relaxed)
    }

    /// The file's own name, without its folders.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    pub(crate) fn broken(&self, why: String) -> VectorsError {
        VectorsError::Broken { path: self.path.clone(), why }
    }

    pub(crate) fn unreadable(&self, source: io::Error) -> VectorsError {
        if self.packed && source.kind() == io::ErrorKind::UnexpectedEof {
            return self.broken("the gzip file ends too soon: it was cut off, fetch it again".to_owned());
        }
        VectorsError::Io { doing: "read", path: self.path.clone(), source }
    }

    /// Reads to the end; gives BLAKE3 over the file.
    pub(crate) fn finish(&mut self) -> Result<String, VectorsError> {
        io::copy(&mut self.reader, &mut io::sink()).map_err(|error| self.unreadable(error))?;
        let hasher = self.tally.hasher.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(hasher.finalize().to_hex().to_string())
    }
}
