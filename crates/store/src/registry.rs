//! Registered models: versions that never change, aliases that move, and who moved them.
//!
//! Whether a model is good enough for an alias is for the caller to say; here every change is one
//! transaction with the event that tells of it, and with its entry in the audit log.

mod events;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Executor};

use crate::error::sql;
use crate::rows::{get, json, maybe_text, text};
use crate::store::{Writing, built, query};
use crate::write::one;
use crate::{Blob, RunId, Store, StoreError, Write, now};

use events::Event;
pub use events::RegistryEvent;

/// Who changes the registry, from where, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The user, or the key's name.
    pub name: String,
    /// The machine.
    pub host: String,
    /// Why, where it was said.
    pub reason: Option<String>,
}

/// A model by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegisteredModel {
    /// Its name.
    pub name: String,
    /// When its first version came, in milliseconds since 1970.
    pub created: i64,
    /// What it is for.
    pub description: String,
    /// Its newest version that is not deleted.
    pub latest: Option<i64>,
    /// How many versions are not deleted.
    pub versions: i64,
    /// Its aliases, by name.
    pub aliases: Vec<Alias>,
}

/// A name that points at a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// `champion`, `challenger`, any.
    pub alias: String,
    /// Where it points.
    pub version: i64,
    /// Since when, in milliseconds since 1970.
    pub changed: i64,
}

/// A version as it is registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewVersion {
    /// The model's name.
    pub model: String,
    /// The run that made it, if one is recorded here.
    pub run: Option<RunId>,
    /// The model file.
    pub blob: Blob,
    /// The digest that the file states of itself.
    pub digest: String,
    /// `linear`, …
    pub kind: String,
    /// Content hash of the data that it learned from.
    pub data_hash: Option<String>,
    /// Content hash of the rows that it was measured on.
    pub test_hash: Option<String>,
    /// What was measured.
    pub metrics: Value,
    /// How text is cleaned.
    pub recipe: Value,
    /// The licences of its data.
    pub licence: Value,
    /// Whatever else should be known.
    pub detail: Value,
}

/// A registered version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Its number, from 1; numbers are never given twice.
    pub version: i64,
    /// When it was registered, in milliseconds since 1970.
    pub created: i64,
    /// By whom.
    pub creator: String,
    /// When it was deleted: its file may be gone then.
    pub deleted: Option<i64>,
    /// What it is.
    #[serde(flatten)]
    pub of: NewVersion,
}

impl Version {
    /// `NAME@VERSION`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.of.model, self.version)
    }
}

const VERSION: &str = "model, version, created, creator, run, hash, size, digest, kind, data_hash, test_hash, \
                       metrics, recipe, licence, detail, deleted";

fn version(row: &AnyRow) -> Result<Version, StoreError> {
    Ok(Version {
        version: get(row, "version")?,
        created: get(row, "created")?,
        creator: get(row, "creator")?,
        deleted: get(row, "deleted")?,
        of: NewVersion {
            model: get(row, "model")?,
            run: get::<Option<String>>(row, "run")?.map(RunId::from_stored),
            blob: Blob { hash: get(row, "hash")?, size: get::<i64>(row, "size")?.cast_unsigned() },
            digest: get(row, "digest")?,
            kind: get(row, "kind")?,
            data_hash: get(row, "data_hash")?,
            test_hash: get(row, "test_hash")?,
            metrics: json(row, "metrics")?,
            recipe: json(row, "recipe")?,
            licence: json(row, "licence")?,
            detail: json(row, "detail")?,
        },
    })
}

impl Store {
    /// Registers a version of a model, which is made if there is none of its name.
    ///
    /// # Errors
    /// A run that is not recorded here; a database that cannot be written.
    pub async fn register(&self, new: &NewVersion, who: &Who) -> Result<Version, StoreError> {
        self.register_with(new, who, &Value::Null, |_| Vec::new()).await
    }

    /// The same with what else should be known of it in the event, and with what else is to be written in
    /// the same transaction, once the version has its number: entries of the outbox, a run's files.
    ///
    /// # Errors
    /// As [`Store::register`].
    pub async fn register_with(
        &self,
        new: &NewVersion,
        who: &Who,
        detail: &Value,
        also: impl FnOnce(&Version) -> Vec<Write>,
    ) -> Result<Version, StoreError> {
        let cannot = || sql("register a version");
        let (mut writing, time) = (self.write_registry().await?, now());
        query("INSERT INTO models (name, created, description) VALUES ($1, $2, '') ON CONFLICT DO NOTHING")
            .bind(text(&new.model))
            .bind(time)
            .execute(writing.on())
            .await
            .map_err(cannot())?;
        let row = query("SELECT COALESCE(MAX(version), 0) AS version FROM versions WHERE model = $1")
            .bind(text(&new.model))
            .fetch_one(writing.on())
            .await
            .map_err(cannot())?;
        let number = get::<i64>(&row, "version")? + 1;
        query(
            "INSERT INTO versions (model, version, created, creator, run, hash, size, digest, kind, data_hash, \
             test_hash, metrics, recipe, licence, detail) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        )
        .bind(text(&new.model))
        .bind(number)
        .bind(time)
        .bind(text(&who.name))
        .bind(new.run.as_ref().map(ToString::to_string))
        .bind(text(&new.blob.hash))
        .bind(new.blob.size as i64)
        .bind(text(&new.digest))
        .bind(text(&new.kind))
        .bind(maybe_text(new.data_hash.as_deref()))
        .bind(maybe_text(new.test_hash.as_deref()))
        .bind(text(&new.metrics.to_string()))
        .bind(text(&new.recipe.to_string()))
        .bind(text(&new.licence.to_string()))
        .bind(text(&new.detail.to_string()))
        .execute(writing.on())
        .await
        .map_err(cannot())?;
        let event =
            Event { action: "register", model: &new.model, version: Some(number), ..Event::default() };
        self.tell(&mut writing, &event, who, detail).await?;
        let version = Version {
            version: number,
            created: time,
            creator: who.name.clone(),
            deleted: None,
            of: new.clone(),
        };
        for write in also(&version) {
            one(writing.on(), &write).await?;
        }
        writing.commit().await?;
        Ok(version)
    }

    /// All models, by name.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn models(&self) -> Result<Vec<RegisteredModel>, StoreError> {
        let rows = query(
            "SELECT m.name AS name, m.created AS created, m.description AS description, \
             (SELECT MAX(version) FROM versions v WHERE v.model = m.name AND v.deleted IS NULL) AS latest, \
             (SELECT COUNT(*) FROM versions v WHERE v.model = m.name AND v.deleted IS NULL) AS versions \
             FROM models m ORDER BY m.name",
        )
        .fetch_all(self.pool())
        .await
        .map_err(sql("list models"))?;
        let mut models = Vec::with_capacity(rows.len());
        for row in &rows {
            let name: String = get(row, "name")?;
            let aliases = self.aliases(&name).await?;
            models.push(RegisteredModel {
                created: get(row, "created")?,
                description: get(row, "description")?,
                latest: get(row, "latest")?,
                versions: get(row, "versions")?,
                aliases,
                name,
            });
        }
        Ok(models)
    }

    /// Says what a model is for.
    ///
    /// # Errors
    /// No such model.
    pub async fn describe_model(&self, model: &str, description: &str, who: &Who) -> Result<(), StoreError> {
        let mut writing = self.write_registry().await?;
        let changed = query("UPDATE models SET description = $2 WHERE name = $1")
            .bind(text(model))
            .bind(text(description))
            .execute(writing.on())
            .await
            .map_err(sql("describe a model"))?;
        if changed.rows_affected() == 0 {
            return Err(no_model(model));
        }
        let event = Event { action: "describe", model, ..Event::default() };
        let detail = serde_json::json!({ "description": description });
        self.tell(&mut writing, &event, who, &detail).await?;
        writing.commit().await
    }

    /// The aliases of a model, by name.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn aliases(&self, model: &str) -> Result<Vec<Alias>, StoreError> {
        let rows = query("SELECT alias, version, changed FROM aliases WHERE model = $1 ORDER BY alias")
            .bind(text(model))
            .fetch_all(self.pool())
            .await
            .map_err(sql("read aliases"))?;
        rows.iter()
            .map(|row| {
                Ok(Alias {
                    alias: get(row, "alias")?,
                    version: get(row, "version")?,
                    changed: get(row, "changed")?,
                })
            })
            .collect()
    }

    /// The versions of a model, oldest first, deleted ones too.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn versions(&self, model: &str) -> Result<Vec<Version>, StoreError> {
        let rows = built(format!("SELECT {VERSION} FROM versions WHERE model = $1 ORDER BY version"))
            .bind(text(model))
            .fetch_all(self.pool())
            .await
            .map_err(sql("list versions"))?;
        rows.iter().map(version).collect()
    }

    /// The versions whose file has this digest, of any model, oldest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn versions_of_digest(&self, digest: &str) -> Result<Vec<Version>, StoreError> {
        let rows = built(format!(
            "SELECT {VERSION} FROM versions WHERE digest = $1 ORDER BY created, model, version"
        ))
        .bind(text(digest))
        .fetch_all(self.pool())
        .await
        .map_err(sql("list versions"))?;
        rows.iter().map(version).collect()
    }

    /// The version that `NAME@VERSION`, `NAME@ALIAS` or `NAME` (its newest) means.
    ///
    /// # Errors
    /// No such model, alias or version; a version that was deleted.
    pub async fn find_version(&self, reference: &str) -> Result<Version, StoreError> {
        let (model, wanted) = match reference.rsplit_once('@') {
            Some((model, wanted)) => (model, Some(wanted)),
            None => (reference, None),
        };
        let versions = self.versions(model).await?;
        if versions.is_empty() {
            return Err(no_model(model));
        }
        let aliases = self.aliases(model).await?;
        let number = match wanted {
            None => versions.iter().rev().find(|v| v.deleted.is_none()).map(|v| v.version),
            Some(wanted) => match wanted.parse::<i64>() {
                Ok(number) => Some(number),
                Err(_) => aliases.iter().find(|a| a.alias == wanted).map(|a| a.version),
            },
        };
        let found = versions.iter().find(|v| Some(v.version) == number);
        match found {
            Some(version) if version.deleted.is_none() => Ok(version.clone()),
            Some(version) => Err(StoreError::Conflict {
                what: "version",
                name: version.reference(),
                why: "was deleted; register its file again".to_owned(),
            }),
            None => {
                let mut known: Vec<String> =
                    versions.iter().filter(|v| v.deleted.is_none()).map(|v| v.version.to_string()).collect();
                known.extend(aliases.into_iter().map(|alias| alias.alias));
                Err(StoreError::Missing {
                    what: "version",
                    name: reference.to_owned(),
                    hint: format!("; {model} has {}", known.join(", ")),
                })
            }
        }
    }

    /// Points an alias at a version. `expected` is where the caller has seen it pointing, if anywhere:
    /// whoever decided on that is not overtaken unawares. Gives where it pointed before.
    ///
    /// # Errors
    /// No such version, a deleted one, or an alias that has moved meanwhile.
    pub async fn set_alias(
        &self,
        (model, alias, number): (&str, &str, i64),
        expected: Option<i64>,
        why: (&Who, &str, &Value),
    ) -> Result<Option<i64>, StoreError> {
        self.set_alias_with((model, alias, number), expected, why, &[]).await
    }

    /// The same with what else is to be written in the same transaction, such as entries of the outbox.
    ///
    /// # Errors
    /// As [`Store::set_alias`].
    pub async fn set_alias_with(
        &self,
        (model, alias, number): (&str, &str, i64),
        expected: Option<i64>,
        (who, action, detail): (&Who, &str, &Value),
        also: &[Write],
    ) -> Result<Option<i64>, StoreError> {
        let cannot = || sql("point an alias");
        let mut writing = self.write_registry().await?;
        let target = query("SELECT deleted FROM versions WHERE model = $1 AND version = $2")
            .bind(text(model))
            .bind(number)
            .fetch_optional(writing.on())
            .await
            .map_err(cannot())?;
        let name = format!("{model}@{number}");
        match target {
            None => return Err(StoreError::Missing { what: "version", name, hint: String::new() }),
            Some(row) if get::<Option<i64>>(&row, "deleted")?.is_some() => {
                let why = "was deleted; register its file again".to_owned();
                return Err(StoreError::Conflict { what: "version", name, why });
            }
            Some(_) => {}
        }
        let previous = points_at(writing.on(), model, alias).await?;
        if previous != expected {
            let at = |version: Option<i64>| version.map_or("nothing".to_owned(), |v| v.to_string());
            return Err(StoreError::Conflict {
                what: "alias",
                name: format!("{model}@{alias}"),
                why: format!(
                    "was moved by someone else: it points at {}, not at {}; look again",
                    at(previous),
                    at(expected)
                ),
            });
        }
        query(
            "INSERT INTO aliases (model, alias, version, changed) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version, changed = excluded.changed",
        )
        .bind(text(model))
        .bind(text(alias))
        .bind(number)
        .bind(now())
        .execute(writing.on())
        .await
        .map_err(cannot())?;
        let event = Event { action, model, version: Some(number), alias: Some(alias), previous };
        self.tell(&mut writing, &event, who, detail).await?;
        for write in also {
            one(writing.on(), write).await?;
        }
        writing.commit().await?;
        Ok(previous)
    }

    /// Takes an alias away. Gives where it pointed.
    ///
    /// # Errors
    /// No such alias.
    pub async fn remove_alias(&self, model: &str, alias: &str, who: &Who) -> Result<i64, StoreError> {
        let mut writing = self.write_registry().await?;
        let Some(previous) = points_at(writing.on(), model, alias).await? else {
            let (name, hint) = (format!("{model}@{alias}"), String::new());
            return Err(StoreError::Missing { what: "alias", name, hint });
        };
        query("DELETE FROM aliases WHERE model = $1 AND alias = $2")
            .bind(text(model))
            .bind(text(alias))
            .execute(writing.on())
            .await
            .map_err(sql("take an alias away"))?;
        let event =
            Event { action: "unalias", model, alias: Some(alias), previous: Some(previous), version: None };
        self.tell(&mut writing, &event, who, &Value::Null).await?;
        writing.commit().await?;
        Ok(previous)
    }

    /// Marks a version as deleted; what is known of it stays.
    ///
    /// # Errors
    /// No such version, or one that an alias points at.
    pub async fn delete_version(&self, model: &str, number: i64, who: &Who) -> Result<(), StoreError> {
        let cannot = || sql("delete a version");
        let name = format!("{model}@{number}");
        let mut writing = self.write_registry().await?;
        let pointing = query("SELECT alias FROM aliases WHERE model = $1 AND version = $2 ORDER BY alias")
            .bind(text(model))
            .bind(number)
            .fetch_optional(writing.on())
            .await
            .map_err(cannot())?;
        if let Some(row) = pointing {
            let alias: String = get(&row, "alias")?;
            let why = format!("cannot be deleted: it is {model}@{alias}; promote another first");
            return Err(StoreError::Conflict { what: "version", name, why });
        }
        let changed =
            query("UPDATE versions SET deleted = $3 WHERE model = $1 AND version = $2 AND deleted IS NULL")
                .bind(text(model))
                .bind(number)
                .bind(now())
                .execute(writing.on())
                .await
                .map_err(cannot())?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::Missing { what: "version", name, hint: String::new() });
        }
        let event = Event { action: "delete", model, version: Some(number), ..Event::default() };
        self.tell(&mut writing, &event, who, &Value::Null).await?;
        writing.commit().await
    }

    /// Begins to change the registry, one process at a time.
    async fn write_registry(&self) -> Result<Writing, StoreError> {
        let mut writing = self.write().await?;
        if let Some(alone) = self.dialect().alone() {
            writing.on().execute(alone).await.map_err(sql("lock the registry"))?;
        }
        Ok(writing)
    }
}

fn no_model(name: &str) -> StoreError {
    StoreError::Missing {
        what: "model",
        name: name.to_owned(),
        hint: "; `sentimeter models list` shows them".to_owned(),
    }
}

async fn points_at(on: &mut AnyConnection, model: &str, alias: &str) -> Result<Option<i64>, StoreError> {
    let row = query("SELECT version FROM aliases WHERE model = $1 AND alias = $2")
        .bind(text(model))
        .bind(text(alias))
        .fetch_optional(on)
        .await
        .map_err(sql("read an alias"))?;
    row.map(|row| get(&row, "version")).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Database;

    #[tokio::test]
    async fn what_cannot_be_audited_is_not_done() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path(), &Database::Memory).await.unwrap();
        let new = NewVersion {
            model: "m".to_owned(),
            run: None,
            blob: Blob { hash: "0".repeat(64), size: 1 },
            digest: "d".to_owned(),
            kind: "linear".to_owned(),
            data_hash: None,
            test_hash: None,
            metrics: Value::Null,
            recipe: Value::Null,
            licence: Value::Null,
            detail: Value::Null,
        };
        let who = Who::default();
        store.register(&new, &who).await.unwrap();
        query("ALTER TABLE audit RENAME TO elsewhere").execute(store.pool()).await.unwrap();
        assert!(store.set_alias(("m", "champion", 1), None, (&who, "promote", &Value::Null)).await.is_err());
        assert_eq!(store.aliases("m").await.unwrap(), []);
        assert_eq!(store.registry_events("m").await.unwrap().len(), 1);
    }
}
