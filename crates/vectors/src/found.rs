//! The vectors that were wanted, and how many of them there were.

use sentimeter_model::features::Words;
use serde::Serialize;

use crate::Format;

/// Words without a vector that are named.
const NAMED: usize = 10;

/// How many of the words that were wanted have a vector.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// The file's name, without its folders.
    pub file: String,
    /// BLAKE3 over it.
    pub blake3: String,
    /// Its format, as guessed.
    pub format: Format,
    /// Numbers of a vector.
    pub dimension: usize,
    /// Words in the file.
    pub file_words: u64,
    /// Words that were wanted.
    pub words: usize,
    /// Those of them that stand in the file as they are written.
    pub exact: usize,
    /// Those that stand there with other capital letters.
    pub other_case: usize,
    /// Those whose vector is made of their subwords'.
    pub subwords: usize,
    /// The first of those without a vector, at most ten.
    pub missing: Vec<String>,
    /// What is wrong with the file and was mended.
    pub warnings: Vec<String>,
}

impl Coverage {
    /// Words that have a vector.
    pub fn covered(&self) -> usize {
        self.exact + self.other_case + self.subwords
    }
}

/// Vectors of words.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    /// How many there are.
    pub coverage: Coverage,
    /// `[words, dimension]`, zeros where there is none.
    rows: Vec<f32>,
    has: Vec<Has>,
}

/// Where a word's vector is from; a later one is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Has {
    #[default]
    Nothing,
    Subwords,
    OtherCase,
    Exact,
}

impl Vectors {
    /// The vector of the word with this id among those that were wanted.
    pub fn get(&self, id: u32) -> Option<&[f32]> {
        let width = self.coverage.dimension;
        let id = id as usize;
        (*self.has.get(id)? != Has::Nothing).then(|| &self.rows[id * width..(id + 1) * width])
    }
}

/// Collects the vectors that are wanted.
pub(crate) struct Finder<'w> {
    words: &'w Words,
    dimension: usize,
    rows: Vec<f32>,
    has: Vec<Has>,
    file_words: u64,
    repeated: u64,
    not_finite: Tally,
    not_utf8: Tally,
    warnings: Vec<String>,
}

/// So many, and the first of them.
#[derive(Default)]
struct Tally {
    count: u64,
    first: String,
}

impl Tally {
    fn add(&mut self, first: impl FnOnce() -> String) {
        self.count += 1;
        if self.count == 1 {
            self.first = first();
        }
    }
}

impl<'w> Finder<'w> {
    pub(crate) fn new(words: &'w Words, dimension: usize) -> Self {
        Self {
            words,
            dimension,
            rows: vec![0.0; words.len() * dimension],
            has: vec![Has::Nothing; words.len()],
            file_words: 0,
            repeated: 0,
            not_finite: Tally::default(),
            not_utf8: Tally::default(),
            warnings: Vec::new(),
        }
    }

    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    /// Words of the file so far.
    pub(crate) fn seen(&self) -> u64 {
        self.file_words
    }

    /// Those that are no UTF-8.
    pub(crate) fn broken(&self) -> u64 {
        self.not_utf8.count
    }

    /// Takes note of a word of the file; says whose vector it is, if it is wanted.
    pub(crate) fn meet(&mut self, word: &[u8]) -> Option<(u32, Has)> {
        self.file_words += 1;
        let Ok(word) = str::from_utf8(word) else {
            self.not_utf8.add(|| String::from_utf8_lossy(word).into_owned());
            return None;
        };
        if let Some(id) = self.words.get(word) {
            let better = self.has[id as usize] < Has::Exact;
            self.repeated += u64::from(!better);
            return better.then_some((id, Has::Exact));
        }
        if !word.chars().any(char::is_uppercase) {
            return None;
        }
        let id = self.words.get(&word.to_lowercase())?;
        (self.has[id as usize] < Has::OtherCase).then_some((id, Has::OtherCase))
    }

    /// Takes a word's vector.
    pub(crate) fn take(&mut self, (id, has): (u32, Has), numbers: &[f32]) {
        if !numbers.iter().all(|x| x.is_finite()) {
            let word = self.words.word(id);
            return self.not_finite.add(|| word.to_owned());
        }
        let at = id as usize * self.dimension;
        self.rows[at..at + self.dimension].copy_from_slice(numbers);
        self.has[id as usize] = has;
    }

    /// Adds `numbers` to a word's vector, which is finished by [`Self::scale`].
    pub(crate) fn add(&mut self, id: u32, numbers: &[f32]) {
        let at = id as usize * self.dimension;
        let row = &mut self.rows[at..at + self.dimension];
        row.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += x);
    }

    /// A sum of vectors becomes their mean.
    pub(crate) fn scale(&mut self, id: u32, has: Has, by: f32) {
        let at = id as usize * self.dimension;
        let row = &mut self.rows[at..at + self.dimension];
        row.iter_mut().for_each(|x| *x *= by);
        if row.iter().all(|x| x.is_finite()) {
            self.has[id as usize] = has;
        } else {
            row.fill(0.0);
            let word = self.words.word(id);
            self.not_finite.add(|| word.to_owned());
        }
    }

    /// Something was mended.
    pub(crate) fn warn(&mut self, what: String) {
        self.warnings.push(what);
    }

    pub(crate) fn finish(mut self, file: String, format: Format, blake3: String) -> Vectors {
        let Tally { count, first } = &self.not_utf8;
        if *count > 0 {
            self.warnings.push(format!(
                "{count} words of {file} are no UTF-8 and were passed over, the first is {first:?}"
            ));
        }
        let Tally { count, first } = &self.not_finite;
        if *count > 0 {
            self.warnings.push(format!(
                "{count} words of {file} have numbers that are not finite and were passed over, the first is \
                 {first:?}"
            ));
        }
        if self.repeated > 0 {
            self.warnings.push(format!(
                "{} vectors of {file} are of words that had one already: the first of each counts",
                self.repeated
            ));
        }
        let count = |has| self.has.iter().filter(|&&own| own == has).count();
        let missing = (0..self.has.len()).filter(|&id| self.has[id] == Has::Nothing).take(NAMED);
        let coverage = Coverage {
            file,
            blake3,
            format,
            dimension: self.dimension,
            file_words: self.file_words,
            words: self.words.len(),
            exact: count(Has::Exact),
            other_case: count(Has::OtherCase),
            subwords: count(Has::Subwords),
            missing: missing.map(|id| self.words.word(id as u32).to_owned()).collect(),
            warnings: self.warnings,
        };
        Vectors { coverage, rows: self.rows, has: self.has }
    }
}
