use askama::Template;

use crate::canvas::coordinate;
use crate::figure::Figure;
use crate::number::Number;

/// A piece of a section.
#[derive(Debug, Clone)]
pub enum Block {
    /// A heading of the second rank.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// A bullet list.
    List(Vec<String>),
    /// A file beside the page, and what it is.
    File(String, String),
    /// Numbers side by side.
    Cards(Vec<Card>),
    /// Something to know, to heed or to mend.
    Note(Note),
    /// A table.
    Table(Table),
    /// A picture and its caption.
    Figure(Box<Figure>, String),
    /// A text whose tokens are tinted by what they contribute.
    Highlighted(Vec<Token>),
    /// A summary and what it unfolds.
    Details(String, Vec<Block>),
    /// Two columns, the wider first.
    Beside(Vec<Block>, Vec<Block>),
}

impl Block {
    pub(super) fn html(&self) -> String {
        BlockView { block: self }.render().expect("writing into a String does not fail")
    }

    pub(super) fn figures<'a>(&'a self, found: &mut Vec<&'a Figure>) {
        match self {
            Self::Figure(figure, _) => found.push(figure),
            Self::Details(_, blocks) => blocks.iter().for_each(|block| block.figures(found)),
            Self::Beside(first, second) => {
                first.iter().chain(second).for_each(|block| block.figures(found));
            }
            _ => {}
        }
    }
}

#[derive(Template)]
#[template(path = "block.html")]
struct BlockView<'a> {
    block: &'a Block,
}

/// A number with its name.
#[derive(Debug, Clone)]
pub struct Card {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) hint: String,
    pub(crate) severity: Option<Severity>,
}

impl Card {
    /// The value as it is to be read, unit included.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), hint: String::new(), severity: None }
    }

    /// A small line below the value.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// Marks the card.
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }
}

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Good,
    /// Worth knowing.
    Info,
    /// To be looked at.
    Warning,
    /// To be mended: results cannot be trusted until it is.
    Trouble,
}

impl Severity {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Trouble => "trouble",
        }
    }

    /// The word before a note's title: colour is never the only sign.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Good => "✔ Good",
            Self::Info => "ℹ Note",
            Self::Warning => "⚠ Warning",
            Self::Trouble => "✖ Trouble",
        }
    }
}

/// A box that says what was found and what to do about it.
#[derive(Debug, Clone)]
pub struct Note {
    pub(crate) severity: Severity,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) items: Vec<String>,
}

impl Note {
    /// A title alone.
    pub fn new(severity: Severity, title: impl Into<String>) -> Self {
        Self { severity, title: title.into(), text: String::new(), items: Vec::new() }
    }

    /// What it means and what to do.
    pub fn text(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// Examples or places.
    pub fn items<S: Into<String>>(self, items: impl IntoIterator<Item = S>) -> Self {
        Self { items: items.into_iter().map(Into::into).collect(), ..self }
    }
}

/// A piece of a text and how much it spoke for (positive) or against (negative) the class in question.
#[derive(Debug, Clone)]
pub struct Token {
    pub(crate) text: String,
    pub(crate) weight: f64,
}

impl Token {
    /// `weight` is relative: ±1 is tinted fully, 0 and NaN not at all. Pieces are set one after the other, so blanks
    /// between words are pieces too (or part of them).
    pub fn new(text: impl Into<String>, weight: f64) -> Self {
        Self { text: text.into(), weight: if weight.is_nan() { 0.0 } else { weight.clamp(-1.0, 1.0) } }
    }

    pub(crate) fn plain(&self) -> bool {
        self.weight.abs() < 0.005
    }

    pub(crate) fn class(&self) -> &'static str {
        if self.weight < 0.0 { "against" } else { "for" }
    }

    /// Opacity of the tint.
    pub(crate) fn tint(&self) -> String {
        coordinate(self.weight.abs() * 0.7 + 0.05)
    }

    pub(crate) fn title(&self) -> String {
        let sign = if self.weight > 0.0 { "+" } else { "" };
        format!("{sign}{}", Number::Decimal(2).show(self.weight))
    }
}

/// A column's heading; numbers stand at the right.
#[derive(Debug, Clone)]
pub struct Column {
    pub(crate) title: String,
    pub(crate) hint: String,
    pub(crate) numeric: bool,
}

impl Column {
    /// Of text.
    pub fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), hint: String::new(), numeric: false }
    }

    /// Of numbers.
    pub fn number(title: impl Into<String>) -> Self {
        Self { numeric: true, ..Self::text(title) }
    }

    /// Explained when pointed at.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }
}

/// What stands in a cell.
#[derive(Debug, Clone)]
pub struct Cell {
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
    pub(crate) sort: Option<f64>,
    pub(crate) bar: Option<f64>,
    pub(crate) severity: Option<Severity>,
}

impl Cell {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), tokens: Vec::new(), sort: None, bar: None, severity: None }
    }

    /// A number, sorted by its value.
    pub fn number(value: f64, number: Number) -> Self {
        Self { sort: value.is_finite().then_some(value), ..Self::text(number.show(value)) }
    }

    /// A count.
    pub fn count(value: u64) -> Self {
        Self::number(value as f64, Number::Count)
    }

    /// A text whose tokens are tinted.
    pub fn highlighted(tokens: impl IntoIterator<Item = Token>) -> Self {
        Self { tokens: tokens.into_iter().collect(), ..Self::text("") }
    }

    /// A bar behind the number, `share` from 0 to 1 of the cell's width.
    pub fn bar(self, share: f64) -> Self {
        Self { bar: Some(if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }), ..self }
    }

    /// Marks the cell.
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }

    pub(crate) fn percent(&self) -> Option<String> {
        self.bar.map(|share| coordinate(share * 100.0))
    }

    pub(crate) fn sort_key(&self) -> Option<String> {
        self.sort.map(|value| value.to_string())
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        Self::count(value)
    }
}

/// A table whose rows can be sorted by a click where there is JavaScript.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub(crate) caption: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Without rows.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { caption: String::new(), columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// What the table shows.
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// One more row. Missing cells stay empty, cells past the last column are left out.
    pub fn row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) -> &mut Self {
        let mut cells: Vec<Cell> = cells.into_iter().map(Into::into).take(self.columns.len()).collect();
        cells.resize_with(self.columns.len(), || Cell::text(""));
        self.rows.push(cells);
        self
    }

    /// Whether the cell at column `at` holds a number; by reference, as templates hand numbers over.
    pub(crate) fn numeric(&self, at: &usize) -> bool {
        self.columns.get(*at).is_some_and(|column| column.numeric)
    }
}
