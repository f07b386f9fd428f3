//! Which class each row counts for.

use sentimeter_corpus::Corpus;

/// Classes that get figures of their own; where a data set has more, the smallest are counted
/// together.
const MOST: usize = 12;

/// The classes that a profile counts by: those of the corpus, with the smallest put together where
/// there are many, and one for rows without a label where there are any.
#[derive(Debug)]
pub(super) struct Slots {
    /// What each slot is called.
    pub(super) names: Vec<String>,
    /// How many of them are classes; a last one may hold the rows without a label.
    pub(super) classes: usize,
    /// The slot of each row, `[rows]`.
    pub(super) of: Vec<u16>,
}

impl Slots {
    pub(super) fn of(corpus: &Corpus) -> Self {
        let counts = corpus.class_counts();
        let mut order: Vec<usize> = (0..counts.len()).filter(|&class| counts[class] > 0).collect();
        order.sort_by_key(|&class| (std::cmp::Reverse(counts[class]), &corpus.labels()[class]));
        let many = order.len() > MOST;
        let mut kept: Vec<usize> = order.into_iter().take(if many { MOST - 1 } else { MOST }).collect();
        // Canonical order, as everywhere else.
        kept.sort_unstable();
        let mut names: Vec<String> = kept.iter().map(|&class| corpus.labels()[class].clone()).collect();
        let mut slot_of = vec![names.len() as u16; counts.len()];
        for (slot, &class) in (0_u16..).zip(&kept) {
            slot_of[class] = slot;
        }
        if many {
            names.push(format!("{} other classes", counts.iter().filter(|&&n| n > 0).count() - kept.len()));
        }
        let classes = names.len();
        let none = names.len() as u16;
        let slot = |&label: &u16| if label == Corpus::NONE { none } else { slot_of[usize::from(label)] };
        let of: Vec<u16> = corpus.label_column().iter().map(slot).collect();
        if of.contains(&none) {
            names.push("no label".to_owned());
        }
        Self { names, classes, of }
    }

    /// Number of slots.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// No counts yet, `[slots]`.
    pub(super) fn zeros(&self) -> Vec<u64> {
        vec![0; self.len()]
    }

    /// Rows of each slot, `[slots]`.
    pub(super) fn rows(&self) -> Vec<u64> {
        let mut rows = self.zeros();
        self.of.iter().for_each(|&slot| rows[usize::from(slot)] += 1);
        rows
    }
}
