//! How sure a share is that was counted on few rows.

/// 95 % interval `[low, high]` in 0..=1 of a share of which `hits` of `rows` were seen, by Wilson's score
/// (1927, doi:10.1080/01621459.1927.10502953): unlike the share ± 1.96 standard errors it never leaves 0..=1
/// and is honest about ten hits of ten. No rows: `[0, 1]`.
///
/// ```
/// use sentimeter_model::metrics::wilson;
///
/// let [low, high] = wilson(10, 10);
/// assert!((low - 0.722).abs() < 1e-3 && high == 1.0);
/// ```
pub fn wilson(hits: u64, rows: u64) -> [f64; 2] {
    /// 97.5 % point of the standard normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if rows == 0 {
        return [0.0, 1.0];
    }
    let n = rows as f64;
    let share = hits.min(rows) as f64 / n;
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let below = 1.0 + Z * Z / n;
    // Exactly at the bounds: rounding must not make an interval exclude its own share.
    let low = if hits == 0 { 0.0 } else { ((middle - half) / below).max(0.0) };
    let high = if hits >= rows { 1.0 } else { ((middle + half) / below).min(1.0) };
    [low, high]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holds_the_share_and_shrinks_with_rows(rows in 1..10_000_u64, hits in 0..10_000_u64) {
            let hits = hits.min(rows);
            let [low, high] = wilson(hits, rows);
            let share = hits as f64 / rows as f64;
            prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
            let [tighter, looser] = wilson(2 * hits, 2 * rows);
            prop_assert!(looser - tighter < high - low);
        }
    }

    #[test]
    fn no_rows_say_nothing() {
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
    }
}
