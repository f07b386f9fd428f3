//! The page Experiments: runs, one of them, and several side by side.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use sentimeter_experiment::compare::{Comparison, page as whole_page, verdict};
use sentimeter_store::{Role, Run, RunFilter, RunId, now};

use super::frame::{Frame, escaped, figure, moment, span};
use super::report::{found, sandboxed};
use super::{Sent, Shown, sentence};
use crate::api::runs;
use crate::app::App;

/// Runs of a page.
const PAGE: u32 = 50;

/// Metrics that a list shows.
const SHOWN: usize = 3;

/// The file of a run that its report is.
const REPORT: &str = "report/index.html";

/// Kinds of runs that are no parts of others.
const KINDS: [&str; 3] = ["train", "search", "evaluate"];

struct Row {
    id: String,
    name: String,
    kind: String,
    status: &'static str,
    time: String,
    took: String,
    to: String,
    metrics: Vec<String>,
}

#[derive(Template)]
#[template(path = "experiments.html")]
struct List<'a> {
    frame: &'a Frame,
    name: &'a str,
    kind: &'a str,
    kinds: [&'static str; 3],
    filtered: bool,
    metrics: Vec<&'static str>,
    runs: Vec<Row>,
    more: Option<String>,
}

#[derive(Template)]
#[template(path = "run.html")]
struct One<'a> {
    frame: &'a Frame,
    run: Row,
    error: Option<String>,
    report: Option<String>,
    metrics: Vec<(String, String)>,
    parameters: BTreeMap<String, String>,
    inputs: Vec<(String, String, String)>,
    command: String,
}

#[derive(Template)]
#[template(path = "compare.html")]
struct Compare<'a> {
    frame: &'a Frame,
    whole: String,
    notes: Vec<String>,
    runs: Vec<(String, String)>,
    measures: Vec<(&'static str, Vec<String>)>,
    verdicts: Vec<String>,
    settings: Vec<(String, Vec<String>)>,
}

fn row(frame: &Frame, run: &Run, metrics: Vec<String>) -> Row {
    Row {
        id: run.id.to_string(),
        name: run.name.clone(),
        kind: run.kind.clone(),
        status: run.status.as_str(),
        time: moment(run.started),
        took: span(run.ended.unwrap_or_else(now) - run.started),
        to: frame.to(&format!("/experiments/{}", run.id), &[]),
        metrics,
    }
}

/// `GET /experiments`.
pub(crate) async fn list(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, true).await?;
    sent.frame.title = sent.frame.h.experiments.to_owned();
    let frame = &sent.frame;
    let (name, kind) = (sent.asked("name").unwrap_or_default(), sent.asked("kind").unwrap_or_default());
    let text = |value: &str| Some(value.to_owned()).filter(|value| !value.is_empty());
    let before = sent.asked("before").and_then(|before| before.parse().ok());
    let filter = RunFilter {
        kind: text(kind),
        name: text(name),
        until: before,
        top: true,
        limit: Some(PAGE),
        ..RunFilter::default()
    };
    let found = app.inner.store.runs(&filter).await?;
    let ids: Vec<RunId> = found.iter().map(|run| run.id.clone()).collect();
    let values = app.inner.store.last_metrics(&ids).await?;
    let has = |name: &&str| values.values().any(|metrics| metrics.contains_key(*name));
    let metrics: Vec<&'static str> = runs::headlines().filter(has).take(SHOWN).collect();
    let none = frame.h.none;
    let rows = found.iter().map(|run| {
        let own = values.get(&run.id);
        let of =
            |name: &&str| own.and_then(|own| own.get(*name)).map_or(none.to_owned(), |value| figure(*value));
        row(frame, run, metrics.iter().map(of).collect())
    });
    let full = found.len() == PAGE as usize;
    let more = found.last().filter(|_| full).map(|last| {
        let before = last.started.to_string();
        frame.to("/experiments", &[("name", name), ("kind", kind), ("before", &before)])
    });
    let filtered = before.is_some() || !name.is_empty() || !kind.is_empty();
    let runs = rows.collect();
    let page = List { frame, name, kind, kinds: KINDS, filtered, runs, more, metrics };
    Ok(sent.show(StatusCode::OK, &page))
}

/// `GET /experiments/{run}`.
pub(crate) async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, true).await?;
    let store = &app.inner.store;
    let run = match store.find_run(&name).await {
        Ok(run) => run,
        Err(error) => return Ok(sent.problem(&error.into())),
    };
    sent.frame.title.clone_from(&run.name);
    let frame = &sent.frame;
    let id = run.id.clone();
    let metrics = store.last_metrics(std::slice::from_ref(&id)).await?.remove(&id).unwrap_or_default();
    let files = store.artifacts(&id).await?;
    let report = files.iter().any(|file| file.path == REPORT);
    let inputs = store.inputs(&id).await?.into_iter().map(|input| {
        let rows = input.rows.map_or(String::new(), |rows| format!("{} {rows}", frame.h.rows));
        (input.role, input.snapshot.unwrap_or(input.name), rows)
    });
    let page = One {
        frame,
        error: run.error.as_deref().map(sentence),
        report: report.then(|| format!("/experiments/{id}/report")),
        metrics: metrics.into_iter().map(|(name, value)| (name, figure(value))).collect(),
        parameters: store.params(&id).await?,
        inputs: inputs.collect(),
        command: run.origin.command.clone(),
        run: row(frame, &run, Vec::new()),
    };
    Ok(sent.show(StatusCode::OK, &page))
}

/// `GET /experiments/{run}/report`: the report as it was written.
pub(crate) async fn report(
    State(app): State<App>,
    Path(name): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Shown {
    let sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, true).await?;
    let store = app.inner.store.clone();
    let run = match store.find_run(&name).await {
        Ok(run) => run,
        Err(error) => return Ok(sent.problem(&error.into())),
    };
    let files = store.artifacts(&run.id).await?;
    let Some(file) = files.into_iter().find(|file| file.path == REPORT) else {
        return Ok(sent.fault(StatusCode::NOT_FOUND, sent.frame.h.missing));
    };
    let shown = found(move || store.blobs().read(&file.hash).ok()).await?;
    Ok(shown.unwrap_or_else(|| sent.fault(StatusCode::NOT_FOUND, sent.frame.h.missing)))
}

/// `GET /experiments/compare`.
pub(crate) async fn compare(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, true).await?;
    sent.frame.title = sent.frame.h.compare_title.to_owned();
    let runs = match runs::named(&app, uri.query().unwrap_or_default()).await {
        Ok(runs) => runs,
        Err(problem) if problem.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            return Ok(sent.fault(problem.status(), sent.frame.h.compare_few));
        }
        Err(problem) => return Ok(sent.problem(&problem)),
    };
    let compared = Comparison::gather(&app.inner.store, &runs).await?;
    let frame = &sent.frame;
    let measures = runs::headlines().filter(|name| compared.runs.iter().any(|r| r.metric(name).is_some()));
    let value = |run: &sentimeter_experiment::compare::Compared, name: &str| match run.metric(name) {
        Some((value, Some([low, high]))) => {
            format!("{} ({} – {})", figure(value), figure(low), figure(high))
        }
        Some((value, None)) => figure(value),
        None => frame.h.none.to_owned(),
    };
    let measures = measures.map(|name| (name, compared.runs.iter().map(|run| value(run, name)).collect()));
    let first = &compared.runs[0].name;
    let verdicts = compared.runs[1..].iter().zip(&compared.paired);
    let verdicts =
        verdicts.filter_map(|(run, paired)| Some(sentence(&verdict(paired.as_ref()?, first, &run.name))));
    let ids: Vec<(&str, &str)> = compared.runs.iter().map(|run| ("run", run.id.as_str())).collect();
    let none = || frame.h.none.to_owned();
    let page = Compare {
        frame,
        whole: frame.to("/experiments/compare/report", &ids),
        notes: compared.notes.iter().map(|note| sentence(note)).collect(),
        measures: measures.collect(),
        verdicts: verdicts.collect(),
        settings: compared
            .differing
            .iter()
            .map(|s| (s.name.clone(), s.values.iter().map(|v| v.clone().unwrap_or_else(none)).collect()))
            .collect(),
        runs: compared
            .runs
            .iter()
            .map(|run| (frame.to(&format!("/experiments/{}", escaped(&run.id)), &[]), run.name.clone()))
            .collect(),
    };
    Ok(sent.show(StatusCode::OK, &page))
}

/// `GET /experiments/compare/report`: all of it, with plots.
pub(crate) async fn compare_report(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Shown {
    let sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, true).await?;
    let runs = match runs::named(&app, uri.query().unwrap_or_default()).await {
        Ok(runs) => runs,
        Err(problem) => return Ok(sent.problem(&problem)),
    };
    let compared = Comparison::gather(&app.inner.store, &runs).await?;
    sandboxed(move || whole_page(&compared, None).html()).await
}
