//! What lies where in the home directory.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sentimeter_model::{Digest, Model};

use crate::args::Global;

/// Where `train` puts a model and the others look for one when none is named.
fn default_model(global: &Global) -> PathBuf {
    global.home.join("models").join("sentiment.safetensors")
}

/// The model at `path`, or the home's.
pub(crate) fn open_model(global: &Global, path: Option<&Path>) -> anyhow::Result<(PathBuf, Model, Digest)> {
    let at = path.map_or_else(|| default_model(global), Path::to_owned);
    if !at.exists() {
        anyhow::bail!(
            "there is no model at {}: train one (sentimeter train --data FILE) or name another with --model",
            at.display()
        );
    }
    let (model, digest) = Model::open(&at).with_context(|| format!("cannot open model {}", at.display()))?;
    Ok((at, model, digest))
}

/// Writes a model to `path`, or the home's place, durably and at once: beside, then renamed.
pub(crate) fn save_model(
    global: &Global,
    path: Option<&Path>,
    model: &Model,
) -> anyhow::Result<(PathBuf, Digest, u64)> {
    let at = path.map_or_else(|| default_model(global), Path::to_owned);
    let (bytes, digest) = model.to_bytes()?;
    write_atomically(&at, &bytes).with_context(|| format!("cannot write model {}", at.display()))?;
    Ok((at, digest, bytes.len() as u64))
}

/// Writes `bytes` to a file beside `path`, makes them durable, and renames.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    #[cfg(unix)]
    {
        // A temporary file is its owner's alone; a model is as readable as any new file.
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path)?;
    // The name is durable once the folder is; only Unix opens a folder to say so.
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}
