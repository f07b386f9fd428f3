//! The page Review, where items without a label get one.

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use sentimeter_store::Role;

use super::frame::{Frame, moment};
use super::review::{Decided, Label, Tab, tabs};
use super::strings::house::put;
use super::{Sent, Shown, redirect};
use crate::app::App;
use crate::labelling::{Offered, Wanted, label, next};

/// Items of a page.
const PAGE: usize = 20;

/// The tabs: items without a label, and those of others.
pub(super) const OPEN: &str = "label";
pub(super) const SECOND: &str = "label-second";

/// Languages that a reviewer may keep to.
const LANGUAGES: [&str; 4] = ["en", "fr", "ar", "other"];

struct Item {
    id: String,
    text: String,
    lang: String,
    language: &'static str,
    channel: String,
    time: String,
}

/// Where else to go.
struct Way {
    to: String,
    name: String,
    here: bool,
}

#[derive(Template)]
#[template(path = "labelling.html")]
struct Labelling<'a> {
    frame: &'a Frame,
    tabs: Vec<Tab>,
    from: &'static str,
    language: &'a str,
    second: bool,
    action: String,
    here: String,
    done: String,
    languages: Vec<Way>,
    labels: Vec<Label>,
    items: Vec<Item>,
    /// What to do where there is none, and where that is done.
    empty: &'a str,
    other: Option<Way>,
}

fn item(frame: &Frame, Offered { item, .. }: Offered) -> Item {
    Item {
        id: item.id,
        text: item.text,
        language: frame.t.language_name(&item.language),
        lang: if item.language == "other" { String::new() } else { item.language },
        channel: item.channel,
        time: moment(item.time),
    }
}

/// `GET /review?status=label`.
pub(super) async fn page(app: &App, mut sent: Sent, from: &'static str) -> Shown {
    sent.frame.title = sent.frame.h.review.to_owned();
    let frame = &sent.frame;
    let second = from == SECOND;
    let language = sent.asked("language").filter(|one| LANGUAGES.contains(one));
    let wanted = Wanted { count: PAGE, channel: None, language: language.map(str::to_owned), second };
    let items = match next(app, &sent.caller.who, &wanted).await {
        Ok(items) => items,
        Err(problem) => return Ok(sent.problem(&problem)),
    };
    let counts = app.inner.store.count_to_label(&sent.caller.who).await?;
    let to = |from: &str, language: &str| match language {
        "" => frame.to("/review", &[("status", from)]),
        language => frame.to("/review", &[("status", from), ("language", language)]),
    };
    let way = |code: &str, name: &str| Way {
        to: to(from, code),
        name: name.to_owned(),
        here: code == language.unwrap_or_default(),
    };
    let mut languages = vec![way("", frame.h.label_any)];
    languages.extend(LANGUAGES.iter().map(|code| way(code, frame.t.language_name(code))));
    let any = app.inner.store.item_span().await?.is_some();
    let waits = counts[usize::from(second)] > 0;
    let elsewhere =
        |from: &str, name: &str| Some(Way { to: to(from, ""), name: name.to_owned(), here: false });
    let (empty, other) = match (second, any, waits, language) {
        (_, _, true, Some(_)) => (frame.h.label_none_in, elsewhere(from, frame.h.label_any)),
        (false, false, ..) => {
            let name = frame.t.desk().batch.to_owned();
            (frame.h.label_empty, Some(Way { to: frame.to("/batch", &[]), name, here: false }))
        }
        // Those that are left repeat what has a label.
        (false, true, ..) if counts[1] > 0 => (frame.h.label_done, elsewhere(SECOND, frame.h.label_second)),
        (false, true, ..) => (frame.h.label_done, None),
        (true, ..) if counts[0] > 0 => (frame.h.label_second_none, elsewhere(OPEN, frame.h.label_open)),
        (true, ..) => (frame.h.label_second_none, None),
    };
    let done = match sent.asked("done") {
        Some("skip") => frame.h.label_skipped.to_owned(),
        Some(label) => put(frame.h.labelled, &[&frame.t.sentiment(label)]),
        None => String::new(),
    };
    let live = app.live();
    let page = Labelling {
        frame,
        tabs: tabs(app, &sent, from).await?,
        from,
        language: language.unwrap_or_default(),
        second,
        action: frame.to("/review", &[]),
        here: to(from, language.unwrap_or_default()),
        done,
        languages: if any { languages } else { Vec::new() },
        labels: live.model().labels().iter().map(|label| frame.label(label)).collect(),
        items: items.into_iter().map(|offered| item(frame, offered)).collect(),
        empty,
        other,
    };
    Ok(sent.show(StatusCode::OK, &page))
}

/// `POST /review`: a label, or that others may give one.
pub(crate) async fn give(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Reviewer, false).await?;
    sent.take(&headers, raw).await?;
    let frame = &sent.frame;
    let (item, who) = (sent.field("item").unwrap_or_default(), &sent.caller.who);
    let (said, done) = match sent.field("label") {
        Some(given) => {
            if let Err(problem) = label(&app, item, given, who).await {
                return Ok(sent.problem(&problem));
            }
            (put(frame.h.labelled, &[&frame.t.sentiment(given)]), given)
        }
        None => {
            if let Err(error) = app.inner.store.pass_over(item, who).await {
                return Ok(sent.problem(&error.into()));
            }
            (frame.h.label_skipped.to_owned(), "skip")
        }
    };
    if sent.part {
        return Ok(sent.show(StatusCode::OK, &Decided { said }));
    }
    let from = if sent.field("from") == Some(SECOND) { SECOND } else { OPEN };
    let language = sent.field("language").map(|language| ("language", language));
    let pairs: Vec<(&str, &str)> = [("status", from), ("done", done)].into_iter().chain(language).collect();
    Ok(redirect(&frame.to("/review", &pairs)))
}
