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
        "Read these first: many are labels that a person would change, the others show what the model does not \
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
    let mut table = Table::new([
        Column::text("label"),
        Column::text("answer"),
        Column::text("against"),
        Column::number("confidence"),
        Column::text("text"),
    ]);
    for text in &found.unsure {
        table.row([
            Cell::text(&text.truth),
            Cell::text(&text.answer),
            Cell::text(&text.against),
            Cell::number(text.confidence, Number::Percent(1)),
            Cell::highlighted(tokens(text)),
        ]);
    }
    section.table(table);
}

/// Tinted by weight; the strongest word of each text fully.
fn tokens(text: &Text) -> impl Iterator<Item = Token> {
    let most = text.pieces.iter().map(|piece| piece.weight.abs()).fold(0.0, f64::max);
    text.pieces.iter().map(move |piece| Token::new(piece.text.clone(), piece.weight / most))
}
