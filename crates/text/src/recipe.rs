//! What is done to a text, as a list that can be read, saved and replayed.

use crate::analyzer::Analyzer;
use crate::language::Language;
use crate::lemma::Pos;
use serde::{Deserialize, Serialize};

/// How a raw text becomes tokens: an ordered list of steps, or one list per language.
///
/// As JSON `{"name": "mine", "steps": [{"step": "lowercase"}, …]}` or
/// `{"auto": {"min_confidence": 0.6, "fallback": "en", "en": […], "fr": […], "ar": […]}}`; as TOML the
/// same with `[[steps]]`. Unknown steps and settings are errors. A recipe is a plain value;
/// [`Recipe::compile`] checks it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Recipe {
    /// What people call it; no meaning to the program.
    pub name: Option<String>,
    /// The steps.
    pub body: Body,
}

/// The two kinds of recipe.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// The same steps for every text, in this order.
    Steps(Vec<Step>),
    /// The language is detected for each text, then its own steps run.
    Auto(Auto),
}

/// One list of steps per language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auto {
    /// A detection less sure than this, in `[0, 1]`, counts as none.
    pub min_confidence: f32,
    /// Whose steps serve texts whose language is another one or not certain: `en`, `fr` or `ar`.
    pub fallback: Language,
    /// The steps for English.
    pub en: Vec<Step>,
    /// The steps for French.
    pub fr: Vec<Step>,
    /// The steps for Arabic.
    pub ar: Vec<Step>,
}

/// A recipe as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<Step>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auto: Option<Auto>,
}

impl TryFrom<Fields> for Recipe {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        let body = match (fields.steps, fields.auto) {
            (Some(steps), None) => Body::Steps(steps),
            (None, Some(auto)) => Body::Auto(auto),
            (None, None) => return Err("a recipe needs `steps` or `auto`"),
            (Some(_), Some(_)) => return Err("a recipe has `steps` or `auto`, not both"),
        };
        Ok(Self { name: fields.name, body })
    }
}

/// No steps: white space cuts, nothing else happens.
impl Default for Recipe {
    fn default() -> Self {
        Self { name: None, body: Body::Steps(Vec::new()) }
    }
}

impl From<Recipe> for Fields {
    fn from(recipe: Recipe) -> Self {
        let (steps, auto) = match recipe.body {
            Body::Steps(steps) => (Some(steps), None),
            Body::Auto(auto) => (None, Some(auto)),
        };
        Self { name: recipe.name, steps, auto }
    }
}

/// One cleaning step. Steps up to [`Step::SquashRepeats`] work on the text; then white space cuts it
/// into tokens, and the steps from [`Step::DropShort`] on work on those.
// Steps without settings have braces too: serde refuses unknown fields only in such variants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Unicode normalisation.
    Unicode {
        /// Which form.
        #[serde(default)]
        form: Form,
    },
    /// HTML references (`&amp;`, also escaped twice) and literal `\uXXXX` become characters.
    HtmlEntities {},
    /// Full Unicode lower case.
    Lowercase {},
    /// Links become `URL`.
    Urls {
        /// What counts as a link.
        #[serde(default)]
        style: Style,
    },
    /// Mentions (`@name`) become `USER`.
    Users {
        /// What counts as a mention.
        #[serde(default)]
        style: Style,
    },
    /// `#BestDay` becomes words or a mask.
    Hashtags {
        /// What becomes of it.
        #[serde(default)]
        mode: Hashtag,
    },
    /// Unicode emoji become `EMOJIname`, by their CLDR short names (😀: `EMOJIgrinningface`).
    Emoji {},
    /// Emoticons (`:)`, `<3`) become `EMOJIname`.
    Emoticons {
        /// Which table is used.
        #[serde(default)]
        style: Style,
    },
    /// Everything but ASCII letters and digits becomes a space.
    Alphanumeric {},
    /// One spelling for Arabic letters: see [`crate::arabic`].
    Arabic {},
    /// French elisions are cut: `j'adore` becomes `j' adore`.
    Elisions {},
    /// Everything but letters, digits and marks (of any script) and apostrophes inside words becomes
    /// a space; at most four marks stay on a letter, invisible characters vanish.
    Words {
        /// Signs that stay, their runs as tokens: any of `!`, `?`, and `.` for an ellipsis (two
        /// dots or more).
        #[serde(default)]
        signs: String,
    },
    /// "sooooo" becomes "soo" when `keep` is 2. White space is left alone.
    SquashRepeats {
        /// How many of a run stay, at least 1.
        #[serde(default = "two")]
        keep: u8,
    },
    /// Tokens of fewer than `min_chars` characters go.
    DropShort {
        /// The fewest characters that stay, at least 1.
        #[serde(default = "two")]
        min_chars: u8,
    },
    /// Stop words go. Negations are among them in some lists, and they carry sentiment.
    StopWords {
        /// Whose stop words: `en`, `fr` or `ar`.
        language: Language,
    },
    /// WordNet's lemmas (English).
    Lemmas {
        /// What every token is taken for.
        #[serde(default)]
        pos: LemmaPos,
    },
    /// Snowball stems.
    Stems {
        /// Whose rules: `en`, `fr` or `ar`.
        language: Language,
    },
    /// Words that a negation reaches get the prefix `NOT_`, up to the end of the clause, a contrast
    /// ("but") or `reach` words. It is the last step. Negations are recognised as the text has them,
    /// before lemmas, stems and stop words.
    Negation {
        /// Whose negations: `en`, `fr` or `ar`.
        language: Language,
        /// The most words that one negation marks, at least 1.
        #[serde(default = "four")]
        reach: u8,
        /// Also by grammar, not by a list of words alone: French "ne … plus" denies and "ne … que" does
        /// not; the verb in Arabic "ماعجبنيش" is marked; phrases such as "not only", "sans doute" and
        /// "ما شاء الله" deny nothing.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        grammar: bool,
    },
}

fn two() -> u8 {
    2
}

fn four() -> u8 {
    4
}

/// A Unicode normalisation form (UAX #15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Canonical composition: é is one character however it was typed.
    #[default]
    Nfc,
    /// Compatibility composition: also ﬁ → fi, ① → 1, full width → ASCII.
    Nfkc,
}

/// What becomes of a hashtag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hashtag {
    /// Its words: `#BestDayEver2` → `Best Day Ever 2`. Before [`Step::Lowercase`], or capitals are
    /// gone.
    #[default]
    Split,
    /// One word: `#BestDayEver` → `BestDayEver`.
    Keep,
    /// `HASHTAG`.
    Mask,
}

/// Whose idea of a link, mention or emoticon a step follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Ours.
    #[default]
    Modern,
    /// Exactly the regular expressions and the table of the classic Sentiment140 recipe.
    Classic,
}

/// What part of speech a token is taken for when its lemma is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LemmaPos {
    /// A noun: NLTK's default.
    #[default]
    Noun,
    /// A verb.
    Verb,
    /// An adjective.
    Adj,
    /// An adverb.
    Adv,
    /// The first of noun, verb, adjective and adverb whose lemma is another word.
    Any,
}

impl LemmaPos {
    /// The parts of speech to try, in order.
    pub(crate) fn tries(self) -> &'static [Pos] {
        match self {
            Self::Noun => &[Pos::Noun],
            Self::Verb => &[Pos::Verb],
            Self::Adj => &[Pos::Adj],
            Self::Adv => &[Pos::Adv],
            Self::Any => &[Pos::Noun, Pos::Verb, Pos::Adj, Pos::Adv],
        }
    }
}

/// Why a recipe cannot be compiled.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RecipeError {
    /// A setting is out of its range.
    #[error("step {index} ({step}){within}: {setting} is {got}, it must be {want}")]
    Setting {
        /// Which step, counted from 1.
        index: usize,
        /// Its name.
        step: &'static str,
        /// " of `fr`" in an auto recipe, else empty.
        within: String,
        /// The setting's name.
        setting: &'static str,
        /// Its value.
        got: String,
        /// What would be accepted.
        want: &'static str,
    },
    /// A step that works on the text stands behind one that works on tokens.
    #[error(
        "step {index} ({step}){within} works on the text, but step {earlier} ({earlier_step}) has \
         already cut it into tokens: move it before that"
    )]
    Order {
        /// Which step, counted from 1.
        index: usize,
        /// Its name.
        step: &'static str,
        /// " of `fr`" in an auto recipe, else empty.
        within: String,
        /// The token step in front of it.
        earlier: usize,
        /// Its name.
        earlier_step: &'static str,
    },
    /// A step stands behind the marking of negations.
    #[error("step {earlier} ({earlier_step}){within} must be the last one")]
    Last {
        /// Which step, counted from 1.
        earlier: usize,
        /// Its name.
        earlier_step: &'static str,
        /// " of `fr`" in an auto recipe, else empty.
        within: String,
    },
    /// An auto recipe's own setting is out of its range.
    #[error("auto recipe: {setting} is {got}, it must be {want}")]
    Auto {
        /// The setting's name.
        setting: &'static str,
        /// Its value.
        got: String,
        /// What would be accepted.
        want: &'static str,
    },
}

impl Recipe {
    /// Checks the steps and builds what they need.
    ///
    /// # Errors
    ///
    /// A setting out of range, or a text step behind a token step; the message names the step.
    pub fn compile(&self) -> Result<Analyzer, RecipeError> {
        Analyzer::new(self)
    }
}
