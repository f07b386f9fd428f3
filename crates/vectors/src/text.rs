//! A word and its numbers a line: GloVe, and behind a header word2vec's text and fastText's .vec.

use std::io::{BufRead, Read};

use crate::guess::{Head, fields, number, strip_mark};
use crate::{Reading, VectorsError};

/// Bytes of a line past which it is none.
const LONGEST: u64 = 1 << 20;

/// Reads all lines.
pub(crate) fn read(reading: &mut Reading<'_, '_>, head: &Head) -> Result<(), VectorsError> {
    let dimension = head.dimension;
    let (mut line, mut numbers) = (Vec::new(), Vec::with_capacity(dimension));
    let mut at = 0_u64;
    let mut blank = 0_u64;
    loop {
        line.clear();
        let read = reading.source.reader().take(LONGEST).read_until(b'\n', &mut line);
        let read = read.map_err(|error| reading.source.unreadable(error))?;
        if read == 0 {
            break;
        }
        at += 1;
        if read as u64 == LONGEST {
            return Err(reading.source.broken(format!("line {at} has more than {LONGEST} bytes")));
        }
        let whole = line.last() == Some(&b'\n');
        let line = if at == 1 { strip_mark(&line) } else { &line };
        if at == 1 && head.words.is_some() {
            continue;
        }
        let line = trim(line);
        if line.is_empty() {
            blank += 1;
            continue;
        }
        let Some((word, rest)) = split(line, dimension) else {
            let found = fields(line).count().saturating_sub(1);
            let why = if whole {
                format!(
                    "line {at} has {found} numbers, {} {dimension}: the file is damaged there",
                    if head.words.is_some() { "its header announces" } else { "its first line has" }
                )
            } else {
                format!(
                    "it ends in the middle of line {at}, behind {found} of {dimension} numbers: it was cut off, \
                     fetch it again"
                )
            };
            return Err(reading.source.broken(why));
        };
        if let Some(wanted) = reading.finder.meet(word) {
            numbers.clear();
            for field in fields(rest) {
                let Some(x) = number(field) else {
                    let field = String::from_utf8_lossy(field).into_owned();
                    return Err(reading
                        .source
                        .broken(format!("line {at}: {field:?} stands where a number should")));
                };
                numbers.push(x);
            }
            reading.finder.take(wanted, &numbers);
        }
        reading.advance()?;
    }
    let seen = reading.finder.seen();
    match head.words {
        Some(words) if seen < words => {
            return Err(reading.source.broken(format!(
                "its header announces {words} words, and {seen} are there: it was cut off, fetch it again"
            )));
        }
        Some(words) if seen > words => {
            let file = reading.source.name();
            reading.finder.warn(format!(
                "the header of {file} announces {words} words, and {seen} are there: all were read"
            ));
        }
        _ => {}
    }
    if blank > 0 {
        let file = reading.source.name();
        reading.finder.warn(format!("{blank} lines of {file} are empty and were passed over"));
    }
    Ok(())
}

fn trim(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n')).map_or(0, |at| at + 1);
    &line[..end]
}

/// The word, which may have blanks in it, and its `dimension` numbers.
fn split(line: &[u8], dimension: usize) -> Option<(&[u8], &[u8])> {
    // Most lines have one blank between two fields.
    let blanks = memchr::memchr2_iter(b' ', b'\t', line).count();
    if blanks == dimension {
        let at = memchr::memchr2(b' ', b'\t', line)?;
        // A blank at the start would leave no word.
        return (at > 0).then(|| (&line[..at], &line[at + 1..]));
    }
    let mut starts = fields(line).map(|field| field.as_ptr() as usize - line.as_ptr() as usize);
    let numbers = starts.by_ref().rev().take(dimension).last()?;
    let word = trim(&line[..numbers]);
    let found = fields(&line[numbers..]).count();
    let first = word.iter().position(|b| !matches!(b, b' ' | b'\t'))?;
    (found == dimension && fields(&line[numbers..]).next().and_then(number).is_some())
        .then(|| (&word[first..], &line[numbers..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_have_blanks_and_lines_more_than_they_need() {
        let parts = |line: &str, dimension| {
            let (word, rest) = split(trim(line.as_bytes()), dimension)?;
            Some((String::from_utf8_lossy(word).into_owned(), fields(rest).count()))
        };
        let some = |word: &str, n| Some((word.to_owned(), n));
        assert_eq!(parts("the 1 2\n", 2), some("the", 2));
        assert_eq!(parts("the 1 2 \r\n", 2), some("the", 2));
        assert_eq!(parts(". . . 1 2", 2), some(". . .", 2));
        assert_eq!(parts("5 1 2", 2), some("5", 2));
        assert_eq!(parts("the\t1\t2", 2), some("the", 2));
        assert_eq!(parts("the  1  2", 2), some("the", 2));
        assert_eq!(parts("the 1", 2), None);
        assert_eq!(parts("the x 1", 2), some("the", 2), "what is no number is said where it is wanted");
        assert_eq!(parts("1 2", 2), None);
    }
}
