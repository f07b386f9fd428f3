//! What can stand against a request, for the interface's description.

use utoipa::IntoResponses;

use crate::problem::Problem;

/// Of everything that wants a key.
#[derive(IntoResponses)]
#[allow(dead_code)] // for the interface's description
pub(crate) enum Refused {
    /// A key is needed, or this one is unknown
    #[response(status = 401, content_type = "application/problem+json")]
    Unknown(#[to_schema] Problem),
    /// Not with this key
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// More often than this key or address may
    #[response(status = 429, content_type = "application/problem+json")]
    Often(#[to_schema] Problem),
    /// The server is busy, or its records cannot be reached
    #[response(status = 503, content_type = "application/problem+json")]
    Busy(#[to_schema] Problem),
}
