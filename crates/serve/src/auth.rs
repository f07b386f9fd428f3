//! Who asks, and whether they may.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sentimeter_store::{Key, Role, Store};

use crate::problem::Problem;

/// How long a key that was found is not looked up again: a revoked one opens at most so long.
const FRESH: Duration = Duration::from_secs(2);

/// Keys that are remembered.
const REMEMBERED: usize = 1024;

/// Whoever sent the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The key's name and id, or `local`.
    pub(crate) who: String,
    /// What the key may; `None` without one.
    pub(crate) role: Option<Role>,
}

/// Looks keys up.
pub(crate) struct Gate {
    store: Store,
    /// Whether this machine's own users need no key for what is open to them.
    loopback: bool,
    /// By hash of the secret. Only keys that open are here, so guessing fills nothing.
    known: Mutex<HashMap<[u8; 32], (Instant, Key)>>,
}

/// The secret that the request carries: a bearer's token, or the password of a browser's own question.
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

impl Gate {
    pub(crate) fn new(store: Store, loopback: bool) -> Self {
        Self { store, loopback, known: Mutex::default() }
    }

    /// The caller, who may do what wants `role`. `open`: on loopback it wants no key.
    pub(crate) async fn let_in(
        &self,
        headers: &HeaderMap,
        role: Role,
        open: bool,
    ) -> Result<Caller, Problem> {
        if !headers.contains_key(header::AUTHORIZATION) {
            if open && self.loopback {
                return Ok(Caller { who: "local".to_owned(), role: None });
            }
            let detail = format!(
                "send `Authorization: Bearer KEY` with a key of role {role}; `sentimeter keys create` makes one"
            );
            return Err(Problem::unauthorized(detail));
        }
        let unknown = || Problem::unauthorized("this key is unknown or was revoked");
        let key = self.key(&secret(headers).ok_or_else(unknown)?).await?.ok_or_else(unknown)?;
        if key.role < role {
            let detail = format!("the key {:?} has the role {}; this wants {role}", key.name, key.role);
            return Err(Problem::forbidden(detail));
        }
        Ok(Caller { who: format!("{} ({})", key.name, key.id), role: Some(key.role) })
    }

    async fn key(&self, secret: &str) -> Result<Option<Key>, Problem> {
        let hash = *blake3::hash(secret.as_bytes()).as_bytes();
        let now = Instant::now();
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((since, key)) = known.get(&hash)
                && now.duration_since(*since) < FRESH
            {
                return Ok(Some(key.clone()));
            }
        }
        let found = self.store.key_of(secret).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(key) => {
                if known.len() >= REMEMBERED {
                    known.clear();
                }
                known.insert(hash, (now, key.clone()));
            }
            None => drop(known.remove(&hash)),
        }
        Ok(found)
    }
}
