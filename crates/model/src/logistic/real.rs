//! The precision that the optimiser's large arrays are kept in.

use std::ops::{Add, AddAssign, Mul};

/// A floating-point type. Sums over many entries and all scalars are `f64` either way; what differs
/// is what stands in memory, where single precision is half of the traffic.
pub(super) trait Real:
    Copy + Default + Send + Sync + Add<Output = Self> + Mul<Output = Self> + AddAssign + 'static
{
    /// The nearest value.
    fn of(x: f64) -> Self;
    /// Exact from single precision.
    fn of_single(x: f32) -> Self;
    /// Exact.
    fn wide(self) -> f64;
}

impl Real for f32 {
    #[inline(always)]
    fn of(x: f64) -> Self {
        x as Self
    }
    #[inline(always)]
    fn of_single(x: f32) -> Self {
        x
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    #[inline(always)]
    fn of(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn of_single(x: f32) -> Self {
        Self::from(x)
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
}
