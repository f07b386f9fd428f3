//! Keys to the server: what they may do, and the hash that they are known by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::Executor;
use sqlx::any::AnyRow;

use crate::audit::Act;
use crate::error::sql;
use crate::rows::{get, text};
use crate::store::{Writing, query};
use crate::{Store, StoreError, now, unique};

/// How a key begins, so that one that leaked is recognised.
const MARK: &str = "smk_";

/// What a key's holder may do; each may what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Ask for predictions, report wrong ones.
    Predict,
    /// Read what was recorded.
    Analyst,
    /// Decide on reports.
    Reviewer,
    /// Everything.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Predict, Self::Analyst, Self::Reviewer, Self::Admin];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Predict => "predict",
            Self::Analyst => "analyst",
            Self::Reviewer => "reviewer",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = StoreError;

    fn from_str(raw: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == raw);
        found.ok_or_else(|| StoreError::Value { what: "a key's role", found: raw.to_owned() })
    }
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its name for good.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// Since when it opens nothing any more.
    pub revoked: Option<i64>,
}

/// What is stored of a secret. A plain hash will do: nobody guesses 256 random bits.
fn hash(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

pub(crate) fn key(row: &AnyRow) -> Result<Key, StoreError> {
    Ok(Key {
        id: get(row, "id")?,
        name: get(row, "name")?,
        role: get::<String>(row, "role")?.parse()?,
        created: get(row, "created")?,
        revoked: get(row, "revoked")?,
    })
}

impl Store {
    /// Makes a key; gives it and its secret, which is nowhere else from then on.
    ///
    /// # Errors
    /// A system without random numbers, a database that cannot be written.
    pub async fn create_key(&self, name: &str, role: Role, who: &str) -> Result<(Key, String), StoreError> {
        let mut writing = self.write().await?;
        let made = self.make_key(&mut writing, name, role, who).await?;
        writing.commit().await?;
        Ok(made)
    }

    /// The same where there is no key at all, not even a revoked one: of all who ask at once, one gets it, and the
    /// others `None`.
    ///
    /// # Errors
    /// As [`Store::create_key`].
    pub async fn create_first_key(
        &self,
        name: &str,
        role: Role,
        who: &str,
    ) -> Result<Option<(Key, String)>, StoreError> {
        let mut writing = self.write().await?;
        // There is no row yet that could be locked.
        if let Some(alone) = self.dialect().alone() {
            writing.on().execute(alone).await.map_err(sql("lock the keys"))?;
        }
        let row = query("SELECT COUNT(*) AS count FROM keys").fetch_one(writing.on()).await;
        if get::<i64>(&row.map_err(sql("count keys"))?, "count")? > 0 {
            return Ok(None);
        }
        let made = self.make_key(&mut writing, name, role, who).await?;
        writing.commit().await?;
        Ok(Some(made))
    }

    async fn make_key(
        &self,
        writing: &mut Writing,
        name: &str,
        role: Role,
        who: &str,
    ) -> Result<(Key, String), StoreError> {
        let mut bits = [0_u8; 32];
        getrandom::fill(&mut bits).map_err(|e| StoreError::Random { why: e.to_string() })?;
        let secret = format!("{MARK}{}", blake3::Hash::from_bytes(bits).to_hex());
        let key = Key { id: unique(), name: text(name), role, created: now(), revoked: None };
        query("INSERT INTO keys (id, name, role, hash, created) VALUES ($1, $2, $3, $4, $5)")
            .bind(key.id.clone())
            .bind(key.name.clone())
            .bind(role.as_str())
            .bind(hash(&secret))
            .bind(key.created)
            .execute(writing.on())
            .await
            .map_err(sql("store a key"))?;
        let detail = serde_json::json!({ "name": key.name, "role": role });
        self.note(writing, &Act { who, action: "create-key", target: &key.id, detail: &detail }).await?;
        Ok((key, secret))
    }

    /// The key whose secret this is, unless it was revoked.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn key_of(&self, secret: &str) -> Result<Option<Key>, StoreError> {
        if !secret.starts_with(MARK) || secret.len() != MARK.len() + 64 {
            return Ok(None);
        }
        let row =
            query("SELECT id, name, role, created, revoked FROM keys WHERE hash = $1 AND revoked IS NULL")
                .bind(hash(secret))
                .fetch_optional(self.pool())
                .await
                .map_err(sql("look a key up"))?;
        row.as_ref().map(key).transpose()
    }

    /// All keys, oldest first, revoked ones too.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn keys(&self) -> Result<Vec<Key>, StoreError> {
        let rows = query("SELECT id, name, role, created, revoked FROM keys ORDER BY created, id")
            .fetch_all(self.pool())
            .await
            .map_err(sql("list keys"))?;
        rows.iter().map(key).collect()
    }

    /// Has a key, by id or by its name where only one has it, open nothing any more.
    ///
    /// # Errors
    /// No such key, or several of that name.
    pub async fn revoke_key(&self, wanted: &str, who: &str) -> Result<Key, StoreError> {
        let keys = self.keys().await?;
        let live = |key: &&Key| key.revoked.is_none() && (key.id == wanted || key.name == wanted);
        let mut found = keys.iter().filter(live);
        let missing =
            |hint: &str| StoreError::Missing { what: "key", name: wanted.to_owned(), hint: hint.to_owned() };
        let key = found.next().ok_or_else(|| missing("; `sentimeter keys list` shows those that open"))?;
        if found.next().is_some() {
            return Err(missing(" alone: several have this name; give the id"));
        }
        let mut writing = self.write().await?;
        let time = now();
        query("UPDATE keys SET revoked = $2 WHERE id = $1 AND revoked IS NULL")
            .bind(key.id.clone())
            .bind(time)
            .execute(writing.on())
            .await
            .map_err(sql("revoke a key"))?;
        let detail = serde_json::json!({ "name": key.name, "role": key.role });
        self.note(&mut writing, &Act { who, action: "revoke-key", target: &key.id, detail: &detail }).await?;
        writing.commit().await?;
        Ok(Key { revoked: Some(time), ..key.clone() })
    }
}
