//! What an OpenTelemetry collector sees of a request: a span for it, and beneath it those of its queue, scoring and
//! records. Where nobody collects traces, all of this is a look at a flag.
//!
//! Spans hold methods, routes, statuses and numbers; never a text, a query or a key.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use sentimeter_inference::telemetry::TRACE;
use tracing::Span;
use tracing::instrument::{Instrument as _, Instrumented};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Where a trace's name and the caller's span stand (W3C Trace Context); in the answer, where ours do.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

struct Given<'a>(&'a HeaderMap);

impl Extractor for Given<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// The span of a request, within the trace that its caller names; an empty one where nobody collects them.
pub(crate) fn request(method: &Method, route: &str, id: &HeaderValue, headers: &HeaderMap) -> Span {
    let span = tracing::debug_span!(
        target: TRACE,
        "request",
        otel.name = tracing::field::Empty,
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        http.request.method = %method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
        http.request.id = id.to_str().unwrap_or_default(),
    );
    if !span.is_disabled() {
        span.record("otel.name", format!("{method} {route}"));
        let caller = TraceContextPropagator::new().extract(&Given(headers));
        if caller.span().span_context().is_valid() {
            // Refused only of a span that has begun.
            drop(span.set_parent(caller));
        }
    }
    span
}

/// Notes what was answered, and tells the caller under which name it is found.
pub(crate) fn answered(span: &Span, status: StatusCode, headers: &mut HeaderMap) {
    if span.is_disabled() {
        return;
    }
    // Signed: of other numbers the layer makes words.
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    let context = span.context();
    let ours = context.span().span_context().clone();
    if ours.is_valid() {
        let (trace, own, flags) = (ours.trace_id(), ours.span_id(), ours.trace_flags().to_u8());
        if let Ok(value) = HeaderValue::try_from(format!("00-{trace}-{own}-{flags:02x}")) {
            headers.insert(TRACEPARENT, value);
        }
    }
}

/// Work of the records, as a span of whoever waits for it. `what` is said of all such work, never of this one's content.
pub(crate) fn stored<F: Future>(what: &'static str, work: F) -> Instrumented<F> {
    let span = tracing::debug_span!(
        target: TRACE, "store", otel.name = what, otel.kind = "client", db.operation.name = what
    );
    work.instrument(span)
}
