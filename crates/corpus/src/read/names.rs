//! What a file's name says.

use std::path::{Path, PathBuf};

/// The last part of `path`.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The file's name without what compression appends.
pub(super) fn inner_name(name: &str) -> String {
    let bare = [".gz", ".zst", ".zstd", ".zip"].iter().find_map(|e| name.strip_suffix(e));
    bare.unwrap_or(name).to_owned()
}

/// The file of labels beside a file of texts: `val_labels.txt` beside `val_text.txt`.
pub(super) fn aligned_labels(path: &Path) -> Option<PathBuf> {
    let name = file_name(path);
    let stem = name.strip_suffix("_text.txt")?;
    let labels = path.with_file_name(format!("{stem}_labels.txt"));
    labels.is_file().then_some(labels)
}

/// The part of `name` that `{label}` stands for in `pattern`; `*` stands for anything.
pub(super) fn match_name<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    let (before, after) = pattern.split_once("{label}")?;
    // The label is the shortest stretch for which what stands before and after it fits.
    for start in (0..name.len()).filter(|&at| name.is_char_boundary(at)) {
        if !wild(before, &name[..start]) {
            continue;
        }
        for end in (start + 1..=name.len()).filter(|&at| name.is_char_boundary(at)) {
            if wild(after, &name[end..]) {
                return Some(&name[start..end]);
            }
        }
    }
    None
}

/// Whether `pattern`, in which `*` stands for anything, is all of `name`.
fn wild(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((fixed, rest)) => name.strip_prefix(fixed).is_some_and(|name| {
            (0..=name.len()).any(|at| name.is_char_boundary(at) && wild(rest, &name[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_state_labels() {
        for (pattern, name, want) in [
            ("train_{label}.txt", "train_pos.txt", Some("pos")),
            ("*_{label}_*.tsv", "train_Arabic_tweets_positive_2019.tsv", Some("Arabic")),
            ("*tweets_{label}_*", "train_Arabic_tweets_positive_2019.tsv", Some("positive")),
            ("{label}", "é", Some("é")),
            ("train_{label}.txt", "test_pos.txt", None),
            ("no label", "no label", None),
        ] {
            assert_eq!(match_name(pattern, name), want, "{pattern}");
        }
        assert_eq!(inner_name("a.csv.gz"), "a.csv");
    }
}
