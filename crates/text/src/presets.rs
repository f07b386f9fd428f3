//! The recipes that come with the program.

use crate::recipe::{Body, LemmaPos, Recipe, Step, Style};

impl Recipe {
    /// The names that [`Recipe::preset`] knows.
    pub fn presets() -> &'static [&'static str] {
        &["tweet-en"]
    }

    /// The preset called `name`; `None` if there is none of that name.
    ///
    /// `tweet-en` is exactly the classic Sentiment140 recipe (`tests/classic/classic.py`).
    pub fn preset(name: &str) -> Option<Self> {
        let body = match name {
            "tweet-en" => Body::Steps(classic()),
            _ => return None,
        };
        Some(Self {
            name: Some(name.to_owned()),
            body,
        })
    }
}

fn classic() -> Vec<Step> {
    vec![
        Step::Lowercase {},
        Step::Urls {
            style: Style::Classic,
        },
        Step::Emoticons {
            style: Style::Classic,
        },
        Step::Users {
            style: Style::Classic,
        },
        Step::Alphanumeric {},
        Step::SquashRepeats { keep: 2 },
        Step::DropShort { min_chars: 2 },
        Step::Lemmas {
            pos: LemmaPos::Noun,
        },
    ]
}
