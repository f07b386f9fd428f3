//! Which language a short text is written in.

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
