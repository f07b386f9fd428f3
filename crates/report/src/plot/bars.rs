//! Bars: one number, or several side by side or on top of each other, for each category.

use super::Series;
use super::axes::{self, Area, Key, RIM, Ruler, SMALL, WIDTH};
use crate::canvas::{Anchor, Canvas, Fill, Text};
use crate::figure::Figure;
use crate::fonts::{drawable, elide, width, wrap};
use crate::number::Number;
use crate::theme::Colour;

/// A bar chart. Bars stand upright where every category's name fits below its bar, and lie otherwise.
#[derive(Debug, Clone)]
pub struct Bars {
    title: String,
    subtitle: String,
    value_axis: String,
    categories: Vec<String>,
    series: Vec<Series>,
    number: Number,
    stacked: bool,
    lying: Option<bool>,
    coloured: bool,
    wide: f64,
}

impl Bars {
    /// Without bars yet; `value_axis` says what is counted, in which unit.
    pub fn new(title: impl Into<String>, value_axis: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            subtitle: String::new(),
            value_axis: value_axis.into(),
            categories: Vec::new(),
            series: Vec::new(),
            number: Number::Count,
            stacked: false,
            lying: None,
            coloured: false,
            wide: WIDTH,
        }
    }

    /// A line below the title.
    pub fn subtitle(self, subtitle: impl Into<String>) -> Self {
        Self { subtitle: subtitle.into(), ..self }
    }

    /// What the bars stand for, in order.
    pub fn categories<S: Into<String>>(self, categories: impl IntoIterator<Item = S>) -> Self {
        Self { categories: categories.into_iter().map(Into::into).collect(), ..self }
    }

    /// One more series: a bar for each category.
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Several more series.
    pub fn all(mut self, series: impl IntoIterator<Item = Series>) -> Self {
        self.series.extend(series);
        self
    }

    /// How values are written; whole numbers otherwise.
    pub fn number(self, number: Number) -> Self {
        Self { number, ..self }
    }

    /// Series on top of each other; values below 0 count as 0, intervals are not drawn.
    pub fn stacked(self) -> Self {
        Self { stacked: true, ..self }
    }

    /// Lying, however short the names.
    pub fn horizontal(self) -> Self {
        Self { lying: Some(true), ..self }
    }

    /// So many units wide, 760 otherwise; within 320 and 760.
    pub fn wide(self, wide: f64) -> Self {
        Self { wide: wide.clamp(320.0, WIDTH), ..self }
    }

    /// A single series takes the colours of its categories' names ([`Colour::of_labels`]).
    pub fn coloured(self) -> Self {
        Self { coloured: true, ..self }
    }

    /// The picture.
    pub fn draw(&self, name: &str) -> Figure {
        let mut canvas = Canvas::new();
        let mut y = axes::heading(&mut canvas, &self.title, &self.subtitle, self.wide);
        if self.categories.is_empty() || self.range().is_none() {
            let bottom = axes::nothing(&mut canvas, y);
            return Figure::new(name, &self.title, "No data.", [self.wide, bottom], canvas);
        }
        if self.series.len() > 1 {
            let entries: Vec<_> =
                self.series.iter().map(|s| (s.name.as_str(), s.colour, Key::Box(1.0))).collect();
            y = axes::legend(&mut canvas, y, &entries, self.wide);
        }
        let height =
            if self.lies() { self.draw_lying(&mut canvas, y) } else { self.draw_upright(&mut canvas, y) };
        Figure::new(name, &self.title, &self.description(), [self.wide, height], canvas)
    }

    fn description(&self) -> String {
        let mut out = format!("Bar chart of {}.", self.value_axis);
        for (at, category) in self.categories.iter().enumerate().take(12) {
            let values: Vec<String> = self
                .series
                .iter()
                .map(|s| format!("{} {}", s.name, s.value(at).map_or("–".into(), |v| self.number.show(v))))
                .collect();
            out.push_str(&format!(" {category}: {}.", values.join(", ")));
        }
        out
    }

    /// Lowest and highest end of any bar or interval, 0 included; nothing without a single number.
    fn range(&self) -> Option<(f64, f64)> {
        let mut range = None;
        let mut reach = |value: f64| {
            let (low, high) = range.unwrap_or((0.0_f64, 0.0_f64));
            range = Some((low.min(value), high.max(value)));
        };
        for at in 0..self.categories.len() {
            let values = self.series.iter().filter_map(|s| s.value(at));
            if self.stacked {
                let parts: Vec<f64> = values.collect();
                if !parts.is_empty() {
                    reach(parts.iter().map(|value| value.max(0.0)).sum());
                }
                continue;
            }
            values.for_each(&mut reach);
            for (low, high) in
                self.series.iter().filter(|s| s.value(at).is_some()).filter_map(|s| s.interval(at))
            {
                reach(low);
                reach(high);
            }
        }
        range
    }

    fn colours(&self) -> Vec<Colour> {
        if self.coloured && self.series.len() == 1 { Colour::of_labels(&self.categories) } else { Vec::new() }
    }

    fn lies(&self) -> bool {
        self.lying.unwrap_or_else(|| {
            let room = (self.wide - 120.0) / self.categories.len() as f64 - 10.0;
            let bars = if self.stacked { 1 } else { self.series.len() };
            room < 18.0 * bars as f64
                || self.categories.iter().any(|name| {
                    let name = drawable(name);
                    let lines = wrap(&name, SMALL, false, room, 2);
                    lines.concat().replace(' ', "") != name.replace([' ', '\t', '\n'], "")
                })
        })
    }

    /// Start and end of each series' bar for one category, and what pointing at it shows.
    fn pieces(&self, at: usize) -> Vec<(usize, f64, f64, String)> {
        let mut below = 0.0;
        let mut pieces = Vec::new();
        for (nth, series) in self.series.iter().enumerate() {
            let Some(value) = series.value(at) else { continue };
            let mut hint = format!("{}: {}", self.categories[at], self.number.show(value));
            if self.series.len() > 1 {
                hint = format!("{}, {hint}", series.name);
            }
            if self.stacked {
                pieces.push((nth, below, below + value.max(0.0), hint));
                below += value.max(0.0);
            } else {
                pieces.push((nth, 0.0, value, hint));
            }
        }
        pieces
    }

    /// The number at the end of a bar: a stack's sum, a single bar's value.
    fn end_label(&self, at: usize, nth: usize) -> String {
        if self.stacked {
            return self
                .number
                .show(self.series.iter().filter_map(|s| s.value(at)).map(|v| v.max(0.0)).sum());
        }
        self.series[nth].value(at).map_or(String::new(), |value| self.number.show(value))
    }

    fn ruler(&self, most: usize) -> Ruler {
        let (low, high) = self.range().unwrap_or((0.0, 1.0));
        Ruler::linear(low, high, self.number, most)
    }

    fn draw_upright(&self, canvas: &mut Canvas, top: f64) -> f64 {
        let ruler = self.ruler(5);
        let left = axes::left_room(&ruler, &self.value_axis);
        let area = Area { left, top: top + 18.0, right: self.wide - RIM, bottom: top + 278.0 };
        axes::left_axis(canvas, &area, &ruler, &self.value_axis);
        let colours = self.colours();
        let slot = area.width() / self.categories.len() as f64;
        let side = if self.stacked { 1.0 } else { self.series.len() as f64 };
        let wide = (slot * 0.72 / side).min(84.0);
        let mut lowest = area.bottom;
        for (at, category) in self.categories.iter().enumerate() {
            let middle = area.left + slot * (at as f64 + 0.5);
            for (nth, from, to, hint) in self.pieces(at) {
                let nudge = if self.stacked { 0.0 } else { nth as f64 };
                let x = middle - wide * side / 2.0 + wide * nudge;
                let (a, b) = (ruler.y(from, &area), ruler.y(to, &area));
                let colour = colours.get(at).copied().unwrap_or(self.series[nth].colour);
                let gap = if side > 1.0 { 1.0 } else { 0.0 };
                canvas.rect(
                    [x + gap, a.min(b), wide - 2.0 * gap, (a - b).abs()],
                    Fill(colour, 1.0),
                    Some(&hint),
                );
                let falls = to < from;
                let mut end = if falls { a.max(b) } else { a.min(b) };
                let interval = if self.stacked { None } else { self.series[nth].interval(at) };
                if let Some((low, high)) = interval {
                    let (low, high) = (ruler.y(low, &area), ruler.y(high, &area));
                    axes::whisker(canvas, [x + wide / 2.0, low], [x + wide / 2.0, high]);
                    end = if falls { end.max(low) } else { end.min(high) };
                }
                let label = self.end_label(at, nth);
                let last = !self.stacked || nth + 1 == self.series.len();
                if last && width(&label, 11.0, false) <= wide.max(slot * 0.9 / side) {
                    let y = if falls { end + 13.0 } else { end - 5.0 };
                    let text = Text::new(x + wide / 2.0, y, &label).size(11.0);
                    canvas.text(&text.anchor(Anchor::Middle));
                }
            }
            let shown = drawable(category);
            for (line, text) in wrap(&shown, SMALL, false, slot - 10.0, 2).iter().enumerate() {
                let y = area.bottom + 18.0 + 15.0 * line as f64;
                canvas.text(&Text::new(middle, y, text).anchor(Anchor::Middle).title(&shown));
                lowest = lowest.max(y);
            }
        }
        axes::zero_line(canvas, [area.left, ruler.y(0.0, &area)], [area.right, ruler.y(0.0, &area)]);
        lowest + RIM
    }

    fn draw_lying(&self, canvas: &mut Canvas, top: f64) -> f64 {
        let longest = self.wide / 3.0;
        let shown: Vec<_> = self.categories.iter().map(|name| drawable(name)).collect();
        let labels = shown.iter().map(|name| width(name, SMALL, false)).fold(0.0, f64::max).min(longest);
        let ends = (0..self.categories.len())
            .flat_map(|at| (0..self.series.len()).map(move |nth| (at, nth)))
            .map(|(at, nth)| width(&self.end_label(at, nth), 11.0, false))
            .fold(0.0, f64::max);
        let ruler = self.ruler(6);
        let side = if self.stacked { 1 } else { self.series.len() };
        let thick = if side == 1 { 18.0 } else { 13.0 };
        let row = thick * side as f64 + 8.0;
        let names = RIM + labels + 2.0;
        // Numbers of bars that reach to the left stand between them and the names.
        let negative = self.range().is_some_and(|(low, _)| low < 0.0);
        let left = names + 8.0 + if negative { ends + 8.0 } else { 0.0 };
        let bottom = top + 6.0 + row * self.categories.len() as f64;
        let area = Area { left, top: top + 6.0, right: self.wide - RIM - ends - 8.0, bottom };
        axes::bottom_axis_within(self.wide, canvas, &area, &ruler, &self.value_axis, true);
        let colours = self.colours();
        for (at, name) in shown.iter().enumerate() {
            let y = area.top + row * at as f64 + 4.0;
            let cut = elide(name, SMALL, false, longest);
            let text = Text::new(names, y + (row - 8.0) / 2.0 + 4.2, &cut).anchor(Anchor::End);
            canvas.text(&text.title(name));
            for (nth, from, to, hint) in self.pieces(at) {
                let y = y + if self.stacked { 0.0 } else { thick * nth as f64 };
                let (a, b) = (ruler.x(from, &area), ruler.x(to, &area));
                let colour = colours.get(at).copied().unwrap_or(self.series[nth].colour);
                canvas.rect(
                    [a.min(b), y + 0.5, (b - a).abs().max(sliver(from, to)), thick - 1.0],
                    Fill(colour, 1.0),
                    Some(&hint),
                );
                let falls = to < from;
                let mut end = b;
                let interval = if self.stacked { None } else { self.series[nth].interval(at) };
                if let Some((low, high)) = interval {
                    let (low, high) = (ruler.x(low, &area), ruler.x(high, &area));
                    axes::whisker(canvas, [low, y + thick / 2.0], [high, y + thick / 2.0]);
                    end = if falls { end.min(low) } else { end.max(high) };
                }
                if !self.stacked || nth + 1 == self.series.len() {
                    let label = self.end_label(at, nth);
                    let (gap, anchor) = if falls { (-6.0, Anchor::End) } else { (6.0, Anchor::Start) };
                    let text = Text::new(end + gap, y + thick / 2.0 + 4.0, &label).size(11.0);
                    canvas.text(&text.anchor(anchor));
                }
            }
        }
        axes::zero_line(canvas, [ruler.x(0.0, &area), area.top], [ruler.x(0.0, &area), area.bottom]);
        bottom + axes::bottom_room(&self.value_axis)
    }
}

/// Something is never drawn as nothing.
fn sliver(from: f64, to: f64) -> f64 {
    if from == to { 0.0 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x and anchor of the label `text`.
    fn place(svg: &str, text: &str) -> (f64, bool) {
        let element = svg.split("<text").find(|e| e.contains(&format!(">{text}<"))).unwrap();
        let x = element.split("x=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        (x.parse().unwrap(), element.contains("text-anchor=\"end\""))
    }

    #[test]
    fn numbers_stand_behind_the_end_of_their_bar_on_either_side() {
        let bars = Bars::new("Change", "points").categories(["fell", "rose"]).number(Number::Decimal(1));
        let figure = bars.series(Series::new("change", [-3.5, 3.5])).horizontal().wide(480.0).draw("change");
        let svg = figure.svg();
        let (name, low, high) = (place(&svg, "fell"), place(&svg, "\u{2212}3.5"), place(&svg, "3.5"));
        assert!(low.1 && !high.1, "away from zero");
        assert!(name.0 + 20.0 < low.0 && low.0 + 100.0 < high.0, "{name:?} {low:?} {high:?}");
        assert_eq!(figure.size()[0], 480.0);
    }
}
