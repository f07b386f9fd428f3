//! `GET /v1/runs`: what was trained, with what, and what came of it.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use sentimeter_experiment::compare::{Comparison, HEADLINES, verdict};
use sentimeter_store::{Artifact, Input, Metric, Role, Run, RunFilter, RunId};
use serde::Serialize;
use utoipa::ToSchema;

use super::refused::Refused;
use super::tagged::tagged;
use crate::app::App;
use crate::body;
use crate::problem::Problem;

/// Runs of a page.
const PAGE: u32 = 50;

/// Most runs of a page.
const MOST: u32 = 500;

/// Runs that are compared at a time.
pub(crate) const COMPARED: usize = 20;

/// Runs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Runs {
    /// The runs.
    runs: Vec<OneRun>,
    /// What `before` wants for the next page; null on the last.
    next: Option<i64>,
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub(crate) struct OneRun {
    /// Its name for good.
    #[schema(example = "20261121-143005123-9f3a01bc")]
    id: String,
    /// Its name for people.
    #[schema(example = "calm-otter-27")]
    name: String,
    /// The run that it is a part of.
    parent: Option<String>,
    /// `train`, `search`, `evaluate`, …
    #[schema(example = "train")]
    kind: String,
    /// `running`, `finished`, `failed` or `killed`.
    #[schema(example = "finished")]
    status: &'static str,
    /// When it started, milliseconds since 1970.
    started: i64,
    /// When it ended.
    ended: Option<i64>,
    /// The last value of each metric; null where it is no number.
    #[schema(value_type = std::collections::HashMap<String, Option<f64>>)]
    metrics: BTreeMap<String, f64>,
}

impl OneRun {
    fn of(run: Run, metrics: BTreeMap<String, f64>) -> Self {
        Self {
            id: run.id.to_string(),
            name: run.name,
            parent: run.parent.map(|parent| parent.to_string()),
            kind: run.kind,
            status: run.status.as_str(),
            started: run.started,
            ended: run.ended,
            metrics,
        }
    }
}

/// A run with everything that was recorded of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeRun {
    #[serde(flatten)]
    run: OneRun,
    /// Who started it, and where.
    user: String,
    /// The machine.
    host: String,
    /// The command line.
    command: String,
    /// The commit of the folder that it ran in.
    git_commit: Option<String>,
    /// Version of the program.
    code: String,
    /// What it draws from.
    seed: Option<u64>,
    /// Why it failed.
    error: Option<String>,
    /// The plan, as TOML.
    plan: String,
    /// Its settings.
    parameters: BTreeMap<String, String>,
    /// Remarks on it.
    tags: BTreeMap<String, String>,
    /// What it read.
    inputs: Vec<Read>,
    /// Every value of every metric, with its step.
    series: Vec<Point>,
    /// The files that it left.
    files: Vec<File>,
}

/// What a run read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunInput)]
pub(crate) struct Read {
    /// `train` or `test`.
    role: String,
    /// What the user called it.
    name: String,
    /// `NAME@VERSION` of an imported data set.
    snapshot: Option<String>,
    /// BLAKE3 of its bytes, or the snapshot's version.
    hash: String,
    /// Rows that were read.
    rows: Option<i64>,
}

impl From<Input> for Read {
    fn from(Input { role, name, snapshot, hash, rows, .. }: Input) -> Self {
        Self { role, name, snapshot, hash, rows }
    }
}

/// A measured value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunMetric)]
pub(crate) struct Point {
    /// What was measured.
    name: String,
    /// Iteration, epoch, or number of rows.
    step: i64,
    /// Null where it is no number.
    #[schema(value_type = Option<f64>)]
    value: f64,
}

impl From<Metric> for Point {
    fn from(Metric { name, step, value, .. }: Metric) -> Self {
        Self { name, step, value }
    }
}

/// A file that a run left.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunFile)]
pub(crate) struct File {
    /// Its name in the run.
    #[schema(example = "report/index.html")]
    path: String,
    /// BLAKE3 of its content.
    hash: String,
    /// Its size.
    bytes: u64,
    /// Its media type.
    media: String,
}

impl From<Artifact> for File {
    fn from(Artifact { path, hash, size, media }: Artifact) -> Self {
        Self { path, hash, bytes: size, media }
    }
}

/// Runs side by side.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunComparison)]
pub(crate) struct Compared {
    /// The runs, in the order in which they were named.
    runs: Vec<Side>,
    /// Settings that are not the same everywhere.
    differing: Vec<Setting>,
    /// Each run but the first, answer by answer against the first; null where that cannot be.
    paired: Vec<Option<Paired>>,
    /// What should be heeded.
    notes: Vec<String>,
}

/// A run in a comparison.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ComparedRun)]
pub(crate) struct Side {
    /// Its name for good.
    id: String,
    /// Its name for people.
    name: String,
    /// Content hash of the rows that it was measured on.
    test_hash: Option<String>,
    /// The last value of each metric; null where it is no number.
    #[schema(value_type = std::collections::HashMap<String, Option<f64>>)]
    metrics: BTreeMap<String, f64>,
}

/// A setting that is not the same everywhere.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DifferingSetting)]
pub(crate) struct Setting {
    /// Its name.
    name: String,
    /// Its value in each run; null where it has none.
    values: Vec<Option<String>>,
}

/// What the same rows say of two runs' models.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PairedRuns)]
pub(crate) struct Paired {
    /// Rows that both were measured on.
    rows: u64,
    /// Rows that only the first answered right.
    only_first: u64,
    /// Rows that only the second answered right.
    only_second: u64,
    /// Accuracy of the second less that of the first.
    difference: f64,
    /// Its 95 % interval.
    interval: [f64; 2],
    /// McNemar's test, exact and two-sided.
    p: f64,
    /// The same in a sentence.
    verdict: String,
}

/// What a list of runs is asked for.
pub(crate) fn filter(query: &str) -> Result<RunFilter, Problem> {
    let mut filter = RunFilter { limit: Some(PAGE), ..RunFilter::default() };
    for (name, value) in body::form(query) {
        let wrong = |wants: &str| Problem::field(name.clone(), format!("wants {wants}"));
        match name.as_str() {
            "status" => {
                filter.status =
                    Some(value.parse().map_err(|_| wrong("running, finished, failed or killed"))?);
            }
            "kind" => filter.kind = Some(value),
            "name" => filter.name = Some(value),
            "data" => filter.data = Some(value),
            "parent" => filter.parent = Some(RunId::from_stored(value)),
            "before" => filter.until = Some(value.parse().map_err(|_| wrong("the `next` of a page"))?),
            "limit" => {
                let number = value.parse().ok().filter(|n| (1..=MOST).contains(n));
                filter.limit = Some(number.ok_or_else(|| wrong("a number from 1 to 500"))?);
            }
            _ => {
                let known = "status, kind, name, data, parent, before and limit are";
                return Err(Problem::field(name, format!("is no parameter here: {known}")));
            }
        }
    }
    filter.top = filter.parent.is_none() && filter.kind.as_deref() != Some("candidate");
    Ok(filter)
}

/// The runs that are named by `run=` in `query`, at least two.
pub(crate) async fn named(app: &App, query: &str) -> Result<Vec<Run>, Problem> {
    let mut runs: Vec<Run> = Vec::new();
    for (name, value) in body::form(query) {
        match name.as_str() {
            "run" if runs.len() < COMPARED => {
                let run = app.inner.store.find_run(&value).await?;
                if !runs.iter().any(|known| known.id == run.id) {
                    runs.push(run);
                }
            }
            "run" => return Err(Problem::field("run", format!("may be given {COMPARED} times"))),
            "lang" => {}
            _ => return Err(Problem::field(name, "is no parameter here: run is")),
        }
    }
    if runs.len() < 2 {
        return Err(Problem::field("run", "is wanted at least twice, for two runs"));
    }
    Ok(runs)
}

/// List runs, newest first, parts of others left out.
///
/// Off this machine it wants a key of role analyst.
#[utoipa::path(
    get, path = "/v1/runs", tag = "runs", operation_id = "list_runs",
    params(
        ("status" = Option<String>, Query, description = "running, finished, failed or killed"),
        ("kind" = Option<String>, Query, description = "train, search, candidate, evaluate, …"),
        ("name" = Option<String>, Query, description = "Whose name or id has this in it"),
        ("data" = Option<String>, Query, description = "That learned from, or were measured on, this data set"),
        ("parent" = Option<String>, Query, description = "Parts of the run of this id"),
        ("limit" = Option<u32>, Query, description = "How many; 50 otherwise, 500 at the most"),
        ("before" = Option<i64>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = Runs),
        (status = 304, description = "As you have it"),
        (status = 422, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        Refused,
    ),
    security((), ("key" = []))
)]
pub(crate) async fn list(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Analyst, true).await?;
    let filter = filter(uri.query().unwrap_or_default())?;
    let runs = app.inner.store.runs(&filter).await?;
    let ids: Vec<RunId> = runs.iter().map(|run| run.id.clone()).collect();
    let mut metrics = app.inner.store.last_metrics(&ids).await?;
    let full = filter.limit.is_some_and(|limit| runs.len() == limit as usize);
    let next = runs.last().filter(|_| full).map(|last| last.started);
    let runs = runs.into_iter().map(|run| {
        let metrics = metrics.remove(&run.id).unwrap_or_default();
        OneRun::of(run, metrics)
    });
    tagged(&headers, &Runs { runs: runs.collect(), next })
}

/// A run with everything that was recorded of it.
///
/// Off this machine it wants a key of role analyst.
#[utoipa::path(
    get, path = "/v1/runs/{run}", tag = "runs", operation_id = "show_run",
    params(("run" = String, Path, description = "Its id, the beginning or end of one, its name, or latest", example = "latest")),
    responses(
        (status = 200, description = "The run", body = WholeRun),
        (status = 304, description = "As you have it"),
        (status = 404, description = "No such run, or several", body = Problem, content_type = "application/problem+json"),
        Refused,
    ),
    security((), ("key" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Analyst, true).await?;
    let store = &app.inner.store;
    let run = store.find_run(&name).await?;
    let id = run.id.clone();
    let series = store.metrics(&id).await?;
    let metrics = series.iter().map(|metric| (metric.name.clone(), metric.value)).collect();
    let origin = run.origin.clone();
    let whole = WholeRun {
        user: origin.user,
        host: origin.host,
        command: origin.command,
        git_commit: origin.git_commit,
        code: origin.code,
        seed: run.seed,
        error: run.error.clone(),
        plan: run.plan.clone(),
        parameters: store.params(&id).await?,
        tags: store.tags(&id).await?,
        inputs: store.inputs(&id).await?.into_iter().map(Read::from).collect(),
        files: store.artifacts(&id).await?.into_iter().map(File::from).collect(),
        series: series.into_iter().map(Point::from).collect(),
        run: OneRun::of(run, metrics),
    };
    tagged(&headers, &whole)
}

/// Compare runs: what was set differently, what came of it, and whether that is more than chance.
///
/// Off this machine it wants a key of role analyst.
#[utoipa::path(
    get, path = "/v1/runs/compare", tag = "runs", operation_id = "compare_runs",
    params(("run" = Vec<String>, Query, description = "A run; two or more of them, the first is what the others are compared with")),
    responses(
        (status = 200, description = "Side by side", body = Compared),
        (status = 304, description = "As you have it"),
        (status = 404, description = "No such run, or several", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fewer than two runs", body = Problem, content_type = "application/problem+json"),
        Refused,
    ),
    security((), ("key" = []))
)]
pub(crate) async fn compare(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Analyst, true).await?;
    let runs = named(&app, uri.query().unwrap_or_default()).await?;
    let found = Comparison::gather(&app.inner.store, &runs).await?;
    let names: Vec<String> = found.runs.iter().map(|run| run.name.clone()).collect();
    let paired = found.paired.iter().zip(&names[1..]).map(|(paired, name)| {
        paired.map(|p| Paired {
            rows: p.rows,
            only_first: p.only_first,
            only_second: p.only_second,
            difference: p.difference,
            interval: p.interval,
            p: p.p,
            verdict: verdict(&p, &names[0], name),
        })
    });
    let paired = paired.collect();
    let side = |run: sentimeter_experiment::compare::Compared| Side {
        id: run.id,
        name: run.name,
        test_hash: run.test_hash,
        metrics: run.metrics,
    };
    let setting = |s: sentimeter_experiment::compare::Differing| Setting { name: s.name, values: s.values };
    let compared = Compared {
        runs: found.runs.into_iter().map(side).collect(),
        differing: found.differing.into_iter().map(setting).collect(),
        paired,
        notes: found.notes,
    };
    tagged(&headers, &compared)
}

/// The metrics that a list shows first, by name.
pub(crate) fn headlines() -> impl Iterator<Item = &'static str> {
    HEADLINES.into_iter().map(|(name, _)| name)
}
