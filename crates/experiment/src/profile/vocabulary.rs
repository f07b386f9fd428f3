//! How many words the data knows, how that grows, and how many of them cover how much.

use serde::Serialize;

/// How many words the data knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Vocabulary {
    /// Occurrences of words: cleaned, without links, mentions and emoji.
    pub tokens: u64,
    /// Distinct words.
    pub words: u64,
    /// Distinct words that occur once.
    pub once: u64,
    /// `once / words`, in `[0, 1]`.
    pub once_share: f64,
    /// Distinct words after so many tokens, texts in a seeded random order.
    pub growth: Vec<Growth>,
    /// Heaps' law `words = k · tokens^beta`, by least squares on the logarithms of `growth`
    /// (Heaps 1978); absent where there are fewer than three points.
    pub heaps: Option<Heaps>,
    /// What share of all tokens the most frequent words cover.
    pub coverage: Vec<Coverage>,
    /// The fewest words that cover 50, 90, 95 and 99 of 100 tokens.
    pub covering: Vec<Coverage>,
}

/// One point of the growth of a vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Growth {
    /// Words read.
    pub tokens: u64,
    /// Distinct words among them.
    pub words: u64,
}

/// Heaps' law fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Heaps {
    /// The factor.
    pub k: f64,
    /// The exponent; a natural language's is 0.4 to 0.8.
    pub beta: f64,
}

/// One point of the coverage curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coverage {
    /// The so many most frequent words.
    pub words: u64,
    /// What share of all tokens they are, in `[0, 1]`.
    pub share: f64,
}

/// About `count` whole numbers up to `most`, evenly spaced on a logarithmic axis, ascending.
pub(super) fn log_spaced(most: u64, count: u32) -> Vec<u64> {
    let mut points: Vec<u64> = (1..=count)
        .map(|i| (most as f64).powf(f64::from(i) / f64::from(count)).round() as u64)
        .filter(|&n| n >= 1 && n <= most)
        .collect();
    points.push(most);
    points.dedup();
    points.retain(|&n| n > 0);
    points.sort_unstable();
    points.dedup();
    points
}

/// Least squares of `ln words` on `ln tokens`, from a hundred tokens on: before that every word is
/// new.
pub(super) fn heaps(growth: &[Growth]) -> Option<Heaps> {
    let points: Vec<(f64, f64)> = growth
        .iter()
        .filter(|g| g.tokens >= 100 && g.words > 0)
        .map(|g| ((g.tokens as f64).ln(), (g.words as f64).ln()))
        .collect();
    if points.len() < 3 {
        return None;
    }
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let xx: f64 = points.iter().map(|p| (p.0 - mx).powi(2)).sum();
    let xy: f64 = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    if xx <= 0.0 {
        return None;
    }
    let beta = xy / xx;
    Some(Heaps { k: (my - beta * mx).exp(), beta })
}

/// The fewest words that cover `share` of all tokens.
pub(super) fn covering(descending: &[u64], tokens: u64, share: f64) -> Option<Coverage> {
    let mut sum = 0;
    let words = descending.iter().position(|count| {
        sum += count;
        sum as f64 >= share * tokens as f64
    })?;
    Some(Coverage { words: words as u64 + 1, share })
}

pub(super) fn coverage(descending: &[u64], tokens: u64) -> Vec<Coverage> {
    let points = log_spaced(descending.len() as u64, 40);
    let (mut points, mut sum) = (points.into_iter().peekable(), 0);
    let mut curve = Vec::new();
    for (words, count) in (1_u64..).zip(descending) {
        sum += count;
        if points.next_if_eq(&words).is_some() {
            curve.push(Coverage { words, share: sum as f64 / (tokens as f64).max(1.0) });
        }
    }
    curve
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heaps_finds_the_law_that_made_the_points() {
        let growth: Vec<Growth> = [100, 1_000, 10_000, 100_000, 1_000_000_u64]
            .map(|tokens| Growth { tokens, words: (7.0 * (tokens as f64).powf(0.55)).round() as u64 })
            .into();
        let found = heaps(&growth).unwrap();
        assert!((found.beta - 0.55).abs() < 1e-3 && (found.k - 7.0).abs() < 0.05, "{found:?}");
        assert_eq!(heaps(&growth[..2]), None);
    }

    #[test]
    fn coverage_ends_at_all_words_and_all_tokens() {
        let curve = coverage(&[6, 3, 1], 10);
        assert_eq!(curve.last(), Some(&Coverage { words: 3, share: 1.0 }));
        assert_eq!(curve[0], Coverage { words: 1, share: 0.6 });
        assert!(coverage(&[], 0).is_empty());
        assert_eq!(covering(&[6, 3, 1], 10, 0.9), Some(Coverage { words: 2, share: 0.9 }));
        assert_eq!(covering(&[], 0, 0.9), None);
    }
}
