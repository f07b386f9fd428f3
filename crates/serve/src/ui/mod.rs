//! The pages for people: rendered here, whole without JavaScript; with it, parts of them come alone.

mod analyse;
mod assets;
mod batch;
mod charts;
mod data;
mod door;
mod frame;
mod highlight;
mod insights;
mod labelling;
mod models;
mod report;
mod review;
mod runs;
mod settings;
mod strings;
mod view;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sentimeter_store::{Role, StoreError};

use self::frame::Frame;
use self::strings::Strings;
use self::strings::house::put;
use crate::app::App;
use crate::auth::{CSRF, Caller};
use crate::body::{self, Media};
use crate::problem::Problem;

/// Sent by our own script: it wants the part of the page that changes, not all of it.
const PART: &str = "x-part";

/// The pages' addresses.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route("/", get(analyse::page).post(analyse::analyse))
        .route("/report", post(analyse::report))
        .route("/batch", get(batch::page).post(batch::upload))
        .route("/batch/{id}", get(batch::show).post(batch::act))
        .route("/insights", get(insights::page))
        .route("/sign-in", get(door::page).post(door::sign_in))
        .route("/sign-out", post(door::sign_out))
        .route("/review", get(review::page).post(labelling::give))
        .route("/review/{id}", post(review::judge))
        .route("/models", get(models::list))
        .route("/models/{name}", get(models::show))
        .route("/models/{name}/rollback", get(models::ask_roll_back).post(models::roll_back))
        .route("/models/{name}/{version}/card", get(models::card))
        .route("/models/{name}/{version}/promote", get(models::ask_promote).post(models::promote))
        .route("/experiments", get(runs::list))
        .route("/experiments/compare", get(runs::compare))
        .route("/experiments/compare/report", get(runs::compare_report))
        .route("/experiments/{run}", get(runs::show))
        .route("/experiments/{run}/report", get(runs::report))
        .route("/data", get(data::list))
        .route("/data/{reference}", get(data::show))
        .route("/data/{reference}/profile", get(data::profile_page).post(data::make_profile))
        .route("/settings", get(settings::page))
        .route("/settings/keys", post(settings::create))
        .route("/settings/keys/{id}/revoke", get(settings::ask_revoke).post(settings::revoke))
        .route("/assets/{name}", get(assets::asset))
}

/// A request for a page, by somebody who may ask for it.
pub(crate) struct Sent {
    app: App,
    pub(crate) frame: Frame,
    pub(crate) caller: Caller,
    /// What the address asks for, and what a form sent.
    query: Vec<(String, String)>,
    fields: Vec<(String, String)>,
    part: bool,
}

/// What ends a request early: another page, or what is wrong.
pub(crate) struct Elsewhere(Box<Response>);

/// What a page's handler gives.
pub(crate) type Shown = Result<Response, Elsewhere>;

impl From<Response> for Elsewhere {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl From<Problem> for Elsewhere {
    fn from(problem: Problem) -> Self {
        problem.into_response().into()
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
#[template(path = "fault.html")]
struct Fault<'a> {
    frame: &'a Frame,
    said: &'a str,
    back: Option<String>,
}

/// A page that asks whether something is really to be done.
#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirm<'a> {
    frame: &'a Frame,
    action: String,
    lead: Vec<String>,
    fault: &'a str,
    /// Whether it asks why, and what was given before.
    reason: bool,
    given: &'a str,
    /// Whether a rule may be set aside.
    force: bool,
    danger: bool,
    button: &'a str,
    back: String,
}

impl Sent {
    /// Whoever asks, known or not.
    async fn by(app: &App, uri: &Uri, headers: &HeaderMap, caller: Caller) -> Result<Self, Problem> {
        let query = body::form(uri.query().unwrap_or_default());
        let asked = query.iter().find(|(name, _)| name == "lang").and_then(|(_, lang)| Strings::of(lang));
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let strings = asked.unwrap_or_else(|| Strings::accepted(accepted.unwrap_or_default()));
        let who = app.inner.gate.visitor(headers).await?.map(|visitor| visitor.key.name);
        let frame = Frame::new(strings, asked.is_some(), uri.path(), app.inner.gate.csrf(headers), who);
        let part = headers.contains_key(PART);
        Ok(Self { app: app.clone(), frame, caller, query, fields: Vec::new(), part })
    }

    /// Whoever may do what wants `role`; `open`: on loopback it wants no key. Others are shown the way.
    pub(crate) async fn enter(
        app: &App,
        (method, uri, headers): (&Method, &Uri, &HeaderMap),
        role: Role,
        open: bool,
    ) -> Result<Self, Elsewhere> {
        let refused = match app.inner.gate.let_in(headers, role, open).await {
            Ok(caller) => return Ok(Self::by(app, uri, headers, caller).await?),
            Err(problem) => problem,
        };
        let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // A program is told by the status; so is a script, which has no use for a whole page.
        if !accepts.contains("text/html") || headers.contains_key(PART) {
            return Err(refused.into());
        }
        let nobody = Caller { who: String::new(), role: None };
        let sent = Self::by(app, uri, headers, nobody).await?;
        let shown = match refused.status() {
            StatusCode::UNAUTHORIZED => {
                let next = if *method == Method::GET { uri.path() } else { "/" };
                redirect(&sent.frame.to("/sign-in", &[("next", next)]))
            }
            StatusCode::FORBIDDEN => {
                let visitor = app.inner.gate.visitor(headers).await?;
                let has = visitor.map_or("", |visitor| visitor.key.role.as_str());
                let said = put(sent.frame.h.forbidden, &[has, role.as_str()]);
                sent.fault(StatusCode::FORBIDDEN, &said)
            }
            status => sent.fault(status, refused.detail()),
        };
        Err(shown.into())
    }

    /// Reads what a form of ours sent: one that came from elsewhere is refused.
    pub(crate) async fn read(&mut self, headers: &HeaderMap, raw: Body) -> Result<(), Problem> {
        if body::media(headers) != Some(Media::Form) {
            return Err(Problem::media("a form is wanted here; programs use /v1"));
        }
        self.fields = body::form(&body::read(headers, raw, &self.app.inner.limits).await?);
        let by_script = headers.get(CSRF).and_then(|token| token.to_str().ok());
        let token = self.field("csrf").or(by_script);
        if token.is_some_and(|token| self.app.inner.gate.fits(headers, token)) {
            return Ok(());
        }
        Err(Problem::forbidden("the form does not carry this server's token; load its page again"))
    }

    /// The same for a form that is whole or not at all: what is wrong with it is a page.
    pub(crate) async fn take(&mut self, headers: &HeaderMap, raw: Body) -> Result<(), Elsewhere> {
        let read = self.read(headers, raw).await;
        read.map_err(|problem| self.problem(&problem).into())
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

    /// A page, or the part of one that was asked for.
    pub(crate) fn show(&self, status: StatusCode, page: &impl Template) -> Response {
        match page.render() {
            Ok(html) => {
                let mut response = (status, html).into_response();
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
                headers.insert(header::VARY, HeaderValue::from_static("accept-language, x-part, cookie"));
                headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.frame.t.lang));
                response
            }
            Err(error) => {
                tracing::error!(%error, "a page cannot be written");
                Problem::internal().into_response()
            }
        }
    }

    /// A page that says what is wrong.
    pub(crate) fn fault(&self, status: StatusCode, said: &str) -> Response {
        let t = self.frame.t;
        let csrf = self.frame.csrf.clone();
        let mut frame =
            Frame::new(t, !self.frame.query.is_empty(), &self.frame.path, csrf, self.frame.who.clone());
        frame.title = frame.h.fault.to_owned();
        let section = frame.links().into_iter().find(|link| link.here && link.path != frame.path);
        let back = section.map(|link| frame.to(link.path, &[]));
        self.show(status, &Fault { frame: &frame, said, back })
    }

    /// A problem, in a sentence.
    pub(crate) fn problem(&self, problem: &Problem) -> Response {
        let (t, status) = (self.frame.t, problem.status());
        let said = match status {
            StatusCode::SERVICE_UNAVAILABLE => t.busy.to_owned(),
            StatusCode::INTERNAL_SERVER_ERROR => t.failed.to_owned(),
            StatusCode::FORBIDDEN => t.house.stale.to_owned(),
            _ => sentence(problem.detail()),
        };
        self.fault(status, &said)
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
