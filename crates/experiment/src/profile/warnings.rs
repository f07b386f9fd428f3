//! What a reader must know before anything else: the figures that are past what sound data has.

use serde::Serialize;

use super::Profile;
use super::leak::Leak;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// What a model learns from this is not what it is meant to.
    Serious,
    /// Some rows should be mended or left out.
    Warning,
}

/// Something that should be looked at before training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Warning {
    /// How bad it is.
    pub severity: Severity,
    /// `time`, `author`, `conflicts`, `duplicates`, `near_duplicates`, `encoding`, `empty`, `broken`,
    /// `one_word`, `language`, `labels` or `classes`.
    pub kind: &'static str,
    /// What was found and what to do, a sentence or two.
    pub message: String,
}

/// Shares of the rows past which something is worth a warning.
const REPEATED: f64 = 0.005;
const ONE_WORD: f64 = 0.02;
const FOREIGN: f64 = 0.01;
/// Of labels that are confidently other ones by nine to one.
const DOUBTED: f64 = 0.01;
const SMALL_CLASS: f64 = 0.05;

/// The warnings of a profile, the worst first.
pub(super) fn warnings(profile: &Profile) -> Vec<Warning> {
    let mut found = Vec::new();
    let mut warn = |severity, kind, message: String| found.push(Warning { severity, kind, message });
    let share = |rows: u64| rows as f64 / (profile.rows as f64).max(1.0);
    let trouble = &profile.trouble;
    let leaks = [("time", &trouble.time, "the time"), ("author", &trouble.author, "the author")];
    for (kind, leak, known) in leaks {
        if let Some(Leak { auc, class, leaks: true, .. }) = leak {
            warn(
                Severity::Serious,
                kind,
                format!(
                    "{known} alone tells the label, without reading the text: AUC {:.3} ({:.3} to {:.3}) for {class}, out \
                     of fold, where 0.5 is chance. A model learns the words of the day or of the \
                     author instead of feelings; take the classes from the same span of time and the same authors, \
                     and measure with split.kind={}",
                    auc.value,
                    auc.low,
                    auc.high,
                    if kind == "time" { "time" } else { "group" },
                ),
            );
        }
    }
    let conflicts = &trouble.conflicts;
    if conflicts.texts > 0 {
        warn(
            Severity::Warning,
            "conflicts",
            format!(
                "{} stand with different labels: training gives {} the majority's and leaves {} out as ties",
                texts(conflicts.texts, "identical text"),
                rows(conflicts.outvoted),
                rows(conflicts.tied)
            ),
        );
    }
    let repeats = &trouble.repeats;
    if share(repeats.exact) > REPEATED {
        warn(
            Severity::Warning,
            "duplicates",
            format!(
                "{} ({}) repeat another row's text; splits keep them on one side",
                rows(repeats.exact),
                percent(share(repeats.exact))
            ),
        );
    }
    if share(repeats.near) > REPEATED {
        warn(
            Severity::Warning,
            "near_duplicates",
            format!(
                "{} more ({}) nearly repeat another row's text: four of five words are the same",
                rows(repeats.near),
                percent(share(repeats.near))
            ),
        );
    }
    let encoding = &trouble.encoding;
    if encoding.damaged + encoding.twice > 0 {
        warn(
            Severity::Warning,
            "encoding",
            format!(
                "{} lost characters (U+FFFD) and {} were encoded twice (\u{c3}\u{a9} for \u{e9}); \
                 import again with --mend yes to mend the latter",
                texts(encoding.damaged, "text"),
                encoding.twice
            ),
        );
    }
    let little = &trouble.little;
    if little.empty > 0 {
        warn(Severity::Warning, "empty", format!("{} without a text were left out", rows(little.empty)));
    }
    if little.broken > 0 {
        let message =
            format!("{} could not be read and were left out; see the quarantine", rows(little.broken));
        warn(Severity::Warning, "broken", message);
    }
    if share(little.one_word) > ONE_WORD {
        let message =
            format!("{} ({}) have one word alone", rows(little.one_word), percent(share(little.one_word)));
        warn(Severity::Warning, "one_word", message);
    }
    let languages = &profile.languages;
    let looked_at = languages.sample.map_or(profile.rows, |sample| sample.rows);
    let foreign = languages.unexpected as f64 / (looked_at as f64).max(1.0);
    if foreign > FOREIGN {
        warn(
            Severity::Warning,
            "language",
            format!(
                "{} of {looked_at} looked at ({}) are surely not in {}",
                rows(languages.unexpected),
                percent(foreign),
                languages.expected.join(" or ")
            ),
        );
    }
    if let Some(doubts) = &profile.suspicious {
        let surely = profile.surely_wrong as f64 / (doubts.rows as f64).max(1.0);
        if surely > DOUBTED {
            warn(
                Severity::Warning,
                "labels",
                format!(
                    "{} of {} looked at ({}) have a label that a model of the others gives less than one chance in \
                     ten; correct them in the export and import it",
                    rows(profile.surely_wrong),
                    doubts.rows,
                    percent(surely)
                ),
            );
        }
    }
    let classes = profile.classes.iter().zip(&profile.class_rows).filter(|(name, _)| *name != "no label");
    if let Some((name, &least)) = classes.min_by_key(|&(_, &n)| n)
        && (least as f64) < SMALL_CLASS * profile.labelled as f64
    {
        warn(
            Severity::Warning,
            "classes",
            format!(
                "{name} has {} of {} labelled ones ({}): look at macro figures, and consider class weights \
                 (logistic.class_weight=balanced)",
                rows(least),
                profile.labelled,
                percent(least as f64 / profile.labelled as f64)
            ),
        );
    }
    found.sort_by_key(|warning: &Warning| warning.severity);
    found
}

fn rows(count: u64) -> String {
    texts(count, "row")
}

fn texts(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn percent(share: f64) -> String {
    if share < 0.01 { format!("{:.2} %", share * 100.0) } else { format!("{:.1} %", share * 100.0) }
}
