//! Vectors without special instructions: what the compiler makes of four numbers at a time.

use super::Real;
use super::simd::{Simd, expf};

/// Four numbers.
#[derive(Clone, Copy)]
pub(crate) struct Plain<R>([R; 4]);

impl<R: Real> Plain<R> {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(R, R) -> R) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

/// What `f32` and `f64` do each in their own way.
trait Exp {
    fn exp4(x: [Self; 4]) -> [Self; 4]
    where
        Self: Sized;
}

impl Exp for f64 {
    fn exp4(x: [Self; 4]) -> [Self; 4] {
        x.map(libm::exp)
    }
}

impl Exp for f32 {
    #[inline(always)]
    fn exp4(x: [Self; 4]) -> [Self; 4] {
        // Adding and taking away 1.5 · 2²³ rounds to a whole number, and leaves it in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let x = Plain(x.map(|x| x.clamp(-expf::LIMIT, expf::LIMIT)));
        let shifted = x.0.map(|x| x * expf::LOG2_E + ROUND);
        let n = Plain(shifted.map(|z| z - ROUND));
        let power = shifted.map(|z| f32::from_bits((z.to_bits() << 23).wrapping_add(127 << 23)));
        expf::polynomial(expf::rest(x, n)).mul(Plain(power)).0
    }
}

impl<R: Real + Exp> Simd<R> for Plain<R> {
    const LANES: usize = 4;
    const ROWS: usize = 4;

    #[inline(always)]
    fn splat(x: R) -> Self {
        Self([x; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const R) -> Self {
        // SAFETY: the caller's; an array of numbers may lie anywhere that a number may.
        Self(unsafe { from.cast::<[R; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut R) {
        // SAFETY: the caller's.
        unsafe { to.cast::<[R; 4]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(R::root))
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        self.mul(factor).add(term)
    }

    #[inline(always)]
    fn positive(self) -> Self {
        Self(self.0.map(|x| if x > R::ZERO { R::ONE } else { R::ZERO }))
    }

    #[inline(always)]
    fn exp(self) -> Self {
        Self(R::exp4(self.0))
    }
}
