//! `POST /predict`: the shape that older clients know.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use sentimeter_inference::Wanted;
use sentimeter_store::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::predict::{Request, answer};
use super::wire::Word;
use crate::app::App;
use crate::body::{self, Media};
use crate::problem::Problem;

/// The text, as JSON; as a form its field is `Review`.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LegacyRequest, example = json!({"text": "what a lovely day"}))]
pub(crate) struct Asked {
    /// The text.
    #[schema(value_type = String)]
    text: Option<Word>,
}

/// What is made of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LegacyPrediction, example = json!({"sentiment": "positive", "confidence": 0.93, "text": "what a lovely day"}))]
pub(crate) struct Told {
    /// The most likely label.
    sentiment: String,
    /// Its probability.
    confidence: f32,
    /// The text as it came.
    text: String,
}

/// Predict one text, in the shape that older clients know.
#[utoipa::path(
    post, path = "/predict", tag = "predict", operation_id = "predict_legacy",
    request_body(content(
        (Asked = "application/json"),
        (Asked = "application/x-www-form-urlencoded", example = json!({"Review": "what a lovely day"})),
    )),
    responses(
        (status = 200, description = "The prediction", body = Told),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "More bytes than are taken", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "A body of another kind", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The wrong shape", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Busy: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("key" = []))
)]
pub(crate) async fn predict(
    State(app): State<App>,
    headers: HeaderMap,
    raw: Body,
) -> Result<Json<Told>, Problem> {
    app.inner.gate.let_in(&headers, Role::Predict, true).await?;
    let limits = &app.inner.limits;
    let text = match body::media(&headers) {
        Some(Media::Json) => {
            let asked: Asked = body::json(&headers, raw, limits).await?;
            asked.text.ok_or_else(|| Problem::field("text", "is missing"))?.string("text")?
        }
        Some(Media::Form) => {
            let fields = body::form(&body::read(&headers, raw, limits).await?);
            let review = fields.into_iter().find(|(name, _)| name == "Review");
            review.ok_or_else(|| Problem::field("Review", "is missing"))?.1
        }
        None => {
            let said = "Content-Type: application/json or application/x-www-form-urlencoded is wanted";
            return Err(Problem::media(said));
        }
    };
    let live = app.live();
    // Its clients know of no answer without a sentiment.
    let mut request = Request::new(text, None, limits.characters)?;
    request.any_language = true;
    let answers = answer(&app, &live, vec![request], Wanted::default(), None).await?;
    let answer = answers.into_iter().next().ok_or_else(Problem::internal)?;
    let label = answer.label.and_then(|at| live.model().labels().get(at).cloned());
    Ok(Json(Told { sentiment: label.unwrap_or_default(), confidence: answer.confidence, text: answer.text }))
}
