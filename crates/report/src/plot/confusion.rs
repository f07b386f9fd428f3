//! The confusion matrix as an annotated heat map.

use super::axes::{self, RIM, SMALL, WIDTH};
use crate::canvas::{Anchor, Canvas, Fill, Text};
use crate::figure::Figure;
use crate::fonts::{drawable, elide, width, wrap};
use crate::number::Number;
use crate::theme::Colour;

/// Rows are the true class, columns the predicted one. Cells are tinted by their share of the row and say count and
/// that share; with two classes also True Neg, False Pos, False Neg, True Pos and the share of all.
#[derive(Debug, Clone)]
pub struct Confusion {
    title: String,
    subtitle: String,
    labels: Vec<String>,
    counts: Vec<Vec<u64>>,
    positive: usize,
}

impl Confusion {
    /// `counts[truth][predicted]`; missing numbers count as 0. Of two classes the second is the positive one.
    pub fn new<S: Into<String>>(
        title: impl Into<String>,
        labels: impl IntoIterator<Item = S>,
        counts: Vec<Vec<u64>>,
    ) -> Self {
        let labels = labels.into_iter().map(Into::into).collect();
        Self { title: title.into(), subtitle: String::new(), labels, counts, positive: 1 }
    }

    /// A line below the title.
    pub fn subtitle(self, subtitle: impl Into<String>) -> Self {
        Self { subtitle: subtitle.into(), ..self }
    }

    /// Which of two classes, 0 or 1, is the positive one.
    pub fn positive(self, positive: usize) -> Self {
        Self { positive, ..self }
    }

    fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.counts.get(truth).and_then(|row| row.get(predicted)).copied().unwrap_or(0)
    }

    /// True Neg and so on, where there are two classes.
    fn verdict(&self, truth: usize, predicted: usize) -> Option<&'static str> {
        (self.labels.len() == 2).then(|| match (truth == self.positive, predicted == self.positive) {
            (false, false) => "True Neg",
            (false, true) => "False Pos",
            (true, false) => "False Neg",
            (true, true) => "True Pos",
        })
    }

    /// The picture.
    pub fn draw(&self, name: &str) -> Figure {
        let mut canvas = Canvas::new();
        let top = axes::heading(&mut canvas, &self.title, &self.subtitle);
        let classes = self.labels.len();
        let total: u64 = (0..classes)
            .flat_map(|truth| (0..classes).map(move |predicted| (truth, predicted)))
            .fold(0, |sum, (truth, predicted)| sum.saturating_add(self.count(truth, predicted)));
        if classes == 0 || total == 0 {
            let bottom = axes::nothing(&mut canvas, top);
            return Figure::new(name, &self.title, "No data.", [WIDTH, bottom], canvas);
        }
        let shown: Vec<_> = self.labels.iter().map(|label| drawable(label)).collect();
        let names = shown.iter().map(|label| width(label, SMALL, false)).fold(0.0, f64::max).min(150.0);
        let left = RIM + 22.0 + names + 10.0;
        let wide = ((WIDTH - RIM - left) / classes as f64).min(if classes == 2 { 170.0 } else { 110.0 });
        let high = if classes == 2 { 96.0 } else { wide.clamp(22.0, 62.0) };
        let grid = top + 44.0;
        let side = wide * classes as f64;
        let head = Text::new(left + side / 2.0, top + 12.0, "predicted").anchor(Anchor::Middle);
        canvas.text(&head.colour(Colour::Muted));
        let middle = grid + high * classes as f64 / 2.0;
        let truth = Text::new(RIM + 12.0, middle, "true class").anchor(Anchor::Middle).upwards();
        canvas.text(&truth.colour(Colour::Muted));
        for (at, label) in shown.iter().enumerate() {
            let lines = wrap(label, SMALL, false, wide - 6.0, 1);
            let text = lines.first().map_or("", String::as_str);
            let x = left + wide * (at as f64 + 0.5);
            canvas.text(&Text::new(x, grid - 8.0, text).anchor(Anchor::Middle).title(label));
            let cut = elide(label, SMALL, false, 150.0);
            let y = grid + high * (at as f64 + 0.5) + 4.2;
            canvas.text(&Text::new(left - 8.0, y, &cut).anchor(Anchor::End).title(label));
        }
        for truth in 0..classes {
            let row: u64 = (0..classes).fold(0, |sum, at| sum.saturating_add(self.count(truth, at)));
            for predicted in 0..classes {
                let corner = [left + wide * predicted as f64, grid + high * truth as f64];
                self.draw_cell(&mut canvas, corner, [wide, high], [truth, predicted], [row, total]);
            }
        }
        let bottom = grid + high * classes as f64;
        let right: u64 = (0..classes).fold(0, |sum, at| sum.saturating_add(self.count(at, at)));
        let line = format!(
            "{} of {} rows right ({}); percentages are shares of the true class.",
            Number::Count.show(right as f64),
            Number::Count.show(total as f64),
            Number::Percent(1).show(right as f64 / total as f64)
        );
        canvas.text(&Text::new(RIM, bottom + 24.0, &line).size(11.5).colour(Colour::Muted));
        Figure::new(
            name,
            &self.title,
            &format!("Confusion matrix. {line}"),
            [WIDTH, bottom + 24.0 + RIM],
            canvas,
        )
    }

    fn draw_cell(
        &self,
        canvas: &mut Canvas,
        [x, y]: [f64; 2],
        [wide, high]: [f64; 2],
        [truth, predicted]: [usize; 2],
        [row, total]: [u64; 2],
    ) {
        let count = self.count(truth, predicted);
        let share = if row == 0 { f64::NAN } else { count as f64 / row as f64 };
        let tint = if share.is_nan() { 0.0 } else { share };
        let colour = if truth == predicted { Colour::Positive } else { Colour::Negative };
        let number = Number::Count.show(count as f64);
        let percent = Number::Percent(1).show(share);
        let hint = format!(
            "true {}, predicted {}: {number}, {percent} of the true class",
            self.labels[truth], self.labels[predicted]
        );
        // Between half and nine tenths neither dark nor light text would stand out: the scale leaves that out.
        let opacity = if tint < 0.5 { 0.06 + 0.5 * tint } else { 0.9 + 0.2 * (tint - 0.5) };
        let ink = if tint < 0.5 { Colour::Ink } else { Colour::OnMark };
        canvas.rect([x + 1.0, y + 1.0, wide - 2.0, high - 2.0], Fill(colour, opacity), Some(&hint));
        let mut lines = vec![(number, 15.0, true), (percent, 12.0, false)];
        if let Some(verdict) = self.verdict(truth, predicted) {
            let all = Number::Percent(2).show(count as f64 / total as f64);
            lines.insert(0, (verdict.to_owned(), 12.0, false));
            lines.push((format!("{all} of all"), 11.0, false));
        }
        // Small cells keep what fits: the count shrinks to fit, lower lines go first.
        while lines.len() > 1 && lines.iter().map(|(_, size, _)| size * 1.42).sum::<f64>() > high - 4.0 {
            lines.pop();
        }
        let heights: f64 = lines.iter().map(|(_, size, _)| size * 1.42).sum();
        let mut base = y + (high - heights) / 2.0;
        for (text, size, bold) in &lines {
            base += size * 1.42;
            let shrunk = size * ((wide - 8.0) / width(text, *size, *bold)).min(1.0);
            if shrunk < 6.0 {
                continue;
            }
            let line = Text::new(x + wide / 2.0, base - size * 0.38, text).size(shrunk);
            let line = line.anchor(Anchor::Middle).colour(ink);
            canvas.text(&if *bold { line.bold() } else { line });
        }
    }
}
