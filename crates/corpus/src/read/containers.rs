//! What is no text at once: compressed streams, archives, workbooks, Parquet files.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};

use crate::error::CorpusError;
use crate::options::Format;

use super::names::inner_name;
use super::open::{self, Capped, Magic};
use super::{Origin, Reading, failed, tables};

impl Reading<'_> {
    /// What was inside a compressed stream: text, or a file that must be in memory to be read.
    pub(super) fn unpacked(&mut self, mut reader: impl Read, origin: &Origin<'_>) -> Result<(), CorpusError> {
        let head = open::fill(&mut reader, 8).map_err(|e| failed(e, origin, self.options))?;
        let magic = Magic::of(&head);
        let stream = Cursor::new(head).chain(reader);
        match magic {
            Magic::Zip | Magic::Compound => self.excel(stream, origin),
            Magic::Parquet => {
                // Parquet is read from its end: unpack it to where that can be found.
                let mut stream = stream;
                let mut file = tempfile::tempfile().map_err(CorpusError::io("unpack", origin.path))?;
                io::copy(&mut stream, &mut file).map_err(|e| failed(e, origin, self.options))?;
                self.parquet(file, origin)
            }
            Magic::Text => self.text(stream, origin),
            Magic::Gzip | Magic::Zstd => Err(CorpusError::Format {
                path: origin.name.clone(),
                expected: "text, a table or a workbook inside the compression".to_owned(),
                found: "more compression".to_owned(),
            }),
        }
    }

    /// A zip archive: a workbook, or members of which each is a file of its own.
    pub(super) fn archive(&mut self, file: File, origin: &Origin<'_>) -> Result<(), CorpusError> {
        let broken = |e: zip::result::ZipError| CorpusError::Format {
            path: origin.name.clone(),
            expected: "a zip archive".to_owned(),
            found: format!("a damaged one ({e})"),
        };
        let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(broken)?;
        if let Some(size) = tables::workbook_size(&mut archive, self.options.limits.whole_bytes) {
            self.check_whole(size, origin)?;
            let file = File::open(origin.path).map_err(CorpusError::io("open", origin.path))?;
            return self.excel(file, origin);
        }
        let before = self.report.files.len();
        for at in 0..archive.len() {
            let member = archive.by_index(at).map_err(broken)?;
            let name = member.name().map_err(broken)?.into_owned();
            let base = name.rsplit('/').next().unwrap_or_default();
            // Folders, and what desktop systems add.
            if member.is_dir() || base.starts_with('.') || name.starts_with("__MACOSX/") || base.is_empty() {
                continue;
            }
            let origin = Origin {
                path: origin.path,
                name: format!("{}/{name}", origin.name),
                inner: inner_name(base),
                total: origin.total,
                tally: origin.tally,
                source: Some(base.to_owned()),
            };
            self.unpacked(Capped::new(member, self.options.limits.bytes), &origin)?;
        }
        if self.report.files.len() == before {
            return Err(CorpusError::Empty { path: origin.name.clone() });
        }
        Ok(())
    }

    fn check_whole(&self, size: u64, origin: &Origin<'_>) -> Result<(), CorpusError> {
        let limit = self.options.limits.whole_bytes;
        if size <= limit {
            return Ok(());
        }
        Err(CorpusError::Limit {
            path: origin.name.clone(),
            limit,
            what: "bytes for a file that must be in memory as a whole",
            option: "max-whole-bytes",
        })
    }

    /// All bytes of a file that must be in memory as a whole.
    fn whole(&self, reader: impl Read, origin: &Origin<'_>) -> Result<Vec<u8>, CorpusError> {
        let mut bytes = Vec::new();
        let limit = self.options.limits.whole_bytes;
        reader
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| failed(e, origin, self.options))?;
        self.check_whole(bytes.len() as u64, origin)?;
        Ok(bytes)
    }

    pub(super) fn excel(&mut self, reader: impl Read, origin: &Origin<'_>) -> Result<(), CorpusError> {
        let bytes = self.whole(reader, origin)?;
        // A workbook inside another compression has not been sized yet.
        if let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes.as_slice()))
            && let Some(size) = tables::workbook_size(&mut archive, self.options.limits.whole_bytes)
        {
            self.check_whole(size, origin)?;
        }
        let table = tables::excel(bytes).map_err(|found| CorpusError::Format {
            path: origin.name.clone(),
            expected: "an Excel or OpenDocument workbook".to_owned(),
            found,
        })?;
        self.table(Format::Excel, table, origin)
    }

    #[cfg(feature = "parquet")]
    pub(super) fn parquet(&mut self, input: File, origin: &Origin<'_>) -> Result<(), CorpusError> {
        let table = tables::parquet(input).map_err(|found| CorpusError::Format {
            path: origin.name.clone(),
            expected: "a Parquet file".to_owned(),
            found,
        })?;
        self.table(Format::Parquet, table, origin)
    }

    #[cfg(not(feature = "parquet"))]
    pub(super) fn parquet(&mut self, _: File, origin: &Origin<'_>) -> Result<(), CorpusError> {
        Err(CorpusError::Format {
            path: origin.name.clone(),
            expected: "a format that this build reads".to_owned(),
            found: "Parquet, which it was built without (feature `parquet`)".to_owned(),
        })
    }
}
