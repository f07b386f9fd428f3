//! Word vectors that a network starts from: which file a plan names, and what it gives to which words.

use std::path::{Path, PathBuf};

use sentimeter_model::features::{Tokens, Words};
use sentimeter_model::neural::{Kind, Settings, Vocabulary};
use sentimeter_model::{FitError, Hooks, Progress};
use sentimeter_vectors::{Coverage, Vectors, VectorsError, peek, read};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{ExperimentError, Plan};

/// The setting of `[neural]` that names the file. It is none of the network's own: a model file knows the
/// vectors and not where they lay.
const FILE: &str = "vectors";

/// How much of what a network learned from has a vector of the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VectorsUsed {
    /// Words of the vocabulary, and where their vectors are from.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Share of the words of the vocabulary that have a vector.
    pub share_of_words: f64,
    /// Share of the training texts' tokens that are such words.
    pub share_of_tokens: f64,
}

/// The file that `[neural]` names.
///
/// # Errors
/// A value that is no name.
pub(crate) fn file(neural: &Map<String, Value>) -> Result<Option<PathBuf>, ExperimentError> {
    match neural.get(FILE) {
        None => Ok(None),
        Some(Value::String(path)) if !path.is_empty() => Ok(Some(PathBuf::from(path))),
        Some(other) => Err(ExperimentError::Plan {
            why: format!("neural.vectors is {other}; it names a file of word vectors"),
        }),
    }
}

/// The network's settings without that file's.
///
/// # Errors
/// Settings that the family has not, or out of range.
pub(crate) fn settings(kind: Kind, neural: &Map<String, Value>) -> Result<Settings, ExperimentError> {
    let mut own = neural.clone();
    own.shift_remove(FILE);
    Ok(Settings::with(kind, &own)?)
}

/// The same, as wide as the vectors of the file that the plan names.
///
/// # Errors
/// As [`settings`]; a file that cannot be read; `neural.embedding` of another width.
pub(crate) fn settings_for(plan: &Plan, kind: Kind) -> Result<Settings, ExperimentError> {
    let settings = settings(kind, &plan.neural)?;
    let Some(path) = file(&plan.neural)? else { return Ok(settings) };
    let embedding = peek(&path)?.dimension;
    if plan.neural.contains_key("embedding") && settings.embedding != embedding {
        return Err(ExperimentError::Plan {
            why: format!(
                "neural.embedding is {}, and the vectors of {} have {embedding} numbers: leave neural.embedding out",
                settings.embedding,
                path.display()
            ),
        });
    }
    Ok(Settings { embedding, ..settings })
}

/// Vectors of the words that may come to be in a vocabulary.
pub(crate) struct Pretrained {
    words: Words,
    vectors: Vectors,
}

impl Pretrained {
    /// Reads the vectors of those words of `tokens` that occur `least` times: no fold's vocabulary has others.
    pub(crate) fn read(
        path: &Path,
        tokens: &Tokens,
        least: usize,
        hooks: &mut dyn Hooks,
    ) -> Result<Self, ExperimentError> {
        let mut counts = vec![0_usize; tokens.words.len()];
        tokens.rows.ids.iter().for_each(|&id| counts[id as usize] += 1);
        let often = tokens.words.iter().zip(&counts).filter(|(_, count)| **count >= least);
        Self::of(path, often.map(|(word, _)| word).collect(), hooks)
    }

    /// Reads the vectors of `words`.
    pub(crate) fn of(path: &Path, words: Words, hooks: &mut dyn Hooks) -> Result<Self, ExperimentError> {
        let mut go_on = |done, total| {
            hooks.progress(&Progress { stage: "vectors", done, total: Some(total), figure: None })
        };
        match read(path, &words, &mut go_on) {
            Ok(vectors) => Ok(Self { words, vectors }),
            Err(VectorsError::Interrupted) => Err(FitError::Interrupted { iterations: 0 }.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// The vector of a word.
    pub(crate) fn get(&self, word: &str) -> Option<&[f32]> {
        self.vectors.get(self.words.get(word)?)
    }

    /// BLAKE3 over the file.
    pub(crate) fn blake3(&self) -> &str {
        &self.vectors.coverage.blake3
    }

    /// What of `vocabulary` and of the texts that it was chosen from is covered.
    pub(crate) fn used(&self, vocabulary: &Vocabulary, tokens: &Tokens) -> VectorsUsed {
        let coverage = self.vectors.coverage.clone();
        let with: Vec<bool> =
            tokens.words.iter().map(|word| vocabulary.has(word) && self.get(word).is_some()).collect();
        let met = tokens.rows.ids.iter().filter(|&&id| with[id as usize]).count();
        VectorsUsed {
            share_of_words: coverage.covered() as f64 / coverage.words.max(1) as f64,
            share_of_tokens: met as f64 / tokens.rows.ids.len().max(1) as f64,
            coverage,
        }
    }
}

impl VectorsUsed {
    /// What should be said of it.
    pub(crate) fn notes(&self) -> Vec<String> {
        let Coverage {
            file, format, dimension, file_words, words, exact, other_case, subwords, missing, ..
        } = &self.coverage;
        let mut how = vec![format!("{exact} as they are written")];
        for (count, of) in [(other_case, "with other capital letters"), (subwords, "by their subwords")] {
            if *count > 0 {
                how.push(format!("{count} {of}"));
            }
        }
        let mut said = format!(
            "vectors of {file} ({}, {file_words} words of {dimension} numbers): {} of the vocabulary's {words} words \
             have one ({:.1} %: {}), which are {:.1} % of the training texts' tokens",
            format.name(),
            self.coverage.covered(),
            100.0 * self.share_of_words,
            how.join(", "),
            100.0 * self.share_of_tokens
        );
        if !missing.is_empty() {
            said.push_str(&format!("; without one, the most frequent first: {}", missing.join(", ")));
        }
        let mut notes = vec![said];
        notes.extend(self.coverage.warnings.iter().cloned());
        if self.share_of_tokens < 0.5 {
            notes.push(format!(
                "less than half of the tokens have a vector of {file}: is it of this language, and are its words \
                 written as the recipe leaves them?"
            ));
        }
        notes
    }
}
