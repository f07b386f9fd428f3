//! Expectations: a data test that a file states and CI runs.

use std::collections::BTreeMap;
use std::fmt;

use rayon::prelude::*;
use sentimeter_text::language::detect;
use serde::{Deserialize, Serialize};

use crate::corpus::Corpus;
use crate::duplicates::{Identities, near_duplicates, resolve_conflicts};
use crate::repeats::DuplicateReport;
use crate::report::ReadReport;

/// What a data set must be; `examples/expectations.toml` explains every key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expectations {
    rows: Bounds,
    columns: Columns,
    classes: Classes,
    languages: Languages,
    length: Length,
    duplicates: Duplicates,
    conflicts: MaxShare,
    damage: Damage,
}

/// Both ends included; an absent one is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Bounds {
    min: Option<f64>,
    max: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Columns {
    required: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Classes {
    names: Option<Vec<String>>,
    share: BTreeMap<String, Bounds>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Languages {
    share: BTreeMap<String, Bounds>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Length {
    shorter_than: Option<Beyond>,
    longer_than: Option<Beyond>,
    mean: Bounds,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beyond {
    chars: usize,
    max_share: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Duplicates {
    max_share: Option<f64>,
    near_max_share: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct MaxShare {
    max_share: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Damage {
    bad_rows: Option<f64>,
    empty: Option<f64>,
    replacement_characters: Option<f64>,
    double_encoded: Option<f64>,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub what: String,
    /// What was expected of it.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Whether the two agree.
    pub passed: bool,
}

/// All lines of the table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// One line for each thing that was expected.
    pub checks: Vec<Check>,
}

impl CheckReport {
    /// Whether every line passed.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|c| c.passed)
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |get: fn(&Check) -> &str, head: &str| {
            let longest = self.checks.iter().map(|c| get(c).chars().count()).max();
            longest.unwrap_or(0).max(head.len())
        };
        let what = width(|c| &c.what, "what");
        let expected = width(|c| &c.expected, "expected");
        let found = width(|c| &c.found, "found");
        writeln!(f, "       {:what$}  {:expected$}  {:found$}", "what", "expected", "found")?;
        for c in &self.checks {
            let mark = if c.passed { "ok    " } else { "FAILED" };
            writeln!(f, "{mark} {:what$}  {:expected$}  {:found$}", c.what, c.expected, c.found)?;
        }
        let failed = self.checks.iter().filter(|c| !c.passed).count();
        write!(f, "{} of {} checks failed", failed, self.checks.len())
    }
}

impl std::str::FromStr for Expectations {
    type Err = toml::de::Error;

    fn from_str(raw: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(raw)
    }
}

impl Expectations {
    /// Holds a corpus, as it was read and before duplicates are dropped, against the expectations.
    /// `report` is what reading it said; without one nothing is said about damage.
    pub fn check(&self, corpus: &Corpus, report: Option<&ReadReport>) -> CheckReport {
        let mut table = CheckReport::default();
        let rows = corpus.len() as f64;
        table.bounds("rows", self.rows, rows, count);
        self.check_columns(corpus, &mut table);
        self.check_classes(corpus, &mut table);
        if !self.languages.share.is_empty() {
            let shares = language_shares(corpus);
            for (language, bounds) in &self.languages.share {
                let found = shares.get(language).copied().unwrap_or(0.0);
                table.bounds(&format!("share of language {language}"), *bounds, found, percent);
            }
        }
        self.check_lengths(corpus, &mut table);
        self.check_duplicates(corpus, &mut table);
        if let Some(report) = report {
            let share = |get: fn(&crate::report::FileReport) -> u64| {
                report.files.iter().map(get).sum::<u64>() as f64 / (report.rows as f64).max(1.0)
            };
            table.at_most("broken rows", self.damage.bad_rows, share(|f| f.bad));
            table.at_most("empty texts", self.damage.empty, share(|f| f.empty));
            table.at_most("texts with U+FFFD", self.damage.replacement_characters, share(|f| f.damaged));
            table.at_most("texts encoded twice", self.damage.double_encoded, share(|f| f.double_encoded));
        }
        table
    }

    fn check_columns(&self, corpus: &Corpus, table: &mut CheckReport) {
        for column in &self.columns.required {
            let has: fn(&Corpus, usize) -> bool = match column.as_str() {
                "text" => |c, i| !c.text(i).trim().is_empty(),
                "label" => |c, i| c.label(i).is_some(),
                "id" => |c, i| c.id(i).is_some(),
                "time" => |c, i| c.time(i).is_some(),
                "author" => |c, i| c.author(i).is_some(),
                "channel" => |c, i| c.channel(i).is_some(),
                "language" => |c, i| c.language(i).is_some(),
                _ => |_, _| false,
            };
            let missing = (0..corpus.len()).filter(|&i| !has(corpus, i)).count();
            table.checks.push(Check {
                what: format!("column {column}"),
                expected: "a value in every row".to_owned(),
                found: format!("{missing} rows without"),
                passed: missing == 0,
            });
        }
    }

    fn check_classes(&self, corpus: &Corpus, table: &mut CheckReport) {
        if let Some(names) = &self.classes.names {
            let mut want = names.clone();
            crate::corpus::canonical_order(&mut want);
            let mut got = corpus.labels().to_vec();
            got.sort();
            table.checks.push(Check {
                what: "classes".to_owned(),
                expected: want.join(", "),
                found: got.join(", "),
                passed: want == got,
            });
        }
        let counts = corpus.class_counts();
        let labelled = counts.iter().sum::<usize>().max(1) as f64;
        for (class, bounds) in &self.classes.share {
            let at = corpus.labels().iter().position(|l| l == class);
            let found = at.map_or(0.0, |at| counts[at] as f64 / labelled);
            table.bounds(&format!("share of class {class}"), *bounds, found, percent);
        }
    }

    fn check_lengths(&self, corpus: &Corpus, table: &mut CheckReport) {
        if self.length == Length::default() {
            return;
        }
        let lengths: Vec<usize> =
            (0..corpus.len()).into_par_iter().map(|i| corpus.text(i).chars().count()).collect();
        let rows = lengths.len().max(1) as f64;
        let share = |test: &dyn Fn(usize) -> bool| lengths.iter().filter(|&&n| test(n)).count() as f64 / rows;
        if let Some(Beyond { chars, max_share }) = self.length.shorter_than {
            table.at_most(
                &format!("texts shorter than {chars} characters"),
                Some(max_share),
                share(&|n| n < chars),
            );
        }
        if let Some(Beyond { chars, max_share }) = self.length.longer_than {
            table.at_most(
                &format!("texts longer than {chars} characters"),
                Some(max_share),
                share(&|n| n > chars),
            );
        }
        let mean = lengths.iter().sum::<usize>() as f64 / rows;
        table.bounds("mean characters of a text", self.length.mean, mean, |n| format!("{n:.1}"));
    }

    fn check_duplicates(&self, corpus: &Corpus, table: &mut CheckReport) {
        let wanted = [self.duplicates.max_share, self.duplicates.near_max_share, self.conflicts.max_share];
        if wanted.iter().all(Option::is_none) {
            return;
        }
        let identities = Identities::of(corpus);
        let groups = near_duplicates(&identities);
        let found = DuplicateReport::of(&identities, &groups, &resolve_conflicts(corpus, &identities));
        let share = |rows: u64| rows as f64 / corpus.len().max(1) as f64;
        let Duplicates { max_share, near_max_share } = self.duplicates;
        table.at_most("rows that repeat another one", max_share, share(found.duplicates));
        table.at_most("rows that nearly repeat another one", near_max_share, share(found.near_duplicates));
        table.at_most("texts with contradicting labels", self.conflicts.max_share, share(found.conflicts));
    }
}

impl CheckReport {
    fn bounds(&mut self, what: &str, bounds: Bounds, found: f64, show: fn(f64) -> String) {
        let expected = match (bounds.min, bounds.max) {
            (None, None) => return,
            (Some(min), None) => format!("at least {}", show(min)),
            (None, Some(max)) => format!("at most {}", show(max)),
            (Some(min), Some(max)) => format!("{} to {}", show(min), show(max)),
        };
        let passed = bounds.min.is_none_or(|min| found >= min) && bounds.max.is_none_or(|max| found <= max);
        self.checks.push(Check { what: what.to_owned(), expected, found: show(found), passed });
    }

    fn at_most(&mut self, what: &str, max: Option<f64>, found: f64) {
        self.bounds(what, Bounds { min: None, max }, found, percent);
    }
}

fn count(n: f64) -> String {
    format!("{n:.0}")
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// The share of each language: as stated where a row states one, else as detected, on at most 20,000
/// rows spread evenly.
fn language_shares(corpus: &Corpus) -> BTreeMap<String, f64> {
    const MOST: usize = 20_000;
    let step = corpus.len().div_ceil(MOST).max(1);
    let rows: Vec<usize> = (0..corpus.len()).step_by(step).collect();
    let languages: Vec<String> = rows
        .par_iter()
        .map(|&row| match corpus.language(row) {
            Some(stated) => stated.to_lowercase(),
            None => detect(corpus.text(row)).language.code().to_owned(),
        })
        .collect();
    let mut shares = BTreeMap::new();
    for language in languages {
        *shares.entry(language).or_default() += 1.0 / rows.len() as f64;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Example;

    fn corpus() -> Corpus {
        let mut corpus = Corpus::new();
        for (text, label) in [
            ("good things come", Some("positive")),
            ("bad things come", Some("negative")),
            ("good things come", Some("positive")),
            ("x", None),
        ] {
            corpus.push(Example { text, label, language: Some("en"), ..Example::default() }).unwrap();
        }
        corpus
    }

    #[track_caller]
    fn check(expectations: &str, want: &[(&str, bool)]) {
        let report = expectations.parse::<Expectations>().unwrap().check(&corpus(), None);
        let got: Vec<(&str, bool)> = report.checks.iter().map(|c| (c.what.as_str(), c.passed)).collect();
        assert_eq!(got, want, "\n{report}");
    }

    #[test]
    fn tables_say_what_holds() {
        check("[rows]\nmin = 4\nmax = 4", &[("rows", true)]);
        check(
            "[columns]\nrequired = ['text', 'label', 'id']",
            &[("column text", true), ("column label", false), ("column id", false)],
        );
        check(
            "[classes]\nnames = ['positive', 'negative']\nshare.negative.min = 0.5",
            &[("classes", true), ("share of class negative", false)],
        );
        check("[languages.share.en]\nmin = 1", &[("share of language en", true)]);
        check(
            "[length]\nshorter_than = { chars = 2, max_share = 0.2 }",
            &[("texts shorter than 2 characters", false)],
        );
        check(
            "[duplicates]\nmax_share = 0.25\n[conflicts]\nmax_share = 0",
            &[("rows that repeat another one", true), ("texts with contradicting labels", true)],
        );
    }

    #[test]
    fn the_example_file_is_read_and_unknown_keys_are_not() {
        let example = include_str!("../../../examples/expectations.toml");
        let report = example.parse::<Expectations>().unwrap().check(&corpus(), Some(&ReadReport::default()));
        assert!(report.checks.len() > 10 && !report.passed());
        assert!(report.to_string().contains("FAILED rows"));
        let error = "[rows]\nminimum = 1".parse::<Expectations>().unwrap_err().to_string();
        assert!(error.contains("minimum"), "{error}");
    }
}
