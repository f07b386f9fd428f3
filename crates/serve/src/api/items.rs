//! `/v1/items`: feedback that is kept.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use sentimeter_corpus::parse_time;
use sentimeter_store::{DAY, Item, ItemFilter, Role, now};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::predict::{Request, of_language};
use super::wire::{self, Items, Word};
use crate::app::App;
use crate::body;
use crate::export::{self, Export};
use crate::intake::{Incoming, Taken, take};
use crate::problem::{ItemProblem, Problem};
use crate::trace::stored;

/// Items of a page.
const PAGE: u32 = 50;

/// Most items of a page.
const MOST: u32 = 1000;

/// Characters of an id or an author.
const NAME: usize = 200;

/// Characters of a channel or a source.
const WORD: usize = 60;

/// One piece of feedback, or many.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ItemsRequest, example = json!({"items": [
    {"id": "T-1042", "text": "Third outage this week", "channel": "ticket", "author": "ada@example.com",
     "time": "2026-11-20T08:15:00Z"},
    {"id": "T-1043", "text": "Merci, tout fonctionne !", "channel": "ticket", "language": "fr"}]}))]
pub(crate) struct Asked {
    /// Many pieces; each is stored or gets its own error.
    #[serde(default, deserialize_with = "wire::items")]
    #[schema(value_type = Option<Vec<ItemRequest>>)]
    items: Option<Items>,
    /// Where they come from, `api` otherwise: ids are the sender's own per source.
    #[schema(value_type = Option<String>)]
    source: Option<Word>,
    /// Of one piece: the sender's own name for it. Sent twice, it is stored once.
    #[schema(value_type = Option<Object>)]
    id: Option<Value>,
    /// Of one piece: its text.
    #[schema(value_type = Option<String>)]
    text: Option<Word>,
    /// Of one piece: `en`, `fr`, `ar` or `other`; detected otherwise.
    #[schema(value_type = Option<String>)]
    language: Option<Word>,
    /// Of one piece: `review`, `ticket`, ….
    #[schema(value_type = Option<String>)]
    channel: Option<Word>,
    /// Of one piece: who wrote it. A keyed hash of it is kept, unless the server was told otherwise.
    #[schema(value_type = Option<String>)]
    author: Option<Word>,
    /// Of one piece: when it was written, RFC 3339 or milliseconds since 1970; now otherwise.
    #[schema(value_type = Option<Object>)]
    time: Option<Value>,
}

/// A piece of feedback of many.
#[derive(ToSchema)]
#[allow(dead_code)] // what `wire::Item` takes, for the interface's description
pub(crate) struct ItemRequest {
    /// The sender's own name for it, a string or a number. Sent twice, it is stored once.
    #[schema(value_type = Option<Object>)]
    id: Option<String>,
    /// Its text.
    text: String,
    /// `en`, `fr`, `ar` or `other`; detected otherwise.
    language: Option<String>,
    /// `review`, `ticket`, ….
    channel: Option<String>,
    /// Who wrote it.
    author: Option<String>,
    /// When it was written, RFC 3339 or milliseconds since 1970; now otherwise.
    #[schema(value_type = Option<Object>)]
    time: Option<String>,
}

/// Feedback as it is kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Item)]
pub(crate) struct Shown {
    /// Its name here.
    item_id: String,
    /// The sender's name for it.
    id: Option<String>,
    /// Where it came in.
    source: String,
    /// When it was written, milliseconds since 1970.
    time: i64,
    /// When it came in, milliseconds since 1970.
    received: i64,
    /// Empty where unknown.
    channel: String,
    /// As stated, or as detected.
    language: String,
    /// A keyed hash (`h:…`), or the name where the server keeps names.
    author: Option<String>,
    /// The most likely label.
    sentiment: String,
    /// Its probability.
    confidence: f64,
    /// Every label's probability.
    #[schema(value_type = std::collections::HashMap<String, f32>)]
    probabilities: Value,
    /// The version that scored it.
    model: String,
    /// What a report refers to.
    prediction_id: Option<String>,
    /// The text as it came.
    text: String,
}

impl From<Item> for Shown {
    fn from(item: Item) -> Self {
        Self {
            item_id: item.id,
            id: item.external,
            source: item.source,
            time: item.time,
            received: item.received,
            channel: item.channel,
            language: item.language,
            author: item.author,
            sentiment: item.label,
            confidence: item.confidence,
            probabilities: item.probabilities,
            model: item.model,
            prediction_id: item.prediction,
            text: item.text,
        }
    }
}

/// A piece of feedback is durable.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoredItem {
    /// Whether it is new; false where it is stored already, and then stays as it is.
    new: bool,
    #[serde(flatten)]
    item: Shown,
}

impl From<Taken> for StoredItem {
    fn from(taken: Taken) -> Self {
        Self { new: taken.new, item: taken.item.into() }
    }
}

/// A piece of many: stored, or what is wrong with it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ItemOutcome {
    /// It is durable.
    Stored(Box<StoredItem>),
    /// It is not stored.
    Error {
        /// The sender's name for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// What is wrong.
        error: ItemProblem,
    },
}

/// What became of many pieces, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoredItems {
    /// How many are new.
    stored: usize,
    /// Each one's outcome.
    items: Vec<ItemOutcome>,
}

/// Either, by what was asked.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ItemsResponse)]
#[allow(dead_code)] // for the interface's description
pub(crate) enum Kept {
    /// One.
    #[schema(title = "One")]
    One(Box<StoredItem>),
    /// Many.
    #[schema(title = "Many")]
    Many(StoredItems),
}

/// A page of feedback, latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemsPage {
    /// The items.
    items: Vec<Shown>,
    /// What `after` wants for the next page; null on the last.
    next: Option<String>,
}

/// A short line of text, without what a line does not hold.
pub(crate) fn line(word: Option<Word>, field: &str, most: usize) -> Result<Option<String>, Problem> {
    let Some(word) = word else { return Ok(None) };
    let word = word.string(field)?;
    let word = word.trim();
    if word.chars().count() > most {
        return Err(Problem::field(field, format!("has more than {most} characters")));
    }
    if word.chars().any(char::is_control) {
        return Err(Problem::field(field, "holds control characters"));
    }
    Ok((!word.is_empty()).then(|| word.to_owned()))
}

/// A moment: RFC 3339 and its looser sisters, or milliseconds since 1970. Not in the future, but for clocks that
/// are a little ahead.
pub(crate) fn moment(value: &Value) -> Result<i64, Problem> {
    let wrong = || Problem::field("time", "wants RFC 3339 (2026-11-20T08:15:00Z) or milliseconds since 1970");
    let time = match value {
        Value::String(raw) => parse_time(raw).ok_or_else(wrong)?,
        Value::Number(number) => number.as_i64().ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    if time < 0 || time > now() + DAY {
        return Err(Problem::field("time", "lies before 1970 or in the future"));
    }
    Ok(time)
}

/// The sender's name for an item: a string or a number.
fn external(value: Option<Value>) -> Result<Option<String>, Problem> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::String(raw)) => line(Some(Word::Is(raw)), "id", NAME),
        Some(_) => Err(Problem::field("id", "wants a string or a number")),
    }
}

/// Checks one piece; gives its name with what is wrong.
fn check(item: wire::Item, source: &str, most: usize) -> (Option<String>, Result<Incoming, Problem>) {
    let external = match external(item.id) {
        Ok(external) => external,
        Err(problem) => return (None, Err(problem)),
    };
    let checked = || {
        if let Some((field, why)) = item.fault {
            return Err(Problem::field(field, why));
        }
        let text = item.text.ok_or_else(|| Problem::field("text", "is missing"))?.string("text")?;
        let request = Request::new(text, None, most)?;
        Ok(Incoming {
            source: source.to_owned(),
            external: external.clone(),
            text: request.text,
            language: of_language(item.language)?,
            channel: line(item.channel, "channel", WORD)?.unwrap_or_default(),
            author: line(item.author, "author", NAME)?,
            time: item.time.as_ref().filter(|time| !time.is_null()).map(moment).transpose()?,
        })
    };
    let checked = checked();
    (external, checked)
}

/// Keep feedback.
///
/// One piece (`text` and what is known of it), or many (`items`). Each is scored by the live model as it comes in,
/// and durable when the answer comes. Wants a key of role predict.
#[utoipa::path(
    post, path = "/v1/items", tag = "items", operation_id = "add_items",
    request_body(content = Asked, content_type = "application/json"),
    responses(
        (status = 200, description = "What became of many; or one that was stored already", body = Kept,
         example = json!({"stored": 1, "items": [
            {"new": true, "item_id": "5d41402abc4b2a76b9719d911017c592", "id": "T-1042", "source": "api",
             "time": 1795162500000i64, "received": 1795162512345i64, "channel": "ticket", "language": "en",
             "author": "h:0f343b0931126a20f133d67c2b018a3b", "sentiment": "negative", "confidence": 0.97,
             "probabilities": {"negative": 0.97, "neutral": 0.02, "positive": 0.01}, "model": "sentiment@3",
             "prediction_id": "019aa1b2c3d45f6a7b8c00000001", "text": "Third outage this week"},
            {"id": "T-1043", "error": {"type": "urn:sentimeter:problem:invalid", "title": "The request has the wrong shape",
             "detail": "text: is empty", "field": "text"}}]})),
        (status = 201, description = "One is stored", body = StoredItem),
        (status = 400, description = "No JSON, or not UTF-8", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this key, or not from this page", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "More bytes than are taken", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "A body of another kind", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The wrong shape; `errors` names the fields", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Busy: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn add(State(app): State<App>, headers: HeaderMap, raw: Body) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Predict, false).await?;
    let limits = &app.inner.limits;
    let asked: Asked = body::json(&headers, raw, limits).await?;
    let source = line(asked.source, "source", WORD)?.unwrap_or_else(|| "api".to_owned());
    let live = app.live();
    let Some(items) = asked.items else {
        let item = wire::Item {
            id: asked.id,
            text: asked.text,
            language: asked.language,
            channel: asked.channel,
            author: asked.author,
            time: asked.time,
            fault: None,
        };
        let (_, checked) = check(item, &source, limits.characters);
        let taken = take(&app, &live, vec![checked?]).await?.pop().ok_or_else(Problem::internal)?;
        let status = if taken.new { StatusCode::CREATED } else { StatusCode::OK };
        return Ok((status, Json(StoredItem::from(taken))).into_response());
    };
    let of_one = [
        ("text", asked.text.is_some()),
        ("id", asked.id.is_some()),
        ("language", asked.language.is_some()),
        ("channel", asked.channel.is_some()),
        ("author", asked.author.is_some()),
        ("time", asked.time.is_some()),
    ];
    if let Some((field, _)) = of_one.iter().find(|(_, given)| *given) {
        return Err(Problem::field(*field, "is of one piece: give it with each of `items`"));
    }
    if items.count > limits.items {
        let said = format!("has {} items; at most {} are taken at a time", items.count, limits.items);
        return Err(Problem::field("items", said));
    }
    let (mut incoming, mut faults) = (Vec::new(), Vec::with_capacity(items.count));
    for item in items.kept {
        let (id, checked) = check(item, &source, limits.characters);
        faults.push(checked.map(|one| incoming.push(one)).map_err(|problem| (id, problem.of_item())));
    }
    let mut taken = take(&app, &live, incoming).await?.into_iter();
    let (mut stored, mut outcomes) = (0, Vec::with_capacity(faults.len()));
    for fault in faults {
        outcomes.push(match fault {
            Ok(()) => {
                let taken = taken.next().ok_or_else(Problem::internal)?;
                stored += usize::from(taken.new);
                ItemOutcome::Stored(Box::new(taken.into()))
            }
            Err((id, error)) => ItemOutcome::Error { id, error },
        });
    }
    Ok(Json(StoredItems { stored, items: outcomes }).into_response())
}

/// A moment of a filter: a date is its first moment, or behind it with `end`.
pub(crate) fn bound(raw: &str, end: bool) -> Option<i64> {
    let time = parse_time(raw)?;
    let date = raw.trim().len() <= 10 && !raw.trim().bytes().all(|b| b.is_ascii_digit());
    Some(if end && date { time + DAY } else { time })
}

/// Takes a parameter that filters items; `false` where it is another.
pub(crate) fn filter_by(filter: &mut ItemFilter, name: &str, value: &str) -> Result<bool, Problem> {
    let wrong = |wants: &str| Problem::field(name, format!("wants {wants}"));
    let day = "a date (2026-11-20) or a moment (2026-11-20T08:15:00Z)";
    let short = || {
        if value.chars().count() > NAME {
            Err(wrong("at the most 200 characters"))
        } else {
            Ok(value.to_owned())
        }
    };
    match name {
        "channel" => filter.channel = Some(short()?),
        "language" => filter.language = Some(short()?),
        "sentiment" => filter.label = Some(short()?),
        "model" => filter.model = Some(short()?),
        "source" => filter.source = Some(short()?),
        "from" => filter.from = Some(bound(value, false).ok_or_else(|| wrong(day))?),
        "to" => filter.to = Some(bound(value, true).ok_or_else(|| wrong(day))?),
        "q" => filter.search = Some(short()?).filter(|words| !words.trim().is_empty()),
        _ => return Ok(false),
    }
    Ok(true)
}

/// List feedback, latest first, or export it.
///
/// Everything given must hold. `format=csv` and `format=jsonl` give all of it, page by page as it is read; in CSV
/// a field that a spreadsheet would take for a formula begins with an apostrophe. Wants a key of role analyst.
#[utoipa::path(
    get, path = "/v1/items", tag = "items", operation_id = "list_items",
    params(
        ("channel" = Option<String>, Query, description = "Of this channel; empty: of an unknown one"),
        ("language" = Option<String>, Query, description = "en, fr, ar or other"),
        ("sentiment" = Option<String>, Query, description = "With this label"),
        ("model" = Option<String>, Query, description = "Scored by this version"),
        ("source" = Option<String>, Query, description = "Come in here"),
        ("from" = Option<String>, Query, description = "Written on this day or at this moment, or later"),
        ("to" = Option<String>, Query, description = "Written on this day or before this moment"),
        ("q" = Option<String>, Query, description = "Holding all of these words"),
        ("limit" = Option<u32>, Query, description = "How many; 50 otherwise, 1000 at the most"),
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("format" = Option<String>, Query, description = "json (a page), csv or jsonl (all of it)"),
    ),
    responses(
        (status = 200, description = "A page, or all of it", content(
            (ItemsPage = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"),
        )),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this key", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Busy: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn list(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Analyst, false).await?;
    let (mut filter, mut limit, mut format) = (ItemFilter::default(), PAGE, None);
    for (name, value) in body::form(uri.query().unwrap_or_default()) {
        let wrong = |wants: &str| Problem::field(name.clone(), format!("wants {wants}"));
        match name.as_str() {
            "limit" => {
                let number = value.parse().ok().filter(|n| (1..=MOST).contains(n));
                limit = number.ok_or_else(|| wrong("a number from 1 to 1000"))?;
            }
            "after" => {
                let parts = value.split_once(':').and_then(|(t, n)| Some((t.parse().ok()?, n.parse().ok()?)));
                filter.after = Some(parts.ok_or_else(|| wrong("the `next` of a page"))?);
            }
            "format" => {
                format = match value.as_str() {
                    "json" => None,
                    other => Some(Export::of(other).ok_or_else(|| wrong("json, csv or jsonl"))?),
                }
            }
            _ if filter_by(&mut filter, &name, &value)? => {}
            _ => {
                let there =
                    "channel, language, sentiment, model, source, from, to, q, limit, after and format";
                return Err(Problem::field(name, format!("is no parameter here: {there} are")));
            }
        }
    }
    if let Some(format) = format {
        return Ok(export::items(&app, filter, format));
    }
    filter.limit = Some(limit);
    let found = stored("read items", app.inner.store.items(&filter)).await?;
    let full = found.len() == limit as usize;
    let next = found.last().filter(|_| full).map(|last| format!("{}:{}", last.time, last.number));
    Ok(Json(ItemsPage { items: found.into_iter().map(Shown::from).collect(), next }).into_response())
}
