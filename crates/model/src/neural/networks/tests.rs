//! Gradients of whole networks against finite differences, in `f64`.

use super::*;
use crate::neural::kernel::tests::noise;
use crate::neural::layers::loss::{CrossEntropy, Target};
use crate::neural::layers::pool::Pool;

const INPUT: usize = 5;
const CLASSES: usize = 3;

struct Job<'a, N: Network<f64>> {
    network: &'a N,
    kernel: Chosen,
    draw: Option<Draw>,
    truth: &'a [u16],
}

impl<N: Network<f64>> Job<'_, N> {
    fn loss(&self, values: &[f64], x: &[f64], tape: &mut N::Tape) -> (f64, Vec<f64>, N::Ready) {
        let mut ready = self.network.unready(self.kernel);
        self.network.ready(values, true, &mut ready);
        let mut logits = Vec::new();
        self.network.forward(self.kernel, &ready, x, self.draw, &mut logits, tape);
        let entropy = CrossEntropy { weights: vec![1.0, 2.0, 0.5], smoothing: 0.1 };
        let rows = logits.chunks_exact_mut(CLASSES).zip(self.truth);
        let loss = rows.map(|(logits, &y)| entropy.row(logits, Target::Class(y), 0.25)).sum();
        (loss, logits, ready)
    }
}

/// Every parameter and every number of every word is moved a little, and the loss with it.
fn check<N: Network<f64>>(name: &str, network: &N, draw: Option<Draw>) {
    let kernel = Chosen::best();
    let lengths = [3_usize, 7, 0, 1, 7];
    let texts: Vec<Vec<u32>> = lengths.iter().map(|&n| (1..=n as u32).collect()).collect();
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let (mut ids, mut tape) = (Vec::new(), N::Tape::default());
    network.arrange(&texts, &mut ids, &mut tape);
    for (text, ids_of) in texts.iter().enumerate() {
        for (at, id) in ids_of.iter().enumerate() {
            assert_eq!(ids[network.place(text, at, &tape)], *id, "{name}: token {at} of text {text}");
        }
    }
    let job = Job { network, kernel, draw, truth: &[0, 1, 2, 1, 0] };
    let mut values = network.parts().start::<f64>(1);
    let mut x = noise::<f64>(ids.len() * INPUT, 2);

    let (_, mut grad, ready) = job.loss(&values, &x, &mut tape);
    let (mut dx, mut gradient) = (Vec::new(), vec![0.0; values.len()]);
    network.backward(kernel, &ready, &x, draw, &mut grad, Some(&mut dx), Some(&mut gradient), &mut tape);

    const H: f64 = 1e-5;
    let near = |what: &str, got: f64, more: f64, less: f64| {
        let want = (more - less) / (2.0 * H);
        assert!((got - want).abs() < 1e-8 + 1e-6 * want.abs(), "{name} {what}: {got}, by differences {want}");
    };
    for part in network.parts().list() {
        let mut moved = 0;
        for i in part.range.clone() {
            let old = values[i];
            values[i] = old + H;
            let more = job.loss(&values, &x, &mut tape).0;
            values[i] = old - H;
            let less = job.loss(&values, &x, &mut tape).0;
            values[i] = old;
            near(&format!("{} [{}]", part.name, i - part.range.start), gradient[i], more, less);
            moved += usize::from(gradient[i] != 0.0);
        }
        assert!(moved > 0, "{name}: no gradient reaches {}", part.name);
    }
    for i in 0..x.len() {
        let old = x[i];
        x[i] = old + H;
        let more = job.loss(&values, &x, &mut tape).0;
        x[i] = old - H;
        let less = job.loss(&values, &x, &mut tape).0;
        x[i] = old;
        near(&format!("word {} column {}", i / INPUT, i % INPUT), dx[i], more, less);
    }
}

const DRAWS: [Option<Draw>; 2] = [None, Some(Draw { seed: 3, step: 4, first_row: 5 })];

#[test]
fn gradients_of_recurrent_networks_are_those_of_finite_differences() {
    for pool in [Pool::Last, Pool::Mean, Pool::Max] {
        for bidirectional in [false, true] {
            let settings =
                RecurrentSettings { units: vec![4, 3], bidirectional, pool, dense: vec![6], dropout: 0.3 };
            for draw in DRAWS {
                let name = format!("{pool:?} bidirectional: {bidirectional} dropout: {}", draw.is_some());
                check(&name, &Recurrent::new(&settings, INPUT, CLASSES), draw);
            }
        }
    }
}

#[test]
fn gradients_of_convolutions_are_those_of_finite_differences() {
    for padding in [Padding::Same, Padding::Valid] {
        for (filters, kernel_size) in [(vec![4], 3), (vec![6, 4], 2), (vec![4, 6, 5], 3)] {
            let name = format!("{padding:?} {filters:?} of {kernel_size}");
            let settings = CnnSettings { filters, kernel_size, padding, dense: vec![5], dropout: 0.3 };
            for draw in DRAWS {
                check(&name, &Cnn::new(&settings, INPUT, CLASSES), draw);
            }
        }
    }
}
