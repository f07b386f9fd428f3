//! Words: clouds, what tells classes apart, and what is no word.

use sentimeter_report::cloud::Cloud;
use sentimeter_report::fonts::drawable;
use sentimeter_report::page::{Cell, Column, Section, Table};
use sentimeter_report::plot::{Bars, Words};
use sentimeter_report::{Colour, Number, Series};

use super::{by_class, count, percent, short, transposed};
use crate::profile::{Distinct, Profile, Symbol};

/// Words that a cloud shows at most, and all clouds together: a page stays under 3 MB.
const CLOUD: usize = 1000;
const CLOUDS: usize = 6000;

/// Terms that a plot beside a cloud shows.
const BESIDE: usize = 12;

/// Units that a plot beside a cloud is wide.
const NARROW: f64 = 560.0;

/// Terms that a plot shows; the table holds more.
const SHOWN: usize = 20;

pub(super) fn section(section: &mut Section, profile: &Profile) {
    if profile.words.len() > 1 {
        section.text(
        "The clouds show what is said most, stop words left out; the bars what is said here rather than in the other \
         classes: log-odds with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008), in \
         standard deviations. All words count there, as “not” and “you” tell more than they seem to.",
    );
    }
    let colours = Colour::of_labels(&profile.classes);
    for (at, class) in profile.words.iter().enumerate() {
        let colour = colours.get(at).copied();
        let name = short(&class.class);
        let (words, pairs) = (format!("Words of {name}"), format!("Pairs of words of {name}"));
        if class.words.is_empty() && class.bigrams.is_empty() {
            section.heading(name);
            cloud(section, profile, at, colour);
            continue;
        }
        section.beside(
            |left| {
                left.heading(name);
                cloud(left, profile, at, colour);
                table(left, &format!("{words}: all {}", class.words.len()), &class.words);
                table(left, &format!("{pairs}: all {}", class.bigrams.len()), &class.bigrams);
            },
            |right| {
                telling(right, &words, &format!("words-{at}"), &class.words, colour);
                telling(right, &pairs, &format!("pairs-{at}"), &class.bigrams, colour);
            },
        );
    }
}

/// The words of class `at`, sized by how often they occur.
fn cloud(section: &mut Section, profile: &Profile, at: usize, colour: Option<Colour>) {
    let class = &profile.words[at];
    let Some(first) = class.cloud.first() else { return };
    let most = (CLOUDS / profile.words.len().max(1)).min(CLOUD);
    // What the fonts lack would stand there as its number.
    let drawn = class.cloud.iter().filter(|word| drawable(&word.word) == word.word);
    let words = drawn.take(most).map(|word| (word.word.clone(), word.count as f64));
    let title = if profile.words.len() == 1 {
        "What the texts say most".to_owned()
    } else {
        format!("What {} texts say most", short(&class.class))
    };
    let mut cloud = Cloud::new(title.clone(), words).seed(profile.seed);
    if let Some(colour) = colour {
        cloud = cloud.colour(colour);
    }
    section.figure(
        cloud.draw(&format!("cloud-{at}")),
        format!(
            "{title}: the {} most frequent words without stop words, sized by how often they occur. “{}” stands first with \
             {} of {} words.",
            class.cloud.len().min(most),
            short(&first.word),
            count(first.count),
            count(class.tokens)
        ),
    );
}

/// The surest terms of two classes, one to each side, and all of them in folded tables.
pub(super) fn both(
    section: &mut Section,
    (title, name): (&str, &str),
    classes: [&str; 2],
    terms: [&[Distinct]; 2],
) {
    let classes = classes.map(short);
    let [low, high] = terms;
    if low.is_empty() && high.is_empty() {
        return;
    }
    let sides = low
        .iter()
        .take(SHOWN)
        .map(|term| (term, -1.0))
        .chain(high.iter().take(SHOWN).map(|term| (term, 1.0)));
    section.figure(
        Words::new(title, "standard deviations (z)", classes[0].as_str(), classes[1].as_str())
            .words(sides.map(|(term, sign)| (term.term.clone(), sign * term.z)))
            .draw(name),
        format!(
            "To the left what stands in {} rather than in {}, to the right the other way round; the longer the bar, the \
             surer.",
            classes[0], classes[1]
        ),
    );
    for (class, terms) in classes.iter().zip(terms) {
        table(section, &format!("{title}: all {} of {class}", terms.len()), terms);
    }
}

/// The surest terms as bars.
fn telling(section: &mut Section, title: &str, name: &str, terms: &[Distinct], colour: Option<Colour>) {
    if terms.is_empty() {
        return;
    }
    let shown = &terms[..terms.len().min(BESIDE)];
    let mut series = Series::new("z", shown.iter().map(|term| term.z));
    if let Some(colour) = colour {
        series = series.colour(colour);
    }
    section.figure(
        Bars::new(title, "standard deviations from the rest (z)")
            .categories(shown.iter().map(|term| term.term.clone()))
            .series(series)
            .number(Number::Decimal(1))
            .horizontal()
            .wide(NARROW)
            .draw(name),
        format!(
            "The longer the bar, the surer the term stands here rather than elsewhere. First: “{}”, {} times here and \
             {} elsewhere.",
            short(&shown[0].term),
            count(shown[0].here),
            count(shown[0].there)
        ),
    );
}

fn table(section: &mut Section, summary: &str, terms: &[Distinct]) {
    if terms.is_empty() {
        return;
    }
    let mut table = Table::new([
        Column::text("term"),
        Column::number("here"),
        Column::number("elsewhere"),
        Column::number("log-odds").hint("nats; 0.69 is twice the odds"),
        Column::number("z"),
    ]);
    for term in terms {
        table.row([
            Cell::from(term.term.as_str()),
            Cell::count(term.here),
            Cell::count(term.there),
            Cell::number(term.log_odds, Number::Decimal(2)),
            Cell::number(term.z, Number::Decimal(1)),
        ]);
    }
    section.details(summary, |inside| {
        inside.table(table);
    });
}

/// Links, mentions, hashtags and emoji.
pub(super) fn marks(section: &mut Section, profile: &Profile) {
    let mut columns =
        vec![Column::text("what"), Column::number("occurrences"), Column::number("rows with one")];
    columns.extend(profile.classes.iter().map(|class| {
        Column::number(format!("of {}", short(class)))
            .hint("share of the rows of this class with at least one")
    }));
    let mut table = Table::new(columns).caption("Beside words");
    for mark in &profile.marks {
        let rows: u64 = mark.rows.iter().sum();
        let mut cells = vec![Cell::from(mark.what), Cell::count(mark.count.iter().sum()), Cell::count(rows)];
        cells.extend(mark.rows.iter().zip(&profile.class_rows).map(|(&rows, &of)| {
            let share = rows as f64 / of.max(1) as f64;
            Cell::number(share, Number::Percent(2)).bar(share)
        }));
        table.row(cells);
    }
    section.table(table);
    section.text("Who is mentioned is counted, not kept.");
    symbols(
        section,
        profile,
        ("Emoji and emoticons by class", "emoji", &profile.emoji),
        "The most frequent emoji and emoticons. Where one stands in one class alone, labels may have been made from it.",
    );
    symbols(
        section,
        profile,
        ("Hashtags by class", "hashtags", &profile.hashtags),
        "The most frequent hashtags, in lower case.",
    );
}

fn symbols(section: &mut Section, profile: &Profile, what: (&str, &str, &[Symbol]), caption: &str) {
    let (title, name, symbols) = what;
    let shown: Vec<&Symbol> = symbols.iter().take(SHOWN).collect();
    let Some(first) = shown.first() else { return };
    let counts = transposed(profile.classes.len(), shown.iter().map(|symbol| &symbol.count[..]));
    let all: u64 = symbols.iter().flat_map(|symbol| &symbol.count).sum();
    let share = first.count.iter().sum::<u64>() as f64 / all.max(1) as f64;
    section.figure(
        Bars::new(title, "occurrences")
            .categories(shown.iter().map(|symbol| symbol.symbol.clone()))
            .all(by_class(profile, counts))
            .stacked()
            .horizontal()
            .draw(name),
        format!("{caption} The first makes up {} of those listed.", percent(share)),
    );
}
