//! The recipes that come with the program.

use crate::language::Language;
use crate::recipe::{Auto, Body, Form, Hashtag, LemmaPos, Recipe, Step, Style};

impl Recipe {
    /// The names that [`Recipe::preset`] knows.
    pub fn presets() -> &'static [&'static str] {
        &["tweet-en", "en", "fr", "ar", "auto"]
    }

    /// The preset called `name`; `None` if there is none of that name.
    ///
    /// `tweet-en` is exactly the classic Sentiment140 recipe (`tests/classic/classic.py`); `en`, `fr`
    /// and `ar` are ours; `auto` picks one of those by each text's language.
    pub fn preset(name: &str) -> Option<Self> {
        let body = match name {
            "tweet-en" => Body::Steps(classic()),
            "en" => Body::Steps(english()),
            "fr" => Body::Steps(french()),
            "ar" => Body::Steps(arabic()),
            "auto" => Body::Auto(Auto {
                min_confidence: 0.6,
                fallback: Language::En,
                en: english(),
                fr: french(),
                ar: arabic(),
            }),
            _ => return None,
        };
        Some(Self { name: Some(name.to_owned()), body })
    }
}

fn classic() -> Vec<Step> {
    vec![
        Step::Lowercase {},
        Step::Urls { style: Style::Classic },
        Step::Emoticons { style: Style::Classic },
        Step::Users { style: Style::Classic },
        Step::Alphanumeric {},
        Step::SquashRepeats { keep: 2 },
        Step::DropShort { min_chars: 2 },
        Step::Lemmas { pos: LemmaPos::Noun },
    ]
}

/// What all languages begin with. Hashtags come before the capitals go, links before the emoticon in
/// `http://`, and all of them before the signs go.
fn opening(form: Form) -> Vec<Step> {
    vec![
        Step::HtmlEntities {},
        Step::Unicode { form },
        Step::Hashtags { mode: Hashtag::Split },
        Step::Lowercase {},
        Step::Urls { style: Style::Modern },
        Step::Users { style: Style::Modern },
        Step::Emoji {},
        Step::Emoticons { style: Style::Modern },
    ]
}

fn words() -> [Step; 2] {
    [Step::Words { signs: "!?.".to_owned() }, Step::SquashRepeats { keep: 2 }]
}

fn english() -> Vec<Step> {
    let mut steps = opening(Form::Nfc);
    steps.extend(words());
    steps.push(negation(Language::En));
    steps
}

fn french() -> Vec<Step> {
    let mut steps = opening(Form::Nfc);
    steps.push(Step::Elisions {});
    steps.extend(words());
    steps
}

/// NFKC: presentation forms come from old phones and PDF files. Latin letters, and with them
/// Arabizi, stay as they are.
fn arabic() -> Vec<Step> {
    let mut steps = opening(Form::Nfkc);
    steps.push(Step::Arabic {});
    steps.extend(words());
    steps.push(negation(Language::Ar));
    steps
}

/// The two words after a negation: on six English and two Arabic sets this was better than none and
/// no worse than more; on two French ones it made no difference (`docs/decisions/0002-…`).
fn negation(language: Language) -> Step {
    Step::Negation { language, reach: 2, grammar: false }
}
