//! Who changed what: rows are added, never changed, and each one's hash covers the one before, so that an
//! edit, a gap or a missing end shows.
//!
//! Whoever can write the database can also make a whole new chain: a head that was noted elsewhere
//! ([`Audited::head`]) finds even that.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Executor;
use sqlx::any::AnyRow;

use crate::error::sql;
use crate::rows::{get, text};
use crate::store::{Writing, query};
use crate::{Store, StoreError, now};

/// Entries that are read at a time.
const PAGE: i64 = 1000;

/// What is done, to be noted.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// The key's name, or the user of the command line.
    pub who: &'a str,
    /// `create-key`, `review`, `swap-model`, …
    pub action: &'a str,
    /// What it is done to.
    pub target: &'a str,
    /// Whatever else should be known; never the content of a text.
    pub detail: &'a Value,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its place, from 1, without gaps.
    pub number: i64,
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// Who did it.
    pub who: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub target: String,
    /// What else is known, as JSON.
    pub detail: String,
    /// BLAKE3 of the hash before and of everything above.
    pub hash: String,
}

impl AuditEntry {
    /// What `hash` must be behind an entry whose hash is `before`. Lengths stand before the parts, so that
    /// nothing can move from one to the next.
    fn sealed(&self, before: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        let (number, time) = (self.number.to_string(), self.time.to_string());
        for part in [before, &number, &time, &self.who, &self.action, &self.target, &self.detail] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// What a look at the whole log found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// Entries that are there.
    pub entries: i64,
    /// The last one's hash; empty without any.
    pub head: String,
    /// What is wrong with it, and at which number: the first fault.
    pub fault: Option<(i64, String)>,
}

fn entry(row: &AnyRow) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        number: get(row, "number")?,
        time: get(row, "time")?,
        who: get(row, "who")?,
        action: get(row, "action")?,
        target: get(row, "target")?,
        detail: get(row, "detail")?,
        hash: get(row, "hash")?,
    })
}

impl Store {
    /// Notes what was done, durably.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn audit(&self, act: &Act<'_>) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        self.note(&mut writing, act).await?;
        writing.commit().await
    }

    /// The same within what is written already: the change and its entry, or neither.
    pub(crate) async fn note(&self, writing: &mut Writing, act: &Act<'_>) -> Result<(), StoreError> {
        let cannot = || sql("write the audit log");
        if let Some(alone) = self.dialect().alone() {
            writing.on().execute(alone).await.map_err(cannot())?;
        }
        let head = query("SELECT number, hash FROM audit_head WHERE one = 1").fetch_optional(writing.on());
        let (number, before) = match head.await.map_err(cannot())? {
            Some(row) => (get::<i64>(&row, "number")?, get::<String>(&row, "hash")?),
            None => (0, String::new()),
        };
        let mut entry = AuditEntry {
            number: number + 1,
            time: now(),
            who: text(act.who),
            action: text(act.action),
            target: text(act.target),
            detail: text(&act.detail.to_string()),
            hash: String::new(),
        };
        entry.hash = entry.sealed(&before);
        query(
            "INSERT INTO audit (number, time, who, action, target, detail, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(entry.number)
        .bind(entry.time)
        .bind(entry.who)
        .bind(entry.action)
        .bind(entry.target)
        .bind(entry.detail)
        .bind(entry.hash.clone())
        .execute(writing.on())
        .await
        .map_err(cannot())?;
        query(
            "INSERT INTO audit_head (one, number, hash) VALUES (1, $1, $2) \
             ON CONFLICT (one) DO UPDATE SET number = excluded.number, hash = excluded.hash",
        )
        .bind(entry.number)
        .bind(entry.hash)
        .execute(writing.on())
        .await
        .map_err(cannot())?;
        Ok(())
    }

    /// The entries behind number `after`, in order, at the most a thousand: pages of the log.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn audit_entries(&self, after: i64) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = query(
            "SELECT number, time, who, action, target, detail, hash FROM audit WHERE number > $1 \
             ORDER BY number LIMIT $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(self.pool())
        .await
        .map_err(sql("read the audit log"))?;
        rows.iter().map(entry).collect()
    }

    /// The newest entries with a number below `before`, newest first, at the most `limit`.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn newest_audit_entries(&self, before: i64, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = query(
            "SELECT number, time, who, action, target, detail, hash FROM audit WHERE number < $1 \
             ORDER BY number DESC LIMIT $2",
        )
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(self.pool())
        .await
        .map_err(sql("read the audit log"))?;
        rows.iter().map(entry).collect()
    }

    /// Looks at the whole log. With `head`, a hash that was noted before, that entry must be there, too.
    ///
    /// # Errors
    /// A database that cannot be read; what is wrong with the log is no error but the answer.
    pub async fn verify_audit(&self, head: Option<&str>) -> Result<Audited, StoreError> {
        // Read before the entries: what is added meanwhile is no fault.
        let stated = query("SELECT number, hash FROM audit_head WHERE one = 1").fetch_optional(self.pool());
        let stated = match stated.await.map_err(sql("read the audit log"))? {
            Some(row) => (get::<i64>(&row, "number")?, get::<String>(&row, "hash")?),
            None => (0, String::new()),
        };
        let mut found = Audited { entries: 0, head: String::new(), fault: None };
        let (mut last, mut noted, mut at_stated) = (0, head.is_none(), stated == (0, String::new()));
        loop {
            let page = self.audit_entries(last).await?;
            let Some(end) = page.last() else { break };
            let next = end.number;
            for entry in page {
                if found.fault.is_none() {
                    if entry.number != found.entries + 1 {
                        let missing = found.entries + 1;
                        found.fault = Some((missing, format!("entry {missing} is missing")));
                    } else if entry.sealed(&found.head) != entry.hash {
                        let why = format!("entry {0}, or the one before it, was changed", entry.number);
                        found.fault = Some((entry.number, why));
                    }
                }
                noted |= head == Some(entry.hash.as_str());
                at_stated |= stated == (entry.number, entry.hash.clone());
                found.entries += 1;
                found.head = entry.hash;
            }
            last = next;
        }
        if found.fault.is_none() && !at_stated {
            let why = format!("the log ends before its entry {}", stated.0);
            found.fault = Some((found.entries + 1, why));
        }
        if found.fault.is_none() && !noted {
            found.fault = Some((0, "the noted head is not in the log: it is another log".to_owned()));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Database;

    /// What a log of five entries says of itself after `forgery`.
    async fn after(forgery: &[&'static str], head: Option<&str>) -> Audited {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path(), &Database::Memory).await.unwrap();
        for n in 1..=5 {
            let target = format!("key {n}");
            let act = Act { who: "ada", action: "create-key", target: &target, detail: &Value::Null };
            store.audit(&act).await.unwrap();
        }
        for statement in forgery {
            query(statement).execute(store.pool()).await.unwrap();
        }
        store.verify_audit(head).await.unwrap()
    }

    #[tokio::test]
    async fn every_edit_gap_and_missing_end_is_found() {
        let whole = after(&[], None).await;
        assert_eq!((whole.entries, whole.fault, whole.head.len()), (5, None, 64));
        for (forgery, at) in [
            (&["UPDATE audit SET who = 'eve' WHERE number = 3"][..], 3),
            (&["UPDATE audit SET time = time + 1 WHERE number = 1"], 1),
            (&["UPDATE audit SET action = 'create-keykey', target = ' 5' WHERE number = 5"], 5),
            (&["UPDATE audit SET hash = 'f' WHERE number = 2"], 2),
            (&["DELETE FROM audit WHERE number = 2"], 2),
            (&["DELETE FROM audit WHERE number = 1"], 1),
            (&["DELETE FROM audit WHERE number > 3"], 4),
            (&["DELETE FROM audit"], 1),
            (
                &[
                    "DELETE FROM audit WHERE number = 2",
                    "UPDATE audit SET number = number - 1 WHERE number > 2",
                ],
                2,
            ),
        ] {
            let found = after(forgery, None).await;
            assert_eq!(found.fault.map(|(number, _)| number), Some(at), "{forgery:?}");
        }
    }

    #[tokio::test]
    async fn a_whole_new_chain_is_found_by_a_head_that_was_noted() {
        let cut = ["DELETE FROM audit", "DELETE FROM audit_head"];
        assert_eq!(after(&cut, None).await.fault, None);
        let noted = "0".repeat(64);
        assert!(after(&cut, Some(&noted)).await.fault.is_some());
    }
}
