//! SVG, written piece by piece. Everything that is text is escaped here and nowhere else.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::fonts::{Face, drawable};
use crate::theme::Colour;

/// `text` so that XML and HTML read it as that text, inside elements and quoted attributes. Characters that XML 1.0
/// has no place for become `U+FFFD`.
///
/// ```
/// use sentimeter_report::canvas::escape;
/// assert_eq!(escape("a < \"b\" & 'c'\u{0}"), "a &lt; &quot;b&quot; &amp; &#39;c&#39;\u{fffd}");
/// ```
pub fn escape(text: &str) -> Cow<'_, str> {
    let odd = |c: char| {
        matches!(c, '<' | '>' | '&' | '"' | '\'' | '\u{fffe}' | '\u{ffff}')
            || (c.is_control() && !matches!(c, '\t' | '\n'))
    };
    if !text.contains(odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if odd(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A coordinate with at most two decimals; what is not finite is 0, so that no picture breaks.
pub(crate) fn coordinate(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    if rounded.is_finite() && rounded != 0.0 { format!("{rounded}") } else { "0".into() }
}

/// Which point of a text stands at its `x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Anchor {
    /// The left end.
    #[default]
    Start,
    /// The middle.
    Middle,
    /// The right end.
    End,
}

/// One line of text; `x` and `y` are the anchor on the base line.
#[derive(Debug, Clone)]
pub struct Text<'a> {
    x: f64,
    y: f64,
    text: &'a str,
    size: f64,
    bold: bool,
    anchor: Anchor,
    colour: Colour,
    upwards: bool,
    title: Option<&'a str>,
}

impl<'a> Text<'a> {
    /// Twelve units high, in the colour of text.
    pub fn new(x: f64, y: f64, text: &'a str) -> Self {
        let (size, bold, anchor, colour) = (12.0, false, Anchor::Start, Colour::Ink);
        Self { x, y, text, size, bold, anchor, colour, upwards: false, title: None }
    }

    /// Set at another size.
    pub fn size(self, size: f64) -> Self {
        Self { size, ..self }
    }

    /// Set in bold.
    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// Anchored elsewhere than at the start.
    pub fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    /// In another colour.
    pub fn colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// Reading from bottom to top, as the title of a vertical axis.
    pub fn upwards(self) -> Self {
        Self { upwards: true, ..self }
    }

    /// Shown in full when pointed at: for text that was cut.
    pub fn title(self, title: &'a str) -> Self {
        Self { title: (title != self.text).then_some(title), ..self }
    }
}

/// How a mark is filled.
#[derive(Debug, Clone, Copy)]
pub struct Fill(pub Colour, pub f64);

/// How a line is drawn: colour, width, and whether it is dashed.
#[derive(Debug, Clone, Copy)]
pub struct Stroke(pub Colour, pub f64, pub bool);

/// The inside of one picture, growing.
#[derive(Debug, Clone, Default)]
pub struct Canvas {
    body: String,
    faces: BTreeSet<Face>,
}

impl Canvas {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Text. Characters that no bundled font has are spelled out ([`drawable`]).
    pub fn text(&mut self, text: &Text<'_>) {
        let shown = drawable(text.text);
        self.faces.extend(Face::of(&shown, text.bold));
        let (x, y) = (coordinate(text.x), coordinate(text.y));
        let _ = write!(self.body, "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\"", coordinate(text.size));
        if text.bold {
            self.body.push_str(" font-weight=\"700\"");
        }
        match text.anchor {
            Anchor::Start => {}
            Anchor::Middle => self.body.push_str(" text-anchor=\"middle\""),
            Anchor::End => self.body.push_str(" text-anchor=\"end\""),
        }
        if text.upwards {
            let _ = write!(self.body, " transform=\"rotate(-90 {x} {y})\"");
        }
        self.fill(Fill(text.colour, 1.0));
        self.body.push('>');
        self.title(text.title);
        let _ = write!(self.body, "{}</text>", escape(&shown));
    }

    /// A filled rectangle; pointing at it shows `title`. One without area is left out.
    pub fn rect(&mut self, [x, y, width, height]: [f64; 4], fill: Fill, title: Option<&str>) {
        if !(width > 0.0 && height > 0.0) {
            return;
        }
        let _ = write!(
            self.body,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
            coordinate(x),
            coordinate(y),
            coordinate(width),
            coordinate(height)
        );
        self.fill(fill);
        self.close("rect", title);
    }

    /// A straight line between two points.
    pub fn line(&mut self, [ax, ay]: [f64; 2], [bx, by]: [f64; 2], stroke: Stroke) {
        let _ = write!(
            self.body,
            "<path d=\"M{} {}L{} {}\"",
            coordinate(ax),
            coordinate(ay),
            coordinate(bx),
            coordinate(by)
        );
        self.stroke(stroke);
        self.body.push_str("/>");
    }

    /// A polyline through `points`.
    pub fn polyline(&mut self, points: &[[f64; 2]], stroke: Stroke, title: Option<&str>) {
        if points.len() < 2 {
            return;
        }
        let _ = write!(self.body, "<path d=\"{}\" fill=\"none\" stroke-linejoin=\"round\"", path(points));
        self.stroke(stroke);
        self.close("path", title);
    }

    /// A filled polygon through `points`.
    pub fn polygon(&mut self, points: &[[f64; 2]], fill: Fill, title: Option<&str>) {
        if points.len() < 3 {
            return;
        }
        let _ = write!(self.body, "<path d=\"{}Z\"", path(points));
        self.fill(fill);
        self.close("path", title);
    }

    /// A filled circle.
    pub fn circle(&mut self, [x, y]: [f64; 2], radius: f64, fill: Fill, title: Option<&str>) {
        let (x, y, radius) = (coordinate(x), coordinate(y), coordinate(radius));
        let _ = write!(self.body, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"");
        self.fill(fill);
        self.close("circle", title);
    }

    /// A ring: a circle of which only the rim is drawn.
    pub fn ring(&mut self, [x, y]: [f64; 2], radius: f64, stroke: Stroke, title: Option<&str>) {
        let (x, y, radius) = (coordinate(x), coordinate(y), coordinate(radius));
        let surface = Colour::Surface;
        let _ = write!(
            self.body,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" class=\"f-{} s-{}\" fill=\"{}\" stroke=\"{}\" stroke-width=\"{}\"",
            surface.class(),
            stroke.0.class(),
            surface.light(),
            stroke.0.light(),
            coordinate(stroke.1)
        );
        self.close("circle", title);
    }

    /// Markup that is known to be sound: for drawings with definitions of their own.
    pub(crate) fn raw(&mut self, markup: &str) {
        self.body.push_str(markup);
    }

    pub(crate) fn into_parts(self) -> (String, BTreeSet<Face>) {
        (self.body, self.faces)
    }

    fn fill(&mut self, Fill(colour, opacity): Fill) {
        let _ = write!(self.body, " class=\"f-{}\" fill=\"{}\"", colour.class(), colour.light());
        if opacity < 1.0 {
            let _ = write!(self.body, " fill-opacity=\"{}\"", coordinate(opacity.max(0.0)));
        }
    }

    fn stroke(&mut self, Stroke(colour, width, dashed): Stroke) {
        let _ = write!(
            self.body,
            " class=\"s-{}\" stroke=\"{}\" stroke-width=\"{}\"",
            colour.class(),
            colour.light(),
            coordinate(width)
        );
        if dashed {
            self.body.push_str(" stroke-dasharray=\"5 4\"");
        }
    }

    fn title(&mut self, title: Option<&str>) {
        if let Some(title) = title {
            let _ = write!(self.body, "<title>{}</title>", escape(title));
        }
    }

    fn close(&mut self, element: &str, title: Option<&str>) {
        if title.is_none() {
            self.body.push_str("/>");
        } else {
            self.body.push('>');
            self.title(title);
            let _ = write!(self.body, "</{element}>");
        }
    }
}

fn path(points: &[[f64; 2]]) -> String {
    let mut out = String::with_capacity(points.len() * 12);
    for (at, [x, y]) in points.iter().enumerate() {
        let command = if at == 0 { 'M' } else { 'L' };
        let _ = write!(out, "{command}{} {}", coordinate(*x), coordinate(*y));
    }
    out
}
