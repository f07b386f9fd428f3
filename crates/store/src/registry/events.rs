//! What was done to registered models, by whom: written with the change itself, in their own story and in the audit log.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::Who;
use crate::error::sql;
use crate::rows::{get, json, maybe_text, text};
use crate::store::{Writing, query};
use crate::{Act, Store, StoreError, now};

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegistryEvent {
    /// Its place in the order.
    pub id: i64,
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// By whom and why.
    pub who: Who,
    /// `register`, `promote`, `rollback`, `unalias`, `delete`, …
    pub action: String,
    /// The model.
    pub model: String,
    /// The version that it was done to, or that the alias points at from then on.
    pub version: Option<i64>,
    /// The alias that moved.
    pub alias: Option<String>,
    /// Where it pointed before.
    pub previous: Option<i64>,
    /// Whatever else should be known: what was compared, by how much, forced.
    pub detail: Value,
}

impl Store {
    /// What was done to a model, oldest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn registry_events(&self, model: &str) -> Result<Vec<RegistryEvent>, StoreError> {
        let rows = query(
            "SELECT id, time, who, host, action, model, version, alias, previous, reason, detail \
             FROM registry_events WHERE model = $1 ORDER BY id",
        )
        .bind(text(model))
        .fetch_all(self.pool())
        .await
        .map_err(sql("read what was done to a model"))?;
        let event = |row: &AnyRow| -> Result<RegistryEvent, StoreError> {
            Ok(RegistryEvent {
                id: get(row, "id")?,
                time: get(row, "time")?,
                who: Who { name: get(row, "who")?, host: get(row, "host")?, reason: get(row, "reason")? },
                action: get(row, "action")?,
                model: get(row, "model")?,
                version: get(row, "version")?,
                alias: get(row, "alias")?,
                previous: get(row, "previous")?,
                detail: json(row, "detail")?,
            })
        };
        rows.iter().map(event).collect()
    }

    /// Notes what is done, in the model's own story and in the audit log, with the change itself or not at all.
    pub(super) async fn tell(
        &self,
        writing: &mut Writing,
        event: &Event<'_>,
        who: &Who,
        detail: &Value,
    ) -> Result<(), StoreError> {
        event.write(writing.on(), who, detail).await?;
        let target =
            event.version.map_or(event.model.to_owned(), |version| format!("{}@{version}", event.model));
        let said = serde_json::json!({
            "alias": event.alias, "previous": event.previous, "forced": detail.get("forced"), "reason": who.reason,
            "host": who.host,
        });
        self.note(writing, &Act { who: &who.name, action: event.action, target: &target, detail: &said })
            .await
    }
}

/// What is to be told.
#[derive(Default)]
pub(super) struct Event<'a> {
    pub(super) action: &'a str,
    pub(super) model: &'a str,
    pub(super) version: Option<i64>,
    pub(super) alias: Option<&'a str>,
    pub(super) previous: Option<i64>,
}

impl Event<'_> {
    async fn write(&self, on: &mut AnyConnection, who: &Who, detail: &Value) -> Result<(), StoreError> {
        query(
            "INSERT INTO registry_events (time, who, host, action, model, version, alias, previous, reason, detail) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(now())
        .bind(text(&who.name))
        .bind(text(&who.host))
        .bind(text(self.action))
        .bind(text(self.model))
        .bind(self.version)
        .bind(maybe_text(self.alias))
        .bind(self.previous)
        .bind(maybe_text(who.reason.as_deref()))
        .bind(text(&detail.to_string()))
        .execute(on)
        .await
        .map_err(sql("note what was done"))?;
        Ok(())
    }
}
