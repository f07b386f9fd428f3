//! Texts whose language is known, and that our model has not learned from.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};
use sentimeter_text::language::Language;

/// Texts of one source that want one answer.
pub struct Group {
    /// What they are.
    pub name: String,
    /// What a detector should say.
    pub want: Language,
    /// The texts, raw.
    pub texts: Vec<String>,
}

/// Languages of UMSAB's validation files.
const UMSAB: [(&str, Language); 8] = [
    ("english", Language::En),
    ("french", Language::Fr),
    ("arabic", Language::Ar),
    ("spanish", Language::Other),
    ("portuguese", Language::Other),
    ("italian", Language::Other),
    ("german", Language::Other),
    ("hindi", Language::Other),
];

/// All of them, in the order of the table.
pub fn groups() -> Result<Vec<Group>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = env::args_os()
        .nth(1)
        .or_else(|| env::var_os("SENTIMETER_DATA"))
        .map_or_else(|| repository.join("../shared/data"), PathBuf::from);
    let mut groups = Vec::new();
    for (folder, want) in UMSAB {
        let texts = lines(&data.join("umsab").join(folder).join("val_text.txt"))?;
        groups.push(Group { name: format!("UMSAB {folder}"), want, texts });
    }
    groups.extend(tunisian(&data)?);
    groups.extend(our_own(&repository)?);
    Ok(groups)
}

/// Every fifth line, which `crates/text/assets/language/train.py` leaves alone; comments by the script
/// that most of their letters are in. Those in Latin script mix Tunisian with French: what is neither
/// English nor French is other, so the few that are plain French count as wrong.
fn tunisian(data: &Path) -> Result<[Group; 3]> {
    let mut comments = lines(&data.join("tsac/train_pos.txt"))?;
    comments.extend(lines(&data.join("tsac/train_neg.txt"))?);
    let (arabic, latin): (Vec<String>, Vec<String>) =
        fifth(comments).filter(|text| text.chars().any(char::is_alphabetic)).partition(|text| {
            let letters = text.chars().filter(|c| c.is_alphabetic()).count();
            2 * text.chars().filter(|c| ('\u{600}'..'\u{700}').contains(c) && c.is_alphabetic()).count()
                > letters
        });
    let tunizi = lines(&data.join("tunizi/TUNIZI-Dataset.txt"))?;
    let tunizi = fifth(tunizi).filter_map(|line| line.split_once(';').map(|(_, text)| text.to_owned()));
    Ok([
        Group { name: "TSAC, Arabic script".to_owned(), want: Language::Ar, texts: arabic },
        Group { name: "TSAC, Latin script".to_owned(), want: Language::Other, texts: latin },
        Group { name: "TUNIZI".to_owned(), want: Language::Other, texts: tunizi.collect() },
    ])
}

fn fifth(lines: Vec<String>) -> impl Iterator<Item = String> {
    lines.into_iter().skip(4).step_by(5)
}

/// Sentences written for this project: the tests' in four other languages, and the minimal pairs.
fn our_own(repository: &Path) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    for (code, name) in [("es", "Spanish"), ("it", "Italian"), ("fa", "Persian"), ("ur", "Urdu")] {
        let texts = lines(&repository.join(format!("crates/text/tests/language/{code}.txt")))?;
        groups.push(Group { name: format!("own sentences, {name}"), want: Language::Other, texts });
    }
    let pairs = lines(&repository.join("assets/minimal-pairs.jsonl"))?;
    for (want, name) in [(Language::En, "English"), (Language::Fr, "French"), (Language::Ar, "Arabic")] {
        let mut texts = Vec::new();
        for line in &pairs {
            let item: serde_json::Value = serde_json::from_str(line).context("assets/minimal-pairs.jsonl")?;
            if item["language"] == want.code() {
                texts.push(item["text"].as_str().context("an item without text")?.to_owned());
            }
        }
        groups.push(Group { name: format!("minimal pairs, {name}"), want, texts });
    }
    Ok(groups)
}

fn lines(path: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}
