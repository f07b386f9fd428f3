//! Groups of rows, and groups that are none: texts made from one template.

use rayon::prelude::*;

use super::identities::Identities;
use crate::Corpus;

/// Rows that belong together: the same text, or nearly so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The group of each row, `[rows]`, an index into `names`.
    pub of: Vec<u32>,
    /// What each group is called: its smallest identity, whatever the order of the rows.
    pub names: Vec<u64>,
}

/// A group that held most rows of a class and was taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swollen {
    /// The class, an index into the corpus' labels; the first if there are several.
    pub class: u16,
    /// Rows of that class in the group.
    pub rows: usize,
    /// Rows of that class at all.
    pub of: usize,
    /// A row of the group, the one with its smallest identity, to show what its texts are like.
    pub example: u32,
}

impl Groups {
    /// Distinct texts past which a group is a template and no handful of copies.
    const TEMPLATE: usize = 20;

    /// Takes groups apart that hold more than half of the rows of a class, down to equal identities.
    ///
    /// Texts made from one template hang together pair by pair until they are one group, which no
    /// split can divide. Groups of fewer than 20 distinct texts are copies and stay.
    ///
    /// Says which groups it took apart, in the order of their names.
    pub fn without_templates(self, identities: &Identities, labels: &[u16]) -> (Self, Vec<Swollen>) {
        // A group with most rows of all has most rows of some class, so that classes are enough; and
        // a majority outlives the pairing off of unequal votes (Boyer & Moore 1981).
        let classes = labels.iter().filter(|&&l| l != Corpus::NONE).max().map_or(0, |&l| usize::from(l) + 1);
        let mut leader = vec![(0_u32, 0_usize); classes];
        let rows = || self.of.iter().zip(labels).filter(|&(_, &label)| label != Corpus::NONE);
        for (&group, &label) in rows() {
            let (first, votes) = &mut leader[usize::from(label)];
            match *votes {
                0 => (*first, *votes) = (group, 1),
                _ if *first == group => *votes += 1,
                _ => *votes -= 1,
            }
        }
        let mut held = vec![(0_usize, 0_usize); classes];
        for (&group, &label) in rows() {
            let (inside, all) = &mut held[usize::from(label)];
            *inside += usize::from(group == leader[usize::from(label)].0);
            *all += 1;
        }
        let mut swollen: Vec<(u32, Swollen)> = (0_u16..)
            .zip(leader.iter().zip(&held))
            .filter(|(_, (_, (inside, all)))| inside * 2 > *all)
            .map(|(class, (&(group, _), &(rows, of)))| (group, Swollen { class, rows, of, example: 0 }))
            .collect();
        swollen.sort_by_key(|(group, found)| (*group, found.class));
        swollen.dedup_by_key(|(group, _)| *group);
        swollen.retain_mut(|(group, found)| {
            let mut texts =
                identities.same().map(|same| same[0].1).filter(|&r| self.of[r as usize] == *group);
            found.example = texts.next().unwrap_or(0);
            texts.count() + 1 >= Self::TEMPLATE
        });
        if swollen.is_empty() {
            return (self, Vec::new());
        }
        let apart = |group: u32| swollen.binary_search_by_key(&group, |(group, _)| *group).is_ok();
        let name_of = |row: usize| match self.of[row] {
            group if apart(group) => identities.hashes()[row],
            group => self.names[group as usize],
        };
        let mut names: Vec<u64> = (0..self.of.len()).map(name_of).collect();
        names.par_sort_unstable();
        names.dedup();
        let number = |row| names.partition_point(|&name| name < name_of(row)) as u32;
        let of = (0..self.of.len()).map(number).collect();
        (Self { of, names }, swollen.into_iter().map(|(_, found)| found).collect())
    }
}

/// Disjoint sets; each one's root is its smallest member.
#[derive(Debug)]
pub(crate) struct Disjoint(Vec<u32>);

impl Disjoint {
    pub(crate) fn new(len: usize) -> Self {
        Self((0..len as u32).collect())
    }

    pub(crate) fn root(&mut self, mut i: u32) -> u32 {
        while self.0[i as usize] != i {
            // Halve the path on the way.
            self.0[i as usize] = self.0[self.0[i as usize] as usize];
            i = self.0[i as usize];
        }
        i
    }

    pub(crate) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        self.0[high as usize] = low;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::corpus;
    use super::*;
    use crate::near_duplicates;

    #[test]
    fn a_template_that_swallows_a_class_is_taken_apart() {
        let template =
            |i: usize| format!("dear customer {i} your parcel has been sent by us today thank you");
        let texts: Vec<(String, &str)> = (0..60)
            .map(|i| (template(i / 2), "a"))
            .chain((0..9).map(|i| (format!("other{i}"), "a")))
            .chain((0..60).map(|i| (format!("third{i} of fourth{i}"), "b")))
            .collect();
        let rows: Vec<(&str, &str)> = texts.iter().map(|(text, label)| (&text[..], *label)).collect();
        let corpus = corpus(&rows);
        let identities = Identities::of(&corpus);
        let groups = near_duplicates(&identities);
        assert!((0..60).all(|i| groups.of[i] == groups.of[0]), "the template is one group");
        let (apart, found) = groups.clone().without_templates(&identities, corpus.label_column());
        assert_eq!(found.iter().map(|f| (f.class, f.rows, f.of)).collect::<Vec<_>>(), [(0, 60, 69)]);
        assert!(found[0].example < 60);
        assert!((0..60).all(|i| apart.of[i] == apart.of[i - i % 2]), "equal texts stay together");
        assert_ne!(apart.of[0], apart.of[2]);
        assert!(apart.names.is_sorted());
        let again = near_duplicates(&identities).without_templates(&identities, &[Corpus::NONE; 129]);
        assert_eq!(again, (groups, Vec::new()), "what has no label is no class");
    }
}
