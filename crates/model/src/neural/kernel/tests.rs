use super::simd::{get, put, sigmoid, tanh};
use super::*;

/// Numbers within ±1 that look random.
pub(crate) fn noise<R: Real>(len: usize, seed: u64) -> Vec<R> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            R::of((state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
        })
        .collect()
}

/// The kernels that this machine has; the others are named on stderr.
pub(crate) fn kernels() -> Vec<Chosen> {
    Kernel::ALL
        .into_iter()
        .filter_map(|kernel| {
            let chosen = Chosen::new(kernel);
            if chosen.is_none() {
                eprintln!("skipped: this processor has no {kernel}");
            }
            chosen
        })
        .collect()
}

const SIZES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [1, 64, 256],
    [2, 7, 300],
    [3, 5, 31],
    [7, 33, 32],
    [8, 128, 33],
    [13, 100, 64],
    [131, 20, 17],
    [300, 129, 65],
];

#[test]
fn a_product_is_what_three_loops_give() {
    for kernel in kernels() {
        for [m, k, n] in SIZES {
            let (a, b, row) = (noise::<f32>(m * k, 1), noise::<f32>(k * n, 2), noise::<f32>(n, 3));
            let start = noise::<f32>(m * n, 4);
            let want = |i: usize, j: usize| -> f64 {
                (0..k).map(|x| f64::from(a[i * k + x]) * f64::from(b[x * n + j])).sum()
            };
            let mut packed = Packed::new(kernel);
            packed.pack(k, n, &b);
            for (name, add) in [("nothing", Add::Nothing), ("target", Add::Target), ("row", Add::Row(&row))] {
                let mut c = start.clone();
                multiply(m, View::new(&a, k), &packed, &mut c, n, add);
                for i in 0..m {
                    for j in 0..n {
                        let more = match add {
                            Add::Nothing => 0.0,
                            Add::Target => start[i * n + j],
                            Add::Row(row) => row[j],
                        };
                        let (got, want) = (f64::from(c[i * n + j]), want(i, j) + f64::from(more));
                        let far = (got - want).abs();
                        assert!(
                            far < 1e-5 * (k as f64).max(4.0),
                            "{kernel:?} [{m},{k},{n}] + {name}: {got} {want}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_product_of_rows_is_what_three_loops_give() {
    for kernel in kernels() {
        for [m, k, n] in SIZES {
            let (a, b) = (noise::<f32>(k * m, 1), noise::<f32>(k * n, 2));
            let mut c = noise::<f32>(m * n, 4);
            let start = c.clone();
            multiply_rows(kernel, [k, m, n], View::new(&a, m), View::new(&b, n), &mut c);
            for i in 0..m {
                for j in 0..n {
                    let sum: f64 = (0..k).map(|x| f64::from(a[x * m + i]) * f64::from(b[x * n + j])).sum();
                    let want = sum + f64::from(start[i * n + j]);
                    assert!((f64::from(c[i * n + j]) - want).abs() < 1e-4, "{kernel:?} [{m},{k},{n}]");
                }
            }
        }
    }
}

#[test]
fn a_row_is_multiplied_alike_alone_and_among_others() {
    for kernel in kernels() {
        let (m, k, n) = (21, 70, 150);
        let (a, b) = (noise::<f32>(m * k, 5), noise::<f32>(k * n, 6));
        let mut packed = Packed::new(kernel);
        packed.pack(k, n, &b);
        let mut all = vec![0.0; m * n];
        multiply(m, View::new(&a, k), &packed, &mut all, n, Add::Nothing);
        for i in 0..m {
            let mut one = vec![0.0; n];
            multiply(1, View::new(&a[i * k..], k), &packed, &mut one, n, Add::Nothing);
            assert_eq!(one, all[i * n..(i + 1) * n], "{kernel:?} row {i}");
        }
    }
}

#[test]
fn rows_that_overlap_are_windows() {
    for kernel in kernels() {
        // Three windows of two rows of [1, 2], [3, 4], [5, 6], [7, 8], and a weight of ten for the second row.
        let x = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let mut packed = Packed::new(kernel);
        packed.pack(4, 1, &[1.0, 1.0, 10.0, 10.0]);
        let mut c = [0.0; 3];
        multiply(3, View::new(&x, 2), &packed, &mut c, 1, Add::Nothing);
        assert_eq!(c, [73.0, 117.0, 161.0]);
    }
}

/// Applies a function of vectors to numbers.
struct Apply<'a, const WHICH: u8>(&'a mut [f32]);

impl<const WHICH: u8> Work<f32> for Apply<'_, WHICH> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd<f32>>(self) {
        for j in (0..self.0.len()).step_by(S::LANES) {
            let x: S = get(&self.0[j..]);
            let y = match WHICH {
                0 => x.exp(),
                1 => sigmoid(x),
                _ => tanh(x),
            };
            put(y, &mut self.0[j..]);
        }
    }
}

#[test]
fn exponentials_are_right_to_a_millionth_and_keep_what_is_no_number() {
    let x: Vec<f32> = (-2000..=2000).map(|i| i as f32 * 0.04).collect();
    for kernel in kernels() {
        let apply = |which: u8, x: &[f32]| {
            let mut y = x.to_vec();
            match which {
                0 => f32::dispatch(kernel, Apply::<0>(&mut y)),
                1 => f32::dispatch(kernel, Apply::<1>(&mut y)),
                _ => f32::dispatch(kernel, Apply::<2>(&mut y)),
            }
            y
        };
        let near = |name: &str, got: &[f32], want: &dyn Fn(f64) -> f64, relative: bool| {
            for (&x, &got) in x.iter().zip(got) {
                let want = want(f64::from(x));
                let far = (f64::from(got) - want).abs() / if relative { want } else { 1.0 };
                assert!(far < 1e-6, "{kernel:?} {name}({x}) = {got}, not {want}");
            }
        };
        near("exp", &apply(0, &x), &f64::exp, true);
        near("sigmoid", &apply(1, &x), &|x| 1.0 / (1.0 + (-x).exp()), false);
        near("tanh", &apply(2, &x), &f64::tanh, false);
        for which in 0..3 {
            let odd = apply(which, &[f32::NAN, 1e30, -1e30]);
            assert!(odd[0].is_nan() && odd[1].is_finite() && odd[2].is_finite(), "{kernel:?}: {odd:?}");
        }
    }
}

#[test]
fn a_kernel_that_is_not_there_is_not_chosen() {
    assert!(Chosen::new(Kernel::Portable).is_some());
    assert!(Chosen::best().kernel().available());
    for kernel in Kernel::ALL {
        assert_eq!(Chosen::new(kernel).is_some(), kernel.available());
    }
}
