//! What was predicted: written in groups, by whoever serves.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::error::sql;
use crate::rows::{BATCH, get, json, maybe_text, places, text};
use crate::store::{built, query};
use crate::{Store, StoreError};

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Its name, which the answer gave.
    pub id: String,
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The model that answered: `sentiment@3`.
    pub model: String,
    /// The text's language.
    pub language: String,
    /// The label; `None` where the model abstained.
    pub label: Option<String>,
    /// The most likely label's probability.
    pub confidence: f64,
    /// Labels and probabilities, as JSON: `{"negative": 0.9, …}`.
    pub probabilities: serde_json::Value,
    /// Keyed hash of the text ([`Store::text_key`]): the same text is known again, and not told.
    pub text_hash: String,
    /// The text, where it is kept.
    pub text: Option<String>,
}

impl Store {
    /// Stores predictions, all or none; those whose id is there already stay as they are.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn add_predictions(&self, predictions: &[Prediction]) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        for batch in predictions.chunks(BATCH) {
            let mut insert = built(format!(
                "INSERT INTO predictions (id, time, model, language, label, confidence, probabilities, text_hash, \
                 text) VALUES {} ON CONFLICT DO NOTHING",
                places(batch.len(), 9)
            ));
            for p in batch {
                insert = insert
                    .bind(text(&p.id))
                    .bind(p.time)
                    .bind(text(&p.model))
                    .bind(text(&p.language))
                    .bind(maybe_text(p.label.as_deref()))
                    .bind(p.confidence)
                    .bind(text(&p.probabilities.to_string()))
                    .bind(text(&p.text_hash))
                    .bind(maybe_text(p.text.as_deref()));
            }
            insert.execute(writing.on()).await.map_err(sql("store predictions"))?;
        }
        writing.commit().await
    }

    /// The prediction of that id, where it was recorded.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn prediction(&self, id: &str) -> Result<Option<Prediction>, StoreError> {
        let row = query(
            "SELECT id, time, model, language, label, confidence, probabilities, text_hash, text \
             FROM predictions WHERE id = $1",
        )
        .bind(text(id))
        .fetch_optional(self.pool())
        .await
        .map_err(sql("read a prediction"))?;
        row.as_ref().map(prediction).transpose()
    }

    /// The predictions of the texts whose keyed hashes these are.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn predictions_of(&self, text_hashes: &[String]) -> Result<Vec<Prediction>, StoreError> {
        let mut found = Vec::new();
        for batch in text_hashes.chunks(BATCH) {
            let mut select = built(format!(
                "SELECT id, time, model, language, label, confidence, probabilities, text_hash, text \
                 FROM predictions WHERE text_hash IN {} ORDER BY time, id",
                places(1, batch.len())
            ));
            for hash in batch {
                select = select.bind(text(hash));
            }
            for row in &select.fetch_all(self.pool()).await.map_err(sql("read predictions"))? {
                found.push(prediction(row)?);
            }
        }
        Ok(found)
    }

    /// How many predictions are recorded.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn count_predictions(&self) -> Result<i64, StoreError> {
        let row = query("SELECT COUNT(*) AS count FROM predictions").fetch_one(self.pool()).await;
        get(&row.map_err(sql("count predictions"))?, "count")
    }

    /// The key that texts are hashed with, of this database for good; made when it is first asked for.
    ///
    /// # Errors
    /// A database that cannot be written; a system without random numbers.
    pub async fn text_key(&self) -> Result<[u8; 32], StoreError> {
        let mut fresh = [0_u8; 32];
        getrandom::fill(&mut fresh).map_err(|e| StoreError::Random { why: e.to_string() })?;
        let mut writing = self.write().await?;
        query("INSERT INTO secrets (name, value) VALUES ('text-key', $1) ON CONFLICT DO NOTHING")
            .bind(blake3::Hash::from_bytes(fresh).to_hex().to_string())
            .execute(writing.on())
            .await
            .map_err(sql("keep a secret"))?;
        writing.commit().await?;
        let row = query("SELECT value FROM secrets WHERE name = 'text-key'").fetch_one(self.pool()).await;
        let value: String = get(&row.map_err(sql("read a secret"))?, "value")?;
        match blake3::Hash::from_hex(&value) {
            Ok(key) => Ok(*key.as_bytes()),
            Err(_) => Err(StoreError::Value { what: "the key of texts", found: "something else".to_owned() }),
        }
    }
}

fn prediction(row: &AnyRow) -> Result<Prediction, StoreError> {
    Ok(Prediction {
        id: get(row, "id")?,
        time: get(row, "time")?,
        model: get(row, "model")?,
        language: get(row, "language")?,
        label: get(row, "label")?,
        confidence: get(row, "confidence")?,
        probabilities: json(row, "probabilities")?,
        text_hash: get(row, "text_hash")?,
        text: get(row, "text")?,
    })
}
