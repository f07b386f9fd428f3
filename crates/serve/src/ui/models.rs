//! The pages of the registry: which version answers, where it comes from, promote and roll back.

use std::collections::BTreeSet;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use sentimeter_experiment::registry::{self, CHAMPION, Facts, Standing};
use sentimeter_store::{RegistryEvent, Role, Version};

use super::frame::{Frame, escaped, moment};
use super::report::sandboxed;
use super::strings::house::put;
use super::{Confirm, Sent, Shown, redirect, sentence};
use crate::app::App;
use crate::house;

struct Listed {
    to: String,
    name: String,
    description: String,
    aliases: Vec<String>,
    versions: i64,
}

#[derive(Template)]
#[template(path = "models.html")]
struct Models<'a> {
    frame: &'a Frame,
    live: &'a str,
    models: Vec<Listed>,
}

struct Shelved {
    reference: String,
    aliases: Vec<String>,
    champion: bool,
    deleted: bool,
    time: String,
    macro_f1: String,
    accuracy: String,
    /// What it learned from: names, and where those that were imported are shown.
    learned: Vec<(String, String)>,
    /// Where it is shown, its name, and its id.
    run: Option<(String, String, String)>,
    card: String,
    promote: String,
}

struct Event {
    time: String,
    who: String,
    what: String,
    why: String,
}

#[derive(Template)]
#[template(path = "model.html")]
struct Model<'a> {
    frame: &'a Frame,
    name: &'a str,
    description: &'a str,
    live: &'a str,
    /// Whether there is a version to go back to.
    former: bool,
    rollback: String,
    /// Whether there are runs to be compared.
    comparable: bool,
    versions: Vec<Shelved>,
    history: Vec<Event>,
}

fn place(name: &str) -> String {
    format!("/models/{}", escaped(name).replace('/', "%2F"))
}

fn shelved(frame: &Frame, version: &Version, aliases: Vec<String>) -> Shelved {
    let facts: Facts = serde_json::from_value(version.of.detail.clone()).unwrap_or_default();
    let metric = |name: &str| {
        let value = version.of.metrics.get(name).and_then(serde_json::Value::as_f64);
        value.map_or(frame.h.none.to_owned(), |value| format!("{value:.4}"))
    };
    let data = facts.inputs.iter().filter(|input| input.role == "train");
    let mut learned: Vec<(String, String)> = data
        .map(|input| match &input.snapshot {
            Some(set) => (set.clone(), frame.to(&format!("/data/{}", escaped(set)), &[])),
            None => (input.name.clone(), String::new()),
        })
        .collect();
    let named = |name: &String| (name.clone(), String::new());
    learned.extend(facts.sources.iter().filter(|source| !source.test).map(|source| named(&source.name)));
    if learned.is_empty() {
        learned.extend(facts.file.iter().map(named));
    }
    let here = format!("{}/{}", place(&version.of.model), version.version);
    Shelved {
        reference: version.reference(),
        champion: aliases.iter().any(|alias| alias == CHAMPION),
        aliases,
        deleted: version.deleted.is_some(),
        time: moment(version.created),
        macro_f1: metric("macro_f1"),
        accuracy: metric("accuracy"),
        learned,
        run: version.of.run.as_ref().map(|run| {
            let name = facts.run.as_ref().map_or_else(|| run.to_string(), |run| run.name.clone());
            (frame.to(&format!("/experiments/{run}"), &[]), name, run.to_string())
        }),
        card: frame.to(&format!("{here}/card"), &[]),
        promote: frame.to(&format!("{here}/promote"), &[]),
    }
}

fn event(event: RegistryEvent) -> Event {
    let at = |number: Option<i64>| number.map(|number| format!(" {}@{number}", event.model));
    let alias = event.alias.as_ref().map(|alias| format!(" → {alias}"));
    let before = event.previous.map(|previous| format!(" (← {}@{previous})", event.model));
    let forced = if event.detail["forced"] == serde_json::Value::Bool(true) { " --force" } else { "" };
    Event {
        time: moment(event.time),
        what: format!(
            "{}{}{}{}{forced}",
            event.action,
            at(event.version).unwrap_or_default(),
            alias.unwrap_or_default(),
            before.unwrap_or_default()
        ),
        who: event.who.name,
        why: event.who.reason.unwrap_or_default(),
    }
}

/// `GET /models`.
pub(crate) async fn list(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, true).await?;
    sent.frame.title = sent.frame.h.models.to_owned();
    let frame = &sent.frame;
    let models = app.inner.store.models().await?.into_iter().map(|model| Listed {
        to: frame.to(&place(&model.name), &[]),
        aliases: model.aliases.iter().map(|a| format!("{} → {}", a.alias, a.version)).collect(),
        name: model.name,
        description: model.description,
        versions: model.versions,
    });
    let live = app.live();
    Ok(sent.show(StatusCode::OK, &Models { frame, live: live.name(), models: models.collect() }))
}

/// `GET /models/{name}`.
pub(crate) async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, true).await?;
    let store = &app.inner.store;
    let Some(model) = store.models().await?.into_iter().find(|model| model.name == name) else {
        return Ok(sent.fault(StatusCode::NOT_FOUND, sent.frame.h.missing));
    };
    sent.frame.title.clone_from(&name);
    let frame = &sent.frame;
    let events = store.registry_events(&name).await?;
    let all = store.versions(&name).await?;
    let deleted: BTreeSet<i64> = all.iter().filter(|v| v.deleted.is_some()).map(|v| v.version).collect();
    let champion = model.aliases.iter().find(|alias| alias.alias == CHAMPION).map(|alias| alias.version);
    let former = registry::former(&events, CHAMPION, champion, &deleted);
    let versions = all.iter().rev().map(|version| {
        let aliases = model.aliases.iter().filter(|alias| alias.version == version.version);
        shelved(frame, version, aliases.map(|alias| alias.alias.clone()).collect())
    });
    let versions: Vec<Shelved> = versions.collect();
    let live = app.live();
    let page = Model {
        frame,
        name: &name,
        description: &model.description,
        live: live.name(),
        former: former.is_some() && champion.is_some(),
        rollback: frame.to(&format!("{}/rollback", place(&name)), &[]),
        comparable: versions.iter().filter(|version| version.run.is_some()).count() > 1,
        versions,
        history: events.into_iter().rev().map(event).collect(),
    };
    Ok(sent.show(StatusCode::OK, &page))
}

/// `GET /models/{name}/{version}/card`.
pub(crate) async fn card(
    State(app): State<App>,
    Path((name, number)): Path<(String, i64)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Shown {
    let sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, true).await?;
    let store = &app.inner.store;
    let models = store.models().await?;
    let description = models.iter().find(|model| model.name == name).map(|model| model.description.clone());
    let versions = store.versions(&name).await?;
    let Some(version) = versions.into_iter().find(|version| version.version == number) else {
        return Ok(sent.fault(StatusCode::NOT_FOUND, sent.frame.h.missing));
    };
    let card = registry::card(&version, &description.unwrap_or_default());
    sandboxed(move || card.page().html()).await
}

/// Whether a version may be the champion, in a sentence.
fn told(frame: &Frame, standing: &Standing) -> String {
    match standing {
        Standing::Free => frame.h.promote_free.to_owned(),
        Standing::Holds => frame.h.promote_holds.to_owned(),
        Standing::Compared(found) => sentence(&put(frame.h.promote_compared, &[&found.to_string()])),
        Standing::Unknown(why) => put(frame.h.promote_unknown, &[why]),
    }
}

async fn confirm_promotion(
    app: &App,
    sent: &mut Sent,
    (name, number): (&str, i64),
    (status, fault): (StatusCode, &str),
) -> Shown {
    let versions = app.inner.store.versions(name).await?;
    let Some(version) = versions.into_iter().find(|v| v.version == number && v.deleted.is_none()) else {
        return Ok(sent.fault(StatusCode::NOT_FOUND, sent.frame.h.missing));
    };
    let standing = house::standing(app, &version).await?;
    let reference = version.reference();
    sent.frame.title = put(sent.frame.h.promote_title, &[&reference]);
    let frame = &sent.frame;
    let champion = format!("{name}@{CHAMPION}");
    let page = Confirm {
        frame,
        action: frame.to(&format!("{}/{number}/promote", place(name)), &[]),
        lead: vec![put(frame.h.promote_lead, &[&champion]), told(frame, &standing)],
        fault,
        reason: true,
        given: sent.field("reason").unwrap_or_default(),
        force: matches!(standing, Standing::Compared(_) | Standing::Unknown(_)),
        danger: false,
        button: frame.h.promote,
        back: frame.to(&place(name), &[]),
    };
    Ok(sent.show(status, &page))
}

/// `GET /models/{name}/{version}/promote`: how it stands, and whether to.
pub(crate) async fn ask_promote(
    State(app): State<App>,
    Path((name, number)): Path<(String, i64)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Admin, false).await?;
    confirm_promotion(&app, &mut sent, (&name, number), (StatusCode::OK, "")).await
}

/// `POST /models/{name}/{version}/promote`.
pub(crate) async fn promote(
    State(app): State<App>,
    Path((name, number)): Path<(String, i64)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Admin, false).await?;
    sent.take(&headers, raw).await?;
    let reference = format!("{name}@{number}");
    let how = (sent.field("force").is_some(), sent.field("reason"));
    match house::promote(&app, (&reference, CHAMPION), how, &sent.caller.who).await {
        Ok(_) => Ok(redirect(&sent.frame.to(&place(&name), &[]))),
        Err(problem)
            if matches!(problem.status(), StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY) =>
        {
            let said = sentence(problem.detail());
            confirm_promotion(&app, &mut sent, (&name, number), (problem.status(), &said)).await
        }
        Err(problem) => Ok(sent.problem(&problem)),
    }
}

/// `GET /models/{name}/rollback`: to which version, and whether to.
pub(crate) async fn ask_roll_back(
    State(app): State<App>,
    Path(name): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Admin, false).await?;
    let (target, current) = match registry::former_version(&app.inner.store, &name, CHAMPION).await {
        Ok((target, Some(current))) => (target, current),
        _ => return Ok(sent.fault(StatusCode::NOT_FOUND, sent.frame.h.no_former)),
    };
    sent.frame.title = put(sent.frame.h.roll_back_title, &[&name]);
    let frame = &sent.frame;
    let replaced = format!("{name}@{current}");
    let page = Confirm {
        frame,
        action: frame.to(&format!("{}/rollback", place(&name)), &[]),
        lead: vec![put(frame.h.roll_back_lead, &[&target.reference(), &replaced])],
        fault: "",
        reason: true,
        given: "",
        force: false,
        danger: true,
        button: frame.h.roll_back,
        back: frame.to(&place(&name), &[]),
    };
    Ok(sent.show(StatusCode::OK, &page))
}

/// `POST /models/{name}/rollback`.
pub(crate) async fn roll_back(
    State(app): State<App>,
    Path(name): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Admin, false).await?;
    sent.take(&headers, raw).await?;
    let done = house::roll_back(&app, (&name, CHAMPION), sent.field("reason"), &sent.caller.who).await;
    let response: Response = match done {
        Ok(_) => redirect(&sent.frame.to(&place(&name), &[])),
        Err(problem) => sent.problem(&problem),
    };
    Ok(response)
}
