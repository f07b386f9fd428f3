//! Parts of the rows, abstaining, more texts.

use sentimeter_model::metrics::{Threshold, wilson};
use sentimeter_report::page::{Cell, Column, Section, Severity, Table};
use sentimeter_report::plot::{Dot, Dots, Line, Lines, Scale};
use sentimeter_report::{Colour, Number};

use super::super::{Cell as Part, Examination};
use super::{count, decimal, percent, rows};
use crate::LearningCurve;

/// What people call a part: languages by name, lengths with their unit.
pub(super) fn name(part: &Part) -> String {
    match (part.group, part.name.as_str()) {
        ("language", "en") => "English".to_owned(),
        ("language", "fr") => "French".to_owned(),
        ("language", "ar") => "Arabic".to_owned(),
        ("language", "other") => "another language".to_owned(),
        ("length", name) => format!("{name} characters"),
        (_, name) => name.to_owned(),
    }
}

/// Accuracy and more of each language, channel and length.
pub(super) fn cells(section: &mut Section, found: &Examination) {
    let accuracy = found.metrics.accuracy;
    let dots = found.cells.iter().map(|part| {
        Dot::new(name(part), part.accuracy)
            .group(part.group)
            .interval(part.interval[0], part.interval[1])
            .note(rows(part.rows))
            .weak(part.weak)
    });
    let figure = Dots::new("Accuracy of the parts", "share answered right, with 95 % interval (Wilson)")
        .reference(accuracy, format!("all rows ({})", decimal(accuracy)))
        .dots(dots)
        .draw("parts");
    section.figure(
        figure,
        "A part of at least ten rows is marked weak where its whole interval lies below the accuracy of all rows. A text's language is \
         the one that the data states, else the detected one.",
    );
    let mut table = Table::new([
        Column::text("part"),
        Column::text("value"),
        Column::number("rows"),
        Column::number("accuracy"),
        Column::text("95 % interval"),
        Column::number("macro F1"),
        Column::number("ROC AUC"),
        Column::number("ECE").hint("expected calibration error"),
    ]);
    for part in &found.cells {
        let share = |value: f64| Cell::number(value, Number::Decimal(3));
        let right = share(part.accuracy);
        table.row([
            Cell::text(part.group),
            Cell::text(if part.weak { format!("⚠ {}", name(part)) } else { name(part) }),
            Cell::count(part.rows),
            if part.weak { right.severity(Severity::Warning) } else { right },
            Cell::text(format!("{} to {}", decimal(part.interval[0]), decimal(part.interval[1]))),
            share(part.macro_f1),
            share(part.roc_auc.unwrap_or(f64::NAN)),
            share(part.ece),
        ]);
    }
    section.details("The parts in numbers", |inside| {
        inside.table(table);
    });
}

/// What thresholds on confidence gain and cost.
pub(super) fn abstaining(section: &mut Section, found: &Examination) {
    let all = found.metrics.rows;
    let curve = &found.abstaining.curve;
    let band = curve.iter().map(|&[coverage, accuracy]| {
        let answered = (coverage * all as f64).round();
        let [low, high] = wilson((accuracy * answered).round() as u64, answered as u64);
        (coverage, low, high)
    });
    let line = Line::new("accuracy of what is answered", curve.iter().map(|p| (p[0], p[1])))
        .colour(Colour::Positive)
        .band(band);
    let figure = Lines::new("Coverage and accuracy", "share of the rows answered", "accuracy of the answers")
        .x(Scale::Between(0.0, 1.0), Number::Percent(0))
        .y(Scale::Linear, Number::Percent(0))
        .line(line)
        .draw("coverage");
    section.figure(
        figure,
        "The rows are answered from the surest down, and the rest are left to a person. At the right everything \
         is answered. The band is the 95 % interval (Wilson).",
    );
    let columns = |first: &str| {
        [
            Column::number(first),
            Column::number("least confidence").hint("predict --min-confidence"),
            Column::number("answered"),
            Column::number("of all rows"),
            Column::number("wrong answers"),
            Column::number("accuracy"),
            Column::text("95 % interval"),
        ]
    };
    let cells = |t: &Threshold| {
        [
            Cell::count(t.answered),
            Cell::number(t.coverage, Number::Percent(1)).bar(t.coverage),
            Cell::count(t.wrong),
            Cell::number(t.accuracy.unwrap_or(f64::NAN), Number::Percent(1)),
            Cell::text(
                t.interval
                    .map_or("–".to_owned(), |[low, high]| format!("{} to {}", percent(low), percent(high))),
            ),
        ]
    };
    let mut table = Table::new(columns("").into_iter().skip(1)).caption("What a threshold does");
    for threshold in &found.abstaining.thresholds {
        let least = if threshold.confidence > 0.0 {
            Cell::number(threshold.confidence, Number::Decimal(2))
        } else {
            Cell::text("none")
        };
        table.row([least].into_iter().chain(cells(threshold)));
    }
    section.table(table);
    if !found.abstaining.reaching.is_empty() {
        let mut table = Table::new(columns("to be right")).caption(
            "The threshold for an accuracy; chosen on these rows, so that other rows come out a little lower",
        );
        for reaching in &found.abstaining.reaching {
            let wanted = Cell::number(reaching.accuracy, Number::Percent(0));
            match &reaching.threshold {
                Some(threshold) => {
                    // Rounded down: what is typed off the page answers no fewer.
                    let least = (threshold.confidence * 1e4).floor() / 1e4;
                    let least = Cell::number(least, Number::Decimal(4));
                    table.row([wanted, least].into_iter().chain(cells(threshold)))
                }
                None => table.row([wanted, Cell::text("not reached")]),
            };
        }
        section.table(table);
    }
}

/// The learning curve.
pub(super) fn learning(section: &mut Section, curve: &LearningCurve) {
    let points = &curve.points;
    let tested = Line::new("texts that it never saw", points.iter().map(|p| (p.rows as f64, p.accuracy)))
        .colour(Colour::Positive)
        .band(points.iter().map(|p| (p.rows as f64, p.interval[0], p.interval[1])))
        .marked();
    let learned =
        Line::new("texts that it learned from", points.iter().map(|p| (p.rows as f64, p.training_accuracy)))
            .colour(Colour::Neutral)
            .dashed()
            .marked();
    let figure = Lines::new("Learning curve", "texts learned from", "share answered right")
        .x(Scale::Log, Number::Compact)
        .y(Scale::Linear, Number::Percent(1))
        .line(learned)
        .line(tested)
        .draw("learning-curve");
    let advice = match &points[..] {
        [.., before, last] if last.accuracy - before.accuracy > 0.005 => format!(
            "The last doubling brought {} points: more texts of this kind will help.",
            Number::Decimal(1).show((last.accuracy - before.accuracy) * 100.0)
        ),
        [_, .., _] => {
            "The last doubling brought next to nothing: more texts of this kind will hardly help; better \
                       labels or other features may."
                .to_owned()
        }
        _ => String::new(),
    };
    section.figure(
        figure,
        format!(
            "Every model is measured on the same {}; the band is the 95 % interval (Wilson). {advice}",
            rows(curve.test_rows as u64)
        ),
    );
    let mut table = Table::new([
        Column::number("texts learned from"),
        Column::number("accuracy"),
        Column::text("95 % interval"),
        Column::number("on what it learned from"),
    ]);
    for point in points {
        table.row([
            Cell::text(count(point.rows as u64)),
            Cell::number(point.accuracy, Number::Decimal(4)),
            Cell::text(format!("{} to {}", decimal(point.interval[0]), decimal(point.interval[1]))),
            Cell::number(point.training_accuracy, Number::Decimal(4)),
        ]);
    }
    section.table(table);
}
