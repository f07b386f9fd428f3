//! Pages that other rooms have made: shown as they are, and able to do nothing.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::Shown;
use crate::problem::Problem;

/// A report brings its own style, script and pictures, and sorts its tables; it stands in a box of its own, from
/// which nothing can be fetched, sent, opened or read.
const BOX: &str = "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                   img-src data:; font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

fn boxed(html: impl Into<axum::body::Body>) -> Response {
    let mut response = (StatusCode::OK, html.into()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(BOX));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    response
}

/// A page that is made, or read, on a thread that may take its time.
pub(crate) async fn sandboxed<T: Into<axum::body::Body> + Send + 'static>(
    make: impl FnOnce() -> T + Send + 'static,
) -> Shown {
    let made = tokio::task::spawn_blocking(make).await;
    Ok(boxed(made.map_err(|_| Problem::internal())?))
}

/// The same of one that may not be there any more.
pub(crate) async fn found(
    read: impl FnOnce() -> Option<Vec<u8>> + Send + 'static,
) -> Result<Option<Response>, Problem> {
    let read = tokio::task::spawn_blocking(read).await.map_err(|_| Problem::internal())?;
    Ok(read.map(boxed))
}
