//! How many words there are, and how many of them a model should know.

use sentimeter_report::page::{Card, Cell, Column, Section, Table};
use sentimeter_report::plot::Bars;
use sentimeter_report::{Number, Series};

use super::{count, drawn, percent};
use crate::profile::{Choice, Measured, Profile};

pub(super) fn section(section: &mut Section, profile: &Profile) {
    let vocabulary = &profile.vocabulary;
    let covering = |share: f64| {
        let point = vocabulary.coverage.iter().find(|point| point.share >= share);
        point.map_or("–".to_owned(), |point| Number::Compact.show(point.words as f64))
    };
    section.cards([
        Card::new("words in all", Number::Compact.show(vocabulary.tokens as f64)),
        Card::new("different words", Number::Compact.show(vocabulary.words as f64)),
        Card::new("occur once", percent(vocabulary.once_share)).hint("of the different words"),
        Card::new("cover 90 %", covering(0.9)).hint("most frequent words, of all tokens"),
        Card::new("cover 99 %", covering(0.99)).hint("most frequent words, of all tokens"),
    ]);
}

/// Accuracy by size of the vocabulary and by recipe.
pub(super) fn choice(section: &mut Section, choice: &Choice) {
    section.text(format!(
        "Accuracy of a quick model in {}-fold cross-validation on {} rows; always answering the most frequent class \
         would reach {}. Lines are 95 % intervals: what overlaps is not told apart.{}",
        choice.folds,
        count(choice.rows),
        percent(choice.baseline),
        drawn(choice.sample)
    ));
    measured(
        section,
        ("Accuracy by size of the vocabulary", "choice-sizes"),
        &choice.sizes,
        "features at most",
    );
    measured(section, ("Accuracy by recipe", "choice-recipes"), &choice.recipes, "what is done to the text");
    let mut table =
        Table::new([Column::text("recipe"), Column::text("what it does"), Column::number("accuracy")]);
    for recipe in &choice.recipes {
        table.row([
            Cell::from(recipe.name.as_str()),
            Cell::from(recipe.what.as_str()),
            Cell::number(recipe.accuracy, Number::Percent(1)),
        ]);
    }
    section.table(table);
}

fn measured(section: &mut Section, (title, name): (&str, &str), all: &[Measured], axis: &str) {
    let best = all.iter().max_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
    let Some(best) = best else { return };
    let shown = |m: &Measured| m.name.parse::<u64>().map_or_else(|_| m.name.clone(), count);
    // The first that is within the best one's interval is the cheapest that is as good.
    let enough = all.iter().find(|m| m.accuracy >= best.accuracy - best.margin);
    let series = Series::new("accuracy", all.iter().map(|m| m.accuracy))
        .intervals(all.iter().map(|m| (m.accuracy - m.margin, m.accuracy + m.margin)));
    section.figure(
        Bars::new(title, "accuracy")
            .subtitle(axis)
            .categories(all.iter().map(shown))
            .series(series)
            .number(Number::Percent(1))
            .draw(name),
        format!(
            "Best: {} with {}.{}",
            shown(best),
            percent(best.accuracy),
            enough
                .map_or(String::new(), |m| format!(" The first as good within the interval: {}.", shown(m)))
        ),
    );
}
