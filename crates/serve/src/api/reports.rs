//! `POST /v1/reports`: "this is wrong", and what reviewers make of it.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use sentimeter_inference::telemetry;
use sentimeter_store::{Correction, CorrectionFilter, CorrectionStatus, Review, Role, now};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::predict::Request;
use super::wire::Word;
use crate::app::App;
use crate::body;
use crate::problem::Problem;
use crate::trace::stored;

/// Reports of a page.
const PAGE: u32 = 50;

/// Most reports of a page.
const MOST: u32 = 500;

/// Characters of a comment.
const COMMENT: usize = 2000;

/// Characters of an id.
const ID: usize = 100;

/// A text, and what it should have been called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportRequest, example = json!({"text": "not bad at all", "label": "positive", "predicted": "negative"}))]
pub(crate) struct Reported {
    /// The text: a report stands by itself, whatever was recorded of the prediction.
    #[schema(value_type = Option<String>)]
    text: Option<Word>,
    /// The right label: one of the model's.
    #[schema(value_type = String)]
    label: Option<Word>,
    /// The answer that was wrong.
    #[schema(value_type = Option<String>)]
    prediction_id: Option<Word>,
    /// The label that it gave, where the prediction is not recorded.
    #[schema(value_type = Option<String>)]
    predicted: Option<Word>,
    /// What else there is to say.
    #[schema(value_type = Option<String>)]
    comment: Option<Word>,
    /// The sender's own name for the report: sent twice, it is stored once.
    #[schema(value_type = Option<String>)]
    id: Option<Word>,
}

/// A report is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stored {
    /// Its name.
    id: String,
    /// `pending`, until a reviewer has looked at it.
    status: &'static str,
    /// Whether it is new; false where this id is stored already.
    new: bool,
}

/// A report as reviewers see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Report {
    /// Its name.
    id: String,
    /// The text.
    text: String,
    /// The right label, by the user or by the reviewer who changed it.
    label: String,
    /// What the model said.
    predicted: Option<String>,
    /// The text's language.
    language: Option<String>,
    /// The model that was wrong.
    model: Option<String>,
    /// The answer that was wrong.
    prediction_id: Option<String>,
    /// What else there was to say.
    comment: Option<String>,
    /// How it came: `api`, `page`, or `labelling`, where a reviewer gave a kept item its label.
    source: String,
    /// That item.
    item_id: Option<String>,
    /// When it was reported, milliseconds since 1970.
    time: i64,
    /// `pending`, `accepted`, `corrected` or `rejected`.
    status: &'static str,
    /// Who reviewed it.
    reviewer: Option<String>,
    /// When, milliseconds since 1970.
    reviewed: Option<i64>,
}

impl From<Correction> for Report {
    fn from(c: Correction) -> Self {
        Self {
            id: c.id,
            text: c.text,
            label: c.label,
            predicted: c.original,
            language: c.language,
            model: c.model,
            prediction_id: c.prediction,
            comment: c.note,
            source: c.source,
            item_id: c.item,
            time: c.time,
            status: c.status.as_str(),
            reviewer: c.reviewer,
            reviewed: c.reviewed,
        }
    }
}

/// A page of reports, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reports {
    /// The reports.
    reports: Vec<Report>,
    /// What `after` wants for the next page; null on the last.
    next: Option<String>,
}

/// What becomes of a report.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReviewRequest, example = json!({"status": "corrected", "label": "neutral"}))]
pub(crate) struct Reviewed {
    /// `accepted`, `corrected` (with a `label`) or `rejected`.
    #[schema(value_type = String)]
    status: Option<Word>,
    /// The right label, where the user's is not.
    #[schema(value_type = Option<String>)]
    label: Option<Word>,
}

/// What a page or a program reports, checked.
pub(crate) struct NewReport {
    pub(crate) text: String,
    pub(crate) label: String,
    pub(crate) prediction: Option<String>,
    pub(crate) predicted: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) source: &'static str,
}

/// Stores a report, durably.
pub(crate) async fn store(app: &App, report: NewReport) -> Result<Stored, Problem> {
    let live = app.live();
    let labels = live.model().labels();
    let known = |field: &str, label: &str| {
        if labels.iter().any(|one| one == label) {
            return Ok(());
        }
        Err(Problem::field(field, format!("is none of the model's labels: {}", labels.join(", "))))
    };
    known("label", &report.label)?;
    if let Some(predicted) = &report.predicted {
        known("predicted", predicted)?;
    }
    let recorded = match &report.prediction {
        Some(id) => app.inner.store.prediction(id).await?,
        None => None,
    };
    let (id, given) = match report.id {
        Some(id) => (id, true),
        None => (app.id(), false),
    };
    let detected = sentimeter_text::language::detect(&report.text).language.code().to_owned();
    let correction = Correction {
        id: id.clone(),
        label: report.label,
        original: recorded.as_ref().and_then(|p| p.label.clone()).or(report.predicted),
        language: Some(recorded.as_ref().map_or(detected, |p| p.language.clone())),
        channel: None,
        author: None,
        time: now(),
        source: report.source.to_owned(),
        model: Some(recorded.map_or_else(|| live.name().to_owned(), |p| p.model)),
        prediction: report.prediction,
        note: report.comment,
        item: None,
        status: CorrectionStatus::Pending,
        reviewer: None,
        reviewed: None,
        text: report.text,
    };
    let new = stored("store a report", app.inner.store.add_corrections(&[correction])).await? > 0;
    metrics::counter!(telemetry::REPORTS, "source" => report.source).increment(u64::from(new));
    Ok(Stored { id, status: "pending", new: new || !given })
}

/// A short string of a report.
pub(super) fn line(word: Option<Word>, field: &str, most: usize) -> Result<Option<String>, Problem> {
    let Some(word) = word else { return Ok(None) };
    let string = word.string(field)?;
    if string.chars().count() > most {
        return Err(Problem::field(field, format!("may have {most} characters")));
    }
    Ok(Some(string))
}

/// Report a wrong answer.
///
/// Acknowledged when it is durable. It is learned from once a reviewer has accepted or corrected it.
#[utoipa::path(
    post, path = "/v1/reports", tag = "reports", operation_id = "report",
    request_body(content = Reported, content_type = "application/json"),
    responses(
        (status = 201, description = "Stored", body = Stored),
        (status = 400, description = "No JSON, or not UTF-8", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "More bytes than are taken", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "A body of another kind", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The wrong shape", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The records cannot be reached", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("key" = []))
)]
pub(crate) async fn report(
    State(app): State<App>,
    headers: HeaderMap,
    raw: Body,
) -> Result<(StatusCode, Json<Stored>), Problem> {
    app.inner.gate.let_in(&headers, Role::Predict, true).await?;
    let reported: Reported = body::json(&headers, raw, &app.inner.limits).await?;
    let id = line(reported.id, "id", ID)?;
    if id.as_deref() == Some("") {
        return Err(Problem::field("id", "is empty: leave it out, or give the report a name of its own"));
    }
    let prediction = line(reported.prediction_id, "prediction_id", ID)?;
    let text = match (reported.text, &prediction) {
        (Some(text), _) => text.string("text")?,
        (None, Some(id)) => {
            let kept = app.inner.store.prediction(id).await?.and_then(|prediction| prediction.text);
            kept.ok_or_else(|| Problem::field("text", "is missing: the text of this prediction is not kept"))?
        }
        (None, None) => return Err(Problem::field("text", "is missing")),
    };
    let label = line(reported.label, "label", ID)?.ok_or_else(|| Problem::field("label", "is missing"))?;
    let report = NewReport {
        text: Request::new(text, None, app.inner.limits.characters)?.text,
        label,
        prediction,
        predicted: line(reported.predicted, "predicted", ID)?,
        comment: line(reported.comment, "comment", COMMENT)?,
        id,
        source: "api",
    };
    Ok((StatusCode::CREATED, Json(store(&app, report).await?)))
}

/// List reports, oldest first. Wants a key of role reviewer.
#[utoipa::path(
    get, path = "/v1/reports", tag = "reports", operation_id = "list_reports",
    params(
        ("status" = Option<String>, Query, description = "pending, accepted, corrected or rejected; all otherwise"),
        ("limit" = Option<u32>, Query, description = "How many; 50 otherwise, 500 at the most"),
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = Reports),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this key", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Reports>, Problem> {
    app.inner.gate.let_in(&headers, Role::Reviewer, false).await?;
    let mut filter = CorrectionFilter::default();
    let mut limit = PAGE;
    for (name, value) in body::form(uri.query().unwrap_or_default()) {
        let wrong = |wants: &str| Problem::field(name.clone(), format!("wants {wants}"));
        match name.as_str() {
            "status" => {
                let status = value.parse().map_err(|_| wrong("pending, accepted, corrected or rejected"))?;
                filter.status.push(status);
            }
            "limit" => {
                let number = value.parse().ok().filter(|n| (1..=MOST).contains(n));
                limit = number.ok_or_else(|| wrong("a number from 1 to 500"))?;
            }
            "after" => {
                let (time, id) = value.split_once(':').ok_or_else(|| wrong("the `next` of a page"))?;
                let time = time.parse().map_err(|_| wrong("the `next` of a page"))?;
                filter.after = Some((time, id.to_owned()));
            }
            _ => return Err(Problem::field(name, "is no parameter here: status, limit and after are")),
        }
    }
    filter.limit = Some(limit);
    let found = stored("read reports", app.inner.store.corrections(&filter)).await?;
    let full = found.len() == limit as usize;
    let next = found.last().filter(|_| full).map(|last| format!("{}:{}", last.time, last.id));
    Ok(Json(Reports { reports: found.into_iter().map(Report::from).collect(), next }))
}

/// Decide on a report. Wants a key of role reviewer; the audit log tells of it.
#[utoipa::path(
    post, path = "/v1/reports/{id}/review", tag = "reports", operation_id = "review",
    params(("id" = String, Path, description = "The report's name")),
    request_body(content = Reviewed, content_type = "application/json"),
    responses(
        (status = 204, description = "Decided"),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this key", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such report", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The wrong shape", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn review(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    raw: Body,
) -> Result<StatusCode, Problem> {
    let caller = app.inner.gate.let_in(&headers, Role::Reviewer, false).await?;
    let reviewed: Reviewed = body::json(&headers, raw, &app.inner.limits).await?;
    let status = line(reviewed.status, "status", ID)?.unwrap_or_default();
    let label = line(reviewed.label, "label", ID)?;
    decide(&app, &id, &status, label, caller.who).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stores what a reviewer says of a report.
pub(crate) async fn decide(
    app: &App,
    id: &str,
    status: &str,
    label: Option<String>,
    reviewer: String,
) -> Result<CorrectionStatus, Problem> {
    let live = app.live();
    let known = |label: &String| live.model().labels().contains(label);
    let status = match (status, &label) {
        ("accepted", None) => CorrectionStatus::Accepted,
        ("rejected", None) => CorrectionStatus::Rejected,
        ("corrected", Some(label)) if known(label) => CorrectionStatus::Corrected,
        ("corrected", Some(_)) => {
            let labels = live.model().labels().join(", ");
            return Err(Problem::field("label", format!("is none of the model's labels: {labels}")));
        }
        ("corrected", None) => return Err(Problem::field("label", "is missing: corrected to what?")),
        ("accepted" | "rejected", Some(_)) => {
            return Err(Problem::field("label", "goes with the status corrected alone"));
        }
        _ => return Err(Problem::field("status", "wants accepted, corrected or rejected")),
    };
    stored("store a review", app.inner.store.review(id, &Review { status, label, reviewer })).await?;
    Ok(status)
}
