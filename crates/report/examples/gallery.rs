//! Every figure there is, with awkward data, for eyes to judge: `cargo run --release -p sentimeter-report --example
//! gallery [FOLDER]` (default `/tmp/gallery`).

use std::path::PathBuf;

use sentimeter_report::cloud::Cloud;
use sentimeter_report::page::{Card, Cell, Column, Note, Severity, Table, Token};
use sentimeter_report::plot::{
    Bars, Bin, Confusion, Dot, Dots, Histogram, Line, Lines, Reliability, Scale, Timeline, Words,
};
use sentimeter_report::{Colour, Number, Page, Series};

fn main() -> Result<(), sentimeter_report::ReportError> {
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("/tmp/gallery"), PathBuf::from);
    println!("{}", page().write(&folder)?.display());
    Ok(())
}

/// The gallery as a page; the crate's own tests walk through it.
pub fn page() -> Page {
    let mut page = Page::new("Gallery of figures");
    page.subtitle("Made-up numbers, long names, three languages").footer("Drawn by the gallery example.");
    overview(&mut page);
    bars(&mut page);
    curves(&mut page);
    spread(&mut page);
    judged(&mut page);
    words(&mut page);
    page
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
                        .colour(Colour::Cycle(0))
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

fn curves(page: &mut Page) {
    let curve = |power: f64| (0..=4_000).map(move |at| f64::from(at) / 4e3).map(move |x| (x, x.powf(power)));
    page.section("Curves")
        .figure(
            Lines::roc("ROC curve")
                .subtitle("area under the curve (AUC) 0.878")
                .line(Line::new("negative (AUC 0.88)", curve(0.2)).colour(Colour::Negative))
                .line(Line::new("positive (AUC 0.80)", curve(0.35)))
                .draw("roc"),
            "Two classes.",
        )
        .figure(
            Lines::precision_recall("Precision and recall")
                .line(Line::new(
                    "positive",
                    (0..=100).map(|at| f64::from(at) / 100.0).map(|r| (r, 1.0 - 0.5 * r * r)),
                ))
                .draw("precision-recall"),
            "One class, so no legend.",
        )
        .figure(
            Lines::heaps("Vocabulary growth")
                .line(Line::new(
                    "measured",
                    (0..40).map(|at| 1.5f64.powi(at)).map(|n| (n, 8.0 * n.powf(0.6))),
                ))
                .line(
                    Line::new("Heaps: 8.1 n^0.61", [(1.0, 8.1), (7e6, 8.1 * 7e6f64.powf(0.61))])
                        .colour(Colour::Neutral)
                        .dashed(),
                )
                .draw("heaps"),
            "Logarithmic axes.",
        )
        .figure(
            Lines::new("Accuracy by vocabulary size", "features", "accuracy")
                .x(Scale::Log, Number::Compact)
                .y(Scale::Linear, Number::Decimal(3))
                .line(
                    Line::new("clean", [(1e3, 0.71), (1e4, 0.76), (5e4, 0.782), (2e5, 0.789), (5e5, 0.79)])
                        .band([
                            (1e3, 0.70, 0.72),
                            (1e4, 0.75, 0.77),
                            (5e4, 0.775, 0.79),
                            (2e5, 0.78, 0.80),
                            (5e5, 0.78, 0.80),
                        ])
                        .marked(),
                )
                .line(
                    Line::new(
                        "lemmas",
                        [(1e3, 0.72), (1e4, 0.755), (5e4, f64::NAN), (2e5, 0.775), (5e5, 0.777)],
                    )
                    .colour(Colour::Cycle(0))
                    .marked(),
                )
                .mark(5e5, "the default plan's choice")
                .draw("vocabulary-sizes"),
            "Bands, a gap, a mark at the rim.",
        )
        .figure(
            Lines::new("Coverage and accuracy when abstaining", "share of texts answered", "accuracy")
                .x(Scale::Between(0.0, 1.0), Number::Percent(0))
                .y(Scale::Linear, Number::Percent(0))
                .line(Line::new(
                    "accuracy",
                    (1..=50).map(|at| f64::from(at) / 50.0).map(|c| (c, 0.98 - 0.19 * c * c)),
                ))
                .draw("coverage"),
            "One curve in percent.",
        )
        .figure(
            Lines::new("One point", "x", "y").line(Line::new("alone", [(3.0, 3.0)])).draw("lines-one"),
            "One point.",
        )
        .figure(Lines::roc("ROC without data").draw("roc-empty"), "The chance line alone.")
        .figure(Lines::heaps("Nothing").line(Line::new("x", [(0.0, 1.0)])).draw("heaps-empty"), "No data.");
}

fn spread(page: &mut Page) {
    let bell = |middle: f64, wide: f64, high: f64| {
        (0..40)
            .map(move |at| high * (-((f64::from(at) * 5.0 - middle) / wide).powi(2)).exp())
            .collect::<Vec<_>>()
    };
    let day = 86_400;
    let start = 1_238_976_000;
    let days: Vec<i64> =
        (0..80).filter(|d| !(20..35).contains(d) && *d != 50).map(|d| start + d * day).collect();
    let wave = |phase: f64, gone: usize| {
        (0..days.len())
            .map(move |d| if d > gone { 0.0 } else { 9_000.0 + 7_000.0 * (d as f64 / 5.0 + phase).sin() })
            .collect::<Vec<_>>()
    };
    page.section("Distributions")
        .figure(
            Histogram::new(
                "Length of texts",
                "characters",
                "share of the class's rows per bin",
                (0..=40).map(|at| f64::from(at) * 5.0),
            )
            .numbers(Number::Count, Number::Percent(1))
            .all(Series::of_labels(
                &["negative", "neutral", "positive"],
                [bell(70.0, 40.0, 0.06), bell(140.0, 12.0, 0.12), bell(60.0, 30.0, 0.08)],
            ))
            .draw("lengths"),
            "Three classes overlaid.",
        )
        .figure(
            Histogram::new(
                "Scores",
                "probability of positive",
                "rows",
                (0..=40).map(|at| f64::from(at) / 40.0),
            )
            .series(Series::new("all", bell(100.0, 60.0, 160_000.0)))
            .draw("scores"),
            "One series.",
        )
        .figure(
            Timeline::new("Rows per day", "rows", days.clone(), day)
                .subtitle("6 April to 25 June 2009")
                .all(Series::of_labels(&["negative", "positive"], [wave(0.0, 99), wave(2.0, 40)]))
                .draw("timeline"),
            "Gaps in April and May.",
        )
        .figure(
            Timeline::new("Rows per hour, one hour alone", "rows", [start], 3_600)
                .all([Series::new("rows", [12.0])])
                .draw("timeline-one"),
            "One bar.",
        )
        .figure(Timeline::new("No times", "rows", [], 60).draw("timeline-empty"), "No data.")
        .figure(Histogram::new("No lengths", "x", "y", []).draw("histogram-empty"), "No data.");
}

fn judged(page: &mut Page) {
    let feelings = ["joie et émerveillement", "tristesse", "colère", "peur", "surprise", "dégoût", "الثقة"];
    let counts = (0..7)
        .map(|a: u64| (0..7).map(|b| if a == b { 90_000 / (a + 1) } else { (a * 7 + b) * 13 }).collect());
    let bins = (0..10).map(|at| {
        let p = (f64::from(at) + 0.5) / 10.0;
        let observed = p + 0.08 * (p * 6.0).sin();
        Bin {
            predicted: p,
            observed,
            count: if at == 4 { 0 } else { 20_000 + 9_000 * at as u64 },
            interval: Some((observed - 0.03, observed + 0.03)),
        }
    });
    page.section("Judged")
        .figure(
            Confusion::new(
                "Confusion matrix",
                ["negative", "positive"],
                vec![vec![63_312, 16_688], vec![15_104, 64_896]],
            )
            .subtitle("held-out test part")
            .draw("confusion-two"),
            "Two classes.",
        )
        .figure(
            Confusion::new("Confusion matrix, seven classes", feelings, counts.collect())
                .draw("confusion-seven"),
            "Seven classes, long names.",
        )
        .figure(
            Confusion::new(
                "Twenty-eight classes",
                (0..28).map(|at| format!("émotion {at}")),
                (0..28).map(|a| (0..28).map(|b| if a == b { 900 } else { (a * b) % 40 }).collect()).collect(),
            )
            .draw("confusion-many"),
            "Twenty-eight classes.",
        )
        .figure(Confusion::new("One class", ["positive"], vec![vec![12]]).draw("confusion-one"), "One class.")
        .figure(
            Confusion::new(
                "Three",
                ["negative", "neutral", "positive"],
                vec![vec![1_600_000, 3, 0], vec![0, 0, 0], vec![7, 8, 9]],
            )
            .draw("confusion-three"),
            "A class without rows.",
        )
        .figure(Confusion::new("None", [""; 0], vec![]).draw("confusion-empty"), "No data.")
        .figure(Reliability::new("Reliability", bins).ece(0.0312).draw("reliability"), "Ten bins, one empty.")
        .figure(
            Dots::new("Accuracy by language, channel and length", "accuracy with 95 % interval")
                .reference(0.79, "all rows (0.790)")
                .dots([
                    Dot::new("English", 0.795)
                        .interval(0.792, 0.798)
                        .note("1 520 000 rows")
                        .group("language"),
                    Dot::new("français", 0.74).interval(0.70, 0.78).note("812 rows").group("language"),
                    Dot::new("العربية", 0.51)
                        .interval(0.36, 0.66)
                        .note("43 rows")
                        .group("language")
                        .weak(true),
                    Dot::new("Service après-vente et réclamations (ancien formulaire)", 0.81)
                        .interval(0.77, 0.84)
                        .group("channel")
                        .note("1 204 rows"),
                    Dot::new("1–5 words", 0.72)
                        .interval(0.715, 0.725)
                        .group("length")
                        .note("200 000 rows")
                        .weak(true),
                    Dot::new("no rows", f64::NAN).group("length").note("0 rows"),
                ])
                .draw("cells"),
            "Weak cells are rings.",
        )
        .figure(Dots::new("No cells", "accuracy").draw("cells-empty"), "No data.");
}

fn words(page: &mut Page) {
    let english = [
        "love", "good", "thanks", "day", "work", "today", "really", "sleep", "night", "want", "miss", "sad",
        "great", "phone",
    ];
    let arabic = [
        "جميل",
        "خدمة",
        "ممتاز",
        "سيء",
        "العملاء",
        "السعر",
        "التوصيل",
        "رائع",
        "شكرا",
        "المنتج",
        "جدا",
        "الفندق",
    ];
    let french = [
        "livraison",
        "service",
        "qualité",
        "déçu",
        "très",
        "réclamation",
        "après-vente",
        "parfait",
        "délai",
        "remboursement",
    ];
    let zipf = |stems: &[&str], count: usize| {
        let stems: Vec<String> = stems.iter().map(|s| (*s).to_owned()).collect();
        (0..count)
            .map(move |at| {
                let (a, b) = (&stems[at % stems.len()], &stems[at * 7 / 3 % stems.len()]);
                let word = if at < stems.len() {
                    a.clone()
                } else {
                    format!("{a}{}", &b.chars().take(1 + at % 4).collect::<String>())
                };
                (word, 60_000.0 / (at + 2) as f64)
            })
            .collect::<Vec<_>>()
    };
    let scores = [
        ("thanks", 61.2),
        ("love", 58.0),
        ("good", 40.3),
        ("great", 33.0),
        ("merci beaucoup", 21.0),
        ("شكرا", 12.5),
        ("rain", -8.0),
        ("خدمة العملاء سيئة", -14.2),
        ("not", -31.0),
        ("miss", -44.4),
        ("sad", -67.7),
    ];
    page.section("Words")
        .figure(
            Words::new(
                "Words that tell the classes apart",
                "log-odds ratio, z-score",
                "negative",
                "positive",
            )
            .words(scores)
            .draw("log-odds"),
            "Both sides.",
        )
        .figure(
            Words::new("One side alone", "z-score", "rest", "joy")
                .words([("heureux", 3.0), ("très heureux de cette livraison rapide et soignée", 1.0)])
                .draw("log-odds-one"),
            "One side.",
        )
        .figure(Words::new("No words", "z", "a", "b").draw("log-odds-empty"), "No data.")
        .figure(
            Cloud::new("English", zipf(&english, 1_000)).colour(Colour::Positive).draw("cloud-en"),
            "1000 words.",
        )
        .figure(
            Cloud::new("العربية", zipf(&arabic, 1_000)).colour(Colour::Negative).seed(3).draw("cloud-ar"),
            "1000 Arabic words.",
        )
        .figure(
            Cloud::new("français", zipf(&french, 120)).colour(Colour::Neutral).draw("cloud-fr"),
            "120 words.",
        )
        .figure(Cloud::new("leer", [("", 1.0)]).draw("cloud-empty"), "No words.");
}
