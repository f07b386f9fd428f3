//! What lies where in the home directory.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use sentimeter_experiment::registry;
use sentimeter_model::{Digest, Model};
use sentimeter_store::{Blocking, StoreError, Version};

use crate::args::Global;
use crate::commands::runs::open;
use crate::output::{Output, folder};

/// Where `train` puts a model and the others look for one when none is named.
pub(crate) fn default_model(global: &Global) -> PathBuf {
    global.home.join("models").join("sentiment.safetensors")
}

/// A model that answers, and what it is called.
pub(crate) struct Opened {
    /// The file.
    pub path: PathBuf,
    /// `sentiment@3`, where it is a registered version; `starter`, where it is built in.
    pub reference: Option<String>,
    pub model: Model,
    pub digest: Digest,
}

impl Opened {
    /// What people call it: its version, or its file.
    pub(crate) fn shown(&self) -> String {
        self.reference.clone().unwrap_or_else(|| self.path.display().to_string())
    }

    /// The name of files about it.
    pub(crate) fn slug(&self) -> String {
        self.reference.clone().unwrap_or_else(|| crate::report::model_name(&self.path))
    }
}

/// The model that `named` means: a file, if there is one of that name, else a registered version. Without a
/// name it is `sentiment@champion`, where nothing is registered as that the home's file, and where there is none
/// the one that is built in.
pub(crate) fn open_model(global: &Global, named: Option<&str>) -> anyhow::Result<Opened> {
    let Some(named) = named else {
        return match champion(global)? {
            Some(opened) => Ok(opened),
            None => open_unregistered(global, None),
        };
    };
    if is_file(named) {
        return open_file(Path::new(named));
    }
    if named == registry::STARTER {
        return starter();
    }
    if !has_records(global) {
        anyhow::bail!(
            "there is no model at {named}, and nothing is registered in {}: train one (sentimeter train --data FILE) or \
             name another with --model",
            global.home.display()
        );
    }
    let store = open(global)?;
    let version = store
        .run(|s| registry::resolve(s, named))
        .with_context(|| format!("there is no file {named} either"))?;
    registered(&store, &version)
}

/// Whether a model's name means a file: what looks like a path is one, whether it is there or not.
pub(crate) fn is_file(named: &str) -> bool {
    named.contains(['/', '\\']) || named.ends_with(".safetensors") || Path::new(named).exists()
}

/// The model in the file `path`; without one the home's, and where there is none the one that is built in.
pub(crate) fn open_unregistered(global: &Global, path: Option<&Path>) -> anyhow::Result<Opened> {
    match path {
        Some(path) => open_file(path),
        None if default_model(global).exists() => open_file(&default_model(global)),
        None => starter(),
    }
}

/// The model that is built into the program.
pub(crate) fn starter() -> anyhow::Result<Opened> {
    const BYTES: &[u8] = include_bytes!("../../../assets/starter.safetensors");
    let (model, digest) = Model::from_bytes(BYTES).context("the model that is built in cannot be opened")?;
    Ok(Opened {
        path: registry::STARTER.into(),
        reference: Some(registry::STARTER.to_owned()),
        model,
        digest,
    })
}

/// Whether there can be records without making any.
fn has_records(global: &Global) -> bool {
    global.database_url.is_some() || global.home.join("sentimeter.db").exists()
}

fn registered(store: &Blocking, version: &Version) -> anyhow::Result<Opened> {
    let (model, digest) = registry::model(store.store(), version)?;
    let path = store.blobs().path(&version.of.blob.hash)?;
    Ok(Opened { path, reference: Some(version.reference()), model, digest })
}

/// The model that answers where none is named, if one is registered as that.
fn champion(global: &Global) -> anyhow::Result<Option<Opened>> {
    if !has_records(global) {
        return Ok(None);
    }
    let store = match open(global) {
        Ok(store) => store,
        // Such as a home on a disk that is read-only: its file can answer all the same.
        Err(error) if default_model(global).is_file() => {
            tracing::warn!("whether {} is registered cannot be looked up: {error:#}", registry::DEFAULT);
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    match store.run(|s| s.find_version(registry::DEFAULT)) {
        Ok(version) => registered(&store, &version).map(Some),
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn open_file(at: &Path) -> anyhow::Result<Opened> {
    match std::fs::metadata(at) {
        Ok(found) if found.is_file() => {}
        Ok(found) => anyhow::bail!(
            "cannot read model {}: it is a {}, not a file",
            at.display(),
            if found.is_dir() { "directory" } else { "device or a pipe" }
        ),
        Err(e) if e.kind() == io::ErrorKind::NotFound => anyhow::bail!(
            "there is no model at {}: train one (sentimeter train --data FILE) or name another with --model",
            at.display()
        ),
        Err(e) => return Err(e).with_context(|| format!("cannot read model {}", at.display())),
    }
    let (model, digest) = Model::open(at).with_context(|| format!("cannot read model {}", at.display()))?;
    Ok(Opened { path: at.to_owned(), reference: None, model, digest })
}

/// Where the model goes: `path`, or the home's place, the folder made. What can be known to be in the
/// way is said before anything is learned.
///
/// A pipe or a device is opened only to be written: that may wait for its reader.
pub(crate) fn model_place(global: &Global, path: Option<&Path>) -> anyhow::Result<PathBuf> {
    let at = path.map_or_else(|| default_model(global), Path::to_owned);
    let cannot = || format!("cannot write model {}", at.display());
    std::fs::create_dir_all(folder(&at)).with_context(cannot)?;
    let special = std::fs::metadata(&at).is_ok_and(|found| !found.is_file() && !found.is_dir());
    if !special {
        drop(Output::create(&at).with_context(cannot)?);
    }
    Ok(at)
}

/// Writes a model to `at`, durably and at once; gives the file's bytes, too.
pub(crate) fn save_model(at: &Path, model: &Model) -> anyhow::Result<(Digest, Vec<u8>)> {
    let (bytes, digest) = model.to_bytes()?;
    let write = || -> io::Result<()> {
        let output = Output::create(at)?;
        output.file()?.write_all(&bytes)?;
        output.finish()
    };
    write().with_context(|| format!("cannot write model {}", at.display()))?;
    Ok((digest, bytes))
}
