//! Signing in and out.

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use sentimeter_store::Act;

use super::frame::Frame;
use super::{Sent, redirect};
use crate::app::App;
use crate::auth::Caller;
use crate::client::Client;
use crate::problem::Problem;
use crate::ui::strings::house::put;

#[derive(Template)]
#[template(path = "sign-in.html")]
struct Door<'a> {
    frame: &'a Frame,
    next: &'a str,
    said: &'a str,
}

/// Where to go on: a page of ours, nothing else.
fn next(asked: Option<&str>) -> &str {
    let ours = |path: &&str| {
        let second = path.as_bytes().get(1);
        path.starts_with('/')
            && !matches!(second, Some(b'/' | b'\\'))
            && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
            && !path.starts_with("/sign-")
    };
    asked.filter(ours).unwrap_or("/")
}

async fn anybody(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Sent, Problem> {
    let mut sent = Sent::by(app, uri, headers, Caller { who: String::new(), role: None }).await?;
    sent.frame.title = sent.frame.h.sign_in.to_owned();
    Ok(sent)
}

/// `GET /sign-in`.
pub(crate) async fn page(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let sent = anybody(&app, &uri, &headers).await?;
    let page = Door { frame: &sent.frame, next: next(sent.asked("next")), said: "" };
    Ok(sent.show(StatusCode::OK, &page))
}

/// `POST /sign-in`: a key opens a session. Either way the audit log tells of it.
pub(crate) async fn sign_in(
    State(app): State<App>,
    Extension(client): Extension<Client>,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Result<Response, Problem> {
    let mut sent = anybody(&app, &uri, &headers).await?;
    if let Err(problem) = sent.read(&headers, raw).await {
        return Ok(sent.problem(&problem));
    }
    let to = next(sent.field("next")).to_owned();
    let again =
        |sent: &Sent, status, said: &str| sent.show(status, &Door { frame: &sent.frame, next: &to, said });
    let gate = &app.inner.gate;
    if let Err(problem) = gate.guess(&client) {
        let wait = problem.retry_after().unwrap_or(1);
        let said = put(sent.frame.h.often, &[&wait.to_string()]);
        let mut response = again(&sent, problem.status(), &said);
        response.headers_mut().insert(header::RETRY_AFTER, wait.into());
        return Ok(response);
    }
    let secret = sent.field("key").unwrap_or_default().trim();
    let Some(key) = gate.key(secret).await? else {
        let address = client.address.to_string();
        let detail = serde_json::json!({ "address": address });
        let act = Act { who: "nobody", action: "sign-in-refused", target: "", detail: &detail };
        app.inner.store.audit(&act).await?;
        return Ok(again(&sent, StatusCode::UNAUTHORIZED, sent.frame.h.unknown_key));
    };
    // A session of before ends: nobody who knew its token goes on with the new one.
    gate.sign_out(&headers, &client).await?;
    let cookie = gate.sign_in(&key, &client).await?;
    Ok(with_cookie(redirect(&sent.frame.to(&to, &[])), &cookie))
}

/// `POST /sign-out`.
pub(crate) async fn sign_out(
    State(app): State<App>,
    Extension(client): Extension<Client>,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Result<Response, Problem> {
    let mut sent = anybody(&app, &uri, &headers).await?;
    if let Err(problem) = sent.read(&headers, raw).await {
        return Ok(sent.problem(&problem));
    }
    let cookie = app.inner.gate.sign_out(&headers, &client).await?;
    Ok(with_cookie(redirect(&sent.frame.to("/sign-in", &[])), &cookie))
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    match HeaderValue::try_from(cookie) {
        Ok(cookie) => drop(response.headers_mut().append(header::SET_COOKIE, cookie)),
        Err(_) => return Problem::internal().into_response(),
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for good in ["/", "/models/a@b", "/settings"] {
            assert_eq!(next(Some(good)), good);
        }
        for bad in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "",
            "/é",
            "/sign-in",
            "/a\\b",
        ] {
            assert_eq!(next(Some(bad)), "/", "{bad:?}");
        }
    }
}
