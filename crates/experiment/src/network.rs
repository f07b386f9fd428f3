//! Networks: cleaned texts and a plan become a trained one.

use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use sentimeter_model::calibration::{Calibration, temperature};
use sentimeter_model::features::Tokens;
use sentimeter_model::neural::{Epoch, Fitted, Kind, Learner, Neural, Settings, Vocabulary};
use sentimeter_model::{Body, Fit, Hooks, Progress, Scratch, Targets, Training};
use serde::Serialize;

use crate::mix::Importance;
use crate::plan::CalibrationKind;
use crate::prepare::Row;
use crate::pretrained::{self, Pretrained, VectorsUsed};
use crate::{ExperimentError, Plan};

/// Steps before the speed of training is measured.
const WARM: u64 = 20;

/// Texts of a fold that are answered at a time.
const TOGETHER: usize = 64;

/// What the training of a network showed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkRun {
    /// Passes over the training texts.
    pub epochs: u32,
    /// The pass whose parameters were kept.
    pub best_epoch: u32,
    /// Steps of the optimiser, those of an interrupted run before it included.
    pub steps: u64,
    /// Training texts a second after the first 20 steps, without the pauses to validate; `None` where
    /// there were no more steps.
    pub examples_per_second: Option<f64>,
    /// The instructions that it was trained with; another kernel gives other last digits.
    pub kernel: String,
    /// Loss and accuracy of each pass.
    pub history: Vec<Epoch>,
    /// How many of its words started from a vector of a file, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vectors: Option<VectorsUsed>,
}

/// What training a network needs.
pub(crate) struct Job<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) kind: Kind,
    /// The cleaned training texts.
    pub(crate) tokens: &'a Tokens,
    pub(crate) labels: &'a [String],
    /// What each text counts, and the labels that it could have had; all the same where there is one source.
    pub(crate) importance: Option<&'a Importance>,
    /// What vectors start from: read once for all folds.
    pub(crate) vectors: Option<&'a Pretrained>,
}

/// A network that has learned.
pub(crate) struct Learned {
    pub(crate) body: Body,
    pub(crate) calibration: Calibration,
    pub(crate) run: NetworkRun,
    /// BLAKE3 over the file of vectors.
    pub(crate) vectors: Option<String>,
    /// What should be said of it.
    pub(crate) notes: Vec<String>,
}

impl Job<'_> {
    /// Learns from all rows of `tokens`, whose classes are those of `train`.
    pub(crate) fn learn(&self, train: &[Row], hooks: &mut dyn Hooks) -> Result<Learned, ExperimentError> {
        let truth: Vec<u16> = train.iter().map(|r| r.class).collect();
        let rows: Vec<u32> = (0..truth.len() as u32).collect();
        let settings = pretrained::settings_for(self.plan, self.kind)?;
        let vocabulary = Vocabulary::select(self.tokens, rows.iter().copied(), &settings);
        let vectors = match pretrained::file(&self.plan.neural)? {
            Some(path) => Some(Pretrained::of(&path, vocabulary.words().collect(), hooks)?),
            None => None,
        };
        let used = vectors.as_ref().map(|vectors| vectors.used(&vocabulary, self.tokens));
        let mut timed = Timed::new(hooks);
        let fitted = self.fit(&settings, &vocabulary, vectors.as_ref(), &rows, &truth, &mut timed)?;
        let calibration = match self.plan.calibration.kind {
            CalibrationKind::None => Calibration::None,
            CalibrationKind::Temperature | CalibrationKind::Languages => self.calibrate(&fitted, &truth),
        };
        let mut notes = used.as_ref().map_or_else(Vec::new, VectorsUsed::notes);
        let long =
            rows.iter().filter(|&&row| self.tokens.rows.row(row as usize).len() > settings.length).count();
        if long > 0 {
            let (all, most) = (rows.len(), settings.length);
            let kept = serde_json::to_value(settings.cut).unwrap_or_default();
            notes.push(format!(
                "{long} of {all} training texts have more than {most} tokens: of those {kept} is kept (neural.length, \
                 neural.cut)"
            ));
        }
        let run = NetworkRun {
            epochs: fitted.history.len() as u32,
            best_epoch: fitted.best,
            steps: fitted.steps,
            examples_per_second: timed.rate(),
            kernel: settings.kernel().to_string(),
            history: fitted.history.clone(),
            vectors: used,
        };
        let vectors = vectors.map(|vectors| vectors.blake3().to_owned());
        let body = Body::Neural(Neural::new(settings, vocabulary, fitted));
        Ok(Learned { body, calibration, run, vectors, notes })
    }

    /// Learns from the rows `train` of `tokens` and answers the rows `held`: logits, one for two classes.
    pub(crate) fn fold(
        &self,
        train: &[u32],
        held: &[u32],
        truth: &[u16],
        hooks: &mut dyn Hooks,
    ) -> Result<Fold, ExperimentError> {
        let start = Instant::now();
        let settings = pretrained::settings_for(self.plan, self.kind)?;
        let vocabulary = Vocabulary::select(self.tokens, train.iter().copied(), &settings);
        let fitted = self.fit(&settings, &vocabulary, self.vectors, train, truth, hooks)?;
        let (steps, learning) = (fitted.steps, start.elapsed().as_secs_f64());
        let rows = vocabulary.rows(self.tokens, held.iter().copied(), &settings);
        let classes = fitted.classes;
        let network = Neural::new(settings, vocabulary, fitted);
        let parameters = network.parameters();
        let mut scratch = Scratch::default();
        let mut logits = Vec::new();
        for first in (0..rows.len()).step_by(TOGETHER) {
            let some: Vec<&[u32]> =
                (first..rows.len().min(first + TOGETHER)).map(|row| rows.row(row)).collect();
            logits.extend(outputs(&network.logits_of(&some, &mut scratch), classes));
        }
        Ok(Fold { logits, parameters, steps, learning })
    }

    /// Parameters from some rows of `tokens`; `truth` has the class of each row of `tokens`.
    fn fit(
        &self,
        settings: &Settings,
        vocabulary: &Vocabulary,
        vectors: Option<&Pretrained>,
        rows: &[u32],
        truth: &[u16],
        hooks: &mut dyn Hooks,
    ) -> Result<Fitted, ExperimentError> {
        let classes = self.labels.len();
        let ids = vocabulary.rows(self.tokens, rows.iter().copied(), settings);
        let targets: Vec<u16> = rows.iter().map(|&row| truth[row as usize]).collect();
        let mut counts = vec![0; classes];
        targets.iter().for_each(|&y| counts[usize::from(y)] += 1);
        let by_class = settings.class_weight.resolve(self.labels, &counts)?;
        let own = self.importance.map(|importance| importance.select(rows));
        let weights: Option<Vec<f64>> = (own.is_some() || by_class.iter().any(|&w| w != 1.0)).then(|| {
            let by_row = |at: usize| own.as_ref().map_or(1.0, |own| own.weights[at]);
            targets.iter().enumerate().map(|(at, &y)| by_class[usize::from(y)] * by_row(at)).collect()
        });
        let known = own.as_ref().and_then(|own| own.known.as_ref());
        let hard = match known {
            Some(known) => Targets::Within { truth: &targets, known },
            None => Targets::Hard(&targets),
        };
        let training = Training { rows: &ids, targets: hard, classes, weights: weights.as_deref() };
        let mut learner = Learner::new(settings.clone(), vocabulary, self.plan.seed);
        if let Some(vectors) = vectors {
            learner = learner.starting_from(vocabulary, |word| vectors.get(word));
        }
        Ok(learner.sampling(self.plan.sampling.kind)?.fit(&training, hooks)?)
    }

    /// The temperature of the rows that training kept out to stop by, of those that could have had each label.
    fn calibrate(&self, fitted: &Fitted, truth: &[u16]) -> Calibration {
        let classes = fitted.classes;
        let complete = |row: u32| self.importance.is_none_or(|all| all.complete(row as usize, classes));
        let held = fitted.held.iter().zip(fitted.held_logits.chunks_exact(classes));
        let (truth, logits): (Vec<u16>, Vec<&[f32]>) = held
            .filter(|(row, _)| complete(**row))
            .map(|(&row, logits)| (truth[row as usize], logits))
            .unzip();
        let outputs_each = if classes == 2 { 1 } else { classes };
        match temperature(&outputs(&logits.concat(), classes), outputs_each, &truth) {
            Some(temperature) => Calibration::Temperature { temperature },
            None => Calibration::None,
        }
    }
}

/// What a network answered to a fold that it had not seen.
pub(crate) struct Fold {
    /// One for two classes.
    pub(crate) logits: Vec<f64>,
    /// Numbers that it has learned.
    pub(crate) parameters: usize,
    /// Steps of the optimiser.
    pub(crate) steps: u64,
    /// Seconds until it had learned.
    pub(crate) learning: f64,
}

/// Logits with one number for two classes, the log-odds of the second, as models give them.
fn outputs(logits: &[f32], classes: usize) -> Vec<f64> {
    match classes {
        2 => logits.chunks_exact(2).map(|z| f64::from(z[1]) - f64::from(z[0])).collect(),
        _ => logits.iter().map(|&z| f64::from(z)).collect(),
    }
}

/// Passes everything on and takes the time of the steps.
struct Timed<'a> {
    hooks: &'a mut dyn Hooks,
    steps: u64,
    /// When the last step ended, and how many texts had passed; `None` behind a pause.
    last: Option<(Instant, u64)>,
    time: Duration,
    examples: u64,
}

impl<'a> Timed<'a> {
    fn new(hooks: &'a mut dyn Hooks) -> Self {
        Self { hooks, steps: 0, last: None, time: Duration::ZERO, examples: 0 }
    }

    fn rate(&self) -> Option<f64> {
        (self.examples > 0).then(|| self.examples as f64 / self.time.as_secs_f64())
    }
}

impl Hooks for Timed<'_> {
    fn progress(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.steps += 1;
        if let Some((then, done)) = self.last.filter(|_| self.steps > WARM) {
            self.time += then.elapsed();
            self.examples += progress.done.saturating_sub(done);
        }
        let go_on = self.hooks.progress(progress);
        self.last = Some((Instant::now(), progress.done));
        go_on
    }

    fn epoch(&mut self, epoch: &Epoch) -> ControlFlow<()> {
        self.last = None;
        self.hooks.epoch(epoch)
    }

    fn resume(&mut self) -> Option<Vec<u8>> {
        self.hooks.resume()
    }

    fn checkpoint_due(&mut self) -> bool {
        self.hooks.checkpoint_due()
    }

    fn checkpoint(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.last = None;
        self.hooks.checkpoint(bytes)
    }
}
