//! The desk at which a test's user sits: an empty folder, the program, and what it answers.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Settings under which examples/feedback.csv trains in a fraction of a second.
pub(crate) const LIGHT: [&str; 4] = ["--set", "features.chars=[]", "--set", "calibration.kind=none"];

/// A folder of its own, in which commands run; their home is `home` in it.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One on which a model trained on examples/feedback.csv lies, where commands look for it.
    pub(crate) fn with_model() -> Self {
        let desk = Self::new();
        desk.train(&["--data", &example("feedback.csv"), "--quiet"]).ok();
        desk
    }

    /// Where `name` lies, or would.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file there.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// The text of a file that is there.
    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Names of everything in `folder`, hidden files too; empty where there is no such folder.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(folder)) else {
            return Vec::new();
        };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The program, ready to start here.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sentimeter"));
        let ours = ["HOME", "THREADS", "LOG", "DATABASE_URL", "MODEL"];
        for name in ours.map(|name| format!("SENTIMETER_{name}")) {
            command.env_remove(name);
        }
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"MLFLOW_") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.folder.path()).args(["--home", "home"]).args(args).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Answer {
        Answer::of(self.command(args).output().unwrap(), args)
    }

    /// The same, with `input` on its standard input.
    pub(crate) fn run_on<S: AsRef<OsStr>>(&self, input: &[u8], args: &[S]) -> Answer {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            // A program that has failed no longer reads: that is not this thread's concern.
            scope.spawn(move || drop(stdin.write_all(input)));
            Answer::of(child.wait_with_output().unwrap(), args)
        })
    }

    /// `train` with the light settings.
    pub(crate) fn train(&self, args: &[&str]) -> Answer {
        self.run(&[&["train"], args, &LIGHT[..]].concat())
    }
}

/// What the program said and how it ended.
pub(crate) struct Answer {
    command: String,
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    fn of<S: AsRef<OsStr>>(output: Output, args: &[S]) -> Self {
        let mut command = "sentimeter".to_owned();
        args.iter().for_each(|arg| write!(command, " {}", arg.as_ref().display()).unwrap());
        Self {
            command,
            status: output.status.code(),
            out: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            err: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }

    /// It ended with `status`.
    #[track_caller]
    pub(crate) fn ends(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self}");
        assert!(!self.err.contains("panicked"), "{self}");
        self
    }

    /// It did what was asked.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.ends(0)
    }

    /// Standard output holds one JSON document and nothing else.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self}"))
    }

    /// Standard error holds all of `parts`.
    #[track_caller]
    pub(crate) fn tells(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is missing: {self}");
        }
    }

    /// Standard output holds all of `parts`.
    #[track_caller]
    pub(crate) fn prints(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.out.contains(part), "{part:?} is missing: {self}");
        }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, status, out, err } = self;
        writeln!(f, "{command} ended with {status:?}\n--- standard output\n{out}\n--- standard error\n{err}")
    }
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The path of a file under examples/.
pub(crate) fn example(name: &str) -> String {
    root().join("examples").join(name).display().to_string()
}

/// Rows of a CSV text, the header's names first.
pub(crate) fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}
