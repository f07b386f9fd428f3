//! What there is: rows by class, channel, language and source, and over time.

use std::collections::BTreeMap;

use jiff::tz::Offset;
use jiff::{Timestamp, civil::Date};
use rayon::prelude::*;
use sentimeter_corpus::Corpus;
use sentimeter_text::language::detect;
use serde::Serialize;

use super::sample::{Sample, draw};
use super::slots::Slots;

/// Values of a column that are listed; the rest is counted together.
const MOST_VALUES: usize = 20;

/// Rows whose language is detected at most where none is stated: shares are then right to a
/// quarter of a percent.
const MOST_DETECTED: usize = 200_000;

/// A detection less sure than this is no evidence of a wrong language.
const SURE: f32 = 0.8;

/// Letters below which a text is too short to be accused of its language.
const LETTERS: usize = 25;

/// Rows of one value of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slice {
    /// The value; `none` where rows have none, `others` for the rarest together.
    pub value: String,
    /// Rows of each class, in the order of [`super::Profile::classes`].
    pub rows: Vec<u64>,
}

/// Rows by language.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Languages {
    /// Whether the data states languages; else they were detected.
    pub stated: bool,
    /// The rows looked at, where those are not all.
    pub sample: Option<Sample>,
    /// Rows by language code.
    pub slices: Vec<Slice>,
    /// The languages that the data should be in: as asked, or the one of at least four rows in five.
    pub expected: Vec<String>,
    /// Rows looked at that are in another language, surely.
    pub unexpected: u64,
    /// Some of those, by row.
    pub examples: Vec<u32>,
}

/// Rows over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timeline {
    /// `hour`, `day`, `week`, `month` or `year`.
    pub unit: &'static str,
    /// Rows with a time.
    pub rows: u64,
    /// Rows with a time far outside that of all others, which are not shown.
    pub outside: u64,
    /// Every bin from the first row to the last; empty ones have no rows.
    pub bins: Vec<TimeBin>,
}

/// A span of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimeBin {
    /// Its beginning, milliseconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// Its beginning as people write it, in UTC: `2009-06-17`, `2009-06-17 14:00`, `2009-06`.
    pub name: String,
    /// Rows of each class.
    pub rows: Vec<u64>,
}

/// Rows by the values of a column; empty where no row has one.
pub(super) fn slices<'a>(
    corpus: &'a Corpus,
    slots: &Slots,
    of: impl Fn(&'a Corpus, usize) -> Option<&'a str>,
) -> Vec<Slice> {
    let mut counts: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut absent = slots.zeros();
    for (row, &slot) in slots.of.iter().enumerate() {
        match of(corpus, row) {
            Some(value) => {
                counts.entry(value).or_insert_with(|| slots.zeros())[usize::from(slot)] += 1;
            }
            None => absent[usize::from(slot)] += 1,
        }
    }
    if counts.is_empty() {
        return Vec::new();
    }
    ranked(counts.into_iter().map(|(value, rows)| (value.to_owned(), rows)), absent)
}

fn ranked(counts: impl Iterator<Item = (String, Vec<u64>)>, absent: Vec<u64>) -> Vec<Slice> {
    let mut slices: Vec<Slice> = counts.map(|(value, rows)| Slice { value, rows }).collect();
    slices.sort_by_key(|slice| (std::cmp::Reverse(slice.rows.iter().sum::<u64>()), slice.value.clone()));
    if slices.len() > MOST_VALUES {
        let mut rows = vec![0; absent.len()];
        for slice in slices.drain(MOST_VALUES - 1..) {
            rows.iter_mut().zip(&slice.rows).for_each(|(sum, n)| *sum += n);
        }
        slices.push(Slice { value: "others".to_owned(), rows });
    }
    if absent.iter().any(|&n| n > 0) {
        slices.push(Slice { value: "none".to_owned(), rows: absent });
    }
    slices
}

/// The language of each row, stated or detected, counted; and by row, nothing for rows not looked at.
pub(super) fn languages(
    corpus: &Corpus,
    slots: &Slots,
    expected: &[String],
    seed: u64,
) -> (Languages, Vec<Option<String>>) {
    let stated = (0..corpus.len()).any(|row| corpus.language(row).is_some());
    let (rows, sample) =
        if stated { ((0..corpus.len() as u32).collect(), None) } else { draw(corpus, MOST_DETECTED, seed) };
    let found: Vec<(String, f32)> = rows
        .par_iter()
        .with_min_len(1024)
        .map(|&row| match corpus.language(row as usize) {
            Some(language) => (language.to_lowercase(), 1.0),
            None if stated => ("none".to_owned(), 0.0),
            None => {
                let found = detect(corpus.text(row as usize));
                (found.language.code().to_owned(), found.confidence)
            }
        })
        .collect();
    let mut counts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (&row, (language, _)) in rows.iter().zip(&found) {
        let slot = usize::from(slots.of[row as usize]);
        match counts.get_mut(language) {
            Some(counts) => counts[slot] += 1,
            None => {
                let mut zeros = slots.zeros();
                zeros[slot] = 1;
                counts.insert(language.clone(), zeros);
            }
        }
    }
    let slices = ranked(counts.into_iter(), slots.zeros());
    let mut expected = expected.to_vec();
    if expected.is_empty()
        && let Some(first) = slices.first()
        && first.value != "other"
        && first.rows.iter().sum::<u64>() * 5 >= rows.len() as u64 * 4
    {
        expected.push(first.value.clone());
    }
    // A code may carry a region: `en-GB` is `en`.
    let wanted = |language: &str| {
        let primary = language.split(['-', '_']).next().unwrap_or_default();
        expected.iter().any(|code| code == language || code == primary)
    };
    let letters = |row: u32| corpus.text(row as usize).chars().filter(|c| c.is_alphabetic()).count();
    let strangers: Vec<u32> = rows
        .iter()
        .zip(&found)
        .filter(|&(&row, (language, confidence))| {
            !expected.is_empty()
                && *confidence >= SURE
                && !wanted(language)
                && (stated || letters(row) >= LETTERS)
        })
        .map(|(&row, _)| row)
        .collect();
    let mut examples = strangers.clone();
    examples.sort_by_key(|&row| (std::cmp::Reverse(letters(row).min(80)), corpus.text(row as usize)));
    examples.truncate(10);
    let mut by_row = vec![None; corpus.len()];
    for (&row, (language, _)) in rows.iter().zip(found) {
        by_row[row as usize] = Some(language);
    }
    let unexpected = strangers.len() as u64;
    (Languages { stated, sample, slices, expected, unexpected, examples }, by_row)
}

/// Widths of time bins, and the span in days up to which each is used.
const UNITS: [(&str, i64); 5] =
    [("hour", 4), ("day", 150), ("week", 3 * 366), ("month", 15 * 366), ("year", i64::MAX)];

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Rows over time; `None` where fewer than two different times are known.
pub(super) fn timeline(corpus: &Corpus, slots: &Slots) -> Option<Timeline> {
    let timed: Vec<(i64, u16)> =
        (0..corpus.len()).filter_map(|row| Some((corpus.time(row)?, slots.of[row]))).collect();
    let mut times: Vec<i64> = timed.iter().map(|&(time, _)| time).collect();
    times.par_sort_unstable();
    let (&first, &last) = (times.first()?, times.last()?);
    if first == last {
        return None;
    }
    // A few rows of 1970 or 2106 are broken clocks: they would leave the others in one bin.
    let cut = times.len() / 200;
    let (inner_first, inner_last) = (times[cut], times[times.len() - 1 - cut]);
    let inner = inner_last.saturating_sub(inner_first).max(DAY);
    let (from, to) = if last.saturating_sub(first) / 20 > inner {
        (inner_first.saturating_sub(inner), inner_last.saturating_add(inner))
    } else {
        (first, last)
    };
    let inside: Vec<(i64, u16)> = timed.into_iter().filter(|(t, _)| (from..=to).contains(t)).collect();
    let (from, to) = (inside.iter().map(|t| t.0).min()?, inside.iter().map(|t| t.0).max()?);
    let days = to.saturating_sub(from) / DAY;
    let unit = UNITS.iter().find(|(_, most)| days <= *most).map_or("year", |(unit, _)| unit);
    let (start, end) = (number(from, unit)?, number(to, unit)?);
    let count = usize::try_from(end - start).ok()? + 1;
    let mut bins: Vec<TimeBin> = (start..=end)
        .map(|n| {
            let (start, name) = name(n, unit);
            TimeBin { start, name, rows: slots.zeros() }
        })
        .collect();
    for &(time, slot) in &inside {
        let at = number(time, unit).and_then(|n| usize::try_from(n - start).ok()).filter(|&at| at < count);
        if let Some(at) = at {
            bins[at].rows[usize::from(slot)] += 1;
        }
    }
    Some(Timeline { unit, rows: times.len() as u64, outside: (times.len() - inside.len()) as u64, bins })
}

/// The bin of `time`, counted from that of 1970-01-01; weeks begin on Mondays.
fn number(time: i64, unit: &str) -> Option<i64> {
    match unit {
        "hour" => Some(time.div_euclid(HOUR)),
        "day" => Some(time.div_euclid(DAY)),
        "week" => Some((time.div_euclid(DAY) + 3).div_euclid(7)),
        _ => {
            let date = date(time)?;
            let year = i64::from(date.year()) - 1970;
            Some(if unit == "year" { year } else { year * 12 + i64::from(date.month()) - 1 })
        }
    }
}

fn date(time: i64) -> Option<Date> {
    Some(Offset::UTC.to_datetime(Timestamp::from_millisecond(time).ok()?).date())
}

/// Where a bin begins, and what that is called.
fn name(number: i64, unit: &str) -> (i64, String) {
    let of_days = |days: i64| (days * DAY, date(days * DAY).map_or(String::new(), |date| date.to_string()));
    match unit {
        "hour" => {
            let (_, day) = of_days((number * HOUR).div_euclid(DAY));
            (number * HOUR, format!("{day} {:02}:00", number.rem_euclid(24)))
        }
        "day" => of_days(number),
        "week" => of_days(number * 7 - 3),
        _ => {
            let months = if unit == "year" { number * 12 } else { number };
            let (year, month) = (1970 + months.div_euclid(12), 1 + months.rem_euclid(12));
            let first = Date::new(year as i16, month as i8, 1).ok();
            let start = first.and_then(|date| Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok());
            let name = if unit == "year" { format!("{year:04}") } else { format!("{year}-{month:02}") };
            (start.map_or(0, Timestamp::as_millisecond), name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sentimeter_corpus::Example;

    fn corpus(times: &[&str]) -> Corpus {
        let mut corpus = Corpus::new();
        for (i, time) in times.iter().enumerate() {
            let text = format!("text {i}");
            let time = sentimeter_corpus::parse_time(time);
            corpus.push(Example { text: &text, label: Some("a"), time, ..Example::default() }).unwrap();
        }
        corpus
    }

    #[track_caller]
    fn check(times: &[&str], unit: &str, names: &[(&str, u64)]) {
        let corpus = corpus(times);
        let line = timeline(&corpus, &Slots::of(&corpus)).unwrap();
        assert_eq!(line.unit, unit);
        let got: Vec<(&str, u64)> = line.bins.iter().map(|b| (b.name.as_str(), b.rows[0])).collect();
        assert_eq!(got, names);
    }

    #[test]
    fn bins_are_as_wide_as_the_span_wants_and_gaps_stay() {
        check(
            &["2020-02-28T22:10:00Z", "2020-02-29T00:59:00Z"],
            "hour",
            &[("2020-02-28 22:00", 1), ("2020-02-28 23:00", 0), ("2020-02-29 00:00", 1)],
        );
        check(
            &["2020-02-27", "2020-03-03", "2020-03-03"],
            "day",
            &[
                ("2020-02-27", 1),
                ("2020-02-28", 0),
                ("2020-02-29", 0),
                ("2020-03-01", 0),
                ("2020-03-02", 0),
                ("2020-03-03", 2),
            ],
        );
        let corpus = corpus(&["2020-01-01", "2021-01-03"]);
        let weeks = timeline(&corpus, &Slots::of(&corpus)).unwrap();
        assert_eq!((weeks.unit, weeks.bins[0].name.as_str()), ("week", "2019-12-30"), "a Monday");
        check(&["1969-06-01", "1990-01-01"], "year", &{
            let mut years: Vec<(String, u64)> = (1969..=1990).map(|y| (y.to_string(), 0)).collect();
            (years[0].1, years[21].1) = (1, 1);
            years.leak().iter().map(|(y, n)| (y.as_str(), *n)).collect::<Vec<_>>()
        });
    }

    #[test]
    fn a_broken_clock_does_not_stretch_the_axis() {
        let mut times = vec!["2020-02-28"; 300];
        times[7] = "1971-01-01";
        times[9] = "2020-03-05";
        let corpus = corpus(&times);
        let line = timeline(&corpus, &Slots::of(&corpus)).unwrap();
        assert_eq!((line.outside, line.rows), (2, 300));
    }
}
