//! Classes: how many rows, from where, when; and those of another data set.

use sentimeter_report::page::{Card, Cell, Column, Section, Table};
use sentimeter_report::plot::{Bars, Timeline};
use sentimeter_report::{Number, Series};

use super::{by_class, count, drawn, language_name, percent, short, transposed, words};
use crate::profile::{Comparison, Profile, Slice};

pub(super) fn section(section: &mut Section, profile: &Profile) {
    if profile.classes.len() > 1 {
        classes(section, profile);
    }
    let languages = &profile.languages;
    let named: Vec<Slice> = languages
        .slices
        .iter()
        .map(|slice| Slice { value: language_name(&slice.value), rows: slice.rows.clone() })
        .collect();
    let how = if languages.stated { "as the data states it" } else { "as detected" };
    let expected: Vec<String> = languages.expected.iter().map(|code| language_name(code)).collect();
    let strangers = if expected.is_empty() {
        String::new()
    } else {
        format!(" Surely not in {}: {} of the rows.", expected.join(" or "), count(languages.unexpected))
    };
    slices(
        section,
        profile,
        ("Rows by language", "languages", &named),
        &format!(
            "The language of each text, {how}; other holds texts too short to tell, too.{strangers}{}",
            drawn(languages.sample)
        ),
    );
    slices(
        section,
        profile,
        ("Rows by channel", "channels", &profile.channels),
        "Where the texts come from. A class that stands in one channel alone is told by the channel's habits.",
    );
    slices(
        section,
        profile,
        ("Rows by source", "sources", &profile.sources),
        "The file or system that each row came in.",
    );
}

fn classes(section: &mut Section, profile: &Profile) {
    let rows = profile.class_rows.iter().map(|&n| n as f64);
    section.figure(
        Bars::new("Rows by class", "rows")
            .categories(profile.classes.clone())
            .series(Series::new("rows", rows))
            .coloured()
            .draw("classes"),
        format!(
            "How many rows each class has, of {} in all. A model of unbalanced classes favours the larger ones.",
            count(profile.rows)
        ),
    );
}

fn slices(section: &mut Section, profile: &Profile, what: (&str, &str, &[Slice]), caption: &str) {
    let (title, name, slices) = what;
    if let [only] = slices {
        section.text(format!("{title}: all are {}.", short(&only.value)));
    }
    if slices.len() < 2 {
        return;
    }
    let counts = transposed(profile.classes.len(), slices.iter().map(|slice| &slice.rows[..]));
    section.figure(
        Bars::new(title, "rows")
            .categories(slices.iter().map(|slice| slice.value.clone()))
            .all(by_class(profile, counts))
            .stacked()
            .horizontal()
            .draw(name),
        caption,
    );
}

pub(super) fn time(section: &mut Section, profile: &Profile) {
    let Some(time) = &profile.time else { return };
    let empty = time.bins.iter().filter(|bin| bin.rows.iter().all(|&n| n == 0)).count();
    let mut caption = format!("Rows of each {}, the classes on top of each other.", time.unit);
    if empty > 0 {
        caption += &format!(" {empty} of {} {}s have no row: gaps in the data.", time.bins.len(), time.unit);
    }
    if time.outside > 0 {
        caption += &format!(" {} rows with a time far from all others are not shown.", count(time.outside));
    }
    if time.rows < profile.rows {
        caption += &format!(" {} rows have no time.", count(profile.rows - time.rows));
    }
    let counts = transposed(profile.classes.len(), time.bins.iter().map(|bin| &bin.rows[..]));
    section.figure(
        Timeline::new(
            format!("Rows by {}", time.unit),
            format!("rows a {}", time.unit),
            time.bins.iter().map(|bin| bin.start.div_euclid(1000)),
            seconds(time.unit),
        )
        .all(by_class(profile, counts))
        .draw("time"),
        caption,
    );
    if let Some(leak) = &profile.trouble.time {
        section.text(format!(
            "From the time alone, without reading a text, {} can be told from the rest with an AUC of {:.3} ({:.3} to \
             {:.3}, out of fold), where 0.5 is chance.",
            short(&leak.class),
            leak.auc.value, leak.auc.low, leak.auc.high
        ));
    }
}

/// How long a bin is; months and years as long as the shortest.
fn seconds(unit: &str) -> i64 {
    const DAY: i64 = 86_400;
    match unit {
        "hour" => 3_600,
        "day" => DAY,
        "week" => 7 * DAY,
        "month" => 28 * DAY,
        _ => 365 * DAY,
    }
}

/// What differs from another data set.
pub(super) fn against(section: &mut Section, profile: &Profile, other: &Comparison) {
    let domain = other.domain.map_or("–".to_owned(), |area| format!("{:.3}", area.value));
    section.cards([
        Card::new("rows there", count(other.rows)),
        Card::new("tell them apart", domain).hint("AUC of a domain classifier; 0.5: alike"),
        Card::new("divergence", format!("{:.3} bit", other.divergence)).hint("Jensen–Shannon, 0 to 1"),
        Card::new("known tokens", percent(other.known_tokens)).hint("of theirs, by our vocabulary"),
        Card::new("shared texts", count(other.shared_texts)).hint("in both, in any disguise"),
    ]);
    let names: Vec<&String> = other.balance.iter().map(|(name, ..)| name).collect();
    section.figure(
        Bars::new("Share of each class", "share of the labelled rows")
            .categories(names.into_iter().cloned())
            .series(Series::new(profile.name.clone(), other.balance.iter().map(|b| b.1)))
            .series(
                Series::new(other.name.clone(), other.balance.iter().map(|b| b.2))
                    .colour(sentimeter_report::Colour::Cycle(0)),
            )
            .number(Number::Percent(1))
            .draw("against-balance"),
        "The classes side by side. A model expects the shares that it was trained on.",
    );
    let [ours, theirs, both] = other.words;
    let mut table = Table::new([Column::text("vocabulary"), Column::number("different words")])
        .caption("Overlap of the vocabularies");
    let shown = [(profile.name.as_str(), ours), (other.name.as_str(), theirs), ("in both", both)];
    for (name, words) in shown {
        table.row([Cell::from(name), Cell::count(words)]);
    }
    section.table(table);
    section.text(format!(
        "Jaccard similarity of the vocabularies: {:.3}. The domain classifier learned from {} rows of either set.{}",
        other.jaccard,
        count(other.domain_rows),
        drawn(other.sample)
    ));
    words::both(
        section,
        ("Words that differ most", "against-words"),
        [&profile.name, &other.name],
        [&other.here, &other.there],
    );
}
