//! `GET /v1/labelling` and `POST /v1/labels`: items that reviewers give a label, so that the next model learns from
//! them.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use sentimeter_store::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refused::Refused;
use super::reports::line;
use super::wire::Word;
use crate::app::App;
use crate::body;
use crate::labelling::{self, Offered, Wanted};
use crate::problem::Problem;

/// Items of an answer.
const PAGE: usize = 20;

/// Most items of an answer.
const MOST: usize = 200;

/// Characters of an item's name, a channel, a label.
const NAME: usize = 200;

/// An item to be labelled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemToLabel {
    /// Its name, as `POST /v1/labels` wants it.
    item_id: String,
    /// The text as it came.
    text: String,
    /// As stated, or as detected.
    language: String,
    /// Empty where unknown.
    channel: String,
    /// When it was written, milliseconds since 1970.
    time: i64,
    /// One less the difference of the two largest probabilities: 1 where the model cannot tell two labels apart.
    uncertainty: f64,
    /// What the model that answers now would say. Whoever shows it to reviewers will hear it again.
    suggested: String,
}

impl From<Offered> for ItemToLabel {
    fn from(Offered { item, uncertainty, suggested }: Offered) -> Self {
        Self {
            item_id: item.id,
            text: item.text,
            language: item.language,
            channel: item.channel,
            time: item.time,
            uncertainty,
            suggested,
        }
    }
}

/// What to label next.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Labelling, example = json!({
    "items": [{"item_id": "5d41402abc4b2a76b9719d911017c592", "text": "Well, that went as one could expect",
               "language": "en", "channel": "ticket", "time": 1795162500000i64, "uncertainty": 0.98,
               "suggested": "neutral"}],
    "labels": ["negative", "neutral", "positive"], "unlabelled": 1204, "second": 17
}))]
pub(crate) struct ToLabel {
    /// In the order in which they should be labelled.
    items: Vec<ItemToLabel>,
    /// The labels that may be given.
    labels: Vec<String>,
    /// Items without a label, but for those that this reviewer left to others.
    unlabelled: i64,
    /// Items that others have labelled and this reviewer has not.
    second: i64,
}

/// A label for an item, or that it is left to others.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LabelRequest, example = json!({"item_id": "5d41402abc4b2a76b9719d911017c592", "label": "negative"}))]
pub(crate) struct Given {
    /// Which item.
    #[schema(value_type = String)]
    item_id: Option<Word>,
    /// Its label: one of the model's.
    #[schema(value_type = Option<String>)]
    label: Option<Word>,
    /// In place of a label: this reviewer is not asked for the item again.
    #[serde(default)]
    skip: bool,
}

/// A label is stored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LabelResponse, example = json!({
    "item_id": "5d41402abc4b2a76b9719d911017c592", "label": "negative", "report_id": "0a1b2c3d", "new": true
}))]
pub(crate) struct Stored {
    /// Which item.
    item_id: String,
    /// Its label; null where it was left to others.
    label: Option<String>,
    /// The report that the label is from now on: `GET /v1/reports` lists it, `train --with-feedback` learns from it.
    report_id: Option<String>,
    /// Whether the item had none before.
    new: bool,
}

fn short(name: &str, value: String) -> Result<String, Problem> {
    if value.chars().count() > NAME {
        return Err(Problem::field(name, format!("wants at the most {NAME} characters")));
    }
    Ok(value)
}

/// List the items to label next.
///
/// The least certain of those without a label, no two alike and none that repeats a text with one: what `sentimeter
/// profile --label-next` does for a file. `second=true` gives what others have labelled, without their labels: labels
/// of two reviewers are what their agreement is measured on. Wants a key of role reviewer.
#[utoipa::path(
    get, path = "/v1/labelling", tag = "reports", operation_id = "to_label",
    params(
        ("limit" = Option<u32>, Query, description = "How many; 20 otherwise, 200 at the most"),
        ("channel" = Option<String>, Query, description = "Of this channel; empty: of an unknown one"),
        ("language" = Option<String>, Query, description = "en, fr, ar or other"),
        ("second" = Option<bool>, Query, description = "What others have labelled, for a second opinion"),
    ),
    responses(
        (status = 200, description = "What to label", body = ToLabel),
        Refused,
        (status = 422, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn next(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<ToLabel>, Problem> {
    let caller = app.inner.gate.let_in(&headers, Role::Reviewer, false).await?;
    let mut wanted = Wanted { count: PAGE, ..Wanted::default() };
    for (name, value) in body::form(uri.query().unwrap_or_default()) {
        let wrong = |wants: &str| Problem::field(name.clone(), format!("wants {wants}"));
        match name.as_str() {
            "limit" => {
                let number = value.parse().ok().filter(|n| (1..=MOST).contains(n));
                wanted.count = number.ok_or_else(|| wrong("a number from 1 to 200"))?;
            }
            "channel" => wanted.channel = Some(short(&name, value)?),
            "language" => wanted.language = Some(short(&name, value)?),
            "second" => wanted.second = value.parse().map_err(|_| wrong("true or false"))?,
            _ => {
                let there = "limit, channel, language and second";
                return Err(Problem::field(name, format!("is no parameter here: {there} are")));
            }
        }
    }
    let items = labelling::next(&app, &caller.who, &wanted).await?;
    let [unlabelled, second] = app.inner.store.count_to_label(&caller.who).await?;
    Ok(Json(ToLabel {
        items: items.into_iter().map(ItemToLabel::from).collect(),
        labels: app.live().model().labels().to_vec(),
        unlabelled,
        second,
    }))
}

/// Label an item, or leave it to others.
///
/// Durable when the answer comes. A label is an accepted report from then on; given again, the later word counts, and
/// each reviewer's own is kept beside it. Wants a key of role reviewer; the audit log tells of every label.
#[utoipa::path(
    post, path = "/v1/labels", tag = "reports", operation_id = "label",
    request_body(content = Given, content_type = "application/json"),
    responses(
        (status = 200, description = "Stored, in place of the label that the item had; or left to others", body = Stored),
        (status = 201, description = "Stored: the item's first label", body = Stored),
        Refused,
        (status = 400, description = "No JSON, or not UTF-8", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such item", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "More bytes than are taken", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "A body of another kind", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The wrong shape", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn give(
    State(app): State<App>,
    headers: HeaderMap,
    raw: Body,
) -> Result<(StatusCode, Json<Stored>), Problem> {
    let caller = app.inner.gate.let_in(&headers, Role::Reviewer, false).await?;
    let given: Given = body::json(&headers, raw, &app.inner.limits).await?;
    let item_id = line(given.item_id, "item_id", NAME)?;
    let item_id = item_id.ok_or_else(|| Problem::field("item_id", "is missing"))?;
    match (line(given.label, "label", NAME)?, given.skip) {
        (Some(_), true) => Err(Problem::field("skip", "goes without a label")),
        (None, false) => {
            Err(Problem::field("label", "is missing; to leave the item to others, send \"skip\": true"))
        }
        (None, true) => {
            app.inner.store.pass_over(&item_id, &caller.who).await?;
            let stored = Stored { item_id, label: None, report_id: None, new: false };
            Ok((StatusCode::OK, Json(stored)))
        }
        (Some(label), false) => {
            let labelled = labelling::label(&app, &item_id, &label, &caller.who).await?;
            let status = if labelled.new { StatusCode::CREATED } else { StatusCode::OK };
            let stored = Stored {
                item_id,
                label: Some(label),
                report_id: Some(labelled.correction),
                new: labelled.new,
            };
            Ok((status, Json(stored)))
        }
    }
}
