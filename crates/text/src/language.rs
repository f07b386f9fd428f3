//! Which language a short text is written in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The languages that Sentimeter knows, and everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
    /// Arabic, in Arabic script.
    Ar,
    /// Any other language, or no language at all.
    Other,
}

impl Language {
    /// The ISO 639-1 code, or `other`: what [`FromStr`] reads and files and interfaces write.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::Ar => "ar",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// A name that is none of the four codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown language {0:?}: choose en, fr, ar or other")]
pub struct UnknownLanguage(String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(name: &str) -> Result<Self, UnknownLanguage> {
        [Self::En, Self::Fr, Self::Ar, Self::Other]
            .into_iter()
            .find(|language| language.code() == name)
            .ok_or_else(|| UnknownLanguage(name.to_owned()))
    }
}

/// A language and how sure the detector is, in `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// The most likely language.
    pub language: Language,
    /// Its probability.
    pub confidence: f32,
}

/// Detects the language of `raw`.
pub fn detect(raw: &str) -> Detection {
    let _ = raw;
    Detection {
        language: Language::En,
        confidence: 0.0,
    }
}
