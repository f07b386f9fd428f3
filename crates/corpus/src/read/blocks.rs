//! A stream falls into blocks of whole records, so that blocks can be parsed in parallel while the
//! next ones are read, and the file is never in memory as a whole.

use std::io::{self, Read};

use super::open::{Rejoined, fill};
use super::split::{Splitter, count_lines};

/// Whole records, as bytes that are UTF-8 or nearly.
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    /// The line on which it starts, from 1.
    pub(crate) line: u64,
    /// Line ends in it.
    pub(crate) line_ends: u64,
    /// Whether it is the file's first.
    pub(crate) first: bool,
    /// The limit past which its only record was cut off, if it was.
    cut: Option<usize>,
}

impl Block {
    /// What is wrong with the block's only record, if it is longer than any may be.
    pub(crate) fn fault(&self) -> Option<String> {
        let limit = self.cut?;
        Some(format!(
            "found a record of more than {limit} bytes, expected at most that; raise --max-record-bytes if it is meant to be"
        ))
    }
}

/// Bytes of a block, about. Small enough for the cache of a core, large enough to forget overhead.
const BLOCK: usize = 1 << 20;

/// Reads blocks.
pub(crate) struct Blocks<R> {
    reader: R,
    splitter: Splitter,
    /// The beginning of a record whose end is still to be read.
    carry: Vec<u8>,
    /// Memory of blocks that nobody needs any more.
    spare: Vec<Vec<u8>>,
    /// A record longer than this is cut where it is.
    limit: usize,
    line: u64,
    first: bool,
    done: bool,
}

impl<R: Read> Blocks<R> {
    pub(crate) fn new(reader: R, splitter: Splitter, limit: usize) -> Self {
        Self {
            reader,
            splitter,
            carry: Vec::new(),
            spare: Vec::new(),
            limit,
            line: 1,
            first: true,
            done: false,
        }
    }

    /// Starts counting at `line`: something stands before the first record.
    pub(crate) fn at_line(mut self, line: u64) -> Self {
        self.line = line;
        self
    }

    /// Takes the memory of a block back for one to come: fresh pages cost more than what is read into
    /// them.
    pub(crate) fn recycle(&mut self, bytes: Vec<u8>) {
        // A record of unusual size is not worth keeping.
        if bytes.capacity() <= BLOCK * 4 {
            self.spare.push(bytes);
        }
    }

    /// Up to `count` blocks; none at the end of the stream.
    pub(crate) fn batch(&mut self, count: usize) -> io::Result<Vec<Block>> {
        let mut blocks = Vec::with_capacity(count);
        while blocks.len() < count
            && let Some(block) = self.next()?
        {
            blocks.push(block);
        }
        Ok(blocks)
    }

    /// The next block, or `None` at the end of the stream.
    pub(crate) fn next(&mut self) -> io::Result<Option<Block>> {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.reserve(self.carry.len() + BLOCK);
        bytes.append(&mut self.carry);
        while !self.done {
            // A record that does not end grows by doubling, so that looking for its end again and
            // again costs no more than twice its length.
            let want = BLOCK.max(bytes.len());
            let read = (&mut self.reader).take(want as u64).read_to_end(&mut bytes)?;
            self.done = read < want;
            if self.done {
                break;
            }
            let mut end = self.splitter.complete(&bytes);
            if end == 0 && bytes.len() > self.limit {
                end = match memchr::memrchr(b'\n', &bytes) {
                    Some(at) => at + 1,
                    // Elements of an array need no lines.
                    None if matches!(self.splitter, Splitter::JsonArray { .. }) => bytes.len(),
                    None => return self.cut(bytes).map(Some),
                };
            }
            if end > 0 {
                self.carry.extend_from_slice(&bytes[end..]);
                bytes.truncate(end);
                return Ok(Some(self.block(bytes)));
            }
        }
        Ok((!bytes.is_empty()).then(|| self.block(bytes)))
    }

    fn block(&mut self, bytes: Vec<u8>) -> Block {
        let (line, line_ends) = (self.line, count_lines(&bytes));
        self.line += line_ends;
        Block { bytes, line, line_ends, first: std::mem::take(&mut self.first), cut: None }
    }

    /// A block of the one line that `bytes` begin and that is too long; what is left of the line is
    /// read and forgotten, so that it is one broken record and not several.
    fn cut(&mut self, mut bytes: Vec<u8>) -> io::Result<Block> {
        bytes.truncate(self.limit);
        // Half a character would make the line look like another encoding.
        const LONGEST: usize = 4;
        let half = bytes.iter().rev().take(LONGEST).take_while(|&&b| !b.is_ascii()).count();
        bytes.truncate(bytes.len() - half);
        let block = Block { cut: Some(self.limit), ..self.block(bytes) };
        self.line += 1;
        let mut rest = Vec::with_capacity(BLOCK);
        while !self.done {
            rest.clear();
            self.done = (&mut self.reader).take(BLOCK as u64).read_to_end(&mut rest)? < BLOCK;
            if let Some(end) = memchr::memchr(b'\n', &rest) {
                self.carry = rest.split_off(end + 1);
                break;
            }
        }
        Ok(block)
    }
}

/// Bytes looked at before anything is decided.
pub(crate) const HEAD: usize = 256 << 10;

/// The first records of a stream, to guess from, and the stream as it was.
pub(crate) fn peek<R: Read>(mut reader: R) -> io::Result<(Vec<u8>, Rejoined<R>)> {
    let head = fill(&mut reader, HEAD)?;
    Ok((head.clone(), io::Cursor::new(head).chain(reader)))
}
