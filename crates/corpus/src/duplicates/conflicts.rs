//! Texts that stand with different labels, and the vote on them.

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::identities::Identities;
use super::mix;
use crate::Corpus;

/// What became of texts that stand with different labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Each row's label after the vote: [`Corpus::NONE`] where it has none, or its text tied.
    pub labels: Vec<u16>,
    /// Distinct texts with more than one label.
    pub conflicts: usize,
    /// Rows whose label was outvoted.
    pub relabelled: usize,
    /// Rows without a label now, since their text's labels tied.
    pub tied: usize,
}

/// Gives every text that stands with different labels the label of its majority; ties lose theirs.
///
/// Here a text is the same only [to the sign](to_the_sign): `great :)` and `great :(` share an
/// identity, and so a side of every split, but do not contradict each other.
pub fn resolve_conflicts(corpus: &Corpus, identities: &Identities) -> Resolved {
    let mut out = Resolved { labels: corpus.label_column().to_vec(), ..Resolved::default() };
    let label = |row: u32| corpus.label_column()[row as usize];
    let mut disputed: Vec<(u64, u32)> = Vec::new();
    for same in identities.same().filter(|same| same.len() > 1) {
        let voters = || same.iter().filter(|&&(_, row)| label(row) != Corpus::NONE);
        let Some(&(_, first)) = voters().next() else { continue };
        if voters().any(|&(_, row)| label(row) != label(first)) {
            disputed.extend(voters());
        }
    }
    // The second look is for the few rows that may contradict another one.
    disputed.par_iter_mut().with_min_len(64).for_each_init(String::new, |exact, (hash, row)| {
        to_the_sign(corpus.text(*row as usize), exact);
        *hash = mix(*hash) ^ xxh3_64(exact.as_bytes());
    });
    disputed.par_sort_unstable();
    let mut votes = vec![0_usize; corpus.labels().len()];
    for voters in disputed.chunk_by(|a, b| a.0 == b.0) {
        votes.fill(0);
        voters.iter().for_each(|&(_, row)| votes[usize::from(label(row))] += 1);
        if votes.iter().filter(|&&n| n > 0).count() < 2 {
            continue;
        }
        let most = votes.iter().copied().max().unwrap_or(0);
        let mut winners = (0_u16..).zip(&votes).filter(|&(_, &n)| n == most).map(|(class, _)| class);
        let winner = winners.next().filter(|_| winners.next().is_none());
        out.conflicts += 1;
        for &(_, row) in voters {
            match winner {
                Some(class) => out.relabelled += usize::from(label(row) != class),
                None => out.tied += 1,
            }
            out.labels[row as usize] = winner.unwrap_or(Corpus::NONE);
        }
    }
    out
}

/// Writes `raw` into `out` (cleared first), lower-cased, with single spaces and without mentions and
/// links: what two texts must share to be the same with punctuation, symbols and emoji.
fn to_the_sign(raw: &str, out: &mut String) {
    out.clear();
    let mut bare = String::new();
    for word in raw.split_whitespace() {
        let lower = word.to_lowercase();
        // What may be a mention or a link is taken as its identity has it: without them.
        let masked = ["@", "http", "www.", "{link}"].iter().any(|mark| lower.contains(mark));
        if masked {
            sentimeter_text::identity(word, &mut bare);
        }
        let word = if masked { &bare } else { &lower };
        if !word.is_empty() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::corpus;
    use super::*;
    use crate::near_duplicates;

    #[test]
    fn the_majority_decides_and_ties_lose_their_label() {
        let corpus = corpus(&[
            ("so good", "pos"),
            ("So  good", "neg"),
            ("@you SO GOOD http://a.b", "pos"),
            ("meh", "pos"),
            ("Meh", "neg"),
            ("fine thanks", "pos"),
        ]);
        let resolved = resolve_conflicts(&corpus, &Identities::of(&corpus));
        let (pos, none) = (corpus.label_column()[0], Corpus::NONE);
        assert_eq!(resolved.labels, [pos, pos, pos, none, none, pos]);
        assert_eq!((resolved.conflicts, resolved.relabelled, resolved.tied), (2, 1, 2));
    }

    #[test]
    fn a_smile_and_a_frown_do_not_contradict_each_other() {
        for (one, other) in [
            ("great :)", "great :("),
            ("service 5/10", "service 5 10"),
            ("my order 😀", "my order 😡"),
            ("really?", "really!"),
            ("@shop great :)", "great :( http://a.b/c"),
        ] {
            let corpus = corpus(&[(one, "pos"), (other, "neg"), (one, "pos")]);
            let identities = Identities::of(&corpus);
            let resolved = resolve_conflicts(&corpus, &identities);
            assert_eq!(resolved.labels, corpus.label_column(), "{one} / {other}");
            assert_eq!(resolved.conflicts, 0, "{one} / {other}");
            let groups = near_duplicates(&identities).of;
            assert_eq!(groups[0], groups[1], "they still stand on one side: {one} / {other}");
        }
        let corpus = corpus(&[("great :)", "pos"), ("great :(", "neg"), ("@a Great  :) www.b.c", "neg")]);
        let resolved = resolve_conflicts(&corpus, &Identities::of(&corpus));
        assert_eq!(resolved.labels, [Corpus::NONE, corpus.label_column()[1], Corpus::NONE]);
        assert_eq!((resolved.conflicts, resolved.tied), (1, 2));
    }
}
