//! Whether the server lives, whether it answers, and what it has counted.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use sentimeter_inference::Wanted;
use sentimeter_store::Role;

use crate::app::App;
use crate::problem::Problem;

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "It lives", body = String)))]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether it answers: the model does, and so does the database. Not while it is about to end.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, description = "It answers", body = String),
    (status = 503, description = "It does not", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn readyz(State(app): State<App>) -> Result<String, Problem> {
    if app.is_ending() {
        return Err(Problem::busy("the server is about to end", 5));
    }
    let live = app.live();
    let texts = ["ready?".to_owned()].into();
    app.inner.engine.score(&live, texts, Wanted::default(), app.deadline()).await?;
    app.inner.store.ping().await?;
    Ok(format!("ready: {} answers\n", live.name()))
}

/// What was counted, for Prometheus. Off this machine it wants a key of role analyst.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, description = "Prometheus' text format", body = String),
    (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
), security((), ("key" = [])))]
pub(crate) async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Analyst, true).await?;
    let Some(handle) = &app.inner.metrics else {
        return Err(Problem::not_found("metrics are collected by the program that this server is part of"));
    };
    let text = handle.render();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
