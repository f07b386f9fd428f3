//! From a path to a stream of UTF-8 (or nearly): hashing, decompression, limits, transcoding.

use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use encoding_rs::{Decoder, Encoding};

/// What has been read of a file as it lies on disk.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    hasher: Mutex<blake3::Hasher>,
    bytes: AtomicU64,
}

impl Tally {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn blake3(&self) -> String {
        let hasher = self.hasher.lock().unwrap_or_else(PoisonError::into_inner);
        hasher.finalize().to_hex().to_string()
    }
}

/// Hashes and counts what passes through.
pub(crate) struct Tallied<R> {
    inner: R,
    tally: Arc<Tally>,
}

impl<R: Read> Tallied<R> {
    pub(crate) fn new(inner: R) -> (Self, Arc<Tally>) {
        let tally = Arc::new(Tally::default());
        (Self { inner, tally: Arc::clone(&tally) }, tally)
    }
}

impl<R: Read> Read for Tallied<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        let mut hasher = self.tally.hasher.lock().unwrap_or_else(PoisonError::into_inner);
        hasher.update(&buf[..n]);
        self.tally.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Fails with [`io::ErrorKind::FileTooLarge`] past `left` bytes: what stands between a small
/// archive and a full memory.
pub(crate) struct Capped<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Capped<R> {
    pub(crate) fn new(inner: R, limit: u64) -> Self {
        Self { inner, left: limit }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.left =
            self.left.checked_sub(n as u64).ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(n)
    }
}

/// What the first bytes of a file say that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Magic {
    Gzip,
    Zstd,
    Zip,
    Parquet,
    /// The old Excel's compound file.
    Compound,
    Text,
}

impl Magic {
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Self::Zip,
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet,
            [0xd0, 0xcf, 0x11, 0xe0, ..] => Self::Compound,
            _ => Self::Text,
        }
    }
}

/// Reads up to `limit` bytes; fewer only at the end of the file.
pub(crate) fn fill(reader: &mut dyn Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(limit as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The stream after its head has been looked at.
pub(crate) type Rejoined<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// A text stream whose encoding is known.
pub(crate) struct Decoded<R> {
    /// UTF-8, except where the encoding is "UTF-8 with windows-1252 for the other lines".
    pub(crate) reader: Unicode<Rejoined<R>>,
    /// The encoding's name, for people.
    pub(crate) encoding: &'static str,
    /// Whether a byte order mark was there.
    pub(crate) bom: bool,
}

/// Finds the encoding of `reader` from its byte order mark, its zero bytes, or `name`.
///
/// # Errors
/// The file's own, and [`io::ErrorKind::Unsupported`] for an encoding that has no name.
pub(crate) fn decode<R: Read>(mut reader: R, name: Option<&str>) -> io::Result<Decoded<R>> {
    const HEAD: usize = 4096;
    let mut head = fill(&mut reader, HEAD)?;
    let mark = Encoding::for_bom(&head);
    if let Some((_, length)) = mark {
        head.drain(..length);
    }
    let named = match name {
        None | Some("auto") => None,
        Some(name) => Some(Encoding::for_label(name.as_bytes()).ok_or(io::ErrorKind::Unsupported)?),
    };
    let encoding = mark.map(|(encoding, _)| encoding).or(named).or_else(|| wide(&head));
    let rejoined = Cursor::new(head).chain(reader);
    let utf8 = encoding.is_none_or(|e| e == encoding_rs::UTF_8);
    let reader = if utf8 {
        Unicode::Plain(rejoined)
    } else {
        let decoder = encoding.unwrap_or(encoding_rs::UTF_8).new_decoder_without_bom_handling();
        Unicode::Recoded(Box::new(Recoder::new(rejoined, decoder)))
    };
    Ok(Decoded { reader, encoding: encoding.map_or("UTF-8", Encoding::name), bom: mark.is_some() })
}

/// UTF-16 without a mark: text whose every other byte is mostly zero.
fn wide(head: &[u8]) -> Option<&'static Encoding> {
    let pairs = head.len() / 2;
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|&&b| b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if pairs < 4 {
        None
    } else if odd * 10 > pairs * 4 && even * 20 < pairs {
        Some(encoding_rs::UTF_16LE)
    } else if even * 10 > pairs * 4 && odd * 20 < pairs {
        Some(encoding_rs::UTF_16BE)
    } else {
        None
    }
}

/// A stream that is UTF-8 already, or made so on the way.
pub(crate) enum Unicode<R> {
    Plain(R),
    Recoded(Box<Recoder<R>>),
}

impl<R: Read> Read for Unicode<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(inner) => inner.read(buf),
            Self::Recoded(inner) => inner.read(buf),
        }
    }
}

/// Turns an encoding into UTF-8; what it cannot explain becomes U+FFFD.
pub(crate) struct Recoder<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
    done: bool,
}

impl<R: Read> Recoder<R> {
    fn new(inner: R, decoder: Decoder) -> Self {
        Self { inner, decoder, raw: vec![0; 1 << 16], ready: Vec::new(), given: 0, done: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        let n = self.inner.read(&mut self.raw)?;
        self.done = n == 0;
        let room = self.decoder.max_utf8_buffer_length(n).unwrap_or(n * 3 + 16);
        self.ready.resize(room, 0);
        let (_, _, written, _) = self.decoder.decode_to_utf8(&self.raw[..n], &mut self.ready, self.done);
        self.ready.truncate(written);
        self.given = 0;
        Ok(())
    }
}

impl<R: Read> Read for Recoder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            if self.done {
                return Ok(0);
            }
            self.refill()?;
        }
        let n = buf.len().min(self.ready.len() - self.given);
        buf[..n].copy_from_slice(&self.ready[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

/// `bytes` as text: UTF-8, and windows-1252 for the lines that are not. Gives the number of those.
pub(crate) fn utf8_or_1252(bytes: Vec<u8>) -> (String, u64) {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return (text, 0),
        Err(e) => e.into_bytes(),
    };
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 16);
    let mut recoded = 0;
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        match str::from_utf8(line) {
            Ok(line) => text.push_str(line),
            Err(_) => {
                recoded += 1;
                text.push_str(&encoding_rs::WINDOWS_1252.decode_without_bom_handling(line).0);
            }
        }
    }
    (text, recoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], name: Option<&str>) -> (String, &'static str) {
        let mut decoded = decode(bytes, name).unwrap();
        let mut out = Vec::new();
        decoded.reader.read_to_end(&mut out).unwrap();
        (utf8_or_1252(out).0, decoded.encoding)
    }

    #[test]
    fn encodings_are_found() {
        let wide = |s: &str| s.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let big = |s: &str| s.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        let marked = [b"\xff\xfe".as_slice(), &wide("été, نعم")].concat();
        assert_eq!(text(&marked, None), ("été, نعم".into(), "UTF-16LE"));
        assert_eq!(text(&wide("text,label"), None), ("text,label".into(), "UTF-16LE"));
        assert_eq!(text(&big("text,label"), None), ("text,label".into(), "UTF-16BE"));
        assert_eq!(text(b"\xef\xbb\xbftext", None), ("text".into(), "UTF-8"));
        assert_eq!(text(b"caf\xe9 \x80\ncaf\xc3\xa9\n", None).0, "café €\ncafé\n");
        assert_eq!(text(b"\xc7\xe1", Some("windows-1256")).0, "ال");
        assert!(decode(b"x".as_slice(), Some("klingon")).is_err());
    }

    #[test]
    fn a_cap_is_a_cap() {
        let mut out = Vec::new();
        assert!(Capped::new(b"12345".as_slice(), 5).read_to_end(&mut out).is_ok());
        let error = Capped::new(b"123456".as_slice(), 5).read_to_end(&mut out).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
