//! Word vectors from unlabelled text: the same bytes for any number of threads, words that stand together near each
//! other, and fastText's rows for subwords.

#![allow(clippy::unwrap_used)]

use sentimeter_model::Silent;
use sentimeter_model::embeddings::{EmbedSettings, Embeddings, Subwords, skip_gram};
use sentimeter_model::features::{Ragged, Tokens, Words};

/// Texts about two things, whose words never meet.
fn tokens(reversed: bool) -> Tokens {
    let mut state = 3_u64;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % n) as usize
    };
    let mut texts: Vec<Vec<String>> = (0..1500)
        .map(|i| {
            let of = if i % 2 == 0 { ["cat", "dog", "cow", "hen"] } else { ["tea", "rum", "gin", "ale"] };
            (0..8).map(|_| of[below(4)].to_owned()).collect()
        })
        .collect();
    if reversed {
        texts.reverse();
    }
    let (mut words, mut rows) = (Words::default(), Ragged::default());
    for text in texts {
        rows.ids.extend(text.iter().map(|word| words.insert(word)));
        rows.ends.push(rows.ids.len());
    }
    Tokens { words, rows }
}

fn settings() -> EmbedSettings {
    EmbedSettings { dimension: 20, buckets: 500, sample: 1.0, epochs: 8, ..EmbedSettings::default() }
}

fn learned(reversed: bool, threads: usize) -> Embeddings {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| skip_gram(&tokens(reversed), &settings(), &mut Silent)).unwrap()
}

#[test]
fn threads_and_the_order_of_texts_change_no_bit() {
    let first = learned(false, 1);
    assert_eq!(first, learned(true, 2));
    assert_eq!(first, learned(false, 3));
    let other = EmbedSettings { seed: 1, ..settings() };
    assert_ne!(first.input, skip_gram(&tokens(false), &other, &mut Silent).unwrap().input);
}

#[test]
fn words_that_stand_together_come_to_lie_together() {
    let found = learned(false, 2);
    assert_eq!(found.words.len(), 8);
    let cosine = |a: &[f32], b: &[f32]| {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    };
    let animal = |word: &str| ["cat", "dog", "cow", "hen"].contains(&word);
    for (i, a) in found.words.iter().enumerate() {
        for (j, b) in found.words.iter().enumerate().filter(|&(j, _)| j != i) {
            let near = cosine(&found.vector(i), &found.vector(j));
            assert_eq!(near > 0.5, animal(a) == animal(b), "{a} {b} {near}");
        }
    }
}

#[test]
fn what_cannot_be_learned_from_is_said() {
    let all_rare = EmbedSettings { min_count: 1 << 40, ..settings() };
    let said = skip_gram(&tokens(false), &all_rare, &mut Silent).unwrap_err().to_string();
    assert!(said.contains("min_count"), "{said}");
    for (wrong, name) in [
        (EmbedSettings { dimension: 0, ..settings() }, "dimension"),
        (EmbedSettings { min_n: 7, ..settings() }, "min_n"),
        (EmbedSettings { rate: f64::NAN, ..settings() }, "rate"),
        (EmbedSettings { sample: 0.0, ..settings() }, "sample"),
    ] {
        assert_eq!(wrong.check().unwrap_err().name, name);
    }
}

#[test]
fn no_subwords_and_no_whole_shard_will_do() {
    let short = EmbedSettings { max_n: 0, epochs: 1, ..settings() };
    let found = skip_gram(&tokens(false), &short, &mut Silent).unwrap();
    assert_eq!(found.input.len(), 8 * 20);
    assert!(found.loss.is_finite() && found.tokens == 12_000);
}

fn rows(word: &str, min_n: usize, max_n: usize) -> Vec<u32> {
    let mut rows = Vec::new();
    Subwords { min_n, max_n, buckets: 2_000_000 }.of(word.as_bytes(), |row| rows.push(row));
    rows
}

#[test]
fn rows_are_fasttexts() {
    // `fasttext.load_model(…).get_subwords(word)` of a model with these settings, less the word's own row:
    // crates/vectors/tests/goldens/vectors.py.
    assert_eq!(rows("the", 3, 6), THE);
    assert_eq!(rows("été", 3, 6), SUMMER);
    assert_eq!(rows("a", 1, 2), A);
    assert_eq!(rows("the", 3, 0), [0_u32; 0]);
}

const THE: [u32; 6] = [1151151, 409726, 1648960, 861980, 60934, 816280];
const SUMMER: [u32; 6] = [1908133, 59617, 999949, 187927, 196363, 1291535];
const A: [u32; 3] = [1008750, 2220, 1614806];

#[test]
fn any_bytes_have_rows() {
    let mut rows = 0;
    Subwords { min_n: 1, max_n: 3, buckets: 7 }.of(b"\xff\x80\x80a\xc3", |row| rows += u32::from(row < 7));
    assert!(rows > 3);
}
