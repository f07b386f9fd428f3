//! One class's probability as a detector of the class: what every threshold would find and cost.

use serde::Serialize;

use super::ranking::Ranking;

/// How far a left-out point of a curve may lie from what is kept of it, each way.
const TOLERANCE: f64 = 0.0005;

/// Curves of one class against the rest, a point for each threshold, from the highest down.
///
/// Points without which the curve looks the same (they lie within a thousandth of it) are left out: a
/// million rows leave a few hundred.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curves {
    /// (false positive rate, true positive rate), from (0, 0) to (1, 1); `None` where all rows, or none,
    /// are of the class.
    pub roc: Option<Vec<[f64; 2]>>,
    /// (recall, precision), from recall 0, where precision is 1 by convention, to recall 1; `None` where no
    /// row is of the class.
    pub precision_recall: Option<Vec<[f64; 2]>>,
}

/// The curves of `class`'s probability, as scikit-learn's `roc_curve` and `precision_recall_curve` draw
/// them; arguments as [`measure`](super::measure) takes them, which checks them.
pub fn curves(truth: &[u16], probs: &[f32], classes: usize, class: usize) -> Curves {
    let (roc, precision_recall) = full(truth, probs, classes, class);
    Curves { roc: roc.map(|c| thinned(&c)), precision_recall: precision_recall.map(|c| thinned(&c)) }
}

/// A curve's points.
type Points = Vec<[f64; 2]>;

/// Both curves with all their points.
fn full(truth: &[u16], probs: &[f32], classes: usize, class: usize) -> (Option<Points>, Option<Points>) {
    if class >= classes {
        return (None, None);
    }
    let ranking = Ranking::new(truth, probs, classes, class);
    let (all_inside, all_outside) = ranking.totals();
    let (mut inside, mut outside) = (0_u64, 0_u64);
    let mut roc = vec![[0.0, 0.0]];
    let mut precision_recall = vec![[0.0, 1.0]];
    for tie in ranking.falling() {
        inside += tie.inside;
        outside += tie.outside;
        roc.push([outside as f64 / all_outside as f64, inside as f64 / all_inside as f64]);
        precision_recall.push([inside as f64 / all_inside as f64, inside as f64 / (inside + outside) as f64]);
    }
    ((all_inside > 0 && all_outside > 0).then_some(roc), (all_inside > 0).then_some(precision_recall))
}

/// `points` without those that lie within twice [`TOLERANCE`] of the line through the others. First and
/// last stay.
pub(super) fn thinned(points: &[[f64; 2]]) -> Points {
    // Steps too small to see first: that is linear in the points, and leaves so few that the exact
    // method's worst case, quadratic, is short.
    let mut coarse: Points = Vec::new();
    for (at, &point) in points.iter().enumerate() {
        let moved = coarse.last().is_none_or(|last| {
            (point[0] - last[0]).abs() > TOLERANCE || (point[1] - last[1]).abs() > TOLERANCE
        });
        if moved || at + 1 == points.len() {
            coarse.push(point);
        }
    }
    simplified(&coarse)
}

/// Ramer (1972), Douglas and Peucker (1973): of a stretch its farthest point is kept while it lies more
/// than [`TOLERANCE`] off the line between the ends. A stack of stretches in place of recursion.
fn simplified(points: &[[f64; 2]]) -> Points {
    let Some(last) = points.len().checked_sub(1) else { return Vec::new() };
    let mut keep = vec![false; points.len()];
    (keep[0], keep[last]) = (true, true);
    let mut stretches = vec![(0, last)];
    while let Some((from, to)) = stretches.pop() {
        let mut farthest = (TOLERANCE, from);
        for at in from + 1..to {
            let far = distance(points[at], points[from], points[to]);
            if far > farthest.0 {
                farthest = (far, at);
            }
        }
        let at = farthest.1;
        if at != from {
            keep[at] = true;
            stretches.extend([(from, at), (at, to)]);
        }
    }
    points.iter().zip(keep).filter(|(_, keep)| *keep).map(|(point, _)| *point).collect()
}

/// Distance of `p` from the stretch between `a` and `b`.
fn distance(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length } else { 0.0 };
    let along = along.clamp(0.0, 1.0);
    libm::hypot(p[0] - a[0] - along * dx, p[1] - a[1] - along * dy)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        truth: Vec<u16>,
        scores: Vec<f32>,
        roc: Option<Vec<[f64; 2]>>,
        precision_recall: Option<Vec<[f64; 2]>>,
    }

    /// Written by `tests/goldens/curves.py`.
    fn cases() -> Vec<Case> {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/goldens/curves.json")).unwrap();
        serde_json::from_value(golden["curves"].clone()).unwrap()
    }

    #[track_caller]
    fn same(got: Option<Vec<[f64; 2]>>, want: Option<Vec<[f64; 2]>>) {
        let (Some(got), Some(want)) = (&got, &want) else {
            return assert_eq!(got, want);
        };
        assert_eq!(got.len(), want.len());
        for (g, w) in got.iter().flatten().zip(want.iter().flatten()) {
            assert!((g - w).abs() < 1e-12, "{g} {w}");
        }
    }

    #[test]
    fn every_point_is_scikit_learns() {
        for case in cases() {
            let probs: Vec<f32> = case.scores.iter().flat_map(|&p| [1.0 - p, p]).collect();
            let (roc, precision_recall) = full(&case.truth, &probs, 2, 1);
            same(roc, case.roc);
            same(precision_recall, case.precision_recall);
        }
    }

    #[test]
    fn straight_stretches_lose_their_middle_and_corners_stay() {
        let stairs = [[0.0, 0.0], [0.0, 0.25], [0.0, 0.5], [0.5, 0.5], [0.5, 0.75], [0.5, 1.0], [1.0, 1.0]];
        assert_eq!(thinned(&stairs), [[0.0, 0.0], [0.0, 0.5], [0.5, 0.5], [0.5, 1.0], [1.0, 1.0]]);
        assert_eq!(thinned(&[]), [[0.0; 2]; 0]);
        assert_eq!(thinned(&[[0.5, 0.5]]), [[0.5, 0.5]]);
    }

    /// Distance of a point from a curve.
    fn from_curve(point: [f64; 2], curve: &[[f64; 2]]) -> f64 {
        curve.windows(2).map(|w| distance(point, w[0], w[1])).fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn what_is_left_out_lies_within_a_thousandth(
            rows in prop::collection::vec((0..2_u16, 0.0..1.0_f32), 2..3000),
        ) {
            let truth: Vec<u16> = rows.iter().map(|r| r.0).collect();
            // Scores that tell something.
            let probs: Vec<f32> = rows
                .iter()
                .flat_map(|r| {
                    let p = (r.1 + f32::from(r.0)) / 2.0;
                    [1.0 - p, p]
                })
                .collect();
            let (roc, precision_recall) = full(&truth, &probs, 2, 1);
            for whole in [roc, precision_recall].into_iter().flatten() {
                let thin = thinned(&whole);
                for &point in &whole {
                    prop_assert!(from_curve(point, &thin) <= 0.001 + 1e-9, "{point:?}");
                }
            }
        }
    }

    #[test]
    fn a_hundred_thousand_rows_leave_a_few_hundred_points() {
        let rows = 100_000_u32;
        // A reproducible scramble.
        let scramble = |i: u32| f64::from(i.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX);
        let truth: Vec<u16> = (0..rows).map(|i| u16::from(scramble(i) < 0.5)).collect();
        let probs: Vec<f32> = (0..rows)
            .zip(&truth)
            .flat_map(|(i, &t)| {
                let p = (0.6 * scramble(i + rows) + 0.4 * f64::from(t)) as f32;
                [1.0 - p, p]
            })
            .collect();
        let curves = curves(&truth, &probs, 2, 1);
        for points in [curves.roc, curves.precision_recall] {
            let points = points.unwrap();
            assert!((3..800).contains(&points.len()), "{}", points.len());
        }
    }
}
