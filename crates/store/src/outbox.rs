//! What waits to be sent elsewhere: run by run in order, each entry by one process at a time.
//!
//! Delivery is at least once: a sender that dies between sending and [`Store::outbox_done`] has its
//! entries sent again by the next, once its claim runs out.

use std::time::Duration;

use serde_json::Value;
use sqlx::any::AnyRow;

use crate::error::sql;
use crate::rows::{get, json, text};
use crate::store::{built, query};
use crate::{RunId, Store, StoreError, now, unique};

/// Something to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place in the order.
    pub id: i64,
    /// What the sender makes of it.
    pub payload: Value,
    /// When it was put here, in milliseconds since 1970.
    pub created: i64,
    /// How often sending it failed.
    pub attempts: i64,
}

/// The oldest entries of one run, for one sender.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Whose they are: what was asked for.
    pub sink: String,
    /// The run that they belong to.
    pub run: RunId,
    /// In the order in which they are to be sent.
    pub entries: Vec<Entry>,
    token: String,
}

/// What a run still has waiting.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Waiting {
    /// The run.
    pub run: RunId,
    /// How many entries.
    pub entries: i64,
    /// When the oldest was put there.
    pub oldest: i64,
    /// How often sending the next one has failed.
    pub attempts: i64,
    /// What the last failure was.
    pub error: Option<String>,
}

impl Store {
    /// Takes up to `most` entries of one run that nobody is sending and whose time has come; with
    /// `eager`, whether it has come or not. They are this caller's for `lease`, and so is the run: nobody
    /// is given later entries of it meanwhile.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn outbox_claim(
        &self,
        sink: &str,
        only: Option<&RunId>,
        most: u32,
        lease: Duration,
        eager: bool,
    ) -> Result<Option<Claim>, StoreError> {
        let cannot = || sql("take something from the outbox");
        let now = now();
        let mut writing = self.write().await?;
        // The first entry of a run stands for the run: whoever has it has the run.
        let whose = if only.is_some() { "AND h.run = $4" } else { "" };
        let mut select = built(format!(
            "SELECT h.id AS id, h.run AS run FROM outbox h WHERE h.sink = $1 AND h.done IS NULL AND h.due <= $2 \
             AND h.claimed_until <= $3 {whose} AND h.id = \
             (SELECT MIN(o.id) FROM outbox o WHERE o.sink = $1 AND o.run = h.run AND o.done IS NULL) \
             ORDER BY h.id LIMIT 1{}",
            self.dialect().claiming()
        ))
        .bind(text(sink))
        .bind(if eager { i64::MAX } else { now })
        .bind(now);
        if let Some(run) = only {
            select = select.bind(run.to_string());
        }
        let Some(head) = select.fetch_optional(writing.on()).await.map_err(cannot())? else {
            return Ok(None);
        };
        let run = RunId::from_stored(get::<String>(&head, "run")?);
        let rows = built(format!(
            "SELECT id, payload, created, attempts FROM outbox \
             WHERE sink = $1 AND run = $2 AND done IS NULL ORDER BY id LIMIT {}",
            most.max(1)
        ))
        .bind(text(sink))
        .bind(run.to_string())
        .fetch_all(writing.on())
        .await
        .map_err(cannot())?;
        let entries = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let last = entries.last().map_or(0, |entry| entry.id);
        let token = unique();
        query(
            "UPDATE outbox SET claim = $1, claimed_until = $2 \
             WHERE sink = $3 AND run = $4 AND done IS NULL AND id <= $5",
        )
        .bind(&token)
        .bind(now.saturating_add(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX)))
        .bind(text(sink))
        .bind(run.to_string())
        .bind(last)
        .execute(writing.on())
        .await
        .map_err(cannot())?;
        writing.commit().await?;
        Ok(Some(Claim { sink: sink.to_owned(), run, entries, token }))
    }

    /// The entries of `claim` up to and with `id` were sent. Entries that the claim has lost meanwhile
    /// stay with whoever has them.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn outbox_done(&self, claim: &Claim, id: i64) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        query("UPDATE outbox SET done = $1, claim = NULL, error = NULL WHERE claim = $2 AND id <= $3 AND done IS NULL")
            .bind(now())
            .bind(&claim.token)
            .bind(id)
            .execute(writing.on())
            .await
            .map_err(sql("mark something as sent"))?;
        writing.commit().await
    }

    /// Sending the first entry of `claim` that is not done failed: all that is left of the claim is let
    /// go, to be sent no earlier than `again` (milliseconds since 1970).
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn outbox_failed(&self, claim: &Claim, error: &str, again: i64) -> Result<(), StoreError> {
        let cannot = || sql("note that sending failed");
        let mut writing = self.write().await?;
        query(
            "UPDATE outbox SET attempts = attempts + 1, error = $1, due = $2 WHERE id = \
             (SELECT MIN(id) FROM outbox WHERE claim = $3 AND done IS NULL)",
        )
        .bind(text(error))
        .bind(again)
        .bind(&claim.token)
        .execute(writing.on())
        .await
        .map_err(cannot())?;
        self.let_go(&mut writing, claim).await?;
        writing.commit().await
    }

    /// Lets the entries of `claim` that are not done go, at once to be taken by another.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn outbox_release(&self, claim: &Claim) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        self.let_go(&mut writing, claim).await?;
        writing.commit().await
    }

    async fn let_go(&self, writing: &mut crate::store::Writing, claim: &Claim) -> Result<(), StoreError> {
        query("UPDATE outbox SET claim = NULL, claimed_until = 0 WHERE claim = $1 AND done IS NULL")
            .bind(&claim.token)
            .execute(writing.on())
            .await
            .map_err(sql("let go of something in the outbox"))?;
        Ok(())
    }

    /// What is still to be sent by `sink`, run by run, oldest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn outbox_waiting(&self, sink: &str) -> Result<Vec<Waiting>, StoreError> {
        let rows = query(
            "SELECT h.run AS run, c.entries AS entries, h.created AS oldest, h.attempts AS attempts, h.error AS error \
             FROM (SELECT MIN(id) AS first, COUNT(*) AS entries FROM outbox WHERE sink = $1 AND done IS NULL GROUP BY run) c \
             JOIN outbox h ON h.id = c.first ORDER BY h.id",
        )
        .bind(text(sink))
        .fetch_all(self.pool())
        .await
        .map_err(sql("look into the outbox"))?;
        let waiting = |row: &AnyRow| -> Result<Waiting, StoreError> {
            Ok(Waiting {
                run: RunId::from_stored(get::<String>(row, "run")?),
                entries: get(row, "entries")?,
                oldest: get(row, "oldest")?,
                attempts: get(row, "attempts")?,
                error: get(row, "error")?,
            })
        };
        rows.iter().map(waiting).collect()
    }

    /// Forgets what was sent by `sink` before `before`; with a run, also what it still has waiting. Gives
    /// how many entries went.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn outbox_forget(
        &self,
        sink: &str,
        before: i64,
        waiting_of: Option<&RunId>,
    ) -> Result<u64, StoreError> {
        let cannot = || sql("tidy the outbox");
        let mut writing = self.write().await?;
        let sent = query("DELETE FROM outbox WHERE sink = $1 AND done < $2")
            .bind(text(sink))
            .bind(before)
            .execute(writing.on())
            .await
            .map_err(cannot())?;
        let mut gone = sent.rows_affected();
        if let Some(run) = waiting_of {
            let unsent = query("DELETE FROM outbox WHERE sink = $1 AND run = $2 AND done IS NULL")
                .bind(text(sink))
                .bind(run.to_string())
                .execute(writing.on())
                .await
                .map_err(cannot())?;
            gone += unsent.rows_affected();
        }
        writing.commit().await?;
        Ok(gone)
    }
}

fn entry(row: &AnyRow) -> Result<Entry, StoreError> {
    Ok(Entry {
        id: get(row, "id")?,
        payload: json(row, "payload")?,
        created: get(row, "created")?,
        attempts: get(row, "attempts")?,
    })
}
