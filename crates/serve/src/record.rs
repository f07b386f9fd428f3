//! Predictions are written down in groups, behind the answers' backs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sentimeter_inference::{Live, telemetry};
use sentimeter_store::{Prediction, Store};
use tokio::sync::{mpsc, oneshot};

use crate::settings::Keep;

/// Predictions that may wait to be written; those past it are counted, and not written.
const WAITING: usize = 20_000;

/// Bytes of kept texts that may wait.
const WAITING_BYTES: usize = 32 << 20;

/// Predictions of one transaction.
const GROUP: usize = 4000;

/// How long a group is gathered. Writing takes a share of the same cores: no more than a group in this time.
const GATHER: Duration = Duration::from_millis(200);

/// What is known of a prediction when it is answered.
pub(crate) struct Answered {
    pub(crate) id: String,
    pub(crate) time: i64,
    pub(crate) live: Arc<Live>,
    pub(crate) language: &'static str,
    /// The label's place; `None` where the model abstained.
    pub(crate) label: Option<usize>,
    pub(crate) confidence: f32,
    pub(crate) probabilities: Box<[f32]>,
    pub(crate) text_hash: [u8; 32],
    pub(crate) text: Option<String>,
}

enum Said {
    Answered(Box<Answered>),
    /// Everything before is to be written, and this told.
    Flush(oneshot::Sender<()>),
}

/// Takes predictions in, and writes them.
pub(crate) struct Recorder {
    keep: Keep,
    key: [u8; 32],
    to: mpsc::Sender<Said>,
    bytes: Arc<AtomicUsize>,
}

impl Recorder {
    /// Starts to write into `store`.
    pub(crate) fn start(store: Store, keep: Keep, key: [u8; 32]) -> Self {
        let (to, from) = mpsc::channel(WAITING);
        let bytes = Arc::new(AtomicUsize::new(0));
        if keep != Keep::Nothing {
            tokio::spawn(write(store, from, bytes.clone()));
        }
        Self { keep, key, to, bytes }
    }

    /// Whether predictions are written at all.
    pub(crate) fn is_on(&self) -> bool {
        self.keep != Keep::Nothing
    }

    /// The keyed hash of a text, and the text where it is kept.
    pub(crate) fn of(&self, text: &str) -> ([u8; 32], Option<String>) {
        let hash = *blake3::keyed_hash(&self.key, text.as_bytes()).as_bytes();
        (hash, (self.keep == Keep::Texts).then(|| text.to_owned()))
    }

    /// Takes a prediction in, unless too many wait.
    pub(crate) fn take(&self, answered: Answered) {
        let bytes = answered.text.as_ref().map_or(0, String::len);
        let fits = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= WAITING_BYTES;
        if !(fits && self.to.try_send(Said::Answered(Box::new(answered))).is_ok()) {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            metrics::counter!(telemetry::UNRECORDED).increment(1);
        }
    }

    /// Waits until everything taken in so far is written.
    pub(crate) async fn flush(&self) {
        let (tell, told) = oneshot::channel();
        if self.is_on() && self.to.send(Said::Flush(tell)).await.is_ok() {
            // The writer ends only with this recorder.
            drop(told.await);
        }
    }
}

async fn write(store: Store, mut from: mpsc::Receiver<Said>, bytes: Arc<AtomicUsize>) {
    let mut said = Vec::with_capacity(GROUP);
    while from.recv_many(&mut said, GROUP).await > 0 {
        let (mut group, mut waiting) = (Vec::with_capacity(said.len()), Vec::new());
        for one in said.drain(..) {
            match one {
                Said::Answered(answered) => group.push(prediction(*answered)),
                Said::Flush(tell) => waiting.push(tell),
            }
        }
        let texts: usize = group.iter().map(|p| p.text.as_ref().map_or(0, String::len)).sum();
        let count = group.len() as u64;
        match store.add_predictions(&group).await {
            Ok(()) => metrics::counter!(telemetry::RECORDED).increment(count),
            Err(error) => {
                tracing::error!(
                    count,
                    error = &error as &dyn std::error::Error,
                    "predictions are not recorded"
                );
                metrics::counter!(telemetry::UNRECORDED).increment(count);
            }
        }
        bytes.fetch_sub(texts, Ordering::Relaxed);
        if waiting.is_empty() {
            tokio::time::sleep(GATHER).await;
        }
        for tell in waiting {
            // Who asked may have gone.
            let _ = tell.send(());
        }
    }
}

fn prediction(answered: Answered) -> Prediction {
    let labels = answered.live.model().labels();
    let probabilities =
        labels.iter().zip(&answered.probabilities).map(|(label, &p)| (label.clone(), p.into()));
    Prediction {
        id: answered.id,
        time: answered.time,
        model: answered.live.name().to_owned(),
        language: answered.language.to_owned(),
        label: answered.label.and_then(|at| labels.get(at).cloned()),
        confidence: f64::from(answered.confidence),
        probabilities: serde_json::Value::Object(probabilities.collect()),
        text_hash: blake3::Hash::from_bytes(answered.text_hash).to_hex().to_string(),
        text: answered.text,
    }
}
