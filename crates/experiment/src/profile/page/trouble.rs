//! What may be wrong, with examples.

use sentimeter_report::page::{Cell, Column, Section, Severity, Table};

use super::{count, percent, short};
use crate::profile::{Leak, Profile, Trouble};

pub(super) fn section(section: &mut Section, profile: &Profile) {
    let trouble = &profile.trouble;
    let mut table =
        Table::new([Column::text("what"), Column::number("found"), Column::number("share of the rows")])
            .caption("Everything that was looked for");
    let mut row = |what: &str, found: u64, warned: &str| {
        let bad = profile.warnings.iter().any(|warning| warning.kind == warned);
        let mut cell = Cell::count(found);
        if bad {
            cell = cell.severity(Severity::Warning);
        }
        let share = found as f64 / profile.rows.max(1) as f64;
        table.row([Cell::from(what), cell, Cell::number(share, sentimeter_report::Number::Percent(2))]);
    };
    row("texts with contradicting labels", trouble.conflicts.texts, "conflicts");
    row("rows outvoted by their text's majority", trouble.conflicts.outvoted, "conflicts");
    row("rows whose text's labels tie", trouble.conflicts.tied, "conflicts");
    row("rows that repeat another text", trouble.repeats.exact, "duplicates");
    row("further rows that nearly repeat one", trouble.repeats.near, "near_duplicates");
    row("texts with lost characters (U+FFFD)", trouble.encoding.damaged, "encoding");
    row("texts encoded twice", trouble.encoding.twice, "encoded_twice");
    row("texts mended while reading", trouble.encoding.mended, "");
    row("lines read as windows-1252", trouble.encoding.recoded_lines, "");
    row("rows without a text, left out", trouble.little.empty, "empty");
    row("rows that could not be read, left out", trouble.little.broken, "broken");
    row("rows with an unknown label, left out", trouble.little.unmapped, "");
    row("rows whose time could not be read", trouble.little.bad_times, "bad_times");
    row("texts of one word", trouble.little.one_word, "one_word");
    row("texts of mentions, links and signs alone", trouble.little.wordless, "wordless");
    row("texts surely in another language", profile.languages.unexpected, "language");
    section.table(table);
    leaks(section, trouble);
    conflicts(section, profile);
    repeats(section, profile);
    let encoding = &trouble.encoding;
    if !encoding.examples.is_empty() {
        section.details("Texts with damaged characters", |inside| {
            inside.list(encoding.examples.clone());
        });
    }
}

/// What may be known of a text before it is read, what that is called in a table, and how it tells the label.
pub(super) fn known(trouble: &Trouble) -> [(&'static str, Option<&Leak>, &'static str); 5] {
    [
        ("the time", trouble.time.as_ref(), "when it was written"),
        ("the author", trouble.author.as_ref(), "who wrote it"),
        ("the channel", trouble.channel.as_ref(), "the channel"),
        ("the file", trouble.source.as_ref(), "the file or system"),
        ("the language", trouble.language.as_ref(), "the language"),
    ]
}

fn leaks(section: &mut Section, trouble: &Trouble) {
    let mut table = Table::new([
        Column::text("known beforehand"),
        Column::text("class told"),
        Column::number("AUC").hint("0.5 is chance, 1 is certainty"),
        Column::text("95 % interval"),
        Column::number("rows"),
        Column::number("different values"),
    ])
    .caption("Can the label be told without reading the text?");
    let measured = known(trouble).into_iter().filter_map(|(_, leak, what)| Some((what, leak?)));
    let mut any = false;
    for (what, leak) in measured {
        any = true;
        let mut area = Cell::number(leak.auc.value, sentimeter_report::Number::Decimal(3));
        if leak.leaks {
            area = area.severity(Severity::Trouble);
        }
        table.row([
            Cell::from(what),
            Cell::text(short(&leak.class)),
            area,
            Cell::text(format!("{:.3} to {:.3}", leak.auc.low, leak.auc.high)),
            Cell::count(leak.rows),
            Cell::count(leak.distinct),
        ]);
    }
    if any {
        section.table(table);
        section.text(
            "Rows are scored by the shares of the classes among other rows of the same span of time, author, channel, file \
             or language, never by their own; texts that repeat each other count as one.",
        );
    }
}

fn conflicts(section: &mut Section, profile: &Profile) {
    let found = &profile.trouble.conflicts;
    if let Some(import) = &found.at_import {
        section.text(format!(
            "Importing settled {} contradicting texts already: {} rows took the majority's label, {} were dropped as ties.",
            count(import.conflicts),
            count(import.outvoted),
            count(import.tied)
        ));
    }
    if found.examples.is_empty() {
        return;
    }
    let mut table = Table::new([Column::text("text"), Column::text("labels"), Column::text("in training")])
        .caption("Identical texts with different labels");
    for conflict in &found.examples {
        let labels: Vec<String> =
            conflict.labels.iter().map(|(label, n)| format!("{} ×{n}", short(label))).collect();
        table.row([
            Cell::from(conflict.text.as_str()),
            Cell::text(labels.join(", ")),
            Cell::text(conflict.resolved.clone().unwrap_or_else(|| "left out: a tie".to_owned())),
        ]);
    }
    section.table(table);
}

fn repeats(section: &mut Section, profile: &Profile) {
    let largest = &profile.trouble.repeats.largest;
    if largest.is_empty() {
        return;
    }
    let mut table = Table::new([
        Column::text("text"),
        Column::text("another one"),
        Column::number("rows"),
        Column::number("different texts"),
    ])
    .caption("The largest groups of equal and nearly equal texts");
    for repeat in largest {
        table.row([
            Cell::from(repeat.text.as_str()),
            Cell::text(repeat.variant.clone().unwrap_or_default()),
            Cell::count(repeat.rows),
            Cell::count(repeat.texts),
        ]);
    }
    section.details(
        format!(
            "The largest groups of repeated texts ({} of all rows repeat another one)",
            percent(
                (profile.trouble.repeats.exact + profile.trouble.repeats.near) as f64
                    / profile.rows.max(1) as f64
            )
        ),
        |inside| {
            inside.table(table);
        },
    );
}
