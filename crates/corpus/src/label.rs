//! Labels as written become classes: by the user's map, or by what the set of them looks like.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::options::Format;

/// Rules from labels as written to classes; the first that takes a label wins.
///
/// Written as `0=negative,4=positive`. A label matches by its text, case and surrounding space
/// aside, or by its number (`1` takes `1.0`). `1..2=negative` takes numbers from 1 to 2, both
/// included; an end may be left open (`..-0.2=negative`). `*=other` takes the rest. A comma or
/// equals sign inside a label is written `\,` and `\=`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabelMap {
    written: String,
    rules: Vec<(Pattern, String)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Pattern {
    /// Lower-cased, and its number if it is one.
    Value(String, Option<f64>),
    /// Both ends included.
    Range(f64, f64),
    Rest,
}

/// Why a label map cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("label map rule {rule:?}: {reason}; write rules like \"0=negative,1..2=negative,pos=positive\"")]
pub struct LabelMapError {
    rule: String,
    reason: &'static str,
}

impl LabelMap {
    /// The class of a label as written; `None` where no rule takes it.
    pub fn class(&self, raw: &str) -> Option<&str> {
        let raw = raw.trim();
        let number = number(raw);
        let folded = raw.to_lowercase();
        self.rules
            .iter()
            .find(|(pattern, _)| match pattern {
                Pattern::Value(value, n) => *value == folded || (n.is_some() && *n == number),
                Pattern::Range(low, high) => number.is_some_and(|n| *low <= n && n <= *high),
                Pattern::Rest => true,
            })
            .map(|(_, class)| class.as_str())
    }
}

/// A finite number, or `None`.
pub(crate) fn number(raw: &str) -> Option<f64> {
    raw.trim().parse().ok().filter(|n: &f64| n.is_finite())
}

impl FromStr for LabelMap {
    type Err = LabelMapError;

    fn from_str(written: &str) -> Result<Self, LabelMapError> {
        let mut rules = Vec::new();
        for rule in split_escaped(written, ',') {
            let fault = |reason| LabelMapError { rule: rule.clone(), reason };
            let sides = split_escaped(&rule, '=');
            let [from, to] = sides.as_slice() else {
                return Err(fault("expected one label and one class with = between them"));
            };
            let (from, to) = (unescape(from), unescape(to));
            if to.is_empty() {
                return Err(fault("the class is empty"));
            }
            let from = Pattern::parse(&from).map_err(fault)?;
            // The first rule that takes a label wins: a second one for the same would never be asked.
            if rules.iter().any(|(other, class)| *other == from && *class != to) {
                return Err(fault("an earlier rule gives the same label another class"));
            }
            rules.push((from, to));
        }
        Ok(Self { written: written.to_owned(), rules })
    }
}

impl Pattern {
    fn parse(from: &str) -> Result<Self, &'static str> {
        if from == "*" {
            return Ok(Self::Rest);
        }
        let end = |raw: &str, open: f64| match raw.trim() {
            "" => Some(open),
            raw => number(raw),
        };
        if let Some((low, high)) = from.split_once("..")
            && let Some(low) = end(low, f64::NEG_INFINITY)
            && let Some(high) = end(high, f64::INFINITY)
        {
            return if low <= high {
                Ok(Self::Range(low, high))
            } else {
                Err("the range's first number is above its second")
            };
        }
        Ok(Self::Value(from.to_lowercase(), number(from)))
    }
}

/// Splits at `at`, except where a backslash stands before it; backslashes stay.
fn split_escaped(raw: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in raw.chars() {
        if c == at && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

fn unescape(raw: &str) -> String {
    raw.trim().replace("\\,", ",").replace("\\=", "=")
}

impl TryFrom<String> for LabelMap {
    type Error = LabelMapError;

    fn try_from(written: String) -> Result<Self, LabelMapError> {
        written.parse()
    }
}

impl From<LabelMap> for String {
    fn from(map: LabelMap) -> Self {
        map.written
    }
}

impl fmt::Display for LabelMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

const NEGATIVE: &str = "negative";
const NEUTRAL: &str = "neutral";
const POSITIVE: &str = "positive";

/// What people call the three classes in English, French and Arabic.
const NAMES: [(&str, &[&str]); 3] = [
    (NEGATIVE, &["negative", "neg", "n\u{e9}gatif", "n\u{e9}gative", "negatif", "bad", "سلبي", "سلبية"]),
    (NEUTRAL, &["neutral", "neu", "neut", "neutre", "محايد", "محايدة"]),
    (POSITIVE, &["positive", "pos", "positif", "good", "إيجابي", "ايجابي", "إيجابية", "ايجابية"]),
];

/// The class that `raw` names in one of our languages.
pub(crate) fn named_class(raw: &str) -> Option<&'static str> {
    let raw = raw.trim().to_lowercase();
    NAMES.iter().find(|(_, names)| names.contains(&raw.as_str())).map(|(class, _)| *class)
}

/// Whether `raw` is how tables write that a row has no label.
pub(crate) fn is_missing(raw: &str) -> bool {
    const MISSING: [&str; 6] = ["nan", "null", "n/a", "na", "<na>", "#n/a"];
    MISSING.iter().any(|m| raw.eq_ignore_ascii_case(m))
}

/// What a set of labels was taken for.
#[derive(Debug, PartialEq)]
pub(crate) struct GuessedMap {
    /// The class of each label, in the order of the set.
    pub(crate) classes: Vec<Option<String>>,
    /// Why, for people.
    pub(crate) said: String,
}

/// Maps the set of labels `raw` to classes without a user's map.
///
/// `format` settles what is ambiguous by itself: a lone `1`, or 0, 1, 2.
pub(crate) fn guess(raw: &[String], format: Option<Format>) -> GuessedMap {
    if !raw.is_empty() && raw.iter().all(|r| named_class(r).is_some()) {
        let classes = raw.iter().map(|r| named_class(r).map(str::to_owned)).collect();
        return GuessedMap { classes, said: "labels are names of the three classes".to_owned() };
    }
    let numbers: Vec<Option<f64>> = raw.iter().map(|r| number(r)).collect();
    let known: Vec<f64> = numbers.iter().copied().flatten().collect();
    if known.len() == raw.len()
        && let Some((said, rule)) = scale(&known, format)
    {
        let classes = known.iter().map(|&n| rule(n).map(str::to_owned)).collect();
        return GuessedMap { classes, said };
    }
    // A few odd ones among labels that are known do not make the others unknown.
    let names: Vec<_> = raw.iter().map(|r| named_class(r).map(str::to_owned)).collect();
    let mut named: Vec<&String> = names.iter().flatten().collect();
    let found = named.len();
    named.sort_unstable();
    named.dedup();
    if named.len() >= 2 && found * 2 >= raw.len() {
        return with_odd_ones(raw, names, "labels are names of the three classes");
    }
    let odd = raw.len() - known.len();
    if odd * 2 <= known.len()
        && let Some((said, rule)) = scale(&known, format)
    {
        let classes = numbers.iter().map(|n| n.and_then(rule).map(str::to_owned)).collect();
        return with_odd_ones(raw, classes, &said);
    }
    GuessedMap {
        classes: raw.iter().map(|r| Some(as_written(r))).collect(),
        said: format!("labels kept as they are written ({}); --map renames, merges or drops them", list(raw)),
    }
}

/// The class of a label that no rule knows: itself, but for the case of our own names.
fn as_written(raw: &str) -> String {
    let raw = raw.trim();
    let own = [NEGATIVE, NEUTRAL, POSITIVE].into_iter().find(|name| name.eq_ignore_ascii_case(raw));
    own.unwrap_or(raw).to_owned()
}

/// Labels of which `known` holds a class or nothing; the others stay classes of their own.
fn with_odd_ones(raw: &[String], known: Vec<Option<String>>, said: &str) -> GuessedMap {
    let odd: Vec<String> =
        raw.iter().zip(&known).filter(|(_, class)| class.is_none()).map(|(r, _)| r.clone()).collect();
    let classes = raw.iter().zip(known).map(|(r, class)| class.or_else(|| Some(as_written(r)))).collect();
    let said = format!(
        "{said}; not recognised and kept as classes of their own: {}; --map renames, merges or drops them",
        list(&odd)
    );
    GuessedMap { classes, said }
}

type Rule = fn(f64) -> Option<&'static str>;

/// The rule for a set of numbers, if it is one that is known.
fn scale(numbers: &[f64], format: Option<Format>) -> Option<(String, Rule)> {
    let within = |set: &[f64]| numbers.iter().all(|n| set.contains(n));
    let has = |n: f64| numbers.contains(&n);
    let max = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let said = |what: &str| format!("labels read as {what}; --map overrides");
    let stars: Rule = |n| {
        Some(if n <= 2.0 {
            NEGATIVE
        } else if n < 4.0 {
            NEUTRAL
        } else {
            POSITIVE
        })
    };
    if format == Some(Format::Reviews) && within_scale(numbers, 5.0) {
        return Some((said("stars (up to 2 negative, from 4 positive)"), stars));
    }
    if format == Some(Format::Tweeteval) && within(&[0.0, 1.0, 2.0])
        || within(&[0.0, 1.0, 2.0]) && has(2.0) && has(1.0) && has(0.0)
    {
        let rule: Rule = |n| [NEGATIVE, NEUTRAL, POSITIVE].get(n as usize).copied();
        return Some((said("0 negative, 1 neutral, 2 positive (TweetEval's numbers)"), rule));
    }
    if within(&[0.0, 2.0, 4.0]) && (has(4.0) || format == Some(Format::Sentiment140)) {
        let rule: Rule = |n| [NEGATIVE, NEUTRAL, POSITIVE].get(n as usize / 2).copied();
        return Some((said("0 negative, 2 neutral, 4 positive (Sentiment140's numbers)"), rule));
    }
    if format == Some(Format::Survey)
        && max > 5.0
        && numbers.iter().all(|&n| (0.0..=10.0).contains(&n) && n.fract() == 0.0)
    {
        let rule: Rule = |n| {
            Some(if n <= 6.0 {
                NEGATIVE
            } else if n < 9.0 {
                NEUTRAL
            } else {
                POSITIVE
            })
        };
        return Some((said("a recommendation score (up to 6 negative, from 9 positive)"), rule));
    }
    if within(&[0.0, 1.0]) {
        let rule: Rule = |n| Some(if n == 0.0 { NEGATIVE } else { POSITIVE });
        return Some((said("0 negative, 1 positive"), rule));
    }
    if within(&[-1.0, 0.0, 1.0]) {
        let rule: Rule = |n| {
            Some(if n < 0.0 {
                NEGATIVE
            } else if n == 0.0 {
                NEUTRAL
            } else {
                POSITIVE
            })
        };
        return Some((said("-1 negative, 0 neutral, 1 positive"), rule));
    }
    if within_scale(numbers, 5.0) && max > 2.0 {
        return Some((said("stars (up to 2 negative, from 4 positive)"), stars));
    }
    if within_scale(numbers, 10.0) && max > 5.0 {
        let rule: Rule = |n| {
            Some(if n <= 4.0 {
                NEGATIVE
            } else if n < 7.0 {
                NEUTRAL
            } else {
                POSITIVE
            })
        };
        return Some((said("marks out of ten (up to 4 negative, from 7 positive)"), rule));
    }
    None
}

/// Whether all numbers are halves from 0.5 to `top`.
fn within_scale(numbers: &[f64], top: f64) -> bool {
    numbers.iter().all(|&n| (0.5..=top).contains(&n) && (n * 2.0).fract() == 0.0)
}

fn list(raw: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut shown: Vec<&str> = raw.iter().take(SHOWN).map(String::as_str).collect();
    shown.sort_unstable();
    let more = if raw.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_by_name_number_range_and_rest() {
        let map: LabelMap = "0.2..=positive,..-0.2=negative,n/a=skip,..=neutral".parse().unwrap();
        for (raw, want) in [
            ("2.726", Some("positive")),
            (" 0.2", Some("positive")),
            ("-0.2", Some("negative")),
            ("0.1", Some("neutral")),
            ("N/A", Some("skip")),
            ("other", None),
            ("NaN", None),
        ] {
            assert_eq!(map.class(raw), want, "{raw}");
        }
        let map: LabelMap = r"a\,b\=c=x,*=rest".parse().unwrap();
        assert_eq!((map.class("A,b=c"), map.class("?")), (Some("x"), Some("rest")));
        let map: LabelMap = "1=positive".parse().unwrap();
        assert_eq!((map.class("1.0"), map.class("10")), (Some("positive"), None));
    }

    #[test]
    fn says_what_is_wrong_with_a_rule() {
        for bad in ["", "0", "0=", "3..1=x", "a=b=c", "0=x,0=y", "A=x,b=y,a=y", "*=x,*=y"] {
            assert!(bad.parse::<LabelMap>().is_err(), "{bad}");
        }
    }

    #[test]
    fn guesses_scales() {
        let check = |raw: &[&str], format, want: &[&str]| {
            let raw: Vec<String> = raw.iter().map(|&r| r.to_owned()).collect();
            let got: Vec<_> = guess(&raw, format).classes.into_iter().map(Option::unwrap).collect();
            assert_eq!(got, want, "{raw:?}");
        };
        check(&["0", "4"], None, &["negative", "positive"]);
        check(&["0", "2", "4"], None, &["negative", "neutral", "positive"]);
        check(&["0"], Some(Format::Sentiment140), &["negative"]);
        check(&["1", "0"], None, &["positive", "negative"]);
        check(&["-1", "1", "0", "1.0"], None, &["negative", "positive", "neutral", "positive"]);
        check(&["0", "1", "2"], None, &["negative", "neutral", "positive"]);
        check(&["1", "2", "3", "4", "5"], None, &["negative", "negative", "neutral", "positive", "positive"]);
        check(&["0.5", "2.5", "4.5"], None, &["negative", "neutral", "positive"]);
        check(&["1", "10", "5"], None, &["negative", "positive", "neutral"]);
        check(&["NEG", "Positif", "محايد"], None, &["negative", "positive", "neutral"]);
        check(&["positive", "irrelevant"], None, &["positive", "irrelevant"]);
        check(&["0", "7", "10"], Some(Format::Survey), &["negative", "neutral", "positive"]);
        check(&["17", "18"], None, &["17", "18"]);
    }

    #[test]
    fn one_odd_label_leaves_the_known_ones_mapped_and_is_named() {
        for (raw, want, odd) in [
            (&["POS", "neg", "irrelevant"][..], &["positive", "negative", "irrelevant"][..], "irrelevant"),
            (&["0", "4", "?"], &["negative", "positive", "?"], "?"),
            (
                &["1", "2", "3", "4", "5", "x"],
                &["negative", "negative", "neutral", "positive", "positive", "x"],
                "x",
            ),
        ] {
            let raw: Vec<String> = raw.iter().map(|&r| r.to_owned()).collect();
            let got = guess(&raw, None);
            assert_eq!(got.classes.into_iter().map(Option::unwrap).collect::<Vec<_>>(), want);
            assert!(got.said.contains(&format!("not recognised and kept as classes of their own: {odd};")));
        }
        let raw: Vec<String> = ["POSITIVE", "positive", "joy", "anger", "fear"].map(str::to_owned).to_vec();
        let got = guess(&raw, None);
        let classes: Vec<String> = got.classes.into_iter().map(Option::unwrap).collect();
        assert_eq!(classes, ["positive", "positive", "joy", "anger", "fear"]);
        assert!(got.said.contains("kept as they are written"));
    }

    proptest::proptest! {
        #[test]
        fn any_map_parses_or_says_why(raw in "[a-z0-9=,.*\\\\ -]{0,40}", label in ".{0,10}") {
            if let Ok(map) = raw.parse::<LabelMap>() {
                map.class(&label);
                let text = serde_json::to_string(&map).unwrap();
                proptest::prop_assert_eq!(serde_json::from_str::<LabelMap>(&text).unwrap(), map);
            }
        }
    }
}
