//! Networks, gradients and optimisers against PyTorch's numbers (tests/goldens/neural.py).

use std::collections::HashMap;

use safetensors::SafeTensors;

use super::Pool;
use super::engine::{Batch, EMBEDDING, Engine, TableRule};
use super::kernel::tests::kernels;
use super::kernel::{Chosen, Kernel, Real};
use super::layers::loss::{CrossEntropy, Target};
use super::networks::{Cnn, CnnSettings, Network, Padding, Recurrent, RecurrentSettings};
use super::optimiser::{Optimiser, Rule};
use super::parameters::Parts;

const WIDTH: usize = 6;
const CLASSES: usize = 3;

/// One network's numbers.
struct Golden<'a> {
    name: &'a str,
    file: SafeTensors<'a>,
}

impl Golden<'_> {
    fn numbers(&self, key: &str) -> Vec<f64> {
        let tensor = self.file.tensor(&format!("{}/{key}", self.name)).unwrap();
        tensor.data().as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect()
    }

    fn integers(&self, key: &str) -> Vec<u32> {
        let tensor = self.file.tensor(&format!("{}/{key}", self.name)).unwrap();
        tensor.data().as_chunks::<4>().0.iter().map(|&b| u32::from_le_bytes(b)).collect()
    }

    /// All parts of `stage` as they lie in memory, by name.
    fn parts(&self, stage: &str, parts: &Parts) -> HashMap<String, Vec<f64>> {
        parts
            .list()
            .iter()
            .map(|part| {
                let key = format!("{stage}/{}", part.name);
                let shape = self.file.tensor(&format!("{}/{key}", self.name)).unwrap().shape().to_vec();
                assert_eq!(shape, part.shape, "shape of {}", part.name);
                let mut values = self.numbers(&key);
                part.to_memory(&mut values);
                (part.name.clone(), values)
            })
            .collect()
    }
}

fn near<R: Real>(what: &str, got: &[R], want: &[f64], far: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got.wide() - want).abs() < far, "{what} [{i}]: {got:?}, PyTorch {want}");
    }
}

fn check<R: Real, N: Network<R>>(kernel: Chosen, far: f64, name: &str, network: N, optimiser: &Optimiser) {
    let bytes = include_bytes!("../../tests/goldens/neural.safetensors");
    let golden = Golden { name, file: SafeTensors::deserialize(bytes).unwrap() };
    let parts = network.parts().clone();
    let real = |values: Vec<f64>| values.into_iter().map(R::of).collect::<Vec<R>>();
    let table = real(golden.numbers(&format!("start/{EMBEDDING}")));
    let mut engine = Engine::new(network, kernel, 0, table, WIDTH, TableRule::All);
    for part in parts.list() {
        let start = golden.parts("start", &parts).remove(&part.name).unwrap();
        engine.learned.values[part.range.clone()].copy_from_slice(&real(start));
    }
    let (ids, truth) = (golden.integers("ids"), golden.integers("truth"));
    let texts: Vec<Vec<u32>> = ids
        .chunks_exact(ids.len() / truth.len())
        .map(|row| row.iter().copied().take_while(|&id| id != 0).collect())
        .collect();
    let batch = Batch {
        texts: texts.iter().map(Vec::as_slice).collect(),
        targets: truth.iter().map(|&y| Target::Class(y as u16)).collect(),
        weights: None,
    };
    let entropy = CrossEntropy { weights: vec![1.0, 2.0, 0.5], smoothing: 0.1 };
    let about = |what: &str| format!("{name}, {kernel:?}, {what}");

    let seen = engine.gradients(&batch, &entropy, 0, 1);
    near(&about("loss"), &[seen.loss], &golden.numbers("loss"), far);
    let gradients = golden.parts("gradient", &parts);
    for part in parts.list() {
        near(&about(&part.name), &engine.gradient()[part.range.clone()], &gradients[&part.name], far);
    }
    let dense = golden.numbers(&format!("gradient/{EMBEDDING}"));
    let (rows, values) = engine.row_gradient();
    for (row, got) in rows.iter().zip(values.chunks_exact(WIDTH)) {
        near(&about("words"), got, &dense[*row as usize * WIDTH..][..WIDTH], far);
    }
    let met: f64 = values.iter().map(|x| x.wide().abs()).sum();
    assert!(
        (met - dense.iter().map(|x| x.abs()).sum::<f64>()).abs() < far * 100.0,
        "{}",
        about("other words")
    );

    for step in 1..=4 {
        engine.step(&batch, &entropy, optimiser, 0, (step, 4)).unwrap();
    }
    let end = golden.parts("end", &parts);
    for part in parts.list() {
        near(&about(&part.name), &engine.learned.values[part.range.clone()], &end[&part.name], 20.0 * far);
    }
    near(&about(EMBEDDING), &engine.table.values, &golden.numbers(&format!("end/{EMBEDDING}")), 20.0 * far);
}

fn optimiser(rule: Rule, weight_decay: f64) -> Optimiser {
    Optimiser { rule, weight_decay, learning_rate: 0.01, clip_norm: 0.4, ..Optimiser::default() }
}

fn check_all<R: Real>(kernel: Chosen, far: f64) {
    let shape = |bidirectional| RecurrentSettings {
        units: vec![5, 4],
        bidirectional,
        pool: Pool::Last,
        dense: vec![4],
        dropout: 0.0,
    };
    let lstm = Recurrent::new(&shape(false), WIDTH, CLASSES);
    check::<R, _>(kernel, far, "lstm", lstm, &optimiser(Rule::Adam, 0.0));
    let bilstm = Recurrent::new(&shape(true), WIDTH, CLASSES);
    check::<R, _>(kernel, far, "bilstm", bilstm, &optimiser(Rule::AdamW, 0.1));
    let settings = CnnSettings {
        filters: vec![5, 4],
        kernel_size: 3,
        padding: Padding::Same,
        dense: vec![4],
        dropout: 0.0,
    };
    check::<R, _>(kernel, far, "cnn", Cnn::new(&settings, WIDTH, CLASSES), &optimiser(Rule::Adam, 0.1));
}

#[test]
fn numbers_are_those_of_pytorch() {
    check_all::<f64>(Chosen::new(Kernel::Portable).unwrap(), 1e-10);
    for kernel in kernels() {
        check_all::<f32>(kernel, 2e-6);
    }
}
