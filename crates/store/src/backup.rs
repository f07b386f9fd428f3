//! The whole home in one file, and back.
//!
//! A backup is a zip file: `backup.json`, the records as they were at one moment (`sentimeter.db`, which
//! SQLite itself copies while others write), the blobs, and the home's folders that the caller names.
//! Restoring adds files first and replaces the records last, in one transaction: a restore that is
//! broken off leaves the old records, and processes that work on the home meanwhile see the old ones or
//! the new ones, nothing between.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Executor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::database::FILE;
use crate::error::{io, sql};
use crate::store::query;
use crate::{Blobs, Database, Store, StoreError, migrate, now};

/// The layout that this code writes and reads.
const FORMAT: u32 = 1;

const INDEX: &str = "backup.json";

/// Every table but that of the schema's versions, what is referred to first.
const TABLES: [&str; 25] = [
    "runs",
    "inputs",
    "params",
    "tags",
    "metrics",
    "artifacts",
    "outbox",
    "models",
    "versions",
    "aliases",
    "registry_events",
    "corrections",
    "corrections_used",
    "reviews",
    "predictions",
    "keys",
    "sessions",
    "secrets",
    "audit",
    "audit_head",
    "items",
    "item_days",
    "passes",
    "jobs",
    "schema_versions",
];

/// What a backup holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    format: u32,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// How many blobs.
    pub blobs: u64,
    /// How many other files.
    pub files: u64,
    /// Their bytes together, and those of the blobs and of the records.
    pub bytes: u64,
}

impl Store {
    /// Whether the records are sound: what the database itself finds, in its own words, if they are not.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        if self.dialect() == crate::dialect::Dialect::Postgres {
            // PostgreSQL has no such command; it checks what it reads.
            return self.ping().await.map(|()| Vec::new());
        }
        let rows =
            query("PRAGMA integrity_check").fetch_all(self.pool()).await.map_err(sql("check itself"))?;
        let mut found = Vec::new();
        for row in &rows {
            let said: String = sqlx::Row::try_get(row, 0).map_err(sql("check itself"))?;
            found.extend((said != "ok").then_some(said));
        }
        let orphans = query("SELECT \"table\", COUNT(*) AS orphans FROM pragma_foreign_key_check GROUP BY 1")
            .fetch_all(self.pool())
            .await
            .map_err(sql("check itself"))?;
        for row in &orphans {
            let table: String = sqlx::Row::try_get(row, 0).map_err(sql("check itself"))?;
            found.push(format!("rows of {table} refer to what is not there"));
        }
        Ok(found)
    }

    /// Writes records, blobs and `folders` of the home to `place`, while others work. It is written
    /// beside and renamed.
    ///
    /// # Errors
    /// Records in PostgreSQL, which has tools of its own; a place that cannot be written.
    pub async fn backup(&self, place: &Path, folders: &[&str]) -> Result<Backup, StoreError> {
        if *self.database() != Database::Home {
            return Err(StoreError::Conflict {
                what: "database",
                name: self.describe(),
                why: format!(
                    "has tools of its own: back the records up with pg_dump, and {} by copying it afterwards",
                    self.blobs().folder().display()
                ),
            });
        }
        let around = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        let beside = builder.prefix(".writing-").tempdir_in(around).map_err(io("write into", around))?;
        // The records first: whatever blob they name is there already, and blobs never change.
        let records = beside.path().join(FILE);
        migrate::copy_to(self, &records).await?;
        let made = beside.path().join("backup.zip");
        let mut zip = ZipWriter::new(File::create(&made).map_err(io("write", &made))?);
        let mut found = Backup { format: FORMAT, created: now(), ..Backup::default() };
        put(&mut zip, FILE, &records, &mut found.bytes)?;
        for hash in self.blobs().list()? {
            let path = self.blobs().verified(&hash)?;
            put(&mut zip, &format!("blobs/{hash}"), &path, &mut found.bytes)?;
            found.blobs += 1;
        }
        for folder in folders {
            for name in files_below(self.home(), Path::new(folder))? {
                match put(&mut zip, &name, &self.home().join(&name), &mut found.bytes) {
                    Ok(()) => found.files += 1,
                    // Replaced or deleted meanwhile.
                    Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let index = serde_json::to_vec_pretty(&found).expect("numbers serialise");
        let finish = |mut zip: ZipWriter<File>| -> io::Result<()> {
            zip.start_file(INDEX, SimpleFileOptions::default())?;
            zip.write_all(&index)?;
            zip.finish()?.sync_all()?;
            fs::rename(&made, place)?;
            File::open(around)?.sync_all()
        };
        finish(zip).map_err(io("write", place))?;
        Ok(found)
    }
}

fn put(zip: &mut ZipWriter<File>, name: &str, path: &Path, bytes: &mut u64) -> Result<(), StoreError> {
    let mut file = File::open(path).map_err(io("read", path))?;
    let size = file.metadata().map_err(io("read", path))?.len();
    // What is compressed already would only cost time.
    let packed = [".zst", ".png", ".gz"].iter().any(|ending| name.ends_with(ending));
    let method = if packed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
    let options = SimpleFileOptions::default().compression_method(method).large_file(size > 1 << 31);
    let options = options.compression_level((!packed).then_some(1));
    let mut copy = || {
        zip.start_file(name, options)?;
        io::copy(&mut file, zip)
    };
    *bytes += copy().map_err(io("copy", path))?;
    Ok(())
}

/// The files below `home/folder`, by their names in the home, hidden ones left out: those are half
/// written.
fn files_below(home: &Path, folder: &Path) -> Result<Vec<String>, StoreError> {
    let at = home.join(folder);
    let entries = match fs::read_dir(&at) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(io("read", &at)(e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io("read", &at))?;
        let kind = entry.file_type().map_err(io("read", &at))?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let inner = folder.join(name);
        if kind.is_dir() {
            names.extend(files_below(home, &inner)?);
        } else if kind.is_file() {
            names.extend(inner.to_str().map(|name| name.replace('\\', "/")));
        }
    }
    names.sort();
    Ok(names)
}

/// Puts what `place` holds into `home`. Files come first; the records last, in one transaction.
///
/// # Errors
/// No backup, or a damaged one; a home that has records already, unless `force`.
pub async fn restore(home: &Path, place: &Path, force: bool) -> Result<Backup, StoreError> {
    let foreign = |why: String| StoreError::Conflict {
        what: "file",
        name: place.display().to_string(),
        why: format!("is no backup that could be restored: {why}"),
    };
    let taken = home.join(FILE).exists();
    if taken && !force {
        return Err(StoreError::Conflict {
            what: "home",
            name: home.display().to_string(),
            why: "has records already: restore into another (--home), or replace them with --force"
                .to_owned(),
        });
    }
    let file = File::open(place).map_err(io("read", place))?;
    let mut zip = ZipArchive::new(file).map_err(|e| foreign(e.to_string()))?;
    let mut index = Vec::new();
    let mut read = || zip.by_name(INDEX)?.take(1 << 20).read_to_end(&mut index);
    read().map_err(|e| foreign(format!("its {INDEX}: {e}")))?;
    let found: Backup = serde_json::from_slice(&index).map_err(|e| foreign(e.to_string()))?;
    if found.format > FORMAT {
        return Err(foreign(format!("its format is {}, this program reads up to {FORMAT}", found.format)));
    }
    fs::create_dir_all(home).map_err(io("make", home))?;
    let mut builder = tempfile::Builder::new();
    let beside = builder.prefix(".restoring-").tempdir_in(home).map_err(io("write into", home))?;
    // All of it is unpacked and checked before anything gets its name.
    let names = unpack(&mut zip, beside.path()).map_err(|e| foreign(e.to_string()))?;
    let blobs = Blobs::at(beside.path());
    for hash in blobs.list()? {
        blobs.verified(&hash)?;
    }
    let records = Store::open(beside.path(), &Database::Home).await?;
    let faults = records.check().await?;
    if let Some(first) = faults.first() {
        return Err(foreign(format!("its records are damaged: {first}")));
    }
    records.close().await;
    for name in names.iter().filter(|name| *name != FILE && *name != INDEX) {
        let (from, to) = (beside.path().join(name), home.join(name));
        // What is named by its content is the same wherever it is.
        if !((name.starts_with("blobs/") || name.starts_with("datasets/"))
            && to.exists()
            && !name.ends_with("LATEST"))
        {
            let folder = to.parent().unwrap_or(home);
            fs::create_dir_all(folder).map_err(io("make", folder))?;
            fs::rename(&from, &to).map_err(io("write", &to))?;
        }
    }
    let folders: BTreeSet<PathBuf> =
        names.iter().filter_map(|name| home.join(name).parent().map(Path::to_owned)).collect();
    for folder in folders {
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(io("sync", &folder))?;
    }
    replace(home, &beside.path().join(FILE)).await?;
    Ok(found)
}

/// Unpacks everything below `folder`, synced; the names.
fn unpack(zip: &mut ZipArchive<File>, folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at)?;
        let name = entry.name()?.into_owned();
        let inside = Path::new(&name).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || entry.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{name:?} would lead out of the home"),
            ));
        }
        let path = folder.join(&name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        let mut file = File::create(&path)?;
        io::copy(&mut entry, &mut file)?;
        #[cfg(unix)]
        if name.starts_with("blobs/") {
            file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o444))?;
        }
        file.sync_all()?;
        names.push(name);
    }
    Ok(names)
}

/// Puts the records of the file at `from` in the place of the home's, in one transaction.
async fn replace(home: &Path, from: &Path) -> Result<(), StoreError> {
    let cannot = || sql("replace its records");
    let store = Store::open(home, &Database::Home).await?;
    let mut connection = store.pool().acquire().await.map_err(cannot())?;
    query("ATTACH DATABASE $1 AS restored")
        .bind(from.to_string_lossy().into_owned())
        .execute(&mut *connection)
        .await
        .map_err(cannot())?;
    let mut statements = "BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON;".to_owned();
    for table in TABLES.iter().rev() {
        statements += &format!("DELETE FROM main.{table};");
    }
    for table in TABLES {
        statements += &format!("INSERT INTO main.{table} SELECT * FROM restored.{table};");
    }
    statements += "COMMIT;";
    let done = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut *connection).await;
    if done.is_err() {
        // It may have ended by itself.
        drop(connection.execute("ROLLBACK").await);
    }
    drop(connection.execute("DETACH DATABASE restored").await);
    done.map_err(cannot())?;
    drop(connection);
    store.close().await;
    Ok(())
}
