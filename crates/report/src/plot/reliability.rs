//! The reliability diagram: does 80 % mean right four times out of five?

use super::axes::{self, Area, Key, Ruler, WIDTH};
use crate::canvas::{Canvas, Fill, Stroke};
use crate::figure::Figure;
use crate::number::Number;
use crate::theme::Colour;

/// Predictions of similar probability.
#[derive(Debug, Clone, Copy)]
pub struct Bin {
    /// Mean predicted probability, 0 to 1.
    pub predicted: f64,
    /// Share of them that was true, 0 to 1.
    pub observed: f64,
    /// How many predictions there are.
    pub count: u64,
    /// Interval of `observed`, low and high, where known.
    pub interval: Option<(f64, f64)>,
}

/// Observed over predicted probability with, below it, how many predictions each bin has.
#[derive(Debug, Clone)]
pub struct Reliability {
    title: String,
    bins: Vec<Bin>,
    ece: Option<f64>,
}

impl Reliability {
    /// Bins in order of their probability; those without predictions are left out of the curve.
    pub fn new(title: impl Into<String>, bins: impl IntoIterator<Item = Bin>) -> Self {
        Self { title: title.into(), bins: bins.into_iter().collect(), ece: None }
    }

    /// The expected calibration error, 0 to 1, said below the title.
    pub fn ece(self, ece: f64) -> Self {
        Self { ece: Some(ece), ..self }
    }

    /// The picture.
    pub fn draw(&self, name: &str) -> Figure {
        let mut canvas = Canvas::new();
        let subtitle = self.ece.map_or(String::new(), |ece| {
            format!("expected calibration error (ECE) {}", Number::Decimal(3).show(ece))
        });
        let wide = axes::SQUARE + 104.0;
        let top = axes::heading(&mut canvas, &self.title, &subtitle, wide);
        let bins: Vec<&Bin> = self
            .bins
            .iter()
            .filter(|bin| bin.count > 0 && bin.predicted.is_finite() && bin.observed.is_finite())
            .collect();
        if bins.is_empty() {
            let bottom = axes::nothing(&mut canvas, top);
            return Figure::new(name, &self.title, "No data.", [WIDTH, bottom], canvas);
        }
        let entries = [
            ("observed, with interval", Colour::Positive, Key::Line { dashed: false }),
            ("perfect calibration", Colour::Neutral, Key::Line { dashed: true }),
        ];
        let top = axes::legend(&mut canvas, top, &entries, wide);
        let unit = Ruler::linear(0.0, 1.0, Number::Plain, 5);
        let highest = bins.iter().map(|bin| bin.count as f64).fold(0.0, f64::max);
        let counts = Ruler::linear(0.0, highest, Number::Compact, 2);
        let left = axes::left_room(&unit, "share").max(axes::left_room(&counts, "rows"));
        let upper =
            Area { left, top: top + 8.0, right: left + axes::SQUARE, bottom: top + 8.0 + axes::SQUARE };
        let lower = Area { top: upper.bottom + 22.0, bottom: upper.bottom + 102.0, ..upper };
        axes::left_axis(&mut canvas, &upper, &unit, "share that is true");
        for (value, _) in &unit.ticks {
            let x = unit.x(*value, &upper);
            canvas.line([x, upper.top], [x, upper.bottom], Stroke(Colour::Grid, 1.0, false));
        }
        axes::left_axis(&mut canvas, &lower, &counts, "rows");
        axes::bottom_axis(&mut canvas, &lower, &unit, "predicted probability", false);
        let diagonal = Stroke(Colour::Neutral, 1.6, true);
        canvas.line([upper.left, upper.bottom], [upper.right, upper.top], diagonal);
        let place = |bin: &Bin| [unit.x(bin.predicted, &upper), unit.y(bin.observed, &upper)];
        let points: Vec<_> = bins.iter().map(|bin| place(bin)).collect();
        canvas.polyline(&points, Stroke(Colour::Positive, 2.2, false), None);
        // Neighbours' bars do not touch, however close their mean predictions are.
        let nearest = points.windows(2).map(|pair| pair[1][0] - pair[0][0]).fold(f64::INFINITY, f64::min);
        let thick = (axes::SQUARE / bins.len() as f64 * 0.7).min(nearest * 0.85).clamp(2.0, 24.0);
        for bin in bins {
            let [x, y] = place(bin);
            if let Some((low, high)) = bin.interval.filter(|(low, high)| low.is_finite() && high.is_finite())
            {
                axes::whisker(&mut canvas, [x, unit.y(low, &upper)], [x, unit.y(high, &upper)]);
            }
            let hint = format!(
                "predicted {}, observed {}, {} rows",
                Number::Decimal(3).show(bin.predicted),
                Number::Decimal(3).show(bin.observed),
                Number::Count.show(bin.count as f64)
            );
            canvas.circle([x, y], 4.0, Fill(Colour::Positive, 1.0), Some(&hint));
            let height = counts.y(bin.count as f64, &lower);
            let from = (x - thick / 2.0).max(lower.left);
            let to = (x + thick / 2.0).min(lower.right);
            canvas.rect(
                [from, height, to - from, lower.bottom - height],
                Fill(Colour::Positive, 0.75),
                Some(&hint),
            );
        }
        axes::zero_line(&mut canvas, [lower.left, lower.bottom], [lower.right, lower.bottom]);
        let description =
            format!("Reliability diagram: observed share over predicted probability. {subtitle}");
        let height = lower.bottom + axes::bottom_room("predicted probability");
        Figure::new(name, &self.title, &description, [wide, height], canvas)
    }
}
