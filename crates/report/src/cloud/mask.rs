//! One bit per pixel: what a word covers, what is taken.

use resvg::tiny_skia::{FillRule, Mask as Alpha, Path, PathBuilder, Transform};
use skrifa::outline::OutlinePen;

use crate::fonts::{self, Glyph};

/// Blank pixels kept beside, and above and below, a word whose em is `size` pixels: words in one line stand a
/// blank apart, or "good like" reads as one.
fn rim(size: f64) -> [usize; 2] {
    [(size * 0.14).ceil().max(2.0) as usize, (size * 0.03).ceil().max(1.0) as usize]
}

/// What one word covers, with its rim; bit 0 of a row's first block is its left end.
#[derive(Debug)]
pub(super) struct Mask {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Where the word's left end on the base line lies, from the mask's corner.
    pub(super) origin: [i64; 2],
    blocks: usize,
    bits: Vec<u64>,
}

impl Mask {
    /// The word made of `glyphs`, `size` pixels to the em; nothing where there is no ink or more than `most` pixels
    /// to a side.
    pub(super) fn new(glyphs: &[Glyph], size: f64, most: [usize; 2]) -> Option<Self> {
        let path = outline(glyphs, size)?;
        let bounds = path.bounds();
        let [beside, above] = rim(size);
        let (x, y) = (beside as f32 + 1.0, above as f32 + 1.0);
        let (left, top) = ((bounds.left() - x).floor(), (bounds.top() - y).floor());
        let (wide, high) = ((bounds.right() + x).ceil() - left, (bounds.bottom() + y).ceil() - top);
        if !(wide <= most[0] as f32 && high <= most[1] as f32) {
            return None;
        }
        let (width, height) = (wide as usize, high as usize);
        let mut alpha = Alpha::new(width as u32, height as u32)?;
        alpha.fill_path(&path, FillRule::Winding, true, Transform::from_translate(-left, -top));
        let inked: Vec<bool> = closed(alpha.data(), width, height);
        let blocks = width.div_ceil(64);
        let mut mask = Self {
            width,
            height,
            origin: [-(left as i64), -(top as i64)],
            blocks,
            bits: vec![0; blocks * height],
        };
        for (y, row) in inked.chunks_exact(width).enumerate() {
            let reached = beside_ink(row, beside, blocks);
            for near in y.saturating_sub(above)..=(y + above).min(height - 1) {
                let target = &mut mask.bits[near * blocks..(near + 1) * blocks];
                target.iter_mut().zip(&reached).for_each(|(bits, more)| *bits |= more);
            }
        }
        Some(mask)
    }

    fn row(&self, at: usize) -> &[u64] {
        &self.bits[at * self.blocks..(at + 1) * self.blocks]
    }
}

/// Bits of the pixels of a row that lie at most `beside` from ink.
fn beside_ink(row: &[bool], beside: usize, blocks: usize) -> Vec<u64> {
    let mut bits = vec![0_u64; blocks];
    let mut done = 0;
    for (x, _) in row.iter().enumerate().filter(|(_, ink)| **ink) {
        let end = (x + beside + 1).min(row.len());
        for column in x.saturating_sub(beside).max(done)..end {
            bits[column / 64] |= 1 << (column % 64);
        }
        done = end;
    }
    bits
}

/// Ink, and what ink encloses from all four sides: no small word moves into a large letter's eye.
fn closed(alpha: &[u8], width: usize, height: usize) -> Vec<bool> {
    let mut rows = vec![(usize::MAX, 0); height];
    let mut columns = vec![(usize::MAX, 0); width];
    for (at, _) in alpha.iter().enumerate().filter(|(_, ink)| **ink > 0) {
        let (x, y) = (at % width, at / width);
        rows[y] = (rows[y].0.min(x), rows[y].1.max(x));
        columns[x] = (columns[x].0.min(y), columns[x].1.max(y));
    }
    (0..width * height)
        .map(|at| {
            let (x, y) = (at % width, at / width);
            (rows[y].0..=rows[y].1).contains(&x) && (columns[x].0..=columns[x].1).contains(&y)
        })
        .collect()
}

fn outline(glyphs: &[Glyph], size: f64) -> Option<Path> {
    let mut pen = SkiaPen { path: PathBuilder::new(), x: 0.0, y: 0.0, scale: 0.0 };
    for glyph in glyphs {
        pen.scale = (size / fonts::per_em(glyph.face)) as f32;
        (pen.x, pen.y) = ((glyph.x * size) as f32, (-glyph.y * size) as f32);
        fonts::trace(glyph.face, glyph.id, &mut pen);
    }
    pen.path.finish()
}

struct SkiaPen {
    path: PathBuilder,
    x: f32,
    y: f32,
    scale: f32,
}

impl SkiaPen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlinePen for SkiaPen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }
    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let ((cx, cy), (x, y)) = (self.at(cx, cy), self.at(x, y));
        self.path.quad_to(cx, cy, x, y);
    }
    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        let ((ax, ay), (bx, by), (x, y)) = (self.at(ax, ay), self.at(bx, by), self.at(x, y));
        self.path.cubic_to(ax, ay, bx, by, x, y);
    }
    fn close(&mut self) {
        self.path.close();
    }
}

/// The pixels that are taken.
pub(super) struct Taken {
    size: [usize; 2],
    blocks: usize,
    bits: Vec<u64>,
}

impl Taken {
    pub(super) fn new(size: [usize; 2]) -> Self {
        // One block more per row, so that a shifted mask never reaches past the end.
        let blocks = size[0].div_ceil(64) + 1;
        Self { size, blocks, bits: vec![0; blocks * size[1]] }
    }

    /// Whether `mask` fits with its corner at `x`, `y`: inside, and on free pixels.
    pub(super) fn fits(&self, mask: &Mask, x: i64, y: i64) -> bool {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return false };
        if x + mask.width > self.size[0] || y + mask.height > self.size[1] {
            return false;
        }
        // From the middle line outwards: that is where words have most of their ink.
        let middle = mask.height / 2;
        let free = |row: usize| !self.meets(mask.row(row), x, y + row);
        (middle..mask.height).all(free) && (0..middle).rev().all(free)
    }

    fn meets(&self, row: &[u64], x: usize, y: usize) -> bool {
        let first = y * self.blocks + x / 64;
        let shift = x % 64;
        row.iter().enumerate().any(|(at, &bits)| {
            let spilled = if shift == 0 { 0 } else { bits >> (64 - shift) };
            self.bits[first + at] & (bits << shift) != 0 || self.bits[first + at + 1] & spilled != 0
        })
    }

    /// Takes the pixels of `mask`, which fits there.
    pub(super) fn take(&mut self, mask: &Mask, x: i64, y: i64) {
        let (x, y) = (x as usize, y as usize);
        let shift = x % 64;
        for row in 0..mask.height {
            let first = (y + row) * self.blocks + x / 64;
            for (at, &bits) in mask.row(row).iter().enumerate() {
                self.bits[first + at] |= bits << shift;
                if shift > 0 {
                    self.bits[first + at + 1] |= bits >> (64 - shift);
                }
            }
        }
    }
}
