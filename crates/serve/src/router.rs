//! Every route.

use std::any::Any;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

use crate::app::App;
use crate::problem::Problem;
use crate::{api, edge, ui};

/// Answers from this size on are compressed: below it, a packet is a packet.
const COMPRESSED: u16 = 1400;

/// All that the server answers; call it with or without a socket.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/v1/predict", post(api::predict::predict))
        .route("/predict", post(api::legacy::predict))
        .route("/v1/reports", post(api::reports::report).get(api::reports::list))
        .route("/v1/reports/{id}/review", post(api::reports::review))
        .route("/v1/items", post(api::items::add).get(api::items::list))
        .route("/v1/hooks/{source}", post(api::hooks::hook))
        .route("/v1/insights", get(api::insights::insights))
        .route("/v1/jobs", post(api::jobs::create).get(api::jobs::list))
        .route("/v1/jobs/{id}", get(api::jobs::show).delete(api::jobs::remove))
        .route("/v1/jobs/{id}/cancel", post(api::jobs::cancel))
        .route("/v1/jobs/{id}/result", get(api::jobs::result))
        .route("/v1/labelling", get(api::labels::next))
        .route("/v1/labels", post(api::labels::give))
        .route("/v1/reports/agreement", get(api::agreement::agreement))
        .route("/v1/models", get(api::models::list))
        .route("/v1/models/{name}", get(api::models::show))
        .route("/v1/models/{name}/promote", post(api::models::promote))
        .route("/v1/models/{name}/rollback", post(api::models::roll_back))
        .route("/v1/runs", get(api::runs::list))
        .route("/v1/runs/compare", get(api::runs::compare))
        .route("/v1/runs/{run}", get(api::runs::show))
        .route("/v1/datasets", get(api::datasets::list))
        .route("/v1/keys", get(api::keys::list).post(api::keys::create))
        .route("/v1/keys/{id}", delete(api::keys::revoke))
        .route("/v1/audit", get(api::keys::audit))
        .route("/healthz", get(api::health::healthz))
        .route("/readyz", get(api::health::readyz))
        .route("/metrics", get(api::health::metrics))
        .merge(ui::pages())
        .merge(api::docs())
        .fallback(async || Problem::not_found("the interface is described at /docs"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                axum::http::StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "This is not done here by this method",
                "the interface is described at /docs",
            )
        });
    routes
        // Bodies are capped where they are read.
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(SizeAbove::new(COMPRESSED)),
        )
        .layer(from_fn_with_state(app.clone(), edge::edge))
        .with_state(app)
}

/// A bug of ours: one answer is lost, the server is not. What it says may hold a text, so it is not logged.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request's handler panicked");
    Problem::internal().into_response()
}
