//! All that is needed to go on with a training that was interrupted, and to end with the same bytes.

use std::collections::HashMap;

use bytemuck::cast_slice;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use super::engine::Engine;
use super::kernel::Kernel;
use super::networks::Network;
use super::{Epoch, Settings};
use crate::features::Ragged;
use crate::{Targets, Training};

/// The metadata key.
const KEY: &str = "sentimeter_checkpoint";

/// Where a training stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Epochs done.
    pub(crate) epoch: u32,
    /// Steps done in the epoch under way.
    pub(crate) position: usize,
    /// Steps done in all.
    pub(crate) step: u64,
    /// Of the epoch under way: sum of weighted losses, of weights, of texts answered right, of texts.
    pub(crate) loss: f64,
    pub(crate) weight: f64,
    pub(crate) right: u64,
    pub(crate) examples: u64,
    pub(crate) history: Vec<Epoch>,
    /// The smallest loss on the rows kept out, and the epoch that had it.
    pub(crate) best_loss: f64,
    pub(crate) best_epoch: u32,
    /// Whether the loss has not become smaller for long enough.
    pub(crate) stopped: bool,
    /// Parameters and table of that epoch.
    #[serde(skip)]
    pub(crate) best_values: Option<(Vec<f32>, Vec<f32>)>,
}

impl State {
    /// Closes the epoch under way.
    pub(crate) fn next_epoch(&mut self, epoch: Epoch) {
        self.history.push(epoch);
        self.epoch += 1;
        (self.position, self.examples, self.right) = (0, 0, 0);
        (self.loss, self.weight) = (0.0, 0.0);
    }
}

#[derive(Serialize, Deserialize)]
struct Head {
    format_version: u32,
    fingerprint: String,
    state: State,
}

/// BLAKE3 over all that decides what is learned: a checkpoint fits no other training.
pub(crate) fn fingerprint(
    settings: &Settings,
    seed: u64,
    kernel: Kernel,
    table: &[f32],
    training: &Training<'_, Ragged>,
    train: &[u32],
) -> String {
    let mut hasher = blake3::Hasher::new();
    let settings = serde_json::to_string(&settings.to_map()).unwrap_or_default();
    hasher.update(settings.as_bytes());
    hasher.update(&seed.to_le_bytes());
    hasher.update(kernel.to_string().as_bytes());
    hasher.update(cast_slice(table));
    hasher.update(cast_slice(&training.rows.ids));
    hasher.update(cast_slice(&training.rows.ends));
    hasher.update(cast_slice(train));
    match training.targets {
        Targets::Hard(y) => hasher.update(cast_slice(y)),
        Targets::Within { truth, known } => hasher.update(cast_slice(truth)).update(cast_slice(known)),
        Targets::Soft(q) => hasher.update(cast_slice(q)),
    };
    if let Some(weights) = training.weights {
        hasher.update(cast_slice(weights));
    }
    hasher.finalize().to_hex().to_string()
}

/// Names and numbers of a checkpoint, in the order of the file.
fn tensors<'a, N: Network<f32>>(
    state: &'a State,
    engine: &'a Engine<f32, N>,
) -> Vec<(&'static str, &'a [f32])> {
    let (learned, table) = (&engine.learned, &engine.table);
    let mut all = vec![
        ("values", &learned.values[..]),
        ("means", &learned.means[..]),
        ("squares", &learned.squares[..]),
        ("table", &table.values[..]),
        ("table_means", &table.means[..]),
        ("table_squares", &table.squares[..]),
    ];
    if let Some((values, table)) = &state.best_values {
        all.extend([("best_values", &values[..]), ("best_table", &table[..])]);
    }
    all
}

/// The bytes of a checkpoint.
pub(crate) fn save<N: Network<f32>>(state: &State, fingerprint: &str, engine: &Engine<f32, N>) -> Vec<u8> {
    let head = Head { format_version: 1, fingerprint: fingerprint.to_owned(), state: state.clone() };
    let head = serde_json::to_string(&head).unwrap_or_default();
    let views = tensors(state, engine).into_iter().filter_map(|(name, numbers)| {
        Some((name, TensorView::new(Dtype::F32, vec![numbers.len()], cast_slice(numbers)).ok()?))
    });
    let metadata = HashMap::from([(KEY.to_owned(), head)]);
    safetensors::serialize(views, Some(metadata)).unwrap_or_default()
}

/// Puts a checkpoint's numbers into `engine`; `Err` says why it cannot.
pub(crate) fn load<N: Network<f32>>(
    bytes: &[u8],
    fingerprint: &str,
    engine: &mut Engine<f32, N>,
) -> Result<State, String> {
    let foreign = |e: safetensors::SafeTensorError| format!("it is damaged or none of ours: {e}");
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(foreign)?;
    let head =
        metadata.metadata().as_ref().and_then(|all| all.get(KEY)).ok_or("it is no checkpoint of ours")?;
    let head: Head =
        serde_json::from_str(head).map_err(|e| format!("its description cannot be read: {e}"))?;
    if head.fingerprint != fingerprint {
        let why = "it belongs to a training with other texts, settings, seed or kernel; \
                   give the same ones, or start anew without it";
        return Err(why.to_owned());
    }
    let file = SafeTensors::deserialize(bytes).map_err(foreign)?;
    let read = |name: &str, len: usize| -> Result<Vec<f32>, String> {
        let tensor = file.tensor(name).map_err(foreign)?;
        let (numbers, _) = tensor.data().as_chunks::<4>();
        if tensor.dtype() != Dtype::F32 || numbers.len() != len {
            return Err(format!("its `{name}` has {} numbers in place of {len}", numbers.len()));
        }
        Ok(numbers.iter().map(|&b| f32::from_le_bytes(b)).collect())
    };
    let (len, words) = (engine.learned.values.len(), engine.table.values.len());
    let learned = [read("values", len)?, read("means", len)?, read("squares", len)?];
    let table = [read("table", words)?, read("table_means", words)?, read("table_squares", words)?];
    let mut state = head.state;
    if file.tensor("best_values").is_ok() {
        state.best_values = Some((read("best_values", len)?, read("best_table", words)?));
    }
    let into = |learned: &mut super::engine::Learned<f32>, [values, means, squares]: [Vec<f32>; 3]| {
        *learned = super::engine::Learned { values, means, squares };
    };
    into(&mut engine.learned, learned);
    into(&mut engine.table, table);
    Ok(state)
}
