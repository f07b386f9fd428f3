//! The page Insights: how people feel over time, by channel and language, and what makes them; down to the texts.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use sentimeter_store::{ItemFilter, Role};

use super::charts::{Part, Said, Time, class, shares, spark, time};
use super::frame::Frame;
use super::strings::Strings;
use super::strings::desk::{Desk, desk, put};
use super::{Sent, Shown, sentence};
use crate::api::insights::question_by;
use crate::api::items::filter_by;
use crate::app::App;
use crate::insights::terms::Term;
use crate::insights::unusual::Kind;
use crate::insights::{By, Event, Group, Insights, Question, ask, date};
use crate::problem::Problem;

/// Texts of a page.
const TEXTS: u32 = 20;

/// What the address may hold: all of it stays there while one goes on.
const KEPT: [&str; 8] = ["from", "to", "by", "channel", "language", "model", "sentiment", "q"];

struct Option_ {
    value: String,
    name: String,
    chosen: bool,
}

struct Row {
    name: String,
    to: String,
    items: String,
    net: String,
    class: &'static str,
    change: String,
    parts: Vec<Part>,
    spark: Vec<String>,
}

struct Word {
    term: String,
    to: String,
    width: String,
    texts: String,
    change: &'static str,
    class: &'static str,
    net: String,
}

struct Happened {
    when: String,
    to: String,
    what: String,
    class: &'static str,
    words: Vec<Word>,
}

struct Text {
    text: String,
    lang: String,
    name: String,
    class: &'static str,
    percent: String,
    facts: Vec<String>,
}

struct Told {
    net: String,
    net_class: &'static str,
    within: String,
    net_change: Option<String>,
    net_up: bool,
    items: String,
    items_before: String,
    parts: Vec<Part>,
    shares: Vec<(String, &'static str, String)>,
    chart: Time,
    events: Vec<Happened>,
    negative: Vec<Word>,
    positive: Vec<Word>,
    rising: Vec<Word>,
    groups: Vec<(&'static str, Vec<Row>)>,
    sampled: Option<String>,
    texts: Vec<Text>,
    older: Option<String>,
    csv: String,
    jsonl: String,
}

#[derive(Template)]
#[template(path = "insights.html")]
struct Page<'a> {
    frame: &'a Frame,
    d: &'static Desk,
    fault: String,
    from: String,
    to: String,
    q: String,
    by: Vec<Option_>,
    channels: Vec<Option_>,
    languages: Vec<Option_>,
    sentiments: Vec<Option_>,
    reset: String,
    batch: String,
    /// `None`: nothing was ever sent.
    told: Option<Told>,
}

/// The address of this page, with some of what it holds now replaced.
struct Here<'a> {
    frame: &'a Frame,
    pairs: Vec<(String, String)>,
}

impl Here<'_> {
    fn with(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut pairs: Vec<(&str, &str)> = self
            .pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| more.iter().all(|(other, _)| other != name))
            .collect();
        pairs.extend(more.iter().filter(|(name, value)| !value.is_empty() || *name == "channel"));
        self.frame.to(path, &pairs)
    }

    fn to(&self, more: &[(&str, &str)]) -> String {
        self.with("/insights", more)
    }

    fn texts(&self, more: &[(&str, &str)]) -> String {
        format!("{}#texts", self.to(more))
    }
}

fn named(t: &Strings, d: &Desk, channel: Option<&str>, languages: bool) -> String {
    match channel {
        None => d.others.to_owned(),
        Some("") => d.unknown.to_owned(),
        Some(code) if languages => t.language_name(code).to_owned(),
        Some(name) => name.to_owned(),
    }
}

fn rows(t: &Strings, d: &Desk, here: &Here<'_>, groups: &[Group], languages: bool) -> Vec<Row> {
    let field = if languages { "language" } else { "channel" };
    let row = |group: &Group| {
        let net = group.total.net().unwrap_or_default();
        let change = group.before.net().map(|before| d.signed(net - before));
        let nets: Vec<Option<f64>> = group.periods.iter().map(crate::insights::Tally::net).collect();
        Row {
            name: named(t, d, group.name.as_deref(), languages),
            // What is not known cannot be asked for here.
            to: match group.name.as_deref() {
                Some(name) if !name.is_empty() => here.to(&[(field, name)]),
                _ => String::new(),
            },
            items: d.count(group.total.items),
            net: d.signed(net),
            class: class(net),
            change: change.unwrap_or_else(|| "–".to_owned()),
            parts: shares(&group.total.labels, |label, count| {
                format!("{}: {}", t.sentiment(label), d.count(count))
            }),
            spark: spark(&nets),
        }
    };
    groups.iter().map(row).collect()
}

fn words(d: &Desk, here: &Here<'_>, terms: &[Term], more: &[(&str, &str)]) -> Vec<Word> {
    let most = terms.iter().map(|term| term.z).fold(1.0, f64::max);
    let word = |term: &Term| {
        let mut pairs = more.to_vec();
        pairs.push(("q", &term.term));
        Word {
            to: here.texts(&pairs),
            width: format!("{:.1}", 100.0 * term.z / most),
            texts: put(d.of_texts, &[&d.count(term.now.into()), &d.count(term.before.into())]),
            change: match term.share_before {
                Some(before) if term.share > 1.25 * before => "↑",
                Some(before) if term.share < 0.8 * before => "↓",
                _ => "",
            },
            class: class(100.0 * term.net),
            net: d.signed(100.0 * term.net),
            term: term.term.clone(),
        }
    };
    terms.iter().map(word).collect()
}

/// The first and the last day of a period, as an address has them.
fn days(found: &Insights, start: i64) -> (String, String) {
    let end = found.by.next(start).min(found.to) - 1;
    (date(start).to_string(), date(end).to_string())
}

fn happened(d: &Desk, here: &Here<'_>, found: &Insights, event: &Event) -> Happened {
    let (from, to) = days(found, event.start);
    let what = match event.what.kind {
        Kind::Volume => {
            put(d.more, &[&d.count(event.what.value as i64), &d.count(event.what.expected.round() as i64)])
        }
        Kind::Sentiment => {
            put(d.turned, &[&d.signed(100.0 * event.what.value), &d.signed(100.0 * event.what.expected)])
        }
    };
    Happened {
        when: d.date(date(event.start)),
        to: here.texts(&[("from", &from), ("to", &to)]),
        what,
        class: match event.what.kind {
            Kind::Volume => "neu",
            Kind::Sentiment if event.what.value < event.what.expected => "neg",
            Kind::Sentiment => "pos",
        },
        words: words(d, here, &event.said, &[("from", &from), ("to", &to)]),
    }
}

fn chart(d: &Desk, here: &Here<'_>, found: &Insights) -> Time {
    let tallies: Vec<_> = found.periods.iter().map(|(_, tally)| tally).collect();
    time(
        &tallies,
        |n| d.count(n),
        |at| {
            let (start, tally) = &found.periods[at];
            let (from, to) = days(found, *start);
            let (day, net) = (date(*start), tally.net().map_or("–".to_owned(), |net| d.signed(net)));
            Said {
                title: format!("{}: {} · {} {net}", d.date(day), d.count(tally.items), d.net),
                date: d.day_of(day),
                net,
                to: here.texts(&[("from", &from), ("to", &to)]),
                marked: found.events.iter().any(|event| event.start == *start),
            }
        },
    )
}

fn moment(d: &Desk, time: i64) -> String {
    d.date(date(time.div_euclid(sentimeter_store::DAY)))
}

async fn told(
    app: &App,
    t: &Strings,
    d: &'static Desk,
    here: &Here<'_>,
    found: &Insights,
    filter: ItemFilter,
) -> Result<Told, Problem> {
    let length = (found.to - found.from).to_string();
    let net = found.total.net();
    let net_change = net.zip(found.before.net()).map(|(now, before)| now - before);
    let items = app.inner.store.items(&filter).await?;
    let full = items.len() == TEXTS as usize;
    let after = items.last().filter(|_| full).map(|last| format!("{}:{}", last.time, last.number));
    let text = |item: sentimeter_store::Item| Text {
        name: t.sentiment(&item.label),
        class: super::view::class(&item.label),
        percent: t.percent(item.confidence as f32),
        facts: [
            moment(d, item.time),
            item.channel,
            t.language_name(&item.language).to_owned(),
            item.model,
            item.external.unwrap_or_default(),
        ]
        .into_iter()
        .filter(|fact| !fact.is_empty())
        .collect(),
        lang: if item.language == "other" { String::new() } else { item.language },
        text: item.text,
    };
    let share = |(label, count): (&String, &i64)| {
        (t.sentiment(label), super::view::class(label), d.percent(*count, found.total.items))
    };
    let (from, to) = (date(found.from).to_string(), date(found.to - 1).to_string());
    // The interface's own address has no `by` and no language of a page.
    let export = |format: &str| {
        let all = here.with("/v1/items", &[("from", &from), ("to", &to), ("by", ""), ("format", format)]);
        all.split('&').filter(|pair| !pair.starts_with("lang=")).collect::<Vec<_>>().join("&")
    };
    Ok(Told {
        net: net.map_or("–".to_owned(), |net| d.signed(net)),
        net_class: class(net.unwrap_or_default()),
        within: found
            .total
            .within()
            .map(|w| format!("± {}", d.signed(w).trim_start_matches('+')))
            .unwrap_or_default(),
        net_up: net_change.is_some_and(|change| change >= 0.0),
        net_change: net_change.map(|change| d.signed(change)),
        items: d.count(found.total.items),
        items_before: if found.before.items > 0 {
            put(d.before, &[&d.count(found.before.items), &length])
        } else {
            put(d.nothing_before, &[&length])
        },
        parts: shares(&found.total.labels, |label, count| {
            format!("{}: {}", t.sentiment(label), d.count(count))
        }),
        shares: found.total.labels.iter().map(share).collect(),
        chart: chart(d, here, found),
        events: found.events.iter().map(|event| happened(d, here, found, event)).collect(),
        negative: words(d, here, &found.said.negative, &[("sentiment", "negative")]),
        positive: words(d, here, &found.said.positive, &[("sentiment", "positive")]),
        rising: words(d, here, &found.said.rising, &[]),
        groups: vec![
            (d.by_channel, rows(t, d, here, &found.channels, false)),
            (d.by_language, rows(t, d, here, &found.languages, true)),
        ],
        sampled: (found.each > 1)
            .then(|| put(d.sampled, &[&d.count(found.texts as i64), &d.count(found.each)])),
        texts: items.into_iter().map(text).collect(),
        older: after.map(|after| here.texts(&[("after", &after)])),
        csv: export("csv"),
        jsonl: export("jsonl"),
    })
}

fn options(d: &Desk, given: Option<&str>, all: impl Iterator<Item = (String, String)>) -> Vec<Option_> {
    // What stands in the address stays to be chosen, whether there is any or not.
    let mut options = vec![Option_ { value: String::new(), name: d.all.to_owned(), chosen: given.is_none() }];
    options.extend(all.map(|(value, name)| Option_ { chosen: given == Some(value.as_str()), value, name }));
    if let Some(given) = given.filter(|given| options.iter().all(|option| option.value != *given)) {
        options.push(Option_ { value: given.to_owned(), name: given.to_owned(), chosen: true });
    }
    options
}

/// `GET /insights`.
pub(crate) async fn page(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, false).await?;
    let (t, d) = (sent.frame.t, desk(sent.frame.t));
    sent.frame.title = d.insights.to_owned();
    let given = |name: &str| sent.asked(name).map(str::to_owned);
    let pairs: Vec<(String, String)> =
        KEPT.iter().filter_map(|name| Some(((*name).to_owned(), given(name)?))).collect();
    let here = Here { frame: &sent.frame, pairs };
    let (mut question, mut filter) =
        (Question::default(), ItemFilter { limit: Some(TEXTS), ..ItemFilter::default() });
    let mut fault = String::new();
    for (name, value) in &here.pairs {
        let asked = question_by(&mut question, name, value)
            .and_then(|_| if name == "by" { Ok(true) } else { filter_by(&mut filter, name, value) });
        if let Err(problem) = asked {
            fault = format!("{}{}", d.wrong_question, problem.detail());
        }
    }
    if let Some(after) = given("after") {
        filter.after = after.split_once(':').and_then(|(t, n)| Some((t.parse().ok()?, n.parse().ok()?)));
    }
    let any = app.inner.store.item_span().await?.is_some();
    let found = match (any && fault.is_empty()).then_some(()) {
        Some(()) => match ask(&app, &question).await {
            Ok(found) => Some(found),
            Err(problem) if problem.status() == StatusCode::UNPROCESSABLE_ENTITY => {
                fault = format!("{}{}", d.wrong_question, problem.detail());
                None
            }
            Err(problem) => return Ok(sent.problem(&problem)),
        },
        None => None,
    };
    let told = match &found {
        Some(found) => {
            filter.from = filter.from.or(Some(found.from * sentimeter_store::DAY));
            filter.to = filter.to.or(Some(found.to * sentimeter_store::DAY));
            match told(&app, t, d, &here, found, filter).await {
                Ok(told) => Some(told),
                Err(problem) => return Ok(sent.problem(&problem)),
            }
        }
        None => None,
    };
    let names = |groups: &dyn Fn(&Insights) -> Vec<Group>, languages: bool| -> Vec<(String, String)> {
        let groups = found.as_ref().map(groups).unwrap_or_default();
        let named = groups.into_iter().filter_map(|group| group.name);
        named
            .filter(|name| !name.is_empty())
            .map(|name| (name.clone(), named_(t, d, &name, languages)))
            .collect()
    };
    let status = if fault.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let labels = app.live().model().labels().to_vec();
    let page = Page {
        frame: &sent.frame,
        d,
        fault: if fault.is_empty() { fault } else { sentence(&fault) },
        from: found.as_ref().map_or_else(|| given("from").unwrap_or_default(), |f| date(f.from).to_string()),
        to: found.as_ref().map_or_else(|| given("to").unwrap_or_default(), |f| date(f.to - 1).to_string()),
        q: given("q").unwrap_or_default(),
        by: By::ALL
            .into_iter()
            .zip([d.day, d.week, d.month])
            .map(|(by, name)| Option_ {
                value: by.name().to_owned(),
                name: name.to_owned(),
                chosen: by == question.by,
            })
            .collect(),
        channels: options(d, question.channel.as_deref(), names(&|f| f.channels.clone(), false).into_iter()),
        languages: options(
            d,
            question.language.as_deref(),
            names(&|f| f.languages.clone(), true).into_iter(),
        ),
        sentiments: options(
            d,
            given("sentiment").as_deref(),
            labels.iter().map(|label| (label.clone(), t.sentiment(label))),
        ),
        reset: sent.frame.to("/insights", &[]),
        batch: sent.frame.to("/batch", &[]),
        told: told.filter(|_| any),
    };
    Ok(sent.show(status, &page))
}

fn named_(t: &Strings, d: &Desk, name: &str, languages: bool) -> String {
    named(t, d, Some(name), languages)
}
