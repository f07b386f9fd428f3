//! The pages for people: rendered here, whole without JavaScript; with it, parts of them come alone.

mod assets;
pub(crate) mod batch;
mod charts;
mod frame;
mod highlight;
pub(crate) mod insights;
mod sent;
mod strings;
mod view;

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use sentimeter_inference::Wanted;
use sentimeter_store::Role;

pub(crate) use assets::asset;
pub(crate) use sent::{Elsewhere, Sent, Shown, redirect, sentence};

use self::strings::Strings;
use self::view::{Outcome, Page, Part, Result_};
use crate::api::{Request, answer, reports};
use crate::app::App;
use crate::body::{self, Media};
use crate::problem::Problem;

/// Sent by our own script: it wants the part of the page that changes, not all of it.
const PART: &str = "x-part";

/// What the form of Analyse sent, with the language that the page is in.
struct Typed {
    strings: &'static Strings,
    /// Whether the language was chosen, so that links keep it.
    chosen: bool,
    fields: Vec<(String, String)>,
    part: bool,
}

impl Typed {
    fn new(uri: &Uri, headers: &HeaderMap) -> Self {
        let query = body::form(uri.query().unwrap_or_default());
        let asked = query.iter().find(|(name, _)| name == "lang").and_then(|(_, lang)| Strings::of(lang));
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self {
            strings: asked.unwrap_or_else(|| Strings::accepted(accepted.unwrap_or_default())),
            chosen: asked.is_some(),
            fields: Vec::new(),
            part: headers.contains_key(PART),
        }
    }

    async fn read(&mut self, app: &App, headers: &HeaderMap, raw: Body) -> Result<(), Problem> {
        if body::media(headers) != Some(Media::Form) {
            return Err(Problem::media("a form is wanted here; programs use /v1/predict"));
        }
        self.fields = body::form(&body::read(headers, raw, &app.inner.limits).await?);
        Ok(())
    }

    /// The last field of that name that is not empty.
    fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().rev().find(|(field, value)| field == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    fn page<'a>(&self, app: &App, text: &'a str, outcome: Outcome<'a>) -> Page<'a> {
        Page {
            t: self.strings,
            query: if self.chosen { format!("?lang={}", self.strings.lang) } else { String::new() },
            version: assets::version(),
            most: app.inner.limits.characters,
            text,
            outcome,
        }
    }

    fn respond(&self, app: &App, status: StatusCode, text: &str, outcome: Outcome<'_>) -> Response {
        let page = self.page(app, text, outcome);
        let html = if self.part { Part { page: &page }.render() } else { page.render() };
        match html {
            Ok(html) => {
                let mut response = (status, html).into_response();
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
                headers.insert(header::VARY, HeaderValue::from_static("accept-language, x-part"));
                headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.strings.lang));
                response
            }
            Err(error) => {
                tracing::error!(%error, "a page cannot be written");
                Problem::internal().into_response()
            }
        }
    }

    fn fault(&self, app: &App, text: &str, problem: &Problem) -> Response {
        let said = match problem.status() {
            StatusCode::SERVICE_UNAVAILABLE => self.strings.busy.to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE => {
                self.strings.cannot(problem.detail())
            }
            _ => self.strings.failed.to_owned(),
        };
        self.respond(app, problem.status(), text, Outcome::Fault(said))
    }
}

/// `GET /`: the empty page.
pub(crate) async fn page(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Predict, true).await?;
    Ok(Typed::new(&uri, &headers).respond(&app, StatusCode::OK, "", Outcome::Empty))
}

/// `POST /`: the page with what the text says.
pub(crate) async fn analyse(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Predict, true).await?;
    let mut sent = Typed::new(&uri, &headers);
    if let Err(problem) = sent.read(&app, &headers, raw).await {
        return Ok(sent.fault(&app, "", &problem));
    }
    // The button of an example, or else what was typed. Browsers send lines' ends as CR LF.
    let text = sent.field("example").or(sent.field("text")).unwrap_or_default().replace("\r\n", "\n");
    if text.trim().is_empty() {
        return Ok(sent.respond(&app, StatusCode::OK, "", Outcome::Empty));
    }
    let live = app.live();
    let wanted = Wanted { explain: true, sentences: true };
    let answered = match Request::new(text.clone(), None, app.inner.limits.characters) {
        Ok(mut request) => {
            // Whoever looks is told of the language beside the answer.
            request.any_language = true;
            answer(&app, &live, vec![request], wanted, None).await
        }
        Err(problem) => Err(problem),
    };
    Ok(match answered.map(|answers| answers.into_iter().next()) {
        Ok(Some(answer)) => {
            let result = Result_::of(&live, &answer, sent.strings);
            sent.respond(&app, StatusCode::OK, &text, Outcome::Result(Box::new(result)))
        }
        Ok(None) => sent.fault(&app, &text, &Problem::internal()),
        Err(problem) => sent.fault(&app, &text, &problem),
    })
}

/// `POST /report`: "this is wrong".
pub(crate) async fn report(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Predict, true).await?;
    let mut sent = Typed::new(&uri, &headers);
    if let Err(problem) = sent.read(&app, &headers, raw).await {
        return Ok(sent.fault(&app, "", &problem));
    }
    let text = sent.field("text").unwrap_or_default().replace("\r\n", "\n");
    let owned = |name: &str| sent.field(name).map(str::to_owned);
    let stored = match Request::new(text.clone(), None, app.inner.limits.characters) {
        Ok(request) => {
            let report = reports::NewReport {
                text: request.text,
                label: owned("label").unwrap_or_default(),
                prediction: owned("prediction").filter(|id| id.len() <= 100),
                predicted: owned("predicted"),
                comment: None,
                id: None,
                source: "page",
            };
            reports::store(&app, report).await
        }
        Err(problem) => Err(problem),
    };
    Ok(match stored {
        Ok(_) => sent.respond(&app, StatusCode::CREATED, &text, Outcome::Thanks),
        Err(problem) => sent.fault(&app, &text, &problem),
    })
}
