//! Files that are scored: what was asked, how far it is, who works on it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::error::sql;
use crate::rows::{get, json, maybe_text, text};
use crate::store::query;
use crate::{Store, StoreError, now};

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// Its file is there; what its columns are is not settled.
    Draft,
    /// It waits for its turn.
    Queued,
    /// It is worked on.
    Running,
    /// All of it is scored.
    Done,
    /// It cannot be.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

impl JobStatus {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens to it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for JobStatus {
    type Err = StoreError;

    fn from_str(raw: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == raw);
        found.ok_or_else(|| StoreError::Value { what: "a job's status", found: raw.to_owned() })
    }
}

/// A file that is scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its name, which nobody guesses.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// What the file was called.
    pub name: String,
    /// How far it is.
    pub status: JobStatus,
    /// What was asked, as JSON.
    pub options: serde_json::Value,
    /// The model that scores it; empty before it has begun.
    pub model: String,
    /// When it came, in milliseconds since 1970.
    pub created: i64,
    /// When it was begun.
    pub started: Option<i64>,
    /// When it was over.
    pub ended: Option<i64>,
    /// Bytes of the file.
    pub size: i64,
    /// Bytes of it that were read.
    pub consumed: i64,
    /// Rows that are scored, durably.
    pub rows: i64,
    /// Bytes of the results that go with them.
    pub kept: i64,
    /// What they add up to, as JSON.
    pub summary: serde_json::Value,
    /// Why it failed.
    pub error: Option<String>,
}

/// How far a job has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobProgress {
    /// Bytes of the file that were read.
    pub consumed: i64,
    /// Rows that are scored, durably.
    pub rows: i64,
    /// Bytes of the results that go with them.
    pub kept: i64,
    /// What they add up to.
    pub summary: serde_json::Value,
}

const COLUMNS: &str = "id, owner, name, status, options, model, created, started, ended, size, consumed, row_count, \
                       kept, summary, error";

impl Store {
    /// Notes a new job.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn add_job(&self, job: &Job) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        query(
            "INSERT INTO jobs (id, owner, name, status, options, model, created, size, consumed, row_count, kept, \
             summary, claimed_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, $9, 0)",
        )
        .bind(text(&job.id))
        .bind(text(&job.owner))
        .bind(text(&job.name))
        .bind(job.status.as_str())
        .bind(text(&job.options.to_string()))
        .bind(text(&job.model))
        .bind(job.created)
        .bind(job.size)
        .bind(text(&job.summary.to_string()))
        .execute(writing.on())
        .await
        .map_err(sql("note a job"))?;
        writing.commit().await
    }

    /// The job of that id.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn job(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let row = crate::store::built(format!("SELECT {COLUMNS} FROM jobs WHERE id = $1"))
            .bind(text(id))
            .fetch_optional(self.pool())
            .await
            .map_err(sql("read a job"))?;
        row.as_ref().map(job).transpose()
    }

    /// The last `most` jobs, of `owner` alone where one is given, latest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn jobs(&self, owner: Option<&str>, most: u32) -> Result<Vec<Job>, StoreError> {
        let whose = if owner.is_some() { "owner = $1" } else { "$1 = ''" };
        let rows = crate::store::built(format!(
            "SELECT {COLUMNS} FROM jobs WHERE {whose} ORDER BY created DESC, id LIMIT {most}"
        ))
        .bind(text(owner.unwrap_or_default()))
        .fetch_all(self.pool())
        .await
        .map_err(sql("list jobs"))?;
        rows.iter().map(job).collect()
    }

    /// How many jobs are not over.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn count_jobs(&self) -> Result<i64, StoreError> {
        let row = query("SELECT COUNT(*) AS count FROM jobs WHERE status IN ('draft', 'queued', 'running')")
            .fetch_one(self.pool())
            .await;
        get(&row.map_err(sql("count jobs"))?, "count")
    }

    /// Settles what a draft's columns are: it waits for its turn. False where it is no draft any more.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn queue_job(&self, id: &str, options: &serde_json::Value) -> Result<bool, StoreError> {
        let mut writing = self.write().await?;
        let done =
            query("UPDATE jobs SET status = 'queued', options = $2 WHERE id = $1 AND status = 'draft'")
                .bind(text(id))
                .bind(text(&options.to_string()))
                .execute(writing.on())
                .await
                .map_err(sql("queue a job"))?;
        writing.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Takes the oldest job that waits, or that whoever worked on it has left, for `claim`: nobody else gets it for
    /// `lease` milliseconds.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn claim_job(&self, claim: &str, lease: i64) -> Result<Option<Job>, StoreError> {
        let cannot = || sql("take a job");
        // Mostly there is none, and nobody has to wait for the one who writes.
        let waiting = query(
            "SELECT COUNT(*) AS count FROM jobs WHERE status IN ('queued', 'running') AND claimed_until < $1",
        )
        .bind(now())
        .fetch_one(self.pool())
        .await;
        if get::<i64>(&waiting.map_err(cannot())?, "count")? == 0 {
            return Ok(None);
        }
        let mut writing = self.write().await?;
        let select = format!(
            "SELECT id FROM jobs WHERE status IN ('queued', 'running') AND claimed_until < $1 \
             ORDER BY created, id LIMIT 1{}",
            self.dialect().claiming()
        );
        let row = crate::store::built(select).bind(now()).fetch_optional(writing.on()).await;
        let Some(row) = row.map_err(cannot())? else { return Ok(None) };
        let id: String = get(&row, "id")?;
        query(
            "UPDATE jobs SET status = 'running', claim = $2, claimed_until = $3, started = COALESCE(started, $4) \
             WHERE id = $1",
        )
        .bind(id.clone())
        .bind(text(claim))
        .bind(now() + lease)
        .bind(now())
        .execute(writing.on())
        .await
        .map_err(cannot())?;
        writing.commit().await?;
        self.job(&id).await
    }

    /// Keeps a job for its claim a while longer. False where it is not its own any more: it was cancelled, erased,
    /// or taken by another.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn hold_job(
        &self,
        id: &str,
        claim: &str,
        model: &str,
        lease: i64,
        progress: &JobProgress,
    ) -> Result<bool, StoreError> {
        let mut writing = self.write().await?;
        let done = query(
            "UPDATE jobs SET claimed_until = $3, consumed = $4, row_count = $5, kept = $6, summary = $7, model = $8 \
             WHERE id = $1 AND claim = $2 AND status = 'running'",
        )
        .bind(text(id))
        .bind(text(claim))
        .bind(now() + lease)
        .bind(progress.consumed)
        .bind(progress.rows)
        .bind(progress.kept)
        .bind(text(&progress.summary.to_string()))
        .bind(text(model))
        .execute(writing.on())
        .await
        .map_err(sql("keep a job"))?;
        writing.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Gives a job back, for whoever comes next.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn release_job(&self, id: &str, claim: &str) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        query("UPDATE jobs SET claimed_until = 0 WHERE id = $1 AND claim = $2 AND status = 'running'")
            .bind(text(id))
            .bind(text(claim))
            .execute(writing.on())
            .await
            .map_err(sql("give a job back"))?;
        writing.commit().await
    }

    /// Ends a job: `error` says why it failed. False where it was over already, or is not the claim's.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn end_job(&self, id: &str, claim: &str, error: Option<&str>) -> Result<bool, StoreError> {
        let status = if error.is_some() { JobStatus::Failed } else { JobStatus::Done };
        let mut writing = self.write().await?;
        let done = query(
            "UPDATE jobs SET status = $3, ended = $4, error = $5, claimed_until = 0 \
             WHERE id = $1 AND claim = $2 AND status = 'running'",
        )
        .bind(text(id))
        .bind(text(claim))
        .bind(status.as_str())
        .bind(now())
        .bind(maybe_text(error))
        .execute(writing.on())
        .await
        .map_err(sql("end a job"))?;
        writing.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Ends a job before its end. False where it was over already.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn cancel_job(&self, id: &str) -> Result<bool, StoreError> {
        let mut writing = self.write().await?;
        let done = query(
            "UPDATE jobs SET status = 'cancelled', ended = $2, claimed_until = 0 \
             WHERE id = $1 AND status IN ('draft', 'queued', 'running')",
        )
        .bind(text(id))
        .bind(now())
        .execute(writing.on())
        .await
        .map_err(sql("cancel a job"))?;
        writing.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Forgets a job; its files are the caller's to remove. False where there was none.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn remove_job(&self, id: &str) -> Result<bool, StoreError> {
        let mut writing = self.write().await?;
        let done = query("DELETE FROM jobs WHERE id = $1").bind(text(id)).execute(writing.on()).await;
        let done = done.map_err(sql("remove a job"))?;
        writing.commit().await?;
        Ok(done.rows_affected() > 0)
    }
}

fn job(row: &AnyRow) -> Result<Job, StoreError> {
    Ok(Job {
        id: get(row, "id")?,
        owner: get(row, "owner")?,
        name: get(row, "name")?,
        status: get::<String>(row, "status")?.parse()?,
        options: json(row, "options")?,
        model: get(row, "model")?,
        created: get(row, "created")?,
        started: get(row, "started")?,
        ended: get(row, "ended")?,
        size: get(row, "size")?,
        consumed: get(row, "consumed")?,
        rows: get(row, "row_count")?,
        kept: get(row, "kept")?,
        summary: json(row, "summary")?,
        error: get(row, "error")?,
    })
}
