//! Two models on the same rows: who is right where the other is wrong.

use serde::Serialize;

use crate::recorder::Answered;

/// What the same rows say of two models.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Paired {
    /// Rows that both were measured on.
    pub rows: u64,
    /// Rows that only the first answered right.
    pub only_first: u64,
    /// Rows that only the second answered right.
    pub only_second: u64,
    /// Accuracy of the second less that of the first.
    pub difference: f64,
    /// 95 % interval of `difference` (Agresti & Min 2005, "Simple improved confidence intervals for
    /// comparing matched proportions", doi:10.1002/sim.1781).
    pub interval: [f64; 2],
    /// How likely so uneven a share of the rows on which one alone is right is by chance: McNemar's
    /// test, exact and two-sided.
    pub p: f64,
}

/// Compares answers row by row; `None` where the rows or the labels are not the same.
pub fn paired(first: &Answered, second: &Answered) -> Option<Paired> {
    let (a, b) = (&first.answers, &second.answers);
    let same = first.test == second.test && first.labels == second.labels && a.truth == b.truth;
    if !same || a.truth.is_empty() {
        return None;
    }
    let (mut only_first, mut only_second) = (0_u64, 0_u64);
    for (row, &truth) in a.truth.iter().enumerate() {
        match (a.probs.top(row).0 == truth, b.probs.top(row).0 == truth) {
            (true, false) => only_first += 1,
            (false, true) => only_second += 1,
            _ => {}
        }
    }
    let rows = a.truth.len() as u64;
    let (x, y) = (only_first as f64 + 0.5, only_second as f64 + 0.5);
    let n = rows as f64 + 2.0;
    let middle = (y - x) / n;
    let half = 1.959_963_984_540_054 * ((x + y) - (y - x).powi(2) / n).max(0.0).sqrt() / n;
    Some(Paired {
        rows,
        only_first,
        only_second,
        difference: (only_second as f64 - only_first as f64) / rows as f64,
        interval: [(middle - half).max(-1.0), (middle + half).min(1.0)],
        p: mcnemar(only_first, only_second),
    })
}

/// Twice the probability of at most `min(b, c)` heads in `b + c` throws of a fair coin, at most 1.
fn mcnemar(b: u64, c: u64) -> f64 {
    let (n, least) = (b + c, b.min(c));
    if n == 0 {
        return 1.0;
    }
    // Terms from the largest down, relative to it, so that none is lost to underflow.
    let ln_choose = |k: u64| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    let largest = ln_choose(least) - n as f64 * std::f64::consts::LN_2;
    let (mut sum, mut term, mut k) = (1.0, 1.0, least);
    while k > 0 && term > 1e-18 {
        term *= k as f64 / (n - k + 1) as f64;
        sum += term;
        k -= 1;
    }
    (2.0 * largest.exp() * sum).min(1.0)
}

/// `ln n!`: summed where that is quick, else by Stirling's series, right to 1e-12 from 64 on.
fn ln_factorial(n: u64) -> f64 {
    if n < 64 {
        return (2..=n).map(|k| (k as f64).ln()).sum();
    }
    let x = n as f64;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    x * x.ln() - x + 0.5 * (std::f64::consts::TAU * x).ln() + series
}

#[cfg(test)]
mod tests {
    use sentimeter_model::Probs;

    use super::*;
    use crate::evaluate::Answers;

    /// Python: `n = b + c; min(1, 2 * sum(comb(n, k) for k in range(min(b, c) + 1)) / 2**n)`.
    #[test]
    fn mcnemar_is_the_binomial_test() {
        for (b, c, want) in
            [(0, 0, 1.0), (5, 5, 1.0), (1, 7, 0.0703125), (10, 25, 0.016_673_847_800_120_71), (3, 0, 0.25)]
        {
            let got = mcnemar(b, c);
            assert!((got - want).abs() < 1e-9, "{b} {c}: {got} is not {want}");
        }
        // Far out, in step with the normal approximation: z = 10.
        let far = mcnemar(45_000, 48_050);
        assert!((1e-24..1e-22).contains(&far), "{far}");
        assert_eq!(mcnemar(7, 1), mcnemar(1, 7));
    }

    #[test]
    fn answers_are_paired_row_by_row() {
        let answered = |right: &[bool], test: &str| {
            let probs = right.iter().flat_map(|&right| if right { [0.25, 0.75] } else { [0.75, 0.25] });
            Answered {
                labels: vec!["no".to_owned(), "yes".to_owned()],
                test: test.to_owned(),
                answers: Answers {
                    rows: (0..right.len() as u32).collect(),
                    truth: vec![1; right.len()],
                    probs: Probs::from_values(2, probs.collect()),
                },
            }
        };
        let first = answered(&[true, true, false, false, true, false], "x");
        let second = answered(&[true, false, true, true, true, false], "x");
        let found = paired(&first, &second).unwrap();
        assert_eq!((found.rows, found.only_first, found.only_second), (6, 1, 2));
        assert!((found.difference - 1.0 / 6.0).abs() < 1e-12);
        assert!(found.interval[0] < found.difference && found.difference < found.interval[1]);
        let turned = paired(&second, &first).unwrap();
        assert_eq!((turned.difference, turned.p), (-found.difference, found.p));
        assert_eq!(paired(&first, &answered(&[true; 6], "y")), None, "other rows");
    }
}
