//! Histograms, several overlaid as steps.

use super::Series;
use super::axes::{self, Area, Key, RIM, Ruler, WIDTH};
use crate::canvas::{Canvas, Fill, Stroke};
use crate::figure::Figure;
use crate::number::Number;

/// Counts per bin, one outline for each series.
#[derive(Debug, Clone)]
pub struct Histogram {
    title: String,
    subtitle: String,
    axes: (String, String),
    edges: Vec<f64>,
    series: Vec<Series>,
    numbers: (Number, Number),
    log: bool,
}

impl Histogram {
    /// `edges`: one more than there are bins, rising. Each series has one value per bin: counts, or shares where
    /// classes of different size are to be compared.
    pub fn new(
        title: impl Into<String>,
        x_axis: impl Into<String>,
        y_axis: impl Into<String>,
        edges: impl IntoIterator<Item = f64>,
    ) -> Self {
        Self {
            title: title.into(),
            subtitle: String::new(),
            axes: (x_axis.into(), y_axis.into()),
            edges: edges.into_iter().collect(),
            series: Vec::new(),
            numbers: (Number::Plain, Number::Count),
            log: false,
        }
    }

    /// A line below the title.
    pub fn subtitle(self, subtitle: impl Into<String>) -> Self {
        Self { subtitle: subtitle.into(), ..self }
    }

    /// One more series.
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Several more series.
    pub fn all(mut self, series: impl IntoIterator<Item = Series>) -> Self {
        self.series.extend(series);
        self
    }

    /// How bounds and values are written.
    pub fn numbers(self, bounds: Number, values: Number) -> Self {
        Self { numbers: (bounds, values), ..self }
    }

    /// Bins in proportion to the logarithm of their bounds, which are greater than 0.
    pub fn log(self) -> Self {
        Self { log: true, ..self }
    }

    /// The picture.
    pub fn draw(&self, name: &str) -> Figure {
        let mut canvas = Canvas::new();
        let top = axes::heading(&mut canvas, &self.title, &self.subtitle, WIDTH);
        let bins = self.edges.len().saturating_sub(1);
        let values = || self.series.iter().flat_map(|s| (0..bins).filter_map(|at| s.value(at)));
        let rising =
            self.edges.windows(2).all(|pair| pair[0] < pair[1]) && self.edges.iter().all(|e| e.is_finite());
        let highest = values().fold(0.0, f64::max);
        if !rising || values().next().is_none() || (self.log && self.edges[0] <= 0.0) {
            let bottom = axes::nothing(&mut canvas, top);
            return Figure::new(name, &self.title, "No data.", [WIDTH, bottom], canvas);
        }
        let several = self.series.len() > 1;
        let opacity = if several { 0.22 } else { 0.75 };
        let entries: Vec<_> =
            self.series.iter().map(|s| (s.name.as_str(), s.colour, Key::Line { dashed: false })).collect();
        let top = if several { axes::legend(&mut canvas, top, &entries, WIDTH) } else { top };
        let (first, last) = (self.edges[0], self.edges[bins]);
        let x = if self.log {
            Ruler::log(first, last, self.numbers.0)
        } else {
            let round = Ruler::linear(first, last, self.numbers.0, 8);
            let inside = round.ticks.into_iter().filter(|(at, _)| (first..=last).contains(at)).collect();
            Ruler::exact(first, last, inside)
        };
        let y = Ruler::linear(0.0, highest, self.numbers.1, 5);
        let left = axes::left_room(&y, &self.axes.1);
        let area = Area { left, top: top + 10.0, right: WIDTH - RIM - 8.0, bottom: top + 270.0 };
        axes::left_axis(&mut canvas, &area, &y, &self.axes.1);
        axes::bottom_axis(&mut canvas, &area, &x, &self.axes.0, false);
        for series in &self.series {
            let mut outline = vec![[x.x(first, &area), area.bottom]];
            for (at, pair) in self.edges.windows(2).enumerate() {
                let height = y.y(series.value(at).unwrap_or(0.0), &area);
                outline.extend([[x.x(pair[0], &area), height], [x.x(pair[1], &area), height]]);
            }
            outline.push([x.x(last, &area), area.bottom]);
            canvas.polygon(&outline, Fill(series.colour, opacity), Some(&series.name));
            canvas.polyline(&outline, Stroke(series.colour, 1.8, false), None);
        }
        axes::zero_line(&mut canvas, [area.left, area.bottom], [area.right, area.bottom]);
        let names: Vec<&str> = self.series.iter().map(|series| series.name.as_str()).collect();
        let description =
            format!("Histogram of {}, {} per bin: {}.", self.axes.0, self.axes.1, names.join(", "));
        let height = area.bottom + axes::bottom_room(&self.axes.0);
        Figure::new(name, &self.title, &description, [WIDTH, height], canvas)
    }
}
