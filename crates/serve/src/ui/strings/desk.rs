//! The strings of Batch and Insights: a line for each, in English and in French; how both write numbers and dates.

use jiff::civil::Date;

use super::Strings;

macro_rules! desk {
    ($($name:ident: $english:literal, $french:literal;)*) => {
        /// The strings of a language; `{}` stands where something is put in.
        #[derive(Debug, PartialEq, Eq)]
        pub(crate) struct Desk { $(pub(crate) $name: &'static str,)* french: bool }

        const ENGLISH: Desk = Desk { $($name: $english,)* french: false };
        const FRENCH: Desk = Desk { $($name: $french,)* french: true };

        #[cfg(test)]
        const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $french),)*];
    };
}

desk! {
    batch: "Batch", "Fichiers";
    insights: "Insights", "Tendances";
    // Batch
    batch_heading: "Score a whole file", "Analyser tout un fichier";
    batch_lead: "CSV, JSON Lines, Excel or Parquet, packed or not. Every row comes back with its sentiment.", "CSV, JSON Lines, Excel ou Parquet, compressé ou non. Chaque ligne revient avec son sentiment.";
    file: "A file", "Un fichier";
    drop: "Drop it here, or choose it.", "Déposez-le ici, ou choisissez-le.";
    upload: "Upload", "Envoyer";
    most: "Up to {}. It stays on this server.", "Jusqu’à {}. Il reste sur ce serveur.";
    recent: "Your files", "Vos fichiers";
    recent_empty: "Nothing yet.", "Rien encore.";
    recent_none: "Without a key a file’s page is found by its address alone: keep it.", "Sans clé, la page d’un fichier ne se retrouve que par son adresse : gardez-la.";
    draft: "to be started", "à lancer";
    queued: "waiting", "en attente";
    running: "under way", "en cours";
    done: "done", "terminé";
    failed: "failed", "échoué";
    cancelled: "ended early", "interrompu";
    columns: "What is in its columns?", "Que contiennent ses colonnes ?";
    columns_lead: "Guessed from their names and contents. Only the text is needed.", "Deviné d’après leurs noms et leurs contenus. Seul le texte est nécessaire.";
    text: "Text", "Texte";
    id: "Own id", "Identifiant";
    time: "Time", "Date";
    author: "Author", "Auteur";
    channel: "Channel", "Canal";
    language: "Language", "Langue";
    nothing: "– none –", "– aucune –";
    rows_first: "Its first rows", "Ses premières lignes";
    keep_rows: "Keep the rows for Insights, each once", "Garder les lignes pour Tendances, chacune une fois";
    keep_note: "Authors are kept as a keyed hash.", "Les auteurs sont gardés sous forme d’empreinte.";
    start: "Start", "Lancer";
    cancel: "End it here", "Arrêter là";
    remove: "Remove the file and its results", "Supprimer le fichier et ses résultats";
    another: "Another file", "Un autre fichier";
    progress: "Progress", "Avancement";
    rows_done: "{} rows scored", "{} lignes analysées";
    waits: "It waits for its turn.", "Il attend son tour.";
    goes_on: "You may close this page: the work goes on, also after a restart.", "Vous pouvez fermer cette page : le travail continue, même après un redémarrage.";
    summary: "Summary", "Résumé";
    download: "Download", "Télécharger";
    rows: "rows", "lignes";
    left_out: "Left without an answer: {} empty, {} that could not be read.", "Laissées sans réponse : {} vides, {} illisibles.";
    kept: "{} rows are new in Insights.", "{} lignes sont nouvelles dans Tendances.";
    by_channel: "By channel", "Par canal";
    by_language: "By language", "Par langue";
    over_time: "Over time", "Au fil du temps";
    // Insights
    insights_heading: "What people say", "Ce que disent les gens";
    from: "From", "Du";
    to: "To", "Au";
    by: "By", "Par";
    day: "day", "jour";
    week: "week", "semaine";
    month: "month", "mois";
    all: "all", "tous";
    show: "Show", "Afficher";
    reset: "Reset", "Réinitialiser";
    net: "Net sentiment", "Sentiment net";
    net_note: "% positive − % negative", "% positifs − % négatifs";
    items: "Pieces of feedback", "Avis";
    before: "{} in the {} days before", "{} sur les {} jours d’avant";
    nothing_before: "nothing in the {} days before", "rien sur les {} jours d’avant";
    volume: "How much", "Combien";
    chart_note: "Each bar leads to its texts.", "Chaque barre mène à ses textes.";
    events: "What stands out", "Ce qui sort de l’ordinaire";
    events_none: "Nothing: volume and sentiment move no more than chance moves them.", "Rien : le volume et le sentiment ne varient pas plus que le hasard ne le fait.";
    more: "{} pieces instead of about {}", "{} avis au lieu d’environ {}";
    turned: "net sentiment {} instead of about {}", "sentiment net {} au lieu d’environ {}";
    said_then: "Then people spoke of", "On parlait alors de";
    drives_negative: "What drives it down", "Ce qui le fait baisser";
    drives_positive: "What drives it up", "Ce qui le fait monter";
    drivers_none: "Too few texts to tell.", "Trop peu de textes pour le dire.";
    rising: "New or rising", "Nouveau ou en hausse";
    rising_none: "Nothing comes up more than before.", "Rien ne revient plus qu’avant.";
    of_texts: "{} texts, {} before", "{} textes, {} avant";
    sampled: "Words are counted in {} texts, every {}th of the period.", "Les mots sont comptés dans {} textes, un sur {} de la période.";
    texts: "Texts", "Textes";
    search: "Words in the text", "Mots du texte";
    sentiment: "Sentiment", "Sentiment";
    texts_none: "No text is like that.", "Aucun texte n’est ainsi.";
    older: "Older texts", "Textes plus anciens";
    export: "Export these texts", "Exporter ces textes";
    unknown: "unknown", "inconnu";
    others: "others", "autres";
    change: "Change", "Évolution";
    trend: "Trend", "Tendance";
    share: "Share", "Répartition";
    empty_heading: "No feedback yet", "Pas encore d’avis";
    empty: "Send some, or score a file on the page Batch and keep its rows:", "Envoyez-en, ou analysez un fichier sur la page Fichiers en gardant ses lignes :";
    wrong_question: "This cannot be shown: ", "Ceci ne peut pas être affiché : ";
}

/// The strings that go with `t`.
pub(crate) fn desk(t: &Strings) -> &'static Desk {
    if t.lang == "fr" { &FRENCH } else { &ENGLISH }
}

impl Strings {
    /// Those of Batch and Insights.
    pub(crate) fn desk(&self) -> &'static Desk {
        desk(self)
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MOIS: [&str; 12] =
    ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juill.", "août", "sept.", "oct.", "nov.", "déc."];

/// `said` with `values` where it has `{}`.
pub(crate) fn put(said: &str, values: &[&str]) -> String {
    let mut parts = said.split("{}");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        whole += values.get(at).copied().unwrap_or_default();
        whole += part;
    }
    whole
}

impl Desk {
    /// `12,345`, `12 345`.
    pub(crate) fn count(&self, number: i64) -> String {
        let digits = number.unsigned_abs().to_string();
        let mut told = if number < 0 { "−".to_owned() } else { String::new() };
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                told.push(if self.french { '\u{202f}' } else { ',' });
            }
            told.push(digit);
        }
        told
    }

    /// `+12.3`, `−4,0`.
    pub(crate) fn signed(&self, number: f64) -> String {
        let number = (number * 10.0).round() / 10.0;
        let sign = if number > 0.0 {
            "+"
        } else if number < 0.0 {
            "−"
        } else {
            ""
        };
        let told = format!("{sign}{:.1}", number.abs());
        if self.french { told.replace('.', ",") } else { told }
    }

    /// `38 %`.
    pub(crate) fn percent(&self, part: i64, whole: i64) -> String {
        let share = 100.0 * part as f64 / whole.max(1) as f64;
        format!("{share:.0}{}%", if self.french { '\u{a0}' } else { '\u{202f}' })
    }

    /// `3.2 MB`.
    pub(crate) fn bytes(&self, bytes: u64) -> String {
        let units = if self.french { ["o", "ko", "Mo", "Go", "To"] } else { ["B", "kB", "MB", "GB", "TB"] };
        let (mut number, mut unit) = (bytes as f64, 0);
        while number >= 1000.0 && unit + 1 < units.len() {
            number /= 1000.0;
            unit += 1;
        }
        let told = if unit == 0 || number >= 100.0 { format!("{number:.0}") } else { format!("{number:.1}") };
        let told = if self.french { told.replace('.', ",") } else { told };
        format!("{told}\u{a0}{}", units[unit])
    }

    /// `14 Nov`, `14 nov.`.
    pub(crate) fn day_of(&self, date: Date) -> String {
        let month = usize::from(date.month().unsigned_abs()).clamp(1, 12) - 1;
        format!("{}\u{a0}{}", date.day(), if self.french { MOIS[month] } else { MONTHS[month] })
    }

    /// `14 Nov 2026`.
    pub(crate) fn date(&self, date: Date) -> String {
        format!("{}\u{a0}{}", self.day_of(date), date.year())
    }

    /// How far a job is.
    pub(crate) fn status(&self, status: sentimeter_store::JobStatus) -> &'static str {
        use sentimeter_store::JobStatus as S;
        match status {
            S::Draft => self.draft,
            S::Queued => self.queued,
            S::Running => self.running,
            S::Done => self.done,
            S::Failed => self.failed,
            S::Cancelled => self.cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_put_in_as_much() {
        for (name, english, french) in ALL {
            assert!(!english.is_empty() && !french.is_empty(), "{name}");
            assert_eq!(english.matches("{}").count(), french.matches("{}").count(), "{name}");
        }
    }

    #[test]
    fn numbers_and_dates_are_a_languages_own() {
        assert_eq!(
            (ENGLISH.count(1_234_567), FRENCH.count(-1234)),
            ("1,234,567".into(), "−1\u{202f}234".into())
        );
        assert_eq!(
            (ENGLISH.signed(12.34), FRENCH.signed(-4.0), FRENCH.signed(0.01)),
            ("+12.3".into(), "−4,0".into(), "0,0".into())
        );
        assert_eq!((ENGLISH.bytes(1 << 30), FRENCH.bytes(999)), ("1.1\u{a0}GB".into(), "999\u{a0}o".into()));
        let date = Date::constant(2026, 8, 3);
        assert_eq!(
            (ENGLISH.date(date), FRENCH.day_of(date)),
            ("3\u{a0}Aug\u{a0}2026".into(), "3\u{a0}août".into())
        );
        assert_eq!(put("{} of {}", &["1", "2"]), "1 of 2");
    }
}
