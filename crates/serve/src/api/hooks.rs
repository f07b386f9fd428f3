//! `POST /v1/hooks/{source}`: feedback that other tools send by themselves.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use sentimeter_store::now;
use serde::Serialize;
use utoipa::ToSchema;

use super::items::{line, moment};
use super::predict::Request;
use super::wire::Word;
use crate::app::App;
use crate::body;
use crate::hooks::Refused;
use crate::intake::{Incoming, take};
use crate::problem::Problem;

/// What became of a call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HookResponse, example = json!({"items": 2, "stored": 2}))]
pub(crate) struct Told {
    /// Texts that it brought.
    items: usize,
    /// How many of them were not there already.
    stored: usize,
}

/// Take feedback from a help desk, a review site or a survey tool.
///
/// The sources, their secrets and which field holds what stand in the file of `serve --hooks`. The call is signed
/// by HMAC-SHA256 over its body (and the time, where the source sends one); sent again, it is stored once.
#[utoipa::path(
    post, path = "/v1/hooks/{source}", tag = "items", operation_id = "hook",
    params(
        ("source" = String, Path, description = "As the file calls it"),
        ("X-Signature" = Option<String>, Header, description = "Or another header, as the file says"),
    ),
    request_body(content = Object, content_type = "application/json", description = "Whatever the source sends",
        example = json!({"ticket": {"id": 1042, "comment": {"body": "Third outage this week"}, "requester": {"email": "ada@example.com"}}})),
    responses(
        (status = 200, description = "It is durable", body = Told),
        (status = 400, description = "No JSON, or not UTF-8", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No such source, not signed by it, or too long ago", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "More bytes than are taken", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Packed", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Nothing stands where the text should; `errors` names the place", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Busy: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security(())
)]
pub(crate) async fn hook(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    raw: Body,
) -> Result<Json<Told>, Problem> {
    let limits = &app.inner.limits;
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Problem::media("what is signed is the body as it is: without Content-Encoding"));
    }
    let body = body::read(&headers, raw, limits).await?;
    // Whether there is such a source is nobody's to try out.
    let unsigned = || Problem::unsigned("the signature is missing or wrong, or there is no such source");
    let source = app.inner.hooks.source(&name).ok_or_else(unsigned)?;
    source.signature.check(&headers, body.as_bytes(), now()).map_err(|refused| match refused {
        Refused::Signature => unsigned(),
        Refused::Time => Problem::unsigned("the call was signed too long ago, or a clock is wrong"),
    })?;
    let hash = blake3::hash(body.as_bytes()).to_hex();
    let value: serde_json::Value = body::parse(body).await?;
    let said = source.items(&value).map_err(|missing| Problem::field(missing.0, "holds no text"))?;
    if said.len() > limits.items {
        return Err(Problem::too_large(format!("a call may bring {} texts", limits.items)));
    }
    let short = |word: Option<String>, field: &str, most: usize| line(word.map(Word::Is), field, most);
    let mut incoming = Vec::with_capacity(said.len());
    for (at, said) in said.into_iter().enumerate() {
        // A call without ids is known again by its bytes.
        let external = short(said.id, "id", 220)?.unwrap_or_else(|| format!("{}/{at}", &hash[..32]));
        let code = said.language.as_deref().and_then(|code| code.get(..2));
        incoming.push(Incoming {
            source: source.name.clone(),
            external: Some(external),
            text: Request::new(said.text, None, limits.characters)?.text,
            // `fr-CA` is French; one that is not known is detected.
            language: code.and_then(|code| code.to_ascii_lowercase().parse().ok()),
            channel: short(said.channel, "channel", 60)?.unwrap_or_default(),
            author: short(said.author, "author", 200)?,
            time: said.time.as_ref().map(moment).transpose()?,
        });
    }
    let items = incoming.len();
    let taken = take(&app, &app.live(), incoming).await?;
    Ok(Json(Told { items, stored: taken.iter().filter(|taken| taken.new).count() }))
}
