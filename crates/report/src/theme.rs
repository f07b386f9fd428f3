//! Colours, in light and dark, that people who see colours differently can tell apart.
//!
//! The hues are Okabe and Ito's (2008, "Color Universal Design"), darkened on white and lightened on black until
//! marks stand out at 3:1 and text at 4.5:1 (WCAG 2.2, 1.4.3 and 1.4.11). An SVG carries the light colour as an
//! attribute and the colour's class beside it; a page overrides the attribute through the class, so the same markup
//! follows `prefers-color-scheme`, and a picture that stands alone is light.

use std::fmt::Write as _;

/// A colour by what it means; how it looks depends on the theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Colour {
    /// Of the negative class; also of what is wrong. Vermilion.
    Negative,
    /// Of the neutral class. Grey.
    Neutral,
    /// Of the positive class; also of one series without a class. Blue.
    Positive,
    /// Further classes and series: the n-th hue of the sequence, from 0, starting again after [`Colour::CYCLE`].
    Cycle(u8),
    /// Text and axes.
    Ink,
    /// Text of lesser weight.
    Muted,
    /// Grid lines and empty areas.
    Grid,
    /// What everything is drawn on.
    Surface,
    /// Text on a filled mark.
    OnMark,
}

impl Colour {
    /// How many different hues [`Colour::Cycle`] has.
    pub const CYCLE: u8 = 6;

    /// Every colour there is.
    pub const ALL: [Self; 14] = [
        Self::Negative,
        Self::Neutral,
        Self::Positive,
        Self::Cycle(0),
        Self::Cycle(1),
        Self::Cycle(2),
        Self::Cycle(3),
        Self::Cycle(4),
        Self::Cycle(5),
        Self::Ink,
        Self::Muted,
        Self::Grid,
        Self::Surface,
        Self::OnMark,
    ];

    /// The class that this colour has in SVG.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Negative => "neg",
            Self::Neutral => "neu",
            Self::Positive => "pos",
            Self::Cycle(n) => ["c0", "c1", "c2", "c3", "c4", "c5"][(n % Self::CYCLE) as usize],
            Self::Ink => "ink",
            Self::Muted => "muted",
            Self::Grid => "grid",
            Self::Surface => "surface",
            Self::OnMark => "onmark",
        }
    }

    /// On white, `#rrggbb`.
    pub const fn light(self) -> &'static str {
        match self {
            Self::Negative => "#c04a00",
            Self::Neutral => "#73777f",
            Self::Positive => "#0072b2",
            Self::Cycle(n) => {
                ["#008060", "#a8558c", "#9a6a00", "#2b8cbe", "#6a51a3", "#1b1b1b"][(n % Self::CYCLE) as usize]
            }
            Self::Ink => "#1f2328",
            Self::Muted => "#59636e",
            Self::Grid => "#dfe3e8",
            Self::Surface => "#ffffff",
            Self::OnMark => "#ffffff",
        }
    }

    /// On near black, `#rrggbb`.
    pub const fn dark(self) -> &'static str {
        match self {
            Self::Negative => "#f58b4c",
            Self::Neutral => "#a3a9b2",
            Self::Positive => "#5bb5ec",
            Self::Cycle(n) => {
                ["#2fc79b", "#e39bc5", "#eebc42", "#9fd3f3", "#b9a6ee", "#f2f2f2"][(n % Self::CYCLE) as usize]
            }
            Self::Ink => "#e8eaed",
            Self::Muted => "#a4adb8",
            Self::Grid => "#353b44",
            Self::Surface => "#14171c",
            Self::OnMark => "#14171c",
        }
    }

    /// The colour of a class by its name: the three sentiments in English, French and Arabic have their own.
    pub fn of_label(label: &str) -> Option<Self> {
        match label.trim().to_lowercase().as_str() {
            "negative" | "neg" | "négatif" | "negatif" | "سلبي" => Some(Self::Negative),
            "neutral" | "neu" | "neutre" | "محايد" => Some(Self::Neutral),
            "positive" | "pos" | "positif" | "إيجابي" | "ايجابي" => Some(Self::Positive),
            _ => None,
        }
    }

    /// A colour for each label, in their order: known sentiments keep theirs, the others take the sequence in turn.
    pub fn of_labels<S: AsRef<str>>(labels: &[S]) -> Vec<Self> {
        let mut next = 0;
        labels
            .iter()
            .map(|label| {
                Self::of_label(label.as_ref()).unwrap_or_else(|| {
                    let colour = Self::Cycle(next % Self::CYCLE);
                    next = next.wrapping_add(1);
                    colour
                })
            })
            .collect()
    }
}

/// The style sheet of figures inside a page, whose root element has the class `figure`: light by default and on
/// paper, dark where the reader asked for dark.
pub(crate) fn css() -> String {
    let mut dark = String::new();
    for colour in Colour::ALL {
        let (class, hex) = (colour.class(), colour.dark());
        let _ = write!(dark, "svg.fig .f-{class}{{fill:{hex}}}svg.fig .s-{class}{{stroke:{hex}}}");
    }
    format!("@media screen and (prefers-color-scheme: dark){{{dark}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2).
    fn luminance(hex: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn marks_and_text_stand_out_in_both_themes() {
        for colour in Colour::ALL {
            let wanted = match colour {
                Colour::Grid | Colour::Surface | Colour::OnMark => continue,
                Colour::Ink | Colour::Muted => 4.5,
                _ => 3.5,
            };
            for (hex, ground) in
                [(colour.light(), Colour::Surface.light()), (colour.dark(), Colour::Surface.dark())]
            {
                assert!(
                    contrast(hex, ground) >= wanted,
                    "{colour:?} {hex} on {ground}: {}",
                    contrast(hex, ground)
                );
            }
        }
    }

    #[test]
    fn sentiments_keep_their_colour_and_others_take_turns() {
        let got = Colour::of_labels(&["joy", "negative", "anger", "Neutre", "إيجابي"]);
        assert_eq!(
            got,
            [Colour::Cycle(0), Colour::Negative, Colour::Cycle(1), Colour::Neutral, Colour::Positive]
        );
        assert_eq!(Colour::of_labels(&["x"; 300]).len(), 300);
    }
}
