//! What a server is told at its start.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::announce::Announce;
use crate::client::Network;

/// What is kept of the texts that are predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Nothing of any prediction.
    Nothing,
    /// Each prediction, with a keyed hash in the place of its text.
    #[default]
    Hashes,
    /// Each prediction and its text.
    Texts,
}

/// Caps that hold before any work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body, compressed and not.
    pub body_bytes: usize,
    /// Bytes of all bodies together that are held at a time.
    pub bodies: usize,
    /// Bytes of a file that a job scores.
    pub upload_bytes: u64,
    /// How long such a file may take to come.
    pub upload: Duration,
    /// Texts of a batch.
    pub items: usize,
    /// Characters of a text.
    pub characters: usize,
    /// Requests under way at the same time.
    pub in_flight: usize,
    /// Open connections; further ones wait to be accepted.
    pub connections: usize,
    /// How long a client may take over its request's head.
    pub head: Duration,
    /// How long it may take over the body.
    pub body: Duration,
    /// How long an answer may take from then on.
    pub deadline: Duration,
    /// How long what was accepted may take once the server is told to end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            bodies: 256 << 20,
            upload_bytes: 1 << 30,
            upload: Duration::from_secs(3600),
            items: 1000,
            characters: 20_000,
            in_flight: 1024,
            connections: 4096,
            head: Duration::from_secs(10),
            body: Duration::from_secs(20),
            deadline: Duration::from_secs(10),
            drain: Duration::from_secs(30),
        }
    }
}

/// What a server is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether it listens on this machine alone: then predicting and reporting want no key, and the `Host` header
    /// must name this machine.
    pub loopback: bool,
    /// Names that `Host` may have besides this machine's own.
    pub hosts: Vec<String>,
    /// Requests a second of each key, and of each address; no limit without.
    pub rate: Option<NonZeroU32>,
    /// Whose `X-Forwarded-For` is believed.
    pub proxies: Vec<Network>,
    /// The site whose pages may ask the interface, such as `https://desk.example`.
    pub cors: Option<String>,
    /// What connections are encrypted with; plain without.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// How long a browser's session lives unused.
    pub session_idle: Duration,
    /// How long it lives at all.
    pub session_most: Duration,
    /// What is kept of predictions.
    pub keep: Keep,
    /// Whether authors of items are kept by name, and not as keyed hashes.
    pub keep_authors: bool,
    /// Who may send feedback by itself.
    pub hooks: crate::hooks::Hooks,
    /// This program: what makes profiles of data sets when a page asks for them. None: nobody does.
    pub program: Option<std::path::PathBuf>,
    /// Who else is told of what happens to registered models.
    pub announce: Option<Arc<dyn Announce>>,
    /// Caps.
    pub limits: Limits,
    /// Queue, threads, cache.
    pub engine: sentimeter_inference::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            loopback: false,
            hosts: Vec::new(),
            rate: None,
            proxies: Vec::new(),
            cors: None,
            tls: None,
            session_idle: Duration::from_secs(60 * 60),
            session_most: Duration::from_secs(12 * 60 * 60),
            keep: Keep::default(),
            keep_authors: false,
            hooks: crate::hooks::Hooks::default(),
            program: None,
            announce: None,
            limits: Limits::default(),
            engine: sentimeter_inference::Settings::default(),
        }
    }
}
