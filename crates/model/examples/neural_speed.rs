//! Training steps and answers of the three networks, timed on the shapes that `benches/peers/neural.py`
//! times PyTorch on. Ids are random, drawn evenly from the whole vocabulary.
//!
//! usage: neural_speed [avx512|avx2|portable] [STEPS]

use std::ops::ControlFlow;
use std::time::Instant;

use sentimeter_model::features::{Ragged, Words};
use sentimeter_model::neural::{Kernel, Kind, Learner, Neural, Padding, Settings, Vocabulary};
use sentimeter_model::{Fit, Hooks, Progress, Scratch, Targets, Training};

/// The time of each step.
struct Steps {
    last: Instant,
    milliseconds: Vec<f64>,
}

impl Hooks for Steps {
    fn progress(&mut self, _: &Progress) -> ControlFlow<()> {
        self.milliseconds.push(self.last.elapsed().as_secs_f64() * 1e3);
        self.last = Instant::now();
        ControlFlow::Continue(())
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// `rows` texts of `length` random words.
fn texts(rows: usize, length: usize, words: u64) -> Ragged {
    let mut state = 1_u64;
    let mut ids = Ragged::default();
    for _ in 0..rows {
        for _ in 0..length {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ids.ids.push(1 + ((u128::from(state) * u128::from(words - 1)) >> 64) as u32);
        }
        ids.ends.push(ids.ids.len());
    }
    ids
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let kernel = match arguments.next().as_deref() {
        Some("avx2") => Kernel::Avx2,
        Some("portable") => Kernel::Portable,
        Some("avx512") => Kernel::Avx512,
        _ => Kernel::detect(),
    };
    let steps: usize = arguments.next().map_or(Ok(30), |steps| steps.parse())?;
    let of = |kind| Settings {
        min_count: 1,
        validation: 0.0,
        epochs: 1,
        kernel: Some(kernel),
        ..Settings::of(kind)
    };
    let bilstm = Settings { dropout: 0.0, ..of(Kind::Bilstm) };
    let cnn = Settings { dropout: 0.0, padding: Padding::Valid, ..of(Kind::Cnn) };
    let shapes = [(of(Kind::Lstm), 100, 3), (bilstm, 40, 2), (cnn, 40, 2)];
    for (settings, length, classes) in shapes {
        let mut words = Words::default();
        (2..settings.vocabulary).for_each(|i| {
            words.insert(&i.to_string());
        });
        let vocabulary = Vocabulary::new(words);
        let rows = texts(settings.batch_size * (steps + 5), length, settings.vocabulary as u64);
        let truth: Vec<u16> = (0..rows.len()).map(|i| (i % classes) as u16).collect();
        let training = Training { rows: &rows, targets: Targets::Hard(&truth), classes, weights: None };
        let mut hooks = Steps { last: Instant::now(), milliseconds: Vec::new() };
        let learner = Learner::new(settings.clone(), &vocabulary, 1);
        hooks.last = Instant::now();
        let fitted = learner.fit(&training, &mut hooks)?;
        let name = settings.model.name();
        let train = median(hooks.milliseconds.split_off(5));
        println!("{name:8} train    {train:9.3} ms a step of {} on {kernel}", settings.batch_size);

        let network = Neural::new(settings, vocabulary, fitted);
        let mut scratch = Scratch::default();
        for (texts, times) in [(1, 5 * steps), (32, 2 * steps)] {
            let rows: Vec<&[u32]> = (0..texts).map(|i| rows.row(i)).collect();
            let times = (0..times).map(|_| {
                let start = Instant::now();
                std::hint::black_box(network.logits_all(&rows, &mut scratch));
                start.elapsed().as_secs_f64() * 1e3
            });
            println!("{name:8} infer{texts:<3} {:9.3} ms", median(times.collect()));
        }
    }
    Ok(())
}
