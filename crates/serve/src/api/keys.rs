//! `/v1/keys` and `/v1/audit`: for those who run the server.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use sentimeter_store::{AuditEntry, Key as StoredKey, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refused::Refused;
use super::reports::line;
use super::tagged::tagged;
use super::wire::Word;
use crate::app::App;
use crate::body;
use crate::house;
use crate::problem::Problem;

/// Characters of a key's name.
pub(crate) const NAME: usize = 100;

/// All keys, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Keys {
    /// The keys, revoked ones too.
    keys: Vec<Key>,
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Key {
    /// Its name for good.
    #[schema(example = "4f1c9a0be2d37786")]
    id: String,
    /// What people call it.
    #[schema(example = "web shop")]
    name: String,
    /// `predict`, `analyst`, `reviewer` or `admin`.
    #[schema(example = "predict")]
    role: &'static str,
    /// When it was made, milliseconds since 1970.
    created: i64,
    /// Since when it opens nothing any more.
    revoked: Option<i64>,
}

impl From<StoredKey> for Key {
    fn from(StoredKey { id, name, role, created, revoked }: StoredKey) -> Self {
        Self { id, name, role: role.as_str(), created, revoked }
    }
}

/// A new key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKey {
    #[serde(flatten)]
    key: Key,
    /// What opens: shown this once.
    #[schema(example = "smk_0000000000000000000000000000000000000000000000000000000000000000")]
    secret: String,
}

/// What a key is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateKeyRequest, example = json!({"name": "web shop", "role": "predict"}))]
pub(crate) struct Create {
    /// Who or what will use it.
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    name: Option<Word>,
    /// `predict` (otherwise), `analyst`, `reviewer` or `admin`; each may what those before it may.
    #[schema(value_type = Option<String>)]
    role: Option<Word>,
}

/// Entries of the audit log, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Audit {
    /// The entries.
    entries: Vec<Entry>,
    /// What `after` wants for the next page; null on the last.
    next: Option<i64>,
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct Entry {
    /// Its place, from 1, without gaps.
    number: i64,
    /// When, milliseconds since 1970.
    time: i64,
    /// By whom.
    who: String,
    /// What.
    #[schema(example = "sign-in")]
    action: String,
    /// To what.
    target: String,
    /// What else is known, as JSON in a string, which is what `hash` covers.
    detail: String,
    /// BLAKE3 of the hash before and of everything above.
    hash: String,
}

impl From<AuditEntry> for Entry {
    fn from(AuditEntry { number, time, who, action, target, detail, hash }: AuditEntry) -> Self {
        Self { number, time, who, action, target, detail, hash }
    }
}

/// A key's name, checked.
pub(crate) fn key_name(name: Option<String>) -> Result<String, Problem> {
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Problem::field("name", "is missing: who or what will use the key?"))?;
    if name.chars().count() > NAME {
        return Err(Problem::field("name", format!("may have {NAME} characters")));
    }
    Ok(name)
}

/// A key's role, checked.
pub(crate) fn role(role: Option<String>) -> Result<Role, Problem> {
    let role = role.unwrap_or_else(|| Role::Predict.as_str().to_owned());
    role.parse().map_err(|_| Problem::field("role", "wants predict, analyst, reviewer or admin"))
}

/// List the keys, without their secrets. Wants a key of role admin.
#[utoipa::path(
    get, path = "/v1/keys", tag = "keys", operation_id = "list_keys",
    responses((status = 200, description = "All of them", body = Keys), (status = 304, description = "As you have it"), Refused),
    security(("key" = []))
)]
pub(crate) async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Admin, false).await?;
    let keys = app.inner.store.keys().await?.into_iter().map(Key::from).collect();
    tagged(&headers, &Keys { keys })
}

/// Make a key; its secret is in the answer, and nowhere else from then on. Wants a key of role admin.
#[utoipa::path(
    post, path = "/v1/keys", tag = "keys", operation_id = "create_key",
    request_body(content = Create, content_type = "application/json"),
    responses(
        (status = 201, description = "The key", body = NewKey),
        (status = 422, description = "The wrong shape", body = Problem, content_type = "application/problem+json"),
        Refused,
    ),
    security(("key" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    headers: HeaderMap,
    raw: Body,
) -> Result<(StatusCode, Json<NewKey>), Problem> {
    let caller = app.inner.gate.let_in(&headers, Role::Admin, false).await?;
    let asked: Create = body::json(&headers, raw, &app.inner.limits).await?;
    let name = key_name(asked.name.map(|name| name.string("name")).transpose()?)?;
    let role = role(line(asked.role, "role", NAME)?)?;
    let (key, secret) = app.inner.store.create_key(&name, role, &caller.who).await?;
    Ok((StatusCode::CREATED, Json(NewKey { key: key.into(), secret })))
}

/// Have a key open nothing any more, within two seconds. Wants a key of role admin.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "keys", operation_id = "revoke_key",
    params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 404, description = "No such key that opens anything", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is the last admin key", body = Problem, content_type = "application/problem+json"),
        Refused,
    ),
    security(("key" = []))
)]
pub(crate) async fn revoke(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = app.inner.gate.let_in(&headers, Role::Admin, false).await?;
    house::revoke(&app, &id, &caller.who).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The audit log, oldest first, a thousand entries a page. Wants a key of role admin.
#[utoipa::path(
    get, path = "/v1/audit", tag = "keys", operation_id = "audit",
    params(("after" = Option<i64>, Query, description = "The `next` of the page before")),
    responses(
        (status = 200, description = "A page", body = Audit),
        (status = 304, description = "As you have it"),
        (status = 422, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        Refused,
    ),
    security(("key" = []))
)]
pub(crate) async fn audit(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Admin, false).await?;
    let mut after = 0;
    for (name, value) in body::form(uri.query().unwrap_or_default()) {
        if name != "after" {
            return Err(Problem::field(name, "is no parameter here: after is"));
        }
        after = value.parse().map_err(|_| Problem::field("after", "wants the `next` of a page"))?;
    }
    let entries: Vec<Entry> =
        app.inner.store.audit_entries(after).await?.into_iter().map(Entry::from).collect();
    let next = entries.last().filter(|_| entries.len() >= 1000).map(|last| last.number);
    tagged(&headers, &Audit { entries, next })
}
