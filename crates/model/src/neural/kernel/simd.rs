//! What a vector of numbers can do.

use super::Real;

/// `LANES` numbers that are worked on at once.
///
/// Functions are `#[inline(always)]` throughout: only inside the function that turns a processor's
/// instructions on (`Real::dispatch`) do they become those instructions.
pub(crate) trait Simd<R>: Copy {
    /// Numbers of a vector, at most 16.
    const LANES: usize;
    /// Rows of a product that are computed at once, at most 8: with two vectors each, their sums fill the
    /// registers.
    const ROWS: usize;

    fn splat(x: R) -> Self;
    /// # Safety
    /// `from` must be valid for reading `LANES` numbers; it need not be aligned.
    unsafe fn load(from: *const R) -> Self;
    /// # Safety
    /// `to` must be valid for writing `LANES` numbers; it need not be aligned.
    unsafe fn store(self, to: *mut R);
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    fn sqrt(self) -> Self;
    /// `self · factor + term`, rounded once where the processor can.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// 1 where `self > 0`, else 0.
    fn positive(self) -> Self;
    /// `e` to the power of each; arguments are held within ±87, where the result is an ordinary number.
    fn exp(self) -> Self;
}

/// `1 / (1 + e^{-x})`.
#[inline(always)]
pub(crate) fn sigmoid<R: Real, S: Simd<R>>(x: S) -> S {
    let one = S::splat(R::ONE);
    one.div(one.add(S::splat(R::ZERO).sub(x).exp()))
}

/// `tanh x = 1 - 2 / (e^{2x} + 1)`.
#[inline(always)]
pub(crate) fn tanh<R: Real, S: Simd<R>>(x: S) -> S {
    let (one, two) = (S::splat(R::ONE), S::splat(R::of(2.0)));
    one.sub(two.div(x.add(x).exp().add(one)))
}

/// What `exp` for `f32` is made of: `x = n ln 2 + r` with `|r| ≤ ln 2 / 2`, and a polynomial for `e^r`
/// (Cephes `expf`; error below 2 units in the last place).
pub(crate) mod expf {
    pub(crate) const LIMIT: f32 = 87.0;
    pub(crate) const LOG2_E: f32 = std::f32::consts::LOG2_E;
    /// `ln 2`, in two parts: the first has few digits, so its product with `n` is exact.
    pub(crate) const LN2_HIGH: f32 = 0.693_359_4;
    pub(crate) const LN2_LOW: f32 = -2.121_944_4e-4;
    /// `e^r = 1 + r + r² P(r)`, the highest power first.
    pub(crate) const P: [f32; 6] =
        [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1];

    /// `e^r` by the polynomial.
    #[inline(always)]
    pub(crate) fn polynomial<S: super::Simd<f32>>(r: S) -> S {
        let mut y = S::splat(P[0]);
        for &p in &P[1..] {
            y = y.mul_add(r, S::splat(p));
        }
        y.mul_add(r.mul(r), r).add(S::splat(1.0))
    }

    /// `x - n ln 2`.
    #[inline(always)]
    pub(crate) fn rest<S: super::Simd<f32>>(x: S, n: S) -> S {
        n.mul_add(S::splat(-LN2_LOW), n.mul_add(S::splat(-LN2_HIGH), x))
    }
}

/// The first numbers of `from` as a vector, zeros behind them where there are fewer.
#[inline(always)]
pub(crate) fn get<R: Real, S: Simd<R>>(from: &[R]) -> S {
    if from.len() >= S::LANES {
        // SAFETY: there are `LANES` numbers.
        return unsafe { S::load(from.as_ptr()) };
    }
    let mut buffer = [R::ZERO; 16];
    buffer[..from.len()].copy_from_slice(from);
    // SAFETY: `LANES` is at most 16.
    unsafe { S::load(buffer.as_ptr()) }
}

/// Writes a vector to the first places of `to`, as many as there are.
#[inline(always)]
pub(crate) fn put<R: Real, S: Simd<R>>(x: S, to: &mut [R]) {
    if to.len() >= S::LANES {
        // SAFETY: there are `LANES` places.
        return unsafe { x.store(to.as_mut_ptr()) };
    }
    let mut buffer = [R::ZERO; 16];
    // SAFETY: `LANES` is at most 16.
    unsafe { x.store(buffer.as_mut_ptr()) };
    let n = to.len();
    to.copy_from_slice(&buffer[..n]);
}

/// The sum of a vector's numbers, first to last.
#[inline(always)]
pub(crate) fn sum<R: Real, S: Simd<R>>(x: S) -> R {
    let mut buffer = [R::ZERO; 16];
    put(x, &mut buffer[..]);
    buffer[..S::LANES].iter().fold(R::ZERO, |sum, &x| sum + x)
}
