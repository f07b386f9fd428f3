//! A PostgreSQL of the test's own: started in a folder of its own on a free port, stopped when dropped.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A running server.
pub(crate) struct Postgres {
    bin: PathBuf,
    folder: TempDir,
    /// Whom it runs as: it refuses to run as root.
    user: Option<(u32, u32)>,
    server: Child,
    port: u16,
}

/// Where the server's programs are: Debian keeps them off the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut bins: Vec<PathBuf> = versions.map(|v| v.unwrap().path().join("bin")).collect();
    bins.sort();
    bins.into_iter().rev().find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
}

fn number(args: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(args).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

impl Postgres {
    /// One that runs; `None`, and a sentence on standard error, where there is none to run.
    pub(crate) fn start() -> Option<Self> {
        let Some(bin) = programs() else {
            eprintln!(
                "skipped: no PostgreSQL under /usr/lib/postgresql; install with: apt-get install postgresql"
            );
            return None;
        };
        let root = number(&["-u"]) == Some(0);
        let user = if root {
            let account = ["postgres", "nobody"]
                .into_iter()
                .find_map(|name| Some((number(&["-u", name])?, number(&["-g", name])?)));
            if account.is_none() {
                eprintln!(
                    "skipped: PostgreSQL refuses to run as root, and there is no user postgres or nobody"
                );
                return None;
            }
            account
        } else {
            None
        };
        let folder = tempfile::tempdir().unwrap();
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = folder.path().join("data");
        let mut init = program(&bin, "initdb", user);
        init.args([
            "--no-sync",
            "--auth=trust",
            "--username=tester",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "-D",
        ]);
        let made = init.arg(&data).current_dir(folder.path()).output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        // Should this process be killed, nothing is left running for ever.
        let mut command = Command::new("timeout");
        command.args(["--signal=INT", "1200"]).arg(bin.join("postgres")).arg("-D").arg(&data);
        command.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        command.args(["-c", "unix_socket_directories=", "-c", "max_connections=200"]);
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        let server = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let server = server.spawn().unwrap();
        let postgres = Self { bin, folder, user, server, port };
        let patience = Instant::now() + Duration::from_secs(180);
        while !postgres.answers() {
            assert!(Instant::now() < patience, "PostgreSQL does not answer on port {port}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(postgres)
    }

    fn answers(&self) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
            && self.client("pg_isready", &[]).output().unwrap().status.success()
    }

    fn client(&self, name: &str, args: &[&str]) -> Command {
        let mut command = program(&self.bin, name, self.user);
        command.args(["-h", "127.0.0.1", "-U", "tester", "-p", &self.port.to_string()]).args(args);
        command.current_dir(self.folder.path());
        command
    }

    /// What `psql` prints of `statements` in the database of that name.
    pub(crate) fn ask(&self, name: &str, statements: &str) -> String {
        let told = self.client("psql", &["-d", name, "-Atc", statements]).output().unwrap();
        assert!(told.status.success(), "psql: {}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8(told.stdout).unwrap()
    }

    /// The URL of a new, empty database.
    pub(crate) fn database(&self, name: &str) -> String {
        let made = self.client("createdb", &[name]).output().unwrap();
        assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
        format!("postgres://tester@127.0.0.1:{}/{name}", self.port)
    }
}

fn program(bin: &Path, name: &str, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(bin.join(name));
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command.stdin(Stdio::null());
    command
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = program(&self.bin, "pg_ctl", self.user);
        stop.args(["stop", "-m", "immediate", "-D"]).arg(self.folder.path().join("data"));
        // A test that failed is told of first; this must not panic on the way.
        drop(stop.current_dir(self.folder.path()).output());
        drop(self.server.kill());
        drop(self.server.wait());
    }
}
