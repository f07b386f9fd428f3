//! Every reviewer's own word on a correction: what agreement is measured on.

use sqlx::any::AnyRow;

use crate::error::sql;
use crate::rows::{get, maybe_text, text};
use crate::store::{Writing, query};
use crate::{Review, Store, StoreError, now};

/// A reviewer's last word on a correction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The correction.
    pub correction: String,
    /// Who.
    pub reviewer: String,
    /// The label that the reviewer holds to be right; `None` where the report was rejected and nobody knows
    /// what the model had said.
    pub label: Option<String>,
    /// What the model said.
    pub model: Option<String>,
}

impl Store {
    /// Keeps a word, within what is written already. A rejected report leaves the model's answer standing.
    pub(crate) async fn keep_word(
        &self,
        writing: &mut Writing,
        id: &str,
        review: &Review,
    ) -> Result<(), StoreError> {
        let row = query("SELECT label, original FROM corrections WHERE id = $1")
            .bind(text(id))
            .fetch_one(writing.on())
            .await
            .map_err(sql("read a correction"))?;
        let held = if review.status == crate::CorrectionStatus::Rejected { "original" } else { "label" };
        let label: Option<String> = get(&row, held)?;
        query(
            "INSERT INTO reviews (correction, reviewer, time, status, label) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (correction, reviewer) DO UPDATE SET time = excluded.time, status = excluded.status, \
             label = excluded.label",
        )
        .bind(text(id))
        .bind(text(&review.reviewer))
        .bind(now())
        .bind(review.status.as_str())
        .bind(maybe_text(label.as_deref()))
        .execute(writing.on())
        .await
        .map_err(sql("keep a reviewer's word"))?;
        Ok(())
    }

    /// Every reviewer's last word on each correction, by correction and reviewer.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn judgements(&self) -> Result<Vec<Judgement>, StoreError> {
        let rows = query(
            "SELECT r.correction AS correction, r.reviewer AS reviewer, r.label AS label, c.original AS original \
             FROM reviews r JOIN corrections c ON c.id = r.correction WHERE r.status <> 'pending' \
             ORDER BY r.correction, r.reviewer",
        )
        .fetch_all(self.pool())
        .await
        .map_err(sql("read reviewers' words"))?;
        let judgement = |row: &AnyRow| -> Result<Judgement, StoreError> {
            Ok(Judgement {
                correction: get(row, "correction")?,
                reviewer: get(row, "reviewer")?,
                label: get(row, "label")?,
                model: get(row, "original")?,
            })
        };
        rows.iter().map(judgement).collect()
    }

    /// How many corrections there are of each status, in the order of
    /// [`CorrectionStatus::ALL`](crate::CorrectionStatus::ALL).
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn count_corrections(&self) -> Result<[i64; 4], StoreError> {
        let rows = query("SELECT status, COUNT(*) AS number FROM corrections GROUP BY status")
            .fetch_all(self.pool())
            .await
            .map_err(sql("count corrections"))?;
        let mut counts = [0; 4];
        for row in &rows {
            let status: String = get(row, "status")?;
            if let Some(at) = crate::CorrectionStatus::ALL.iter().position(|one| one.as_str() == status) {
                counts[at] = get(row, "number")?;
            }
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Correction, CorrectionStatus, Database, Review, Store, now};

    #[tokio::test]
    async fn each_reviewers_last_word_is_kept_beside_the_others() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path(), &Database::Memory).await.unwrap();
        let correction = |id: &str| Correction {
            id: id.to_owned(),
            text: "not bad".to_owned(),
            label: "positive".to_owned(),
            original: Some("negative".to_owned()),
            language: None,
            channel: None,
            author: None,
            time: now(),
            source: "api".to_owned(),
            model: None,
            prediction: None,
            note: None,
            item: None,
            status: CorrectionStatus::Pending,
            reviewer: None,
            reviewed: None,
        };
        store.add_corrections(&[correction("a"), correction("b")]).await.unwrap();
        for (id, reviewer, status, label) in [
            ("a", "ada", CorrectionStatus::Accepted, None),
            ("a", "bob", CorrectionStatus::Rejected, None),
            ("b", "ada", CorrectionStatus::Rejected, None),
            ("b", "ada", CorrectionStatus::Corrected, Some("neutral".to_owned())),
        ] {
            let review = Review { status, label, reviewer: reviewer.to_owned() };
            store.review(id, &review).await.unwrap();
        }
        let told = store.judgements().await.unwrap();
        let told: Vec<(&str, &str, Option<&str>, Option<&str>)> = told
            .iter()
            .map(|j| (j.correction.as_str(), j.reviewer.as_str(), j.label.as_deref(), j.model.as_deref()))
            .collect();
        let model = Some("negative");
        assert_eq!(
            told,
            [
                ("a", "ada", Some("positive"), model),
                ("a", "bob", Some("negative"), model),
                ("b", "ada", Some("neutral"), model)
            ]
        );
        assert_eq!(store.count_corrections().await.unwrap(), [0, 0, 1, 1]);
    }
}
