//! Numbers become pictures and pages.
//!
//! A plot is a plain struct that somebody fills with numbers ([`plot`], [`cloud`]); `draw` turns it into a
//! [`Figure`], which is SVG text and becomes PNG on request; a [`page::Page`] gathers figures, tables and notes into
//! one HTML document that needs nothing from the network. The room knows no experiment, no data set and no model:
//! what it draws is what it was handed.
//!
//! ```
//! use sentimeter_report::{Page, Series, plot::Bars};
//!
//! let balance = Bars::new("Rows per class", "rows")
//!     .categories(["negative", "positive"])
//!     .series(Series::new("rows", [812.0, 1_204.0]))
//!     .draw("balance");
//! let mut page = Page::new("Profile of reviews");
//! page.section("Classes").figure(balance, "Counted after exact duplicates were dropped.");
//! assert!(page.html().contains("Rows per class"));
//! ```
//!
//! Same numbers, same bytes: nothing here reads the clock, the locale or the fonts of the machine.

#![cfg_attr(test, allow(clippy::unwrap_used))]

// The gallery is drawn by the example and walked through by the tests of `figure`.
#[cfg(test)]
extern crate self as sentimeter_report;
#[cfg(test)]
#[path = "../examples/gallery.rs"]
#[allow(dead_code, unreachable_pub)]
mod gallery;

pub mod canvas;
pub mod cloud;
mod error;
mod figure;
pub mod fonts;
pub mod number;
pub mod page;
pub mod plot;
pub mod theme;
pub mod ticks;

pub use error::ReportError;
pub use figure::Figure;
pub use number::Number;
pub use page::Page;
pub use plot::Series;
pub use theme::Colour;
