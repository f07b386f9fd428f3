//! Profiles of data sets, made when a page asks for them: by another process of this program, behind everything else.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app::App;

/// How often it is looked whether it is done.
const LOOK: Duration = Duration::from_millis(100);

/// Bytes of what it says that are looked at.
const SAID: u64 = 64 << 10;

/// How a profile is made, and which one is being made.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    /// The program; none: nobody can make one here.
    program: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct State {
    /// The data set that is being looked at.
    now: Option<String>,
    /// The last one that failed, and why.
    failed: Option<(String, String)>,
}

/// What is known of a data set's profile, beside what is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Making {
    /// It can be made.
    Can,
    /// It is being made.
    Now,
    /// Another one is being made.
    Other(String),
    /// It could not be made; it may be tried again.
    Failed(String),
    /// Not by this server.
    Never,
}

impl Profiles {
    pub(crate) fn new(program: Option<PathBuf>) -> Self {
        Self { program, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it stands with `reference`.
    pub(crate) fn making(&self, reference: &str) -> Making {
        let State { now, failed } = self.state().clone();
        match (&self.program, now, failed) {
            (None, ..) => Making::Never,
            (_, Some(now), _) if now == reference => Making::Now,
            (_, Some(now), _) => Making::Other(now),
            (_, None, Some((which, why))) if which == reference => Making::Failed(why),
            _ => Making::Can,
        }
    }

    /// Begins to make the profile of `reference`, which must be there, and gives whether it did: one is made at a
    /// time.
    pub(crate) fn make(&self, app: &App, reference: &str) -> bool {
        let Some(program) = &self.program else { return false };
        {
            let mut state = self.state();
            if state.now.is_some() {
                return false;
            }
            *state = State { now: Some(reference.to_owned()), failed: None };
        }
        // Latency is what a server is for: a profile takes what is left.
        let mut command = Command::new("nice");
        command.args(["-n", "15"]).arg(program);
        command.arg("--home").arg(app.inner.store.home());
        command.args(["--quiet", "profile", "--", reference]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let (app, reference) = (app.clone(), reference.to_owned());
        tokio::task::spawn_blocking(move || {
            let failed = match command.spawn() {
                Ok(child) => wait(&app, child),
                Err(error) => Some(format!("it cannot be started: {error}")),
            };
            if let Some(why) = &failed {
                tracing::error!(data = reference, why, "a profile is not made");
            }
            *app.inner.profiles.state() = State { now: None, failed: failed.map(|why| (reference, why)) };
        });
        true
    }
}

/// Waits for its end, or ends it with the server; gives why it failed.
fn wait(app: &App, mut child: Child) -> Option<String> {
    let said = child.stderr.take();
    // Read while it runs: a pipe that is full would hold it up.
    let reading = std::thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(said) = said {
            let _ = said.take(SAID).read_to_end(&mut all);
        }
        String::from_utf8_lossy(&all).into_owned()
    });
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if app.is_ending() => {
                drop(child.kill());
                drop(child.wait());
                return Some("the server ended first".to_owned());
            }
            Ok(None) => std::thread::sleep(LOOK),
            Err(error) => return Some(error.to_string()),
        }
    };
    let said = reading.join().unwrap_or_default();
    if status.success() {
        return None;
    }
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    Some(last.map_or_else(|| status.to_string(), |line| line.trim_start_matches("error: ").to_owned()))
}
