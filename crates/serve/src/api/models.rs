//! `GET /v1/models`, promote, roll back.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use sentimeter_experiment::registry::{CHAMPION, Promoted};
use sentimeter_store::{Alias, RegisteredModel, RegistryEvent, Role, Version};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::refused::Refused;
use super::reports::line;
use super::tagged::tagged;
use super::wire::Word;
use crate::app::App;
use crate::body;
use crate::house;
use crate::problem::Problem;

/// Characters of a reason.
const REASON: usize = 2000;

/// Characters of an alias.
const ALIAS: usize = 100;

/// All registered models.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Models {
    /// The one that answers now: a registered version, or the name of a file.
    #[schema(example = "sentiment@3")]
    live: String,
    /// By name.
    models: Vec<Model>,
}

/// A registered model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegisteredModel)]
pub(crate) struct Model {
    /// Its name.
    #[schema(example = "sentiment")]
    name: String,
    /// What it is for.
    description: String,
    /// When its first version came, milliseconds since 1970.
    created: i64,
    /// Its newest version that is not deleted.
    latest: Option<i64>,
    /// How many versions are not deleted.
    versions: i64,
    /// Names that point at versions.
    aliases: Vec<Pointer>,
}

/// A name that points at a version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pointer {
    /// `champion`, `challenger`, any.
    #[schema(example = "champion")]
    alias: String,
    /// Where it points.
    version: i64,
    /// Since when, milliseconds since 1970.
    changed: i64,
}

impl From<Alias> for Pointer {
    fn from(Alias { alias, version, changed }: Alias) -> Self {
        Self { alias, version, changed }
    }
}

impl From<RegisteredModel> for Model {
    fn from(m: RegisteredModel) -> Self {
        let aliases = m.aliases.into_iter().map(Pointer::from).collect();
        let RegisteredModel { name, description, created, latest, versions, .. } = m;
        Self { name, description, created, latest, versions, aliases }
    }
}

/// A model with its versions and what was done to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneModel {
    #[serde(flatten)]
    model: Model,
    /// Its versions, oldest first, deleted ones too.
    all_versions: Vec<OneVersion>,
    /// What was done, oldest first.
    history: Vec<Event>,
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneVersion {
    /// `NAME@VERSION`.
    #[schema(example = "sentiment@3")]
    reference: String,
    /// Its number.
    version: i64,
    /// When it was registered, milliseconds since 1970.
    created: i64,
    /// By whom.
    creator: String,
    /// When it was deleted.
    deleted: Option<i64>,
    /// The run that made it.
    run: Option<String>,
    /// `linear`, …
    kind: String,
    /// The digest that its file states of itself.
    digest: String,
    /// Bytes of its file.
    bytes: u64,
    /// Content hash of the data that it learned from.
    data_hash: Option<String>,
    /// Content hash of the rows that it was measured on.
    test_hash: Option<String>,
    /// What was measured.
    #[schema(value_type = Object, example = json!({"rows": 90, "accuracy": 0.82, "macro_f1": 0.81}))]
    metrics: Value,
}

impl From<Version> for OneVersion {
    fn from(v: Version) -> Self {
        Self {
            reference: v.reference(),
            version: v.version,
            created: v.created,
            creator: v.creator,
            deleted: v.deleted,
            run: v.of.run.map(|run| run.to_string()),
            kind: v.of.kind,
            digest: v.of.digest,
            bytes: v.of.blob.size,
            data_hash: v.of.data_hash,
            test_hash: v.of.test_hash,
            metrics: if v.of.metrics.is_object() { v.of.metrics } else { Value::Object(Default::default()) },
        }
    }
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegistryEvent)]
pub(crate) struct Event {
    /// When, milliseconds since 1970.
    time: i64,
    /// By whom.
    who: String,
    /// Why, where it was said.
    reason: Option<String>,
    /// `register`, `promote`, `rollback`, …
    #[schema(example = "promote")]
    action: String,
    /// The version that it was done to, or that the alias points at from then on.
    version: Option<i64>,
    /// The alias that moved.
    alias: Option<String>,
    /// Where it pointed before.
    previous: Option<i64>,
}

impl From<RegistryEvent> for Event {
    fn from(e: RegistryEvent) -> Self {
        let RegistryEvent { time, who, action, version, alias, previous, .. } = e;
        Self { time, who: who.name, reason: who.reason, action, version, alias, previous }
    }
}

/// Which version is to answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PromoteRequest, example = json!({"version": 3, "reason": "better on tickets"}))]
pub(crate) struct Promote {
    /// The version's number.
    version: i64,
    /// The alias that is to point at it; `champion` otherwise.
    #[schema(value_type = Option<String>)]
    alias: Option<Word>,
    /// Even if it is worse, or was never compared; wants a reason.
    force: Option<bool>,
    /// Why.
    #[schema(value_type = Option<String>)]
    reason: Option<Word>,
}

/// What is to be taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RollbackRequest, example = json!({"reason": "complaints from the shop"}))]
pub(crate) struct Rollback {
    /// The alias; `champion` otherwise.
    #[schema(value_type = Option<String>)]
    alias: Option<Word>,
    /// Why.
    #[schema(value_type = Option<String>)]
    reason: Option<Word>,
}

/// Where an alias points now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Moved, example = json!({"version": "sentiment@3", "alias": "champion", "previous": 2, "forced": false}))]
pub(crate) struct Moved {
    /// `NAME@VERSION`.
    version: String,
    /// The alias.
    alias: String,
    /// The version that it pointed at before.
    previous: Option<i64>,
    /// Whether the rule was set aside.
    forced: bool,
}

impl From<Promoted> for Moved {
    fn from(Promoted { version, alias, previous, forced, .. }: Promoted) -> Self {
        Self { version, alias, previous, forced }
    }
}

/// List the registered models.
///
/// Off this machine it wants a key of role analyst.
#[utoipa::path(
    get, path = "/v1/models", tag = "models", operation_id = "list_models",
    responses((status = 200, description = "All of them", body = Models), (status = 304, description = "As you have it"), Refused),
    security((), ("key" = []))
)]
pub(crate) async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Analyst, true).await?;
    let models = app.inner.store.models().await?.into_iter().map(Model::from).collect();
    tagged(&headers, &Models { live: app.live().name().to_owned(), models })
}

/// A model with its versions and its history.
///
/// Off this machine it wants a key of role analyst.
#[utoipa::path(
    get, path = "/v1/models/{name}", tag = "models", operation_id = "show_model",
    params(("name" = String, Path, description = "The model's name", example = "sentiment")),
    responses(
        (status = 200, description = "The model", body = OneModel),
        (status = 304, description = "As you have it"),
        (status = 404, description = "No such model", body = Problem, content_type = "application/problem+json"),
        Refused,
    ),
    security((), ("key" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Analyst, true).await?;
    let store = &app.inner.store;
    let model = store.models().await?.into_iter().find(|model| model.name == name);
    let model = model.ok_or_else(|| Problem::not_found(format!("there is no model {name:?}")))?;
    let all_versions = store.versions(&name).await?.into_iter().map(OneVersion::from).collect();
    let history = store.registry_events(&name).await?.into_iter().map(Event::from).collect();
    tagged(&headers, &OneModel { model: model.into(), all_versions, history })
}

/// Let a version answer, if it is no worse than the champion. Wants a key of role admin.
///
/// It takes effect without a restart and without a failed request.
#[utoipa::path(
    post, path = "/v1/models/{name}/promote", tag = "models", operation_id = "promote_model",
    params(("name" = String, Path, description = "The model's name", example = "sentiment")),
    request_body(content = Promote, content_type = "application/json"),
    responses(
        (status = 200, description = "Where the alias points now", body = Moved),
        (status = 404, description = "No such version", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is worse than the champion, or nobody has compared them", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The wrong shape", body = Problem, content_type = "application/problem+json"),
        Refused,
    ),
    security(("key" = []))
)]
pub(crate) async fn promote(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    raw: Body,
) -> Result<Json<Moved>, Problem> {
    let caller = app.inner.gate.let_in(&headers, Role::Admin, false).await?;
    let asked: Promote = body::json(&headers, raw, &app.inner.limits).await?;
    let alias = line(asked.alias, "alias", ALIAS)?.unwrap_or_else(|| CHAMPION.to_owned());
    let reason = line(asked.reason, "reason", REASON)?;
    let reference = format!("{name}@{}", asked.version);
    let how = (asked.force.unwrap_or(false), reason.as_deref());
    Ok(Json(house::promote(&app, (&reference, &alias), how, &caller.who).await?.into()))
}

/// Put the former version back. Wants a key of role admin.
#[utoipa::path(
    post, path = "/v1/models/{name}/rollback", tag = "models", operation_id = "roll_back_model",
    params(("name" = String, Path, description = "The model's name", example = "sentiment")),
    request_body(content = Rollback, content_type = "application/json"),
    responses(
        (status = 200, description = "Where the alias points now", body = Moved),
        (status = 404, description = "No such model", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is no former version", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The wrong shape", body = Problem, content_type = "application/problem+json"),
        Refused,
    ),
    security(("key" = []))
)]
pub(crate) async fn roll_back(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    raw: Body,
) -> Result<Json<Moved>, Problem> {
    let caller = app.inner.gate.let_in(&headers, Role::Admin, false).await?;
    let asked: Rollback = body::json(&headers, raw, &app.inner.limits).await?;
    let alias = line(asked.alias, "alias", ALIAS)?.unwrap_or_else(|| CHAMPION.to_owned());
    let reason = line(asked.reason, "reason", REASON)?;
    let (version, previous) = house::roll_back(&app, (&name, &alias), reason.as_deref(), &caller.who).await?;
    Ok(Json(Moved { version: version.reference(), alias, previous, forced: false }))
}
