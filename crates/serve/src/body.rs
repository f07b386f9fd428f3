//! A request's body: capped before it is read, read in bounded time.

use std::io::Read as _;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::settings::Limits;

/// Bytes up to which a body is parsed on the connection's task: tens of microseconds.
const SMALL: usize = 32 << 10;

/// What a body says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    Form,
}

/// The body's kind by its `Content-Type`.
pub(crate) fn media(headers: &HeaderMap) -> Option<Media> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/x-www-form-urlencoded" => Some(Media::Form),
        "application/json" => Some(Media::Json),
        other if other.starts_with("application/") && other.ends_with("+json") => Some(Media::Json),
        _ => None,
    }
}

/// The whole body, unpacked, as UTF-8.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<String, Problem> {
    let most = limits.body_bytes;
    let too_large = || Problem::too_large(format!("a body may have {most} bytes; send less at a time"));
    let stated =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let collected = tokio::time::timeout(limits.body, Limited::new(body, most).collect());
    let bytes = match collected.await {
        Err(_) => return Err(Problem::slow()),
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
        Ok(Err(_)) => return Err(Problem::malformed("the body ended before its end; send it again")),
    };
    let bytes = match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => bytes.to_vec(),
        Some(b"gzip" | b"x-gzip") => {
            // A small body may unpack to a large one: up to the cap, that is milliseconds of work.
            let unpacked = tokio::task::spawn_blocking(move || {
                let mut unpacked = Vec::new();
                MultiGzDecoder::new(&bytes[..]).take(most as u64 + 1).read_to_end(&mut unpacked)?;
                Ok::<_, std::io::Error>(unpacked)
            });
            match unpacked.await {
                Ok(Ok(unpacked)) if unpacked.len() > most => return Err(too_large()),
                Ok(Ok(unpacked)) => unpacked,
                Ok(Err(_)) => {
                    return Err(Problem::malformed("the body is no gzip, as its Content-Encoding says"));
                }
                Err(_) => return Err(Problem::internal()),
            }
        }
        Some(_) => return Err(Problem::media("Content-Encoding: gzip and identity are understood")),
    };
    String::from_utf8(bytes).map_err(|error| {
        Problem::malformed(format!("the body is not UTF-8 from byte {} on", error.utf8_error().valid_up_to()))
    })
}

/// The body as JSON.
pub(crate) async fn json<T: DeserializeOwned + Send + 'static>(
    headers: &HeaderMap,
    body: Body,
    limits: &Limits,
) -> Result<T, Problem> {
    if media(headers) != Some(Media::Json) {
        return Err(Problem::media("Content-Type: application/json is wanted"));
    }
    parse(read(headers, body, limits).await?).await
}

/// Parses JSON, a long one on a thread that may take its time.
pub(crate) async fn parse<T: DeserializeOwned + Send + 'static>(raw: String) -> Result<T, Problem> {
    if raw.len() <= SMALL {
        return of_json(&raw);
    }
    tokio::task::spawn_blocking(move || of_json(&raw)).await.unwrap_or_else(|_| Err(Problem::internal()))
}

fn of_json<T: DeserializeOwned>(raw: &str) -> Result<T, Problem> {
    serde_json::from_str(raw).map_err(|error| {
        let said = error.to_string();
        match error.classify() {
            serde_json::error::Category::Data => {
                // Where serde speaks of a field, it names it in backticks.
                let (what, _) = said.rsplit_once(" at line ").unwrap_or((&said, ""));
                let field = what.split_once("field `").and_then(|(_, rest)| rest.split('`').next());
                Problem::field(field.unwrap_or("body"), what)
            }
            _ => Problem::malformed(format!("the body is not JSON: {said}")),
        }
    })
}

/// The fields of a form, in their order.
pub(crate) fn form(raw: &str) -> Vec<(String, String)> {
    fn decoded(raw: &str) -> String {
        let raw = raw.as_bytes();
        let digit = |at: usize| raw.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        let (mut bytes, mut at) = (Vec::with_capacity(raw.len()), 0);
        while let Some(&byte) = raw.get(at) {
            at += 1;
            match (byte, digit(at), digit(at + 1)) {
                (b'%', Some(high), Some(low)) => {
                    bytes.push((high * 16 + low) as u8);
                    at += 2;
                }
                (b'+', ..) => bytes.push(b' '),
                _ => bytes.push(byte),
            }
        }
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
    raw.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_browsers_write_them() {
        for (raw, want) in [
            ("Review=good+day%21&x=", &[("Review", "good day!"), ("x", "")][..]),
            ("text=%C3%A9t%C3%A9+%F0%9F%98%80", &[("text", "été 😀")]),
            ("a=%&b=%4&c=%zz&d=%e9", &[("a", "%"), ("b", "%4"), ("c", "%zz"), ("d", "\u{fffd}")]),
            ("&&alone", &[("alone", "")]),
        ] {
            let got = form(raw);
            let got: Vec<(&str, &str)> = got.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            assert_eq!(got, want, "{raw}");
        }
    }

    #[test]
    fn kinds_are_told_by_the_content_type() {
        for (value, want) in [
            ("application/json; charset=utf-8", Some(Media::Json)),
            ("Application/vnd.x+json", Some(Media::Json)),
            ("application/x-www-form-urlencoded", Some(Media::Form)),
            ("text/plain", None),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))]);
            assert_eq!(media(&headers), want, "{value}");
        }
    }
}
