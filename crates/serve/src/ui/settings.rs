//! The page Settings: keys, and the audit log.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use sentimeter_store::{Key, Role};

use super::frame::{Frame, moment};
use super::strings::house::put;
use super::{Confirm, Elsewhere, Sent, Shown, redirect, sentence};
use crate::api::keys;
use crate::app::App;
use crate::house;

/// Entries of the log on a page.
const ENTRIES: u32 = 50;

struct Row {
    id: String,
    name: String,
    role: &'static str,
    time: String,
    revoked: bool,
    to: String,
}

struct Entry {
    number: i64,
    time: String,
    who: String,
    action: String,
    target: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings<'a> {
    frame: &'a Frame,
    /// A new key: what it is, and its secret.
    made: Option<(String, String)>,
    fault: &'a str,
    keys: Vec<Row>,
    roles: [&'static str; 4],
    create: String,
    entries: Vec<Entry>,
    more: Option<String>,
}

fn row(frame: &Frame, key: Key) -> Row {
    Row {
        to: frame.to(&format!("/settings/keys/{}/revoke", key.id), &[]),
        id: key.id,
        name: key.name,
        role: key.role.as_str(),
        time: moment(key.created),
        revoked: key.revoked.is_some(),
    }
}

/// `{"a":"b","c":1}` as `a: b · c: 1`.
fn plain(detail: &str) -> String {
    let Ok(serde_json::Value::Object(pairs)) = serde_json::from_str(detail) else { return String::new() };
    let told = pairs.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| match value {
        serde_json::Value::String(value) => format!("{name}: {value}"),
        value => format!("{name}: {value}"),
    });
    told.collect::<Vec<_>>().join(" · ")
}

async fn shown(
    app: &App,
    sent: &mut Sent,
    status: StatusCode,
    made: Option<(String, String)>,
    fault: &str,
) -> Result<Response, Elsewhere> {
    sent.frame.title = sent.frame.h.settings.to_owned();
    "/settings".clone_into(&mut sent.frame.path);
    let frame = &sent.frame;
    let store = &app.inner.store;
    let before = sent.asked("before").and_then(|before| before.parse().ok()).unwrap_or(i64::MAX);
    let entries = store.newest_audit_entries(before, ENTRIES).await?;
    let more = entries.last().filter(|last| last.number > 1);
    let more = more.map(|last| frame.to("/settings", &[("before", &last.number.to_string())]));
    let entries = entries.into_iter().map(|e| Entry {
        number: e.number,
        time: moment(e.time),
        who: e.who,
        action: e.action,
        target: e.target,
        detail: plain(&e.detail),
    });
    let page = Settings {
        frame,
        made,
        fault,
        keys: store.keys().await?.into_iter().rev().map(|key| row(frame, key)).collect(),
        roles: Role::ALL.map(Role::as_str),
        create: frame.to("/settings/keys", &[]),
        entries: entries.collect(),
        more,
    };
    Ok(sent.show(status, &page))
}

/// `GET /settings`.
pub(crate) async fn page(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Admin, false).await?;
    shown(&app, &mut sent, StatusCode::OK, None, "").await
}

/// `POST /settings/keys`: a key, whose secret the answer shows this once.
pub(crate) async fn create(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Admin, false).await?;
    sent.take(&headers, raw).await?;
    let owned = |name: &str| sent.field(name).map(str::to_owned);
    let checked = keys::key_name(owned("name")).and_then(|name| Ok((name, keys::role(owned("role"))?)));
    let (name, role) = match checked {
        Ok(checked) => checked,
        Err(problem) => {
            let said = sentence(problem.detail());
            return shown(&app, &mut sent, problem.status(), None, &said).await;
        }
    };
    let (key, secret) = app.inner.store.create_key(&name, role, &sent.caller.who).await?;
    let made = (put(sent.frame.h.made_key, &[&key.name]), secret);
    shown(&app, &mut sent, StatusCode::CREATED, Some(made), "").await
}

/// `GET /settings/keys/{id}/revoke`: whether to.
pub(crate) async fn ask_revoke(
    State(app): State<App>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Admin, false).await?;
    let keys = app.inner.store.keys().await?;
    let Some(key) = keys.into_iter().find(|key| key.id == id && key.revoked.is_none()) else {
        return Ok(sent.fault(StatusCode::NOT_FOUND, sent.frame.h.missing));
    };
    sent.frame.title = put(sent.frame.h.revoke_title, &[&key.name]);
    let frame = &sent.frame;
    let page = Confirm {
        frame,
        action: frame.to(&format!("/settings/keys/{}/revoke", key.id), &[]),
        lead: vec![sent.frame.h.revoke_lead.to_owned()],
        fault: "",
        reason: false,
        given: "",
        force: false,
        danger: true,
        button: frame.h.revoke,
        back: frame.to("/settings", &[]),
    };
    Ok(sent.show(StatusCode::OK, &page))
}

/// `POST /settings/keys/{id}/revoke`.
pub(crate) async fn revoke(
    State(app): State<App>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Admin, false).await?;
    sent.take(&headers, raw).await?;
    match house::revoke(&app, &id, &sent.caller.who).await {
        Ok(_) => Ok(redirect(&sent.frame.to("/settings", &[]))),
        Err(problem) if problem.status() == StatusCode::CONFLICT => {
            let said = sentence(problem.detail());
            shown(&app, &mut sent, problem.status(), None, &said).await
        }
        Err(problem) => Ok(sent.problem(&problem)),
    }
}
