//! `assets/minimal-pairs.jsonl` is what `docs/minimal-pairs.md` says.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sentimeter_corpus::{Corpus, ReadOptions, read};
use sentimeter_text::language::detect;

fn pairs() -> Corpus {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/minimal-pairs.jsonl");
    read(&[path.into()], &ReadOptions::default(), &mut |_| ControlFlow::Continue(())).unwrap().0
}

#[test]
fn two_texts_of_a_pair_differ_and_share_language_and_phenomenon() {
    let corpus = pairs();
    assert_eq!(corpus.labels(), ["negative", "neutral", "positive"]);
    let (mut texts, mut contrasts) = (BTreeSet::new(), 0);
    for a in (0..corpus.len()).step_by(2) {
        let b = a + 1;
        let id = corpus.id(a).unwrap();
        let pair = id.strip_suffix('a').unwrap_or_else(|| panic!("{id} does not end in a"));
        assert_eq!(corpus.id(b).unwrap().strip_suffix('b'), Some(pair));
        let start = format!("{}-{}-", corpus.language(a).unwrap(), corpus.channel(a).unwrap());
        assert!(pair.starts_with(&start), "{pair} is not of {start}");
        assert_eq!((corpus.language(a), corpus.channel(a)), (corpus.language(b), corpus.channel(b)));
        for row in [a, b] {
            assert!(corpus.label(row).is_some(), "{pair} has no label");
            assert!(texts.insert(corpus.text(row).to_owned()), "{pair}: a text stands there twice");
        }
        contrasts += usize::from(corpus.label(a) != corpus.label(b));
    }
    assert!(4 * contrasts > 3 * (corpus.len() / 2), "most pairs must tell two feelings apart: {contrasts}");
}

#[test]
fn three_languages_each_with_every_phenomenon() {
    let corpus = pairs();
    let mut cells: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for row in 0..corpus.len() {
        *cells
            .entry(corpus.language(row).unwrap())
            .or_default()
            .entry(corpus.channel(row).unwrap())
            .or_default() += 1;
    }
    assert!(corpus.len() >= 400, "two hundred pairs");
    assert_eq!(cells.keys().copied().collect::<Vec<_>>(), ["ar", "en", "fr"]);
    for (language, phenomena) in &cells {
        assert!(phenomena.values().sum::<usize>() >= 120, "{language}: {phenomena:?}");
        assert!(phenomena.values().all(|&texts| texts >= 8), "{language}: {phenomena:?}");
        assert!(phenomena.keys().eq(cells["en"].keys()), "{language}: {phenomena:?}");
    }
}

#[test]
fn the_stated_language_is_the_detected_one() {
    let corpus = pairs();
    let other = |&row: &usize| detect(corpus.text(row)).language.code() != corpus.language(row).unwrap();
    let wrong: Vec<&str> = (0..corpus.len()).filter(other).map(|row| corpus.text(row)).collect();
    assert!(wrong.len() * 50 < corpus.len(), "{wrong:?}");
}
