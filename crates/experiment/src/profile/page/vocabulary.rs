//! How many words there are, and how many of them a model should know.

use sentimeter_report::page::{Card, Cell, Column, Section, Table};
use sentimeter_report::plot::{Dot, Dots, Line, Lines, Scale};
use sentimeter_report::{Colour, Number};

use super::{count, drawn, percent};
use crate::profile::{Choice, Measured, Profile};

pub(super) fn section(section: &mut Section, profile: &Profile) {
    let vocabulary = &profile.vocabulary;
    let covering = |share: f64| {
        let point = vocabulary.covering.iter().find(|point| point.share >= share);
        point.map_or("–".to_owned(), |point| count(point.words))
    };
    section.cards([
        Card::new("words in all", Number::Compact.show(vocabulary.tokens as f64)),
        Card::new("different words", Number::Compact.show(vocabulary.words as f64)),
        Card::new("occur once", percent(vocabulary.once_share)).hint("of the different words"),
        Card::new("cover 90 %", covering(0.9)).hint("most frequent words, of all tokens"),
        Card::new("cover 99 %", covering(0.99)).hint("most frequent words, of all tokens"),
    ]);
    let grown = vocabulary.growth.iter().map(|at| (at.tokens as f64, at.words as f64));
    let mut growth =
        Lines::heaps("Growth of the vocabulary").line(Line::new("different words", grown).marked());
    let mut law = String::new();
    if let Some(heaps) = vocabulary.heaps {
        let fitted = vocabulary.growth.iter().filter(|at| at.tokens >= 100).map(|at| {
            let tokens = at.tokens as f64;
            (tokens, heaps.k * tokens.powf(heaps.beta))
        });
        let line = Line::new("Heaps' law", fitted).dashed().colour(Colour::Cycle(2));
        growth = growth.line(line);
        law = format!(
            " Heaps' law fitted: {:.2} · tokens^{:.3}; ten times the text brings {:.1} times the words.",
            heaps.k,
            heaps.beta,
            10_f64.powf(heaps.beta)
        );
    }
    section.figure(
        growth.draw("growth"),
        format!(
            "Different words after so many words read, texts in a seeded random order; both axes are logarithmic. A line \
             that does not flatten means that new texts keep bringing words that no model has seen.{law}"
        ),
    );
    let covered = vocabulary.coverage.iter().map(|at| (at.words as f64, at.share));
    section.figure(
        Lines::new("How many words cover how much", "most frequent words", "share of all tokens")
            .x(Scale::Log, Number::Compact)
            .y(Scale::Between(0.0, 1.0), Number::Percent(0))
            .line(Line::new("covered", covered).marked())
            .draw("coverage"),
        format!(
            "What share of all words a vocabulary of the most frequent ones covers: {} words make half of the data, {} \
             make 90 %.",
            covering(0.5),
            covering(0.9)
        ),
    );
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
    sizes(section, choice);
    recipes(section, choice);
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

fn sizes(section: &mut Section, choice: &Choice) {
    let points: Vec<(f64, &Measured)> =
        choice.sizes.iter().filter_map(|m| Some((m.name.parse().ok()?, m))).collect();
    let Some(best) = best(&choice.sizes) else { return };
    let line = Line::new("accuracy", points.iter().map(|(size, m)| (*size, m.accuracy)))
        .band(points.iter().map(|(size, m)| (*size, m.accuracy - m.margin, m.accuracy + m.margin)))
        .marked();
    let enough = choice.sizes.iter().find(|m| m.accuracy >= best.accuracy - best.margin).unwrap_or(best);
    section.figure(
        Lines::new("Accuracy by size of the vocabulary", "words and pairs of words at most", "accuracy")
            .x(Scale::Log, Number::Compact)
            .y(Scale::Linear, Number::Percent(1))
            .line(line)
            .draw("choice-sizes"),
        format!(
            "The most frequent words and pairs of words are kept. Best: {} features with {}; the fewest that are as good \
             within the interval: {}.",
            shown(best),
            percent(best.accuracy),
            shown(enough)
        ),
    );
}

fn recipes(section: &mut Section, choice: &Choice) {
    let Some(best) = best(&choice.recipes) else { return };
    let dots = choice
        .recipes
        .iter()
        .map(|m| Dot::new(m.name.clone(), m.accuracy).interval(m.accuracy - m.margin, m.accuracy + m.margin));
    let clean = choice.recipes.iter().find(|m| m.name == "clean");
    let mut plot = Dots::new("Accuracy by recipe", "accuracy").dots(dots).number(Number::Percent(1));
    if let Some(clean) = clean {
        plot = plot.reference(clean.accuracy, "clean");
    }
    section.figure(
        plot.draw("choice-recipes"),
        format!(
            "What is done to the text before words are counted, 50 000 features at most. Best: {} with {}.",
            best.name,
            percent(best.accuracy)
        ),
    );
}

fn best(all: &[Measured]) -> Option<&Measured> {
    all.iter().max_by(|a, b| a.accuracy.total_cmp(&b.accuracy))
}

fn shown(measured: &Measured) -> String {
    measured.name.parse().map_or_else(|_| measured.name.clone(), count)
}
