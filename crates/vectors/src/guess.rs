//! Which format a file has, from its first bytes.

use serde::{Deserialize, Serialize};

use crate::source::{HEAD, Source};
use crate::{VectorsError, WIDEST};

/// The forms in which word vectors are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A word and its numbers a line: GloVe.
    Glove,
    /// The same behind a line with the numbers of words and of dimensions: word2vec's text, fastText's .vec.
    Text,
    /// That line, then words with their numbers as 32-bit floats: word2vec's binary form (GoogleNews).
    Word2vec,
    /// fastText's model (.bin), with subwords.
    Fasttext,
}

impl Format {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Glove => "GloVe text",
            Self::Text => "word2vec or fastText text",
            Self::Word2vec => "word2vec binary",
            Self::Fasttext => "fastText binary",
        }
    }
}

/// What the first bytes say.
pub(crate) struct Head {
    pub(crate) format: Format,
    pub(crate) dimension: usize,
    /// Words, where a header says it.
    pub(crate) words: Option<u64>,
}

/// The four bytes that a fastText model begins with.
pub(crate) const MAGIC: [u8; 4] = 793_712_314_i32.to_le_bytes();

/// Looks at the beginning of `source`, which is then where it was.
pub(crate) fn guess(source: &mut Source) -> Result<Head, VectorsError> {
    let head = source.head()?;
    let wrong = |why: String| Err(source.broken(why));
    match &head[..] {
        [] => return wrong("the file is empty".to_owned()),
        [b'P', b'K', 3, 4, ..] => {
            return wrong("it is a zip archive: unpack it, and name the file of vectors in it".to_owned());
        }
        _ if head.starts_with(&MAGIC) => {
            let Some(&bytes) = head.get(8..12).and_then(|bytes| bytes.first_chunk::<4>()) else {
                return wrong("the fastText model ends in its header: it was cut off".to_owned());
            };
            let dimension = usize::try_from(i32::from_le_bytes(bytes)).unwrap_or(0);
            check(source, dimension)?;
            return Ok(Head { format: Format::Fasttext, dimension, words: None });
        }
        _ => {}
    }
    let (first, rest) = line(strip_mark(&head));
    let fields: Vec<&[u8]> = fields(first).collect();
    if let [words, dimension] = fields[..]
        && let (Some(words), Some(dimension)) = (whole(words), whole(dimension))
    {
        let dimension = usize::try_from(dimension).unwrap_or(usize::MAX);
        check(source, dimension)?;
        if rest.is_empty() {
            return wrong(format!("its header announces {words} words, and nothing follows"));
        }
        let (second, _) = line(rest);
        let format = if is_text(second) { Format::Text } else { Format::Word2vec };
        return Ok(Head { format, dimension, words: Some(words) });
    }
    let numbers = fields.iter().skip(1).rev().take_while(|field| number(field).is_some()).count();
    if numbers == 0 {
        let begins: String = String::from_utf8_lossy(first).chars().take(40).collect();
        return wrong(format!(
            "this is no file of word vectors: its first line begins with {begins:?}; a word and its numbers \
             (GloVe), a header of two numbers (word2vec, fastText's .vec) or a fastText model is expected"
        ));
    }
    check(source, numbers)?;
    Ok(Head { format: Format::Glove, dimension: numbers, words: None })
}

fn check(source: &Source, dimension: usize) -> Result<(), VectorsError> {
    if (1..=WIDEST).contains(&dimension) {
        return Ok(());
    }
    Err(source.broken(format!("its vectors would have {dimension} numbers; 1 to {WIDEST} are read")))
}

/// Without UTF-8's byte order mark.
pub(crate) fn strip_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The first line, and what follows it.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'\n', bytes) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}

/// What blanks and tabs separate.
pub(crate) fn fields(line: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    line.split(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).filter(|field| !field.is_empty())
}

fn whole(field: &[u8]) -> Option<u64> {
    str::from_utf8(field).ok()?.parse().ok()
}

/// A number as files have it.
pub(crate) fn number(field: &[u8]) -> Option<f32> {
    str::from_utf8(field).ok()?.parse().ok()
}

/// Whether a word's row is written in letters: what follows the word is made of what numbers are made of.
fn is_text(row: &[u8]) -> bool {
    let Some(at) = memchr::memchr2(b' ', b'\t', row) else { return row.len() < HEAD && row.is_ascii() };
    let numbers = &row[at..];
    // Binary numbers have such bytes by chance, a few.
    let fits =
        |b: &u8| b.is_ascii_digit() || matches!(b, b' ' | b'\t' | b'\r' | b'.' | b'-' | b'+' | b'e' | b'E');
    let spelled = fields(numbers).all(|field| number(field).is_some());
    numbers.len() > 1 && (spelled || numbers.iter().all(fits))
}
