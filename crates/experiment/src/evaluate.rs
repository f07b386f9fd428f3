//! How good a model is on labelled texts, and how fast.

use std::collections::BTreeMap;
use std::time::Instant;

use sentimeter_corpus::Corpus;
use sentimeter_model::metrics::{self, Metrics};
use sentimeter_model::{Model, Probs, Scratch};
use serde::Serialize;

use crate::ExperimentError;
use crate::prepare::{Row, content_hash, data_hash, in_order};

/// Texts that are timed one by one.
const TIMED: usize = 2_000;

/// Texts that the throughput is measured on at least; a smaller corpus is scored repeatedly.
const BATCH: usize = 50_000;

/// Time of one text, from the raw string to its probabilities, in microseconds, on one warm thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Half the texts take no longer.
    pub p50: f64,
    /// 99 of 100 texts take no longer.
    pub p99: f64,
}

/// Rows that were measured, in the order of their content hashes, and what the model answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    /// Rows of the corpus.
    pub rows: Vec<u32>,
    /// Their classes, as indexes into the model's labels.
    pub truth: Vec<u16>,
    /// Their probabilities.
    pub probs: Probs,
}

/// What was measured on one of several data sets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestPart {
    /// Its name in the plan.
    pub name: String,
    /// Rows measured on.
    pub rows: usize,
    /// Share of them answered right.
    pub accuracy: f64,
    /// Mean F1 of the classes.
    pub macro_f1: f64,
    /// Mean recall of the classes.
    pub macro_recall: f64,
    /// Expected calibration error.
    pub ece: f64,
}

impl Answers {
    /// The measures of each data set of the corpus, given by name and one past its last row; those without a
    /// measurable row are left out.
    pub(crate) fn of_tests(
        &self,
        tests: &[(String, usize)],
        labels: &[String],
        seed: u64,
    ) -> Result<Vec<TestPart>, ExperimentError> {
        let mut start = 0;
        let mut parts = Vec::new();
        for (name, end) in tests {
            let inside = |&at: &usize| (start..*end).contains(&(self.rows[at] as usize));
            let rows: Vec<usize> = (0..self.rows.len()).filter(inside).collect();
            start = *end;
            if rows.is_empty() {
                continue;
            }
            let truth: Vec<u16> = rows.iter().map(|&at| self.truth[at]).collect();
            let found = measure(&truth, &self.probs.select(&rows), labels, seed)?;
            parts.push(TestPart {
                name: name.clone(),
                rows: rows.len(),
                accuracy: found.accuracy,
                macro_f1: found.macro_f1,
                macro_recall: found.macro_recall,
                ece: found.ece,
            });
        }
        Ok(parts)
    }
}

/// What [`evaluate`] found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// What was measured.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Rows without a label.
    pub unlabelled: usize,
    /// Rows whose label the model does not know, by label.
    pub unknown_labels: BTreeMap<String, usize>,
    /// Rows and accuracy of each language that the rows state, where they state one.
    pub languages: BTreeMap<String, Slice>,
    /// The same of each channel.
    pub channels: BTreeMap<String, Slice>,
    /// Whether these are the rows that the model was made of: most of them it has learned from, and the figures
    /// say little of others.
    pub learned_from: bool,
    /// Time of one text.
    pub latency_us: Latency,
    /// Texts scored in a second on all threads; fewer than 50,000 rows are scored over and over.
    pub texts_per_second: f64,
    /// What all of it was measured on.
    #[serde(skip)]
    pub answers: Answers,
}

/// A part of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Slice {
    /// How many.
    pub rows: usize,
    /// Share answered right.
    pub accuracy: f64,
}

/// Rows of a corpus that a model can be measured on, in the order of training: intervals must not depend on
/// the order of the file's rows.
struct Measurable {
    known: Vec<Row>,
    unknown_labels: BTreeMap<String, usize>,
    unlabelled: usize,
}

fn measurable(model: &Model, corpus: &Corpus) -> Result<Measurable, ExperimentError> {
    let classes: Vec<Option<u16>> = corpus
        .labels()
        .iter()
        .map(|name| model.labels().iter().position(|label| label == name).map(|class| class as u16))
        .collect();
    let mut unknown_labels = BTreeMap::new();
    let (mut known, mut unlabelled) = (Vec::new(), 0);
    for row in 0..corpus.len() {
        match corpus.label(row).map(|label| classes[usize::from(label)]) {
            None => unlabelled += 1,
            Some(Some(class)) => known.push((row as u32, class)),
            Some(None) => {
                *unknown_labels.entry(corpus.label_name(row).unwrap_or_default().to_owned()).or_default() +=
                    1;
            }
        }
    }
    if known.is_empty() {
        return Err(ExperimentError::Data {
            why: format!(
                "no row has a label that the model knows: the data has {}, the model {}; map them with --map",
                list(corpus.labels()),
                list(model.labels())
            ),
        });
    }
    Ok(Measurable { known: in_order(corpus, known.into_iter()), unknown_labels, unlabelled })
}

/// What `model` answers to the rows of `corpus` whose label it knows, how good that is, and the content hash
/// of those rows.
///
/// # Errors
/// No such row.
pub(crate) fn answer(
    model: &Model,
    corpus: &Corpus,
    seed: u64,
) -> Result<(Metrics, Answers, String), ExperimentError> {
    let Measurable { known, .. } = measurable(model, corpus)?;
    let hash = content_hash(model.labels(), &known);
    let truth: Vec<u16> = known.iter().map(|r| r.class).collect();
    let probs = model.predict_all(known.len(), |i| corpus.text(known[i].row as usize));
    let metrics = measure(&truth, &probs, model.labels(), seed)?;
    Ok((metrics, Answers { rows: known.iter().map(|r| r.row).collect(), truth, probs }, hash))
}

/// Measures `model` on the rows of `corpus` whose label it knows.
///
/// # Errors
/// No such row.
pub fn evaluate(model: &Model, corpus: &Corpus, seed: u64) -> Result<Evaluation, ExperimentError> {
    let Measurable { known, unknown_labels, unlabelled } = measurable(model, corpus)?;
    let rows: Vec<usize> = known.iter().map(|r| r.row as usize).collect();
    let truth: Vec<u16> = known.iter().map(|r| r.class).collect();
    let text = |i: usize| corpus.text(rows[i]);
    let probs = model.predict_all(rows.len(), text);
    let metrics = measure(&truth, &probs, model.labels(), seed)?;
    let slices = |key: fn(&Corpus, usize) -> Option<&str>| {
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (i, &row) in rows.iter().enumerate() {
            if let Some(name) = key(corpus, row) {
                let (n, right) = counts.entry(name.to_owned()).or_default();
                *n += 1;
                *right += usize::from(probs.top(i).0 == truth[i]);
            }
        }
        let slice = |(rows, right)| Slice { rows, accuracy: right as f64 / rows as f64 };
        counts.into_iter().map(|(name, counts)| (name, slice(counts))).collect()
    };
    let languages = slices(|corpus, row| corpus.language(row));
    let channels = slices(|corpus, row| corpus.channel(row));
    Ok(Evaluation {
        metrics,
        unlabelled,
        unknown_labels,
        languages,
        channels,
        learned_from: data_hash(corpus) == model.card().lineage.data,
        latency_us: latency(model, rows.len(), text),
        texts_per_second: throughput(model, corpus, rows),
        answers: Answers { rows: known.iter().map(|r| r.row).collect(), truth, probs },
    })
}

fn list(labels: &[String]) -> String {
    if labels.is_empty() { "none".to_owned() } else { labels.join(", ") }
}

/// Measures with this project's settings.
pub(crate) fn measure(
    truth: &[u16],
    probs: &Probs,
    labels: &[String],
    seed: u64,
) -> Result<Metrics, ExperimentError> {
    // Few rows are drawn more often: their intervals are wide enough to matter, and cheap.
    let bootstrap = if truth.len() < 20_000 { 1000 } else { 200 };
    let options = metrics::Options { seed, bootstrap, ..metrics::Options::default() };
    Ok(metrics::measure(truth, probs.values(), labels, &options)?)
}

/// Time of single texts, spread evenly over `0..len`, after a warm-up on the texts between them (on
/// the same ones where there are fewer than 200).
pub fn latency<'a>(model: &Model, len: usize, text: impl Fn(usize) -> &'a str) -> Latency {
    let count = len.min(TIMED);
    if count == 0 {
        return Latency::default();
    }
    let mut scratch = Scratch::default();
    let at = |i: usize| text(i * len / count);
    let between =
        |i: usize| if len < 200 { at(i) } else { text((i * len / count + len / count / 2 + 1) % len) };
    (0..count).for_each(|i| drop(model.predict(&[between(i)], &mut scratch)));
    let mut times: Vec<f64> = (0..count)
        .map(|i| {
            let start = Instant::now();
            let probs = model.predict(&[at(i)], &mut scratch);
            let time = start.elapsed().as_secs_f64() * 1e6;
            debug_assert_eq!(probs.len(), 1);
            time
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    Latency { p50: times[count / 2], p99: times[(count * 99 / 100).min(count - 1)] }
}

/// Texts a second in batches, on all threads of the pool, in the order of the corpus: that is how texts
/// come to be scored. Of so few texts that a passing disturbance would tell, the faster of two runs.
fn throughput(model: &Model, corpus: &Corpus, mut rows: Vec<usize>) -> f64 {
    const FEW: usize = 1 << 18;
    rows.sort_unstable();
    let count = rows.len().max(BATCH);
    let rate = || {
        let start = Instant::now();
        let probs = model.predict_all(count, |i| corpus.text(rows[i % rows.len()]));
        probs.len() as f64 / start.elapsed().as_secs_f64().max(1e-9)
    };
    let first = rate();
    if count > FEW { first } else { first.max(rate()) }
}
