//! Words as people see them, to be counted and shown: what a profile and insights speak of.

use crate::language::Language;
use crate::stopwords::is_stop_word;
use crate::{Auto, Body, Form, Hashtag, Recipe, Step, Style};

/// What people call words: the opening of the presets, without their last steps, which change words. Stop words
/// stay. Links become `URL`, mentions `USER`, emoji begin with `EMOJI`; all else is in lower case.
pub fn recipe(languages: &[Language]) -> Recipe {
    let steps = |language: Language| {
        let form = if language == Language::Ar { Form::Nfkc } else { Form::Nfc };
        let mut steps = vec![
            Step::HtmlEntities {},
            Step::Unicode { form },
            Step::Hashtags { mode: Hashtag::Keep },
            Step::Lowercase {},
            Step::Urls { style: Style::Modern },
            Step::Users { style: Style::Modern },
            Step::Emoji {},
            Step::Emoticons { style: Style::Modern },
        ];
        if language == Language::Fr {
            steps.push(Step::Elisions {});
        }
        steps.extend([Step::Words { signs: String::new() }, Step::SquashRepeats { keep: 2 }]);
        steps
    };
    let body = match languages {
        [only] => Body::Steps(steps(*only)),
        _ => Body::Auto(Auto {
            min_confidence: 0.6,
            fallback: Language::En,
            en: steps(Language::En),
            fr: steps(Language::Fr),
            ar: steps(Language::Ar),
        }),
    };
    Recipe { name: None, body }
}

/// Whether `word` is a stop word, also with its apostrophe left out, as people type ("dont", "im").
pub fn is_stop(language: Language, word: &str) -> bool {
    if is_stop_word(language, word) {
        return true;
    }
    // "ill" and "well" are words of their own, so that only these endings are tried.
    let endings = ["nt", "m", "ve", "re", "s"];
    language == Language::En
        && word.len() <= 9
        && endings.iter().any(|ending| {
            word.strip_suffix(ending).is_some_and(|stem| {
                let (cut, rest) = if *ending == "nt" { (stem, "n't") } else { (stem, "") };
                let apart = if rest.is_empty() { format!("{cut}'{ending}") } else { format!("{cut}{rest}") };
                is_stop_word(language, &apart)
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_go_in_either_spelling() {
        for (word, want) in [
            ("dont", true),
            ("im", true),
            ("ive", true),
            ("youre", true),
            ("ill", false),
            ("hell", false),
            ("good", false),
            ("want", false),
        ] {
            assert_eq!(is_stop(Language::En, word), want, "{word}");
        }
    }
}
