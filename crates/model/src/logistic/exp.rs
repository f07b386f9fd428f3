//! `eˣ` for many numbers at once.

use std::f64::consts::LOG2_E;

/// 1.5 · 2⁵²: added to a number below 2⁵¹ in size, it leaves the nearest whole number in the low
/// bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// ln 2 in two parts; the first has so few bits that its products with exponents are exact.
const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Replaces each `x` by `e⁻|ˣ|`, to 4 units in the last place; below `e⁻⁷⁰⁰` it answers `e⁻⁷⁰⁰`,
/// about 10⁻³⁰⁴. A NaN stays one.
///
/// `libm::exp` takes one number and branches; here every step is an addition, a multiplication or
/// a shift, so that the compiler can do several numbers at once, and every machine has the same bits.
/// Reduction by Cody & Waite (Software Manual for the Elementary Functions, 1980, chapter 6), then
/// the Taylor series to the 11th power: its remainder over |r| ≤ ln 2 / 2 is 6 · 10⁻¹⁵ of the value.
#[inline]
pub(crate) fn exp_of_minus_abs(numbers: &mut [f64]) {
    for x in numbers {
        let least = (-x.abs()).max(-700.0);
        // `max` takes the number where the other is not one.
        let at = if x.is_nan() { *x } else { least };
        let shifted = at * LOG2_E + ROUND;
        let k = shifted - ROUND;
        let r = (at - k * LN2_HIGH) - k * LN2_LOW;
        let series = [
            1.0 / 39_916_800.0,
            1.0 / 3_628_800.0,
            1.0 / 362_880.0,
            1.0 / 40_320.0,
            1.0 / 5_040.0,
            1.0 / 720.0,
            1.0 / 120.0,
            1.0 / 24.0,
            1.0 / 6.0,
            0.5,
            1.0,
            1.0,
        ];
        let power = series.into_iter().fold(0.0, |sum, coefficient| sum * r + coefficient);
        // 2ᵏ times `power`, which lies between 0.7 and 1.5: k goes onto its exponent. A normal number
        // stays one, as k is at least -1010.
        *x = f64::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 52));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_libms_to_a_few_units(x in prop_oneof![-700.0..700.0_f64, -1.0..1.0_f64, -1e-9..1e-9_f64]) {
            let mut found = [x];
            exp_of_minus_abs(&mut found);
            let expected = libm::exp(-x.abs());
            prop_assert!((found[0] / expected - 1.0).abs() < 1e-14, "{x}: {} {expected}", found[0]);
            prop_assert!(found[0] <= 1.0);
        }
    }

    #[test]
    fn the_ends_are_finite() {
        let mut at = [0.0, -0.0, f64::INFINITY, -1e300, 701.0, f64::NAN];
        exp_of_minus_abs(&mut at);
        assert_eq!(at[..2], [1.0, 1.0]);
        assert!(at[2..5].iter().all(|&x| x > 0.0 && x < 1e-300), "{at:?}");
        assert!(at[5].is_nan());
    }
}
