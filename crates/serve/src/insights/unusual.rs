//! Days that stand out, in how much is said and in how it is said.
//!
//! A period is compared with the median of its neighbours, and stands out where chance would do the same to one
//! of the series' periods less than once in a thousand series. What chance may do is bounded, not approximated:
//! Chernoff's bound of a Poisson count, Bennett's and Hoeffding's of a mean (Boucheron, Lugosi & Massart 2013,
//! sections 2.2, 2.7 and 2.6), which hold for few items and skewed sentiment, too. Where periods differ more among themselves than
//! chance alone lets them, the bounds are wider by as much.

/// Of a thousand series in which nothing happens, those in which something is found.
pub(crate) const FALSE_ALARMS: f64 = 0.001;

/// Neighbours to each side.
const REACH: usize = 14;

/// Neighbours without which nothing is said.
const LEAST_NEIGHBOURS: usize = 7;

/// Items of a period without which nothing is said of its sentiment.
const LEAST_ITEMS: i64 = 20;

/// What a count must differ by to be worth a word.
const LEAST_DIFFERENCE: f64 = 5.0;

/// Days of a week, which may have an order of their own.
const WEEK: usize = 7;

/// What a period adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) items: i64,
    pub(crate) positive: i64,
    pub(crate) negative: i64,
    /// Whether it is over: one that is not is never found to be too little.
    pub(crate) over: bool,
}

impl Point {
    /// Net sentiment, from -1 to 1.
    fn net(&self) -> f64 {
        (self.positive - self.negative) as f64 / (self.items.max(1)) as f64
    }
}

/// What stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Volume,
    Sentiment,
}

/// A period that stands out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Unusual {
    /// Which of the points.
    pub(crate) at: usize,
    pub(crate) kind: Kind,
    /// Items, or net sentiment from -1 to 1.
    pub(crate) value: f64,
    /// What its neighbours let expect.
    pub(crate) expected: f64,
    /// How surprising it is, as standard deviations of a normal would be.
    pub(crate) surprise: f64,
}

/// `(1 + u) ln(1 + u) - u`, of both bounds; for u ≥ -1.
fn h(u: f64) -> f64 {
    if u <= -1.0 { 1.0 } else { (1.0 + u) * u.ln_1p() - u }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

/// How many times more the residuals scatter than they should, at least 1; robust to some that stand out.
fn scatter(residuals: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = residuals.iter().map(|r| r.abs()).collect();
    (1.4826 * median(&mut sizes)).powi(2).max(1.0)
}

fn neighbours(at: usize, len: usize) -> impl Iterator<Item = usize> {
    (at.saturating_sub(REACH)..len.min(at + REACH + 1)).filter(move |&other| other != at)
}

/// What each count is expected to be, and with how many neighbours; `None` with too few.
fn expected(counts: &[f64], factors: &[f64]) -> Vec<Option<(f64, usize)>> {
    (0..counts.len())
        .map(|at| {
            let mut around: Vec<f64> =
                neighbours(at, counts.len()).map(|i| counts[i] / factors[i % factors.len()]).collect();
            let known = around.len();
            let middle = median(&mut around);
            // Of few counts the median says little; their mean without the largest says more.
            let kept = &around[..known - known.div_ceil(10).min(known)];
            let mean = kept.iter().sum::<f64>() / (kept.len().max(1)) as f64;
            let level = middle.max(mean) * factors[at % factors.len()];
            (known >= LEAST_NEIGHBOURS).then_some((level.max(0.5), known))
        })
        .collect()
}

fn scatter_of(counts: &[f64], levels: &[Option<(f64, usize)>]) -> f64 {
    let residual = |(&count, level): (&f64, &Option<(f64, usize)>)| {
        level.map(|(level, _)| 2.0 * ((count + 0.375).sqrt() - (level + 0.375).sqrt()))
    };
    scatter(&counts.iter().zip(levels).filter_map(residual).collect::<Vec<_>>())
}

/// What an item adds to the exponent of Hoeffding's bound of a mean of numbers from -1 to 1 that is `found` in the
/// place of `expected` (1963, theorem 1): the relative entropy of two coins with these means. Of a level, which is
/// only estimated, that nobody ever missed it is not believed.
fn divergence(found: f64, expected: f64) -> f64 {
    const SELDOM: f64 = 0.02;
    let (q, p) = ((1.0 + found) / 2.0, (1.0 + expected) / 2.0);
    let p = if q < p { p.min(1.0 - SELDOM) } else { p.max(SELDOM) };
    let part = |q: f64, p: f64| if q > 0.0 { q * (q / p).ln() } else { 0.0 };
    if (q - p) * (found - expected) <= 0.0 { 0.0 } else { part(q, p) + part(1.0 - q, 1.0 - p) }
}

/// How much each day of the week differs from the others.
fn week(counts: &[f64]) -> Vec<f64> {
    let mut all = counts.to_vec();
    let middle = median(&mut all);
    let of = |day: usize| {
        let mut own: Vec<f64> = counts.iter().copied().skip(day).step_by(WEEK).collect();
        (median(&mut own) / middle).max(0.05)
    };
    (0..WEEK).map(of).collect()
}

/// A surprise and the bound that it must pass.
fn stands_out(exponent: f64, tests: usize) -> Option<f64> {
    (exponent > (2.0 * tests as f64 / FALSE_ALARMS).ln()).then(|| (2.0 * exponent).sqrt())
}

fn volume(points: &[Point], daily: bool) -> Vec<Unusual> {
    let counts: Vec<f64> = points.iter().map(|point| point.items as f64).collect();
    let mut all = counts.clone();
    let mut levels = expected(&counts, &[1.0]);
    let mut scatter = scatter_of(&counts, &levels);
    if daily && counts.len() >= 4 * WEEK && median(&mut all) >= 10.0 {
        let weekly = expected(&counts, &week(&counts));
        let with = scatter_of(&counts, &weekly);
        // A week's order that explains nothing would only be noise.
        if with < 0.7 * scatter {
            (levels, scatter) = (weekly, with);
        }
    }
    let unusual = |at: usize| {
        let (level, known) = levels[at]?;
        let (count, point) = (counts[at], &points[at]);
        if (count - level).abs() < LEAST_DIFFERENCE || (count < level && !point.over) {
            return None;
        }
        // The median of so many is itself uncertain.
        let wide = scatter * (1.0 + 1.6 / known as f64);
        let surprise = stands_out(level * h((count - level) / level) / wide, points.len())?;
        Some(Unusual { at, kind: Kind::Volume, value: count, expected: level, surprise })
    };
    (0..points.len()).filter_map(unusual).collect()
}

fn sentiment(points: &[Point]) -> Vec<Unusual> {
    let all =
        points.iter().fold((0, 0, 0), |sum, p| (sum.0 + p.items, sum.1 + p.positive, sum.2 + p.negative));
    let n = all.0.max(1) as f64;
    let mean = (all.1 - all.2) as f64 / n;
    // Of one item's sentiment: -1, 0 or 1.
    let variance = ((all.1 + all.2) as f64 / n - mean * mean).max(1e-6);
    let said = |at: usize| points[at].items >= LEAST_ITEMS;
    let level = |at: usize| {
        let mut around: Vec<f64> =
            neighbours(at, points.len()).filter(|&i| said(i)).map(|i| points[i].net()).collect();
        let known = around.len();
        (known >= LEAST_NEIGHBOURS).then(|| (median(&mut around), known))
    };
    let levels: Vec<Option<(f64, usize)>> = (0..points.len()).map(level).collect();
    let residual = |at: usize| {
        let (level, _) = levels[at].filter(|_| said(at))?;
        Some((points[at].net() - level) * (points[at].items as f64 / variance).sqrt())
    };
    let scatter = scatter(&(0..points.len()).filter_map(residual).collect::<Vec<_>>());
    let unusual = |at: usize| {
        let (level, known) = levels[at].filter(|_| said(at))?;
        let net = points[at].net();
        let away = (net - level).abs();
        // The furthest that one item can be on that side.
        let most = if net > level { 1.0 - level } else { 1.0 + level }.max(1e-6);
        let wide = scatter * (1.0 + 1.6 / known as f64);
        let items = points[at].items as f64;
        let bennett = items * variance / (most * most) * h(most * away / variance);
        // Both bounds hold; where all that is said is one thing, the second is much nearer.
        let bound = bennett.max(items * divergence(net, level)) / wide;
        let surprise = stands_out(bound, points.len())?;
        Some(Unusual { at, kind: Kind::Sentiment, value: net, expected: level, surprise })
    };
    (0..points.len()).filter_map(unusual).collect()
}

/// The periods that stand out, the most surprising first. `daily`: they are days, which have a week.
pub(crate) fn unusual(points: &[Point], daily: bool) -> Vec<Unusual> {
    let mut found = volume(points, daily);
    found.extend(sentiment(points));
    found.sort_by(|a, b| b.surprise.total_cmp(&a.surprise).then(a.at.cmp(&b.at)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator that needs no crate (xorshift64*).
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: u64) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % n
        }
    }

    /// `items` of `days` days, at random times, of which `negative` and `positive` in a hundred are so.
    fn series(seed: u64, days: usize, items: usize, (negative, positive): (u64, u64)) -> Vec<Point> {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut points = vec![Point { items: 0, positive: 0, negative: 0, over: true }; days];
        for _ in 0..items {
            let point = &mut points[random.below(days as u64) as usize];
            point.items += 1;
            match random.below(100) {
                n if n < negative => point.negative += 1,
                n if n < negative + positive => point.positive += 1,
                _ => {}
            }
        }
        points
    }

    #[test]
    fn a_mean_is_as_far_from_another_as_two_coins() {
        let two = std::f64::consts::LN_2;
        assert!((divergence(-1.0, 0.0) - two).abs() < 1e-12 && (divergence(1.0, 0.0) - two).abs() < 1e-12);
        assert_eq!((divergence(0.3, 0.3), divergence(1.0, 1.0), divergence(-1.0, -1.0)), (0.0, 0.0, 0.0));
        assert!(divergence(0.9, 1.0) < 0.02, "a level of nothing but praise is not believed");
        assert!(
            divergence(0.5, 0.0) < divergence(0.6, 0.0) && divergence(0.2, 0.0) > 0.5 * 0.2 * 0.2 - 1e-12
        );
    }

    #[test]
    fn where_nothing_happens_nothing_is_found() {
        let mut found = 0;
        for seed in 1..=300 {
            for (days, items, shares) in [
                (30, 300, (30, 40)),
                (90, 9000, (5, 80)),
                (60, 120, (50, 50)),
                (365, 36_500, (20, 20)),
                (12, 100_000, (1, 2)),
            ] {
                found += unusual(&series(seed, days, items, shares), true).len();
            }
        }
        assert_eq!(found, 0, "of 1500 series");
    }

    #[test]
    fn what_was_planted_is_found_and_nothing_else() {
        for seed in 1..=20 {
            let mut points = series(seed, 60, 6000, (20, 50));
            points[40].items += 120;
            points[40].negative += 110;
            let found = unusual(&points, true);
            assert!(found.iter().all(|one| one.at == 40), "{found:?}");
            assert_eq!(found.len(), 2, "{found:?}");
            // A drop: nearly nothing comes in.
            let mut points = series(seed, 60, 6000, (20, 50));
            points[20] = Point { items: 20, positive: 10, negative: 4, over: true };
            let found = unusual(&points, true);
            assert_eq!(found.iter().map(|one| (one.at, one.kind)).collect::<Vec<_>>(), [(20, Kind::Volume)]);
            points[20].over = false;
            assert!(unusual(&points, true).is_empty(), "today is not over");
        }
    }

    #[test]
    fn a_bad_day_is_found_among_days_of_as_much() {
        let told = (1..=20).filter(|&seed| {
            let mut points = series(seed, 60, 1500, (30, 30));
            points[9] = Point { items: 35, positive: 0, negative: 35, over: true };
            let found = unusual(&points, true);
            found.iter().map(|one| (one.at, one.kind)).eq([(9, Kind::Sentiment)])
        });
        // Where other days happen to differ much, it is one of them.
        assert!(told.count() >= 19);
    }

    #[test]
    fn a_weekly_rhythm_and_a_rise_are_nothing_unusual() {
        for seed in 1..=50 {
            let mut random = Random((seed * 0x1234_5677) | 1);
            let mut points = vec![Point { items: 0, positive: 0, negative: 0, over: true }; 84];
            for _ in 0..12_000 {
                let at = random.below(84);
                // Of a hundred that would come at the best of times, so many do.
                let rate = (if at % 7 >= 5 { 20 } else { 100 }) * (84 + at) / 168;
                if random.below(100) < rate {
                    let point = &mut points[at as usize];
                    point.items += 1;
                    point.positive += i64::from(random.below(2) == 0);
                }
            }
            let found = unusual(&points, true);
            assert!(found.is_empty(), "{seed}: {found:?}");
        }
    }

    #[test]
    fn of_too_little_nothing_is_said() {
        assert!(unusual(&[], true).is_empty());
        let few = Point { items: 1000, positive: 0, negative: 0, over: true };
        assert!(unusual(&[few; 3], true).is_empty());
        let mut quiet = vec![Point { items: 0, positive: 0, negative: 0, over: true }; 60];
        quiet[30] = Point { items: 4, positive: 0, negative: 4, over: true };
        assert!(unusual(&quiet, true).is_empty());
    }
}
