//! A linear model's table in one byte for each number.

/// Steps on each side of a weight of 0.
const STEPS: f32 = 127.0;

/// The code of a weight of 0.
const ZERO: u8 = 128;

/// Steps of an inverse document frequency; code 0 is of nodes that are no features.
const IDF_STEPS: f32 = 255.0;

/// What the codes of a table `[nodes, 1 + outputs]` stand for.
///
/// Document frequencies in even steps: `idf = code / 255 × scale`. Weights in steps that grow with the
/// weight, `w = ±(c / 127)² × scale` with `c = |code − 128|`: most weights lie near 0, and the few large ones
/// would leave them two or three even steps. The error of a weight is below `√(w × scale) / 127` and half a
/// step at 0 is `scale / 64516`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scales(Vec<f32>);

impl Scales {
    /// The largest number of each column of `table`, `row` numbers a node.
    pub(crate) fn of(table: &[f32], row: usize) -> Self {
        let mut scales = vec![0.0_f32; row];
        for numbers in table.chunks_exact(row) {
            for (scale, number) in scales.iter_mut().zip(numbers) {
                *scale = scale.max(number.abs());
            }
        }
        Self(scales)
    }

    /// Takes [`Scales::numbers`]; `None` if they are not `row` finite ones of 0 or more.
    pub(crate) fn from_numbers(numbers: Vec<f32>, row: usize) -> Option<Self> {
        let whole = numbers.len() == row && numbers.iter().all(|scale| scale.is_finite() && *scale >= 0.0);
        whole.then_some(Self(numbers))
    }

    /// `[1 + outputs]`.
    pub(crate) fn numbers(&self) -> &[f32] {
        &self.0
    }

    /// A code for each number of `table`; what they stand for has the same codes again.
    pub(crate) fn encode(&self, table: &[f32]) -> Vec<u8> {
        let code = |(at, &number): (usize, &f32)| {
            let scale = self.0[at % self.0.len()];
            if number == 0.0 || scale == 0.0 {
                return if at % self.0.len() == 0 { 0 } else { ZERO };
            }
            let share = number.abs() / scale;
            if at % self.0.len() == 0 {
                return (share * IDF_STEPS).round().clamp(1.0, IDF_STEPS) as u8;
            }
            let steps = (share.sqrt() * STEPS).round().min(STEPS) as u8;
            if number < 0.0 { ZERO - steps } else { ZERO + steps }
        };
        table.iter().enumerate().map(code).collect()
    }

    /// What each code of each column stands for.
    pub(crate) fn columns(&self) -> Vec<[f32; 256]> {
        let column = |(at, &scale): (usize, &f32)| -> [f32; 256] {
            std::array::from_fn(|code| {
                if at == 0 {
                    return code as f32 / IDF_STEPS * scale;
                }
                let steps = (code as f32 - f32::from(ZERO)).clamp(-STEPS, STEPS);
                steps * steps.abs() / (STEPS * STEPS) * scale
            })
        };
        self.0.iter().enumerate().map(column).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_rounded_stays_as_it_is(
            table in proptest::collection::vec((0.0_f32..14.0, -9.0_f32..9.0, -0.01_f32..0.01), 1..200),
        ) {
            let table: Vec<f32> = table.iter().flat_map(|&(idf, a, b)| [idf, a, b]).collect();
            let scales = Scales::of(&table, 3);
            let codes = scales.encode(&table);
            let columns = scales.columns();
            let rounded: Vec<f32> =
                (0..).zip(&codes).map(|(at, &code)| columns[at % 3][usize::from(code)]).collect();
            prop_assert_eq!(&scales.encode(&rounded), &codes);
            for (at, (number, rounded)) in table.iter().zip(&rounded).enumerate() {
                let scale = scales.numbers()[at % 3];
                let bound = if at % 3 == 0 {
                    scale / 255.0
                } else {
                    (number.abs() * scale).sqrt() / 127.0 + scale / 64516.0
                };
                prop_assert!((number - rounded).abs() <= bound * 1.001 + 1e-12, "{number} became {rounded}");
                prop_assert_eq!(*number == 0.0 && at % 3 == 0, *rounded == 0.0 && at % 3 == 0);
            }
        }
    }

    #[test]
    fn a_column_of_zeros_stays_one() {
        let table = [1.5, 0.0, 0.0, 0.0];
        let scales = Scales::of(&table, 2);
        assert_eq!(scales.encode(&table), [255, 128, 0, 128]);
        let columns = scales.columns();
        assert_eq!([columns[0][255], columns[1][128], columns[0][0], columns[1][128]], table);
        assert!(Scales::from_numbers(vec![1.0, f32::NAN], 2).is_none());
        assert!(Scales::from_numbers(vec![1.0], 2).is_none());
    }
}
