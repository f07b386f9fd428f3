//! Registered models: what a reference means, which version may stand where, and what is known of each.
//!
//! The store keeps versions, aliases and events; here is what may be done with them. A reference is
//! `NAME@VERSION`, `NAME@ALIAS`, or `NAME`: its champion, or its only version. [`resolve`] finds the
//! version, [`model`] opens its file. Registering a version freezes what is known of it ([`Facts`]), so
//! that its card says the same for good.
//!
//! Everything here is asynchronous and works on a [`Store`]; callers that are not lend it by
//! [`Blocking::run`](sentimeter_store::Blocking::run).

mod card;
mod facts;
mod package;
mod promote;
mod register;
mod rollback;

use sentimeter_model::{ArtifactError, Digest, Model};
use sentimeter_store::{Store, StoreError, Version, Who};

pub use card::{Card, card};
pub use facts::{Facts, Part, RunFacts, SourceFacts};
pub use package::{export, import};
pub use promote::{Compared, Promoted, Rule, Score, Standing, compare, lower_is_better, promote, standing};
pub use register::{Candidate, check, of_bytes, of_run, register, run_model};
pub use rollback::{former, former_version, roll_back};

/// The alias that a model's bare name means, and that is guarded by [`promote()`].
pub const CHAMPION: &str = "champion";

/// What the model is called that is built into the program; nothing is registered under this name.
pub const STARTER: &str = "starter";

/// The model that answers where none is named.
pub const DEFAULT: &str = "sentiment@champion";

/// Characters that a name or an alias has at most.
const MOST_NAME: usize = 100;

/// Why the registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A name that cannot be one.
    #[error("{name:?} cannot be {what}: {want}")]
    Name {
        /// `a model's name` or `an alias`.
        what: &'static str,
        /// What was given.
        name: String,
        /// What it wants.
        want: &'static str,
    },
    /// A bare name with several versions and no champion.
    #[error(
        "{name} has versions {versions} and no champion: say which, such as {name}@{newest}, or promote one"
    )]
    Which {
        /// The model.
        name: String,
        /// Its versions.
        versions: String,
        /// The newest.
        newest: i64,
    },
    /// A file that is no model.
    #[error("{what} is no model of this program")]
    Artifact {
        /// Which file.
        what: String,
        /// What is wrong with it.
        source: Box<ArtifactError>,
    },
    /// A file that is another than was registered.
    #[error(
        "the file of {reference} has digest {found}, and {registered} was registered: restore it from a backup"
    )]
    Changed {
        /// The version.
        reference: String,
        /// The file's digest.
        found: String,
        /// The one that was registered.
        registered: String,
    },
    /// A run that left no model.
    #[error("run {name} ({kind}, {status}) left no model: register a finished `train` or `search`")]
    NoModel {
        /// The run's name.
        name: String,
        /// Its kind.
        kind: String,
        /// How it ended.
        status: String,
    },
    /// A version that is worse than the champion.
    #[error(
        "{} is not promoted: its {} is {:.4} on {}, and {}, the {alias}, has {:.4}: worse by {:.4}, and at most \
         {margin} is let through (--margin); promote it all the same with --force --reason \"…\"",
        found.challenger.version, found.metric, found.challenger.value, found.ground, found.champion.version,
        found.champion.value, found.worse_by()
    )]
    Worse {
        /// The alias.
        alias: String,
        /// Both, and what they score.
        found: Box<Compared>,
        /// How much is let through.
        margin: f64,
    },
    /// Versions that were not measured on the same rows.
    #[error(
        "{challenger} is not promoted: {why}; name labelled texts that neither learned from with --data, and both are \
         measured on them, or promote it unseen with --force --reason \"…\""
    )]
    Incomparable {
        /// The version.
        challenger: String,
        /// Why nobody can say which is better.
        why: String,
    },
    /// Models that cannot be measured on the same rows.
    #[error("{why}")]
    Unlike {
        /// What is not alike.
        why: String,
    },
    /// A metric that a version lacks.
    #[error("{reference} has no {metric}; there are {known}")]
    Metric {
        /// The version.
        reference: String,
        /// What was asked for.
        metric: String,
        /// What there is.
        known: String,
    },
    /// A rule that is set aside without a word.
    #[error("to promote {reference} against the rule wants a reason: --reason \"…\"")]
    NoReason {
        /// The version.
        reference: String,
    },
    /// Nothing to roll back to.
    #[error("{model}@{alias} has no former version that is still there: promote one by name")]
    NoFormer {
        /// The model.
        model: String,
        /// The alias.
        alias: String,
    },
    /// A version cannot be taken elsewhere, or taken in.
    #[error(transparent)]
    Bundle(#[from] crate::bundle::BundleError),
    /// Measuring failed.
    #[error(transparent)]
    Measure(#[from] crate::ExperimentError),
}

impl RegistryError {
    fn artifact(what: &str, source: ArtifactError) -> Self {
        Self::Artifact { what: what.to_owned(), source: Box::new(source) }
    }
}

/// The version that a reference means: `NAME@VERSION`, `NAME@ALIAS`, or `NAME`, which is its champion,
/// or, where there is none, its only version.
///
/// # Errors
/// Nothing of that name; a deleted version; a bare name that could mean several.
pub async fn resolve(store: &Store, reference: &str) -> Result<Version, RegistryError> {
    if reference.contains('@') {
        return Ok(store.find_version(reference).await?);
    }
    if store.aliases(reference).await?.iter().any(|alias| alias.alias == CHAMPION) {
        return Ok(store.find_version(&format!("{reference}@{CHAMPION}")).await?);
    }
    let versions = store.versions(reference).await?;
    let live: Vec<i64> = versions.iter().filter(|v| v.deleted.is_none()).map(|v| v.version).collect();
    match live[..] {
        // None at all: the store says what there is.
        [] | [_] => Ok(store.find_version(reference).await?),
        [.., newest] => {
            let versions = live.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
            Err(RegistryError::Which { name: reference.to_owned(), versions, newest })
        }
    }
}

/// The file of a version, which is the one that was registered.
///
/// # Errors
/// A blob that is gone or damaged.
pub fn bytes(store: &Store, version: &Version) -> Result<Vec<u8>, RegistryError> {
    Ok(store.blobs().read(&version.of.blob.hash)?)
}

/// The model of a version; its digest is checked and is the one that was registered.
///
/// # Errors
/// A blob that is gone, damaged or no model of this program.
pub fn model(store: &Store, version: &Version) -> Result<(Model, Digest), RegistryError> {
    let path = store.blobs().path(&version.of.blob.hash)?;
    if !path.is_file() {
        let (hash, folder) = (version.of.blob.hash.clone(), store.blobs().folder().to_owned());
        return Err(StoreError::NoBlob { hash, folder }.into());
    }
    let wrong = |error| RegistryError::artifact(&format!("the file of {}", version.reference()), error);
    let (model, digest) = Model::open(&path).map_err(wrong)?;
    if digest.to_string() != version.of.digest {
        return Err(RegistryError::Changed {
            reference: version.reference(),
            found: digest.to_string(),
            registered: version.of.digest.clone(),
        });
    }
    Ok((model, digest))
}

/// A model's name, checked: letters, digits, `-`, `_` and `.`, the first a letter or a digit.
///
/// # Errors
/// A name that a reference or a file could not hold.
pub fn model_name(name: &str) -> Result<&str, RegistryError> {
    if name == STARTER {
        let want = "the model that is built in has this name; choose another";
        return Err(RegistryError::Name { what: "a model's name", name: name.to_owned(), want });
    }
    let fits = name.len() <= MOST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let want = "it wants 1 to 100 letters, digits, -, _ and ., the first a letter or a digit";
    if fits {
        Ok(name)
    } else {
        Err(RegistryError::Name { what: "a model's name", name: name.to_owned(), want })
    }
}

/// An alias, checked: letters, digits, `-` and `_`, and no number, which would be a version.
///
/// # Errors
/// An alias that would be taken for a version, here or by MLflow.
pub fn alias_name(alias: &str) -> Result<&str, RegistryError> {
    let fits = (1..=MOST_NAME).contains(&alias.len())
        && alias.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let digits = alias.strip_prefix(['v', 'V']).unwrap_or(alias);
    let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let want = "it wants 1 to 100 letters, digits, - and _, is no number, nor `latest`";
    if fits && !number && !alias.eq_ignore_ascii_case("latest") {
        Ok(alias)
    } else {
        Err(RegistryError::Name { what: "an alias", name: alias.to_owned(), want })
    }
}

/// Deletes a version; what is known of it stays. `forced`, its aliases go first.
///
/// # Errors
/// No such version; one that an alias points at, unless forced.
pub async fn delete(
    store: &Store,
    version: &Version,
    forced: bool,
    who: &Who,
) -> Result<Vec<String>, RegistryError> {
    let (name, number) = (version.of.model.as_str(), version.version);
    let mut taken = Vec::new();
    if forced {
        for alias in store.aliases(name).await?.into_iter().filter(|alias| alias.version == number) {
            store.remove_alias(name, &alias.alias, who).await?;
            taken.push(alias.alias);
        }
    }
    store.delete_version(name, number, who).await?;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_references_files_and_mlflow() {
        for name in ["sentiment", "sentiment-fr.2", "a", "0x"] {
            assert_eq!(model_name(name).unwrap(), name);
        }
        for name in ["", "a b", "a@b", "a/b", "models:", "-x", ".hidden", "été", STARTER, &"x".repeat(101)]
        {
            assert!(model_name(name).is_err(), "{name}");
        }
        for alias in ["champion", "challenger", "v", "eu-west_1", "x2"] {
            assert_eq!(alias_name(alias).unwrap(), alias);
        }
        for alias in ["", "3", "v3", "-3", "latest", "Latest", "a.b", "a b", "été"] {
            assert!(alias_name(alias).is_err(), "{alias}");
        }
    }
}
