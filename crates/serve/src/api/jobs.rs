//! `/v1/jobs`: files that are scored.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use sentimeter_store::{Job, JobStatus, Role};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Caller;
use crate::body;
use crate::export::Export;
use crate::jobs::{Options, Preview, download, receive, submit};
use crate::problem::Problem;
use crate::trace::stored;
use sentimeter_corpus::Mapping;

/// Jobs of a list.
const SHOWN: u32 = 100;

/// A file that is scored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job, example = json!({
    "id": "019aa1b2c3d45f6a7b8c000000010203", "name": "survey.csv", "status": "running", "model": "sentiment@3",
    "created": 1795162500000i64, "started": 1795162500100i64, "ended": null, "size": 73400320, "consumed": 20971520,
    "rows": 245760, "summary": {"broken": 0, "empty": 12, "kept": 0, "labels": {"negative": 80211, "positive": 165537}},
    "error": null
}))]
pub(crate) struct Shown {
    /// Its name, which nobody guesses.
    id: String,
    /// What the file is called.
    name: String,
    /// `draft` (a page asks what its columns are), `queued`, `running`, `done`, `failed` or `cancelled`.
    status: &'static str,
    /// The version that scores it; empty before it has begun.
    model: String,
    /// When it came, milliseconds since 1970.
    created: i64,
    /// When it was begun.
    started: Option<i64>,
    /// When it was over.
    ended: Option<i64>,
    /// Bytes of the file.
    size: i64,
    /// Bytes of it that were read.
    consumed: i64,
    /// Rows that are scored: their results can be had already.
    rows: i64,
    /// What the rows add up to so far.
    #[schema(value_type = Object)]
    summary: serde_json::Value,
    /// Why it failed.
    error: Option<String>,
}

impl From<Job> for Shown {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            name: job.name,
            status: job.status.as_str(),
            model: job.model,
            created: job.created,
            started: job.started,
            ended: job.ended,
            size: job.size,
            consumed: job.consumed,
            rows: job.rows,
            summary: job.summary,
            error: job.error,
        }
    }
}

/// How a file is read: to be looked at before its end is waited for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadAs {
    /// `csv`, `jsonl`, ….
    format: String,
    /// The file's columns.
    columns: Vec<String>,
    /// Those of the text.
    text: Vec<String>,
    /// That of the sender's own id.
    id: Option<String>,
    /// That of the time.
    time: Option<String>,
    /// That of the author.
    author: Option<String>,
    /// That of the channel, or the channel of all rows.
    channel: Option<String>,
    /// That of the language, or the language of all rows.
    language: Option<String>,
    /// The first rows.
    rows: Vec<Vec<String>>,
}

impl From<Preview> for ReadAs {
    fn from(preview: Preview) -> Self {
        let Mapping { text, id, time, author, channel, language } = preview.mapping;
        let (format, columns, rows) = (preview.format, preview.columns, preview.rows);
        Self { format, columns, text, id, time, author, channel, language, rows }
    }
}

/// A job that will be worked on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Created {
    #[serde(flatten)]
    job: Shown,
    /// How its file is read.
    read_as: ReadAs,
}

/// Jobs, latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Jobs {
    /// The last hundred.
    jobs: Vec<Shown>,
}

/// The job, if it is the caller's own. Without a key, on this machine, its name opens it: it is as long as a
/// secret. Who may read what was recorded sees all.
pub(crate) async fn own(app: &App, caller: &Caller, id: &str) -> Result<Job, Problem> {
    let missing = || Problem::not_found("there is no such job; it may have been removed");
    let job = stored("read a job", app.inner.store.job(id)).await?.ok_or_else(missing)?;
    if job.owner == caller.who || caller.role >= Some(Role::Analyst) { Ok(job) } else { Err(missing()) }
}

/// Who asks, who may ask for predictions.
pub(crate) async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    app.inner.gate.let_in(headers, Role::Predict, true).await
}

/// Whoever asks may have items kept: a key is wanted, on this machine too.
pub(crate) async fn may_keep(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    app.inner.gate.let_in(headers, Role::Predict, false).await
}

/// Score a file.
///
/// The body is the file (CSV, JSON Lines, Parquet, Excel, or whatever `predict --input` reads, packed or not), or a
/// form with the field `file`. It is written to disk as it comes; the answer comes when it is there, and the file
/// is scored behind all other requests. A restart goes on where it was. Wants a key of role predict, on loopback
/// only with `items=true`; a job is seen by its owner, and by role analyst.
#[utoipa::path(
    post, path = "/v1/jobs", tag = "jobs", operation_id = "create_job",
    params(
        ("name" = Option<String>, Query, description = "What the file is called; its ending says what it is"),
        ("format" = Option<String>, Query, description = "csv, tsv, jsonl, json, parquet, excel, lines, …; guessed otherwise"),
        ("text" = Option<String>, Query, description = "The column of the text, by name or number; guessed otherwise. Given more than once, they are joined"),
        ("id" = Option<String>, Query, description = "The column of the sender's own id"),
        ("time" = Option<String>, Query, description = "The column of the time"),
        ("author" = Option<String>, Query, description = "The column of the author"),
        ("channel" = Option<String>, Query, description = "The column of the channel, or the channel of all rows"),
        ("language" = Option<String>, Query, description = "The column of the language, or the language of all rows"),
        ("delimiter" = Option<String>, Query, description = "Between two fields: one character, or tab"),
        ("encoding" = Option<String>, Query, description = "By its WHATWG name: windows-1252, …"),
        ("items" = Option<bool>, Query, description = "Keep the rows as items, too; each once by its id"),
        ("model" = Option<String>, Query, description = "`NAME@VERSION`, `NAME@ALIAS` or `NAME`; the live one otherwise"),
    ),
    request_body(content(
        (Vec<u8> = "text/csv"), (Vec<u8> = "application/x-ndjson"), (Vec<u8> = "application/vnd.apache.parquet"),
        (Vec<u8> = "application/octet-stream"), (Object = "multipart/form-data"),
    )),
    responses(
        (status = 202, description = "It is there, and will be scored", body = Created,
         headers(("Location" = String, description = "Where the job is"))),
        (status = 400, description = "The file ended before its end", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this key, or not from this page", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The file took too long", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "More bytes than are taken", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Packed by Content-Encoding", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No such column, or a file that cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Busy: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("key" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Result<Response, Problem> {
    let caller = caller(&app, &headers).await?;
    let (mut options, mut name) = (Options::default(), None);
    for (field, value) in body::form(uri.query().unwrap_or_default()) {
        let wrong = |wants: &str| Problem::field(field.clone(), format!("wants {wants}"));
        if value.chars().count() > 200 {
            return Err(wrong("at the most 200 characters"));
        }
        let value = Some(value).filter(|value| !value.is_empty());
        match field.as_str() {
            "name" => name = value,
            "format" => {
                if let Some(format) = &value {
                    format
                        .parse::<sentimeter_corpus::Format>()
                        .map_err(|why| Problem::field("format", why))?;
                }
                options.format = value;
            }
            "text" => options.text.extend(value),
            "id" => options.id = value,
            "time" => options.time = value,
            "author" => options.author = value,
            "channel" => options.channel = value,
            "language" => options.language = value,
            "delimiter" => options.delimiter = value,
            "encoding" => options.encoding = value,
            "model" => options.model = value,
            "items" => {
                options.items = match value.as_deref() {
                    Some("true" | "1") => true,
                    Some("false" | "0") | None => false,
                    _ => return Err(wrong("true or false")),
                }
            }
            _ => {
                let there = "name, format, text, id, time, author, channel, language, delimiter, encoding, items and model";
                return Err(Problem::field(field, format!("is no parameter here: {there} are")));
            }
        }
    }
    if options.items {
        may_keep(&app, &headers).await?;
    }
    if let Some(model) = &options.model {
        super::predict::named(&app, model).await?;
    }
    let received = receive(&app, &headers, raw, name, None).await?;
    let (job, preview) = submit(&app, received, &caller.who, options, false).await?;
    let place = format!("/v1/jobs/{}", job.id);
    let mut response =
        (StatusCode::ACCEPTED, Json(Created { job: job.into(), read_as: preview.into() })).into_response();
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// List jobs, latest first: one's own; with role analyst all. Wants a key, on loopback too.
#[utoipa::path(
    get, path = "/v1/jobs", tag = "jobs", operation_id = "list_jobs",
    responses(
        (status = 200, description = "The last hundred", body = Jobs),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this key", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Json<Jobs>, Problem> {
    let caller = app.inner.gate.let_in(&headers, Role::Predict, false).await?;
    let owner = Some(caller.who.as_str()).filter(|_| caller.role < Some(Role::Analyst));
    let jobs = stored("read jobs", app.inner.store.jobs(owner, SHOWN)).await?;
    Ok(Json(Jobs { jobs: jobs.into_iter().map(Shown::from).collect() }))
}

/// How far a job is.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "jobs", operation_id = "show_job",
    params(("id" = String, Path, description = "The job's name")),
    responses(
        (status = 200, description = "The job", body = Shown),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such job, or another's", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("key" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Shown>, Problem> {
    let caller = caller(&app, &headers).await?;
    Ok(Json(own(&app, &caller, &id).await?.into()))
}

/// End a job before its end. What is scored stays.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/cancel", tag = "jobs", operation_id = "cancel_job",
    params(("id" = String, Path, description = "The job's name")),
    responses(
        (status = 200, description = "The job as it is now; one that was over stays as it was", body = Shown),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such job, or another's", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("key" = []))
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Shown>, Problem> {
    let caller = caller(&app, &headers).await?;
    own(&app, &caller, &id).await?;
    app.inner.store.cancel_job(&id).await?;
    Ok(Json(own(&app, &caller, &id).await?.into()))
}

/// Remove a job with its file and its results.
#[utoipa::path(
    delete, path = "/v1/jobs/{id}", tag = "jobs", operation_id = "remove_job",
    params(("id" = String, Path, description = "The job's name")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such job, or another's", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("key" = []))
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = caller(&app, &headers).await?;
    let job = own(&app, &caller, &id).await?;
    app.inner.store.remove_job(&job.id).await?;
    app.inner.desk.remove(&job.id);
    Ok(StatusCode::NO_CONTENT)
}

/// A job's results: the file's own columns, and what was made of each row.
///
/// Those of the rows that are scored so far, in the file's order. In CSV a field that a spreadsheet would take for
/// a formula begins with an apostrophe.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/result", tag = "jobs", operation_id = "job_result",
    params(
        ("id" = String, Path, description = "The job's name"),
        ("format" = Option<String>, Query, description = "csv (otherwise) or jsonl"),
    ),
    responses(
        (status = 200, description = "The rows", content((String = "text/csv"), (String = "application/x-ndjson"))),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such job, another's, or nothing is scored yet", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("key" = []))
)]
pub(crate) async fn result(
    State(app): State<App>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&app, &headers).await?;
    let mut format = Export::Csv;
    for (name, value) in body::form(uri.query().unwrap_or_default()) {
        match name.as_str() {
            "format" => {
                format = Export::of(&value).ok_or_else(|| Problem::field("format", "wants csv or jsonl"))?;
            }
            _ => return Err(Problem::field(name, "is no parameter here: format is")),
        }
    }
    let job = own(&app, &caller, &id).await?;
    if job.kept == 0 || job.status == JobStatus::Draft {
        return Err(Problem::not_found("nothing of it is scored yet"));
    }
    Ok(download(&app, &job, format))
}
