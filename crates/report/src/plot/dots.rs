//! Dots with intervals: one measurement per language, channel, length; the weak ones marked.

use super::axes::{self, Area, Key, RIM, Ruler, SMALL, WIDTH};
use crate::canvas::{Anchor, Canvas, Fill, Stroke, Text};
use crate::figure::Figure;
use crate::fonts::{drawable, elide, width};
use crate::number::Number;
use crate::theme::Colour;

/// One measurement.
#[derive(Debug, Clone)]
pub struct Dot {
    group: String,
    name: String,
    value: f64,
    interval: Option<(f64, f64)>,
    note: String,
    weak: bool,
}

impl Dot {
    /// Of what, and how much.
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        Self {
            group: String::new(),
            name: name.into(),
            value,
            interval: None,
            note: String::new(),
            weak: false,
        }
    }

    /// Under a heading: dots of one group follow each other.
    pub fn group(self, group: impl Into<String>) -> Self {
        Self { group: group.into(), ..self }
    }

    /// With its interval.
    pub fn interval(self, low: f64, high: f64) -> Self {
        Self { interval: Some((low, high)), ..self }
    }

    /// Said at the right: how many rows it rests on.
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// Marked: clearly below the rest.
    pub fn weak(self, weak: bool) -> Self {
        Self { weak, ..self }
    }
}

/// Dots below each other on one axis.
#[derive(Debug, Clone)]
pub struct Dots {
    title: String,
    subtitle: String,
    axis: String,
    dots: Vec<Dot>,
    number: Number,
    reference: Option<(f64, String)>,
}

impl Dots {
    /// Without dots yet.
    pub fn new(title: impl Into<String>, axis: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            subtitle: String::new(),
            axis: axis.into(),
            dots: Vec::new(),
            number: Number::Decimal(3),
            reference: None,
        }
    }

    /// A line below the title.
    pub fn subtitle(self, subtitle: impl Into<String>) -> Self {
        Self { subtitle: subtitle.into(), ..self }
    }

    /// Several more dots.
    pub fn dots(mut self, dots: impl IntoIterator<Item = Dot>) -> Self {
        self.dots.extend(dots);
        self
    }

    /// How values are written; three decimals otherwise.
    pub fn number(self, number: Number) -> Self {
        Self { number, ..self }
    }

    /// A vertical line to compare with, and its name: the value over all rows.
    pub fn reference(self, value: f64, name: impl Into<String>) -> Self {
        Self { reference: value.is_finite().then(|| (value, name.into())), ..self }
    }

    /// The picture.
    pub fn draw(&self, name: &str) -> Figure {
        const ROW: f64 = 24.0;
        const NAMES: f64 = 230.0;
        let mut canvas = Canvas::new();
        let top = axes::heading(&mut canvas, &self.title, &self.subtitle, WIDTH);
        let ends = |dot: &Dot| [Some(dot.value), dot.interval.map(|i| i.0), dot.interval.map(|i| i.1)];
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let reference = self.reference.iter().map(|(value, _)| *value);
        for value in self.dots.iter().flat_map(ends).flatten().chain(reference).filter(|v| v.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if self.dots.is_empty() || low > high {
            let bottom = axes::nothing(&mut canvas, top);
            return Figure::new(name, &self.title, "No data.", [WIDTH, bottom], canvas);
        }
        let mut entries = vec![("value with interval", Colour::Positive, Key::Dot)];
        if self.dots.iter().any(|dot| dot.weak) {
            entries.push(("weak", Colour::Negative, Key::Ring));
        }
        if let Some((_, name)) = &self.reference {
            entries.push((name, Colour::Muted, Key::Line { dashed: true }));
        }
        let top = if entries.len() > 1 { axes::legend(&mut canvas, top, &entries, WIDTH) } else { top };
        let groups: usize = (0..self.dots.len()).filter(|&at| self.heads(at)).count();
        let names = self.dots.iter().map(|dot| width(&drawable(&dot.name), SMALL, false)).fold(0.0, f64::max);
        let heads = self.dots.iter().map(|dot| width(&drawable(&dot.group), SMALL, true)).fold(0.0, f64::max);
        let notes =
            self.dots.iter().map(|dot| width(&self.note(dot), 11.0, false)).fold(0.0, f64::max).min(180.0);
        let area = Area {
            left: RIM + names.max(heads).min(NAMES) + 14.0,
            top: top + 4.0,
            right: WIDTH - RIM - notes - 12.0,
            bottom: top + 8.0 + ROW * (self.dots.len() + groups) as f64,
        };
        let x = Ruler::linear(low, high, self.number, 6);
        axes::bottom_axis(&mut canvas, &area, &x, &self.axis, true);
        if let Some((value, _)) = &self.reference {
            let at = x.x(*value, &area);
            canvas.line([at, area.top], [at, area.bottom], Stroke(Colour::Muted, 1.4, true));
        }
        let mut y = area.top + 2.0 + ROW / 2.0;
        for (at, dot) in self.dots.iter().enumerate() {
            if self.heads(at) {
                let group = drawable(&dot.group);
                let cut = elide(&group, SMALL, true, NAMES);
                canvas.text(&Text::new(RIM, y + 4.2, &cut).bold().title(&group));
                y += ROW;
            }
            let full = drawable(&dot.name);
            let cut = elide(&full, SMALL, false, NAMES);
            let label = Text::new(area.left - 10.0, y + 4.2, &cut).anchor(Anchor::End);
            canvas.text(&label.title(&full));
            self.draw_dot(&mut canvas, dot, &x, &area, y);
            let note = self.note(dot);
            let cut = elide(&note, 11.0, false, 180.0);
            canvas.text(
                &Text::new(area.right + 12.0, y + 4.0, &cut).size(11.0).colour(Colour::Muted).title(&note),
            );
            y += ROW;
        }
        let weak: Vec<&str> = self.dots.iter().filter(|dot| dot.weak).map(|dot| dot.name.as_str()).collect();
        let description = format!("{} of {} cells; weak: {}.", self.axis, self.dots.len(), weak.join(", "));
        let height = area.bottom + axes::bottom_room(&self.axis);
        Figure::new(name, &self.title, &description, [WIDTH, height], canvas)
    }

    /// Whether the dot at `at` opens a group.
    fn heads(&self, at: usize) -> bool {
        let group = &self.dots[at].group;
        !group.is_empty() && (at == 0 || self.dots[at - 1].group != *group)
    }

    fn note(&self, dot: &Dot) -> String {
        let value = self.number.show(dot.value);
        if dot.note.is_empty() { value } else { format!("{value} · {}", drawable(&dot.note)) }
    }

    fn draw_dot(&self, canvas: &mut Canvas, dot: &Dot, x: &Ruler, area: &Area, y: f64) {
        let colour = if dot.weak { Colour::Negative } else { Colour::Positive };
        let interval = dot.interval.filter(|(low, high)| low.is_finite() && high.is_finite());
        if let Some((low, high)) = interval {
            canvas.line([x.x(low, area), y], [x.x(high, area), y], Stroke(colour, 2.0, false));
        }
        if !dot.value.is_finite() {
            return;
        }
        let hint = match interval {
            Some((low, high)) => {
                format!(
                    "{}: {} ({} to {})",
                    dot.name,
                    self.note(dot),
                    self.number.show(low),
                    self.number.show(high)
                )
            }
            None => format!("{}: {}", dot.name, self.note(dot)),
        };
        let place = [x.x(dot.value, area), y];
        if dot.weak {
            canvas.ring(place, 5.0, Stroke(colour, 2.4, false), Some(&hint));
        } else {
            canvas.circle(place, 5.0, Fill(colour, 1.0), Some(&hint));
        }
    }
}
