//! `sentimeter serve`, `keys` and `audit`, as a person types them.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use sentimeter_serve::Network;
use sentimeter_store::Role;

/// `sentimeter serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen. Beyond 127.0.0.1 every request wants a key; use TLS (--tls-cert), or a proxy that does
    #[arg(long, env = "SENTIMETER_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// The model: a file, NAME@VERSION or NAME@ALIAS of a registered one, or starter. A file that is replaced and an
    /// alias that moves take effect without a restart [default: the champion of sentiment, else
    /// models/sentiment.safetensors in the home, else starter, which is built in]
    #[arg(long, value_name = "M")]
    pub model: Option<String>,
    /// On 127.0.0.1: a name besides localhost that requests may be addressed to (a proxy's)
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
    /// Requests a second of each key and of each address, and as many at once; 0 is no limit [default: 0 on 127.0.0.1,
    /// 300 elsewhere]
    #[arg(long, env = "SENTIMETER_RATE", value_name = "N")]
    pub rate: Option<u32>,
    /// A proxy, or a network of them, whose X-Forwarded-For is believed: 10.0.0.7, 10.0.0.0/8
    #[arg(long, value_name = "ADDRESS")]
    pub trusted_proxy: Vec<Network>,
    /// The one other site whose pages may ask the interface: `https://desk.example`
    #[arg(long, env = "SENTIMETER_CORS", value_name = "ORIGIN", value_parser = origin)]
    pub cors: Option<String>,
    /// The certificate, and those that it rests on, as PEM: connections are then encrypted
    #[arg(long, env = "SENTIMETER_TLS_CERT", requires = "tls_key", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key, as PEM
    #[arg(long, env = "SENTIMETER_TLS_KEY", requires = "tls_cert", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// How the log on standard error is written
    #[arg(long, env = "SENTIMETER_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// An OpenTelemetry collector that traces go to, by OTLP over HTTP: `http://127.0.0.1:4318` [default:
    /// OTEL_EXPORTER_OTLP_ENDPOINT; without, there are none]
    #[arg(long, env = "SENTIMETER_OTLP", value_name = "URL", value_parser = collector)]
    pub otlp: Option<String>,
    /// What is kept of each prediction: nothing, the answer with a keyed hash of its text, or the text too
    #[arg(long, env = "SENTIMETER_KEEP", default_value = "hashes", value_name = "WHAT")]
    pub keep: KeepArg,
    /// Keep the authors of items by name; otherwise a keyed hash of each is kept
    #[arg(long, env = "SENTIMETER_KEEP_AUTHORS")]
    pub keep_authors: bool,
    /// Who may send feedback by webhooks, how they sign, and which of their fields hold what (docs/hooks.toml is one
    /// to copy)
    #[arg(long, env = "SENTIMETER_HOOKS", value_name = "FILE.toml")]
    pub hooks: Option<PathBuf>,
    /// Erase items, predictions, reports and jobs that are older, every hour [default: they are kept]
    #[arg(long, env = "SENTIMETER_RETAIN", value_name = "DAYS")]
    pub retain: Option<NonZeroU32>,
    /// Seconds within which a request is answered, or refused
    #[arg(long, default_value = "10", value_name = "S")]
    pub deadline: NonZeroU64,
    /// Bytes of a request's body
    #[arg(long, default_value = "4194304", value_name = "N")]
    pub max_body: usize,
    /// Bytes of a file that a job scores
    #[arg(long, default_value = "1073741824", value_name = "N")]
    pub max_upload: u64,
    /// Texts of a request
    #[arg(long, default_value = "1000", value_name = "N")]
    pub max_items: usize,
    /// Characters of a text
    #[arg(long, default_value = "20000", value_name = "N")]
    pub max_characters: usize,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line, with the request's id
    Json,
}

impl ServeArgs {
    /// Requests a second; `None` is no limit.
    pub(crate) fn rate(&self) -> Option<NonZeroU32> {
        let default = if self.listen.ip().is_loopback() { 0 } else { 300 };
        NonZeroU32::new(self.rate.unwrap_or(default))
    }
}

/// Scheme and host, as browsers send them.
fn origin(raw: &str) -> Result<String, String> {
    let host = raw.strip_prefix("https://").or(raw.strip_prefix("http://"));
    let sound = |host: &str| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b))
    };
    match host {
        Some(host) if sound(host) => Ok(raw.to_owned()),
        _ => Err("say scheme and host, and no path: https://desk.example".to_owned()),
    }
}

/// An address that spans can be sent to.
fn collector(raw: &str) -> Result<String, String> {
    match raw.parse::<http::Uri>() {
        Ok(uri) if matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some() => {
            Ok(raw.to_owned())
        }
        _ => Err("say scheme, host and port of a collector that takes OTLP over HTTP: http://127.0.0.1:4318"
            .to_owned()),
    }
}

/// What is kept of predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum KeepArg {
    /// No prediction is recorded
    Nothing,
    /// Answers, with a keyed hash of the text
    Hashes,
    /// Answers and texts
    Texts,
}

/// `sentimeter keys`.
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    /// What to do
    #[command(subcommand)]
    pub action: KeysAction,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysAction {
    /// Make a key; its secret is printed this once
    Create {
        /// What the key is called: who or what will use it
        name: String,
        /// What it opens, each more than the one before: predict, analyst, reviewer or admin
        #[arg(long, default_value = "predict", value_parser = role)]
        role: Role,
    },
    /// All keys, without their secrets
    List,
    /// Have a key open nothing any more, within two seconds
    Revoke {
        /// Its id, or its name where only one has it
        key: String,
    },
}

fn role(raw: &str) -> Result<Role, String> {
    raw.parse().map_err(|_| "choose predict, analyst, reviewer or admin".to_owned())
}

/// `sentimeter data`.
#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// What to do
    #[command(subcommand)]
    pub action: DataAction,
}

/// What to do with what is known of a person.
#[derive(Debug, Subcommand)]
pub(crate) enum DataAction {
    /// Everything that an author wrote, as JSON: items, reports, predictions, and what learned from them
    Export {
        /// The author, as feedback named them
        #[arg(long, value_name = "NAME")]
        author: String,
    },
    /// Erase it, for good; says which runs, models and data sets saw it
    Erase {
        /// The author, as feedback named them
        #[arg(long, value_name = "NAME")]
        author: String,
    },
}

/// `sentimeter audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// What to do
    #[command(subcommand)]
    pub action: AuditAction,
}

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditAction {
    /// Look for edits, gaps and a missing end; prints the head to note elsewhere
    Verify {
        /// A head that was noted before: finds even a log that was made anew
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
    /// The log as JSON Lines
    Export,
}
