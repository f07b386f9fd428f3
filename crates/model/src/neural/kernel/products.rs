//! Matrix products, row-major, one thread.
//!
//! Two forms are all that networks need. `C = A·B` with `B` packed beforehand, as weights are used by many
//! rows: [`multiply`]. `C += Aᵀ·B` where both have a row for each token, which is what gradients of weights
//! are: [`multiply_rows`]. Both come down to one tile of a few rows and two vectors, whose sums stay in
//! registers (Goto & van de Geijn 2008, doi:10.1145/1356052.1356053). Each sum's order depends on the
//! shapes alone.

use super::simd::{get, put};
use super::{Chosen, Real, Simd, Work};

/// Rows of `A` that pass by all of `B` before the next ones do: they stay in the second cache.
const ROWS: usize = 128;

/// Rows of both factors that [`multiply_rows`] adds up in registers before it goes on.
const DEPTH: usize = 128;

/// A matrix inside a slice: row `i` starts at `i * stride`; rows may overlap, as windows do.
#[derive(Clone, Copy)]
pub(crate) struct View<'a, R> {
    pub(crate) values: &'a [R],
    pub(crate) stride: usize,
}

impl<'a, R> View<'a, R> {
    pub(crate) fn new(values: &'a [R], stride: usize) -> Self {
        Self { values, stride }
    }

    /// Whether rows `0..rows` have `columns` numbers each.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows == 0 || columns == 0 || (rows - 1) * self.stride + columns <= self.values.len()
    }
}

/// What a product is added to.
#[derive(Clone, Copy)]
pub(crate) enum Add<'a, R> {
    /// Nothing: the target is overwritten.
    Nothing,
    /// What the target holds.
    Target,
    /// The same row everywhere, `[n]`.
    Row(&'a [R]),
}

/// Numbers that begin where a cache line does, so that no vector of them straddles two.
#[derive(Clone, Default)]
struct Lines<R> {
    values: Vec<R>,
    start: usize,
}

impl<R: Real> Lines<R> {
    fn resize(&mut self, len: usize) {
        const LINE: usize = 64;
        let more = LINE / size_of::<R>();
        self.values.clear();
        self.values.resize(len + more, R::ZERO);
        self.start = self.values.as_ptr().align_offset(LINE).min(more);
    }

    fn get(&self) -> &[R] {
        &self.values[self.start..]
    }

    fn get_mut(&mut self) -> &mut [R] {
        &mut self.values[self.start..]
    }
}

/// A matrix `[k, n]` cut into panels two vectors wide, the last filled up with zeros.
#[derive(Clone)]
pub(crate) struct Packed<R> {
    kernel: Chosen,
    k: usize,
    n: usize,
    lines: Lines<R>,
}

impl<R: Real> Packed<R> {
    /// No matrix yet.
    pub(crate) fn new(kernel: Chosen) -> Self {
        Self { kernel, k: 0, n: 0, lines: Lines::default() }
    }

    /// Packs `values`, `[k, n]` row-major.
    pub(crate) fn pack(&mut self, k: usize, n: usize, values: &[R]) {
        assert_eq!(values.len(), k * n, "a matrix of {k} by {n}");
        (self.k, self.n) = (k, n);
        R::dispatch(self.kernel, Pack { packed: self, values, row: n, column: 1 });
    }

    /// Packs the transpose of `values`, `[n, k]` row-major, as PyTorch keeps weights.
    pub(crate) fn pack_transposed(&mut self, k: usize, n: usize, values: &[R]) {
        assert_eq!(values.len(), k * n, "a matrix of {n} by {k}");
        (self.k, self.n) = (k, n);
        R::dispatch(self.kernel, Pack { packed: self, values, row: 1, column: k });
    }
}

struct Pack<'a, R> {
    packed: &'a mut Packed<R>,
    values: &'a [R],
    /// From a row to the next.
    row: usize,
    /// From a column to the next.
    column: usize,
}

impl<R: Real> Work<R> for Pack<'_, R> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self) {
        let Self { packed, values, row, column } = self;
        let width = 2 * S::LANES;
        let (k, n) = (packed.k, packed.n);
        packed.lines.resize(n.div_ceil(width) * width * k);
        for (panel, first) in
            packed.lines.get_mut().chunks_exact_mut((k * width).max(1)).zip((0..n).step_by(width))
        {
            let some = width.min(n - first);
            if column == 1 {
                for (at, to) in panel.chunks_exact_mut(width).enumerate() {
                    to[..some].copy_from_slice(&values[at * row + first..][..some]);
                }
            } else {
                for j in 0..some {
                    let from = &values[(first + j) * column..][..k];
                    for (to, &x) in panel[j..].iter_mut().step_by(width).zip(from) {
                        *to = x;
                    }
                }
            }
        }
    }
}

/// `c = a·b` on top of `add`, `[m, n]`, with `a` `[m, k]` and `b` `[k, n]`.
pub(crate) fn multiply<R: Real>(
    m: usize,
    a: View<'_, R>,
    b: &Packed<R>,
    c: &mut [R],
    stride: usize,
    add: Add<'_, R>,
) {
    assert!(a.holds(m, b.k), "{m} rows of {} to multiply", b.k);
    assert!(View::new(c, stride).holds(m, b.n) && (m < 2 || stride >= b.n), "{m} rows of {} to write", b.n);
    if let Add::Row(row) = add {
        assert_eq!(row.len(), b.n, "a row to add");
    }
    R::dispatch(b.kernel, Multiply { m, a, b, c, stride, add });
}

struct Multiply<'a, R> {
    m: usize,
    a: View<'a, R>,
    b: &'a Packed<R>,
    c: &'a mut [R],
    stride: usize,
    add: Add<'a, R>,
}

impl<R: Real> Work<R> for Multiply<'_, R> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self) {
        let Self { m, a, b, c, stride, add } = self;
        let width = 2 * S::LANES;
        let panels = b.n.div_ceil(width);
        let mut tile = Tile {
            k: b.k,
            a: a.values.as_ptr(),
            a_row: a.stride,
            a_step: 1,
            b: b.lines.get().as_ptr(),
            b_panel: b.k * width,
            c: c.as_mut_ptr(),
            c_row: stride,
            columns: 0,
            add,
        };
        for rows in (0..m).step_by(ROWS) {
            let end = m.min(rows + ROWS);
            let mut panel = 0;
            while panel < panels {
                // A row or two have few sums of their own to keep the processor busy: more panels at once.
                let few = end - rows <= 2 && panel + 4 <= panels;
                let taken = if few { 4 } else { 1 };
                let first = panel * width;
                tile.columns = b.n - first;
                tile.b = b.lines.get()[panel * tile.b_panel..].as_ptr();
                tile.add = match add {
                    Add::Row(row) => Add::Row(&row[first..]),
                    other => other,
                };
                let mut at = rows;
                while at < end {
                    // SAFETY: rows `at..` of `a` hold `k` numbers and those of `c` `n`: `multiply` asked.
                    // The panel lies inside the packed matrix, which `Pack` made.
                    unsafe {
                        tile.a = a.values.as_ptr().add(at * a.stride);
                        tile.c = c.as_mut_ptr().add(at * stride + first);
                        at += if few { tile.few::<S>(end - at) } else { tile.many::<S>(end - at) };
                    }
                }
                panel += taken;
            }
        }
    }
}

/// `c += aᵀ·b`, `[m, n]`, with `a` `[k, m]` and `b` `[k, n]`; `c`'s rows are `n` long.
pub(crate) fn multiply_rows<R: Real>(
    kernel: Chosen,
    [k, m, n]: [usize; 3],
    a: View<'_, R>,
    b: View<'_, R>,
    c: &mut [R],
) {
    assert!(a.holds(k, m) && b.holds(k, n), "{k} rows of {m} and of {n} to multiply");
    assert_eq!(c.len(), m * n, "{m} rows of {n} to write");
    R::dispatch(kernel, MultiplyRows { size: [k, m, n], a, b, c });
}

struct MultiplyRows<'a, R> {
    size: [usize; 3],
    a: View<'a, R>,
    b: View<'a, R>,
    c: &'a mut [R],
}

impl<R: Real> Work<R> for MultiplyRows<'_, R> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self) {
        let Self { size: [k, m, n], a, b, c } = self;
        let width = 2 * S::LANES;
        let mut lines = Lines::default();
        lines.resize(DEPTH * width);
        for start in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - start);
            for first in (0..n).step_by(width) {
                let some = width.min(n - first);
                let panel = lines.get_mut();
                for (row, to) in panel.chunks_exact_mut(width).take(depth).enumerate() {
                    let from = &b.values[(start + row) * b.stride + first..][..some];
                    // A vector as a whole is quicker than a copy of a length known only here.
                    if some == width {
                        put(get::<R, S>(from), to);
                        put(get::<R, S>(&from[S::LANES..]), &mut to[S::LANES..]);
                    } else {
                        to[..some].copy_from_slice(from);
                        to[some..].fill(R::ZERO);
                    }
                }
                let mut at = 0;
                while at < m {
                    let mut tile = Tile {
                        k: depth,
                        a: a.values[start * a.stride + at..].as_ptr(),
                        a_row: 1,
                        a_step: a.stride,
                        b: panel.as_ptr(),
                        b_panel: 0,
                        c: c[at * n + first..].as_mut_ptr(),
                        c_row: n,
                        columns: some,
                        add: Add::Target,
                    };
                    // SAFETY: `a` has `k` rows of `m` numbers and `c` `m` rows of `n`, as
                    // `multiply_rows` asked; the panel has `depth` rows of `width`.
                    at += unsafe { tile.many::<S>(m - at) };
                }
            }
        }
    }
}

/// A few rows of a product, as many columns as some vectors hold.
struct Tile<'a, R> {
    /// Numbers that a sum adds up.
    k: usize,
    a: *const R,
    a_row: usize,
    a_step: usize,
    b: *const R,
    b_panel: usize,
    c: *mut R,
    c_row: usize,
    /// Columns of the target from here on.
    columns: usize,
    add: Add<'a, R>,
}

impl<R: Real> Tile<'_, R> {
    /// As many rows as fit, of `left`, in one panel; says how many.
    ///
    /// # Safety
    /// See [`Self::run`], for that many rows.
    #[inline(always)]
    unsafe fn many<S: Simd<R>>(&mut self, left: usize) -> usize {
        let rows = left.min(S::ROWS);
        // SAFETY: the caller's.
        unsafe {
            match rows {
                8.. => self.run::<S, 8, 2>(),
                7 => self.run::<S, 7, 2>(),
                6 => self.run::<S, 6, 2>(),
                5 => self.run::<S, 5, 2>(),
                4 => self.run::<S, 4, 2>(),
                3 => self.run::<S, 3, 2>(),
                2 => self.run::<S, 2, 2>(),
                _ => self.run::<S, 1, 2>(),
            }
        }
        rows
    }

    /// One row in four panels.
    ///
    /// # Safety
    /// See [`Self::run`].
    #[inline(always)]
    unsafe fn few<S: Simd<R>>(&mut self, _: usize) -> usize {
        // SAFETY: the caller's.
        unsafe { self.run::<S, 1, 8>() };
        1
    }

    /// `M` rows and `V` vectors, two of each panel.
    ///
    /// # Safety
    /// `a` must be valid for reading at `i * a_row + j * a_step` for all `i < M` and `j < k`; `b` for
    /// `V / 2` panels of `k` rows, `b_panel` apart; `c` for reading and writing `min(columns, width)` numbers
    /// at `i * c_row`.
    #[inline(always)]
    unsafe fn run<S: Simd<R>, const M: usize, const V: usize>(&mut self) {
        if M > S::ROWS {
            return; // never met: `many` takes no more; it saves compiling what is not used
        }
        let mut sums = [[S::splat(R::ZERO); V]; M];
        // SAFETY: the caller's.
        unsafe {
            let (mut a, mut b) = (self.a, self.b);
            for _ in 0..self.k {
                let mut factors = [S::splat(R::ZERO); V];
                for (v, factor) in factors.iter_mut().enumerate() {
                    *factor = S::load(b.add(v / 2 * self.b_panel + v % 2 * S::LANES));
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    let x = S::splat(*a.add(i * self.a_row));
                    for (sum, &factor) in sums.iter_mut().zip(&factors) {
                        *sum = x.mul_add(factor, *sum);
                    }
                }
                a = a.add(self.a_step);
                b = b.add(2 * S::LANES);
            }
            let columns = self.columns.min(V * S::LANES);
            for (i, sums) in sums.iter().enumerate() {
                let row = std::slice::from_raw_parts_mut(self.c.add(i * self.c_row), columns);
                for (v, &sum) in sums.iter().enumerate() {
                    let at = v * S::LANES;
                    if at >= columns {
                        break;
                    }
                    let to = &mut row[at..];
                    let sum = match self.add {
                        Add::Nothing => sum,
                        Add::Target => get::<R, S>(to).add(sum),
                        Add::Row(row) => get::<R, S>(&row[at..]).add(sum),
                    };
                    put(sum, to);
                }
            }
        }
    }
}
