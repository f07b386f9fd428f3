//! Words that tell two things apart: bars to the left and to the right of nothing.

use super::axes::{self, Area, RIM, Ruler, SMALL, WIDTH};
use crate::canvas::{Anchor, Canvas, Fill, Text};
use crate::figure::Figure;
use crate::fonts::{drawable, elide, width};
use crate::number::Number;
use crate::theme::Colour;

/// Scored words, those below 0 leaning to one side, those above to the other. Each word stands on the empty side of
/// its bar, so that no word covers a bar.
#[derive(Debug, Clone)]
pub struct Words {
    title: String,
    subtitle: String,
    axis: String,
    sides: [(String, Colour); 2],
    words: Vec<(String, f64)>,
    number: Number,
}

impl Words {
    /// `axis` names the score; the sides are what low and high scores speak for, in the colours of those names.
    pub fn new(
        title: impl Into<String>,
        axis: impl Into<String>,
        low: impl Into<String>,
        high: impl Into<String>,
    ) -> Self {
        let side = |name: String, otherwise| {
            let colour = Colour::of_label(&name).unwrap_or(otherwise);
            (name, colour)
        };
        let sides = [side(low.into(), Colour::Cycle(2)), side(high.into(), Colour::Cycle(0))];
        Self {
            title: title.into(),
            subtitle: String::new(),
            axis: axis.into(),
            sides,
            words: Vec::new(),
            number: Number::Decimal(1),
        }
    }

    /// A line below the title.
    pub fn subtitle(self, subtitle: impl Into<String>) -> Self {
        Self { subtitle: subtitle.into(), ..self }
    }

    /// Words and their scores, drawn from the highest to the lowest; scores that are not finite are left out.
    pub fn words<S: Into<String>>(mut self, words: impl IntoIterator<Item = (S, f64)>) -> Self {
        self.words.extend(words.into_iter().map(|(word, score)| (word.into(), score)));
        self
    }

    /// How scores are written; one decimal otherwise.
    pub fn number(self, number: Number) -> Self {
        Self { number, ..self }
    }

    /// The picture.
    pub fn draw(&self, name: &str) -> Figure {
        const ROW: f64 = 20.0;
        let mut canvas = Canvas::new();
        let top = axes::heading(&mut canvas, &self.title, &self.subtitle, WIDTH);
        let mut words: Vec<&(String, f64)> =
            self.words.iter().filter(|(_, score)| score.is_finite()).collect();
        words.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        if words.is_empty() {
            let bottom = axes::nothing(&mut canvas, top);
            return Figure::new(name, &self.title, "No data.", [WIDTH, bottom], canvas);
        }
        let low = words.iter().map(|word| word.1).fold(0.0, f64::min);
        let high = words.iter().map(|word| word.1).fold(0.0, f64::max);
        // Words of one side stand on the other: that side is at least as wide as its longest word.
        let longest = |positive: bool| {
            let side = words.iter().filter(|word| (word.1 >= 0.0) == positive);
            side.map(|word| width(&drawable(&word.0), SMALL, false)).fold(0.0, f64::max).min(210.0)
        };
        let score =
            words.iter().map(|word| width(&self.number.show(word.1), 11.0, false)).fold(0.0, f64::max);
        let wide = WIDTH - 2.0 * RIM;
        let (left_words, right_words) = (longest(true) + 16.0, longest(false) + 16.0);
        let share = if high > low { -low / (high - low) } else { 0.0 };
        let bars = wide - 2.0 * (score + 8.0);
        let zero = (RIM + score + 8.0 + bars * share)
            .max(RIM + left_words)
            .min(WIDTH - RIM - right_words.min(wide - left_words));
        let unit = f64::min(
            if low < 0.0 { (zero - RIM - score - 8.0) / -low } else { f64::INFINITY },
            if high > 0.0 { (WIDTH - RIM - score - 8.0 - zero) / high } else { f64::INFINITY },
        );
        let unit = if unit.is_finite() { unit.max(0.0) } else { 0.0 };
        let top = self.draw_sides(&mut canvas, top, zero);
        let bottom = top + ROW * words.len() as f64;
        for (at, (word, score)) in words.iter().enumerate() {
            let y = top + ROW * at as f64;
            let end = zero + score * unit;
            let positive = *score >= 0.0;
            let shown = self.number.show(*score);
            let hint = format!("{word}: {shown}");
            let colour = self.sides[usize::from(positive)].1;
            let bar = [zero.min(end), y + 2.5, (end - zero).abs(), ROW - 5.0];
            canvas.rect(bar, Fill(colour, 1.0), Some(&hint));
            let full = drawable(word);
            let cut = elide(&full, SMALL, false, 210.0);
            let (gap, anchor) = if positive { (-7.0, Anchor::End) } else { (7.0, Anchor::Start) };
            canvas.text(&Text::new(zero + gap, y + 14.2, &cut).anchor(anchor).title(&full));
            let (gap, anchor) = if positive { (5.0, Anchor::Start) } else { (-5.0, Anchor::End) };
            let number = Text::new(end + gap, y + 13.8, &shown).size(11.0).anchor(anchor);
            canvas.text(&number.colour(Colour::Muted));
        }
        axes::zero_line(&mut canvas, [zero, top - 2.0], [zero, bottom + 2.0]);
        let area = Area { left: RIM, top, right: WIDTH - RIM, bottom: bottom - 12.0 };
        axes::bottom_axis(&mut canvas, &area, &Ruler::exact(0.0, 1.0, Vec::new()), &self.axis, false);
        let extreme: Vec<&str> = words.iter().take(5).map(|word| word.0.as_str()).collect();
        let description = format!(
            "Words by {}, from those of {} to those of {}; highest: {}.",
            self.axis,
            self.sides[1].0,
            self.sides[0].0,
            extreme.join(", ")
        );
        Figure::new(name, &self.title, &description, [WIDTH, bottom + 40.0], canvas)
    }

    /// The names of the sides above their bars; returns the y below.
    fn draw_sides(&self, canvas: &mut Canvas, top: f64, zero: f64) -> f64 {
        let y = top + 14.0;
        let names =
            [format!("← {}", drawable(&self.sides[0].0)), format!("{} →", drawable(&self.sides[1].0))];
        let rooms = [zero - RIM - 10.0, WIDTH - RIM - zero - 10.0];
        let places = [(zero - 7.0, Anchor::End), (zero + 7.0, Anchor::Start)];
        for at in 0..2 {
            let cut = elide(&names[at], SMALL, true, rooms[at].max(30.0));
            let text = Text::new(places[at].0, y, &cut).bold().anchor(places[at].1).colour(self.sides[at].1);
            canvas.text(&text.title(&names[at]));
        }
        y + 10.0
    }
}
