//! The store: one database, one folder of blobs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::any::{Any, AnyArguments};
use sqlx::query::Query;
use sqlx::{AnyPool, AssertSqlSafe, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::dialect::Dialect;
use crate::error::{io, sql};
use crate::{Blobs, Database, StoreError, migrate};

/// Records and blobs of one home. Clones share their connections.
///
/// Every method that writes is one transaction: when it returns without an error, what it wrote is
/// durable; otherwise nothing of it is there.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    home: PathBuf,
    database: Database,
    dialect: Dialect,
    pool: AnyPool,
    blobs: Blobs,
    /// SQLite has one writer: this process's own wait here, in order, instead of polling its lock.
    writer: Arc<Mutex<()>>,
}

/// A transaction that writes; dropped without `commit`, nothing of it is there.
pub(crate) struct Writing {
    transaction: Transaction<'static, Any>,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Store {
    /// Opens the records of `home` and its blobs, which are made where they are not there; an older
    /// schema is migrated, with a copy of the SQLite file kept beside it.
    ///
    /// # Errors
    /// A home that cannot be written, a database that cannot be reached or is of a newer schema.
    pub async fn open(home: &Path, database: &Database) -> Result<Self, StoreError> {
        std::fs::create_dir_all(home).map_err(io("make the home directory", home))?;
        let _alone = match database {
            // One process at a time makes the file, turns it to WAL and migrates it.
            Database::Home => Some(migrate::alone(home).await?),
            _ => None,
        };
        let pool = database.connect(home).await?;
        let inner = Inner {
            home: home.to_owned(),
            database: database.clone(),
            dialect: database.dialect(),
            pool,
            blobs: Blobs::at(home),
            writer: Arc::default(),
        };
        let store = Self { inner: Arc::new(inner) };
        migrate::migrate(&store, migrate::STEPS).await?;
        Ok(store)
    }

    /// The home that it belongs to.
    pub fn home(&self) -> &Path {
        &self.inner.home
    }

    /// Which database.
    pub fn database(&self) -> &Database {
        &self.inner.database
    }

    /// The files by content.
    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    /// Where the records are, for people.
    pub fn describe(&self) -> String {
        self.inner.database.describe(&self.inner.home)
    }

    /// Whether the records can be read: what a readiness check asks.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        query("SELECT 1").fetch_one(self.pool()).await.map(drop).map_err(sql("answer"))
    }

    /// Ends its connections, after the work under way; clones can do no more.
    pub async fn close(&self) {
        self.pool().close().await;
    }

    pub(crate) fn pool(&self) -> &AnyPool {
        &self.inner.pool
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.inner.dialect
    }

    /// Begins to write.
    pub(crate) async fn write(&self) -> Result<Writing, StoreError> {
        let turn = match self.dialect() {
            Dialect::Sqlite => Some(self.inner.writer.clone().lock_owned().await),
            Dialect::Postgres => None,
        };
        let begun = self.pool().begin_with(self.dialect().begin_write()).await;
        Ok(Writing { transaction: begun.map_err(sql("begin to write"))?, _turn: turn })
    }
}

impl Writing {
    /// The connection, for a statement.
    pub(crate) fn on(&mut self) -> &mut sqlx::AnyConnection {
        &mut self.transaction
    }

    /// Makes everything durable.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await.map_err(sql("commit"))
    }
}

/// A statement; `$1`, `$2`, … are its parameters.
pub(crate) fn query(statement: &'static str) -> Query<'static, Any, AnyArguments> {
    sqlx::query(statement)
}

/// A statement put together from constants and numbers of parameters, never from what users say.
pub(crate) fn built(statement: String) -> Query<'static, Any, AnyArguments> {
    sqlx::query(AssertSqlSafe(statement)).persistent(false)
}
