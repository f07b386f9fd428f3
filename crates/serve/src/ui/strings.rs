//! Every string of the pages, in each of their languages.

pub(crate) mod desk;
pub(crate) mod house;

use house::House;

/// The strings of a language.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Strings {
    pub(crate) lang: &'static str,
    pub(crate) other_lang: &'static str,
    pub(crate) other_name: &'static str,
    pub(crate) nav: &'static str,
    pub(crate) analyse: &'static str,
    pub(crate) api: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) label: &'static str,
    pub(crate) placeholder: &'static str,
    pub(crate) button: &'static str,
    pub(crate) clear: &'static str,
    pub(crate) result: &'static str,
    pub(crate) empty: &'static str,
    pub(crate) examples: &'static str,
    pub(crate) probabilities: &'static str,
    pub(crate) words: &'static str,
    pub(crate) speaks_for: &'static str,
    pub(crate) speaks_against: &'static str,
    pub(crate) no_words: &'static str,
    pub(crate) mixed: &'static str,
    pub(crate) foreign: &'static str,
    pub(crate) wrong: &'static str,
    pub(crate) thanks: &'static str,
    pub(crate) model: &'static str,
    pub(crate) language: &'static str,
    pub(crate) busy: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) unreachable: &'static str,
    cannot: &'static str,
    labels: [&'static str; 3],
    languages: [&'static str; 4],
    /// Of everything but Analyse.
    pub(crate) house: &'static House,
    /// Between a number and its per cent sign.
    space: &'static str,
    decimal: char,
}

const ENGLISH: Strings = Strings {
    lang: "en",
    other_lang: "fr",
    other_name: "Français",
    nav: "Pages",
    analyse: "Analyse",
    api: "API",
    heading: "What does it say?",
    lead: "Paste a review, a ticket or a post. English, French and Arabic.",
    label: "Text",
    placeholder: "Type or paste a text…",
    button: "Analyse",
    clear: "Clear",
    result: "Result",
    empty: "The answer appears here as you pause.",
    examples: "Or try one of these:",
    probabilities: "Probabilities",
    words: "What made it",
    speaks_for: "speaks for it",
    speaks_against: "speaks against it",
    no_words: "The model knows none of these words: this is what it says of any text.",
    mixed: "Mixed: its sentences disagree.",
    foreign: "The model was not made for the language of this text: do not rely on the answer.",
    wrong: "Wrong? It is",
    thanks: "Thank you. A reviewer will look at it, and the next model can learn from it.",
    model: "Model",
    language: "Language",
    busy: "The server is busy. Try again in a moment.",
    failed: "That did not work, and the fault is the server’s. Its log says more.",
    unreachable: "The server cannot be reached. Is it still running?",
    cannot: "This text cannot be analysed: ",
    labels: ["Negative", "Neutral", "Positive"],
    languages: ["English", "French", "Arabic", "another language"],
    house: &house::ENGLISH,
    space: "\u{202f}",
    decimal: '.',
};

const FRENCH: Strings = Strings {
    lang: "fr",
    other_lang: "en",
    other_name: "English",
    nav: "Pages",
    analyse: "Analyse",
    api: "API",
    heading: "Qu’est-ce que ça dit ?",
    lead: "Collez un avis, un ticket ou un message. Anglais, français et arabe.",
    label: "Texte",
    placeholder: "Tapez ou collez un texte…",
    button: "Analyser",
    clear: "Effacer",
    result: "Résultat",
    empty: "La réponse s’affiche ici dès que vous marquez une pause.",
    examples: "Ou essayez l’un de ceux-ci :",
    probabilities: "Probabilités",
    words: "Ce qui l’a fait pencher",
    speaks_for: "parle pour",
    speaks_against: "parle contre",
    no_words: "Le modèle ne connaît aucun de ces mots : il répond ainsi à n’importe quel texte.",
    mixed: "Mitigé : ses phrases se contredisent.",
    foreign: "Le modèle n’a pas été fait pour la langue de ce texte : ne vous fiez pas à la réponse.",
    wrong: "Faux ? C’est",
    thanks: "Merci. Un relecteur va l’examiner, et le prochain modèle pourra en apprendre.",
    model: "Modèle",
    language: "Langue",
    busy: "Le serveur est occupé. Réessayez dans un instant.",
    failed: "Cela n’a pas marché, et c’est la faute du serveur. Son journal en dit plus.",
    unreachable: "Le serveur est injoignable. Tourne-t-il encore ?",
    cannot: "Ce texte ne peut pas être analysé : ",
    labels: ["Négatif", "Neutre", "Positif"],
    languages: ["anglais", "français", "arabe", "une autre langue"],
    house: &house::FRENCH,
    space: "\u{a0}",
    decimal: ',',
};

/// Texts to try, with their languages.
pub(crate) const EXAMPLES: [(&str, &str); 3] = [
    (
        "en",
        "Delivery was quick and the box was perfect. Then the battery died after two days, and support never answered.",
    ),
    ("fr", "Service impeccable, la serveuse était adorable et le dessert un vrai régal. On reviendra !"),
    ("ar", "التطبيق بطيء جدا ويتوقف كل مرة، تجربة سيئة ولا أنصح به"),
];

impl Strings {
    /// By code.
    pub(crate) fn of(lang: &str) -> Option<&'static Self> {
        [&ENGLISH, &FRENCH].into_iter().find(|strings| strings.lang == lang)
    }

    /// The first language of an `Accept-Language` that there is; otherwise English. Browsers send theirs in the
    /// order of preference.
    pub(crate) fn accepted(header: &str) -> &'static Self {
        let codes =
            header.split(',').map(|part| part.trim().get(..2).unwrap_or_default().to_ascii_lowercase());
        codes.into_iter().find_map(|code| Self::of(&code)).unwrap_or(&ENGLISH)
    }

    /// A label for people: the three sentiments by their names, another as it is.
    pub(crate) fn sentiment(&self, label: &str) -> String {
        let known = ["negative", "neutral", "positive"].iter().position(|known| *known == label);
        known.map_or_else(|| label.to_owned(), |at| self.labels[at].to_owned())
    }

    /// The name of a language, by its code.
    pub(crate) fn language_name(&self, code: &str) -> &'static str {
        self.languages[["en", "fr", "ar"].iter().position(|known| *known == code).unwrap_or(3)]
    }

    /// `97.3 %`.
    pub(crate) fn percent(&self, share: f32) -> String {
        let number = format!("{:.1}", 100.0 * share);
        format!("{}{}%", number.replace('.', &self.decimal.to_string()), self.space)
    }

    /// Why a text is not analysed.
    pub(crate) fn cannot(&self, why: &str) -> String {
        format!("{}{why}.", self.cannot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_found_and_numbers_are_theirs() {
        for (header, want) in [
            ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
            ("de, en-GB;q=0.7, fr;q=0.3", "en"),
            ("", "en"),
            ("é", "en"),
            ("*", "en"),
        ] {
            assert_eq!(Strings::accepted(header).lang, want, "{header}");
        }
        assert_eq!(FRENCH.percent(0.973), "97,3\u{a0}%");
        assert_eq!(FRENCH.sentiment("positive"), "Positif");
        assert_eq!(FRENCH.sentiment("joie"), "joie");
    }
}
