//! `GET /v1/datasets`: what was imported.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use sentimeter_corpus::{Manifest, SnapshotError, Snapshots};
use sentimeter_store::Role;
use serde::Serialize;
use utoipa::ToSchema;

use super::refused::Refused;
use super::tagged::tagged;
use crate::app::App;
use crate::problem::Problem;

/// All snapshots, by name, then by age.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Datasets {
    /// The snapshots.
    datasets: Vec<Dataset>,
}

/// An imported, immutable data set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Dataset {
    /// `NAME@VERSION`.
    #[schema(example = "feedback@9f3a01bc77de")]
    reference: String,
    /// Its name.
    #[schema(example = "feedback")]
    name: String,
    /// The hash of its content.
    version: String,
    /// When it was imported, milliseconds since 1970.
    created: i64,
    /// How many rows it has.
    rows: u64,
    /// Rows of each label.
    #[schema(example = json!({"negative": 150, "neutral": 150, "positive": 150}))]
    labels: BTreeMap<String, u64>,
    /// Rows without a label.
    unlabelled: u64,
}

impl From<Manifest> for Dataset {
    fn from(m: Manifest) -> Self {
        Self {
            reference: m.reference(),
            name: m.name,
            version: m.version,
            created: m.created,
            rows: m.rows,
            labels: m.labels.into_iter().zip(m.class_rows).collect(),
            unlabelled: m.unlabelled,
        }
    }
}

/// Does something with the home's snapshots, on a thread that may wait for a disk.
pub(crate) async fn snapshots<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Snapshots) -> Result<T, SnapshotError> + Send + 'static,
) -> Result<T, Problem> {
    let home = app.inner.store.home().to_owned();
    let done = tokio::task::spawn_blocking(move || work(&Snapshots::at(&home))).await;
    match done {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(
            error
            @ (SnapshotError::Missing { .. } | SnapshotError::Name(_) | SnapshotError::Ambiguous { .. }),
        )) => Err(Problem::not_found(error.to_string())),
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a data set cannot be read");
            Err(Problem::busy("the data sets cannot be read; the server's log says why", 5))
        }
        Err(_) => Err(Problem::internal()),
    }
}

/// List the imported data sets.
///
/// Off this machine it wants a key of role analyst.
#[utoipa::path(
    get, path = "/v1/datasets", tag = "data", operation_id = "list_datasets",
    responses((status = 200, description = "All of them", body = Datasets), (status = 304, description = "As you have it"), Refused),
    security((), ("key" = []))
)]
pub(crate) async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Analyst, true).await?;
    let all = snapshots(&app, Snapshots::list).await?;
    tagged(&headers, &Datasets { datasets: all.into_iter().map(Dataset::from).collect() })
}
