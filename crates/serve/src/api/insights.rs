//! `GET /v1/insights`: what feedback adds up to.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use sentimeter_store::{DAY, Role};
use serde::Serialize;
use utoipa::ToSchema;

use super::items::bound;
use crate::app::App;
use crate::body;
use crate::insights::terms::Term;
use crate::insights::unusual::Kind;
use crate::insights::{By, Event, Group, Insights, Question, Tally, ask, date};
use crate::problem::Problem;

/// Items by sentiment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tally)]
pub(crate) struct Counted {
    /// How many.
    items: i64,
    /// By label.
    labels: BTreeMap<String, i64>,
    /// % positive - % negative, from -100 to 100; null without items.
    net: Option<f64>,
    /// Half the width of the 95 % interval of `net`.
    net_within: Option<f64>,
}

impl From<Tally> for Counted {
    fn from(tally: Tally) -> Self {
        Self { items: tally.items, net: tally.net(), net_within: tally.within(), labels: tally.labels }
    }
}

/// A day, week or month.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Period {
    /// Its first day, UTC.
    start: String,
    #[serde(flatten)]
    counted: Counted,
}

/// A channel or a language.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
pub(crate) struct Grouped {
    /// Empty where unknown; null for all that are not told apart.
    name: Option<String>,
    #[serde(flatten)]
    counted: Counted,
    /// The period before.
    before: Counted,
    /// Net sentiment by period; null without items.
    nets: Vec<Option<f64>>,
}

impl From<Group> for Grouped {
    fn from(group: Group) -> Self {
        let nets = group.periods.iter().map(Tally::net).collect();
        Self { name: group.name, counted: group.total.into(), before: group.before.into(), nets }
    }
}

/// A word, or two neighbouring ones.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Term)]
pub(crate) struct Termed {
    /// As it is written, in lower case.
    term: String,
    /// Texts that hold it (of the sentiment that it drives), of those that were read.
    texts: u32,
    /// The same in the period before.
    before: u32,
    /// Of the texts (of that sentiment), the share that holds it.
    share: f64,
    /// In the period before; null where there was none.
    share_before: Option<f64>,
    /// Log-odds against the other texts, in nats.
    log_odds: f64,
    /// In its standard deviations.
    z: f64,
    /// Net sentiment of the texts that hold it, from -100 to 100.
    net: f64,
}

impl From<Term> for Termed {
    fn from(term: Term) -> Self {
        Self {
            term: term.term,
            texts: term.now,
            before: term.before,
            share: term.share,
            share_before: term.share_before,
            log_odds: term.log_odds,
            z: term.z,
            net: 100.0 * term.net,
        }
    }
}

fn terms(list: Vec<Term>) -> Vec<Termed> {
    list.into_iter().map(Termed::from).collect()
}

/// What drives sentiment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Drivers {
    /// Terms of negative texts rather than of others, the surest first (log-odds with an informative Dirichlet
    /// prior).
    negative: Vec<Termed>,
    /// The same of positive texts.
    positive: Vec<Termed>,
    /// Terms that come up more than in the period before, beyond what chance does.
    rising: Vec<Termed>,
}

/// A period that stands out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Anomaly {
    /// Its first day, UTC.
    start: String,
    /// `volume` or `sentiment`.
    kind: &'static str,
    /// Items, or net sentiment.
    value: f64,
    /// What the neighbours let expect.
    expected: f64,
    /// How surprising it is, as standard deviations of a normal would be.
    surprise: f64,
    /// What was said then rather than at other times.
    terms: Vec<Termed>,
}

impl From<Event> for Anomaly {
    fn from(event: Event) -> Self {
        let (kind, scale) = match event.what.kind {
            Kind::Volume => ("volume", 1.0),
            Kind::Sentiment => ("sentiment", 100.0),
        };
        Self {
            start: date(event.start).to_string(),
            kind,
            value: scale * event.what.value,
            expected: scale * event.what.expected,
            surprise: event.what.surprise,
            terms: terms(event.said),
        }
    }
}

/// What feedback adds up to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Insights)]
pub(crate) struct Told {
    /// The first day, UTC.
    from: String,
    /// The last day, UTC.
    to: String,
    /// `day`, `week` or `month`.
    by: &'static str,
    /// All of it.
    total: Counted,
    /// As many days before.
    before: Counted,
    /// By day, week or month, in order, those without items too.
    periods: Vec<Period>,
    /// By channel, largest first.
    channels: Vec<Grouped>,
    /// By language, largest first.
    languages: Vec<Grouped>,
    /// Words and phrases.
    drivers: Drivers,
    /// Periods that stand out, the most surprising first.
    anomalies: Vec<Anomaly>,
    /// Texts that were read for words, of this and the period before.
    texts_read: usize,
    /// Of the period's items, every so many-th was read.
    every: i64,
}

impl From<Insights> for Told {
    fn from(found: Insights) -> Self {
        let period =
            |(start, tally): (i64, Tally)| Period { start: date(start).to_string(), counted: tally.into() };
        Self {
            from: date(found.from).to_string(),
            to: date(found.to - 1).to_string(),
            by: found.by.name(),
            total: found.total.into(),
            before: found.before.into(),
            periods: found.periods.into_iter().map(period).collect(),
            channels: found.channels.into_iter().map(Grouped::from).collect(),
            languages: found.languages.into_iter().map(Grouped::from).collect(),
            drivers: Drivers {
                negative: terms(found.said.negative),
                positive: terms(found.said.positive),
                rising: terms(found.said.rising),
            },
            anomalies: found.events.into_iter().map(Anomaly::from).collect(),
            texts_read: found.texts,
            every: found.each,
        }
    }
}

/// Takes a parameter of a question; `false` where it is another.
pub(crate) fn question_by(question: &mut Question, name: &str, value: &str) -> Result<bool, Problem> {
    let wrong = |wants: &str| Problem::field(name, format!("wants {wants}"));
    let day = |end: bool| {
        let time = bound(value, end).ok_or_else(|| wrong("a date (2026-11-20)"))?;
        // A moment within a day means the whole of it.
        Ok::<_, Problem>(if end { (time + DAY - 1).div_euclid(DAY) } else { time.div_euclid(DAY) })
    };
    let short = || {
        if value.chars().count() > 200 {
            Err(wrong("at the most 200 characters"))
        } else {
            Ok(value.to_owned())
        }
    };
    match name {
        "from" => question.from = Some(day(false)?),
        "to" => question.to = Some(day(true)?),
        "by" => question.by = By::of(value).ok_or_else(|| wrong("day, week or month"))?,
        "channel" => question.channel = Some(short()?),
        "language" => question.language = Some(short()?),
        "model" => question.model = Some(short()?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// What feedback adds up to.
///
/// Counts and net sentiment by day, week or month, channel and language, beside as many days before; the words
/// and phrases that drive it; periods that stand out, by a test that finds something in fewer than one of a
/// thousand series in which nothing happens. Wants a key of role analyst.
#[utoipa::path(
    get, path = "/v1/insights", tag = "items", operation_id = "insights",
    params(
        ("from" = Option<String>, Query, description = "The first day; thirty before `to` otherwise (360 by week and month)"),
        ("to" = Option<String>, Query, description = "The last day; the last with items otherwise"),
        ("by" = Option<String>, Query, description = "day, week (from Monday) or month"),
        ("channel" = Option<String>, Query, description = "Of this channel; empty: of an unknown one"),
        ("language" = Option<String>, Query, description = "en, fr, ar or other"),
        ("model" = Option<String>, Query, description = "Scored by this version"),
    ),
    responses(
        (status = 200, description = "What it adds up to", body = Told),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this key", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Busy: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn insights(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Told>, Problem> {
    app.inner.gate.let_in(&headers, Role::Analyst, false).await?;
    let mut question = Question::default();
    for (name, value) in body::form(uri.query().unwrap_or_default()) {
        if !question_by(&mut question, &name, &value)? {
            let there = "from, to, by, channel, language and model";
            return Err(Problem::field(name, format!("is no parameter here: {there} are")));
        }
    }
    Ok(Json(ask(&app, &question).await?.into()))
}
