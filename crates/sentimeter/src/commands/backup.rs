//! `sentimeter backup` and `restore`: the home in one file, while others work.

use std::io::{self, Write};
use std::process::ExitCode;

use sentimeter_store::{Backup, Blocking, Database, StoreError, restore as put_back};

use super::print_json;
use crate::args::{BackupArgs, Global, RestoreArgs};
use crate::recording;

/// What is kept of a home beside records and blobs.
const FOLDERS: [&str; 3] = ["datasets", "models", "reports"];

pub(crate) fn backup(global: &Global, args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let store = Blocking::open(&global.home, &recording::database(global)?)?;
    let made = store.run(|s| s.backup(&args.file, &FOLDERS))?;
    tell(global, &made, "backed up to", &args.file.display().to_string())
}

pub(crate) fn restore(global: &Global, args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    if let Database::Postgres(_) = recording::database(global)? {
        anyhow::bail!(
            "a backup file is put into a home of its own, not into PostgreSQL: leave --database-url (or \
             SENTIMETER_DATABASE_URL) out, or use pg_restore"
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found: Result<Backup, StoreError> = runtime.block_on(put_back(&global.home, &args.file, args.force));
    tell(global, &found?, "restored from", &args.file.display().to_string())
}

fn tell(global: &Global, found: &Backup, what: &str, place: &str) -> anyhow::Result<ExitCode> {
    if global.json {
        print_json(found)?;
    } else {
        writeln!(
            io::stdout(),
            "{} {what} {place}: records, {} blobs and {} other files, {:.1} MB",
            global.home.display(),
            found.blobs,
            found.files,
            found.bytes as f64 / 1e6
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
