//! Browser sessions: who signed in by which key, and since when.

use sqlx::Row as _;

use crate::audit::Act;
use crate::error::sql;
use crate::keys::{Key, key};
use crate::rows::get;
use crate::store::query;
use crate::{Store, StoreError, now};

/// A session, without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The key that opened it.
    pub key: Key,
    /// When it began, in milliseconds since 1970.
    pub created: i64,
    /// When it was last used, to the minute or so.
    pub seen: i64,
}

/// What is stored of a token. A plain hash will do: nobody guesses 256 random bits.
fn hash(token: &str) -> String {
    blake3::hash(token.as_bytes()).to_hex().to_string()
}

impl Store {
    /// Opens a session for `key`, whose holder asks from `address`; gives its token, which is nowhere else from
    /// then on. Sessions that were not used since `idle` or began before `oldest` go.
    ///
    /// # Errors
    /// A system without random numbers, a database that cannot be written.
    pub async fn create_session(
        &self,
        key: &Key,
        address: &str,
        (oldest, idle): (i64, i64),
    ) -> Result<String, StoreError> {
        let mut bits = [0_u8; 32];
        getrandom::fill(&mut bits).map_err(|e| StoreError::Random { why: e.to_string() })?;
        let token = blake3::Hash::from_bytes(bits).to_hex().to_string();
        let (mut writing, time) = (self.write().await?, now());
        query("DELETE FROM sessions WHERE created < $1 OR seen < $2")
            .bind(oldest)
            .bind(idle)
            .execute(writing.on())
            .await
            .map_err(sql("end old sessions"))?;
        query("INSERT INTO sessions (hash, key, created, seen) VALUES ($1, $2, $3, $4)")
            .bind(hash(&token))
            .bind(key.id.clone())
            .bind(time)
            .bind(time)
            .execute(writing.on())
            .await
            .map_err(sql("open a session"))?;
        let who = format!("{} ({})", key.name, key.id);
        let detail = serde_json::json!({ "address": address, "role": key.role });
        self.note(&mut writing, &Act { who: &who, action: "sign-in", target: &key.id, detail: &detail })
            .await?;
        writing.commit().await?;
        Ok(token)
    }

    /// The session of this token, unless it or its key is gone. How old it may be is for the caller to say.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn session(&self, token: &str) -> Result<Option<Session>, StoreError> {
        let row = query(
            "SELECT k.id AS id, k.name AS name, k.role AS role, k.created AS created, k.revoked AS revoked, \
             s.created AS begun, s.seen AS seen FROM sessions s JOIN keys k ON k.id = s.key \
             WHERE s.hash = $1 AND k.revoked IS NULL",
        )
        .bind(hash(token))
        .fetch_optional(self.pool())
        .await
        .map_err(sql("look a session up"))?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Session { key: key(&row)?, created: get(&row, "begun")?, seen: get(&row, "seen")? }))
    }

    /// Notes that a session is in use.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn touch_session(&self, token: &str) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        query("UPDATE sessions SET seen = $2 WHERE hash = $1")
            .bind(hash(token))
            .bind(now())
            .execute(writing.on())
            .await
            .map_err(sql("note a session's use"))?;
        writing.commit().await
    }

    /// Ends a session; gives whether there was one.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn end_session(&self, token: &str) -> Result<bool, StoreError> {
        let mut writing = self.write().await?;
        let row = query(
            "SELECT k.id AS id, k.name AS name FROM sessions s JOIN keys k ON k.id = s.key WHERE s.hash = $1",
        )
        .bind(hash(token))
        .fetch_optional(writing.on())
        .await
        .map_err(sql("look a session up"))?;
        let Some(row) = row else { return Ok(false) };
        let (id, name): (String, String) = (get(&row, "id")?, get(&row, "name")?);
        query("DELETE FROM sessions WHERE hash = $1")
            .bind(hash(token))
            .execute(writing.on())
            .await
            .map_err(sql("end a session"))?;
        let who = format!("{name} ({id})");
        let act = Act { who: &who, action: "sign-out", target: &id, detail: &serde_json::Value::Null };
        self.note(&mut writing, &act).await?;
        writing.commit().await?;
        Ok(true)
    }

    /// How many sessions there are, those that nobody may use any more too.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn count_sessions(&self) -> Result<i64, StoreError> {
        let row = query("SELECT COUNT(*) FROM sessions").fetch_one(self.pool()).await;
        row.and_then(|row| row.try_get(0)).map_err(sql("count sessions"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Database, Role};

    #[tokio::test]
    async fn a_session_lives_until_it_is_ended_or_its_key_revoked() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path(), &Database::Memory).await.unwrap();
        let (key, _) = store.create_key("eve", Role::Reviewer, "test").await.unwrap();
        let always = (i64::MIN, i64::MIN);
        let token = store.create_session(&key, "192.0.2.7", always).await.unwrap();
        let other = store.create_session(&key, "192.0.2.7", always).await.unwrap();
        assert_ne!(token, other);
        let found = store.session(&token).await.unwrap().unwrap();
        assert_eq!((&found.key, found.created), (&key, found.seen));
        assert_eq!(store.session("").await.unwrap(), None);
        store.touch_session(&token).await.unwrap();
        assert!(store.session(&token).await.unwrap().unwrap().seen >= found.seen);
        assert!(store.end_session(&token).await.unwrap());
        assert!(!store.end_session(&token).await.unwrap());
        assert_eq!(store.session(&token).await.unwrap(), None);
        store.revoke_key(&key.id, "test").await.unwrap();
        assert_eq!(store.session(&other).await.unwrap(), None);
        let (key, _) = store.create_key("bob", Role::Admin, "test").await.unwrap();
        store.create_session(&key, "::1", (i64::MAX, i64::MAX)).await.unwrap();
        assert_eq!(store.count_sessions().await.unwrap(), 1, "old ones are gone");
        let told: Vec<String> =
            store.audit_entries(0).await.unwrap().into_iter().map(|entry| entry.action).collect();
        let want = ["create-key", "sign-in", "sign-in", "sign-out", "revoke-key", "create-key", "sign-in"];
        assert_eq!(told, want);
        assert_eq!(store.verify_audit(None).await.unwrap().fault, None);
    }
}
