//! The model file: safetensors with one metadata key (DESIGN.md rule 2).
//!
//! Tensors hold weights and vocabulary; the metadata key `sentimeter` holds ordered JSON: format
//! version, digest, kind and [`Card`]. The digest is BLAKE3 over the whole file with the digest's
//! own 64 characters read as zeros, so no byte of the file can change unseen; it is checked before
//! anything is looked up.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use bytemuck::cast_slice;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use crate::features::{self, Grams, Ngrams, Vocabulary, Words};
use crate::neural::{self, Neural};
use crate::quantised::Scales;
use crate::table::Table;
use crate::{Body, Card, Linear, Model, logistic};

mod tensors;

use tensors::{Head, Tensors};

/// The version that this program writes; it reads this and all older ones.
pub const FORMAT_VERSION: u32 = 1;

/// The metadata key.
const KEY: &str = "sentimeter";

/// Most bytes of the metadata's JSON.
const MOST_METADATA: usize = 64 << 10;

/// Most bytes of a file.
const MOST_BYTES: u64 = 8 << 30;

/// Where the digest's characters begin in the file, after escaping.
const DIGEST_MARK: &[u8] = b"\\\"digest\\\":\\\"";

/// Why a model file cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Reading or writing failed.
    #[error("cannot read or write the model file")]
    Io(#[from] io::Error),
    /// Too large to be one of ours.
    #[error("the file has {found} bytes; a model file has at most {most}")]
    TooLarge {
        /// Its size.
        found: u64,
        /// The cap.
        most: u64,
    },
    /// No safetensors, or none of ours.
    #[error("not a Sentimeter model file: {why}")]
    Foreign {
        /// What is missing.
        why: String,
    },
    /// Written by a later version.
    #[error(
        "the file has format version {found}; this program reads versions up to {FORMAT_VERSION}: update it"
    )]
    Newer {
        /// The file's version.
        found: u32,
    },
    /// The bytes are not those that were written.
    #[error(
        "the file is damaged: its digest is {found}, the one inside is {written}; copy or train it again"
    )]
    Damaged {
        /// Digest of the bytes.
        found: String,
        /// Digest that the file states.
        written: String,
    },
    /// The digest is right and the parts still disagree.
    #[error("the file is inconsistent: it wants {want}")]
    Inconsistent {
        /// What does not hold.
        want: String,
    },
    /// A recipe of its own.
    #[error("the file's recipe does not compile")]
    Recipe(#[from] sentimeter_text::RecipeError),
    /// Labels, plan or metrics are too long.
    #[error("the model's description has {found} bytes of JSON; at most {MOST_METADATA} are allowed")]
    Description {
        /// Its size.
        found: usize,
    },
}

/// BLAKE3 of a model file, as the file states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What stands under the metadata key.
#[derive(Serialize, Deserialize)]
struct Header {
    format_version: u32,
    digest: String,
    kind: Kind,
    /// Settings of the kind: of its features, or of its network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    features: Option<features::Settings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    neural: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(flatten)]
    card: Card,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Linear,
    Lstm,
    Bilstm,
    Cnn,
}

impl Kind {
    /// The family of networks; `None` of a linear model.
    fn network(&self) -> Option<neural::Kind> {
        match self {
            Self::Linear => None,
            Self::Lstm => Some(neural::Kind::Lstm),
            Self::Bilstm => Some(neural::Kind::Bilstm),
            Self::Cnn => Some(neural::Kind::Cnn),
        }
    }
}

impl From<&Body> for Kind {
    fn from(body: &Body) -> Self {
        match body {
            Body::Linear(_) => Self::Linear,
            Body::Neural(network) => match network.settings().model {
                neural::Kind::Lstm => Self::Lstm,
                neural::Kind::Bilstm => Self::Bilstm,
                neural::Kind::Cnn => Self::Cnn,
            },
        }
    }
}

impl Model {
    /// The file's bytes and digest.
    ///
    /// # Errors
    /// A description past 64 KiB.
    pub fn to_bytes(&self) -> Result<(Vec<u8>, Digest), ArtifactError> {
        let header = Header {
            format_version: FORMAT_VERSION,
            digest: "0".repeat(64),
            kind: Kind::from(&self.body),
            features: match &self.body {
                Body::Linear(linear) => Some(linear.vocabulary.settings.clone()),
                Body::Neural(_) => None,
            },
            neural: match &self.body {
                Body::Linear(_) => None,
                Body::Neural(neural) => Some(neural.settings().to_map()),
            },
            card: self.card.clone(),
        };
        let header = serde_json::to_string(&header).map_err(io::Error::from)?;
        if header.len() > MOST_METADATA {
            return Err(ArtifactError::Description { found: header.len() });
        }
        // f32 and u32 are the same on every machine that we build for; `bytemuck` casts in place.
        const { assert!(cfg!(target_endian = "little"), "safetensors are little-endian") };
        let tensors = match &self.body {
            Body::Linear(linear) => linear_tensors(linear),
            Body::Neural(neural) => network_tensors(neural),
        };
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                let view = TensorView::new(*dtype, shape.clone(), bytes);
                view.map(|view| (&name[..], view)).map_err(|e| inconsistent(format!("tensor {name}: {e}")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let metadata = HashMap::from([(KEY.to_owned(), header)]);
        let mut bytes = safetensors::serialize(views, Some(metadata))
            .map_err(|e| inconsistent(format!("tensors that safetensors takes: {e}")))?;
        let at = digest_at(&bytes)?;
        let digest = digest(&bytes[..at + 64], at, |hasher| {
            hasher.update_rayon(&bytes[at + 64..]);
            Ok(())
        })?;
        bytes[at..at + 64].copy_from_slice(digest.to_string().as_bytes());
        Ok((bytes, digest))
    }

    /// Opens a model from the bytes of its file.
    ///
    /// # Errors
    /// Bytes that are no model file, are damaged, or come from a later version.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, Digest), ArtifactError> {
        Self::read(bytes, bytes.len() as u64)
    }

    /// Opens a model file.
    ///
    /// # Errors
    /// As [`Model::from_bytes`], and what reading gives.
    pub fn open(path: &Path) -> Result<(Self, Digest), ArtifactError> {
        let file = std::fs::File::open(path)?;
        let len = file.metadata()?.len();
        Self::read(file, len)
    }

    /// Reads a file of `len` bytes: each tensor goes straight to where it stays.
    fn read(mut file: impl Read, len: u64) -> Result<(Self, Digest), ArtifactError> {
        if len > MOST_BYTES {
            return Err(ArtifactError::TooLarge { found: len, most: MOST_BYTES });
        }
        let head = Head::read(&mut file, len)?;
        let json = head.description()?;
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let Version { format_version } =
            serde_json::from_str(json).map_err(|_| foreign("its description has no format version"))?;
        if format_version > FORMAT_VERSION {
            return Err(ArtifactError::Newer { found: format_version });
        }
        let (mut tensors, found) = head.tensors(file)?;
        let header: Header = serde_json::from_str(json)
            .map_err(|e| inconsistent(format!("a description as we write it: {e}")))?;
        let labels = &header.card.labels;
        if labels.len() < 2 {
            return Err(inconsistent("two labels or more"));
        }
        if labels.iter().collect::<BTreeSet<_>>().len() < labels.len() {
            return Err(inconsistent("distinct labels"));
        }
        let body = match header.kind.network() {
            None => Body::Linear(read_linear(header.features, labels.len(), &mut tensors)?),
            Some(kind) => Body::Neural(read_network(kind, header.neural, labels.len(), &mut tensors)?),
        };
        if !header.card.calibration.is_sound() {
            return Err(inconsistent("a temperature above 0"));
        }
        Ok((Self::new(header.card, body)?, found))
    }
}

/// A tensor to write: name, type, shape, bytes.
type Tensor<'a> = (Cow<'a, str>, Dtype, Vec<usize>, Cow<'a, [u8]>);

fn tensor<'a>(name: &'a str, dtype: Dtype, shape: &[usize], bytes: &'a [u8]) -> Tensor<'a> {
    (name.into(), dtype, shape.to_vec(), bytes.into())
}

fn linear_tensors(linear: &Linear) -> Vec<Tensor<'_>> {
    let vocabulary = &linear.vocabulary;
    let (word_bytes, word_ends) = vocabulary.words.parts();
    let (gram_bytes, gram_ends) = vocabulary.grams.parts();
    let (ngrams, ngram_ends) = vocabulary.ngrams.parts();
    let outputs = linear.outputs();
    let shape = [vocabulary.len(), 1 + outputs];
    let mut tensors = match &linear.table {
        Table::Exact(numbers) => vec![tensor("features", Dtype::F32, &shape, cast_slice(numbers))],
        Table::Coded { codes, scales, .. } => vec![
            tensor("feature_scales", Dtype::F32, &[1 + outputs], cast_slice(scales.numbers())),
            tensor("features", Dtype::U8, &shape, codes),
        ],
    };
    tensors.extend([
        tensor("intercepts", Dtype::F64, &[outputs], cast_slice(&linear.intercepts)),
        tensor("ngrams", Dtype::U32, &[ngrams.len(), 2], cast_slice(ngrams)),
        tensor("ngram_ends", Dtype::U32, &[ngram_ends.len()], cast_slice(ngram_ends)),
        tensor("word_ends", Dtype::U32, &[word_ends.len()], cast_slice(word_ends)),
        tensor("word_bytes", Dtype::U8, &[word_bytes.len()], word_bytes),
        tensor("gram_ends", Dtype::U32, &[gram_ends.len()], cast_slice(gram_ends)),
        tensor("gram_bytes", Dtype::U8, &[gram_bytes.len()], gram_bytes),
    ]);
    tensors
}

fn read_linear(
    settings: Option<features::Settings>,
    classes: usize,
    tensors: &mut Tensors,
) -> Result<Linear, ArtifactError> {
    let settings = settings.ok_or_else(|| inconsistent("a description with `features`"))?;
    settings.check().map_err(|e| inconsistent(e.to_string()))?;
    let outputs = logistic::outputs(classes);
    let words = read_words(tensors)?;
    // In place: a whole number of pairs was asked for.
    let ngrams = bytemuck::try_cast_vec(tensors.take::<u32>("ngrams", &[2])?)
        .unwrap_or_else(|(_, flat)| flat.as_chunks().0.to_vec());
    let ngrams =
        Ngrams::from_parts(words.len(), ngrams, tensors.take("ngram_ends", &[])?).map_err(inconsistent)?;
    let grams = Grams::from_parts(tensors.take("gram_bytes", &[])?, tensors.take("gram_ends", &[])?)
        .map_err(inconsistent)?;
    let vocabulary = Vocabulary::new(settings, words, ngrams, grams).map_err(inconsistent)?;
    let table = if tensors.has("feature_scales") {
        let scales = Scales::from_numbers(tensors.take("feature_scales", &[])?, 1 + outputs)
            .ok_or_else(|| inconsistent("a number of 0 or more for each column in `feature_scales`"))?;
        Table::coded(tensors.take("features", &[1 + outputs])?, scales)
    } else {
        Table::Exact(tensors.take("features", &[1 + outputs])?)
    };
    let intercepts = tensors.take("intercepts", &[])?;
    Linear::from_parts(vocabulary, table, intercepts, classes).map_err(inconsistent)
}

fn read_words(tensors: &mut Tensors) -> Result<Words, ArtifactError> {
    Words::from_parts(tensors.take("word_bytes", &[])?, tensors.take("word_ends", &[])?)
        .ok_or_else(|| inconsistent("distinct UTF-8 strings in word_bytes"))
}

/// Parameters under PyTorch's names, and the words.
fn network_tensors(network: &Neural) -> Vec<Tensor<'_>> {
    let (word_bytes, word_ends) = network.vocabulary().0.parts();
    let mut tensors = vec![
        tensor("word_ends", Dtype::U32, &[word_ends.len()], cast_slice(word_ends)),
        tensor("word_bytes", Dtype::U8, &[word_bytes.len()], word_bytes),
    ];
    for (name, shape, numbers) in network.state_dict() {
        tensors.push((name.into(), Dtype::F32, shape, cast_slice(&numbers).to_vec().into()));
    }
    tensors
}

fn read_network(
    kind: neural::Kind,
    settings: Option<serde_json::Map<String, serde_json::Value>>,
    classes: usize,
    tensors: &mut Tensors,
) -> Result<Neural, ArtifactError> {
    let mut settings = settings.ok_or_else(|| inconsistent("a description with `neural`"))?;
    // Which instructions it was trained with is told; it is served by what this machine has.
    let trained_by = settings.remove("kernel");
    let mut settings = neural::Settings::with(kind, &settings).map_err(|e| inconsistent(e.to_string()))?;
    settings.kernel = trained_by.and_then(|kernel| serde_json::from_value(kernel).ok());
    let words = read_words(tensors)?;
    let table = tensors.take(neural::EMBEDDING, &[settings.embedding])?;
    // Before memory is asked for by what the settings say.
    let parts = neural::named_parts(&settings, classes);
    let mut values = Vec::new();
    for part in &parts {
        let mut numbers: Vec<f32> = tensors.take(&part.name, &part.shape[1..])?;
        if numbers.len() != part.range.len() {
            return Err(inconsistent(format!("`{}` of shape {:?}", part.name, part.shape)));
        }
        part.to_memory(&mut numbers);
        values.append(&mut numbers);
    }
    let vocabulary = neural::Vocabulary(words);
    Neural::from_parts(settings, vocabulary, values, table, classes).map_err(inconsistent)
}

fn inconsistent(want: impl Into<String>) -> ArtifactError {
    ArtifactError::Inconsistent { want: want.into() }
}

fn foreign(why: impl fmt::Display) -> ArtifactError {
    ArtifactError::Foreign { why: why.to_string() }
}

/// Where the digest's 64 characters stand: in the header, which is at most as long as the JSON
/// length in the first eight bytes says.
fn digest_at(bytes: &[u8]) -> Result<usize, ArtifactError> {
    let missing = || foreign("its description has no digest");
    let length = bytes.first_chunk::<8>().map(|b| u64::from_le_bytes(*b)).ok_or_else(missing)?;
    let end = usize::try_from(length).ok().and_then(|n| n.checked_add(8)).ok_or_else(missing)?;
    let header = bytes.get(..end).ok_or_else(missing)?;
    let at = memchr::memmem::find(header, DIGEST_MARK).ok_or_else(missing)? + DIGEST_MARK.len();
    if at + 64 > header.len() { Err(missing()) } else { Ok(at) }
}

/// Digest of the bytes that are `first` and what `rest` takes in, the characters at `at` read as zeros.
fn digest(
    first: &[u8],
    at: usize,
    rest: impl FnOnce(&mut blake3::Hasher) -> io::Result<()>,
) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&first[..at]);
    hasher.update(&[b'0'; 64]);
    hasher.update(&first[at + 64..]);
    rest(&mut hasher)?;
    Ok(Digest(*hasher.finalize().as_bytes()))
}
