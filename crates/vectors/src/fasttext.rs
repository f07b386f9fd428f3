//! fastText's model: settings, words, and a matrix with a row for each word and each bucket of subwords.
//!
//! A word's vector is the mean of its own row and those of its subwords; one that the model has never met has
//! those of its subwords alone. The matrix passes by once: each row is added to the words that want it.

use std::io::Read;

use sentimeter_model::embeddings::Subwords;
use sentimeter_model::features::Words;

use crate::found::Has;
use crate::{Reading, VectorsError, WIDEST};

/// Bytes of a word past which it is none.
const LONGEST: u64 = 1 << 16;

/// The word that fastText puts at the end of lines: it has no subwords.
const END: &str = "</s>";

/// Reads the model.
pub(crate) fn read(reading: &mut Reading<'_, '_>, words: &Words) -> Result<(), VectorsError> {
    let [_, version] = ints(reading, "header")?;
    if !(11..=12).contains(&version) {
        return Err(reading
            .source
            .broken(format!("version {version} of fastText's models is not known; 11 and 12 are")));
    }
    let [dimension, _, _, _, _, _, _, kind, bucket, min_n, max_n, _] = ints(reading, "settings")?;
    let _t: [u8; 8] = bytes(reading, "settings")?;
    let [size, known, _labels] = ints(reading, "dictionary")?;
    let [_tokens, pruned] = longs(reading, "dictionary")?;
    // Version 11 had no subwords in its classifiers, whatever it says.
    let max_n = if version == 11 && kind == 3 { 0 } else { max_n };
    let wrong = |what: &str, x: i32| format!("its {what} is {x}: the file is damaged");
    let whole = |what: &str, x: i32| usize::try_from(x).map_err(|_| reading.source.broken(wrong(what, x)));
    let (known, size) = (whole("number of words", known)?, whole("dictionary's size", size)?);
    let subwords = Subwords {
        min_n: whole("minn", min_n)?,
        max_n: whole("maxn", max_n)?,
        buckets: whole("bucket", bucket)?,
    };
    let dimension = whole("dim", dimension)?;
    if subwords.max_n > 100 || dimension > WIDEST || known > size {
        return Err(reading.source.broken("its settings are no settings: the file is damaged".to_owned()));
    }
    if pruned >= 0 {
        return Err(quantised(reading));
    }

    // The row of each wanted word that the model knows.
    let mut own = vec![None; words.len()];
    for entry in 0..size {
        let (word, is_word) = entry_of(reading, entry, size)?;
        if !is_word {
            continue;
        }
        if let Some((id, Has::Exact)) = reading.finder.meet(&word) {
            own[id as usize].get_or_insert(entry as u32);
        }
    }
    let [quantised_input]: [u8; 1] = bytes(reading, "matrix")?;
    if quantised_input != 0 {
        return Err(quantised(reading));
    }
    let [rows, width] = longs(reading, "matrix")?;
    let least = known as i64 + if subwords.max_n > 0 { subwords.buckets as i64 } else { 0 };
    if width != dimension as i64 || rows < least {
        return Err(reading.source.broken(format!(
            "its matrix is {rows} × {width} where {least} rows of {dimension} numbers are needed: the file is damaged"
        )));
    }
    sum(reading, words, &own, &subwords, known as u32, rows as u64)
}

/// Adds the matrix's rows to the words that want them.
fn sum(
    reading: &mut Reading<'_, '_>,
    words: &Words,
    own: &[Option<u32>],
    subwords: &Subwords,
    known: u32,
    rows: u64,
) -> Result<(), VectorsError> {
    let mut wanted: Vec<(u32, u32)> = Vec::new();
    let mut counts = vec![0_u32; words.len()];
    for (word, id) in words.iter().zip(0_u32..) {
        let before = wanted.len();
        wanted.extend(own[id as usize].map(|row| (row, id)));
        if word != END {
            subwords.of(word.as_bytes(), |row| wanted.push((known + row, id)));
        }
        counts[id as usize] = (wanted.len() - before) as u32;
    }
    wanted.sort_unstable();
    let dimension = reading.finder.dimension();
    let (mut raw, mut numbers) = (vec![0_u8; dimension * 4], Vec::with_capacity(dimension));
    let mut left = &wanted[..];
    for row in 0..rows {
        if left.is_empty() {
            break;
        }
        let read = reading.source.reader().read_exact(&mut raw);
        let cut_off =
            || format!("it ends behind {row} of {rows} rows of its matrix: it was cut off, fetch it again");
        read.map_err(|error| reading.failed(error, cut_off()))?;
        let here = left.partition_point(|&(own, _)| u64::from(own) <= row);
        if here > 0 {
            numbers.clear();
            numbers.extend(raw.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)));
            left[..here].iter().for_each(|&(_, id)| reading.finder.add(id, &numbers));
            left = &left[here..];
        }
        reading.advance()?;
    }
    for (id, &count) in (0_u32..).zip(&counts) {
        if count > 0 {
            let has = if own[id as usize].is_some() { Has::Exact } else { Has::Subwords };
            reading.finder.scale(id, has, 1.0 / count as f32);
        }
    }
    Ok(())
}

fn quantised(reading: &Reading<'_, '_>) -> VectorsError {
    let why = "it is a quantised fastText model (.ftz), which is not read: use the .bin that it was made of";
    reading.source.broken(why.to_owned())
}

/// A word of the dictionary, and whether it is one: classifiers keep labels beside words.
fn entry_of(
    reading: &mut Reading<'_, '_>,
    entry: usize,
    size: usize,
) -> Result<(Vec<u8>, bool), VectorsError> {
    let mut word = Vec::new();
    let read = std::io::BufRead::read_until(&mut reading.source.reader().take(LONGEST), 0, &mut word);
    read.map_err(|error| reading.source.unreadable(error))?;
    if word.pop() != Some(0) {
        return Err(reading.source.broken(format!(
            "its dictionary ends behind {entry} of {size} words: it was cut off, fetch it again"
        )));
    }
    let [_, _, _, _, _, _, _, _, kind]: [u8; 9] = bytes(reading, "dictionary")?;
    reading.advance()?;
    Ok((word, kind == 0))
}

fn bytes<const N: usize>(reading: &mut Reading<'_, '_>, part: &str) -> Result<[u8; N], VectorsError> {
    let mut bytes = [0; N];
    let read = reading.source.reader().read_exact(&mut bytes);
    read.map_err(|error| {
        reading.failed(error, format!("it ends in its {part}: it was cut off, fetch it again"))
    })?;
    Ok(bytes)
}

fn ints<const N: usize>(reading: &mut Reading<'_, '_>, part: &str) -> Result<[i32; N], VectorsError> {
    let mut found = [0; N];
    for x in &mut found {
        *x = i32::from_le_bytes(bytes(reading, part)?);
    }
    Ok(found)
}

fn longs<const N: usize>(reading: &mut Reading<'_, '_>, part: &str) -> Result<[i64; N], VectorsError> {
    let mut found = [0; N];
    for x in &mut found {
        *x = i64::from_le_bytes(bytes(reading, part)?);
    }
    Ok(found)
}
