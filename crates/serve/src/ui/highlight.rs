//! The user's own text, cut where the model's tokens came from.

use sentimeter_model::explain::Explanation;

/// Of the strongest token's weight, what a token needs to be marked at all.
const LEAST: f64 = 0.15;

/// How strongly a part speaks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segment<'t> {
    /// The part of the text.
    pub(crate) text: &'t str,
    /// Positive speaks for the label, negative against it; from -4 to 4, 0 is unmarked.
    pub(crate) level: i8,
}

impl Segment<'_> {
    /// The class of its mark; empty without one.
    pub(crate) fn class(&self) -> String {
        match self.level {
            0 => String::new(),
            level if level > 0 => format!("for w{level}"),
            level => format!("against w{}", -level),
        }
    }
}

/// Cuts `text` by what each token added to `class` beyond what it added to the others.
pub(crate) fn segments<'t>(text: &'t str, explanation: &Explanation, class: usize) -> Vec<Segment<'t>> {
    // Tokens of one place (a hashtag's words) speak together.
    let mut spans: Vec<(usize, usize, f64)> = Vec::new();
    for token in &explanation.tokens {
        let (start, end) = (token.start as usize, token.end as usize);
        let others = token.logits.len().saturating_sub(1).max(1) as f64;
        let own = token.logits.get(class).copied().unwrap_or(0.0);
        let weight = own - (token.logits.iter().sum::<f64>() - own) / others;
        match spans.last_mut() {
            Some(last) if start < last.1 => {
                last.1 = last.1.max(end);
                last.2 += weight;
            }
            _ => spans.push((start, end, weight)),
        }
    }
    let most = spans.iter().fold(0.0, |most: f64, span| most.max(span.2.abs()));
    let mut segments = Vec::with_capacity(2 * spans.len() + 1);
    let mut at = 0;
    for (start, end, weight) in spans {
        let share = if most > 0.0 { weight / most } else { 0.0 };
        if share.abs() < LEAST {
            continue;
        }
        let (Some(before), Some(part)) = (text.get(at..start), text.get(start..end)) else { continue };
        if !before.is_empty() {
            segments.push(Segment { text: before, level: 0 });
        }
        segments.push(Segment { text: part, level: (share * 4.0).abs().ceil().copysign(share) as i8 });
        at = end;
    }
    if let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        segments.push(Segment { text: rest, level: 0 });
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use sentimeter_model::explain::Contribution;

    fn token(start: u32, end: u32, logits: &[f64]) -> Contribution {
        Contribution { token: String::new(), start, end, logits: logits.to_vec() }
    }

    #[test]
    fn marks_follow_the_weights_and_the_parts_make_the_text() {
        let text = "été nul, mais beau";
        let tokens = vec![
            token(0, 5, &[0.01, 0.0]),
            token(6, 9, &[1.0, -1.0]),
            token(16, 20, &[-0.3, 0.3]),
            token(17, 20, &[-0.2, 0.2]),
        ];
        let explanation = Explanation { bias: vec![0.0, 0.0], tokens };
        let parts = segments(text, &explanation, 0);
        let told: Vec<(&str, i8)> = parts.iter().map(|s| (s.text, s.level)).collect();
        assert_eq!(told, [("été ", 0), ("nul", 4), (", mais ", 0), ("beau", -2)]);
        assert_eq!(parts.iter().map(|s| s.text).collect::<String>(), text);
        let silent = segments(text, &Explanation { bias: vec![0.0; 2], tokens: Vec::new() }, 1);
        assert_eq!(silent, [Segment { text, level: 0 }]);
    }
}
