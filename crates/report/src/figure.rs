use std::collections::BTreeSet;

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg;

use crate::canvas::{Canvas, coordinate, escape};
use crate::error::ReportError;
use crate::fonts::{self, FAMILIES, Face};
use crate::theme::Colour;

/// A finished picture: SVG for a page, SVG for a file, PNG.
#[derive(Debug, Clone)]
pub struct Figure {
    name: String,
    title: String,
    description: String,
    width: f64,
    height: f64,
    body: String,
    faces: BTreeSet<Face>,
}

impl Figure {
    /// What `canvas` holds, as a picture of `width` by `height` units. `name` becomes the file's name and the prefix
    /// of ids: small letters and digits are kept, everything else becomes `-`. `title` and `description` are what
    /// is read out to somebody who does not see the picture.
    pub fn new(
        name: &str,
        title: &str,
        description: &str,
        [width, height]: [f64; 2],
        canvas: Canvas,
    ) -> Self {
        let (body, faces) = canvas.into_parts();
        let (title, description) = (title.to_owned(), description.to_owned());
        Self { name: slug(name), title, description, width: width.ceil(), height: height.ceil(), body, faces }
    }

    /// The name, as in the file's name and the ids.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Width and height in CSS pixels.
    pub fn size(&self) -> [f64; 2] {
        [self.width, self.height]
    }

    /// A file of its own: light, on white, carrying the fonts that it uses.
    pub fn svg(&self) -> String {
        let rules: String = self.faces.iter().map(|face| face.css()).collect();
        let style = if rules.is_empty() { rules } else { format!("<style>{rules}</style>") };
        self.document(&style, true)
    }

    /// An element of an HTML page that has this crate's style sheet: follows the page's theme.
    pub fn inline(&self) -> String {
        self.document("", false)
    }

    /// The picture as PNG, `scale` pixels per unit, rasterised with the bundled fonts alone: the same bytes on every
    /// machine.
    ///
    /// # Errors
    /// [`ReportError::Raster`] where the rasteriser refuses: a fault of this crate, not of the numbers.
    pub fn png(&self, scale: f32) -> Result<Vec<u8>, ReportError> {
        let pixels = self.pixmap(scale)?;
        encode(&pixels).map_err(|reason| self.fault(reason))
    }

    /// The picture rasterised, on white.
    pub(crate) fn pixmap(&self, scale: f32) -> Result<Pixmap, ReportError> {
        let tree = self.tree()?;
        let side = |units: f64| ((units as f32 * scale).ceil() as u32).clamp(1, 20_000);
        let mut pixels =
            Pixmap::new(side(self.width), side(self.height)).ok_or_else(|| self.fault("no pixels".into()))?;
        pixels.fill(Color::WHITE);
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
        Ok(pixels)
    }

    pub(crate) fn tree(&self) -> Result<usvg::Tree, ReportError> {
        let options = usvg::Options {
            fontdb: fonts::database(),
            font_family: "Noto Sans".into(),
            ..usvg::Options::default()
        };
        usvg::Tree::from_str(&self.document("", true), &options).map_err(|e| self.fault(e.to_string()))
    }

    fn fault(&self, reason: String) -> ReportError {
        ReportError::Raster { figure: self.name.clone(), reason }
    }

    fn document(&self, style: &str, alone: bool) -> String {
        let Self { name, body, .. } = self;
        let (width, height) = (coordinate(self.width), coordinate(self.height));
        let (title, description) = (escape(&self.title), escape(&self.description));
        let place = if alone {
            format!("xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\"")
        } else {
            format!("class=\"fig\" style=\"max-width:{width}px\"")
        };
        let ground = if alone {
            format!("<rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>", Colour::Surface.light())
        } else {
            String::new()
        };
        format!(
            "<svg {place} viewBox=\"0 0 {width} {height}\" font-family=\"{FAMILIES}\" role=\"img\" \
             aria-labelledby=\"{name}-t {name}-d\"><title id=\"{name}-t\">{title}</title>\
             <desc id=\"{name}-d\">{description}</desc>{style}{ground}{body}</svg>"
        )
    }
}

/// Small letters, digits and single hyphens; `figure` where nothing is left.
pub(crate) fn slug(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    let trimmed = out.trim_end_matches('-');
    match trimmed.chars().next() {
        None => "figure".into(),
        Some(first) if first.is_ascii_digit() => format!("f-{trimmed}"),
        Some(_) => trimmed.into(),
    }
}

/// Opaque pixels as PNG without the alpha channel; plots are flat, so that the fast setting packs them well.
fn encode(pixels: &Pixmap) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let rgb: Vec<u8> = pixels.data().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    let mut writer = encoder.write_header().map_err(|e| e.to_string())?;
    writer.write_image_data(&rgb).map_err(|e| e.to_string())?;
    writer.finish().map_err(|e| e.to_string())?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use resvg::usvg::{Group, Node, Tree};

    use super::*;
    use crate::gallery;
    use crate::plot::{Bars, Confusion, Dot, Dots, Histogram, Line, Lines, Scale, Series, Timeline, Words};
    use crate::{Colour, Number};

    /// Everything drawn lies inside the picture; text is judged by its ink.
    #[track_caller]
    fn stays_inside(figure: &Figure) {
        let tree: Tree = figure.tree().unwrap();
        walk(tree.root(), figure);
    }

    #[track_caller]
    fn walk(group: &Group, figure: &Figure) {
        for node in group.children() {
            if let Node::Group(inner) = node {
                walk(inner, figure);
                continue;
            }
            let place = node.abs_stroke_bounding_box();
            let inside = place.left() >= -0.51
                && place.top() >= -0.51
                && f64::from(place.right()) <= figure.width + 0.51
                && f64::from(place.bottom()) <= figure.height + 0.51;
            assert!(inside, "{}: {place:?} leaves the picture: {}", figure.name, text_of(node));
        }
    }

    fn text_of(node: &Node) -> String {
        match node {
            Node::Text(text) => text.chunks().iter().map(|chunk| chunk.text()).collect(),
            _ => "a mark".into(),
        }
    }

    /// Boxes of the texts of a figure, with what they say.
    fn texts(group: &Group, found: &mut Vec<(resvg::tiny_skia::Rect, String)>) {
        for node in group.children() {
            match node {
                Node::Group(inner) => texts(inner, found),
                Node::Text(_) => found.push((node.abs_bounding_box(), text_of(node))),
                _ => {}
            }
        }
    }

    #[test]
    fn the_gallery_is_sound_xml_inside_its_frame() {
        for figure in gallery::page().figures() {
            for markup in [figure.svg(), figure.inline()] {
                let document = roxmltree::Document::parse(&markup).unwrap();
                let titled = |name| document.root_element().children().any(|n| n.has_tag_name(name));
                assert!(markup.starts_with("<svg class") || titled(("http://www.w3.org/2000/svg", "title")));
                assert!(markup.contains("<desc"), "{} is described", figure.name());
            }
            stays_inside(figure);
        }
    }

    #[test]
    fn no_two_labels_of_the_gallery_overlap() {
        for figure in gallery::page().figures() {
            let mut found = Vec::new();
            texts(figure.tree().unwrap().root(), &mut found);
            for (at, (a, first)) in found.iter().enumerate() {
                for (b, second) in &found[at + 1..] {
                    let over = a.right().min(b.right()) - a.left().max(b.left());
                    let down = a.bottom().min(b.bottom()) - a.top().max(b.top());
                    // Boxes of lines that follow each other may touch by a descender.
                    assert!(over <= 1.0 || down <= 6.0, "{}: {first:?} lies on {second:?}", figure.name());
                }
            }
        }
    }

    #[test]
    fn ids_of_a_page_are_its_own() {
        let html = gallery::page().html();
        let mut ids: Vec<&str> =
            html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }

    #[test]
    fn names_become_slugs() {
        for (name, want) in [
            ("Rows per class", "rows-per-class"),
            ("../../etc/passwd", "etc-passwd"),
            ("é", "figure"),
            ("", "figure"),
            ("2nd", "f-2nd"),
        ] {
            assert_eq!(slug(name), want);
        }
    }

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<f64>(),
            -1e3..1e3_f64,
            0.0..1.0_f64,
            Just(0.0),
            Just(1_600_000.0),
            Just(f64::NAN),
            Just(f64::INFINITY)
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn any_numbers_and_names_are_drawn_inside_the_picture(
            names in prop::collection::vec("\\PC{0,40}", 0..30),
            values in prop::collection::vec(number(), 0..9),
            others in prop::collection::vec(number(), 0..9),
            times in prop::collection::vec(any::<i64>(), 0..6),
            title in any::<String>(),
        ) {
            let pairs: Vec<(f64, f64)> = values.iter().copied().zip(others.iter().copied()).collect();
            let series = || Series::new(title.clone(), values.clone()).intervals(pairs.clone());
            let second = || Series::new("positive", others.clone());
            let mut edges = values.clone();
            edges.sort_by(f64::total_cmp);
            let counts: Vec<Vec<u64>> =
                names.iter().map(|name| name.bytes().map(|b| u64::from(b).pow(8)).collect()).collect();
            let bars = Bars::new(title.clone(), title.clone()).categories(names.clone()).series(series());
            let dots = names.iter().zip(&pairs).map(|(name, pair)| Dot::new(name, pair.0).interval(pair.1, pair.0));
            let line = || Line::new(title.clone(), pairs.clone()).marked();
            for figure in [
                bars.clone().draw("a"),
                bars.clone().series(second()).number(Number::Compact).draw("b"),
                bars.clone().series(second()).stacked().coloured().draw("c"),
                bars.horizontal().series(second()).number(Number::Percent(1)).draw("d"),
                Lines::new(title.clone(), "x", title.clone()).line(line()).mark(0.5, title.clone()).draw("e"),
                Lines::heaps(title.clone()).line(line().colour(Colour::Cycle(9))).draw("f"),
                Lines::roc("").line(line().dashed()).draw("g"),
                Lines::new("", "", "").x(Scale::Time, Number::Count).line(line()).draw("h"),
                Histogram::new("", "x", "y", edges.clone()).series(series()).draw("i"),
                Histogram::new("", "x", "y", edges).series(second()).log().draw("j"),
                Timeline::new("", "rows", times, 60).all([series(), second()]).draw("k"),
                Confusion::new("", names.clone(), counts).draw("l"),
                Dots::new("", "").dots(dots).reference(0.5, title.clone()).draw("m"),
                Words::new("", "z", title.clone(), "positive").words(names.iter().zip(values.clone())).draw("n"),
            ] {
                stays_inside(&figure);
                prop_assert!(roxmltree::Document::parse(&figure.inline()).is_ok());
            }
        }
    }
}
