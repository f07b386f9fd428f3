//! Who asks, and whether they may: by a key, or by a browser's session that a key has opened.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sentimeter_store::{Key, Role, Store, now};

use crate::client::Client;
use crate::limits::Limit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::trace::stored;

/// How long a key or a session that was found is not looked up again: a revoked one opens at most so long.
const FRESH: Duration = Duration::from_secs(2);

/// Keys, and sessions, that are remembered.
const REMEMBERED: usize = 1024;

/// How often a session's use is written down.
const NOTED: Duration = Duration::from_secs(60);

/// The session's cookie; behind TLS with the prefix that keeps other hosts and plain HTTP from setting it.
const COOKIES: [&str; 2] = ["sentimeter", "__Host-sentimeter"];

/// What a script of ours sends with a change, in place of a form's field.
pub(crate) const CSRF: &str = "x-csrf-token";

/// Whoever sent the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The key's name and id, or `local`.
    pub(crate) who: String,
    /// What the key may; `None` without one.
    pub(crate) role: Option<Role>,
}

/// Somebody who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor {
    pub(crate) key: Key,
    /// When the session began and was last seen to be used, in milliseconds since 1970.
    created: i64,
    seen: i64,
}

/// Looks keys and sessions up.
pub(crate) struct Gate {
    store: Store,
    /// Whether this machine's own users need no key for what is open to them.
    loopback: bool,
    /// How long a session lives unused, and how long at all.
    idle: Duration,
    most: Duration,
    /// What tokens against forged requests are made with.
    forms: [u8; 32],
    per_address: Option<Limit>,
    per_key: Option<Limit>,
    guesses: Limit,
    /// By hash of the secret. Only keys that open are here, so guessing fills nothing.
    known: Mutex<HashMap<[u8; 32], (Instant, Key)>>,
    /// By hash of the token. Only sessions that live are here.
    visitors: Mutex<HashMap<[u8; 32], (Instant, Visitor)>>,
}

/// The secret that the request carries: a bearer's token, or the password of basic authentication.
fn secret(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
        return pair.split_once(':').map(|(_, password)| password.to_owned());
    }
    None
}

/// The token of the session's cookie. Of several, which only somebody else can have set, none.
fn token(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(name, _)| COOKIES.contains(name)).map(|(_, token)| token);
    let token = found.next()?;
    let one = found.next().is_none();
    (one && token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit())).then_some(token)
}

fn remember<V>(known: &Mutex<HashMap<[u8; 32], (Instant, V)>>, hash: [u8; 32], value: Option<V>) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    match value {
        Some(value) => {
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(hash, (Instant::now(), value));
        }
        None => drop(known.remove(&hash)),
    }
}

/// What is remembered of `hash`, and whether it is younger than `fresh`.
fn recall<V: Clone>(
    known: &Mutex<HashMap<[u8; 32], (Instant, V)>>,
    hash: &[u8; 32],
    fresh: Duration,
) -> Option<(V, bool)> {
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.get(hash).map(|(since, value)| (value.clone(), since.elapsed() < fresh))
}

impl Gate {
    pub(crate) fn new(store: Store, settings: &Settings, key: &[u8; 32]) -> Self {
        let limit = || settings.rate.map(Limit::per_second);
        Self {
            store,
            loopback: settings.loopback,
            idle: settings.session_idle,
            most: settings.session_most,
            forms: blake3::derive_key("sentimeter 2026-11 forms", key),
            per_address: limit(),
            per_key: limit(),
            guesses: Limit::guesses(),
            known: Mutex::default(),
            visitors: Mutex::default(),
        }
    }

    /// Whether the client may ask at all just now.
    pub(crate) async fn admit(&self, headers: &HeaderMap, client: &Client) -> Result<(), Problem> {
        let network = client.network();
        let often = |wait| Problem::often("this address asks more often than the server lets it", wait);
        if let Some(limit) = &self.per_address {
            limit.count(&network).map_err(often)?;
        }
        let Some(secret) = secret(headers) else { return Ok(()) };
        let hash = *blake3::hash(secret.as_bytes()).as_bytes();
        if recall(&self.known, &hash, FRESH).is_none() {
            // Before it is looked up: or else guessing on would find out all the same. Only what opens nothing counts:
            // behind one address there may be many with keys of their own, who all come at once.
            self.guesses.refused(&client.network()).map_or(Ok(()), |wait| Err(too_many_guesses(wait)))?;
            if self.key(&secret).await?.is_none() {
                self.guess(client)?;
                return Ok(()); // Who wants a key for the request says that this is none.
            }
        }
        if let Some(limit) = &self.per_key {
            let often = |wait| Problem::often("this key is used more often than the server lets it", wait);
            limit.count(&hash).map_err(often)?;
        }
        Ok(())
    }

    /// Counts a key that may open nothing.
    pub(crate) fn guess(&self, client: &Client) -> Result<(), Problem> {
        self.guesses.count(&client.network()).map_err(too_many_guesses)
    }

    /// The caller, who may do what wants `role`. `open`: on loopback it wants no key.
    pub(crate) async fn let_in(
        &self,
        headers: &HeaderMap,
        role: Role,
        open: bool,
    ) -> Result<Caller, Problem> {
        let key = if headers.contains_key(header::AUTHORIZATION) {
            let unknown = || Problem::unauthorized("this key is unknown or was revoked");
            self.key(&secret(headers).ok_or_else(unknown)?).await?.ok_or_else(unknown)?
        } else {
            match self.visitor(headers).await? {
                Some(visitor) => visitor.key,
                None if open && self.loopback => return Ok(Caller { who: "local".to_owned(), role: None }),
                None => {
                    let detail = format!(
                        "send `Authorization: Bearer KEY` with a key of role {role}; `sentimeter keys create` makes one"
                    );
                    return Err(Problem::unauthorized(detail));
                }
            }
        };
        if key.role < role {
            let detail = format!("the key {:?} has the role {}; this wants {role}", key.name, key.role);
            return Err(Problem::forbidden(detail));
        }
        Ok(Caller { who: format!("{} ({})", key.name, key.id), role: Some(key.role) })
    }

    /// The key of this secret, unless it was revoked.
    pub(crate) async fn key(&self, secret: &str) -> Result<Option<Key>, Problem> {
        let hash = *blake3::hash(secret.as_bytes()).as_bytes();
        if let Some((key, true)) = recall(&self.known, &hash, FRESH) {
            return Ok(Some(key));
        }
        let found = stored("look a key up", self.store.key_of(secret)).await?;
        remember(&self.known, hash, found.clone());
        Ok(found)
    }

    /// Who signed in with this browser, unless that was too long ago.
    pub(crate) async fn visitor(&self, headers: &HeaderMap) -> Result<Option<Visitor>, Problem> {
        let Some(token) = token(headers) else { return Ok(None) };
        let hash = *blake3::hash(token.as_bytes()).as_bytes();
        let live = |visitor: &Visitor| {
            let since = |then: i64| Duration::from_millis(u64::try_from(now() - then).unwrap_or(0));
            since(visitor.created) < self.most && since(visitor.seen) < self.idle
        };
        if let Some((visitor, true)) = recall(&self.visitors, &hash, FRESH.min(self.idle / 8)) {
            return Ok(Some(visitor).filter(live));
        }
        let found = stored("look a session up", self.store.session(token)).await?.map(|session| Visitor {
            key: session.key,
            created: session.created,
            seen: session.seen,
        });
        let Some(mut visitor) = found.filter(live) else {
            remember(&self.visitors, hash, None);
            return Ok(None);
        };
        // Written only now and then, and at least in a quarter of the time that it may be idle.
        let pause = NOTED.min(self.idle / 4).as_millis();
        if u128::try_from(now() - visitor.seen).unwrap_or(0) > pause {
            self.store.touch_session(token).await?;
            visitor.seen = now();
        }
        remember(&self.visitors, hash, Some(visitor.clone()));
        Ok(Some(visitor))
    }

    /// What a form of ours carries, so that nobody else's page can send it.
    pub(crate) fn csrf(&self, headers: &HeaderMap) -> String {
        let whose = token(headers).unwrap_or("nobody's");
        blake3::keyed_hash(&self.forms, whose.as_bytes()).to_hex().to_string()
    }

    /// Whether `given` is what a form of ours carries.
    pub(crate) fn fits(&self, headers: &HeaderMap, given: &str) -> bool {
        let whose = token(headers).unwrap_or("nobody's");
        // Compared in constant time.
        blake3::Hash::from_hex(given)
            .is_ok_and(|given| given == blake3::keyed_hash(&self.forms, whose.as_bytes()))
    }

    /// Opens a session for the holder of `key`; gives the cookie.
    pub(crate) async fn sign_in(&self, key: &Key, client: &Client) -> Result<String, Problem> {
        let before = |age: Duration| now() - i64::try_from(age.as_millis()).unwrap_or(i64::MAX / 2);
        let address = client.address.to_string();
        let token = self.store.create_session(key, &address, (before(self.most), before(self.idle))).await?;
        Ok(cookie(&token, client.secure, self.most.as_secs()))
    }

    /// Ends the browser's session; gives the cookie that takes the place of its own.
    pub(crate) async fn sign_out(&self, headers: &HeaderMap, client: &Client) -> Result<String, Problem> {
        if let Some(token) = token(headers) {
            remember(&self.visitors, *blake3::hash(token.as_bytes()).as_bytes(), None);
            self.store.end_session(token).await?;
        }
        Ok(cookie("", client.secure, 0))
    }
}

fn cookie(token: &str, secure: bool, seconds: u64) -> String {
    let (name, more) = if secure { (COOKIES[1], "; Secure") } else { (COOKIES[0], "") };
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{more}")
}

fn too_many_guesses(wait: u64) -> Problem {
    Problem::often("too many keys from this address opened nothing; wait before the next", wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_token_is_one_cookie_of_sixty_four_digits() {
        let whole = "ab".repeat(32);
        for (cookies, want) in [
            (format!("sentimeter={whole}"), true),
            (format!("a=b; __Host-sentimeter={whole}"), true),
            (format!("sentimeter={whole}; __Host-sentimeter={whole}"), false),
            (format!("sentimeter={whole}; sentimeter={whole}"), false),
            (format!("xsentimeter={whole}"), false),
            (format!("sentimeter={}", &whole[1..]), false),
            (format!("sentimeter={}", whole.replace('a', "g")), false),
            ("sentimeter=".to_owned(), false),
        ] {
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::try_from(&cookies).unwrap())]);
            assert_eq!(token(&headers).is_some(), want, "{cookies}");
        }
    }
}
