//! The quick model: good enough in a second to doubt a label by, never one to keep.

use sentimeter_corpus::{Corpus, Groups, folds};
use sentimeter_model::calibration::Calibration;
use sentimeter_model::features::{Counts, Frequency, Settings, Tokens};
use sentimeter_model::{FitError, Hooks, Probs, logistic};
use sentimeter_text::Recipe;

use crate::prepare::{Row, in_order};
use crate::train::Job;
use crate::{ExperimentError, Plan};

/// Probabilities of rows by models that have not seen them.
#[derive(Debug)]
pub struct OutOfFold {
    /// The rows, in the order of content hashes.
    pub(crate) rows: Vec<Row>,
    /// The classes' names.
    pub labels: Vec<String>,
    /// `[rows, classes]`.
    pub probs: Probs,
    /// Share of the rows whose given class is the likeliest.
    pub accuracy: f64,
}

impl OutOfFold {
    /// Row of the corpus, class given and probabilities of each of the rows.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u16, &[f32])> {
        self.rows.iter().enumerate().map(|(i, r)| (r.row, r.class, self.probs.row(i)))
    }
}

/// What the quick model learns from, and how.
#[derive(Debug, Clone)]
pub(super) struct Quick {
    pub(super) recipe: Recipe,
    pub(super) features: Settings,
    pub(super) folds: u32,
    pub(super) seed: u64,
}

impl Quick {
    /// Words and pairs of words, which one second suffices for.
    pub(super) fn new(recipe: Recipe, folds: u32, seed: u64) -> Self {
        let features = Settings {
            words: Some([1, 2]),
            min_df: Frequency::Count(2),
            max_features: 200_000,
            sublinear_tf: true,
            ..Settings::default()
        };
        Self { recipe, features, folds, seed }
    }

    /// Also pieces of words, which survive misspelling: half a point more of wrong labels found on
    /// tweets, at three times the work.
    pub(super) fn with_pieces(mut self) -> Self {
        self.features.chars = Some([3, 5]);
        self.features.char_min_df = Some(Frequency::Count(3));
        self.features.char_max_features = Some(0);
        self
    }

    fn plan(&self) -> Plan {
        let logistic =
            logistic::Settings { c: 1.5, tolerance: 1e-3, max_iterations: 200, ..Default::default() };
        Plan { seed: self.seed, features: self.features.clone(), logistic, ..Plan::default() }
    }

    /// Probabilities of `rows` (row of the corpus, class below `labels.len()`) by models trained on the
    /// other folds; texts of one group lie in one fold. `None` where nothing can be learned: one class,
    /// no words, too few rows.
    ///
    /// # Errors
    /// An interruption.
    pub(super) fn out_of_fold(
        &self,
        corpus: &Corpus,
        rows: impl Iterator<Item = (u32, u16)>,
        labels: &[String],
        groups: &Groups,
        hooks: &mut dyn Hooks,
    ) -> Result<Option<OutOfFold>, ExperimentError> {
        let rows = in_order(corpus, rows);
        let of_corpus: Vec<u32> = rows.iter().map(|r| r.row).collect();
        let mut classes = vec![Corpus::NONE; corpus.len()];
        rows.iter().for_each(|r| classes[r.row as usize] = r.class);
        let truth: Vec<u16> = rows.iter().map(|r| r.class).collect();
        let plan = self.plan();
        let analyzer = self.recipe.compile()?;
        let tokens = Tokens::read(&analyzer, rows.len(), |i| corpus.text(rows[i].row as usize), hooks)?;
        let counts = Counts::new(tokens, &plan.features)?;
        let fold_of = folds(&of_corpus, &classes, groups, self.folds, self.seed);
        let job = Job { plan: &plan, counts: &counts, truth: &truth, labels, importance: None };
        let outputs = if labels.len() == 2 { 1 } else { labels.len() };
        let mut logits = vec![0.0; truth.len() * outputs];
        for fold in 0..self.folds {
            let (held, train): (Vec<u32>, Vec<u32>) =
                (0..truth.len() as u32).partition(|&r| fold_of[r as usize] == fold);
            if held.is_empty() {
                continue;
            }
            let answers = match job.fold(&train, &held, 1.0, hooks) {
                Err(ExperimentError::Fit(
                    FitError::OneClass { .. } | FitError::NoFeatures { .. } | FitError::Empty { .. },
                )) => return Ok(None),
                learned => learned?.2,
            };
            for (&row, answer) in held.iter().zip(answers.chunks_exact(outputs)) {
                logits[row as usize * outputs..][..outputs].copy_from_slice(answer);
            }
        }
        let probs = Probs::from_logits(&logits, labels.len(), Calibration::None);
        let right = rows.iter().enumerate().filter(|(i, r)| probs.top(*i).0 == r.class).count();
        let accuracy = right as f64 / rows.len().max(1) as f64;
        Ok(Some(OutOfFold { rows, labels: labels.to_vec(), probs, accuracy }))
    }

    /// Logits of `held` by one model of the rows `learned`, `[held, outputs]`; `None` where nothing can
    /// be learned.
    ///
    /// # Errors
    /// An interruption.
    pub(super) fn answers(
        &self,
        corpus: &Corpus,
        learned: impl Iterator<Item = (u32, u16)>,
        held: &[u32],
        labels: &[String],
        hooks: &mut dyn Hooks,
    ) -> Result<Option<Vec<f64>>, ExperimentError> {
        let learned = in_order(corpus, learned);
        let rows: Vec<u32> = learned.iter().map(|r| r.row).chain(held.iter().copied()).collect();
        let mut truth: Vec<u16> = learned.iter().map(|r| r.class).collect();
        truth.resize(rows.len(), 0);
        let plan = self.plan();
        let analyzer = self.recipe.compile()?;
        let tokens = Tokens::read(&analyzer, rows.len(), |i| corpus.text(rows[i] as usize), hooks)?;
        let counts = Counts::new(tokens, &plan.features)?;
        let job = Job { plan: &plan, counts: &counts, truth: &truth, labels, importance: None };
        let (train, held): (Vec<u32>, Vec<u32>) =
            (0..rows.len() as u32).partition(|&r| (r as usize) < learned.len());
        match job.fold(&train, &held, 1.0, hooks) {
            Err(ExperimentError::Fit(
                FitError::OneClass { .. } | FitError::NoFeatures { .. } | FitError::Empty { .. },
            )) => Ok(None),
            learned => Ok(Some(learned?.2)),
        }
    }
}
