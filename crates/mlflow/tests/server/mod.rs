//! A real `mlflow server` on a free port, with a database and artifacts of its own in a temporary folder.
//! It is stopped, with everything that it started, when the test ends, whichever way.
#![allow(dead_code)] // each test program uses a part

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long a server may take to start: it imports half of Python's data science, on a busy machine.
const START: Duration = Duration::from_secs(240);

/// What a server is started with.
#[derive(Default)]
pub(crate) struct Options {
    /// More arguments.
    pub(crate) args: Vec<String>,
    /// More variables.
    pub(crate) variables: Vec<(String, String)>,
    /// `https` in place of `http`: arguments say how.
    pub(crate) tls: bool,
}

/// A server, running or stopped.
pub(crate) struct Server {
    folder: TempDir,
    port: u16,
    options: Options,
    child: Option<Child>,
}

/// The folder of programs of the Python environment that holds MLflow; `None`, and said, where there is none.
pub(crate) fn programs() -> Option<PathBuf> {
    let venv = std::env::var_os("SENTIMETER_MLFLOW").map(PathBuf::from).or_else(|| {
        Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache").join("sentimeter-mlflow"))
    })?;
    let programs = venv.join("bin");
    if programs.join("mlflow").is_file() {
        return Some(programs);
    }
    eprintln!("skipped: no MLflow in {}; ./test installs it", venv.display());
    None
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    /// Starts one and waits until it answers; `None`, and said, where there is no MLflow.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(|_| Options::default())
    }

    /// The same, with options that may lie in its folder.
    pub(crate) fn start_with(options: impl FnOnce(&Path) -> Options) -> Option<Self> {
        let mut server = Self::stopped(options)?;
        server.run();
        Some(server)
    }

    /// One that has an address and does not run yet.
    pub(crate) fn stopped(options: impl FnOnce(&Path) -> Options) -> Option<Self> {
        programs()?;
        let folder = tempfile::tempdir().unwrap();
        let options = options(folder.path());
        Some(Self { folder, port: free_port(), options, child: None })
    }

    /// Its address.
    pub(crate) fn uri(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.options.tls { "https" } else { "http" }, self.port)
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it and waits until it answers.
    pub(crate) fn run(&mut self) {
        let programs = programs().expect("it was there before");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let mut command = Command::new(programs.join("mlflow"));
        command
            .current_dir(self.folder.path())
            .args(["server", "--host", "127.0.0.1", "--port", &self.port.to_string(), "--workers", "1"])
            .arg("--backend-store-uri")
            .arg(format!("sqlite:///{}", self.folder.path().join("mlflow.db").display()))
            .arg("--artifacts-destination")
            .arg(self.folder.path().join("artifacts"))
            .args(&self.options.args)
            .envs(quiet())
            .envs(self.options.variables.iter().map(|(name, value)| (name, value)))
            // A job runner with its many processes is of no use here.
            .env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            // Its workers are children of its own: signals go to all.
            .process_group(0);
        for name in std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("MLFLOW_TRACKING"))
        {
            command.env_remove(name);
        }
        self.child = Some(command.spawn().unwrap());
        let started = Instant::now();
        while !self.answers() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < START,
                "mlflow server does not start ({ended:?}): {}",
                std::fs::read_to_string(self.log()).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn answers(&self) -> bool {
        if self.options.tls {
            // It accepts connections once it is up.
            return TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        }
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let asked =
            std::io::Write::write_all(&mut stream, b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n");
        let mut answer = String::new();
        asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.contains(" 200 ")
    }

    /// Kills it where it stands, with all of its workers.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // The standard library signals single processes alone.
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What a script beside the tests prints, as JSON: it talks to this server by MLflow's own client.
    #[track_caller]
    pub(crate) fn ask(&self, script: &Path, args: &[&str]) -> Value {
        let output = Command::new(programs().expect("it was there before").join("python"))
            .arg(script)
            .args(args)
            .envs(quiet())
            .env("MLFLOW_TRACKING_URI", self.uri())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {args:?}: {told}", script.display());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}\n{told}", String::from_utf8_lossy(&output.stdout)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Tests tell nobody that they run.
fn quiet() -> [(&'static str, &'static str); 4] {
    [
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("DO_NOT_TRACK", "true"),
        ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"),
        ("PYTHONWARNINGS", "ignore"),
    ]
}
