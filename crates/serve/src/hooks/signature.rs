//! Whether a call comes from whom it says: HMAC-SHA256 over its bytes, and not long ago.

use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

/// How a signature is set down, as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fields {
    /// The header that holds it.
    header: String,
    /// `hex` or `base64`.
    encoding: String,
    /// What stands before it in the header: `sha256=`. Of a header of several parts with commas between
    /// (`t=…,v1=…`), the part that begins so.
    prefix: String,
    /// The header of the time at which it was signed, in seconds since 1970 or as a date.
    timestamp_header: Option<String>,
    /// Of a header of several parts, the one that holds the time: `t=`.
    timestamp_prefix: Option<String>,
    /// What stands between time and body in what is signed. Without a time, the body alone is.
    between: String,
    /// Seconds by which the time may be off.
    tolerance: u32,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            header: "X-Signature".to_owned(),
            encoding: "hex".to_owned(),
            prefix: String::new(),
            timestamp_header: None,
            timestamp_prefix: None,
            between: ".".to_owned(),
            tolerance: 300,
        }
    }
}

/// Why a call is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is not signed, or not by whoever has the secret.
    Signature,
    /// It was signed too long ago: somebody may be sending it again.
    Time,
}

/// How a source signs.
#[derive(Clone, PartialEq)]
pub(crate) struct Signature {
    secret: String,
    header: HeaderName,
    base64: bool,
    prefix: String,
    time: Option<(HeaderName, String)>,
    between: String,
    tolerance: i64,
}

// Its secret is nobody's to see.
impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({})", self.header)
    }
}

fn name(raw: &str) -> Result<HeaderName, String> {
    raw.parse().map_err(|_| format!("{raw:?} is no header's name"))
}

/// The part of a header that begins with `prefix`.
fn part<'h>(headers: &'h HeaderMap, name: &HeaderName, prefix: &str) -> Option<&'h str> {
    let value = headers.get(name)?.to_str().ok()?;
    if prefix.is_empty() {
        return Some(value.trim());
    }
    value.split(',').find_map(|part| part.trim().strip_prefix(prefix))
}

impl Signature {
    pub(super) fn new(secret: String, fields: Fields) -> Result<Self, String> {
        let header = name(&fields.header)?;
        let base64 = match fields.encoding.as_str() {
            "hex" => false,
            "base64" => true,
            other => return Err(format!("encoding {other:?}: there are hex and base64")),
        };
        let time = match (fields.timestamp_header, fields.timestamp_prefix) {
            (Some(raw), prefix) => Some((name(&raw)?, prefix.unwrap_or_default())),
            (None, Some(prefix)) => Some((header.clone(), prefix)),
            (None, None) => None,
        };
        let tolerance = i64::from(fields.tolerance);
        Ok(Self { secret, header, base64, prefix: fields.prefix, time, between: fields.between, tolerance })
    }

    /// Whether the call is to be believed; `now` in milliseconds since 1970.
    pub(crate) fn check(&self, headers: &HeaderMap, body: &[u8], now: i64) -> Result<(), Refused> {
        let given = part(headers, &self.header, &self.prefix).ok_or(Refused::Signature)?;
        let given = if self.base64 { BASE64_STANDARD.decode(given).ok() } else { unhex(given) };
        let given = given.ok_or(Refused::Signature)?;
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).map_err(|_| Refused::Signature)?;
        let mut signed = None;
        if let Some((header, prefix)) = &self.time {
            let raw = part(headers, header, prefix).ok_or(Refused::Signature)?;
            mac.update(raw.as_bytes());
            mac.update(self.between.as_bytes());
            signed = Some(raw);
        }
        mac.update(body);
        // Compared in constant time.
        mac.verify_slice(&given).map_err(|_| Refused::Signature)?;
        if let Some(raw) = signed {
            let seconds = raw.parse::<i64>().ok().filter(|_| raw.len() <= 11).map(|seconds| seconds * 1000);
            let time = seconds.or_else(|| sentimeter_corpus::parse_time(raw)).ok_or(Refused::Time)?;
            if (now - time).abs() > self.tolerance * 1000 {
                return Err(Refused::Time);
            }
        }
        Ok(())
    }
}

fn unhex(raw: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = raw.as_bytes().chunks(2);
    pairs.map(|pair| Some((digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "It's a Secret to Everybody";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    /// The example of GitHub's own documentation on validating webhook deliveries.
    #[test]
    fn a_published_example_is_right() {
        let fields = Fields {
            header: "X-Hub-Signature-256".to_owned(),
            prefix: "sha256=".to_owned(),
            ..Fields::default()
        };
        let signature = Signature::new(SECRET.to_owned(), fields).unwrap();
        let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let check =
            |value: &str, body: &[u8]| signature.check(&headers(&[("x-hub-signature-256", value)]), body, 0);
        assert_eq!(check(right, b"Hello, World!"), Ok(()));
        assert_eq!(check(right, b"Hello, World?"), Err(Refused::Signature));
        for wrong in [&right[..70], &right.replace('7', "8"), "sha256=", "sha1=757107ea", "", &right[7..]] {
            assert_eq!(check(wrong, b"Hello, World!"), Err(Refused::Signature), "{wrong}");
        }
        assert_eq!(signature.check(&HeaderMap::new(), b"Hello, World!", 0), Err(Refused::Signature));
    }

    #[test]
    fn what_was_signed_long_ago_or_ahead_is_not_taken_again() {
        let fields =
            Fields { prefix: "v1=".to_owned(), timestamp_prefix: Some("t=".to_owned()), ..Fields::default() };
        let signature = Signature::new(SECRET.to_owned(), fields).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(b"1795162500.{}");
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let told = headers(&[("x-signature", &format!("t=1795162500, v1={hex}"))]);
        for (seconds, want) in [
            (0, Ok(())),
            (299, Ok(())),
            (-299, Ok(())),
            (301, Err(Refused::Time)),
            (-301, Err(Refused::Time)),
        ] {
            assert_eq!(signature.check(&told, b"{}", (1_795_162_500 + seconds) * 1000), want, "{seconds}");
        }
        // The time is signed, too.
        let moved = headers(&[("x-signature", &format!("t=1795162600, v1={hex}"))]);
        assert_eq!(signature.check(&moved, b"{}", 1_795_162_600_000), Err(Refused::Signature));
    }
}
