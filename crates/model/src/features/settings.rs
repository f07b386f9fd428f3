//! Which n-grams become features, and how they are weighed.

use serde::{Deserialize, Serialize};

use crate::SettingError;

/// How a row is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Absolute values sum to 1.
    L1,
    /// Squares sum to 1.
    L2,
    /// As it is.
    None,
}

impl Norm {
    /// What a value adds to the sum that [`Norm::scale`] takes.
    #[inline]
    pub(crate) fn part(self, value: f64) -> f64 {
        match self {
            Self::L1 => value,
            Self::L2 => value * value,
            Self::None => 0.0,
        }
    }

    /// What the values, none of them negative, are multiplied with.
    #[inline]
    pub(crate) fn scale(self, sum: f64) -> f64 {
        match self {
            _ if sum == 0.0 => 1.0,
            Self::L1 => 1.0 / sum,
            Self::L2 => 1.0 / sum.sqrt(),
            Self::None => 1.0,
        }
    }
}

/// A bound on document frequency: a whole number counts texts, a fraction is a share of them
/// (scikit-learn's convention: `1` is one text, `1.0` all of them).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a whole number of texts or a share from 0.0 to 1.0")]
pub enum Frequency {
    /// Texts.
    Count(u32),
    /// Share of the texts, in `[0, 1]`.
    Share(f64),
}

impl Frequency {
    /// The bound in texts, of `texts` in all; not rounded, as in scikit-learn.
    pub(crate) fn of(self, texts: usize) -> f64 {
        match self {
            Self::Count(count) => f64::from(count),
            #[allow(clippy::cast_precision_loss)]
            Self::Share(share) => share * texts as f64,
        }
    }
}

/// Settings of the vectoriser; the names are scikit-learn's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Word n-grams, shortest and longest, `[1, 2]`; none when absent.
    #[serde(with = "range")]
    pub words: Option<[u8; 2]>,
    /// Character n-grams inside word boundaries (`char_wb`), shortest and longest; none when absent.
    #[serde(with = "range")]
    pub chars: Option<[u8; 2]>,
    /// Drop n-grams in fewer texts.
    pub min_df: Frequency,
    /// Drop n-grams in more texts.
    pub max_df: Frequency,
    /// Keep at most this many n-grams of each kind (word, character), the most frequent; 0 is all.
    pub max_features: u32,
    /// `min_df` of character n-grams; that of words when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub char_min_df: Option<Frequency>,
    /// `max_features` of character n-grams; that of words when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub char_max_features: Option<u32>,
    /// `1 + ln(count)` in place of the count.
    pub sublinear_tf: bool,
    /// Act as if one more text held every n-gram once: no division by zero.
    pub smooth_idf: bool,
    /// How each kind's part of a row is scaled.
    pub norm: Norm,
}

/// `[]` or absence is no n-grams: TOML has no null to override a default with.
mod range {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(range: &Option<[u8; 2]>, s: S) -> Result<S::Ok, S::Error> {
        range.as_ref().map_or(&[][..], |r| &r[..]).serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<[u8; 2]>, D::Error> {
        match Vec::<u8>::deserialize(d)?[..] {
            [] => Ok(None),
            [least, most] => Ok(Some([least, most])),
            ref other => Err(serde::de::Error::invalid_length(other.len(), &"[] or [shortest, longest]")),
        }
    }
}

impl Default for Settings {
    /// scikit-learn's `TfidfVectorizer()`: single words, all of them.
    fn default() -> Self {
        Self {
            words: Some([1, 1]),
            chars: None,
            min_df: Frequency::Count(1),
            max_df: Frequency::Share(1.0),
            max_features: 0,
            char_min_df: None,
            char_max_features: None,
            sublinear_tf: false,
            smooth_idf: true,
            norm: Norm::L2,
        }
    }
}

/// Longest n-gram of words or characters.
pub(crate) const LONGEST: u8 = 8;

impl Settings {
    /// Term frequency of an n-gram that occurs `count` times.
    #[inline]
    pub(crate) fn term_frequency(&self, count: u32) -> f64 {
        let count = f64::from(count);
        // Most n-grams occur once, and 1 + ln 1 is 1.
        if self.sublinear_tf && count > 1.0 { 1.0 + libm::log(count) } else { count }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), SettingError> {
        for (name, range) in [("features.words", self.words), ("features.chars", self.chars)] {
            if let Some([least, most]) = range
                && !(1 <= least && least <= most && most <= LONGEST)
            {
                return Err(SettingError::new(
                    name,
                    "[shortest, longest] with 1 ≤ shortest ≤ longest ≤ 8",
                    format!("[{least}, {most}]"),
                ));
            }
        }
        if self.words.is_none() && self.chars.is_none() {
            return Err(SettingError::new("features.words", "given when features.chars is not", "absent"));
        }
        let char_min_df = self.char_min_df.unwrap_or(self.min_df);
        for (name, bound) in [
            ("features.min_df", self.min_df),
            ("features.max_df", self.max_df),
            ("features.char_min_df", char_min_df),
        ] {
            if let Frequency::Share(share) = bound
                && !(0.0..=1.0).contains(&share)
            {
                return Err(SettingError::new(
                    name,
                    "a whole number of texts or a share from 0.0 to 1.0",
                    share,
                ));
            }
        }
        Ok(())
    }
}
