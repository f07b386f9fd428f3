//! What plots share: heading, legend, scales and axes.

use crate::canvas::{Anchor, Canvas, Fill, Stroke, Text};
use crate::fonts::{drawable, elide, width, wrap};
use crate::number::Number;
use crate::theme::Colour;
use crate::ticks;

/// Width of most plots, units.
pub(crate) const WIDTH: f64 = 760.0;
/// Side of the area of square plots, units: two of them stand side by side on a page.
pub(crate) const SQUARE: f64 = 360.0;
/// Blank rim.
pub(crate) const RIM: f64 = 16.0;
/// Size of tick labels, legends and axis titles.
pub(crate) const SMALL: f64 = 12.0;

/// Writes title and subtitle over a picture of that width; returns the y below them.
pub(crate) fn heading(canvas: &mut Canvas, title: &str, subtitle: &str, wide: f64) -> f64 {
    let mut y = RIM;
    let (title, subtitle) = (drawable(title), drawable(subtitle));
    for line in wrap(&title, 16.0, true, wide - 2.0 * RIM, 2).iter().filter(|line| !line.is_empty()) {
        y += 16.0;
        canvas.text(&Text::new(RIM, y, line).size(16.0).bold().title(&title));
        y += 6.0;
    }
    for line in wrap(&subtitle, SMALL, false, wide - 2.0 * RIM, 2).iter().filter(|line| !line.is_empty()) {
        y += 13.0;
        canvas.text(&Text::new(RIM, y, line).size(SMALL).colour(Colour::Muted).title(&subtitle));
        y += 4.0;
    }
    y + 4.0
}

/// What stands before a name in the legend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Key {
    Box(f64),
    Line { dashed: bool },
    Dot,
    Ring,
}

/// Writes a legend that wraps in a picture of that width; returns the y below it. Nothing for no entries.
pub(crate) fn legend(canvas: &mut Canvas, top: f64, entries: &[(&str, Colour, Key)], room: f64) -> f64 {
    const KEY: f64 = 18.0;
    let (mut x, mut y) = (RIM, top + 14.0);
    for (name, colour, key) in entries {
        let full = drawable(name);
        let name = elide(&full, SMALL, false, room - 2.0 * RIM - KEY);
        let wide = KEY + width(&name, SMALL, false);
        if x > RIM && x + wide > room - RIM {
            (x, y) = (RIM, y + 18.0);
        }
        match *key {
            Key::Box(opacity) => canvas.rect([x, y - 10.0, 12.0, 12.0], Fill(*colour, opacity), None),
            Key::Line { dashed } => {
                canvas.line([x, y - 4.0], [x + 13.0, y - 4.0], Stroke(*colour, 2.5, dashed));
            }
            Key::Dot => canvas.circle([x + 6.0, y - 4.0], 5.0, Fill(*colour, 1.0), None),
            Key::Ring => canvas.ring([x + 6.0, y - 4.0], 4.5, Stroke(*colour, 2.0, false), None),
        }
        canvas.text(&Text::new(x + KEY, y, &name).size(SMALL).title(&full));
        x += wide + 18.0;
    }
    if entries.is_empty() { top } else { y + 10.0 }
}

/// Says that there is nothing to draw; returns the y below.
pub(crate) fn nothing(canvas: &mut Canvas, top: f64) -> f64 {
    canvas.rect([RIM, top + 4.0, WIDTH - 2.0 * RIM, 64.0], Fill(Colour::Grid, 0.35), None);
    let text = Text::new(WIDTH / 2.0, top + 41.0, "no data").colour(Colour::Muted).anchor(Anchor::Middle);
    canvas.text(&text.size(13.0));
    top + 68.0 + RIM
}

/// The rectangle in which data are drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl Area {
    pub(crate) fn width(&self) -> f64 {
        self.right - self.left
    }
}

/// Values to positions, with marks.
#[derive(Debug, Clone)]
pub(crate) struct Ruler {
    low: f64,
    high: f64,
    log: bool,
    /// Value and label of each mark.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Ruler {
    /// From round value to round value around `[low, high]`.
    pub(crate) fn linear(low: f64, high: f64, number: Number, most: usize) -> Self {
        let mut values = ticks::linear(low, high, most);
        // Shares end at their bounds, even where a round step would go past.
        if matches!(number, Number::Percent(_)) && low >= 0.0 && high <= 1.0 && high > 0.0 {
            values.retain(|value| (0.0..=1.0 + 1e-9).contains(value));
        }
        let (first, last) = (values[0], values[values.len() - 1]);
        let number =
            number.for_step(values.get(1).map_or(1.0, |next| next - first), last.abs().max(first.abs()));
        let ticks = values.into_iter().map(|value| (value, number.show(value))).collect();
        Self { low: first, high: last, log: false, ticks }
    }

    /// From power to power around `[low, high]`.
    pub(crate) fn log(low: f64, high: f64, number: Number) -> Self {
        let values = ticks::log(low, high);
        let (first, last) = (values[0], values[values.len() - 1]);
        let number = if number == Number::Count { Number::Compact } else { number };
        let ticks = values.into_iter().map(|value| (value, number.show(value))).collect();
        Self { low: first, high: last, log: true, ticks }
    }

    /// Exactly `[low, high]`, seconds since 1970.
    pub(crate) fn time(low: i64, high: i64, most: usize) -> Self {
        let ticks =
            ticks::time(low, high, most).into_iter().map(|tick| (tick.at as f64, tick.label)).collect();
        Self { low: low as f64, high: (high as f64).max(low as f64 + 1.0), log: false, ticks }
    }

    /// Exactly `[low, high]`, without round ends.
    pub(crate) fn exact(low: f64, high: f64, ticks: Vec<(f64, String)>) -> Self {
        Self { low, high, log: false, ticks }
    }

    /// Where `value` stands between `from` (the low end) and `to`; values outside stand at the ends.
    pub(crate) fn place(&self, value: f64, from: f64, to: f64) -> f64 {
        let share = if self.log {
            (value.max(self.low).ln() - self.low.ln()) / (self.high.ln() - self.low.ln())
        } else {
            (value - self.low) / (self.high - self.low)
        };
        from + (if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }) * (to - from)
    }

    pub(crate) fn x(&self, value: f64, area: &Area) -> f64 {
        self.place(value, area.left, area.right)
    }

    pub(crate) fn y(&self, value: f64, area: &Area) -> f64 {
        self.place(value, area.bottom, area.top)
    }

    /// Width of the widest label.
    pub(crate) fn widest(&self) -> f64 {
        self.ticks.iter().map(|(_, label)| width(label, SMALL, false)).fold(0.0, f64::max)
    }
}

/// How much room the axis at the left needs: title, labels, gaps.
pub(crate) fn left_room(ruler: &Ruler, title: &str) -> f64 {
    RIM + ruler.widest() + 8.0 + if title.is_empty() { 0.0 } else { 20.0 }
}

/// How much room a horizontal axis needs below the area.
pub(crate) fn bottom_room(title: &str) -> f64 {
    22.0 + if title.is_empty() { 0.0 } else { 20.0 } + RIM * 0.75
}

/// Grid lines, labels and title of the vertical axis.
pub(crate) fn left_axis(canvas: &mut Canvas, area: &Area, ruler: &Ruler, title: &str) {
    for (value, label) in &ruler.ticks {
        let y = ruler.y(*value, area);
        canvas.line([area.left, y], [area.right, y], Stroke(Colour::Grid, 1.0, false));
        let text = Text::new(area.left - 8.0, y + 4.2, label).size(SMALL).anchor(Anchor::End);
        canvas.text(&text.colour(Colour::Muted));
    }
    let full = drawable(title);
    let shown = elide(&full, SMALL, false, (area.bottom - area.top).max(60.0));
    if !shown.is_empty() {
        let x = area.left - ruler.widest() - 18.0;
        let text = Text::new(x, (area.top + area.bottom) / 2.0, &shown).size(SMALL).upwards();
        canvas.text(&text.anchor(Anchor::Middle).colour(Colour::Muted).title(&full));
    }
}

/// Marks, labels and title of the horizontal axis, labels thinned out until they stand apart; `grid` draws lines
/// through the area.
pub(crate) fn bottom_axis(canvas: &mut Canvas, area: &Area, ruler: &Ruler, title: &str, grid: bool) {
    bottom_axis_within(WIDTH, canvas, area, ruler, title, grid);
}

/// The same in a picture that ends `right` units from its left.
pub(crate) fn bottom_axis_within(
    right: f64,
    canvas: &mut Canvas,
    area: &Area,
    ruler: &Ruler,
    title: &str,
    grid: bool,
) {
    let places: Vec<(f64, f64)> = ruler
        .ticks
        .iter()
        .map(|(value, label)| {
            let wide = width(label, SMALL, false);
            let most_left = (right - 4.0 - wide / 2.0).max(4.0 + wide / 2.0);
            (ruler.x(*value, area).clamp(4.0 + wide / 2.0, most_left), wide)
        })
        .collect();
    let apart = |every: usize| {
        let kept: Vec<_> = places.iter().step_by(every).collect();
        kept.windows(2).all(|pair| pair[0].0 + pair[0].1 / 2.0 + 8.0 <= pair[1].0 - pair[1].1 / 2.0)
    };
    let every = (1..=places.len().max(1)).find(|&every| apart(every)).unwrap_or(1);
    for (at, ((value, label), (x, _))) in ruler.ticks.iter().zip(&places).enumerate() {
        let mark = ruler.x(*value, area);
        if grid {
            canvas.line([mark, area.top], [mark, area.bottom], Stroke(Colour::Grid, 1.0, false));
        } else {
            canvas.line([mark, area.bottom], [mark, area.bottom + 5.0], Stroke(Colour::Muted, 1.0, false));
        }
        if at % every == 0 {
            let text = Text::new(*x, area.bottom + 18.0, label).size(SMALL).anchor(Anchor::Middle);
            canvas.text(&text.colour(Colour::Muted));
        }
    }
    let full = drawable(title);
    let shown = elide(&full, SMALL, false, right - 2.0 * RIM);
    if !shown.is_empty() {
        let half = width(&shown, SMALL, false) / 2.0;
        let middle = (area.left + area.right) / 2.0;
        let x = middle.clamp(RIM + half, (right - RIM - half).max(RIM + half));
        let text = Text::new(x, area.bottom + 38.0, &shown).size(SMALL).anchor(Anchor::Middle);
        canvas.text(&text.colour(Colour::Muted).title(&full));
    }
}

/// An interval around a value as a thin line with end marks.
pub(crate) fn whisker(canvas: &mut Canvas, a: [f64; 2], b: [f64; 2]) {
    let stroke = Stroke(Colour::Ink, 1.4, false);
    canvas.line(a, b, stroke);
    let (dx, dy) = if (a[0] - b[0]).abs() > (a[1] - b[1]).abs() { (0.0, 3.5) } else { (3.5, 0.0) };
    for [x, y] in [a, b] {
        canvas.line([x - dx, y - dy], [x + dx, y + dy], stroke);
    }
}

/// Where bars start.
pub(crate) fn zero_line(canvas: &mut Canvas, from: [f64; 2], to: [f64; 2]) {
    canvas.line(from, to, Stroke(Colour::Muted, 1.0, false));
}
