//! Parallel coordinates: one line per run, one upright axis per setting and measure, each with its own scale.

use super::axes::{self, RIM, SMALL, WIDTH};
use crate::canvas::{Anchor, Canvas, Fill, Stroke, Text};
use crate::figure::Figure;
use crate::fonts::{drawable, elide};
use crate::number::Number;
use crate::theme::Colour;

/// What stands on an axis.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers, in proportion; NaN where a line has none.
    Numbers(Vec<f64>, Number),
    /// Names, at even distances in the order of their first occurrence; empty where a line has none.
    Names(Vec<String>),
}

/// One upright axis.
#[derive(Debug, Clone)]
struct Axis {
    name: String,
    /// Places between 0 (bottom) and 1 (top), one for each line.
    places: Vec<Option<f64>>,
    /// Marks: place and label.
    marks: Vec<(f64, String)>,
}

/// Lines across upright axes: which settings go with which results.
#[derive(Debug, Clone)]
pub struct Parallel {
    title: String,
    subtitle: String,
    lines: Vec<(String, Colour)>,
    axes: Vec<Axis>,
}

impl Parallel {
    /// With a line for each name.
    pub fn new<S: Into<String>>(
        title: impl Into<String>,
        lines: impl IntoIterator<Item = (S, Colour)>,
    ) -> Self {
        let lines = lines.into_iter().map(|(name, colour)| (name.into(), colour)).collect();
        Self { title: title.into(), subtitle: String::new(), lines, axes: Vec::new() }
    }

    /// A line below the title.
    pub fn subtitle(self, subtitle: impl Into<String>) -> Self {
        Self { subtitle: subtitle.into(), ..self }
    }

    /// One more axis, at the right, with a value for each line.
    pub fn axis(mut self, name: impl Into<String>, values: Values) -> Self {
        let (places, marks) = match values {
            Values::Numbers(numbers, number) => of_numbers(&numbers, number),
            Values::Names(names) => of_names(&names),
        };
        self.axes.push(Axis { name: name.into(), places, marks });
        self
    }

    /// The picture.
    pub fn draw(&self, name: &str) -> Figure {
        const HIGH: f64 = 260.0;
        let mut canvas = Canvas::new();
        let top = axes::heading(&mut canvas, &self.title, &self.subtitle, WIDTH);
        if self.lines.is_empty() || self.axes.len() < 2 {
            let bottom = axes::nothing(&mut canvas, top);
            return Figure::new(name, &self.title, "No data.", [WIDTH, bottom], canvas);
        }
        let entries: Vec<_> = self
            .lines
            .iter()
            .map(|(line, colour)| (line.as_str(), *colour, axes::Key::Line { dashed: false }))
            .collect();
        // Of many lines a legend tells nothing; each says its name when pointed at.
        let top = if entries.len() <= 12 { axes::legend(&mut canvas, top, &entries, WIDTH) } else { top };
        let apart = (WIDTH - 2.0 * RIM - 100.0) / (self.axes.len() - 1) as f64;
        let (upper, lower) = (top + 30.0, top + 30.0 + HIGH);
        let x = |at: usize| RIM + 50.0 + apart * at as f64;
        let y = |place: f64| lower - place * HIGH;
        for (at, axis) in self.axes.iter().enumerate() {
            canvas.line([x(at), upper], [x(at), lower], Stroke(Colour::Muted, 1.2, false));
            let full = drawable(&axis.name);
            // Names of neighbours stand at two heights: they may be long.
            let shown =
                elide(&full, SMALL, true, apart.min(150.0) * if self.axes.len() > 5 { 1.7 } else { 1.0 });
            let height = if at % 2 == 0 || self.axes.len() <= 5 { upper - 10.0 } else { lower + 20.0 };
            canvas.text(&Text::new(x(at), height, &shown).bold().anchor(Anchor::Middle).title(&full));
        }
        for (line, (name, colour)) in self.lines.iter().enumerate() {
            // A missing value breaks the line: a neighbour's would be made up.
            let mut piece: Vec<[f64; 2]> = Vec::new();
            for (at, axis) in self.axes.iter().enumerate() {
                match axis.places.get(line).copied().flatten() {
                    Some(place) => piece.push([x(at), y(place)]),
                    None => self.piece(&mut canvas, &std::mem::take(&mut piece), *colour, name),
                }
            }
            self.piece(&mut canvas, &piece, *colour, name);
        }
        for (at, axis) in self.axes.iter().enumerate() {
            for (place, label) in &axis.marks {
                let full = drawable(label);
                let shown = elide(&full, 11.0, false, (apart - 14.0).clamp(30.0, 120.0));
                canvas.text(&Text::new(x(at) + 7.0, y(*place) - 6.0, &shown).size(11.0).title(&full));
            }
        }
        let description = format!("{} lines across {} axes.", self.lines.len(), self.axes.len());
        Figure::new(name, &self.title, &description, [WIDTH, lower + 20.0 + RIM * 1.5], canvas)
    }

    fn piece(&self, canvas: &mut Canvas, points: &[[f64; 2]], colour: Colour, name: &str) {
        let wide = if self.lines.len() > 30 { 1.2 } else { 2.0 };
        if points.len() > 1 {
            canvas.polyline(points, Stroke(colour, wide, false), Some(name));
        }
        for point in points {
            canvas.circle(*point, wide + 1.2, Fill(colour, 1.0), Some(name));
        }
    }
}

type Placed = (Vec<Option<f64>>, Vec<(f64, String)>);

fn of_numbers(numbers: &[f64], number: Number) -> Placed {
    let finite = || numbers.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let place = |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 };
    let places = numbers.iter().map(|value| value.is_finite().then(|| place(*value))).collect();
    let mut marks: Vec<f64> = Vec::new();
    if low <= high {
        // Measured values, not round ones: they are few, and are what the lines go through.
        let mut sorted: Vec<f64> = finite().collect();
        sorted.sort_by(f64::total_cmp);
        for value in [low, high].into_iter().chain(sorted) {
            if marks.iter().all(|mark| (place(*mark) - place(value)).abs() > 0.06) {
                marks.push(value);
            }
        }
    }
    (places, marks.into_iter().map(|value| (place(value), number.show(value))).collect())
}

fn of_names(names: &[String]) -> Placed {
    let mut order: Vec<&str> = Vec::new();
    for name in names.iter().filter(|name| !name.is_empty()) {
        if !order.contains(&name.as_str()) {
            order.push(name);
        }
    }
    let last = order.len().saturating_sub(1);
    let place = |at: usize| if last == 0 { 0.5 } else { at as f64 / last as f64 };
    let places = names.iter().map(|name| order.iter().position(|known| known == name).map(place)).collect();
    (places, order.iter().enumerate().map(|(at, name)| (place(at), (*name).to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_goes_through_its_values() {
        let plot = Parallel::new(
            "Runs",
            [("a", Colour::Cycle(0)), ("b", Colour::Cycle(1)), ("<c>", Colour::Cycle(2))],
        )
        .axis("c", Values::Numbers(vec![0.5, 1.0, f64::NAN], Number::Decimal(1)))
        .axis("recipe", Values::Names(vec!["en".to_owned(), "fr".to_owned(), "en".to_owned()]))
        .axis("accuracy", Values::Numbers(vec![0.7, 0.7, 0.7], Number::Percent(1)));
        assert_eq!(plot.axes[0].places, [Some(0.0), Some(1.0), None]);
        assert_eq!(plot.axes[1].places, [Some(0.0), Some(1.0), Some(0.0)]);
        assert_eq!(plot.axes[2].places, [Some(0.5); 3]);
        assert_eq!(plot.axes[2].marks, [(0.5, "70.0\u{a0}%".to_owned())]);
        let svg = plot.draw("parallel").svg();
        assert_eq!(svg.matches("stroke-linejoin=\"round\"").count(), 3, "a line for each run");
        assert!(svg.contains("&lt;c&gt;") && !svg.contains("<c>"));
        assert!(roxmltree::Document::parse(&svg).is_ok());
        let empty = Parallel::new("Runs", Vec::<(String, Colour)>::new()).draw("none").svg();
        assert!(empty.contains("no data"));
    }
}
