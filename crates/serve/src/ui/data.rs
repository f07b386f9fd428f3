//! The page Data: what was imported, and its profiles.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use sentimeter_corpus::{Manifest, Snapshots};
use sentimeter_store::{Act, Role};

use super::frame::{Frame, escaped, moment};
use super::report::found;
use super::strings::house::put;
use super::view::class;
use super::{Sent, Shown, redirect, sentence};
use crate::api::datasets::snapshots;
use crate::app::App;
use crate::profiles::Making;

/// A label's share of a data set.
struct Part {
    name: String,
    class: &'static str,
    rows: u64,
    /// In per cent of all rows, where it begins and how wide it is.
    x: String,
    width: String,
}

struct Set {
    to: String,
    reference: String,
    time: String,
    rows: u64,
    parts: Vec<Part>,
}

#[derive(Template)]
#[template(path = "data.html")]
struct List<'a> {
    frame: &'a Frame,
    sets: Vec<Set>,
}

#[derive(Template)]
#[template(path = "dataset.html")]
struct One<'a> {
    frame: &'a Frame,
    set: Set,
    profile: Option<String>,
    /// Whether it is being made.
    again: bool,
    /// Where it is made, by whoever may.
    make: Option<String>,
    /// What stands against it, or what came of it.
    said: String,
    fault: String,
    repeats: String,
    files: Vec<(String, u64, u64, u64)>,
}

fn set(frame: &Frame, manifest: &Manifest) -> Set {
    let all = manifest.rows.max(1) as f64;
    let named = manifest.labels.iter().zip(&manifest.class_rows);
    let named = named.map(|(label, rows)| (frame.t.sentiment(label), class(label), *rows));
    let without = (frame.h.unlabelled.to_owned(), "without", manifest.unlabelled);
    let mut at = 0.0;
    let parts = named.chain([without]).filter(|(.., rows)| *rows > 0).map(|(name, class, rows)| {
        let width = 100.0 * rows as f64 / all;
        let x = at;
        at += width;
        Part { name, class, rows, x: format!("{x:.2}"), width: format!("{width:.2}") }
    });
    Set {
        parts: parts.collect(),
        to: frame.to(&format!("/data/{}", escaped(&manifest.reference())), &[]),
        reference: manifest.reference(),
        time: moment(manifest.created),
        rows: manifest.rows,
    }
}

/// Where `sentimeter profile` has written the page of `reference`: by its version, or else by its name alone.
fn profile(app: &App, manifest: &Manifest) -> Option<std::path::PathBuf> {
    let reports = app.inner.store.home().join("reports");
    [manifest.reference(), manifest.name.clone()]
        .iter()
        .map(|name| reports.join(format!("profile-{name}")).join("index.html"))
        .find(|page| page.is_file())
}

/// `GET /data`.
pub(crate) async fn list(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, true).await?;
    sent.frame.title = sent.frame.h.data.to_owned();
    let all = snapshots(&app, Snapshots::list).await?;
    let frame = &sent.frame;
    let sets = all.iter().rev().map(|manifest| set(frame, manifest)).collect();
    Ok(sent.show(StatusCode::OK, &List { frame, sets }))
}

/// `GET /data/{reference}`.
pub(crate) async fn show(
    State(app): State<App>,
    Path(reference): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, true).await?;
    let manifest = match snapshots(&app, move |all| all.manifest(&reference)).await {
        Ok(manifest) => manifest,
        Err(problem) => return Ok(sent.problem(&problem)),
    };
    sent.frame.title = manifest.reference();
    let frame = &sent.frame;
    let provenance = &manifest.provenance;
    let repeats = provenance.duplicates.as_ref().map_or(String::new(), |found| {
        let counts = [found.duplicates, found.near_duplicates, found.conflicts].map(|n| n.to_string());
        put(frame.h.repeats, &counts.each_ref().map(String::as_str))
    });
    let files = provenance.report.files.iter().map(|file| {
        let name = file.path.file_name().map_or_else(|| file.path.to_string_lossy(), |n| n.to_string_lossy());
        (name.into_owned(), file.rows, file.kept, file.bad)
    });
    let making = app.inner.profiles.making(&manifest.reference());
    let can = matches!(making, Making::Can | Making::Failed(_));
    let page = One {
        frame,
        again: making == Making::Now,
        make: can.then(|| frame.to(&format!("/data/{}/profile", escaped(&manifest.reference())), &[])),
        said: match &making {
            Making::Now => frame.h.profile_now.to_owned(),
            Making::Other(other) => put(frame.h.profile_other, &[other]),
            _ => String::new(),
        },
        fault: match &making {
            Making::Failed(why) => sentence(&put(frame.h.profile_failed, &[why])),
            _ => String::new(),
        },
        profile: profile(&app, &manifest)
            .map(|_| format!("/data/{}/profile", escaped(&manifest.reference()))),
        repeats,
        files: files.collect(),
        set: set(frame, &manifest),
    };
    Ok(sent.show(StatusCode::OK, &page))
}

/// `GET /data/{reference}/profile`: the profile as it was written.
pub(crate) async fn profile_page(
    State(app): State<App>,
    Path(reference): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Shown {
    let sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, true).await?;
    // The path is made of what the manifest says, never of what was asked.
    let manifest = match snapshots(&app, move |all| all.manifest(&reference)).await {
        Ok(manifest) => manifest,
        Err(problem) => return Ok(sent.problem(&problem)),
    };
    let path = profile(&app, &manifest);
    let shown = found(move || std::fs::read(path?).ok()).await?;
    Ok(shown.unwrap_or_else(|| sent.fault(StatusCode::NOT_FOUND, sent.frame.h.missing)))
}

/// `POST /data/{reference}/profile`: has it made, again where there is one.
pub(crate) async fn make_profile(
    State(app): State<App>,
    Path(reference): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Analyst, false).await?;
    sent.take(&headers, raw).await?;
    let manifest = match snapshots(&app, move |all| all.manifest(&reference)).await {
        Ok(manifest) => manifest,
        Err(problem) => return Ok(sent.problem(&problem)),
    };
    let reference = manifest.reference();
    if app.inner.profiles.make(&app, &reference) {
        let (who, detail) = (&sent.caller.who, serde_json::json!({}));
        let act = Act { who, action: "profile", target: &reference, detail: &detail };
        app.inner.store.audit(&act).await?;
    }
    Ok(redirect(&sent.frame.to(&format!("/data/{}", escaped(&reference)), &[])))
}
