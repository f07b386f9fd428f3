//! What is found out about a text.

use std::cell::Cell;
use std::sync::Arc;

use sentimeter_model::Scratch;
use sentimeter_model::explain::Explanation;
use sentimeter_text::language::{Detection, detect};

use crate::sentences::{self, Sentence};
use crate::slot::Live;

thread_local! {
    /// What a thread remembers of the words that it has seen outlasts a request.
    static SCRATCH: Cell<Scratch> = Cell::default();
}

/// What is asked beyond the probabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// What each token added.
    pub explain: bool,
    /// Probabilities of each sentence.
    pub sentences: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// In the order of the model's labels, `[classes]`; they sum to 1.
    pub probabilities: Box<[f32]>,
    /// The language, as detected.
    pub language: Detection,
    /// Where it was asked for.
    pub explanation: Option<Explanation>,
    /// Where they were asked for.
    pub sentences: Option<Box<[Sentence]>>,
}

impl Scored {
    /// The most likely class and its probability; the first of equals.
    pub fn top(&self) -> (usize, f32) {
        sentences::top(&self.probabilities)
    }

    /// Bytes that it takes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        let classes = self.probabilities.len();
        let tokens = self
            .explanation
            .as_ref()
            .map_or(0, |e| e.tokens.iter().map(|token| token.token.len() + 64 + 8 * classes).sum());
        let sentences = self.sentences.as_ref().map_or(0, |s| s.len() * (32 + 4 * classes));
        size_of::<Self>() + 4 * classes + tokens + sentences
    }
}

/// Lends the thread's scratch to `work`. One that a panic leaves behind is not used again.
pub(crate) fn with_scratch<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    let mut scratch = SCRATCH.take();
    let done = work(&mut scratch);
    SCRATCH.set(scratch);
    done
}

/// Scores `texts`, each with what is wanted of it, as one batch; the same as one by one.
pub(crate) fn score<'a>(live: &Live, texts: &[(&'a str, Wanted)], scratch: &mut Scratch) -> Vec<Arc<Scored>> {
    let model = live.model();
    let detected: Vec<(&'a str, Detection)> = texts.iter().map(|&(text, _)| (text, detect(text))).collect();
    let probs = model.predict_detected(&detected, scratch);
    texts
        .iter()
        .enumerate()
        .map(|(i, &(text, wanted))| {
            Arc::new(Scored {
                probabilities: probs.row(i).into(),
                language: detected[i].1,
                explanation: wanted.explain.then(|| model.explain(text, scratch)),
                sentences: wanted.sentences.then(|| sentences::score(model, text, scratch)),
            })
        })
        .collect()
}
