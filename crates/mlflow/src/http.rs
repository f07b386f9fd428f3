//! One request and its answer: authorisation, tries, and errors that say what the server said.

use std::error::Error as _;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::blocking::{Body, Client, RequestBuilder, Response};
use reqwest::{Method, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::halt::Halt;
use crate::settings::{Auth, Retry, Settings};
use crate::{MlflowError, Verdict};

/// Bytes of an answer past which it is none of MLflow's JSON.
const MOST_ANSWER: u64 = 64 << 20;

/// Characters of a server's message that an error repeats.
const MOST_MESSAGE: usize = 400;

/// The longest that a `Retry-After` is obeyed: past it the outbox keeps what is unsent.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Bytes a second that an upload or download surely makes; slower ones have hung.
const SLOWEST: u64 = 20_000;

/// Whether a request may be sent a second time when nobody knows what became of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It says the same twice.
    Safe,
    /// It would make a second one: the caller looks for the first before it tries again.
    Once,
}

/// The way to one server.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client,
    /// Without a slash at the end.
    base: String,
    auth: Auth,
    workspace: Option<String>,
    retry: Retry,
    timeout: Duration,
    halt: Halt,
}

impl Http {
    pub(crate) fn new(base: &str, settings: &Settings, halt: Halt) -> Result<Self, MlflowError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // Whoever was first has installed the same.
        let _ = provider.as_ref().clone().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("sentimeter/", env!("CARGO_PKG_VERSION")))
            // A redirected POST would arrive as a GET.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(settings.timeout.min(Duration::from_secs(20)))
            .timeout(settings.timeout);
        let tls = &settings.tls;
        let setting = |name: &str, why: String| MlflowError::Setting { name: name.to_owned(), why };
        let pem = |name: &str, path: &Path| {
            std::fs::read(path).map_err(|e| setting(name, format!("cannot read {}: {e}", path.display())))
        };
        if tls.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        if let Some(path) = &tls.authorities {
            const NAME: &str = "MLFLOW_TRACKING_SERVER_CERT_PATH";
            let bundle = reqwest::Certificate::from_pem_bundle(&pem(NAME, path)?).map_err(|e| {
                setting(NAME, format!("{} is no certificate in PEM: {}", path.display(), chain(&e)))
            })?;
            if bundle.is_empty() {
                return Err(setting(NAME, format!("{} holds no certificate in PEM", path.display())));
            }
            builder = builder.tls_certs_only(bundle);
        }
        if let Some(path) = &tls.client {
            const NAME: &str = "MLFLOW_TRACKING_CLIENT_CERT_PATH";
            let identity = reqwest::Identity::from_pem(&pem(NAME, path)?).map_err(|e| {
                setting(
                    NAME,
                    format!("{} is no certificate with its key in PEM: {}", path.display(), chain(&e)),
                )
            })?;
            builder = builder.identity(identity);
        }
        let client = builder.build().map_err(|e| {
            setting("MLFLOW_TRACKING_URI", format!("cannot set up a connection: {}", chain(&e)))
        })?;
        Ok(Self {
            client,
            base: base.to_owned(),
            auth: settings.auth.clone(),
            workspace: settings.workspace.clone(),
            retry: settings.retry,
            timeout: settings.timeout,
            halt,
        })
    }

    /// The server's address, without credentials.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The same door on another host.
    pub(crate) fn at(&self, base: String) -> Self {
        Self { base, ..self.clone() }
    }

    /// Sends JSON to `path` under the base, reads JSON.
    pub(crate) fn json<A: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&impl Serialize>,
        repeat: Repeat,
    ) -> Result<A, MlflowError> {
        let url = self.url(path, query);
        let call = format!("{method} {path}");
        let bytes =
            match body {
                Some(body) => Some(serde_json::to_vec(body).map_err(|e| MlflowError::Unfit {
                    why: format!("{call}: cannot write the request: {e}"),
                })?),
                None => None,
            };
        let response = self.persist(repeat, || {
            let mut request = self.client.request(method.clone(), url.as_str());
            if let Some(bytes) = &bytes {
                request = request.header(header::CONTENT_TYPE, "application/json").body(bytes.clone());
            }
            self.send(request, &call)
        })?;
        let text = self.text(response, &call)?;
        serde_json::from_str(&text).map_err(|e| MlflowError::Foreign { call, found: foreign(&text, &e) })
    }

    /// A short plain text at `path`, asked for once; `None` where there is none.
    pub(crate) fn plain(&self, path: &str) -> Option<String> {
        let response = self.send(self.client.get(self.url(path, &[])), path).ok()?;
        self.text(response, path).ok().filter(|text| text.len() < 100 && !text.contains('<'))
    }

    /// Puts a file's bytes at `path`.
    pub(crate) fn put(&self, path: &str, file: &Path) -> Result<(), MlflowError> {
        let call = format!("PUT {path}");
        let cannot = |source| MlflowError::File { path: file.to_owned(), source };
        let length = std::fs::metadata(file).map_err(cannot)?.len();
        self.persist(Repeat::Safe, || {
            // Opened anew for each try: a stream is read once.
            let body = Body::sized(File::open(file).map_err(cannot)?, length);
            self.send(self.client.put(self.url(path, &[])).timeout(self.long(length)).body(body), &call)
        })?;
        Ok(())
    }

    /// Puts bytes at `path`.
    pub(crate) fn put_bytes(&self, path: &str, bytes: &[u8]) -> Result<(), MlflowError> {
        let call = format!("PUT {path}");
        let timeout = self.long(bytes.len() as u64);
        self.persist(Repeat::Safe, || {
            self.send(self.client.put(self.url(path, &[])).timeout(timeout).body(bytes.to_vec()), &call)
        })?;
        Ok(())
    }

    /// The bytes at `path`, at most `most` of them, into `out`; how many.
    pub(crate) fn get(&self, path: &str, most: u64, out: &mut dyn Write) -> Result<u64, MlflowError> {
        let call = format!("GET {path}");
        let response = self.persist(Repeat::Safe, || {
            self.send(self.client.get(self.url(path, &[])).timeout(self.long(most)), &call)
        })?;
        let copied = std::io::copy(&mut response.take(most + 1), out)
            .map_err(|e| MlflowError::Silent { server: self.base.clone(), why: format!("{call}: {e}") })?;
        if copied > most {
            return Err(MlflowError::Unfit { why: format!("{call}: more than {most} bytes") });
        }
        Ok(copied)
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut url = format!("{}/{path}", self.base);
        for (i, (name, value)) in query.iter().enumerate() {
            let _ = write!(url, "{}{name}={}", if i == 0 { '?' } else { '&' }, escape(value));
        }
        url
    }

    /// Seconds for so many bytes.
    fn long(&self, bytes: u64) -> Duration {
        self.timeout + Duration::from_secs(bytes / SLOWEST)
    }

    /// Tries until it works, tries are used up, or trying is of no use.
    fn persist(
        &self,
        repeat: Repeat,
        mut attempt: impl FnMut() -> Result<Response, MlflowError>,
    ) -> Result<Response, MlflowError> {
        let mut tried = 0;
        loop {
            if self.halt.wished() {
                return Err(MlflowError::Halted);
            }
            let error = match attempt() {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            if repeat == Repeat::Once || error.verdict() != Verdict::Later || tried == self.retry.tries {
                return Err(error);
            }
            let wait = match &error {
                MlflowError::Refused { retry_after: Some(seconds), .. } => {
                    Duration::from_secs(*seconds).min(LONGEST_WAIT)
                }
                _ => self.wait(tried),
            };
            tracing::debug!("{error}; try {} of {} in {wait:.1?}", tried + 2, self.retry.tries + 1);
            if self.halt.wait(wait) {
                return Err(error);
            }
            tried += 1;
        }
    }

    /// The pause after so many tries in vain.
    fn wait(&self, tried: u32) -> Duration {
        // Random enough to spread clients that failed together; no result depends on it.
        let nanos = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| now.subsec_nanos());
        let jitter = self.retry.jitter * f64::from(nanos % 1000) / 1000.0;
        let seconds = self.retry.factor * f64::from(1_u32 << tried.min(20)) + jitter;
        Duration::from_secs_f64(seconds).min(LONGEST_WAIT)
    }

    /// One try; anything but success is an error.
    fn send(&self, request: RequestBuilder, call: &str) -> Result<Response, MlflowError> {
        let request = match &self.auth {
            Auth::None => request,
            Auth::Basic { user, password } => request.basic_auth(user, Some(password)),
            Auth::Bearer(token) => request.bearer_auth(token),
        };
        let request = match &self.workspace {
            Some(name) => request.header("X-MLFLOW-WORKSPACE", name),
            None => request,
        };
        let response = request
            .send()
            .map_err(|e| MlflowError::Silent { server: self.base.clone(), why: chain(&e.without_url()) })?;
        let status = response.status();
        if status.is_success() { Ok(response) } else { Err(refusal(response, call, status)) }
    }

    fn text(&self, response: Response, call: &str) -> Result<String, MlflowError> {
        let mut bytes = Vec::new();
        response
            .take(MOST_ANSWER + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| MlflowError::Silent { server: self.base.clone(), why: format!("{call}: {e}") })?;
        if bytes.len() as u64 > MOST_ANSWER {
            let found = format!("more than {MOST_ANSWER} bytes");
            return Err(MlflowError::Foreign { call: call.to_owned(), found });
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// What the server says of a request that it refuses: MLflow's JSON, a plain line, or a page.
fn refusal(response: Response, call: &str, status: StatusCode) -> MlflowError {
    #[derive(serde::Deserialize)]
    struct Said {
        #[serde(default)]
        error_code: String,
        #[serde(default)]
        message: String,
    }
    let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let retry_after = header(header::RETRY_AFTER).and_then(|value| seconds_until(&value));
    let location = header(header::LOCATION);
    let mut body = Vec::new();
    // What arrived of a broken body says more than that it is broken.
    let _ = response.take(64 << 10).read_to_end(&mut body);
    let (code, message) = match serde_json::from_slice::<Said>(&body) {
        Ok(said) => (said.error_code, said.message),
        Err(_) => (String::new(), visible(&String::from_utf8_lossy(&body))),
    };
    let message = match location {
        Some(to) if status.is_redirection() => {
            format!("it has moved to {to}; set the address to where it is now")
        }
        _ if status == StatusCode::UNAUTHORIZED => format!(
            "{} (MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN or \
             ~/.mlflow/credentials say who you are)",
            shorten(&message)
        ),
        _ => shorten(&message),
    };
    MlflowError::Refused { call: call.to_owned(), status: status.as_u16(), code, message, retry_after }
}

/// Seconds of a `Retry-After`, which is a number or a date.
fn seconds_until(value: &str) -> Option<u64> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(seconds);
    }
    let date = jiff::fmt::rfc2822::parse(value.trim()).ok()?;
    let left = date.timestamp().as_second() - jiff::Timestamp::now().as_second();
    Some(left.max(0) as u64)
}

/// The words of an HTML page or a plain text, on one line.
fn visible(body: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                out.push(' ');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let words: Vec<&str> = out.split_whitespace().collect();
    words.join(" ")
}

/// One line, not too long, nothing that moves a terminal's cursor.
fn shorten(message: &str) -> String {
    let line: String =
        message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_MESSAGE).collect();
    let line = line.trim();
    if message.chars().nth(MOST_MESSAGE).is_some() { format!("{line}…") } else { line.to_owned() }
}

fn foreign(text: &str, error: &serde_json::Error) -> String {
    let start = text.trim_start();
    if start.starts_with('<') { format!("a page: {}", shorten(&visible(start))) } else { format!("{error}") }
}

/// An error and its causes.
fn chain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time (MLFLOW_HTTP_REQUEST_TIMEOUT seconds)".to_owned();
    }
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_said = inner.to_string();
        if !said.contains(&inner_said) {
            let _ = write!(said, ": {inner_said}");
        }
        cause = inner.source();
    }
    said
}

/// A value inside a query or one segment of a path.
pub(crate) fn escape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for byte in raw.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive() {
        assert_eq!(escape("matrice été.txt"), "matrice%20%C3%A9t%C3%A9.txt");
        assert_eq!(escape("a/b?c&d=e#f%"), "a%2Fb%3Fc%26d%3De%23f%25");
    }

    #[test]
    fn a_page_becomes_a_line() {
        let page = "<!doctype html>\n<title>502 Bad Gateway</title>\n<h1>nginx</h1>";
        assert_eq!(visible(page), "502 Bad Gateway nginx");
        assert_eq!(visible("Permission denied"), "Permission denied");
        assert_eq!(shorten("a\u{1b}[2Jb"), "a [2Jb");
        assert_eq!(shorten(&"x".repeat(1000)).chars().count(), MOST_MESSAGE + 1);
    }

    #[test]
    fn waiting_is_asked_for_in_two_ways() {
        assert_eq!(seconds_until("7"), Some(7));
        assert_eq!(seconds_until("Wed, 21 Oct 2015 07:28:00 GMT"), Some(0), "the past is now");
        assert_eq!(seconds_until("soon"), None);
    }
}
