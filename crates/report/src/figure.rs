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
