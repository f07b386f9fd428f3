//! What feedback adds up to: how much, how people feel, what they speak of, what stands out.
//!
//! The work of one question is bounded, however many items there are: counts come from one row for each day and
//! kind, words from a sample.

pub(crate) mod terms;
pub(crate) mod unusual;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::{SpanRound, ToSpan as _, Unit};
use sentimeter_store::{DAY, DayCount, ItemFilter, Sampled, now};

use crate::app::App;
use crate::problem::Problem;
use terms::{Said, Term, Terms, said, said_then};
use unusual::{Point, Unusual, unusual};

/// Days that may be asked for.
pub(crate) const MOST_DAYS: i64 = 3660;

/// Days where none are asked for.
const USUAL_DAYS: i64 = 30;

/// Texts that are read of a period.
const TEXTS: i64 = 6000;

/// Channels that are told apart; the others are one.
const GROUPS: usize = 12;

/// Periods that stand out and are told.
const SHOWN: usize = 10;

/// Of those, the ones of which is told what was said.
const EXPLAINED: usize = 5;

/// What is added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum By {
    #[default]
    Day,
    /// From Monday.
    Week,
    Month,
}

impl By {
    pub(crate) const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }

    /// The first day of the period that holds `day`.
    pub(crate) fn start(self, day: i64) -> i64 {
        match self {
            Self::Day => day,
            // 1970 began on a Thursday.
            Self::Week => day - (day + 3).rem_euclid(7),
            Self::Month => number(date(day).first_of_month()),
        }
    }

    /// The first day of the next one.
    pub(crate) fn next(self, start: i64) -> i64 {
        match self {
            Self::Day => start + 1,
            Self::Week => start + 7,
            Self::Month => number(date(start).last_of_month()) + 1,
        }
    }
}

/// The date of a day since 1970.
pub(crate) fn date(day: i64) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    debug_assert_eq!(epoch.weekday(), Weekday::Thursday);
    epoch.checked_add(day.clamp(-700_000, 2_900_000).days()).unwrap_or(epoch)
}

/// The number of a date.
fn number(date: Date) -> i64 {
    let since = Date::constant(1970, 1, 1).until(date).unwrap_or_default();
    i64::from(
        since.round(SpanRound::new().largest(Unit::Day).days_are_24_hours()).unwrap_or_default().get_days(),
    )
}

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Question {
    /// The first day, and the one behind the last; where they are not given, the last thirty with items.
    pub(crate) from: Option<i64>,
    pub(crate) to: Option<i64>,
    pub(crate) by: By,
    pub(crate) channel: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) model: Option<String>,
}

/// Items by label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) items: i64,
    pub(crate) labels: BTreeMap<String, i64>,
}

impl Tally {
    pub(crate) fn add(&mut self, label: &str, items: i64) {
        self.items += items;
        *self.labels.entry(label.to_owned()).or_default() += items;
    }

    pub(crate) fn of(&self, label: &str) -> i64 {
        self.labels.get(label).copied().unwrap_or_default()
    }

    /// % positive - % negative; `None` without items.
    pub(crate) fn net(&self) -> Option<f64> {
        let away = (self.of("positive") - self.of("negative")) as f64;
        (self.items > 0).then(|| 100.0 * away / self.items as f64)
    }

    /// Half the width of its 95 % interval, by the normal approximation.
    pub(crate) fn within(&self) -> Option<f64> {
        let n = self.items as f64;
        let net = self.net()? / 100.0;
        let moved = (self.of("positive") + self.of("negative")) as f64 / n;
        Some(100.0 * 1.96 * ((moved - net * net).max(0.0) / n).sqrt())
    }
}

/// Items of a channel or a language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// `None`: all those that are not told apart.
    pub(crate) name: Option<String>,
    pub(crate) total: Tally,
    pub(crate) before: Tally,
    /// By period.
    pub(crate) periods: Vec<Tally>,
}

/// A period that stands out, and what was said then.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) what: Unusual,
    pub(crate) start: i64,
    pub(crate) said: Vec<Term>,
}

/// The answer. Days are days since 1970, UTC; `to` is behind the last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Insights {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) by: By,
    pub(crate) total: Tally,
    /// Of as many days before.
    pub(crate) before: Tally,
    pub(crate) periods: Vec<(i64, Tally)>,
    pub(crate) channels: Vec<Group>,
    pub(crate) languages: Vec<Group>,
    pub(crate) said: Said,
    pub(crate) events: Vec<Event>,
    /// Texts that were read, of both periods, and how many of the period's own one stands for.
    pub(crate) texts: usize,
    pub(crate) each: i64,
}

/// Finds the answer.
pub(crate) async fn ask(app: &App, question: &Question) -> Result<Insights, Problem> {
    let wait = Duration::from_secs(5).min(app.inner.limits.deadline);
    let turn = tokio::time::timeout(wait, app.inner.insights.acquire()).await;
    let _turn = match turn {
        Ok(Ok(turn)) => turn,
        _ => return Err(Problem::busy("others are asking for insights; try again", 2)),
    };
    let store = &app.inner.store;
    let today = now().div_euclid(DAY);
    let span = store.item_span().await?;
    let (first, last) = span.unwrap_or((today, today));
    let by = question.by;
    let to = question.to.unwrap_or(last + 1);
    let usual = if by == By::Day { USUAL_DAYS } else { 12 * USUAL_DAYS };
    // Before the first item there is nothing to show.
    let from = by.start(question.from.unwrap_or_else(|| (to - usual).max(first.min(to - 1))));
    if from >= to {
        return Err(Problem::field("to", "lies before `from`"));
    }
    if to - from > MOST_DAYS {
        return Err(Problem::field("from", format!("lies more than {MOST_DAYS} days before `to`")));
    }
    let filter = ItemFilter {
        channel: question.channel.clone(),
        language: question.language.clone(),
        model: question.model.clone(),
        ..ItemFilter::default()
    };
    let length = to - from;
    let counts = store.item_days(from - length, to, &filter).await?;
    let mut insights = add_up(&counts, from, to, by);
    let of = |from: i64, to: i64| ItemFilter { from: Some(from * DAY), to: Some(to * DAY), ..filter.clone() };
    let (mut texts, each) = store.sample_items(&of(from, to), insights.total.items, TEXTS).await?;
    let now_texts = texts.len();
    let (earlier, _) = store.sample_items(&of(from - length, from), insights.before.items, TEXTS).await?;
    texts.extend(earlier);
    insights.texts = texts.len();
    insights.each = each;
    let read = tokio::task::spawn_blocking(move || {
        read_texts(&mut insights, &texts, now_texts, span, today)?;
        Ok::<_, sentimeter_text::RecipeError>(insights)
    });
    match read.await {
        Ok(Ok(insights)) => Ok(insights),
        _ => Err(Problem::internal()),
    }
}

/// Counts of the days, by period, channel and language; days before `from` are those before.
fn add_up(counts: &[DayCount], from: i64, to: i64, by: By) -> Insights {
    let mut starts = Vec::new();
    let mut start = from;
    while start < to {
        starts.push(start);
        start = by.next(start);
    }
    let place = |day: i64| starts.partition_point(|&start| start <= day).saturating_sub(1);
    let (mut total, mut before) = (Tally::default(), Tally::default());
    let mut periods = vec![Tally::default(); starts.len()];
    let group = |name: &dyn Fn(&DayCount) -> &str| {
        let mut sizes: BTreeMap<&str, i64> = BTreeMap::new();
        counts.iter().for_each(|one| *sizes.entry(name(one)).or_default() += one.items);
        let mut names: Vec<(&str, i64)> = sizes.into_iter().collect();
        names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let shown = names.len().min(GROUPS);
        let own: BTreeMap<&str, usize> = names[..shown].iter().enumerate().map(|(at, n)| (n.0, at)).collect();
        let mut groups: Vec<Group> = names[..shown]
            .iter()
            .map(|(name, _)| Some((*name).to_owned()))
            .chain((names.len() > shown).then_some(None))
            .map(|name| Group {
                name,
                total: Tally::default(),
                before: Tally::default(),
                periods: vec![Tally::default(); starts.len()],
            })
            .collect();
        for one in counts {
            let group = &mut groups[own.get(name(one)).copied().unwrap_or(shown)];
            if one.day < from {
                group.before.add(&one.label, one.items);
            } else {
                group.total.add(&one.label, one.items);
                group.periods[place(one.day)].add(&one.label, one.items);
            }
        }
        groups.retain(|group| group.total.items > 0);
        groups
    };
    let channels = group(&|one| &one.channel);
    let languages = group(&|one| &one.language);
    for one in counts {
        if one.day < from {
            before.add(&one.label, one.items);
        } else {
            total.add(&one.label, one.items);
            periods[place(one.day)].add(&one.label, one.items);
        }
    }
    Insights {
        from,
        to,
        by,
        total,
        before,
        periods: starts.into_iter().zip(periods).collect(),
        channels,
        languages,
        said: Said::default(),
        events: Vec::new(),
        texts: 0,
        each: 1,
    }
}

/// What words say, what stands out, and what was said then.
fn read_texts(
    insights: &mut Insights,
    texts: &[Sampled],
    of_period: usize,
    span: Option<(i64, i64)>,
    today: i64,
) -> Result<(), sentimeter_text::RecipeError> {
    let terms = Terms::read(texts)?;
    insights.said = said(&terms, of_period);
    let by = insights.by;
    // Before the first item and behind the last nothing is missing.
    let (first, last) = span.unwrap_or((0, -1));
    let (points, starts): (Vec<Point>, Vec<i64>) = insights
        .periods
        .iter()
        .filter(|(start, _)| by.next(*start) > first && *start <= last)
        .map(|(start, tally)| {
            let (positive, negative) = (tally.of("positive"), tally.of("negative"));
            // Nor is one whole that began before the first item.
            let over = by.next(*start) <= today.min(insights.to) && *start >= first;
            (Point { items: tally.items, positive, negative, over }, *start)
        })
        .unzip();
    let found = unusual(&points, by == By::Day).into_iter().take(SHOWN).enumerate();
    insights.events = found
        .map(|(rank, what)| {
            let start = starts[what.at];
            let (from, to) = (start * DAY, by.next(start) * DAY);
            let then = |at: usize| (from..to).contains(&texts[at].time);
            let said = if rank < EXPLAINED { said_then(&terms, of_period, then) } else { Vec::new() };
            Event { what, start, said }
        })
        .collect();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday_and_months_on_their_first() {
        let day = |y, m, d| number(Date::constant(y, m, d));
        for (by, of, start, next) in [
            (By::Day, day(2026, 11, 21), day(2026, 11, 21), day(2026, 11, 22)),
            (By::Week, day(2026, 11, 21), day(2026, 11, 16), day(2026, 11, 23)),
            (By::Week, day(2026, 11, 16), day(2026, 11, 16), day(2026, 11, 23)),
            (By::Month, day(2024, 2, 29), day(2024, 2, 1), day(2024, 3, 1)),
            (By::Month, day(1969, 12, 31), day(1969, 12, 1), 0),
        ] {
            assert_eq!((by.start(of), by.next(start)), (start, next), "{by:?} {of}");
        }
        assert_eq!(date(day(2026, 11, 21)).to_string(), "2026-11-21");
    }

    #[test]
    fn days_are_added_up_by_period_channel_and_language() {
        let count = |day, channel: &str, label: &str, items| DayCount {
            day,
            channel: channel.to_owned(),
            language: "en".to_owned(),
            label: label.to_owned(),
            items,
        };
        // Day 11 is the second Monday of 1970.
        let counts = [
            count(5, "a", "positive", 1),
            count(11, "a", "negative", 3),
            count(11, "b", "positive", 1),
            count(18, "a", "positive", 4),
        ];
        let found = add_up(&counts, 11, 25, By::Week);
        assert_eq!((found.total.items, found.before.items), (8, 1));
        assert_eq!(found.total.net(), Some(25.0));
        assert_eq!(found.before.net(), Some(100.0));
        assert_eq!(found.periods.iter().map(|(_, t)| t.items).collect::<Vec<_>>(), [4, 4]);
        assert_eq!(found.channels[0].name.as_deref(), Some("a"));
        assert_eq!((found.channels[0].total.items, found.channels[1].total.items), (7, 1));
        let many: Vec<DayCount> = (0..40).map(|n| count(10, &format!("c{n:02}"), "neutral", 2)).collect();
        let found = add_up(&many, 10, 11, By::Day);
        assert_eq!((found.channels.len(), found.channels[12].total.items), (13, 56));
        assert_eq!(found.channels[12].name, None);
    }
}
