//! The page Batch: drop a file, say what its columns are, watch it, read what came of it.

use std::collections::BTreeMap;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use sentimeter_store::{Job, JobStatus, Role};

use super::charts::{Part, Said, Time, shares, time};
use super::frame::Frame;
use super::strings::Strings;
use super::strings::desk::{Desk, desk, put};
use super::{Sent, Shown, redirect, sentence};
use crate::api::jobs::{may_keep, own};
use crate::app::App;
use crate::insights::{Tally, date};
use crate::jobs::{Options, Preview, Summary, preview, receive, submit};
use crate::problem::Problem;

/// Files of the list.
const LISTED: u32 = 20;

/// Days of a chart: beyond, months are.
const DAYS: i64 = 92;

struct Listed {
    to: String,
    name: String,
    status: &'static str,
    class: &'static str,
    rows: String,
}

#[derive(Template)]
#[template(path = "batch.html")]
struct BatchPage<'a> {
    frame: &'a Frame,
    d: &'static Desk,
    most: String,
    fault: String,
    /// Whether there is a key, so that files are listed.
    known: bool,
    files: Vec<Listed>,
}

/// What a column may be, and which one it is taken for.
struct Choice {
    name: &'static str,
    label: &'static str,
    /// Whether there must be one.
    needed: bool,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    chosen: bool,
}

struct Mapping {
    choices: Vec<Choice>,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    may_keep: bool,
}

struct Share {
    name: String,
    class: &'static str,
    count: String,
    percent: String,
}

struct Group {
    name: String,
    count: String,
    net: String,
    class: &'static str,
    parts: Vec<Part>,
}

struct Outcome {
    shares: Vec<Share>,
    parts: Vec<Part>,
    groups: Vec<(&'static str, Vec<Group>)>,
    time: Option<Time>,
    left_out: Option<String>,
    kept: Option<String>,
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage<'a> {
    frame: &'a Frame,
    d: &'static Desk,
    id: &'a str,
    name: &'a str,
    status: &'static str,
    class: &'static str,
    model: &'a str,
    size: String,
    /// Whether it is worth to look again in a moment.
    again: bool,
    over: bool,
    fault: String,
    rows: String,
    /// Of the bar's width.
    share: String,
    waits: bool,
    mapping: Option<Mapping>,
    outcome: Option<Outcome>,
    csv: String,
    jsonl: String,
}

fn class(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Failed => "failed",
        JobStatus::Running => "running",
        _ => "",
    }
}

async fn enter(
    app: &App,
    (method, uri, headers): (&Method, &Uri, &HeaderMap),
) -> Result<(Sent, &'static Desk), super::Elsewhere> {
    let mut sent = Sent::enter(app, (method, uri, headers), Role::Predict, true).await?;
    let d = desk(sent.frame.t);
    sent.frame.title = d.batch.to_owned();
    Ok((sent, d))
}

async fn first(app: &App, sent: &Sent, d: &'static Desk, status: StatusCode, fault: String) -> Shown {
    // Without a key everybody on this machine would see everybody's.
    let known = sent.caller.role.is_some();
    let jobs = if known { app.inner.store.jobs(Some(&sent.caller.who), LISTED).await? } else { Vec::new() };
    let files = jobs.into_iter().map(|job| Listed {
        to: sent.frame.to(&format!("/batch/{}", job.id), &[]),
        status: d.status(job.status),
        class: class(job.status),
        rows: d.count(job.rows),
        name: job.name,
    });
    let page = BatchPage {
        frame: &sent.frame,
        d,
        most: put(d.most, &[&d.bytes(app.inner.limits.upload_bytes)]),
        fault,
        known,
        files: files.collect(),
    };
    Ok(sent.show(status, &page))
}

/// `GET /batch`: where a file is dropped.
pub(crate) async fn page(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Shown {
    let (sent, d) = enter(&app, (&method, &uri, &headers)).await?;
    first(&app, &sent, d, StatusCode::OK, String::new()).await
}

/// `POST /batch`: a file comes in, behind the token that shows that the form is ours.
pub(crate) async fn upload(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Shown {
    let (sent, d) = enter(&app, (&method, &uri, &headers)).await?;
    let fits = |token: &str| app.inner.gate.fits(&headers, token);
    let submitted = match receive(&app, &headers, raw, None, Some(&fits)).await {
        Ok(received) => submit(&app, received, &sent.caller.who, Options::default(), true).await,
        Err(problem) => Err(problem),
    };
    match submitted {
        Ok((job, _)) => Ok(redirect(&sent.frame.to(&format!("/batch/{}", job.id), &[]))),
        Err(problem) if problem.status() == StatusCode::FORBIDDEN => {
            first(&app, &sent, d, problem.status(), sent.frame.h.stale.to_owned()).await
        }
        Err(problem) => first(&app, &sent, d, problem.status(), said(&sent, &problem)).await,
    }
}

fn said(sent: &Sent, problem: &Problem) -> String {
    match problem.status() {
        StatusCode::SERVICE_UNAVAILABLE => sent.frame.t.busy.to_owned(),
        StatusCode::INTERNAL_SERVER_ERROR => sent.frame.t.failed.to_owned(),
        _ => sentence(problem.detail()),
    }
}

/// `GET /batch/{id}`: how far a file is, and what came of it.
pub(crate) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Shown {
    let (sent, d) = enter(&app, (&method, &uri, &headers)).await?;
    let job = match own(&app, &sent.caller, &id).await {
        Ok(job) => job,
        Err(problem) => return Ok(sent.problem(&problem)),
    };
    job_page(&app, &sent, d, &job, StatusCode::OK, String::new()).await
}

/// `POST /batch/{id}`: start, end or remove it.
pub(crate) async fn act(
    State(app): State<App>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Shown {
    let (mut sent, d) = enter(&app, (&method, &uri, &headers)).await?;
    sent.take(&headers, raw).await?;
    let job = match own(&app, &sent.caller, &id).await {
        Ok(job) => job,
        Err(problem) => return Ok(sent.problem(&problem)),
    };
    let here = sent.frame.to(&format!("/batch/{id}"), &[]);
    match sent.field("action") {
        Some("remove") => {
            app.inner.store.remove_job(&id).await?;
            app.inner.desk.remove(&id);
            return Ok(redirect(&sent.frame.to("/batch", &[])));
        }
        Some("cancel") => {
            app.inner.store.cancel_job(&id).await?;
            return Ok(redirect(&here));
        }
        _ => {}
    }
    let given = |name: &str| sent.field(name).map(str::to_owned);
    let options = Options {
        text: given("text").into_iter().collect(),
        id: given("id"),
        time: given("time"),
        author: given("author"),
        channel: given("channel"),
        language: given("language"),
        items: given("items").is_some(),
        ..Options::default()
    };
    if options.items
        && let Err(problem) = may_keep(&app, &headers).await
    {
        return job_page(&app, &sent, d, &job, problem.status(), said(&sent, &problem)).await;
    }
    // What would fail later is said now.
    if let Err(problem) = look(&app, &job, options.clone()).await {
        return job_page(&app, &sent, d, &job, problem.status(), said(&sent, &problem)).await;
    }
    let value = serde_json::to_value(&options).map_err(|_| Problem::internal())?;
    app.inner.store.queue_job(&id, &value).await?;
    app.inner.desk.wake();
    Ok(redirect(&here))
}

async fn look(app: &App, job: &Job, options: Options) -> Result<Preview, Problem> {
    let (place, name, limits) = (app.inner.desk.place(&job.id), job.name.clone(), app.inner.limits);
    let looked = tokio::task::spawn_blocking(move || preview(&place, &name, &options, &limits)).await;
    looked.map_err(|_| Problem::internal())?.map_err(|error| crate::jobs::unreadable(&error))
}

fn mapping(d: &'static Desk, found: Preview, may_keep: bool) -> Mapping {
    let taken = &found.mapping;
    let choice = |name, label, is: Option<&String>| Choice {
        name,
        label,
        needed: name == "text",
        columns: found
            .columns
            .iter()
            .map(|column| Column { name: column.clone(), chosen: is == Some(column) })
            .collect(),
    };
    Mapping {
        choices: vec![
            choice("text", d.text, taken.text.first()),
            choice("time", d.time, taken.time.as_ref()),
            choice("channel", d.channel, taken.channel.as_ref()),
            choice("language", d.language, taken.language.as_ref()),
            choice("author", d.author, taken.author.as_ref()),
            choice("id", d.id, taken.id.as_ref()),
        ],
        rows: found.rows,
        may_keep,
        columns: found.columns,
    }
}

fn tally(labels: &BTreeMap<String, i64>) -> Tally {
    Tally { items: labels.values().sum(), labels: labels.clone() }
}

fn groups(
    t: &Strings,
    d: &Desk,
    of: &BTreeMap<String, BTreeMap<String, i64>>,
    languages: bool,
) -> Vec<Group> {
    let mut all: Vec<(&String, Tally)> = of.iter().map(|(name, labels)| (name, tally(labels))).collect();
    all.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.items));
    all.truncate(12);
    let group = |(name, tally): (&String, Tally)| {
        let net = tally.net().unwrap_or_default();
        Group {
            name: if languages { t.language_name(name).to_owned() } else { name.clone() },
            count: d.count(tally.items),
            net: d.signed(net),
            class: super::charts::class(net),
            parts: shares(&tally.labels, |label, count| {
                format!("{}: {}", t.sentiment(label), d.count(count))
            }),
        }
    };
    all.into_iter().map(group).collect()
}

/// Days, or months where there are many.
fn over_time(d: &Desk, days: &BTreeMap<i64, BTreeMap<String, i64>>) -> Option<Time> {
    let (first, last) = (*days.keys().next()?, *days.keys().next_back()?);
    if first == last {
        return None;
    }
    let by = if last - first > 12 * DAYS {
        crate::insights::By::Month
    } else if last - first > DAYS {
        crate::insights::By::Week
    } else {
        crate::insights::By::Day
    };
    let mut periods: Vec<(i64, Tally)> = Vec::new();
    let mut start = by.start(first);
    // No file is worth more bars than can be seen.
    while start <= last && periods.len() < 400 {
        let next = by.next(start);
        let mut sum = Tally::default();
        for labels in days.range(start..next).map(|(_, labels)| labels) {
            labels.iter().for_each(|(label, count)| sum.add(label, *count));
        }
        periods.push((start, sum));
        start = next;
    }
    let tallies: Vec<&Tally> = periods.iter().map(|(_, tally)| tally).collect();
    Some(time(
        &tallies,
        |n| d.count(n),
        |at| {
            let (start, tally) = &periods[at];
            let date = d.date(date(*start));
            Said {
                title: format!("{date}: {}", d.count(tally.items)),
                net: d.signed(tally.net().unwrap_or_default()),
                date: d.day_of(self::date(*start)),
                to: String::new(),
                marked: false,
            }
        },
    ))
}

fn outcome(t: &Strings, d: &Desk, summary: &Summary) -> Outcome {
    let whole: i64 = summary.labels.values().sum();
    let share = |(label, count): (&String, &i64)| Share {
        name: t.sentiment(label),
        class: super::view::class(label),
        count: d.count(*count),
        percent: d.percent(*count, whole),
    };
    let parts = shares(&summary.labels, |label, count| format!("{}: {}", t.sentiment(label), d.count(count)));
    let mut all = Vec::new();
    if summary.channels.len() > 1 {
        all.push((d.by_channel, groups(t, d, &summary.channels, false)));
    }
    if summary.languages.len() > 1 {
        all.push((d.by_language, groups(t, d, &summary.languages, true)));
    }
    let left_out = summary.empty + summary.broken;
    Outcome {
        shares: summary.labels.iter().map(share).collect(),
        parts,
        groups: all,
        time: over_time(d, &summary.days),
        left_out: (left_out > 0)
            .then(|| put(d.left_out, &[&d.count(summary.empty), &d.count(summary.broken)])),
        kept: (summary.kept > 0).then(|| put(d.kept, &[&d.count(summary.kept)])),
    }
}

async fn job_page(
    app: &App,
    sent: &Sent,
    d: &'static Desk,
    job: &Job,
    status: StatusCode,
    fault: String,
) -> Shown {
    let t = sent.frame.t;
    let draft = job.status == JobStatus::Draft;
    let mapping = match draft {
        true => match look(app, job, Options::default()).await {
            Ok(found) => Some(mapping(d, found, sent.caller.role.is_some())),
            Err(problem) => return Ok(sent.problem(&problem)),
        },
        false => None,
    };
    let summary: Summary = serde_json::from_value(job.summary.clone()).unwrap_or_default();
    let whole = summary.labels.values().sum::<i64>() > 0;
    let share =
        if job.status == JobStatus::Done { 1.0 } else { job.consumed as f64 / job.size.max(1) as f64 };
    let error = job.error.as_deref().map(sentence).unwrap_or_default();
    let link = |format: &str| format!("/v1/jobs/{}/result?format={format}", job.id);
    let page = JobPage {
        frame: &sent.frame,
        d,
        id: &job.id,
        name: &job.name,
        status: d.status(job.status),
        class: class(job.status),
        model: &job.model,
        size: d.bytes(job.size as u64),
        again: matches!(job.status, JobStatus::Queued | JobStatus::Running),
        over: job.status.is_over(),
        fault: if fault.is_empty() { error } else { fault },
        rows: put(d.rows_done, &[&d.count(job.rows)]),
        share: format!("{:.1}", 100.0 * share.clamp(0.0, 1.0)),
        waits: job.status == JobStatus::Queued,
        mapping,
        outcome: (whole && job.status.is_over()).then(|| outcome(t, d, &summary)),
        csv: link("csv"),
        jsonl: link("jsonl"),
    };
    Ok(sent.show(status, &page))
}
