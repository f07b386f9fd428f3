//! Word vectors come in from files, and go out into them.
//!
//! [`read`] takes the vectors of some words out of a file of any size: GloVe's text, word2vec's text and
//! binary form, fastText's text and its binary model, whose subwords give vectors to words that it never
//! met. The format is guessed from the content. Memory is bounded by the words that are wanted, whatever
//! the file holds. [`write_model`] and [`write_text`] put out what [`sentimeter_model::embeddings`] has
//! learned, for this crate, gensim and fastText to read.
//!
//! This crate knows no data set, no plan and no network.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod binary;
mod error;
mod fasttext;
mod found;
mod guess;
mod source;
mod text;
mod write;

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use sentimeter_model::features::Words;

pub use error::VectorsError;
pub use found::{Coverage, Vectors};
pub use guess::Format;
pub use write::{write_model, write_text};

use found::Finder;
use source::Source;

/// Most numbers of a vector: more is a mistake.
pub(crate) const WIDEST: usize = 1 << 14;

/// Where reading stands, in bytes of the file; `Break` stops it.
pub type OnProgress<'a> = &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>;

/// What the beginning of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Its format.
    pub format: Format,
    /// Numbers of a vector.
    pub dimension: usize,
}

/// Format and dimension of the file at `path`, from its beginning alone.
///
/// # Errors
/// A file that cannot be read or holds no word vectors.
pub fn peek(path: &Path) -> Result<Shape, VectorsError> {
    let mut source = Source::open(path)?;
    let head = guess::guess(&mut source)?;
    Ok(Shape { format: head.format, dimension: head.dimension })
}

/// The vectors of `words` that the file at `path` has.
///
/// The first vector of a word counts. A word that is not there as it is written gets the vector of the first
/// one that differs by capital letters alone (`paris` that of `Paris`), and, from a fastText model, the mean
/// of its subwords' vectors.
///
/// # Errors
/// See [`VectorsError`]: a file that is cut off, rows of different widths, a header that does not fit.
pub fn read(path: &Path, words: &Words, progress: OnProgress<'_>) -> Result<Vectors, VectorsError> {
    let mut source = Source::open(path)?;
    let head = guess::guess(&mut source)?;
    let mut finder = Finder::new(words, head.dimension);
    let mut reading = Reading { source: &mut source, finder: &mut finder, progress, shown: 0 };
    match head.format {
        Format::Glove | Format::Text => text::read(&mut reading, &head)?,
        Format::Word2vec => binary::read(&mut reading, &head)?,
        Format::Fasttext => fasttext::read(&mut reading, words)?,
    }
    let hash = source.finish()?;
    Ok(finder.finish(source.name(), head.format, hash))
}

/// A file being read.
pub(crate) struct Reading<'a, 'w> {
    pub(crate) source: &'a mut Source,
    pub(crate) finder: &'a mut Finder<'w>,
    pub(crate) progress: OnProgress<'a>,
    shown: u64,
}

impl Reading<'_, '_> {
    /// Says where reading stands, every 4 MiB.
    pub(crate) fn advance(&mut self) -> Result<(), VectorsError> {
        let done = self.source.done();
        if done - self.shown < 4 << 20 {
            return Ok(());
        }
        self.shown = done;
        match (self.progress)(done, self.source.total()) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(VectorsError::Interrupted),
        }
    }

    /// What the operating system says of the file, or that it ended too soon.
    pub(crate) fn failed(&self, error: io::Error, cut_off: String) -> VectorsError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.source.broken(cut_off),
            _ => self.source.unreadable(error),
        }
    }
}
