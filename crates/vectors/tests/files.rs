//! Every file of `shared/data/word-vectors` is read, with gensim's and fastText's numbers
//! (`goldens/vectors.py`); what is cut off, or says of itself what is not so, gets a sentence.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sentimeter_model::Silent;
use sentimeter_model::embeddings::{EmbedSettings, Embeddings, skip_gram};
use sentimeter_model::features::{Ragged, Tokens, Words};
use sentimeter_vectors::{Format, Vectors, VectorsError, peek, read, write_model, write_text};

#[derive(serde::Deserialize)]
struct Golden {
    dimension: usize,
    file_words: u64,
    /// First and last number, and the sum.
    words: BTreeMap<String, [f64; 3]>,
}

/// The folder of the files; `None`, and said, where there is none.
fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("SENTIMETER_DATA").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = named.unwrap_or_else(beside).join("word-vectors");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no data in {}", folder.display());
    None
}

fn of(path: &Path, words: &[&str]) -> Result<Vectors, VectorsError> {
    read(path, &words.iter().copied().collect::<Words>(), &mut |_, _| ControlFlow::Continue(()))
}

/// Three numbers say enough of a vector.
fn few(row: &[f32]) -> [f64; 3] {
    [f64::from(row[0]), f64::from(row[row.len() - 1]), row.iter().map(|&x| f64::from(x)).sum()]
}

fn near(a: [f64; 3], b: [f64; 3], within: f64) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= within)
}

#[test]
fn every_file_has_gensims_numbers() {
    let Some(folder) = folder() else { return };
    let goldens: BTreeMap<String, Golden> =
        serde_json::from_str(include_str!("goldens/vectors.json")).unwrap();
    let mut read_here = 0;
    for (name, golden) in &goldens {
        let path = folder.join(name);
        let mut words: Vec<&str> = golden.words.keys().map(String::as_str).collect();
        words.push("\u{1}no such word");
        let found = of(&path, &words).unwrap_or_else(|error| panic!("{name}: {error}"));
        let format = match name.as_str() {
            "lee_fasttext_new.bin" | "fasttext.bin" => Format::Fasttext,
            name if name.ends_with(".bin") => Format::Word2vec,
            "similarity.txt" | "high_precision.kv.txt" => Format::Text,
            name if name.ends_with(".vec") => Format::Text,
            _ => Format::Glove,
        };
        let coverage = &found.coverage;
        assert_eq!((coverage.format, coverage.dimension), (format, golden.dimension), "{name}");
        assert_eq!(peek(&path).unwrap().dimension, golden.dimension, "{name}");
        assert_eq!(coverage.file_words, golden.file_words, "{name}");
        for (id, (word, &want)) in (0..).zip(&golden.words) {
            let got = few(found.get(id).unwrap_or_else(|| panic!("{name}: {word}")));
            assert!(near(got, want, 2e-5), "{name}: {word} {got:?} {want:?}");
        }
        // A fastText model has something to say of any word; the others do not.
        let (any, unknown) = (format == Format::Fasttext, found.get(golden.words.len() as u32));
        assert_eq!(unknown.is_some(), any, "{name}");
        // Two of the published files have dashes of windows-1252 for words.
        let broken = [
            "glove.6B.50d.top.txt",
            "pang_lee_polarity_fasttext.vec",
            "utf8-incomplete.bin",
            "utf8-incomplete.txt",
        ]
        .contains(&name.as_str());
        assert_eq!(coverage.warnings.iter().any(|w| w.contains("no UTF-8")), broken, "{name}: {coverage:?}");
        read_here += 1;
    }
    let there = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(read_here, there, "a file of the folder is not asked for");
}

#[test]
fn numbers_keep_all_their_digits_whatever_the_form() {
    let Some(folder) = folder() else { return };
    let words = ["kangaroo.n.01", "horse.n.01"];
    let [text, binary] = ["high_precision.kv.txt", "high_precision.kv.bin"]
        .map(|name| of(&folder.join(name), &words).unwrap());
    for id in 0..2 {
        // The binary file was made of numbers with fewer digits.
        assert!(near(few(text.get(id).unwrap()), few(binary.get(id).unwrap()), 1e-6));
    }
    assert_eq!(text.get(0).unwrap(), [-0.000_736_924_4_f32, -8.269_973_6e-5]);
    let words = ["Berlin", "Potsdam", "Danzig"];
    let [text, binary, bare] = ["similarity.txt", "similarity.bin", "similarity.nodims"]
        .map(|name| of(&folder.join(name), &words).unwrap());
    for id in 0..3 {
        let (text, binary) = (text.get(id).unwrap(), binary.get(id).unwrap());
        assert!(near(few(text), few(binary), 1e-5));
        assert_eq!(text, bare.get(id).unwrap());
    }
}

#[test]
fn capital_letters_are_looked_past_where_a_word_is_not_there_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.txt");
    std::fs::write(&path, "Paris 1 1\nPARIS 2 2\nberlin 3 3\nBerlin 4 4\nParis 9 9\nberlin 9 9\n").unwrap();
    let found = of(&path, &["paris", "berlin", "Paris", "rome"]).unwrap();
    assert_eq!(found.get(0), Some(&[2.0, 2.0][..]), "`Paris` is wanted itself");
    assert_eq!(found.get(1), Some(&[3.0, 3.0][..]), "the first as it is written");
    assert_eq!(found.get(2), Some(&[1.0, 1.0][..]));
    assert_eq!(found.get(3), None);
    let coverage = &found.coverage;
    assert_eq!((coverage.exact, coverage.other_case, coverage.missing.len()), (2, 1, 1));
    assert!(coverage.warnings.iter().any(|w| w.contains("had one already")), "{coverage:?}");
}

#[test]
fn what_is_damaged_gets_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.bin");
    let mut binary = b"2 2\n".to_vec();
    for (word, numbers) in [("one", [1.0_f32, 2.0]), ("two", [3.0, 4.0])] {
        binary.extend([word.as_bytes(), b" "].concat());
        numbers.iter().for_each(|x| binary.extend(x.to_le_bytes()));
    }
    let with = |from: &[u8], to: &[u8]| {
        let at = binary.windows(from.len()).position(|w| w == from).unwrap();
        [&binary[..at], to, &binary[at + from.len()..]].concat()
    };
    let model = model();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "the file is empty"),
        (b"PK\x03\x04....".to_vec(), "unpack it"),
        (b"once upon a time\n".to_vec(), "this is no file of word vectors"),
        (b"{\"text\": \"hello\"}\n".to_vec(), "this is no file of word vectors"),
        (b"5 0\na\n".to_vec(), "would have 0 numbers"),
        (b"5 99999\na 1\n".to_vec(), "would have 99999 numbers"),
        (b"2 2\n".to_vec(), "announces 2 words, and nothing follows"),
        (b"3 2\none 1 2\ntwo 3 4\n".to_vec(), "announces 3 words, and 2 are there: it was cut off"),
        (b"2 3\none 1 2\ntwo 3 4\n".to_vec(), "line 2 has 2 numbers, its header announces 3"),
        (b"one 1 2\ntwo 3\nthree 1 2\n".to_vec(), "line 2 has 1 numbers, its first line has 2"),
        (b"one 1 2\ntwo 3".to_vec(), "it ends in the middle of line 2, behind 1 of 2 numbers"),
        (b"one 1 2\ntwo x 4\n".to_vec(), "line 2: \"x\" stands where a number should"),
        (binary[..binary.len() - 1].to_vec(), "it ends behind 1 of 2 words"),
        (with(b"2 2\n", b"900 2\n"), "which take 9000 bytes, and it has"),
        (with(b"2 2\n", b"2 3\n"), "it ends behind 1 of 2 words"),
        (model[..6].to_vec(), "ends in its header"),
        (model[..50].to_vec(), "ends in its settings"),
        (model[..100].to_vec(), "cut off"),
        (model[..model.len() / 3].to_vec(), "rows of its matrix: it was cut off"),
    ];
    for (bytes, says) in cases {
        std::fs::write(&path, &bytes).unwrap();
        let error = of(&path, &["one", "two"]).unwrap_err().to_string();
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(30)]).into_owned();
        assert!(error.contains(says) && error.contains("v.bin"), "{shown:?}: {says}: {error}");
    }
    let error = of(&folder.path().join("none"), &[]).unwrap_err();
    assert!(error.to_string().contains("cannot open"), "{error}");
    assert!(of(folder.path(), &[]).is_err());
}

#[test]
fn what_can_be_mended_is_mended_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.txt");
    for (bytes, says) in [
        (&b"one 1 2\n\ntwo 3 4\n"[..], "1 lines of v.txt are empty"),
        (b"1 2\none 1 2\ntwo 3 4\n", "announces 1 words, and 2 are there: all were read"),
        (b"one 1 2\ntwo 3 4\nthr\xff 1 1\n", "1 words of v.txt are no UTF-8"),
        (b"one 1 2\ntwo 3 4\nnan nan inf\n", "1 words of v.txt have numbers that are not finite"),
        (b"\xef\xbb\xbfone 1 2 \r\ntwo\t3\t4\r\n", ""),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let found = of(&path, &["one", "two", "nan"]).unwrap();
        assert_eq!(found.get(0), Some(&[1.0, 2.0][..]), "{says}");
        assert_eq!(found.get(1), Some(&[3.0, 4.0][..]), "{says}");
        assert_eq!(found.get(2), None);
        let warnings = &found.coverage.warnings;
        assert!(
            if says.is_empty() { warnings.is_empty() } else { warnings[0].contains(says) },
            "{warnings:?}"
        );
    }
}

/// What was learned from a few words.
fn learned() -> Embeddings {
    let (mut words, mut rows) = (Words::default(), Ragged::default());
    for i in 0..400 {
        for word in ["one", "deux", "ثلاثة", if i % 2 == 0 { "four" } else { "five" }] {
            rows.ids.push(words.insert(word));
        }
        rows.ends.push(rows.ids.len());
    }
    let settings = EmbedSettings { dimension: 7, buckets: 300, epochs: 2, ..EmbedSettings::default() };
    skip_gram(&Tokens { words, rows }, &settings, &mut Silent).unwrap()
}

fn model() -> Vec<u8> {
    let mut bytes = Vec::new();
    write_model(&mut bytes, &learned()).unwrap();
    bytes
}

#[test]
fn what_was_learned_goes_out_and_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    let found = learned();
    let words: Vec<&str> = found.words.iter().map(String::as_str).chain(["fourteen"]).collect();
    for name in ["v.bin", "v.vec"] {
        let path = folder.path().join(name);
        let mut bytes = Vec::new();
        if name == "v.bin" {
            bytes = model();
        } else {
            write_text(&mut bytes, &found).unwrap();
        }
        std::fs::write(&path, bytes).unwrap();
        let came = of(&path, &words).unwrap();
        for (id, word) in found.words.iter().enumerate() {
            let (want, got) = (found.vector(id), came.get(id as u32).unwrap());
            let most = want.iter().zip(got).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(most < 1e-6, "{name}: {word} {most}");
        }
        let unmet = came.get(found.words.len() as u32);
        assert_eq!(unmet.is_some(), name == "v.bin", "only subwords know `fourteen`");
        assert_eq!(came.coverage.subwords, usize::from(name == "v.bin"));
    }
}

#[test]
fn fasttext_and_gensim_read_what_was_learned() {
    let python = std::env::var("SENTIMETER_PYTHON").unwrap_or_else(|_| {
        format!("{}/.cache/sentimeter-venv/bin/python", std::env::var("HOME").unwrap_or_default())
    });
    let can = |module: &str| {
        let run = std::process::Command::new(&python).args(["-c", &format!("import {module}")]).output();
        run.is_ok_and(|ran| ran.status.success())
    };
    if !can("fasttext") {
        return println!("skipped: no fasttext in {python}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.bin");
    std::fs::write(&path, model()).unwrap();
    let came = of(&path, &["deux", "ثلاثة", "fourteen"]).unwrap();
    let script = "import fasttext, sys\nm = fasttext.load_model(sys.argv[1])\n\
                  for w in sys.argv[2:]: print(*m.get_word_vector(w))";
    let ran = std::process::Command::new(&python)
        .args(["-c", script])
        .arg(&path)
        .args(["deux", "ثلاثة", "fourteen"])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let said = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(said.lines().count(), 3);
    for (id, line) in (0..).zip(said.lines()) {
        let theirs: Vec<f32> = line.split(' ').map(|x| x.parse().unwrap()).collect();
        assert!(near(few(&theirs), few(came.get(id).unwrap()), 1e-5), "{line}");
    }
}

#[test]
fn memory_is_bounded_by_what_is_wanted_and_a_packed_file_is_unpacked() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.vec.gz");
    let mut packed =
        flate2::write::GzEncoder::new(std::fs::File::create(&path).unwrap(), flate2::Compression::fast());
    writeln!(packed, "200000 50").unwrap();
    for i in 0..200_000 {
        writeln!(packed, "w{i} {}", format!("{}.5 ", i % 10).repeat(50)).unwrap();
    }
    packed.finish().unwrap();
    let mut calls = 0;
    let words: Words = ["w7", "w199999"].into_iter().collect();
    let found = read(&path, &words, &mut |done, total| {
        calls += 1;
        assert!(done <= total);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found.coverage.file_words, 200_000);
    assert_eq!((found.get(0).unwrap()[49], found.get(1).unwrap()[0]), (7.5, 9.5));
    let cut = std::fs::read(&path).unwrap();
    std::fs::write(&path, &cut[..cut.len() / 2]).unwrap();
    let error = of(&path, &["w7"]).unwrap_err().to_string();
    assert!(error.contains("gzip file ends too soon"), "{error}");
    let stopped = read(&folder.path().join("v.vec.gz"), &words, &mut |_, _| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(VectorsError::Interrupted | VectorsError::Broken { .. })));
    let _ = calls;
}
