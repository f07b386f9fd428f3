//! Texts to read, their words tinted by what they said.

use sentimeter_report::Number;
use sentimeter_report::page::{Cell, Column, Section, Table, Token};

use super::super::{Examination, Text};

/// The mistakes.
pub(super) fn mistakes(section: &mut Section, found: &Examination) {
    if found.mistakes.is_empty() {
        section.text("Every row is answered right.");
        return;
    }
    section.text(
        "The surest first. Many are labels that a person would change, the others show what the model does not \
         know. Words underlined and blue spoke for the wrong answer, dotted and orange for the right one; the \
         deeper the tint, the more.",
    );
    let mut table = Table::new([
        Column::text("label"),
        Column::text("answer"),
        Column::number("confidence"),
        Column::text("text"),
    ]);
    for text in &found.mistakes {
        table.row([
            Cell::text(&text.truth),
            Cell::text(&text.answer),
            Cell::number(text.confidence, Number::Percent(1)),
            Cell::highlighted(tokens(text)),
        ]);
    }
    section.table(table);
}

/// The close decisions.
pub(super) fn unsure(section: &mut Section, found: &Examination) {
    section.text(
        "The two likeliest classes are nearly as likely. Words underlined and blue spoke for the answer, dotted and \
         orange for the other class.",
    );
    // Of two classes the other one goes without saying.
    let several = found.metrics.labels.len() > 2;
    let mut columns = vec![Column::text("label"), Column::text("answer")];
    columns.extend(several.then(|| Column::text("against")));
    columns.extend([Column::number("confidence"), Column::text("text")]);
    let mut table = Table::new(columns);
    for text in &found.unsure {
        let mut cells = vec![Cell::text(&text.truth), Cell::text(&text.answer)];
        cells.extend(several.then(|| Cell::text(&text.against)));
        cells.extend([Cell::number(text.confidence, Number::Percent(1)), Cell::highlighted(tokens(text))]);
        table.row(cells);
    }
    section.table(table);
}

/// How deep the strongest word of a text is tinted: letters must stand out on it.
const DEEPEST: f64 = 0.8;

/// Tinted by weight, each text by its own strongest word.
fn tokens(text: &Text) -> impl Iterator<Item = Token> {
    let most = text.pieces.iter().map(|piece| piece.weight.abs()).fold(0.0, f64::max);
    text.pieces.iter().map(move |piece| Token::new(piece.text.clone(), DEEPEST * piece.weight / most))
}
