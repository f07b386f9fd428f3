//! A comparison as a page.

use sentimeter_report::page::{Cell, Column, Note, Section, Severity, Table};
use sentimeter_report::plot::{Dot, Dots, Line, Lines, Parallel, Scale, Values};
use sentimeter_report::{Colour, Number, Page};

use super::{Compared, Comparison, HEADLINES, Paired};

/// The page; `numbers` is the file beside it that holds the comparison as JSON, where there is one.
pub fn page(found: &Comparison, numbers: Option<&str>) -> Page {
    let mut page = Page::new(format!("{} runs compared", found.runs.len()));
    let names: Vec<&str> = found.runs.iter().map(|run| run.name.as_str()).collect();
    page.subtitle(names.join(" · "));
    page.footer(format!("sentimeter {} · made from what the runs recorded", env!("CARGO_PKG_VERSION")));
    glance(page.section("At a glance"), found, numbers);
    settings(page.section("What was set differently"), found);
    together(page.section("Settings and results together"), found);
    curves(page.section("How they learned"), found);
    price(page.section("What an answer costs"), found);
    about(page.section("The runs"), found);
    page
}

/// How a metric is written.
pub(super) fn number(name: &str) -> Number {
    match name {
        "accuracy" | "ece" => Number::Percent(1),
        name if name.starts_with("latency_us") || name.starts_with("seconds") => Number::Decimal(1),
        _ => Number::Decimal(3),
    }
}

fn colours(count: usize) -> Vec<Colour> {
    let cycle = (0..).map(|n: u8| Colour::Cycle(n % Colour::CYCLE));
    [Colour::Positive, Colour::Negative].into_iter().chain(cycle).take(count).collect()
}

fn glance(section: &mut Section, found: &Comparison, numbers: Option<&str>) {
    let mut columns = vec![Column::text("run")];
    let shown: Vec<(&str, bool)> = HEADLINES
        .into_iter()
        .filter(|(name, _)| found.runs.iter().any(|run| run.metric(name).is_some()))
        .collect();
    for (name, more) in &shown {
        columns.push(Column::number(*name).hint(if *more { "more is better" } else { "less is better" }));
    }
    let mut table = Table::new(columns).caption("Test measures; the best of a column is marked.");
    for run in &found.runs {
        let mut cells = vec![Cell::text(&run.name)];
        for (name, more) in &shown {
            let value = run.metric(name).map_or(f64::NAN, |(value, _)| value);
            let cell = Cell::number(value, number(name));
            cells.push(if best(found, name, *more) == Some(value) {
                cell.severity(Severity::Good)
            } else {
                cell
            });
        }
        table.row(cells);
    }
    section.table(table);
    for note in &found.notes {
        section.note(Note::new(Severity::Warning, "Heed").text(note));
    }
    for name in ["accuracy", "macro_f1"] {
        let dots: Vec<Dot> = found.runs.iter().filter_map(|run| dot(run, name)).collect();
        if dots.len() > 1 {
            let plot =
                Dots::new(format!("{name} with its 95 % interval"), name).number(number(name)).dots(dots);
            section.figure(
                plot.draw(&format!("compare-{name}")),
                "Each run on its own test rows. Intervals that overlap do not say that the runs are equal: on the same \
                 rows, the table below tells more.",
            );
        }
    }
    significance(section, found);
    if let Some(name) = numbers {
        section.file(name, "Every number of this page, as JSON");
    }
}

fn best(found: &Comparison, name: &str, more: bool) -> Option<f64> {
    let values = found.runs.iter().filter_map(|run| run.metric(name)).map(|(value, _)| value);
    let values = values.filter(|value| value.is_finite());
    values.reduce(|a, b| if more { a.max(b) } else { a.min(b) })
}

fn dot(run: &Compared, name: &str) -> Option<Dot> {
    let (value, interval) = run.metric(name)?;
    let dot = Dot::new(&run.name, value);
    Some(match interval {
        Some([low, high]) => dot.interval(low, high),
        None => dot,
    })
}

/// What a pair of models says, as a sentence.
pub fn verdict(paired: &Paired, first: &str, second: &str) -> String {
    let [low, high] = paired.interval.map(|end| 100.0 * end);
    let more = if paired.difference < 0.0 { "fewer" } else { "more" };
    let chance = if paired.p < 0.05 { "more than chance explains" } else { "no more than chance may bring" };
    format!(
        "{second} answers {:.2} % of the rows {more} right than {first} ({low:+.2} to {high:+.2} points, 95 %), \
         p = {}: {chance}",
        100.0 * paired.difference.abs(),
        if paired.p < 0.0001 { "below 0.0001".to_owned() } else { format!("{:.4}", paired.p) },
    )
}

fn significance(section: &mut Section, found: &Comparison) {
    let first = &found.runs[0];
    let mut table = Table::new([
        Column::text("against the first"),
        Column::number("same rows"),
        Column::number(format!("only {} right", first.name)),
        Column::number("only this one right"),
        Column::number("difference in accuracy").hint("this one less the first"),
        Column::text("95 % interval"),
        Column::number("p").hint("McNemar's test, exact, two-sided"),
    ])
    .caption(format!("Answer by answer against {}, on the very same rows.", first.name));
    let mut any = false;
    for (run, paired) in found.runs[1..].iter().zip(&found.paired) {
        let Some(paired) = paired else { continue };
        any = true;
        let [low, high] = paired.interval.map(|end| Number::Percent(2).show(end));
        let p = Cell::number(paired.p, Number::Decimal(4));
        table.row([
            Cell::text(&run.name),
            Cell::count(paired.rows),
            Cell::count(paired.only_first),
            Cell::count(paired.only_second),
            Cell::number(paired.difference, Number::Percent(2)),
            Cell::text(format!("{low} to {high}")),
            if paired.p < 0.05 { p.severity(Severity::Info) } else { p },
        ]);
    }
    if any {
        section.table(table);
    } else {
        section.text(
            "No two of them can be compared answer by answer: that takes the same test rows, and runs that recorded \
             their answers.",
        );
    }
}

fn settings(section: &mut Section, found: &Comparison) {
    if found.differing.is_empty() {
        section.text("Nothing: all settings are the same.");
        return;
    }
    let mut columns = vec![Column::text("setting")];
    columns.extend(found.runs.iter().map(|run| Column::text(&run.name)));
    let mut table = Table::new(columns);
    for setting in &found.differing {
        let mut cells = vec![Cell::text(&setting.name)];
        cells.extend(setting.values.iter().map(|value| Cell::text(value.as_deref().unwrap_or("–"))));
        table.row(cells);
    }
    section.table(table);
}

fn together(section: &mut Section, found: &Comparison) {
    /// More axes than that stand too close to be read.
    const MOST: usize = 8;
    let lines = found.runs.iter().map(|run| run.name.clone()).zip(colours(found.runs.len()));
    let mut plot = Parallel::new("Each line is a run", lines)
        .subtitle("settings that differ at the left, measures at the right, each axis with its own scale");
    let mut axes = 0;
    for setting in found.differing.iter().take(MOST - 2) {
        let numbers: Vec<Option<f64>> =
            setting.values.iter().map(|v| v.as_ref().and_then(|v| v.parse().ok())).collect();
        let values = if numbers.iter().zip(&setting.values).all(|(n, v)| n.is_some() || v.is_none()) {
            Values::Numbers(numbers.into_iter().map(|n| n.unwrap_or(f64::NAN)).collect(), Number::Plain)
        } else {
            Values::Names(setting.values.iter().map(|v| v.clone().unwrap_or_default()).collect())
        };
        plot = plot.axis(&setting.name, values);
        axes += 1;
    }
    for name in ["seconds.total", "macro_f1", "accuracy"] {
        let values: Vec<f64> =
            found.runs.iter().map(|run| run.metric(name).map_or(f64::NAN, |(value, _)| value)).collect();
        if axes < MOST && values.iter().any(|value| value.is_finite()) {
            plot = plot.axis(name, Values::Numbers(values, number(name)));
            axes += 1;
        }
    }
    section.figure(
        plot.draw("compare-parallel"),
        "Follow a line from its settings to its results; where lines cross between two axes, what is better on one is \
         worse on the other.",
    );
}

fn curves(section: &mut Section, found: &Comparison) {
    let mut names: Vec<&String> = found.runs.iter().flat_map(|run| run.curves.keys()).collect();
    names.sort();
    names.dedup();
    // A fold's figures are no curve.
    names.retain(|name| !name.starts_with("fold."));
    if names.is_empty() {
        section.text("None of them recorded a metric step by step.");
    }
    for name in names {
        let all = || found.runs.iter().filter_map(|run| run.curves.get(name)).flatten();
        // What falls by orders of magnitude is seen by its magnitude alone.
        let (low, high) = all().fold((f64::INFINITY, 0.0_f64), |(l, h), p| (l.min(p.1), h.max(p.1)));
        let magnitude = low > 0.0 && high / low > 50.0;
        let axis = if magnitude { format!("{name}, power of ten") } else { name.clone() };
        let mut plot = Lines::new(name, "step", axis);
        for (run, colour) in found.runs.iter().zip(colours(found.runs.len())) {
            if let Some(points) = run.curves.get(name) {
                let points =
                    points.iter().map(|&(step, value)| (step, if magnitude { value.log10() } else { value }));
                plot = plot.line(Line::new(&run.name, points).colour(colour));
            }
        }
        let file = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        section.figure(plot.draw(&format!("compare-curve-{file}")), format!("{name}, step by step."));
    }
}

fn price(section: &mut Section, found: &Comparison) {
    let mut plot = Lines::new("Accuracy and the time of one text", "median time of one text, µs", "accuracy")
        .x(Scale::FromZero, Number::Decimal(0))
        .y(Scale::Linear, Number::Percent(1));
    let mut any = false;
    for (run, colour) in found.runs.iter().zip(colours(found.runs.len())) {
        if let (Some((time, _)), Some((accuracy, _))) = (run.metric("latency_us.p50"), run.metric("accuracy"))
        {
            any = true;
            plot = plot.line(Line::new(&run.name, [(time, accuracy)]).colour(colour).marked());
        }
    }
    if any {
        section.figure(
            plot.draw("compare-price"),
            "Higher is right more often, further left is quicker. Times of different machines, or of a busy one, are \
             not comparable.",
        );
    } else {
        section.text("None of them recorded both.");
    }
}

fn about(section: &mut Section, found: &Comparison) {
    let mut table = Table::new([
        Column::text("run"),
        Column::text("id"),
        Column::text("kind"),
        Column::text("status"),
        Column::text("data"),
        Column::text("test rows, content hash"),
    ]);
    for run in &found.runs {
        let test = run.test_hash.as_deref().unwrap_or("–");
        table.row([
            Cell::text(&run.name),
            Cell::text(&run.id),
            Cell::text(&run.kind),
            Cell::text(&run.status),
            Cell::text(run.data.join(", ")),
            Cell::text(test.get(..12).unwrap_or(test)),
        ]);
    }
    section.table(table);
}
