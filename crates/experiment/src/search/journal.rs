//! What a search has found so far, kept on disk: a killed search is taken up where it was.
//!
//! A file of JSON lines: the first says which search it is, the others are fold scores. A line is handed to
//! the system before the score is shown, and forced to the disk once a second at most: a killed process
//! loses nothing, a machine that loses its power a second. A last line that was cut off is not one.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::results::FoldScore;
use super::settings::SearchPlan;
use crate::Plan;
use crate::prepare::{Prepared, content_hash};

/// Between two times that lines are forced to the disk.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be read or written.
    #[error("cannot keep the search's journal {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process writes it.
    #[error("another search is at work on {path}: wait for it, or give this one another --results folder")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// It holds work, and nobody said what to do with it.
    #[error(
        "an unfinished search lies in {path}, with {scores} of {of} fold scores: take it up with --resume, \
         or begin anew with --restart"
    )]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// Fold scores in it.
        scores: usize,
        /// Fold scores when it is done, where nothing fails.
        of: usize,
    },
    /// It is of another search.
    #[error(
        "the unfinished search in {path} cannot be taken up: {what} changed since ({before} then, {now} now); \
         put it back as it was, or begin anew with --restart"
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// Its hash or number then.
        before: String,
        /// The same now.
        now: String,
    },
    /// It holds something else.
    #[error("line {line} of {path} is no line of a search's journal; begin anew with --restart")]
    Broken {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
}

/// Which search a journal belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Version of the code.
    pub code: String,
    /// Hash of every setting, those of the search with them.
    pub plan: String,
    /// Hash of the rows to learn from and to measure on.
    pub data: String,
    /// Fold scores that a search without failures makes.
    pub scores: usize,
}

impl Identity {
    /// That of a search by `plan` on `prepared` data.
    pub(super) fn of(plan: &Plan, settings: &SearchPlan, prepared: &Prepared, scores: usize) -> Self {
        let hash = |parts: &[String]| {
            let mut hasher = blake3::Hasher::new();
            for part in parts {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
            hasher.finalize().to_hex().to_string()
        };
        let json = |of: Result<String, serde_json::Error>| of.unwrap_or_default();
        Self {
            code: env!("CARGO_PKG_VERSION").to_owned(),
            plan: hash(&[json(serde_json::to_string(plan)), json(serde_json::to_string(settings))]),
            data: hash(&[
                prepared.data_hash.clone(),
                content_hash(&prepared.labels, &prepared.train),
                content_hash(&prepared.labels, &prepared.test),
            ]),
            scores,
        }
    }
}

/// What is done with an unfinished search that lies in the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// There must be none.
    Anew,
    /// It is taken up.
    Resume,
    /// It is thrown away.
    Restart,
}

/// The journal of a running search; nobody else can open it meanwhile.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    begin: Begin,
    forced: Instant,
    /// Whether it holds what somebody may want: if not, it goes when it is dropped.
    worth: bool,
}

impl Drop for Journal {
    fn drop(&mut self) {
        if !self.worth {
            // A file without scores is in nobody's way.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Journal {
    /// Opens the journal at `path`, or makes one.
    ///
    /// # Errors
    /// [`JournalError::Io`] and [`JournalError::Busy`].
    pub fn open(path: &Path, begin: Begin) -> Result<Self, JournalError> {
        let cannot = |source| JournalError::Io { path: path.to_owned(), source };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(cannot(source)),
        }
        let worth = file.metadata().map_err(cannot)?.len() > 0;
        Ok(Self { path: path.to_owned(), file, begin, forced: Instant::now(), worth })
    }

    /// What it holds of the search `identity`, and room for more.
    pub(super) fn start(&mut self, identity: &Identity) -> Result<Vec<FoldScore>, JournalError> {
        let mut text = String::new();
        let read = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.read_to_string(&mut text));
        // What is no text is broken, and said to be so.
        if let Err(error) = read
            && error.kind() != io::ErrorKind::InvalidData
        {
            return Err(self.cannot(error));
        }
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].lines().enumerate();
        let first = lines.next().map(|(_, line)| serde_json::from_str::<Identity>(line));
        let found = match (self.begin, first) {
            (Begin::Restart, _) | (_, None) => None,
            // A begun header alone is nothing to lose.
            (Begin::Anew, Some(first)) => {
                let scores = whole_lines(&text) - 1;
                if scores > 0 {
                    let of = first.map_or(0, |identity| identity.scores);
                    return Err(JournalError::Unfinished { path: self.path.clone(), scores, of });
                }
                None
            }
            (Begin::Resume, Some(first)) => {
                let before = first.map_err(|_| self.broken(1))?;
                self.same(&before, identity)?;
                let scores =
                    lines.map(|(i, line)| serde_json::from_str(line).map_err(|_| self.broken(i + 1)));
                Some(scores.collect::<Result<Vec<FoldScore>, _>>()?)
            }
        };
        match found {
            Some(scores) => {
                self.file
                    .set_len(whole as u64)
                    .and_then(|()| self.file.seek(SeekFrom::End(0)))
                    .map_err(|e| self.cannot(e))?;
                Ok(scores)
            }
            None => {
                self.file
                    .set_len(0)
                    .and_then(|()| self.file.seek(SeekFrom::Start(0)))
                    .map_err(|e| self.cannot(e))?;
                self.worth = false;
                self.line(identity)?;
                self.file.sync_all().map_err(|e| self.cannot(e))?;
                Ok(Vec::new())
            }
        }
    }

    /// Adds a score.
    pub(super) fn add(&mut self, score: &FoldScore) -> Result<(), JournalError> {
        self.line(score)?;
        self.worth = true;
        if self.forced.elapsed() >= PAUSE {
            self.file.sync_data().map_err(|e| self.cannot(e))?;
            self.forced = Instant::now();
        }
        Ok(())
    }

    /// Has it removed: what it stood for is written elsewhere, or came to nothing.
    pub fn finish(&mut self) {
        self.worth = false;
    }

    fn line(&mut self, of: &impl Serialize) -> Result<(), JournalError> {
        let mut line = serde_json::to_vec(of).map_err(|e| self.cannot(e.into()))?;
        line.push(b'\n');
        // One call: a kill leaves the line or a beginning of it.
        self.file.write_all(&line).map_err(|e| self.cannot(e))
    }

    fn same(&self, before: &Identity, now: &Identity) -> Result<(), JournalError> {
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        for (what, before, now) in [
            ("the program", &before.code, &now.code),
            ("the plan", &before.plan, &now.plan),
            ("the data", &before.data, &now.data),
        ] {
            if before != now {
                let (before, now) = (short(before), short(now));
                return Err(JournalError::Other { path: self.path.clone(), what, before, now });
            }
        }
        Ok(())
    }

    fn cannot(&self, source: io::Error) -> JournalError {
        JournalError::Io { path: self.path.clone(), source }
    }

    fn broken(&self, line: usize) -> JournalError {
        JournalError::Broken { path: self.path.clone(), line }
    }
}

fn whole_lines(text: &str) -> usize {
    text.bytes().filter(|&b| b == b'\n').count()
}
