//! What a reader must know before anything else: the figures that are past what sound data has.

use serde::Serialize;

use super::leak::Leak;
use super::{Class, Profile, Trouble, short};

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
    /// What gives the label away: `time`, `author`, `channel`, `source` or `language_leak`; else
    /// `one_class`, `few`, `conflicts`, `duplicates`, `near_duplicates`, `encoding`, `encoded_twice`,
    /// `empty`, `broken`, `bad_times`, `one_word`, `wordless`, `language`, `labels` or `classes`.
    pub kind: &'static str,
    /// What was found and what to do, a sentence or two.
    pub message: String,
}

/// Shares of the rows past which something is worth a warning.
const REPEATED: f64 = 0.005;
const ONE_WORD: f64 = 0.02;
const WORDLESS: f64 = 0.02;
const FOREIGN: f64 = 0.01;
/// Of labels that are confidently other ones by nine to one.
const DOUBTED: f64 = 0.01;
const SMALL_CLASS: f64 = 0.05;
/// Where there are many classes: of the share that each would have if all were alike.
const SMALL_OF_MANY: f64 = 0.25;
/// Rows below which little can be said.
const FEW: u64 = 50;

/// The warnings of a profile, the worst first.
pub(super) fn warnings(profile: &Profile) -> Vec<Warning> {
    let mut found = Vec::new();
    let mut warn = |severity, kind, message: String| found.push(Warning { severity, kind, message });
    let share = |rows: u64| rows as f64 / (profile.rows as f64).max(1.0);
    let trouble = &profile.trouble;
    for (kind, leak, severity, known, advice) in known(trouble) {
        if let Some(Leak { auc, class, leaks: true, .. }) = leak {
            let message = format!(
                "{known} alone tells the label: AUC {:.3} ({:.3} to {:.3}) for {}, out of fold, where 0.5 is \
                 chance. {advice}",
                auc.value,
                auc.low,
                auc.high,
                short(class)
            );
            warn(severity, kind, message);
        }
    }
    if profile.class_count == 1 {
        let message =
            "all labels are the same: there is nothing to tell apart, and nothing to learn".to_owned();
        warn(Severity::Serious, "one_class", message);
    }
    if profile.rows < FEW {
        let message =
            format!("only {}: most of what could be wrong shows from a few hundred on", rows(profile.rows));
        warn(Severity::Warning, "few", message);
    }
    let conflicts = &trouble.conflicts;
    if conflicts.texts > 0 {
        warn(
            Severity::Warning,
            "conflicts",
            format!(
                "{} with different labels: training gives {} the majority's and leaves {} out as ties",
                match conflicts.texts {
                    1 => "1 text stands more than once,".to_owned(),
                    n => format!("{n} texts stand more than once,"),
                },
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
    if encoding.damaged > 0 {
        let message = format!(
            "{} lost characters (U+FFFD), which nothing brings back: export the data again, with its encoding stated",
            texts(encoding.damaged, "text")
        );
        warn(Severity::Warning, "encoding", message);
    }
    if encoding.twice > 0 {
        let message = format!(
            "{} encoded twice (\u{c3}\u{a9} for \u{e9}); --mend yes mends such texts while reading",
            match encoding.twice {
                1 => "1 text was".to_owned(),
                n => format!("{n} texts were"),
            }
        );
        warn(Severity::Warning, "encoded_twice", message);
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
    if little.bad_times > 0 {
        let message = format!(
            "{} a time that could not be read, and count for nothing over time: write times as 2024-02-29T18:30:00Z",
            match little.bad_times {
                1 => "1 row has".to_owned(),
                n => format!("{n} rows have"),
            }
        );
        warn(Severity::Warning, "bad_times", message);
    }
    if share(little.one_word) > ONE_WORD {
        let message =
            format!("{} ({}) have one word alone", rows(little.one_word), percent(share(little.one_word)));
        warn(Severity::Warning, "one_word", message);
    }
    if share(little.wordless) > WORDLESS {
        let message = format!(
            "{} ({}) hold no word: mentions, links and signs alone",
            rows(little.wordless),
            percent(share(little.wordless))
        );
        warn(Severity::Warning, "wordless", message);
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
    if let Some(Class { name, rows: least }) = &profile.smallest
        && profile.class_count > 1
        && (*least as f64)
            < f64::min(SMALL_CLASS, SMALL_OF_MANY / profile.class_count as f64) * profile.labelled as f64
    {
        warn(
            Severity::Warning,
            "classes",
            format!(
                "{} has {} of {} labelled ones ({}): look at macro figures, and consider class weights \
                 (logistic.class_weight=balanced)",
                short(name),
                rows(*least),
                profile.labelled,
                percent(*least as f64 / profile.labelled as f64)
            ),
        );
    }
    found.sort_by_key(|warning: &Warning| warning.severity);
    found
}

/// What may be known of a text before it is read: its kind, what was measured, how bad it is that it tells the
/// label, what it is called, and what to do.
type Known<'a> = (&'static str, &'a Option<Leak>, Severity, &'static str, &'static str);

fn known(trouble: &Trouble) -> [Known<'_>; 5] {
    [
        (
            "time",
            &trouble.time,
            Severity::Serious,
            "the time",
            "A model learns the words of the day instead of feelings; take all classes from the same span of time, \
             and measure with split.kind=time",
        ),
        (
            "author",
            &trouble.author,
            Severity::Serious,
            "the author",
            "A model learns how somebody writes instead of feelings; take all classes from the same authors, and \
             measure with split.kind=group",
        ),
        (
            "channel",
            &trouble.channel,
            Severity::Serious,
            "the channel",
            "A model learns the habits of a channel instead of feelings; take all classes from every channel, and \
             look at each channel's figures of its own",
        ),
        (
            "language_leak",
            &trouble.language,
            Severity::Serious,
            "the language",
            "A model learns the language instead of feelings; take all classes from every language, and look at \
             each language's figures of its own",
        ),
        // Files named by their class are a usual form, and no fault by themselves.
        (
            "source",
            &trouble.source,
            Severity::Warning,
            "the file or system that a row came in",
            "Whatever else tells them apart (when and where their texts were gathered, how they were cleaned) is \
             learned, too",
        ),
    ]
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
