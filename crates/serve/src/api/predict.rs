//! `POST /v1/predict`.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse as _, Response};
use sentimeter_inference::{Live, Scored, Wanted, mixed};
use sentimeter_store::{Role, now};
use sentimeter_text::language::{Detection, Language};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use super::wire::{Id, Item, Items, Word};
use crate::app::App;
use crate::body;
use crate::models::NoModel;
use crate::problem::{ItemProblem, Problem};
use crate::record::Answered;

/// Bytes of texts up to which an answer is written on the connection's task.
const SMALL: usize = 32 << 10;

/// One text, or many.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PredictRequest, example = json!({"text": "Third outage this week, and nobody answers"}))]
pub(crate) struct Asked {
    /// The text; this or `texts`.
    #[schema(value_type = Option<String>)]
    text: Option<Word>,
    /// Many texts: strings, or objects with `text` and any of `id` (comes back), `language`, `channel`, `author`
    /// and `time`. Each gets its own result or its own error.
    #[schema(value_type = Option<Vec<PredictItem>>)]
    texts: Option<Items>,
    /// `en`, `fr`, `ar` or `other`, where it is known; detected otherwise.
    #[schema(value_type = Option<String>)]
    language: Option<Word>,
    /// Below this probability the answer abstains: `sentiment` is null. From 0 to 1.
    #[schema(value_type = Option<f64>)]
    min_confidence: Option<serde_json::Value>,
    /// Whether to answer in languages that the model was not made for, too; otherwise it abstains there.
    #[schema(value_type = Option<bool>)]
    any_language: Option<serde_json::Value>,
    /// `NAME@VERSION`, `NAME@ALIAS` or `NAME`; the live model otherwise.
    #[schema(value_type = Option<String>)]
    model: Option<Word>,
}

/// A text of a batch.
#[derive(ToSchema)]
#[allow(dead_code)] // what `wire::Item` takes, for the interface's description
pub(crate) struct PredictItem {
    /// Comes back with the result: a string or a number.
    #[schema(value_type = Option<Object>)]
    id: Option<String>,
    /// The text.
    text: String,
    /// `en`, `fr`, `ar` or `other`.
    language: Option<String>,
    /// Accepted, as feedback has it; not used.
    channel: Option<String>,
    /// Accepted, as feedback has it; not used.
    author: Option<String>,
    /// Accepted, as feedback has it; not used.
    #[schema(value_type = Option<Object>)]
    time: Option<String>,
}

/// What is made of one text.
#[derive(Serialize, ToSchema)]
pub(crate) struct Prediction<'a> {
    /// The item's, in a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    id: Option<&'a Id>,
    /// The most likely label; null where the model abstains.
    sentiment: Option<&'a str>,
    /// Why it abstains, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    abstained: Option<Abstained>,
    /// The probability of the most likely label.
    confidence: f32,
    /// Every label's probability; they sum to 1.
    #[schema(value_type = std::collections::HashMap<String, f32>)]
    probabilities: Named<'a, f32>,
    /// As given, or as detected.
    language: &'static str,
    /// The version that answered.
    model: &'a str,
    /// What a report refers to.
    prediction_id: &'a str,
    /// The text as it came.
    text: &'a str,
    /// Whether one sentence is negative and another positive (`?sentences=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    mixed: Option<bool>,
    /// Each sentence by itself (`?sentences=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    sentences: Option<Vec<Sentence<'a>>>,
    /// What each token added (`?explain=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation<'a>>,
}

/// Why a model gives no label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Abstained {
    /// It was not made for the language of the text (`any_language` asks it all the same).
    Language,
    /// The most likely label is less likely than `min_confidence`.
    Confidence,
}

/// A part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Place {
    /// First byte, in UTF-8.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
    /// First character (Unicode scalar value).
    pub(crate) start_char: usize,
    /// One past the last character.
    pub(crate) end_char: usize,
}

/// A sentence by itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sentence<'a> {
    #[serde(flatten)]
    place: Place,
    /// Its most likely label.
    sentiment: &'a str,
    /// That label's probability.
    confidence: f32,
    /// Every label's.
    #[schema(value_type = std::collections::HashMap<String, f32>)]
    probabilities: Named<'a, f32>,
}

/// The parts of the text's logits: `bias` and all tokens' contributions add up to them.
#[derive(Serialize, ToSchema)]
pub(crate) struct Explanation<'a> {
    /// What a text gets of which no token says anything.
    #[schema(value_type = std::collections::HashMap<String, f64>)]
    bias: Named<'a, f64>,
    /// The tokens in their order.
    tokens: Vec<Token<'a>>,
}

/// A token and what it added.
#[derive(Serialize, ToSchema)]
pub(crate) struct Token<'a> {
    /// As the model sees it.
    token: &'a str,
    #[serde(flatten)]
    place: Place,
    /// To each label's logit.
    #[schema(value_type = std::collections::HashMap<String, f64>)]
    contributions: Named<'a, f64>,
}

/// A batch's results, in its order.
#[derive(Serialize, ToSchema)]
pub(crate) struct Batch<'a> {
    /// The version that answered.
    model: &'a str,
    /// A result or an error for each item.
    predictions: Vec<Outcome<'a>>,
}

/// A batch's item: its result or its error.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Outcome<'a> {
    /// What is made of it.
    Result(Box<Prediction<'a>>),
    /// What is wrong with it.
    Error {
        /// The item's.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Object>)]
        id: Option<&'a Id>,
        /// What is wrong.
        error: &'a ItemProblem,
    },
}

/// Labels and their numbers, as one object in the labels' order.
pub(crate) struct Named<'a, T> {
    pub(crate) labels: &'a [String],
    pub(crate) numbers: &'a [T],
}

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.labels.iter().zip(self.numbers))
    }
}

/// A text that is to be answered, checked.
pub(crate) struct Request {
    pub(crate) text: String,
    pub(crate) language: Option<Language>,
    /// Whether it is answered in whatever language it is.
    pub(crate) any_language: bool,
}

impl Request {
    /// Checks a text against the caps.
    pub(crate) fn new(text: String, language: Option<Word>, most: usize) -> Result<Self, Problem> {
        if text.trim().is_empty() {
            return Err(Problem::field("text", "is empty"));
        }
        // No text of so many bytes has more characters.
        let characters = if text.len() > most { text.chars().count() } else { 0 };
        if characters > most {
            let said = format!("has {characters} characters; at most {most} are taken");
            return Err(Problem::field("text", said));
        }
        Ok(Self { text, language: of_language(language)?, any_language: false })
    }
}

pub(crate) fn of_language(language: Option<Word>) -> Result<Option<Language>, Problem> {
    let Some(word) = language else { return Ok(None) };
    let code = word.string("language")?;
    code.parse().map(Some).map_err(|_| Problem::field("language", "wants en, fr, ar or other"))
}

/// What was answered to one text.
pub(crate) struct Answer {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) language: Language,
    pub(crate) scored: Arc<Scored>,
    /// The label's place, where the model does not abstain.
    pub(crate) label: Option<usize>,
    pub(crate) abstained: Option<Abstained>,
    /// The probability of the most likely label.
    pub(crate) confidence: f32,
}

/// Answers texts, counts and records them. All are answered by `live`.
pub(crate) async fn answer(
    app: &App,
    live: &Arc<Live>,
    requests: Vec<Request>,
    wanted: Wanted,
    least: Option<f64>,
) -> Result<Vec<Answer>, Problem> {
    let engine = &app.inner.engine;
    let (texts, languages): (Vec<String>, Vec<_>) =
        requests.into_iter().map(|r| (r.text, (r.language, r.any_language))).unzip();
    let short: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (texts, scored) = match engine.score_here(live, &short, wanted) {
        Some(scored) => (texts, scored),
        None => {
            let texts: Arc<[String]> = texts.into();
            let scored = engine.score(live, texts.clone(), wanted, app.deadline()).await?;
            (texts.to_vec(), scored)
        }
    };
    let (time, recorder) = (now(), &app.inner.recorder);
    let answers = texts.into_iter().zip(scored).zip(languages).map(|((text, scored), (stated, any))| {
        let (class, confidence) = scored.top();
        let found = stated.map_or(scored.language, |language| Detection { language, confidence: 1.0 });
        let abstained = if !any && !live.model().speaks(found) {
            Some(Abstained::Language)
        } else if least.is_some_and(|least| f64::from(confidence) < least) {
            Some(Abstained::Confidence)
        } else {
            None
        };
        let label = abstained.is_none().then_some(class);
        let language = found.language;
        live.count(label, language);
        let id = app.id();
        if recorder.is_on() {
            let (text_hash, kept) = recorder.of(&text);
            recorder.take(Answered {
                id: id.clone(),
                time,
                live: live.clone(),
                language: language.code(),
                label,
                confidence,
                probabilities: scored.probabilities.clone(),
                text_hash,
                text: kept,
            });
        }
        Answer { id, text, language, scored, label, abstained, confidence }
    });
    Ok(answers.collect())
}

/// Byte offsets and those of characters, for spans in any order.
pub(crate) struct Places<'t> {
    text: &'t str,
    byte: usize,
    character: usize,
}

impl<'t> Places<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Self { text, byte: 0, character: 0 }
    }

    fn characters_to(&mut self, byte: usize) -> usize {
        if byte < self.byte {
            (self.byte, self.character) = (0, 0);
        }
        self.character += self.text.get(self.byte..byte).map_or(0, |part| part.chars().count());
        self.byte = byte;
        self.character
    }

    /// Both ends of bytes `start..end`.
    pub(crate) fn place(&mut self, start: usize, end: usize) -> Place {
        let start_char = self.characters_to(start);
        let end_char = self.characters_to(end);
        // The next span mostly begins here or later; overlapping ones start over.
        Place { start, end, start_char, end_char }
    }
}

fn prediction<'a>(live: &'a Live, id: Option<&'a Id>, answer: &'a Answer) -> Prediction<'a> {
    let labels = live.model().labels();
    let label = |at: usize| labels.get(at).map_or("", String::as_str);
    let scored = &*answer.scored;
    let sentences = scored.sentences.as_ref().map(|sentences| {
        let mut places = Places::of(&answer.text);
        let one = |sentence: &'a sentimeter_inference::Sentence| {
            let (class, confidence) = sentence.top();
            let place = places.place(sentence.start, sentence.end);
            let probabilities = Named { labels, numbers: &sentence.probabilities };
            Sentence { place, sentiment: label(class), confidence, probabilities }
        };
        sentences.iter().map(one).collect()
    });
    let explanation = scored.explanation.as_ref().map(|explanation| {
        let mut places = Places::of(&answer.text);
        let token = |token: &'a sentimeter_model::explain::Contribution| Token {
            token: &token.token,
            place: places.place(token.start as usize, token.end as usize),
            contributions: Named { labels, numbers: &token.logits },
        };
        let tokens = explanation.tokens.iter().map(token).collect();
        Explanation { bias: Named { labels, numbers: &explanation.bias }, tokens }
    });
    Prediction {
        id,
        sentiment: answer.label.map(label),
        abstained: answer.abstained,
        confidence: answer.confidence,
        probabilities: Named { labels, numbers: &scored.probabilities },
        language: answer.language.code(),
        model: live.name(),
        prediction_id: &answer.id,
        text: &answer.text,
        mixed: scored.sentences.as_ref().map(|sentences| mixed(labels, sentences)),
        sentences,
        explanation,
    }
}

/// `?explain=true&sentences=true`.
fn wanted(uri: &Uri) -> Result<Wanted, Problem> {
    let mut wanted = Wanted::default();
    for (name, value) in body::form(uri.query().unwrap_or_default()) {
        let flag = match value.as_str() {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => return Err(Problem::field(name, "wants true or false")),
        };
        match name.as_str() {
            "explain" => wanted.explain = flag,
            "sentences" => wanted.sentences = flag,
            _ => return Err(Problem::field(name, "is no parameter here: explain and sentences are")),
        }
    }
    Ok(wanted)
}

/// Predict one text, or many.
///
/// One text gets a prediction; `texts` get a result or an error each, in their order. The answer names the
/// version of the model that made it.
#[utoipa::path(
    post, path = "/v1/predict", tag = "predict", operation_id = "predict",
    params(
        ("explain" = Option<bool>, Query, description = "Add what each token contributed, with offsets"),
        ("sentences" = Option<bool>, Query, description = "Add a result for each sentence, and `mixed`"),
    ),
    request_body(content = Asked, description = "One text, or many", content_type = "application/json"),
    responses(
        (status = 200, description = "The prediction, or those of a batch", body = super::docs::Predicted,
         example = json!({"sentiment": "negative", "confidence": 0.97,
            "probabilities": {"negative": 0.97, "neutral": 0.02, "positive": 0.01}, "language": "en",
            "model": "sentiment@3", "prediction_id": "019aa1b2c3d45f6a7b8c00000001",
            "text": "Third outage this week, and nobody answers"})),
        (status = 400, description = "No JSON, or not UTF-8", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A key is needed", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this key, or not from this page", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such model", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "More bytes than are taken", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "A body of another kind", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The wrong shape; `errors` names the fields", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Busy: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("key" = []))
)]
pub(crate) async fn predict(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    raw: Body,
) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Predict, true).await?;
    let wanted = wanted(&uri)?;
    let limits = &app.inner.limits;
    let asked: Asked = body::json(&headers, raw, limits).await?;
    let least = match asked.min_confidence {
        Some(least) => {
            let share = least.as_f64().filter(|least| (0.0..=1.0).contains(least));
            Some(share.ok_or_else(|| Problem::field("min_confidence", "wants a number from 0 to 1"))?)
        }
        None => None,
    };
    let any = match asked.any_language {
        Some(any) => any.as_bool().ok_or_else(|| Problem::field("any_language", "wants true or false"))?,
        None => false,
    };
    let live = match asked.model {
        Some(word) => named(&app, &word.string("model")?).await?,
        None => app.live(),
    };
    match (asked.text, asked.texts) {
        (Some(text), None) => {
            let mut request = Request::new(text.string("text")?, asked.language, limits.characters)?;
            request.any_language = any;
            let answers = answer(&app, &live, vec![request], wanted, least).await?;
            write(answers, move |answers| {
                answers.first().map(|answer| serde_json::to_vec(&prediction(&live, None, answer)))
            })
            .await
        }
        (None, Some(items)) => batch(&app, live, items, (asked.language, any), wanted, least).await,
        (Some(_), Some(_)) => Err(Problem::field("texts", "give `text` or `texts`, not both")),
        (None, None) => Err(Problem::field("text", "is missing: give `text`, or `texts`")),
    }
}

pub(crate) async fn named(app: &App, reference: &str) -> Result<Arc<Live>, Problem> {
    app.inner.shelf.find(reference, &app.live()).await.map_err(|error| match error {
        NoModel::Unknown(said) => Problem::not_found(said),
        NoModel::Unusable { .. } => {
            tracing::error!("{error}");
            Problem::internal()
        }
    })
}

async fn batch(
    app: &App,
    live: Arc<Live>,
    items: Items,
    (language, any): (Option<Word>, bool),
    wanted: Wanted,
    least: Option<f64>,
) -> Result<Response, Problem> {
    let limits = &app.inner.limits;
    if items.count > limits.items {
        let said = format!("has {} texts; at most {} are taken at a time", items.count, limits.items);
        return Err(Problem::field("texts", said));
    }
    of_language(language.clone())?;
    let (mut requests, mut outcomes) = (Vec::new(), Vec::with_capacity(items.count));
    for item in items.kept {
        let (id, checked) = check(item, language.as_ref(), limits.characters);
        match checked {
            Ok(mut request) => {
                request.any_language = any;
                outcomes.push((id, Ok(requests.len())));
                requests.push(request);
            }
            Err(problem) => outcomes.push((id, Err(problem.of_item()))),
        }
    }
    let answers = answer(app, &live, requests, wanted, least).await?;
    write(answers, move |answers| {
        let predictions = outcomes.iter().map(|(id, outcome)| match outcome {
            Ok(at) => Outcome::Result(Box::new(prediction(&live, id.as_ref(), &answers[*at]))),
            Err(error) => Outcome::Error { id: id.as_ref(), error },
        });
        Some(serde_json::to_vec(&Batch { model: live.name(), predictions: predictions.collect() }))
    })
    .await
}

/// The item's id, and what is to be answered or what is wrong with it.
fn check(item: Item, language: Option<&Word>, most: usize) -> (Option<Id>, Result<Request, Problem>) {
    let id = match item.id.map(Id::of).transpose() {
        Ok(id) => id,
        Err(problem) => return (None, Err(problem)),
    };
    if let Some((field, why)) = item.fault {
        return (id, Err(Problem::field(field, why)));
    }
    let Some(text) = item.text else { return (id, Err(Problem::field("text", "is missing"))) };
    let text = text.string("text");
    (id, text.and_then(|text| Request::new(text, item.language.or_else(|| language.cloned()), most)))
}

/// Writes the answer, a long one on a thread that may take its time.
async fn write(
    answers: Vec<Answer>,
    to_json: impl FnOnce(&[Answer]) -> Option<serde_json::Result<Vec<u8>>> + Send + 'static,
) -> Result<Response, Problem> {
    let bytes: usize = answers.iter().map(|a| a.text.len()).sum();
    let written = if bytes <= SMALL {
        to_json(&answers)
    } else {
        let written = tokio::task::spawn_blocking(move || to_json(&answers)).await;
        written.map_err(|_| Problem::internal())?
    };
    match written {
        Some(Ok(json)) => {
            Ok(([(header::CONTENT_TYPE, "application/json")], Bytes::from(json)).into_response())
        }
        _ => Err(Problem::internal()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_from_bytes() {
        let mut places = Places::of("é😀ab");
        let pair = |place: Place| (place.start_char, place.end_char);
        assert_eq!(pair(places.place(0, 2)), (0, 1));
        assert_eq!(pair(places.place(2, 6)), (1, 2));
        assert_eq!(pair(places.place(7, 8)), (3, 4));
        assert_eq!(pair(places.place(2, 8)), (1, 4));
    }
}
