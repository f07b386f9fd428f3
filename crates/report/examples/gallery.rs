//! Every figure there is, with awkward data, for eyes to judge: `cargo run --release -p sentimeter-report --example
//! gallery [FOLDER]` (default `/tmp/gallery`).

use std::path::PathBuf;

use sentimeter_report::page::{Card, Cell, Column, Note, Severity, Table, Token};
use sentimeter_report::plot::Bars;
use sentimeter_report::{Number, Page, Series};

fn main() -> Result<(), sentimeter_report::ReportError> {
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("/tmp/gallery"), PathBuf::from);
    let mut page = Page::new("Gallery of figures");
    page.subtitle("Made-up numbers, long names, three languages").footer("Drawn by the gallery example.");
    overview(&mut page);
    bars(&mut page);
    println!("{}", page.write(&folder)?.display());
    Ok(())
}

fn overview(page: &mut Page) {
    let mut table =
        Table::new([Column::text("language"), Column::number("rows"), Column::number("accuracy")])
            .caption("Rows per language");
    for (name, rows, accuracy) in
        [("English", 1_600_000, 0.795), ("français", 812, 0.74), ("العربية", 12, 0.51)]
    {
        let mut accuracy_cell = Cell::number(accuracy, Number::Decimal(3));
        if accuracy < 0.6 {
            accuracy_cell = accuracy_cell.severity(Severity::Warning);
        }
        table.row([Cell::text(name), Cell::count(rows).bar(rows as f64 / 1.6e6), accuracy_cell]);
    }
    let weighed = |words: &[(&str, f64)]| words.iter().map(|(w, v)| Token::new(*w, *v)).collect::<Vec<_>>();
    page.section("Overview")
        .cards([
            Card::new("Rows", Number::Count.show(1_600_000.0)).hint("18 534 repeated texts"),
            Card::new("Classes", "2").hint("balanced"),
            Card::new("Accuracy", "79.5 %").hint("± 0.1 %").severity(Severity::Good),
            Card::new("Conflicts", "2 412").severity(Severity::Warning),
        ])
        .note(
            Note::new(Severity::Trouble, "The date alone predicts the class (AUC 1.00)")
                .text("Every positive row is older than every negative one. Split by time, or collect anew.")
                .items(["negative: 3 Jun 2009 – 25 Jun 2009", "positive: 6 Apr 2009 – 2 Jun 2009"]),
        )
        .note(Note::new(Severity::Warning, "12 texts stand under two labels <b>&</b>"))
        .note(Note::new(Severity::Good, "No broken encoding"))
        .table(table)
        .highlighted(weighed(&[
            ("I ", 0.0),
            ("love", 0.9),
            (" the idea, but ", 0.0),
            ("never", -0.7),
            (" again", -0.2),
        ]))
        .highlighted(weighed(&[("الخدمة ", 0.0), ("ممتازة", 0.8), (" لكن السعر ", 0.0), ("مرتفع", -0.6)]))
        .details("How this was counted", |inside| {
            inside.text("Exactly.").list(["one", "two"]);
        });
}

fn bars(page: &mut Page) {
    let section = page.section("Bars");
    section
        .figure(
            Bars::new("Rows per class", "rows")
                .subtitle("Sentiment140, after exact duplicates were dropped")
                .categories(["negative", "neutral", "positive"])
                .series(Series::new("rows", [800_000.0, 139.0, 799_861.0]))
                .coloured()
                .draw("bars-classes"),
            "Three classes, one nearly empty.",
        )
        .figure(
            Bars::new("Accuracy per step of cleaning", "accuracy")
                .categories(["raw", "clean", "lemmas", "stems", "stop words out"])
                .number(Number::Decimal(3))
                .series(Series::new("train", [0.82, 0.81, 0.806, 0.80, 0.77]).intervals([(0.81, 0.83); 5]))
                .series(
                    Series::new("test", [0.78, 0.79, 0.785, 0.781, 0.75])
                        .colour(sentimeter_report::Colour::Cycle(0))
                        .intervals([(0.77, 0.80); 5]),
                )
                .draw("bars-grouped"),
            "Two series with intervals.",
        )
        .figure(
            Bars::new("Lignes par canal et par classe, y compris les canaux presque vides", "rows")
                .categories([
                    "Service après-vente et réclamations (formulaire du site internet, ancienne version)",
                    "Réseaux sociaux",
                    "استطلاع رضا العملاء بعد الشراء",
                    "e-mail",
                    "😂 emoji channel",
                ])
                .all(Series::of_labels(
                    &["negative", "neutral", "positive"],
                    [
                        vec![812.0, 300.0, 120.0, 0.0, 7.0],
                        vec![90.0, 12.0, 40.0, f64::NAN, 3.0],
                        vec![1204.0, 640.0, 80.0, 1.0, 2.0],
                    ],
                ))
                .stacked()
                .draw("bars-stacked"),
            "Long names, Arabic, an emoji.",
        )
        .figure(
            Bars::new("One class alone", "rows")
                .categories(["positive"])
                .series(Series::new("rows", [5.0]))
                .draw("bars-one"),
            "A single bar.",
        )
        .figure(
            Bars::new("Change of share since May", "share of rows")
                .categories(["anger", "joy", "sadness", "surprise", "fear", "disgust", "trust"])
                .number(Number::Percent(1))
                .series(Series::new("change", [-0.12, 0.05, 0.031, 0.0, -0.004, 0.2, 0.07]))
                .coloured()
                .draw("bars-negative"),
            "Seven classes, below and above nothing.",
        )
        .figure(Bars::new("Nothing at all", "rows").draw("bars-empty"), "No data.");
}
