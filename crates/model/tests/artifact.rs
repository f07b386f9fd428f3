//! A model file opens to the same model, or says what is wrong with it.
#![allow(clippy::unwrap_used)]

mod small;

use std::borrow::Cow;
use std::collections::HashMap;

use proptest::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, View};
use sentimeter_model::calibration::Calibration;
use sentimeter_model::features::Settings;
use sentimeter_model::{ArtifactError, Body, FORMAT_VERSION, Model, Scratch};
use serde_json::{Value, json};
use small::{THREE, recipe, texts, train};

/// Words of up to three words and characters: every part of a file is there.
fn settings() -> Settings {
    Settings { words: Some([1, 3]), chars: Some([2, 3]), max_features: 40, ..Settings::default() }
}

fn model(temperature: f64) -> Model {
    train(&texts(&THREE, 30), recipe(), &settings(), Calibration::Temperature { temperature }).model
}

fn bytes(model: &Model) -> Vec<u8> {
    model.to_bytes().unwrap().0
}

/// A tensor of a file that is taken apart.
#[derive(Clone)]
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.data)
    }
    fn data_len(&self) -> usize {
        self.data.len()
    }
}

/// A model file as its description and its tensors, to be changed and put together again.
#[derive(Clone)]
struct Parts {
    description: Value,
    tensors: HashMap<String, Tensor>,
}

impl Parts {
    fn of(bytes: &[u8]) -> Self {
        let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
        let description = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["sentimeter"]).unwrap();
        let tensors = SafeTensors::deserialize(bytes)
            .unwrap()
            .iter()
            .map(|(name, view)| {
                let (dtype, shape, data) = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
                (name.to_owned(), Tensor { dtype, shape, data })
            })
            .collect();
        Self { description, tensors }
    }

    /// The file with the digest that it should have: over all its bytes, with zeros in its own place.
    fn to_bytes(&self) -> Vec<u8> {
        let mut description = self.description.clone();
        description["digest"] = "0".repeat(64).into();
        self.with_description(description.to_string())
    }

    /// The same with a description that need not be ours.
    fn with_description(&self, description: String) -> Vec<u8> {
        let metadata = HashMap::from([("sentimeter".to_owned(), description)]);
        let mut bytes = safetensors::serialize(&self.tensors, Some(metadata)).unwrap();
        let mark = br#"\"digest\":\""#;
        if let Some(at) = bytes.windows(mark.len()).position(|w| w == mark) {
            let digest = blake3::hash(&bytes).to_hex();
            bytes[at + mark.len()..][..64].copy_from_slice(digest.as_bytes());
        }
        bytes
    }

    fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors.get_mut(name).unwrap()
    }

    /// Puts one number of four bytes into a tensor.
    fn put(&mut self, name: &str, at: usize, number: [u8; 4]) {
        self.tensor(name).data[at * 4..][..4].copy_from_slice(&number);
    }

    fn number(&self, name: &str, at: usize) -> u32 {
        u32::from_le_bytes(*self.tensors[name].data[at * 4..].first_chunk().unwrap())
    }

    /// Number of words.
    fn words(&self) -> u32 {
        self.tensors["word_ends"].shape[0] as u32
    }
}

fn refused(bytes: &[u8]) -> String {
    Model::from_bytes(bytes).expect_err("a file that is wrong").to_string()
}

#[test]
fn a_file_is_the_model_and_its_bytes_are_always_the_same() {
    let model = model(1.3);
    let (first, digest) = model.to_bytes().unwrap();
    assert_eq!(first, bytes(&model), "saved twice");
    let (opened, found) = Model::from_bytes(&first).unwrap();
    assert_eq!(digest, found);
    assert_eq!(bytes(&opened), first, "saved, opened and saved");
    assert_eq!(opened.card(), model.card());
    let all = texts(&THREE, usize::MAX).texts;
    let predict = |model: &Model| model.predict_all(all.len(), |i| &all[i]);
    assert_eq!(predict(&opened), predict(&model));
    // Our own taking apart is right: put together again it opens.
    assert!(Model::from_bytes(&Parts::of(&first).to_bytes()).is_ok());
}

#[test]
fn a_quantised_model_is_what_was_stored() {
    let whole = model(1.3);
    let Body::Linear(linear) = whole.body().clone() else { panic!("linear models are trained here") };
    let quantised = Model::new(whole.card().clone(), Body::Linear(linear.quantised())).unwrap();
    let file = bytes(&quantised);
    let opened = Model::from_bytes(&file).unwrap().0;
    assert_eq!(bytes(&opened), file, "saved, opened and saved");
    let all = texts(&THREE, usize::MAX).texts;
    let predict = |model: &Model| model.predict_all(all.len(), |i| &all[i]);
    assert_eq!(predict(&opened), predict(&quantised));
    for (rounded, exact) in predict(&opened).values().iter().zip(predict(&whole).values()) {
        assert!((rounded - exact).abs() < 0.05, "{rounded} {exact}");
    }
    let table = |file: &[u8]| Parts::of(file).tensors["features"].data.len();
    assert_eq!(4 * table(&file), table(&bytes(&whole)));
    let mut parts = Parts::of(&file);
    let scales = parts.tensors.get_mut("feature_scales").unwrap();
    scales.data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let said = refused(&parts.to_bytes());
    assert!(said.contains("feature_scales"), "{said}");
}

#[test]
fn a_file_on_disk_is_read_like_its_bytes() {
    let bytes = bytes(&model(1.0));
    let path = std::env::temp_dir().join(format!("sentimeter-artifact-{}.safetensors", std::process::id()));
    std::fs::write(&path, &bytes).unwrap();
    let opened = Model::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(opened.1, Model::from_bytes(&bytes).unwrap().1);
    assert!(matches!(Model::open(&path), Err(ArtifactError::Io(_))), "it is gone");
}

#[test]
fn no_byte_can_change_unseen() {
    let mut bytes = bytes(&model(1.3));
    assert!(bytes.len() < 16 << 10, "{} bytes: a small model keeps this test quick", bytes.len());
    for at in 0..bytes.len() {
        for change in [0x01, 0x20, 0x80, 0xff] {
            bytes[at] ^= change;
            assert!(Model::from_bytes(&bytes).is_err(), "byte {at} changed by {change:#x}");
            bytes[at] ^= change;
        }
    }
    assert!(Model::from_bytes(&bytes).is_ok(), "all changes were undone");
}

#[test]
fn no_part_of_a_file_is_a_file() {
    let bytes = bytes(&model(1.3));
    for len in 0..bytes.len() {
        assert!(Model::from_bytes(&bytes[..len]).is_err(), "the first {len} bytes");
    }
    for more in [&b"\0"[..], b"0123456789abcdef"] {
        assert!(Model::from_bytes(&[&bytes, more].concat()).is_err(), "{} bytes more", more.len());
    }
}

#[test]
fn a_changed_weight_is_called_damage_with_both_digests() {
    let (mut bytes, digest) = model(1.3).to_bytes().unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let error = refused(&bytes);
    assert!(error.contains("damaged") && error.contains(&digest.to_string()), "{error}");
}

#[test]
fn foreign_files_are_told_from_damaged_ones() {
    let parts = Parts::of(&bytes(&model(1.3)));
    let bare = safetensors::serialize(&parts.tensors, None).unwrap();
    let header = |length: u64, rest: &[u8]| [&length.to_le_bytes(), rest].concat();
    let cases: [(&str, Vec<u8>); 9] = [
        ("an empty file", Vec::new()),
        ("seven bytes", vec![0; 7]),
        ("text", b"id,text,label\n1,fine,positive\n".to_vec()),
        ("the longest header there can be", header(u64::MAX, b"{}")),
        ("a header past the end", header(1 << 20, b"{}")),
        ("an empty header", header(2, b"{}")),
        ("safetensors of others", bare),
        ("a description of others", parts.with_description("{\"epochs\": 3}".to_owned())),
        ("a description without digest", parts.with_description("{\"format_version\": 1}".to_owned())),
    ];
    for (what, bytes) in cases {
        let error = refused(&bytes);
        assert!(error.starts_with("not a Sentimeter model file: "), "{what}: {error}");
    }
}

#[test]
fn later_versions_are_named() {
    let mut parts = Parts::of(&bytes(&model(1.3)));
    parts.description["format_version"] = json!(FORMAT_VERSION + 1);
    let error = refused(&parts.to_bytes());
    assert!(error.contains("format version 2") && error.contains("update"), "{error}");
}

#[test]
fn descriptions_past_64_kib_are_neither_written_nor_read() {
    let mut large = model(1.3);
    large.set_metrics("x".repeat(64 << 10).into());
    assert!(matches!(large.to_bytes(), Err(ArtifactError::Description { found }) if found > 64 << 10));
    let mut parts = Parts::of(&bytes(&model(1.3)));
    parts.description["metrics"] = "x".repeat(64 << 10).into();
    assert!(refused(&parts.to_bytes()).contains("bytes of JSON; at most 65536"));
}

/// What a file with the right digest says when its parts disagree.
#[test]
fn parts_that_disagree_are_named() {
    let good = Parts::of(&bytes(&model(1.3)));
    let words = good.words();
    // A slot with a pair that goes on from a word, one with a pair that goes on from a pair, a free one.
    let slots = good.tensors["ngrams"].shape[0];
    let slot = |wanted: &dyn Fn(u32) -> bool| {
        (0..slots).find(|&slot| wanted(good.number("ngrams", 2 * slot))).unwrap()
    };
    let pair = slot(&|prefix| prefix < words);
    let longer = slot(&|prefix| prefix >= words && prefix != u32::MAX);
    let free = slot(&|prefix| prefix == u32::MAX);
    type Change<'a> = Box<dyn Fn(&mut Parts) + 'a>;
    let cases: Vec<(&str, &str, Change)> = vec![
        (
            "a pair that ends in no word",
            "pairs of words",
            Box::new(move |p| p.put("ngrams", 2 * pair + 1, words.to_le_bytes())),
        ),
        (
            "a pair that goes on from itself",
            "pairs of words",
            Box::new(move |p| p.put("ngrams", 2 * pair, (words + pair as u32).to_le_bytes())),
        ),
        (
            "three words that go on from one",
            "pairs of words",
            Box::new(move |p| p.put("ngrams", 2 * longer, 0_u32.to_le_bytes())),
        ),
        (
            "three words that go on from a free slot",
            "pairs of words",
            Box::new(move |p| p.put("ngrams", 2 * longer, (words + free as u32).to_le_bytes())),
        ),
        (
            "a pair in a slot where nobody looks",
            "where they are looked for",
            Box::new(move |p| {
                let end = p.number("ngram_ends", 0) as usize - 1;
                for part in 0..2 {
                    let number = p.number("ngrams", 2 * pair + part);
                    p.put("ngrams", 2 * pair + part, [0xff; 4]);
                    p.put("ngrams", 2 * end + part, number.to_le_bytes());
                }
            }),
        ),
        (
            "a pair twice",
            "where they are looked for",
            Box::new(move |p| {
                let next = (pair + 1..slots).find(|&slot| p.number("ngrams", 2 * slot) < words).unwrap();
                p.tensor("ngrams").data.copy_within(8 * pair..8 * pair + 8, 8 * next);
            }),
        ),
        (
            "n-grams of nine words",
            "at most 8 words",
            Box::new(move |p| {
                *p.tensor("ngram_ends") = numbers(&[slots as u32; 8], vec![8]);
            }),
        ),
        (
            "slots of no length",
            "as long as `ngram_ends` says",
            Box::new(|p| *p.tensor("ngram_ends") = numbers(&[], vec![0])),
        ),
        (
            "lengths that end before they begin",
            "as long as `ngram_ends` says",
            Box::new(|p| p.put("ngram_ends", 0, u32::MAX.to_le_bytes())),
        ),
        ("weights the other way round", "features", Box::new(|p| p.tensor("features").shape.reverse())),
        ("pairs in one row", "ngrams", Box::new(move |p| p.tensor("ngrams").shape = vec![2 * slots])),
        (
            "weights of another type",
            "`features` of type F32, not U32",
            Box::new(|p| p.tensor("features").dtype = Dtype::U32),
        ),
        (
            "too few weights",
            "a weight for each n-gram",
            Box::new(|p| {
                let features = p.tensor("features");
                features.data.truncate(features.data.len() - 16);
                features.shape[0] -= 1;
            }),
        ),
        (
            "a weight that is no number",
            "`features`",
            Box::new(|p| p.put("features", 1, f32::NAN.to_le_bytes())),
        ),
        ("an infinite idf", "`features`", Box::new(|p| p.put("features", 0, f32::INFINITY.to_le_bytes()))),
        ("an idf below 0", "below 0", Box::new(|p| p.put("features", 0, (-1_f32).to_le_bytes()))),
        (
            "an intercept that is no number",
            "`intercepts`",
            Box::new(|p| p.tensor("intercepts").data[..8].copy_from_slice(&f64::NAN.to_le_bytes())),
        ),
        ("no weights", "`features`", Box::new(|p| drop(p.tensors.remove("features")))),
        (
            "a label too few",
            "`features` of shape [n, 2]",
            Box::new(|p| drop(p.description["labels"].as_array_mut().unwrap().pop())),
        ),
        (
            "a label too many",
            "`features` of shape [n, 5]",
            Box::new(|p| p.description["labels"].as_array_mut().unwrap().push(json!("mixed"))),
        ),
        ("one label", "two labels", Box::new(|p| p.description["labels"] = json!(["positive"]))),
        ("a label twice", "distinct labels", Box::new(|p| p.description["labels"] = json!(["a", "b", "a"]))),
        (
            "a temperature of 0",
            "temperature",
            Box::new(|p| p.description["calibration"]["temperature"] = json!(0.0)),
        ),
        (
            "a temperature below 0",
            "temperature",
            Box::new(|p| p.description["calibration"]["temperature"] = json!(-1.0)),
        ),
        (
            "a temperature that is next to nothing",
            "temperature",
            Box::new(|p| p.description["calibration"]["temperature"] = json!(1e-320)),
        ),
        // JSON has no NaN: it becomes null.
        (
            "no temperature",
            "description",
            Box::new(|p| p.description["calibration"]["temperature"] = json!(f64::NAN)),
        ),
        ("a kind that is none", "description", Box::new(|p| p.description["kind"] = json!("oracle"))),
        (
            "n-grams of 200 words",
            "features.words",
            Box::new(|p| p.description["features"]["words"] = json!([1, 200])),
        ),
        (
            "no n-grams",
            "features.words",
            Box::new(|p| {
                p.description["features"]["words"] = json!([]);
                p.description["features"]["chars"] = json!([]);
            }),
        ),
        (
            "words that are not UTF-8",
            "UTF-8 strings in word_bytes",
            Box::new(|p| p.tensor("word_bytes").data[0] = 0xff),
        ),
        (
            "grams that are not UTF-8",
            "UTF-8 strings in gram_bytes",
            Box::new(|p| p.tensor("gram_bytes").data[0] = 0xff),
        ),
        (
            "a word twice",
            "distinct UTF-8 strings in word_bytes",
            // The second word is as long as the first, and the same.
            Box::new(|p| {
                let end = p.number("word_ends", 0) as usize;
                p.put("word_ends", 1, (2 * end as u32).to_le_bytes());
                p.tensor("word_bytes").data.copy_within(..end, end);
            }),
        ),
        (
            "a gram twice",
            "ascending order of their hashes",
            // The second gram is as long as the first, and the same.
            Box::new(|p| {
                let end = p.number("gram_ends", 0) as usize;
                p.put("gram_ends", 1, (2 * end as u32).to_le_bytes());
                let (a, b) = (p.number("gram_ends", 1) as usize, p.number("gram_ends", 2) as usize);
                p.tensor("gram_bytes").data.copy_within(..end, end);
                // What the third then begins with is still text.
                p.tensor("gram_bytes").data[a..b.max(a)].fill(b'x');
            }),
        ),
        (
            "words that end past the end",
            "word_bytes",
            Box::new(|p| p.put("word_ends", words as usize - 1, u32::MAX.to_le_bytes())),
        ),
        (
            "words that end before they start",
            "word_bytes",
            Box::new(|p| p.put("word_ends", 1, 0_u32.to_le_bytes())),
        ),
    ];
    for (what, want, change) in cases {
        let mut parts = good.clone();
        change(&mut parts);
        let error = refused(&parts.to_bytes());
        assert!(error.starts_with("the file is inconsistent: it wants "), "{what}: {error}");
        assert!(error.contains(want), "{what}: {error} does not name {want}");
    }
}

fn numbers(values: &[u32], shape: Vec<usize>) -> Tensor {
    Tensor { dtype: Dtype::U32, shape, data: values.iter().flat_map(|v| v.to_le_bytes()).collect() }
}

#[test]
fn a_recipe_that_does_not_compile_is_named() {
    let mut parts = Parts::of(&bytes(&model(1.3)));
    parts.description["recipe"] = json!({"steps": [{"step": "squash_repeats", "keep": 0}]});
    let error = Model::from_bytes(&parts.to_bytes()).unwrap_err();
    assert!(matches!(error, ArtifactError::Recipe(_)), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(Model::from_bytes(&bytes).is_err());
    }

    /// A header of the right length gets past the first check.
    #[test]
    fn any_header_is_answered(
        header in prop_oneof![
            ".*",
            r#"\{"__metadata__":\{"sentimeter":"[^\\"]{0,200}"\}\}"#,
            r#"\{"weights":\{"dtype":"F32","shape":\[[0-9]{1,20},[0-9]{1,20}\],"data_offsets":\[[0-9],[0-9]{1,20}\]\}\}"#,
        ],
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &body[..]].concat();
        prop_assert!(Model::from_bytes(&bytes).is_err());
    }

    /// A good file with some bytes changed and the digest made right: refused, or a model that answers.
    #[test]
    fn edits_under_the_right_digest_are_answered(edits in prop::collection::vec((any::<usize>(), any::<u8>()), 1..4)) {
        static MODEL: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| bytes(&model(1.3)));
        let mut file = MODEL.clone();
        let mark = br#"\"digest\":\""#;
        let digits = file.windows(mark.len()).position(|w| w == mark).unwrap() + mark.len();
        for (at, value) in edits {
            let at = at % file.len();
            file[at] = value;
        }
        file[digits..digits + 64].fill(b'0');
        let digest = blake3::hash(&file).to_hex();
        file[digits..digits + 64].copy_from_slice(digest.as_bytes());
        if let Ok((model, _)) = Model::from_bytes(&file) {
            let mut scratch = Scratch::default();
            let text = "Great service, the wifi is not good 😡 خدمة";
            let probs = model.predict(&[text, ""], &mut scratch);
            prop_assert_eq!(probs.classes(), model.labels().len());
            model.explain(text, &mut scratch);
            prop_assert!(Model::from_bytes(&bytes(&model)).is_ok(), "what was read can be written and read");
        }
    }

    /// Every number of the description comes back as it was.
    #[test]
    fn numbers_survive(temperature in 1e-3_f64..1e3, accuracy in 0.0_f64..1.0) {
        static MODEL: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| bytes(&model(1.0)));
        let mut parts = Parts::of(&MODEL);
        parts.description["calibration"]["temperature"] = json!(temperature);
        parts.description["metrics"] = json!({"accuracy": accuracy});
        let (model, _) = Model::from_bytes(&parts.to_bytes()).unwrap();
        prop_assert_eq!(model.card().calibration, Calibration::Temperature { temperature });
        prop_assert_eq!(model.card().metrics["accuracy"].as_f64(), Some(accuracy));
        let saved = bytes(&model);
        prop_assert_eq!(bytes(&Model::from_bytes(&saved).unwrap().0), saved);
    }
}
