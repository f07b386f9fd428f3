//! A network's parameters: one vector of numbers, with PyTorch's names and shapes over its parts.

use std::ops::Range;

use super::kernel::Real;
use super::random::Random;

/// How a part lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Row-major, as PyTorch keeps it.
    AsNamed,
    /// `[a, b, c]` lies as `[a, c, b]`: windows of a convolution are then one stretch of numbers.
    LastBeforeMiddle,
}

/// A named part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) order: Order,
    pub(crate) range: Range<usize>,
}

/// Names and places of all parts, and the width of the interval that each starts in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    list: Vec<Part>,
    bounds: Vec<f64>,
    lifts: Vec<(Range<usize>, f64)>,
    len: usize,
}

impl Parts {
    /// Adds a part whose numbers start evenly within ±`bound`, and says where it lies.
    pub(crate) fn add(&mut self, name: String, shape: &[usize], order: Order, bound: f64) -> Range<usize> {
        let range = self.len..self.len + shape.iter().product::<usize>();
        self.len = range.end;
        self.list.push(Part { name, shape: shape.to_vec(), order, range: range.clone() });
        self.bounds.push(bound);
        range
    }

    /// Has the numbers of `range` start higher by `by`.
    pub(crate) fn lift(&mut self, range: Range<usize>, by: f64) {
        self.lifts.push((range, by));
    }

    /// All parts, in the order in which they lie.
    pub(crate) fn list(&self) -> &[Part] {
        &self.list
    }

    /// Numbers in all.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Numbers to start from. Each part draws from a generator of its own, named by seed and part: what
    /// is added to a network changes nothing of the rest.
    pub(crate) fn start<R: Real>(&self, seed: u64) -> Vec<R> {
        let mut values = Vec::with_capacity(self.len);
        for (part, &bound) in self.list.iter().zip(&self.bounds) {
            let mut random = Random::named(seed, &part.name);
            let at = values.len();
            values.extend((0..part.range.len()).map(|_| R::of(random.within(bound))));
            part.to_memory(&mut values[at..]);
        }
        for (range, by) in &self.lifts {
            values[range.clone()].iter_mut().for_each(|x| *x += R::of(*by));
        }
        values
    }
}

impl Part {
    /// Numbers as PyTorch orders them become numbers as they lie.
    pub(crate) fn to_memory<T: Copy>(&self, values: &mut [T]) {
        if let (Order::LastBeforeMiddle, &[_, middle, last]) = (self.order, &self.shape[..]) {
            swap_last_two(values, middle, last);
        }
    }

    /// Numbers as they lie become numbers as PyTorch orders them.
    pub(crate) fn to_named<T: Copy>(&self, values: &mut [T]) {
        if let (Order::LastBeforeMiddle, &[_, middle, last]) = (self.order, &self.shape[..]) {
            swap_last_two(values, last, middle);
        }
    }
}

/// `[…, a, b]` becomes `[…, b, a]`.
fn swap_last_two<T: Copy>(values: &mut [T], a: usize, b: usize) {
    for block in values.chunks_exact_mut((a * b).max(1)) {
        let old = block.to_vec();
        for (i, row) in old.chunks_exact(b).enumerate() {
            for (j, &x) in row.iter().enumerate() {
                block[j * a + i] = x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_undone_by_its_opposite() {
        let mut parts = Parts::default();
        parts.add("conv.weight".to_owned(), &[2, 2, 3], Order::LastBeforeMiddle, 1.0);
        let part = &parts.list()[0];
        let mut values: Vec<u32> = (0..12).collect();
        part.to_memory(&mut values);
        assert_eq!(values[..6], [0, 3, 1, 4, 2, 5]);
        part.to_named(&mut values);
        assert_eq!(values, (0..12).collect::<Vec<u32>>());
    }

    #[test]
    fn a_part_starts_alike_whatever_stands_before_it() {
        let (mut one, mut two) = (Parts::default(), Parts::default());
        two.add("other".to_owned(), &[5], Order::AsNamed, 1.0);
        one.add("same".to_owned(), &[50], Order::AsNamed, 0.5);
        let range = two.add("same".to_owned(), &[50], Order::AsNamed, 0.5);
        let (one, two) = (one.start::<f32>(7), two.start::<f32>(7));
        assert_eq!(one, two[range]);
        assert!(
            one.iter().all(|x| x.abs() <= 0.5)
                && one.iter().any(|&x| x > 0.25)
                && one.iter().any(|&x| x < -0.25)
        );
    }
}
