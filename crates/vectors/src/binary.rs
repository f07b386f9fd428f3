//! word2vec's binary form: a header, then each word, a blank, and its numbers as little-endian 32-bit floats.

use std::io::{BufRead, Read};

use crate::guess::Head;
use crate::{Reading, VectorsError};

/// Bytes of a word past which it is none.
const LONGEST: usize = 1 << 12;

/// Words after which it must be clear that they are words.
const LOOK: u64 = 100;

/// Reads all words.
pub(crate) fn read(reading: &mut Reading<'_, '_>, head: &Head) -> Result<(), VectorsError> {
    let (dimension, words) = (head.dimension, head.words.unwrap_or(0));
    let row = dimension * 4;
    if let Some(size) = reading.source.size() {
        // A word has a letter and a blank behind it.
        let least = words.saturating_mul(row as u64 + 2);
        if size < least {
            return Err(reading.source.broken(format!(
                "its header announces {words} words of {dimension} numbers, which take {least} bytes, and it has \
                 {size}: it was cut off, or the header is wrong"
            )));
        }
    }
    let mut line = Vec::new();
    let header = reading.source.reader().read_until(b'\n', &mut line);
    header.map_err(|error| reading.source.unreadable(error))?;
    let (mut word, mut bytes, mut numbers) = (Vec::new(), vec![0_u8; row], Vec::with_capacity(dimension));
    for at in 0..words {
        let cut_off = || format!("it ends behind {at} of {words} words: it was cut off, fetch it again");
        word.clear();
        let read = reading.source.reader().take(LONGEST as u64).read_until(b' ', &mut word);
        read.map_err(|error| reading.source.unreadable(error))?;
        if word.pop() != Some(b' ') {
            return Err(reading.source.broken(if word.len() + 1 < LONGEST {
                cut_off()
            } else {
                misaligned(at, dimension)
            }));
        }
        let read = reading.source.reader().read_exact(&mut bytes);
        read.map_err(|error| reading.failed(error, cut_off()))?;
        // Some programs end a word's numbers with a line end, others do not.
        let start = word.iter().position(|&b| b != b'\n').unwrap_or(word.len());
        if let Some(wanted) = reading.finder.meet(&word[start..]) {
            numbers.clear();
            numbers.extend(bytes.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)));
            reading.finder.take(wanted, &numbers);
        }
        let seen = reading.finder.seen();
        if seen == words.min(LOOK) && reading.finder.broken() * 2 > seen {
            return Err(reading.source.broken(misaligned(reading.finder.broken(), dimension)));
        }
        reading.advance()?;
    }
    let mut rest = [0_u8; 256];
    let read = reading.source.reader().read(&mut rest);
    let left = read.map_err(|error| reading.source.unreadable(error))?;
    if rest[..left].iter().any(|b| !b.is_ascii_whitespace()) {
        let file = reading.source.name();
        reading.finder.warn(format!(
            "{file} goes on behind the {words} words that its header announces: what follows was left out"
        ));
    }
    Ok(())
}

fn misaligned(at: u64, dimension: usize) -> String {
    format!(
        "what stands where words should is none (seen at {at} words): its header announces {dimension} numbers a \
         vector, which is probably wrong"
    )
}
