//! From one vector for each token to one for each text: the last, the mean, or the largest of each column.

use serde::{Deserialize, Serialize};

use crate::neural::kernel::{Chosen, Real, add_scaled, add_to, maxima};

/// Which vector stands for a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// The state after the last token: of the forward direction at the end, of the reverse one at the
    /// start of the text.
    #[default]
    Last,
    /// The mean over the text's own tokens; padding counts nothing.
    Mean,
    /// The largest of each column over the text's own tokens.
    Max,
}

/// Where a text's vectors stand in a matrix: vector `i` in row `rows[i]`.
pub(crate) type Places<'a> = &'a [u32];

/// The mean of the vectors at `places` of `x`, `[_, width]` → `y`, `[width]`.
pub(crate) fn mean<R: Real>(kernel: Chosen, x: &[R], places: Places<'_>, y: &mut [R]) {
    let width = y.len();
    y.fill(R::ZERO);
    for &at in places {
        add_to(kernel, y, &x[at as usize * width..][..width]);
    }
    let share = R::of(1.0 / places.len().max(1) as f64);
    y.iter_mut().for_each(|y| *y = *y * share);
}

/// `dx = dy / n` at each place.
pub(crate) fn mean_back<R: Real>(kernel: Chosen, dx: &mut [R], places: Places<'_>, dy: &[R]) {
    let width = dy.len();
    let share = R::of(1.0 / places.len().max(1) as f64);
    for &at in places {
        add_scaled(kernel, &mut dx[at as usize * width..][..width], share, dy);
    }
}

/// The largest of each column over `places`, the first of equals, `[width]`, and where it stands.
pub(crate) fn max<R: Real>(kernel: Chosen, x: &[R], places: Places<'_>, y: &mut [R], peaks: &mut [u32]) {
    let width = y.len();
    let Some((&first, rest)) = places.split_first() else {
        y.fill(R::ZERO);
        return;
    };
    y.copy_from_slice(&x[first as usize * width..][..width]);
    peaks.fill(first);
    for &at in rest {
        maxima(kernel, y, peaks, &x[at as usize * width..][..width], at);
    }
}

/// The gradient goes where the largest came from.
pub(crate) fn max_back<R: Real>(dx: &mut [R], places: Places<'_>, peaks: &[u32], dy: &[R]) {
    if !places.is_empty() {
        for (column, (&at, &dy)) in peaks.iter().zip(dy).enumerate() {
            dx[at as usize * peaks.len() + column] += dy;
        }
    }
}
