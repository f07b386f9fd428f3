//! Labels that reviewers give to kept items: corrections that nobody has reported.

use sqlx::any::AnyRow;

use crate::audit::Act;
use crate::error::sql;
use crate::items::{COLUMNS, item};
use crate::rows::{get, text};
use crate::store::{Writing, built, query};
use crate::{CorrectionStatus, Item, ItemFilter, Review, Store, StoreError, now, unique};

/// An item to be labelled.
#[derive(Debug, Clone, PartialEq)]
pub struct Unlabelled {
    /// The item.
    pub item: Item,
    /// One less the difference of the two largest probabilities, in `[0, 1]`.
    pub uncertainty: f64,
}

/// What became of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// The correction that it is.
    pub correction: String,
    /// Whether the item had none before.
    pub new: bool,
}

/// One less the difference of the two largest; 1 where there is none.
pub(crate) fn uncertainty(probabilities: &serde_json::Value) -> f64 {
    let (mut first, mut second) = (0.0_f64, 0.0_f64);
    let all = probabilities.as_object().into_iter().flatten();
    for p in all.filter_map(|(_, p)| p.as_f64()) {
        if p > first {
            (first, second) = (p, first);
        } else if p > second {
            second = p;
        }
    }
    1.0 - (first - second)
}

/// Items that have no label, and that the reviewer $1 has not left to others.
const OPEN: &str = "NOT EXISTS (SELECT 1 FROM corrections c WHERE c.item = items.id) \
                    AND NOT EXISTS (SELECT 1 FROM passes p WHERE p.item = items.id AND p.reviewer = $1)";

/// Labels of others, of which the reviewer $1 has said nothing.
const OTHERS: &str = "corrections c WHERE c.item IS NOT NULL AND c.status IN ('accepted', 'corrected') \
                      AND NOT EXISTS (SELECT 1 FROM reviews r WHERE r.correction = c.id AND r.reviewer = $1) \
                      AND NOT EXISTS (SELECT 1 FROM passes p WHERE p.item = c.item AND p.reviewer = $1)";

impl Store {
    /// Items for `reviewer` to label, the least certain first, the latest of equals: those without a label, or with
    /// `second` those that others have labelled. Of the filter, channel, language and limit count.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn to_label(
        &self,
        reviewer: &str,
        filter: &ItemFilter,
        second: bool,
    ) -> Result<Vec<Unlabelled>, StoreError> {
        let mut bound = vec![text(reviewer)];
        let mut more = String::new();
        for (column, value) in [("channel", &filter.channel), ("language", &filter.language)] {
            if let Some(value) = value {
                bound.push(text(value));
                more += &format!(" AND {column} = ${}", bound.len());
            }
        }
        let limit = filter.limit.map_or(String::new(), |limit| format!(" LIMIT {limit}"));
        let which = if second { format!("id IN (SELECT c.item FROM {OTHERS})") } else { OPEN.to_owned() };
        let mut select = built(format!(
            "SELECT {COLUMNS}, uncertainty FROM items WHERE {which}{more} ORDER BY uncertainty DESC, number DESC{limit}"
        ));
        for value in bound {
            select = select.bind(value);
        }
        let rows = select.fetch_all(self.pool()).await.map_err(sql("read items to be labelled"))?;
        let found = |row: &AnyRow| Ok(Unlabelled { item: item(row)?, uncertainty: get(row, "uncertainty")? });
        rows.iter().map(found).collect()
    }

    /// How many items wait for `reviewer`: without a label, and for a second opinion.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn count_to_label(&self, reviewer: &str) -> Result<[i64; 2], StoreError> {
        // Of items there may be millions; of the rest there is what people have done by hand.
        let counts = [
            "SELECT CAST(COALESCE(SUM(items), 0) AS BIGINT) AS count FROM item_days WHERE $1 <> ''"
                .to_owned(),
            "SELECT COUNT(*) AS count FROM corrections WHERE item IS NOT NULL AND $1 <> ''".to_owned(),
            "SELECT COUNT(*) AS count FROM passes p WHERE p.reviewer = $1 \
             AND NOT EXISTS (SELECT 1 FROM corrections c WHERE c.item = p.item)"
                .to_owned(),
            format!("SELECT COUNT(*) AS count FROM {OTHERS}"),
        ];
        let mut found = [0_i64; 4];
        for (select, count) in counts.into_iter().zip(&mut found) {
            let row = built(select).bind(text(reviewer)).fetch_one(self.pool()).await;
            *count = get(&row.map_err(sql("count items to be labelled"))?, "count")?;
        }
        let [items, labelled, passed, others] = found;
        Ok([(items - labelled - passed).max(0), others])
    }

    /// Texts of corrections, whatever became of them, the latest `most`: what needs no label any more.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn corrected_texts(&self, most: u32) -> Result<Vec<String>, StoreError> {
        let select = format!("SELECT text FROM corrections ORDER BY time DESC, id DESC LIMIT {most}");
        let rows = built(select).fetch_all(self.pool()).await.map_err(sql("read corrections"))?;
        rows.iter().map(|row| get(row, "text")).collect()
    }

    /// Stores the label that a reviewer gives to an item, as a correction that is accepted; a later word replaces an
    /// earlier one, and each reviewer's own is kept. The audit log tells of it.
    ///
    /// # Errors
    /// No such item.
    pub async fn label_item(&self, id: &str, label: &str, reviewer: &str) -> Result<Labelled, StoreError> {
        let mut writing = self.write().await?;
        let added = query(
            "INSERT INTO corrections (id, text, label, original, language, channel, author, time, source, model, \
             prediction, status, item) \
             SELECT CAST($2 AS TEXT), text, CAST($3 AS TEXT), label, language, channel, author, CAST($4 AS BIGINT), 'labelling', model, prediction, 'pending', id \
             FROM items WHERE id = $1 ON CONFLICT DO NOTHING",
        )
        .bind(text(id))
        .bind(unique())
        .bind(text(label))
        .bind(now())
        .execute(writing.on())
        .await
        .map_err(sql("store a label"))?;
        let row = query("SELECT id FROM corrections WHERE item = $1")
            .bind(text(id))
            .fetch_optional(writing.on())
            .await
            .map_err(sql("read a label"))?;
        let Some(row) = row else {
            let (name, hint) = (id.to_owned(), String::new());
            return Err(StoreError::Missing { what: "item", name, hint });
        };
        let correction: String = get(&row, "id")?;
        let review = Review {
            status: CorrectionStatus::Accepted,
            label: Some(label.to_owned()),
            reviewer: reviewer.to_owned(),
        };
        self.set_review(&mut writing, &correction, &review).await?;
        let detail = serde_json::json!({ "label": label, "report": correction });
        self.note(&mut writing, &Act { who: reviewer, action: "label", target: id, detail: &detail }).await?;
        writing.commit().await?;
        Ok(Labelled { correction, new: added.rows_affected() > 0 })
    }

    /// Leaves an item to others: `reviewer` is not asked for it again.
    ///
    /// # Errors
    /// No such item.
    pub async fn pass_over(&self, id: &str, reviewer: &str) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let done = query(
            "INSERT INTO passes (item, reviewer, time) SELECT id, CAST($2 AS TEXT), CAST($3 AS BIGINT) FROM items WHERE id = $1 \
             ON CONFLICT (item, reviewer) DO UPDATE SET time = excluded.time",
        )
        .bind(text(id))
        .bind(text(reviewer))
        .bind(now())
        .execute(writing.on())
        .await
        .map_err(sql("leave an item to others"))?;
        if done.rows_affected() == 0 {
            let (name, hint) = (id.to_owned(), String::new());
            return Err(StoreError::Missing { what: "item", name, hint });
        }
        writing.commit().await
    }

    /// Takes away what was passed over and is no item any more, within what is written already.
    pub(crate) async fn remove_passes(&self, writing: &mut Writing) -> Result<(), StoreError> {
        query("DELETE FROM passes WHERE NOT EXISTS (SELECT 1 FROM items WHERE items.id = passes.item)")
            .execute(writing.on())
            .await
            .map_err(sql("erase"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn items_of_older_homes_get_what_new_ones_have() {
        let store = Store::open(tempfile::tempdir().unwrap().path(), &crate::Database::Memory).await.unwrap();
        let probabilities = [json!({"a": 0.5, "b": 0.2, "c": 0.3}), json!({"a": 0.9, "b": 0.1}), json!({})];
        for (n, probabilities) in probabilities.iter().enumerate() {
            query(
                "INSERT INTO items (id, source, time, received, channel, language, model, label, confidence, \
                 probabilities, text_hash, text) VALUES ($1, '', 0, 0, '', '', '', '', 0, $2, '', '')",
            )
            .bind(n.to_string())
            .bind(probabilities.to_string())
            .execute(store.pool())
            .await
            .unwrap();
        }
        let step = include_str!("../migrations/0005_labels.sql");
        let update = step.lines().find_map(|line| line.strip_prefix("-- sqlite: UPDATE")).unwrap();
        built(format!("UPDATE{update}")).execute(store.pool()).await.unwrap();
        let found = store.to_label("ada", &ItemFilter::default(), false).await.unwrap();
        for one in found {
            let want = uncertainty(&probabilities[one.item.id.parse::<usize>().unwrap()]);
            assert!((one.uncertainty - want).abs() < 1e-12, "{one:?}: {want}");
        }
    }

    #[test]
    fn the_two_largest_decide() {
        for (probabilities, want) in [
            (json!({"a": 0.5, "b": 0.25, "c": 0.25}), 0.75),
            (json!({"a": 0.25, "b": 0.25, "c": 0.5}), 0.75),
            (json!({"a": 0.5, "b": 0.5}), 1.0),
            (json!({"a": 1.0}), 0.0),
            (json!({}), 1.0),
        ] {
            assert_eq!(uncertainty(&probabilities), want, "{probabilities}");
        }
    }
}
