//! The confusion matrix as an annotated heat map.

use super::axes::{self, RIM, SMALL, WIDTH};
use crate::canvas::{Anchor, Canvas, Fill, Text};
use crate::figure::Figure;
use crate::fonts::{drawable, elide, width, wrap};
use crate::number::Number;
use crate::theme::Colour;

/// Size of the counts where there is room.
const COUNT: f64 = 15.0;

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
        (self.labels.len() == 2).then_some(match (truth == self.positive, predicted == self.positive) {
            (false, false) => "True Neg",
            (false, true) => "False Pos",
            (true, false) => "False Neg",
            (true, true) => "True Pos",
        })
    }

    /// The picture.
    pub fn draw(&self, name: &str) -> Figure {
        let mut canvas = Canvas::new();
        let classes = self.labels.len();
        let room = if classes <= 3 { axes::SQUARE + 104.0 } else { WIDTH };
        let top = axes::heading(&mut canvas, &self.title, &self.subtitle, room);
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
        let wide = ((room - RIM - left) / classes as f64).min(if classes == 2 { 170.0 } else { 110.0 });
        let high = if classes == 2 { 96.0 } else { wide.clamp(22.0, 62.0) };
        // Over narrow columns names stand upright.
        let narrow = wide < 46.0;
        let heads: Vec<Vec<String>> = shown
            .iter()
            .map(|label| {
                if narrow {
                    vec![elide(label, SMALL, false, 110.0).into_owned()]
                } else {
                    wrap(label, SMALL, false, wide - 6.0, 2)
                }
            })
            .collect();
        let tallest = heads.iter().map(|lines| {
            if narrow { width(&lines.concat(), SMALL, false) } else { 15.0 * lines.len() as f64 }
        });
        let grid = top + 29.0 + tallest.fold(0.0, f64::max);
        let side = wide * classes as f64;
        let head = Text::new(left + side / 2.0, top + 12.0, "predicted").anchor(Anchor::Middle);
        canvas.text(&head.colour(Colour::Muted));
        let middle = grid + high * classes as f64 / 2.0;
        let truth = Text::new(RIM + 12.0, middle, "true class").anchor(Anchor::Middle).upwards();
        canvas.text(&truth.colour(Colour::Muted));
        for (at, label) in shown.iter().enumerate() {
            let x = left + wide * (at as f64 + 0.5);
            for (line, text) in heads[at].iter().rev().enumerate() {
                let y = grid - 8.0 - 15.0 * line as f64;
                let text = if narrow {
                    Text::new(x + 4.2, y, text).upwards()
                } else {
                    Text::new(x, y, text).anchor(Anchor::Middle)
                };
                canvas.text(&text.title(label));
            }
            let cut = elide(label, SMALL, false, 150.0);
            let y = grid + high * (at as f64 + 0.5) + 4.2;
            canvas.text(&Text::new(left - 8.0, y, &cut).anchor(Anchor::End).title(label));
        }
        let widest = (0..classes)
            .flat_map(|truth| (0..classes).map(move |predicted| (truth, predicted)))
            .map(|(truth, predicted)| {
                width(&Number::Count.show(self.count(truth, predicted) as f64), COUNT, true)
            })
            .fold(0.0, f64::max);
        let size = COUNT * ((wide - 8.0) / widest).clamp(0.0, 1.0);
        for truth in 0..classes {
            let row: u64 = (0..classes).fold(0, |sum, at| sum.saturating_add(self.count(truth, at)));
            for predicted in 0..classes {
                let corner = [left + wide * predicted as f64, grid + high * truth as f64];
                self.draw_cell(&mut canvas, [corner, [wide, high]], [truth, predicted], [row, total], size);
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
        let mut y = bottom + 8.0;
        for text in wrap(&line, 11.5, false, room - 2.0 * RIM, 2) {
            y += 16.0;
            canvas.text(&Text::new(RIM, y, &text).size(11.5).colour(Colour::Muted));
        }
        Figure::new(name, &self.title, &format!("Confusion matrix. {line}"), [room, y + RIM], canvas)
    }

    fn draw_cell(
        &self,
        canvas: &mut Canvas,
        [[x, y], [wide, high]]: [[f64; 2]; 2],
        [truth, predicted]: [usize; 2],
        [row, total]: [u64; 2],
        size: f64,
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
        let mut lines = vec![(number, size, true), (percent, 12.0, false)];
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
