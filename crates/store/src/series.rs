//! What runs recorded: settings, remarks, metrics, files.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;

use crate::error::sql;
use crate::rows::{BATCH, get, text};
use crate::store::{built, query};
use crate::{Artifact, Metric, RunId, Store, StoreError};

impl Store {
    /// The settings of a run, by name.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn params(&self, id: &RunId) -> Result<BTreeMap<String, String>, StoreError> {
        self.pairs("SELECT name, value FROM params WHERE run = $1", id).await
    }

    /// The remarks of a run, by name.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn tags(&self, id: &RunId) -> Result<BTreeMap<String, String>, StoreError> {
        self.pairs("SELECT name, value FROM tags WHERE run = $1", id).await
    }

    async fn pairs(&self, select: &'static str, id: &RunId) -> Result<BTreeMap<String, String>, StoreError> {
        let rows = query(select).bind(id.to_string()).fetch_all(self.pool()).await;
        let rows = rows.map_err(sql("read a run's settings"))?;
        rows.iter().map(|row| Ok((get(row, "name")?, get(row, "value")?))).collect()
    }

    /// All metrics of a run, by name, then by step.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn metrics(&self, id: &RunId) -> Result<Vec<Metric>, StoreError> {
        let rows = query(
            "SELECT name, step, time, value, undefined FROM metrics WHERE run = $1 ORDER BY name, step",
        )
        .bind(id.to_string())
        .fetch_all(self.pool())
        .await
        .map_err(sql("read a run's metrics"))?;
        rows.iter().map(metric).collect()
    }

    /// The last value (by step) of each metric of each of `runs`, by run and name.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn last_metrics(
        &self,
        runs: &[RunId],
    ) -> Result<BTreeMap<RunId, BTreeMap<String, f64>>, StoreError> {
        let mut last: BTreeMap<RunId, BTreeMap<String, f64>> = BTreeMap::new();
        for batch in runs.chunks(BATCH) {
            let places: Vec<String> = (1..=batch.len()).map(|i| format!("${i}")).collect();
            let mut select = built(format!(
                "SELECT run, name, step, time, value, undefined FROM metrics m WHERE run IN ({}) AND step = \
                 (SELECT MAX(step) FROM metrics l WHERE l.run = m.run AND l.name = m.name)",
                places.join(", ")
            ));
            for id in batch {
                select = select.bind(id.to_string());
            }
            for row in select.fetch_all(self.pool()).await.map_err(sql("read metrics"))? {
                let Metric { name, value, .. } = metric(&row)?;
                last.entry(RunId::from_stored(get::<String>(&row, "run")?)).or_default().insert(name, value);
            }
        }
        Ok(last)
    }

    /// The files of a run, by path.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn artifacts(&self, id: &RunId) -> Result<Vec<Artifact>, StoreError> {
        let rows = query("SELECT path, hash, size, media FROM artifacts WHERE run = $1 ORDER BY path")
            .bind(id.to_string())
            .fetch_all(self.pool())
            .await
            .map_err(sql("read a run's files"))?;
        let artifact = |row: &AnyRow| -> Result<Artifact, StoreError> {
            Ok(Artifact {
                path: get(row, "path")?,
                hash: get(row, "hash")?,
                size: get::<i64>(row, "size")?.cast_unsigned(),
                media: get(row, "media")?,
            })
        };
        rows.iter().map(artifact).collect()
    }

    /// The runs that left a file of this content, newest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn runs_with_file(&self, hash: &str) -> Result<Vec<RunId>, StoreError> {
        let rows = query("SELECT DISTINCT run FROM artifacts WHERE hash = $1 ORDER BY run DESC")
            .bind(text(hash))
            .fetch_all(self.pool())
            .await
            .map_err(sql("find the runs that left a file"))?;
        rows.iter().map(|row| Ok(RunId::from_stored(get::<String>(row, "run")?))).collect()
    }

    /// The corrections that a run learned from, by id.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn corrections_used(&self, id: &RunId) -> Result<Vec<String>, StoreError> {
        let rows = query("SELECT correction FROM corrections_used WHERE run = $1 ORDER BY correction")
            .bind(id.to_string())
            .fetch_all(self.pool())
            .await
            .map_err(sql("read which corrections a run learned from"))?;
        rows.iter().map(|row| get(row, "correction")).collect()
    }
}

fn metric(row: &AnyRow) -> Result<Metric, StoreError> {
    let undefined = get::<i64>(row, "undefined")? != 0;
    Ok(Metric {
        name: get(row, "name")?,
        step: get(row, "step")?,
        time: get(row, "time")?,
        value: if undefined { f64::NAN } else { get(row, "value")? },
    })
}
