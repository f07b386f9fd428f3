//! One HTML document that needs nothing beside it.
//!
//! A page has a title, sections and, in them, blocks: text, cards, notes, tables, figures, highlighted texts and
//! folded parts. Everything handed in is text and is escaped by the templates; style, script and fonts are inside the
//! document, so it opens anywhere, in light or dark as the reader's system asks, and prints light.

mod blocks;
mod write;

use std::collections::BTreeSet;

use askama::Template;

pub use blocks::{Block, Card, Cell, Column, Note, Severity, Table, Token};
pub use write::Rendered;

use crate::figure::{Figure, slug};
use crate::fonts::Face;
use crate::theme;

/// A page, growing.
#[derive(Debug, Clone)]
pub struct Page {
    title: String,
    subtitle: String,
    language: String,
    footer: String,
    sections: Vec<Section>,
}

/// A part of a page with a heading and a place in the table of contents.
#[derive(Debug, Clone)]
pub struct Section {
    id: String,
    title: String,
    pub(crate) blocks: Vec<Block>,
}

impl Page {
    /// An empty page in English.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            subtitle: String::new(),
            language: "en".into(),
            footer: String::new(),
            sections: Vec::new(),
        }
    }

    /// A line below the title.
    pub fn subtitle(&mut self, subtitle: impl Into<String>) -> &mut Self {
        self.subtitle = subtitle.into();
        self
    }

    /// What stands at the very end: which program made the page, from what.
    pub fn footer(&mut self, footer: impl Into<String>) -> &mut Self {
        self.footer = footer.into();
        self
    }

    /// Opens a new section at the end and hands it out to be filled.
    pub fn section(&mut self, title: impl Into<String>) -> &mut Section {
        let title = title.into();
        let id = format!("s{}-{}", self.sections.len() + 1, slug(&title));
        self.sections.push(Section { id, title, blocks: Vec::new() });
        self.sections.last_mut().expect("one was just pushed")
    }

    /// The document. Figures are inside; their captions link to `figures/NAME.svg` and `.png`, which
    /// [`Page::write`] puts beside it.
    pub fn html(&self) -> String {
        let sections: Vec<SectionView<'_>> = self
            .sections
            .iter()
            .map(|section| SectionView {
                id: &section.id,
                title: &section.title,
                body: section.blocks.iter().map(Block::html).collect(),
            })
            .collect();
        let fonts = self.fonts(&sections).into_iter().map(Face::css).collect::<String>();
        let page = PageView {
            page: self,
            sections: &sections,
            style: format!("{fonts}{}{}", include_str!("../../templates/page.css"), theme::css()),
            script: include_str!("../../templates/page.js"),
        };
        let html = page.render().expect("writing into a String does not fail");
        // Damaged texts hold control characters, which HTML has no place for.
        html.replace(|c: char| c.is_control() && c != '\n' && c != '\t', "\u{fffd}")
    }

    /// The fonts that the page's text needs, the two Latin ones always.
    fn fonts(&self, sections: &[SectionView<'_>]) -> BTreeSet<Face> {
        let mut faces = BTreeSet::from([Face::Regular, Face::Bold]);
        let headings = [&self.title, &self.subtitle];
        let texts = headings.into_iter().map(String::as_str).chain(sections.iter().map(|s| s.body.as_str()));
        for text in texts {
            faces.extend(Face::of(text, false));
        }
        faces
    }

    /// Every figure, in the page's order.
    pub fn figures(&self) -> Vec<&Figure> {
        let mut found = Vec::new();
        self.sections.iter().flat_map(|section| &section.blocks).for_each(|block| block.figures(&mut found));
        found
    }
}

impl Section {
    pub(crate) fn nested() -> Self {
        Self { id: String::new(), title: String::new(), blocks: Vec::new() }
    }

    fn push(&mut self, block: Block) -> &mut Self {
        self.blocks.push(block);
        self
    }

    /// A heading of the second rank.
    pub fn heading(&mut self, text: impl Into<String>) -> &mut Self {
        self.push(Block::Heading(text.into()))
    }

    /// A paragraph.
    pub fn text(&mut self, text: impl Into<String>) -> &mut Self {
        self.push(Block::Text(text.into()))
    }

    /// A bullet list.
    pub fn list<S: Into<String>>(&mut self, items: impl IntoIterator<Item = S>) -> &mut Self {
        self.push(Block::List(items.into_iter().map(Into::into).collect()))
    }

    /// A link to a file beside the page, by its plain name: an export, the numbers as JSON.
    pub fn file(&mut self, name: impl Into<String>, text: impl Into<String>) -> &mut Self {
        self.push(Block::File(name.into(), text.into()))
    }

    /// Numbers that a reader looks for first, side by side.
    pub fn cards(&mut self, cards: impl IntoIterator<Item = Card>) -> &mut Self {
        self.push(Block::Cards(cards.into_iter().collect()))
    }

    /// Something to know, to heed or to mend.
    pub fn note(&mut self, note: Note) -> &mut Self {
        self.push(Block::Note(note))
    }

    /// A table. Without rows it says so.
    pub fn table(&mut self, table: Table) -> &mut Self {
        self.push(Block::Table(table))
    }

    /// A figure with its caption and links to its files.
    pub fn figure(&mut self, figure: Figure, caption: impl Into<String>) -> &mut Self {
        self.push(Block::Figure(Box::new(figure), caption.into()))
    }

    /// A text whose tokens are tinted by what they contribute.
    pub fn highlighted(&mut self, tokens: impl IntoIterator<Item = Token>) -> &mut Self {
        self.push(Block::Highlighted(tokens.into_iter().collect()))
    }

    /// A part that is folded away until the reader opens it (and printed open where the browser can).
    pub fn details(&mut self, summary: impl Into<String>, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let mut inside = Self::nested();
        fill(&mut inside);
        self.push(Block::Details(summary.into(), inside.blocks))
    }

    /// Two columns on a wide screen, the first half as wide again as the second; one below the other on a narrow one
    /// and on paper, where what is folded away in them is left out.
    pub fn beside(&mut self, first: impl FnOnce(&mut Self), second: impl FnOnce(&mut Self)) -> &mut Self {
        let (mut left, mut right) = (Self::nested(), Self::nested());
        first(&mut left);
        second(&mut right);
        self.push(Block::Beside(left.blocks, right.blocks))
    }
}

struct SectionView<'a> {
    id: &'a str,
    title: &'a str,
    /// Rendered by the block template, which escapes.
    body: String,
}

#[derive(Template)]
#[template(path = "page.html")]
struct PageView<'a> {
    page: &'a Page,
    sections: &'a [SectionView<'a>],
    style: String,
    script: &'static str,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plot::Bars;
    use crate::{Number, Series};

    /// Opening and closing tags of a document, in order; panics where one is left open.
    fn tags(html: &str) -> Vec<String> {
        let mut open: Vec<String> = Vec::new();
        let mut all = Vec::new();
        let mut rest = html;
        while let Some(start) = rest.find('<') {
            rest = &rest[start + 1..];
            // Quoted values hold no angle brackets: they are escaped.
            let end = rest.find('>').unwrap();
            let tag = &rest[..end];
            rest = &rest[end + 1..];
            let name: String =
                tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
            all.push(name.clone());
            if tag.starts_with('/') {
                assert_eq!(open.pop().as_deref(), Some(name.as_str()), "closes what is open");
            } else if !tag.ends_with('/') && !["", "meta", "link", "br"].contains(&name.as_str()) {
                if let "style" | "script" = name.as_str() {
                    rest = &rest[rest.find(&format!("</{name}>")).unwrap()..];
                }
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?} stay open");
        all
    }

    fn page(text: &str, weight: f64) -> Page {
        let mut page = Page::new(text);
        page.subtitle(text).footer(text);
        let mut table = Table::new([Column::text(text).hint(text), Column::number(text)]).caption(text);
        table.row([
            Cell::text(text).severity(Severity::Warning),
            Cell::number(weight, Number::Plain).bar(weight),
        ]);
        table.row([Cell::highlighted([Token::new(text, weight)])]);
        let bars = Bars::new(text, text).categories([text, "x"]).series(Series::new(text, [1.0, 2.0]));
        page.section(text)
            .heading(text)
            .text(text)
            .list([text])
            .file(text, text)
            .cards([Card::new(text, text).hint(text).severity(Severity::Good)])
            .note(Note::new(Severity::Trouble, text).text(text).items([text]))
            .table(table)
            .table(Table::new([Column::text(text)]))
            .table(Table::default())
            .figure(bars.draw("bars"), text)
            .highlighted([Token::new(text, 0.5), Token::new(text, -1e9), Token::new(text, f64::NAN)])
            .beside(
                |left| {
                    left.text(text).figure(Bars::new(text, text).draw("left"), text);
                },
                |right| {
                    right.heading(text).figure(Bars::new(text, text).wide(500.0).draw("right"), text);
                },
            )
            .details(text, |inside| {
                inside.text(text).figure(Bars::new(text, text).draw("empty"), text);
            });
        page.section(text);
        page
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_text_becomes_markup(text in "[<>\"'&/a-z\u{0}-\u{9f} {}%]{1,30}|\\PC{1,30}") {
            // A figure's title wraps into as many elements as it has lines: figures are compared on their own.
            let without = |html: String| {
                let mut tags = tags(&html);
                let figure = ["text", "title"];
                tags.retain(|tag| !figure.contains(&tag.as_str()));
                tags
            };
            let (hostile, tame) = (page(&text, 0.5), page("tame", 0.5));
            prop_assert_eq!(without(hostile.html()), without(tame.html()));
        }
    }

    #[test]
    fn a_page_needs_nothing_from_elsewhere() {
        let html = page("x", 0.3).html();
        let links: Vec<&str> =
            html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(
            links.iter().all(|link| ["#", "./", "figures/"].iter().any(|start| link.starts_with(start))),
            "{links:?}"
        );
        assert!(!html.contains("src=\"") && !html.contains("@import") && !html.contains("url(http"));
        assert!(html.len() < 200_000, "{}", html.len());
    }

    #[test]
    fn pages_are_written_with_their_figures_and_twice_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = page("x", 0.3).write(folder.path()).unwrap();
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        let first = (read("index.html"), read("figures/bars.svg"), read("figures/bars.png"));
        assert_eq!(path, folder.path().join("index.html"));
        page("x", 0.3).write(folder.path()).unwrap();
        assert!(first == (read("index.html"), read("figures/bars.svg"), read("figures/bars.png")));
        let left = std::fs::read_dir(folder.path().join("figures")).unwrap().count();
        assert_eq!(left, 8, "four figures, twice: nothing half-written stays");
    }

    #[test]
    fn two_figures_of_one_name_are_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut page = Page::new("x");
        let figure = || Bars::new("x", "y").draw("same");
        page.section("s").figure(figure(), "").figure(figure(), "");
        assert!(page.write(folder.path()).unwrap_err().to_string().contains("\"same\""));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
