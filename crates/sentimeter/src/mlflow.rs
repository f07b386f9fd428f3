//! Runs go to an MLflow server as well, where one is named: by `--mlflow-uri`, or as MLflow itself is told.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use sentimeter_experiment::recorder::{Mirror, Recorder};
use sentimeter_mlflow::{Event, Left, MlflowError, Sender, Settings, introduce, mirror};
use sentimeter_serve::Announce;
use sentimeter_store::{Blocking, RunId, StoreError, Version, Write};

use crate::args::Global;

/// How long a command waits at its end for what is still to be sent.
const PATIENCE: Duration = Duration::from_secs(10);

/// What sends the runs of this process.
static SENDING: Mutex<Option<Sending>> = Mutex::new(None);

struct Sending {
    server: String,
    /// Starts once the store is open; `None` where it cannot be.
    sender: JoinHandle<Option<Sender>>,
}

/// The server, where one is named.
///
/// # Errors
/// Settings that cannot be followed.
pub(crate) fn settings(global: &Global) -> Result<Option<Settings>, MlflowError> {
    let variable = |name: &str| std::env::var(name).ok();
    Settings::read(global.mlflow_uri.as_deref(), &variable, std::env::home_dir().as_deref())
}

/// The same for runs that are recorded whether they are sent or not: what is wrong is told and no more.
pub(crate) fn wanted(global: &Global) -> Option<Settings> {
    settings(global).unwrap_or_else(|error| {
        tracing::warn!("runs are recorded here and not sent to an MLflow server: {error}");
        None
    })
}

/// What the recorder puts into the outbox beside what it records.
pub(crate) fn mirroring(settings: &Settings) -> Mirror {
    let experiment = settings.experiment.clone();
    Box::new(move |write| mirror(write, &experiment))
}

/// Sends what `recorder` records, from now on.
pub(crate) fn begin(settings: Settings, recorder: &Recorder) {
    let (server, recorder) = (settings.server.clone(), recorder.clone());
    // The store opens meanwhile; the work need not wait for it.
    let spawned = std::thread::Builder::new().name("mlflow-start".to_owned()).spawn(move || {
        let store = recorder.store()?;
        Sender::start(store, settings)
            .inspect_err(|error| tracing::warn!("nothing is sent to the MLflow server: {error}"))
            .ok()
    });
    match spawned {
        Ok(sender) => {
            *SENDING.lock().unwrap_or_else(PoisonError::into_inner) = Some(Sending { server, sender });
        }
        Err(error) => tracing::warn!("nothing is sent to the MLflow server: cannot start a thread ({error})"),
    }
}

/// Waits a while for what is still to be sent, and says what is left.
pub(crate) fn end(global: &Global) {
    let Some(sending) = SENDING.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    let Ok(Some(sender)) = sending.sender.join() else { return };
    match sender.finish(PATIENCE, |_| true) {
        Ok(left) if left.entries > 0 => tracing::warn!("{}", waiting(&left, &sending.server)),
        Ok(Left { page: Some(page), .. }) if !global.quiet => note!("mlflow: {page}"),
        Ok(_) => {}
        Err(error) => tracing::warn!("nobody knows what the MLflow server has: {error}"),
    }
}

/// What is not on the server yet, why, and what to do.
pub(crate) fn waiting(left: &Left, server: &str) -> String {
    let why = left.why.as_ref().map_or(String::new(), |why| format!(" ({why})"));
    let runs = if left.runs == 1 { "1 run".to_owned() } else { format!("{} runs", left.runs) };
    format!(
        "{} records of {runs} are not on {server} yet{why}; nothing is lost, send them with: sentimeter runs sync",
        left.entries
    )
}

/// What a server tells the MLflow server that it is told of; none without one. What waits is sent from now on, for as
/// long as the program runs.
///
/// # Errors
/// Records that cannot be opened.
pub(crate) fn announcing(
    global: &Global,
    open: impl FnOnce() -> anyhow::Result<Blocking>,
) -> anyhow::Result<Option<Arc<dyn Announce>>> {
    let announcing = Announcing::of(global);
    if announcing.server.is_none() {
        return Ok(None);
    }
    let store = open()?;
    announcing.send(&store);
    Ok(Some(Arc::new(ByServer { announcing, store })))
}

/// What `sentimeter serve` does to the registry.
struct ByServer {
    announcing: Announcing,
    store: Blocking,
}

impl std::fmt::Debug for ByServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The settings hold credentials.
        f.debug_struct("ByServer").finish_non_exhaustive()
    }
}

impl Announce for ByServer {
    fn introduce(&self, version: &Version) -> Result<(), StoreError> {
        self.announcing.introduce(&self.store, version.of.run.as_ref())
    }

    fn alias(&self, version: &Version, alias: &str) -> Vec<Write> {
        self.announcing.alias(version, alias)
    }
}

/// What a change of the registry writes into the outbox beside it; nothing where no server is named.
pub(crate) struct Announcing {
    server: Option<Settings>,
}

impl Announcing {
    /// To the server that the command names.
    pub(crate) fn of(global: &Global) -> Self {
        Self { server: wanted(global) }
    }

    /// Puts a run that the server has never heard of into the outbox, so that a version of its model has
    /// something to point at.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub(crate) fn introduce(&self, store: &Blocking, run: Option<&RunId>) -> Result<(), StoreError> {
        match (&self.server, run) {
            (Some(settings), Some(run)) => introduce(store, run, settings),
            _ => Ok(()),
        }
    }

    /// A version was registered. One without a run has nothing on the server that it could point at.
    pub(crate) fn registered(&self, version: &Version) -> Vec<Write> {
        let event = Event::Registered { model: version.of.model.clone(), version: version.version };
        self.of_run(version, &event)
    }

    /// An alias points at a version.
    pub(crate) fn alias(&self, version: &Version, alias: &str) -> Vec<Write> {
        let (model, alias) = (version.of.model.clone(), alias.to_owned());
        self.of_run(version, &Event::Alias { model, version: version.version, alias })
    }

    fn of_run(&self, version: &Version, event: &Event) -> Vec<Write> {
        let run = version.of.run.as_ref().filter(|_| self.server.is_some());
        run.map(|run| event.write(run)).into_iter().collect()
    }

    /// Sends what is waiting; the command's end waits for it a while.
    pub(crate) fn send(&self, store: &Blocking) {
        let Some(settings) = self.server.clone() else { return };
        let mut sending = SENDING.lock().unwrap_or_else(PoisonError::into_inner);
        if sending.is_some() {
            return; // as a run is: the outbox is one
        }
        let (server, store) = (settings.server.clone(), store.clone());
        let spawned = std::thread::Builder::new().name("mlflow-start".to_owned()).spawn(move || {
            Sender::start(store, settings)
                .inspect_err(|error| tracing::warn!("nothing is sent to the MLflow server: {error}"))
                .ok()
        });
        match spawned {
            Ok(sender) => *sending = Some(Sending { server, sender }),
            Err(error) => {
                tracing::warn!("nothing is sent to the MLflow server: cannot start a thread ({error})")
            }
        }
    }
}
