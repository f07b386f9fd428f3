//! Vectors of AVX2 and AVX-512.

use std::arch::x86_64::*;

use super::Work;
use super::simd::{Simd, expf};

pub(super) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

pub(super) fn has_avx512() -> bool {
    has_avx2() && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl")
}

/// # Safety
/// The processor must have AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_avx2<W: Work<f32>>(work: W) -> W::Out {
    work.run::<Eight>()
}

/// # Safety
/// The processor must have AVX-512 F and VL.
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
pub(super) unsafe fn run_avx512<W: Work<f32>>(work: W) -> W::Out {
    work.run::<Sixteen>()
}

/// Eight numbers. Only `run_avx2` makes any.
#[derive(Clone, Copy)]
struct Eight(__m256);

/// Sixteen numbers. Only `run_avx512` makes any.
#[derive(Clone, Copy)]
struct Sixteen(__m512);

/// The operations that both have under names of their own.
macro_rules! vector {
    ($type:ident, $lanes:literal, $rows:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident,
     $mul:ident, $div:ident, $max:ident, $min:ident, $sqrt:ident, $fma:ident, $positive:ident, $power:ident) => {
        // SAFETY of all blocks: a vector of this type is made only where the processor's instructions were
        // turned on, which asked for them first; pointers are the caller's promise.
        impl Simd<f32> for $type {
            const LANES: usize = $lanes;
            const ROWS: usize = $rows;

            #[inline(always)]
            fn splat(x: f32) -> Self {
                // SAFETY: see above.
                Self(unsafe { $splat(x) })
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: see above.
                Self(unsafe { $load(from) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: see above.
                unsafe { $store(to, self.0) }
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $sub(self.0, other.0) })
            }

            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $mul(self.0, other.0) })
            }

            #[inline(always)]
            fn div(self, other: Self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $div(self.0, other.0) })
            }

            #[inline(always)]
            fn max(self, other: Self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $max(self.0, other.0) })
            }

            #[inline(always)]
            fn min(self, other: Self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $min(self.0, other.0) })
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $sqrt(self.0) })
            }

            #[inline(always)]
            fn mul_add(self, factor: Self, term: Self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $fma(self.0, factor.0, term.0) })
            }

            #[inline(always)]
            fn positive(self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $positive(self.0) })
            }

            #[inline(always)]
            fn exp(self) -> Self {
                // In this order a number that is none stays one.
                let x = Self::splat(expf::LIMIT).min(Self::splat(-expf::LIMIT).max(self));
                // SAFETY: see above.
                let (n, power) = unsafe { $power(x.mul(Self::splat(expf::LOG2_E)).0) };
                expf::polynomial(expf::rest(x, Self(n))).mul(Self(power))
            }
        }
    };
}

/// The nearest whole number `n` of each, and `2^n`.
#[inline(always)]
unsafe fn power_eight(x: __m256) -> (__m256, __m256) {
    // SAFETY: the caller's.
    unsafe {
        let n = _mm256_cvtps_epi32(x);
        let power = _mm256_slli_epi32::<23>(_mm256_add_epi32(n, _mm256_set1_epi32(127)));
        (_mm256_cvtepi32_ps(n), _mm256_castsi256_ps(power))
    }
}

#[inline(always)]
unsafe fn power_sixteen(x: __m512) -> (__m512, __m512) {
    // SAFETY: the caller's.
    unsafe {
        let n = _mm512_cvtps_epi32(x);
        let power = _mm512_slli_epi32::<23>(_mm512_add_epi32(n, _mm512_set1_epi32(127)));
        (_mm512_cvtepi32_ps(n), _mm512_castsi512_ps(power))
    }
}

#[inline(always)]
unsafe fn positive_eight(x: __m256) -> __m256 {
    // SAFETY: the caller's.
    unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(x, _mm256_setzero_ps()), _mm256_set1_ps(1.0)) }
}

#[inline(always)]
unsafe fn positive_sixteen(x: __m512) -> __m512 {
    // SAFETY: the caller's.
    unsafe {
        let mask = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(x, _mm512_setzero_ps());
        _mm512_maskz_mov_ps(mask, _mm512_set1_ps(1.0))
    }
}

vector!(
    Eight,
    8,
    6,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    _mm256_max_ps,
    _mm256_min_ps,
    _mm256_sqrt_ps,
    _mm256_fmadd_ps,
    positive_eight,
    power_eight
);
vector!(
    Sixteen,
    16,
    8,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    _mm512_max_ps,
    _mm512_min_ps,
    _mm512_sqrt_ps,
    _mm512_fmadd_ps,
    positive_sixteen,
    power_sixteen
);
