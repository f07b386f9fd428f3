//! Counts over time, stacked, with the spans that have no data shown as such.

use super::Series;
use super::axes::{self, Area, Key, RIM, Ruler, SMALL, WIDTH};
use crate::canvas::{Anchor, Canvas, Fill, Text};
use crate::figure::Figure;
use crate::fonts::width;
use crate::number::Number;
use crate::theme::Colour;
use crate::ticks::moment;

/// Stacked bars on a true time axis.
#[derive(Debug, Clone)]
pub struct Timeline {
    title: String,
    subtitle: String,
    value_axis: String,
    starts: Vec<i64>,
    bin: i64,
    series: Vec<Series>,
    number: Number,
}

impl Timeline {
    /// `starts`: where each bin begins, seconds since 1970, rising; every bin is `bin` seconds long (at least 1).
    /// Bins without rows may be left out: they are gaps either way.
    pub fn new(
        title: impl Into<String>,
        value_axis: impl Into<String>,
        starts: impl IntoIterator<Item = i64>,
        bin: i64,
    ) -> Self {
        Self {
            title: title.into(),
            subtitle: String::new(),
            value_axis: value_axis.into(),
            starts: starts.into_iter().collect(),
            bin: bin.max(1),
            series: Vec::new(),
            number: Number::Count,
        }
    }

    /// A line below the title.
    pub fn subtitle(self, subtitle: impl Into<String>) -> Self {
        Self { subtitle: subtitle.into(), ..self }
    }

    /// One series for each class: a value per bin.
    pub fn all(mut self, series: impl IntoIterator<Item = Series>) -> Self {
        self.series.extend(series);
        self
    }

    /// How values are written; whole numbers otherwise.
    pub fn number(self, number: Number) -> Self {
        Self { number, ..self }
    }

    fn sum(&self, at: usize) -> f64 {
        self.series.iter().filter_map(|s| s.value(at)).map(|value| value.max(0.0)).sum()
    }

    /// The picture.
    pub fn draw(&self, name: &str) -> Figure {
        let mut canvas = Canvas::new();
        let top = axes::heading(&mut canvas, &self.title, &self.subtitle, WIDTH);
        let filled: Vec<usize> = (0..self.starts.len()).filter(|&at| self.sum(at) > 0.0).collect();
        let ends = filled.iter().map(|&at| self.starts[at]);
        let (Some(first), Some(last)) = (ends.clone().min(), ends.max()) else {
            let bottom = axes::nothing(&mut canvas, top);
            return Figure::new(name, &self.title, "No data.", [WIDTH, bottom], canvas);
        };
        let last = last.saturating_add(self.bin);
        let gaps = self.gaps(&filled);
        let mut entries: Vec<_> =
            self.series.iter().map(|s| (s.name.as_str(), s.colour, Key::Box(1.0))).collect();
        if !gaps.is_empty() {
            entries.push(("no data", Colour::Muted, Key::Box(GAP)));
        }
        let top = if entries.len() > 1 { axes::legend(&mut canvas, top, &entries, WIDTH) } else { top };
        // A few bars alone stay slim: there is room for eight.
        let spare = self.bin.saturating_mul(8).saturating_sub(last.saturating_sub(first)).max(0) / 2;
        let x = Ruler::time(first.saturating_sub(spare), last.saturating_add(spare), 8);
        let y = Ruler::linear(0.0, filled.iter().map(|&at| self.sum(at)).fold(0.0, f64::max), self.number, 5);
        let left = axes::left_room(&y, &self.value_axis);
        let area = Area { left, top: top + 10.0, right: WIDTH - RIM - 8.0, bottom: top + 250.0 };
        axes::left_axis(&mut canvas, &area, &y, &self.value_axis);
        axes::bottom_axis(&mut canvas, &area, &x, &format!("time (UTC), bars of {}", span(self.bin)), false);
        for &(from, to) in &gaps {
            let (a, b) = (x.x(from as f64, &area), x.x(to as f64, &area));
            let hint = format!("no data from {} to {}", moment(from), moment(to));
            canvas.rect([a, area.top, b - a, area.bottom - area.top], Fill(Colour::Muted, GAP), Some(&hint));
            if b - a > width("no data", SMALL, false) + 8.0 {
                let text = Text::new((a + b) / 2.0, (area.top + area.bottom) / 2.0, "no data")
                    .anchor(Anchor::Middle);
                canvas.text(&text.size(SMALL).colour(Colour::Muted));
            }
        }
        for &at in &filled {
            let start = self.starts[at];
            let (a, b) = (x.x(start as f64, &area), x.x(start.saturating_add(self.bin) as f64, &area));
            // A hair between bars where there is room for it.
            let wide = if b - a > 3.0 { b - a - 0.8 } else { (b - a).max(0.8) };
            let mut below = 0.0;
            for series in &self.series {
                let value = series.value(at).unwrap_or(0.0).max(0.0);
                let (low, high) = (y.y(below, &area), y.y(below + value, &area));
                let hint = format!("{}, {}: {}", moment(start), series.name, self.number.show(value));
                canvas.rect([a, high, wide, low - high], Fill(series.colour, 1.0), Some(&hint));
                below += value;
            }
        }
        axes::zero_line(&mut canvas, [area.left, area.bottom], [area.right, area.bottom]);
        let description = format!(
            "{} from {} to {}, stacked by {}; {} spans without data.",
            self.value_axis,
            moment(first),
            moment(last),
            self.series.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", "),
            gaps.len()
        );
        let height = area.bottom + axes::bottom_room("time");
        Figure::new(name, &self.title, &description, [WIDTH, height], canvas)
    }

    /// Spans between filled bins in which at least one whole bin is missing.
    fn gaps(&self, filled: &[usize]) -> Vec<(i64, i64)> {
        let mut starts: Vec<i64> = filled.iter().map(|&at| self.starts[at]).collect();
        starts.sort_unstable();
        let spans = starts.windows(2).map(|pair| (pair[0].saturating_add(self.bin), pair[1]));
        spans.filter(|(from, to)| to.saturating_sub(*from) >= self.bin).collect()
    }
}

/// Opacity of spans without data.
const GAP: f64 = 0.14;

/// A length of time in the largest unit that divides it.
fn span(seconds: i64) -> String {
    let units = [(31_536_000, "year"), (604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute")];
    let (size, name) = units.into_iter().find(|(size, _)| seconds % size == 0).unwrap_or((1, "second"));
    if seconds == size { format!("one {name}") } else { format!("{} {name}s", seconds / size) }
}
