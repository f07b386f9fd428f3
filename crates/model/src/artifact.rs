//! The model file: safetensors with one metadata key (DESIGN.md rule 2).
//!
//! Tensors hold weights and vocabulary; the metadata key `sentimeter` holds ordered JSON: format
//! version, digest, kind and [`Card`]. The digest is BLAKE3 over the whole file with the digest's
//! own 64 characters read as zeros, so no byte of the file can change unseen; it is checked before
//! anything is looked up.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::features::{self, Vectorizer, Words};
use crate::logistic;
use crate::model::Linear;
use crate::{Body, Card, Model};

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
    features: features::Settings,
    #[serde(flatten)]
    card: Card,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Linear,
}

impl Model {
    /// The file's bytes and digest.
    ///
    /// # Errors
    /// A description past 64 KiB.
    pub fn to_bytes(&self) -> Result<(Vec<u8>, Digest), ArtifactError> {
        let Body::Linear(linear) = &self.body;
        let vectorizer = &linear.vectorizer;
        let header = Header {
            format_version: FORMAT_VERSION,
            digest: "0".repeat(64),
            kind: Kind::Linear,
            features: vectorizer.settings.clone(),
            card: self.card.clone(),
        };
        let header = serde_json::to_string(&header).map_err(io::Error::from)?;
        if header.len() > MOST_METADATA {
            return Err(ArtifactError::Description { found: header.len() });
        }
        let (word_bytes, word_ends) = vectorizer.words.parts();
        let (gram_bytes, gram_ends) = vectorizer.grams.parts();
        let pairs: Vec<u32> = vectorizer.pairs.iter().flatten().copied().collect();
        let width = vectorizer.width();
        // f32 and u32 are the same on every machine that we build for; `bytemuck` casts in place.
        let tensors: [(&str, Dtype, Vec<usize>, Vec<u8>); 9] = [
            ("weights", Dtype::F32, vec![width, linear.outputs()], little_endian(&linear.weights)),
            ("intercepts", Dtype::F64, vec![linear.outputs()], little_endian(&linear.intercepts)),
            ("idf", Dtype::F32, vec![width], little_endian(&vectorizer.idf)),
            ("word_bytes", Dtype::U8, vec![word_bytes.len()], word_bytes.to_vec()),
            ("word_ends", Dtype::U32, vec![word_ends.len()], little_endian(word_ends)),
            ("ngram_pairs", Dtype::U32, vec![vectorizer.pairs.len(), 2], little_endian(&pairs)),
            ("ngram_columns", Dtype::U32, vec![vectorizer.columns.len()], little_endian(&vectorizer.columns)),
            ("gram_bytes", Dtype::U8, vec![gram_bytes.len()], gram_bytes.to_vec()),
            ("gram_ends", Dtype::U32, vec![gram_ends.len()], little_endian(gram_ends)),
        ];
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                let view = TensorView::new(*dtype, shape.clone(), bytes);
                view.map(|view| (*name, view)).map_err(|e| inconsistent(format!("tensor {name}: {e}")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let metadata = HashMap::from([(KEY.to_owned(), header)]);
        let mut bytes = safetensors::serialize(views, Some(metadata))
            .map_err(|e| inconsistent(format!("tensors that safetensors takes: {e}")))?;
        let at = digest_at(&bytes)?;
        let digest = digest(&bytes, at);
        bytes[at..at + 64].copy_from_slice(digest.to_string().as_bytes());
        Ok((bytes, digest))
    }

    /// Opens a model from the bytes of its file.
    ///
    /// # Errors
    /// Bytes that are no model file, are damaged, or come from a later version.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, Digest), ArtifactError> {
        let foreign = |why: &str| ArtifactError::Foreign { why: why.to_owned() };
        let (_, metadata) =
            SafeTensors::read_metadata(bytes).map_err(|e| ArtifactError::Foreign { why: e.to_string() })?;
        let json = metadata
            .metadata()
            .as_ref()
            .and_then(|m| m.get(KEY))
            .ok_or_else(|| foreign("its metadata has no key `sentimeter`"))?;
        if json.len() > MOST_METADATA {
            return Err(ArtifactError::Description { found: json.len() });
        }
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let Version { format_version } =
            serde_json::from_str(json).map_err(|_| foreign("its description has no format version"))?;
        if format_version > FORMAT_VERSION {
            return Err(ArtifactError::Newer { found: format_version });
        }
        let at = digest_at(bytes)?;
        let found = digest(bytes, at);
        let written = String::from_utf8_lossy(&bytes[at..at + 64]).into_owned();
        if found.to_string() != written {
            return Err(ArtifactError::Damaged { found: found.to_string(), written });
        }
        let header: Header = serde_json::from_str(json)
            .map_err(|e| inconsistent(format!("a description as we write it: {e}")))?;
        let tensors =
            SafeTensors::deserialize(bytes).map_err(|e| ArtifactError::Foreign { why: e.to_string() })?;
        let words = |name: &str| -> Result<Words, ArtifactError> {
            let bytes = tensor(&tensors, &format!("{name}_bytes"), Dtype::U8, &[])?.data();
            let ends: Vec<u32> = numbers(&tensors, &format!("{name}_ends"), Dtype::U32, &[])?;
            Words::from_parts(bytes, &ends)
                .ok_or_else(|| inconsistent(format!("distinct UTF-8 strings in {name}_bytes")))
        };
        header.features.check().map_err(|e| inconsistent(e.to_string()))?;
        let labels = &header.card.labels;
        if labels.len() < 2 {
            return Err(inconsistent("two labels or more"));
        }
        let outputs = logistic::outputs(labels.len());
        let idf: Vec<f32> = numbers(&tensors, "idf", Dtype::F32, &[])?;
        let vectorizer = Vectorizer::from_parts(
            header.features,
            words("word")?,
            numbers::<[u32; 2]>(&tensors, "ngram_pairs", Dtype::U32, &[2])?,
            numbers(&tensors, "ngram_columns", Dtype::U32, &[])?,
            words("gram")?,
            idf,
        )
        .map_err(inconsistent)?;
        let linear = Linear {
            vectorizer,
            weights: numbers(&tensors, "weights", Dtype::F32, &[outputs])?,
            intercepts: numbers(&tensors, "intercepts", Dtype::F64, &[])?,
        };
        if !linear.agrees(labels.len()) {
            return Err(inconsistent("a weight for each feature and class"));
        }
        if labels.iter().collect::<BTreeSet<_>>().len() < labels.len() {
            return Err(inconsistent("distinct labels"));
        }
        for (name, finite) in [
            ("idf", linear.vectorizer.idf.iter().all(|x| x.is_finite())),
            ("weights", linear.weights.iter().all(|x| x.is_finite())),
            ("intercepts", linear.intercepts.iter().all(|x| x.is_finite())),
        ] {
            if !finite {
                return Err(inconsistent(format!("finite numbers in `{name}`")));
            }
        }
        if !(header.card.calibration.scale().is_finite() && header.card.calibration.scale() > 0.0) {
            return Err(inconsistent("a temperature above 0"));
        }
        Ok((Self::new(header.card, Body::Linear(linear))?, found))
    }

    /// Opens a model file.
    ///
    /// # Errors
    /// As [`Model::from_bytes`], and what reading gives.
    pub fn open(path: &Path) -> Result<(Self, Digest), ArtifactError> {
        let file = std::fs::File::open(path)?;
        let found = file.metadata()?.len();
        if found > MOST_BYTES {
            return Err(ArtifactError::TooLarge { found, most: MOST_BYTES });
        }
        let mut bytes = Vec::with_capacity(found as usize + 1);
        file.take(MOST_BYTES).read_to_end(&mut bytes)?;
        Self::from_bytes(&bytes)
    }
}

fn inconsistent(want: impl Into<String>) -> ArtifactError {
    ArtifactError::Inconsistent { want: want.into() }
}

/// Where the digest's 64 characters stand: in the header, which is at most as long as the JSON
/// length in the first eight bytes says.
fn digest_at(bytes: &[u8]) -> Result<usize, ArtifactError> {
    let missing = || ArtifactError::Foreign { why: "its description has no digest".to_owned() };
    let length = bytes.first_chunk::<8>().map(|b| u64::from_le_bytes(*b)).ok_or_else(missing)?;
    let end = usize::try_from(length).ok().and_then(|n| n.checked_add(8)).ok_or_else(missing)?;
    let header = bytes.get(..end).ok_or_else(missing)?;
    let at = memchr::memmem::find(header, DIGEST_MARK).ok_or_else(missing)? + DIGEST_MARK.len();
    if at + 64 > header.len() { Err(missing()) } else { Ok(at) }
}

fn digest(bytes: &[u8], at: usize) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..at]);
    hasher.update(&[b'0'; 64]);
    hasher.update_rayon(&bytes[at + 64..]);
    Digest(*hasher.finalize().as_bytes())
}

/// The tensor `name` of shape `[n, rest…]`, whatever `n`.
fn tensor<'a>(
    tensors: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
    rest: &[usize],
) -> Result<TensorView<'a>, ArtifactError> {
    let view = tensors.tensor(name).map_err(|_| inconsistent(format!("a tensor `{name}`")))?;
    if view.dtype() != dtype {
        return Err(inconsistent(format!("`{name}` of type {dtype:?}, not {:?}", view.dtype())));
    }
    if view.shape().get(1..) != Some(rest) {
        let want: String = rest.iter().map(|n| format!(", {n}")).collect();
        return Err(inconsistent(format!("`{name}` of shape [n{want}], not {:?}", view.shape())));
    }
    Ok(view)
}

/// A tensor's numbers, copied: a file's bytes need not be aligned.
fn numbers<T: bytemuck::Pod>(
    tensors: &SafeTensors<'_>,
    name: &str,
    dtype: Dtype,
    rest: &[usize],
) -> Result<Vec<T>, ArtifactError> {
    Ok(bytemuck::pod_collect_to_vec(tensor(tensors, name, dtype, rest)?.data()))
}

fn little_endian<T: bytemuck::Pod>(values: &[T]) -> Vec<u8> {
    const { assert!(cfg!(target_endian = "little"), "safetensors are little-endian") };
    bytemuck::cast_slice(values).to_vec()
}
