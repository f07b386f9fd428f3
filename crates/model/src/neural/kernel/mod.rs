//! The arithmetic below the layers: vectors, matrix products, element by element work.
//!
//! One source for all processors: what is computed is written once over [`Simd`] and compiled for each
//! [`Kernel`]. This is the only place of `neural` with `unsafe`: vectors are read and written through
//! pointers, and instructions are run that the processor was asked for first.
//!
//! Products are ours, and not the `gemm` crate's: its sums are cut by the size of the machine's caches
//! and it chooses instructions itself, so a model would have other bytes on another machine, and no
//! run could be repeated on the kernel that it was made on (docs/decisions/0004-own-matrix-products.md).
#![allow(unsafe_code)]

mod elementwise;
mod plain;
mod products;
mod simd;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::fmt;

pub(crate) use elementwise::{
    AdamStep, adam, add_scaled, add_to, column_sums, lstm_cell, lstm_cell_back, maxima, relu, relu_back,
    square_sum,
};
pub(crate) use products::{Add, Packed, View, multiply, multiply_rows};
pub(crate) use simd::{Simd, get, put};

/// The instructions that networks are computed with. Results are the same bytes for the same kernel, and
/// differ in the last digits between kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kernel {
    /// Plain Rust, for any processor.
    Portable,
    /// AVX2 and FMA: 8 numbers at a time.
    Avx2,
    /// AVX-512: 16 numbers at a time.
    Avx512,
}

impl Kernel {
    /// All kernels, the slowest first.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The best kernel of this machine.
    pub fn detect() -> Self {
        Self::ALL.into_iter().rfind(|kernel| kernel.available()).unwrap_or(Self::Portable)
    }

    /// Whether this machine has it.
    pub fn available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86::has_avx2(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => x86::has_avx512(),
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}

/// A kernel that this machine has: only [`Chosen::new`] makes one, so instructions that are run through
/// it are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chosen(Kernel);

impl Chosen {
    /// `None` when this machine lacks `kernel`.
    pub(crate) fn new(kernel: Kernel) -> Option<Self> {
        kernel.available().then_some(Self(kernel))
    }

    /// The best kernel of this machine.
    pub(crate) fn best() -> Self {
        Self(Kernel::detect())
    }

    /// Which one it is.
    pub(crate) fn kernel(self) -> Kernel {
        self.0
    }
}

/// Work over numbers of type `R`, written for any vector.
pub(crate) trait Work<R> {
    type Out;
    fn run<S: Simd<R>>(self) -> Self::Out;
}

/// The numbers of a network: `f32`, and `f64` to test gradients with.
pub(crate) trait Real:
    Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + fmt::Debug
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::AddAssign
    + 'static
{
    const ZERO: Self;
    const ONE: Self;
    fn of(x: f64) -> Self;
    fn wide(self) -> f64;
    fn root(self) -> Self;

    /// Runs `work` with the vectors of `kernel`.
    fn dispatch<W: Work<Self>>(kernel: Chosen, work: W) -> W::Out;
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    fn of(x: f64) -> Self {
        x as f32
    }

    fn wide(self) -> f64 {
        f64::from(self)
    }

    fn root(self) -> Self {
        self.sqrt()
    }

    #[inline]
    fn dispatch<W: Work<Self>>(kernel: Chosen, work: W) -> W::Out {
        match kernel.0 {
            // SAFETY: a `Chosen` says that the processor has these instructions.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { x86::run_avx512(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { x86::run_avx2(work) },
            _ => work.run::<plain::Plain<Self>>(),
        }
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    fn of(x: f64) -> Self {
        x
    }

    fn wide(self) -> f64 {
        self
    }

    fn root(self) -> Self {
        self.sqrt()
    }

    fn dispatch<W: Work<Self>>(_: Chosen, work: W) -> W::Out {
        work.run::<plain::Plain<Self>>()
    }
}
