//! What is wrong with the data, and how much.

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;
use sentimeter_corpus::{Corpus, DuplicateReport, Groups, Identities, ReadReport, Resolved, undouble};
use serde::Serialize;

use super::excerpt;
use super::leak::Leak;

/// Examples of each trouble that are kept.
const EXAMPLES: usize = 10;

/// Everything that may be wrong, with figures; what of it matters stands in `super::Profile::warnings`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trouble {
    /// Identical texts with different labels.
    pub conflicts: Conflicts,
    /// Texts that occur more than once.
    pub repeats: Repeats,
    /// Characters lost or encoded twice.
    pub encoding: Encoding,
    /// Rows left out while reading, and rows of little text.
    pub little: Little,
    /// Whether the time alone tells the label; absent where too few rows have both.
    pub time: Option<Leak>,
    /// Whether the author alone tells it.
    pub author: Option<Leak>,
    /// Whether the channel alone tells it; a row without one counts as of a channel of its own.
    pub channel: Option<Leak>,
    /// Whether the file or system that the row came in tells it.
    pub source: Option<Leak>,
    /// Whether the language alone tells it, stated or detected.
    pub language: Option<Leak>,
}

/// Identical texts with different labels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Conflicts {
    /// Distinct texts that stand with more than one label.
    pub texts: u64,
    /// Rows whose label the majority of their text's outvotes.
    pub outvoted: u64,
    /// Rows whose text's labels tie.
    pub tied: u64,
    /// The same, settled already when the data set was imported.
    pub at_import: Option<DuplicateReport>,
    /// Some of them, those of most rows first.
    pub examples: Vec<Conflict>,
}

/// One text with more than one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The text, shortened to 280 characters.
    pub text: String,
    /// Rows by label.
    pub labels: BTreeMap<String, u64>,
    /// The majority's label, which training gives all of them; absent where they tie and are left out.
    pub resolved: Option<String>,
}

/// Texts that occur more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Repeats {
    /// Rows that say the same as another one, in whatever disguise: rows less distinct texts.
    pub exact: u64,
    /// Rows that nearly do (four of five words), beside those.
    pub near: u64,
    /// The largest groups.
    pub largest: Vec<Repeat>,
}

/// Texts that are the same or nearly so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repeat {
    /// One of them, shortened to 280 characters.
    pub text: String,
    /// Another one, where they are not all the same.
    pub variant: Option<String>,
    /// Rows.
    pub rows: u64,
    /// Different texts among them.
    pub texts: u64,
}

/// Damage that encodings did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Encoding {
    /// Texts with a replacement character (U+FFFD): something is lost.
    pub damaged: u64,
    /// Texts that were encoded twice (`Ã©` for `é`); importing with `--mend yes` mends them.
    pub twice: u64,
    /// Texts that were mended while reading.
    pub mended: u64,
    /// Lines that were no UTF-8 and were read as windows-1252.
    pub recoded_lines: u64,
    /// Some of the texts, shortened.
    pub examples: Vec<String>,
}

/// Rows without, or with little, to learn from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Little {
    /// Rows dropped while reading, since they hold no text.
    pub empty: u64,
    /// Rows that could not be read.
    pub broken: u64,
    /// Rows dropped since no rule maps their label.
    pub unmapped: u64,
    /// Rows kept whose time could not be read.
    pub bad_times: u64,
    /// Texts of one word.
    pub one_word: u64,
    /// Texts of mentions, links and white space alone.
    pub wordless: u64,
}

/// Texts that stand with different labels.
pub(super) fn conflicts(
    corpus: &Corpus,
    identities: &Identities,
    resolved: &Resolved,
    at_import: Option<&DuplicateReport>,
) -> Conflicts {
    let hashes = identities.hashes();
    let labels = corpus.label_column();
    let disputed: HashSet<u64> =
        (0..corpus.len()).filter(|&row| labels[row] != resolved.labels[row]).map(|row| hashes[row]).collect();
    // `great :)` and `great :(` share an identity and are no contradiction.
    let mut rows: Vec<(String, u32)> = (0..corpus.len() as u32)
        .filter(|&row| labels[row as usize] != Corpus::NONE && disputed.contains(&hashes[row as usize]))
        .map(|row| (with_signs(corpus.text(row as usize)), row))
        .collect();
    rows.sort_unstable();
    let mut examples: Vec<(usize, Conflict)> = rows
        .chunk_by(|a, b| a.0 == b.0)
        .filter_map(|same| {
            let mut counts = BTreeMap::new();
            for &(_, row) in same {
                *counts.entry(corpus.label_name(row as usize)?.to_owned()).or_default() += 1;
            }
            let winner = resolved.labels[same.first()?.1 as usize];
            let text = same.iter().map(|&(_, row)| corpus.text(row as usize)).min()?;
            let conflict = Conflict {
                text: excerpt(text),
                resolved: corpus.labels().get(usize::from(winner)).cloned(),
                labels: counts,
            };
            (conflict.labels.len() > 1).then_some((same.len(), conflict))
        })
        .collect();
    examples.sort_by(|a, b| (b.0, &a.1.text).cmp(&(a.0, &b.1.text)));
    examples.truncate(EXAMPLES);
    Conflicts {
        texts: resolved.conflicts as u64,
        outvoted: resolved.relabelled as u64,
        tied: resolved.tied as u64,
        at_import: at_import.filter(|found| found.conflicts > 0).cloned(),
        examples: examples.into_iter().map(|(_, conflict)| conflict).collect(),
    }
}

/// The words of a text with their signs, in lower case, without mentions and links.
fn with_signs(text: &str) -> String {
    let lower = text.to_lowercase();
    let masked = |word: &&str| !["@", "http", "www."].iter().any(|mark| word.starts_with(mark));
    lower.split_whitespace().filter(masked).collect::<Vec<_>>().join(" ")
}

/// Texts that occur more than once.
pub(super) fn repeats(corpus: &Corpus, identities: &Identities, groups: &Groups) -> Repeats {
    let mut sizes = vec![0_u32; groups.names.len()];
    groups.of.iter().for_each(|&group| sizes[group as usize] += 1);
    let mut largest: Vec<u32> = (0..sizes.len() as u32).filter(|&g| sizes[g as usize] > 1).collect();
    largest.sort_by_key(|&g| (std::cmp::Reverse(sizes[g as usize]), groups.names[g as usize]));
    largest.truncate(EXAMPLES);
    let mut members: BTreeMap<u32, Vec<(u64, &str)>> = largest.iter().map(|&g| (g, Vec::new())).collect();
    for (row, group) in groups.of.iter().enumerate() {
        if let Some(members) = members.get_mut(group) {
            members.push((identities.hashes()[row], corpus.text(row)));
        }
    }
    let shown = largest.iter().map(|group| {
        let mut members = members.remove(group).unwrap_or_default();
        members.sort_unstable();
        let rows = members.len() as u64;
        members.dedup_by_key(|m| m.0);
        Repeat {
            text: excerpt(members.first().map_or("", |m| m.1)),
            variant: members.get(1).map(|m| excerpt(m.1)),
            rows,
            texts: members.len() as u64,
        }
    });
    let largest = shown.collect();
    let mut distinct = identities.hashes().to_vec();
    distinct.par_sort_unstable();
    distinct.dedup();
    Repeats {
        exact: (corpus.len() - distinct.len()) as u64,
        near: (distinct.len() - groups.names.len()) as u64,
        largest,
    }
}

/// Damage that is still in the texts, and what reading counted.
pub(super) fn encoding(corpus: &Corpus, read: Option<&ReadReport>) -> Encoding {
    let rows: Vec<(u32, bool)> = (0..corpus.len() as u32)
        .into_par_iter()
        .with_min_len(4096)
        .map_init(String::new, |out, row| {
            let text = corpus.text(row as usize);
            if text.is_ascii() {
                return None;
            }
            let lost = text.contains(char::REPLACEMENT_CHARACTER);
            let twice = undouble(text, out);
            (lost || twice).then_some((row, lost, twice))
        })
        .flatten()
        .flat_map_iter(|(row, lost, twice)| [lost.then_some((row, true)), twice.then_some((row, false))])
        .flatten()
        .collect();
    let mut examples: Vec<&str> = rows.iter().map(|&(row, _)| corpus.text(row as usize)).collect();
    examples.sort_unstable_by_key(|text| (text.len().abs_diff(80), *text));
    examples.dedup();
    let sum =
        |of: fn(&sentimeter_corpus::FileReport) -> u64| read.map_or(0, |r| r.files.iter().map(of).sum());
    Encoding {
        damaged: rows.iter().filter(|r| r.1).count() as u64,
        twice: rows.iter().filter(|r| !r.1).count() as u64,
        mended: sum(|f| f.mended),
        recoded_lines: sum(|f| f.recoded_lines),
        examples: examples.into_iter().take(EXAMPLES).map(excerpt).collect(),
    }
}

/// Rows without, or with little, text; `words` are those of each row by white space.
pub(super) fn little(corpus: &Corpus, words: &[u32], read: Option<&ReadReport>) -> Little {
    let sum =
        |of: fn(&sentimeter_corpus::FileReport) -> u64| read.map_or(0, |r| r.files.iter().map(of).sum());
    let wordless = (0..corpus.len())
        .into_par_iter()
        .with_min_len(4096)
        .map_init(String::new, |identity, row| {
            // Only short texts can be nothing but mentions and links.
            if words[row] > 8 {
                return 0;
            }
            sentimeter_text::identity(corpus.text(row), identity);
            u64::from(!identity.chars().any(char::is_alphanumeric))
        })
        .sum();
    Little {
        empty: sum(|f| f.empty),
        broken: sum(|f| f.bad),
        unmapped: sum(|f| f.unmapped.values().sum()),
        bad_times: sum(|f| f.bad_times),
        one_word: words.iter().filter(|&&n| n == 1).count() as u64,
        wordless,
    }
}
