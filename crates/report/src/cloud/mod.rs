//! Word clouds.
//!
//! The area of a word grows with its frequency: its height is proportional to the square root of it, down to a least
//! height at which it can still be read. Words stand upright, from the most frequent in the middle outwards along a
//! spiral, and no two share a pixel: each is rasterised, widened by a rim, and compared bit by bit with what is
//! already there. Nothing is drawn as text: every glyph is an outline, defined once and used many times, so that a
//! cloud looks the same wherever it is opened, Arabic included.

mod mask;
mod place;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::canvas::{Canvas, coordinate, escape};
use crate::figure::Figure;
use crate::fonts::{self, Face};
use crate::number::Number;
use crate::theme::Colour;

pub use place::{Placed, Placement};

/// Width and height of every cloud, units and pixels.
pub const SIZE: [usize; 2] = [1_600, 800];
/// The most words that a cloud holds.
pub const MOST: usize = 1_000;

/// Words and how often they occur.
#[derive(Debug, Clone)]
pub struct Cloud {
    title: String,
    words: Vec<(String, f64)>,
    colour: Colour,
    seed: u64,
}

impl Cloud {
    /// Of the [`MOST`] most frequent `words`, ties in order of the words; frequencies that are not above 0 and blank
    /// words are left out. The title is read out and shown by the page, not drawn.
    pub fn new<S: Into<String>>(title: impl Into<String>, words: impl IntoIterator<Item = (S, f64)>) -> Self {
        let title = title.into();
        let mut words: Vec<(String, f64)> = words
            .into_iter()
            .map(|(word, frequency)| (word.into(), frequency))
            .filter(|(word, frequency)| frequency.is_finite() && *frequency > 0.0 && !word.trim().is_empty())
            .collect();
        words.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        words.truncate(MOST);
        Self { title, words, colour: Colour::Positive, seed: 0 }
    }

    /// In the colour of a class, of which every third word or so is set in ink and grey.
    pub fn colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// Another seed, another arrangement; the same seed, the same bytes.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Where every word stands.
    pub fn place(&self) -> Placement {
        place::place(&self.words, self.colour, self.seed)
    }

    /// The picture.
    pub fn draw(&self, name: &str) -> Figure {
        let placement = self.place();
        let words: Vec<&str> = placement.words.iter().take(20).map(|word| word.word.as_str()).collect();
        let description = match placement.words.len() {
            0 => "No words.".to_owned(),
            count => format!(
                "Word cloud of {} words, area by frequency; the most frequent: {}.",
                Number::Count.show(count as f64),
                words.join(", ")
            ),
        };
        let size = SIZE.map(|side| side as f64);
        let mut canvas = Canvas::new();
        if placement.words.is_empty() {
            let text = crate::canvas::Text::new(size[0] / 2.0, size[1] / 2.0, "no words").size(28.0);
            canvas.text(&text.anchor(crate::canvas::Anchor::Middle).colour(Colour::Muted));
        }
        canvas.raw(&markup(&crate::figure::slug(name), &placement.words));
        Figure::new(name, &self.title, &description, size, canvas)
    }
}

/// Glyphs defined once, words made of them.
fn markup(prefix: &str, words: &[Placed]) -> String {
    let mut known: BTreeMap<(Face, u32), Option<usize>> = BTreeMap::new();
    let (mut defined, mut used) = (String::new(), String::new());
    let mut next = 0;
    for word in words {
        let _ = write!(
            used,
            "<g class=\"f-{}\" fill=\"{}\" transform=\"translate({} {})scale({:.5})\"><title>{}: {}</title>",
            word.colour.class(),
            word.colour.light(),
            coordinate(word.x),
            coordinate(word.y),
            word.size / 1000.0,
            escape(&word.word),
            Number::Plain.show(word.frequency)
        );
        for glyph in fonts::shape(&fonts::drawable(&word.word), false).0 {
            let number = *known.entry((glyph.face, glyph.id)).or_insert_with(|| {
                let path = fonts::outline(glyph.face, glyph.id);
                (!path.is_empty()).then(|| {
                    let _ = write!(defined, "<path id=\"{prefix}-{next}\" d=\"{path}\"/>");
                    next += 1;
                    next - 1
                })
            });
            let Some(number) = number else { continue };
            let _ = write!(used, "<use href=\"#{prefix}-{number}\"");
            for (axis, at) in [("x", glyph.x), ("y", -glyph.y)] {
                let at = (at * 1000.0).round();
                if at != 0.0 {
                    let _ = write!(used, " {axis}=\"{at}\"");
                }
            }
            used.push_str("/>");
        }
        used.push_str("</g>");
    }
    format!("<defs>{defined}</defs>{used}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frequencies after Zipf, words of three scripts.
    fn many(count: usize) -> Vec<(String, f64)> {
        let stems =
            ["love", "جميل", "réclamation", "quickly", "خدمة", "été", "thanks", "a", "livraison", "ممتاز"];
        (0..count).map(|at| (format!("{}{}", stems[at % 10], at / 10), 9e4 / (at + 1) as f64)).collect()
    }

    #[test]
    fn no_two_words_share_a_pixel_of_the_rendered_picture() {
        let placement = Cloud::new("words", many(220)).place();
        assert_eq!(placement.words.len() + placement.left_out, 220);
        assert!(placement.left_out == 0, "{} left out", placement.left_out);
        let mut owner = vec![None; SIZE[0] * SIZE[1]];
        for (at, word) in placement.words.iter().enumerate() {
            let mut canvas = Canvas::new();
            canvas.raw(&markup("w", std::slice::from_ref(word)));
            let figure = Figure::new("w", "", "", SIZE.map(|side| side as f64), canvas);
            let pixels = figure.pixmap(1.0).unwrap();
            let mut inked = 0;
            for (place, pixel) in pixels.pixels().iter().enumerate() {
                if (pixel.red(), pixel.green(), pixel.blue()) != (255, 255, 255) {
                    inked += 1;
                    assert!(
                        owner[place].is_none(),
                        "\"{}\" lies on \"{}\"",
                        word.word,
                        placement.words[owner[place].unwrap_or(0)].word
                    );
                    owner[place] = Some(at);
                }
            }
            assert!(inked > 0, "\"{}\" is nowhere to be seen", word.word);
        }
    }

    #[test]
    fn a_thousand_words_find_a_place_and_the_same_one_again() {
        let cloud = Cloud::new("words", many(1_200)).seed(7);
        let placement = cloud.place();
        assert_eq!((placement.words.len(), placement.left_out), (MOST, 0));
        assert_eq!(cloud.draw("c").svg(), cloud.clone().draw("c").svg());
        assert_ne!(cloud.draw("c").svg(), cloud.clone().seed(8).draw("c").svg());
        assert!(placement.words.windows(2).all(|pair| pair[0].frequency >= pair[1].frequency));
        assert!(cloud.draw("c").inline().len() < 700_000, "{}", cloud.draw("c").inline().len());
    }

    #[test]
    fn odd_words_do_no_harm() {
        let long = "x".repeat(5_000);
        for words in [
            vec![],
            vec![("", 3.0), (" ", 1.0), ("nan", f64::NAN), ("minus", -1.0)],
            vec![("alone", 1.0)],
            vec![(long.as_str(), 10.0), ("short", 1e-300), ("<&>\u{0}", f64::MAX)],
            vec![("😂", 4.0), ("漢字", 4.0), ("\u{200d}", 4.0)],
        ] {
            let figure = Cloud::new("odd", words).draw("odd");
            roxmltree::Document::parse(&figure.svg()).unwrap();
            figure.png(0.25).unwrap();
        }
    }
}
