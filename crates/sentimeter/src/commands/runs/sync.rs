//! `sentimeter runs sync`: what an MLflow server does not have yet goes there.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use sentimeter_mlflow::{Sender, left, send_again};
use sentimeter_store::Blocking;
use serde::Serialize;

use crate::args::Global;
use crate::commands::print_json;
use crate::mlflow;
use crate::progress::Shown;

/// As long as it takes; whoever has no patience has Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    server: String,
    /// Records that were sent.
    sent: u64,
    /// Records that are still here.
    left: u64,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Sends what waits, and all of `runs` and their parts.
pub(super) fn sync(global: &Global, store: &Blocking, runs: &[String]) -> anyhow::Result<ExitCode> {
    let Some(settings) = mlflow::settings(global)? else {
        anyhow::bail!(
            "no MLflow server is named: set MLFLOW_TRACKING_URI, or give --mlflow-uri http://HOST:PORT"
        );
    };
    for name in runs {
        let run = super::find(store, name)?;
        send_again(store, &run.id, &settings.experiment)?;
    }
    let server = settings.server.clone();
    let total = left(store, None)?.entries;
    let mut progress = Shown::new(global.quiet);
    let mut sent = 0;
    let found = Sender::start(store.clone(), settings)?.finish(PATIENCE, |so_far| {
        sent = so_far;
        progress.show("sync", so_far, Some(total.max(so_far)), None);
        true
    })?;
    progress.finish();
    let sent = sent.max(total.saturating_sub(found.entries));
    if global.json {
        print_json(&Answer { server: server.clone(), sent, left: found.entries, why: found.why.clone() })?;
    } else if total == 0 {
        writeln!(io::stdout(), "{server} has everything")?;
    } else {
        writeln!(io::stdout(), "{sent} records sent to {server}")?;
    }
    if found.entries == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    anyhow::bail!("{}", mlflow::waiting(&found, &server))
}
