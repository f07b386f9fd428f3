//! What is written of runs: events, applied together or not at all.

use sqlx::AnyConnection;

use crate::error::sql;
use crate::rows::{BATCH, maybe_text, places, text};
use crate::store::{built, query};
use crate::{Artifact, Input, Metric, NewRun, RunId, Status, Store, StoreError, now};

/// One event of a run. Every one may be written again without harm.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A run starts.
    Start(Box<NewRun>),
    /// What it reads, role by role; a role's earlier list is replaced.
    Inputs {
        /// Which run.
        run: RunId,
        /// What it reads, in the order of the command line.
        inputs: Vec<Input>,
    },
    /// What became known of the data; `None` leaves what stands there.
    Data {
        /// Which run.
        run: RunId,
        /// Content hash of the data's rows.
        data_hash: Option<String>,
        /// Content hash of both sides of the split.
        split_hash: Option<String>,
    },
    /// Settings; a name's earlier value is replaced.
    Params {
        /// Which run.
        run: RunId,
        /// Names and values.
        params: Vec<(String, String)>,
    },
    /// Remarks; a name's earlier value is replaced.
    Tags {
        /// Which run.
        run: RunId,
        /// Names and values.
        tags: Vec<(String, String)>,
    },
    /// Measured values; an earlier one of the same name and step is replaced.
    Metrics {
        /// Which run.
        run: RunId,
        /// The values.
        metrics: Vec<Metric>,
    },
    /// Files, whose blobs are stored already; an earlier one of the same path is replaced.
    Artifacts {
        /// Which run.
        run: RunId,
        /// The files.
        artifacts: Vec<Artifact>,
    },
    /// A run learned from corrections.
    Corrections {
        /// Which run.
        run: RunId,
        /// Their ids.
        corrections: Vec<String>,
    },
    /// A sign of life; a run that was taken for killed is running again.
    Heartbeat {
        /// Which run.
        run: RunId,
        /// When.
        at: i64,
    },
    /// A run ends. One that has ended otherwise than by being taken for killed stays as it is.
    Finish {
        /// Which run.
        run: RunId,
        /// How.
        status: Status,
        /// When.
        at: i64,
        /// Why, if it failed.
        error: Option<String>,
    },
    /// Something to be sent elsewhere ([`Store::outbox_claim`]). Written twice, it is sent twice.
    Outbox {
        /// Who sends it: `mlflow`.
        sink: String,
        /// The run that it belongs to: of one run, everything is sent in order.
        run: RunId,
        /// What the sender makes of it.
        payload: serde_json::Value,
    },
}

impl Store {
    /// Writes events in order, all or none; durable when this returns.
    ///
    /// # Errors
    /// An event of a run that was never started; a database that cannot be written.
    pub async fn apply(&self, writes: &[Write]) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        let mut writing = self.write().await?;
        for write in writes {
            one(writing.on(), write).await?;
        }
        writing.commit().await
    }
}

/// Writes one event within a transaction.
pub(crate) async fn one(on: &mut AnyConnection, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Start(run) => start(on, run).await,
        Write::Inputs { run, inputs } => write_inputs(on, run, inputs).await,
        Write::Data { run, data_hash, split_hash } => {
            query(
                "UPDATE runs SET data_hash = COALESCE($2, data_hash), split_hash = COALESCE($3, split_hash) \
                 WHERE id = $1",
            )
            .bind(run.to_string())
            .bind(maybe_text(data_hash.as_deref()))
            .bind(maybe_text(split_hash.as_deref()))
            .execute(on)
            .await
            .map_err(sql("write a run's data"))?;
            Ok(())
        }
        Write::Params { run, params } => pairs(on, "params", run, params).await,
        Write::Tags { run, tags } => pairs(on, "tags", run, tags).await,
        Write::Metrics { run, metrics } => write_metrics(on, run, metrics).await,
        Write::Artifacts { run, artifacts } => write_artifacts(on, run, artifacts).await,
        Write::Corrections { run, corrections } => {
            for correction in corrections {
                query(
                    "INSERT INTO corrections_used (run, correction) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                )
                .bind(run.to_string())
                .bind(text(correction))
                .execute(&mut *on)
                .await
                .map_err(sql("write which corrections a run learned from"))?;
            }
            Ok(())
        }
        Write::Heartbeat { run, at } => {
            query(
                "UPDATE runs SET heartbeat = $2, status = 'running', ended = NULL \
                 WHERE id = $1 AND status IN ('running', 'killed')",
            )
            .bind(run.to_string())
            .bind(*at)
            .execute(on)
            .await
            .map_err(sql("write a sign of life"))?;
            Ok(())
        }
        Write::Finish { run, status, at, error } => {
            query(
                "UPDATE runs SET status = $2, ended = $3, heartbeat = $3, error = $4 \
                 WHERE id = $1 AND status IN ('running', 'killed')",
            )
            .bind(run.to_string())
            .bind(status.as_str())
            .bind(*at)
            .bind(maybe_text(error.as_deref()))
            .execute(on)
            .await
            .map_err(sql("write a run's end"))?;
            Ok(())
        }
        Write::Outbox { sink, run, payload } => {
            query(
                "INSERT INTO outbox (sink, run, payload, created, attempts, due, claimed_until) \
                 VALUES ($1, $2, $3, $4, 0, 0, 0)",
            )
            .bind(text(sink))
            .bind(run.to_string())
            .bind(text(&payload.to_string()))
            .bind(now())
            .execute(on)
            .await
            .map_err(sql("put something into the outbox"))?;
            Ok(())
        }
    }
}

async fn start(on: &mut AnyConnection, run: &NewRun) -> Result<(), StoreError> {
    let origin = &run.origin;
    query(
        "INSERT INTO runs (id, name, parent, kind, status, started, heartbeat, os_user, host, pid, process_start, \
         git_commit, git_dirty, code, command, plan, seed, kernel) \
         VALUES ($1, $2, $3, $4, 'running', $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(run.id.to_string())
    .bind(text(&run.name))
    .bind(run.parent.as_ref().map(ToString::to_string))
    .bind(text(&run.kind))
    .bind(run.started)
    .bind(text(&origin.user))
    .bind(text(&origin.host))
    .bind(origin.pid)
    .bind(origin.process_start)
    .bind(maybe_text(origin.git_commit.as_deref()))
    .bind(origin.git_dirty.map(i64::from))
    .bind(text(&origin.code))
    .bind(text(&origin.command))
    .bind(text(&run.plan))
    // The same 64 bits: SQL knows signed numbers alone.
    .bind(run.seed.map(u64::cast_signed))
    .bind(maybe_text(run.kernel.as_deref()))
    .execute(on)
    .await
    .map_err(sql("write a run's start"))?;
    Ok(())
}

async fn write_inputs(on: &mut AnyConnection, run: &RunId, inputs: &[Input]) -> Result<(), StoreError> {
    let cannot = || sql("write a run's data");
    for (i, input) in inputs.iter().enumerate() {
        if inputs[..i].iter().all(|earlier| earlier.role != input.role) {
            query("DELETE FROM inputs WHERE run = $1 AND role = $2")
                .bind(run.to_string())
                .bind(text(&input.role))
                .execute(&mut *on)
                .await
                .map_err(cannot())?;
        }
        query(
            "INSERT INTO inputs (run, role, position, name, path, snapshot, hash, size, row_count) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(run.to_string())
        .bind(text(&input.role))
        .bind(i as i64)
        .bind(text(&input.name))
        .bind(maybe_text(input.path.as_deref()))
        .bind(maybe_text(input.snapshot.as_deref()))
        .bind(text(&input.hash))
        .bind(input.size)
        .bind(input.rows)
        .execute(&mut *on)
        .await
        .map_err(cannot())?;
    }
    Ok(())
}

/// Of several with one key, the last: one statement may not touch a row twice.
fn last_of_each<'a, T, K: Ord>(all: &'a [T], key: impl Fn(&'a T) -> K) -> Vec<&'a T> {
    let last: std::collections::BTreeMap<K, &T> = all.iter().map(|item| (key(item), item)).collect();
    last.into_values().collect()
}

async fn pairs(
    on: &mut AnyConnection,
    table: &'static str,
    run: &RunId,
    pairs: &[(String, String)],
) -> Result<(), StoreError> {
    for batch in last_of_each(pairs, |pair| &pair.0).chunks(BATCH) {
        let mut insert = built(format!(
            "INSERT INTO {table} (run, name, value) VALUES {} \
             ON CONFLICT (run, name) DO UPDATE SET value = excluded.value",
            places(batch.len(), 3)
        ));
        for (name, value) in batch {
            insert = insert.bind(run.to_string()).bind(text(name)).bind(text(value));
        }
        insert.execute(&mut *on).await.map_err(sql("write a run's settings"))?;
    }
    Ok(())
}

async fn write_metrics(on: &mut AnyConnection, run: &RunId, metrics: &[Metric]) -> Result<(), StoreError> {
    for batch in last_of_each(metrics, |metric| (&metric.name, metric.step)).chunks(BATCH) {
        let mut insert = built(format!(
            "INSERT INTO metrics (run, name, step, time, value, undefined) VALUES {} \
             ON CONFLICT (run, name, step) DO UPDATE \
             SET time = excluded.time, value = excluded.value, undefined = excluded.undefined",
            places(batch.len(), 6)
        ));
        for metric in batch {
            let value = if metric.value.is_nan() { 0.0 } else { metric.value };
            insert = insert
                .bind(run.to_string())
                .bind(text(&metric.name))
                .bind(metric.step)
                .bind(metric.time)
                .bind(value)
                .bind(i64::from(metric.value.is_nan()));
        }
        insert.execute(&mut *on).await.map_err(sql("write a run's metrics"))?;
    }
    Ok(())
}

async fn write_artifacts(
    on: &mut AnyConnection,
    run: &RunId,
    artifacts: &[Artifact],
) -> Result<(), StoreError> {
    for batch in last_of_each(artifacts, |artifact| &artifact.path).chunks(BATCH) {
        let mut insert = built(format!(
            "INSERT INTO artifacts (run, path, hash, size, media, time) VALUES {} \
             ON CONFLICT (run, path) DO UPDATE \
             SET hash = excluded.hash, size = excluded.size, media = excluded.media, time = excluded.time",
            places(batch.len(), 6)
        ));
        for artifact in batch {
            insert = insert
                .bind(run.to_string())
                .bind(text(&artifact.path))
                .bind(text(&artifact.hash))
                .bind(artifact.size as i64)
                .bind(text(&artifact.media))
                .bind(now());
        }
        insert.execute(&mut *on).await.map_err(sql("write a run's files"))?;
    }
    Ok(())
}
