//! Where every byte of a text under work came from, or nothing at all.
//!
//! The steps are written once, over [`Desk`]. With [`Untraced`] all the bookkeeping compiles to
//! nothing, and that is the path of training and batch scoring; with [`Origins`] the same code also
//! knows the bytes of the original behind every token.

use std::fmt::Debug;
use std::ops::Range;

/// Bytes of the original text, `start..end`, both on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// The origin of each byte of a [`Page`], in step with its text.
pub(crate) trait Trace: Default + Debug {
    /// Starts over: byte for byte the original.
    fn begin(&mut self, raw: &str);
    /// Forgets everything.
    fn clear(&mut self);
    /// Appends the origins of `range` of `from`, byte for byte.
    fn keep(&mut self, from: &Self, range: Range<usize>);
    /// Appends `len` bytes that all come from the whole of `range`.
    fn cover(&mut self, from: &Self, range: Range<usize>, len: usize);
    /// What `range` came from.
    fn span(&self, range: Range<usize>) -> Span;
}

/// Nobody asks where a token came from.
#[derive(Debug, Default)]
pub(crate) struct Untraced;

impl Trace for Untraced {
    #[inline(always)]
    fn begin(&mut self, _: &str) {}
    #[inline(always)]
    fn clear(&mut self) {}
    #[inline(always)]
    fn keep(&mut self, _: &Self, _: Range<usize>) {}
    #[inline(always)]
    fn cover(&mut self, _: &Self, _: Range<usize>, _: usize) {}
    #[inline(always)]
    fn span(&self, _: Range<usize>) -> Span {
        Span::default()
    }
}

/// One span per byte of text. Starts and ends never decrease: no step moves text about.
#[derive(Debug, Default)]
pub(crate) struct Origins(Vec<Span>);

impl Trace for Origins {
    fn begin(&mut self, raw: &str) {
        self.0.clear();
        for (at, c) in raw.char_indices() {
            let span = Span { start: at as u32, end: (at + c.len_utf8()) as u32 };
            self.0.extend(std::iter::repeat_n(span, c.len_utf8()));
        }
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn keep(&mut self, from: &Self, range: Range<usize>) {
        self.0.extend_from_slice(&from.0[range]);
    }

    fn cover(&mut self, from: &Self, range: Range<usize>, len: usize) {
        let span = from.span(range);
        self.0.extend(std::iter::repeat_n(span, len));
    }

    fn span(&self, range: Range<usize>) -> Span {
        if range.is_empty() {
            // Something put in between: it stands where the text before it ends.
            let at = range.start.checked_sub(1).and_then(|i| self.0.get(i)).map_or(0, |s| s.end);
            return Span { start: at, end: at };
        }
        Span { start: self.0[range.start].start, end: self.0[range.end - 1].end }
    }
}

/// A text and the origin of each of its bytes.
#[derive(Debug, Default)]
pub(crate) struct Page<T> {
    pub(crate) text: String,
    trace: T,
}

impl<T: Trace> Page<T> {
    /// Appends `range` of `from` as it is.
    #[inline]
    pub(crate) fn keep(&mut self, from: &Self, range: Range<usize>) {
        self.text.push_str(&from.text[range.clone()]);
        self.trace.keep(&from.trace, range);
    }

    /// Appends `with` in the place of `range` of `from`.
    #[inline]
    pub(crate) fn replace(&mut self, from: &Self, range: Range<usize>, with: &str) {
        self.text.push_str(with);
        self.trace.cover(&from.trace, range, with.len());
    }

    /// Appends what `write` writes in the place of `range` of `from`.
    pub(crate) fn replace_with(&mut self, from: &Self, range: Range<usize>, write: impl FnOnce(&mut String)) {
        let before = self.text.len();
        write(&mut self.text);
        self.trace.cover(&from.trace, range, self.text.len() - before);
    }

    /// The bytes of the original behind `range` of the text.
    #[inline]
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        self.trace.span(range)
    }
}

/// The page that is being worked on, and the one that the next step writes.
#[derive(Debug, Default)]
pub(crate) struct Desk<T> {
    pub(crate) page: Page<T>,
    next: Page<T>,
}

impl<T: Trace> Desk<T> {
    /// Puts a new text on the desk.
    pub(crate) fn begin(&mut self, raw: &str) {
        self.page.text.clear();
        self.page.text.push_str(raw);
        self.page.trace.begin(raw);
    }

    /// Replaces the page by what `write` makes of it.
    pub(crate) fn rewrite(&mut self, write: impl FnOnce(&Page<T>, &mut Page<T>)) {
        self.next.text.clear();
        self.next.trace.clear();
        write(&self.page, &mut self.next);
        std::mem::swap(&mut self.page, &mut self.next);
    }

    /// Replaces every range that `find(text, from)` finds at or after `from`. Nothing is copied
    /// when nothing is found; an empty range ends the search.
    pub(crate) fn substitute(
        &mut self,
        with: &str,
        mut find: impl FnMut(&str, usize) -> Option<Range<usize>>,
    ) {
        let Some(first) = find(&self.page.text, 0) else {
            return;
        };
        self.rewrite(|page, next| {
            let (mut at, mut found) = (0, Some(first));
            while let Some(range) = found.filter(|r| !r.is_empty()) {
                next.keep(page, at..range.start);
                at = range.end;
                next.replace(page, range, with);
                found = find(&page.text, at);
            }
            next.keep(page, at..page.text.len());
        });
    }

    /// Changes ASCII bytes into other ASCII bytes in place; `text` must stay UTF-8.
    pub(crate) fn edit_bytes(&mut self, edit: impl FnOnce(&mut [u8])) {
        let mut bytes = std::mem::take(&mut self.page.text).into_bytes();
        edit(&mut bytes);
        self.page.text = String::from_utf8(bytes).expect("ASCII was exchanged for ASCII");
    }
}
