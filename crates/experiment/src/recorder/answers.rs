//! What a model answered row by row, small enough to be kept with every run: runs that were measured on
//! the same rows can then be compared answer by answer.
//!
//! A `safetensors` file: `rows` (u32, rows of the test data), `truth` (u16, classes), `probs` (f32,
//! `[rows, classes]`); its metadata key `sentimeter.answers` names the labels and the rows' content hash.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use sentimeter_model::Probs;
use serde::{Deserialize, Serialize};

use crate::evaluate::Answers;

/// The artifact's name in a run.
pub const ANSWERS: &str = "answers.safetensors";

const KEY: &str = "sentimeter.answers";

/// Answers to the rows of one test part.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The classes, in the order of the probabilities.
    pub labels: Vec<String>,
    /// Content hash of the rows: the same rows in the same order have the same.
    pub test: String,
    /// Rows, truth and probabilities.
    pub answers: Answers,
}

#[derive(Serialize, Deserialize)]
struct Description {
    labels: Vec<String>,
    test: String,
}

impl Answered {
    /// As bytes of a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        const { assert!(cfg!(target_endian = "little"), "safetensors are little-endian") };
        let Answers { rows, truth, probs } = &self.answers;
        let classes = self.labels.len();
        let tensors: [(&str, Dtype, Vec<usize>, &[u8]); 3] = [
            ("rows", Dtype::U32, vec![rows.len()], bytemuck::cast_slice(rows)),
            ("truth", Dtype::U16, vec![truth.len()], bytemuck::cast_slice(truth)),
            ("probs", Dtype::F32, vec![probs.len(), classes], bytemuck::cast_slice(probs.values())),
        ];
        let views = tensors.into_iter().map(|(name, dtype, shape, bytes)| {
            (name, TensorView::new(dtype, shape, bytes).expect("as many bytes as the shape says"))
        });
        let description = Description { labels: self.labels.clone(), test: self.test.clone() };
        let description = serde_json::to_string(&description).expect("strings serialise");
        let metadata = HashMap::from([(KEY.to_owned(), description)]);
        safetensors::serialize(views, Some(metadata)).expect("three tensors of other names")
    }

    /// From the bytes of a file; `None` where they are no such file.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (_, head) = SafeTensors::read_metadata(bytes).ok()?;
        let description = head.metadata().as_ref()?.get(KEY)?;
        let Description { labels, test } = serde_json::from_str(description).ok()?;
        let tensors = SafeTensors::deserialize(bytes).ok()?;
        let of = |name: &str, dtype: Dtype| tensors.tensor(name).ok().filter(|t| t.dtype() == dtype);
        // A file's bytes lie where they lie: numbers are copied out, aligned.
        let rows: Vec<u32> = bytemuck::pod_collect_to_vec(of("rows", Dtype::U32)?.data());
        let truth: Vec<u16> = bytemuck::pod_collect_to_vec(of("truth", Dtype::U16)?.data());
        let probs: Vec<f32> = bytemuck::pod_collect_to_vec(of("probs", Dtype::F32)?.data());
        let sound = !labels.is_empty()
            && rows.len() == truth.len()
            && Some(probs.len()) == rows.len().checked_mul(labels.len())
            && truth.iter().all(|&class| usize::from(class) < labels.len());
        sound.then(|| Self {
            answers: Answers { rows, truth, probs: Probs::from_values(labels.len(), probs) },
            labels,
            test,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_back_and_other_files_are_none() {
        let answered = Answered {
            labels: vec!["no".to_owned(), "yes".to_owned()],
            test: "abc".to_owned(),
            answers: Answers {
                rows: vec![7, 9, 3],
                truth: vec![0, 1, 1],
                probs: Probs::from_values(2, vec![0.25, 0.75, 0.5, 0.5, 1.0, 0.0]),
            },
        };
        let bytes = answered.to_bytes();
        assert_eq!(Answered::from_bytes(&bytes), Some(answered));
        for cut in 0..bytes.len() {
            assert_eq!(Answered::from_bytes(&bytes[..cut]), None);
        }
    }
}
