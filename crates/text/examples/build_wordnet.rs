//! Writes `assets/wordnet` from WordNet 3.0's own files (Debian: `wordnet-base`).
//!
//! ```text
//! cargo run --release -p sentimeter-text --example build_wordnet [/usr/share/wordnet]
//! ```
//!
//! The same files give the same bytes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use fst::MapBuilder;

#[path = "../src/lemma/filter.rs"]
mod filter;

/// Files' suffix, tag of the exceptions, bit in the lemmas' map.
const PARTS: [(&str, u8, u64); 4] =
    [("noun", b'n', 1), ("verb", b'v', 2), ("adj", b'a', 4), ("adv", b'r', 8)];

fn main() -> Result<(), Box<dyn Error>> {
    let wordnet = std::env::args().nth(1).unwrap_or_else(|| "/usr/share/wordnet".to_owned());
    let wordnet = Path::new(&wordnet);
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/wordnet");
    fs::create_dir_all(&out)?;

    let mut lemmas: BTreeMap<String, u64> = BTreeMap::new();
    for (suffix, _, bit) in PARTS {
        let index = fs::read_to_string(wordnet.join(format!("index.{suffix}")))?;
        // Lines of the licence begin with a space.
        for line in index.lines().filter(|line| !line.starts_with(' ')) {
            let lemma = line.split_whitespace().next().ok_or("an index line without a lemma")?;
            *lemmas.entry(lemma.to_owned()).or_default() |= bit;
        }
    }

    let mut answers = Answers::default();
    let mut exceptions: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    let mut passes = vec![0_u8; filter::BYTES];
    for (suffix, tag, bit) in PARTS {
        for line in fs::read_to_string(wordnet.join(format!("{suffix}.exc")))?.lines() {
            let mut terms = line.split_whitespace();
            let word = terms.next().ok_or("an exception line without a word")?;
            let known = |term: &&str| lemmas.get(*term).is_some_and(|bits| bits & bit != 0);
            // NLTK's choice among the word itself and its lemmas: the first of the shortest that
            // WordNet lists; `min_by_key` keeps the first. None listed: the word stays.
            let answer = std::iter::once(word).chain(terms).filter(known).min_by_key(|term| term.len());
            let key = [&[tag], word.as_bytes()].concat();
            // A word listed twice keeps its last line, as in NLTK's dictionary.
            exceptions.insert(key, answers.place(answer.unwrap_or(word))?);
            let bit = filter::bit(tag, word.as_bytes());
            passes[bit / 8] |= 1 << (bit % 8);
        }
    }

    fs::write(out.join("lemmas.fst"), map(&lemmas)?)?;
    fs::write(out.join("exceptions.fst"), map(&exceptions)?)?;
    fs::write(out.join("exceptions.txt"), &answers.text)?;
    fs::write(out.join("exceptions.filter"), passes)?;
    println!("{} lemmas, {} exceptions in {}", lemmas.len(), exceptions.len(), out.display());
    Ok(())
}

/// The text of the answers, each once, and where it stands.
#[derive(Default)]
struct Answers {
    text: String,
    places: BTreeMap<String, u64>,
}

impl Answers {
    /// First byte × 256 + length.
    fn place(&mut self, answer: &str) -> Result<u64, Box<dyn Error>> {
        if let Some(&place) = self.places.get(answer) {
            return Ok(place);
        }
        let place = u64::try_from(self.text.len())? << 8 | u64::from(u8::try_from(answer.len())?);
        self.text.push_str(answer);
        self.text.push('\n');
        self.places.insert(answer.to_owned(), place);
        Ok(place)
    }
}

fn map<K: AsRef<[u8]>>(entries: &BTreeMap<K, u64>) -> Result<Vec<u8>, fst::Error> {
    let mut builder = MapBuilder::memory();
    for (key, value) in entries {
        builder.insert(key, *value)?;
    }
    builder.into_inner()
}
