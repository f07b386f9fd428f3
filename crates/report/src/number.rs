//! Numbers as people read them.

/// How a number is written. Groups of three digits are set apart by a narrow no-break space (ISO 80000-1), which
/// reads the same in English, French and Arabic; a minus is a minus sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Number {
    /// Whole numbers in full: `1 600 000`.
    #[default]
    Count,
    /// Whole numbers of which the magnitude matters: `1.6 M`, `25 k`, `840`.
    Compact,
    /// A share from 0 to 1 as percent, with so many decimals: `79.5 %`.
    Percent(u8),
    /// With so many decimals: `0.795`.
    Decimal(u8),
    /// As many decimals as are needed, at most four: `0.25`, `3`.
    Plain,
}

/// Sets groups of three digits apart.
const GROUP: char = '\u{202f}';
/// Between number and unit.
const UNIT: char = '\u{a0}';

impl Number {
    /// The number as text; what is not finite is `–`.
    pub fn show(self, value: f64) -> String {
        if !value.is_finite() {
            return "–".into();
        }
        match self {
            Self::Count => grouped(value, 0),
            Self::Compact => compact(value),
            Self::Percent(decimals) => percent(value, decimals),
            Self::Decimal(decimals) => grouped(value, decimals),
            Self::Plain => plain(value),
        }
    }

    /// The same way of writing, with as few decimals as tell ticks `step` apart.
    pub(crate) fn for_step(self, step: f64, largest: f64) -> Self {
        let decimals = |step: f64| {
            let digits = -(step.abs().max(1e-9).log10() + 1e-9).floor();
            let exact = |d: f64| (step * 10f64.powf(d) - (step * 10f64.powf(d)).round()).abs() < 1e-6;
            (digits.max(0.0) as u8..=9).find(|&d| exact(f64::from(d))).unwrap_or(9)
        };
        match self {
            Self::Percent(_) => Self::Percent(decimals(step * 100.0)),
            Self::Count | Self::Compact if largest >= 100_000.0 => Self::Compact,
            Self::Count | Self::Compact => Self::Count,
            Self::Decimal(_) | Self::Plain => Self::Decimal(decimals(step)),
        }
    }
}

/// Something is never nothing, and all but a few is never all: `< 0.1 %`, `> 99.9 %`.
fn percent(share: f64, decimals: u8) -> String {
    let hair = 10f64.powi(-i32::from(decimals));
    let (sign, value) = match share * 100.0 {
        value if value > 0.0 && value < hair / 2.0 => ("<\u{a0}", hair),
        value if value < 100.0 && value > 100.0 - hair / 2.0 => (">\u{a0}", 100.0 - hair),
        value => ("", value),
    };
    format!("{sign}{}{UNIT}%", grouped(value, decimals))
}

/// `value` with groups and decimals; absurdly large values fall back to powers of ten.
fn grouped(value: f64, decimals: u8) -> String {
    if value.abs() >= 1e15 {
        return format!("{value:.2e}").replace('-', "−");
    }
    let text = format!("{:.*}", usize::from(decimals), value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::with_capacity(text.len() + 8);
    if value < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        out.push('−');
    }
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(GROUP);
        }
        out.push(digit);
    }
    out + rest
}

fn plain(value: f64) -> String {
    let text = grouped(value, 4);
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}

fn compact(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 999_500_000.0 => (value / 1e9, "G"),
        size if size >= 999_500.0 => (value / 1e6, "M"),
        size if size >= 10_000.0 => (value / 1e3, "k"),
        _ => return plain((value * 100.0).round() / 100.0),
    };
    let rounded = if scaled.abs() >= 100.0 { scaled.round() } else { (scaled * 100.0).round() / 100.0 };
    format!("{}{UNIT}{unit}", plain(rounded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (number, value, want) in [
            (Number::Count, 1_600_000.0, "1\u{202f}600\u{202f}000"),
            (Number::Count, -999.6, "−1\u{202f}000"),
            (Number::Count, -0.2, "0"),
            (Number::Count, f64::NAN, "–"),
            (Number::Compact, 1_600_000.0, "1.6\u{a0}M"),
            (Number::Compact, 25_000.0, "25\u{a0}k"),
            (Number::Compact, 9_999.0, "9\u{202f}999"),
            (Number::Compact, 999_700.0, "1\u{a0}M"),
            (Number::Percent(1), 0.795, "79.5\u{a0}%"),
            (Number::Percent(1), 0.999_99, ">\u{a0}99.9\u{a0}%"),
            (Number::Percent(1), 0.000_01, "<\u{a0}0.1\u{a0}%"),
            (Number::Percent(1), 1.0, "100.0\u{a0}%"),
            (Number::Decimal(3), 0.795_04, "0.795"),
            (Number::Plain, 0.250, "0.25"),
            (Number::Plain, 1e300, "1.00e300"),
        ] {
            assert_eq!(number.show(value), want);
        }
    }

    #[test]
    fn ticks_have_the_decimals_they_need() {
        for (step, want) in [(0.25, "0.25"), (0.5, "0.5"), (1.0, "1"), (0.1, "0.1"), (0.002, "0.002")] {
            assert_eq!(Number::Plain.for_step(step, 1.0).show(step), want);
        }
        assert_eq!(Number::Percent(1).for_step(0.2, 1.0).show(0.2), "20\u{a0}%");
        assert_eq!(Number::Percent(0).for_step(0.005, 1.0).show(0.005), "0.5\u{a0}%");
    }
}
