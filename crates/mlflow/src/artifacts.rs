//! Files of runs and models: where a server keeps them, and how they get there.

use std::path::Path;

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::client::Client;
use crate::error::MlflowError;
use crate::http::{Http, Repeat, escape};
use crate::wire::Entry;

/// Folders in a folder that are followed; a model has one or two.
const DEEPEST: usize = 8;
/// Files of one listing, all folders together.
const MOST_FILES: usize = 10_000;

/// A place that files can be put at and got from, through the server.
#[derive(Debug, Clone)]
pub struct Artifacts {
    http: Http,
    /// Its path in the server's store, escaped, with neither slash around it.
    root: String,
}

impl Client {
    /// The place behind an `artifact_uri`.
    ///
    /// # Errors
    /// A place that the server does not pass on, such as `s3://…`.
    pub fn artifacts(&self, uri: &str) -> Result<Artifacts, MlflowError> {
        let unfit = || MlflowError::Unfit {
            why: format!(
                "artifacts lie at {uri}, which the MLflow server does not pass on; start it with \
                 --serve-artifacts to have them sent"
            ),
        };
        let rest = uri.strip_prefix("mlflow-artifacts:").ok_or_else(unfit)?;
        let (http, path) = match rest.strip_prefix("//") {
            None => (self.http.clone(), rest),
            Some(rest) => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                // Scheme and path in front are the tracking server's own; `mlflow-artifacts:///…` names no host.
                let (scheme, own) = self.server().split_once("://").ok_or_else(unfit)?;
                let prefix = own.split_once('/').map_or(String::new(), |(_, prefix)| format!("/{prefix}"));
                let base = if host.is_empty() {
                    self.server().to_owned()
                } else {
                    format!("{scheme}://{host}{prefix}")
                };
                (self.http.at(base), path)
            }
        };
        Ok(Artifacts { http, root: segments(path)? })
    }
}

impl Artifacts {
    /// Puts a file at `path` below the place; folders are made on the way.
    ///
    /// # Errors
    /// No answer, or a server that refuses.
    pub fn put(&self, path: &str, file: &Path) -> Result<(), MlflowError> {
        self.http.put(&self.at(path)?, file)
    }

    /// Puts bytes at `path` below the place.
    ///
    /// # Errors
    /// No answer, or a server that refuses.
    pub fn put_bytes(&self, path: &str, bytes: &[u8]) -> Result<(), MlflowError> {
        self.http.put_bytes(&self.at(path)?, bytes)
    }

    /// The file at `path`, at most `most` bytes of it, into `out`; how many bytes it has.
    ///
    /// # Errors
    /// No such file, a larger one, no answer, or a server that refuses.
    pub fn get(&self, path: &str, most: u64, out: &mut dyn std::io::Write) -> Result<u64, MlflowError> {
        self.http.get(&self.at(path)?, most, out)
    }

    /// Every file below the place, paths relative to it, in order.
    ///
    /// # Errors
    /// More files than a model or a run has, no answer, or a server that refuses.
    pub fn list(&self) -> Result<Vec<Entry>, MlflowError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            files: Vec<Entry>,
        }
        let (mut files, mut folders) = (Vec::new(), vec![(String::new(), 0)]);
        while let Some((folder, depth)) = folders.pop() {
            let root = unescaped(&self.root);
            let path = if folder.is_empty() { root } else { format!("{root}/{folder}") };
            let answer: Answer = self.http.json(
                &Method::GET,
                "api/2.0/mlflow-artifacts/artifacts",
                &[("path", &path)],
                None::<&Value>,
                Repeat::Safe,
            )?;
            for entry in answer.files {
                let path = if folder.is_empty() { entry.path } else { format!("{folder}/{}", entry.path) };
                if entry.is_dir {
                    folders.push((path, depth + 1));
                } else {
                    files.push(Entry { path, ..entry });
                }
            }
            if files.len() > MOST_FILES || depth > DEEPEST {
                return Err(MlflowError::Unfit {
                    why: format!(
                        "more than {MOST_FILES} files, or folders more than {DEEPEST} deep, at {}",
                        self.root
                    ),
                });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn at(&self, path: &str) -> Result<String, MlflowError> {
        Ok(format!("api/2.0/mlflow-artifacts/artifacts/{}/{}", self.root, segments(path)?))
    }
}

/// A path, each of its parts escaped; none may lead elsewhere.
fn segments(path: &str) -> Result<String, MlflowError> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| matches!(*part, "." | "..") || part.contains(['\\', '\0', '#'])) {
        return Err(MlflowError::Unfit { why: format!("`{path}` is no path of an artifact") });
    }
    Ok(parts.iter().map(|part| escape(part)).collect::<Vec<_>>().join("/"))
}

/// What [`segments`] escaped.
fn unescaped(path: &str) -> String {
    crate::settings::unescape(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Halt, Settings};

    fn client(server: &str) -> Client {
        let get = |name: &str| (name == "MLFLOW_TRACKING_URI").then(|| server.to_owned());
        let settings = Settings::read(None, &get, None).unwrap().unwrap();
        Client::new(&settings, Halt::default()).unwrap()
    }

    #[track_caller]
    fn check(server: &str, uri: &str, path: &str, want: &str) {
        let place = client(server).artifacts(uri).unwrap();
        assert_eq!(format!("{}/{}", place.http.base(), place.at(path).unwrap()), want);
    }

    #[test]
    fn files_go_where_the_server_says() {
        const HERE: &str = "http://h:5000";
        const PROXY: &str = "api/2.0/mlflow-artifacts/artifacts";
        check(
            HERE,
            "mlflow-artifacts:/1/r/artifacts",
            "a/été.png",
            &format!("{HERE}/{PROXY}/1/r/artifacts/a/%C3%A9t%C3%A9.png"),
        );
        check(HERE, "mlflow-artifacts:///1/r", "a", &format!("{HERE}/{PROXY}/1/r/a"));
        check(
            "https://h/ann/repo.mlflow",
            "mlflow-artifacts://x:81/1/r",
            "a",
            &format!("https://x:81/ann/repo.mlflow/{PROXY}/1/r/a"),
        );
    }

    #[test]
    fn places_out_of_reach_and_paths_that_lead_out_are_refused() {
        for uri in ["s3://bucket/1", "file:///tmp/1", "/tmp/mlruns/1", "mlflow-artifacts:/1/../2"] {
            let said = client("http://h").artifacts(uri).unwrap_err().to_string();
            assert!(said.contains(uri.trim_start_matches("mlflow-artifacts:")), "{said}");
        }
        assert!(client("http://h").artifacts("mlflow-artifacts:/1").unwrap().at("../x").is_err());
    }
}
