//! A request for a page, by somebody who may ask for it.

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use sentimeter_store::{Role, StoreError};

use super::frame::Frame;
use super::strings::Strings;
use crate::app::App;
use crate::auth::Caller;
use crate::body::{self, Media};
use crate::problem::Problem;

/// A request for a page, by somebody who may ask for it.
pub(crate) struct Sent {
    app: App,
    pub(crate) frame: Frame,
    pub(crate) caller: Caller,
    /// What the address asks for, and what a form sent.
    query: Vec<(String, String)>,
    fields: Vec<(String, String)>,
}

/// What ends a request early: another page, or what is wrong.
pub(crate) struct Elsewhere(Box<Response>);

/// What a page's handler gives.
pub(crate) type Shown = Result<Response, Elsewhere>;

impl From<Problem> for Elsewhere {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem.into_response()))
    }
}

impl From<StoreError> for Elsewhere {
    fn from(error: StoreError) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for Elsewhere {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// A page that says what is wrong.
#[derive(Template)]
#[template(path = "trouble.html")]
struct Trouble<'a> {
    frame: &'a Frame,
    said: &'a str,
}

impl Sent {
    /// Whoever may do what wants `role`; `open`: on loopback it wants no key.
    pub(crate) async fn enter(
        app: &App,
        (_, uri, headers): (&Method, &Uri, &HeaderMap),
        role: Role,
        open: bool,
    ) -> Result<Self, Elsewhere> {
        let caller = app.inner.gate.let_in(headers, role, open).await?;
        let query = body::form(uri.query().unwrap_or_default());
        let asked = query.iter().find(|(name, _)| name == "lang").and_then(|(_, lang)| Strings::of(lang));
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let strings = asked.unwrap_or_else(|| Strings::accepted(accepted.unwrap_or_default()));
        let frame = Frame::new(strings, asked.is_some(), uri.path());
        Ok(Self { app: app.clone(), frame, caller, query, fields: Vec::new() })
    }

    /// Reads what a form of ours sent.
    pub(crate) async fn take(&mut self, headers: &HeaderMap, raw: Body) -> Result<(), Elsewhere> {
        if body::media(headers) != Some(Media::Form) {
            return Err(Problem::media("a form is wanted here; programs use /v1").into());
        }
        self.fields = body::form(&body::read(headers, raw, &self.app.inner.limits).await?);
        Ok(())
    }

    /// The form's last field of that name that is not empty.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().rev().find(|(field, value)| field == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// What the address asks for by that name.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(field, value)| field == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// A page.
    pub(crate) fn show(&self, status: StatusCode, page: &impl Template) -> Response {
        match page.render() {
            Ok(html) => {
                let mut response = (status, html).into_response();
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
                headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
                headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.frame.t.lang));
                response
            }
            Err(error) => {
                tracing::error!(%error, "a page cannot be written");
                Problem::internal().into_response()
            }
        }
    }

    /// A problem, in a sentence.
    pub(crate) fn problem(&self, problem: &Problem) -> Response {
        let said = match problem.status() {
            StatusCode::SERVICE_UNAVAILABLE => self.frame.t.busy.to_owned(),
            StatusCode::INTERNAL_SERVER_ERROR => self.frame.t.failed.to_owned(),
            _ => sentence(problem.detail()),
        };
        self.show(problem.status(), &Trouble { frame: &self.frame, said: &said })
    }
}

/// What an error says, as people write.
pub(crate) fn sentence(said: &str) -> String {
    let mut letters = said.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if said.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

/// Off to another page of ours.
pub(crate) fn redirect(to: &str) -> Response {
    match HeaderValue::try_from(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(_) => Problem::internal().into_response(),
    }
}
