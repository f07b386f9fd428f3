//! How far the probabilities are from what came true.

/// Mean of `-ln p` of the true class, in nats; `probs` clipped to `ε..=1-ε` with the ε of 64-bit floats,
/// as scikit-learn's `log_loss` does on 64-bit input.
pub(super) fn log_loss(truth: &[u16], probs: &[f32], classes: usize) -> f64 {
    let of_truth = probs.chunks_exact(classes).zip(truth).map(|(row, &t)| f64::from(row[usize::from(t)]));
    let sum: f64 = of_truth.map(|p| -libm::log(p.clamp(f64::EPSILON, 1.0 - f64::EPSILON))).sum();
    sum / truth.len() as f64
}

/// Brier's score (1950), lower is better.
///
/// Binary: mean of `(p - t)²` of the last class, 0..=1, as scikit-learn's `brier_score_loss`.
/// Multiclass: the squares summed over classes, 0..=2, as Brier defined it (scikit-learn's
/// `scale_by_half="auto"`).
pub(super) fn brier(truth: &[u16], probs: &[f32], classes: usize) -> f64 {
    let first = if classes == 2 { 1 } else { 0 };
    let sum: f64 = probs
        .chunks_exact(classes)
        .zip(truth)
        .map(|(row, &t)| {
            let square = |k: usize| (f64::from(row[k]) - f64::from(u8::from(k == usize::from(t)))).powi(2);
            (first..classes).map(square).sum::<f64>()
        })
        .sum();
    sum / truth.len() as f64
}

/// Expected calibration error, 0..=1: `Σ |B|/n · |accuracy(B) - confidence(B)|` over `bins` bins of equal
/// width, `((b-1)/bins, b/bins]`, of the winning class's probability
/// (Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3).
///
/// `predicted` is the winner of each row.
pub(super) fn calibration_error(
    truth: &[u16],
    predicted: &[u16],
    probs: &[f32],
    classes: usize,
    bins: usize,
) -> f64 {
    // per bin: rows right minus confidence, whose absolute value is |B| · |accuracy - confidence|
    let mut gaps = vec![0.0_f64; bins];
    for ((row, &t), &winner) in probs.chunks_exact(classes).zip(truth).zip(predicted) {
        let confidence = f64::from(row[usize::from(winner)]);
        let bin = (confidence * bins as f64).ceil() as usize;
        gaps[bin.clamp(1, bins) - 1] += f64::from(u8::from(t == winner)) - confidence;
    }
    gaps.iter().map(|gap| gap.abs()).sum::<f64>() / truth.len() as f64
}
