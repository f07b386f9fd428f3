//! Labels to doubt and texts to label.

use sentimeter_report::Number;
use sentimeter_report::page::{Cell, Column, Section, Severity, Table};

use super::{count, drawn, percent, short};
use crate::profile::{Profile, Suspect, Suspicions};

/// Suspects that are not folded away.
const SHOWN: usize = 15;

/// Classes up to which the joint is shown as a matrix; pairs of classes that are listed of a larger one.
const MATRIX: usize = 12;
const CONFUSED: usize = 30;

/// Texts to label that the page lists.
const LISTED: usize = 100;

pub(super) fn suspicious(section: &mut Section, found: &Suspicions) {
    section.text(format!(
        "A quick model of words{}, {} of the time right on texts that it had not seen ({} folds), \
         confidently disagrees with {} of {} labels (confident learning: Northcutt, Jiang & Chuang 2021). Where it is \
         right the label is wrong; where it is wrong the text is hard, ironic, or says little. The export lists all of \
         them; correct the column label and import the file.{}",
        if found.pieces { ", pairs of words and pieces of words" } else { " and pairs of words" },
        percent(found.accuracy),
        found.folds,
        count(found.confident),
        count(found.rows),
        drawn(found.sample)
    ));
    if found.classes.len() <= MATRIX {
        joint(section, found)
    } else {
        confused(section, found)
    }
    let (shown, folded) = found.first.split_at(found.first.len().min(SHOWN));
    section.table(suspects(shown).caption("The most suspicious labels"));
    if !folded.is_empty() {
        section.details(format!("The next {}", folded.len()), |inside| {
            inside.table(suspects(folded));
        });
    }
}

/// The confident joint as it is.
fn joint(section: &mut Section, found: &Suspicions) {
    let mut columns = vec![Column::text("given ↓, confidently →")];
    columns.extend(found.classes.iter().map(|class| Column::number(short(class))));
    columns
        .push(Column::number("threshold").hint("mean probability of the class over the rows that have it"));
    let mut table = Table::new(columns).caption("The confident joint: rows by given and by confident label");
    for (given, counts) in found.joint.iter().enumerate() {
        let sum: u64 = counts.iter().sum();
        let mut cells = vec![Cell::text(short(&found.classes[given]))];
        cells.extend(counts.iter().enumerate().map(|(other, &n)| {
            let cell = Cell::count(n).bar(n as f64 / sum.max(1) as f64);
            if given == other { cell } else { cell.severity(Severity::Info) }
        }));
        cells.push(Cell::number(found.thresholds[given], Number::Decimal(3)));
        table.row(cells);
    }
    section.table(table);
}

/// The largest cells of a joint that is too large to be read, or to be put on a page.
fn confused(section: &mut Section, found: &Suspicions) {
    let mut cells: Vec<(u64, usize, usize)> = Vec::new();
    for (given, counts) in found.joint.iter().enumerate() {
        let off = counts.iter().enumerate().filter(|&(other, &n)| other != given && n > 0);
        cells.extend(off.map(|(other, &n)| (n, given, other)));
    }
    cells.sort_unstable_by_key(|&(n, given, other)| (std::cmp::Reverse(n), given, other));
    let mut table = Table::new([
        Column::text("given"),
        Column::text("confidently"),
        Column::number("rows"),
        Column::number("of all given").hint("share of the rows with the given label that the joint counts"),
    ])
    .caption(format!(
        "The pairs of classes that are confused most, of {} (--json holds the whole joint)",
        count(cells.len() as u64)
    ));
    for &(n, given, other) in cells.iter().take(CONFUSED) {
        let sum: u64 = found.joint[given].iter().sum();
        table.row([
            Cell::text(short(&found.classes[given])),
            Cell::text(short(&found.classes[other])),
            Cell::count(n),
            Cell::number(n as f64 / sum.max(1) as f64, Number::Percent(1)),
        ]);
    }
    section.table(table);
}

fn suspects(all: &[Suspect]) -> Table {
    let mut table = Table::new([
        Column::text("text"),
        Column::text("label"),
        Column::text("rather"),
        Column::number("label's probability"),
        Column::number("row").hint("of the data set, from 0"),
    ]);
    for suspect in all {
        table.row([
            Cell::text(suspect.text.clone().unwrap_or_default()),
            Cell::text(short(&suspect.given)),
            Cell::text(short(&suspect.suggested)),
            Cell::number(suspect.given_confidence.into(), Number::Percent(1)),
            Cell::count(suspect.row.into()),
        ]);
    }
    table
}

pub(super) fn next(section: &mut Section, profile: &Profile) {
    let by_model = profile.label_next.iter().any(|next| next.suggested.is_some());
    section.text(if by_model {
        "Unlabelled texts that teach a model most: it is least certain of them, and no two are alike. Fill in the column \
         label of the export and import the file."
    } else {
        "Texts to begin with: as different from each other as can be, since there is no model yet to be uncertain. Fill \
         in the column label of the export and import the file."
    });
    let mut columns = vec![Column::text("text")];
    if by_model {
        columns.push(Column::text("the model would say"));
        columns.push(
            Column::number("uncertainty").hint("one less the difference of the two largest probabilities"),
        );
    }
    let mut table = Table::new(columns);
    for next in profile.label_next.iter().take(LISTED) {
        // Cells past the last column are left out.
        table.row([
            Cell::from(next.text.as_str()),
            Cell::text(next.suggested.clone().unwrap_or_default()),
            Cell::number(next.uncertainty, Number::Decimal(2)),
        ]);
    }
    section.table(table);
    if profile.label_next.len() > LISTED {
        section
            .text(format!("{} more stand in the export.", count((profile.label_next.len() - LISTED) as u64)));
    }
}
