//! Everything at once, as it is read: what is exported is never in memory as a whole.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Frame;
use sentimeter_store::{Item, ItemFilter};
use tokio::sync::mpsc;

use crate::app::App;

/// Items that are read at a time.
const PAGE: u32 = 500;

/// How long a reader may take over a piece before it is given up: it would hold a connection for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Export {
    Csv,
    Jsonl,
}

impl Export {
    /// By its name in a request.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::Jsonl),
            _ => None,
        }
    }

    fn media(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/x-ndjson",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    /// A download of that name, which holds letters, digits and dashes alone.
    pub(crate) fn download(self, name: &str, body: Body) -> Response {
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media()));
        let file = format!("attachment; filename=\"{name}.{}\"", self.ending());
        if let Ok(value) = HeaderValue::try_from(file) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
        response
    }
}

/// A body of pieces that come through a channel; an error ends it before its end, so that nobody takes half of it
/// for the whole.
struct Pieces(mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// Where pieces are put.
#[derive(Clone)]
pub(crate) struct Sink(mpsc::Sender<Result<Bytes, std::io::Error>>);

impl Sink {
    /// Sends a piece; false where nobody reads any more.
    pub(crate) async fn send(&self, piece: Vec<u8>) -> bool {
        let sent = tokio::time::timeout(PATIENCE, self.0.send(Ok(piece.into()))).await;
        matches!(sent, Ok(Ok(())))
    }

    /// Ends the body as broken off.
    pub(crate) async fn fail(&self) {
        drop(self.0.send(Err(std::io::Error::other("the export cannot go on"))).await);
    }
}

/// A body and where its pieces are put; few are held.
pub(crate) fn pieces() -> (Sink, Body) {
    let (to, from) = mpsc::channel(4);
    (Sink(to), Body::new(Pieces(from)))
}

/// A field that no spreadsheet takes for a formula: where it begins like one, an apostrophe stands before it
/// (OWASP, "CSV injection").
pub(crate) fn defused(field: &str) -> std::borrow::Cow<'_, str> {
    match field.as_bytes().first() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\n') => format!("'{field}").into(),
        // Full-width signs are formulas to some.
        Some(0xef) if ["＝", "＋", "－", "＠"].iter().any(|sign| field.starts_with(sign)) => {
            format!("'{field}").into()
        }
        _ => field.into(),
    }
}

/// A line of CSV.
pub(crate) fn csv_line<'a>(to: &mut Vec<u8>, fields: impl IntoIterator<Item = &'a str>) {
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            to.push(b',');
        }
        if field.contains(['"', ',', '\n', '\r']) {
            to.push(b'"');
            to.extend_from_slice(field.replace('"', "\"\"").as_bytes());
            to.push(b'"');
        } else {
            to.extend_from_slice(field.as_bytes());
        }
    }
    to.extend_from_slice(b"\r\n");
}

const COLUMNS: [&str; 12] = [
    "item_id",
    "id",
    "source",
    "time",
    "channel",
    "language",
    "author",
    "sentiment",
    "confidence",
    "model",
    "prediction_id",
    "text",
];

fn rfc3339(time: i64) -> String {
    jiff::Timestamp::from_millisecond(time).map_or_else(|_| time.to_string(), |time| time.to_string())
}

fn csv_item(to: &mut Vec<u8>, item: &Item) {
    let (time, confidence) = (rfc3339(item.time), item.confidence.to_string());
    let maybe = |field: &'_ Option<String>| defused(field.as_deref().unwrap_or_default()).into_owned();
    let (id, author, prediction) = (maybe(&item.external), maybe(&item.author), maybe(&item.prediction));
    let (source, channel, text) = (defused(&item.source), defused(&item.channel), defused(&item.text));
    let fields = [
        &item.id,
        &id,
        &*source,
        &time,
        &*channel,
        &item.language,
        &author,
        &item.label,
        &confidence,
        &item.model,
        &prediction,
        &*text,
    ];
    csv_line(to, fields);
}

/// All items that `filter` lets through, latest first.
pub(crate) fn items(app: &App, filter: ItemFilter, format: Export) -> Response {
    let (sink, body) = pieces();
    let store = app.inner.store.clone();
    tokio::spawn(async move {
        let mut filter = ItemFilter { limit: Some(PAGE), ..filter };
        let mut piece = Vec::new();
        if format == Export::Csv {
            csv_line(&mut piece, COLUMNS);
        }
        loop {
            let page = match store.items(&filter).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "an export is broken off");
                    return sink.fail().await;
                }
            };
            for item in &page {
                match format {
                    Export::Csv => csv_item(&mut piece, item),
                    Export::Jsonl => {
                        match serde_json::to_vec(&crate::api::items::Shown::from(item.clone())) {
                            Ok(mut line) => {
                                piece.append(&mut line);
                                piece.push(b'\n');
                            }
                            Err(_) => return sink.fail().await,
                        }
                    }
                }
            }
            if !piece.is_empty() && !sink.send(std::mem::take(&mut piece)).await {
                return;
            }
            match page.last().filter(|_| page.len() == PAGE as usize) {
                Some(last) => filter.after = Some((last.time, last.number)),
                None => return,
            }
        }
    });
    format.download("items", body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_fields_quoted() {
        for (field, want) in [
            ("=1+1", "'=1+1"),
            ("+41 22", "'+41 22"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
            ("été", "été"),
            ("", ""),
        ] {
            assert_eq!(defused(field), want);
        }
        let mut line = Vec::new();
        csv_line(&mut line, ["a", "b \"c\"", "d, e", "f\ng", ""]);
        assert_eq!(line, b"a,\"b \"\"c\"\"\",\"d, e\",\"f\ng\",\r\n");
    }
}
