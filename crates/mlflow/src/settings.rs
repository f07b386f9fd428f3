//! Where the server is and how to get in: MLflow's own variables, and its credentials file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::MlflowError;

/// The experiment that runs go to where none is named.
const EXPERIMENT: &str = "sentimeter";

/// Where runs are sent, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The tracking server: scheme, host, port and any path in front of `/api`, without a slash at the end
    /// and without credentials.
    pub server: String,
    /// The registry's server, where it is another one.
    pub registry: Option<String>,
    /// What is shown at the door.
    pub auth: Auth,
    /// How the server's certificate is checked.
    pub tls: Tls,
    /// Sent as a header where a server has workspaces.
    pub workspace: Option<String>,
    /// The experiment's name.
    pub experiment: String,
    /// What is done about answers that may be better next time.
    pub retry: Retry,
    /// Seconds for one request, uploads apart.
    pub timeout: Duration,
}

/// What is shown at the door.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// Nothing.
    #[default]
    None,
    /// User and password.
    Basic {
        /// The user.
        user: String,
        /// The password; on some servers a token.
        password: String,
    },
    /// A token.
    Bearer(String),
}

impl fmt::Debug for Auth {
    /// Secrets stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Basic { user, .. } => write!(f, "Basic({user}, …)"),
            Self::Bearer(_) => f.write_str("Bearer(…)"),
        }
    }
}

/// How the server's certificate is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Not at all.
    pub insecure: bool,
    /// Against these authorities (PEM) in place of the system's.
    pub authorities: Option<PathBuf>,
    /// Our own certificate and key (PEM, both in one file).
    pub client: Option<PathBuf>,
}

/// What is done about answers that may be better next time; MLflow's own defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// Tries after the first.
    pub tries: u32,
    /// The n-th wait is `factor · 2ⁿ` seconds …
    pub factor: f64,
    /// … and up to so many more, at random.
    pub jitter: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { tries: 7, factor: 2.0, jitter: 1.0 }
    }
}

/// Reads a variable of the environment; tests bring their own.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Settings {
    /// The settings of the environment; `None` where neither `uri` nor `MLFLOW_TRACKING_URI` names a server.
    ///
    /// `uri` stands before the variable, and the environment before `~/.mlflow/credentials`, which lies in
    /// `user_home`.
    ///
    /// # Errors
    /// An address that is none of a server, half of a pair of credentials, numbers that are none.
    pub fn read(
        uri: Option<&str>,
        variable: Variable<'_>,
        user_home: Option<&Path>,
    ) -> Result<Option<Self>, MlflowError> {
        let get = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let (name, uri) = match (uri, get("MLFLOW_TRACKING_URI")) {
            (Some(uri), _) => ("--mlflow-uri", uri.to_owned()),
            (None, Some(uri)) => ("MLFLOW_TRACKING_URI", uri),
            (None, None) => return Ok(None),
        };
        let (server, inside) = address(name, &uri)?;
        let registry = match get("MLFLOW_REGISTRY_URI") {
            None => None,
            Some(uri) => Some(address("MLFLOW_REGISTRY_URI", &uri)?.0).filter(|other| *other != server),
        };
        let path = |name: &str| get(name).map(PathBuf::from);
        let usual = Retry::default();
        Ok(Some(Self {
            server,
            registry,
            auth: auth(&get, inside, user_home)?,
            tls: Tls {
                insecure: get("MLFLOW_TRACKING_INSECURE_TLS").is_some_and(|v| truthy(&v)),
                authorities: path("MLFLOW_TRACKING_SERVER_CERT_PATH"),
                client: path("MLFLOW_TRACKING_CLIENT_CERT_PATH"),
            },
            workspace: get("MLFLOW_WORKSPACE"),
            experiment: get("MLFLOW_EXPERIMENT_NAME").unwrap_or_else(|| EXPERIMENT.to_owned()),
            retry: Retry {
                tries: number(&get, "MLFLOW_HTTP_REQUEST_MAX_RETRIES", f64::from(usual.tries), 20.0)? as u32,
                factor: number(&get, "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", usual.factor, 120.0)?,
                jitter: number(&get, "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", usual.jitter, 60.0)?,
            },
            timeout: Duration::from_secs_f64(
                number(&get, "MLFLOW_HTTP_REQUEST_TIMEOUT", 120.0, 86_400.0)?.max(0.1),
            ),
        }))
    }
}

/// Server and credentials of an address.
fn address(name: &str, uri: &str) -> Result<(String, Option<Auth>), MlflowError> {
    let wrong = |why: String| MlflowError::Setting { name: name.to_owned(), why };
    let uri = uri.trim();
    let scheme = uri.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("http" | "https")) {
        return Err(wrong(format!(
            "`{}` is no server's address; wanted http://HOST:PORT or https://HOST/PATH. For a local folder or \
             database start one: mlflow server --backend-store-uri {}",
            hide(uri),
            if scheme.is_some() { hide(uri) } else { "sqlite:///mlflow.db".to_owned() },
        )));
    }
    let mut url =
        reqwest::Url::parse(uri).map_err(|e| wrong(format!("`{}` is no address: {e}", hide(uri))))?;
    let inside = (!url.username().is_empty()).then(|| Auth::Basic {
        user: unescape(url.username()),
        password: unescape(url.password().unwrap_or_default()),
    });
    // Neither fails on an address with a host, and http addresses have one.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    Ok((url.as_str().trim_end_matches('/').to_owned(), inside))
}

/// An address without what stands before its `@`.
fn hide(uri: &str) -> String {
    match (uri.split_once("://"), uri.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => uri.to_owned(),
    }
}

/// `%40` is `@`.
pub(crate) fn unescape(raw: &str) -> String {
    let bytes = raw.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| raw.get(i + 1..i + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// User and password, each from the environment, then from the file; then a token; then what stands in the
/// address.
fn auth(
    get: &dyn Fn(&str) -> Option<String>,
    inside: Option<Auth>,
    user_home: Option<&Path>,
) -> Result<Auth, MlflowError> {
    const NAMES: [&str; 2] = ["MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"];
    let file = user_home.map(|home| home.join(".mlflow").join("credentials"));
    let text = match &file {
        Some(path) => match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(MlflowError::File { path: path.clone(), source }),
        },
        None => String::new(),
    };
    let [user, password] = NAMES.map(|name| get(name).or_else(|| entry(&text, &name.to_ascii_lowercase())));
    match (user, password, get("MLFLOW_TRACKING_TOKEN"), inside) {
        (Some(user), Some(password), _, _) => Ok(Auth::Basic { user, password }),
        (_, _, Some(token), _) => Ok(Auth::Bearer(token)),
        (None, None, None, inside) => Ok(inside.unwrap_or_default()),
        (Some(_), None, None, _) => Err(MlflowError::Setting {
            name: NAMES[0].to_owned(),
            why: "is set and MLFLOW_TRACKING_PASSWORD is not".to_owned(),
        }),
        (None, Some(_), None, _) => Err(MlflowError::Setting {
            name: NAMES[1].to_owned(),
            why: "is set and MLFLOW_TRACKING_USERNAME is not".to_owned(),
        }),
    }
}

/// A value of the section `[mlflow]`, as Python's configparser reads it.
fn entry(ini: &str, key: &str) -> Option<String> {
    let mut inside = false;
    for line in ini.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = section == "mlflow";
        } else if inside
            && !line.starts_with(['#', ';'])
            && let Some((name, value)) = line.split_once(['=', ':'])
            && name.trim().eq_ignore_ascii_case(key)
            && !value.trim().is_empty()
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

/// A number from 0 to `most`; `usual` where the variable is not set.
fn number(
    get: &dyn Fn(&str) -> Option<String>,
    name: &str,
    usual: f64,
    most: f64,
) -> Result<f64, MlflowError> {
    let Some(raw) = get(name) else { return Ok(usual) };
    let number = raw.trim().parse::<f64>().ok().filter(|n| (0.0..=most).contains(n));
    number.ok_or_else(|| MlflowError::Setting {
        name: name.to_owned(),
        why: format!("`{raw}` is no number from 0 to {most}"),
    })
}

fn truthy(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)], credentials: Option<&str>) -> Result<Option<Settings>, MlflowError> {
        let home = tempfile::tempdir().unwrap();
        if let Some(text) = credentials {
            std::fs::create_dir(home.path().join(".mlflow")).unwrap();
            std::fs::write(home.path().join(".mlflow/credentials"), text).unwrap();
        }
        let get = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Settings::read(None, &get, Some(home.path()))
    }

    const URI: (&str, &str) = ("MLFLOW_TRACKING_URI", "http://localhost:5000/");
    const FILE: &str = "[other]\nmlflow_tracking_username = no\n[mlflow]\n# who\nMLflow_Tracking_Username = ann\nmlflow_tracking_password: p=1\n";

    fn basic(user: &str, password: &str) -> Auth {
        Auth::Basic { user: user.to_owned(), password: password.to_owned() }
    }

    #[track_caller]
    fn opens(set: &[(&str, &str)], credentials: Option<&str>, want: Auth) {
        let set = [&[URI], set].concat();
        assert_eq!(read(&set, credentials).unwrap().unwrap().auth, want);
    }

    #[test]
    fn keys_are_tried_in_the_order_of_mlflow_itself() {
        let (user, password) = (("MLFLOW_TRACKING_USERNAME", "eve"), ("MLFLOW_TRACKING_PASSWORD", "x"));
        let token = ("MLFLOW_TRACKING_TOKEN", "t");
        opens(&[], None, Auth::None);
        opens(&[user, password], None, basic("eve", "x"));
        opens(&[user, password, token], None, basic("eve", "x"));
        opens(&[token], None, Auth::Bearer("t".to_owned()));
        opens(&[user, token], None, Auth::Bearer("t".to_owned()));
        opens(&[], Some(FILE), basic("ann", "p=1"));
        opens(&[user], Some(FILE), basic("eve", "p=1"));
        let half = read(&[URI, user], None).unwrap_err().to_string();
        assert!(half.contains("MLFLOW_TRACKING_PASSWORD is not"), "{half}");
    }

    #[test]
    fn the_address_keeps_its_path_and_loses_its_secret() {
        let read = |uri: &str| read(&[("MLFLOW_TRACKING_URI", uri)], None).map(Option::unwrap);
        assert_eq!(
            read("https://dagshub.com/ann/repo.mlflow/").unwrap().server,
            "https://dagshub.com/ann/repo.mlflow"
        );
        let with = read("http://ann:s%40crt@host:5000").unwrap();
        assert_eq!((with.server.as_str(), with.auth), ("http://host:5000", basic("ann", "s@crt")));
        for local in ["./mlruns", "file:///tmp/mlruns", "sqlite:///mlflow.db", "databricks"] {
            let said = read(local).unwrap_err().to_string();
            assert!(said.contains(local) && said.contains("mlflow server"), "{said}");
        }
        assert!(!read("postgresql://u:hunter2@h/db").unwrap_err().to_string().contains("hunter2"));
        assert!(super::Settings::read(None, &|_| None, None).unwrap().is_none(), "nothing set, nothing sent");
    }

    #[test]
    fn numbers_are_numbers() {
        let retries = |raw| read(&[URI, ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raw)], None);
        assert_eq!(retries("2").unwrap().unwrap().retry.tries, 2);
        let said = retries("many").unwrap_err().to_string();
        assert!(said.starts_with("MLFLOW_HTTP_REQUEST_MAX_RETRIES: `many`"), "{said}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let settings = read(&[URI, ("MLFLOW_TRACKING_TOKEN", "hunter2")], None).unwrap().unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
