//! A profile as a page: every figure with a sentence that says what one sees.

mod balance;
mod labels;
mod lengths;
mod trouble;
mod vocabulary;
mod words;

use sentimeter_report::page::{Card, Note, Section, Severity as Mark};
use sentimeter_report::{Number, Page, Series};

use super::{Profile, Sample, Severity, short};

/// The page of a profile; `exports` are the files written beside it, by name and what they hold.
pub fn page(profile: &Profile, exports: &[(String, String)]) -> Page {
    let mut page = Page::new(format!("Profile of {}", profile.name));
    page.subtitle(subtitle(profile));
    page.footer(format!(
        "sentimeter {} · seed {}{} · every number of this page: sentimeter profile --json",
        env!("CARGO_PKG_VERSION"),
        profile.seed,
        if profile.quick { " · quick: without the choice of a vocabulary" } else { "" }
    ));
    overview(page.section("At a glance"), profile, exports);
    // What makes all other figures doubtful comes before them.
    let serious = profile.warnings.iter().any(|warning| warning.severity == Severity::Serious);
    if serious {
        trouble::section(page.section("Trouble"), profile);
    }
    balance::section(page.section("Classes and where they come from"), profile);
    if profile.time.is_some() {
        balance::time(page.section("Over time"), profile);
    }
    lengths::section(page.section("Lengths"), profile);
    words::section(
        page.section(if profile.words.len() > 1 { "Words of each class" } else { "Words" }),
        profile,
    );
    vocabulary::section(page.section("Vocabulary"), profile);
    words::marks(page.section("Links, mentions, hashtags, emoji"), profile);
    if !serious {
        trouble::section(page.section("Trouble"), profile);
    }
    if let Some(found) = &profile.suspicious {
        labels::suspicious(page.section("Labels to look at"), found);
    }
    if let Some(choice) = &profile.choice {
        vocabulary::choice(page.section("Which vocabulary, which recipe"), choice);
    }
    if let Some(against) = &profile.against {
        balance::against(page.section(format!("Compared with {}", against.name)), profile, against);
    }
    if !profile.label_next.is_empty() {
        labels::next(page.section("To label next"), profile);
    }
    page
}

fn subtitle(profile: &Profile) -> String {
    let mut parts = vec![format!("{} rows", count(profile.rows))];
    if profile.labelled < profile.rows {
        parts.push(format!("{} with a label", count(profile.labelled)));
    }
    parts.push(format!("{} words", count(profile.vocabulary.tokens)));
    if let Some(time) = &profile.time
        && let (Some(first), Some(last)) = (time.bins.first(), time.bins.last())
    {
        parts.push(format!("{} to {}", first.name, last.name));
    }
    parts.join(" · ")
}

fn overview(section: &mut Section, profile: &Profile, exports: &[(String, String)]) {
    let (title, severity) = match profile.warnings.len() {
        0 => ("nothing".to_owned(), Mark::Good),
        n if profile.warnings[0].severity == Severity::Serious => (n.to_string(), Mark::Trouble),
        n => (n.to_string(), Mark::Warning),
    };
    let mut cards = vec![Card::new("to look at", title).severity(severity)];
    let labelled = match profile.rows - profile.labelled {
        0 => "all with a label".to_owned(),
        _ => format!("{} with a label", count(profile.labelled)),
    };
    cards.push(Card::new("rows", count(profile.rows)).hint(labelled));
    if let Some(smallest) = &profile.smallest {
        let share = percent(smallest.rows as f64 / profile.labelled.max(1) as f64);
        let hint = format!("smallest: {}, {share}", short(&smallest.name));
        cards.push(Card::new("classes", count(profile.class_count)).hint(hint));
    }
    if let Some(language) = profile.languages.slices.first() {
        let all: u64 = profile.languages.slices.iter().flat_map(|slice| &slice.rows).sum();
        let share = language.rows.iter().sum::<u64>() as f64 / all.max(1) as f64;
        cards.push(
            Card::new("language", language_name(&language.value))
                .hint(format!("{} of the rows", percent(share))),
        );
    }
    cards.push(
        Card::new("different words", Number::Compact.show(profile.vocabulary.words as f64))
            .hint(format!("{} occur once", percent(profile.vocabulary.once_share))),
    );
    if let Some(found) = &profile.suspicious {
        cards.push(Card::new("a quick model", percent(found.accuracy)).hint("right, out of fold"));
    }
    section.cards(cards);
    if profile.warnings.is_empty() {
        section.note(Note::new(Mark::Good, "Nothing was found wrong").text(looked_for(profile)));
    }
    for warning in &profile.warnings {
        let mark = match warning.severity {
            Severity::Serious => Mark::Trouble,
            Severity::Warning => Mark::Warning,
        };
        section.note(Note::new(mark, title_of(warning.kind)).text(sentence(&warning.message)));
    }
    if !exports.is_empty() {
        let files = exports.iter().map(|(file, what)| format!("{file}: {what}"));
        section.note(Note::new(Mark::Info, "Files beside this page").items(files));
    }
}

/// What was looked for in vain, and what could not be.
fn looked_for(profile: &Profile) -> String {
    let mut text = "No repeated texts, no damaged characters".to_owned();
    if profile.labelled == 0 {
        return text + "; there are no labels to look at.";
    }
    text += ", no contradicting labels";
    let known = trouble::known(&profile.trouble);
    let measured: Vec<&str> = known.iter().filter(|k| k.1.is_some()).map(|k| k.0).collect();
    if !measured.is_empty() {
        text += &format!(", no label that {} gives away", measured.join(" or "));
    }
    match profile.suspicious {
        Some(_) => text + ", few labels that a model doubts.",
        None => text + "; labels could not be doubted, as that takes two classes of ten rows each.",
    }
}

fn title_of(kind: &str) -> &'static str {
    match kind {
        "time" => "The time gives the label away",
        "author" => "The author gives the label away",
        "channel" => "The channel gives the label away",
        "source" => "The file gives the label away",
        "language_leak" => "The language gives the label away",
        "one_class" => "One class alone",
        "few" => "Very few rows",
        "conflicts" => "Identical texts, different labels",
        "duplicates" => "Repeated texts",
        "near_duplicates" => "Nearly repeated texts",
        "encoding" => "Damaged characters",
        "encoded_twice" => "Characters encoded twice",
        "wordless" => "Texts without a word",
        "empty" => "Rows without a text",
        "broken" => "Rows that could not be read",
        "bad_times" => "Times that could not be read",
        "one_word" => "Texts of one word",
        "language" => "Another language than expected",
        "labels" => "Labels that the words contradict",
        "classes" => "A small class",
        _ => "To look at",
    }
}

/// One series for each class, in the classes' colours.
fn by_class(profile: &Profile, values: impl IntoIterator<Item = Vec<f64>>) -> Vec<Series> {
    Series::of_labels(&profile.classes, values)
}

/// Counts by class turned round: one list for each class.
fn transposed<'a>(classes: usize, rows: impl Iterator<Item = &'a [u64]> + Clone) -> Vec<Vec<f64>> {
    (0..classes)
        .map(|class| rows.clone().map(|r| r.get(class).map_or(0.0, |&n| n as f64)).collect())
        .collect()
}

/// What was drawn, as the end of a caption; nothing where all rows were looked at.
fn drawn(sample: Option<Sample>) -> String {
    sample.map_or(String::new(), |sample| {
        format!(
            " Measured on {} of {} rows, drawn by seed {}.",
            count(sample.rows),
            count(sample.of),
            sample.seed
        )
    })
}

fn count(value: u64) -> String {
    Number::Count.show(value as f64)
}

fn percent(share: f64) -> String {
    Number::Percent(if share < 0.1 && share > 0.0 { 2 } else { 1 }).show(share)
}

/// A message as a sentence of its own.
fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}

fn language_name(code: &str) -> String {
    match code {
        "en" => "English",
        "fr" => "French",
        "ar" => "Arabic",
        other => other,
    }
    .to_owned()
}
