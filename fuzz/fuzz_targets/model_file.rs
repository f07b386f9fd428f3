//! Any bytes given as a model file are an error or a model that answers; nothing panics.
//!
//! Bytes at random fail at the digest. So an odd first byte means: the rest are edits of a good file,
//! four bytes each (three of position, one of value), and the digest is made right afterwards.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sentimeter_model::{Model, Scratch};

static GOOD: &[u8] = include_bytes!("../../crates/model/tests/artifacts/v1-linear.safetensors");

const TEXT: &str = "Great service, merci ! الخدمة ممتازة 😡 not good not good";

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else { return };
    let bytes = if mode % 2 == 0 { rest.to_vec() } else { edited(rest) };
    if let Ok((model, _)) = Model::from_bytes(&bytes) {
        let mut scratch = Scratch::default();
        let probs = model.predict(&[TEXT, ""], &mut scratch);
        assert_eq!((probs.len(), probs.classes()), (2, model.labels().len()));
        for token in model.explain(TEXT, &mut scratch).tokens {
            assert!(TEXT.get(token.start as usize..token.end as usize).is_some());
        }
        let (again, digest) = model.to_bytes().expect("what was read can be written");
        assert_eq!(Model::from_bytes(&again).expect("and read again").1, digest);
    }
});

/// The good file with edits and the digest that it should then have.
fn edited(edits: &[u8]) -> Vec<u8> {
    let mut bytes = GOOD.to_vec();
    for edit in edits.chunks_exact(4) {
        let at = u32::from_le_bytes([edit[0], edit[1], edit[2], 0]) as usize % bytes.len();
        bytes[at] = edit[3];
    }
    let mark = br#"\"digest\":\""#;
    if let Some(at) = bytes.windows(mark.len()).position(|w| w == mark) {
        let digits = at + mark.len()..at + mark.len() + 64;
        if digits.end <= bytes.len() {
            bytes[digits.clone()].fill(b'0');
            let digest = blake3::hash(&bytes).to_hex();
            bytes[digits].copy_from_slice(digest.as_bytes());
        }
    }
    bytes
}
