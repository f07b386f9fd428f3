//! What every request can reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::HeaderValue;
use sentimeter_inference::{Engine, Live, telemetry};
use sentimeter_store::{Store, StoreError, now};
use tokio::sync::Notify;

use crate::announce::Announce;
use crate::auth::Gate;
use crate::client::Network;
use crate::edge;
use crate::hooks::Hooks;
use crate::intake::Keeper;
use crate::jobs::Desk;
use crate::models::{Models, Shelf};
use crate::profiles::Profiles;
use crate::record::Recorder;
use crate::settings::{Limits, Settings};

/// How often histograms' samples are folded away.
const UPKEEP: Duration = Duration::from_secs(1);

/// Questions for insights that are worked on at a time: each reads thousands of texts.
const INSIGHTS: usize = 2;

/// A server's parts. Clones share them.
#[derive(Clone)]
pub struct App {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) recorder: Recorder,
    pub(crate) keeper: Keeper,
    pub(crate) desk: Arc<Desk>,
    pub(crate) hooks: Hooks,
    pub(crate) profiles: Profiles,
    /// Questions that are worked on at a time.
    pub(crate) insights: tokio::sync::Semaphore,
    /// Room for bodies, in [`edge::UNIT`](crate::edge::UNIT)s.
    pub(crate) bodies: Arc<tokio::sync::Semaphore>,
    pub(crate) announce: Option<Arc<dyn Announce>>,
    pub(crate) gate: Gate,
    pub(crate) shelf: Shelf,
    pub(crate) limits: Limits,
    pub(crate) loopback: bool,
    pub(crate) hosts: Vec<String>,
    pub(crate) proxies: Vec<Network>,
    pub(crate) cors: Option<HeaderValue>,
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    /// An alias was moved here: whoever watches need not wait.
    pub(crate) moved: Notify,
    pub(crate) in_flight: AtomicUsize,
    pub(crate) in_flight_shown: metrics::Gauge,
    pub(crate) metrics: Option<telemetry::Collected>,
    ids: Ids,
    ending: AtomicBool,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The records.
    #[error("the records cannot be used")]
    Store(#[from] StoreError),
    /// The threads.
    #[error("a thread cannot be started")]
    Thread(#[from] std::io::Error),
}

impl App {
    /// Puts a server together; `live` answers, other models come from `models`. To be called within the runtime
    /// that the server runs on.
    ///
    /// # Errors
    /// A database that cannot be written, a thread that cannot be started.
    pub async fn new(
        live: Live,
        store: Store,
        models: Arc<dyn Models>,
        settings: Settings,
    ) -> Result<Self, StartError> {
        // Before anything counts.
        let metrics = telemetry::collect();
        let key = store.text_key().await?;
        let gate = Gate::new(store.clone(), &settings, &key);
        let inner = Inner {
            gate,
            engine: Engine::start(live, &settings.engine)?,
            keeper: Keeper::start(store.clone(), key, settings.keep_authors),
            desk: Desk::new(store.home()),
            hooks: settings.hooks,
            profiles: Profiles::new(settings.program),
            insights: tokio::sync::Semaphore::new(INSIGHTS),
            bodies: Arc::new(tokio::sync::Semaphore::new(settings.limits.bodies / edge::UNIT)),
            announce: settings.announce,
            moved: Notify::new(),
            recorder: Recorder::start(store.clone(), settings.keep, key),
            shelf: Shelf::new(models),
            store,
            limits: settings.limits,
            loopback: settings.loopback,
            hosts: settings.hosts,
            proxies: settings.proxies,
            cors: settings.cors.and_then(|origin| HeaderValue::try_from(origin).ok()),
            tls: settings.tls,
            in_flight: AtomicUsize::new(0),
            in_flight_shown: metrics::gauge!(telemetry::REQUESTS_NOW),
            metrics: metrics.clone(),
            ids: Ids::new(key),
            ending: AtomicBool::new(false),
        };
        if let Some(handle) = metrics {
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(UPKEEP).await;
                    handle.upkeep();
                }
            });
        }
        let app = Self { inner: Arc::new(inner) };
        app.inner.desk.start(&app)?;
        Ok(app)
    }

    /// The model that answers now.
    pub fn live(&self) -> Arc<Live> {
        self.inner.engine.live()
    }

    /// Lets another model answer from now on. No request notices but by the name in its answer.
    pub fn swap(&self, live: Live) -> Arc<Live> {
        self.inner.engine.swap(live)
    }

    /// When an answer that is begun now must be there.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.inner.limits.deadline
    }

    /// A name that no other prediction, report or request has.
    pub(crate) fn id(&self) -> String {
        self.inner.ids.next()
    }

    /// Whether the server has been told to end.
    pub(crate) fn is_ending(&self) -> bool {
        self.inner.ending.load(Ordering::Relaxed)
    }

    /// Says that the server is about to end: it is ready no more.
    pub(crate) fn end(&self) {
        self.inner.ending.store(true, Ordering::Relaxed);
    }

    /// Lets jobs rest where they are; they go on at the next start.
    pub async fn rest(&self) {
        let desk = self.inner.desk.clone();
        // It panics only where the runtime ends.
        drop(tokio::task::spawn_blocking(move || desk.stop()).await);
    }

    /// Writes down what waits to be.
    pub async fn flush(&self) {
        self.inner.recorder.flush().await;
    }
}

/// Names in the order of time: so that a database appends them instead of scattering them over its index.
struct Ids {
    /// Of this process alone.
    mark: u32,
    next: AtomicU64,
}

impl Ids {
    fn new(key: [u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&key);
        hasher.update(sentimeter_store::unique().as_bytes());
        let mut mark = [0; 4];
        hasher.finalize_xof().fill(&mut mark);
        Self { mark: u32::from_le_bytes(mark), next: AtomicU64::new(0) }
    }

    fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{:012x}{:08x}{:08x}", now().max(0), self.mark, number as u32)
    }
}
