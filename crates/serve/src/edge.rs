//! What holds for every request and every answer.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sentimeter_inference::telemetry;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument as _;

use crate::app::App;
use crate::auth::CSRF;
use crate::client::client;
use crate::problem::Problem;
use crate::trace;

/// Bytes that room for bodies is counted in.
pub(crate) const UNIT: usize = 1 << 10;

/// The request's name, in the answer and in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Nothing but what this server itself sends may run or be shown. Inline styles and scripts are neither written
/// nor allowed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// The same for the pages of the interface's documentation, which set styles of their own.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
                           frame-ancestors 'none'";

/// Checks, counts and names the request; gives the answer its headers.
pub(crate) async fn edge(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let client = client(&app.inner.proxies, &request);
    request.extensions_mut().insert(client);
    let id = name(&app, request.headers());
    let method = request.method().clone();
    let route = match request.extensions().get::<MatchedPath>() {
        Some(path) => path.as_str().to_owned(),
        None => "(none)".to_owned(),
    };
    let docs = request.uri().path().starts_with("/docs");
    let origin = request.headers().get(header::ORIGIN).cloned();
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let preflight = method == Method::OPTIONS && app.inner.cors.is_some() && is_interface(&request);
    let traced = trace::request(&method, &route, &id, request.headers());
    let answered = async {
        match check(&app, &request) {
            Ok(()) if preflight => StatusCode::NO_CONTENT.into_response(),
            Ok(()) => match app.inner.gate.admit(request.headers(), &client).await {
                Ok(()) => {
                    unproven(&app, &mut request);
                    admitted(&app, request, next).await
                }
                Err(problem) => problem.into_response(),
            },
            Err(problem) => problem.into_response(),
        }
    };
    // The collector's span within that of the log, and entered once: what is handed to other threads is the innermost,
    // and of a span that was entered twice the second time does not count.
    let log = tracing::error_span!("request", id = id.to_str().unwrap_or_default());
    let mut response = answered.instrument(traced.clone()).instrument(log).await;
    let status = response.status();
    let headers = response.headers_mut();
    trace::answered(&traced, status, headers);
    share(&app, origin.as_ref(), headers);
    headers.insert(REQUEST_ID, id.clone());
    if chunked {
        // It may have had a length as well, which is gone by now. A proxy in front that went by the length takes what
        // stands behind for the next request: on this connection there is none (RFC 9112, 6.1).
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("DENY"));
    // Not `no-referrer`: with that, browsers say `Origin: null` of the page's own forms.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let policy = HeaderValue::from_static(if docs { DOCS_POLICY } else { POLICY });
    // A report has a policy of its own, which lets it do even less.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    if client.secure {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    );
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let seconds = begun.elapsed().as_secs_f64();
    tracing::info!(
        id = id.to_str().unwrap_or_default(),
        %method,
        route,
        status = status.as_u16(),
        seconds,
        "answered"
    );
    metrics::histogram!(telemetry::REQUEST_SECONDS, "route" => route.clone()).record(seconds);
    metrics::counter!(telemetry::REQUESTS, "route" => route, "status" => status.as_str().to_owned())
        .increment(1);
    response
}

/// Whether it asks for what programs ask for.
fn is_interface(request: &Request) -> bool {
    request.uri().path().starts_with("/v1/") || request.uri().path() == "/predict"
}

/// A change that a browser asks of the interface with its session's cookie alone: without the token that only our
/// own pages know, it is nobody's.
fn unproven(app: &App, request: &mut Request) {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || !is_interface(request) {
        return; // pages' forms carry a field, which is looked at where they are read
    }
    let headers = request.headers();
    let given = headers.get(CSRF).and_then(|token| token.to_str().ok());
    if !given.is_some_and(|given| app.inner.gate.fits(headers, given)) {
        request.headers_mut().remove(header::COOKIE);
    }
}

/// Lets the pages of the one other site that may ask read the answer.
fn share(app: &App, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    let Some(allowed) = &app.inner.cors else { return };
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if origin != Some(allowed) {
        return;
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed.clone());
    let (methods, names) = ("GET, POST, DELETE", "authorization, content-type, x-request-id");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(names));
    let shown = HeaderValue::from_static("x-request-id, retry-after, etag");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, shown);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}

/// Counts a request for as long as it is under way.
struct InFlight<'a>(&'a App);

impl<'a> InFlight<'a> {
    fn begin(app: &'a App) -> (Self, usize) {
        let now = app.inner.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        app.inner.in_flight_shown.set(now as f64);
        (Self(app), now)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let before = self.0.inner.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.inner.in_flight_shown.set(before.saturating_sub(1) as f64);
    }
}

/// Whether the body is a file: it may be large, and is read for as long as it comes.
fn is_upload(request: &Request) -> bool {
    *request.method() == Method::POST && matches!(request.uri().path(), "/v1/jobs" | "/batch")
}

/// Room for the request's body, as large as it may become: all of them together are bounded. Files are written to disk
/// as they come.
fn room(app: &App, request: &Request) -> Result<Option<OwnedSemaphorePermit>, Problem> {
    let (limits, headers) = (&app.inner.limits, request.headers());
    let stated = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let unknown =
        headers.contains_key(header::CONTENT_ENCODING) || headers.contains_key(header::TRANSFER_ENCODING);
    let bytes = if unknown { limits.body_bytes } else { stated.unwrap_or(0).min(limits.body_bytes) };
    if bytes == 0 || is_upload(request) {
        return Ok(None);
    }
    // One by itself is let in, whatever is set.
    let units = bytes.min(limits.bodies).div_ceil(UNIT).min(limits.bodies / UNIT);
    let units = u32::try_from(units).unwrap_or(u32::MAX);
    app.inner.bodies.clone().try_acquire_many_owned(units).map(Some).map_err(|_| {
        Problem::busy(format!("bodies of {} bytes together are worked on already", limits.bodies), 1)
    })
}

async fn admitted(app: &App, request: Request, next: Next) -> Response {
    let (_counted, now) = InFlight::begin(app);
    if now > app.inner.limits.in_flight {
        let said = format!("{} requests are under way already", app.inner.limits.in_flight);
        return Problem::busy(said, 1).into_response();
    }
    let _room = match room(app, &request) {
        Ok(room) => room,
        Err(problem) => return problem.into_response(),
    };
    // The body's own time has its own answer; this ends everything else.
    let limits = &app.inner.limits;
    let whole = if is_upload(&request) { limits.upload } else { limits.deadline + limits.body };
    match tokio::time::timeout(whole, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::late().into_response(),
    }
}

/// The name that the client gives its request, if it is one; otherwise one of ours.
fn name(app: &App, headers: &HeaderMap) -> HeaderValue {
    let sane = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        !bytes.is_empty()
            && bytes.len() <= 64
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
    };
    match headers.get(REQUEST_ID) {
        Some(value) if sane(value) => value.clone(),
        _ => HeaderValue::try_from(app.id()).unwrap_or(HeaderValue::from_static("unknown")),
    }
}

/// Whether `host` names this machine.
fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A web page elsewhere must reach neither this machine's server by a name that it has pointed here (DNS
/// rebinding), nor any server with what the browser adds by itself (cross-site requests).
fn check(app: &App, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (request.uri().authority(), hosts.next(), hosts.next()) {
        (_, _, Some(_)) => return Err(Problem::malformed("the request has two Host headers")),
        (Some(authority), ..) => Some(authority.clone()),
        (None, host, None) => host.and_then(|host| Authority::try_from(host.as_bytes()).ok()),
    };
    if app.inner.loopback {
        let known = host.as_ref().is_some_and(|host| {
            is_local(host.host()) || app.inner.hosts.iter().any(|name| name.eq_ignore_ascii_case(host.host()))
        });
        if !known {
            return Err(Problem::new(
                axum::http::StatusCode::MISDIRECTED_REQUEST,
                "host",
                "The Host header names another machine",
                "this server is for this machine alone: ask for localhost, or allow the name with --host",
            ));
        }
    }
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    // The site that may ask, which sends no cookies: it is another one.
    if is_interface(request)
        && app.inner.cors.as_ref().is_some_and(|cors| headers.get(header::ORIGIN) == Some(cors))
    {
        return Ok(());
    }
    let foreign = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
        || headers.get(header::ORIGIN).is_some_and(|origin| {
            let of = origin.to_str().ok().and_then(|o| o.split_once("://")).map(|(_, authority)| authority);
            of.is_none() || of != host.as_ref().map(Authority::as_str)
        });
    if foreign {
        return Err(Problem::forbidden("requests from the pages of other sites are not answered"));
    }
    Ok(())
}
