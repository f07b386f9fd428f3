//! Lines: curves over a quantity, with bands around them. ROC, precision–recall, Heaps, learning and coverage curves.

use super::axes::{self, Area, Key, RIM, Ruler, WIDTH};
use crate::canvas::{Anchor, Canvas, Fill, Stroke, Text};
use crate::figure::Figure;
use crate::fonts::drawable;
use crate::number::Number;
use crate::theme::Colour;

/// How values become positions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// In proportion, between round values around the data.
    Linear,
    /// In proportion, between round values around the data and 0.
    FromZero,
    /// Exactly between two bounds; points outside stand at the rim.
    Between(f64, f64),
    /// In proportion to the logarithm; values at or below 0 are gaps.
    Log,
    /// Seconds since 1970, UTC.
    Time,
}

/// One curve.
#[derive(Debug, Clone)]
pub struct Line {
    name: String,
    colour: Colour,
    points: Vec<(f64, f64)>,
    band: Vec<(f64, f64, f64)>,
    dashed: bool,
    marked: bool,
}

impl Line {
    /// Through `points` (x, y) in their order; one that is not finite leaves a gap.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let name = name.into();
        let colour = Colour::of_label(&name).unwrap_or(Colour::Positive);
        let points = points.into_iter().collect();
        Self { name, colour, points, band: Vec::new(), dashed: false, marked: false }
    }

    /// In another colour.
    pub fn colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// With a band from low to high: (x, low, high).
    pub fn band(self, band: impl IntoIterator<Item = (f64, f64, f64)>) -> Self {
        Self { band: band.into_iter().collect(), ..self }
    }

    /// Dashed: a reference, a fit, a second set of data.
    pub fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }

    /// With a dot at each point: few points, each measured.
    pub fn marked(self) -> Self {
        Self { marked: true, ..self }
    }
}

/// Curves that share their axes.
#[derive(Debug, Clone)]
pub struct Lines {
    title: String,
    subtitle: String,
    x: (String, Scale, Number),
    y: (String, Scale, Number),
    lines: Vec<Line>,
    square: bool,
    marks: Vec<(f64, String)>,
}

impl Lines {
    /// Without curves yet; axis titles say what is measured, in which unit.
    pub fn new(title: impl Into<String>, x_axis: impl Into<String>, y_axis: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            subtitle: String::new(),
            x: (x_axis.into(), Scale::Linear, Number::Plain),
            y: (y_axis.into(), Scale::Linear, Number::Plain),
            lines: Vec::new(),
            square: false,
            marks: Vec::new(),
        }
    }

    /// Receiver operating characteristics: each curve's points are (false positive rate, true positive rate).
    pub fn roc(title: impl Into<String>) -> Self {
        let chance = Line::new("chance", [(0.0, 0.0), (1.0, 1.0)]).colour(Colour::Neutral).dashed();
        Self::new(title, "false positive rate", "true positive rate").unit_square().line(chance)
    }

    /// Precision over recall: each curve's points are (recall, precision).
    pub fn precision_recall(title: impl Into<String>) -> Self {
        Self::new(title, "recall", "precision").unit_square()
    }

    /// Vocabulary growth: points are (tokens read, different words seen), both axes logarithmic.
    pub fn heaps(title: impl Into<String>) -> Self {
        Self::new(title, "tokens read", "different words seen")
            .x(Scale::Log, Number::Compact)
            .y(Scale::Log, Number::Compact)
    }

    fn unit_square(self) -> Self {
        let unit = Scale::Between(0.0, 1.0);
        Self { square: true, ..self }.x(unit, Number::Plain).y(unit, Number::Plain)
    }

    /// A line below the title.
    pub fn subtitle(self, subtitle: impl Into<String>) -> Self {
        Self { subtitle: subtitle.into(), ..self }
    }

    /// How the horizontal axis runs and how its values are written.
    pub fn x(self, scale: Scale, number: Number) -> Self {
        Self { x: (self.x.0, scale, number), ..self }
    }

    /// How the vertical axis runs and how its values are written; `Scale::Time` is for the horizontal axis alone.
    pub fn y(self, scale: Scale, number: Number) -> Self {
        Self { y: (self.y.0, scale, number), ..self }
    }

    /// One more curve, drawn over the earlier ones.
    pub fn line(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }

    /// A vertical mark with a name: the chosen threshold, the chosen size.
    pub fn mark(mut self, x: f64, name: impl Into<String>) -> Self {
        self.marks.push((x, name.into()));
        self
    }

    /// The picture.
    pub fn draw(&self, name: &str) -> Figure {
        let mut canvas = Canvas::new();
        let wide = if self.square { axes::SQUARE + 88.0 } else { WIDTH };
        let top = axes::heading(&mut canvas, &self.title, &self.subtitle, wide);
        let (Some(x), Some(y)) = (self.ruler(true), self.ruler(false)) else {
            let bottom = axes::nothing(&mut canvas, top);
            return Figure::new(name, &self.title, "No data.", [WIDTH, bottom], canvas);
        };
        let mut entries: Vec<_> = self
            .lines
            .iter()
            .map(|line| (line.name.as_str(), line.colour, Key::Line { dashed: line.dashed }))
            .collect();
        // What was measured first, what it is compared with after.
        entries.sort_by_key(|entry| entry.2 == Key::Line { dashed: true });
        let top = if entries.len() > 1 { axes::legend(&mut canvas, top, &entries, wide) } else { top };
        let left = axes::left_room(&y, &self.y.0);
        let head = if self.marks.is_empty() { 10.0 } else { 26.0 };
        let (right, high) =
            if self.square { (left + axes::SQUARE, axes::SQUARE) } else { (WIDTH - RIM - 8.0, 280.0) };
        let area = Area { left, top: top + head, right, bottom: top + head + high };
        axes::left_axis(&mut canvas, &area, &y, &self.y.0);
        axes::bottom_axis(&mut canvas, &area, &x, &self.x.0, true);
        self.draw_marks(&mut canvas, &area, &x);
        for line in &self.lines {
            for run in self.runs(line.band.iter().map(|&(at, low, high)| ([at, low], Some(high)))) {
                let upper = run.iter().map(|(p, high)| [x.x(p[0], &area), y.y(high.unwrap_or(p[1]), &area)]);
                let lower = run.iter().rev().map(|(p, _)| [x.x(p[0], &area), y.y(p[1], &area)]);
                let outline: Vec<_> = upper.chain(lower).collect();
                canvas.polygon(&outline, Fill(line.colour, 0.2), None);
            }
        }
        for line in &self.lines {
            for run in self.runs(line.points.iter().map(|&(at, value)| ([at, value], None))) {
                let places: Vec<_> = run.iter().map(|(p, _)| [x.x(p[0], &area), y.y(p[1], &area)]).collect();
                let wide = if line.dashed { 1.6 } else { 2.2 };
                canvas.polyline(&thinned(&places), Stroke(line.colour, wide, line.dashed), Some(&line.name));
                if line.marked || places.len() == 1 {
                    for ((point, _), place) in run.iter().zip(&places) {
                        let at = match self.x.1 {
                            Scale::Time => crate::ticks::moment(point[0] as i64),
                            _ => self.x.2.show(point[0]),
                        };
                        let hint = format!("{}: {} at {at}", line.name, self.y.2.show(point[1]));
                        canvas.circle(*place, 3.5, Fill(line.colour, 1.0), Some(&hint));
                    }
                }
            }
        }
        let names: Vec<&str> = self.lines.iter().map(|line| line.name.as_str()).collect();
        let description = format!("{} over {}: {}.", self.y.0, self.x.0, names.join(", "));
        Figure::new(
            name,
            &self.title,
            &description,
            [wide, area.bottom + axes::bottom_room(&self.x.0)],
            canvas,
        )
    }

    fn draw_marks(&self, canvas: &mut Canvas, area: &Area, x: &Ruler) {
        for (value, name) in self.marks.iter().filter(|(value, _)| value.is_finite()) {
            let at = x.x(*value, area);
            canvas.line([at, area.top - 6.0], [at, area.bottom], Stroke(Colour::Muted, 1.2, true));
            let name = drawable(name);
            let name = crate::fonts::elide(&name, 11.0, false, area.width() / 2.0);
            let half = crate::fonts::width(&name, 11.0, false) / 2.0;
            let place = at.clamp(RIM + half, area.right + 8.0 - half);
            let text = Text::new(place, area.top - 10.0, &name).size(11.0).anchor(Anchor::Middle);
            canvas.text(&text.colour(Colour::Muted));
        }
    }

    /// Whether a point can stand on the axes.
    fn sound(&self, [x, y]: [f64; 2]) -> bool {
        let sound = |value: f64, scale: Scale| value.is_finite() && (scale != Scale::Log || value > 0.0);
        sound(x, self.x.1) && sound(y, self.y.1)
    }

    /// Points up to each gap.
    fn runs(
        &self,
        points: impl Iterator<Item = ([f64; 2], Option<f64>)>,
    ) -> Vec<Vec<([f64; 2], Option<f64>)>> {
        let mut runs = vec![Vec::new()];
        for (point, high) in points {
            if self.sound(point) && high.is_none_or(f64::is_finite) {
                runs.last_mut().expect("there is always a run").push((point, high));
            } else {
                runs.push(Vec::new());
            }
        }
        runs.retain(|run| !run.is_empty());
        runs
    }

    fn ruler(&self, horizontal: bool) -> Option<Ruler> {
        let points = self.lines.iter().flat_map(|line| {
            let bands = line.band.iter().flat_map(|&(x, low, high)| [[x, low], [x, high]]);
            line.points.iter().map(|&(x, y)| [x, y]).chain(bands)
        });
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for point in points.filter(|point| self.sound(*point)) {
            let value = point[usize::from(!horizontal)];
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            return None;
        }
        let (_, scale, number) = if horizontal { &self.x } else { &self.y };
        let most = if horizontal { 7 } else { 5 };
        Some(match *scale {
            Scale::Linear => Ruler::linear(low, high, *number, most),
            Scale::FromZero => Ruler::linear(low.min(0.0), high.max(0.0), *number, most),
            Scale::Between(low, high) => Ruler::linear(low, high, *number, most),
            Scale::Log => Ruler::log(low, high, *number),
            Scale::Time => Ruler::time(low as i64, high as i64, most),
        })
    }
}

/// Points that stand out by less than a third of a unit from their neighbours left out: a curve of a million points
/// is a thousand long, and looks the same.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut kept: Vec<[f64; 2]> = Vec::with_capacity(points.len().min(2_048));
    for (at, point) in points.iter().enumerate() {
        let far = kept.last().is_none_or(|last| {
            let (dx, dy) = (point[0] - last[0], point[1] - last[1]);
            dx * dx + dy * dy > 0.11
        });
        if far || at + 1 == points.len() {
            kept.push(*point);
        }
    }
    kept
}
