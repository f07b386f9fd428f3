//! Answers that a client may keep for as long as they stay the same.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::problem::Problem;

/// `answer` as JSON with the hash of it as its `ETag`; nothing but that where the client has it already.
pub(crate) fn tagged<T: Serialize>(headers: &HeaderMap, answer: &T) -> Result<Response, Problem> {
    let json = serde_json::to_vec(answer).map_err(|_| Problem::internal())?;
    let tag = format!("\"{}\"", &blake3::hash(&json).to_hex()[..32]);
    let given = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|line| line.to_str().ok());
    let known = given.flat_map(|line| line.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    let mut response = if known.into_iter().any(|one| one == tag || one == "*") {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Json(()).into_response();
        *response.body_mut() = json.into();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response
    };
    let head = response.headers_mut();
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    head.insert(header::ETAG, HeaderValue::try_from(tag).map_err(|_| Problem::internal())?);
    Ok(response)
}
