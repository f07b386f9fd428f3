//! A model that was logged elsewhere, found by the names that MLflow gives models.

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use crate::artifacts::Artifacts;
use crate::client::{At, Client};
use crate::error::MlflowError;
use crate::model::FILE;

/// Bytes of a model file that is fetched, at most.
const MOST_MODEL: u64 = 16 << 30;
/// Bytes of an `MLmodel`, at most.
const MOST_DESCRIPTION: u64 = 4 << 20;
/// Places that point to another place, one after the other.
const MOST_HOPS: usize = 4;

/// Which model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
    Registered {
        /// The registered model.
        name: String,
        /// Which version of it.
        at: At,
    },
    /// `models:/m-…`.
    Logged(String),
    /// `runs:/RUN/FOLDER`.
    Run {
        /// The server's run.
        run: String,
        /// The folder among its artifacts.
        folder: String,
    },
}

impl Reference {
    /// What a file of it may be called.
    pub fn name(&self) -> &str {
        match self {
            Self::Registered { name, .. } => name,
            Self::Logged(id) => id,
            Self::Run { run, .. } => run,
        }
    }
}

impl FromStr for Reference {
    type Err = MlflowError;

    fn from_str(raw: &str) -> Result<Self, MlflowError> {
        let wrong = || MlflowError::Unfit {
            why: format!(
                "`{raw}` names no model; wanted models:/NAME@ALIAS, models:/NAME/VERSION, models:/m-ID or \
                 runs:/RUN/FOLDER"
            ),
        };
        let filled = |parts: (&str, &str)| !parts.0.is_empty() && !parts.1.is_empty();
        if let Some(rest) = raw.strip_prefix("runs:/") {
            let (run, folder) =
                rest.trim_matches('/').split_once('/').filter(|p| filled(*p)).ok_or_else(wrong)?;
            return Ok(Self::Run { run: run.to_owned(), folder: folder.to_owned() });
        }
        let rest = raw.strip_prefix("models:/").ok_or_else(wrong)?.trim_matches('/');
        if let Some((name, alias)) = rest.rsplit_once('@').filter(|p| filled(*p)) {
            return Ok(Self::Registered { name: name.to_owned(), at: At::Alias(alias.to_owned()) });
        }
        if let Some((name, version)) = rest.rsplit_once('/').filter(|p| filled(*p)) {
            if !version.chars().all(|c| c.is_ascii_digit()) {
                return Err(wrong()); // stages are no more
            }
            return Ok(Self::Registered { name: name.to_owned(), at: At::Version(version.to_owned()) });
        }
        if rest.starts_with("m-") && rest.len() > 2 {
            Ok(Self::Logged(rest.to_owned()))
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registered { name, at: At::Alias(alias) } => write!(f, "models:/{name}@{alias}"),
            Self::Registered { name, at: At::Version(version) } => write!(f, "models:/{name}/{version}"),
            Self::Logged(id) => write!(f, "models:/{id}"),
            Self::Run { run, folder } => write!(f, "runs:/{run}/{folder}"),
        }
    }
}

/// A model that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The version's number, of a registered model.
    pub version: Option<String>,
    /// The run that made it.
    pub run: Option<String>,
    /// Where its files lie.
    pub source: String,
    /// Its bytes.
    pub size: u64,
}

impl Client {
    /// Writes the file of the model that `reference` names to `out`. Whether it is a sound one is for the
    /// caller to see: it is a stranger's file.
    ///
    /// # Errors
    /// No such model; one that is not of this program; no answer, or a server that refuses.
    pub fn fetch_model(&self, reference: &Reference, out: &mut dyn Write) -> Result<Fetched, MlflowError> {
        let missing = |error: MlflowError| {
            // An unknown alias is a wrong argument to the server.
            if error.absent() || error.is("INVALID_PARAMETER_VALUE") {
                MlflowError::Unfit { why: format!("there is no {reference} on {}: {error}", self.server()) }
            } else {
                error
            }
        };
        let (mut uri, version, run) = match reference {
            Reference::Registered { name, at } => {
                let found = self.find_version(name, at).map_err(missing)?;
                let uri = self.download_uri(&found).map_err(missing)?;
                (uri, Some(found.version), Some(found.run_id).filter(|run| !run.is_empty()))
            }
            Reference::Logged(id) => (self.logged_model_uri(id).map_err(missing)?, None, None),
            Reference::Run { run, folder } => {
                let there = self.run(run).map_err(missing)?;
                (format!("{}/{folder}", there.info.artifact_uri), None, Some(run.clone()))
            }
        };
        for _ in 0..MOST_HOPS {
            uri = match uri.parse::<Reference>() {
                Ok(Reference::Logged(id)) => self.logged_model_uri(&id).map_err(missing)?,
                Ok(Reference::Run { run, folder }) => {
                    format!("{}/{folder}", self.run(&run).map_err(missing)?.info.artifact_uri)
                }
                _ => break,
            };
        }
        let place = self.artifacts(&uri)?;
        let file = self.model_file(reference, &place)?;
        let size = place.get(&file, MOST_MODEL, out)?;
        Ok(Fetched { version, run, source: uri, size })
    }

    /// The path of our file among a model's; what else it is, where there is none.
    fn model_file(&self, reference: &Reference, place: &Artifacts) -> Result<String, MlflowError> {
        let files = place.list()?;
        if files.is_empty() {
            return Err(MlflowError::Unfit { why: format!("{reference} has no files on {}", self.server()) });
        }
        if files.iter().any(|file| file.path == FILE) {
            return Ok(FILE.to_owned());
        }
        let mut described = Vec::new();
        if files.iter().any(|file| file.path == "MLmodel") {
            place.get("MLmodel", MOST_DESCRIPTION, &mut described)?;
        }
        let described = String::from_utf8_lossy(&described);
        let flavors = flavors(&described);
        let what = if flavors.is_empty() {
            "no MLmodel".to_owned()
        } else {
            format!("the flavours {}", flavors.join(", "))
        };
        Err(MlflowError::Unfit {
            why: format!("{reference} is not a sentimeter model: it has {what}, and no {FILE}"),
        })
    }
}

/// The keys below `flavors:` of an `MLmodel`.
fn flavors(mlmodel: &str) -> Vec<&str> {
    let below = mlmodel.lines().skip_while(|line| line.trim_end() != "flavors:").skip(1);
    below
        .take_while(|line| line.starts_with(' '))
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.trim().strip_suffix(':'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models_are_mlflows() {
        for raw in [
            "models:/sentiment@champion",
            "models:/a b/3",
            "models:/m-0f33",
            "runs:/abc/model",
            "runs:/abc/a/b",
        ] {
            assert_eq!(raw.parse::<Reference>().unwrap().to_string(), raw);
        }
        for raw in
            ["sentiment@champion", "models:/", "models:/x", "models:/x@", "models:/x/Production", "runs:/abc"]
        {
            let said = raw.parse::<Reference>().unwrap_err().to_string();
            assert!(said.contains(raw) && said.contains("models:/NAME@ALIAS"), "{said}");
        }
    }

    #[test]
    fn what_a_foreign_model_is_is_said() {
        let mlmodel = "artifact_path: x\nflavors:\n  python_function:\n    loader_module: mlflow.sklearn\n  sklearn:\n    code: null\nrun_id: r\n";
        assert_eq!(flavors(mlmodel), ["python_function", "sklearn"]);
        assert!(flavors("nothing").is_empty());
    }
}
