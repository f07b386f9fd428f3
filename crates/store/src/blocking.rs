//! The store for callers that are not asynchronous.

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::{Database, Store, StoreError};

/// A [`Store`] and the thread that its connections live on. Clones share both.
///
/// Not to be used inside an asynchronous runtime: there, await the [`Store`] itself.
#[derive(Debug, Clone)]
pub struct Blocking {
    store: Store,
    thread: Arc<Thread>,
}

#[derive(Debug)]
struct Thread {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Blocking {
    /// Opens the store ([`Store::open`]) on a thread of its own.
    ///
    /// # Errors
    /// What [`Store::open`] says; a thread that cannot be started.
    pub fn open(home: &Path, database: &Database) -> Result<Self, StoreError> {
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let (home, database): (PathBuf, Database) = (home.to_owned(), database.clone());
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                let runtime = match Builder::new_current_thread().enable_all().build() {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        drop(tell.send(Err(StoreError::Thread { why: error.to_string() })));
                        return;
                    }
                };
                runtime.block_on(async move {
                    let opened = Store::open(&home, &database).await;
                    let failed = opened.is_err();
                    // Who asked is waiting below.
                    drop(tell.send(opened.map(|store| (store, Handle::current()))));
                    if !failed {
                        // Timers and sockets are served for as long as this waits.
                        drop(stopped.await);
                    }
                });
            })
            .map_err(|error| StoreError::Thread { why: error.to_string() })?;
        let (store, handle) =
            told.recv().map_err(|_| StoreError::Thread { why: "it panicked".to_owned() })??;
        let thread = Thread { handle, stop: Some(stop), thread: Some(thread) };
        Ok(Self { store, thread: Arc::new(thread) })
    }

    /// Does something with the store and waits for it: `store.run(|s| s.find_run("latest"))`.
    ///
    /// # Panics
    /// Within an asynchronous runtime, whose thread it would block.
    pub fn run<'a, F: Future>(&'a self, work: impl FnOnce(&'a Store) -> F) -> F::Output {
        self.thread.handle.block_on(work(&self.store))
    }

    /// The store itself.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The files by content.
    pub fn blobs(&self) -> &crate::Blobs {
        self.store.blobs()
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panicked; whoever waited for its work has been told.
            drop(thread.join());
        }
    }
}
