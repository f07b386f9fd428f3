//! The schema, step by step; every home is brought to the newest.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor};

use crate::database::FILE;
use crate::error::{io, sql};
use crate::rows::get;
use crate::store::{Writing, query};
use crate::{Database, Store, StoreError, now};

/// A step's name and its statements.
type Step = (&'static str, &'static str);

/// Its place in the order is its number, from 1. A step that was released is never changed.
pub(crate) const STEPS: &[Step] = &[
    ("first", include_str!("../migrations/0001_first.sql")),
    ("serving", include_str!("../migrations/0002_serving.sql")),
    ("items", include_str!("../migrations/0003_items.sql")),
    ("house", include_str!("../migrations/0004_house.sql")),
    ("labels", include_str!("../migrations/0005_labels.sql")),
    ("search", include_str!("../migrations/0006_search.sql")),
];

/// Whoever holds it has the home's database file to make and to migrate; let go when dropped.
pub(crate) async fn alone(home: &Path) -> Result<File, StoreError> {
    let path = home.join(format!("{FILE}.lock"));
    let file = File::options().create(true).append(true).open(&path).map_err(io("open", &path))?;
    // Asked again and again, not waited for: the holder may be a task of this very thread.
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(5)).await,
            // A network file system without locks: SQLite's own must then do.
            Err(std::fs::TryLockError::Error(_)) => return Ok(file),
        }
    }
}

/// Brings the schema to the newest of `steps`.
pub(crate) async fn migrate(store: &Store, steps: &[Step]) -> Result<(), StoreError> {
    let known = steps.len() as i64;
    let found = version(store).await?;
    if found > known {
        return Err(StoreError::Newer { database: store.describe(), found, known });
    }
    if found == known {
        return check(store, steps).await;
    }
    if found > 0 && *store.database() == Database::Home {
        keep_copy(store, found).await?;
    }
    let mut writing = store.write().await?;
    if let Some(alone) = store.dialect().alone() {
        writing.on().execute(alone).await.map_err(sql("lock the schema"))?;
    }
    writing
        .on()
        .execute(
            "CREATE TABLE IF NOT EXISTS schema_versions \
             (number BIGINT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL, applied BIGINT NOT NULL)",
        )
        .await
        .map_err(sql("make the table of schema versions"))?;
    let row =
        query("SELECT COALESCE(MAX(number), 0) AS number FROM schema_versions").fetch_one(writing.on()).await;
    let found: i64 = get(&row.map_err(sql("read the schema's version"))?, "number")?;
    for (i, step) in steps.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        apply(&mut writing, store, i as i64 + 1, step).await?;
    }
    writing.commit().await
}

async fn apply(
    writing: &mut Writing,
    store: &Store,
    number: i64,
    (name, step): &Step,
) -> Result<(), StoreError> {
    let dialect = store.dialect();
    let statements = step.replace("IDENTITY", dialect.identity()).replace(dialect.own(), "");
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(writing.on()).await.map_err(sql("migrate"))?;
    query("INSERT INTO schema_versions (number, name, hash, applied) VALUES ($1, $2, $3, $4)")
        .bind(number)
        .bind(*name)
        .bind(hash(step))
        .bind(now())
        .execute(writing.on())
        .await
        .map_err(sql("note the migration"))?;
    Ok(())
}

fn hash(step: &str) -> String {
    blake3::hash(step.as_bytes()).to_hex().to_string()
}

/// The schema's version, 0 where there is none.
async fn version(store: &Store) -> Result<i64, StoreError> {
    let cannot = || sql("read the schema's version");
    let row = query(store.dialect().count_tables()).bind("schema_versions").fetch_one(store.pool()).await;
    let tables: i64 = sqlx::Row::try_get(&row.map_err(cannot())?, 0).map_err(cannot())?;
    if tables == 0 {
        return Ok(0);
    }
    let row =
        query("SELECT COALESCE(MAX(number), 0) AS number FROM schema_versions").fetch_one(store.pool()).await;
    get(&row.map_err(cannot())?, "number")
}

/// The steps that ran are the ones that this program has.
async fn check(store: &Store, steps: &[Step]) -> Result<(), StoreError> {
    let rows =
        query("SELECT number, hash FROM schema_versions ORDER BY number").fetch_all(store.pool()).await;
    for (row, (_, step)) in rows.map_err(sql("read the schema's version"))?.iter().zip(steps) {
        if get::<String>(row, "hash")? != hash(step) {
            return Err(StoreError::Foreign { database: store.describe(), number: get(row, "number")? });
        }
    }
    Ok(())
}

/// A copy of the file as it is before a migration, under a name that says so.
async fn keep_copy(store: &Store, version: i64) -> Result<PathBuf, StoreError> {
    let place = store.home().join(format!("{FILE}.schema-{version}"));
    if place.exists() {
        return Ok(place); // of an attempt that was broken off; nothing was migrated since
    }
    let beside = store.home().join(format!("{FILE}.schema-{version}.writing"));
    match std::fs::remove_file(&beside) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io("replace", &beside)(e)),
        _ => {}
    }
    copy_to(store, &beside).await?;
    std::fs::rename(&beside, &place).map_err(io("write", &place))?;
    Ok(place)
}

/// Copies the SQLite database, as it is at this moment, to `path`, which must not be there.
pub(crate) async fn copy_to(store: &Store, path: &Path) -> Result<(), StoreError> {
    query("VACUUM INTO $1")
        .bind(path.to_string_lossy().into_owned())
        .execute(store.pool())
        .await
        .map_err(sql("copy itself"))?;
    File::open(path).and_then(|file| file.sync_all()).map_err(io("sync", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the next release may bring.
    const NEXT: Step = ("next", "CREATE TABLE next_things (id IDENTITY, name TEXT NOT NULL);");

    async fn open(home: &Path) -> Store {
        Store::open(home, &Database::Home).await.unwrap()
    }

    #[tokio::test]
    async fn an_older_home_is_migrated_and_its_copy_kept() {
        let home = tempfile::tempdir().unwrap();
        let store = open(home.path()).await;
        let run = crate::NewRun::new("train");
        store.apply(&[crate::Write::Start(Box::new(run.clone()))]).await.unwrap();
        let steps = [STEPS, &[NEXT]].concat();
        migrate(&store, &steps).await.unwrap();
        assert_eq!(version(&store).await.unwrap(), steps.len() as i64);
        query("INSERT INTO next_things (name) VALUES ('x')").execute(store.pool()).await.unwrap();
        assert_eq!(store.run(&run.id).await.unwrap().name, run.name);

        // What is beside opens by itself, and is as it was.
        let beside = home.path().join(format!("{FILE}.schema-{}", STEPS.len()));
        let older = tempfile::tempdir().unwrap();
        std::fs::copy(&beside, older.path().join(FILE)).unwrap();
        let older = open(older.path()).await;
        assert_eq!(version(&older).await.unwrap(), STEPS.len() as i64);
        assert_eq!(older.run(&run.id).await.unwrap().name, run.name);

        // Twice changes nothing; a program that does not know the step refuses, and so does one with another.
        migrate(&store, &steps).await.unwrap();
        let refused = Store::open(home.path(), &Database::Home).await.unwrap_err();
        assert!(matches!(refused, StoreError::Newer { .. }), "{refused}");
        let other = [STEPS, &[("next", "SELECT 1;")]].concat();
        assert!(
            matches!(migrate(&store, &other).await, Err(StoreError::Foreign { number, .. }) if number == steps.len() as i64)
        );
    }

    #[tokio::test]
    async fn a_step_that_fails_leaves_the_schema_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        let store = open(home.path()).await;
        let broken: Step = ("broken", "CREATE TABLE half (id IDENTITY); CREATE NONSENSE;");
        assert!(migrate(&store, &[STEPS, &[broken]].concat()).await.is_err());
        assert_eq!(version(&store).await.unwrap(), STEPS.len() as i64);
        let tables =
            query(store.dialect().count_tables()).bind("half").fetch_one(store.pool()).await.unwrap();
        assert_eq!(sqlx::Row::get::<i64, _>(&tables, 0), 0);
        migrate(&store, &[STEPS, &[NEXT]].concat()).await.unwrap();
    }

    #[test]
    fn many_open_a_new_home_at_once() {
        let home = tempfile::tempdir().unwrap();
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let home = home.path().to_owned();
                std::thread::spawn(move || crate::Blocking::open(&home, &Database::Home).unwrap())
            })
            .collect();
        for store in opening {
            store.join().unwrap().run(Store::ping).unwrap();
        }
    }
}
