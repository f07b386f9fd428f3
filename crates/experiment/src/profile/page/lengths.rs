//! How long the texts are.

use sentimeter_report::Number;
use sentimeter_report::page::{Cell, Column, Section, Table};
use sentimeter_report::plot::Histogram;

use super::{by_class, count, short};
use crate::profile::{Lengths, Profile};

pub(super) fn section(section: &mut Section, profile: &Profile) {
    for lengths in &profile.lengths {
        histogram(section, profile, lengths);
    }
    let mut table = Table::new([
        Column::text("class"),
        Column::text("unit"),
        Column::number("mean"),
        Column::number("5 %").hint("5 of 100 texts are no longer"),
        Column::number("25 %"),
        Column::number("median"),
        Column::number("75 %"),
        Column::number("95 %"),
        Column::number("longest"),
    ])
    .caption("Quantiles of the lengths");
    for lengths in &profile.lengths {
        for (class, spread) in profile.classes.iter().zip(&lengths.spread) {
            let whole = [spread.p5, spread.p25, spread.p50, spread.p75, spread.p95, spread.max];
            let mut row = vec![
                Cell::text(short(class)),
                Cell::from(lengths.unit),
                Cell::number(spread.mean, Number::Decimal(1)),
            ];
            row.extend(whole.map(|n| Cell::count(n.into())));
            table.row(row);
        }
    }
    section.details("All quantiles by class", |inside| {
        inside.table(table);
    });
}

fn histogram(section: &mut Section, profile: &Profile, lengths: &Lengths) {
    let bins = lengths.bins.first().map_or(0, Vec::len);
    // Shares, so that the forms of classes of different size can be compared.
    let shares: Vec<Vec<f64>> = lengths
        .bins
        .iter()
        .zip(&profile.class_rows)
        .map(|(bins, &rows)| bins.iter().map(|&n| n as f64 / rows.max(1) as f64).collect())
        .collect();
    let longer: u64 = lengths.longer.iter().sum();
    let beyond = if longer == 0 {
        String::new()
    } else {
        let end = bins as u64 * u64::from(lengths.width);
        format!(" {} longer than {} are not shown.", texts(longer), count(end))
    };
    let parting = if profile.classes.len() > 1 {
        " Where the classes' outlines part, length alone tells something."
    } else {
        ""
    };
    let medians: Vec<String> = profile
        .classes
        .iter()
        .zip(&lengths.spread)
        .map(|(class, spread)| format!("{} {}", short(class), spread.p50))
        .collect();
    section.figure(
        Histogram::new(
            format!("Lengths in {}", lengths.unit),
            format!("{} of a text", lengths.unit),
            if profile.classes.len() > 1 { "share of the class" } else { "share of the texts" },
            (0..=bins).map(|edge| edge as f64 * f64::from(lengths.width)),
        )
        .all(by_class(profile, shares))
        .numbers(Number::Count, Number::Percent(1))
        .draw(&format!("lengths-{}", lengths.unit)),
        format!(
            "How the {} of the texts are distributed, in steps of {}.{parting} Medians: {}.{beyond}",
            lengths.unit,
            lengths.width,
            medians.join(", ")
        ),
    );
}

fn texts(n: u64) -> String {
    if n == 1 { "1 text".to_owned() } else { format!("{} texts", count(n)) }
}
