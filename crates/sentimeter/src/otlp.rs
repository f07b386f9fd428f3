//! Traces go to an OpenTelemetry collector, where one is named: spans as protobuf over HTTP, from a thread of their own.
//!
//! Requests never wait for it: what a collector that is away, slow or full does not take within the bound of the queue
//! is dropped, and said once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use http::{Request, Response};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

/// Where the collector takes spans, below its address.
const PATH: &str = "/v1/traces";

/// The longest that a group of spans may be under way, where OTEL_EXPORTER_OTLP_TIMEOUT says nothing else.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the program waits at its end for the last spans.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bytes of an answer that are looked at: it says how many spans were refused, and that is all.
const MOST_ANSWER: u64 = 64 << 10;

/// What sends this process's spans.
static SENDING: Mutex<Option<SdkTracerProvider>> = Mutex::new(None);

/// Whether spans are sent at all: an address was given, here or as OpenTelemetry itself is told.
fn is_wanted(given: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> bool {
    let said = |name: &str| variable(name).is_some_and(|value| !value.trim().is_empty());
    let off = variable("OTEL_SDK_DISABLED").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
        || variable("OTEL_TRACES_EXPORTER").is_some_and(|value| value.trim() == "none");
    given.is_some()
        || (!off && (said("OTEL_EXPORTER_OTLP_ENDPOINT") || said("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")))
}

/// The address of a collector, with the path that spans are taken at.
fn endpoint(given: &str) -> String {
    let base = given.trim_end_matches('/');
    if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") }
}

/// What makes spans, where a collector is named; they are sent from now on.
///
/// # Errors
/// Settings that cannot be followed.
pub(crate) fn begin(given: Option<&str>) -> anyhow::Result<Option<SdkTracer>> {
    if !is_wanted(given, |name| std::env::var(name).ok()) {
        return Ok(None);
    }
    // Whoever was first has installed the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let timeout = |name: &str| std::env::var(name).ok()?.trim().parse().ok().map(Duration::from_millis);
    let timeout =
        timeout("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT").or_else(|| timeout("OTEL_EXPORTER_OTLP_TIMEOUT"));
    let client = reqwest::blocking::Client::builder()
        .user_agent(concat!("sentimeter/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timeout.unwrap_or(TIMEOUT))
        .build()
        .context("cannot set up the connection to the collector of traces")?;
    let mut exporter = SpanExporter::builder().with_http().with_http_client(Collector::new(client));
    if let Some(given) = given {
        exporter = exporter.with_endpoint(endpoint(given));
    }
    let exporter = exporter.build().context("cannot send traces to the collector")?;
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("sentimeter");
    }
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = resource.with_attribute(version).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("sentimeter");
    *SENDING.lock().unwrap_or_else(PoisonError::into_inner) = Some(provider);
    Ok(Some(tracer))
}

/// Sends what is left, for a moment at the most.
pub(crate) fn end() {
    let sending = SENDING.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(sending) = sending
        && let Err(error) = sending.shutdown_with_timeout(PATIENCE)
    {
        tracing::debug!("the last traces are not sent: {error}");
    }
}

/// The way to the collector.
#[derive(Debug, Clone)]
struct Collector {
    client: reqwest::blocking::Client,
    /// Whether it was said that nothing gets there.
    away: Arc<AtomicBool>,
}

impl Collector {
    fn new(client: reqwest::blocking::Client) -> Self {
        Self { client, away: Arc::default() }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        use std::io::Read as _;
        let (head, body) = request.into_parts();
        let sent = self
            .client
            .request(head.method, head.uri.to_string())
            .headers(head.headers)
            .body(body.to_vec())
            .send()?;
        let (status, headers) = (sent.status(), sent.headers().clone());
        let mut answer = Vec::new();
        sent.take(MOST_ANSWER).read_to_end(&mut answer)?;
        let mut response = Response::new(Bytes::from(answer));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// Called on the thread that sends spans and on no other: it may block.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.send(request);
        let why = match &sent {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answers {}", response.status())),
            Err(error) => Some(error.to_string()),
        };
        match why {
            Some(why) if !self.away.swap(true, Ordering::Relaxed) => {
                tracing::warn!("traces do not reach the collector ({why}); they are dropped until they do");
            }
            Some(_) => {}
            None if self.away.swap(false, Ordering::Relaxed) => {
                tracing::warn!("traces reach the collector again");
            }
            None => {}
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_unless_somebody_is_named() {
        for (given, variables, want) in [
            (None, &[][..], false),
            (Some("http://127.0.0.1:4318"), &[], true),
            (None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")], true),
            (None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")], false),
            (None, &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:4318/x")], true),
            (None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://x"), ("OTEL_SDK_DISABLED", "TRUE")], false),
            (None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://x"), ("OTEL_TRACES_EXPORTER", "none")], false),
        ] {
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(is_wanted(given, variable), want, "{given:?} {variables:?}");
        }
    }

    #[test]
    fn an_address_is_the_collectors_or_the_paths_own() {
        for given in
            ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces", "http://c:4318/v1/traces/"]
        {
            assert_eq!(endpoint(given), "http://c:4318/v1/traces");
        }
        assert_eq!(endpoint("https://c/otlp"), "https://c/otlp/v1/traces");
    }
}
