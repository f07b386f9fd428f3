//! Whether a model that was trained again is the one that was trained before.

use std::collections::{BTreeMap, BTreeSet};

use safetensors::SafeTensors;
use serde::Serialize;
use serde_json::Value;

use crate::ExperimentError;
use crate::recorder::params_of_json;

/// What differs between two model files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The files are the same, byte by byte.
    pub identical: bool,
    /// Version of the program that made each, where it is not the same.
    pub code: Option<[String; 2]>,
    /// Tensors that differ, and how.
    pub tensors: Vec<String>,
    /// Settings and measures that differ: name, before, again.
    pub settings: Vec<[String; 3]>,
}

impl Difference {
    /// Whether they answer alike and say the same of themselves, but for the program's version.
    pub fn is_same_model(&self) -> bool {
        self.tensors.is_empty() && self.settings.is_empty()
    }
}

/// Compares two model files: tensor by tensor, and what each says of itself, setting by setting.
///
/// # Errors
/// Bytes that are no model file.
pub fn difference(before: &[u8], again: &[u8]) -> Result<Difference, ExperimentError> {
    if before == again {
        return Ok(Difference { identical: true, ..Difference::default() });
    }
    let (before, again) = (Parts::of(before, "recorded")?, Parts::of(again, "new")?);
    let mut found = Difference::default();
    for name in before.tensors.keys().chain(again.tensors.keys()).collect::<BTreeSet<_>>() {
        match (before.tensors.get(name), again.tensors.get(name)) {
            (Some(a), Some(b)) if a == b => {}
            (Some((shape, _)), Some((other, _))) if shape != other => {
                found.tensors.push(format!("{name}: shape {shape:?} before, {other:?} again"));
            }
            (Some((_, a)), Some((_, b))) => {
                let bytes = a.iter().zip(b).filter(|(a, b)| a != b).count();
                found.tensors.push(format!("{name}: {bytes} of {} bytes differ", a.len()));
            }
            (Some(_), None) => found.tensors.push(format!("{name}: there before alone")),
            _ => found.tensors.push(format!("{name}: there again alone")),
        }
    }
    for name in before.says.keys().chain(again.says.keys()).collect::<BTreeSet<_>>() {
        let of = |says: &BTreeMap<String, String>| says.get(name).cloned().unwrap_or_default();
        let (a, b) = (of(&before.says), of(&again.says));
        match name.as_str() {
            _ if a == b => {}
            "digest" => {} // of what else differs
            "lineage.code" => found.code = Some([a, b]),
            _ => found.settings.push([name.clone(), a, b]),
        }
    }
    Ok(found)
}

struct Parts {
    tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)>,
    says: BTreeMap<String, String>,
}

impl Parts {
    fn of(bytes: &[u8], which: &str) -> Result<Self, ExperimentError> {
        let wrong =
            |why: &str| ExperimentError::Data { why: format!("the {which} model is no model file: {why}") };
        let (_, head) = SafeTensors::read_metadata(bytes).map_err(|e| wrong(&e.to_string()))?;
        let says = head.metadata().as_ref().and_then(|all| all.get("sentimeter"));
        let says: Value = serde_json::from_str(says.ok_or_else(|| wrong("it says nothing of itself"))?)
            .map_err(|e| wrong(&e.to_string()))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| wrong(&e.to_string()))?;
        let tensors = tensors.tensors().into_iter();
        Ok(Self {
            tensors: tensors.map(|(name, t)| (name, (t.shape().to_vec(), t.data().to_vec()))).collect(),
            says: params_of_json(&says).into_iter().collect(),
        })
    }
}
