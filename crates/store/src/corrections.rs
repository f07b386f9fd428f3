//! What users say the right answer would have been.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::audit::Act;
use crate::error::sql;
use crate::rows::{get, maybe_text, text};
use crate::store::{Writing, built, query};
use crate::{Store, StoreError, now};

/// What a reviewer made of a correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CorrectionStatus {
    /// Nobody has looked at it.
    Pending,
    /// It is right: to be learned from.
    Accepted,
    /// To be learned from with another label, which the reviewer gave.
    Corrected,
    /// Not to be learned from.
    Rejected,
}

impl CorrectionStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Accepted, Self::Corrected, Self::Rejected];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Corrected => "corrected",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for CorrectionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for CorrectionStatus {
    type Err = StoreError;

    fn from_str(raw: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == raw)
            .ok_or_else(|| StoreError::Value { what: "a correction's status", found: raw.to_owned() })
    }
}

/// A text and the label that a user says is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// The sender's name for it ([`unique`](crate::unique) makes one): sent twice, it is stored once.
    pub id: String,
    /// The text as it came.
    pub text: String,
    /// The right label, by the user, or by the reviewer who changed it.
    pub label: String,
    /// What the model said.
    pub original: Option<String>,
    /// The text's language.
    pub language: Option<String>,
    /// Where the text came from.
    pub channel: Option<String>,
    /// Who wrote the text.
    pub author: Option<String>,
    /// When it was said, in milliseconds since 1970.
    pub time: i64,
    /// How it was said: `api`, `page`, `import`, `labelling`, …
    pub source: String,
    /// The model that was wrong: `sentiment@3`.
    pub model: Option<String>,
    /// The prediction that it answers.
    pub prediction: Option<String>,
    /// What the user had to say.
    pub note: Option<String>,
    /// The kept item whose label it is, where nobody reported it.
    #[serde(default)]
    pub item: Option<String>,
    /// What a reviewer made of it.
    pub status: CorrectionStatus,
    /// The reviewer.
    pub reviewer: Option<String>,
    /// When it was reviewed.
    pub reviewed: Option<i64>,
}

/// A reviewer's word on a correction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// What becomes of it.
    pub status: CorrectionStatus,
    /// The label in place of the user's, if it is another.
    pub label: Option<String>,
    /// Who says so.
    pub reviewer: String,
}

/// Which corrections are asked for; everything must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorrectionFilter {
    /// Of one of these; empty: of any.
    pub status: Vec<CorrectionStatus>,
    /// Of this author.
    pub author: Option<String>,
    /// Of this time or later.
    pub since: Option<i64>,
    /// Reported, and of this reviewer not yet: the second opinions that are open to them. Of labels they are given
    /// blind ([`to_label`](Store::to_label)).
    pub unseen_by: Option<String>,
    /// Behind this one, in the order of time and id: the last of the page before.
    pub after: Option<(i64, String)>,
    /// At the most so many.
    pub limit: Option<u32>,
}

impl Store {
    /// Stores corrections; those whose id is there already stay as they are. Gives how many are new.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn add_corrections(&self, corrections: &[Correction]) -> Result<u64, StoreError> {
        let (mut writing, mut new) = (self.write().await?, 0);
        for c in corrections {
            let added = query(
                "INSERT INTO corrections (id, text, label, original, language, channel, author, time, source, \
                 model, prediction, note, status, reviewer, reviewed, item) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING",
            )
            .bind(text(&c.id))
            .bind(text(&c.text))
            .bind(text(&c.label))
            .bind(maybe_text(c.original.as_deref()))
            .bind(maybe_text(c.language.as_deref()))
            .bind(maybe_text(c.channel.as_deref()))
            .bind(maybe_text(c.author.as_deref()))
            .bind(c.time)
            .bind(text(&c.source))
            .bind(maybe_text(c.model.as_deref()))
            .bind(maybe_text(c.prediction.as_deref()))
            .bind(maybe_text(c.note.as_deref()))
            .bind(c.status.as_str())
            .bind(maybe_text(c.reviewer.as_deref()))
            .bind(c.reviewed)
            .bind(maybe_text(c.item.as_deref()))
            .execute(writing.on())
            .await
            .map_err(sql("store a correction"))?;
            new += added.rows_affected();
        }
        writing.commit().await?;
        Ok(new)
    }

    /// The corrections that `filter` lets through, oldest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn corrections(&self, filter: &CorrectionFilter) -> Result<Vec<Correction>, StoreError> {
        let mut conditions = vec!["time >= $1".to_owned()];
        let mut texts = Vec::new();
        let mut place = |value: String| {
            texts.push(value);
            texts.len() + 1
        };
        if !filter.status.is_empty() {
            let places: Vec<String> =
                filter.status.iter().map(|status| format!("${}", place(status.to_string()))).collect();
            conditions.push(format!("status IN ({})", places.join(", ")));
        }
        if let Some(author) = &filter.author {
            conditions.push(format!("author = ${}", place(text(author))));
        }
        if let Some(reviewer) = &filter.unseen_by {
            conditions.push(format!(
                "item IS NULL AND id NOT IN (SELECT correction FROM reviews WHERE reviewer = ${})",
                place(text(reviewer))
            ));
        }
        if let Some((time, id)) = &filter.after {
            conditions.push(format!("(time > {time} OR (time = {time} AND id > ${}))", place(text(id))));
        }
        let limit = filter.limit.map_or(String::new(), |limit| format!(" LIMIT {limit}"));
        let mut select = built(format!(
            "SELECT id, text, label, original, language, channel, author, time, source, model, prediction, note, \
             status, reviewer, reviewed, item FROM corrections WHERE {} ORDER BY time, id{limit}",
            conditions.join(" AND ")
        ))
        .bind(filter.since.unwrap_or(i64::MIN));
        for text in texts {
            select = select.bind(text);
        }
        let rows = select.fetch_all(self.pool()).await.map_err(sql("read corrections"))?;
        rows.iter().map(correction).collect()
    }

    /// Stores what a reviewer says of a correction; a later word replaces an earlier one. The audit
    /// log tells of it.
    ///
    /// # Errors
    /// No such correction.
    pub async fn review(&self, id: &str, review: &Review) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        self.set_review(&mut writing, id, review).await?;
        let detail = serde_json::json!({ "status": review.status, "label": review.label });
        let act = Act { who: &review.reviewer, action: "review", target: id, detail: &detail };
        self.note(&mut writing, &act).await?;
        writing.commit().await
    }

    /// Stores what a reviewer says, within what is written already.
    pub(crate) async fn set_review(
        &self,
        writing: &mut Writing,
        id: &str,
        review: &Review,
    ) -> Result<(), StoreError> {
        let changed = query(
            "UPDATE corrections SET status = $2, label = COALESCE($3, label), reviewer = $4, reviewed = $5 \
             WHERE id = $1",
        )
        .bind(text(id))
        .bind(review.status.as_str())
        .bind(maybe_text(review.label.as_deref()))
        .bind(text(&review.reviewer))
        .bind(now())
        .execute(writing.on())
        .await
        .map_err(sql("store a review"))?;
        if changed.rows_affected() == 0 {
            let (name, hint) = (id.to_owned(), String::new());
            return Err(StoreError::Missing { what: "correction", name, hint });
        }
        self.keep_word(writing, id, review).await
    }
}

fn correction(row: &AnyRow) -> Result<Correction, StoreError> {
    Ok(Correction {
        id: get(row, "id")?,
        text: get(row, "text")?,
        label: get(row, "label")?,
        original: get(row, "original")?,
        language: get(row, "language")?,
        channel: get(row, "channel")?,
        author: get(row, "author")?,
        time: get(row, "time")?,
        source: get(row, "source")?,
        model: get(row, "model")?,
        prediction: get(row, "prediction")?,
        note: get(row, "note")?,
        item: get(row, "item")?,
        status: get::<String>(row, "status")?.parse()?,
        reviewer: get(row, "reviewer")?,
        reviewed: get(row, "reviewed")?,
    })
}
