//! The page Analyse.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use sentimeter_inference::Wanted;
use sentimeter_store::Role;

use super::view::{Outcome, Page, Part, Result_};
use super::{Elsewhere, Sent, Shown};
use crate::api::{Request, answer, reports};
use crate::app::App;
use crate::problem::Problem;

impl Sent {
    fn respond(&self, status: StatusCode, text: &str, outcome: Outcome<'_>) -> Response {
        let most = self.app.inner.limits.characters;
        let page = Page { t: self.frame.t, frame: &self.frame, most, text, outcome };
        if self.part { self.show(status, &Part { page: &page }) } else { self.show(status, &page) }
    }

    fn unanswered(&self, text: &str, problem: &Problem) -> Response {
        let t = self.frame.t;
        let said = match problem.status() {
            StatusCode::SERVICE_UNAVAILABLE => t.busy.to_owned(),
            StatusCode::FORBIDDEN => t.house.stale.to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE => t.cannot(problem.detail()),
            _ => t.failed.to_owned(),
        };
        self.respond(problem.status(), text, Outcome::Fault(said))
    }
}

async fn enter(app: &App, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Sent, Elsewhere> {
    let mut sent = Sent::enter(app, (method, uri, headers), Role::Predict, true).await?;
    sent.frame.title = sent.frame.t.analyse.to_owned();
    "/".clone_into(&mut sent.frame.path);
    Ok(sent)
}

/// `GET /`: the empty page.
pub(crate) async fn page(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Shown {
    Ok(enter(&app, &method, &uri, &headers).await?.respond(StatusCode::OK, "", Outcome::Empty))
}

/// `POST /`: the page with what the text says.
pub(crate) async fn analyse(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Shown {
    let mut sent = enter(&app, &method, &uri, &headers).await?;
    if let Err(problem) = sent.read(&headers, raw).await {
        return Ok(sent.unanswered("", &problem));
    }
    // The button of an example, or else what was typed. Browsers send lines' ends as CR LF.
    let text = sent.field("example").or(sent.field("text")).unwrap_or_default().replace("\r\n", "\n");
    if text.trim().is_empty() {
        return Ok(sent.respond(StatusCode::OK, "", Outcome::Empty));
    }
    let live = app.live();
    let wanted = Wanted { explain: true, sentences: true };
    let answered = match Request::new(text.clone(), None, app.inner.limits.characters) {
        Ok(request) => answer(&app, &live, vec![request], wanted, None).await,
        Err(problem) => Err(problem),
    };
    Ok(match answered.map(|answers| answers.into_iter().next()) {
        Ok(Some(answer)) => {
            let result = Result_::of(&live, &answer, sent.frame.t);
            sent.respond(StatusCode::OK, &text, Outcome::Result(Box::new(result)))
        }
        Ok(None) => sent.unanswered(&text, &Problem::internal()),
        Err(problem) => sent.unanswered(&text, &problem),
    })
}

/// `POST /report`: "this is wrong".
pub(crate) async fn report(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Shown {
    let mut sent = enter(&app, &method, &uri, &headers).await?;
    if let Err(problem) = sent.read(&headers, raw).await {
        return Ok(sent.unanswered("", &problem));
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
        Ok(_) => sent.respond(StatusCode::CREATED, &text, Outcome::Thanks),
        Err(problem) => sent.unanswered(&text, &problem),
    })
}
