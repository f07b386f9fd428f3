//! Rows of about one length side by side, so that a processor walks through several at once.

use super::factored::Piece;

/// Rows that stand side by side.
pub(crate) const SIDE: usize = 8;

/// The rows of a [`Piece`], the shortest first, in groups of [`SIDE`].
///
/// Row by row, the end of each row of some twenty entries is a branch that a processor guesses wrong: that
/// took more time than the entries. Here a group has one end, as its rows are about as long as one another,
/// and eight sums that do not wait for each other (sliced ELLPACK: Monakov, Lokhmotov & Avetisyan 2010; sorted
/// within a window: Kreutzer et al. 2014, "SELL-C-σ"). No entry is filled in: what a row has beyond the
/// shortest of its group follows the group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Lanes {
    /// The row at each place; a piece has fewer than 2¹⁶.
    rows: Vec<u16>,
    /// The place of each row.
    places: Vec<u16>,
    /// Entries of the row at each place.
    lengths: Vec<u32>,
    /// Each factor, by place.
    factors: Vec<f32>,
    /// Where each group begins in `columns`, and where the last ends.
    starts: Vec<usize>,
    /// Bundle by group: the first columns of all rows, the second ones, and so on to the end of the shortest;
    /// then the rest of each row. Ascending within a row. A group that is not full has the second part alone.
    columns: Vec<u32>,
}

/// At most [`SIDE`] rows.
pub(crate) struct Bundle<'a> {
    /// Columns that all rows have, `[shortest, SIDE]`.
    pub(crate) side: &'a [[u32; SIDE]],
    /// Entries of each row.
    lengths: &'a [u32],
    /// What each row has beyond those, row by row.
    rest: &'a [u32],
    /// The factor of each row.
    pub(crate) factors: &'a [f32],
}

impl Lanes {
    pub(super) fn new(piece: &Piece) -> Self {
        let length = |row: u16| piece.row(usize::from(row)).len();
        let mut rows: Vec<u16> = (0..piece.ends.len()).map(|row| row as u16).collect();
        rows.sort_by_key(|&row| length(row));
        let mut places = vec![0; rows.len()];
        for (place, &row) in (0..).zip(&rows) {
            places[usize::from(row)] = place;
        }
        let mut columns = Vec::with_capacity(piece.columns.len());
        let mut starts = vec![0];
        for group in rows.chunks(SIDE) {
            let shortest = if group.len() == SIDE { length(group[0]) } else { 0 };
            if let Ok(group) = <[u16; SIDE]>::try_from(group) {
                let side = group.map(|row| &piece.row(usize::from(row))[..shortest]);
                for at in 0..shortest {
                    columns.extend(side.map(|row| row[at]));
                }
            }
            for &row in group {
                columns.extend_from_slice(&piece.row(usize::from(row))[shortest..]);
            }
            starts.push(columns.len());
        }
        let lengths = rows.iter().map(|&row| length(row) as u32).collect();
        let factors = rows.iter().map(|&row| piece.factors[usize::from(row)]).collect();
        Self { rows, places, lengths, factors, starts, columns }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn entries(&self) -> usize {
        self.columns.len()
    }

    /// The columns of row `i`, ascending, and its factor.
    #[inline]
    pub(super) fn row(&self, i: usize) -> (impl Iterator<Item = u32> + '_, f32) {
        let place = usize::from(self.places[i]);
        let bundle = self.bundle(place / SIDE * SIDE);
        let (side, rest) = bundle.lane(place % SIDE);
        (side.chain(rest), self.factors[place])
    }

    #[inline]
    pub(super) fn row_at(&self, place: usize) -> usize {
        usize::from(self.rows[place])
    }

    #[inline]
    pub(super) fn bundle(&self, place: usize) -> Bundle<'_> {
        let number = place / SIDE;
        let columns = &self.columns[self.starts[number]..self.starts[number + 1]];
        let places = place..(place + SIDE).min(self.lengths.len());
        let lengths = &self.lengths[places.clone()];
        let shortest = if lengths.len() == SIDE { lengths[0] as usize } else { 0 };
        let (side, rest) = columns.split_at(SIDE * shortest);
        Bundle { side: side.as_chunks().0, lengths, rest, factors: &self.factors[places] }
    }
}

impl<'a> Bundle<'a> {
    /// The columns of the `lane`th row: among those side by side, and the others.
    #[inline]
    fn lane(self, lane: usize) -> (impl Iterator<Item = u32> + 'a, impl Iterator<Item = u32> + 'a) {
        let rest = self.tails().nth(lane).unwrap_or_default();
        (self.side.iter().map(move |columns| columns[lane]), rest.iter().copied())
    }

    /// What each row has beyond [`Bundle::side`].
    #[inline]
    pub(crate) fn tails(&self) -> impl Iterator<Item = &'a [u32]> + use<'a> {
        let (shortest, mut rest) = (self.side.len(), self.rest);
        self.lengths.iter().map(move |&length| {
            let (own, others) = rest.split_at(length as usize - shortest);
            rest = others;
            own
        })
    }

    /// Whether a row has more than [`Bundle::side`].
    #[inline]
    pub(crate) fn is_even(&self) -> bool {
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_come_back(rows in prop::collection::vec(prop::collection::vec(0_u32..50, 0..12), 0..40)) {
            let mut piece = Piece::default();
            for (row, columns) in rows.iter().enumerate() {
                piece.columns.extend(columns);
                piece.ends.push(piece.columns.len());
                piece.factors.push(row as f32);
            }
            let lanes = Lanes::new(&piece);
            prop_assert_eq!(lanes.len(), rows.len());
            prop_assert_eq!(lanes.entries(), piece.columns.len());
            for (row, columns) in rows.iter().enumerate() {
                let (found, factor) = lanes.row(row);
                prop_assert_eq!(found.collect::<Vec<_>>(), &columns[..]);
                prop_assert_eq!(factor, row as f32);
            }
            // Bundle by group, each row once, at the place that it is said to have.
            let mut seen = vec![false; rows.len()];
            for place in (0..rows.len()).step_by(SIDE) {
                let bundle = lanes.bundle(place);
                prop_assert_eq!(bundle.is_even(), bundle.tails().all(<[u32]>::is_empty));
                for (lane, tail) in bundle.tails().enumerate() {
                    let row = lanes.row_at(place + lane);
                    let side = bundle.side.iter().map(|columns| columns[lane]);
                    prop_assert_eq!(side.chain(tail.iter().copied()).collect::<Vec<_>>(), &rows[row][..]);
                    prop_assert_eq!(bundle.factors[lane], row as f32);
                    prop_assert!(!std::mem::replace(&mut seen[row], true));
                }
            }
            prop_assert!(seen.iter().all(|&seen| seen));
        }
    }
}
