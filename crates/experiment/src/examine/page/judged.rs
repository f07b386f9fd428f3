//! The classes, the curves, the probabilities.

use sentimeter_model::metrics::{ClassMetrics, Metrics};
use sentimeter_report::page::{Cell, Column, Section, Table};
use sentimeter_report::plot::{Bin, Confusion, Histogram, Line, Lines, Reliability};
use sentimeter_report::{Colour, Number, Series};

use super::super::{ClassCurves, Examination};
use super::{decimal, percent};

/// Classes past which a confusion matrix can no longer be read.
const MOST_IN_MATRIX: usize = 32;

/// The classification report and the confusion matrix.
pub(super) fn classes(section: &mut Section, found: &Examination) {
    let metrics = &found.metrics;
    section.table(report(metrics));
    if metrics.labels.len() <= MOST_IN_MATRIX {
        let figure = Confusion::new("Confusion matrix", metrics.labels.clone(), metrics.confusion.clone())
            .draw("confusion");
        section.figure(figure, worst_mistake(metrics));
    }
    section.table(measures(metrics));
}

/// What scikit-learn calls the classification report, with the areas of each class.
fn report(metrics: &Metrics) -> Table {
    let mut table = Table::new([
        Column::text("class"),
        Column::number("precision").hint("of the rows answered so, the share that is"),
        Column::number("recall").hint("of the rows that are so, the share answered so"),
        Column::number("F1").hint("harmonic mean of the two"),
        Column::number("ROC AUC").hint("this class against the rest"),
        Column::number("PR AUC").hint("average precision"),
        Column::number("rows"),
    ])
    .caption("Classification report");
    let share = |value: f64| Cell::number(value, Number::Decimal(3));
    for label in &metrics.labels {
        let Some(class) = metrics.classes.get(label) else { continue };
        let ClassMetrics { precision, recall, f1, support, roc_auc, pr_auc } = *class;
        let [roc, pr] = [roc_auc, pr_auc].map(|area| share(area.unwrap_or(f64::NAN)));
        table.row([
            Cell::text(label),
            share(precision),
            share(recall),
            share(f1),
            roc,
            pr,
            Cell::count(support),
        ]);
    }
    let blank = || Cell::text("");
    table.row([
        Cell::text("macro mean"),
        share(metrics.macro_precision),
        share(metrics.macro_recall),
        share(metrics.macro_f1),
        blank(),
        blank(),
        Cell::count(metrics.rows),
    ]);
    table.row([
        Cell::text("weighted mean"),
        share(metrics.weighted_precision),
        share(metrics.weighted_recall),
        share(metrics.weighted_f1),
        blank(),
        blank(),
        Cell::count(metrics.rows),
    ]);
    table
}

/// All measures that are one number.
fn measures(metrics: &Metrics) -> Table {
    let mut table = Table::new([
        Column::text("measure"),
        Column::number("value"),
        Column::text("95 % interval"),
        Column::text("what it is"),
    ]);
    let intervals = metrics.intervals.as_ref();
    let areas = match metrics.labels.last() {
        Some(positive) if metrics.labels.len() == 2 => format!("of the probability of {positive}"),
        _ => "mean of the classes, each against the rest".to_owned(),
    };
    for (name, value, interval, what) in [
        ("accuracy", Some(metrics.accuracy), intervals.map(|i| i.accuracy), "share answered right"),
        ("macro F1", Some(metrics.macro_f1), intervals.map(|i| i.macro_f1), "mean F1 of the classes"),
        ("macro recall", Some(metrics.macro_recall), intervals.map(|i| i.macro_recall), "balanced accuracy"),
        ("ROC AUC", metrics.roc_auc, intervals.and_then(|i| i.roc_auc), areas.as_str()),
        ("PR AUC", metrics.pr_auc, None, areas.as_str()),
        ("log loss", Some(metrics.log_loss), None, "nats, lower is better"),
        ("Brier score", Some(metrics.brier), None, "squared error of the probabilities, lower is better"),
        ("ECE", Some(metrics.ece), None, "expected calibration error, 15 bins"),
        ("MCC", Some(metrics.mcc), None, "Matthews's correlation, −1 to 1"),
        ("kappa", metrics.kappa, None, "Cohen's, −1 to 1"),
    ] {
        let interval =
            interval.map_or("–".to_owned(), |[low, high]| format!("{} to {}", decimal(low), decimal(high)));
        table.row([
            Cell::text(name),
            Cell::number(value.unwrap_or(f64::NAN), Number::Decimal(4)),
            Cell::text(interval),
            Cell::text(what),
        ]);
    }
    let drawn =
        intervals.map(|i| format!("; intervals from {} bootstrap resamples of the rows", i.resamples));
    table.caption(format!("Measures of all rows{}", drawn.unwrap_or_default()))
}

/// The largest cell off the diagonal, in words.
fn worst_mistake(metrics: &Metrics) -> String {
    let mut worst = (0, 0, 0);
    for (truth, row) in metrics.confusion.iter().enumerate() {
        for (answer, &rows) in row.iter().enumerate() {
            if truth != answer && rows > worst.2 {
                worst = (truth, answer, rows);
            }
        }
    }
    let (truth, answer, rows) = worst;
    if rows == 0 {
        return "Every row is answered right.".to_owned();
    }
    let of: u64 = metrics.confusion[truth].iter().sum();
    format!(
        "The most frequent mistake: {} of the {} rows are answered {}.",
        percent(rows as f64 / of.max(1) as f64),
        metrics.labels[truth],
        metrics.labels[answer]
    )
}

/// ROC and precision–recall curves.
pub(super) fn ranking(section: &mut Section, found: &Examination) {
    let metrics = &found.metrics;
    let colours = colours(found);
    let colour = |curve: &ClassCurves| {
        let at = metrics.labels.iter().position(|label| *label == curve.class);
        at.map_or(Colour::Positive, |at| colours[at])
    };
    let line = |curve: &ClassCurves, area: Option<f64>, points: &[[f64; 2]]| {
        let name = format!("{} {}", curve.class, area.map_or("–".to_owned(), decimal));
        Line::new(name, points.iter().map(|p| (p[0], p[1]))).colour(colour(curve))
    };
    let of = |curve: &ClassCurves| metrics.classes.get(&curve.class).copied();
    let mut roc = Lines::roc("ROC curve").subtitle("beside each class the area under its curve");
    let mut pr =
        Lines::precision_recall("Precision–recall curve").subtitle("beside each class its average precision");
    for curve in &found.curves {
        if let Some(points) = &curve.curves.roc {
            roc = roc.line(line(curve, of(curve).and_then(|c| c.roc_auc), points));
        }
        if let Some(points) = &curve.curves.precision_recall {
            pr = pr.line(line(curve, of(curve).and_then(|c| c.pr_auc), points));
        }
    }
    if let ([curve], Some(class)) = (&found.curves[..], found.curves.first().and_then(of)) {
        // What answering at random would reach: the class's share.
        let share = class.support as f64 / metrics.rows.max(1) as f64;
        let chance = Line::new("chance", [(0.0, share), (1.0, share)]).colour(Colour::Neutral).dashed();
        let of_chance = curve.curves.precision_recall.is_some();
        pr = if of_chance { pr.line(chance) } else { pr };
    }
    let each = match &found.curves[..] {
        [one] => format!("Each point is a threshold on the probability of {}.", one.class),
        _ if found.curves.len() < metrics.labels.len() => {
            format!("Each class against the rest; of {} classes those with most rows.", metrics.labels.len())
        }
        _ => "Each class against the rest.".to_owned(),
    };
    section.figure(roc.draw("roc"), format!("{each} A coin flip runs along the diagonal."));
    section.figure(pr.draw("precision-recall"), "What finding more of a class costs in false alarms.");
}

/// Reliability and scores.
pub(super) fn probabilities(section: &mut Section, found: &Examination) {
    let bins = found.reliability.bins.iter().filter_map(|bin| {
        let [low, high] = bin.interval?;
        Some(Bin {
            predicted: bin.predicted?,
            observed: bin.observed?,
            count: bin.rows,
            interval: Some((low, high)),
        })
    });
    let figure = Reliability::new("Reliability diagram", bins).ece(found.metrics.ece).draw("reliability");
    let whose = match &found.reliability.class {
        Some(class) => format!("Rows by the probability that they were given of being {class}."),
        None => "Rows by the confidence of their answer.".to_owned(),
    };
    section.figure(
        figure,
        format!(
            "{whose} On the dashed line 80 % means right four times out of five; below it the model is too \
             sure. Bars are 95 % intervals (Wilson), the small plot counts the rows. The calibration error is \
             that of the answers."
        ),
    );
    let scores = &found.scores;
    let (axis, caption) = match &scores.class {
        Some(class) => (
            format!("probability of {class}"),
            "The further the classes stand apart, the better the model tells them; what lies on the other side \
             of one half is answered wrongly."
                .to_owned(),
        ),
        None => (
            "probability of the true class".to_owned(),
            "At the right rows that it is right about and sure of, at the left its confident mistakes.".to_owned(),
        ),
    };
    let labels: Vec<&str> = scores.classes.iter().map(|class| class.class.as_str()).collect();
    let shares = scores.classes.iter().map(|class| {
        let all: u64 = class.rows.iter().sum();
        class.rows.iter().map(|&rows| rows as f64 / all.max(1) as f64).collect()
    });
    let colours = colours(found);
    let series = Series::of_labels(&labels, shares).into_iter().map(|series| {
        let at = found.metrics.labels.iter().position(|label| *label == series.name);
        let colour = at.map_or(series.colour, |at| colours[at]);
        series.colour(colour)
    });
    let figure =
        Histogram::new("Scores by true class", axis, "share of the class's rows", scores.edges.clone())
            .numbers(Number::Plain, Number::Percent(0))
            .all(series)
            .draw("scores");
    section.figure(figure, caption);
}

/// The colour of each label.
fn colours(found: &Examination) -> Vec<Colour> {
    Colour::of_labels(&found.metrics.labels)
}
