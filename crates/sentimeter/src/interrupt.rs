//! Ctrl-C, SIGTERM and SIGHUP end the process at once, with nothing half-written left behind.
//!
//! The process ends from the signal's own thread, not where a loop would look at a flag: reading from
//! a terminal or a pipe blocks, and blocked work looks at nothing. Whatever has a name by then is
//! whole, because names are given by renaming alone.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sentimeter_experiment::recorder::Recorder;

/// What a shell reports of a process that Ctrl-C ended: 128 and the signal's number.
const INTERRUPTED: i32 = 130;

/// Temporary files that a signal removes.
static DOOMED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Whose runs are marked as killed by a signal.
static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);

/// Whoever holds it holds a signal off. A lock of its own: files come onto the list and leave it
/// meanwhile.
static HELD_OFF: Mutex<()> = Mutex::new(());

fn doomed() -> MutexGuard<'static, Vec<PathBuf>> {
    // A list of paths is whole even where a holder panicked.
    DOOMED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the first signal does in place of ending the process.
static INSTEAD: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// Has the first signal call `work`, which sees to the end itself (a server that answers what it has
/// accepted); a second one ends the process.
pub(crate) fn instead(work: impl FnOnce() + Send + 'static) {
    *INSTEAD.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(work));
}

/// Listens from now on. Where the caller already says what a signal does (`nohup` ignores SIGHUP),
/// that stays as it is.
pub(crate) fn listen() {
    let listening = ctrlc::try_set_handler(|| {
        let instead = INSTEAD.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(work) = instead {
            return work();
        }
        let _held = HELD_OFF.lock().unwrap_or_else(PoisonError::into_inner);
        let doomed = doomed();
        for path in doomed.iter() {
            // It may have got its name, or gone, a moment ago.
            let _ = std::fs::remove_file(path);
        }
        if let Some(recorder) = RECORDER.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            recorder.interrupted();
        }
        note!("interrupted");
        // The locks are kept to the end: nobody starts what could no longer be finished.
        std::process::exit(INTERRUPTED);
    });
    if let Err(error) = listening {
        tracing::debug!("signals keep what the caller set for them: {error}");
    }
}

/// Has the runs of `recorder` marked as killed should a signal end the process.
pub(crate) fn mark_on_signal(recorder: &Recorder) {
    *RECORDER.lock().unwrap_or_else(PoisonError::into_inner) = Some(recorder.clone());
}

/// Takes a temporary file off the list when it is dropped.
pub(crate) struct Doomed(PathBuf);

/// Has `path` removed should a signal end the process while the answer lives.
pub(crate) fn remove_on_signal(path: &Path) -> Doomed {
    // Absolute, so that it means the same wherever the process stands.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    doomed().push(path.clone());
    Doomed(path)
}

impl Drop for Doomed {
    fn drop(&mut self) {
        doomed().retain(|path| *path != self.0);
    }
}

/// Holds signals off while `work` cleans up after itself only at its end (a data set's folder being
/// written); a signal that comes meanwhile ends the process right after. Not to be called within itself.
pub(crate) fn hold_off<T>(work: impl FnOnce() -> T) -> T {
    let _held = HELD_OFF.lock().unwrap_or_else(PoisonError::into_inner);
    work()
}
