//! From settings and rows of word ids to a trained network.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::checkpoint::{self, State};
use super::engine::{Batch, EMBEDDING, Engine, TableRule, start_table};
use super::kernel::Chosen;
use super::layers::loss::{CrossEntropy, Target};
use super::networks::{Cnn, Network, Recurrent};
use super::random::Random;
use super::vocabulary::FIRST;
use super::{Kind, Settings, Update, Vocabulary};
use crate::features::Ragged;
use crate::features::sampling::{self, Sampling};
use crate::{Fit, FitError, Hooks, Progress, SettingError, Targets, Training};

/// How a word's vector starts where none is given: evenly within ± this.
const START: f64 = 0.05;

/// One pass over the training texts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: u32,
    /// Mean loss of the training texts, each as it was before its step.
    pub loss: f64,
    /// Share of them answered right, in the same way.
    pub accuracy: f64,
    /// Mean loss of the texts kept out, after the pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Share of those answered right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
}

/// Settings that can learn.
#[derive(Debug, Clone)]
pub struct Learner {
    settings: Settings,
    seed: u64,
    /// `[words, embedding]`
    table: Vec<f32>,
    sampling: Sampling,
    resume: Option<Vec<u8>>,
}

/// What a network has learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// All parameters but the table, as they lie in memory.
    pub(crate) values: Vec<f32>,
    /// `[words, embedding]`
    pub(crate) table: Vec<f32>,
    /// What each pass showed.
    pub history: Vec<Epoch>,
    /// The pass whose parameters these are.
    pub best: u32,
    /// Steps of the optimiser.
    pub steps: u64,
    /// Number of classes.
    pub classes: usize,
    /// The rows that were kept out to stop by.
    pub held: Vec<u32>,
    /// Their logits, `[held, classes]`: of rows that the parameters were not moved by.
    pub held_logits: Vec<f32>,
}

impl Learner {
    /// For the words of `vocabulary`; vectors start near zero.
    pub fn new(settings: Settings, vocabulary: &Vocabulary, seed: u64) -> Self {
        // The unknown word has no letters.
        let words = std::iter::once("").chain(vocabulary.words());
        let table = start_table(words, settings.embedding, seed, START);
        Self { settings, seed, table, sampling: Sampling::None, resume: None }
    }

    /// Has the words that `vector` knows start from its vectors, each as wide as `embedding` says.
    ///
    /// # Panics
    /// When a vector has another width: a programming error.
    #[must_use]
    pub fn starting_from<'v>(
        mut self,
        vocabulary: &Vocabulary,
        mut vector: impl FnMut(&str) -> Option<&'v [f32]>,
    ) -> Self {
        let width = self.settings.embedding;
        for (word, row) in vocabulary.words().zip(self.table.chunks_exact_mut(width).skip(FIRST as usize)) {
            if let Some(numbers) = vector(word) {
                row.copy_from_slice(numbers);
            }
        }
        self
    }

    /// Repeats rows of small classes, or leaves out rows of large ones, among those that are learned from;
    /// the rows kept out stay as they are.
    ///
    /// # Errors
    /// SMOTE: between two texts there is no third.
    pub fn sampling(mut self, sampling: Sampling) -> Result<Self, SettingError> {
        if sampling == Sampling::Smote {
            let want = "`none`, `over` or `under` for a network, as no text stands between two others";
            return Err(SettingError::new("sampling.kind", want, "`smote`"));
        }
        self.sampling = sampling;
        Ok(self)
    }

    /// Goes on from what a checkpoint holds.
    #[must_use]
    pub fn resuming(mut self, checkpoint: Vec<u8>) -> Self {
        self.resume = Some(checkpoint);
        self
    }

    fn fit_in<N: Network<f32>>(
        &self,
        network: N,
        training: &Training<'_, Ragged>,
        hooks: &mut dyn Hooks,
    ) -> Result<Fitted, FitError> {
        let settings = &self.settings;
        let kernel = settings.kernel.and_then(Chosen::new).unwrap_or_else(Chosen::best);
        let rule = match settings.update {
            Update::Frozen => TableRule::Frozen,
            Update::Rows => TableRule::Rows,
            Update::All => TableRule::All,
        };
        let width = settings.embedding;
        let engine = Engine::new(network, kernel, self.seed, self.table.clone(), width, rule);
        let (train, held) = self.divide(training);
        let train = self.resample(training, train);
        let fingerprint =
            checkpoint::fingerprint(settings, self.seed, kernel.kernel(), &self.table, training, &train);
        let per_epoch = train.len().div_ceil(settings.batch_size) as u64;
        let mut run = Run {
            settings,
            seed: self.seed,
            training,
            entropy: CrossEntropy {
                weights: vec![1.0; training.classes],
                smoothing: settings.label_smoothing,
            },
            total: per_epoch * u64::from(settings.epochs),
            engine,
            state: State::default(),
            fingerprint,
            train,
            held,
        };
        if let Some(bytes) = self.resume.clone().or_else(|| hooks.resume()) {
            run.state = checkpoint::load(&bytes, &run.fingerprint, &mut run.engine)
                .map_err(|why| FitError::Checkpoint { why })?;
        }
        run.go(hooks)
    }

    fn resample(&self, training: &Training<'_, Ragged>, train: Vec<u32>) -> Vec<u32> {
        let truth = match training.targets {
            Targets::Hard(truth) | Targets::Within { truth, .. } => truth,
            Targets::Soft(_) => return train,
        };
        let of: Vec<u16> = train.iter().map(|&row| truth[row as usize]).collect();
        let chosen = match self.sampling {
            Sampling::Over => sampling::over(&of, training.classes, self.seed),
            Sampling::Under => sampling::under(&of, training.classes, self.seed),
            Sampling::None | Sampling::Smote => return train,
        };
        chosen.into_iter().map(|at| train[at as usize]).collect()
    }

    /// Rows to learn from and rows to stop by, each class in its share.
    fn divide(&self, training: &Training<'_, Ragged>) -> (Vec<u32>, Vec<u32>) {
        let rows = training.rows.len();
        let class = |row: usize| match target(training, row) {
            Target::Class(class) | Target::Among(class, _) => usize::from(class),
            Target::Share(q) => (0..q.len()).fold(0, |best, i| if q[i] > q[best] { i } else { best }),
        };
        let mut by_class = vec![Vec::new(); training.classes];
        (0..rows).for_each(|row| by_class[class(row)].push(row as u32));
        let mut held = vec![false; rows];
        for (class, mut rows) in by_class.into_iter().enumerate() {
            Random::numbered(self.seed, "validation", class as u64).shuffle(&mut rows);
            let some = (rows.len() as f64 * self.settings.validation).floor() as usize;
            rows[..some].iter().for_each(|&row| held[row as usize] = true);
        }
        let of = |inside: bool| (0..rows as u32).filter(|&row| held[row as usize] == inside).collect();
        (of(false), of(true))
    }
}

impl Fit for Learner {
    type Rows = Ragged;
    type Fitted = Fitted;

    fn fit(&self, training: &Training<'_, Ragged>, hooks: &mut dyn Hooks) -> Result<Fitted, FitError> {
        let (rows, classes) = (training.rows.len(), training.classes);
        if rows == 0 {
            return Err(FitError::Empty { why: "there were none" });
        }
        let targets = match training.targets {
            Targets::Hard(y) => y.len(),
            Targets::Soft(q) => q.len() / classes.max(1),
            Targets::Within { truth, known } if truth.len() == known.len() => truth.len(),
            Targets::Within { known, .. } => known.len(),
        };
        if targets != rows {
            return Err(FitError::Length { rows, others: targets, what: "targets" });
        }
        if let Some(weights) = training.weights.filter(|weights| weights.len() != rows) {
            return Err(FitError::Length { rows, others: weights.len(), what: "weights" });
        }
        if let Targets::Hard(y) | Targets::Within { truth: y, .. } = training.targets {
            let mut met = vec![false; classes];
            y.iter().for_each(|&y| met[usize::from(y)] = true);
            let found: Vec<String> = (0..classes).filter(|&c| met[c]).map(|c| c.to_string()).collect();
            if found.len() < 2 {
                return Err(FitError::OneClass { found: found.len(), names: found.join(", ") });
            }
        }
        let width = self.settings.embedding;
        match self.settings.model {
            Kind::Lstm | Kind::Bilstm => {
                self.fit_in(Recurrent::new(&self.settings.recurrent(), width, classes), training, hooks)
            }
            Kind::Cnn => self.fit_in(Cnn::new(&self.settings.cnn(), width, classes), training, hooks),
        }
    }
}

fn target<'a>(training: &Training<'a, Ragged>, row: usize) -> Target<'a> {
    match training.targets {
        Targets::Hard(y) => Target::Class(y[row]),
        Targets::Within { truth, known } => Target::Among(truth[row], known[row]),
        Targets::Soft(q) => Target::Share(&q[row * training.classes..(row + 1) * training.classes]),
    }
}

/// Training under way.
struct Run<'a, N: Network<f32>> {
    settings: &'a Settings,
    seed: u64,
    training: &'a Training<'a, Ragged>,
    entropy: CrossEntropy,
    /// Steps that all epochs would have.
    total: u64,
    engine: Engine<f32, N>,
    state: State,
    fingerprint: String,
    train: Vec<u32>,
    held: Vec<u32>,
}

impl<N: Network<f32>> Run<'_, N> {
    fn go(mut self, hooks: &mut dyn Hooks) -> Result<Fitted, FitError> {
        while self.state.epoch < self.settings.epochs && !self.state.stopped {
            self.pass(hooks)?;
        }
        if let Some((values, table)) = self.state.best_values.take() {
            (self.engine.learned.values, self.engine.table.values) = (values, table);
        }
        let held_logits = self.held_logits();
        Ok(Fitted {
            values: self.engine.learned.values,
            table: self.engine.table.values,
            held: self.held,
            held_logits,
            best: self.state.best_epoch,
            steps: self.state.step,
            history: self.state.history,
            classes: self.training.classes,
        })
    }

    /// One epoch, or what is left of it.
    fn pass(&mut self, hooks: &mut dyn Hooks) -> Result<(), FitError> {
        let mut order = self.train.clone();
        Random::numbered(self.seed, "epoch", u64::from(self.state.epoch)).shuffle(&mut order);
        let size = self.settings.batch_size;
        for rows in order.chunks(size).skip(self.state.position) {
            self.step(rows)?;
            let state = &self.state;
            let done = u64::from(state.epoch) * self.train.len() as u64 + state.examples;
            let progress = Progress {
                stage: "train",
                done,
                total: Some(u64::from(self.settings.epochs) * self.train.len() as u64),
                figure: Some(("loss", state.loss / state.weight.max(f64::MIN_POSITIVE))),
            };
            let stop = hooks.progress(&progress).is_break();
            let wanted = hooks.checkpoint_due() || stop;
            if wanted {
                let bytes = checkpoint::save(&self.state, &self.fingerprint, &self.engine);
                hooks.checkpoint(&bytes).map_err(FitError::NotSaved)?;
            }
            if stop {
                return Err(FitError::Interrupted { iterations: self.state.step as u32 });
            }
        }
        self.close(hooks)
    }

    fn step(&mut self, rows: &[u32]) -> Result<(), FitError> {
        let training = self.training;
        let weights = training.weights.map(|weights| rows.iter().map(|&row| weights[row as usize]).collect());
        let batch = Batch {
            texts: rows.iter().map(|&row| training.rows.row(row as usize)).collect(),
            targets: rows.iter().map(|&row| target(training, row as usize)).collect(),
            weights,
        };
        let weight =
            batch.weights.as_ref().map_or(rows.len() as f64, |weights: &Vec<f64>| weights.iter().sum());
        let state = &mut self.state;
        let at = (state.step + 1, self.total);
        let seen = self
            .engine
            .step(&batch, &self.entropy, &self.settings.optimiser(), self.seed, at)
            .map_err(|broken| FitError::Diverged { part: broken.0, step: state.step + 1 })?;
        state.step += 1;
        state.position += 1;
        state.examples += rows.len() as u64;
        state.loss += seen.loss * weight;
        state.weight += weight;
        state.right += seen.right as u64;
        Ok(())
    }

    /// The end of an epoch: measures, keeps what is best, decides whether to go on.
    fn close(&mut self, hooks: &mut dyn Hooks) -> Result<(), FitError> {
        if self.state.epoch == 0 {
            self.moved()?;
        }
        let validation = self.validate();
        let state = &mut self.state;
        let epoch = Epoch {
            epoch: state.epoch + 1,
            loss: state.loss / state.weight.max(f64::MIN_POSITIVE),
            accuracy: state.right as f64 / state.examples.max(1) as f64,
            validation_loss: validation.map(|v| v.0),
            validation_accuracy: validation.map(|v| v.1),
        };
        state.next_epoch(epoch);
        match epoch.validation_loss {
            None => state.best_epoch = epoch.epoch,
            Some(loss) if state.best_values.is_none() || loss < state.best_loss => {
                (state.best_loss, state.best_epoch) = (loss, epoch.epoch);
                let engine = &self.engine;
                state.best_values = Some((engine.learned.values.clone(), engine.table.values.clone()));
            }
            Some(_) => state.stopped = epoch.epoch >= state.best_epoch + self.settings.patience,
        }
        if let ControlFlow::Break(()) = hooks.epoch(&epoch) {
            let bytes = checkpoint::save(&self.state, &self.fingerprint, &self.engine);
            hooks.checkpoint(&bytes).map_err(FitError::NotSaved)?;
            return Err(FitError::Interrupted { iterations: self.state.step as u32 });
        }
        Ok(())
    }

    /// Weighted mean loss and accuracy of the rows kept out.
    fn validate(&mut self) -> Option<(f64, f64)> {
        let (training, classes) = (self.training, self.training.classes);
        if self.held.is_empty() {
            return None;
        }
        let mut logits = self.held_logits();
        let (mut loss, mut weights, mut right) = (0.0, 0.0, 0);
        for (&row, logits) in self.held.iter().zip(logits.chunks_exact_mut(classes)) {
            let weight = training.weights.map_or(1.0, |weights| weights[row as usize]);
            let target = target(training, row as usize);
            right += usize::from(super::engine::answers(logits, target));
            loss += self.entropy.row(logits, target, weight);
            weights += weight;
        }
        Some((loss / f64::max(weights, f64::MIN_POSITIVE), right as f64 / self.held.len() as f64))
    }

    /// Logits of the rows kept out, by the parameters as they are.
    fn held_logits(&mut self) -> Vec<f32> {
        let rows = self.training.rows;
        let texts: Vec<&[u32]> = self.held.iter().map(|&row| rows.row(row as usize)).collect();
        self.engine.logits(&texts, self.training.classes)
    }

    /// Whether every part that should learn has moved.
    fn moved(&self) -> Result<(), FitError> {
        let (engine, parts) = (&self.engine, self.engine.network.parts());
        let start = parts.start::<f32>(self.seed);
        let still = parts.list().iter().find(|part| {
            let range = part.range.clone();
            start[range.clone()] == engine.learned.values[range]
        });
        let part = match still {
            Some(part) => &part.name,
            // Adam's squares are above zero wherever a gradient has come.
            None if engine.rule != TableRule::Frozen && engine.table.squares.iter().all(|&x| x == 0.0) => {
                EMBEDDING
            }
            None => return Ok(()),
        };
        Err(FitError::Unmoved { part: part.to_owned() })
    }
}
