//! An examination as a page: every figure with a sentence that says what one sees.

mod about;
mod answers;
mod judged;
mod texts;

use sentimeter_report::page::{Card, Note, Section, Severity};
use sentimeter_report::{Number, Page};

use super::Examination;

/// Rows below which figures are rough: one of fifty is two percent.
const FEW: u64 = 50;

/// Calibration errors past which probabilities should not be shown to people as they are, and the share of
/// the rows that must lie in bins which chance does not explain: few rows alone make a large error.
const OFF: f64 = 0.05;
const OFF_ROWS: f64 = 0.2;

/// The page of an examination. `numbers` is the file beside it that holds all of its numbers, where
/// there is one.
pub fn page(found: &Examination, numbers: Option<&str>) -> Page {
    let metrics = &found.metrics;
    let mut page = Page::new(format!("Evaluation of {}", found.model.name));
    let labels = if metrics.labels.len() <= 8 {
        metrics.labels.join(", ")
    } else {
        format!("{} classes", metrics.labels.len())
    };
    page.subtitle(format!("measured on {}: {} · {labels}", found.data, rows(metrics.rows)));
    page.footer(format!(
        "sentimeter {} · model {} · the same model and rows give the same page",
        env!("CARGO_PKG_VERSION"),
        short(&found.model.digest),
    ));
    glance(page.section("At a glance"), found, numbers);
    judged::classes(page.section("Class by class"), found);
    judged::ranking(page.section("At every threshold"), found);
    judged::probabilities(page.section("Do the probabilities come true?"), found);
    answers::cells(page.section("Where it is weak"), found);
    answers::abstaining(page.section("When it had better not answer"), found);
    texts::mistakes(page.section("Mistakes that it is sure of"), found);
    texts::unsure(page.section("Texts that it cannot decide"), found);
    if let Some(curve) = &found.learning_curve {
        answers::learning(page.section("Would more texts help?"), curve);
    }
    about::model(page.section("What the model is"), found);
    page
}

/// The figures that a reader looks for first, and what to heed.
fn glance(section: &mut Section, found: &Examination, numbers: Option<&str>) {
    let metrics = &found.metrics;
    let within =
        |interval: Option<[f64; 2]>| interval.map_or(String::new(), |[low, high]| between(low, high));
    let intervals = metrics.intervals.as_ref();
    let several = if metrics.labels.len() > 2 { "mean of the classes, one against rest" } else { "" };
    section.cards([
        Card::new("accuracy", percent(metrics.accuracy)).hint(within(intervals.map(|i| i.accuracy))),
        Card::new("macro F1", decimal(metrics.macro_f1)).hint(within(intervals.map(|i| i.macro_f1))),
        Card::new("ROC AUC", metrics.roc_auc.map_or("–".to_owned(), decimal))
            .hint(intervals.and_then(|i| i.roc_auc).map_or(several.to_owned(), |i| within(Some(i)))),
        Card::new("calibration error", percent(metrics.ece)).hint("how far confidence is off, on average"),
        Card::new("log loss", decimal(metrics.log_loss)).hint("nats; lower is better"),
    ]);
    let heed = warnings(found);
    if heed.is_empty() {
        section.note(
            Note::new(Severity::Good, "Nothing stands out").text(
                "No part of the rows is clearly weaker than the rest, and the probabilities come true.",
            ),
        );
    }
    for note in heed {
        section.note(note);
    }
    if !found.notes.is_empty() {
        section.note(Note::new(Severity::Info, "Of the data").items(found.notes.iter().map(|n| sentence(n))));
    }
    if let Some(name) = numbers {
        section.file(name, "Every number of this page, as JSON");
    }
}

/// What makes the figures doubtful or the model weak.
fn warnings(found: &Examination) -> Vec<Note> {
    let metrics = &found.metrics;
    let mut notes = Vec::new();
    if metrics.rows < FEW {
        notes.push(
            Note::new(Severity::Warning, format!("Measured on {} only", rows(metrics.rows)))
                .text("The figures are rough: see how wide the intervals are."),
        );
    }
    if metrics.ece > OFF && off_share(found) > OFF_ROWS {
        notes.push(
            Note::new(
                Severity::Warning,
                format!("Its confidence is off by {} on average", percent(metrics.ece)),
            )
            .text("Its probabilities do not mean what they say on these rows: see the reliability diagram."),
        );
    }
    let missed: Vec<String> = metrics
        .labels
        .iter()
        .filter_map(|label| {
            let class = metrics.classes.get(label)?;
            let missed = class.support > 0 && class.recall < 0.5;
            missed.then(|| format!("{label}: {} of {} found", percent(class.recall), rows(class.support)))
        })
        .collect();
    if !missed.is_empty() {
        notes.push(Note::new(Severity::Warning, "More than half of a class is missed").items(missed));
    }
    let weak: Vec<String> = found
        .cells
        .iter()
        .filter(|cell| cell.weak)
        .map(|cell| {
            format!(
                "{} {}: {} of {} right",
                cell.group,
                answers::name(cell),
                percent(cell.accuracy),
                rows(cell.rows)
            )
        })
        .collect();
    if !weak.is_empty() {
        notes.push(
            Note::new(Severity::Warning, "Clearly weaker parts")
                .text(
                    "Chance hardly explains these: their whole interval lies below the accuracy of all rows.",
                )
                .items(weak),
        );
    }
    notes
}

/// Share of the rows in bins of the reliability diagram whose interval leaves out the diagonal.
fn off_share(found: &Examination) -> f64 {
    let off = found.reliability.bins.iter().filter(|bin| {
        let outside = |(p, [low, high]): (f64, [f64; 2])| p < low || p > high;
        bin.predicted.zip(bin.interval).is_some_and(outside)
    });
    off.map(|bin| bin.rows).sum::<u64>() as f64 / found.metrics.rows.max(1) as f64
}

fn percent(share: f64) -> String {
    Number::Percent(1).show(share)
}

fn decimal(value: f64) -> String {
    Number::Decimal(3).show(value)
}

fn count(value: u64) -> String {
    Number::Count.show(value as f64)
}

fn rows(value: u64) -> String {
    if value == 1 { "1 row".to_owned() } else { format!("{} rows", count(value)) }
}

/// `0.781 to 0.795`, as an interval.
fn between(low: f64, high: f64) -> String {
    format!("{} to {} (95 %)", decimal(low), decimal(high))
}

/// A digest's beginning.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// A message as a sentence of its own.
fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    let dot = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{dot}", chars.as_str())
}
