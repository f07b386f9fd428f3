//! Plots: fill a struct with numbers, call `draw`.
//!
//! Every plot is 760 units wide and as high as its content needs. The title and, where there is more than one series,
//! the legend stand above the plot, so that neither can cover data. Labels are measured before they are placed: what
//! does not fit is wrapped, then cut with `…` and shown in full when pointed at. Without data a plot says so.

mod axes;
mod bars;
mod confusion;
mod dots;
mod histogram;
mod lines;
mod parallel;
mod reliability;
mod timeline;
mod words;

pub use bars::Bars;
pub use confusion::Confusion;
pub use dots::{Dot, Dots};
pub use histogram::Histogram;
pub use lines::{Line, Lines, Scale};
pub use parallel::{Parallel, Values};
pub use reliability::{Bin, Reliability};
pub use timeline::Timeline;
pub use words::Words;

use crate::theme::Colour;

/// One row of numbers with a name and a colour.
#[derive(Debug, Clone)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Its colour in every plot.
    pub colour: Colour,
    /// One number for each category or bin, in their order; NaN where there is none.
    pub values: Vec<f64>,
    /// The interval of each value, low and high, or nothing at all.
    pub intervals: Vec<(f64, f64)>,
}

impl Series {
    /// A series in the colour of its name where that is a sentiment, else in that of a single series.
    pub fn new(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let name = name.into();
        let colour = Colour::of_label(&name).unwrap_or(Colour::Positive);
        Self { name, colour, values: values.into_iter().collect(), intervals: Vec::new() }
    }

    /// One series for each label, in the labels' colours.
    pub fn of_labels<S: AsRef<str>>(labels: &[S], values: impl IntoIterator<Item = Vec<f64>>) -> Vec<Self> {
        let colours = Colour::of_labels(labels);
        let named = labels.iter().zip(colours).zip(values);
        named.map(|((name, colour), values)| Self::new(name.as_ref(), values).colour(colour)).collect()
    }

    /// In another colour.
    pub fn colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// With an interval (low, high) around each value.
    pub fn intervals(self, intervals: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self { intervals: intervals.into_iter().collect(), ..self }
    }

    fn value(&self, at: usize) -> Option<f64> {
        self.values.get(at).copied().filter(|value| value.is_finite())
    }

    fn interval(&self, at: usize) -> Option<(f64, f64)> {
        self.intervals.get(at).copied().filter(|(low, high)| low.is_finite() && high.is_finite())
    }
}
