//! A recipe is checked once, and becomes what the analyzer runs.

use crate::cut::CLAUSE_END;
use crate::language::{Detection, Language, detect};
use crate::lemma::Pos;
use crate::negation::Negation;
use crate::recipe::{Auto, Body, Form, Hashtag, Recipe, RecipeError, Step, Style};
use crate::shortcut::{Mark, Shortcut};
use crate::stem::Stemmer;
use crate::steps::classic;
use crate::steps::emoticons::Emoticons;
use crate::steps::words::Words;
use std::sync::atomic::{AtomicU64, Ordering};

/// The checked steps of one list.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) text: Vec<TextStep>,
    /// The short way through them.
    pub(crate) shortcut: Box<Shortcut>,
    pub(crate) tokens: TokenSteps,
}

/// The steps behind the cut into tokens.
#[derive(Debug)]
pub(crate) struct TokenSteps {
    /// Tells the memos of different recipes apart.
    pub(crate) id: u64,
    /// What depends on the token alone, and so can be remembered.
    pub(crate) alone: Vec<TokenStep>,
    /// The last step, if it is wanted.
    pub(crate) negation: Option<Negation>,
}

/// A step that rewrites the text.
#[derive(Debug)]
pub(crate) enum TextStep {
    Lowercase,
    Unicode(Form),
    HtmlEntities,
    Urls,
    Users,
    Hashtags(Hashtag),
    Emoji,
    Emoticons(Emoticons),
    ClassicUrls,
    ClassicUsers,
    ClassicEmoticons,
    Alphanumeric,
    Arabic,
    Elisions,
    Words(Words),
    SquashRepeats(usize),
}

/// A step that keeps, changes or drops one token.
#[derive(Debug)]
pub(crate) enum TokenStep {
    DropShort(usize),
    StopWords(Language),
    Lemmas(&'static [Pos]),
    Stems(Stemmer),
}

/// One pipeline, or one per language.
#[derive(Debug)]
pub(crate) enum Pipelines {
    One(Pipeline),
    Auto { min_confidence: f32, fallback: Language, en: Pipeline, fr: Pipeline, ar: Pipeline },
}

impl Pipelines {
    pub(crate) fn new(recipe: &Recipe) -> Result<Self, RecipeError> {
        Ok(match &recipe.body {
            Body::Steps(steps) => Self::One(Pipeline::new(steps, "")?),
            Body::Auto(auto) => Self::auto(auto)?,
        })
    }

    fn auto(auto: &Auto) -> Result<Self, RecipeError> {
        let wrong = |setting, got, want| RecipeError::Auto { setting, got, want };
        if !(0.0..=1.0).contains(&auto.min_confidence) {
            let got = auto.min_confidence.to_string();
            return Err(wrong("min_confidence", got, "between 0 and 1"));
        }
        if auto.fallback == Language::Other {
            return Err(wrong("fallback", "other".to_owned(), "`en`, `fr` or `ar`"));
        }
        Ok(Self::Auto {
            min_confidence: auto.min_confidence,
            fallback: auto.fallback,
            en: Pipeline::new(&auto.en, " of `en`")?,
            fr: Pipeline::new(&auto.fr, " of `fr`")?,
            ar: Pipeline::new(&auto.ar, " of `ar`")?,
        })
    }

    /// Which pipeline serves `raw`, in the language `found` if that is known, for [`Self::at`].
    pub(crate) fn pick(&self, raw: &str, found: Option<Detection>) -> u8 {
        let (min, fallback) = match self {
            Self::One(_) => return 0,
            Self::Auto { min_confidence, fallback, .. } => (*min_confidence, *fallback),
        };
        let found = found.unwrap_or_else(|| detect(raw));
        let sure = found.language != Language::Other && found.confidence >= min;
        match if sure { found.language } else { fallback } {
            Language::En | Language::Other => 0,
            Language::Fr => 1,
            Language::Ar => 2,
        }
    }

    /// The pipeline that [`Self::pick`] has named.
    pub(crate) fn at(&self, index: u8) -> &Pipeline {
        match (self, index) {
            (Self::One(pipeline), _) => pipeline,
            (Self::Auto { fr, .. }, 1) => fr,
            (Self::Auto { ar, .. }, 2) => ar,
            (Self::Auto { en, .. }, _) => en,
        }
    }
}

/// Where a step stands, for messages.
struct Place<'a> {
    index: usize,
    step: &'static str,
    within: &'a str,
}

impl Place<'_> {
    fn at_least_one(&self, setting: &'static str, got: u8) -> Result<usize, RecipeError> {
        if got == 0 {
            return Err(self.setting(setting, got.to_string(), "at least 1"));
        }
        Ok(usize::from(got))
    }

    fn known(&self, language: Language) -> Result<Language, RecipeError> {
        match language {
            Language::Other => Err(self.unknown(language)),
            known => Ok(known),
        }
    }

    fn unknown(&self, language: Language) -> RecipeError {
        self.setting("language", language.to_string(), "`en`, `fr` or `ar`")
    }

    fn setting(&self, setting: &'static str, got: String, want: &'static str) -> RecipeError {
        let (index, step, within) = (self.index, self.step, self.within.to_owned());
        RecipeError::Setting { index, step, within, setting, got, want }
    }
}

impl Pipeline {
    pub(crate) fn new(steps: &[Step], within: &str) -> Result<Self, RecipeError> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut text = Vec::new();
        let mut tokens =
            TokenSteps { id: NEXT.fetch_add(1, Ordering::Relaxed), alone: Vec::new(), negation: None };
        let mut cut: Option<(usize, &'static str)> = None;
        let clauses = steps.iter().any(|step| matches!(step, Step::Negation { .. }));
        for (index, step) in steps.iter().enumerate() {
            let place = Place { index: index + 1, step: step.name(), within };
            if let (Some(_), Some((earlier, earlier_step))) = (&tokens.negation, cut) {
                return Err(RecipeError::Last { earlier, earlier_step, within: within.to_owned() });
            }
            match compile(step, &place, clauses)? {
                Compiled::Text(step) => match cut {
                    None => text.push(step),
                    Some((earlier, earlier_step)) => {
                        let (index, step, within) = (place.index, place.step, within.to_owned());
                        return Err(RecipeError::Order { index, step, within, earlier, earlier_step });
                    }
                },
                Compiled::Token(step) => {
                    cut = cut.or(Some((place.index, place.step)));
                    tokens.alone.push(step);
                }
                Compiled::Last(negation) => {
                    cut = Some((place.index, place.step));
                    tokens.negation = Some(negation);
                }
            }
        }
        Ok(Self { shortcut: Box::new(Shortcut::new(&text)), text, tokens })
    }
}

impl TextStep {
    /// What becomes of each byte of an ASCII text, where the step looks at nothing else.
    pub(crate) fn byte(&self) -> Option<fn(u8) -> u8> {
        match self {
            Self::Lowercase => Some(|byte| byte.to_ascii_lowercase()),
            Self::Alphanumeric => Some(classic::alphanumeric_byte),
            _ => None,
        }
    }

    /// What an ASCII text must hold for the step to change anything; `None` if it makes no promise.
    pub(crate) fn marks(&self) -> Option<Vec<Mark>> {
        match self {
            Self::ClassicUrls => Some(classic::URL_MARKS.to_vec()),
            Self::ClassicEmoticons => Some(classic::emoticon_marks()),
            Self::ClassicUsers => Some(classic::USER_MARKS.to_vec()),
            _ => None,
        }
    }
}

enum Compiled {
    Text(TextStep),
    Token(TokenStep),
    Last(Negation),
}

/// `clauses`: a later step asks where clauses end.
fn compile(step: &Step, place: &Place<'_>, clauses: bool) -> Result<Compiled, RecipeError> {
    use Compiled::{Last, Text, Token};
    Ok(match step {
        Step::Unicode { form } => Text(TextStep::Unicode(*form)),
        Step::HtmlEntities {} => Text(TextStep::HtmlEntities),
        Step::Lowercase {} => Text(TextStep::Lowercase),
        Step::Urls { style: Style::Modern } => Text(TextStep::Urls),
        Step::Urls { style: Style::Classic } => Text(TextStep::ClassicUrls),
        Step::Users { style: Style::Modern } => Text(TextStep::Users),
        Step::Users { style: Style::Classic } => Text(TextStep::ClassicUsers),
        Step::Hashtags { mode } => Text(TextStep::Hashtags(*mode)),
        Step::Emoji {} => Text(TextStep::Emoji),
        Step::Emoticons { style: Style::Modern } => Text(TextStep::Emoticons(Emoticons::new())),
        Step::Emoticons { style: Style::Classic } => Text(TextStep::ClassicEmoticons),
        Step::Alphanumeric {} => Text(TextStep::Alphanumeric),
        Step::Arabic {} => Text(TextStep::Arabic),
        Step::Elisions {} => Text(TextStep::Elisions),
        Step::Words { signs } => {
            if signs.contains(|c| !"!?.".contains(c)) {
                return Err(place.setting("signs", format!("{signs:?}"), "made of `!`, `?` and `.`"));
            }
            Text(TextStep::Words(Words {
                exclamation: signs.contains('!'),
                question: signs.contains('?'),
                ellipsis: signs.contains('.'),
                clause_end: if clauses { CLAUSE_END } else { ' ' },
            }))
        }
        Step::SquashRepeats { keep } => Text(TextStep::SquashRepeats(place.at_least_one("keep", *keep)?)),
        Step::DropShort { min_chars } => {
            Token(TokenStep::DropShort(place.at_least_one("min_chars", *min_chars)?))
        }
        Step::StopWords { language } => Token(TokenStep::StopWords(place.known(*language)?)),
        Step::Lemmas { pos } => Token(TokenStep::Lemmas(pos.tries())),
        Step::Stems { language } => match Stemmer::new(*language) {
            Some(stemmer) => Token(TokenStep::Stems(stemmer)),
            None => return Err(place.unknown(*language)),
        },
        Step::Negation { language, reach, grammar } => Last(Negation {
            language: place.known(*language)?,
            reach: place.at_least_one("reach", *reach)?,
            grammar: *grammar,
        }),
    })
}

impl Step {
    /// The name as recipes write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unicode { .. } => "unicode",
            Self::HtmlEntities {} => "html_entities",
            Self::Hashtags { .. } => "hashtags",
            Self::Emoji {} => "emoji",
            Self::Arabic {} => "arabic",
            Self::Elisions {} => "elisions",
            Self::Words { .. } => "words",
            Self::StopWords { .. } => "stop_words",
            Self::Stems { .. } => "stems",
            Self::Negation { .. } => "negation",
            Self::Lowercase {} => "lowercase",
            Self::Urls { .. } => "urls",
            Self::Users { .. } => "users",
            Self::Emoticons { .. } => "emoticons",
            Self::Alphanumeric {} => "alphanumeric",
            Self::SquashRepeats { .. } => "squash_repeats",
            Self::DropShort { .. } => "drop_short",
            Self::Lemmas { .. } => "lemmas",
        }
    }
}
