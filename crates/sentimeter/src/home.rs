//! What lies where in the home directory.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use sentimeter_model::{Digest, Model};

use crate::args::Global;
use crate::output::{Output, folder};

/// Where `train` puts a model and the others look for one when none is named.
fn default_model(global: &Global) -> PathBuf {
    global.home.join("models").join("sentiment.safetensors")
}

/// The model at `path`, or the home's.
pub(crate) fn open_model(global: &Global, path: Option<&Path>) -> anyhow::Result<(PathBuf, Model, Digest)> {
    let at = path.map_or_else(|| default_model(global), Path::to_owned);
    match std::fs::metadata(&at) {
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
    let (model, digest) = Model::open(&at).with_context(|| format!("cannot read model {}", at.display()))?;
    Ok((at, model, digest))
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
