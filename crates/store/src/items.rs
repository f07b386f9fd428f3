//! Feedback that is kept: what was said, by whom, where, when, and what a model made of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::error::sql;
use crate::labels::uncertainty;
use crate::rows::{BATCH, get, json, maybe_text, places, text};
use crate::store::{Writing, built, query};
use crate::{Store, StoreError};

/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;

/// A piece of feedback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The order of arrival; 0 before it is stored.
    pub number: i64,
    /// Its name. The same one is stored once.
    pub id: String,
    /// Where it came in: `api`, a hook's name, `job`.
    pub source: String,
    /// The sender's own name for it.
    pub external: Option<String>,
    /// When it was written, in milliseconds since 1970.
    pub time: i64,
    /// When it came in.
    pub received: i64,
    /// `review`, `ticket`, …; empty where unknown.
    pub channel: String,
    /// As stated, or as detected.
    pub language: String,
    /// Who wrote it: a keyed hash ([`author_hash`](Store::author_hash)), or as it came where that is configured.
    pub author: Option<String>,
    /// The model that scored it: `sentiment@3`.
    pub model: String,
    /// The most likely label.
    pub label: String,
    /// Its probability.
    pub confidence: f64,
    /// Labels and probabilities, as JSON.
    pub probabilities: serde_json::Value,
    /// The prediction's id.
    pub prediction: Option<String>,
    /// Keyed hash of the text, as predictions have it.
    pub text_hash: String,
    /// The text as it came.
    pub text: String,
}

/// Which items are asked for; everything must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemFilter {
    /// Of this channel; `Some("")` is the unknown one.
    pub channel: Option<String>,
    /// In this language.
    pub language: Option<String>,
    /// With this label.
    pub label: Option<String>,
    /// Scored by this model.
    pub model: Option<String>,
    /// Come in here.
    pub source: Option<String>,
    /// Written at this time or later.
    pub from: Option<i64>,
    /// Written before this time.
    pub to: Option<i64>,
    /// Come in before this time.
    pub received_before: Option<i64>,
    /// Holding all of these words.
    pub search: Option<String>,
    /// By one of these authors; empty: by any.
    pub authors: Vec<String>,
    /// Behind this one, in the order of the list: time and number of the last of the page before.
    pub after: Option<(i64, i64)>,
    /// At the most so many.
    pub limit: Option<u32>,
}

/// Items of a day that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCount {
    /// Days since 1970, UTC.
    pub day: i64,
    /// Their channel.
    pub channel: String,
    /// Their language.
    pub language: String,
    /// Their label.
    pub label: String,
    /// How many.
    pub items: i64,
}

/// What is looked at of an item where many are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampled {
    /// When it was written.
    pub time: i64,
    /// Its language.
    pub language: String,
    /// Its label.
    pub label: String,
    /// Its text.
    pub text: String,
}

pub(crate) const COLUMNS: &str = "number, id, source, external, time, received, channel, language, author, model, label, \
                       confidence, probabilities, prediction, text_hash, text";

/// A WHERE clause and what it binds, in order.
struct Conditions {
    all: Vec<String>,
    bound: Vec<String>,
}

impl Conditions {
    fn place(&mut self, value: &str) -> String {
        self.bound.push(text(value));
        format!("${}", self.bound.len())
    }

    fn equal(&mut self, column: &str, value: Option<&String>) {
        if let Some(value) = value {
            let place = self.place(value);
            self.all.push(format!("{column} = {place}"));
        }
    }

    fn clause(&self) -> String {
        if self.all.is_empty() { "1 = 1".to_owned() } else { self.all.join(" AND ") }
    }
}

impl Store {
    /// What an author is called where names are not kept: a keyed hash, under which all of an author's items
    /// are found again by whoever has the key and the name.
    pub fn author_hash(key: &[u8; 32], author: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(key);
        // Apart from hashes of texts.
        hasher.update(b"author\0").update(author.trim().as_bytes());
        format!("h:{}", &hasher.finalize().to_hex()[..32])
    }

    /// Stores items, all or none, and adds them to their days; those whose id is there already stay as they are.
    /// Gives which of them are new.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn add_items(&self, items: &[Item]) -> Result<Vec<bool>, StoreError> {
        let mut writing = self.write().await?;
        let mut added = BTreeSet::new();
        for batch in items.chunks(BATCH) {
            let mut insert = built(format!(
                "INSERT INTO items (id, source, external, time, received, channel, language, author, model, label, \
                 confidence, probabilities, prediction, text_hash, text, uncertainty) VALUES {} ON CONFLICT DO NOTHING \
                 RETURNING id",
                places(batch.len(), 16)
            ));
            for item in batch {
                insert = insert
                    .bind(text(&item.id))
                    .bind(text(&item.source))
                    .bind(maybe_text(item.external.as_deref()))
                    .bind(item.time)
                    .bind(item.received)
                    .bind(text(&item.channel))
                    .bind(text(&item.language))
                    .bind(maybe_text(item.author.as_deref()))
                    .bind(text(&item.model))
                    .bind(text(&item.label))
                    .bind(item.confidence)
                    .bind(text(&item.probabilities.to_string()))
                    .bind(maybe_text(item.prediction.as_deref()))
                    .bind(text(&item.text_hash))
                    .bind(text(&item.text))
                    .bind(uncertainty(&item.probabilities));
            }
            let rows = insert.fetch_all(writing.on()).await.map_err(sql("store items"))?;
            for row in &rows {
                added.insert(get::<String>(row, "id")?);
            }
        }
        let new: Vec<bool> = items.iter().map(|item| added.remove(&text(&item.id))).collect();
        let mut days: BTreeMap<(i64, &str, &str, &str, &str), i64> = BTreeMap::new();
        for (item, _) in items.iter().zip(&new).filter(|(_, new)| **new) {
            let day = item.time.div_euclid(DAY);
            *days.entry((day, &item.channel, &item.language, &item.model, &item.label)).or_default() += 1;
        }
        for ((day, channel, language, model, label), items) in days {
            query(
                "INSERT INTO item_days (day, channel, language, model, label, items) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (day, channel, language, model, label) DO UPDATE \
                 SET items = item_days.items + excluded.items",
            )
            .bind(day)
            .bind(text(channel))
            .bind(text(language))
            .bind(text(model))
            .bind(text(label))
            .bind(items)
            .execute(writing.on())
            .await
            .map_err(sql("add items to their days"))?;
        }
        writing.commit().await?;
        Ok(new)
    }

    /// Items by their ids, in no order; those that are not there are left out.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn items_of(&self, ids: &[String]) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for batch in ids.chunks(BATCH) {
            let mut select =
                built(format!("SELECT {COLUMNS} FROM items WHERE id IN {}", places(1, batch.len())));
            for id in batch {
                select = select.bind(text(id));
            }
            let rows = select.fetch_all(self.pool()).await.map_err(sql("read items"))?;
            for row in &rows {
                found.push(item(row)?);
            }
        }
        Ok(found)
    }

    fn conditions(&self, filter: &ItemFilter) -> Conditions {
        let mut conditions = Conditions { all: Vec::new(), bound: Vec::new() };
        conditions.equal("channel", filter.channel.as_ref());
        conditions.equal("language", filter.language.as_ref());
        conditions.equal("label", filter.label.as_ref());
        conditions.equal("model", filter.model.as_ref());
        conditions.equal("source", filter.source.as_ref());
        if let Some(from) = filter.from {
            conditions.all.push(format!("time >= {from}"));
        }
        if let Some(to) = filter.to {
            conditions.all.push(format!("time < {to}"));
        }
        if let Some(before) = filter.received_before {
            conditions.all.push(format!("received < {before}"));
        }
        if let Some(words) = filter.search.as_ref().filter(|words| !words.trim().is_empty()) {
            let words = self.dialect().search(words);
            conditions.all.push(self.dialect().holds(conditions.bound.len() + 1));
            conditions.place(&words);
        }
        if !filter.authors.is_empty() {
            let places: Vec<String> = filter.authors.iter().map(|a| conditions.place(a)).collect();
            conditions.all.push(format!("author IN ({})", places.join(", ")));
        }
        if let Some((time, number)) = filter.after {
            conditions.all.push(format!("(time < {time} OR (time = {time} AND number < {number}))"));
        }
        conditions
    }

    /// The items that `filter` lets through, latest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn items(&self, filter: &ItemFilter) -> Result<Vec<Item>, StoreError> {
        let conditions = self.conditions(filter);
        let limit = filter.limit.map_or(String::new(), |limit| format!(" LIMIT {limit}"));
        let mut select = built(format!(
            "SELECT {COLUMNS} FROM items WHERE {} ORDER BY time DESC, number DESC{limit}",
            conditions.clause()
        ));
        for value in conditions.bound {
            select = select.bind(value);
        }
        let rows = select.fetch_all(self.pool()).await.map_err(sql("read items"))?;
        rows.iter().map(item).collect()
    }

    /// How many items `filter` lets through, its page apart.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn count_items(&self, filter: &ItemFilter) -> Result<i64, StoreError> {
        let conditions = self.conditions(&ItemFilter { after: None, limit: None, ..filter.clone() });
        let mut select = built(format!("SELECT COUNT(*) AS count FROM items WHERE {}", conditions.clause()));
        for value in conditions.bound {
            select = select.bind(value);
        }
        get(&select.fetch_one(self.pool()).await.map_err(sql("count items"))?, "count")
    }

    /// At the most about `most` of the items that `filter` lets through, spread evenly over the order of their
    /// arrival: every k-th one, whatever its time. Gives also how many one stands for.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn sample_items(
        &self,
        filter: &ItemFilter,
        known: i64,
        most: i64,
    ) -> Result<(Vec<Sampled>, i64), StoreError> {
        let step = (known + most - 1).div_euclid(most.max(1)).max(1);
        let mut conditions = self.conditions(filter);
        if step > 1 {
            conditions.all.push(format!("number % {step} = 0"));
        }
        // Twice as many, should numbers be unevenly spread; never more.
        let mut select = built(format!(
            "SELECT time, language, label, text FROM items WHERE {} ORDER BY time, number LIMIT {}",
            conditions.clause(),
            2 * most
        ));
        for value in conditions.bound {
            select = select.bind(value);
        }
        let rows = select.fetch_all(self.pool()).await.map_err(sql("read items"))?;
        let sampled = rows.iter().map(|row| {
            Ok(Sampled {
                time: get(row, "time")?,
                language: get(row, "language")?,
                label: get(row, "label")?,
                text: get(row, "text")?,
            })
        });
        Ok((sampled.collect::<Result<_, StoreError>>()?, step))
    }

    /// Counts of whole days, `from` to before `to` (days since 1970), in the order of the days. Of the filter,
    /// channel, language, label and model count.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn item_days(
        &self,
        from: i64,
        to: i64,
        filter: &ItemFilter,
    ) -> Result<Vec<DayCount>, StoreError> {
        let mut conditions = Conditions { all: Vec::new(), bound: Vec::new() };
        conditions.equal("channel", filter.channel.as_ref());
        conditions.equal("language", filter.language.as_ref());
        conditions.equal("label", filter.label.as_ref());
        conditions.equal("model", filter.model.as_ref());
        let mut select = built(format!(
            "SELECT day, channel, language, label, CAST(SUM(items) AS BIGINT) AS items FROM item_days \
             WHERE day >= {from} AND day < {to} AND items > 0 AND {} \
             GROUP BY day, channel, language, label ORDER BY day, channel, language, label",
            conditions.clause()
        ));
        for value in conditions.bound {
            select = select.bind(value);
        }
        let rows = select.fetch_all(self.pool()).await.map_err(sql("add items up"))?;
        let counts = rows.iter().map(|row| {
            Ok(DayCount {
                day: get(row, "day")?,
                channel: get(row, "channel")?,
                language: get(row, "language")?,
                label: get(row, "label")?,
                items: get(row, "items")?,
            })
        });
        counts.collect()
    }

    /// The first and the last day on which an item was written; `None` without any.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn item_span(&self) -> Result<Option<(i64, i64)>, StoreError> {
        let row = query("SELECT MIN(day) AS first, MAX(day) AS last FROM item_days WHERE items > 0")
            .fetch_one(self.pool())
            .await
            .map_err(sql("find the first and the last item"))?;
        let (first, last): (Option<i64>, Option<i64>) = (get(&row, "first")?, get(&row, "last")?);
        Ok(first.zip(last))
    }

    /// Takes the items that `filter` lets through out of their days and away, within what is written already.
    /// Gives how many.
    pub(crate) async fn remove_items(
        &self,
        writing: &mut Writing,
        filter: &ItemFilter,
    ) -> Result<i64, StoreError> {
        let conditions = self.conditions(filter);
        let mut select = built(format!(
            "SELECT time, channel, language, model, label FROM items WHERE {}",
            conditions.clause()
        ));
        for value in &conditions.bound {
            select = select.bind(value.clone());
        }
        let rows = select.fetch_all(writing.on()).await.map_err(sql("read items"))?;
        let mut days: BTreeMap<(i64, String, String, String, String), i64> = BTreeMap::new();
        for row in &rows {
            let time: i64 = get(row, "time")?;
            let key = (
                time.div_euclid(DAY),
                get(row, "channel")?,
                get(row, "language")?,
                get(row, "model")?,
                get(row, "label")?,
            );
            *days.entry(key).or_default() += 1;
        }
        for ((day, channel, language, model, label), items) in days {
            query(
                "UPDATE item_days SET items = items - $6 WHERE day = $1 AND channel = $2 AND language = $3 \
                 AND model = $4 AND label = $5",
            )
            .bind(day)
            .bind(channel)
            .bind(language)
            .bind(model)
            .bind(label)
            .bind(items)
            .execute(writing.on())
            .await
            .map_err(sql("take items out of their days"))?;
        }
        let mut delete = built(format!("DELETE FROM items WHERE {}", conditions.clause()));
        for value in conditions.bound {
            delete = delete.bind(value);
        }
        delete.execute(writing.on()).await.map_err(sql("delete items"))?;
        self.remove_passes(writing).await?;
        query("DELETE FROM item_days WHERE items <= 0")
            .execute(writing.on())
            .await
            .map_err(sql("take items out of their days"))?;
        Ok(rows.len() as i64)
    }
}

pub(crate) fn item(row: &AnyRow) -> Result<Item, StoreError> {
    Ok(Item {
        number: get(row, "number")?,
        id: get(row, "id")?,
        source: get(row, "source")?,
        external: get(row, "external")?,
        time: get(row, "time")?,
        received: get(row, "received")?,
        channel: get(row, "channel")?,
        language: get(row, "language")?,
        author: get(row, "author")?,
        model: get(row, "model")?,
        label: get(row, "label")?,
        confidence: get(row, "confidence")?,
        probabilities: json(row, "probabilities")?,
        prediction: get(row, "prediction")?,
        text_hash: get(row, "text_hash")?,
        text: get(row, "text")?,
    })
}
