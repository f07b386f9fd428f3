//! Dates as exports write them.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// Milliseconds since 1970-01-01T00:00:00Z of a date written in one of the usual ways, or `None`.
///
/// Understood are RFC 3339 and its looser sisters (`2015-02-24 11:35:52 -0800`, `2018-07-31`),
/// Twitter's (`Mon Apr 06 22:19:45 PDT 2009`, `Mon Dec 01 19:30:03 +0000 2014`), day-month-name-year
/// (`31-Jul-18`), and numbers of seconds or milliseconds since 1970. Without an offset the time is
/// taken as UTC. Forms such as `04/05/2020`, where day and month may be meant either way, are not
/// guessed.
pub fn parse_time(raw: &str) -> Option<i64> {
    let raw = raw.trim();
    if !raw.is_ascii() || raw.len() < 8 || raw.len() > 40 {
        return None;
    }
    let bytes = raw.as_bytes();
    if bytes[0].is_ascii_alphabetic() {
        return twitter(raw);
    }
    if bytes.iter().all(u8::is_ascii_digit) {
        return match bytes.len() {
            8 => iso(raw), // 20180731
            9 | 10 => raw.parse::<i64>().ok().map(|s| s * 1000),
            12 | 13 => raw.parse().ok(),
            _ => None,
        };
    }
    iso(raw).or_else(|| day_month_year(raw))
}

/// `Mon Apr 06 22:19:45 PDT 2009`: 1.6 million of them must cost nothing, hence by position.
fn twitter(raw: &str) -> Option<i64> {
    let mut parts = raw.split_ascii_whitespace();
    let (_, month, day, clock, zone, year) = (
        parts.next()?,
        month(parts.next()?)?,
        parts.next()?.parse().ok()?,
        clock(parts.next()?)?,
        offset(parts.next()?)?,
        parts.next()?.parse().ok()?,
    );
    millis(Date::new(year, month, day).ok()?, clock, zone)
}

/// `2015-02-24 11:35:52 -0800`, `2015-02-24T11:35:52.123Z`, `2015-02-24`.
fn iso(raw: &str) -> Option<i64> {
    if let Ok(stamp) = raw.parse::<jiff::Timestamp>() {
        return Some(stamp.as_millisecond());
    }
    let (day, rest) = match raw.find([' ', 'T']) {
        Some(at) => (&raw[..at], raw[at + 1..].trim()),
        None => (raw, ""),
    };
    let day: Date = day.parse().ok()?;
    if rest.is_empty() {
        return millis(day, Time::midnight(), Offset::UTC);
    }
    let (time, zone) = match rest.split_once(' ') {
        Some((time, zone)) => (time, offset(zone)?),
        None => (rest, Offset::UTC),
    };
    millis(day, time.parse().ok()?, zone)
}

/// `31-Jul-18`, `31 Jul 2018`.
fn day_month_year(raw: &str) -> Option<i64> {
    let mut parts = raw.split(['-', ' ', '/']);
    let day: i8 = parts.next()?.parse().ok()?;
    let month = month(parts.next()?)?;
    let year = parts.next()?;
    if parts.next().is_some() {
        return None;
    }
    let century = if year.len() == 2 { 2000 } else { 0 };
    let year: i16 = year.parse().ok()?;
    millis(Date::new(year.checked_add(century)?, month, day).ok()?, Time::midnight(), Offset::UTC)
}

fn millis(day: Date, time: Time, zone: Offset) -> Option<i64> {
    zone.to_timestamp(day.to_datetime(time)).ok().map(|stamp| stamp.as_millisecond())
}

fn month(name: &str) -> Option<i8> {
    const NAMES: &[u8; 36] = b"janfebmaraprmayjunjulaugsepoctnovdec";
    let key = name.as_bytes().get(..3)?.to_ascii_lowercase();
    NAMES.chunks(3).position(|m| m == key).map(|at| at as i8 + 1)
}

fn clock(raw: &str) -> Option<Time> {
    // By position: a million of these are parsed for every second of reading.
    let part = |at: usize| raw.get(at..at + 2)?.parse().ok();
    let second = match raw.len() {
        5 => 0,
        8 if raw.as_bytes()[5] == b':' => part(6)?,
        _ => return None,
    };
    if raw.as_bytes()[2] != b':' {
        return None;
    }
    Time::new(part(0)?, part(3)?, second, 0).ok()
}

fn offset(raw: &str) -> Option<Offset> {
    let hours = match raw {
        "UTC" | "GMT" | "Z" => 0,
        "PDT" => -7,
        "PST" => -8,
        "EDT" => -4,
        "EST" => -5,
        "CET" => 1,
        "CEST" => 2,
        _ => {
            let sign = match raw.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let digits: String = raw.get(1..)?.chars().filter(|c| *c != ':').collect();
            let (hours, minutes) = digits.split_at_checked(2)?;
            let minutes: i32 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
            return Offset::from_seconds(sign * (hours.parse::<i32>().ok()? * 3600 + minutes * 60)).ok();
        }
    };
    Offset::from_hours(hours).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_data_sets() {
        for (raw, want) in [
            ("Mon Apr 06 22:19:45 PDT 2009", Some(1_239_081_585_000)),
            ("Mon May 11 03:18:03 UTC 2009", Some(1_242_011_883_000)),
            ("Mon Dec 01 19:30:03 +0000 2014", Some(1_417_462_203_000)),
            ("2015-02-24 11:35:52 -0800", Some(1_424_806_552_000)),
            ("2015-02-24T11:35:52.5Z", Some(1_424_777_752_500)),
            ("31-Jul-18", Some(1_532_995_200_000)),
            ("2018-07-31", Some(1_532_995_200_000)),
            ("1532995200", Some(1_532_995_200_000)),
            ("04/05/2020", None),
            ("Publiée le 10 juin", None),
            ("Foo Bar 99 99:99:99 XXX 2009", None),
            ("", None),
        ] {
            assert_eq!(parse_time(raw), want, "{raw}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_string_is_accepted(raw in ".{0,45}", digits in "[0-9:+ TZ-]{0,40}") {
            parse_time(&raw);
            parse_time(&digits);
        }
    }
}
