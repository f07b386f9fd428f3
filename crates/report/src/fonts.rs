//! The bundled fonts: what is measured with them is what is drawn with them.
//!
//! Noto Sans for Latin, Greek and Cyrillic, Noto Sans Arabic, and the few signs and symbols that labels use, cut to
//! size by `assets/fonts/subset.py`; the licence is [`LICENCE`]. Text is shaped by harfrust, the shaper that resvg
//! uses. Characters that no bundled font has are spelled out by [`drawable`]: a colour emoji font would weigh more
//! than the program.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use harfrust::{Direction, ShapeOptions, ShaperData, UnicodeBuffer};
use resvg::usvg::fontdb;
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::prelude::{LocationRef, Size};
use skrifa::{FontRef, GlyphId, MetadataProvider as _};
use unicode_bidi::BidiInfo;

/// Copyright and SIL Open Font License 1.1 of the bundled fonts.
pub const LICENCE: &str = include_str!("../assets/fonts/OFL.txt");

/// The families in the order in which a character looks for its glyph. In quotes: a name that holds a number is
/// none to CSS without them, and the whole list would count for nothing.
pub(crate) const FAMILIES: &str =
    "'Noto Sans','Noto Sans Arabic','Noto Sans Math','Noto Sans Symbols 2',sans-serif";

/// One bundled font file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Face {
    Regular,
    Bold,
    Arabic,
    Math,
    Symbols,
}

impl Face {
    pub(crate) const ALL: [Self; 5] = [Self::Regular, Self::Bold, Self::Arabic, Self::Math, Self::Symbols];

    const fn file(self) -> &'static [u8] {
        match self {
            Self::Regular => include_bytes!("../assets/fonts/NotoSans-Regular.ttf"),
            Self::Bold => include_bytes!("../assets/fonts/NotoSans-Bold.ttf"),
            Self::Arabic => include_bytes!("../assets/fonts/NotoSansArabic-Regular.ttf"),
            Self::Math => include_bytes!("../assets/fonts/NotoSansMath-Regular.ttf"),
            Self::Symbols => include_bytes!("../assets/fonts/NotoSansSymbols2-Regular.ttf"),
        }
    }

    const fn web(self) -> (&'static str, u16, &'static [u8]) {
        match self {
            Self::Regular => ("Noto Sans", 400, include_bytes!("../assets/fonts/NotoSans-Regular.woff2")),
            Self::Bold => ("Noto Sans", 700, include_bytes!("../assets/fonts/NotoSans-Bold.woff2")),
            Self::Arabic => {
                ("Noto Sans Arabic", 400, include_bytes!("../assets/fonts/NotoSansArabic-Regular.woff2"))
            }
            Self::Math => {
                ("Noto Sans Math", 400, include_bytes!("../assets/fonts/NotoSansMath-Regular.woff2"))
            }
            Self::Symbols => {
                ("Noto Sans Symbols 2", 400, include_bytes!("../assets/fonts/NotoSansSymbols2-Regular.woff2"))
            }
        }
    }

    /// The `@font-face` rule that carries this font inside a document.
    pub(crate) fn css(self) -> String {
        use base64::Engine as _;
        let (family, weight, file) = self.web();
        let data = base64::engine::general_purpose::STANDARD.encode(file);
        format!(
            "@font-face{{font-family:\"{family}\";font-weight:{weight};src:url(data:font/woff2;base64,{data}) format(\"woff2\")}}"
        )
    }

    /// The faces that `text` is drawn with.
    pub(crate) fn of(text: &str, bold: bool) -> impl Iterator<Item = Self> {
        text.chars().map(move |c| face_of(c, bold))
    }
}

struct Loaded {
    font: FontRef<'static>,
    shaper: ShaperData,
    per_em: f64,
}

static FACES: LazyLock<Vec<Loaded>> = LazyLock::new(|| {
    Face::ALL
        .iter()
        .map(|face| {
            let font = FontRef::new(face.file()).expect("bundled fonts are whole: a test opens them");
            let per_em = f64::from(font.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
            Loaded { shaper: ShaperData::new(&font), font, per_em }
        })
        .collect()
});

/// Every Basic Multilingual Plane character's face index, or `NONE`.
static COVER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut cover = vec![NONE; 0x1_0000];
    for (at, _) in Face::ALL.iter().enumerate().filter(|(_, face)| **face != Face::Bold) {
        for (character, _) in FACES[at].font.charmap().mappings() {
            if let Some(slot) = cover.get_mut(character as usize).filter(|slot| **slot == NONE) {
                *slot = at as u8;
            }
        }
    }
    cover
});
const NONE: u8 = u8::MAX;

fn covered(c: char) -> Option<Face> {
    COVER.get(c as usize).filter(|&&at| at != NONE).map(|&at| Face::ALL[usize::from(at)])
}

fn face_of(c: char, bold: bool) -> Face {
    match covered(c) {
        Some(Face::Regular) | None if bold => Face::Bold,
        Some(face) => face,
        None => Face::Regular,
    }
}

/// One glyph where it stands, in em from the left end of its line and from the base line (up is positive).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Glyph {
    pub(crate) face: Face,
    pub(crate) id: u32,
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// Glyphs of `text` from left to right, as the bidirectional algorithm orders them, and the width, in em.
pub(crate) fn shape(text: &str, bold: bool) -> (Vec<Glyph>, f64) {
    let mut glyphs = Vec::new();
    let mut pen = 0.0;
    let info = BidiInfo::new(text, None);
    for paragraph in &info.paragraphs {
        let (levels, runs) = info.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            let rtl = levels[run.start].is_rtl();
            let mut pieces = by_face(&text[run], bold);
            if rtl {
                pieces.reverse();
            }
            for (face, piece) in pieces {
                pen = shape_piece(face, piece, rtl, pen, &mut glyphs);
            }
        }
    }
    (glyphs, pen)
}

/// `text` cut where the face changes; marks and joiners stay with what they follow.
fn by_face(text: &str, bold: bool) -> Vec<(Face, &str)> {
    let mut pieces: Vec<(Face, &str)> = Vec::new();
    let mut start = 0;
    let mut current = None;
    for (at, c) in text.char_indices() {
        let stays = current.is_some_and(|face| {
            matches!(c, '\u{300}'..='\u{36f}' | '\u{200c}'..='\u{200f}' | '\u{fe0f}')
                || (face == Face::Arabic && c == ' ')
        });
        let face = face_of(c, bold);
        match current {
            Some(before) if before != face && !stays => {
                pieces.push((before, &text[start..at]));
                (start, current) = (at, Some(face));
            }
            None => current = Some(face),
            Some(_) => {}
        }
    }
    if let Some(face) = current {
        pieces.push((face, &text[start..]));
    }
    pieces
}

fn shape_piece(face: Face, text: &str, rtl: bool, mut pen: f64, glyphs: &mut Vec<Glyph>) -> f64 {
    let loaded = &FACES[face as usize];
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(text);
    buffer.guess_segment_properties();
    buffer.set_direction(if rtl { Direction::RightToLeft } else { Direction::LeftToRight });
    let shaped = loaded.shaper.shaper(&loaded.font).build().shape(buffer, ShapeOptions::new());
    for (info, at) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
        let em = |units: i32| f64::from(units) / loaded.per_em;
        glyphs.push(Glyph { face, id: info.glyph_id, x: pen + em(at.x_offset), y: em(at.y_offset) });
        pen += em(at.x_advance);
    }
    pen
}

/// How wide `text` is when set at `size`, in the unit of `size`; kerned and shaped.
///
/// ```
/// use sentimeter_report::fonts::width;
/// assert!(width("iiii", 12.0, false) < width("MMMM", 12.0, false));
/// assert_eq!(width("", 12.0, false), 0.0);
/// ```
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    shape(text, bold).1 * size
}

/// The outline of a glyph as SVG path data, y down, in thousandths of an em, rounded to whole ones; empty for blanks.
pub(crate) fn outline(face: Face, id: u32) -> String {
    let mut pen = SvgPen { out: String::new(), scale: 1000.0 / per_em(face) };
    trace(face, id, &mut pen);
    pen.out
}

/// How many units of the font make an em.
pub(crate) fn per_em(face: Face) -> f64 {
    FACES[face as usize].per_em
}

/// Draws a glyph with `pen` in the units of its font, y up.
pub(crate) fn trace(face: Face, id: u32, pen: &mut impl OutlinePen) {
    let loaded = &FACES[face as usize];
    if let Some(glyph) = loaded.font.outline_glyphs().get(GlyphId::new(id)) {
        let settings = DrawSettings::unhinted(Size::unscaled(), LocationRef::default());
        // A glyph that cannot be drawn is drawn as far as it goes: bundled fonts have none.
        let _ = glyph.draw(settings, pen);
    }
}

struct SvgPen {
    out: String,
    scale: f64,
}

impl SvgPen {
    fn put(&mut self, command: char, points: &[(f32, f32)]) {
        use std::fmt::Write as _;
        self.out.push(command);
        for (at, (x, y)) in points.iter().enumerate() {
            let (x, y) = (f64::from(*x) * self.scale, -f64::from(*y) * self.scale);
            let gap = if at == 0 { "" } else { " " };
            let _ = write!(self.out, "{gap}{} {}", x.round() as i64, y.round() as i64);
        }
    }
}

impl OutlinePen for SvgPen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.put('M', &[(x, y)]);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        self.put('L', &[(x, y)]);
    }
    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.put('Q', &[(cx, cy), (x, y)]);
    }
    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        self.put('C', &[(ax, ay), (bx, by), (x, y)]);
    }
    fn close(&mut self) {
        self.out.push('Z');
    }
}

/// `text` in characters that the bundled fonts have: an emoji becomes its short name (`:joy:`), controls become
/// blanks, joiners and variation selectors of emoji go, anything else is written `U+6F22`.
///
/// ```
/// use sentimeter_report::fonts::drawable;
/// assert_eq!(drawable("très bien 😂"), "très bien :joy:");
/// assert_eq!(drawable("漢"), "U+6F22");
/// ```
pub fn drawable(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| covered(c).is_some() && !c.is_control()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        let mut own = [0; 4];
        match c {
            c if c.is_control() => out.push(' '),
            '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{2066}'..='\u{2069}' => {}
            c if covered(c).is_some() => out.push(c),
            c => match emojis::get(c.encode_utf8(&mut own)) {
                Some(emoji) => {
                    let name =
                        emoji.shortcode().map_or_else(|| emoji.name().replace(' ', "_"), str::to_owned);
                    out.push_str(&format!(":{name}:"));
                }
                None => out.push_str(&format!("U+{:04X}", c as u32)),
            },
        }
    }
    Cow::Owned(out)
}

/// `text` cut with `…` so that it is no wider than `room`; unchanged where it fits.
pub fn elide(text: &str, size: f64, bold: bool, room: f64) -> Cow<'_, str> {
    if width(text, size, bold) <= room {
        return Cow::Borrowed(text);
    }
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let cut = |chars: usize| format!("{}…", text[..ends.get(chars).copied().unwrap_or(0)].trim_end());
    // Widths grow with length, nearly: the longest cut that fits is found by halving.
    let (mut fits, mut too_long) = (0, ends.len());
    while fits + 1 < too_long {
        let middle = fits.midpoint(too_long);
        if width(&cut(middle), size, bold) <= room { fits = middle } else { too_long = middle }
    }
    Cow::Owned(cut(fits))
}

/// `text` in at most `lines` lines of at most `room`, broken at blanks, the last one elided.
pub fn wrap(text: &str, size: f64, bold: bool, room: f64, lines: usize) -> Vec<String> {
    let mut out = vec![String::new()];
    // No-break spaces hold numbers and their units together.
    let mut words = text.split([' ', '\t', '\n']).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let begun = out.len();
        let line = out.last_mut().expect("there is always a line");
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if line.is_empty() || width(&longer, size, bold) <= room {
            *line = longer;
        } else if begun < lines {
            out.push(word.to_owned());
        } else {
            let rest: Vec<&str> = std::iter::once(word).chain(words.by_ref()).collect();
            line.push(' ');
            line.push_str(&rest.join(" "));
        }
    }
    for line in &mut out {
        *line = elide(line, size, bold, room).into_owned();
    }
    out
}

/// The bundled fonts and no others, for the rasteriser.
pub(crate) fn database() -> Arc<fontdb::Database> {
    static DATABASE: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
        let mut fonts = fontdb::Database::new();
        for face in Face::ALL {
            fonts.load_font_data(face.file().to_vec());
        }
        fonts.set_sans_serif_family("Noto Sans");
        Arc::new(fonts)
    });
    Arc::clone(&DATABASE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_family_is_a_name_to_css() {
        for family in FAMILIES.split(',').filter(|family| *family != "sans-serif") {
            let bare = family.strip_prefix('\'').and_then(|f| f.strip_suffix('\''));
            assert!(bare.is_some_and(|bare| !bare.contains(['\'', '"'])), "{family} is not quoted");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_drawable_has_glyphs(text in any::<String>()) {
            let shown = drawable(&text);
            prop_assert!(shown.chars().all(|c| covered(c).is_some()), "{shown:?}");
            prop_assert!(width(&shown, 12.0, false).is_finite());
            prop_assert_eq!(drawable(&shown), shown.clone(), "spelled out twice is spelled out once");
        }
    }

    #[test]
    fn arabic_is_joined_and_runs_from_right_to_left() {
        let (joined, width) = shape("سلام", false);
        let apart: f64 = "سلام".chars().map(|c| shape(&c.to_string(), false).1).sum();
        assert!(width < apart, "joined letters are narrower than isolated ones: {width} {apart}");
        assert!(joined.iter().all(|glyph| glyph.face == Face::Arabic && glyph.id != 0));
        let (mixed, _) = shape("جيد abc", false);
        assert_eq!(mixed[0].face, Face::Regular, "in a right-to-left line the Latin word stands at the left");
    }

    #[test]
    fn widths_are_those_of_the_font() {
        // Advances in Noto Sans, thousandths of an em: H 741, i 258.
        let close = |text: &str, want: f64| assert!((width(text, 1.0, false) - want).abs() < 1e-9, "{text}");
        close("H", 0.741);
        close("ii", 0.516);
        assert!(width("Sentiment", 12.0, true) > width("Sentiment", 12.0, false));
    }

    #[test]
    fn what_no_font_has_is_spelled_out() {
        for (raw, want) in [
            ("déçu → 3 ≥ 2 …", "déçu → 3 ≥ 2 …"),
            ("❤ ★", "❤ ★"),
            ("👍🏽!", ":+1:!"),
            ("a\u{0}b\n", "a b "),
            ("ممتاز جدا", "ممتاز جدا"),
        ] {
            assert_eq!(drawable(raw), want);
        }
    }

    #[test]
    fn long_text_is_cut_to_its_room() {
        for text in
            ["Service après-vente et réclamations", "خدمة العملاء والشكاوى", "aaaaaaaaaaaaaaaaaaaaaaaaaaa"]
        {
            for room in [5.0, 30.0, 80.0, 1e4] {
                let cut = elide(text, 12.0, false, room);
                assert!(width(&cut, 12.0, false) <= room.max(width("…", 12.0, false)), "{cut} in {room}");
            }
            assert!(wrap(text, 12.0, false, 60.0, 2).len() <= 2);
        }
        assert_eq!(wrap("one two three", 12.0, false, 1e4, 3), ["one two three"]);
        assert_eq!(wrap("of 1\u{202f}600", 12.0, false, 32.0, 2), ["of", "1\u{202f}600"]);
    }
}
