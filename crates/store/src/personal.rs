//! What is known of a person, and its end: by name on request, and by age.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::audit::Act;
use crate::dialect::Dialect;
use crate::error::sql;
use crate::rows::{BATCH, get, places, text};
use crate::store::{Writing, built, query};
use crate::{Correction, CorrectionFilter, Item, ItemFilter, Prediction, Store, StoreError};

/// Everything that an author wrote.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// What they sent as feedback.
    pub items: Vec<Item>,
    /// Reports on those texts, and by that name.
    pub reports: Vec<Correction>,
    /// Predictions of those texts.
    pub predictions: Vec<Prediction>,
    /// Runs that learned from such a report.
    pub runs: Vec<String>,
    /// Registered versions that came of those runs.
    pub models: Vec<String>,
}

/// How much went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Items.
    pub items: i64,
    /// Reports.
    pub reports: i64,
    /// Predictions.
    pub predictions: i64,
}

/// Corrections older than $1; a label is as old as the item whose text it repeats.
const OLD: &str = "(time < $1 OR item IN (SELECT id FROM items WHERE received < $1))";

/// Rows of `table` whose `column` is one of `values`: what `delete` and `select` have in common.
fn among(start: &str, table: &str, column: &str, count: usize) -> String {
    format!("{start} {table} WHERE {column} IN {}", places(1, count))
}

async fn delete(
    writing: &mut Writing,
    table: &'static str,
    column: &'static str,
    values: &[String],
) -> Result<i64, StoreError> {
    let mut gone = 0;
    for batch in values.chunks(BATCH) {
        let mut delete = built(among("DELETE FROM", table, column, batch.len()));
        for value in batch {
            delete = delete.bind(text(value));
        }
        let done = delete.execute(writing.on()).await.map_err(sql("erase"))?;
        gone += done.rows_affected() as i64;
    }
    Ok(gone)
}

async fn delete_old(writing: &mut Writing, statement: String, before: i64) -> Result<i64, StoreError> {
    let done = built(statement).bind(before).execute(writing.on()).await.map_err(sql("erase"))?;
    Ok(done.rows_affected() as i64)
}

impl Store {
    /// Everything that is known of an author, by any of the `names` that stand for them: the name itself and its
    /// [hash](Store::author_hash).
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn known_of(&self, names: &[String]) -> Result<Known, StoreError> {
        let items = self.items(&ItemFilter { authors: names.to_vec(), ..ItemFilter::default() }).await?;
        let texts: BTreeSet<&str> = items.iter().map(|item| item.text.as_str()).collect();
        let ids: BTreeSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
        let predicted: BTreeSet<&str> = items.iter().filter_map(|item| item.prediction.as_deref()).collect();
        let mut reports = Vec::new();
        let mut filter = CorrectionFilter { limit: Some(1000), ..CorrectionFilter::default() };
        loop {
            // Reports are few, and their texts are not hashed: all of them are looked at.
            let page = self.corrections(&filter).await?;
            let Some(last) = page.last() else { break };
            filter.after = Some((last.time, last.id.clone()));
            reports.extend(page.into_iter().filter(|report| {
                report.author.as_ref().is_some_and(|author| names.contains(author))
                    || texts.contains(report.text.as_str())
                    || report.item.as_deref().is_some_and(|id| ids.contains(id))
                    || report.prediction.as_deref().is_some_and(|id| predicted.contains(id))
            }));
        }
        let hashes: BTreeSet<&str> = items.iter().map(|item| item.text_hash.as_str()).collect();
        let hashes: Vec<String> = hashes.into_iter().map(str::to_owned).collect();
        let predictions = self.predictions_of(&hashes).await?;
        let ids: Vec<String> = reports.iter().map(|report| report.id.clone()).collect();
        let runs = self.named("run", "corrections_used", "correction", &ids).await?;
        let models = self.named("model || '@' || version", "versions", "run", &runs).await?;
        Ok(Known { items, reports, predictions, runs, models })
    }

    /// What `expression` says of the rows of `table` whose `column` is one of `values`, each once.
    async fn named(
        &self,
        expression: &'static str,
        table: &'static str,
        column: &'static str,
        values: &[String],
    ) -> Result<Vec<String>, StoreError> {
        let mut found = BTreeSet::new();
        for batch in values.chunks(BATCH) {
            let start = format!("SELECT DISTINCT {expression} AS name FROM");
            let mut select = built(among(&start, table, column, batch.len()));
            for value in batch {
                select = select.bind(text(value));
            }
            for row in &select.fetch_all(self.pool()).await.map_err(sql("find what is known"))? {
                found.insert(get::<String>(row, "name")?);
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Erases what [`known_of`](Self::known_of) finds, all or nothing; the audit log tells of it, under `target`,
    /// which should not be the name itself. Rows that are erased are overwritten, not only given up.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn erase(
        &self,
        known: &Known,
        names: &[String],
        who: &str,
        target: &str,
    ) -> Result<Erased, StoreError> {
        let mut writing = self.write().await?;
        let reports: Vec<String> = known.reports.iter().map(|report| report.id.clone()).collect();
        delete(&mut writing, "corrections_used", "correction", &reports).await?;
        delete(&mut writing, "reviews", "correction", &reports).await?;
        let predictions: BTreeSet<String> = known.items.iter().map(|item| item.text_hash.clone()).collect();
        let predictions: Vec<String> = predictions.into_iter().collect();
        let erased = Erased {
            items: match names {
                // No filter would be all of them.
                [] => 0,
                names => {
                    let filter = ItemFilter { authors: names.to_vec(), ..ItemFilter::default() };
                    self.remove_items(&mut writing, &filter).await?
                }
            },
            reports: delete(&mut writing, "corrections", "id", &reports).await?,
            predictions: delete(&mut writing, "predictions", "text_hash", &predictions).await?,
        };
        let detail = serde_json::json!({ "erased": erased, "runs": known.runs, "models": known.models });
        self.note(&mut writing, &Act { who, action: "erase-author", target, detail: &detail }).await?;
        writing.commit().await?;
        self.settle().await?;
        Ok(erased)
    }

    /// Erases what is older than `before` (milliseconds since 1970): items by the time that they came in, with their
    /// labels, predictions and reports. Where there was anything, the audit log tells of it.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn erase_before(&self, before: i64, who: &str) -> Result<Erased, StoreError> {
        let old = self.count_before(before).await?;
        if old == Erased::default() {
            return Ok(old);
        }
        let mut writing = self.write().await?;
        // What leans on others goes before them.
        for table in ["corrections_used", "reviews"] {
            let of = format!("correction IN (SELECT id FROM corrections WHERE {OLD})");
            delete_old(&mut writing, format!("DELETE FROM {table} WHERE {of}"), before).await?;
        }
        let reports = format!("DELETE FROM corrections WHERE {OLD}");
        let reports = delete_old(&mut writing, reports, before).await?;
        let predictions = "DELETE FROM predictions WHERE time < $1".to_owned();
        let predictions = delete_old(&mut writing, predictions, before).await?;
        let filter = ItemFilter { received_before: Some(before), ..ItemFilter::default() };
        let items = self.remove_items(&mut writing, &filter).await?;
        let erased = Erased { items, reports, predictions };
        let detail = serde_json::json!({ "erased": erased, "before": before });
        self.note(&mut writing, &Act { who, action: "erase-old", target: "records", detail: &detail })
            .await?;
        writing.commit().await?;
        self.settle().await?;
        Ok(erased)
    }

    async fn count_before(&self, before: i64) -> Result<Erased, StoreError> {
        let mut counts = [0; 3];
        let statements = [
            "SELECT COUNT(*) AS count FROM items WHERE received < $1".to_owned(),
            format!("SELECT COUNT(*) AS count FROM corrections WHERE {OLD}"),
            "SELECT COUNT(*) AS count FROM predictions WHERE time < $1".to_owned(),
        ];
        for (statement, count) in statements.into_iter().zip(&mut counts) {
            let row = built(statement).bind(before).fetch_one(self.pool()).await;
            *count = get(&row.map_err(sql("count what is old"))?, "count")?;
        }
        Ok(Erased { items: counts[0], reports: counts[1], predictions: counts[2] })
    }

    /// How many times authors were erased: a server that sees it change forgets what it remembers of answers.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn count_erasures(&self) -> Result<i64, StoreError> {
        let row = query("SELECT COUNT(*) AS count FROM audit WHERE action IN ('erase-author', 'erase-old')")
            .fetch_one(self.pool())
            .await;
        get(&row.map_err(sql("read the audit log"))?, "count")
    }

    /// SQLite's log holds what was there before until it is written back. Others may be reading from it: then
    /// that comes with their end.
    async fn settle(&self) -> Result<(), StoreError> {
        if self.dialect() == Dialect::Sqlite {
            query("PRAGMA wal_checkpoint(TRUNCATE)")
                .fetch_all(self.pool())
                .await
                .map_err(sql("write its log back"))?;
        }
        Ok(())
    }
}
