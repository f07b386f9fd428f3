//! How well two who judge the same texts agree.

use std::collections::BTreeMap;

use super::wilson;

/// 97.5 % point of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Agreement of two raters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Texts that both have judged.
    pub rows: u64,
    /// Share of them to which both gave the same label, 0..=1; 0 without rows.
    pub share: f64,
    /// Its 95 % interval ([`wilson`]).
    pub share_interval: [f64; 2],
    /// Cohen's kappa (1960, doi:10.1177/001316446002000104): 1 where they always agree, 0 where they do as often as
    /// chance; `None` where chance alone gives agreement, or without rows.
    pub kappa: Option<f64>,
    /// Its 95 % interval, by the large-sample variance of Fleiss, Cohen and Everitt (1969,
    /// doi:10.1037/h0028106), cut at -1 and 1. Below some thirty rows it is too narrow.
    pub kappa_interval: Option<[f64; 2]>,
}

/// How the two labels of each pair agree.
///
/// ```
/// use sentimeter_model::metrics::agreement;
///
/// let found = agreement([("good", "good"), ("good", "bad"), ("bad", "bad"), ("bad", "bad")]);
/// assert_eq!((found.rows, found.share, found.kappa), (4, 0.75, Some(0.5)));
/// ```
pub fn agreement<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Agreement {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let (mut first, mut second): (BTreeMap<&str, f64>, BTreeMap<&str, f64>) = Default::default();
    let (mut rows, mut same) = (0_u64, 0_u64);
    for (a, b) in pairs {
        *counts.entry((a, b)).or_default() += 1;
        *first.entry(a).or_default() += 1.0;
        *second.entry(b).or_default() += 1.0;
        rows += 1;
        same += u64::from(a == b);
    }
    let n = rows as f64;
    let share = if rows == 0 { 0.0 } else { same as f64 / n };
    let of = |shares: &BTreeMap<&str, f64>, label: &str| shares.get(label).copied().unwrap_or(0.0) / n;
    let by_chance: f64 = first.keys().map(|label| of(&first, label) * of(&second, label)).sum();
    let (mut kappa, mut interval) = (None, None);
    if rows > 0 && by_chance < 1.0 {
        let k = (share - by_chance) / (1.0 - by_chance);
        let (mut on, mut off) = (0.0, 0.0);
        for ((a, b), count) in &counts {
            let p = *count as f64 / n;
            if a == b {
                on += p * (1.0 - (of(&first, a) + of(&second, a)) * (1.0 - k)).powi(2);
            } else {
                off += p * (of(&second, a) + of(&first, b)).powi(2);
            }
        }
        let variance = (on + (1.0 - k).powi(2) * off - (k - by_chance * (1.0 - k)).powi(2))
            / (n * (1.0 - by_chance).powi(2));
        let half = Z * variance.max(0.0).sqrt();
        kappa = Some(k);
        interval = Some([(k - half).max(-1.0), (k + half).min(1.0)]);
    }
    Agreement { rows, share, share_interval: wilson(same, rows), kappa, kappa_interval: interval }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [&str; 3] = ["negative", "neutral", "positive"];

    fn of(table: [[usize; 3]; 3]) -> Agreement {
        let cells = (0..3).flat_map(|a| (0..3).map(move |b| (a, b)));
        agreement(cells.flat_map(|(a, b)| std::iter::repeat_n((LABELS[a], LABELS[b]), table[a][b])))
    }

    /// statsmodels 0.15.0, `cohens_kappa(table)`: `kappa`, `kappa_low`, `kappa_upp`. The first table is Fleiss's.
    #[test]
    fn kappa_and_its_interval_are_statsmodels() {
        for (table, kappa, low, high) in [
            ([[75, 1, 4], [5, 4, 1], [0, 0, 10]], 0.676470588235294, 0.5045759580860855, 0.8483652183845026),
            ([[20, 5, 0], [10, 15, 0], [0, 0, 0]], 0.3999999999999999, 0.151092290476661, 0.6489077095233389),
            ([[10, 0, 0], [0, 5, 0], [0, 0, 0]], 1.0, 1.0, 1.0),
            ([[3, 2, 0], [1, 4, 1], [0, 2, 7]], 0.5384615384615384, 0.23621577298409757, 0.8407073039389793),
        ] {
            let found = of(table);
            let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
            let [l, h] = found.kappa_interval.unwrap();
            assert!(near(found.kappa.unwrap(), kappa) && near(l, low) && near(h, high), "{found:?}");
        }
    }

    #[test]
    fn where_there_is_nothing_to_measure_there_is_no_number() {
        let none = agreement([]);
        assert_eq!((none.rows, none.share, none.kappa, none.share_interval), (0, 0.0, None, [0.0, 1.0]));
        let one_label = of([[9, 0, 0], [0, 0, 0], [0, 0, 0]]);
        assert_eq!((one_label.share, one_label.kappa, one_label.kappa_interval), (1.0, None, None));
    }
}
