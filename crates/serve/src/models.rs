//! Models that are asked for by name.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use sentimeter_inference::Live;
use sentimeter_model::{Digest, Model};
use sentimeter_store::{Store, StoreError};
use tokio::sync::Mutex;

/// Models besides the live one that are kept open.
const OPEN: usize = 4;

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum NoModel {
    /// Nothing of that name.
    #[error("{0}")]
    Unknown(String),
    /// It is there and cannot be used.
    #[error("the model {name} cannot be opened: {why}")]
    Unusable {
        /// Which.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What opening a model gives, later.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<Live, NoModel>> + Send + 'a>>;

/// What looking a model up gives, later: its name and digest.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = Option<(String, String)>> + Send + 'a>>;

/// Where models come from: what `model` in a request, and `--model` at the start, refer to.
pub trait Models: Send + Sync + 'static {
    /// Opens the model that `reference` (`sentiment@3`, `sentiment@champion`, `sentiment`) means. Its name says
    /// which version it is.
    fn open<'a>(&'a self, reference: &'a str) -> Opening<'a>;

    /// The name and digest of what `reference` means now, without opening it; `None` where that is not known.
    fn resolve<'a>(&'a self, reference: &'a str) -> Resolving<'a>;
}

/// The registered models of a store.
#[derive(Debug, Clone)]
pub struct Registry(pub Store);

impl Models for Registry {
    fn open<'a>(&'a self, reference: &'a str) -> Opening<'a> {
        Box::pin(async move {
            let version = self.0.find_version(reference).await.map_err(|error| match error {
                StoreError::Missing { .. } | StoreError::Conflict { .. } => {
                    NoModel::Unknown(error.to_string())
                }
                error => NoModel::Unusable { name: reference.to_owned(), why: error.to_string() },
            })?;
            let name = version.reference();
            let unusable = |why: String| NoModel::Unusable { name: name.clone(), why };
            let path = self.0.blobs().path(&version.of.blob.hash).map_err(|e| unusable(e.to_string()))?;
            // Tens of megabytes are read and hashed.
            let opened = tokio::task::spawn_blocking(move || Model::open(&path)).await;
            let opened = opened.map_err(|e| unusable(e.to_string()))?;
            let (model, digest) = opened.map_err(|e| unusable(e.to_string()))?;
            Ok(Live::new(name, model, digest))
        })
    }

    fn resolve<'a>(&'a self, reference: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            let version = self.0.find_version(reference).await.ok()?;
            Some((version.reference(), version.of.digest))
        })
    }
}

/// What answers call the model of a file: its name without the ending, and the start of its digest, which no
/// other model shares.
pub fn name_of_file(path: &Path, digest: &Digest) -> String {
    let stem = path.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy());
    format!("{stem}@{:.12}", digest.to_string())
}

/// The models that requests have named: a few of them stay open.
pub(crate) struct Shelf {
    models: Arc<dyn Models>,
    /// The last used at the end. Held while one is opened: one at a time.
    open: Mutex<Vec<Arc<Live>>>,
}

impl Shelf {
    pub(crate) fn new(models: Arc<dyn Models>) -> Self {
        Self { models, open: Mutex::default() }
    }

    pub(crate) fn models(&self) -> &dyn Models {
        &*self.models
    }

    /// The model of a request: `live` where that is meant.
    pub(crate) async fn find(&self, reference: &str, live: &Arc<Live>) -> Result<Arc<Live>, NoModel> {
        if reference == live.name() {
            return Ok(live.clone());
        }
        let mut open = self.open.lock().await;
        if let Some((name, digest)) = self.models.resolve(reference).await {
            if live.name() == name && live.digest().to_string() == digest {
                return Ok(live.clone());
            }
            if let Some(at) =
                open.iter().position(|one| one.name() == name && one.digest().to_string() == digest)
            {
                let found = open.remove(at);
                open.push(found.clone());
                return Ok(found);
            }
        }
        let found = Arc::new(self.models.open(reference).await?);
        if open.len() >= OPEN {
            open.remove(0);
        }
        open.push(found.clone());
        Ok(found)
    }
}
