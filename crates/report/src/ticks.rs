//! Where an axis has its marks.

/// Round values, 1, 2 or 5 times a power of ten apart, from the last at or below `low` to the first at or above
/// `high`: an axis drawn from the first to the last covers the range. Between 2 and `most + 1` values, `most` being
/// at least 2; a range without extent is widened, one that is not finite is taken as 0 to 1.
///
/// ```
/// use sentimeter_report::ticks::linear;
/// assert_eq!(linear(0.0, 87.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
/// ```
pub fn linear(low: f64, high: f64, most: usize) -> Vec<f64> {
    let (low, high) = sound(low, high);
    let most = most.clamp(2, 20) as f64;
    let mut power = ((high - low) / most).log10().floor();
    let mut found = Vec::new();
    'search: for _ in 0..4 {
        for factor in [1.0, 2.0, 5.0] {
            let step = factor * 10f64.powf(power);
            let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
            if last - first <= most && last > first {
                found =
                    (0..=(last - first) as i64).map(|at| clean((first + at as f64) * step, step)).collect();
                break 'search;
            }
        }
        power += 1.0;
    }
    if found.len() < 2 { vec![low, high] } else { found }
}

/// `value`, a multiple of `step`, without the dust of binary fractions.
fn clean(value: f64, step: f64) -> f64 {
    let digits = (1.0 - step.log10().floor()).clamp(-300.0, 300.0);
    let scale = 10f64.powf(digits);
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded + 0.0 } else { value }
}

fn sound(low: f64, high: f64) -> (f64, f64) {
    // Past these sizes differences drown; nothing that is counted or measured here comes near.
    const LARGEST: f64 = 1e150;
    if !(low.is_finite() && high.is_finite()) || low.abs() > LARGEST || high.abs() > LARGEST {
        return (0.0, 1.0);
    }
    let (low, high) = if low <= high { (low, high) } else { (high, low) };
    let room = low.abs().max(high.abs());
    if high - low > room * 1e-9 && high - low > 1e-150 {
        (low, high)
    } else if room < 1e-140 {
        (0.0, 1.0)
    } else {
        (low - room * 0.1, high + room * 0.1)
    }
}

/// Powers of ten around `[low, high]`, both greater than 0, thinned out to at most ten; with 2 and 5 between them
/// where there is less than two decades. What is not positive is taken as 1.
pub fn log(low: f64, high: f64) -> Vec<f64> {
    let positive =
        |value: f64| if value.is_finite() && value > 0.0 { value.clamp(1e-150, 1e150) } else { 1.0 };
    let (a, b) = (positive(low), positive(high));
    let (low, high) = (a.min(b), a.max(b));
    let first = (low.log10() + 1e-9).floor() as i32;
    let last = ((high.log10() - 1e-9).ceil() as i32).max(first + 1);
    if last - first <= 2 {
        let all: Vec<f64> = (first..=last)
            .flat_map(|power| [1.0, 2.0, 5.0].map(|factor| factor * 10f64.powi(power)))
            .collect();
        let from = all.iter().rposition(|&tick| tick <= low * (1.0 + 1e-9)).unwrap_or(0);
        let to = all.iter().position(|&tick| tick >= high * (1.0 - 1e-9)).unwrap_or(all.len() - 1);
        return all[from..=to.max(from + 1).min(all.len() - 1)].to_vec();
    }
    let every = ((last - first) as usize).div_ceil(9);
    let mut ticks: Vec<f64> = (first..=last).step_by(every).map(|power| 10f64.powi(power)).collect();
    if ticks.last().is_some_and(|&tick| tick < high * (1.0 - 1e-9)) {
        ticks.push(10f64.powi(last));
    }
    ticks
}

/// Marks on a time axis and how they are labelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeTick {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// `14:00`, `3 Jun`, `Jun 2009`, `2009`: the finer the axis, the finer the label.
    pub label: String,
}

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Full hours, days, weeks (Mondays), months or years inside `[low, high]` (seconds since 1970, UTC), at most `most`
/// (at least 2) of them; the year is said with the first mark and wherever it changes. Both ends where no
/// full unit lies between them.
pub fn time(low: i64, high: i64, most: usize) -> Vec<TimeTick> {
    let most = most.clamp(2, 20);
    // Years 1 to 9999, so that no calendar arithmetic can overflow.
    let low = low.clamp(-62_135_596_800, 253_402_300_799);
    let high = high.clamp(low, 253_402_300_799);
    let even = |step: i64, origin: i64| -> Vec<i64> {
        let first = (low - origin).div_euclid(step) + i64::from((low - origin).rem_euclid(step) != 0);
        (0..).map(|n| origin + (first + n) * step).take_while(|&at| at <= high).take(most + 1).collect()
    };
    // 1970-01-05 was a Monday.
    let steps = [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY].map(|step| (step, 0));
    for (step, origin) in steps.into_iter().chain([(7 * DAY, 4 * DAY), (14 * DAY, 4 * DAY)]) {
        let ticks = even(step, origin);
        if (2..=most).contains(&ticks.len()) {
            return labelled(ticks, if step < DAY { Grain::Hour } else { Grain::Day });
        }
    }
    for months in [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1_200, 6_000, 12_000, 60_000] {
        let first = month_of(low);
        let start = (first.div_euclid(months)) * months;
        let ticks: Vec<i64> = (0..)
            .map(|n| month_start(start + n * months))
            .skip_while(|&at| at < low)
            .take_while(|&at| at <= high)
            .take(most + 1)
            .collect();
        if (2..=most).contains(&ticks.len()) {
            return labelled(ticks, if months < 12 { Grain::Month } else { Grain::Year });
        }
    }
    let ends = if low == high { vec![low] } else { vec![low, high] };
    labelled(ends, if high - low < 2 * DAY { Grain::Hour } else { Grain::Day })
}

#[derive(Clone, Copy, PartialEq)]
enum Grain {
    Hour,
    Day,
    Month,
    Year,
}

fn labelled(ticks: Vec<i64>, grain: Grain) -> Vec<TimeTick> {
    let mut last = (i64::MIN, i64::MIN);
    ticks
        .into_iter()
        .map(|at| {
            let (year, month, day) = date(at.div_euclid(DAY));
            let seconds = at.rem_euclid(DAY);
            let clock = format!("{:02}:{:02}", seconds / HOUR, seconds % HOUR / 60);
            let name = MONTHS[(month - 1) as usize];
            let new_year = last.0 != year;
            let label = match grain {
                Grain::Hour if last.1 != at.div_euclid(DAY) => format!("{day} {name} {clock}"),
                Grain::Hour => clock,
                Grain::Day if new_year => format!("{day} {name} {year}"),
                Grain::Day => format!("{day} {name}"),
                Grain::Month if new_year => format!("{name} {year}"),
                Grain::Month => name.to_owned(),
                Grain::Year => year.to_string(),
            };
            last = (year, at.div_euclid(DAY));
            TimeTick { at, label }
        })
        .collect()
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Year, month (1 to 12) and day (1 to 31) of a day counted from 1970-01-01, in the proleptic Gregorian calendar
/// (H. Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`).
pub(crate) fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day = shifted.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let part = (5 * of_year + 2) / 153;
    let month = if part < 10 { part + 3 } else { part - 9 };
    (era * 400 + year + i64::from(month <= 2), month, of_year - (153 * part + 2) / 5 + 1)
}

/// Day of a date, counted from 1970-01-01 (`days_from_civil` of the same source).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn month_of(at: i64) -> i64 {
    let (year, month, _) = date(at.div_euclid(DAY));
    year * 12 + month - 1
}

fn month_start(month: i64) -> i64 {
    days(month.div_euclid(12), month.rem_euclid(12) + 1, 1) * DAY
}

/// `3 Jun 2009`, with the time of day where it is not midnight.
pub(crate) fn moment(at: i64) -> String {
    let (year, month, day) = date(at.div_euclid(DAY));
    let seconds = at.rem_euclid(DAY);
    let name = MONTHS[(month - 1) as usize];
    if seconds == 0 {
        format!("{day} {name} {year}")
    } else {
        format!("{day} {name} {year} {:02}:{:02}", seconds / HOUR, seconds % HOUR / 60)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn linear_ticks_are_round() {
        for (low, high, want) in [
            (0.0, 1.0, vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
            (0.0, 1_600_000.0, vec![0.0, 500_000.0, 1_000_000.0, 1_500_000.0, 2_000_000.0]),
            (-3.0, 4.0, vec![-4.0, -2.0, 0.0, 2.0, 4.0]),
            (0.5, 0.5, vec![0.44, 0.46, 0.48, 0.5, 0.52, 0.54, 0.56]),
            (f64::NAN, 3.0, vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
            (0.0, 0.0, vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ] {
            assert_eq!(linear(low, high, if low == 0.5 { 7 } else { 5 }), want, "{low} {high}");
        }
    }

    #[test]
    fn log_ticks_are_powers_of_ten() {
        assert_eq!(log(1.0, 1e4), [1.0, 10.0, 100.0, 1e3, 1e4]);
        assert_eq!(log(3.0, 40.0), [2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!(log(0.0, -1.0), [1.0, 2.0]);
    }

    #[test]
    fn time_ticks_fall_on_hours_days_months_and_years() {
        let labels = |low, high| time(low, high, 8).into_iter().map(|tick| tick.label).collect::<Vec<_>>();
        // 2009-04-06T22:19:45Z to 2009-06-25T10:28:31Z: Sentiment140.
        assert_eq!(
            labels(1_239_056_385, 1_245_925_711),
            ["20 Apr 2009", "4 May", "18 May", "1 Jun", "15 Jun"]
        );
        assert_eq!(labels(0, 10 * HOUR), ["1 Jan 00:00", "03:00", "06:00", "09:00"]);
        assert_eq!(labels(0, 30 * DAY), ["5 Jan 1970", "12 Jan", "19 Jan", "26 Jan"]);
        assert_eq!(labels(0, 700 * DAY)[..2], ["Jan 1970", "Apr"]);
        assert_eq!(labels(0, 365 * 40 * DAY)[..2], ["1970", "1975"]);
        assert_eq!(labels(5, 5), ["1 Jan 00:00"]);
    }

    #[test]
    fn dates_come_back() {
        for day in (-800_000..3_000_000).step_by(137) {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
    }

    proptest! {
        #[test]
        fn linear_ticks_cover_any_range(a in prop::num::f64::ANY, b in prop::num::f64::ANY, most in 0_usize..30) {
            let ticks = linear(a, b, most);
            prop_assert!((2..=most.clamp(2, 20) + 1).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]), "{ticks:?}");
            if a.is_finite() && b.is_finite() && a.abs().max(b.abs()) < 1e150 {
                let slack = (ticks[1] - ticks[0]) * 1e-6;
                let (low, high) = (a.min(b), a.max(b));
                if high - low > high.abs().max(low.abs()) * 1e-9 && high - low > 1e-140 {
                    prop_assert!(ticks[0] <= low + slack && *ticks.last().unwrap() >= high - slack, "{ticks:?}");
                }
            }
        }

        #[test]
        fn linear_ticks_cover_everyday_ranges(a in -1e6_f64..1e6, size in 1e-3_f64..1e7) {
            let ticks = linear(a, a + size, 6);
            prop_assert!((2..=7).contains(&ticks.len()));
            prop_assert!(ticks[0] <= a + size * 1e-6 && *ticks.last().unwrap() >= a + size * (1.0 - 1e-6));
        }

        #[test]
        fn log_ticks_cover_any_range(a in 1e-12_f64..1e12, b in 1e-12_f64..1e12) {
            let ticks = log(a, b);
            prop_assert!((2..=10).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(ticks[0] <= a.min(b) * 1.000_001 && *ticks.last().unwrap() >= a.max(b) * 0.999_999);
        }

        #[test]
        fn time_ticks_stay_inside(a in any::<i64>(), size in 0_i64..100_000_000_000, most in 2_usize..12) {
            let ticks = time(a, a.saturating_add(size), most);
            prop_assert!((1..=most).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(ticks.windows(2).all(|pair| pair[0].at < pair[1].at), "{ticks:?}");
        }
    }
}
