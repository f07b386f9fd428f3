//! SMOTE: synthetic rows of the smaller classes (Chawla, Bowyer, Hall & Kegelmeyer 2002,
//! doi:10.1613/jair.953), on sparse rows.

use rayon::prelude::*;

use super::Sparse;
use super::sampling::{Rng, by_class};

/// Neighbours that a synthetic row may lean towards, as in the paper.
const NEIGHBOURS: usize = 5;

/// `rows` and their classes followed by synthetic ones, until every class that occurs is as large
/// as the largest. Each lies at random between a row and one of its 5 nearest of the same class
/// (Euclidean distance; ties go to the earlier row); a class of one row is repeated. The time grows
/// with the square of the smaller classes: a class of 100,000 tweets takes minutes.
pub fn smote(rows: &Sparse, truth: &[u16], classes: usize, seed: u64) -> (Sparse, Vec<u16>) {
    let by_class = by_class(truth, classes);
    let most = by_class.iter().map(Vec::len).max().unwrap_or(0);
    let mut rng = Rng::new(seed);
    let (mut out, mut labels) = (rows.clone(), truth.to_vec());
    for (label, members) in
        (0_u16..).zip(&by_class).filter(|(_, members)| !members.is_empty() && members.len() < most)
    {
        let class = rows.select(members);
        let picks: Vec<(u32, usize, f64)> = (members.len()..most)
            .map(|_| (rng.below(class.len()) as u32, rng.below(NEIGHBOURS), rng.unit()))
            .collect();
        let mut bases: Vec<u32> = picks.iter().map(|&(base, ..)| base).collect();
        bases.sort_unstable();
        bases.dedup();
        let nearest = nearest(&class, &bases);
        for (base, choice, gap) in picks {
            let at = bases.binary_search(&base).expect("every base is in the list");
            let near = &nearest[at];
            let other = if near.is_empty() { base } else { near[choice % near.len()] };
            out.push(between(class.row(base as usize), class.row(other as usize), gap as f32));
            labels.push(label);
        }
    }
    (out, labels)
}

/// The nearest rows of each of `bases`, nearest first, by an inverted index over the columns.
fn nearest(class: &Sparse, bases: &[u32]) -> Vec<Vec<u32>> {
    let mut postings: Vec<Vec<(u32, f32)>> = vec![Vec::new(); class.width];
    let mut squares = Vec::with_capacity(class.len());
    for row in 0..class.len() {
        let (columns, values) = class.row(row);
        for (&column, &value) in columns.iter().zip(values) {
            postings[column as usize].push((row as u32, value));
        }
        squares.push(values.iter().map(|v| v * v).sum::<f32>());
    }
    bases
        .par_iter()
        .map_init(
            || vec![0.0_f32; class.len()],
            |dots, &base| {
                dots.fill(0.0);
                let (columns, values) = class.row(base as usize);
                for (&column, &value) in columns.iter().zip(values) {
                    for &(row, other) in &postings[column as usize] {
                        dots[row as usize] += value * other;
                    }
                }
                let distance = |row: u32| squares[row as usize] - 2.0 * dots[row as usize];
                let mut others: Vec<u32> = (0..class.len() as u32).filter(|&row| row != base).collect();
                let order = |a: &u32, b: &u32| distance(*a).total_cmp(&distance(*b)).then(a.cmp(b));
                if others.len() > NEIGHBOURS {
                    others.select_nth_unstable_by(NEIGHBOURS - 1, order);
                    others.truncate(NEIGHBOURS);
                }
                others.sort_unstable_by(order);
                others
            },
        )
        .collect()
}

/// `a + gap (b - a)`.
fn between((a, x): (&[u32], &[f32]), (b, y): (&[u32], &[f32]), gap: f32) -> Vec<(u32, f32)> {
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::with_capacity(a.len() + b.len());
    while i < a.len() || j < b.len() {
        let (left, right) = (a.get(i).copied().unwrap_or(u32::MAX), b.get(j).copied().unwrap_or(u32::MAX));
        let column = left.min(right);
        let mut value = 0.0;
        if left == column {
            value += (1.0 - gap) * x[i];
            i += 1;
        }
        if right == column {
            value += gap * y[j];
            j += 1;
        }
        if value != 0.0 {
            out.push((column, value));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_rows_lie_between_neighbours_of_their_class() {
        let mut rows = Sparse::new(4);
        for i in 0..20 {
            rows.push([(0, 1.0 + i as f32), (1, 0.5)]);
        }
        // Two clusters of three: a synthetic row never bridges them while 5 neighbours allow it not
        // to; with 6 rows every other row is a neighbour, so only the segment property is asked.
        for i in 0..6 {
            rows.push([(2, 1.0 + i as f32), (3, 2.0)]);
        }
        let truth: Vec<u16> = (0..26).map(|i| u16::from(i >= 20)).collect();
        let (more, labels) = smote(&rows, &truth, 2, 7);
        assert_eq!(more.len(), 40);
        assert_eq!(labels.iter().filter(|&&l| l == 1).count(), 20);
        assert_eq!(more.select(&(0..26).collect::<Vec<_>>()), rows, "real rows are kept as they are");
        for row in 26..40 {
            let (columns, values) = more.row(row);
            assert_eq!(columns, [2, 3]);
            assert!((1.0..=6.0).contains(&values[0]) && (values[1] - 2.0).abs() < 1e-6);
        }
        assert_eq!(smote(&rows, &truth, 2, 7).0, more, "seeded");
        assert_ne!(smote(&rows, &truth, 2, 8).0, more);
    }

    #[test]
    fn the_nearest_are_found() {
        let mut rows = Sparse::new(1);
        for x in [0.0, 10.0, 1.0, 2.0, 9.0, 3.0, 4.0, 5.0] {
            rows.push([(0, x)]);
        }
        assert_eq!(nearest(&rows, &[0, 1]), [[2, 3, 5, 6, 7], [4, 7, 6, 5, 3]]);
    }

    #[test]
    fn one_row_is_repeated() {
        let mut rows = Sparse::new(1);
        (0..3).for_each(|i| rows.push([(0, i as f32 + 1.0)]));
        let (more, labels) = smote(&rows, &[0, 0, 1], 2, 0);
        assert_eq!((more.row(3), &labels[..]), ((&[0_u32][..], &[3.0_f32][..]), &[0, 0, 1, 1][..]));
    }
}
