//! A version as a folder or a zip file, to be taken elsewhere: the model, its card, what is known of it and,
//! where it is recorded, its run. What holds a run is an exported run, too.

use std::path::Path;

use sentimeter_model::Model;
use sentimeter_store::{Blocking, RegistryEvent, Run, Version, Who, Write};
use serde::{Deserialize, Serialize};

use super::{Facts, RegistryError, card, model_name, of_bytes, register};
use crate::bundle::{self, BundleError, inside};

/// The layout that this code writes and reads.
const FORMAT: u32 = 1;

const INDEX: &str = "model.json";

/// More of an index than any version has.
const MOST_INDEX: u64 = 64 << 20;

/// More of a model than any has.
const MOST_MODEL: u64 = 8 << 30;

#[derive(Serialize, Deserialize)]
struct Index {
    format: u32,
    version: Version,
    description: String,
    /// Where the model's file lies.
    file: String,
    /// Whether there is a run.
    run: bool,
    /// What was done to the model before it was taken along.
    history: Vec<RegistryEvent>,
}

/// Writes `version` to `place`, which must not be there: a zip file where it ends so, else a folder.
///
/// # Errors
/// A place that is taken or cannot be written; files that are damaged or gone.
pub fn export(store: &Blocking, version: &Version, place: &Path) -> Result<(), RegistryError> {
    let bytes = super::bytes(store.store(), version)?;
    let models = store.run(|s| s.models())?;
    let description = models.into_iter().find(|model| model.name == version.of.model);
    let description = description.map(|model| model.description).unwrap_or_default();
    let history = store.run(|s| s.registry_events(&version.of.model))?;
    let records = match &version.of.run {
        Some(run) => bundle::family(store, &store.run(|s| s.run(run))?)?,
        None => Vec::new(),
    };
    // A model that is among the run's files is written once.
    let of_run = records.iter().find_map(|record| {
        let file = record.artifacts.iter().find(|file| file.hash == version.of.blob.hash)?;
        inside(&record.run.id, &file.path)
    });
    let file = of_run.clone().unwrap_or_else(|| "model.safetensors".to_owned());
    let card = card(version, &description);
    let run = !records.is_empty();
    bundle::write(place, |bundle| {
        let cannot = |source| BundleError::Io { doing: "write", path: place.to_owned(), source };
        if of_run.is_none() {
            bundle.put(&file, &bytes).map_err(cannot)?;
        }
        bundle.put("card.md", card.markdown().as_bytes()).map_err(cannot)?;
        bundle.put("card.html", card.page().html().as_bytes()).map_err(cannot)?;
        if run {
            bundle::put_runs(store, bundle, records, place)?;
        }
        let index = Index { format: FORMAT, version: version.clone(), description, file, run, history };
        let index = serde_json::to_vec_pretty(&index).map_err(std::io::Error::from).map_err(cannot)?;
        bundle.put(INDEX, &index).map_err(cannot)
    })?;
    Ok(())
}

/// Takes a version in from `place` as a new one of its model, or of `name`; what was known of it comes
/// along, what it says of itself is read from its file. One of the same file that is there already is given
/// back, and `false`. `also` is written in the same transaction.
///
/// # Errors
/// No such package, or one whose files are not what it says.
pub fn import(
    store: &Blocking,
    place: &Path,
    name: Option<&str>,
    who: &Who,
    also: impl FnOnce(&Version) -> Vec<Write>,
) -> Result<(Version, bool), RegistryError> {
    let foreign = |why: String| BundleError::Foreign { path: place.to_owned(), what: "model", why };
    let mut bundle = bundle::open(place, "model")?;
    let index = bundle.get(INDEX, MOST_INDEX).map_err(|e| foreign(format!("its {INDEX}: {e}")))?;
    let Index { format, version: there, description, file, run, .. } =
        serde_json::from_slice(&index).map_err(|e| foreign(e.to_string()))?;
    if format > FORMAT {
        return Err(foreign(format!("its format is {format}, this program reads up to {FORMAT}")).into());
    }
    let name = model_name(name.unwrap_or(&there.of.model))?;
    if !bundle::leads_inside(&file) {
        return Err(foreign(format!("{file:?} leads out of it")).into());
    }
    let bytes = bundle.get(&file, MOST_MODEL).map_err(|e| foreign(format!("its file {file}: {e}")))?;
    let found = blake3::hash(&bytes).to_hex().to_string();
    if found != there.of.blob.hash {
        return Err(foreign(format!(
            "its file {file} is damaged: it hashes to {}, and {} was exported",
            &found[..12],
            there.of.blob.hash.get(..12).unwrap_or_default()
        ))
        .into());
    }
    let (model, digest) = Model::from_bytes(&bytes)
        .map_err(|error| RegistryError::artifact(&format!("{file} of {}", place.display()), error))?;
    let digest = digest.to_string();
    for here in store.run(|s| s.versions_of_digest(&digest))? {
        if here.of.model == name && here.deleted.is_none() {
            return Ok((here, false));
        }
    }
    let made: Option<Run> = if run { Some(bundle::take_runs(store, &mut bundle, place)?) } else { None };
    let from = format!("{} by {}", there.reference(), there.creator);
    let mut candidate = store.run(|s| of_bytes(s, &bytes, &from))?;
    let known: Facts = serde_json::from_value(there.of.detail.clone()).unwrap_or_default();
    let own = Facts::of_model(&model);
    candidate.facts = Facts {
        labels: own.labels,
        features: own.features,
        calibration: own.calibration,
        plan: own.plan,
        seed: own.seed,
        code: own.code,
        training_hash: own.training_hash,
        feedback: own.feedback,
        imported: Some(from),
        ..known
    };
    if let Some(made) = made {
        candidate.run = Some(made.id);
    }
    let licences = there.of.licence.as_array().into_iter().flatten();
    let licences: Vec<String> = licences.filter_map(|l| l.as_str().map(str::to_owned)).collect();
    candidate.add_licences(&licences);
    let version = store.run(|s| register(s, &candidate, name, who, also))?;
    let models = store.run(|s| s.models())?;
    let silent = models.iter().any(|model| model.name == name && model.description.is_empty());
    if silent && !description.is_empty() {
        store.run(|s| s.describe_model(name, &description, who))?;
    }
    Ok((version, true))
}
