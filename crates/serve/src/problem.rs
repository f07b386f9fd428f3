//! What went wrong, as RFC 9457 has it: the one place that knows statuses.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sentimeter_inference::{Refusal, telemetry};
use sentimeter_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// A problem document (RFC 9457), `application/problem+json`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:sentimeter:problem:invalid", "title": "The request has the wrong shape", "status": 422,
    "detail": "text: wants a string, found a number",
    "errors": [{"field": "text", "detail": "wants a string, found a number"}]
}))]
pub(crate) struct Problem {
    /// `urn:sentimeter:problem:` and the kind.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words; always the same for a kind.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened this time, and what to do.
    detail: String,
    /// The fields that are wrong, where it is about fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip)]
    retry_after: Option<u64>,
    #[serde(skip)]
    challenge: bool,
}

/// A field and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Where it stands: `texts[3].text`, or the query parameter's name.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) detail: String,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        kind: &str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        let (kind, detail) = (format!("urn:sentimeter:problem:{kind}"), detail.into());
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail,
            errors: Vec::new(),
            retry_after: None,
            challenge: false,
        }
    }

    /// The shape is wrong; `field` says where.
    pub(crate) fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let error = FieldError { field: field.into(), detail: detail.into() };
        let said = format!("{}: {}", error.field, error.detail);
        let mut problem =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request has the wrong shape", said);
        problem.errors.push(error);
        problem
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large", detail)
    }

    pub(crate) fn media(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "The body is of a kind that is not understood",
            detail,
        )
    }

    pub(crate) fn slow() -> Self {
        let detail = "the body did not come in time; send it again";
        Self::new(StatusCode::REQUEST_TIMEOUT, "slow", "The request took too long to come", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is nothing here", detail)
    }

    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        let title = "A key is needed";
        Self { challenge: true, ..Self::new(StatusCode::UNAUTHORIZED, "key-needed", title, detail) }
    }

    /// Whoever sends should have signed; a key would not help.
    pub(crate) fn unsigned(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unsigned", "A signature is needed", detail)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "This is not allowed", detail)
    }

    /// Too much is asked of the server at the moment.
    pub(crate) fn busy(detail: impl Into<String>, after: u64) -> Self {
        let title = "The server is busy";
        Self { retry_after: Some(after), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", title, detail) }
    }

    /// What is asked goes against what is there.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "What is there stands against it", detail)
    }

    /// More often than this client may.
    pub(crate) fn often(detail: impl Into<String>, after: u64) -> Self {
        let title = "Too many requests";
        let new = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", title, detail);
        Self { retry_after: Some(after), ..new }
    }

    pub(crate) fn late() -> Self {
        let detail =
            "it was not answered within the server's deadline; try again, with fewer texts at a time";
        Self { kind: "urn:sentimeter:problem:late".to_owned(), ..Self::busy(detail, 1) }
    }

    pub(crate) fn internal() -> Self {
        let detail = "the server failed on it; its log says more under this answer's X-Request-Id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed", detail)
    }

    /// The same as one item of a batch shows it.
    pub(crate) fn of_item(self) -> ItemProblem {
        let field = self.errors.into_iter().next().map(|error| error.field);
        ItemProblem { kind: self.kind, title: self.title, detail: self.detail, field }
    }

    /// Seconds after which to try again, where that helps.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// What people read.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// What is wrong with one item; the others are answered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ItemProblem {
    /// As a problem document's.
    #[serde(rename = "type")]
    kind: String,
    /// As a problem document's.
    title: &'static str,
    /// As a problem document's.
    detail: String,
    /// The field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.kind.rsplit(':').next().unwrap_or_default().to_owned();
        metrics::counter!(telemetry::ERRORS, "kind" => kind).increment(1);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.challenge {
            // Basic is understood, too, and not named: browsers would ask for a password instead of signing in.
            let scheme = HeaderValue::from_static("Bearer realm=\"Sentimeter\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full { after, .. } => Self::busy(refusal.to_string(), after.as_secs().max(1)),
            Refusal::Late => Self::late(),
            Refusal::Closed => Self::busy("the server is about to end; ask another one, or again", 5),
            Refusal::Failed => Self::internal(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing { .. } | StoreError::NoBlob { .. } | StoreError::Ambiguous { .. } => {
                Self::not_found(error.to_string())
            }
            StoreError::Conflict { .. } => Self::conflict(error.to_string()),
            error => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
                Self::busy("the records cannot be reached; try again", 5)
            }
        }
    }
}
