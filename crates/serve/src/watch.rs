//! A new champion takes over by itself.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use sentimeter_inference::Live;
use sentimeter_model::Model;
use sentimeter_store::Act;

use crate::app::App;
use crate::models::{NoModel, name_of_file};

/// Where the live model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, which `train` replaces.
    File(PathBuf),
    /// A registered model's version or alias, which `models promote` moves.
    Registered(String),
    /// The program itself: it stays as it is.
    Fixed,
    /// A registered model once there is one, and until then a file, which need not be there yet.
    Default {
        /// The registered one.
        reference: String,
        /// The file.
        file: PathBuf,
    },
}

impl Source {
    fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(file) | Self::Default { file, .. } => Some(file),
            Self::Registered(_) | Self::Fixed => None,
        }
    }

    fn reference(&self) -> Option<&str> {
        match self {
            Self::Registered(reference) | Self::Default { reference, .. } => Some(reference),
            Self::File(_) | Self::Fixed => None,
        }
    }
}

/// What changes when a file is replaced.
type Stamp = (Option<SystemTime>, u64);

fn stamp(path: &PathBuf) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok(), found.len()))
}

async fn open_file(path: PathBuf) -> Result<Live, NoModel> {
    let name = path.display().to_string();
    let unusable = |why: String| NoModel::Unusable { name: name.clone(), why };
    let opened = tokio::task::spawn_blocking(move || Model::open(&path).map(|opened| (opened, path))).await;
    let opened = opened.map_err(|error| unusable(error.to_string()))?;
    let ((model, digest), path) = opened.map_err(|error| unusable(error.to_string()))?;
    Ok(Live::new(name_of_file(&path, &digest), model, digest))
}

/// Looks every `pause` whether `source` means another model by now, and lets that one answer. One that cannot be
/// opened is said once, and changes nothing. Never ends.
pub async fn watch(app: App, source: Source, pause: Duration) {
    let mut seen = source.file().and_then(stamp);
    let mut refused = String::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = app.inner.moved.notified() => {}
        }
        let registered = match source.reference() {
            Some(reference) => {
                app.inner.shelf.models().resolve(reference).await.map(|found| (reference, found))
            }
            None => None,
        };
        let opened = match (registered, source.file()) {
            (Some((reference, (name, digest))), _) => {
                let live = app.live();
                if name == live.name() && digest == live.digest().to_string() {
                    continue;
                }
                app.inner.shelf.models().open(reference).await
            }
            (None, Some(path)) => {
                let found = stamp(path);
                if found.is_none() || found == seen {
                    continue;
                }
                seen = found;
                open_file(path.clone()).await
            }
            (None, None) => continue,
        };
        match opened {
            Ok(live) if live.digest() == app.live().digest() && live.name() == app.live().name() => {}
            Ok(live) => {
                let name = live.name().to_owned();
                let before = app.swap(live);
                tracing::info!(model = name, before = before.name(), "another model answers");
                let detail = serde_json::json!({ "before": before.name() });
                let act = Act { who: "server", action: "swap-model", target: &name, detail: &detail };
                if let Err(error) = app.inner.store.audit(&act).await {
                    tracing::error!(error = &error as &dyn std::error::Error, "the audit log is not written");
                }
                refused.clear();
            }
            Err(error) => {
                let said = error.to_string();
                if said != refused {
                    tracing::error!("{said}; {} goes on answering", app.live().name());
                    refused = said;
                }
            }
        }
    }
}
