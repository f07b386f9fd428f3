//! The page Review: reports to judge, and how those who judge agree.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use sentimeter_store::{Correction, CorrectionFilter, CorrectionStatus, Role};

use super::frame::{Frame, escaped, moment};
use super::labelling::{self, OPEN};
use super::strings::house::put;
use super::view::class;
use super::{Elsewhere, Sent, Shown, redirect};
use crate::api::reports;
use crate::app::App;
use crate::house;

/// Reports of a page.
const PAGE: u32 = 25;

/// What waits for somebody else's word.
const SECOND: &str = "second";

/// A label, as it is shown.
pub(super) struct Label {
    pub(super) label: String,
    pub(super) name: String,
    pub(super) class: &'static str,
}

struct Report {
    action: String,
    text: String,
    lang: String,
    label: Label,
    /// Whether a reviewer gave the label, and nobody reported anything.
    labelled: bool,
    model: Option<Label>,
    others: Vec<Label>,
    note: Option<String>,
    answered: Option<String>,
    time: String,
    decided: Option<String>,
}

pub(super) struct Tab {
    pub(super) to: String,
    pub(super) name: &'static str,
    pub(super) count: Option<i64>,
    pub(super) here: bool,
}

struct Pair {
    who: String,
    rows: u64,
    share: String,
    kappa: String,
}

#[derive(Template)]
#[template(path = "review.html")]
struct Review<'a> {
    frame: &'a Frame,
    tabs: Vec<Tab>,
    reports: Vec<Report>,
    /// Which of the tabs it is.
    from: &'a str,
    first: bool,
    /// Where texts wait for a label.
    to_label: Option<String>,
    done: String,
    more: Option<String>,
    pairs: Vec<Pair>,
}

#[derive(Template)]
#[template(path = "decided.html")]
pub(super) struct Decided {
    pub(super) said: String,
}

impl Frame {
    pub(super) fn label(&self, label: &str) -> Label {
        Label { label: label.to_owned(), name: self.t.sentiment(label), class: class(label) }
    }

    fn status(&self, status: CorrectionStatus) -> &'static str {
        match status {
            CorrectionStatus::Pending => self.h.pending,
            CorrectionStatus::Accepted => self.h.accepted,
            CorrectionStatus::Corrected => self.h.corrected,
            CorrectionStatus::Rejected => self.h.rejected,
        }
    }

    fn report(&self, c: Correction, labels: &[String]) -> Report {
        let by = c.reviewer.unwrap_or_default();
        let decided = (c.status != CorrectionStatus::Pending)
            .then(|| format!("{} {} {by}", self.status(c.status), self.h.by));
        let lang = c.language.unwrap_or_default();
        Report {
            action: self.to(&format!("/review/{}", escaped(&c.id).replace('/', "%2F")), &[]),
            others: labels.iter().filter(|label| **label != c.label).map(|label| self.label(label)).collect(),
            text: c.text,
            lang: if lang == "other" { String::new() } else { lang },
            label: self.label(&c.label),
            labelled: c.item.is_some(),
            model: c.original.map(|label| self.label(&label)),
            note: c.note,
            answered: c.model,
            time: moment(c.time),
            decided,
        }
    }

    fn pair(&self, pair: house::Pair) -> Pair {
        let all = || self.h.review.to_owned();
        let found = pair.found;
        let range = |value: f64, [low, high]: [f64; 2]| format!("{value:.2} ({low:.2} – {high:.2})");
        let kappa = found.kappa.zip(found.kappa_interval);
        Pair {
            who: format!(
                "{} · {}",
                pair.first.unwrap_or_else(|| self.h.the_model.to_owned()),
                pair.second.unwrap_or_else(all)
            ),
            rows: found.rows,
            share: range(found.share, found.share_interval),
            kappa: kappa.map_or(self.h.none.to_owned(), |(value, ends)| range(value, ends)),
        }
    }
}

/// Everything that waits for a reviewer, and what became of it.
pub(super) async fn tabs(app: &App, sent: &Sent, from: &str) -> Result<Vec<Tab>, Elsewhere> {
    let (frame, store) = (&sent.frame, &app.inner.store);
    let counts = store.count_corrections().await?;
    let [open, second] = store.count_to_label(&sent.caller.who).await?;
    let tab = |status: &'static str, name, count| Tab {
        to: frame.to("/review", &[("status", status)]),
        name,
        count,
        here: status == from,
    };
    let all = CorrectionStatus::ALL.into_iter().zip(counts);
    let mut tabs: Vec<Tab> =
        all.map(|(status, count)| tab(status.as_str(), frame.status(status), Some(count))).collect();
    tabs.push(tab(SECOND, frame.h.second, None));
    tabs.push(tab(OPEN, frame.h.label_open, Some(open)));
    tabs.push(tab(labelling::SECOND, frame.h.label_second, Some(second)));
    Ok(tabs)
}

/// `GET /review`.
pub(crate) async fn page(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Reviewer, false).await?;
    if let Some(from) = [OPEN, labelling::SECOND].into_iter().find(|from| sent.asked("status") == Some(from))
    {
        return labelling::page(&app, sent, from).await;
    }
    sent.frame.title = sent.frame.h.review.to_owned();
    let frame = &sent.frame;
    let from = sent.asked("status").unwrap_or("pending");
    let status: Option<CorrectionStatus> = from.parse().ok();
    let mut filter = CorrectionFilter { limit: Some(PAGE), ..CorrectionFilter::default() };
    match status {
        Some(status) => filter.status = vec![status],
        None => {
            filter.status = CorrectionStatus::ALL[1..].to_vec();
            filter.unseen_by = Some(sent.caller.who.clone());
        }
    }
    let from = if status.is_some() { from } else { SECOND };
    if let Some((time, id)) = sent.asked("after").and_then(|after| after.split_once(':')) {
        filter.after = time.parse().ok().map(|time| (time, id.to_owned()));
    }
    let store = &app.inner.store;
    let found = store.corrections(&filter).await?;
    let full = found.len() == PAGE as usize;
    let more = found.last().filter(|_| full).map(|last| {
        frame.to("/review", &[("status", from), ("after", &format!("{}:{}", last.time, last.id))])
    });
    let tabs = tabs(&app, &sent, from).await?;
    let waiting = tabs.iter().find(|tab| tab.name == frame.h.label_open).and_then(|tab| tab.count);
    let live = app.live();
    let labels = live.model().labels();
    let done = sent.asked("done").and_then(|done| done.parse().ok()).map(|done| frame.status(done));
    let page = Review {
        frame,
        tabs,
        reports: found.into_iter().map(|c| frame.report(c, labels)).collect(),
        from,
        first: from == "pending",
        to_label: waiting.filter(|open| *open > 0).map(|_| frame.to("/review", &[("status", OPEN)])),
        done: done.map_or(String::new(), |done| put(frame.h.decided, &[done])),
        more,
        pairs: house::agreements(&app).await?.into_iter().map(|pair| frame.pair(pair)).collect(),
    };
    Ok(sent.show(StatusCode::OK, &page))
}

/// `POST /review/{id}`: what becomes of a report.
pub(crate) async fn judge(
    State(app): State<App>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Shown {
    let mut sent = Sent::enter(&app, (&method, &uri, &headers), Role::Reviewer, false).await?;
    sent.take(&headers, raw).await?;
    let label = sent.field("label").map(str::to_owned);
    let status = if label.is_some() { "corrected" } else { sent.field("status").unwrap_or_default() };
    let decided = match reports::decide(&app, &id, status, label, sent.caller.who.clone()).await {
        Ok(decided) => decided,
        Err(problem) => return Ok(sent.problem(&problem)),
    };
    Ok(answer(&sent, decided))
}

fn answer(sent: &Sent, decided: CorrectionStatus) -> Response {
    let frame = &sent.frame;
    if sent.part {
        let said = put(frame.h.decided, &[frame.status(decided)]);
        return sent.show(StatusCode::OK, &Decided { said });
    }
    let from = sent.field("from").unwrap_or("pending");
    redirect(&frame.to("/review", &[("status", from), ("done", decided.as_str())]))
}
