//! Vectors as fastText writes them: its model with subwords, and its text.

use std::io::{self, Write};

use sentimeter_model::embeddings::{EmbedSettings, Embeddings};

use crate::guess::MAGIC;

/// Writes fastText's model (.bin), version 12: fastText, gensim and [`crate::read`] give the same vectors of
/// it, to words that it has not met, too.
///
/// # Errors
/// What writing gives.
pub fn write_model(out: &mut impl Write, found: &Embeddings) -> io::Result<()> {
    const VERSION: i32 = 12;
    const NEGATIVE_SAMPLING: i32 = 2;
    const SKIP_GRAM: i32 = 2;
    let EmbedSettings { dimension, epochs, window, negatives, min_count, min_n, max_n, sample, .. } =
        found.settings;
    let buckets = found.subwords().buckets;
    out.write_all(&MAGIC)?;
    let int = |x: usize| i32::try_from(x).unwrap_or(i32::MAX);
    let settings = [
        VERSION,
        int(dimension),
        int(window),
        i32::try_from(epochs).unwrap_or(i32::MAX),
        i32::try_from(min_count).unwrap_or(i32::MAX),
        int(negatives),
        1, // word n-grams
        NEGATIVE_SAMPLING,
        SKIP_GRAM,
        int(buckets),
        int(if max_n == 0 { 0 } else { min_n }),
        int(max_n),
        100, // words between two looks at the learning rate
    ];
    settings.iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))?;
    out.write_all(&sample.to_le_bytes())?;
    let words = found.words.len();
    for x in [int(words), int(words), 0] {
        out.write_all(&x.to_le_bytes())?;
    }
    out.write_all(&i64::try_from(found.tokens).unwrap_or(i64::MAX).to_le_bytes())?;
    out.write_all(&(-1_i64).to_le_bytes())?; // nothing pruned
    for (word, &count) in found.words.iter().zip(&found.counts) {
        out.write_all(word.as_bytes())?;
        out.write_all(&[0])?;
        out.write_all(&i64::try_from(count).unwrap_or(i64::MAX).to_le_bytes())?;
        out.write_all(&[0])?; // a word, no label
    }
    for (rows, values) in [(words + buckets, &found.input), (words, &found.output)] {
        out.write_all(&[0])?; // not quantised
        out.write_all(&(rows as i64).to_le_bytes())?;
        out.write_all(&(dimension as i64).to_le_bytes())?;
        values.iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))?;
    }
    Ok(())
}

/// Writes a header and a line a word (.vec): smaller, and read by everything, but silent on words that it
/// has not.
///
/// # Errors
/// What writing gives.
pub fn write_text(out: &mut impl Write, found: &Embeddings) -> io::Result<()> {
    writeln!(out, "{} {}", found.words.len(), found.settings.dimension)?;
    for (id, word) in found.words.iter().enumerate() {
        out.write_all(word.as_bytes())?;
        // As many digits as a number needs to be read back as it was.
        found.vector(id).iter().try_for_each(|x| write!(out, " {x}"))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
