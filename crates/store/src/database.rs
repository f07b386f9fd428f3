//! Which database, and how it is connected to.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, ConnectOptions, Connection, Executor};

use crate::StoreError;
use crate::dialect::Dialect;

/// The file of records in a home.
pub(crate) const FILE: &str = "sentimeter.db";

/// How long a server may take to answer at all.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// How long a connection waits for one of a pool, and SQLite for another process's writing.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// SQLite, in the home's `sentimeter.db`.
    Home,
    /// SQLite in memory, gone with the store: for tests.
    Memory,
    /// PostgreSQL, by URL.
    Postgres(String),
}

impl Database {
    /// The database of `SENTIMETER_DATABASE_URL`: `postgres://…`; without one, the home's own.
    ///
    /// # Errors
    /// A URL of another kind of database.
    pub fn from_url(url: Option<&str>) -> Result<Self, StoreError> {
        match url {
            None | Some("") => Ok(Self::Home),
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                // Parsed now: a typing mistake is one of the command line.
                AnyConnectOptions::from_str(url).map_err(|_| StoreError::Url { url: shown(url) })?;
                Ok(Self::Postgres(url.to_owned()))
            }
            Some(url) => Err(StoreError::Url { url: shown(url) }),
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Home | Self::Memory => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// For people: a path, or a URL without its password.
    pub(crate) fn describe(&self, home: &Path) -> String {
        match self {
            Self::Home => home.join(FILE).display().to_string(),
            Self::Memory => "in memory".to_owned(),
            Self::Postgres(url) => shown(url),
        }
    }

    fn url(&self, home: &Path) -> Result<String, StoreError> {
        match self {
            Self::Memory => Ok("sqlite::memory:".to_owned()),
            Self::Postgres(url) => Ok(url.clone()),
            Self::Home => {
                let path = home.join(FILE);
                let path = std::path::absolute(&path).map_err(crate::error::io("find", &path))?;
                let bytes = path.to_str().ok_or_else(|| StoreError::Io {
                    doing: "use (its name is not UTF-8)",
                    path: path.clone(),
                    source: std::io::ErrorKind::InvalidFilename.into(),
                })?;
                let mut url = "sqlite://".to_owned();
                for byte in bytes.bytes() {
                    match byte {
                        b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                            url.push(char::from(byte));
                        }
                        other => url += &format!("%{other:02X}"),
                    }
                }
                Ok(url + "?mode=rwc")
            }
        }
    }

    /// A pool of connections; at least one is made, so that what is wrong is said now.
    pub(crate) async fn connect(&self, home: &Path) -> Result<AnyPool, StoreError> {
        sqlx::any::install_default_drivers();
        let cannot = |source| StoreError::Open { database: self.describe(home), source };
        let options = AnyConnectOptions::from_str(&self.url(home)?)
            .map_err(cannot)?
            // Statements carry what users wrote.
            .disable_statement_logging();
        let pool = AnyPoolOptions::new().acquire_timeout(PATIENCE);
        let pool = match self {
            // Each connection would be a database of its own.
            Self::Memory => pool.max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None),
            Self::Home => pool.max_connections(4).idle_timeout(None).max_lifetime(None).after_connect(
                |connection, _| {
                    Box::pin(async move {
                        // FULL: in WAL mode, anything less may lose what was acknowledged.
                        connection.execute("PRAGMA busy_timeout = 30000").await?;
                        connection.execute("PRAGMA journal_mode = WAL").await?;
                        connection.execute("PRAGMA synchronous = FULL").await?;
                        // What is erased is overwritten: it may be somebody's own words.
                        connection.execute("PRAGMA secure_delete = ON").await?;
                        Ok(())
                    })
                },
            ),
            Self::Postgres(_) => {
                // A pool asks a server that is down again and again, until its patience is at an end.
                let first = tokio::time::timeout(FIRST_ANSWER, options.connect()).await;
                let connection = first.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(cannot)?;
                connection.close().await.map_err(cannot)?;
                pool.max_connections(8)
            }
        };
        pool.connect_with(options).await.map_err(cannot)
    }
}

/// A URL without its password.
fn shown(url: &str) -> String {
    match AnyConnectOptions::from_str(url) {
        Ok(mut options) if options.database_url.has_host() => {
            if options.database_url.password().is_some() {
                // A URL with a password has a host, so this cannot be refused.
                let _ = options.database_url.set_password(Some("***"));
            }
            options.database_url.set_query(None);
            options.database_url.to_string()
        }
        // It may hold a password anywhere.
        _ => url.split_once(':').map_or("(no URL)".to_owned(), |(scheme, _)| format!("{scheme}:…")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_postgres_or_refused_without_telling_passwords() {
        assert_eq!(Database::from_url(None).unwrap(), Database::Home);
        let url = "postgres://me:secret@host/db?password=secret";
        let database = Database::from_url(Some(url)).unwrap();
        let said = database.describe(Path::new("."));
        assert!(said.contains("me") && said.contains("host/db") && !said.contains("secret"), "{said}");
        for url in ["mysql://me:secret@host/db", "host:secret", "postgres://me:secret@ho st/"] {
            let said = Database::from_url(Some(url)).unwrap_err().to_string();
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
